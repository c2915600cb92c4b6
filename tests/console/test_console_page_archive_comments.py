"""Comments beside the player: they run along with what was on air when they were written."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aired_evening import WRITTEN, air_evening, write_comments
from aired_media import WALL
from page_desk import Desk, open_desk, picture
from playwright.async_api import Locator, Page, expect
from tools.testfeed import Feed

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]
READY = "() => document.querySelector('[data-testid=received] video')?.readyState >= 2"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    place = tmp_path_factory.mktemp("comments") / "data"
    air_evening(place)
    async with open_desk(place, feed, filler) as opened:
        await opened.stage.person("ann", "reviewer")
        write_comments(opened.stage.database, "ann")
        yield opened


async def see(desk: Desk, second: float, name: str = "dora", role: str = "director", **how: str) -> Page:
    """Open the comments of the evening, the pictures at what came in then."""
    page = await desk.person(name, roles=(role,), **how)  # type: ignore[arg-type]
    await desk.open(page, f"/archive/main?day=2026-09-21&t={WALL + second:.1f}")
    await page.get_by_role("button", name=re.compile("^(Comments|评论)$")).click()
    return page


def now(page: Page) -> Locator:
    return page.get_by_test_id("comments").locator("[data-now=true]")


async def test_the_comment_of_the_moment_is_marked_and_moves_on_as_it_plays(desk: Desk) -> None:
    page = await see(desk, 4.0)
    rows = page.get_by_test_id("comments").locator("[data-index]")
    await expect(rows).to_have_count(len(WRITTEN))
    await expect(now(page)).to_have_count(1)
    await expect(now(page)).to_contain_text(
        "听得清楚"
    )  # what came in at 4 s aired at 34 s: after 33, before 35
    await page.wait_for_function(READY)
    await page.keyboard.press("k")
    await expect(now(page)).to_contain_text("138****8000")  # 35 s: it plays
    await page.keyboard.press("k")
    await page.keyboard.press("l")  # ten seconds on: 45 s
    await expect(now(page)).to_contain_text("后排看不见")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(now(page)).to_have_count(0)  # before the first one


async def test_a_comment_says_what_became_of_it_and_shows_what_its_writer_saw(desk: Desk) -> None:
    page = await see(desk, 0.0)
    rows = page.get_by_test_id("comments").locator("[data-index]")
    states = {"published": "published", "retracted": "taken back", "rejected": "rejected"}
    for row, (_, _, end) in enumerate(WRITTEN):
        await expect(rows.nth(row).locator("small")).to_have_text(states.get(end, "not reviewed"))
    await expect(page.get_by_test_id("comments")).not_to_contain_text("13800138000")
    await rows.nth(3).get_by_role("button").click()
    await expect(now(page)).to_contain_text("后排看不见")
    await expect(page.get_by_test_id("on-air")).to_contain_text("AS AIRED · live")
    await rows.nth(4).get_by_role("button").click()  # written over the slate
    await expect(now(page)).to_contain_text("怎么停了")
    await expect(page.get_by_test_id("on-air")).to_contain_text("cut")
    await page.keyboard.press("Escape")


async def test_they_stand_there_in_chinese_and_are_counted_on_the_timeline(desk: Desk) -> None:
    page = await see(desk, 4.0, language="zh")
    for said in ("已发布", "已驳回", "已撤回", "未审核"):
        await expect(page.get_by_test_id("comments")).to_contain_text(said)
    await expect(page.locator("[title='评论 6']")).to_have_count(1)
    await page.wait_for_function(READY)
    await picture(page, "archive-comments-zh")
    assert page.complaints == []  # type: ignore[attr-defined]
