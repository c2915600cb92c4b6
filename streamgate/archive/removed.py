"""`removed.jsonl`: what the sweeper took away. It outlives the files and their index."""

from pathlib import Path

import msgspec

from streamgate.archive.parts import append_lines

REMOVED = "removed.jsonl"


class Removed(msgspec.Struct, frozen=True):
    """One removed part, written before its file goes. `path`: relative to the root. Times: wall clock."""

    at: float
    path: str
    channel: str
    number: int
    start: float
    end: float
    bytes: int
    sha256: str
    reason: str
    v: int = 1


def log_removed(root: Path, lines: list[Removed]) -> None:
    """Append to the log and bring it to the disk. Raises OSError."""
    append_lines(root / REMOVED, [msgspec.json.encode(line) for line in lines])


def read_removed(root: Path) -> list[Removed]:
    """Return the log, torn lines passed over."""
    try:
        lines = (root / REMOVED).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    decoder = msgspec.json.Decoder(Removed)
    read = []
    for line in lines:
        try:
            read.append(decoder.decode(line))
        except msgspec.DecodeError:
            continue
    return read
