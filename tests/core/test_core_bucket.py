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
