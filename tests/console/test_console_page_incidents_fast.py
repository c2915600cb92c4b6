"""An incident is written up by keyboard: nothing is typed but the words, and few keys are pressed."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aired_evening import air_evening, write_comments
from page_desk import Desk, open_desk, picture
from playwright.async_api import Page, expect
from tools.testfeed import Feed

from streamgate.incidents.book import Book
from streamgate.incidents.incident import STILLS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]
WORDS = "后排有人举起横幅，值班员立即切断。"
MOST_KEYS = 8
LOADED = """() => [...document.querySelectorAll('figure img')].filter((one) => one.naturalWidth > 0).length"""
RUNS = "() => document.querySelector('video')?.currentTime > 0.3"
SPAN = "() => document.querySelector('video').duration"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    place = tmp_path_factory.mktemp("incident") / "data"
    air_evening(place)
    async with open_desk(place, feed, filler) as opened:
        opened.store.add("main")
        await opened.station.reload()
        await opened.stage.person("ann", "reviewer")
        write_comments(opened.stage.database, "ann")
        yield opened


class Hands:
    """The keyboard; `keys`: how many were pressed beside the words that were typed."""

    def __init__(self, page: Page) -> None:
        self._keyboard, self.keys, self.typed = page.keyboard, 0, ""

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._keyboard.press(key)
            self.keys += 1

    async def type(self, words: str) -> None:
        await self._keyboard.type(words)
        self.typed += words


async def test_the_evidence_of_a_draft_is_all_there(desk: Desk) -> None:
    """Stills, both pictures 30 s before and after, and what viewers were shown."""
    (number,) = Book(desk.stage.data_dir).read()
    page = await desk.person("alice")
    await desk.open(page, f"/incidents/{number}?channel=main")
    await expect(page.locator("figure")).to_have_count(len(STILLS))
    await page.wait_for_function(f"() => ({LOADED})() === {len(STILLS)}")
    comments = page.get_by_test_id("incident").get_by_role("listitem")
    await expect(comments.filter(has_text="开始了")).to_have_count(1)
    for name, seconds in (("What came in", 62.5), ("What aired", 62.5)):
        await page.get_by_role("button", name=name).click()
        await page.wait_for_function(RUNS, timeout=20_000)
        assert await page.evaluate(SPAN) == pytest.approx(seconds, abs=4), name
    await expect(page.get_by_text("one delay before")).to_have_count(0)
    await picture(page, "incident-evidence-en")


async def test_a_draft_is_completed_by_keyboard_with_nothing_typed_but_the_words(desk: Desk) -> None:
    (number,) = Book(desk.stage.data_dir).read()
    page = await desk.person("alice")
    await desk.open(page, "/incidents")
    entry = page.locator(f"[data-incident='{number}']")
    await expect(entry).to_be_focused()  # the first draft waits for Enter
    hands = Hands(page)
    await hands.press("Enter")
    form = page.get_by_test_id("write-up")
    await expect(form.get_by_role("radio", name="picture")).to_be_focused()
    await expect(form.get_by_role("radio", name="picture")).to_be_checked()  # of a cut
    await hands.press("Tab", "ArrowRight")  # more than minor
    await expect(form.get_by_role("radio", name="serious")).to_be_checked()
    await hands.press("Tab", "Tab")
    await hands.type(WORDS)
    await hands.press("Control+Enter")
    await expect(page.get_by_test_id("drafts")).to_have_text("no drafts")
    one = Book(desk.stage.data_dir).get(number)
    assert (one.state, one.category, one.level, one.aired) == ("completed", "picture", "serious", "no")
    assert (one.report, one.completed_by) == (WORDS, "console:alice")
    assert hands.typed == WORDS
    assert hands.keys <= MOST_KEYS
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_the_next_draft_takes_the_keyboard_when_one_is_written_up(desk: Desk) -> None:
    book = Book(desk.stage.data_dir)
    others = sum(one.state == "draft" for one in book.read().values())
    page = await desk.person("alice")
    await desk.open(page, "/live/main")
    await expect(page.get_by_test_id("note-key")).to_be_visible()
    for words in ("first", "second"):
        await page.keyboard.press("n")
        await page.keyboard.type(words)
        await page.keyboard.press("Enter")
        await expect(page.get_by_test_id("note")).to_have_count(0)
    await desk.open(page, "/incidents")
    await expect(page.get_by_test_id("drafts")).to_have_text(f"{others + 2} drafts")
    for left in (f"{others + 1} draft{'s' if others else ''}", "1 draft" if others else "no drafts"):
        await expect(page.locator("[data-incident]:focus")).to_have_count(1)
        await page.keyboard.press("Enter")  # what was noted stands in the form
        await expect(page.get_by_test_id("write-up").get_by_role("radio", name="other")).to_be_focused()
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_test_id("drafts")).to_have_text(left)
    told = {one.report for one in book.read().values() if one.kind == "note"}
    assert told == {"first", "second"}
