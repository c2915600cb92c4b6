"""Pieces of the edit list: every packet that aired stands in exactly one run, with its time held."""

from itertools import chain, pairwise

from fakes.media import AUDIO, AVCC, audio, clip, video, video_track
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.edits import FILLER, LIVE, Tally, clip_key
from streamgate.core.gate import SLATE, Gate, Why
from streamgate.core.packet import SILENCE, Aired, FeedFormat, Kind, Packet, VideoTrack

S = 1_000_000
FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
TRACK = {"video": Kind.VIDEO, "audio": Kind.AUDIO, "data": Kind.DATA}
CLIPS = {name: clip(name, video_track(AVCC[1]), frames=30) for name in (SLATE, "hills")}


def unroll(pieces):
    """Return (kind, clip, number) of all that pieces say aired, in order of each kind."""
    out = {kind: [] for kind in Kind}
    for run in chain.from_iterable(piece.runs for piece in pieces):
        step = 0 if run.first == SILENCE else 1
        out[TRACK[run.track]] += [(run.clip, run.first + step * n) for n in range(run.count)]
    return out


def names(aired):
    out = {kind: [] for kind in Kind}
    for one in aired:
        out[one.packet.kind].append(("" if one.clip is None else clip_key(one.clip), one.number))
    return out


def check(pieces, batches):
    """`batches`: (left_us, [Aired]) as they were given to the tally."""
    aired = [one for _, batch in batches for one in batch]
    assert unroll(pieces) == names(aired)
    held = sorted(
        left - one.arrival_us for left, batch in batches for one in batch if one.arrival_us is not None
    )
    told = [piece.held for piece in pieces if piece.held is not None]
    assert sum(one.packets for one in told) == len(held)
    assert sum(one.sum_us for one in told) == sum(held)
    assert min((one.min_us for one in told), default=None) == (held[0] if held else None)
    assert max((one.max_us for one in told), default=None) == (held[-1] if held else None)
    assert sum(one.below_floor for one in told) == sum(one < 30 * S for one in held)
    spread = sorted(ms for one in told for ms, count in one.ms for _ in range(count))
    assert spread == [one // 1000 for one in held]
    assert all(a.to_us <= b.from_us for a, b in pairwise(pieces))


one_aired = st.builds(
    lambda kind, number, step, keyframe, live, silent, splice, held: (
        kind,
        number,
        step,
        keyframe,
        live,
        silent,
        splice,
        held,
    ),
    st.sampled_from(list(Kind)),
    st.one_of(st.none(), st.integers(0, 5)),  # None: follows on the last one of its kind
    st.sampled_from([0, 33, 2000]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 9).map(lambda n: n == 0),
    st.integers(29 * S, 31 * S),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(one_aired, max_size=8), st.integers(0, 1_500_000), st.integers(0, 2)), max_size=20
    )
)
def test_every_packet_stands_in_exactly_one_run_with_its_time(script):
    tally, pieces, batches = Tally(), [], []
    left, dts = 100 * S, 0
    last = dict.fromkeys(Kind, 0)
    for batch, wait, why in script:
        left += wait
        aired = []
        for kind, number, step, keyframe, live, silent, splice, held in batch:
            dts += step
            last[kind] = last[kind] + 1 if number is None else number
            packet = Packet(kind, dts, dts, keyframe and kind is Kind.VIDEO, b"x")
            part = FEED if splice and kind is Kind.VIDEO else None
            if live:
                aired.append(Aired(packet, None, left - held, part, last[kind]))
            else:
                sounds = kind is Kind.AUDIO and silent
                aired.append(Aired(packet, None, None, part, SILENCE if sounds else last[kind], CLIPS[SLATE]))
        batches.append((left, aired))
        pieces += tally.add(aired, left, Why("cut", str(why)), 30 * S)
    pieces += tally.end()
    check(pieces, batches)
    assert tally.end() == []
    assert set(tally.clips) <= {SLATE}


class Air:
    """A gate with a feed of 25 pictures a second, its edit list beside it."""

    def __init__(self):
        self.gate = Gate(30)
        self.tally = Tally()
        self.now, self.n, self.sound = 1000 * S, 0, 0
        self.pieces, self.batches = [], []
        self.gate.start(self.now)
        self.gate.feed(FEED, self.now)
        for name, made in CLIPS.items():
            self.gate.install(made, name, FEED)

    def run(self, seconds, *, feed=True):
        for _ in range(round(seconds / 0.04)):
            if feed:
                self.gate.packet(video(self.n, gop=25), self.now, self.n)
                while self.sound * AUDIO.frame_ms < (self.n + 1) * 40:
                    self.gate.packet(audio(self.sound), self.now, self.sound)
                    self.sound += 1
                self.n += 1
            self.step()
            self.now += 40_000

    def step(self):
        aired = self.gate.advance(self.now)
        self.batches.append((self.now, aired))
        self.pieces += self.tally.add(aired, self.now, self.gate.why, self.gate.delay_us)

    def end(self):
        self.pieces += self.tally.end()
        check(self.pieces, self.batches)
        return self.pieces


def test_a_broadcast_says_why_each_filler_aired_and_who_commanded_it():
    air = Air()
    air.run(40)
    air.gate.cut(air.now, "console:li")
    air.run(3)
    air.gate.restore(air.now)
    air.run(35)
    air.gate.air_backup("hills", air.now, "cli:root")
    air.run(3)
    air.gate.air_live(air.now)
    air.run(5)
    air.gate.dump(4, air.now, "console:wu")
    air.run(40)
    air.run(4, feed=False)
    air.run(33)
    pieces = air.end()
    story = []
    for piece in pieces:
        now = (piece.source, piece.filler, piece.why, piece.actor)
        if not story or story[-1] != now:
            story.append(now)
    live = (LIVE, "", "", "")
    assert story == [
        (FILLER, SLATE, "start", ""),
        live,
        (FILLER, SLATE, "cut", "console:li"),
        live,
        (FILLER, "hills", "backup", "cli:root"),
        live,
        (FILLER, SLATE, "dump", "console:wu"),
        live,
        (FILLER, SLATE, "no_input", ""),
        live,
    ]
    assert {piece.held.below_floor for piece in pieces if piece.held} == {0}
    held = {ms for piece in pieces if piece.held for ms, _ in piece.held.ms}
    assert held == {30_000, 30_040}  # sound that came before its keyframe waits for it


def test_a_raised_delay_and_a_new_format_are_causes_of_their_own():
    air = Air()
    air.run(35)
    air.gate.set_delay(33, air.now)
    air.run(40)
    air.gate.feed(FeedFormat(VideoTrack("hevc", b"of another size", 640, 360, 25, 1), AUDIO), air.now)
    air.run(35)
    pieces = air.end()
    causes = dict.fromkeys(piece.why for piece in pieces if piece.source == FILLER)
    assert list(causes) == ["start", "delay", "no_filler"]
    assert {piece.delay_us for piece in pieces if piece.held and piece.held.min_us >= 33 * S} == {33 * S}


def test_live_and_filler_are_told_group_by_group():
    air = Air()
    air.run(50)
    pieces = [piece for piece in air.end() if piece.source == LIVE]
    assert [piece.part for piece in pieces] == [FEED] + [None] * (len(pieces) - 1)
    pictures = [run for piece in pieces for run in piece.runs if run.track == "video"]
    assert [run.first for run in pictures] == list(range(0, 25 * len(pieces), 25))
    assert {run.count for run in pictures[:-1]} == {25}


def test_an_endless_group_of_pictures_is_told_every_four_seconds():
    tally, pieces = Tally(), []
    for n in range(25 * 30):
        packet = Packet(Kind.VIDEO, n * 40, n * 40, n == 0, b"x")
        pieces += tally.add(
            [Aired(packet, None, n * 40_000, None, n)], 30 * S + n * 40_000, Why("start"), 30 * S
        )
    assert len(pieces) == 7
    assert {piece.to_us - piece.from_us for piece in pieces} == {3_960_000}


def test_a_feed_of_keyframes_alone_gets_a_line_a_second():
    tally, pieces = Tally(), []
    for n in range(25 * 10):
        packet = Packet(Kind.VIDEO, n * 40, n * 40, True, b"x")
        pieces += tally.add(
            [Aired(packet, None, n * 40_000, None, n)], 30 * S + n * 40_000, Why("start"), 30 * S
        )
    assert len(pieces) == 9
