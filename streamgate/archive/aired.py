"""Which stretches of a program as it aired are in a span, cut where players may begin.

A segment is told by two cuts: rows of the edit list, and how many pictures of each are left out. Nothing of
the recordings is read but their indexes; of feeds with seconds from keyframe to keyframe their boxes, too.
"""

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from streamgate.archive.aired_list import AiredList, Row
from streamgate.archive.broadcasts import Loss
from streamgate.archive.fragments import read_map
from streamgate.archive.kept_clips import KeptClips
from streamgate.archive.located import PartIndex
from streamgate.archive.part_reader import PartReader
from streamgate.core.edits import Run
from streamgate.core.packet import Kind

SEGMENT_MS = 4000.0
LONGEST_MS = 12_000.0  # without a keyframe for so long a segment ends between two pictures
MAX_ROWS = 24  # of one segment
HOLE_MS = 250.0  # a step of the program's time where packets are missing is no pause of the feed


class Cut(NamedTuple):
    """A place between two pictures. `skip`: pictures of row `row` before it.

    `dts`: of the picture behind it, on the program's timeline, ms; of one inside a row nearly so. `at`: wall
    clock at which that aired.
    """

    row: int
    skip: int
    dts: float
    at: float


class AiredSegment(NamedTuple):
    """What aired of a broadcast from one cut to the next. `header`: the row that announced its configuration.

    Once every time in it is later by `shift_ms` it plays behind the segment before; with `goes_on` it does so
    without a break. `independent`: it begins with a keyframe.
    """

    broadcast: str
    first: Cut
    last: Cut
    header: int
    shift_ms: int
    goes_on: bool
    independent: bool

    @property
    def start(self) -> float:
        return self.first.at

    @property
    def duration_s(self) -> float:
        return max(0.001, (self.last.dts - self.first.dts) / 1000)

    @property
    def end(self) -> float:
        return self.start + self.duration_s


class Filled(NamedTuple):
    """A time at which filler aired, and why (`core.gate.Why`)."""

    start: float
    end: float
    why: str
    filler: str


class Program(NamedTuple):
    """What plays of a span as it aired; what does not (`losses`); and where filler stood for the feed.

    `why` of a loss: "off_air"; "gate_killed", "list_lost" as in certificates; "missing": no part has it.
    """

    segments: list[AiredSegment]
    losses: list[Loss]
    filled: list[Filled]


def cut_at(edits: AiredList, row: int, skip: int) -> Cut:
    """Return the place before picture `skip` of a row that there is."""
    one = edits.rows[row]
    inside_ms = one.lasts_ms * skip / one.pictures if skip else 0.0
    return Cut(row, skip, one.dts + inside_ms, one.at + inside_ms / 1000)


def share_end(edits: AiredList, row: int) -> int:
    """Return the row behind the last one of the process that aired `row`."""
    return next((share.first for share in edits.shares if share.first > row), len(edits.rows))


class Cutter:
    """Cuts one broadcast into segments. `root`: the archive's. `index`: of the parts that it names."""

    def __init__(self, root: Path, edits: AiredList, index: PartIndex, clips: KeptClips) -> None:
        self._root, self._edits, self._index, self._clips = root, edits, index, clips
        self._there: dict[Path, frozenset[str]] = {}
        self._segments: list[AiredSegment] = []
        self._losses: list[Loss] = []
        self._filled: list[Filled] = []
        self._begin: Cut | None = None
        self._key = True  # the segment at hand begins with a keyframe
        self._whole = True  # nothing was left out since the segment before
        self._none_yet = True
        self._after_ms = 0.0

    def cut(self, start: float, end: float, *, growing: bool, before: Sequence[AiredSegment] = ()) -> Program:
        """Return the segments of [start, end), wall clock; the first begins at a keyframe.

        `growing`: only segments that stay as they are when more has aired. `before`: what plays before them.
        Raises OSError.
        """
        rows = self._edits.rows
        usable = self._usable()
        reach = [n for n in range(usable) if rows[n].end_at > start and rows[n].at < end]
        self._segments, self._losses, self._filled = list(before), [], []
        self._none_yet = True
        self._begin, self._whole = None, False
        self._after_ms = _end_ms(before[-1]) if before else 0.0
        if reach:
            first = self._keyframe_before(reach[0], start)
            last = reach[-1] + 1
            self._run(first, last, start, growing=growing and not self._edits.over)
        self._losses += self._unknown(start, end)
        filled = _one_each(self._filled)
        if growing and not self._edits.over and filled and filled[-1].end >= rows[reach[-1]].end_at:
            filled.pop()  # it goes on: told once its end is known, since a tag must not change
        return Program(self._segments[len(before) :], _joined(self._losses), filled)

    def _usable(self) -> int:
        """Return how many rows can be shown: late sound stands in the next one, a filler is kept late."""
        edits = self._edits
        if edits.over or not edits.rows:
            return len(edits.rows)
        usable = len(edits.rows) - 1
        known: set[str] = {"", *edits.kept}
        share = edits.shares[-1].first
        return next((n for n in range(share, usable) if edits.rows[n].clip not in known), usable)

    def _run(self, first: int, last: int, start: float, *, growing: bool) -> None:
        rows, edits = self._edits.rows, self._edits
        header: tuple[int, int] | None = None
        for place in range(first, last):
            row = rows[place]
            share, known = edits.share_of(place), edits.header_at(place)
            assert known is not None
            if header != (share.first, known[0]):
                self._close(place, header)
                self._whole, header = False, (share.first, known[0])
            elif _is_hole(rows[place - 1], row):
                self._close(place, header)
                self._whole = False
                self._losses.append(Loss(rows[place - 1].end_at, row.at, "list_lost"))
            if not row.live:
                self._filled.append(Filled(row.at, row.end_at, row.why, row.filler))
            if (found := self._found(row)) < row.pictures:
                self._losses.append(Loss(row.at, row.end_at, "missing"))
                if not found:
                    self._close(place, header)
                    self._whole = False
                    continue
            for cut in self._cuts(place):
                if self._begin is None or (self._none_yet and cut.at <= start):
                    self._begin, self._key = cut, True
                elif cut.dts - self._begin.dts >= SEGMENT_MS or place - self._begin.row >= MAX_ROWS - 4:
                    self._end_at(cut, header)
                    self._begin, self._key = cut, True
            self._force(place, last, header)
        if not growing:
            self._close(last, header)

    def _force(self, place: int, last: int, header: tuple[int, int]) -> None:
        """End a segment that no keyframe ends."""
        begin, after = self._begin, place + 1
        if begin is None or after >= min(last, share_end(self._edits, place)):
            return
        cut = cut_at(self._edits, after, 0)
        long = cut.dts - begin.dts >= LONGEST_MS or after - begin.row >= MAX_ROWS
        if long and self._edits.rows[after].pictures:
            if any(one.skip == 0 for one in self._cuts(after)):
                return  # a keyframe is the next cut
            self._end_at(cut, header)
            self._begin, self._key = cut, False

    def _close(self, place: int, header: tuple[int, int] | None) -> None:
        """End the segment at hand before row `place`, which may not be there or begin another timeline."""
        begin, self._begin = self._begin, None
        if begin is None or header is None:
            return
        rows = self._edits.rows
        newest = rows[place - 1]
        cut = Cut(place, 0, newest.end_ms, newest.end_at)
        if place < share_end(self._edits, begin.row) and rows[place].dts - cut.dts < HOLE_MS:
            cut = cut_at(self._edits, place, 0)
        self._begin = begin
        self._end_at(cut, header)
        self._begin = None

    def _end_at(self, cut: Cut, header: tuple[int, int]) -> None:
        begin = self._begin
        assert begin is not None
        newest = self._segments[-1] if self._segments else None
        if newest is None:
            shift_ms = 0
        elif self._whole:
            shift_ms = newest.shift_ms
        else:
            shift_ms = round(self._after_ms - begin.dts)
        segment = AiredSegment(
            self._edits.broadcast,
            begin,
            cut,
            header[1],
            shift_ms,
            goes_on=self._whole,
            independent=self._key,
        )
        self._segments.append(segment)
        self._none_yet = False
        self._after_ms = _end_ms(segment)
        self._whole = True

    # ------------------------------------------------------------ what the parts say

    def _keyframe_before(self, place: int, start: float) -> int:
        """Return the row at or before `place` in which playing may begin for what aired at `start`."""
        share = self._edits.share_of(place)
        for row in range(place, share.first - 1, -1):
            if any(cut.at <= max(start, self._edits.rows[place].at) for cut in self._cuts(row)):
                return row
        return place

    def _cuts(self, place: int) -> Iterator[Cut]:
        """Yield the keyframes of a row."""
        row = self._edits.rows[place]
        if row.keyframe:
            yield cut_at(self._edits, place, 0)
        elif row.keyframe is None:
            for number in self._keyframes(row):
                yield cut_at(self._edits, place, number - row.first)

    def _keyframes(self, row: Row) -> Iterator[int]:
        """Yield the numbers of the keyframes of a live row."""
        for stretch in self._index.find(row.series, Run("video", row.first, row.pictures, 0)):
            number = stretch.record.numbers["video"][0]
            first = row.first + stretch.before
            try:
                numbers = [number + one for one in self._keyframes_of(stretch.path)]
            except FileNotFoundError:
                continue
            yield from (one for one in numbers if first <= one < first + stretch.packets)

    def _keyframes_of(self, path: Path) -> list[int]:
        if path.suffix == ".flv":
            with PartReader(path) as reader:
                entries = reader.entries(Kind.VIDEO, 0, reader.count(Kind.VIDEO))
                return [number for number, entry in enumerate(entries) if entry.keyframe]
        found, pictures = [], 0
        for fragment in read_map(self._root, PurePosixPath(*path.parts[-3:])).fragments:
            if fragment.pictures and fragment.keyframe:
                found.append(pictures)
            pictures += fragment.pictures
        return found

    def _found(self, row: Row) -> int:
        """Return how many pictures of a row there are still."""
        if not row.live:
            kept = row.clip and self._clips.find(row.clip, self._edits.kept, self._edits.path) is not None
            return row.pictures if kept else 0
        found = 0
        for stretch in self._index.find(row.series, Run("video", row.first, row.pictures, 0)):
            day = stretch.path.parent
            if day not in self._there:
                try:
                    self._there[day] = frozenset(os.listdir(day))  # noqa: PTH208  (names alone are wanted)
                except FileNotFoundError:
                    self._there[day] = frozenset()
            if stretch.path.name in self._there[day]:
                found += stretch.packets
        return found

    def _unknown(self, start: float, end: float) -> Iterator[Loss]:
        """Yield the times of which the edit list does not say what aired."""
        shares = itertools.pairwise(self._edits.shares)
        found = [Loss(one.end, after.at, "gate_killed") for one, after in shares]
        found += [Loss(one.since, one.until, "list_lost") for one in self._edits.lost]
        yield from (one for one in found if one.start < end and one.end > start)


def _is_hole(before: Row, row: Row) -> bool:
    """Whether something that aired between two rows stands nowhere."""
    follows = before.live and row.live and row.first == before.first + before.pictures
    return row.dts - before.end_ms > HOLE_MS and not follows


def _end_ms(segment: AiredSegment) -> float:
    return segment.shift_ms + segment.last.dts


def _joined(losses: list[Loss]) -> list[Loss]:
    """Return losses in order, those of one cause that follow on each other as one."""
    found: list[Loss] = []
    for one in sorted(losses):
        before = found[-1] if found else None
        if before is not None and before.why == one.why and one.start - before.end < 1:
            found[-1] = before._replace(end=max(before.end, one.end))
        else:
            found.append(one)
    return found


def _one_each(filled: list[Filled]) -> list[Filled]:
    found: list[Filled] = []
    for one in filled:
        before = found[-1] if found else None
        if before is not None and before[2:] == one[2:] and one.start - before.end < 1:
            found[-1] = before._replace(end=one.end)
        else:
            found.append(one)
    return found
