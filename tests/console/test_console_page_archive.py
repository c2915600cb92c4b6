"""The Archive screen in a real Chromium: real recordings, played, held by two, exported, searched.

Set SCREENSHOTS to a folder to have pictures of it.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from archive_evening import CUT_ID, NAME, NOTE_ID, make_evening, write_incidents
from archive_media import WALL
from page_desk import WIDER, Desk, picture
from playwright.async_api import Page, expect
from review_room import open_room
from tools.testfeed import Feed

from streamgate.archive.catalog import Catalog
from streamgate.archive.holds import Holds

AXE = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"""
VIDEO = "document.querySelector('[data-testid=received] video')"
SHOWN = f"() => {VIDEO}?.readyState >= 2"
STILLS = "() => document.querySelector('[data-testid=stills] img')?.naturalWidth > 0"
TALLER = "() => document.querySelector('main').scrollHeight - document.querySelector('main').clientHeight"
STATE = f"() => [{VIDEO}.currentTime, {VIDEO}.seeking, {VIDEO}.readyState, location.search]"
DAY = "/archive/main?day=2026-09-21"
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("evening") / "data"
    make_evening(place)
    write_incidents(place)
    with Catalog(place / "catalog.sqlite") as catalog:
        catalog.rebuild(place / "archive")
    return place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(evening: Path, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    async with open_room(evening, feed, filler) as room:
        await room.write("字幕写错了")
        yield room.desk


async def see(desk: Desk, name: str = "dora", role: str = "director", **how: str) -> Page:
    """Open the day of the evening; its first picture is there."""
    page = await desk.person(name, roles=(role,), **how)  # type: ignore[arg-type]
    page.failed = []  # type: ignore[attr-defined]
    page.on("response", lambda answer: page.failed.append(answer.url) if answer.status >= 400 else None)  # type: ignore[attr-defined]
    await desk.open(page, DAY)
    await page.wait_for_function(SHOWN)
    return page


def nothing_failed(page: Page) -> None:
    """What the edit list of the evening names was not really recorded: as aired it may not play."""
    lines: list[str] = page.complaints  # type: ignore[attr-defined]
    failed: list[str] = page.failed  # type: ignore[attr-defined]
    assert [line for line in lines if not line.startswith("Failed to load resource")] == []
    assert [url for url in failed if "aired" not in url] == []


async def clock(page: Page) -> float:
    """Return the moment that is shown, seconds after the beginning."""
    hours, minutes, seconds = (await page.get_by_test_id("received").locator("time").inner_text()).split(":")
    offset = await page.evaluate("(at) => new Date(at * 1000).getTimezoneOffset()", WALL)
    at = (int(hours) * 60 + int(minutes) + offset) * 60 + float(seconds) - WALL
    return (at + 43_200) % 86_400 - 43_200


async def shows(page: Page, second: float, within: float = 0.3) -> None:
    """Wait until a moment is shown."""
    end = asyncio.get_running_loop().time() + 10
    while abs((at := await clock(page)) - second) >= within:
        assert asyncio.get_running_loop().time() < end, (
            f"{at:.2f} is shown, and not {second:.2f}: {await page.evaluate(STATE)}"
        )
        await asyncio.sleep(0.05)


async def go_to(page: Page, second: float) -> str:
    """Search for a time, so many seconds after the beginning; return it as it is typed."""
    typed: str = await page.evaluate("(at) => new Date(at * 1000).toTimeString().slice(0, 8)", WALL + second)
    await page.keyboard.press("/")
    await page.get_by_role("searchbox").fill(typed)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("received").locator("time")).to_contain_text(typed)
    return typed


async def mark(page: Page, start: float, end: float) -> None:
    for second, key in ((start, "i"), (end, "o")):
        await go_to(page, second)
        await page.keyboard.press(key)


async def test_a_day_at_a_look(desk: Desk) -> None:
    page = await see(desk)
    await expect(page.locator("[data-day='2026-09-21'][aria-pressed=true]")).to_have_attribute(
        "data-state", "cut"
    )
    broadcast = page.locator(f"[data-broadcast='{NAME}']")
    await expect(broadcast).to_contain_text("1 cut")
    await expect(broadcast).to_contain_text("gaps 30 s")
    track = page.get_by_test_id("track-in")
    await expect(track.locator("[data-kind=recorded]")).to_have_count(2)
    back, loss = track.locator("[data-kind=back]"), track.locator("[data-kind=loss]")
    await expect(back).to_have_attribute("title", re.compile("did not air: cut · ann"))
    await expect(loss).to_have_attribute("title", re.compile("not recorded: nothing came in"))
    await expect(page.get_by_test_id("track-air").locator("[data-kind=cut]")).to_have_count(1)
    events = page.get_by_test_id("events")
    await expect(events).to_contain_text("CUT, reason: a wrong name in the captions · ann")
    await expect(page.get_by_test_id("certificate")).to_contain_text("No live packet aired.")
    await page.wait_for_function(STILLS)
    await events.get_by_role("button", name=re.compile("CUT")).click()
    await shows(page, 42)  # nothing came in then: what did next
    running = events.locator("[data-now=true]")
    await expect(running).to_contain_text("restored")  # 40 s: the last one before what is shown
    await expect(page.get_by_test_id("on-air")).to_contain_text("AS AIRED · live")
    await go_to(page, 7)
    await expect(page.get_by_test_id("on-air")).to_contain_text("AS AIRED · filler: cut · ann")
    nothing_failed(page)


async def test_playing_single_frames_jumps_and_speed(desk: Desk) -> None:
    page = await see(desk)
    video = page.get_by_test_id("received").locator("video")
    await page.keyboard.press("k")
    await page.wait_for_function(f"() => {VIDEO}.currentTime > 0.4")
    await page.keyboard.press("k")
    assert await video.evaluate("(video) => video.paused")
    await page.wait_for_timeout(300)
    before = await clock(page)
    for key, step in ((".", 0.04), (".", 0.04), (",", -0.04)):
        await page.keyboard.press(key)

        await shows(page, before + step, 0.021)
        await page.wait_for_timeout(150)
        before = await clock(page)
    await page.keyboard.press("l")
    await page.keyboard.press("l")  # into the gap: what was recorded next is shown
    await shows(page, 42)
    await page.keyboard.press("j")
    await page.keyboard.press("]")
    await expect(page.get_by_test_id("transport").locator("output")).to_have_text("1.5×")
    assert await video.evaluate("(video) => video.playbackRate") == 1.5
    await page.get_by_test_id("stage").focus()
    await page.keyboard.press("Home")
    await shows(page, 0)
    await page.keyboard.press("ArrowRight")
    await shows(page, 1)
    nothing_failed(page)


async def test_a_span_is_held_by_one_and_lifted_by_two(desk: Desk) -> None:
    page = await see(desk)
    await mark(page, 2, 9)
    await expect(page.get_by_test_id("span")).to_contain_text("7.0 s")
    await page.keyboard.press("h")
    await page.get_by_role("textbox", name="Why is it held?").fill("complaint 7")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("span")).to_contain_text("Held.")
    await expect(page.get_by_test_id("track-hold")).to_contain_text("complaint 7")
    holds = Holds(desk.stage.data_dir / "archive")
    (held,) = (one for one in holds.read() if not one.by.startswith("incident:"))
    assert (held.by, held.end - held.start) == ("console:dora", pytest.approx(7, abs=0.1))
    other = await see(desk, "max")
    for one, said in ((page, "A second person must ask for it"), (other, "Lifted.")):
        await one.get_by_role("button", name="Keeping").click()
        await one.locator(f"[data-hold='{held.id}']").get_by_role("button", name="Lift …").click()
        await one.get_by_role("textbox", name="Why is the hold lifted?").fill("settled")
        await one.keyboard.press("Enter")
        await expect(one.get_by_test_id("keeping")).to_contain_text(said)
    assert held.id not in {one.id for one in holds.read()}


async def test_a_span_is_exported_and_fetched(desk: Desk) -> None:
    page = await see(desk, "lea", "auditor")
    await expect(page.locator("[data-act=hold]")).to_have_attribute("aria-disabled", "true")
    await mark(page, 1, 5)
    await page.keyboard.press("e")
    await page.get_by_role("textbox", name="Why is it exported?").fill("for the school")
    await page.get_by_label("Where it begins and ends").select_option("exact")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("span")).to_contain_text("Queued.")
    await page.get_by_role("button", name="Exports").click()
    one = page.locator("[data-export]")
    await expect(one).to_have_attribute("data-state", "done", timeout=20_000)
    async with page.expect_download() as downloading:
        await one.get_by_role("link", name="Download").click()
    data = Path(await (await downloading.value).path()).read_bytes()
    await expect(one).to_contain_text("to the picture")
    await expect(one.locator("code")).to_have_attribute("title", hashlib.sha256(data).hexdigest())
    await one.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("Nothing was exported")).to_be_visible()


async def test_a_search_finds_persons_actions_and_words(desk: Desk) -> None:
    page = await see(desk)
    field, found = page.get_by_role("searchbox"), page.get_by_test_id("found")
    for typed, expected in (
        ("@ann", "CUT"),
        ("#restore", "restored"),
        ("captions", "CUT"),
        ("字幕", "字幕写错了"),
    ):
        await field.fill(typed)
        await field.press("Enter")
        await expect(found).to_contain_text(expected)
    await field.fill("nothing says this")
    await field.press("Enter")
    await expect(found.get_by_text("Nothing found.")).to_have_count(2)
    await field.press("Escape")
    await expect(page.get_by_test_id("events")).to_be_visible()


async def test_incidents_stand_in_the_list_and_on_the_timeline(desk: Desk) -> None:
    page = await see(desk)
    rows = page.get_by_test_id("day-incidents")
    await expect(rows.locator(f"[data-incident='{CUT_ID}']")).to_contain_text("a wrong name in the captions")
    await expect(page.get_by_test_id("flags").get_by_role("link")).to_have_count(2)
    await rows.locator(f"[data-incident='{NOTE_ID}'] button").click()
    await shows(page, 2)
    field, found = page.get_by_role("searchbox"), page.get_by_test_id("found")
    for typed, expected in (
        ("竞品", NOTE_ID),
        ("@ann", CUT_ID),
        ("切断 字幕", CUT_ID),
        (NOTE_ID, NOTE_ID),
    ):
        await field.fill(typed)
        await field.press("Enter")
        await expect(found.locator(f"[data-incident='{expected}']")).to_be_visible()
    await field.press("Escape")
    await page.get_by_test_id("flags").get_by_role("link", name=re.compile("Cut · draft")).click()
    await expect(page.get_by_test_id("incident")).to_contain_text(CUT_ID)
    await page.get_by_role("link", name="In the archive").click()
    await expect(page.get_by_test_id("archive")).to_have_attribute("data-day", "2026-09-21")
    page = await desk.person("olga", roles=("operator",))
    await desk.open(page, f"/incidents/{NOTE_ID}?channel=main")  # settled: not in the list of drafts
    await expect(page.get_by_test_id("incident")).to_contain_text("嘉宾提到竞品")


async def test_how_it_is_kept_stands_beside_the_pictures(desk: Desk) -> None:
    page = await see(desk, language="zh")
    await page.get_by_role("button", name="保存", exact=True).click()
    keeping = page.get_by_test_id("keeping")
    await expect(keeping.locator("[data-hold]").first).to_contain_text(f"事件 {CUT_ID}（切断）")
    await expect(page.get_by_test_id("track-hold")).to_contain_text(f"事件 {CUT_ID}（切断）")
    await expect(page.get_by_test_id("disk")).to_contain_text("保存 60 天")
    await expect(page.get_by_test_id("second-copy")).to_contain_text("未设置")
    await picture(page, "archive-keeping-zh")
    nothing_failed(page)


async def test_other_days_and_who_may_not(desk: Desk) -> None:
    page = await desk.person("rita", roles=("reviewer",))
    await desk.open(page, DAY)
    await expect(page.get_by_text("There is no channel whose recordings you may see.")).to_be_visible()
    await expect(page.get_by_role("link", name="Archive")).to_have_count(0)
    page = await desk.person("dora", roles=("director",))
    await desk.open(page, "/archive/main?day=2026-09-20")
    await expect(page.get_by_text("Nothing was recorded on this day.")).to_be_visible()
    await page.locator("[data-day='2026-09-21']").click()
    await page.wait_for_function(SHOWN)
    assert "day=2026-09-21" in page.url


@pytest.mark.parametrize(("language", "size"), [("en", "desk"), ("zh", "large")])
async def test_both_languages_and_sizes(desk: Desk, language: str, size: str) -> None:
    page = await see(desk, language=language, size=size)
    await page.wait_for_function(STILLS)
    await mark(page, 5, 11)
    await page.keyboard.press("e")
    assert await page.evaluate(WIDER) <= 0
    assert await page.evaluate(TALLER) <= 0, "all of it is in sight"
    await picture(page, f"archive-{language}-{size}")
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(SERIOUS) == []
    nothing_failed(page)
