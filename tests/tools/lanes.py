"""`make test` runs two processes of pytest: which tests each takes, in what order, and which ones run alone.

pytest-xdist hands out units of work in the order of the collection. The first unit is the air lane: real
processes in real time, which wait more than they work, one after another and the broadcasts first. Meanwhile
the other process works off what needs one core, file by file. Tests of the page come last, one by one.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

AIR = {"archive", "demo", "e2e", "ingest", "ledger", "link", "playout", "rtmp", "runtime", "torture"}


def unit(nodeid: str) -> str:
    """Return the unit of work a test belongs to: the air lane, its file, or, of the page, itself."""
    path = _path(nodeid)
    if _room(path) in AIR:
        return "air"
    return nodeid if _shows_page(path) else str(path)


def order(nodeid: str) -> int:
    """Return which tests come first: the lower number."""
    path = _path(nodeid)
    room = _room(path)
    if room in AIR:
        return 0 if room == "e2e" else 1
    if room != "console":
        return 2
    return 4 if _shows_page(path) else 3


def _path(nodeid: str) -> PurePosixPath:
    return PurePosixPath(nodeid.partition("::")[0])


def _room(path: PurePosixPath) -> str:
    """Return the folder below tests/."""
    return path.parts[1]


def _shows_page(path: PurePosixPath) -> bool:
    return path.name.startswith("test_console_page_")


@contextmanager
def turn(directory: Path, *, alone: bool) -> Iterator[None]:
    """Wait for a test's turn; `directory` is the same for all processes.

    A test that is `alone` starts when those of the other processes have ended, and they wait for its end.
    While it waits it keeps the door: else the others' tests could follow one another without a gap.
    """
    with (directory / "door.lock").open("w") as door, (directory / "room.lock").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        if not alone:
            fcntl.flock(door, fcntl.LOCK_UN)
        try:
            yield
        finally:  # not by closing alone: a forked child would hold them on
            fcntl.flock(room, fcntl.LOCK_UN)
            fcntl.flock(door, fcntl.LOCK_UN)
