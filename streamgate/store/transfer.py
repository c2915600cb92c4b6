"""Moves everything from one database into another, empty one: from SQLite to PostgreSQL, or back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.tables import METADATA
from streamgate.store.upgrade import upgrade

BATCH = 1000  # rows


@dataclass(frozen=True)
class Copied:
    """`rows`: how many each table has, on both sides."""

    rows: dict[str, int]


def copy_all(source: Location, target: Location) -> Copied:
    """Copy every table. One transaction on each side: all of it is there afterwards, or nothing.

    `target` may be without a schema, or have one without rows. Nobody should write to `source` meanwhile: it
    is read as it is at one moment.

    Raises:
        Refused: the two are the same, or the target holds something.
        StoreError: one of them cannot be used, or a value does not fit.
    """
    if (source.kind, source.path, source.url) == (target.kind, target.path, target.url):
        raise Refused(
            f"{target.shown} is the database in use; name another one", f"{target.shown} 就是正在使用的数据库"
        )
    with Database(source) as old, old.read() as reading:
        before = _count(reading)
        upgrade(target)
        with Database(target) as new, new.write() as writing:
            _lock(writing)
            _refuse_filled(target, _count(writing))
            for table in METADATA.sorted_tables:
                for rows in _batches(reading, table):
                    writing.execute(sa.insert(table), rows)
                _continue_numbers(writing, table)
            after = _count(writing)
            if after != before:
                raise Refused(
                    f"{target.shown} would have {_shown(after)}, {source.shown} has {_shown(before)};"
                    " nothing was copied. End serve and whatever else writes, and try again",
                    "行数不一致，未复制任何内容；请结束 serve 后重试",
                )
    return Copied(after)


def _count(session: Session) -> dict[str, int]:
    return {
        table.name: session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in METADATA.sorted_tables
    }


def _refuse_filled(target: Location, rows: dict[str, int]) -> None:
    if any(rows.values()):
        raise Refused(
            f"{target.shown} is not empty ({_shown(rows)}); name an empty database",
            f"{target.shown} 不是空库（{_shown(rows)}）；请指定一个空库",
        )


def _shown(rows: dict[str, int]) -> str:
    return ", ".join(f"{table} {number}" for table, number in rows.items() if number) or "no rows"


def _batches(session: Session, table: sa.Table) -> Iterator[Sequence[dict[str, object]]]:
    query = sa.select(table).order_by(*table.primary_key.columns)
    found = session.execute(query, execution_options={"yield_per": BATCH}).mappings()
    for rows in found.partitions(BATCH):
        yield [dict(row) for row in rows]


def _lock(session: Session) -> None:
    """Keep everybody else from writing there; SQLite's writer is alone already."""
    if session.get_bind().dialect.name == "postgresql":
        tables = ", ".join(table.name for table in METADATA.sorted_tables)
        session.execute(sa.text(f"LOCK TABLE {tables} IN EXCLUSIVE MODE"))


def _continue_numbers(session: Session, table: sa.Table) -> None:
    """Let PostgreSQL number new rows after those that were copied; SQLite does so by itself."""
    column = table.autoincrement_column
    if column is None or session.get_bind().dialect.name != "postgresql":
        return
    sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
    highest = sa.select(sa.func.max(column)).scalar_subquery()
    session.execute(sa.select(sa.func.setval(sequence, highest)).where(highest.is_not(None)))
