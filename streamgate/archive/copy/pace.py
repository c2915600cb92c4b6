"""A limit on bytes a second, shared by all that goes to a target and comes from it."""

import io
import threading
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

BURST_S = 0.25
_SLICE_S = 0.2  # how long a wait may hold up the end


class StoppingError(Exception):
    """The process ends: whatever is under way is given up."""


class Pace:
    """A bucket of bytes that fills at `limit_mbps` megabits a second; None: no limit. For one thread.

    `stop`: once it is set every wait ends with StoppingError.
    """

    def __init__(self, limit_mbps: float | None = None, stop: threading.Event | None = None) -> None:
        self._bytes_per_s = limit_mbps * 125_000 if limit_mbps else None
        self._stop = stop or threading.Event()
        self._free_at = time.monotonic()

    def go_on(self) -> None:
        """Raises StoppingError when it is to end."""
        if self._stop.is_set():
            raise StoppingError

    def take(self, size: int) -> None:
        """Wait until `size` bytes may go."""
        self.go_on()
        if self._bytes_per_s is None:
            return
        now = time.monotonic()
        self._free_at = max(self._free_at, now - BURST_S) + size / self._bytes_per_s
        while (left := self._free_at - time.monotonic()) > 0:
            if self._stop.wait(min(left, _SLICE_S)):
                raise StoppingError

    def follow(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Hand chunks on, no faster than allowed."""
        for chunk in chunks:
            self.take(len(chunk))
            yield chunk


class PacedPiece(io.RawIOBase):
    """`size` bytes of an open file from `start` on, as a file that is read no faster than allowed."""

    def __init__(self, file: BinaryIO, start: int, size: int, pace: Pace) -> None:
        self._file, self._start, self._size, self._pace = file, start, size, pace
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = min(max(0, base + offset), self._size)
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        self._pace.take(wanted)
        self._file.seek(self._start + self._at)
        data = self._file.read(wanted)
        self._at += len(data)
        return data
