from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.rate import RateLimit

S = 1_000_000


def test_a_burst_and_then_one_at_a_time():
    limit = RateLimit(3, 10 * S)
    assert [limit.take(0) for _ in range(5)] == [True, True, True, False, False]
    assert limit.wait_us(4 * S) == 6 * S
    assert [limit.take(t * S) for t in (9, 10, 10, 20, 21)] == [False, True, False, True, False]
    assert [limit.take(1000 * S) for _ in range(4)] == [True, True, True, False]


@given(st.integers(1, 5), st.integers(1, 100), st.lists(st.integers(-50, 200), max_size=80))
def test_in_no_window_are_more_allowed_than_the_burst_and_the_rate(burst, every, steps):
    limit, now, taken = RateLimit(burst, every), 0, []
    for step in steps:
        now = max(0, now + step)
        if limit.take(now):
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            window = max(taken[first : last + 1]) - min(taken[first : last + 1])
            assert last - first + 1 <= burst + window // every
