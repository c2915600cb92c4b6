"""What is foreseen of the archive's disk stands before the operators until it is over."""

import asyncio
import time
from contextlib import suppress

from small_archive import SmallArchive
from tools.disks import Disk

from streamgate.archive import keeper
from streamgate.reserve import Reserve


async def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.02)


async def test_a_retention_that_does_not_fit_and_a_reserve_in_use_stand_until_they_are_over(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(keeper, "SYNC_S", 0.05)
    monkeypatch.setattr(keeper, "FORESEE_EVERY_S", 0.0)
    with Disk(tmp_path, 128) as disk:
        archive = SmallArchive(disk.path / "data")
        for n in range(40):
            archive.part(time.time() - 3600 + 6 * n, 100_000)  # 4 MB a day, 60 days: 240 MB
        reserve = Reserve(archive.path)
        assert reserve.keep()
        standing = {}

        async def stand(key, what):
            standing[key] = what

        async def tell(what):
            raise AssertionError(what.text)

        keeping = asyncio.create_task(
            keeper.keep(
                archive.root, archive.path / "catalog.sqlite", retention_days=60, tell=tell, stand=stand
            )
        )
        try:
            await until(lambda: standing.get("archive_unfit") is not None)
            unfit = standing["archive_unfit"]
            assert (unfit.code, unfit.level) == ("archive_unfit", "warning")
            assert "of 60 days" in unfit.text
            assert "应保存 60 天" in unfit.text_zh
            assert "archive_reserve" not in standing, "what was never in trouble is not spoken of"
            assert reserve.release()
            await until(lambda: standing.get("archive_reserve") is not None)
            assert standing["archive_reserve"].level == "alarm"
            assert reserve.keep()
            await until(lambda: standing["archive_reserve"] is None)
            assert not keeping.done()
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
