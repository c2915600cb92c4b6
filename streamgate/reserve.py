"""Reserve file: disk space that only ledger and edit lists may use, once the disk is full.

`reserve` in the data directory (in `archive/`, too, where that is another file system) is preallocated. When
the ledger or an edit list finds the disk full, it shortens the file by STEP_BYTES. From then on no recording
is written until there is space for the whole reserve again: recordings must not use the space given up.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

FILE = "reserve"
RESERVE_BYTES = 64 * 1024 * 1024  # days of ledger and edit lists
STEP_BYTES = 4 * 1024 * 1024
MARGIN_BYTES = 1024 * 1024  # beyond the missing bytes, so that a recording does not begin for a moment only
FULL = (errno.ENOSPC, errno.EDQUOT)
_SHARE = 100  # a hundredth of a small file system at most


class Reserve:
    """The reserve file of a folder. Its methods may wait for the disk; they do not raise."""

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self._path = folder / FILE
        self._size = size

    @classmethod
    def of(cls, folder: Path, size: int = RESERVE_BYTES) -> "Reserve":
        """Return the reserve of the file system that `folder`, a folder of the data directory, is on."""
        apart = False
        with suppress(OSError):
            apart = folder.stat().st_dev != folder.parent.stat().st_dev
        return cls(folder if apart else folder.parent, size)

    @property
    def path(self) -> Path:
        return self._path

    def keep(self) -> bool:
        """Refill the reserve if there is space; return whether recordings may be written.

        False only when the reserve is incomplete and there is no space for it. On any other trouble of the
        disk, or if it cannot preallocate, True: the writer gets its own error.
        """
        try:
            system = os.statvfs(self._path.parent)
            wanted = min(self._size, system.f_blocks * system.f_frsize // _SHARE)
            missing = wanted - self._held()
            if missing <= 0:
                return True
            if system.f_bavail * system.f_frsize < missing + min(MARGIN_BYTES, wanted):
                return False
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, wanted)
            finally:
                os.close(descriptor)
        except OSError as error:
            return error.errno not in FULL
        return True

    def release(self) -> bool:
        """Shorten it by STEP_BYTES; False: there is nothing left."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            held = os.fstat(descriptor).st_size
            if not held:
                os.fsync(descriptor)  # another process may have shortened it just now
                return False
            os.ftruncate(descriptor, max(0, held - STEP_BYTES))
            os.fsync(descriptor)  # the space is free once the file system has written that
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def state(self) -> tuple[int, int]:
        """Return how many bytes are reserved now, and how many should be. 0, 0: unknown."""
        try:
            system = os.statvfs(self._path.parent)
            return self._held(), min(self._size, system.f_blocks * system.f_frsize // _SHARE)
        except OSError:
            return 0, 0

    def _held(self) -> int:
        try:
            return self._path.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            return 0
