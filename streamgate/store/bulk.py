"""What the writer of comments does with each commit, past SQLAlchemy: many rows inserted with few statements.

VALUES of many rows in SQLite, COPY in PostgreSQL.

SQLAlchemy's executemany takes Python time for each row and, in SQLite, gives the interpreter away as often.
For the writer of comments, who is a thread: drivers for asyncio cannot COPY.
"""

import contextlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

_PIECES = (500, 100, 20, 4, 1)
"""Rows of one statement, so that each size is prepared once. SQLite: at most 32,766 values.

The first is a whole group of a flood: after each statement the writer waits for the interpreter, 5 ms where
others compute."""


class BulkInsert:
    """`columns`: those that are given, in the order of the values of a row; all others have defaults.

    Values are as both drivers take them: str, int, float, bool, None. JSON is text.
    """

    def __init__(self, table: sa.Table, columns: Sequence[str]) -> None:
        unknown = set(columns) - set(table.c.keys())
        if unknown:
            raise ValueError(f"table {table.name} has no columns {', '.join(sorted(unknown))}")
        quoted = ", ".join(f'"{name}"' for name in columns)
        into = f"{table.name} ({quoted})"
        row = f"({', '.join('?' * len(columns))})"
        self._inserts = [
            (size, f"INSERT INTO {into} VALUES {', '.join([row] * size)}")  # noqa: S608 - names of our tables
            for size in _PIECES
        ]
        self._copy = f"COPY {into} FROM STDIN"

    def add(self, session: Session, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows. Raises as SQLAlchemy does, `sa.exc.DBAPIError` and its kinds."""
        if not rows:
            return
        connection = session.connection()
        with translated_driver(connection), contextlib.closing(connection.connection.cursor()) as cursor:
            if connection.dialect.name == "sqlite":
                self._insert(cursor, rows)
            else:
                with cursor.copy(self._copy) as copy:
                    copy.write(copy_text(rows))

    def _insert(self, cursor: Any, rows: Sequence[Sequence[Any]]) -> None:
        done = 0
        for size, statement in self._inserts:
            while len(rows) - done >= size:
                cursor.execute(statement, list(itertools.chain.from_iterable(rows[done : done + size])))
                done += size


_ESCAPED = re.compile(r"[\\\b\f\n\r\t\v]")
_ESCAPES = {"\\": r"\\", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


def copy_text(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows in the text format of COPY. By column: most hold one value, or nothing to be escaped.

    Measured with 500 comments: 2.3 us a row; psycopg's `write_row` 5 us.
    """
    columns = map(_copy_column, zip(*rows, strict=True))
    return "".join([f"{line}\n" for line in map("\t".join, zip(*columns, strict=False))])


def _copy_column(values: Sequence[Any]) -> Iterable[str]:
    """Return a column's values as texts; one that never changes as an endless iterator."""
    kinds = set(map(type, values))
    if len(kinds) > 1:
        return map(_copy_value, values)
    if values.count(values[0]) == len(values):
        return itertools.repeat(_copy_value(values[0])) if len(values) > 1 else (_copy_value(values[0]),)
    if kinds == {str}:
        return map(_copy_value, values) if _ESCAPED.search("".join(values)) else values
    return map(_copy_value, values) if kinds == {bool} else map(repr, values)


def _copy_value(value: str | float | bool | None) -> str:
    match value:
        case str():
            return _ESCAPED.sub(_escape, value)
        case None:
            return r"\N"
        case bool():
            return "t" if value else "f"
        case _:
            return repr(value)


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES[found[0]]


def read_rows(session: Session, statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """Return the rows of a short question, asked with each commit. `statement`: in the driver's words."""
    connection = session.connection()
    with translated_driver(connection), contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


@contextlib.contextmanager
def translated_driver(connection: sa.Connection) -> Iterator[None]:
    """Raise what the driver raises as SQLAlchemy would: statements go past it here."""
    base = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except base as error:
        raise sa.exc.DBAPIError.instance(
            None, None, error, base, hide_parameters=True, dialect=connection.dialect
        ) from error
