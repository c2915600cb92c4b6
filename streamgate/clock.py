"""The one place where time is read. Pure code receives it as an argument."""

import time
from pathlib import Path


def now_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds: one clock for all processes of a machine, never stepped."""
    return time.monotonic_ns() // 1000


def wall_s() -> float:
    """Return the wall clock in seconds since the epoch: for file names and people, never for pacing."""
    return time.time()


def boot_id() -> str:
    """Return what names this run of the machine, where CLOCK_MONOTONIC is one; "" when unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
