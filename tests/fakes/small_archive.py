"""A data directory with recordings of any bytes, whose indexes say what they are, for tests of copies."""

import hashlib
import os
from pathlib import Path

import msgspec

from streamgate.archive.parts import INDEX, PartName, PartRecord, append_lines, events_path
from streamgate.archive.removed import Removed, log_removed

DAY_S = 86_400.0


class SmallArchive:
    """Below `path`. Each part is `size` bytes that nothing else is made of."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / "archive"
        self.number = 0
        self.parts: dict[str, bytes] = {}
        path.mkdir(parents=True, exist_ok=True)

    def part(self, at_s: float, size: int = 40_000, *, channel: str = "main", events: bytes = b"") -> str:
        """Add a closed part that begins at `at_s` (wall clock); return its key."""
        self.number += 1
        name = PartName(channel, int(at_s * 1000), self.number)
        path = self.root / name.path
        path.parent.mkdir(parents=True, exist_ok=True)
        data = os.urandom(size)
        path.write_bytes(data)
        os.utime(path, (at_s + 6, at_s + 6))
        if events:
            events_path(path).write_bytes(events)
        line = PartRecord(
            part=path.name,
            channel=channel,
            number=self.number,
            start=at_s,
            end=at_s + 6,
            bytes=size,
            sha256=_sha256(data),
            events_sha256=_sha256(events) if events else "",
        )
        append_lines(path.parent / INDEX, [msgspec.json.encode(line)])
        key = f"archive/{name.path}"
        self.parts[key] = data
        return key

    def records(self) -> None:
        """Add a ledger, an edit list, a filler and the rest of what is copied."""
        self.lines("ledger/2026-11-29/gate.jsonl", 20)
        self.lines("ledger/2026-11-29/cli.jsonl", 3)
        self.lines("archive/main/aired/main-20261129T120000Z.jsonl", 30)
        clip = os.urandom(30_000)
        self.write(f"archive/main/aired/clips/{_sha256(clip)}.clip", clip)
        self.write("holds.json", b'{"holds":[]}\n')
        self.write("archive/holds.json", b'{"holds":[]}\n')
        self.write("seal.pub", b"ab" * 32 + b"\n")
        for secret in ("seal.key", "secrets.key", "streamgate.sqlite"):
            self.write(secret, b"not to be copied")

    def lines(self, key: str, count: int) -> None:
        path = self.path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            for _ in range(count):
                file.write(b'{"line":"%s"}\n' % os.urandom(40).hex().encode())

    def write(self, key: str, data: bytes) -> None:
        path = self.path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def removed(self, key: str) -> None:
        """Remove a part as the sweeper does."""
        path = self.path / key
        name = path.relative_to(self.root)
        data = self.parts[key]
        number = int(path.stem.rpartition("-")[2])
        at = path.stat().st_mtime
        line = Removed(
            at + 61 * DAY_S,
            str(name),
            "main",
            number,
            at - 6,
            at,
            len(data),
            _sha256(data),
            "old",
        )
        log_removed(self.root, [line])
        path.unlink()

    def all_files(self) -> dict[str, bytes]:
        """Return everything that is to be copied, by key."""
        secrets = {"seal.key", "secrets.key", "streamgate.sqlite", "archive/sweeper.json"}
        return {
            key: path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
            and not path.name.startswith((".", "copies.sqlite", "catalog.sqlite"))
            and (key := path.relative_to(self.path).as_posix()) not in secrets
        }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
