"""The ledger as CSV for a spreadsheet: UTF-8 with a byte order mark, no cell of which is a formula. Pure."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.audit.query import UNREADABLE
from console.audit.trail import Row

BOM = "\ufeff"
_NAMED = ("who", "role", "from", "channel", "kind")
_LAST = ("old", "new", "reason", "answer", "error", "error_zh", "latency_ms", "text", "text_zh")
COLUMNS = ("time_utc", *_NAMED, "what", "args", *_LAST, "more", "file", "n", "hash")
_WHAT = ("what", "name", "code")
_PLACED = {*_NAMED, *_LAST, *_WHAT, "args", "at", "n", "hash"}
_BLANK = frozenset("\t\r\n")
_FORMULA = frozenset("=+-@＝＋－＠")  # the wide ones count in Chinese and Japanese spreadsheets


def head() -> bytes:
    return (BOM + write([COLUMNS])).encode()


def to_csv(rows: Iterable[Row]) -> bytes:
    """Return lines of CSV, one a record. `more`: members that have no column, as JSON."""
    return write(map(_cells, rows)).encode("utf-8", "replace")


def last_line(english: str, chinese: str) -> bytes:
    """Return a line that is no record: why the file ends here."""
    return write([(f"{english} {chinese}",)]).encode()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: behind an apostrophe if it looks like one."""
    cell = cell.replace("\0", "")
    return f"'{cell}" if cell.lstrip()[:1] in _FORMULA or cell[:1] in _BLANK else cell


def _cells(row: Row) -> list[str]:
    try:
        record: dict[str, Any] = msgspec.json.decode(row.line)
    except UNREADABLE:
        record = {"kind": "", "error": "unreadable", "more": row.line.decode("utf-8", "replace")}
    what = next((record[name] for name in _WHAT if record.get(name)), "")
    more = {name: value for name, value in record.items() if name not in _PLACED}
    values = [
        utc_time(row.at),
        *(record.get(name, "") for name in _NAMED),
        what,
        record.get("args", ""),
        *(record.get(name, "") for name in _LAST),
        more or "",
        row.file,
        row.n,
        record.get("hash", ""),
    ]
    return [harmless(value if isinstance(value, str) else _json(value)) for value in values]


def utc_time(at: float) -> str:
    """Return a time as spreadsheets and people read it: ISO 8601 with milliseconds, UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(at)  # a forged record may say anything


def _json(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


def write(lines: Iterable[Iterable[str]]) -> str:
    """Return lines of CSV as RFC 4180 has them. Cells that others wrote go through `harmless` before."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()
