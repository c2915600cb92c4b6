"""A cache of files for viewers. A thread pool of its own reads them, because a disk may hang.

A name must match a short pattern without slashes, and links are not followed. So no request can leave the
directory.
"""

import asyncio
import errno
import os
import re
import stat
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from moderation.public.problems import BUSY, DISK_AWAY, NOT_FOUND, RequestRefused

THREADS = 4
MAX_FILE = 64 * 1024 * 1024
MAX_KEPT = 128 * 1024 * 1024
MAX_READING = 32
WAIT_S = 5.0
MISSING_S = 0.5
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class FileCache:
    """Reads and caches whole files. Concurrent requests for one file share one read."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, "files")
        self._kept: OrderedDict[tuple[Path, str], tuple[float, bytes | None]] = OrderedDict()
        self._size = 0
        self._reading: dict[tuple[Path, str], asyncio.Future[bytes | None]] = {}

    async def read(self, directory: Path, name: str, *, fresh_s: float | None) -> bytes:
        """Return a file's content. `fresh_s`: how old it may be; None: it never changes.

        Raises RequestRefused: there is none of that name, or the disk does not answer within 5 s.
        """
        if not _NAME.fullmatch(name):
            raise RequestRefused(NOT_FOUND)
        key = directory, name
        kept = self._kept.get(key)
        now = asyncio.get_running_loop().time()
        if kept is not None:
            at, data = kept
            allowed_s = MISSING_S if data is None else fresh_s
            if allowed_s is None or now - at <= allowed_s:
                self._kept.move_to_end(key)
                return _require_content(data)
        return _require_content(await self._read(key))

    async def _read(self, key: tuple[Path, str]) -> bytes | None:
        reading = self._reading.get(key)
        if reading is None:
            if len(self._reading) >= MAX_READING:
                raise RequestRefused(BUSY, 1)
            loop = asyncio.get_running_loop()
            reading = self._reading[key] = loop.run_in_executor(self._pool, _content, *key)
            reading.add_done_callback(lambda done: self._finish(key, done, loop.time()))
        done, _ = await asyncio.wait({reading}, timeout=WAIT_S)
        if not done:
            raise RequestRefused(DISK_AWAY, WAIT_S)
        try:
            return reading.result()
        except OSError as error:
            raise RequestRefused(DISK_AWAY, 1) from error

    def _finish(self, key: tuple[Path, str], done: "asyncio.Future[bytes | None]", now: float) -> None:
        self._reading.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        before = self._kept.pop(key, None)
        data = done.result()
        self._kept[key] = (now, data)
        self._size += _cost(data) - (_cost(before[1]) if before is not None else 0)
        while self._size > MAX_KEPT:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._size -= _cost(oldest)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _require_content(data: bytes | None) -> bytes:
    if data is None:
        raise RequestRefused(NOT_FOUND)
    return data


def _cost(data: bytes | None) -> int:
    return 512 + len(data or b"")


def _content(directory: Path, name: str) -> bytes | None:
    """Return a regular file's content, None when there is none. Raises OSError for a disk that fails."""
    try:
        descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENAMETOOLONG}:  # ELOOP: it is a link
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE:
            return None
        return file.read(MAX_FILE)
