"""Both engines: a test that asks for `location` or `database` runs on SQLite and on a real PostgreSQL."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.postgres import Postgres

from streamgate.store.database import Database
from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))  # a unix socket stands in it: a short path
    server.new_database("tests")
    yield server
    server.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Location:
    """Where a SQLite database would be made."""
    return locate("sqlite", tmp_path)


@pytest.fixture
def postgresql(postgres: Postgres, tmp_path: Path) -> Location:
    """The one database of the private server, emptied: to make one for each test takes a second."""
    postgres.sql("tests", "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return locate(postgres.url("tests"), tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest) -> Location:
    found: Location = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def database(location: Location) -> Iterator[Database]:
    upgrade(location)
    with Database(location) as opened:
        yield opened
