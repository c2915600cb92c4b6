"""What one check of the ledger leaves for the next: what it has proven, and how the files looked then."""

from contextlib import suppress
from pathlib import Path

import msgspec

from streamgate.ledger.places import is_day


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a file looks like from outside; at every change the system itself sets `ctime_ns`."""

    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Proven(msgspec.Struct, frozen=True, array_like=True):
    """A file of records that was proven. `first`: it follows no other."""

    records: int
    hash: str
    first: bool


class Known(msgspec.Struct, frozen=True):
    """What one check leaves for the next. `marks`: of every file in the folders of days."""

    marks: dict[str, Mark]
    proven: dict[str, Proven]


def take_marks(root: Path) -> dict[str, Mark]:
    """Return what all files in the folders of days look like. Raises OSError."""
    found = {}
    for folder in root.iterdir():
        if not (is_day(folder.name) and folder.is_dir()):
            continue
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # it was being made
                seen = path.lstat()
                mark = Mark(seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
                found[f"{folder.name}/{path.name}"] = mark
    return found


class _Timed(msgspec.Struct):
    at: float


_timed = msgspec.json.Decoder(_Timed)


def read_at(line: bytes) -> float | None:
    """Return the time of a record (wall clock, s); None: the line is none."""
    try:
        return _timed.decode(line).at
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
