"""A practice (演练): a plan of marks in a feed, and reaction times of a person to them. Pure."""

from collections.abc import Callable
from typing import Literal, NamedTuple

SECOND_US = 1_000_000
WINDOW_US = 10 * SECOND_US
"""A mark is missed when nobody cuts or dumps within this time."""
FIRST_S, LEAST_GAP_S, MOST_GAP_S = 6.0, 12.0, 24.0
"""Seconds to the first mark, bounds of the gaps: longer than the window, so that windows never overlap."""
MIN_MARKS, MARKS, MAX_MARKS = 2, 6, 20
MARK_S = 1.5  # duration of a mark in the feed

MarkKind = Literal["picture", "sound"]
Press = Literal["cut", "dump"]


class Planned(NamedTuple):
    """A mark to put into the feed `at_s` seconds after its start."""

    number: int
    kind: MarkKind
    at_s: float


class Marked(NamedTuple):
    """A mark put into the feed, and the response to it. `planted_us`: monotonic."""

    number: int
    kind: MarkKind
    planted_us: int
    reaction_us: int | None = None
    press: Press | None = None


def plan_marks(count: int, draw: Callable[[], float]) -> list[Planned]:
    """Return `count` marks of both kinds, in random order, at random times. `draw`: random, in [0, 1).

    The numbers of both kinds differ by one at most.
    """
    kinds: list[MarkKind] = [("picture", "sound")[number % 2] for number in range(count)]
    for last in range(count - 1, 0, -1):  # Fisher and Yates
        other = int(draw() * (last + 1))
        kinds[last], kinds[other] = kinds[other], kinds[last]
    planned, at_s = [], FIRST_S - LEAST_GAP_S
    for number, kind in enumerate(kinds, 1):
        at_s += LEAST_GAP_S + draw() * (MOST_GAP_S - LEAST_GAP_S)
        planned.append(Planned(number, kind, round(at_s, 3)))
    return planned


class Tally:
    """Matches one person's presses with the marks. Times: microseconds of one monotonic clock."""

    def __init__(self) -> None:
        self.marks: list[Marked] = []
        self.false_presses = 0

    def plant(self, number: int, kind: MarkKind, now: int) -> None:
        """Record a mark that left the encoder."""
        self.marks.append(Marked(number, kind, now))

    def press(self, press: Press, now: int) -> Marked | None:
        """Record a cut or dump. Return the mark that it responds to; None: there is none, a false press.

        A second press for the same mark returns None, too, but is not a false press.
        """
        newest = next((one for one in reversed(self.marks) if one.planted_us <= now), None)
        if newest is None or now - newest.planted_us > WINDOW_US:
            self.false_presses += 1
            return None
        if newest.press is not None:
            return None
        answered = newest._replace(reaction_us=now - newest.planted_us, press=press)
        self.marks[self.marks.index(newest)] = answered
        return answered

    def is_over(self, planned: int, now: int) -> bool:
        """Whether every mark was in the feed, and the last one was responded to or missed."""
        if len(self.marks) < planned:
            return False
        last = self.marks[-1]
        return last.press is not None or now - last.planted_us > WINDOW_US
