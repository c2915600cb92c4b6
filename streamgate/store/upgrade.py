"""Brings the database to the newest schema; the SQLite file is copied first."""

import os
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.util import CommandError

from streamgate.store import backup, sqlite_file, version
from streamgate.store.engine import WRITES, open_engine
from streamgate.store.failures import failure, translated, translated_files
from streamgate.store.location import Location

_LOCK = 0x73677570  # for pg_advisory_xact_lock: "sgup", a number nobody else uses


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did. `before`: the version it found, None for an empty database."""

    before: str | None
    after: str
    backup: Path | None


def upgrade(location: Location, *, new: bool = False) -> Upgraded:
    """Make or upgrade the database; with the newest schema already there this does nothing.

    Two processes may do it at the same time: the second waits and finds it done. All steps are one
    transaction. `new`: make an empty SQLite file even though one stood here before and is gone.

    Raises StoreError.
    """
    held: int | None = None
    with translated_files(location):
        if location.kind == "sqlite":
            # in this order: a neighbour may be making it between the two looks
            if sqlite_file.was_made(location) and sqlite_file.is_empty(location) and not new:
                raise failure("gone", location)
            sqlite_file.create(location)
            held = sqlite_file.hold_shared(location)
    engine = open_engine(location, foreign_keys=False)
    try:
        with translated(location):
            return _upgrade(location, engine)
    finally:
        engine.dispose()
        if held is not None:
            os.close(held)


def _upgrade(location: Location, engine: sa.Engine) -> Upgraded:
    with engine.connect() as connection:
        before = version.current(connection)
    version.refuse_newer(before, location)
    saved = None
    if before != version.head():
        if location.kind == "sqlite" and before is not None:
            saved = backup.before_upgrade(location, before)
        with engine.connect().execution_options(**WRITES) as connection, connection.begin():
            if location.kind == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            before = version.current(connection)  # another process may have been here
            version.refuse_newer(before, location)
            config = version.config()
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise failure("other", location, f"its upgrade: {error}") from error
            if location.kind == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise failure("corrupt", location, "rows point to nothing after the upgrade")
    if location.kind == "sqlite":
        backup.use_wal(location)
        with translated_files(location):
            sqlite_file.mark_made(location)
    return Upgraded(before, version.head(), saved)
