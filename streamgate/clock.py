"""The one place where time is read. Pure code receives it as an argument."""

import time


def now_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds: one clock for all processes of a machine, never stepped."""
    return time.monotonic_ns() // 1000


def wall_s() -> float:
    """Return the wall clock in seconds since the epoch: for file names and people, never for pacing."""
    return time.time()
