"""Names of the ledger's files: DAY/PROCESS.jsonl, and PROCESS.2.jsonl where the first cannot go on."""

import os
import re
from collections import defaultdict
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Self

import msgspec

from streamgate.ledger.chain import MAX_LINE, Checker, canonical
from streamgate.ledger.record import FileHead, Header

FOLDER = "ledger"
STAMPS = "stamps"  # of the ledger's heads, beside it
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NAME = re.compile(r"(?P<process>[a-z][a-z0-9_-]{0,31})(?:\.(?P<number>[2-9]|[1-9][0-9]{1,5}))?\.jsonl")


class Place(msgspec.Struct, frozen=True, order=True):
    """One file of the ledger: of a day (UTC, YYYY-MM-DD), a process, and the how-manieth of that day."""

    day: str
    process: str
    number: int = 1

    @property
    def name(self) -> str:
        number = f".{self.number}" if self.number > 1 else ""
        return f"{self.day}/{self.process}{number}.jsonl"

    @classmethod
    def of(cls, day: str, name: str) -> Self | None:
        """Return the place of a file by the names of its directory and itself; None: it is no ledger file."""
        found = _NAME.fullmatch(name)
        if found is None or not is_day(day):
            return None
        return cls(day, found["process"], int(found["number"] or 1))

    def checker(self) -> Checker:
        return Checker(self.name, self.process, self.day)


class Tail(msgspec.Struct, frozen=True):
    """The last whole record of a file, and its kind."""

    head: FileHead
    kind: str


def utc_day(wall_s: float) -> str:
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%d")


def is_day(name: str) -> bool:
    if not _DAY.fullmatch(name):
        return False
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def goes_on(day: str, today: str) -> bool:
    """Whether the file of `day` is still written to `today`.

    A clock that steps back over midnight changes no file; one that was wrong by more than a day is left.
    """
    return 0 <= (date.fromisoformat(day) - date.fromisoformat(today)).days <= 1


def find_places(root: Path, *, since_day: str = "") -> list[Place]:
    """Return the ledger's files by day. Raises OSError when the directory cannot be read."""
    found = []
    for folder in root.iterdir():
        if folder.name >= since_day and is_day(folder.name) and folder.is_dir():
            found += [place for path in folder.iterdir() if (place := Place.of(folder.name, path.name))]
    return sorted(found)


def find_in_order(root: Path) -> list[Place]:
    """Return the ledger's files by day, those of a process as they follow one another by their headers.

    A clock that was set back makes a later file an earlier day's: it stands behind the one that it follows.
    Raises OSError.
    """
    places = find_places(root)
    followers: dict[str, list[Place]] = defaultdict(list)
    names = {place.name for place in places}
    for place in places:
        header = read_header(root, place)
        before = header.previous.file if header is not None and header.previous is not None else ""
        followers[before if before in names else ""].append(place)
    order: dict[Place, tuple[str, int]] = {}  # the latest day so far, how manieth file
    waiting = [(place, "") for place in reversed(followers[""])]
    while waiting:
        place, day = waiting.pop()
        if place not in order:  # headers that were tampered with may lead in a circle
            order[place] = max(day, place.day), len(order)
            waiting += [(one, order[place][0]) for one in reversed(followers[place.name])]
    return sorted(places, key=lambda place: (*order.get(place, (place.day, 0)), place))


def read_header(root: Path, place: Place) -> Header | None:
    """Return the header of a file; None when its first line is none."""
    with (root / place.name).open("rb") as file:
        line = file.readline(MAX_LINE)
    try:
        return msgspec.json.decode(line, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def newest(root: Path, process: str) -> Place | None:
    """Return the file of the process that no other one follows. By the headers: a clock may have jumped."""
    own = [place for place in find_places(root) if place.process == process]
    headers = [read_header(root, place) for place in own]
    followed = {one.previous.file for one in headers if one is not None and one.previous is not None}
    last = [place for place in own if place.name not in followed] or own
    return last[-1] if last else None


def read_tail(root: Path, place: Place) -> Tail | None:
    """Return the last whole record of a file, on disk for certain. None: there is none that is sound."""
    descriptor = os.open(root / place.name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        start = max(0, size - 2 * MAX_LINE)
        data = os.pread(descriptor, size - start, start)
        os.fsync(descriptor)  # what a seal names must not be gone after a power failure
    finally:
        os.close(descriptor)
    lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
    if not lines:
        return None
    try:
        record = msgspec.json.decode(lines[-1])
        said = record.pop("hash")
        if sha256(canonical(record)).hexdigest() != said:
            return None
        return Tail(FileHead(place.name, record["n"], said), record["kind"])
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, KeyError, AttributeError):
        return None
