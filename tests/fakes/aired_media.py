"""Broadcasts for tests: a gate airs a feed, recorded by the archive's own writers, in a moment."""

import functools
import hashlib
import time

import clips_media
from fakes.media import AVCC
from tiny_media import shift

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.edit_list import Begin, End
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.clip import audio_frames_for, encode
from streamgate.core.edits import Tally
from streamgate.core.fmp4 import silent_frame
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, VideoTrack
from streamgate.playout.clip_file import open_clip

WALL = 1_790_000_000.0  # 2026-09-21T14:13:20Z
NAME = broadcast_id("main", WALL)
S = 1_000_000
MANY = 20_000  # packets that may wait for the disk: a broadcast of hours is aired in seconds


def clip_file(folder, name, *, frames=30, track=None, audio=None, video=None, sound=None):
    """Write a clip file as the cache has it, and open it.

    `video`: (payload, keyframe) of each frame, and `sound`, the frame that is always heard; without them it
    has pictures and sound that nobody can decode, each another one.
    """
    track = track or VideoTrack("h264", AVCC[1], 160, 96, 25, 1)
    audio = audio or AudioTrack("aac", bytes.fromhex("1190"), 48000, 2)
    video = video or [(b"\0\0\0\5\x65" + f"{name[:1]}{i:03d}".encode(), i % 25 == 0) for i in range(frames)]
    count = audio_frames_for(len(video), track, audio)
    parts = encode(
        name,
        FeedFormat(track, audio),
        video,
        [sound or f"{name} sound {i}".encode() for i in range(count)],
        silence=sound or f"{name} silence".encode(),
        has_sound=name != SLATE,
    )
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:40]}-r8.clip"
    folder.mkdir(exist_ok=True)
    path.write_bytes(b"".join(parts))
    made = open_clip(path, name, None)
    made.path = str(path)
    return made


@functools.cache
def filler(width=160, height=96, sps_id=1):
    """Return track and (payload, keyframe) of 2 s of pictures to be joined to a feed of parameter sets 0."""
    form, packets = clips_media.feed(
        width=width, height=height, fps=25, frames=50, gop=25, bframes=0, rate=0, params=f"sps-id={sps_id}"
    )
    return form.video, [(packet.data, packet.keyframe) for packet in packets]


def playable_clips(folder, audio, **size):
    """Return a slate and a backup that a player shows, both silent."""
    track, video = filler(**size)
    sound = silent_frame(audio)
    return [
        clip_file(folder, name, track=track, audio=audio, video=video, sound=sound)
        for name in (SLATE, "hills.mp4")
    ]


class Airing:
    """A channel on air from `at` on: what arrives is recorded, and airs 30 s later. `aired`: all of it.

    `feed`: format and packets, sent again and again. `silence_ms`: from when to when the encoder is lost.
    """

    def __init__(
        self, root, feed, clips, *, at=WALL, laps=5, alarm=lambda *_: None, silence_ms=(1 << 40, 1 << 40)
    ):
        self.form, packets = feed
        lap_ms = round(sum(packet.kind is Kind.VIDEO for packet in packets) * self.form.video.frame_ms)
        self.arrivals = [packet for lap in range(laps) for packet in shift(packets, lap * lap_ms)]
        self.archive = ArchiveWriter(root, "main", alarm=alarm, queue_bytes=1 << 30)
        self.archive.start()
        self.archive.format(self.form, "obs")
        self.writer = EditWriter(root, "main", alarm=alarm)
        self.at, self.name = at, broadcast_id("main", at)
        self.aired = []
        self._silence_ms = silence_ms
        self._ms = self._place = 0
        self._begin(clips)

    def _begin(self, clips, **more):
        now = self._ms * 1000
        self.gate, self.tally = Gate(30), Tally()
        wall = self.at + self._ms / 1000
        values = {"started_at": self.at, "at": wall, "mono_us": now, "boot": "b", "floor_us": 30 * S}
        values |= {"broadcast": self.name, "channel": "main", "delay_us": 30 * S, **more}
        self.writer.put(Begin(**values, series=self.archive.series))
        self.gate.start(now)
        self.gate.feed(self.form, now)
        for made in clips:
            self.gate.install(made, made.name, self.form)

    def kill(self, clips, away_ms):
        """The gate ends with the piece at hand, and another process goes on after some time."""
        self._ms += away_ms
        while self._place < len(self.arrivals) and self.arrivals[self._place].dts <= self._ms:
            self._place += 1
        self._begin(clips, resumed=True)

    def run(self, until_ms, commands=None):
        """Go on until then, in steps of 20 ms. `commands`: by the time at which they are given, ms."""
        commands = commands or {}
        lost, back = self._silence_ms
        for ms in range(self._ms, until_ms, 20):
            now = ms * 1000
            while self._place < len(self.arrivals) and self.arrivals[self._place].dts <= ms:
                if not lost <= ms < back:
                    packet = self.arrivals[self._place]
                    number = self.archive.packet(packet, now, self.at + ms / 1000)
                    self.gate.packet(packet, now, number)
                self._place += 1
            while len(self.archive._intake) > MANY:
                time.sleep(0.01)
            if ms == lost:
                self.archive.gone()
            if ms == back:
                self.archive.format(self.form, "obs again")
                self.gate.feed(self.form, now)
            if ms in commands:
                commands[ms](self.gate, now)
            out = self.gate.advance(now)
            self.aired += out
            self._tell(self.tally.add(out, now, self.gate.why, self.gate.delay_us))
        self._ms = until_ms

    def _tell(self, pieces):
        for told in pieces:
            told.at = self.at + told.from_us / 1e6
            self.writer.put(told)
        for key, made in self.tally.clips.items():
            self.writer.keep(key, made)
        self.tally.clips.clear()

    def end(self):
        self._tell(self.tally.end())
        self.writer.put(End(self.at + self._ms / 1000))
        self.close()

    def close(self):
        assert self.archive.close()
        assert self.writer.close()


COMMANDS = {
    40_500: lambda gate, now: gate.cut(now, "console:li"),
    43_000: lambda gate, now: gate.restore(now),
    80_000: lambda gate, now: gate.air_backup("hills.mp4", now, "cli:root"),
    84_000: lambda gate, now: gate.air_live(now),
    88_000: lambda gate, now: gate.dump(3, now, "console:wu"),
}
"""A cut, a backup and a dump within 100 s."""


def air_broadcast(root, feed, clips, alarms=lambda *_: None):
    """Air 135 s of five laps of 20 s with a cut, a backup, a dump and a lost encoder; return what aired."""
    airing = Airing(root, feed, clips, alarm=alarms, silence_ms=(92_300, 95_000))
    airing.run(135_000, COMMANDS)
    airing.end()
    return airing.aired
