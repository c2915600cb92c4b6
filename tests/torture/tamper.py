"""Damages data directories at random, and looks whether the verifier finds and names each damage.

    PYTHONPATH=tests python -m torture.tamper [--tries 500] [--seed N] [--keep DIR]
    PYTHONPATH=tests python -m torture.tamper --copies DIR [--tries 500] [--seed N]

A real `serve` runs with encoders that publish on two channels, and people give commands. Meanwhile copies
are taken. Of `tries` damaged copies each must be refuted and the damage named; as many untouched looks at the
running directory and at copies must find nothing. `--copies` damages those that an earlier run has left.

What the ledger vouches for is damaged: closed parts, indexes and edit lists as far as it names them. The part
that is being written, and the newest 30 s of an edit list, are told as open (docs/ledger.md).
"""

import argparse
import hashlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.archive.edit_list import CLIPS, FOLDER
from streamgate.ledger.places import find_places
from streamgate.verify import verifier
from streamgate.verify.catalog import CATALOG
from streamgate.verify.facts import Facts, read_facts
from streamgate.verify.media import EVENTS
from streamgate.verify.outcome import Outcome

KINDS = ("media", "index", "edit list", "ledger", "catalog")


class Damage(NamedTuple):
    """What was done. `names`: one of them must be named; `line`: of the file, 0: none in particular."""

    what: str
    names: frozenset[str]
    line: int = 0


class Target(NamedTuple):
    """A file and how many of its first bytes the ledger vouches for. `name`: as the verifier calls it."""

    path: Path
    size: int
    name: str
    exact: bool  # each line of it is in the ledger by itself


class Vandal:
    """Damages one directory, and puts it right again."""

    def __init__(self, root: Path, dice: random.Random) -> None:
        self.root, self._dice = root, dice
        self._archive = root / "archive"
        self._facts: Facts = read_facts(root / "ledger")
        self._kept: dict[Path, bytes | None] = {}
        self._made: list[Path] = []  # folders
        with closing(sqlite3.connect(root / CATALOG)) as database:  # takes in its log: one file to damage
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._sealed = self._find_sealed()
        self.targets = {
            "media": self._media(),
            "index": self._grown(self._facts.indexes, exact=True),
            "edit list": self._grown(self._facts.lists, exact=False),
            "ledger": self._ledger(),
            "catalog": [Target(root / CATALOG, (root / CATALOG).stat().st_size, CATALOG, exact=False)],
        }

    @contextmanager
    def damaged(self, kind: str) -> Iterator[Damage]:
        """Damage a file of a kind, and put it right in the end."""
        grown = [*self._byte_acts, self._truncate, *self._line_acts, *self._file_acts]
        acts: dict[str, list[Callable[[str], Damage]]] = {
            "media": [*self._byte_acts, self._truncate, *self._file_acts],
            "index": grown,
            "edit list": grown,
            "ledger": grown,
            "catalog": [self._flip_catalog, self._truncate, *self._row_acts, self._remove],
        }
        possible = [act for act in acts[kind] if act != self._swap or len(self.targets[kind]) > 1]
        try:
            yield self._dice.choice(possible)(kind)
        finally:
            for path, data in self._kept.items():
                if data is None:
                    path.unlink()
                else:
                    path.write_bytes(data)
            for folder in reversed(self._made):
                folder.rmdir()
            self._kept, self._made = {}, []

    # ------------------------------------------------------------ what can be damaged

    def _media(self) -> list[Target]:
        """Parts, the script events beside them, and fillers that aired."""
        paths = [self._archive / path for path in self._facts.parts if path not in self._facts.removals]
        events = [path.with_suffix(EVENTS) for path in paths]
        clips = self._archive.glob(f"*/{FOLDER}/{CLIPS}/*.clip")
        return [
            Target(path, path.stat().st_size, f"archive/{path.relative_to(self._archive)}", exact=False)
            for path in (*paths, *events, *clips)
            if path.exists()
        ]

    def _grown(self, told: dict[str, list], *, exact: bool) -> list[Target]:
        found = []
        for name, some in told.items():
            newest = some[-1].record
            size = newest.bytes if exact else newest.edits.bytes
            if (self._archive / name).exists() and name not in self._facts.removals:
                found.append(Target(self._archive / name, size, f"archive/{name}", exact))
        return found

    def _ledger(self) -> list[Target]:
        root = self.root / "ledger"
        return [
            Target(root / place.name, (root / place.name).stat().st_size, place.name, exact=True)
            for place in find_places(root)
            if place.name in self._sealed
        ]

    def _find_sealed(self) -> dict[str, int]:
        """Return how many records of each file another file names."""
        found: dict[str, int] = {}
        root = self.root / "ledger"
        for place in find_places(root):
            for line in (root / place.name).read_bytes().splitlines():
                record = msgspec.json.decode(line)
                heads = [*record.get("heads", ()), *filter(None, [record.get("previous")])]
                for head in heads:
                    found[head["file"]] = max(found.get(head["file"], 0), head["records"])
        return found

    # ------------------------------------------------------------ bytes

    def _pick(self, kind: str) -> Target:
        return self._dice.choice(self.targets[kind])

    def _read(self, path: Path) -> bytearray:
        data = path.read_bytes() if path.exists() else None
        self._kept.setdefault(path, data)
        return bytearray(data or b"")

    def _line_of(self, data: bytes, at: int) -> int:
        return data.count(b"\n", 0, at) + 1

    def _flip(self, kind: str) -> Damage:
        one = self._pick(kind)
        data, at = self._read(one.path), self._dice.randrange(one.size)
        line = self._line_of(data, at) if one.exact else 0
        data[at] ^= self._dice.randrange(1, 256)
        one.path.write_bytes(data)
        return Damage(f"a byte of {one.name} at {at} is another", frozenset({one.name}), line)

    def _drop(self, kind: str) -> Damage:
        one = self._pick(kind)
        data, at = self._read(one.path), self._dice.randrange(one.size)
        line = self._line_of(data, at) if one.exact else 0
        del data[at]
        one.path.write_bytes(data)
        return Damage(f"a byte of {one.name} at {at} is gone", frozenset({one.name}), line)

    def _insert(self, kind: str) -> Damage:
        one = self._pick(kind)
        data, at = self._read(one.path), self._dice.randrange(one.size)
        data.insert(at, self._dice.randrange(256))
        one.path.write_bytes(data)
        return Damage(f"{one.name} has a byte more at {at}", frozenset({one.name}))

    def _swap_bytes(self, kind: str) -> Damage:
        one = self._pick(kind)
        data = self._read(one.path)
        while (
            data[(first := self._dice.randrange(one.size))] == data[(last := self._dice.randrange(one.size))]
        ):
            pass
        first, last = sorted((first, last))
        line = self._line_of(data, first) if one.exact else 0
        data[first], data[last] = data[last], data[first]
        one.path.write_bytes(data)
        return Damage(f"bytes of {one.name} at {first} and {last} are swapped", frozenset({one.name}), line)

    def _truncate(self, kind: str) -> Damage:
        """Cut a file off, before the end of what the ledger vouches for."""
        one = self._pick(kind)
        data = self._read(one.path)
        known = self._sealed.get(one.name)
        size = one.size if known is None else len(b"".join(data.splitlines(keepends=True)[:known]))
        at = self._dice.randrange(size)
        one.path.write_bytes(data[:at])
        return Damage(f"{one.name} ends at {at}", frozenset({one.name}))

    # ------------------------------------------------------------ lines

    @property
    def _byte_acts(self) -> list[Callable[[str], Damage]]:
        return [self._flip, self._drop, self._insert, self._swap_bytes]

    @property
    def _file_acts(self) -> list[Callable[[str], Damage]]:
        return [self._remove, self._swap, self._add]

    @property
    def _row_acts(self) -> list[Callable[[str], Damage]]:
        return [self._change_row, self._remove_row, self._add_row, self._swap_rows]

    @property
    def _line_acts(self) -> list[Callable[[str], Damage]]:
        return [self._remove_line, self._double_line, self._swap_lines]

    def _lines(self, kind: str) -> tuple[Target, list[bytes], int]:
        """Return a file of more than two lines, its lines, and how many of them may be damaged."""
        some = [one for one in self.targets[kind] if self._count(one) > 2]
        one = self._dice.choice(some)
        return one, bytes(self._read(one.path)).splitlines(keepends=True), self._count(one)

    def _count(self, one: Target) -> int:
        """Lines cut off at the end of a ledger's file are found as far as another file names them."""
        lines = one.path.read_bytes()[: one.size].count(b"\n")
        return min(lines, self._sealed.get(one.name, lines))

    def _remove_line(self, kind: str) -> Damage:
        one, lines, count = self._lines(kind)
        at = self._dice.randrange(count)
        del lines[at]
        one.path.write_bytes(b"".join(lines))
        return Damage(f"line {at + 1} of {one.name} is gone", frozenset({one.name}))

    def _double_line(self, kind: str) -> Damage:
        one, lines, count = self._lines(kind)
        at = self._dice.randrange(count)
        lines.insert(self._dice.randrange(count), lines[at])
        one.path.write_bytes(b"".join(lines))
        return Damage(f"line {at + 1} of {one.name} stands twice", frozenset({one.name}))

    def _swap_lines(self, kind: str) -> Damage:
        one, lines, count = self._lines(kind)
        first, second = sorted(self._dice.sample(range(count), 2))
        lines[first], lines[second] = lines[second], lines[first]
        one.path.write_bytes(b"".join(lines))
        line = first + 1 if one.exact else 0
        return Damage(
            f"lines {first + 1} and {second + 1} of {one.name} are swapped", frozenset({one.name}), line
        )

    # ------------------------------------------------------------ files

    def _remove(self, kind: str) -> Damage:
        one = self._pick(kind)
        self._read(one.path)
        one.path.unlink()
        return Damage(f"{one.name} is gone", frozenset({one.name}))

    def _swap(self, kind: str) -> Damage:
        first, second = self._dice.sample(self.targets[kind], 2)
        one, other = self._read(first.path), self._read(second.path)
        if one == other:  # a feed that repeats makes equal parts
            return self._swap(kind)
        first.path.write_bytes(other)
        second.path.write_bytes(one)
        return Damage(f"{first.name} and {second.name} are swapped", frozenset({first.name, second.name}))

    def _add(self, kind: str) -> Damage:
        """Put a file where one could stand that nobody recorded."""
        one = self._pick(kind)
        path = self._dice.choice(self._free(kind, one.path))
        if not path.parent.exists():
            path.parent.mkdir()
            self._made.append(path.parent)
        self._read(path)
        path.write_bytes(one.path.read_bytes())
        root = self.root / "ledger" if kind == "ledger" else self.root
        name = path.relative_to(root).as_posix()
        return Damage(f"{name} is a copy of {one.name}", frozenset({name}))

    def _free(self, kind: str, path: Path) -> list[Path]:
        """Return names that a copy of a file might get."""
        number = self._dice.choice([0, 999_998])
        if kind == "index" or (kind == "ledger" and self._dice.random() < 0.5):
            day = self._dice.choice(["2026-01-01", "2099-12-31"])
            return [path.parent.with_name(day) / path.name]
        if kind == "ledger":
            return [path.with_name("other.jsonl"), path.with_name("gate-2.jsonl")]
        if kind == "edit list":
            day = self._dice.choice(["20260101T000000Z", "20991231T235959Z"])
            others = [one / FOLDER / path.name for one in self._archive.iterdir() if (one / FOLDER).is_dir()]
            renamed = path.with_name(path.name.replace(path.stem.rpartition("-")[2], day))
            return [renamed, *(one for one in others if not one.exists())]
        if path.suffix == ".clip":
            return [path.with_stem(hashlib.sha256(path.stem.encode()).hexdigest())]
        return [path.with_name(f"{path.name[:12]}{number:06d}{path.name[18:]}")]

    # ------------------------------------------------------------ the catalog

    def _rows(self) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.root / CATALOG) as database:
            return [
                *database.execute("SELECT * FROM archive_parts ORDER BY path"),
                *database.execute("SELECT * FROM archive_gaps ORDER BY end_s"),
                *database.execute("PRAGMA integrity_check(1)"),
            ]

    def _flip_catalog(self, kind: str) -> Damage:
        """Change a byte that anybody could notice: SQLite leaves many unused."""
        before = self._rows()
        while True:
            damage = self._flip(kind)
            try:
                if self._rows() != before:
                    return damage
            except (sqlite3.Error, UnicodeDecodeError):
                return damage
            (self.root / CATALOG).write_bytes(self._kept[self.root / CATALOG] or b"")

    def _change_row(self, kind: str) -> Damage:
        column = self._dice.choice(["number", "start_s", "end_s", "bytes", "video", "missing"])
        return self._sql(f"UPDATE archive_parts SET {column} = {column} + 1 WHERE path = ?")

    def _remove_row(self, kind: str) -> Damage:
        return self._sql("DELETE FROM archive_parts WHERE path = ?")

    def _add_row(self, kind: str) -> Damage:
        with closing(sqlite3.connect(self.root / CATALOG)) as database:
            names = [row[1] for row in database.execute("PRAGMA table_info(archive_parts)")]
        kept = ", ".join(name for name in names if name != "path")
        return self._sql(
            f"INSERT INTO archive_parts (path, {kept}) SELECT channel || '/other', {kept}"
            " FROM archive_parts WHERE path = ?"
        )

    def _swap_rows(self, kind: str) -> Damage:
        """Give a part the SHA-256 of another one."""
        return self._sql(
            "UPDATE archive_parts SET sha256 = (SELECT sha256 FROM archive_parts AS other WHERE other.sha256"
            " != archive_parts.sha256 LIMIT 1) WHERE path = ?"
        )

    def _sql(self, statement: str) -> Damage:
        """Do something to the row of a part that is there and is not the newest of its channel."""
        self._read(self.root / CATALOG)
        with closing(sqlite3.connect(self.root / CATALOG)) as database, database:
            known = "SELECT channel, path FROM archive_parts WHERE removed_at IS NULL ORDER BY number"
            rows = database.execute(known).fetchall()
            newest = dict(rows)
            path = self._dice.choice([path for channel, path in rows if newest[channel] != path])
            database.execute(statement, [path])
        return Damage(f"{statement.replace('?', path)}", frozenset({CATALOG}))


def judge(damage: Damage, found: Outcome) -> str:
    """Say what is wrong with how a damage was found; "" when nothing is."""
    first = found.first_bad
    if first is None:
        return f"NOT FOUND: {damage.what}"
    # Within a sentence files of the archive are named as below it.
    named = any(name.removeprefix("archive/") in first.why for name in damage.names)
    if first.file not in damage.names and not named:
        return f"NOT NAMED: {damage.what}; it says {first}"
    if damage.line and first.file in damage.names and first.line != damage.line:
        return f"OTHER LINE than {damage.line}: {damage.what}; it says {first}"
    return ""


def try_one(vandal: Vandal, kind: str) -> tuple[str, Outcome]:
    """Damage a directory, verify it, and return what was wrong with the outcome."""
    with vandal.damaged(kind) as damage:
        found = verifier.verify(vandal.root)
    return judge(damage, found), found


# ---------------------------------------------------------------- over a real serve


def main() -> int:
    from torture import tamper_live

    parser = argparse.ArgumentParser(prog="python -m torture.tamper", description=__doc__)
    parser.add_argument(
        "--tries", type=int, default=500, help="how many damaged, and how many untouched [500]"
    )
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000, help="[random]")
    parser.add_argument("--keep", type=Path, help="make the directory here, and leave it")
    parser.add_argument("--copies", type=Path, help="damage the copies that a run with --keep has left here")
    chosen = parser.parse_args()
    dice = random.Random(chosen.seed)
    print(f"seed {chosen.seed}", flush=True)
    if chosen.copies:
        return 1 if tamper_live.damage(sorted(chosen.copies.glob("copy-*")), dice, chosen.tries) else 0
    place = chosen.keep or Path(tempfile.mkdtemp(prefix="streamgate-tamper-"))
    try:
        return tamper_live.run(place, dice, chosen.tries)
    finally:
        if chosen.keep is None:
            shutil.rmtree(place, ignore_errors=True)


def tell(kind: str, tries: int, wrong: list[str], counts: Counter[str]) -> None:
    print(f"{kind}: {tries} tries, {len(wrong)} wrong; {dict(counts)}", flush=True)
    for one in wrong[:20]:
        print(f"  {one}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
