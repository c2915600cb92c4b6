"""The Archive screen over a broadcast that really aired: both pictures show the same frame."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aired_media import COMMANDS, NAME, Airing, playable_clips
from archive_media import FEED, PACKETS, WALL
from page_desk import Desk, open_desk
from playwright.async_api import Page, expect
from tools.testfeed import Feed

from streamgate.archive.catalog import Catalog

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]
READY = """() => [...document.querySelectorAll('[data-testid=received] video, [data-testid=aired] video')]
    .filter((video) => video.readyState >= 2 && !video.seeking).length === 2"""
# The grey levels of what the two videos show, small.
LEVELS = """() => ['received', 'aired'].map((which) => {
    const canvas = document.createElement('canvas');
    canvas.width = 40; canvas.height = 24;
    const context = canvas.getContext('2d');
    context.drawImage(document.querySelector(`[data-testid=${which}] video`), 0, 0, 40, 24);
    const data = context.getImageData(0, 0, 40, 24).data;
    return Array.from({ length: 960 }, (_, n) => data[4 * n]);
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    """90 s on air: live from 30 s on, a cut at 40.5 s, live again from 74 s on."""
    place = tmp_path_factory.mktemp("aired") / "data"
    airing = Airing(place / "archive", (FEED, PACKETS), playable_clips(place.parent, FEED.audio), laps=8)
    airing.run(90_000, COMMANDS)
    airing.end()
    with Catalog(place / "catalog.sqlite") as catalog:
        catalog.sync(place / "archive")
    async with open_desk(place, feed, filler) as opened:
        yield opened


def apart(one: list[int], other: list[int]) -> float:
    """Return the mean difference of two pictures in levels of 0 to 255."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


async def same(page: Page) -> list[int]:
    """Check that both pictures show the same, once they are at rest; return what."""
    await page.wait_for_function(READY)
    await page.wait_for_timeout(400)
    await page.wait_for_function(READY)
    received, aired = await page.evaluate(LEVELS)
    assert apart(received, aired) < 1.0
    shown: list[int] = received
    return shown


async def test_both_pictures_show_the_same_frame_wherever_one_goes(desk: Desk) -> None:
    page = await desk.person("dora", roles=("director",))
    await desk.open(page, f"/archive/main?day=2026-09-21&t={WALL + 4:.1f}")
    first = await same(page)
    await expect(page.get_by_test_id("on-air")).to_contain_text("live")
    await page.keyboard.press(".")
    second = await same(page)
    assert apart(first, second) > 1.0, "frames differ: equal ones prove something"
    await page.keyboard.press(",")
    assert apart(first, await same(page)) < 1.0
    await page.keyboard.press("k")
    await page.wait_for_timeout(1500)
    times = await page.evaluate("() => [...document.querySelectorAll('video')].map((one) => one.paused)")
    assert times == [False, False]
    await page.keyboard.press("k")
    await page.keyboard.press(".")
    assert apart(first, await same(page)) > 1.0
    await page.keyboard.press("]")
    rates = await page.evaluate(
        "() => [...document.querySelectorAll('video')].map((one) => one.playbackRate)"
    )
    assert rates == [1.5, 1.5]
    await expect(page.locator(f"[data-broadcast='{NAME}']")).to_have_attribute("data-chosen", "true")
