"""What a soak must show. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

SETTLE_SHARE, MOST_SETTLE_S = 0.4, 600.0  # of the time, at most so many seconds: rings and caches fill
GROWTH_MB, GROWTH_SHARE = 4.0, 0.03  # what a process may hold more at the end than after settling
DRIFT_MS = 5.0  # between the medians of any two windows, a fifth of a picture
FRAME_MS = 1000 / 30  # no tone is further from its picture than that
LEAST_WINDOWS, LEAST_TONES = 2, 5
LEAST_PICTURES = 150


class Row(NamedTuple):
    """A line of the table: what was looked at, what was found, what was wanted."""

    what: str
    found: str
    wanted: str
    good: bool


def judge_memory(samples: Mapping[str, Sequence[tuple[float, float]]]) -> list[Row]:
    """Return a row a process. `samples`: (second, MB) by "NAME PID"."""
    names = [name.partition(" ")[0] for name in samples]
    again = sorted({name for name in names if names.count(name) > 1})
    end = max((at for one in samples.values() for at, _ in one), default=0.0)
    settled = min(MOST_SETTLE_S, SETTLE_SHARE * end)
    rows = [Row("no process was started anew", ", ".join(again) or "none", "none", bool(names) and not again)]
    for name, taken in samples.items():
        kept = [size for at, size in taken if at >= settled]
        quarter = len(kept) // 4
        wanted = f"at most {GROWTH_MB:g} MB and {GROWTH_SHARE:.0%} more"
        if not quarter:
            rows.append(Row(f"memory of {name}", f"{len(kept)} samples", wanted, good=False))
            continue
        first, last = median(kept[:quarter]), median(kept[-quarter:])
        good = last - first <= GROWTH_MB + GROWTH_SHARE * first
        rows.append(Row(f"memory of {name}", f"{first:.1f} -> {last:.1f} MB", wanted, good))
    return rows


def judge_pictures(pictures: Mapping[str, int], wanted: Sequence[str]) -> Row:
    """Return whether every source aired: the soak is of a program that changes. `pictures`: by source."""
    found = ", ".join(f"{count} of {name}" for name, count in sorted(pictures.items()))
    good = all(pictures.get(name, 0) >= LEAST_PICTURES for name in wanted)
    return Row("pictures", found or "none", f"{LEAST_PICTURES} or more of {', '.join(wanted)}", good)


def judge_skews(camera: str, windows: Mapping[int, Sequence[float]]) -> list[Row]:
    """Return what the lateness of a camera's sound against its picture says.

    `windows`: ms, by second of the program; one with few tones does not count for the drift.
    """
    medians = [median(one) for one in windows.values() if len(one) >= LEAST_TONES]
    every = [one for skews in windows.values() for one in skews]
    what = f"drift of sound, {camera}"
    if len(medians) < LEAST_WINDOWS:
        return [Row(what, f"{len(medians)} windows with tones", f"{LEAST_WINDOWS} or more", good=False)]
    middle, drift = median(every), max(medians) - min(medians)
    worst = max(abs(one - middle) for one in every)
    wanted = f"a picture: {FRAME_MS:.1f} ms"
    drifts = f"{drift:.1f} ms in {len(medians)} windows, medians {min(medians):.1f} to {max(medians):.1f}"
    said = f"{worst:.1f} ms from the middle of {len(every)}"
    return [
        Row(what, drifts, f"at most {DRIFT_MS:g} ms", drift <= DRIFT_MS),
        Row(
            f"each tone, {camera}",
            said,
            wanted,
            worst <= FRAME_MS,
        ),
    ]
