"""Looks at the database as a whole: is it there, is it sound, is its schema the one this program needs."""

from dataclasses import dataclass, field

import sqlalchemy as sa

from streamgate.errors import StoreError
from streamgate.store import sqlite_file, version
from streamgate.store.engine import WRITES, open_engine
from streamgate.store.failures import failure, translated, translated_files
from streamgate.store.location import Location

MAX_PROBLEMS = 20
_ORPHANS = "PRAGMA foreign_key_check"
_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"


@dataclass
class Report:
    """What was found. `version`: of the schema, None when it could not be read."""

    engine: str
    where: str
    head: str
    version: str | None = None
    server: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


def check(location: Location) -> Report:
    """Read the whole SQLite file, or ask the server. A StoreError becomes one of the problems."""
    report = Report(location.kind, location.shown, version.head())
    try:
        _look(location, report)
    except StoreError as error:
        report.problems.append(str(error))
    return report


def probe(location: Location) -> None:
    """See whether one could write now: begin as a writer and take it back. Raises StoreError."""
    engine = open_engine(location)
    try:
        with translated(location):
            _identify(location)
            writer = engine.execution_options(**WRITES)
            with writer.connect() as connection, connection.begin() as transaction:
                version.require_head(connection, location)
                if location.kind == "postgresql" and connection.scalar(sa.text(_READ_ONLY)):
                    raise failure("read_only", location)
                transaction.rollback()
    finally:
        engine.dispose()


def quick_check(location: Location) -> None:
    """See whether the pages of the SQLite file hang together. Raises StoreError; takes about 1 s a GB."""
    if location.kind != "sqlite":
        return
    engine = open_engine(location)
    try:
        with translated(location), engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    finally:
        engine.dispose()
    if found != "ok":
        raise failure("corrupt", location, str(found))


def _look(location: Location, report: Report) -> None:
    _identify(location)
    engine = open_engine(location)
    try:
        with translated(location), engine.connect() as connection:
            if location.kind == "sqlite":
                _integrity(connection, report)
            else:
                report.server = str(connection.scalar(sa.text("SHOW server_version")))
            report.version = version.current(connection)
            version.require_head(connection, location)
    finally:
        engine.dispose()


def _integrity(connection: sa.Connection, report: Report) -> None:
    report.server = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    for line in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_PROBLEMS})").scalars():
        if line != "ok":
            report.problems.append(f"integrity: {line}")
    for table, row, parent, _ in connection.exec_driver_sql(_ORPHANS).fetchmany(MAX_PROBLEMS):
        report.problems.append(f"row {row} of {table} points to a row of {parent} that is not there")


def _identify(location: Location) -> None:
    if location.kind == "sqlite":
        with translated_files(location):
            sqlite_file.identity(location)
