"""Which packets of a channel are recorded, by their running numbers."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from streamgate.archive.parts import PartRecord
from streamgate.core.edits import Run

REMOVED = "removed"
NEAR_S = 2.0  # the times of a loss are those of the packets around it


class _Row(NamedTuple):
    first: int
    last: int
    first_us: int | None
    last_us: int | None


class Held(NamedTuple):
    """What is recorded of a run. `holes`: numbers in no part; `from_us`, `to_us`: arrivals of its parts."""

    holes: list[tuple[int, int]]
    from_us: int | None
    to_us: int | None


class Numbers:
    """The running numbers in the parts of a channel, and when they are not known. Times: wall clock, s."""

    def __init__(self, lines: Iterable[PartRecord], removed: Iterable[tuple[float, float]]) -> None:
        """`removed`: from when to when parts went that were removed."""
        self._rows: dict[tuple[int, str], list[_Row]] = defaultdict(list)
        self._losses: list[tuple[float, float, str]] = []
        for line in lines:
            for track, (first, last) in line.numbers.items():
                self._rows[line.series, track].append(_Row(first, last, line.first_us, line.last_us))
            if line.part and not _is_numbered(line):
                self._losses.append((line.start, line.end, line.closed))
            if line.gap is not None:
                end = line.gap.end or line.start
                self._losses.append((line.gap.start or end, end, line.gap.reason))
        for rows in self._rows.values():
            rows.sort()
        self._losses += [(start, end, REMOVED) for start, end in _join(removed)]

    def find(self, series: int, run: Run) -> Held:
        """Return what is recorded of a live run."""
        rows = self._rows.get((series, run.track), [])
        wanted, end = run.first, run.first + run.count
        holes: list[tuple[int, int]] = []
        used: list[_Row] = []
        for row in rows[max(0, bisect_right(rows, wanted, key=lambda row: row.first) - 1) :]:
            if row.first >= end:
                break
            if row.last < wanted:
                continue
            if row.first > wanted:
                holes.append((wanted, row.first - 1))
            wanted = row.last + 1
            used.append(row)
        if wanted < end:
            holes.append((wanted, end - 1))
        starts = [row.first_us for row in used if row.first_us is not None]
        ends = [row.last_us for row in used if row.last_us is not None]
        whole = len(used) == len(starts) == len(ends)
        if not (used and whole):
            return Held(holes, None, None)
        return Held(holes, min(starts), max(ends))

    def newest(self, series: int, track: str) -> int:
        """Return the highest number of a series that is recorded; -1: none is."""
        rows = self._rows.get((series, track), [])
        return max((row.last for row in rows), default=-1)

    def explain(self, start: float, end: float) -> str:
        """Return why what came in then may have no number, "removed" for what was; "": it must have one."""
        for first, last, why in self._losses:
            if first - NEAR_S <= end and last + NEAR_S >= start:
                return why
        return ""


def _join(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join spans that follow one another."""
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + NEAR_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _is_numbered(line: PartRecord) -> bool:
    counts = {"video": line.video, "audio": line.audio, "data": line.data}
    return all(track in line.numbers for track, count in counts.items() if count)
