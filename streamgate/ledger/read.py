"""Reads the ledger for people and programs: its records as plain values. It checks nothing (see verify)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from streamgate.ledger.chain import MAX_LINE
from streamgate.ledger.places import find_places


def read(root: Path, *, process: str = "", kind: str = "", since_day: str = "") -> Iterator[dict[str, Any]]:
    """Yield the records of the ledger at `root` by day, process and place in the file.

    A line that is no record, such as one that is being written, is left out. Without a ledger there are none.
    """
    try:
        places = find_places(root)
    except FileNotFoundError:
        return
    for place in places:
        if place.day < since_day or process not in ("", place.process):
            continue
        with (root / place.name).open("rb") as file:
            for line in iter(lambda: file.readline(MAX_LINE), b""):
                try:
                    record = msgspec.json.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
                if isinstance(record, dict) and kind in ("", record.get("kind")):
                    yield record
