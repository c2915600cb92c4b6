"""Tables made elsewhere, linted and installed as word lists."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from moderation.lexicon import Allow, Severity, WordList
from moderation.lists.files import load_list
from moderation.lists.findings import Finding, Level, Lint, must_fix
from moderation.lists.list_format import ListError, Problem
from moderation.lists.table import APART, Read, read_table
from moderation.lists.versions import Diff, check_name, diff, save

LONG = 20
"""Han characters from which a term is taken for a sentence; half as many with a comma among them."""

_SENTENCE = re.compile(r"。|(?:\S+\s+){9}|(?:\S+\s+){4}.*\.$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_PAUSE = re.compile(r"[，,：:；;！!？?]")
_LINE = re.compile(r"\bline (\d+)$")


class Imported(NamedTuple):
    """What an import did.

    `repeated`: rows whose term stood in an earlier row; the two are one entry with the graver severity.
    `findings`: of lint, by file and row of the source. `left_out`: terms and allow-phrases
    that had to be mended. `notes`: what was read otherwise than somebody may expect, in sentences.
    """

    list: WordList
    before: WordList | None
    repeated: int
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def diff(self) -> Diff:
        empty = WordList(name=self.list.name, category=self.list.category)
        return diff(self.before or empty, self.list)


class UnfitError(ListError):
    """A table that can be read, but has findings of lint that must be fixed. `findings`: all of them."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        bad = [Problem(one.file, one.line, one.reason) for one in findings if one.level is Level.FIX]
        super().__init__(bad)


def import_list(
    source: Path,
    *,
    category: str,
    to: Path,
    lint: Lint,
    severity: Severity = Severity.SENSITIVE,
    corpus: Sequence[str] = (),
    sheet: str | None = None,
    force: bool = False,
) -> Imported:
    """Read a table and make it list `category` of a directory, as a new version.

    Its terms take the place of the list's; allow-phrases and titles of the list stay and those of the table
    come to them. `lint`: says what is wrong with the list; the filter's own is `moderation.filter.lint.lint`.
    `severity`: of terms that name none. `corpus`: for `lint`. `sheet`: the only one to read. `force`: rows
    that must be fixed are left out, and the others installed.

    Raises:
        ListError: with every problem, by row. Nothing has been written.
        UnfitError: the same, where it is lint that has something to be fixed, and not `force`.
    """
    check_name(category)
    read = read_table(source, category=category, severity=severity, sheet=sheet)
    file = to / f"{category}.txt"
    try:
        before = load_list(file) if file.exists() else None
    except OSError as error:
        raise ListError.one(str(to), f"cannot be read: {error.strerror}") from error
    if before is not None:
        read = _onto(read, before)
    one = read.list
    left_out: list[str] = []
    while must_fix(findings := _findings(one, corpus, lint)):
        if not force:
            raise UnfitError([_at_source(read, finding) for finding in findings])
        bad = {finding.line for finding in findings if finding.level is Level.FIX}
        left_out += [entry.term for entry in one.entries if entry.line in bad]
        left_out += [f"! {allow.phrase}" for allow in one.allows if allow.line in bad]
        one = msgspec.structs.replace(
            one,
            entries=tuple(entry for entry in one.entries if entry.line not in bad),
            allows=tuple(allow for allow in one.allows if allow.line not in bad),
        )
        if not one.entries:
            raise ListError.one(source.name, "has no terms but those that must be fixed")
    findings_at_source = tuple(_at_source(read, finding) for finding in findings)
    return Imported(save(to, one), before, read.repeated, findings_at_source, tuple(left_out), read.notes)


def _onto(read: Read, before: WordList) -> Read:
    """What was read, with what stays of the list it replaces."""
    one = read.list
    here = len(read.files) * APART
    allows = {allow.phrase: Allow(allow.phrase, here + allow.line) for allow in before.allows}
    allows |= {allow.phrase: allow for allow in one.allows}
    onto = msgspec.structs.replace(
        one,
        title_en=one.title_en or before.title_en,
        title_zh=one.title_zh or before.title_zh,
        licence=one.licence or before.licence,
        allows=tuple(allows.values()),
        substitutes=one.substitutes or before.substitutes,
    )
    return read._replace(list=onto, files=(*read.files, f"{before.name}.txt"))


def _findings(one: WordList, corpus: Sequence[str], lint: Lint) -> list[Finding]:
    """Return the findings of lint, and terms that are sentences: of a cover sheet, or below the table."""
    prose = [
        Finding(
            f"{one.name}.txt",
            entry.line,
            Level.FIX,
            "sentence",
            f"term {entry.term!r} reads like a sentence; take the row out, or write the words that are meant",
        )
        for entry in one.entries
        if _is_sentence(entry.term)
    ]
    return sorted([*prose, *lint([one], corpus)], key=lambda finding: (finding.line, finding.level))


def _is_sentence(term: str) -> bool:
    han = len(_HAN.findall(term))
    return han > LONG or (han > LONG / 2 and bool(_PAUSE.search(term))) or bool(_SENTENCE.search(term))


def _at_source(read: Read, finding: Finding) -> Finding:
    """A finding with the file and the row its line number stands for, in its reason too."""
    file, row = read.place(finding.line)

    def place(found: re.Match[str]) -> str:
        other, number = read.place(int(found[1]))
        return f"row {number}" if other == file else f"row {number} of {other}"

    reason = _LINE.sub(place, finding.reason) if finding.rule == "duplicate" else finding.reason
    return finding._replace(file=file, line=row, reason=reason)
