"""Checks the indexes of parts against the ledger, byte for byte, and reads what they say."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.archive.parts import PartRecord
from streamgate.ledger.record import Extent
from streamgate.verify.facts import Said

_decoder = msgspec.json.Decoder(PartRecord)


class Line(NamedTuple):
    """A line of an index. `covered`: the ledger has its hash."""

    number: int
    record: PartRecord | None
    covered: bool
    whole: bool


class Fault(NamedTuple):
    """The first line of a file that is not what the ledger says; 0: the file as a whole."""

    line: int
    why: str


class IndexFile(NamedTuple):
    """An index as it was found. `fault` None: it is what the ledger says, as far as that goes."""

    lines: list[Line]
    fault: Fault | None


def read_index(path: Path, extents: Sequence[Said[Extent]], *, removals: bool) -> IndexFile:
    """Read an index and compare it with what the ledger says of it. Raises OSError.

    `removals`: parts of that day were removed, and so it may have been removed and begun anew.
    """
    data = path.read_bytes()
    good, fault = check_growth(data, _newest_run(extents) if removals else extents)
    lines = []
    at = 0
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        at += len(line)
        lines.append(Line(number, _read(line), at <= good or fault is not None, line.endswith(b"\n")))
    return IndexFile(lines, fault)


def _newest_run(extents: Sequence[Said[Extent]]) -> list[Said[Extent]]:
    """Return those from the last one on that begins anew."""
    start = 0
    for place in range(1, len(extents)):
        if extents[place].record.bytes < extents[place - 1].record.bytes:
            start = place
    return list(extents[start:])


def check_growth(data: bytes, extents: Sequence[Said[Extent]]) -> tuple[int, Fault | None]:
    """Return how many bytes of a file are what the ledger says, and what is wrong behind them."""
    digest = hashlib.sha256()
    good = 0
    for said in sorted(extents, key=lambda said: said.record.bytes):  # clocks may have mixed up the files
        extent = said.record
        if extent.bytes > len(data):
            cut = extent.bytes - len(data)
            why = f"{cut} bytes that {said.place} names are gone from its end, or from before it"
            return good, Fault(_line_at(data, good), why)
        digest.update(memoryview(data)[good : extent.bytes])
        if digest.hexdigest() != extent.sha256:
            first, last = _line_at(data, good), _line_at(data, extent.bytes - 1)
            lines = f" in lines {first} to {last}" if last > first else ""
            return good, Fault(first, f"it was changed{lines}: it is not what {said.place} says")
        good = extent.bytes
    return good, None


def _line_at(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _read(line: bytes) -> PartRecord | None:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
