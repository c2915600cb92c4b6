"""The one place that opens either engine, SQLite or PostgreSQL, for threads or for asyncio.

SQLite: a transaction that writes begins with BEGIN IMMEDIATE, so that it waits for the other writer at its
begin and never fails in its middle; the commit is on the disk when it returns (synchronous=FULL). An engine
never makes the file: a database that is lost must not come back empty by itself.
"""

import contextlib
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from streamgate.store.location import Location

BUSY_S = 5.0  # how long a writer waits for another one
CONNECT_S = 5
STATEMENT_S = 60  # in PostgreSQL; SQLite has no such bound
APPLICATION = "streamgate"
_WAL_PAGES = 8000
"""After so many (32 MB) the write-ahead log goes into the file. Measured with 500 comments a commit: 24 us
each, 35 us with SQLite's default of 1000, which writes the same pages of indexes again and again."""
WRITES = {"streamgate_writes": True}  # execution options of a connection that will write
READS = {"streamgate_writes": False}


def open_engine(location: Location, *, foreign_keys: bool = True) -> sa.Engine:
    """Return an engine whose calls block. Nothing is connected yet.

    `foreign_keys` off is for migrations: to rebuild a table SQLite drops it, which would take the rows that
    point to it along; they are checked as a whole afterwards.
    """
    engine = sa.create_engine(_url(location, "pysqlite"), **_options(location))
    _prepare(engine, location, foreign_keys=foreign_keys)
    return engine


def open_async_engine(location: Location) -> AsyncEngine:
    """Return the same for asyncio: aiosqlite, or psycopg's own asyncio side."""
    engine = create_async_engine(_url(location, "aiosqlite"), **_options(location))
    _prepare(engine.sync_engine, location, foreign_keys=True)
    return engine


def _url(location: Location, sqlite_driver: str) -> sa.URL:
    if location.kind == "sqlite":
        return sa.URL.create(
            f"sqlite+{sqlite_driver}",
            database=f"file:{quote(str(location.file))}",
            query={"mode": "rw", "uri": "true"},
        )
    return sa.make_url(location.url)


def _options(location: Location) -> dict[str, Any]:
    options: dict[str, Any] = {"hide_parameters": True, "pool_timeout": BUSY_S}
    if location.kind == "sqlite":
        # isolation_level None: the driver begins nothing by itself, `_begin` does
        return {**options, "connect_args": {"isolation_level": None, "timeout": BUSY_S}}
    return {
        **options,
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": CONNECT_S,
            "application_name": APPLICATION,
            "options": f"-c lock_timeout={BUSY_S:g}s -c statement_timeout={STATEMENT_S}s",
        },
    }


def _prepare(engine: sa.Engine, location: Location, *, foreign_keys: bool) -> None:
    if location.kind != "sqlite":
        return

    def connect(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        keys = f"foreign_keys={'ON' if foreign_keys else 'OFF'}"
        for pragma in (keys, "synchronous=FULL", f"wal_autocheckpoint={_WAL_PAGES}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", _begin)


def _begin(connection: sa.Connection) -> None:
    """Begin as the connection's owner said; one that said nothing only reads, and SQLite holds it to that."""
    writes = connection.get_execution_options().get("streamgate_writes", False)
    with contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
