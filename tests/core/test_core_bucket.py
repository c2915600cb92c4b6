from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.bucket import TokenBucket

S = 1_000_000


def test_a_burst_then_the_rate():
    bucket = TokenBucket(2, 3, 0)
    assert [bucket.try_take(1, 0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.try_take(1, S // 2 - 10)
    assert bucket.try_take(1, S // 2)
    assert bucket.level(100 * S) == 3


def test_a_debt_is_waited_off():
    bucket = TokenBucket(10, 5, 0)
    assert bucket.charge(5, 0) == 0
    assert bucket.charge(10, 0) == S + 1
    assert bucket.level(S + 1) >= 0


def test_a_clock_that_stands_or_goes_back_gives_nothing():
    bucket = TokenBucket(10, 5, S)
    bucket.charge(5, S)
    assert bucket.level(S) == bucket.level(0) == 0


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, S)), max_size=50))
def test_no_more_is_given_than_burst_and_rate(acts):
    bucket, now, given_ = TokenBucket(4, 6, 0), 0, 0.0
    for amount, later_us in acts:
        now += later_us
        given_ += amount if bucket.try_take(amount, now) else 0
        assert given_ <= 6 + 4 * now / S + 1e-6
        assert bucket.level(now) <= 6


def test_so_many_at_once_and_then_one_at_a_time():
    bucket = TokenBucket.every(3, 10 * S)
    assert [bucket.try_take(1, 0) for _ in range(5)] == [True, True, True, False, False]
    assert 6 * S <= bucket.wait_us(4 * S) <= 6 * S + 2
    assert [bucket.try_take(1, t * S) for t in (9, 10, 10, 20, 21)] == [False, True, False, True, False]
    assert [bucket.try_take(1, 1000 * S) for _ in range(4)] == [True, True, True, False]


@given(st.integers(1, 5), st.integers(1, 100), st.lists(st.integers(-50, 200), max_size=80))
def test_in_no_window_are_more_allowed_than_the_burst_and_the_rate(burst, every, steps):
    bucket, now, taken = TokenBucket.every(burst, every), 0, []
    for step in steps:
        now = max(0, now + step)
        if bucket.try_take(1, now):
            taken.append(now)
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            window = max(taken[first : last + 1]) - min(taken[first : last + 1])
            assert last - first + 1 <= burst + window // every
