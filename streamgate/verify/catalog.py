"""Checks the archive's catalog, where there is one, against what is recorded.

It is no evidence: it can be made anew at any time (`streamgate archive reindex`). But people find recordings
by it, and must find them all.
"""

import contextlib
import shutil
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from streamgate.archive.copy.target import MARKER
from streamgate.archive.parts import PartRecord
from streamgate.verify.facts import Facts
from streamgate.verify.media import Expected, Recorded
from streamgate.verify.outcome import Notes, Remark
from streamgate.verify.scope import ARCHIVE, Scope

CATALOG = "catalog.sqlite"
FOLLOWS = 20  # parts: so many may be closed until the catalog follows, two minutes
MADE_S = 30.0  # so long after its start the console may take to make it
_COLUMNS = (
    *("path", "channel", "number", "start_s", "end_s", "bytes", "sha256", "video", "audio", "data"),
    *(
        "keyframe",
        "tracks",
        "source",
        "closed",
        "gap_packets",
        "gap_bytes",
        "repaired",
        "missing",
        "removed_at",
    ),
)
_PARTS = f"SELECT {', '.join(_COLUMNS)} FROM archive_parts"  # noqa: S608 - of names above
_GAPS = "SELECT channel, end_s, reason, start_s, packets, bytes FROM archive_gaps"
_CHECK = "PRAGMA integrity_check(1)"
_SOUND = [("ok",)]
_DAY_S = 86_400
Row = dict[str, Any]


class CatalogCheck:
    def __init__(self, data: Path, facts: Facts, notes: Notes, scope: Scope) -> None:
        self._path, self._archive = data / CATALOG, data / ARCHIVE
        self._facts, self._notes, self._scope = facts, notes, scope
        self._newest: dict[str, int] = {}  # by channel: number of the newest part

    def run(self, recorded: Mapping[str, Recorded]) -> None:
        """Compare the catalog with what is recorded. Raises OSError."""
        if not self._path.is_file():
            if (self._path.parent / MARKER).is_file():
                return  # a second copy: the catalog is made anew when it is restored
            began = self._facts.since.get("console")
            if began is not None and max(self._facts.until.values()) > began + MADE_S:
                self._find("the catalog is missing; make it anew: archive reindex")
            return
        try:
            with _opened(self._path) as database:
                sound = database.execute(_CHECK).fetchall()
                if sound != _SOUND:
                    self._find(f"the catalog is damaged ({sound[0][0]}); make it anew: archive reindex")
                    return
                newest = self._compare(database.execute(_PARTS), recorded)
                self._compare_gaps(set(database.execute(_GAPS)), recorded, newest)
        except (sqlite3.Error, ValueError, TypeError) as error:
            self._find(f"the catalog is damaged ({error}); make it anew: archive reindex")

    def _find(self, why: str, broadcast: str = "") -> None:
        self._notes.find(CATALOG, 0, why, broadcast)

    def _compare(self, rows: Iterable[tuple[Any, ...]], recorded: Mapping[str, Recorded]) -> dict[str, int]:
        """Compare all rows; return by channel up to which part the catalog follows the recording."""
        parts = {one.path: one for found in recorded.values() for one in found.parts}
        lines = {
            (line.channel, line.part): line for one in recorded.values() for line in one.lines if line.part
        }
        newest: dict[str, int] = {}
        for one in parts.values():
            self._newest[one.channel] = max(one.number, self._newest.get(one.channel, 0))
        seen: set[str] = set()
        for values in rows:
            row: Row = dict(zip(_COLUMNS, values, strict=True))
            path, channel = str(row["path"]), str(row["channel"])
            seen.add(path)
            part = parts.get(path)
            if part is not None:
                newest[channel] = max(newest.get(channel, 0), part.number)
                self._compare_row(row, part, lines.get((part.channel, path.rpartition("/")[2])))
            elif not self._is_explained(row, path):
                self._find(f"it names {path}, which is not recorded")
            elif (self._archive / path).is_file():  # it is being written: what came before it has a row
                newest[channel] = max(newest.get(channel, 0), int(row["number"]))
        for path, part in parts.items():
            if path not in seen and part.number < newest.get(part.channel, 0):
                self._find(f"it does not name {path}", self._broadcast(part))
        return newest

    def _is_explained(self, row: Row, path: str) -> bool:
        """Whether a row without a part may be there: it was removed, is not asked for, or is still open."""
        if path in self._facts.removals or (self._archive / path).is_file():
            return True
        return not self._scope.has(str(row["channel"]), row["start_s"], row["end_s"])

    def _broadcast(self, part: Expected) -> str:
        return self._scope.broadcast_of(part.channel, part.start, part.end)

    def _compare_row(self, row: Row, part: Expected, line: PartRecord | None) -> None:
        same: Row = {
            "channel": part.channel,
            "number": part.number,
            "start_s": part.start,
            "end_s": part.end,
            "bytes": part.bytes,
            "sha256": part.sha256,
        }
        removed = part.path in self._facts.removals
        if not removed:
            there = (self._archive / part.path).is_file()
            same |= {"missing": not there, "removed_at": None}
        if line is not None and not removed:
            same |= {
                "video": line.video,
                "audio": line.audio,
                "data": line.data,
                "keyframe": line.keyframe,
                "tracks": ",".join(line.tracks),
                "source": line.source[:255],
                "closed": line.closed[:16],
                "gap_packets": line.gap.packets if line.gap else 0,
                "gap_bytes": line.gap.bytes if line.gap else 0,
                "repaired": line.repaired,
            }
        if differs := [name for name, value in same.items() if row[name] != value]:
            if line is not None and self._was_read_open(row, line):
                remark = Remark(CATALOG, f"of {part.path} it says what was read before it was closed")
                self._notes.open[remark] = None
                return
            why = f"of {part.path} it says another {', '.join(differs)} than is recorded"
            self._find(why, self._broadcast(part))

    def _was_read_open(self, row: Row, line: PartRecord) -> bool:
        """Whether a catalog was made anew while a part was being written, and has not followed since.

        It follows once a minute; the program may have ended before.
        """
        read = row["repaired"] and row["closed"] == "crash" and not line.repaired
        newest = self._newest.get(line.channel, line.number)
        return bool(read) and line.number > newest - FOLLOWS

    def _compare_gaps(
        self, rows: set[tuple[Any, ...]], recorded: Mapping[str, Recorded], newest: Mapping[str, int]
    ) -> None:
        wanted = {row: number for one in recorded.values() for row, number in _gaps(one.lines)}
        for channel, end, reason, start, *_ in rows - wanted.keys():
            if self._scope.has(channel, start, end) and channel in recorded:
                self._find(f"it names a gap of {channel} ({reason}, to {end}) that no index does")
        for channel, end, reason, *more in wanted.keys() - rows:
            if wanted[channel, end, reason, *more] < newest.get(channel, 0):
                self._find(f"it does not name a gap of {channel} ({reason}, to {end}) that the index does")


def _gaps(lines: Iterable[PartRecord]) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Yield the row of each gap of a channel, and a part: once the catalog knows a later one it has the gap.

    Its time does not tell, since the clock may have been set. A gap without a part counts as of the next one
    in its index; one that is the last there may be newer than all parts.
    """
    indexes: dict[int, list[PartRecord]] = defaultdict(list)
    highest = 0
    for line in lines:
        indexes[int(line.start) // _DAY_S].append(line)  # a gap's own line has the gap's start
        highest = max(highest, line.number)
    for index in indexes.values():
        following = highest + 1
        for line in reversed(index):
            following = line.number if line.part else following
            if line.gap is not None:
                end = line.gap.end or line.start
                start = line.gap.start or end
                row = (line.channel, end, line.gap.reason[:16], start, line.gap.packets, line.gap.bytes)
                yield row, following


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy of a database: to read it where it stands would write beside it."""
    with tempfile.TemporaryDirectory(prefix="streamgate-verify-") as folder:
        copy = Path(folder) / CATALOG
        for suffix in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
        with contextlib.closing(sqlite3.connect(copy)) as database:
            yield database
