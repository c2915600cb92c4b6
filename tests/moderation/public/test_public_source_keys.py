"""The table of sources while it is read and a source is made at the same time."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from moderation.public.source_keys import SourceKeys
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location


async def test_a_source_made_while_the_table_is_read_stays_known(
    database: Database, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the author of a channel's first comment is told, for a second, that there is none."""
    store = AsyncDatabase(location)
    keys = SourceKeys(store, b"secret", store.write)
    has_read, goes_on = asyncio.Event(), asyncio.Event()
    read = store.read

    async def read_slowly(run: Callable[..., Any], *args: Any) -> Any:
        found = await read(run, *args)
        has_read.set()
        await goes_on.wait()
        return found

    monkeypatch.setattr(store, "read", read_slowly)
    try:
        reading = asyncio.create_task(keys.refresh())
        await has_read.wait()
        making = asyncio.create_task(keys.watch_page("main"))
        await asyncio.wait([making], timeout=0.5)
        goes_on.set()
        made = await making
        await reading
        assert keys.existing_watch_page("main") == made
    finally:
        await store.close()
