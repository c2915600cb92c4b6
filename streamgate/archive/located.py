"""Finds the packets that an edit list names in the recorded parts, by the index alone."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.parts import PartRecord, days, iterate_index
from streamgate.core.edits import Run


class Stretch(NamedTuple):
    """`packets` of one track in a part, from the one with index `first` on."""

    path: Path
    record: PartRecord
    first: int
    packets: int


class PartIndex:
    """Where the numbered packets of a channel stand."""

    def __init__(self, parts: Iterable[tuple[Path, PartRecord]]) -> None:
        """`parts`: each with its file's path, in any order."""
        self._rows: dict[tuple[int, str], list[tuple[int, int, Path, PartRecord]]] = {}
        for path, record in parts:
            for track, (first, last) in record.numbers.items():
                self._rows.setdefault((record.series, track), []).append((first, last, path, record))
        for rows in self._rows.values():
            rows.sort(key=lambda row: row[:2])

    @classmethod
    def read(cls, root: Path, channel: str) -> "PartIndex":
        """Read the index of all days of a channel. Raises OSError."""
        return cls(_lines(root, channel))

    def find(self, series: int, run: Run) -> Iterator[Stretch]:
        """Yield where the packets of a live run stand, in order; what no part holds is passed over."""
        rows = self._rows.get((series, run.track), [])
        wanted, end = run.first, run.first + run.count
        place = max(0, bisect_right(rows, wanted, key=lambda row: row[0]) - 1)
        for first, last, path, record in rows[place:]:
            if first >= end:
                return
            wanted = max(wanted, first)
            if wanted <= last and wanted < end:
                count = min(last + 1, end) - wanted
                yield Stretch(path, record, wanted - first, count)
                wanted += count


def _lines(root: Path, channel: str) -> Iterator[tuple[Path, PartRecord]]:
    for day in days(root, channel):
        for record in iterate_index(day):
            if record.part and record.numbers:
                yield day / record.part, record
