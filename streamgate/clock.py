"""The one place where time is read. Pure code receives it as an argument."""

import time
from pathlib import Path

_READINGS = 4  # of both clocks, at most, until one pair is close together
_CLOSE_US = 50


def now_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds: one clock for all processes of a machine, never stepped."""
    return time.monotonic_ns() // 1000


def wall_s() -> float:
    """Return the wall clock in seconds since the epoch: for file names and people, never for pacing."""
    return time.time()


def wall_at(now: int) -> float:
    """Return the wall clock, seconds since the epoch, at `now`: a value of `now_us`, however old.

    One reading of both clocks is not enough: a process that has to wait between them gets a result that is
    off by that wait.
    """
    readings = []
    for _ in range(_READINGS):
        before = now_us()
        wall = wall_s()
        after = now_us()
        readings.append((after - before, wall + (now - before) / 1e6))
        if after - before < _CLOSE_US:
            break
    return min(readings)[1]


def boot_id() -> str:
    """Return the id of the machine's boot, in which CLOCK_MONOTONIC never restarts; "" when unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
