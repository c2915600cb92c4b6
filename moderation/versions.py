"""The lists of a directory over time: every version kept, compared, brought back.

    DIR/NAME.txt               the list that counts
    DIR/manifest.json          what load_dir holds the files against
    DIR/history/NAME/7.txt     version 7 of it, never changed again

One writer at a time. A reader that comes between the list and its manifest refuses the directory and keeps
what it has; the next look finds both.
"""

import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from moderation.lexicon import Entry, WordList
from moderation.lists import ListError, Problem, load_list, write_manifest
from moderation.listtext import list_text

HISTORY = "history"
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Change(NamedTuple):
    """A term that stands in both versions and says something else."""

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

    def __bool__(self) -> bool:
        return any(self[:])

    def __str__(self) -> str:
        lines = [f"- {entry.term} | {entry.severity.word}" for entry in self.removed]
        lines += [f"+ {entry.term} | {entry.severity.word}" for entry in self.added]
        lines += [f"~ {one.after.term} | {_told(one)}" for one in self.changed]
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
    )


def save(directory: Path, one: WordList) -> WordList:
    """Make a list the one that counts, as a new version, and return it as it now stands there.

    Versions are numbered 1, 2, 3, ...; a number is never given twice. The file that stood there before is
    kept, also one that was put there by hand.

    Raises:
        ListError: if the name is not one for a file, if the directory cannot be written, or if a list beside
            it is broken (the manifest could not be written; the new list then stands there all the same).
    """
    if not _FILE_NAME.fullmatch(one.name):
        raise _refused(one.name, "is not a name for a list; allowed are small letters, digits and -")
    try:
        file = directory / f"{one.name}.txt"
        history = directory / HISTORY / one.name
        history.mkdir(parents=True, exist_ok=True)
        number = max(versions(directory, one.name), default=0)
        if file.exists() and not _is_kept(file, history, number):
            number = max(number + 1, _own_number(file))
            _write(history / f"{number}.txt", file.read_bytes())
        number += 1
        text = list_text(msgspec.structs.replace(one, version=str(number))).encode()
        _write(history / f"{number}.txt", text)
        _write(file, text)
    except OSError as error:
        raise _refused(one.name, f"cannot be written: {error.strerror}") from error
    write_manifest(directory)
    return load_list(file)


def versions(directory: Path, name: str) -> tuple[int, ...]:
    """Numbers of the versions that are kept, oldest first."""
    files = (directory / HISTORY / name).glob("*.txt")
    return tuple(sorted(int(file.stem) for file in files if _NUMBER.fullmatch(file.stem)))


def load_version(directory: Path, name: str, number: int) -> WordList:
    """Raises ListError if there is no such version."""
    kept = versions(directory, name)
    if number not in kept:
        told = ", ".join(map(str, kept)) or "none"
        raise _refused(name, f"has no version {number}; kept are {told}")
    return msgspec.structs.replace(load_list(directory / HISTORY / name / f"{number}.txt"), name=name)


def roll_back(directory: Path, name: str, number: int) -> WordList:
    """Make what version `number` said count again, as a new version. Raises ListError as `save` does."""
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


def _write(file: Path, data: bytes) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_bytes(data)
    new.replace(file)


def _placeless(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, line=0)


def _told(change: Change) -> str:
    before, after = change
    if before.severity is not after.severity:
        return f"{before.severity.word} -> {after.severity.word}"
    fields = ("aliases", "channels", "expires", "tags", "note")
    return ", ".join(name for name in fields if getattr(before, name) != getattr(after, name))


def _refused(name: str, reason: str) -> ListError:
    return ListError([Problem(f"{name}.txt", 0, reason)])
