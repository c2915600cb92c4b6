"""The lists of a directory over time: every version kept, compared, brought back.

    DIR/NAME.txt               the list that counts
    DIR/manifest.json          what load_dir holds the files against
    DIR/history/NAME/7.txt     version 7 of it, never changed again

One writer at a time. A reader that comes between the list and its manifest refuses the directory and keeps
what it has; the next look finds both.
"""

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from moderation.lexicon import Entry, WordList
from moderation.lists.files import MANIFEST, MAX_LIST_BYTES, load_list, manifest, manifest_bytes
from moderation.lists.list_format import ListError, Problem, parse_list
from moderation.lists.text import list_text

HISTORY = "history"
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Change(NamedTuple):
    """A term that is in both versions, with different fields."""

    before: Entry
    after: Entry


class Diff(NamedTuple):
    """What sets two versions of a list apart, in the order of the lists. Line numbers do not count."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    changed: tuple[Change, ...]
    allowed: tuple[str, ...]
    """Allow-phrases that came."""
    disallowed: tuple[str, ...]
    """Allow-phrases that went."""
    head: tuple[str, ...] = ()
    """Changed lines of the head: titles, licence, category, `@alias`."""

    def __bool__(self) -> bool:
        return any(self[:])

    def __str__(self) -> str:
        lines = [*self.head]
        lines += [f"- {entry.term} | {entry.severity.word}" for entry in self.removed]
        lines += [f"+ {entry.term} | {entry.severity.word}" for entry in self.added]
        lines += [f"~ {one.after.term} | {_describe_change(one)}" for one in self.changed]
        lines += [f"- ! {phrase}" for phrase in self.disallowed]
        lines += [f"+ ! {phrase}" for phrase in self.allowed]
        return "\n".join(lines)


def diff(before: WordList, after: WordList) -> Diff:
    old = {entry.term: _placeless(entry) for entry in before.entries}
    new = {entry.term: _placeless(entry) for entry in after.entries}
    old_allows = dict.fromkeys(allow.phrase for allow in before.allows)
    new_allows = dict.fromkeys(allow.phrase for allow in after.allows)
    return Diff(
        added=tuple(entry for term, entry in new.items() if term not in old),
        removed=tuple(entry for term, entry in old.items() if term not in new),
        changed=tuple(
            Change(old[term], entry) for term, entry in new.items() if term in old and old[term] != entry
        ),
        allowed=tuple(phrase for phrase in new_allows if phrase not in old_allows),
        disallowed=tuple(phrase for phrase in old_allows if phrase not in new_allows),
        head=tuple(_head(before, after)),
    )


def _head(before: WordList, after: WordList) -> Iterator[str]:
    for key in ("category", "title_en", "title_zh", "licence"):
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            yield f"~ @{key.replace('_', '-')} {old!r} -> {new!r}"
    olds, news = ([(part, ",".join(others)) for part, others in one.substitutes] for one in (before, after))
    yield from (f"- @alias {part} = {others}" for part, others in olds if (part, others) not in news)
    yield from (f"+ @alias {part} = {others}" for part, others in news if (part, others) not in olds)


def save(directory: Path, one: WordList) -> WordList:
    """Make a list the one that counts, as a new version, and return it as it now stands there.

    Versions are numbered 1, 2, 3, ...; a number is never given twice. The file that stood there before is
    kept, also one that was put there by hand.

    Raises:
        ListError: if the name is not one for a file, if the directory cannot be written, or if a list beside
            it is broken. Then nothing has changed.
    """
    check_name(one.name)
    file = directory / f"{one.name}.txt"
    shelf = directory / HISTORY / one.name
    try:
        number = max(versions(directory, one.name), default=0)
        files: dict[Path, bytes] = {}
        if file.exists() and not _is_kept(file, shelf, number):
            number = max(number + 1, _own_number(file))
            files[shelf / f"{number}.txt"] = file.read_bytes()
        number += 1
        text = list_text(msgspec.structs.replace(one, version=str(number))).encode()
        if len(text) > MAX_LIST_BYTES:
            raise _refused(one.name, f"would be larger than {MAX_LIST_BYTES >> 20} MiB")
        rows = manifest(directory, {file.name: text})
        files |= {shelf / f"{number}.txt": text, file: text, directory / MANIFEST: manifest_bytes(rows)}
        shelf.mkdir(parents=True, exist_ok=True)
        _write(files)
    except OSError as error:
        raise ListError.one(str(directory), f"cannot be written: {error.strerror}") from error
    return parse_list(text.decode(), file.name)


class Kept(NamedTuple):
    """One version in the history. `counts`: it is the list as it stands there now."""

    number: int
    saved: dt.datetime
    terms: int | None
    """None if the version cannot be read."""
    counts: bool


def history(directory: Path, name: str) -> tuple[Kept, ...]:
    """The versions of a list that are kept, oldest first. Raises ListError if there is no such list."""
    file = directory / f"{name}.txt"
    kept = []
    for number in _known(directory, name):
        one = directory / HISTORY / name / f"{number}.txt"
        try:
            terms = len(load_list(one).entries)
        except ListError:
            terms = None  # it was put there by hand, and kept as it was
        saved = dt.datetime.fromtimestamp(one.stat().st_mtime, tz=dt.UTC)
        counts = file.exists() and file.read_bytes() == one.read_bytes()
        kept.append(Kept(number, saved, terms, counts))
    last = max((one.number for one in kept if one.counts), default=0)
    return tuple(one._replace(counts=one.number == last) for one in kept)


def names(directory: Path) -> tuple[str, ...]:
    """The lists a directory has, or had. Raises ListError if it is no directory."""
    if not directory.is_dir():
        raise ListError.one(str(directory), "is not a directory of lists")
    there = {file.stem for file in directory.glob("*.txt")}
    there |= {file.name for file in (directory / HISTORY).glob("*") if versions(directory, file.name)}
    return tuple(sorted(there))


def versions(directory: Path, name: str) -> tuple[int, ...]:
    """Numbers of the versions that are kept, oldest first."""
    files = (directory / HISTORY / name).glob("*.txt")
    return tuple(sorted(int(file.stem) for file in files if _NUMBER.fullmatch(file.stem)))


def load_version(directory: Path, name: str, number: int) -> WordList:
    """Raises ListError if there is no such version."""
    kept = _known(directory, name)
    if number not in kept:
        numbers = ", ".join(map(str, kept)) or "none"
        raise _refused(name, f"has no version {number}; kept are {numbers}")
    return msgspec.structs.replace(load_list(directory / HISTORY / name / f"{number}.txt"), name=name)


def now(directory: Path, name: str) -> WordList:
    """The list that counts. Raises ListError if there is none, or if it is broken."""
    _known(directory, name)
    return load_list(directory / f"{name}.txt")


def roll_back(directory: Path, name: str, number: int) -> WordList:
    """Restore the content of version `number` as a new version. Raises ListError as `save` does."""
    return save(directory, load_version(directory, name, number))


def _is_kept(file: Path, history: Path, number: int) -> bool:
    last = history / f"{number}.txt"
    return last.exists() and last.read_bytes() == file.read_bytes()


def _own_number(file: Path) -> int:
    """The version a list by hand gives itself, where it is a number."""
    try:
        said = load_list(file).version
    except ListError:
        return 0  # broken by hand: kept all the same
    return int(said) if _NUMBER.fullmatch(said) else 0


def _known(directory: Path, name: str) -> tuple[int, ...]:
    """The versions of a list that is there, even if none of it is kept."""
    check_name(name)
    if name not in (there := names(directory)):
        raise ListError.one(str(directory), f"has no list {name!r}; it has {', '.join(there) or 'none'}")
    return versions(directory, name)


def check_name(name: str) -> None:
    if not _FILE_NAME.fullmatch(name):
        raise _refused(name, "is not a name for a list; allowed are small letters, digits and -")


def _write(files: dict[Path, bytes]) -> None:
    """All of them or none: what may fail, such as a full disk, fails before the first one is in its place."""
    new = {file: file.with_name(f".{file.name}.new") for file in files}
    try:
        for file, data in files.items():
            new[file].write_bytes(data)
        for file, written in new.items():
            written.replace(file)
    finally:
        for written in new.values():
            with contextlib.suppress(OSError):
                written.unlink(missing_ok=True)


def _placeless(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, line=0)


def _describe_change(change: Change) -> str:
    before, after = change
    if before.severity is not after.severity:
        return f"{before.severity.word} -> {after.severity.word}"
    fields = ("aliases", "channels", "expires", "tags", "note")
    return ", ".join(name for name in fields if getattr(before, name) != getattr(after, name))


def _refused(name: str, reason: str) -> ListError:
    return ListError([Problem(f"{name}.txt", 0, reason)])
