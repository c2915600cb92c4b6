"""What a process costs: CPU time and memory, read from /proc."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process: the scheduler's nanoseconds where it counts them, else ticks."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
    except (OSError, IndexError, ValueError):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)


def rss_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / 1e6


def shares(pids: dict[str, int], seconds: float) -> dict[str, float]:
    """Return, for every process, how many percent of one core it used during the next `seconds`."""
    began = time.monotonic()
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    took = time.monotonic() - began
    return {name: (cpu_s(pid) - before[name]) / took * 100 for name, pid in pids.items()}


@dataclass(frozen=True)
class Spread:
    """Percentiles of a sample, in the sample's unit."""

    count: int
    least: float
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, sample: Sequence[float]) -> "Spread":
        values = np.asarray(sample, float)
        p50, p99 = np.percentile(values, [50, 99])
        return cls(values.size, float(values.min()), float(p50), float(p99), float(values.max()))
