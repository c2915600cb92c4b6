"""The SQLite file as a file: who holds it, whether it is still the one that was opened, whether it ever was.

Beside it stands `streamgate.sqlite.lock`. Whoever has the database open holds it shared, `restore` holds it
alone. Once the first migration is done its content says so: a database that is missing later was lost, and an
empty one is not made in its place without being asked for.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from streamgate.errors import Refused
from streamgate.store.failures import failure
from streamgate.store.location import Location

_MADE = b"a database was made here\n"


def lock_path(location: Location) -> Path:
    return location.file.with_name(f"{location.file.name}.lock")


def was_made(location: Location) -> bool:
    """Tell whether a database stood here before."""
    try:
        return lock_path(location).stat().st_size > 0
    except OSError:
        return False


def mark_made(location: Location) -> None:
    """Remember that a database stands here from now on."""
    if not was_made(location):
        lock_path(location).write_bytes(_MADE)


def is_empty(location: Location) -> bool:
    """Tell whether nothing is there: no file, or one without a byte."""
    try:
        return location.file.stat().st_size == 0
    except FileNotFoundError:
        return True


def create(location: Location) -> None:
    """Make the file, empty, for this user alone; one that is there is not even opened.

    To close any descriptor of a file drops all locks this process has on it (fcntl(2)), SQLite's among them.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(location.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def identity(location: Location) -> tuple[int, int]:
    """Return device and inode. Raises StoreBrokenError when the file is gone, emptied or was never made."""
    if is_empty(location):
        raise failure("gone" if was_made(location) else "missing", location)
    found = location.file.stat()
    return found.st_dev, found.st_ino


def hold_shared(location: Location) -> int | None:
    """Hold the database against `restore` until the descriptor is closed.

    None where no lock file can be made: nobody can restore on a read-only disk either.
    """
    path = lock_path(location)
    descriptor: int | None = None
    # O_CREAT waits for a frozen disk even when there is nothing to make
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
            break
        except OSError:
            continue
    if descriptor is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise failure("restoring", location) from None
    return descriptor


def hold_alone(location: Location) -> int:
    """Hold the database so that nobody else has it open. Raises Refused when somebody has."""
    descriptor = os.open(lock_path(location), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Refused(
            f"the database {location.shown} is in use by serve or another streamgate command;"
            " end it first, then restore",
            f"数据库 {location.shown} 正被 serve 或其他 streamgate 命令使用；请先结束它再恢复",
        ) from None
    return descriptor
