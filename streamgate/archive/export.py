"""Writes a span of the archive as one MP4, packet for packet. Uses libav: not for gate and console."""

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.error

from streamgate.archive.aired import AiredSegment, Program
from streamgate.archive.aired_archive import AiredArchive
from streamgate.archive.broadcasts import Loss
from streamgate.archive.catalog import Catalog
from streamgate.archive.exact import Ends, ExactCut
from streamgate.archive.parts import open_file
from streamgate.archive.selection import Chosen, Selection, select
from streamgate.archive.times import iso
from streamgate.archive.whole_copy import copy_whole
from streamgate.disk import sync_directory
from streamgate.errors import ArchiveError, MediaError, Refused
from streamgate.wording import in_chinese, in_english

SOUND_S = 1.0  # within which the sound of a picture is recorded behind it
_MUXED = 0.95  # then the file is put in order, hashed and brought to the disk
Progress = Callable[[float], None]
"""Told how much of the work is done, from 0 to 1, in the thread that works."""
Cancelled = Callable[[], bool]
"""Asked between two pieces of some seconds: whether to stop."""


Copy = Callable[[Path, Callable[[int], None]], tuple[int, str]]
"""Writes a file, calls after each piece what is given; returns bytes and SHA-256."""


class Exported(NamedTuple):
    """`start`, `end`: wall clock of what is in the file: arrival, or air of what aired.

    From keyframe to the end of a fragment; of an exact one, to the picture. `losses`: what of that span is
    not in it; there the file goes on without a pause. `encoded`: pictures that were coded anew.
    """

    file: Path
    start: float
    end: float
    bytes: int
    sha256: str
    losses: list[Loss]
    encoded: int = 0


class _Piece(NamedTuple):
    """Some seconds of media with one init section. `start`: wall clock. `kind`: equal ones are of one format.

    `begins_ms`: on the timeline of its media; once that is later by `shift_ms` it plays behind the piece
    before, with `goes_on` without a break. `load`: init section and media.
    """

    start: float
    begins_ms: float
    duration_s: float
    kind: bytes
    shift_ms: int
    goes_on: bool
    load: Callable[[], bytes]


def export_span(
    root: Path,
    catalog: Catalog,
    *,
    channel: str,
    start: float,
    end: float,
    out: Path,
    aired: bool = False,
    exact: bool = False,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Exported:
    """Write [start, end) of a channel to `out`: what was received, or what aired. Blocks, for minutes.

    Wall clock: at arrival, or at air. `exact`: from the first picture in the span to the last, those before
    the first keyframe and of the last group of pictures coded anew; else whole groups. Raises as `export`.
    """
    more: dict[str, Any] = {"progress": progress, "cancelled": cancelled}
    reach = end
    if exact:
        more["ends"], reach = (start, end), end + SOUND_S
    if aired:
        archive = AiredArchive(root)
        program = archive.select(channel, start, reach)
        return export_aired(archive, channel, program, out, **more)
    return export(root, select(root, catalog, channel, start, reach), out, **more)


def export(
    root: Path,
    selection: Selection,
    out: Path,
    *,
    ends: tuple[float, float] | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Exported:
    """Write what was selected to `out`, which must not be there; nothing stays of one that fails.

    `ends`: wall clock of the first picture, and of the first that is left out again; what is selected reaches
    SOUND_S further.

    Raises:
        Refused: nothing was recorded then, the format changes within the span, `out` is there already, it was
            cancelled, or the codec cannot be coded anew here.
        ArchiveError, MediaError: a file cannot be read, or written.
    """
    pieces = [_received(root, one) for one in selection.chosen]
    copy = None
    if ends is None:
        copy = partial(copy_whole, root, selection.chosen)
    more: dict[str, Any] = {"ends": ends, "progress": progress, "cancelled": cancelled}
    return _export(pieces, selection.losses, out, copy=copy, **more)


def export_aired(
    archive: AiredArchive,
    channel: str,
    program: Program,
    out: Path,
    *,
    ends: tuple[float, float] | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Exported:
    """As `export`, of a program as it aired."""
    inits = {
        (one.broadcast, one.header): archive.init(channel, one.broadcast, one.header)
        for one in program.segments
    }
    pieces = [_aired(archive, channel, one, inits[one.broadcast, one.header]) for one in program.segments]
    return _export(pieces, program.losses, out, ends=ends, progress=progress, cancelled=cancelled)


def _received(root: Path, one: Chosen) -> _Piece:
    first, last = one.fragments[0], one.fragments[-1]
    begins_ms, duration_s = first.start_s * 1000, last.end_s - first.start_s
    return _Piece(
        one.start,
        begins_ms,
        duration_s,
        one.map.digest,
        one.shift_ms,
        one.goes_on,
        lambda: _bytes(root, one),
    )


def _aired(archive: AiredArchive, channel: str, one: AiredSegment, init: bytes) -> _Piece:
    def load() -> bytes:
        return init + archive.media(channel, one.broadcast, one.first[:2], one.last[:2])

    return _Piece(one.start, one.first.dts, one.duration_s, init, one.shift_ms, one.goes_on, load)


def _export(
    pieces: Sequence[_Piece],
    losses: Sequence[Loss],
    out: Path,
    *,
    ends: tuple[float, float] | None,
    progress: Progress | None,
    cancelled: Cancelled | None,
    copy: Copy | None = None,
) -> Exported:
    """`copy`: what writes the file where nothing is to be coded anew."""
    if ends is not None:
        pieces = _until(pieces, ends[1])
    if not pieces:
        raise Refused(
            "nothing that an MP4 holds was recorded then; see: streamgate archive list",
            "该时段没有可导出为 MP4 的录像；参见 streamgate archive list",
        )
    for before, after in pairwise(pieces):
        if before.kind != after.kind:
            raise Refused(
                f"the format of the feed changes at {iso(after.start)}, and one MP4 holds one format;"
                f" export up to there, and from there on",
                f"来流格式在 {iso(after.start)} 改变，一个 MP4 只能有一种格式；请分段导出",
            )
    if out.exists():
        raise Refused(f"{out} is there already; choose another file", f"{out} 已存在，请换一个文件名")
    last = next((one for one in reversed(pieces) if ends is None or one.start < ends[1]), pieces[-1])
    start, end = pieces[0].start, last.start + last.duration_s
    trim = None
    if ends is not None:
        start, end = max(start, ends[0]), min(end, ends[1])
        last_s = (last.begins_ms + last.shift_ms - pieces[0].begins_ms) / 1000
        trim = Ends(start - pieces[0].start, last_s + end - last.start)
    draft = out.with_name(f".{out.name}.part")
    work = _Work(pieces, progress, cancelled)
    try:
        if copy is not None:
            work.check()
            size, digest = copy(draft, work.done)
        else:
            _write(pieces, draft, trim, work)
            size, digest = _hash(draft)
        draft.rename(out)
        sync_directory(out.parent)
        if progress is not None:
            progress(1.0)
    except av.error.FFmpegError as error:
        raise MediaError(f"the export failed: {error}", f"导出失败：{error}") from error
    except OSError as error:
        raise ArchiveError(
            f"the export failed: {in_english(error)}", f"导出失败：{in_chinese(error)}"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
    inside = [one for one in losses if one.start < end and one.end > start]
    return Exported(out, start, end, size, digest, inside, trim.encoded if trim is not None else 0)


def _until(pieces: Sequence[_Piece], end: float) -> list[_Piece]:
    """Return the pieces that begin before `end`, and those that hold the sound of their last pictures."""
    found = [one for one in pieces if one.start < end]
    for one in pieces[len(found) :]:
        if found and one.goes_on and one.kind == found[-1].kind:
            found.append(one)
        else:
            break
    return found


def _write(
    pieces: Sequence[_Piece],
    draft: Path,
    ends: Ends | None,
    work: "_Work",
) -> None:
    with av.open(str(draft), "w", format="mp4", options={"movflags": "+faststart"}) as target:
        muxer: _Muxer | None = None
        work.check()
        for number, piece in enumerate(pieces):
            with av.open(io.BytesIO(piece.load()), "r", format="mp4") as source:
                if muxer is None:
                    muxer = _Muxer(target, source, ends)
                muxer.take(source, piece.shift_ms - pieces[0].begins_ms)
            work.done(number)
        if muxer is not None:
            muxer.finish()


class _Work:
    """How far an export is, piece by piece, and whether it was cancelled."""

    def __init__(
        self, pieces: Sequence[_Piece], progress: Progress | None, cancelled: Cancelled | None
    ) -> None:
        self._lengths_s = [piece.duration_s for piece in pieces]
        self._whole_s, self._done_s = sum(self._lengths_s), 0.0
        self._progress, self._cancelled = progress, cancelled

    def done(self, number: int) -> None:
        """Take note that a piece is in the file. Raises Refused: the rest was cancelled."""
        self._done_s += self._lengths_s[number]
        if self._progress is not None:
            self._progress(_MUXED * self._done_s / self._whole_s)
        if number + 1 < len(self._lengths_s):
            self.check()

    def check(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise Refused("the export was cancelled", "导出已取消")


class _Muxer:
    """Puts packets into the file, in order. `source`: the first piece; all are of its format."""

    def __init__(self, target: Any, source: Any, ends: Ends | None) -> None:
        self._target = target
        self._streams = {found.type: target.add_stream_from_template(found) for found in source.streams}
        self._newest: dict[str, int] = {}
        self._exact: ExactCut | None = None
        if ends is not None:
            self._exact = ExactCut(ends, next(iter(source.streams.video), None))
            if "video" in self._streams and self._exact.extradata:
                self._streams["video"].codec_context.extradata = self._exact.extradata

    def take(self, source: Any, later_ms: float) -> None:
        """Take the packets of a piece, every time in them later."""
        later = {found.index: round(Fraction(later_ms) / 1000 / found.time_base) for found in source.streams}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None or packet.stream.type not in self._streams:
                continue
            ticks = later[packet.stream.index]
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            kind = packet.stream.type
            for one in (packet,) if self._exact is None else self._exact.take(packet, kind):
                self._mux(one, kind)

    def finish(self) -> None:
        for one in self._exact.finish() if self._exact is not None else ():
            self._mux(one, "video")

    def _mux(self, packet: Any, kind: str) -> None:
        # Rounding to ticks may place a sound on the one before it.
        dts = max(packet.dts, self._newest.get(kind, packet.dts - 1) + 1)
        packet.pts, packet.dts = max(packet.pts, dts), dts
        self._newest[kind] = dts
        packet.stream = self._streams[kind]
        self._target.mux(packet)


def _bytes(root: Path, one: Chosen) -> bytes:
    first, last = one.fragments[0], one.fragments[-1]
    descriptor = open_file(root, one.part.path)
    try:
        with open(descriptor, "rb", closefd=False) as file:
            head = file.read(one.map.init)
            file.seek(first.offset)
            return head + file.read(last.offset + last.size - first.offset)
    finally:
        os.close(descriptor)


def _hash(draft: Path) -> tuple[int, str]:
    """Bring a file to the disk; return its bytes and SHA-256."""
    with draft.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = os.fstat(file.fileno()).st_size
        os.fsync(file.fileno())
    return size, digest
