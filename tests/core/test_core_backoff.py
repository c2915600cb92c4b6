import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.backoff import Backoff

SECOND = 1_000_000


def test_waits_double_up_to_the_cap():
    backoff = Backoff()
    waits = [backoff.failed(0, 0.999_999) for _ in range(9)]
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30], rel=1e-5)


def test_jitter_spreads_over_the_upper_half():
    assert [Backoff(base_s=1.0).failed(0, jitter) for jitter in (0.0, 0.5)] == [1.0, 1.0]
    backoff = Backoff()
    for _ in range(4):
        backoff.failed(0, 0.0)
    assert backoff.failed(0, 0.0) == 4.0
    assert backoff.failed(0, 0.5) == 12.0


def test_a_success_counts_only_when_it_lasts():
    backoff = Backoff(stable_s=20)
    for _ in range(3):
        backoff.failed(0, 0.0)
    backoff.succeeded(0)
    assert backoff.failed(19 * SECOND, 0.0) == 2.0
    backoff.succeeded(20 * SECOND)
    assert backoff.failed(40 * SECOND, 0.0) == 0.5
    backoff.failed(41 * SECOND, 0.0)
    backoff.reset()
    assert backoff.failed(42 * SECOND, 0.0) == 0.5


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, exclude_max=True)), max_size=100))
def test_every_wait_lies_between_base_and_cap(steps):
    backoff, now = Backoff(), 0
    for success, jitter in steps:
        if success:
            backoff.succeeded(now)
        now += SECOND
        assert 0.5 <= backoff.failed(now, jitter) <= 30.0
