"""`make test` runs two processes of pytest: which tests each takes, in what order, and which ones run alone.

pytest-xdist hands out units of work in the order of the collection. The first unit is the air lane: real
processes in real time, which wait more than they work, one after another and the broadcasts first. Meanwhile
the other process works off what needs one core, file by file; files with tests that run alone when the
broadcasts are over. Tests of the page come last, one by one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath

BESIDE, BEHIND = 5, 10  # niceness
AIR = {"archive", "demo", "e2e", "ingest", "ledger", "link", "playout", "rtmp", "runtime", "torture"}


def unit(nodeid: str) -> str:
    """Return the unit of work a test belongs to: the air lane, its file, or, of the page, mostly itself."""
    path = _path(nodeid)
    if _room(path) in AIR:
        return "air"
    return nodeid if _shows_page(path) and not _shares_desk(path) else str(path)


def order(nodeid: str, *, measures: bool) -> int:
    """Return which tests come first: the lower number. `measures`: a test of its file runs alone."""
    path = _path(nodeid)
    room = _room(path)
    if room in AIR:
        return 0 if room == "e2e" else 1
    if _shows_page(path):
        return 5
    if measures:
        return 4
    return 2 if room != "console" else 3


def take_rank(nodeid: str, *, alone: bool) -> None:
    """Let the broadcasts go first where several want a core: they are in real time, without a second try.

    Threads and processes have the rank of the thread that begins them, and keep it. As urgent as the
    broadcasts, where this process may say so, are tests that are `alone`, for they measure, and tests of the
    page, which come after them: Chromium gives itself a high rank, and would starve the console before it.
    """
    path = _path(nodeid)
    if _room(path) != "e2e":
        _set_niceness(0 if alone or _shows_page(path) else BEHIND)


def step_back() -> None:
    """What this thread begins from now on runs beside the broadcasts, and after them in rank."""
    _set_niceness(BESIDE)


def _set_niceness(wanted: int) -> None:
    with suppress(PermissionError):  # only root may step forward again
        os.setpriority(os.PRIO_PROCESS, 0, wanted)


def _path(nodeid: str) -> PurePosixPath:
    return PurePosixPath(nodeid.partition("::")[0])


def _room(path: PurePosixPath) -> str:
    """Return the folder below tests/."""
    return path.parts[1]


def _shows_page(path: PurePosixPath) -> bool:
    return path.name.startswith("test_console_page_")


@cache
def _shares_desk(path: PurePosixPath) -> bool:
    """Return whether the tests of a file share a console and a browser: they run in one loop then."""
    file = Path(path)
    return file.is_file() and 'loop_scope="module"' in file.read_text("utf-8")


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
