"""The programs of an archive as they aired: which segments a span has, and the bytes of each.

Segments are made when they are asked for, packet for packet, without transcoding: MP4 fragments on the
program's own timeline. Calls block and may be made from several threads.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from streamgate.archive.aired import HOLE_MS, MAX_ROWS, Cutter, Program, cut_at, share_end
from streamgate.archive.aired_list import AiredList
from streamgate.archive.as_aired import PieceReader
from streamgate.archive.broadcasts import Loss
from streamgate.archive.edit_list import LAST_PIECE_S, find_edit_lists, read_bounds
from streamgate.archive.kept_clips import KeptClips
from streamgate.archive.located import PartIndex, read_day
from streamgate.archive.parts import IndexMark, days
from streamgate.core.fmp4 import Fragmenter, init_segment
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.standby import recording_of
from streamgate.errors import ArchiveError, MediaError, Refused
from streamgate.ledger.places import utc_day
from streamgate.wording import disk_error

CACHE_BYTES = 64 * 1024 * 1024
_LISTS = 8  # edit lists in memory, about 6 MB each for 8 hours on air
_DAYS = 8  # days of an index in memory, about 5 MB each for 8 hours
_BEFORE_S = 2 * 3600.0  # what aired arrived at most so much earlier
_SOUND_MS = 3000.0  # sound and pictures of one moment left within this time of one another
_NO_LIMIT = 1 << 62

Place = tuple[int, int]
"""Where a segment begins or ends: row of the edit list, pictures of it that are left out."""


class AiredArchive:
    """`root`: the archive's."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lists: OrderedDict[Path, AiredList] = OrderedDict()
        self._indexes: dict[str, tuple[PartIndex, dict[Path, IndexMark]]] = {}
        self._clips: dict[str, KeptClips] = {}
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[Path, Place, Place, int], bytes] = OrderedDict()
        self._made_bytes = 0

    def select(self, channel: str, start: float, end: float, *, growing: bool = False) -> Program:
        """Return what plays of [start, end), wall clock at air. `growing`: see `Cutter.cut`.

        Raises ArchiveError.
        """
        found = Program([], [], [])
        on_air: list[tuple[float, float]] = []
        try:
            for path in find_edit_lists(self._root, channel).values():
                first, last = read_bounds(path, path.stat().st_size)
                if first >= end or last + LAST_PIECE_S < start:
                    continue
                edits, index = self._read(channel, path)
                cutter = Cutter(self._root, edits, index, self._clips_of(channel))
                one = cutter.cut(start, end, growing=growing, before=found.segments)
                found.segments.extend(one.segments)
                found.losses.extend(one.losses)
                found.filled.extend(one.filled)
                if edits.shares:
                    on_air.append((edits.shares[0].at, edits.shares[-1].end or end))
        except OSError as error:
            raise disk_error(error, self._root) from error
        off = (Loss(one[1], two[0], "off_air") for one, two in itertools.pairwise(on_air))
        found.losses.extend(one for one in off if one.start < end and one.end > start)
        return found._replace(losses=sorted(found.losses))

    def init(self, channel: str, broadcast: str, row: int) -> bytes:
        """Return the init section of the configuration that row `row` announced.

        Raises Refused (no such broadcast or row), ArchiveError, MediaError.
        """
        edits, _ = self._find(channel, broadcast)
        known = edits.header_at(row) if row < len(edits.rows) else None
        if known is None:
            raise Refused(
                f"{broadcast} has no configuration at {row}", f"场次 {broadcast} 没有该处的编码配置"
            )
        return init_segment(known[1])

    def media(self, channel: str, broadcast: str, first: Place, last: Place, shift_ms: int = 0) -> bytes:
        """Return what aired from one cut to another as one fragment, every time in it later by `shift_ms`.

        Raises:
            Refused: there is no such segment, or no part holds any of it any more.
            ArchiveError: a file cannot be read.
        """
        edits, index = self._find(channel, broadcast)
        key = (edits.path, first, last, shift_ms)
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        _check(edits, first, last)
        clips = self._clips_of(channel)
        try:
            with PieceReader(index, clips, edits.kept, edits.path) as reader:
                data = _render(edits, reader, first, last, shift_ms)
        except OSError as error:
            raise disk_error(error, edits.path) from error
        except (msgspec.DecodeError, MediaError) as error:
            raise ArchiveError(f"{edits.path}: {error}", f"{edits.path} 内容有误：{error}") from error
        if not data:
            raise Refused(
                f"nothing of {broadcast} is there any more from {first[0]} to {last[0]}",
                f"场次 {broadcast} 该段的内容已不再保存",
            )
        with self._lock:
            if key not in self._made:
                self._made[key] = data
                self._made_bytes += len(data)
            while self._made_bytes > CACHE_BYTES:
                self._made_bytes -= len(self._made.popitem(last=False)[1])
        return data

    # ------------------------------------------------------------ what is kept in memory

    def _clips_of(self, channel: str) -> KeptClips:
        return self._clips.setdefault(channel, KeptClips(self._root, channel))

    def _find(self, channel: str, broadcast: str) -> tuple[AiredList, PartIndex]:
        path = find_edit_lists(self._root, channel).get(broadcast)
        if path is None:
            raise Refused(
                f"there is no edit list of a broadcast {broadcast} on {channel}",
                f"频道 {channel} 没有场次 {broadcast} 的播出清单",
            )
        try:
            return self._read(channel, path)
        except OSError as error:
            raise disk_error(error, path) from error

    def _read(self, channel: str, path: Path) -> tuple[AiredList, PartIndex]:
        """Return an edit list and the index of the parts that it names, as they are now. Raises OSError."""
        with self._lock:
            edits = self._lists.pop(path, None) or AiredList(path)
            self._lists[path] = edits
            while len(self._lists) > _LISTS:
                self._lists.popitem(last=False)
            edits.read_on()
            return edits, self._index(channel, min(edits.from_at, edits.to_at) - _BEFORE_S, edits.to_at)

    def _index(self, channel: str, first: float, last: float) -> PartIndex:
        wanted = [
            day
            for name in (channel, recording_of(channel))  # the standby camera's packets stand there
            for day in days(self._root, name)
            if utc_day(max(0.0, first)) <= day.name <= utc_day(last)
        ]
        index, marks = self._indexes.pop(channel, (PartIndex(), {}))
        if len(marks.keys() | set(wanted)) > _DAYS:
            index, marks = PartIndex(), {}
        self._indexes[channel] = (index, marks)
        for day in wanted:
            index.add(read_day(day, marks.setdefault(day, IndexMark())))
        return index


def _check(edits: AiredList, first: Place, last: Place) -> None:
    """Raise Refused unless two places are those of a segment that is whole."""
    rows = edits.rows
    inside = 0 <= first[0] < len(rows) and first < last and last[0] - first[0] <= MAX_ROWS
    if inside and last[0] <= share_end(edits, first[0]) and (edits.over or last[0] < len(rows)):
        pictures = rows[last[0]].pictures if last[0] < len(rows) else 0
        if 0 <= first[1] <= rows[first[0]].pictures and 0 <= last[1] <= pictures:
            return
    raise Refused(
        f"{edits.broadcast} has no segment from {first} to {last}", f"场次 {edits.broadcast} 没有该段内容"
    )


def _render(edits: AiredList, reader: PieceReader, first: Place, last: Place, shift_ms: int) -> bytes:
    rows, share = edits.rows, edits.share_of(first[0])
    behind = share_end(edits, first[0])
    begin_ms = cut_at(edits, *first).dts
    until_ms = cut_at(edits, *last).dts if last[0] < behind else None
    if not any(row.pictures for row in rows[share.first : first[0]]) and not first[1]:
        begin_ms = float("-inf")  # the sound before the first picture of all
    header = edits.header_at(first[0])
    assert header is not None

    def wanted(kind: Kind, number: int, dts: int) -> bool:
        if kind is Kind.VIDEO:
            return first <= (place, number) < last
        return kind is Kind.AUDIO and begin_ms <= dts and (until_ms is None or dts < until_ms)

    packets: list[Packet] = []
    for place in _rows_around(edits, first, last, share.first, behind):
        sets = edits.sets_at(place)
        track = sets.video if sets is not None else None
        packets += reader.packets(edits.piece(rows[place]), rows[place].series, track, wanted)
    pictures = [place for place, packet in enumerate(packets) if packet.kind is Kind.VIDEO]
    following: int | None = None
    if until_ms is not None and pictures and until_ms - packets[pictures[-1]].dts < HOLE_MS:
        following = round(until_ms)
    limit = following if following is not None else _NO_LIMIT
    for place in reversed(pictures):  # times of filler are counted, and may be off by a millisecond
        if packets[place].dts >= limit:
            packets[place] = msgspec.structs.replace(packets[place], dts=limit - 1)
        limit = packets[place].dts
    fragmenter = Fragmenter(FeedFormat(header[1].video, header[1].audio), origin_ms=-shift_ms)
    return fragmenter.fragment(packets, first[0] + 1, next_video_dts=following)


def _rows_around(edits: AiredList, first: Place, last: Place, low: int, high: int) -> Iterator[int]:
    """Yield the rows that hold a segment's packets, those that aired just before and after it included."""
    rows = edits.rows
    begin, end = first[0], last[0] + (last[1] > 0)
    begin_ms, end_ms = rows[begin].dts, rows[min(last[0], high - 1)].dts
    while begin > low and rows[begin - 1].end_ms > begin_ms - _SOUND_MS:
        begin -= 1
    while end < high and rows[end].dts < end_ms + _SOUND_MS:
        end += 1
    yield from range(begin, min(end, high))
