"""Invariants 1 to 4 of the architecture, over random packets, commands, losses and clock behaviour."""

from itertools import pairwise

from fakes.media import AUDIO, AVCC, audio, clip, video, video_track
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.delay import MIN_DELAY_US
from streamgate.core.gate import SLATE, Gate
from streamgate.core.headers import airable
from streamgate.core.packet import AudioTrack, FeedFormat, Kind
from streamgate.errors import Refused

S = 1_000_000
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

steps = st.one_of(
    st.tuples(st.just("feed"), st.sampled_from([0.04, 1.0, 5.3, 20.0, 33.0, 50.0])),
    st.tuples(st.just("quiet"), st.sampled_from([0.01, 0.5, 3.0, 29.0, 40.0])),
    st.tuples(st.just("jump"), st.floats(0, 100)),  # the process was asleep: time passes, nothing is called
    st.tuples(st.just("back"), st.floats(0, 100)),  # a clock that runs backwards
    st.tuples(st.just("source"), st.integers(0, len(FEEDS) - 1)),
    st.tuples(st.just("lose"), st.integers(1, 60)),  # packets lost on the way in
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("dump"), st.floats(0.01, 35)),
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
        self.condemned: set[bytes] = set()
        self.aired: list = []
        self.cut = False
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
            if self.cut or packet.kind in self.unfit:
                self.condemned.add(packet.data)
            self.gate.packet(packet, self.shown)
        self.n += 1

    def advance(self) -> None:
        out = self.gate.advance(self.shown)
        shown = self.gate._tick(self.shown)
        for aired in out:
            if aired.arrival_us is not None:
                data = aired.packet.data
                assert shown - self.arrived[data] >= MIN_DELAY_US  # invariant 1
                assert data not in self.condemned  # invariant 2
            self.broadcasts[-1].append((shown, aired))

    def command(self, name: str, argument) -> None:
        gate, now = self.gate, self.shown
        try:
            match name:
                case "start":
                    gate.start(now)
                    self.broadcasts.append([])
                    self.cut = False
                case "stop":
                    gate.stop(now)
                    self.condemned |= set(self.arrived)
                    self.cut = False
                case "cut":
                    gate.cut(now, "a")
                    self.condemned |= set(self.arrived)
                    self.cut = True
                    self.advance()
                    before = len(self.broadcasts[-1])
                    self.advance()
                    assert all(a.arrival_us is None for _, a in self.broadcasts[-1][before:])  # invariant 4
                case "restore":
                    gate.restore(now)
                    self.cut = False
                case "dump":
                    gate.dump(argument, now, "a")
                    since = gate._tick(now) - round(argument * S)
                    self.condemned |= {data for data, at in self.arrived.items() if at >= since}
                case "backup":
                    gate.air_backup(argument, now)
                case "live":
                    gate.air_live(now)
                case "delay":
                    gate.set_delay(argument, now)
        except Refused:
            pass

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


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=12), st.sampled_from([1 << 30, 400_000]), st.sampled_from([0.0, 31.0, 45.0]))
def test_invariants_hold_whatever_happens(script, max_ring_bytes, lead_in):
    trial = Trial(max_ring_bytes)
    trial.run([("feed", lead_in), *script, ("feed", 35.0)])
    for broadcast in trial.broadcasts:
        check_program(broadcast)
    assert not [notice for notice in trial.gate.notices if notice.code == "violation"]


@settings(max_examples=40, deadline=None)
@given(st.lists(steps.filter(lambda s: s[0] not in ("stop", "start", "jump", "back")), max_size=10))
def test_the_program_never_stops(script):
    trial = Trial(1 << 30)
    trial.run([("feed", 31.0), *script, ("feed", 35.0)])
    trial.run([("quiet", 2.0)])
    walls = [now for now, aired in trial.broadcasts[-1] if aired.packet.kind is Kind.VIDEO]
    shortest_promise = 1_040_000 + 200_000  # a hole of up to a second is jitter and is passed on
    assert all(b - a <= shortest_promise for a, b in pairwise(walls))
    assert trial.gate._tick(trial.shown) - walls[-1] <= 200_000


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), max_size=12), st.floats(0, 130))
def test_spans_cover_exactly_what_was_condemned(dumps, at):
    from streamgate.core.spans import Spans

    spans = Spans()
    pairs = [(round(start * S), round((start + length) * S)) for start, length in dumps]
    for start, end in pairs:
        spans.condemn(start, end)
    arrival = round(at * S)
    assert spans.condemned(arrival) is any(start <= arrival <= end for start, end in pairs)
    listed = list(spans)
    assert all(a.end < b.start for a, b in pairwise(listed))
