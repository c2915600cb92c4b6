"""An edit list as playback reads it: a small row for each piece, read on while the list grows."""

import math
import os
from bisect import bisect_right
from pathlib import Path

import msgspec

from streamgate.archive.edit_list import Begin, ClipKept, End, Lost
from streamgate.archive.parts import IndexMark
from streamgate.clock import wall_s
from streamgate.core.edits import LIVE, LONGEST_US, Piece, Run
from streamgate.core.packet import FeedFormat
from streamgate.core.spans import MOSAIC


class _Air(msgspec.Struct, tag_field="line", tag="air"):
    """A piece without its delays, which playback does not need."""

    at: float
    from_us: int
    to_us: int
    source: str
    runs: list[Run]
    part: FeedFormat | None = None
    header: FeedFormat | None = None
    filler: str = ""
    why: str = ""
    series: int = 0


_decoder: msgspec.json.Decoder[Begin | _Air | ClipKept | Lost | End] = msgspec.json.Decoder(
    Begin | _Air | ClipKept | Lost | End
)
_FRAME_MS = 40.0
QUIET_S = 60.0  # on air a line is written every few seconds
_piece_decoder = msgspec.json.Decoder(Piece)


class Share(msgspec.Struct):
    """What one process aired of the broadcast, from row `first` on: one timeline. `end`: 0 until it is known.

    `headers`: the configurations that it announced, with the row at which each begins to count. `parts`: the
    formats that it spliced to, likewise.
    """

    series: int
    first: int
    at: float
    headers: list[tuple[int, FeedFormat]] = []
    video_headers: list[int] = []  # rows at which another picture format was announced
    parts: list[tuple[int, FeedFormat]] = []
    end: float = 0.0


class Row(msgspec.Struct, frozen=True, gc=False):
    """A piece. `offset`, `size`: its line in the file. `at`, `end_at`: wall clock at air, of its packets.

    `dts`: of its first picture on the program's timeline (of its first packet without pictures), ms.
    `first`, `pictures`: number of its first picture in `series`, and how many. `splice`: it begins at one.
    `keyframe`: whether it begins with one; None: the parts must be asked.
    """

    offset: int
    size: int
    at: float
    end_at: float
    dts: int
    lasts_ms: float
    series: int
    first: int
    pictures: int
    live: bool
    splice: bool
    keyframe: bool | None
    why: str
    filler: str
    clip: str  # key of a filler

    @property
    def end_ms(self) -> float:
        """Where what follows begins on the program's timeline, nearly."""
        return self.dts + self.lasts_ms + _FRAME_MS


class AiredList:
    """The edit list at `path`. `read_on` takes in what it has got since; rows stay as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def _forget(self) -> None:
        self.rows: list[Row] = []
        self.shares: list[Share] = []
        self.kept: dict[str, str] = {}  # SHA-256 of fillers by key; "": the file was gone
        self.lost: list[Lost] = []
        self.ended = False
        self.quiet = False
        self.from_at, self.to_at = math.inf, 0.0  # wall clock, of all rows
        self._mark = IndexMark()
        self._before: _Air | None = None  # the piece before, in the same share

    @property
    def broadcast(self) -> str:
        return self.path.stem

    @property
    def over(self) -> bool:
        """Nothing follows: the broadcast ended, or its gate was killed and did not go on with it."""
        return self.ended or self.quiet

    def read_on(self) -> None:
        """Take in the lines that the file has got since the last call. Raises OSError."""
        with self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._mark.inode or found.st_size < self._mark.offset:
                self._forget()
                self._mark.inode = found.st_ino
            self.quiet = wall_s() - found.st_mtime > QUIET_S
            file.seek(self._mark.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._take(line, self._mark.offset)
                self._mark.offset += len(line)

    def piece(self, row: Row) -> Piece:
        """Read the whole line of a row. Raises OSError, and msgspec.DecodeError when it was changed."""
        with self.path.open("rb", buffering=0) as file:
            return _piece_decoder.decode(os.pread(file.fileno(), row.size, row.offset))

    def share_of(self, row: int) -> Share:
        """Return the share that a row belongs to."""
        return next(share for share in reversed(self.shares) if share.first <= row)

    def header_at(self, row: int) -> tuple[int, FeedFormat] | None:
        """Return the configuration in force at a row, with the row that announced it."""
        headers = self.share_of(row).headers
        place = bisect_right(headers, row, key=lambda one: one[0]) - 1
        return headers[place] if place >= 0 else None

    def sets_at(self, row: int) -> FeedFormat | None:
        """Return the format whose parameter sets live keyframes carry in band at a row; None: they do not."""
        share = self.share_of(row)
        if bisect_right(share.video_headers, row) < 2:
            return None
        place = bisect_right(share.parts, row, key=lambda one: one[0]) - 1
        return share.parts[place][1] if place >= 0 else None

    def _take(self, data: bytes, offset: int) -> None:
        try:
            line = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        match line:
            case Begin():
                if self.shares and not self.shares[-1].end:
                    self.shares[-1].end = self.rows[-1].end_at if self.rows else line.at
                self.shares.append(Share(line.series, len(self.rows), line.at))
                self._before, self.ended = None, False
            case _Air() if self.shares:
                self._add(line, offset, len(data))
            case ClipKept():
                self.kept[line.key] = line.sha256
            case Lost():
                self.lost.append(line)
                self._before = None
            case End() if self.shares:
                self.shares[-1].end, self.ended = line.at, True

    def _add(self, air: _Air, offset: int, size: int) -> None:
        share, place = self.shares[-1], len(self.rows)
        if air.header is not None:
            known = share.headers[-1][1].video if share.headers else None
            if not share.headers or air.header.video != known:
                share.video_headers.append(place)
            share.headers.append((place, air.header))
        if air.part is not None:
            share.parts.append((place, air.part))
        pictures = [run for run in air.runs if run.track == "video"]
        times = pictures or air.runs
        clip = pictures[0].clip if pictures else ""
        if not times or not share.headers:
            return  # a list whose start was lost says nothing that could be shown
        self.rows.append(
            Row(
                offset=offset,
                size=size,
                at=air.at,
                end_at=air.at + (air.to_us - air.from_us) / 1e6,
                dts=min(run.dts for run in times),
                lasts_ms=(air.to_us - air.from_us) / 1000,
                series=air.series or share.series,
                first=pictures[0].first if pictures else 0,
                pictures=sum(run.count for run in pictures),
                live=air.source == LIVE and not clip,
                splice=air.part is not None,
                keyframe=self._begins_with_keyframe(air) if pictures else False,
                why=air.why,
                filler=air.filler,
                clip=clip,
            )
        )
        self.from_at, self.to_at = min(self.from_at, air.at), max(self.to_at, air.at)
        if pictures:
            self._before = air

    def _begins_with_keyframe(self, air: _Air) -> bool | None:
        """A piece ends before a splice, before a keyframe, or when it lasts long (`core.edits`)."""
        before = self._before
        if air.part is not None:
            return True
        if before is None or before.source != air.source:
            return None if air.source == LIVE else False
        if air.from_us - before.from_us >= LONGEST_US:
            return None if air.source == LIVE and air.why != MOSAIC else False
        return air.source == LIVE or before.why == air.why
