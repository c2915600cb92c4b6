"""The word lists that comments are checked against: the shipped lists, and the institution's own.

The own lists are in one directory. A term that a reviewer adds goes to the list `own-CATEGORY` there. It
applies to every channel.
"""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import msgspec
import structlog

from moderation.desk.messages import AddTerm
from moderation.errors import InputError, ReviewRefused
from moderation.filter.cli import installed
from moderation.lexicon import MAX_TERM, SEVERITIES, Entry, WordList
from moderation.lists import versions
from moderation.lists.files import MANIFEST, load_dir, load_list
from moderation.lists.findings import Finding, Level, must_fix
from moderation.lists.list_format import ListError, parse_list
from moderation.lists.text import list_text
from moderation.text.fold import fold

NOTE_CHARS = 200
_PREFIX = "own-"
_CATEGORY = re.compile(r"[a-z0-9][a-z0-9-]{0,50}")
_log = structlog.get_logger("moderation.desk.wordlists")


class Wordlists:
    """Loads and changes word lists. Its methods read files: call them in a thread.

    `own`: the institution's directory, which may be missing.
    """

    def __init__(self, own: Path) -> None:
        self._own = own
        self._seen: tuple[int, ...] = ()

    def load(self) -> tuple[WordList, ...]:
        """Return all lists. A broken list of the institution is logged and left out."""
        self._seen = self._stamp()
        return (*self.load_shipped(), *self._load_own())

    def load_shipped(self) -> tuple[WordList, ...]:
        return load_dir(installed())

    def is_changed(self) -> bool:
        """Return whether another process changed the own lists since they were loaded."""
        return self._stamp() != self._seen

    def _stamp(self) -> tuple[int, ...]:
        try:
            files = [self._own / MANIFEST, *sorted(self._own.glob("*.txt"))]
            return tuple(one.stat().st_mtime_ns for one in files if one.exists())
        except OSError:
            return ()

    def _load_own(self) -> tuple[WordList, ...]:
        if not self._own.is_dir():
            return ()
        try:
            return load_dir(self._own)
        except ListError as error:
            _log.error("lists_refused", directory=str(self._own), reason=str(error))
        found = []
        for file in sorted(self._own.glob("*.txt")):
            try:
                found.append(load_list(file))
            except ListError as error:
                _log.error("list_refused", file=file.name, reason=str(error))
        return tuple(found)

    def check_term(self, asked: AddTerm, lists: tuple[WordList, ...]) -> tuple[WordList, list[Finding]]:
        """Return a list of the one new term, and the findings of lint on it. `lists`: all lists in use.

        Raises ReviewRefused (`bad_request`) when the term is not valid.
        """
        from moderation.filter.lint import lint  # noqa: PLC0415 - jieba takes a second to load

        new = _read(asked)
        entry = new.entries[0]
        findings = lint([new])
        folded = fold(entry.term)
        for one in lists:
            for other in one.entries:
                if fold(other.term) == folded:
                    reason = f"the list {one.name} has {other.term!r} already, as {other.severity.word}"
                    known = {"list": one.name, "term": other.term, "severity": other.severity.word}
                    level = Level.NOTE if entry.severity > other.severity else Level.FIX
                    findings.append(Finding(f"{new.name}.txt", 0, level, "duplicate", reason, known))
        return new, findings

    def store_term(self, new: WordList) -> WordList:
        """Store the term of `new` in a new version of its list, and return that version.

        Raises ReviewRefused when the directory cannot be written or the list in it is broken.
        """
        file = self._own / f"{new.name}.txt"
        try:
            self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
            before = load_list(file) if file.exists() else msgspec.structs.replace(new, entries=())
            remaining = tuple(one for one in before.entries if one.term != new.entries[0].term)
            now = versions.save(
                self._own, msgspec.structs.replace(before, entries=(*remaining, *new.entries))
            )
        except (ListError, OSError) as error:
            raise _wrong(f"the list cannot be saved: {error}", f"词表无法保存：{error}") from error
        self._seen = self._stamp()  # the caller adds it to the filter; nothing must be loaded again
        return now


def term_answer(findings: list[Finding], *, added: bool, version: str) -> dict[str, Any]:
    """Return the answer to `AddTerm`."""
    return {"findings": [one._asdict() for one in findings], "added": added, "version": version}


def only_term(one: WordList, term: str) -> WordList:
    """Return the list reduced to one of its terms."""
    return msgspec.structs.replace(one, entries=tuple(entry for entry in one.entries if entry.term == term))


def has_no_errors(findings: list[Finding]) -> bool:
    return not must_fix(findings)


def _read(asked: AddTerm) -> WordList:
    term, category = asked.term.strip(), asked.category.strip().lower()
    severity = SEVERITIES.get(asked.severity)
    if severity is None:
        allowed = ", ".join(SEVERITIES)
        raise _wrong(f"severity is {asked.severity!r}; allowed are {allowed}", f"级别须为：{allowed}")
    if not 0 < len(term) <= MAX_TERM:
        raise _wrong(f"a term has 1 to {MAX_TERM} characters", f"词条须为 1 至 {MAX_TERM} 个字符")
    if not _CATEGORY.fullmatch(category):
        raise _wrong(
            f"category is {asked.category!r}; allowed are small letters, digits and -",
            "类别只能用小写字母、数字和 -",
        )
    try:
        expires = dt.date.fromisoformat(asked.expires) if asked.expires else None
    except ValueError:
        raise _wrong(
            f"expires is {asked.expires!r}; a day is written 2027-01-31", "到期日应写作 2027-01-31"
        ) from None
    note = " ".join(asked.note.split())[:NOTE_CHARS]
    entry = Entry(term=term, severity=severity, expires=expires, note=note)
    new = WordList(
        name=f"{_PREFIX}{category}",
        category=category,
        title_en=f"Added by reviewers: {category}",
        title_zh=f"审核员添加：{category}",
        version="1",
        entries=(entry,),
    )
    try:
        return parse_list(list_text(new), f"{new.name}.txt")
    except InputError as error:
        raise _wrong(str(error), f"词条无效：{error}") from error


def _wrong(text: str, zh: str) -> ReviewRefused:
    return ReviewRefused("bad_request", text, zh)
