"""Invariants 1 to 4 of the architecture, over random packets, commands, losses and clock behaviour."""

from itertools import pairwise

from fakes.gate_trial import FEEDS, FILLER, FOREVER, S, Trial, check_program, marks, steps
from fakes.media import clip
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.headers import airable
from streamgate.core.packet import Kind


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
    assert [(span.start, span.end) for span in spans] == pairs, "each can be moved and lifted on its own"


class ExactTrial(Trial):
    """A trial of one steady feed: it also says what must air, all that no span covers and a decoder can show.

    Spans count with the ends that the gate gave them.
    """

    def __init__(self) -> None:
        self.breaks: set[int] = set()  # before so many pictures were decided a cut ended live
        self.pictures: list[bytes] = []  # decided, in order
        super().__init__(1 << 30)

    def decide(self) -> None:
        before = len(self.undecided)
        waiting = list(self.undecided)
        super().decide()
        self.pictures += [data for data in waiting[: before - len(self.undecided)] if b":v" in data]

    def carry_out(self, name, argument, gate, now) -> None:
        if name != "start":
            self.advance()  # what is due leaves before the command, as in a process that is awake
        if name == "cut":
            self.breaks.add(len(self.pictures))
        super().carry_out(name, argument, gate, now)
        for span in gate.spans:
            if span.id in self.of(span):
                self.of(span)[span.id] = (span.start, FOREVER if span.end is None else span.end)

    def expected(self) -> list[bytes]:
        live, aired = False, []
        for place, data in enumerate(self.pictures):
            live = live and place not in self.breaks
            if data in self.condemned:
                live = False
            elif int(data.rpartition(b":v")[2]) % 25 == 0:
                live = True
            if live:
                aired.append(data)
        return aired


pauses = st.tuples(st.just("feed"), st.sampled_from([0.04, 0.2, 1.0, 5.3, 20.0]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(*marks, pauses, pauses), max_size=16))
def test_all_that_no_span_covers_airs(script):
    trial = ExactTrial()
    trial.gate.install(clip("bleep", FILLER, frames=50), "bleep", airable(FEEDS[0]))
    trial.run([("feed", 41.0), *script, ("feed", 33.0)])
    trial.command("restore", None)
    trial.run([("feed", 40.0)])
    left = [one.packet.data for _, one in trial.broadcasts[-1] if one.arrival_us is not None]
    assert [data for data in left if b":v" in data] == trial.expected()
