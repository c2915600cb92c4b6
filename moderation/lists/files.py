"""Files of word lists: one list, a directory of lists, its manifest.

Lists are refused whole; whoever holds a good one keeps it. The format: see `list_format`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from moderation.lexicon import WordList
from moderation.lists.list_format import ListError, Problem, is_formatted, parse_list, plain_list
from moderation.lists.slip import severity_behind

MANIFEST = "manifest.json"
MAX_LIST_BYTES = 16 << 20
_BARE = "write bare terms, one a line; `streamgate filter import` makes lists, which --lists takes"


class ManifestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One list in manifest.json. `sha256`: of the file's bytes, hexadecimal. `terms`: number of entries."""

    file: str
    category: str
    title_en: str
    title_zh: str
    licence: str
    version: str
    sha256: str
    terms: int


def load_list(path: Path) -> WordList:
    """Read one file. Raises ListError also where the file cannot be read."""
    return parse_list(_decode(bytes_of(path), path.name), path.name)


def load_terms(path: Path) -> WordList:
    """Read a file of bare terms, one a line.

    Raises:
        ListError: where it cannot be read or has none, or where lines are in the format of lists: as terms
            they would never be found.
    """
    lines = _decode(bytes_of(path), path.name).splitlines()
    wrong = []
    for number, line in enumerate(lines, 1):
        term = line.strip().removeprefix("\ufeff").strip()
        if is_formatted(term):
            wrong.append(Problem(path.name, number, f"{term[:40]!r} is in the format of lists; {_BARE}"))
        elif behind := severity_behind(term):
            wrong.append(Problem(path.name, number, f"{term[:40]!r} ends in {behind!r}; {_BARE}"))
    if wrong:
        raise ListError(wrong)
    read = plain_list(lines, path.name)
    if not read.entries:
        raise ListError.one(str(path), "has no terms, so every text would pass; write one term a line")
    return read


def load_dir(path: Path) -> tuple[WordList, ...]:
    """All lists the manifest of a directory names, each as the manifest describes it.

    Raises:
        ListError: with every problem of every list; a file the manifest does not name is one too.
    """
    problems: list[Problem] = []
    lists = []
    rows = _manifest(path)
    for row in rows:
        try:
            _plain_name(row.file)
            data = bytes_of(path / row.file)
            read = parse_list(_decode(data, row.file), row.file)
        except ListError as error:
            problems += error.problems
            continue
        actual = manifest_row(data, read)
        if actual == row:
            lists.append(read)
            continue
        differing = [
            field for field in ManifestRow.__struct_fields__ if getattr(actual, field) != getattr(row, field)
        ]
        differences = ", ".join(
            f"{field} is {getattr(actual, field)}, not {getattr(row, field)}" for field in differing
        )
        problems.append(Problem(row.file, 0, f"is not what {MANIFEST} says: {differences}"))
    named = {row.file for row in rows}
    problems += [
        Problem(file.name, 0, f"is not named in {MANIFEST}")
        for file in sorted(path.glob("*.txt"))
        if file.name not in named
    ]
    if problems:
        raise ListError(problems)
    return tuple(lists)


def manifest_row(data: bytes, read: WordList) -> ManifestRow:
    """Return the manifest's row for a list. `data`: the file's bytes."""
    return ManifestRow(
        file=f"{read.name}.txt",
        category=read.category,
        title_en=read.title_en,
        title_zh=read.title_zh,
        licence=read.licence,
        version=read.version,
        sha256=hashlib.sha256(data).hexdigest(),
        terms=len(read.entries),
    )


def manifest(path: Path, instead: Mapping[str, bytes] | None = None) -> tuple[ManifestRow, ...]:
    """Return the manifest's rows for all `*.txt` of a directory, by name. Raises ListError if one is broken.

    `instead`: files that are to have other bytes, or are to come.
    """
    files = {file.name: file for file in path.glob("*.txt")}
    known = {name: bytes_of(file) for name, file in files.items() if name not in (instead or {})}
    known |= instead or {}
    return tuple(
        manifest_row(known[name], parse_list(_decode(known[name], name), name)) for name in sorted(known)
    )


def manifest_bytes(rows: Sequence[ManifestRow]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n"


def write_manifest(path: Path) -> tuple[ManifestRow, ...]:
    """Write the manifest for all `*.txt` of a directory. Raises ListError if one is broken."""
    rows = manifest(path)
    new = path / f".{MANIFEST}.new"
    new.write_bytes(manifest_bytes(rows))
    new.replace(path / MANIFEST)
    return rows


def _manifest(path: Path) -> list[ManifestRow]:
    file = path / MANIFEST
    if not path.is_dir():
        raise ListError.one(str(path), "is not a directory of lists; give one that has a manifest.json")
    if not file.exists():
        raise ListError.one(
            str(file), "is missing; `streamgate filter import FILE --category NAME --to DIR` writes it"
        )
    try:
        return msgspec.json.decode(bytes_of(file), type=list[ManifestRow])
    except msgspec.DecodeError as error:
        raise ListError.one(str(file), f"cannot be understood: {error}") from error


def bytes_of(path: Path, name: str = "") -> bytes:
    """A file of MAX_LIST_BYTES at most. `name`: what a message about its size calls it, else its path.

    Raises:
        ListError: if it cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise ListError.one(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_LIST_BYTES:
        raise ListError.one(name or str(path), f"is larger than {MAX_LIST_BYTES >> 20} MiB")
    return data


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ListError([Problem(name, line, "is not UTF-8; save the file as UTF-8")]) from error


def _plain_name(file: str) -> None:
    if Path(file).name != file:
        raise ListError([Problem(MANIFEST, 0, f"{file!r} is not a plain file name")])
