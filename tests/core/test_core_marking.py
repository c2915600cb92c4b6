"""Spans in a gate: fitted to what it can do, moved, lifted, a cut taken back, sound replaced."""

from itertools import pairwise

import pytest
from fakes.gate_trial import CLIPS, FEEDS, S
from fakes.media import AUDIO, AVCC, audio, clip, video, video_track

from streamgate.core.edits import LIVE, Tally
from streamgate.core.gate import SLATE, Gate
from streamgate.core.headers import airable
from streamgate.core.kept_spans import keep_spans
from streamgate.core.packet import SILENCE, Kind
from streamgate.core.redaction import BLEEP
from streamgate.core.spans import MAX_SPANS, Spans
from streamgate.errors import Refused

FRAME = 40_000
GOP = 25  # a second


class Air:
    """A gate at 25 frames a second, a keyframe a second: picture n arrives at n * 40 ms, sound with it.

    `heard`: when each frame of sound arrived, in seconds.
    """

    def __init__(self, *clips) -> None:
        self.gate = Gate(30)
        self.n = 0
        self.heard: list[float] = []
        self.aired: list = []
        self.tally, self.pieces = Tally(), []
        self.gate.feed(FEEDS[0], 0)
        for one in (CLIPS[SLATE], *clips):
            self.gate.install(one, one.name, airable(FEEDS[0]))
        self.gate.start(0)

    @property
    def now(self) -> int:
        return self.n * FRAME

    def run(self, seconds: float, *, feed: bool = True) -> None:
        for _ in range(round(seconds * S / FRAME)):
            if feed:
                self.gate.packet(video(self.n, gop=GOP), self.now, self.n)
                while len(self.heard) * AUDIO.frame_ms <= self.n * 40:
                    self.gate.packet(audio(len(self.heard)), self.now, len(self.heard))
                    self.heard.append(self.n / GOP)
            out = self.gate.advance(self.now)
            self.aired += out
            self.pieces += self.tally.add(out, self.now, self.gate.why, self.gate.delay_us)
            self.n += 1

    def pictures(self) -> list[int]:
        """Return the numbers of the live pictures that aired."""
        return [one.number for one in self.live(Kind.VIDEO)]

    def live(self, kind: Kind) -> list:
        return [one for one in self.aired if one.arrival_us is not None and one.packet.kind is kind]

    def mark(self, first_s: float, last_s: float, kind="condemn"):
        now = self.now
        ends = now + round(first_s * S), now + round(last_s * S)
        return self.gate.mark(kind, ends, now, "console:li", "why")


def between(first_s: float, last_s: float) -> list[int]:
    return list(range(round(first_s * GOP), round(last_s * GOP)))


def test_exactly_the_snapped_span_is_missing():
    air = Air()
    air.run(40)
    span = air.mark(-12.51, -8.3)  # 27.49 to 31.7 of the feed
    reach = air.gate.marking.reach(span, air.now)
    assert (reach.first, reach.open_end) == (27_480_000, False), "the picture that was on screen"
    assert reach.last == 32 * S - 1_000, "up to the keyframe at 32"
    air.run(40)
    assert air.pictures() == [n for n in between(0, 50) if n not in between(27.48, 32)]


def test_the_end_is_open_until_the_keyframe_behind_it_has_come():
    air = Air()
    air.run(35.5)
    span = air.mark(-1, 0)
    assert air.gate.marking.reach(span, air.now).open_end
    air.run(1)
    reach = air.gate.marking.reach(span, air.now)
    assert (reach.last, reach.open_end) == (36 * S - 1_000, False)


def test_ends_can_be_moved_while_nothing_of_the_span_has_aired():
    air = Air()
    air.run(40)
    span = air.mark(-10, -8.3)
    air.gate.move(span, (25 * S, 28_300_000), air.now)
    air.run(40)
    assert air.pictures() == [n for n in between(0, 50) if n not in between(25, 29)]


def test_what_was_replaced_stays_when_the_beginning_is_moved_away():
    air = Air()
    air.run(40)
    span = air.mark(-20, -9.9)  # 20 to 30.1, so to 31
    air.run(13)  # 23 is due
    air.gate.move(span, (27 * S, 29_500_000), air.now)
    air.run(30)
    missing = [*between(20, 24), *between(27, 30)]
    assert air.pictures() == [n for n in between(0, 53) if n not in missing]
    assert all(one.code != "violation" for one in air.gate.notices)


def test_a_lifted_span_airs_as_far_as_it_had_not_come():
    air = Air()
    air.run(40)
    span = air.mark(-20, -5)
    air.run(12.5)  # 22.5 is due
    air.gate.lift(span, air.now)
    air.run(30)
    assert air.pictures() == [n for n in between(0, 52.5) if n not in between(20, 23)]
    with pytest.raises(Refused, match="no span s9"):
        air.gate.marking.find("s9", air.gate.past(air.now))


def test_one_of_two_spans_that_overlap_is_lifted():
    air = Air()
    air.run(40)
    air.mark(-12, -9.5)
    air.gate.lift(air.mark(-14, -10), air.now)
    air.run(40)
    assert air.pictures() == [n for n in between(0, 50) if n not in between(28, 31)]


def test_a_mistaken_cut_is_taken_back():
    air = Air()
    air.run(40)
    air.gate.cut(air.now, "console:li")
    air.run(2.5)  # what came at 10 to 12.5 is due meanwhile, and lost
    air.gate.uncut(air.now)
    air.run(30)
    assert air.pictures() == [n for n in between(0, 42.5) if n not in between(10, 13)]


@pytest.mark.parametrize(
    "act",
    [
        lambda gate, span, now: gate.lift(span, now),
        lambda gate, span, now: gate.move(span, (35 * S, 39 * S), now),
        lambda gate, span, now: gate.move(span, (now - 31 * S, now - 29 * S), now),
    ],
)
def test_what_fell_due_while_the_process_slept_stays_condemned(act):
    air = Air()
    air.run(40)
    span = air.mark(-12, -1)  # 28 to 39
    air.n += 26 * GOP  # now it is 66: 28 to 36 are due, and nothing was done about it
    act(air.gate, span, air.now)
    air.run(5)
    assert not set(air.pictures()) & set(between(28, 36))


def test_a_packet_that_is_due_and_still_here_can_be_condemned():
    air = Air()
    air.run(40)
    air.n += 26 * GOP
    air.mark(-38, -30)  # 28 to 36
    air.run(5)
    assert not set(air.pictures()) & set(between(28, 36))


def test_a_cut_is_taken_back_after_its_end_too():
    air = Air()
    air.run(40)
    air.gate.cut(air.now)
    air.run(1)
    air.gate.restore(air.now)
    air.run(2.4)  # 13.4 is due
    air.gate.uncut(air.now)
    air.run(30)
    assert air.pictures() == [n for n in between(0, 43.4) if n not in between(10, 14)]
    with pytest.raises(Refused, match="nothing is cut"):
        air.gate.uncut(air.now)


@pytest.mark.parametrize("ends", [(-5, -8), (-5, -5), (-39, -31), (1, 2)])
def test_spans_that_cannot_be_are_refused(ends):
    air = Air()
    air.run(40)
    with pytest.raises(Refused):
        air.mark(*ends)


def test_moving_uncovers_only_what_is_left_out_and_unaired():
    air = Air()
    air.run(40)
    span, now = air.mark(-20, -10), air.now
    uncovers = air.gate.marking.uncovers
    assert not uncovers(span, (20 * S, 30 * S), now, air.gate.past(now))
    assert not uncovers(span, (18 * S, 33 * S), now, air.gate.past(now))
    assert uncovers(span, (21 * S, 33 * S), now, air.gate.past(now))
    assert uncovers(span, (20 * S, 29 * S), now, air.gate.past(now))
    air.run(12)  # 22 is due
    assert not uncovers(span, (21 * S, 33 * S), air.now, air.gate.past(air.now))


def test_so_many_spans_that_one_more_widens_the_nearest():
    spans = Spans()
    for n in range(MAX_SPANS):
        spans.condemn(100 * n, 100 * n + 10)
    widened = spans.condemn(5_020, 5_030)
    assert (widened.start, widened.end, len(list(spans))) == (5_000, 5_030, MAX_SPANS)
    assert spans.condemned(5_025)


def test_mosaics_of_ever_other_boxes_and_cuts_find_an_end_too():
    spans = Spans()
    for n in range(2 * MAX_SPANS):
        box = (n / 1000, 0.0, 0.1, 0.1)
        made = spans.condemn(100 * n, 100 * n + 10, "console:li", "mosaic", box=box)
        assert made.covers(100 * n + 5)
        assert made.box in {box, None}
        spans.condemn_from(0)
        spans.release(100 * n)
        assert spans.condemned(100 * n)
    assert len(list(spans)) <= MAX_SPANS + 2


def test_what_finds_no_room_in_the_memory_keeps_what_is_older_away():
    spans = Spans()
    for n in range(200):
        spans.condemn(1_000 * n, 1_000 * n + 500, "console:li", "condemn", "x" * 300)
    kept = keep_spans(spans, past=10_000)
    assert kept.spans[-1].id == "s200"
    first = kept.spans[0]
    assert kept.settled_us == first.start - 1_000 + 500, "the end of the newest one left out"
    assert len(kept.spans) > 20


# ---------------------------------------------------------------- redaction


def test_muted_sound_is_replaced_by_silence_and_the_picture_goes_on():
    air = Air()
    air.run(40)
    air.mark(-10, -8, "mute")  # 30 to 32
    air.run(40)
    assert air.pictures() == between(0, 50)
    marked = {k for k, at_s in enumerate(air.heard) if 29.9 <= at_s <= 32}
    due = {k for k, at_s in enumerate(air.heard) if at_s < 50}
    assert {one.number for one in air.live(Kind.AUDIO)} == due - marked
    muted = [one for one in air.aired if one.redacted]
    assert {(one.redacted, one.redacted_by, one.number, one.packet.data) for one in muted} == {
        ("mute", "console:li", SILENCE, b"slate/silence")
    }
    assert len(muted) == len(marked)
    dts = [one.packet.dts for one in air.aired if one.packet.kind is Kind.AUDIO]
    assert all(a < b for a, b in pairwise(dts))


@pytest.mark.parametrize("kind", ["mute", "bleep"])
def test_a_move_leaves_an_unchanged_start_of_replaced_sound_where_it_is(kind):
    air = Air()
    air.run(40)
    span = air.mark(-10, -8, kind)  # 29.9 to 32
    for pulled_s in (33, 34, 35):
        reach = air.gate.marking.reach(span, air.now)
        air.gate.move(span, (reach.first, pulled_s * S), air.now)
    assert (span.start, span.end) == (29_900_000, 35 * S)


@pytest.mark.parametrize(
    ("first_us", "start_us"),
    [
        (25 * S, 24_900_000),  # a new start has its lead
        (29_899_500, 29_900_000),  # the present one, rounded to milliseconds
        (29_950_000, 29_900_000),  # less than the lead after it: what was asked for first keeps its lead
        (30 * S, 29_900_000),
        (31 * S, 30_900_000),
    ],
)
def test_a_new_start_of_replaced_sound_covers_the_lead_before_it(first_us, start_us):
    air = Air()
    air.run(40)
    span = air.mark(-10, -8, "mute")  # 29.9 to 32
    air.gate.move(span, (first_us, 32 * S), air.now)
    assert (span.start, span.end) == (start_us, 32 * S)


def test_the_edit_list_says_what_was_replaced_by_whom_and_with_what():
    air = Air(clip(BLEEP, video_track(AVCC[1]), frames=50))
    air.run(40)
    air.mark(-10, -8, "bleep")  # 29.9 to 32
    air.run(40)
    pieces = [one for one in air.pieces if one.source == LIVE]
    redacted = [one for one in pieces if one.why]
    assert {(one.why, one.actor) for one in redacted} == {("bleep", "console:li")}
    assert [one.arrived_us[0] // S for one in redacted] == [29, 30, 31, 32]
    tone = [run for one in redacted for run in one.runs if run.clip == BLEEP]
    assert {run.track for run in tone} == {"audio"}
    frames = [n for run in tone for n in range(run.first, run.first + run.count)]
    assert frames == [one.number for one in air.aired if one.redacted]
    heard = [run.arrived_us for one in redacted for run in one.runs if run.track == "audio" and not run.clip]
    assert all(last < 29_900_000 or first > 32 * S for first, last in heard)
    assert not [run for one in pieces if not one.why for run in one.runs if run.clip or run.arrived_us]


def test_a_bleep_airs_steady_frames_of_the_tone():
    air = Air(clip(BLEEP, video_track(AVCC[1]), frames=50))
    air.run(40)
    span = air.mark(-10, -8, "bleep")
    assert air.gate.can_redact(span)
    air.run(40)
    assert air.pictures() == between(0, 50)
    bleeped = [one for one in air.aired if one.redacted]
    assert bleeped
    assert all(one.packet.data.startswith(b"bleep/a") and one.number >= 4 for one in bleeped)


def test_filler_airs_where_the_tone_is_not_there():
    air = Air()
    air.run(40)
    span = air.mark(-10, -8.5, "bleep")
    assert not air.gate.can_redact(span)
    air.run(30.5)
    assert air.gate.why == ("bleep", "console:li")
    air.run(10)
    missing = between(29.92, 32)
    assert air.pictures() == [n for n in between(0, 50.5) if n not in missing], air.gate.why


def test_frames_of_another_configuration_are_not_used():
    other = AUDIO.__class__("aac", bytes.fromhex("1210"), 44100, 2)
    air = Air(clip(BLEEP, video_track(AVCC[1]), frames=50, audio=other))
    air.run(40)
    assert not air.gate.can_redact(air.mark(-10, -8.5, "bleep"))
