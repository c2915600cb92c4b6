"""Checks the recording: indexes are what the ledger says, and all that must be there is there."""

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from streamgate.archive.copy.target import MARKER
from streamgate.archive.parts import INDEX, PartName, PartRecord, days, parse
from streamgate.ledger.record import Part
from streamgate.verify.facts import Facts, Said
from streamgate.verify.index import IndexFile, Line, read_index
from streamgate.verify.outcome import Missing, Notes, Remark
from streamgate.verify.scope import ARCHIVE, Scope

EVENTS = ".events.jsonl"
EARLY_S = 0.1  # a part that is open began no earlier than this before the one before it ended
_NOBODY = "nobody recorded it in the ledger"
Own = dict[str, Said[Part]]


class Expected(NamedTuple):
    """A part that must be what `place` says: a line of the ledger, or of an index that it vouches for."""

    path: str
    channel: str
    number: int
    start: float
    end: float
    bytes: int
    sha256: str
    events_sha256: str
    closed: str
    place: str


class Recorded(NamedTuple):
    """What the indexes of a channel say, and the parts that must be there."""

    lines: list[PartRecord]
    parts: list[Expected]


class MediaCheck:
    """Checks the recordings of one data directory but for the content of parts."""

    def __init__(self, archive: Path, facts: Facts, notes: Notes, scope: Scope) -> None:
        self._archive, self._facts, self._notes, self._scope = archive, facts, notes, scope
        self._is_copy = (archive.parent / MARKER).is_file()  # of its lines the newest come a minute later
        self._swept = {path.rpartition("/")[0] for path in facts.removals}

    def run(self) -> dict[str, Recorded]:
        """Check all channels; return what is recorded of each. Raises OSError."""
        own: dict[str, dict[str, Own]] = defaultdict(lambda: defaultdict(dict))
        for path, said in self._facts.parts.items():
            own[said.record.channel][path.rpartition("/")[0]][path] = said
        there = (path.name for path in self._archive.iterdir() if path.is_dir() and not path.is_symlink())
        channels = sorted({*own, *(name for name in there if days(self._archive, name))})
        return {channel: self._check_channel(channel, own[channel]) for channel in channels}

    def _check_channel(self, channel: str, own: dict[str, Own]) -> Recorded:
        told = {name.rpartition("/")[0] for name in self._facts.indexes if name.startswith(f"{channel}/")}
        there = {f"{channel}/{day.name}" for day in days(self._archive, channel)}
        last = max(
            (said for some in own.values() for said in some.values()),
            key=lambda said: said.record.number,
            default=None,
        )
        found = Recorded([], [])
        unindexed: list[PartName] = []
        for day in sorted(told | there | set(own)):
            if self._scope.has_day(day):
                known = bool(told) and day >= min(told)
                index = self._read_index(day, own[day], known=known)
                found.lines.extend(line.record for line in index.lines if line.record is not None)
                parts = self._find_expected(day, index, own[day], last=last, known=known)
                found.parts.extend(parts)
                unindexed += self._check_files(day, {part.path for part in parts})
        numbers = [line.number for line in found.lines] + [last.record.number if last is not None else 0]
        self._check_open(unindexed, max(numbers) + 1, last)
        return found

    # ------------------------------------------------------------ indexes

    def _read_index(self, day: str, own: Own, *, known: bool) -> IndexFile:
        """Check one day's index. `known`: the ledger spoke of this channel's parts by then."""
        name, notes = f"{ARCHIVE}/{day}/{INDEX}", self._notes
        extents = self._facts.indexes.get(f"{day}/{INDEX}", [])
        try:
            found = read_index(self._archive / day / INDEX, extents, removals=day in self._swept)
        except FileNotFoundError:
            wanted = [said for path, said in own.items() if path not in self._facts.removals]
            if wanted:
                notes.find(name, 0, f"the index is missing; {wanted[0].place} names it")
            return IndexFile([], None)
        if found.fault is not None:
            notes.find(name, found.fault.line, found.fault.why, self._broadcast_near(day, found))
        elif not extents and known:
            notes.find(name, 0, f"it does not belong here: {_NOBODY}")
        elif not extents:
            notes.unproven[Remark(name, "it is older than what the ledger knows of parts")] = None
        return found

    def _broadcast_near(self, day: str, found: IndexFile) -> str:
        """Return the broadcast of the line at fault, by the nearest line that can be read."""
        assert found.fault is not None
        at = found.fault.line
        near = min(
            (line for line in found.lines if line.record is not None),
            key=lambda line: abs(line.number - at),
            default=None,
        )
        if near is None or near.record is None:
            return ""
        return self._scope.broadcast_of(day.partition("/")[0], near.record.start, near.record.end)

    # ------------------------------------------------------------ what must be there

    def _find_expected(
        self, day: str, index: IndexFile, own: Own, *, last: Said[Part] | None, known: bool
    ) -> list[Expected]:
        """Return the parts of a day that the ledger or its index names."""
        found: dict[str, Expected] = {}
        indexed: set[str] = set()
        for line in index.lines:
            record, tail = line.record, known and not line.covered
            path = f"{day}/{record.part}" if record is not None and record.part else ""
            again = path in indexed
            indexed.add(path)
            if path in own:
                if again and tail:  # the gate wrote it once, and then told the ledger
                    text = f"the line of {path} stands twice"
                    self._notes.find(f"{ARCHIVE}/{day}/{INDEX}", line.number, text)
                continue
            newer = record is not None and (last is None or record.number > last.record.number)
            if tail and not self._may_be_new(line, newer=newer or not path):
                self._notes.find(f"{ARCHIVE}/{day}/{INDEX}", line.number, f"a line that was added: {_NOBODY}")
            elif tail:
                remark = Remark(f"{ARCHIVE}/{day}/{INDEX}", f"line {line.number} is not in the ledger yet")
                self._notes.open[remark] = None
            if record is not None and path:
                found[path] = _expect(record, path, f"{day}/{INDEX} line {line.number}")
        for path, said in own.items():
            part = said.record
            if path not in indexed and index.lines and index.fault is None:
                self._notes.find(
                    f"{ARCHIVE}/{day}/{INDEX}",
                    0,
                    f"the line of {path}, which {said.place} names, is missing",
                    self._scope.broadcast_of(part.channel, part.start, part.end),
                )
            found[path] = _expect(part, path, said.place)
        return [one for one in found.values() if self._scope.has(one.channel, one.start, one.end)]

    def _may_be_new(self, line: Line, *, newer: bool) -> bool:
        """Whether a line that the ledger does not know may just have been written, or been torn by a kill."""
        return self._facts.running and newer and (not line.whole or line.record is not None)

    # ------------------------------------------------------------ files

    def _check_files(self, day: str, named: set[str]) -> list[PartName]:
        """Find what is missing on a day and what does not belong there; return parts that no line names."""
        try:
            with os.scandir(self._archive / day) as entries:
                there = {entry.name for entry in entries}
        except FileNotFoundError:
            there = set()
        unindexed = []
        for file in sorted(there):
            path = f"{day}/{file}"
            name = parse(PurePosixPath(path))
            if file == INDEX or file.startswith(".") or path in named or path in self._facts.removals:
                continue
            if name is not None:
                unindexed.append(name)
            elif not (file.endswith(EVENTS) and _has_part(file, there)):
                self._notes.find(f"{ARCHIVE}/{path}", 0, f"it does not belong here: {_NOBODY}")
        return unindexed

    def _check_open(self, unindexed: Sequence[PartName], following: int, last: Said[Part] | None) -> None:
        """One part of a channel may have no line yet: the one that is being written, or was at a kill.

        `following`: the number that it has. `last`: the newest one that the ledger knows.
        """
        for name in sorted(unindexed, key=lambda name: name.number):
            file, began = f"{ARCHIVE}/{name.path}", name.start_ms / 1000
            before = began if last is None else min(last.record.end, self._facts.since_part[name.channel])
            # The ledger of a copy may end before a clock was set back.
            late = self._is_copy or began >= before - EARLY_S
            newer = self._facts.running and name.number == following and late
            if newer and self._is_copy:
                following += 1
                remark = Remark(file, "it came after the lines that were copied last")
                self._notes.open[remark] = None
            elif newer:
                self._notes.open[Remark(file, "it is being written, or was when the gate was killed")] = None
            elif self._scope.has(name.channel, began, began):
                broadcast = self._scope.broadcast_of(name.channel, began, began)
                self._notes.find(file, 0, f"it does not belong here: {_NOBODY}", broadcast)

    def find_missing(self, parts: Sequence[Expected]) -> list[Expected]:
        """Name the parts that are not there though nobody removed them; return those that are there."""
        there = []
        for one in parts:
            if (self._archive / one.path).exists():
                there.append(one)
            elif one.path not in self._facts.removals:
                file = f"{ARCHIVE}/{one.path}"
                broadcast = self._scope.broadcast_of(one.channel, one.start, one.end)
                self._notes.find(file, 0, f"it is missing; {one.place} names it", broadcast)
                gone = Missing(file, one.channel, one.start, one.end, one.bytes, broadcast)
                self._notes.missing[gone] = None
        return there


def _expect(one: PartRecord | Part, path: str, place: str) -> Expected:
    return Expected(
        path,
        one.channel,
        one.number,
        one.start,
        one.end,
        one.bytes,
        one.sha256,
        one.events_sha256,
        one.closed,
        place,
    )


def _has_part(events: str, files: set[str]) -> bool:
    stem = events.removesuffix(EVENTS)
    return f"{stem}.mp4" in files or f"{stem}.flv" in files
