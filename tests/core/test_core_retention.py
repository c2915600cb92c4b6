import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.retention import (
    DAY_S,
    PROBATION_S,
    STEP_S,
    Candidate,
    ClockMark,
    check_retention_days,
    judge_clock,
    removable,
)
from streamgate.errors import ConfigError

NOW = 1_790_000_000.0

days = st.floats(-100, 200, allow_nan=False)
candidates = st.lists(
    st.builds(
        lambda channel, number, named, modified, held: Candidate(
            f"{channel}/{number}", channel, number, NOW - named * DAY_S, NOW - modified * DAY_S, held
        ),
        st.sampled_from("ab"),
        st.integers(1, 50),
        days,
        days,
        st.booleans(),
    ),
    max_size=30,
    unique_by=lambda part: part.key,
)


@given(candidates, st.integers(60, 120))
def test_nothing_younger_than_the_retention_ever_goes(parts, retention):
    for gone in removable(parts, now_s=NOW, retention_days=retention):
        assert NOW - gone.named_at > retention * DAY_S
        assert NOW - gone.modified_at > retention * DAY_S
        assert not gone.held
        before = [p for p in parts if p.channel == gone.channel and p.number < gone.number]
        assert all(NOW - max(p.named_at, p.modified_at) > retention * DAY_S for p in before)


@given(candidates, st.integers(60, 120))
def test_everything_older_goes_when_numbers_and_times_agree(parts, retention):
    ordered = sorted(parts, key=lambda part: (part.channel, -part.named_at))
    agreeing = [
        Candidate(p.key, p.channel, len(ordered) - n, p.named_at, p.named_at + 6)
        for n, p in enumerate(ordered)
    ]
    old = {p.key for p in agreeing if NOW - p.modified_at > retention * DAY_S}
    assert old == {p.key for p in removable(agreeing, now_s=NOW, retention_days=retention)}


@given(st.integers(-(10**6), 59))
def test_a_shorter_retention_is_refused_naming_the_rule(days):
    with pytest.raises(ConfigError, match="R8"):
        check_retention_days(days)
    with pytest.raises(ConfigError, match="R8"):
        removable([], now_s=NOW, retention_days=days)


def test_the_edges_of_retention():
    assert check_retention_days(60) == 60
    with pytest.raises(ConfigError, match="36500"):
        check_retention_days(36_501)
    at = [NOW - 60 * DAY_S, NOW - 60 * DAY_S - 0.001]
    parts = [Candidate(str(n), "a", 2 - n, start, start) for n, start in enumerate(at)]
    assert [part.key for part in removable(parts, now_s=NOW, retention_days=60)] == ["1"]


def test_a_part_named_by_a_clock_that_stood_in_the_past_is_as_young_as_its_predecessor():
    before = Candidate("before", "a", 1, NOW - DAY_S, NOW - DAY_S)
    wrong = Candidate("wrong", "a", 2, 0.0, 0.0)
    assert removable([before, wrong], now_s=NOW, retention_days=60) == []
    assert removable([wrong], now_s=NOW, retention_days=60) == [wrong]


# ---------------------------------------------------------------- the clock


def mark(wall, mono, boot="a"):
    return ClockMark(NOW + wall, mono, boot)


def test_a_clock_in_step_is_trusted():
    assert judge_clock(None, mark(0, 100), None).trusted
    assert judge_clock(mark(0, 100), mark(3600, 3700), NOW).trusted
    assert judge_clock(mark(0, 100), mark(30 * DAY_S, 100 + 30 * DAY_S), NOW).trusted
    assert judge_clock(mark(0, 100), mark(3600 * 20, 30, "b"), NOW).trusted, "switched off overnight"


def test_a_clock_behind_the_newest_recording_is_not_trusted():
    verdict = judge_clock(mark(-100, 0), mark(0, 100), NOW + 7200)
    assert not verdict.trusted
    assert "2.0 hours behind" in verdict.reason
    assert "晚 2.0 小时" in verdict.reason_zh


@given(st.floats(1.01, 5000), st.lists(st.integers(60, 10**6), max_size=20))
def test_a_step_forward_is_doubted_until_the_clock_is_back(step_days, runs):
    step = step_days * DAY_S
    last = judge_clock(None, mark(0, 0), NOW).mark
    elapsed = 0
    for seconds in [3600, *runs]:
        elapsed += seconds
        verdict = judge_clock(last, mark(step + elapsed, elapsed), NOW)
        assert not verdict.trusted
        assert "stepped" in verdict.reason
        last = verdict.mark
    elapsed += 3600
    assert not judge_clock(last, mark(step + elapsed, 10, "b"), NOW).trusted, "a restart does not heal it"
    assert judge_clock(last, mark(elapsed, elapsed), NOW).trusted


@given(st.floats(1.01, 5000), st.lists(st.integers(60, 20_000), max_size=30))
def test_a_long_time_switched_off_is_doubted_for_a_day_of_running(off_days, runs):
    off = off_days * DAY_S
    verdict = judge_clock(mark(0, 5000), mark(off, 0, "b"), NOW)
    assert not verdict.trusted
    elapsed = 0
    for seconds in runs:
        elapsed += seconds
        verdict = judge_clock(verdict.mark, mark(off + elapsed, elapsed, "b"), NOW)
        assert verdict.trusted == (elapsed >= PROBATION_S)
        if verdict.trusted:
            return


@given(st.floats(-1000, 1000), st.floats(0, 100 * DAY_S))
def test_whatever_is_trusted_is_within_a_step_of_the_monotonic_clock(wall_days, elapsed):
    verdict = judge_clock(mark(0, 0), mark(wall_days * DAY_S, elapsed), None)
    assert verdict.trusted == (wall_days * DAY_S <= elapsed + STEP_S)
