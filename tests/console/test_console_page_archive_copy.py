"""How the second copy stands, on the Archive screen: the real copy process, to a directory and to S3."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from archive_evening import make_evening
from page_desk import Desk, open_desk, picture
from playwright.async_api import Locator, Page, expect
from small_archive import SmallArchive
from tools.s3 import BUCKET, LOGIN, Moto
from tools.testfeed import Feed

from streamgate.archive.catalog import Catalog
from streamgate.archive.copy import service
from streamgate.archive.copy.journal import FILE as JOURNAL
from streamgate.archive.copy.place import CopySettings
from streamgate.archive.copy.state import read_state

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]
DAY = "/archive/main?day=2026-09-21"
KEEPING = re.compile("^(Keeping|保存)$")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    """A desk whose settings name a second copy."""
    place = tmp_path_factory.mktemp("copied") / "data"
    make_evening(place)
    with Catalog(place / "catalog.sqlite") as catalog:
        catalog.rebuild(place / "archive")
    (place / "streamgate.toml").write_text(f'copy_to = "{place.parent / "nas"}"\n')
    async with open_desk(place, feed, filler) as opened:
        opened.store.add("main")
        await opened.station.reload()
        yield opened


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TELL_EVERY_S", "STATE_EVERY_S", "ROUND_EVERY_S", "RETRY_S"):
        monkeypatch.setattr(service, name, 0.05)
    monkeypatch.setattr(service, "MAX_RETRY_S", 0.1)
    monkeypatch.setattr(service, "NICE", 0)


@contextlib.asynccontextmanager
async def copying(desk: Desk, **settings: Any) -> AsyncIterator[None]:
    """Run the copy process beside the console."""
    data_dir, stop = desk.stage.data_dir, asyncio.Event()

    async def stand(_key: str, _what: object) -> None:
        """Nobody is told: the gate of this desk is not part of it."""

    running = asyncio.create_task(
        service.run(
            CopySettings(**settings), data_dir=data_dir, run_dir=data_dir / "run", stop=stop, stand=stand
        )
    )
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)


async def until(desk: Desk, word: str) -> None:
    """Wait until the process says so of itself."""
    end = time.monotonic() + 20
    while (found := read_state(desk.stage.data_dir / "run", time.time())) is None or found.state != word:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.05)


async def look(page: Page) -> Locator:
    """Look anew at how recordings are kept; return what stands there of the second copy."""
    await page.reload(wait_until="commit")
    await page.get_by_role("button", name=KEEPING).click()
    return page.get_by_test_id("second-copy")


async def see(desk: Desk, language: str = "en") -> Page:
    page = await desk.person("dora", language, roles=("director",))
    await desk.open(page, DAY)
    return page


async def test_each_state_of_a_copy_to_a_directory_in_both_languages(desk: Desk) -> None:
    place = desk.stage.data_dir.parent / "nas"
    english, chinese = await see(desk), await see(desk, "zh")
    for page, words in ((english, "not running"), (chinese, "未运行")):
        copy = await look(page)
        await expect(copy).to_have_attribute("data-state", "not_running")
        await expect(copy).to_contain_text(words)
    async with copying(desk, to=str(place)):
        await until(desk, "unreachable")
        copy = await look(english)
        await expect(copy).to_have_attribute("data-state", "unreachable")
        await expect(copy).to_contain_text(f"{place} is not there; mount it, or make the directory")
        await expect(copy).to_contain_text(re.compile(r"\d+ files \(.*\) still to copy"))
        copy = await look(chinese)
        await expect(copy).to_contain_text("目标无法连接")
        await expect(copy).to_contain_text(f"目录 {place} 不存在；请挂载或创建")
        await expect(copy).not_to_contain_text("mount it")
        await expect(copy).to_contain_text(re.compile(r"待复制 \d+ 个文件"))
        await picture(chinese, "archive-copy-away-zh")
        place.mkdir()
        await until(desk, "idle")
        for page, words, checked in (
            (english, "everything is copied", "read back and right"),
            (chinese, "已全部复制", "已回读核对"),
        ):
            copy = await look(page)
            await expect(copy).to_have_attribute("data-state", "idle")
            for said in (words, checked, str(place)):
                await expect(copy).to_contain_text(said)
            await expect(copy).not_to_contain_text(re.compile("still to copy|待复制"))
        copies = sorted(path.name for path in (place / "archive" / "main").rglob("*.mp4"))
        assert copies == sorted(
            path.name for path in (desk.stage.data_dir / "archive" / "main").rglob("*.mp4")
        )


async def test_a_copy_that_is_on_its_way_says_how_much_is_left(desk: Desk) -> None:
    place = desk.stage.data_dir.parent / "slow"
    place.mkdir()
    more = SmallArchive(desk.stage.data_dir)
    for n in range(4):
        more.part(time.time() - 60 + 6 * n, 2_000_000, channel="hall")
    page = await see(desk, "zh")
    async with copying(desk, to=str(place), limit_mbps=4.0):
        await until(desk, "copying")
        copy = await look(page)
        await expect(copy).to_have_attribute("data-state", "copying")
        await expect(copy).to_contain_text("复制中")
        await expect(copy).to_contain_text(re.compile(r"待复制 \d+ 个文件（.+），最早为"))


async def test_what_this_machine_s_disk_refuses_is_not_blamed_on_the_target(desk: Desk) -> None:
    place, journal = desk.stage.data_dir.parent / "nas", desk.stage.data_dir / JOURNAL
    kept = {one: one.read_bytes() for one in journal.parent.glob(f"{JOURNAL}*")}
    for one in kept:
        one.unlink()
    journal.mkdir()  # no database can be there
    page = await see(desk, "zh")
    try:
        async with copying(desk, to=str(place)):
            await until(desk, "failed")
            copy = await look(page)
            await expect(copy).to_have_attribute("data-state", "failed")
            await expect(copy).to_contain_text("本机磁盘故障")
            await expect(copy).to_contain_text(f"{JOURNAL} 不可用")
    finally:
        journal.rmdir()
        for one, data in kept.items():
            one.write_bytes(data)


async def test_a_store_that_goes_away_is_told_in_chinese(desk: Desk) -> None:
    page = await see(desk, "zh")
    server = Moto()
    await asyncio.to_thread(server.start)
    try:
        server.make_bucket(BUCKET)
        to = {"to": f"s3://{BUCKET}/gate", "endpoint": server.url, "login": LOGIN}
        async with copying(desk, **to):
            await until(desk, "idle")
            copy = await look(page)
            await expect(copy).to_contain_text("已全部复制")
            await expect(copy).to_contain_text(f"s3://{BUCKET}/gate/")
            server.kill()
            await until(desk, "unreachable")
            copy = await look(page)
            await expect(copy).to_contain_text("目标无法连接")
            await expect(copy).to_contain_text(re.compile("无法连接（|对方拒绝连接（|连接被对方断开（"))
    finally:
        server.kill()
