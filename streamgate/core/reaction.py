"""A person's reaction time, measured in practices. Pure."""

from collections.abc import Sequence
from statistics import median

MAX_REACTION_S = 10.0
"""The longest reaction time; a mark without a response within it is missed."""
LEAST_MARKS = 3
"""Fewer marks give no estimate."""
MOST_MARKS = 30
"""Only the newest count: people get faster, or tired."""
LEAST_MARGIN_S = 0.2
SPREADS = 2.0


def measure_reaction(reactions_s: Sequence[float]) -> float | None:
    """Return the median of the newest reactions plus a margin, in seconds; None for fewer than `LEAST_MARKS`.

    `reactions_s`: the newest first. The margin is `SPREADS` times the median absolute deviation, and at least
    `LEAST_MARGIN_S`: a dump that reaches back by the result covers about nine of ten of the person's presses
    (for a normal distribution 2 x 0.674 = 1.35 standard deviations: 91 %).
    """
    newest = reactions_s[:MOST_MARKS]
    if len(newest) < LEAST_MARKS:
        return None
    middle = median(newest)
    spread = median(abs(one - middle) for one in newest)
    return round(middle + max(LEAST_MARGIN_S, SPREADS * spread), 3)
