"""SHA-256 of many files, on all cores: hashing gives the interpreter up, so threads do."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

_BUFFER = 1 << 20
_AT_ONCE = 512


class Digest(NamedTuple):
    """Of the first `limit` bytes where there was a limit. `error`: why the file cannot be read, or ""."""

    bytes: int
    sha256: str
    error: str = ""


class Wanted(NamedTuple):
    """`limit`: hash so many bytes at most; None: all."""

    path: Path
    limit: int | None = None


class Digests:
    """Hashes files; one that looks as it did is not read a second time. `read`: bytes hashed so far."""

    def __init__(self, threads: int | None = None) -> None:
        """`threads`: how many files at once; None: as many as there are cores for this process."""
        self.read = 0
        self._threads = threads or len(os.sched_getaffinity(0))
        self._known: dict[Wanted, tuple[tuple[int, int, int], Digest]] = {}

    def of(self, wanted: Sequence[Wanted]) -> Iterator[Digest]:
        """Yield the digest of each file, in order."""
        with ThreadPoolExecutor(self._threads, "verify") as pool:
            for start in range(0, len(wanted), _AT_ONCE):
                yield from pool.map(self._of, wanted[start : start + _AT_ONCE])

    def _of(self, wanted: Wanted) -> Digest:
        try:
            descriptor = os.open(wanted.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            return Digest(0, "", error.strerror or str(error))
        try:
            found = os.fstat(descriptor)
            mark = (found.st_ino, found.st_size, found.st_mtime_ns)
            known = self._known.get(wanted)
            if known is not None and known[0] == mark:
                return known[1]
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            digest = _hash(descriptor, found.st_size, wanted.limit)
        except OSError as error:
            return Digest(0, "", error.strerror or str(error))
        finally:
            os.close(descriptor)
        self.read += digest.bytes
        self._known[wanted] = (mark, digest)
        return digest


def _hash(descriptor: int, size: int, limit: int | None) -> Digest:
    buffer = memoryview(bytearray(min(_BUFFER, max(size, 1))))
    digest = hashlib.sha256()
    left = size if limit is None else min(size, limit)
    read = 0
    while left and (count := os.readv(descriptor, [buffer[: min(left, len(buffer))]])):
        digest.update(buffer[:count])
        read, left = read + count, left - count
    return Digest(size if limit is None else read, digest.hexdigest())
