"""Playback of the archive: playlists made on the fly, and the bytes of parts, both read in threads."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from console.problems import (
    NOT_FOUND,
    NOTHING_AIRED,
    NOTHING_RECORDED,
    Refused,
    archive_away,
    bad_request,
)
from streamgate import errors
from streamgate.archive.aired import Program
from streamgate.archive.aired_archive import AiredArchive, Place
from streamgate.archive.catalog import Catalog
from streamgate.archive.fragments import PartMap, read_map
from streamgate.archive.parts import check_channel, open_file, parse, read_index_end
from streamgate.archive.playlist import render, render_aired
from streamgate.archive.selection import Selection, select
from streamgate.clock import wall_s
from streamgate.errors import ArchiveError, ConfigError
from streamgate.runtime.apart import DaemonThreads

MAX_SPAN_S = 24 * 3600.0
MAX_GROWING_S = 2 * 3600.0
THREADS = 4
PIECE = 256 * 1024
_TOO_LONG = bad_request(
    f"A playlist spans {MAX_SPAN_S / 3600:g} hours at most, one without an end the last"
    f" {MAX_GROWING_S / 3600:g}; ask for less.",
    f"一个播放列表最长 {MAX_SPAN_S / 3600:g} 小时，不带结束时间的最长为最近 {MAX_GROWING_S / 3600:g} 小时。",
)
_T = TypeVar("_T")
_EMPTY = bad_request("The span is empty: `to` must lie after `from`.", "时段为空：to 须晚于 from。")


class Whole(NamedTuple):
    """A part to be sent. `size`: of what is whole of it; `finished`: it never changes any more."""

    path: PurePosixPath
    size: int
    finished: bool
    map: PartMap | None  # None: it is no MP4


class Playback:
    """The archive of one data directory, for pages. Methods raise Refused."""

    def __init__(self, data_dir: Path) -> None:
        self._root, self._path = data_dir / "archive", data_dir / "catalog.sqlite"
        self._threads = DaemonThreads("archive playback", THREADS)  # not waited for: a disk may hold them up
        self._catalog: Catalog | None = None
        self._aired = AiredArchive(self._root)
        self._opening = threading.Lock()

    async def playlist(self, channel: str, start: float, end: float | None, *, aired: bool = False) -> str:
        """Return an HLS playlist of [start, end), wall clock; without an end one that grows.

        `aired`: of the program as it aired, its times those at air; else of what was received, at arrival.
        """
        now, growing = wall_s(), end is None
        if end is not None and end <= start:
            raise Refused(_EMPTY)
        if (now - start > MAX_GROWING_S) if end is None else (end - start > MAX_SPAN_S):
            raise Refused(_TOO_LONG)
        until = now + 60 if end is None else end
        if aired:
            program = await self._read(self._select_aired, channel, start, until, growing)
            if not program.segments:
                raise Refused(NOTHING_AIRED)
            return render_aired(program, start, growing=growing)
        selection = await self._read(self._select, channel, start, until)
        if not selection.chosen:
            raise Refused(NOTHING_RECORDED)
        return render(selection, start, growing=growing)

    async def aired_init(self, channel: str, broadcast: str, row: int) -> bytes:
        """Return the init section that a playlist of what aired names."""
        return await self._read(self._aired.init, _checked(channel), broadcast, row)

    async def aired_media(
        self, channel: str, broadcast: str, first: Place, last: Place, shift_ms: int
    ) -> bytes:
        """Return a segment that a playlist of what aired names."""
        return await self._read(self._aired.media, _checked(channel), broadcast, first, last, shift_ms)

    async def find(self, channel: str, day: str, name: str) -> Whole:
        """Return the part with this name."""
        path = PurePosixPath(channel, day, name)
        parsed = parse(path)
        if parsed is None or parsed.path != path:
            raise Refused(NOT_FOUND)
        return await self._read(self._look, path)

    async def read(self, part: Whole, start: int, end: int, shift_ms: int) -> AsyncIterator[bytes]:
        """Yield the bytes [start, end) of a part, every time in them later by `shift_ms`."""
        patches = part.map.shifted(shift_ms) if part.map is not None and shift_ms else []
        descriptor = await self._threads.call(open_file, self._root, part.path)
        try:
            while start < end:
                data = await self._threads.call(os.pread, descriptor, min(PIECE, end - start), start)
                if not data:
                    raise OSError(5, "the part became shorter while it was sent", str(part.path))
                yield _patched(data, start, patches)
                start += len(data)
        finally:
            os.close(descriptor)

    def catalog(self) -> Catalog:
        """Return the catalog, opened at the first call; blocks. Raises ArchiveError."""
        return self._opened()

    async def close(self) -> None:
        if self._catalog is not None:
            await asyncio.to_thread(self._catalog.close)

    # ------------------------------------------------------------ in threads

    async def _read(self, function: Callable[..., _T], *args: object) -> _T:
        try:
            return await self._threads.call(function, *args)
        except (FileNotFoundError, errors.Refused) as error:
            raise Refused(NOT_FOUND) from error
        except (ArchiveError, errors.MediaError, OSError) as error:
            raise Refused(archive_away(error)) from error

    def _select_aired(self, channel: str, start: float, end: float, growing: bool) -> Program:
        try:
            check_channel(channel)
        except ConfigError:
            return Program([], [], [])
        return self._aired.select(channel, start, end, growing=growing)

    def _select(self, channel: str, start: float, end: float) -> Selection:
        try:
            there = (self._root / check_channel(channel)).is_dir()
        except ConfigError:
            there = False
        if not there:
            return Selection([], [])
        return select(self._root, self._opened(), channel, start, end)

    def _opened(self) -> Catalog:
        with self._opening:
            if self._catalog is None:
                self._catalog = Catalog(self._path)
            return self._catalog

    def _look(self, path: PurePosixPath) -> Whole:
        descriptor = open_file(self._root, path)
        try:
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        found = read_map(self._root, path) if path.suffix == ".mp4" else None
        finished = self._opened().has(str(path)) or any(
            line.part == path.name for line in read_index_end((self._root / path).parent)
        )
        return Whole(path, size if found is None or finished else found.size, finished, found)


def _checked(channel: str) -> str:
    try:
        return check_channel(channel)
    except ConfigError as error:
        raise Refused(NOT_FOUND) from error


def _patched(data: bytes, at: int, patches: list[tuple[int, bytes]]) -> bytes:
    """Return `data`, which stands at `at`, with what `patches` put there instead."""
    found = [(place - at, new) for place, new in patches if -len(new) < place - at < len(data)]
    if not found:
        return data
    out = bytearray(data)
    for place, new in found:
        first, last = max(0, place), min(len(out), place + len(new))
        out[first:last] = new[first - place : last - place]
    return bytes(out)
