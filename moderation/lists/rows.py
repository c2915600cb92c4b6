"""Files made elsewhere (CSV, TXT, XLSX) as rows of cells."""

import csv
import datetime as dt
import importlib
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from moderation.lists.files import bytes_of
from moderation.lists.list_format import ListError

_SPECIAL = re.compile(rb"<(?:\w+:)?(?:f|mergeCell)[ />]")
"""In a sheet's XML: formulas, or cells that are merged."""
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
    """One table, without its empty rows. `name`: "" where the file is one table. `hidden`: from people.

    `without_value`: (row, place in it) -> why a cell that people see full has nothing in it.
    """

    name: str
    rows: list[Row]
    hidden: bool = False
    without_value: Mapping[tuple[int, int], str] = MappingProxyType({})


def kind_of(source: Path) -> str:
    """The ending of a file, of KINDS. Raises ListError for any other."""
    if source.is_dir():
        raise ListError.one(str(source), "is a directory; give a file that ends in .csv, .tsv, .txt or .xlsx")
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
    if b"\0" in data and not wide:
        raise ListError.one(
            source.name,
            "is neither UTF-8 nor GB 18030, and looks like UTF-16 without its mark; save it as UTF-8",
        )
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
            parts = [part for part in archive.namelist() if part.startswith("xl/worksheets/")]
            special = any(_SPECIAL.search(archive.read(part)) for part in parts)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sheet features that hold no terms
            book = openpyxl.load_workbook(source, read_only=True, data_only=True)
            displayed = openpyxl.load_workbook(source) if special else None
    except OSError as error:
        raise ListError.one(str(source), f"cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ListError.one(source.name, "is not an XLSX file; save it as one, or as CSV") from error
    try:
        sheets = [
            _sheet(one, displayed[one.title] if displayed is not None else None) for one in book.worksheets
        ]
    finally:
        book.close()
    return [sheet for sheet in sheets if sheet.rows]


def _sheet(sheet: Any, displayed: Any) -> Sheet:
    """A sheet by the values stored in it. `displayed`: the same as people see it, where that may be more."""
    full = {row.number: row for row in _rows(sheet)}
    without = {}
    if displayed is not None:
        for cell in (cell for row in displayed.iter_rows() for cell in row if cell.data_type == "f"):
            number, at = cell.row, cell.column - 1
            if number not in full or at >= len(full[number].cells) or not full[number].cells[at]:
                without[number, at] = (
                    f"cell {cell.coordinate} has a formula whose value is not stored; open and save the file "
                    "in a spreadsheet program, or write the value there"
                )
                full.setdefault(number, Row(number, ()))
        for area in displayed.merged_cells.ranges:
            first = displayed.cell(area.min_row, area.min_col)
            for number, at in ((row, column - 1) for row, column in area.cells):
                if (
                    number in full
                    and first.value is not None
                    and (number, at + 1) != (first.row, first.column)
                ):
                    without[number, at] = (
                        f"a cell is merged with {first.coordinate}, and so has no value of its own; unmerge "
                        f"{area.coord} and write the value into each row"
                    )
    rows = [full[number] for number in sorted(full)]
    return Sheet(sheet.title, rows, hidden=sheet.sheet_state != "visible", without_value=without)


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
