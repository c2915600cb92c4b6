import asyncio
import os
import time

import pytest

from streamgate.archive import keeper
from streamgate.archive.catalog import Catalog
from streamgate.errors import ConfigError


async def run_for(root, catalog, seconds, days=60):
    told = []

    async def tell(what):
        told.append(what)

    task = asyncio.create_task(keeper.keep(root, catalog, retention_days=days, tell=tell))
    await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return told


async def test_what_is_past_retention_goes_and_what_is_within_stays(tmp_path):
    root = tmp_path / "archive"
    now = time.time()
    kept, gone = [], []
    for number, days in enumerate((70, 61, 59, 1), start=1):
        at = now - days * 86400
        day = root / "main" / time.strftime("%Y-%m-%d", time.gmtime(at))
        day.mkdir(parents=True)
        path = day / f"{time.strftime('%H%M%S', time.gmtime(at))}.000Z-{number:06d}.mp4"
        path.write_bytes(b"\0\0\0\x08free")
        os.utime(path, (at, at))
        (gone if days > 60 else kept).append(path)
    await run_for(root, tmp_path / "catalog.sqlite", 1.5)
    assert [path for path in kept if not path.exists()] == []
    assert [path for path in gone if path.exists()] == []
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert len(catalog.parts("main", 0, now + 1)) == len(kept)


async def test_a_retention_below_60_days_is_refused_naming_r8(tmp_path):
    with pytest.raises(ConfigError, match="R8"):
        await keeper.keep(tmp_path, tmp_path / "catalog.sqlite", retention_days=59, tell=None)
