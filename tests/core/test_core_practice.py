"""Practices: random marks, and presses counted against them."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.practice import (
    FIRST_S,
    LEAST_GAP_S,
    MAX_MARKS,
    MIN_MARKS,
    MOST_GAP_S,
    WINDOW_US,
    Marked,
    Tally,
    plan_marks,
)

SECOND = 1_000_000


@given(st.integers(MIN_MARKS, MAX_MARKS), st.randoms(use_true_random=False))
def test_marks_come_at_random_far_enough_apart_and_of_both_kinds(count: int, chance: random.Random) -> None:
    marks = plan_marks(count, chance.random)
    assert [one.number for one in marks] == list(range(1, count + 1))
    assert FIRST_S <= marks[0].at_s <= FIRST_S + MOST_GAP_S - LEAST_GAP_S
    gaps = [b.at_s - a.at_s for a, b in pairwise(marks)]
    assert all(LEAST_GAP_S - 0.002 <= gap <= MOST_GAP_S + 0.002 for gap in gaps)
    assert WINDOW_US < LEAST_GAP_S * SECOND
    pictures = sum(one.kind == "picture" for one in marks)
    assert 0 <= pictures - (count - pictures) <= 1


def test_a_press_answers_the_newest_mark_once() -> None:
    tally = Tally()
    tally.press("cut", 5 * SECOND)  # before there was any
    tally.plant(1, "picture", 10 * SECOND)
    assert tally.press("dump", 10 * SECOND + 700_000) == Marked(1, "picture", 10 * SECOND, 700_000, "dump")
    assert tally.press("cut", 11 * SECOND) is None  # once more, in doubt
    tally.plant(2, "sound", 30 * SECOND)
    assert tally.press("cut", 41 * SECOND) is None  # too late
    assert tally.false_presses == 2
    assert [(one.reaction_us, one.press) for one in tally.marks] == [(700_000, "dump"), (None, None)]


def test_it_is_over_when_the_last_mark_is_answered_or_missed() -> None:
    tally = Tally()
    assert not tally.is_over(1, 0)
    tally.plant(1, "picture", SECOND)
    assert not tally.is_over(1, 2 * SECOND)
    assert tally.is_over(1, 12 * SECOND)
    assert not tally.is_over(2, 12 * SECOND)
    tally.press("cut", 2 * SECOND)
    assert tally.is_over(1, 2 * SECOND)


@given(st.lists(st.tuples(st.integers(0, 100 * SECOND), st.sampled_from(["plant", "cut", "dump"]))))
def test_every_press_is_counted_at_most_once(events: list[tuple[int, str]]) -> None:
    tally, presses = Tally(), 0
    for now, event in sorted(events):
        if event == "plant":
            tally.plant(len(tally.marks) + 1, "picture", now)
        else:
            presses += 1
            tally.press("cut" if event == "cut" else "dump", now)
    answered = [one for one in tally.marks if one.press is not None]
    assert len(answered) + tally.false_presses <= presses
    assert all(0 <= one.reaction_us <= WINDOW_US for one in answered)
