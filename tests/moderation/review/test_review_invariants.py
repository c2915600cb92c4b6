"""Invariant 5 over random lives of cards: fresh and stale decisions, changing lists, crashes at any time."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from review_model import ReviewTrial


@pytest.mark.timeout(600)
def test_nothing_unreviewed_is_published_and_nothing_is_lost_or_published_twice() -> None:
    run_state_machine_as_test(
        ReviewTrial,
        settings=settings(
            max_examples=1000,
            stateful_step_count=50,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
