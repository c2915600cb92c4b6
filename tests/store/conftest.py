"""Both engines: a test that asks for `location` or `database` runs on SQLite and on a real PostgreSQL.

Where a stage is dear, its fixture asks for `place`: a SQLite database, and for a test that is marked
`on_both_engines` a real PostgreSQL, too.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.databases import make_database

from streamgate.store.database import Database
from streamgate.store.location import Location, locate


@pytest.fixture
def sqlite(tmp_path: Path) -> Location:
    """Where a SQLite database would be made."""
    return locate("sqlite", tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest) -> Location:
    found: Location = request.getfixturevalue(request.param)
    return found


on_both_engines = pytest.mark.parametrize("engine", ["sqlite", "postgresql"])


@pytest.fixture
def engine() -> str:
    return "sqlite"


@pytest.fixture
def place(engine: str, request: pytest.FixtureRequest) -> Location:
    found: Location = request.getfixturevalue(engine)
    return found


@pytest.fixture
def database(location: Location) -> Iterator[Database]:
    make_database(location)
    with Database(location) as opened:
        yield opened
