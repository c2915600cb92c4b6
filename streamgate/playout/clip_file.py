"""Clip files of any length, read ahead by a thread: the event loop never reads the disk.

If the disk is slow or frozen, or the file gets truncated on air, the slate airs instead of the clip.
"""

import asyncio
import os
import threading
import weakref
from pathlib import Path

import structlog

from streamgate.core.clip import Clip, read_index
from streamgate.errors import MediaError
from streamgate.runtime.apart import DaemonThreads

WHOLE_BYTES = 2 * 1024**2
"""A file up to this size is held in memory; of a larger one, its first WHOLE_BYTES are."""
CHUNK = 1024**2
AHEAD = 16
"""Chunks held from the positions of video and audio on: 21 s at 6 Mb/s. A clip on air takes 16 to 34 MiB."""
IDLE_S = 10.0
"""After this time off air, only the beginning is kept in memory."""
_HEAD = WHOLE_BYTES // CHUNK
_log = structlog.get_logger()


def open_clip(path: Path, name: str, threads: DaemonThreads, *, whole: bool = False) -> Clip:
    """Open and check a clip file; blocking. `whole`: hold all of it in memory, whatever its size.

    `threads` read ahead later. Raises MediaError when the file is damaged, OSError as `open`.
    """
    if whole or path.stat().st_size <= WHOLE_BYTES:
        return Clip.from_buffer(path.read_bytes(), name)
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _open_long(file, name, threads)
    except BaseException:
        os.close(file)
        raise


def _open_long(file: int, name: str, threads: DaemonThreads) -> Clip:
    size = os.fstat(file).st_size
    index = read_index(size, lambda offset, count: _pread(file, offset, count), name)
    head = {number: _pread(file, number * CHUNK, CHUNK) for number in range(_HEAD)}
    silence = _pread(file, *index.silence)
    if any(len(chunk) < CHUNK for chunk in head.values()) or len(silence) < index.silence[1]:
        raise MediaError("a clip file that is cut short", "片段文件不完整")  # since the index was read
    return Clip(index, _ReadAhead(file, size, name, head, threads), silence)


def _pread(file: int, offset: int, size: int) -> bytes:
    """Read `size` bytes; fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := os.pread(file, size, offset)):
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return b"".join(parts)


def _close_apart(file: int) -> None:
    threading.Thread(target=os.close, args=(file,), name="close clip", daemon=True).start()


class _ReadAhead:
    """The payload of a long clip. Only the reads themselves run in a thread."""

    def __init__(
        self, file: int, size: int, name: str, head: dict[int, bytes], threads: DaemonThreads
    ) -> None:
        self.ready = True
        self.broken = False
        self._file = file
        self._name = name
        self._end = size
        self._count = -(-self._end // CHUNK)
        self._head = head
        self._chunks = dict(head)
        self._at = {True: 0, False: 0}  # the chunks at the positions of video and audio
        self._threads = threads
        self._reading: int | None = None  # the chunk
        self._read_at = 0.0
        self._idle: asyncio.TimerHandle | None = None
        # Closing a removed file frees its blocks, which can block on a slow disk: do it in a thread.
        weakref.finalize(self, _close_apart, file).atexit = False

    def read(self, offset: int, size: int, *, video: bool) -> bytes | None:
        first, last = offset // CHUNK, (offset + size - 1) // CHUNK
        if self.ready:
            self._at[video] = first
        parts = [self._chunks.get(number) for number in range(first, last + 1)]
        if None in parts and video:
            self._starve()
        self._note_use()
        self._read_on()
        if None in parts:
            return None
        whole = b"".join(part for part in parts if part is not None)
        start = offset - first * CHUNK
        return whole[start : start + size]

    def _starve(self) -> None:
        """Mark the clip as not ready and rewind it; it is ready once its beginning is in memory."""
        if self.ready:
            _log.warning("clip_late", clip=self._name, chunk=self._at[True], of=self._count)
        self.ready = False
        self._at = {True: 0, False: 0}

    def _wanted(self) -> list[int]:
        """Return the chunks to hold beside the head, in the order of playback, across the end of the loop."""
        ahead = [(self._at[video] + step) % self._count for step in range(AHEAD) for video in (True, False)]
        return list(dict.fromkeys(ahead))

    def _read_on(self) -> None:
        """Start reading the next missing chunk, one at a time."""
        if self.broken or self._reading is not None:
            return
        missing = next((number for number in self._wanted() if number not in self._chunks), None)
        if missing is None:
            self.ready = True
            return
        self._reading = missing
        reading = self._threads.call(_pread, self._file, missing * CHUNK, self._size(missing))
        reading.add_done_callback(self._take)

    def _take(self, reading: "asyncio.Future[bytes]") -> None:
        number, self._reading = self._reading, None
        if number is None or reading.cancelled():
            return
        error = reading.exception()
        chunk = b"" if error is not None else reading.result()
        if len(chunk) < self._size(number):
            self.ready, self.broken = False, True
            reason = f"cut short at {number * CHUNK + len(chunk)} bytes" if error is None else str(error)
            _log.error("clip_broken", clip=self._name, reason=reason)
            return
        keep = {*self._head, *self._wanted()}
        self._chunks = {known: data for known, data in self._chunks.items() if known in keep}
        self._chunks[number] = chunk
        self._read_on()

    def _size(self, number: int) -> int:
        return min(CHUNK, self._end - number * CHUNK)

    # ------------------------------------------------------------ off air

    def _note_use(self) -> None:
        loop = asyncio.get_running_loop()
        self._read_at = loop.time()
        if self._idle is None:
            self._idle = loop.call_later(IDLE_S, self._forget_if_idle)

    def _forget_if_idle(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._read_at + IDLE_S - loop.time()
        if left > 0 or (not self.ready and not self.broken):
            self._idle = loop.call_later(left if left > 0 else IDLE_S, self._forget_if_idle)
            return
        self._idle = None
        self._chunks = dict(self._head)
        self._at = {True: 0, False: 0}
