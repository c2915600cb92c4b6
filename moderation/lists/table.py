"""Tables made elsewhere (CSV, TXT, XLSX) read as word lists.

A table has a row of headings, in English or Chinese (simplified or traditional), in any order:

    term 词语 | severity 级别 | alias 别名 | tags 标签 | expires 到期 | note 备注 | allow 放行

Above it may stand a title. Or it has no headings: then the first column is the term and the second, if any,
its severity. Of a workbook every sheet with headings is read. A text file has one term a line; one with an
`@category` line is a list in the format of wordlists/README.md.
"""

import contextlib
import datetime as dt
import functools
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from moderation.lexicon import MAX_TERM, SEVERITIES, Allow, Entry, Severity, WordList
from moderation.lists.list_format import ListError, Problem, parse_list
from moderation.lists.rows import MAX_ROWS, SHEETS, Row, Sheet, kind_of, read_sheets, read_text, table_of
from moderation.lists.slip import plain, severity_of

MAX_PROBLEMS = 100
"""Problems of one file that are listed; the rest are counted."""
TITLE_ROWS = 10
"""Rows with something in them among which the headings must be."""
_HEADINGS = {
    "term": ("term", "word", "keyword", "词", "词语", "词汇", "词条", "关键词", "关键字", "敏感词", "违禁词"),
    "severity": (
        *(
            "severity",
            "level",
            "severity level",
            "risk level",
            "级别",
            "等级",
            "严重程度",
            "严重级别",
            "严重等级",
        ),
        *("风险等级", "风险级别", "敏感级别", "敏感等级", "敏感程度", "危险等级", "审核级别", "处置级别"),
    ),
    "alias": ("alias", "aliases", "别名", "变体"),
    "tags": ("tags", "tag", "标签"),
    "expires": ("expires", "expiry", "到期", "到期日", "有效期"),
    "note": ("note", "remark", "备注", "说明"),
    "allow": ("allow", "放行", "放行短语", "白名单"),
}
_ALLOWED = ", ".join([*SEVERITIES, "疑似", "敏感", "重要", "拦截"])
_LIKE_SEVERITY = re.compile(r"等级|级别|风险|程度|严重|severity|level|risk")
_SEPARATORS = re.compile(r"[,，、;；\n]")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_OF_THE_FORMAT = re.compile(r"[#＃@＠!！]|.*[|｜]")
APART = 2 * MAX_ROWS
"""Between the line numbers of one sheet and the next."""


class Read(NamedTuple):
    """A table as a list. `line` of its entries and allow-phrases: see `place`.

    `repeated`: rows whose term stood in an earlier one. `notes`: what was read otherwise than somebody may
    expect. `files`: what the tables are called in messages.
    """

    list: WordList
    repeated: int
    notes: tuple[str, ...]
    files: tuple[str, ...]

    def place(self, line: int) -> tuple[str, int]:
        """File and row of a line number."""
        which, row = divmod(line, APART)
        return self.files[which], row


def read_table(
    source: Path, *, category: str, severity: Severity = Severity.SENSITIVE, sheet: str | None = None
) -> Read:
    """The list a table makes. Raises ListError as import_list."""
    kind = kind_of(source)
    if kind in SHEETS:
        sheets, notes = _chosen(read_sheets(source), source.name, sheet)
        return _Table(source.name, category, severity, notes).read(sheets)
    if sheet is not None:
        raise ListError.one(source.name, f"has no sheets, and so no sheet {sheet!r}; leave out --sheet")
    text = read_text(source)
    if kind == ".txt" and re.search(r"^\s*[@＠]category\s", text, re.MULTILINE):
        read = msgspec.structs.replace(parse_list(text, source.name), name=category, category=category)
        return Read(read, 0, (), (source.name,))
    table = table_of(text, source.name, plain=kind == ".txt")
    return _Table(source.name, category, severity, []).read([table], plain=kind == ".txt")


def _chosen(sheets: list[Sheet], file: str, name: str | None) -> tuple[list[Sheet], list[str]]:
    """Return the sheets to be read, and notes about the others."""
    names = ", ".join(repr(one.name) for one in sheets)
    if name is not None:
        chosen = [one for one in sheets if one.name.strip() == name.strip()]
        if not chosen:
            raise ListError.one(
                file, f"has no sheet {name!r} with anything in it; there are {names or 'none'}"
            )
        return chosen, []
    shown = [one for one in sheets if not one.hidden]
    headed = [one for one in shown if _headings(one.rows)] if len(shown) > 1 else shown
    if sheets and not headed:
        raise ListError.one(
            file,
            "has no sheet with headings (词语, 级别); put them above the terms, or name one with --sheet: "
            f"{names}",
        )
    left = [one for one in sheets if one not in headed]
    why = {True: "is hidden", False: "has no headings"}
    return headed, [
        f"{file}: sheet {one.name!r} {why[one.hidden]} and was not read; --sheet reads it" for one in left
    ]


class _Table:
    """Rows to a list, gathering what is wrong."""

    def __init__(self, file: str, category: str, severity: Severity, notes: list[str]) -> None:
        self.file = file
        self.category = category
        self.severity = severity
        self.notes = notes
        self.problems: list[Problem] = []
        self.entries: dict[str, Entry] = {}
        self.allows: dict[str, Allow] = {}
        self.files: list[str] = []
        self.repeated = 0

    def read(self, sheets: Sequence[Sheet], *, plain: bool = False) -> Read:
        if sum(len(sheet.rows) for sheet in sheets) > MAX_ROWS or any(
            sheet.rows[-1].number > MAX_ROWS for sheet in sheets if sheet.rows
        ):
            raise ListError.one(self.file, f"has more than {MAX_ROWS} rows")
        for sheet in sheets:
            self.files.append(f"{self.file}[{sheet.name}]" if len(sheets) > 1 else self.file)
            self._sheet(sheet, plain=plain)
        if not self.entries and not self.problems:
            self.problems.append(Problem(self.file, 0, "has no terms"))
        if self.problems:
            left = len(self.problems) - MAX_PROBLEMS
            more = [Problem(self.file, 0, f"has {left} more problems")] if left > 0 else []
            raise ListError([*self.problems[:MAX_PROBLEMS], *more])
        read = WordList(
            name=self.category,
            category=self.category,
            entries=tuple(self.entries.values()),
            allows=tuple(self.allows.values()),
        )
        left = len(self.notes) - MAX_PROBLEMS
        notes = self.notes[:MAX_PROBLEMS] + ([f"{self.file}: {left} more notes"] if left > 0 else [])
        return Read(read, self.repeated, tuple(notes), tuple(self.files))

    def _sheet(self, sheet: Sheet, *, plain: bool) -> None:
        headings = _headings(sheet.rows)
        rows = sheet.rows
        columns = {"term": 0, "severity": 1}
        if headings is not None:
            at, columns = headings
            if at:
                self._note(f"rows above the headings in row {rows[at].number} are not read")
            known = set(columns.values())
            head, rows = rows[at], rows[at + 1 :]
            for number, cell in enumerate(head.cells):
                if not cell or number in known:
                    continue
                if "severity" not in columns and _says_severity(cell, number, rows):
                    reason = (
                        f"column {cell!r} seems to hold severities and is not read; call it 级别, with "
                        f"{_ALLOWED} in it, or take it away"
                    )
                    self.problems.append(Problem(self.files[-1], head.number, reason))
                else:
                    self._note(f"column {cell!r} is not read")
        elif not plain and (row := next((row for row in rows[1:3] if _columns(row.cells)), None)):
            reason = f"{_filled(row)[0]!r} looks like a heading; take away the rows above it, or this row"
            self.problems.append(Problem(self.files[-1], row.number, reason))
        for row in rows:
            try:
                if headings is None:
                    _check_bare(row, plain=plain)
                _check_values(sheet, row, columns.values())
                self._row(row, columns)
            except ValueError as error:
                self.problems.append(Problem(self.files[-1], row.number, str(error)))

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.files[-1]}: {text}")

    def _row(self, row: Row, columns: dict[str, int]) -> None:
        given = {name: row.cells[at] for name, at in columns.items() if at < len(row.cells)}
        line = (len(self.files) - 1) * APART + row.number
        for phrase in _several(given.get("allow", "")):
            _fits(phrase, "allow-phrase")
            self.allows.setdefault(phrase, Allow(phrase, line))
        term = given.get("term", "")
        if not term:
            if any(value for name, value in given.items() if name != "allow"):
                raise ValueError("has no term")
            return
        _fits(term, "term")
        aliases = tuple(alias for alias in _several(given.get("alias", "")) if alias != term)
        for alias in aliases:
            _fits(alias, "alias")
        entry = Entry(
            term=term,
            severity=_severity(given.get("severity", ""), self.severity),
            line=line,
            aliases=aliases,
            expires=_day(given.get("expires", "")),
            tags=_several(given.get("tags", "")),
            note=" ".join(given.get("note", "").split()),
        )
        if term not in self.entries:
            self.entries[term] = entry
            return
        self.repeated += 1
        first = self.entries[term]
        self.entries[term] = _joined(first, entry)
        if first.severity is not entry.severity:
            which, number = divmod(first.line, APART)
            where = f"row {number}" + (f" of {self.files[which]}" if which < len(self.files) - 1 else "")
            self._note(
                f"row {row.number}: {term!r} is {entry.severity.word}, in {where} {first.severity.word}; "
                f"the graver one counts ({self.entries[term].severity.word})"
            )


def _headings(rows: Sequence[Row]) -> tuple[int, dict[str, int]] | None:
    """Where the headings are, and which column holds what. One heading alone must be in the first row."""
    for at, row in enumerate(rows[:TITLE_ROWS]):
        columns = _columns(row.cells)
        if columns is not None and (at == 0 or len(columns) > 1):
            return at, columns
    return None


def _columns(cells: Iterable[str]) -> dict[str, int] | None:
    """Which column holds what, if these are headings."""
    columns: dict[str, int] = {}
    for at, cell in enumerate(cells):
        name = _known().get(plain(cell)) if len(cell) <= MAX_TERM else None
        if name is not None:
            columns.setdefault(name, at)
    return columns if "term" in columns else None


@functools.cache
def _known() -> dict[str, str]:
    return {plain(heading): name for name, headings in _HEADINGS.items() for heading in headings}


def _says_severity(heading: str, at: int, rows: Sequence[Row]) -> bool:
    """Whether a column that is not known is one of severities, by its heading or by all its cells."""
    cells = [row.cells[at] for row in rows if at < len(row.cells) and row.cells[at]]
    return bool(_LIKE_SEVERITY.search(plain(heading[:MAX_TERM]))) or (
        bool(cells) and all(map(severity_of, cells))
    )


def _filled(row: Row) -> list[str]:
    return [cell for cell in row.cells if cell]


def _check_bare(row: Row, *, plain: bool) -> None:
    """Refuse what no row without headings can mean."""
    if len(_filled(row)) > 2:
        raise ValueError("has more than term and severity; put headings above (词语, 级别, 别名, 备注)")
    first = row.cells[0]
    if plain and len(first) > 1 and _OF_THE_FORMAT.match(first):
        raise ValueError(
            f"{first[:40]!r} is in the format of lists; write an @category line at the top, or bare terms"
        )


def _check_values(sheet: Sheet, row: Row, columns: Iterable[int]) -> None:
    """Refuse a cell that people see full and that has nothing in it."""
    for column in columns:
        if why := sheet.without_value.get((row.number, column)):
            raise ValueError(why)


def _joined(first: Entry, again: Entry) -> Entry:
    """Merge two rows of one term: the graver severity, and the options of both."""
    expires = max(first.expires, again.expires) if first.expires and again.expires else None
    return msgspec.structs.replace(
        first,
        severity=max(first.severity, again.severity),
        aliases=tuple(dict.fromkeys(first.aliases + again.aliases)),
        expires=expires,
        tags=tuple(dict.fromkeys(first.tags + again.tags)),
        note="; ".join(dict.fromkeys(note for note in (first.note, again.note) if note)),
    )


def _several(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.strip() for one in _SEPARATORS.split(cell) if one.strip()))


def _fits(text: str, what: str) -> None:
    if len(text) > MAX_TERM:
        raise ValueError(f"{what} has {len(text)} characters; allowed are {MAX_TERM}")
    if "\n" in text or "\r" in text:
        raise ValueError(f"{what} {text!r} has a line break in it")


def _severity(word: str, otherwise: Severity) -> Severity:
    if not word:
        return otherwise
    found = severity_of(word)
    if found is None:
        raise ValueError(f"severity is {word[:MAX_TERM]!r}; allowed are {_ALLOWED}")
    return found


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    found = _DATE.fullmatch(unicodedata.normalize("NFKC", text))
    if found is not None:
        with contextlib.suppress(ValueError):  # the 30th of February
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
    raise ValueError(f"expires is {text!r}; a day is written 2027-01-31")
