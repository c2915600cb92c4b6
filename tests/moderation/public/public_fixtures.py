"""Both engines, as the tests of the store have them; a real desk with the public address before it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from public_stage import Stage
from store.conftest import database, engine, location, place, sqlite

from streamgate.store.location import Location

__all__ = ["database", "engine", "location", "place", "sqlite"]


@pytest.fixture
async def stage(tmp_path: Path, place: Location) -> AsyncIterator[Stage]:
    """A desk, served; comments of channel `main` are open, with no window for undo."""
    made = Stage(tmp_path, place)
    async with made.serving():
        await made.open(comments=True, window_s=0, slow_s=0)
        yield made
