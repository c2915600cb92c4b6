"""Files made elsewhere (CSV, TXT, XLSX) as rows of cells."""

import csv
import datetime as dt
import importlib
import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from moderation.lists.files import ListError, bytes_of

MAX_ROWS = 1_000_000
MAX_UNPACKED = 256 << 20
"""Bytes an XLSX file may unpack to."""
SHEETS = (".xlsx", ".xlsm")
KINDS = (".txt", ".csv", ".tsv", *SHEETS)


class Row(NamedTuple):
    """`number`: from 1, as the program that made the file counts."""

    number: int
    cells: tuple[str, ...]


class Sheet(NamedTuple):
    """One table, without its empty rows. `name`: "" where the file is one table. `hidden`: from people."""

    name: str
    rows: list[Row]
    hidden: bool = False


def kind_of(source: Path) -> str:
    """The ending of a file, of KINDS. Raises ListError for any other."""
    kind = source.suffix.lower()
    if kind not in KINDS:
        raise ListError.one(
            source.name, f"ends in {kind or 'nothing'}; allowed are .csv, .tsv, .txt and .xlsx"
        )
    return kind


def read_text(source: Path) -> str:
    """UTF-8; UTF-16 with its mark, as "Unicode text" is saved; GB 18030, as spreadsheets in China save it.

    Raises:
        ListError: if it cannot be read or is none of these.
    """
    data = bytes_of(source, source.name)
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ListError.one(source.name, "is neither UTF-8, UTF-16 nor GB 18030; save it as UTF-8")


def table_of(text: str, file: str, *, plain: bool) -> Sheet:
    """The table a text is. `plain`: a term a line, or cells with tabs between."""
    if plain and "\t" not in text:
        lines = enumerate(text.splitlines(), 1)
        return Sheet("", [Row(number, (cell,)) for number, line in lines if (cell := line.strip())])
    rows = []
    try:
        reader = csv.reader(io.StringIO(text), delimiter="\t" if plain else _delimiter(text), strict=True)
        for cells in reader:
            row = Row(reader.line_num, tuple(cell.strip() for cell in cells))
            if any(row.cells):
                rows.append(row)
    except csv.Error as error:
        raise ListError.one(file, f"is not CSV: {error}", reader.line_num) from error
    return Sheet("", rows)


def _delimiter(text: str) -> str:
    """The one that stands most often in the first line that has any: above it may be a title."""
    for line in text.splitlines():
        best = max(",\t;", key=line.count)
        if best in line:
            return best
    return ","


def read_sheets(source: Path) -> list[Sheet]:
    """The sheets of a workbook that have anything in them. Raises ListError if it is none."""
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ImportError as error:
        raise ListError.one(source.name, "needs openpyxl to be read; save it as CSV") from error
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                raise ListError.one(source.name, f"unpacks to more than {MAX_UNPACKED >> 20} MiB")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sheet features that hold no terms
            book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except OSError as error:
        raise ListError.one(str(source), f"cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ListError.one(source.name, "is not an XLSX file; save it as one, or as CSV") from error
    try:
        sheets = [
            Sheet(one.title, list(_rows(one)), hidden=one.sheet_state != "visible") for one in book.worksheets
        ]
    finally:
        book.close()
    return [sheet for sheet in sheets if sheet.rows]


def _rows(sheet: Any) -> Iterator[Row]:
    for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        row = Row(number, tuple(map(_cell, cells)))
        if any(row.cells):
            yield row


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a sheet has no whole numbers
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return str(value).strip()
