"""Tail of the gate's ledger: hands each new record once to whoever follows it.

Where it stands is kept in a file, so that what happened while nobody followed is read later.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from streamgate.disk import replace_file
from streamgate.ledger.owner import give_to_owner
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.places import find_places, utc_day

FIRST_S = 3600.0  # so much of the past is read when nothing was followed before
PIECE = 4 * 1024 * 1024  # bytes of a file that are read at once
_DAY_S = 86_400.0
Take = Callable[[Mapping[str, Any], str], object]


class _Followed(msgspec.Struct):
    """`files`: bytes read of each, by DAY/NAME, of the newest two days; older files are done with."""

    files: dict[str, int] = {}
    records: dict[str, int] = {}  # so many lines these were
    since: float = 0.0  # nothing that happened before is handed on


class LedgerTail:
    """Reads the gate's records in the ledger of `data_dir`. Calls block; they raise OSError.

    `path`: the file that says how far it has read. `may_matter`: asked of a line before it is decoded.
    """

    def __init__(
        self, data_dir: Path, path: Path, may_matter: Callable[[bytes], bool], clock: Callable[[], float]
    ) -> None:
        self._data_dir, self._path = data_dir, path
        self._may_matter, self._clock = may_matter, clock
        self._seen: _Followed | None = None
        self._kept = b""  # what the file says

    def follow(self, take: Take) -> None:
        """Hand each new record to `take` with its origin, DAY/NAME#LINE.

        What `take` raises ends it; the records since the last piece that was read come again the next time.
        """
        if self._seen is None:
            self._seen = self._recall()
            self._kept = msgspec.json.encode(self._seen)
        for name in self._find_files(self._seen):
            self._read_file(self._seen, name, take)

    def remember(self) -> None:
        """Note how far it has read, so that the next process goes on from there."""
        now = msgspec.json.encode(self._seen)
        if now != self._kept:
            replace_owned(self._path, now, self._data_dir)
            self._kept = now

    def _recall(self) -> _Followed:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Followed)
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return _Followed(since=self._clock() - FIRST_S)

    def _find_files(self, seen: _Followed) -> list[str]:
        """Return the gate's files that may hold something new, and forget those that cannot."""
        oldest = min([name.partition("/")[0] for name in seen.files], default=utc_day(max(0.0, seen.since)))
        try:
            places = find_places(self._data_dir / LEDGER, since_day=oldest)
        except FileNotFoundError:
            return []
        names = [place.name for place in places if place.process == "gate"]
        kept = utc_day(max(0.0, self._clock() - 2 * _DAY_S))
        newest = max((name.partition("/")[0] for name in names), default=kept)
        for name in list(seen.files):
            if name.partition("/")[0] < min(kept, newest):
                del seen.files[name], seen.records[name]
        return names

    def _read_file(self, seen: _Followed, name: str, take: Take) -> None:
        path = self._data_dir / LEDGER / name
        at, number = seen.files.setdefault(name, 0), seen.records.setdefault(name, 0)
        if path.stat().st_size <= at:
            return
        with path.open("rb") as file:
            file.seek(at)
            while data := file.read(PIECE):
                whole = data[: data.rfind(b"\n") + 1]
                if not whole:
                    break
                for line in whole.splitlines(keepends=True):
                    number += 1
                    record = self._decode(line, seen.since)
                    if record is not None:
                        take(record, f"{name}#{number}")
                at += len(whole)
                seen.files[name], seen.records[name] = at, number
                file.seek(at)

    def _decode(self, line: bytes, since: float) -> Mapping[str, Any] | None:
        if not self._may_matter(line):
            return None
        try:
            record = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        known = isinstance(record, dict) and float(record.get("at", 0.0)) >= since
        return record if known else None


def replace_owned(path: Path, data: bytes, data_dir: Path) -> None:
    """Replace a file in a folder of `data_dir`; make the folder first. Both get the owner of `data_dir`."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        give_to_owner(path.parent, data_dir)
    replace_file(path, data)
    give_to_owner(path, path.parent)
