"""Reaction times from what practices counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.reaction import LEAST_MARGIN_S, LEAST_MARKS, MOST_MARKS, measure_reaction

times = st.floats(min_value=0, max_value=10)


@pytest.mark.parametrize(
    ("reactions", "expected"),
    [([], None), ([0.5, 0.6], None), ([0.5, 0.5, 0.5], 0.7), ([0.4, 0.6, 1.0], 1.0)],
)
def test_the_median_and_a_margin(reactions: list[float], expected: float | None) -> None:
    assert measure_reaction(reactions) == expected


@given(st.lists(times, min_size=LEAST_MARKS, max_size=50))
def test_it_lies_above_the_median_of_the_newest(reactions: list[float]) -> None:
    found = measure_reaction(reactions)
    newest = sorted(reactions[:MOST_MARKS])
    assert found is not None
    assert found >= newest[(len(newest) - 1) // 2] + LEAST_MARGIN_S - 0.001
    assert found == measure_reaction(reactions[:MOST_MARKS])  # older ones do not count
