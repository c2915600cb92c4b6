"""The channels that viewers may ask for, read from files, sources and settings."""

from pathlib import Path

import pytest
from tools.databases import make_database

from moderation.public.channels import KnownChannels
from moderation.public.problems import DISK_AWAY, NOT_FOUND, Problem, RequestRefused
from streamgate.store.database import AsyncDatabase
from streamgate.store.location import locate


async def refusal(channels: KnownChannels, name: str) -> tuple[Problem, float]:
    with pytest.raises(RequestRefused) as refused:
        await channels.require(name)
    return refused.value.problem, refused.value.wait_s


async def test_no_channel_is_denied_before_the_names_were_read(tmp_path: Path) -> None:
    folder = tmp_path / "channels"
    folder.mkdir()
    (folder / "main.json").write_text("{}")
    location = locate("sqlite", tmp_path)
    database = AsyncDatabase(location)
    try:
        channels = KnownChannels(folder, database, set)
        await channels.require("main")  # the database has no tables yet; the file is enough
        assert await refusal(channels, "hall") == (DISK_AWAY, 1)
        make_database(location)
        assert await refusal(channels, "hall") == (NOT_FOUND, 0)
    finally:
        await database.close()
