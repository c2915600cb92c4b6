"""A gate beside a plain model of what must never air, for property tests that follow a script."""

from collections import deque
from contextlib import suppress
from itertools import pairwise

from fakes.media import AUDIO, AVCC, audio, clip, video, video_track
from hypothesis import strategies as st

from streamgate.core.box import Box
from streamgate.core.clip import Clip
from streamgate.core.delay import MIN_DELAY_US
from streamgate.core.gate import SLATE, Gate
from streamgate.core.headers import airable
from streamgate.core.mosaic import Wanted
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet
from streamgate.core.spans import Span
from streamgate.errors import Refused

S = 1_000_000
FOREVER = 1 << 62
FILLER = video_track(AVCC[1])
FEEDS = [
    FeedFormat(video_track(AVCC[0]), AUDIO),
    FeedFormat(video_track(AVCC[0]), None),
    FeedFormat(video_track(AVCC[0]).__class__("h264", AVCC[0], 640, 360, 25, 1), AUDIO),
    FeedFormat(video_track(AVCC[0]), AudioTrack("opus", b"", 48000, 2, 960)),  # silence airs
    FeedFormat(video_track(AVCC[0]).__class__("av1", b"av1C", 1280, 720, 25, 1), AUDIO),  # nothing airs
    FeedFormat(None, AUDIO),  # nothing airs
]
CLIPS = {
    name: clip(name, FILLER.__class__("h264", AVCC[1], 1280, 720, 25, 1), frames=20)
    for name in (SLATE, "hills")
}
SMALL = {
    name: clip(name, FILLER.__class__("h264", AVCC[1], 640, 360, 25, 1), frames=20)
    for name in (SLATE, "hills")
}

ago, length = st.floats(0, 40), st.floats(0, 30)  # seconds before the command, seconds
condemn = st.tuples(st.just("condemn"), st.tuples(ago, length))
FACE, SIGN = (0.25, 0.1, 0.5, 0.3), (0.7, 0.0, 0.3, 0.25)
kinds = st.sampled_from(["mute", "bleep", "mosaic", ("mosaic", FACE), ("mosaic", SIGN)])
redact = st.tuples(st.just("redact"), st.tuples(kinds, ago, st.floats(0, 9)))
marks = (  # commands on spans; the number chooses one
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("dump"), st.floats(0.01, 35)),
    condemn,
    condemn,
    st.tuples(st.just("move"), st.tuples(st.integers(0, 5), ago, length)),
    st.tuples(st.just("lift"), st.integers(0, 5)),
    st.tuples(st.just("uncut"), st.none()),
    redact,
)
steps = st.one_of(
    st.tuples(st.just("feed"), st.sampled_from([0.04, 1.0, 5.3, 20.0, 33.0, 50.0])),
    st.tuples(st.just("quiet"), st.sampled_from([0.01, 0.5, 3.0, 29.0, 40.0])),
    st.tuples(st.just("jump"), st.floats(0, 100)),  # the process was asleep: time passes, nothing is called
    st.tuples(st.just("back"), st.floats(0, 100)),  # a clock that runs backwards
    st.tuples(st.just("source"), st.integers(0, len(FEEDS) - 1)),
    st.tuples(st.just("lose"), st.integers(1, 60)),  # packets lost on the way in
    *marks,
    st.tuples(st.just("make"), st.integers(0, 3)),  # so many mosaics that are wanted
    st.tuples(st.just("backup"), st.sampled_from(["hills", "unknown"])),
    st.tuples(st.just("live"), st.none()),
    st.tuples(st.just("delay"), st.floats(20, 60)),
    st.tuples(st.just("stop"), st.none()),
    st.tuples(st.just("start"), st.none()),
)


class Trial:
    """A gate beside a plain model of what must never air."""

    def __init__(self, max_ring_bytes: int) -> None:
        self.gate = Gate(30, max_ring_bytes=max_ring_bytes)
        self.now = 1000 * S
        self.offset = 0  # of the clock the gate is shown
        self.n = 0
        self.arrived: dict[bytes, int] = {}
        self.condemned: set[bytes] = set()  # for good: inside a span when they fell due
        self.gone: set[bytes] = set()  # the same, but for what a mosaic may stand for
        self.undecided: deque[bytes] = deque()  # have not fallen due
        self.spans: dict[str, tuple[int, int]] = {}  # condemned and not lifted, by the gate's ids
        self.mutes: dict[str, tuple[int, int]] = {}  # the same, redacted: sound never airs
        self.mosaics: dict[str, tuple[int, int]] = {}  # the same: pictures never air as they came
        self.boxes: dict[str, Box | None] = {}  # of each
        self.covered: dict[bytes, set[Box | None]] = {}  # what had to be when a picture fell due
        self.made: dict[Clip, Wanted] = {}  # mosaics and what they were made of
        self.left: set[bytes] = set()
        self.numbers = dict.fromkeys(Kind, 0)
        self.aired: list = []
        self.unfit: set[Kind] = set()  # what of the source can never air
        self.serial = 0
        self.broadcasts: list[list] = []
        self.command("start", None)
        self.source(0)

    def source(self, index: int) -> None:
        self.gate.feed(FEEDS[index], self.shown)
        self.unfit = {3: {Kind.AUDIO}, 4: {*Kind}, 5: {*Kind}}.get(index, set())
        for name, made in (SMALL if index == 2 else CLIPS).items() if index < 4 else ():
            self.gate.install(made, name, airable(FEEDS[index]))
        self.n = 0

    @property
    def shown(self) -> int:
        return self.now + self.offset

    def arrive(self) -> None:
        self.serial += 1
        tag = f"{self.serial}:"
        for packet in (video(self.n, gop=25, reorder=1, tag=tag + "v"), audio(self.n, tag=tag + "a")):
            self.arrived[packet.data] = self.gate._tick(self.shown)
            self.undecided.append(packet.data)
            if packet.kind in self.unfit:
                self.condemned.add(packet.data)
            number = self.numbers[packet.kind]
            self.numbers[packet.kind] += 1
            self.gate.packet(packet, self.shown, number)
            self.record(packet, number)
        self.n += 1

    def record(self, packet: Packet, number: int) -> None:
        """Called for each packet that arrived."""

    def decide(self) -> None:
        """Note for good which packets fall due inside a span: called before anything can change."""
        due = self.gate._tick(self.shown) - self.gate.delay_us
        while self.undecided and self.arrived[self.undecided[0]] <= due:
            data = self.undecided.popleft()
            if self.is_condemned(data):
                self.condemned.add(data)
            if self.is_inside(data, self.spans):
                self.gone.add(data)
            self.covered[data] = {
                self.boxes[name] for name, ends in self.mosaics.items() if self.is_inside(data, {name: ends})
            }

    def is_condemned(self, data: bytes) -> bool:
        return self.is_inside(data, self.spans | (self.mutes if b":a" in data else self.mosaics))

    def is_inside(self, data: bytes, spans: dict[str, tuple[int, int]]) -> bool:
        return any(first <= self.arrived[data] <= last for first, last in spans.values())

    def advance(self) -> None:
        self.decide()
        out = self.gate.advance(self.shown)
        shown = self.gate._tick(self.shown)
        for aired in out:
            if aired.redacted == "mosaic":
                self.check_mosaic(aired, shown)
            elif aired.arrival_us is not None:
                data = aired.packet.data
                assert shown - self.arrived[data] >= MIN_DELAY_US  # invariant 1
                assert data not in self.condemned  # invariant 2
                assert not self.is_condemned(data)
                assert data not in self.left
                self.left.add(data)
            self.broadcasts[-1].append((shown, aired))

    def check_mosaic(self, aired: Aired, shown: int) -> None:
        """What it stands for is due, and not condemned otherwise; it covers all that has to be."""
        data, arrival = self.stands_for(aired)
        assert shown - self.arrived[data] >= MIN_DELAY_US  # invariant 1
        assert data not in self.gone  # invariant 2
        boxes = self.made[aired.clip].group.boxes
        assert None in boxes or self.covered[data] <= boxes
        assert (aired.arrival_us, aired.redacted_by) == (arrival, "a")
        assert data not in self.left
        self.left.add(data)

    def stands_for(self, aired: Aired) -> tuple[bytes, int]:
        """Return the payload of the packet that a picture of a mosaic stands for, and its arrival."""
        held = sorted(self.made[aired.clip].packets, key=lambda one: one.packet.pts)[aired.number]
        return held.packet.data, held.arrival

    def make(self, most: int) -> None:
        for wanted, feed in self.gate.mosaics_wanted(self.shown)[:most]:
            slate = self.gate.clip(SLATE, feed)
            if slate is not None:
                name, pictures = f"mosaic{len(self.made)}", len(wanted.packets)
                made = clip(name, slate.video_track, pictures, slate.audio_track)
                self.made[made] = wanted
                self.installed(wanted, self.gate.install_mosaic(wanted, feed, made, self.shown))

    def installed(self, wanted: Wanted, taken: bool) -> None:
        """Called for each mosaic that was made."""

    def command(self, name: str, argument) -> None:
        self.decide()
        with suppress(Refused):
            self.carry_out(name, argument, self.gate, self.shown)
        if self.gate.spans.open is None and self.cut_id:  # restored or taken back: by what follows
            self.cut_id = ""

    cut_id = ""

    def carry_out(self, name: str, argument, gate: Gate, now: int) -> None:
        at = gate._tick(now)
        match name:
            case "start" | "stop":
                getattr(gate, name)(now)
                self.condemned |= set(self.undecided)
                self.gone |= set(self.undecided)
                self.undecided.clear()
                self.spans.clear()
                self.mutes.clear()
                self.mosaics.clear()
                if name == "start":
                    self.broadcasts.append([])
            case "cut":
                span = gate.cut(now, "a")
                self.spans[span.id] = (0, FOREVER)
                self.cut_id = span.id
                self.advance()
                before = len(self.broadcasts[-1])
                self.advance()
                assert all(a.arrival_us is None for _, a in self.broadcasts[-1][before:])  # invariant 4
            case "restore":
                gate.restore(now)
                self.spans[self.cut_id] = (0, at)
            case "uncut":
                self.spans.pop(gate.uncut(now).id)
            case "dump":
                self.spans[gate.dump(argument, now, "a").id] = (at - round(argument * S), at)
            case "condemn" | "redact":
                how, before_s, length_s = ("condemn", *argument) if name == "condemn" else argument
                kind, box = how if isinstance(how, tuple) else (how, None)
                first = at - round(before_s * S)
                last = first + round(length_s * S)
                span = gate.mark(kind, (first, last), now, "a", box=box)
                self.boxes[span.id] = box
                self.of(span)[span.id] = (first, min(last, at))
            case "move":
                number, before_s, length_s = argument
                span = self.pick(number)
                first = at - round(before_s * S)
                last = first + round(length_s * S)
                gate.move(span, (first, last), now)
                self.of(span)[span.id] = (first, min(last, at))
            case "lift":
                span = self.pick(argument)
                gate.lift(span, now)
                self.of(span).pop(span.id, None)
            case "make":
                self.make(argument)
            case "backup":
                gate.air_backup(argument, now)
            case "live":
                gate.air_live(now)
            case "delay":
                gate.set_delay(argument, now)

    def of(self, span: Span) -> dict[str, tuple[int, int]]:
        if span.why == "mosaic":
            return self.mosaics
        return self.mutes if span.redacts else self.spans

    def pick(self, number: int):
        known = [span for span in self.gate.spans if span.id]
        if not known:
            raise Refused("nothing stands")
        return self.gate.marking.find(known[number % len(known)].id, self.gate.past(self.shown))

    def run(self, script) -> None:
        for name, argument in script:
            match name:
                case "feed" | "quiet":
                    for _ in range(round(argument / 0.04)):
                        if name == "feed":
                            self.arrive()
                        self.advance()
                        self.now += 40_000
                case "jump":
                    self.now += round(argument * S)
                case "back":
                    self.offset -= round(argument * S)
                case "source":
                    self.source(argument)
                case "lose":
                    self.n += argument
                case _:
                    self.command(name, argument)


def check_program(broadcast: list) -> None:
    """Invariant 3: one continuous, monotonic, decodable timeline."""
    for kind in (Kind.VIDEO, Kind.AUDIO):
        dts = [aired.packet.dts for _, aired in broadcast if aired.packet.kind is kind]
        assert all(a < b for a, b in pairwise(dts))
    assert all(aired.packet.pts >= aired.packet.dts for _, aired in broadcast)
    header = None
    decodable: set[bytes] = set()
    last = None
    for _, aired in broadcast:
        header = aired.header or header
        assert header is not None
        if aired.packet.kind is not Kind.VIDEO:
            continue
        source = aired.packet.data.split(b"/")[0] if aired.arrival_us is None else b"live"
        if source != last:
            assert aired.packet.keyframe  # a splice enters at a keyframe
            last = source
        decodable.add(aired.packet.data)
