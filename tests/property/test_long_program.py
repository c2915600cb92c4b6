"""4 h 40 min of one program by a fake clock: the cameras' and the program's own 24-bit timestamps wrap.

Cuts, spans, redacted sound, backup and the standby camera come all the while, and cameras are lost. The
cameras send few pictures and long audio frames, so that it takes seconds.
"""

from random import Random

from fakes.gate_trial import S, Trial
from fakes.media import AVCC, clip, video_track

from streamgate.core.gate import SLATE
from streamgate.core.headers import airable
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet
from streamgate.core.redaction import BLEEP
from streamgate.core.standby import STANDBY
from streamgate.core.timestamps import TimelineMender
from streamgate.rtmp.chunk import WHILE_PUBLISHING, ChunkReader, ChunkWriter

FRAME_MS, GOP = 200, 10
SOUND = AudioTrack("aac", bytes.fromhex("1590"), 8000, 2)  # 128 ms a frame
FEED = FeedFormat(video_track(AVCC[0], fps=1000 // FRAME_MS), SOUND)
WRAP_MS = 1 << 24


class Camera:
    """A camera whose encoder counts in 24 bits, from `begin_ms` on."""

    def __init__(self, name: str, begin_ms: int) -> None:
        self.name, self.begin_ms = name, begin_ms
        self.pictures = self.frames = 0
        self.mender = TimelineMender()
        self.lost_until = 0  # what it sends till then does not come

    def send(self, now: int) -> list[Packet]:
        """Return a picture and the sound up to it; what is lost on the way is left out."""
        at = self.pictures * FRAME_MS
        packets = []
        if now >= self.lost_until:
            in_gop = self.pictures % GOP  # I P B P B ... P, as encoders send them
            later = 1 if in_gop in (0, GOP - 1) else 2 * (in_gop % 2)
            packets.append(self._packet(Kind.VIDEO, at, later * FRAME_MS, now))
        self.pictures += 1
        while self.frames * SOUND.frame_ms <= at:
            if now >= self.lost_until:
                packets.append(self._packet(Kind.AUDIO, round(self.frames * SOUND.frame_ms), 0, now))
            self.frames += 1
        return packets

    def _packet(self, kind: Kind, at: int, composition_ms: int, now: int) -> Packet:
        stamp = self.mender.mend(kind, (self.begin_ms + at) % WRAP_MS, composition_ms, now)
        assert stamp is not None
        keyframe = kind is Kind.VIDEO and self.pictures % GOP == 0
        # Its payload names when it is shown or heard, by the camera's own clock, which never wraps.
        mark = "v" if kind is Kind.VIDEO else "a"
        data = f"{self.name}:{mark}{at + composition_ms}".encode()
        return Packet(kind, stamp.dts, stamp.pts, keyframe, data)


class LongTrial(Trial):
    """A trial with two such cameras, which judges what airs at once and keeps nothing of it."""

    def __init__(self) -> None:
        self.main, self.spare = Camera("main", 0), Camera("spare-1", WRAP_MS - 600_000)
        self.spares = 1
        self.last_dts = {Kind.VIDEO: -1, Kind.AUDIO: -1}
        self.on_air = ""
        self.shift: dict[Kind, int] = {}  # of the camera on air: program time less its own
        self.counts = dict.fromkeys(("main", "spare", "filler", "redacted"), 0)
        self.worst_skew_ms = 0
        self.wire, self.viewer = ChunkWriter(), ChunkReader(WHILE_PUBLISHING)
        super().__init__(1 << 30)

    def source(self, index: int) -> None:
        self.gate.feed(FEED, self.shown)
        self.gate.standby_feed(FEED, self.shown)
        filler = video_track(AVCC[1], fps=1000 // FRAME_MS)
        for name in (SLATE, "hills", BLEEP):
            self.gate.install(clip(name, filler, frames=20, audio=SOUND), name, airable(FEED))

    def new_spare(self) -> None:
        """Another encoder takes the standby's place: its clock begins anew."""
        self.spares += 1
        self.spare = Camera(f"spare-{self.spares}", 40)
        self.gate.standby_feed(FEED, self.shown)

    def arrive(self) -> None:
        for camera, take in ((self.main, self.gate.packet), (self.spare, self.gate.standby_packet)):
            for packet in camera.send(self.now):
                self.arrived[packet.data] = self.now
                self.undecided.append(packet.data)
                take(packet, self.now, 0)

    def advance(self) -> None:
        begun = len(self.broadcasts[-1])
        super().advance()
        for _, aired in self.broadcasts[-1][begun:]:
            self.judge(aired)

    def judge(self, aired: Aired) -> None:
        packet = aired.packet
        assert packet.dts > self.last_dts[packet.kind]
        assert packet.pts >= packet.dts
        self.last_dts[packet.kind] = packet.dts
        self.send(packet)
        live = aired.arrival_us is not None and not aired.redacted
        camera, _, mark = packet.data.decode().partition(":") if live else ("", "", "")
        if packet.kind is Kind.VIDEO and camera != self.on_air:
            assert packet.keyframe, "a splice enters at a keyframe"
            self.on_air = camera
            self.shift.clear()
        if aired.redacted:
            self.counts["redacted"] += 1
        elif packet.kind is Kind.VIDEO:
            self.counts[camera.partition("-")[0] or "filler"] += 1
        if live and camera == self.on_air:
            self.shift[packet.kind] = packet.pts - int(mark[1:])
            if len(self.shift) == 2:
                skew = self.shift[Kind.AUDIO] - self.shift[Kind.VIDEO]
                self.worst_skew_ms = max(self.worst_skew_ms, abs(skew))

    def send(self, packet: Packet) -> None:
        """Send it as a destination gets it, who must read the same time."""
        kind, stream = (9, 4) if packet.kind is Kind.VIDEO else (8, 5)
        (message,) = self.viewer.receive(self.wire.message(stream, kind, packet.dts, 1, b"payload"))
        assert message.timestamp == packet.dts

    def tick(self) -> None:
        self.arrive()
        self.advance()
        self.broadcasts[-1].clear()
        self.now += FRAME_MS * 1000
        if self.now % (600 * S) == 0:
            self.forget(self.now - 300 * S)

    def forget(self, until: int) -> None:
        """Forget what arrived before `until`, and spans that ended before."""
        old = {data for data, at in self.arrived.items() if at < until}
        for data in old:
            del self.arrived[data]
        self.condemned -= old
        self.left -= old
        for spans in (self.spans, self.mutes):
            for name in [name for name, (_, last) in spans.items() if last < until]:
                del spans[name]


def act(trial: LongTrial, dice: Random) -> None:
    """Let a person do something, or something happen to a camera."""
    ago, length = dice.uniform(0, 28), dice.uniform(0.5, 12)
    trouble = {"main is lost", "standby is lost", "another standby"}
    arguments = {
        "cut": None,
        "restore": None,
        "uncut": None,
        "live": None,
        "dump": dice.uniform(0.5, 20),
        "condemn": (ago, length),
        "redact": (dice.choice(("mute", "bleep")), ago, length),
        "move": (dice.randrange(6), ago, length),
        "lift": dice.randrange(6),
        "backup": dice.choice(("hills", STANDBY, STANDBY)),
    }
    often = ("restore", "restore", "redact", "backup", "live", "live")
    what = dice.choice((*arguments, *often, *sorted(trouble)))
    until = trial.now + round(dice.uniform(0.4, 50) * S)
    match what:
        case "main is lost":
            trial.main.lost_until = until
        case "standby is lost":
            trial.spare.lost_until = until
        case "another standby":
            trial.new_spare()
        case _:
            trial.command(what, arguments[what])


def test_a_program_of_4_h_40_min_with_spans_redaction_and_standby_switches():
    trial, dice = LongTrial(), Random(13)
    following = trial.now + 60 * S
    while trial.last_dts[Kind.VIDEO] < WRAP_MS + 60_000:
        if trial.now >= following:
            act(trial, dice)
            following = trial.now + round(dice.uniform(5, 45) * S)
        trial.tick()
    assert trial.main.pictures * FRAME_MS > WRAP_MS, "the main camera's timestamps wrapped, too"
    assert trial.worst_skew_ms <= 1, "sound and picture of a camera keep their distance"
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]
    least = {"main": 10_000, "spare": 5_000, "filler": 5_000, "redacted": 500}
    assert {name for name, count in trial.counts.items() if count < least[name]} == set(), trial.counts
