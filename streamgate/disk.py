"""Durable files: write all bytes, replace atomically, fsync, lock with a timeout; own a directory."""

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

OTHER_DISK_S = 10.0
_LOOK_S = 0.02
_OWN_LOOK_S = 1.0


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`, with as many system calls as it takes. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_directory(path: Path) -> None:
    """Sync a directory: names added, changed or removed in it are durable then. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file atomically, mode 0600, and sync it to the disk. Raises OSError."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(path)
    sync_directory(path.parent)


def lock_within(descriptor: int, seconds: float) -> bool:
    """Lock a file; False when another process still holds the lock after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK_S)
        else:
            return True


def own_directory(path: Path, over: Callable[[], bool] = lambda: False) -> int:
    """Wait until no other writer owns the directory; return a descriptor that owns it until it is closed.

    A process that is killed while its disk stands still is not gone: the system call it is in goes on when
    the disk does. Its descriptors stay open until then. What its successor reads before that is not final.
    An owner that stays OTHER_DISK_S while this disk answers hangs elsewhere, and is not waited for. File
    systems that lock no directories (NFS) give a descriptor all the same. Raises OSError; TimeoutError when
    `over` says that nobody wants it any more.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait_to_own(descriptor, path, over)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _wait_to_own(descriptor: int, path: Path, over: Callable[[], bool]) -> None:
    answers_since_s: float | None = None
    while not _lock_directory(descriptor):
        if over():
            raise TimeoutError(errno.ETIMEDOUT, "another writer has it", str(path))
        asked_s = time.monotonic()
        _ask_disk(descriptor)
        now_s = time.monotonic()
        if answers_since_s is None or now_s - asked_s > _OWN_LOOK_S:
            answers_since_s = now_s
        elif now_s - answers_since_s > OTHER_DISK_S:
            return


class OwnedDirectory:
    """A directory that one writer owns at a time, see `own_directory`. Belongs to one thread."""

    def __init__(self, path: Path, over: Callable[[], bool]) -> None:
        self._path, self._over = path, over
        self._descriptor: int | None = None

    @property
    def owned(self) -> bool:
        return self._descriptor is not None

    def own(self) -> None:
        """Wait until an earlier writer has ended; again after the directory was replaced. Raises OSError."""
        if self._descriptor is not None and not _is_at(self._descriptor, self._path):
            self.release()
        if self._descriptor is None:
            self._descriptor = own_directory(self._path, self._over)

    def release(self) -> None:
        """Let it go: while the disk refuses, somebody may unmount it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), found)


def _lock_directory(descriptor: int) -> bool:
    try:
        return lock_within(descriptor, _OWN_LOOK_S)
    except OSError:
        return True


def _ask_disk(descriptor: int) -> None:
    """Return when the disk has taken a change. Raises OSError."""
    found = os.fstat(descriptor)
    os.utime(descriptor, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.fsync(descriptor)
