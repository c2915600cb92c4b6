from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.notice_limit import AT_ONCE, EVERY_US, SUM_UP_US, NoticeLimit

S = 1_000_000


def test_a_kind_that_repeats_is_held_and_told_as_one():
    limit = NoticeLimit()
    passed = [n for n in range(57) if limit.admit("main", "publish", n, n)]
    assert passed == list(range(AT_ONCE))
    assert limit.admit("main", "gone", "other code", 60)
    assert limit.admit("aula", "publish", "other channel", 60)
    assert limit.due(SUM_UP_US) == []
    assert limit.due(SUM_UP_US + AT_ONCE) == [(56, 37)]
    assert limit.due(2 * SUM_UP_US) == []


def test_what_is_held_can_be_told_at_the_end():
    limit = NoticeLimit()
    for n in range(AT_ONCE + 2):
        limit.admit("main", "publish", n, 0)
    assert limit.due(0, everything=True) == [(AT_ONCE + 1, 2)]


def test_a_kind_that_is_quiet_again_is_forgotten():
    limit = NoticeLimit()
    for n in range(1000):
        limit.admit("main", "publish", n, n * S)
        limit.due(n * S)
    for after in range(1000, 1000 + 3 * 60):
        limit.due(after * S)
    assert limit._kinds == {}


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20 * S)), max_size=300))
def test_every_notice_is_told_or_counted_and_a_minute_brings_few(steps):
    limit, now, told, given_ = NoticeLimit(), 0, [], Counter()
    for code, step in steps:
        now += step
        given_[code] += 1
        if limit.admit("main", code, code, now):
            told.append((now, code, 1))
        told += [(now, held.last, held.number) for held in limit.due(now)]
    told += [(now, held.last, held.number) for held in limit.due(now, everything=True)]
    for code, number in given_.items():
        assert sum(count for _, of, count in told if of == code) == number
        times = [at for at, of, _ in told if of == code]
        for start in times:
            within = [at for at in times if start <= at < start + SUM_UP_US]
            assert len(within) <= AT_ONCE + SUM_UP_US // EVERY_US + 2
