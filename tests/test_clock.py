"""Time of one clock told on the other."""

import time
from types import SimpleNamespace

from streamgate import clock


def test_the_wall_clock_is_told_of_a_moment_that_is_past():
    now = clock.now_us()
    there = clock.wall_at(now)
    time.sleep(0.05)
    assert abs(clock.wall_at(now) - there) < 0.005, "the moment is the same, whenever it is asked for"
    assert abs(clock.wall_at(now - 3_000_000) - there + 3) < 0.005


def test_a_wait_between_two_readings_is_not_told_as_time(monkeypatch):
    waits = iter([0.3, 0.2, 0.00001])  # of the process, after it read the first clock
    at = [1000.0]

    def wall():
        at[0] += next(waits)
        return 1_700_000_000 + at[0]

    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic_ns=lambda: round(at[0] * 1e9), time=wall))
    assert abs(clock.wall_at(1_000_000_000) - 1_700_001_000) < 0.0001
