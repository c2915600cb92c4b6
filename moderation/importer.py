"""Tables made elsewhere (CSV, TXT, XLSX) read as word lists.

A table has a row of headings, in English or Chinese, in any order:

    term 词语 | severity 级别 | alias 别名 | tags 标签 | expires 到期 | note 备注 | allow 放行

or no headings: then the first column is the term and the second, if any, its severity. A text file has one
term a line; one with an `@category` line is a list in the format of wordlists/README.md.
"""

import contextlib
import csv
import datetime as dt
import importlib
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from moderation.lexicon import MAX_TERM, SEVERITIES, Allow, Entry, Severity, WordList
from moderation.lint import Finding, lint
from moderation.lists import MAX_LIST_BYTES, ListError, Problem, load_list, parse_list
from moderation.versions import Diff, diff, save

MAX_ROWS = 1_000_000
MAX_UNPACKED = 256 << 20
"""Bytes an XLSX file may unpack to."""
MAX_PROBLEMS = 100
"""Problems told of one file; the rest are counted."""

_HEADINGS = {
    "term": ("term", "word", "keyword", "词", "词语", "词条", "关键词", "敏感词"),
    "severity": ("severity", "level", "级别", "等级", "严重程度"),
    "alias": ("alias", "aliases", "别名", "变体"),
    "tags": ("tags", "tag", "标签"),
    "expires": ("expires", "expiry", "到期", "到期日", "有效期"),
    "note": ("note", "remark", "备注", "说明"),
    "allow": ("allow", "放行", "放行短语", "白名单"),
}
_COLUMN = {heading: name for name, headings in _HEADINGS.items() for heading in headings}
_SEVERITY_ZH = {
    **dict.fromkeys(("疑似", "一般"), Severity.SUSPECTED),
    "敏感": Severity.SENSITIVE,
    **dict.fromkeys(("重要", "严重"), Severity.IMPORTANT),
    **dict.fromkeys(("拦截", "禁止", "屏蔽"), Severity.BLOCK),
}
_SEPARATORS = re.compile(r"[,，、;；\n]")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


class Imported(NamedTuple):
    """What an import did.

    `repeated`: rows whose term stood in an earlier row; the first one counts. `findings`: of the list as it
    now stands in the directory, with its line numbers.
    """

    list: WordList
    before: WordList | None
    repeated: int
    findings: tuple[Finding, ...]

    @property
    def diff(self) -> Diff:
        empty = WordList(name=self.list.name, category=self.list.category)
        return diff(self.before or empty, self.list)


class _Row(NamedTuple):
    number: int
    cells: tuple[str, ...]


def import_list(
    source: Path,
    *,
    category: str,
    to: Path,
    severity: Severity = Severity.SENSITIVE,
    corpus: Sequence[str] = (),
) -> Imported:
    """Read a table and make it list `category` of a directory, as a new version.

    Its terms take the place of the list's; allow-phrases and titles of the list stay and those of the table
    come to them. `severity`: of terms that name none. Nothing is written if anything in the table is wrong.

    Raises:
        ListError: with every problem, by row.
    """
    read, repeated = read_table(source, category=category, severity=severity)
    file = to / f"{category}.txt"
    before = load_list(file) if file.exists() else None
    if before is not None:
        allows = {allow.phrase: allow for allow in (*before.allows, *read.allows)}
        read = msgspec.structs.replace(
            read,
            title_en=read.title_en or before.title_en,
            title_zh=read.title_zh or before.title_zh,
            licence=read.licence or before.licence,
            allows=tuple(allows.values()),
            substitutes=read.substitutes or before.substitutes,
        )
    to.mkdir(parents=True, exist_ok=True)
    saved = save(to, read)
    return Imported(saved, before, repeated, tuple(lint([saved], corpus)))


def read_table(
    source: Path, *, category: str, severity: Severity = Severity.SENSITIVE
) -> tuple[WordList, int]:
    """The list a table makes, and how many rows repeated a term. Raises ListError as import_list."""
    rows = list(_rows(source, category))
    if len(rows) == 1 and isinstance(rows[0], WordList):
        return rows[0], 0
    return _Table(source.name, category, severity).read([row for row in rows if isinstance(row, _Row)])


def _rows(source: Path, category: str) -> Iterator[_Row | WordList]:
    """Rows of a file by its kind, or the one list it is."""
    kind = source.suffix.lower()
    if kind in (".xlsx", ".xlsm"):
        yield from _sheet(source)
        return
    if kind not in (".txt", ".csv", ".tsv"):
        raise _refused(source.name, f"ends in {kind or 'nothing'}; allowed are .csv, .tsv, .txt and .xlsx")
    text = _text(source)
    if kind == ".txt":
        if re.search(r"^@category\s", text, re.MULTILINE):
            read = parse_list(text, source.name)
            yield msgspec.structs.replace(read, name=category, category=category)
            return
        for number, line in enumerate(text.splitlines(), 1):
            yield _Row(number, (line.strip(),))
        return
    try:
        reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), strict=True)
        for cells in reader:
            yield _Row(reader.line_num, tuple(cell.strip() for cell in cells))
    except csv.Error as error:
        raise ListError([Problem(source.name, reader.line_num, f"is not CSV: {error}")]) from error


def _text(source: Path) -> str:
    """UTF-8, or GB 18030 as spreadsheets in China save it."""
    try:
        with source.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except OSError as error:
        raise _refused(source.name, f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_LIST_BYTES:
        raise _refused(source.name, f"is larger than {MAX_LIST_BYTES >> 20} MiB")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refused(source.name, "is neither UTF-8 nor GB 18030; save it as UTF-8")


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",\t;", key=first.count)


def _sheet(source: Path) -> Iterator[_Row]:
    """The first sheet."""
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError as error:
        raise _refused(source.name, "needs openpyxl to be read; save it as CSV") from error
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise _refused(source.name, f"unpacks to more than {MAX_UNPACKED >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sheet features that hold no terms
            book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except OSError as error:
        raise _refused(source.name, f"cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _refused(source.name, "is not an XLSX file; save it as one, or as CSV") from error
    try:
        for number, cells in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
            yield _Row(number, tuple(_cell(value) for value in cells))
    finally:
        book.close()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a sheet has no whole numbers
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return str(value).strip()


class _Table:
    """Rows to a list, gathering what is wrong."""

    def __init__(self, file: str, category: str, severity: Severity) -> None:
        self.file = file
        self.category = category
        self.severity = severity
        self.problems: list[Problem] = []
        self.entries: dict[str, Entry] = {}
        self.allows: dict[str, Allow] = {}
        self.repeated = 0

    def read(self, rows: Sequence[_Row]) -> tuple[WordList, int]:
        if len(rows) > MAX_ROWS:
            raise _refused(self.file, f"has more than {MAX_ROWS} rows")
        filled = [row for row in rows if any(row.cells)]
        columns = _columns(filled[0].cells) if filled else None
        if columns is not None:
            filled = filled[1:]
        for row in filled:
            try:
                self._row(row, columns or {"term": 0, "severity": 1})
            except ValueError as error:
                self.problems.append(Problem(self.file, row.number, str(error)))
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
        return read, self.repeated

    def _row(self, row: _Row, columns: dict[str, int]) -> None:
        given = {name: row.cells[at] for name, at in columns.items() if at < len(row.cells)}
        for phrase in _several(given.get("allow", "")):
            _fits(phrase, "allow-phrase")
            self.allows.setdefault(phrase, Allow(phrase))
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
            aliases=aliases,
            expires=_day(given.get("expires", "")),
            tags=_several(given.get("tags", "")),
            note=" ".join(given.get("note", "").split()),
        )
        if term in self.entries:
            self.repeated += 1
        else:
            self.entries[term] = entry


def _columns(cells: Iterable[str]) -> dict[str, int] | None:
    """Which column holds what, if these are headings."""
    columns: dict[str, int] = {}
    for at, cell in enumerate(cells):
        name = _COLUMN.get(cell.strip().lower())
        if name is not None:
            columns.setdefault(name, at)
    return columns if "term" in columns else None


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
    found = SEVERITIES.get(word.lower()) or _SEVERITY_ZH.get(word.removesuffix("级"))
    if found is None:
        allowed = ", ".join([*SEVERITIES, "疑似", "敏感", "重要", "拦截"])
        raise ValueError(f"severity is {word!r}; allowed are {allowed}")
    return found


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    found = _DATE.fullmatch(text)
    if found is not None:
        with contextlib.suppress(ValueError):  # the 30th of February
            return dt.date(int(found[1]), int(found[2]), int(found[3]))
    raise ValueError(f"expires is {text!r}; a day is written 2027-01-31")


def _refused(file: str, reason: str) -> ListError:
    return ListError([Problem(file, 0, reason)])
