import asyncio
import os
import time
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
from structlog.testing import capture_logs
from tiny_media import make_feed
from tools.disks import Disk

from streamgate.archive import keeper
from streamgate.archive.catalog import Catalog
from streamgate.archive.parts import PartRecord, append_index
from streamgate.core.fmp4 import init_segment
from streamgate.errors import ConfigError

HEADER = init_segment(make_feed(seconds=1)[0])  # of a part that was cut off behind it


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
        path.write_bytes(HEADER)
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


# ---------------------------------------------------------------- disks and files that fail


def part_at(root, number, at):
    day = root / "main" / time.strftime("%Y-%m-%d", time.gmtime(at))
    day.mkdir(parents=True, exist_ok=True)
    path = day / f"{time.strftime('%H%M%S', time.gmtime(at))}.000Z-{number:06d}.mp4"
    path.write_bytes(HEADER)
    os.utime(path, (at, at))
    return path


@asynccontextmanager
async def keeping(root, catalog):
    """Keep an archive; yield what operators are told."""
    told = []

    async def tell(what):
        told.append(what)

    task = asyncio.create_task(keeper.keep(root, catalog, retention_days=60, tell=tell, retry_s=0.1))
    try:
        yield told
        assert not task.done(), "it never ends by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.02)


def codes(told):
    return [what.code for what in told]


@pytest.mark.parametrize("fault", ["read only", "full", "dead"])
async def test_a_disk_that_refuses_is_told_once_and_tried_again_ever_more_seldom(tmp_path, fault):
    with Disk(tmp_path) as disk:
        root, catalog = disk.path / "archive", disk.path / "catalog.sqlite"
        part_at(root, 1, time.time() - 86400)
        {"read only": disk.read_only, "full": disk.fill, "dead": disk.fail}[fault]()
        with capture_logs() as logs:
            async with keeping(root, catalog) as told:
                await asyncio.sleep(3)
                assert sorted(codes(told)) == ["archive_catalog", "archive_not_removed"]
                assert "catalog" in told[0].text
                assert "归档目录" in told[0].text_zh
                disk.free() if fault == "full" else disk.writable()
                if fault != "dead":  # what was not on that disk yet is gone with it
                    await until(lambda: "archive_catalog_kept" in codes(told))
                    with Catalog(catalog) as read:
                        assert len(read.parts("main", 0, 2e9)) == 1
        assert len([entry for entry in logs if entry["log_level"] in ("warning", "error")]) <= 2


async def test_a_disk_that_fails_under_an_open_catalog_is_survived(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "SYNC_S", 0.1)
    root = tmp_path / "archive"
    path = part_at(root, 1, time.time() - 86400)
    line = PartRecord(path.name, "main", 1, time.time() - 86400, time.time() - 86394, 8, "0" * 64)
    with Disk(tmp_path) as disk:
        catalog = disk.path / "catalog.sqlite"
        async with keeping(root, catalog) as told:
            await until(catalog.exists)
            await asyncio.sleep(0.5)
            disk.read_only()
            append_index(path.parent, [line, msgspec.structs.replace(line, part="120000.000Z-000002.mp4")])
            await until(lambda: told)
            await asyncio.sleep(1)
            assert codes(told) == ["archive_catalog"]
            disk.writable()
            await until(lambda: len(told) > 1)
            assert codes(told) == ["archive_catalog", "archive_catalog_kept"]
            with Catalog(catalog) as read:
                assert len(read.parts("main", 0, 2e9)) == 2


@pytest.mark.parametrize("damage", ["no database", "torn"])
async def test_a_damaged_catalog_is_put_aside_and_made_anew(tmp_path, damage):
    root, path = tmp_path / "archive", tmp_path / "catalog.sqlite"
    for number in range(1, 400):
        part_at(root, number, time.time() - 86400 + number)
    with Catalog(path) as catalog:
        catalog.rebuild(root)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(0 if damage == "no database" else 4096)
        file.write(b"\xff" * (size - 4096))
    async with keeping(root, path) as told:
        await until(lambda: told)
    assert codes(told) == ["archive_catalog_rebuilt"]
    assert "399" in told[0].text
    assert path.with_name("catalog.sqlite.damaged").exists()
    with Catalog(path) as catalog:
        assert len(catalog.parts("main", 0, 2e9)) == 399


@pytest.mark.alone  # it measures
async def test_a_frozen_disk_does_not_hold_up_the_end(tmp_path):
    with Disk(tmp_path) as disk:
        disk.freeze()
        async with keeping(disk.path / "archive", disk.path / "catalog.sqlite"):
            await asyncio.sleep(0.3)
            begun = time.monotonic()
        assert time.monotonic() - begun < 1
