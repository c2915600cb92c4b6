"""People are put into a database that a `serve` may only be making."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.people import add_person, until_made

from streamgate.store import users
from streamgate.store.database import Database
from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade


def on_sqlite(request: pytest.FixtureRequest) -> Location:
    return locate("sqlite", request.getfixturevalue("tmp_path"))


def on_postgresql(request: pytest.FixtureRequest) -> Location:
    found: Location = request.getfixturevalue("postgresql")
    return found


@pytest.mark.parametrize("engine", [on_sqlite, on_postgresql])
def test_somebody_is_added_once_another_has_made_the_database(
    engine: Callable[[pytest.FixtureRequest], Location], request: pytest.FixtureRequest
) -> None:
    database = engine(request)
    making = threading.Timer(0.5, upgrade, [database])
    making.start()
    try:
        add_person(database, "ann", ["operator"])
    finally:
        making.join()
    with Database(database) as opened, opened.read() as session:
        assert [user.username for user, _ in users.list_all(session)] == ["ann"]


def test_a_database_that_nobody_makes_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"nobody made the database .*streamgate\.sqlite within 0\.1 s"):
        until_made(locate("sqlite", tmp_path), 0.1)
