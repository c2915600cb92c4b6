"""The version of the schema: what the database has, and what this program needs."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from streamgate.store.failures import failure
from streamgate.store.location import Location

TABLE = "store_version"


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return made


@cache
def known() -> tuple[str, ...]:
    """Return every version this program knows, oldest first."""
    return tuple(one.revision for one in ScriptDirectory.from_config(config()).walk_revisions())[::-1]


def head() -> str:
    """Return the version this program needs."""
    return known()[-1]


def current(connection: sa.Connection) -> str | None:
    """Return the version of the database, None when nothing was ever made in it."""
    heads = MigrationContext.configure(connection, opts={"version_table": TABLE}).get_current_heads()
    return ", ".join(heads) if heads else None


def refuse_newer(version: str | None, location: Location) -> None:
    """Raise StoreBrokenError when a newer streamgate made the database."""
    if version is not None and version not in known():
        raise failure("newer", location, version)


def require_head(connection: sa.Connection, location: Location) -> None:
    """Raise StoreBrokenError unless the database has exactly the schema this program needs."""
    version = current(connection)
    if version is None:
        raise failure("missing", location)
    refuse_newer(version, location)
    if version != head():
        raise failure("older", location, version)
