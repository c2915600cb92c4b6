"""Finds the packets that an edit list names in the recorded parts, by the index alone."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from streamgate.archive.parts import IndexMark, PartRecord, days, iterate_index
from streamgate.core.edits import Run
from streamgate.core.standby import recording_of


class Stretch(NamedTuple):
    """`packets` of one track in a part, from index `first` on. `before`: how many of the run come before."""

    path: Path
    record: PartRecord
    first: int
    packets: int
    before: int


class PartIndex:
    """Where the numbered packets of a channel stand."""

    def __init__(self, parts: Iterable[tuple[Path, PartRecord]] = ()) -> None:
        """`parts`: each with its file's path, in any order."""
        self._rows: dict[tuple[int, str], list[tuple[int, int, Path, PartRecord]]] = {}
        self.add(parts)

    def add(self, parts: Iterable[tuple[Path, PartRecord]]) -> None:
        """Take in further parts."""
        grown = set()
        for path, record in parts:
            for track, (first, last) in record.numbers.items():
                self._rows.setdefault((record.series, track), []).append((first, last, path, record))
                grown.add((record.series, track))
        for key in grown:  # never sorted in place: another thread may be looking for something
            self._rows[key] = sorted(self._rows[key], key=lambda row: row[:2])

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
                yield Stretch(path, record, wanted - first, count, wanted - run.first)
                wanted += count


def read_day(day: Path, mark: IndexMark | None = None) -> Iterator[tuple[Path, PartRecord]]:
    """Yield the numbered parts of a day's index with their paths; after `mark`, which moves along."""
    for record in iterate_index(day, mark):
        if record.part and record.numbers:
            yield day / record.part, record


def _lines(root: Path, channel: str) -> Iterator[tuple[Path, PartRecord]]:
    for name in (channel, recording_of(channel)):  # the standby camera's packets stand there
        for day in days(root, name):
            yield from read_day(day)
