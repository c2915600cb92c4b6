"""Both engines, as the tests of the store have them, and a desk over each."""

from pathlib import Path

import pytest
from desk_running import in_own_task, open_up, prepare, running
from store.conftest import database, location, sqlite

from streamgate.store.location import Location

__all__ = ["database", "location", "sqlite"]


@pytest.fixture
async def desk(location: Location, tmp_path: Path):
    prepare(location)
    async with in_own_task(running(location, tmp_path / "lists")) as opened:
        await open_up(opened)
        yield opened
