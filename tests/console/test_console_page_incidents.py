"""Incidents in a real Chromium: a note by key, the one form, evidence, reports upward, both languages."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from page_desk import WIDER, Desk, open_desk, picture
from playwright.async_api import expect
from recorded_broadcast import record_broadcast
from tools.testfeed import Feed

from streamgate.incidents.book import Book
from streamgate.incidents.chain import Chain, ChainFile, ChainStep, Person


@pytest.fixture
async def recorded(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[tuple[Desk, str]]:
    """A desk where a broadcast is on record, and the id of its cut."""
    data_dir = tmp_path / "data"
    number = await asyncio.to_thread(record_broadcast, data_dir)
    async with open_desk(data_dir, feed, filler) as desk:
        desk.store.add("main")
        await desk.station.reload()
        yield desk, number


async def test_a_note_is_taken_with_one_key_and_written_up_with_the_keyboard(desk: Desk) -> None:
    desk.store.add("main")
    await desk.station.reload()
    page = await desk.person("alice")
    await desk.open(page, "/live/main")
    await expect(page.get_by_test_id("note-key")).to_be_visible()
    await page.keyboard.press("n")
    field = page.get_by_role("textbox", name="What is going on?")
    await expect(field).to_be_focused()
    await page.keyboard.type("x marks a typo in the captions")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Noted: an incident is open")).to_be_visible()
    await expect(page.get_by_test_id("note")).to_have_count(0)
    assert desk.station.channels["main"].state() == "stopped", "what was typed pressed no key of the desk"
    await page.keyboard.press("n")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("note")).to_have_count(0)

    await desk.open(page, "/incidents")
    await expect(page.get_by_test_id("drafts")).to_have_text("1 draft")
    await page.locator("[data-incident]").press("Enter")
    form = page.get_by_test_id("write-up")
    await form.get_by_role("radio", name="captions").check()
    await form.get_by_role("radio", name="serious").check()
    await form.get_by_role("textbox", name="What was done").fill("corrected within a minute")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_test_id("incident")).to_have_attribute("data-state", "completed")
    await expect(page.get_by_test_id("drafts")).to_have_text("no drafts")
    (one,) = Book(desk.stage.data_dir).read().values()
    assert (one.category, one.level, one.measures) == ("captions", "serious", "corrected within a minute")
    assert one.report == "x marks a typo in the captions"
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_evidence_is_seen_and_played(recorded: tuple[Desk, str], language: str) -> None:
    desk, number = recorded
    page = await desk.person("alice", language)
    await desk.open(page, f"/incidents/{number}?state=all")
    stills = page.locator("figure img")
    await expect(stills).to_have_count(1)
    await page.wait_for_function(
        "() => [...document.querySelectorAll('figure img')].every(one => one.naturalWidth > 0)"
    )
    await picture(page, f"incidents-{language}-desk")
    await page.get_by_role("button", name={"en": "What came in", "zh": "来流画面"}[language]).click()
    await page.wait_for_function("() => document.querySelector('video')?.currentTime > 0.5", timeout=20_000)
    assert await page.evaluate(WIDER) <= 0
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_report_goes_up_and_is_closed_and_a_draft_is_dismissed(recorded: tuple[Desk, str]) -> None:
    desk, number = recorded
    step = ChainStep("值班领导", 10.0, (Person("李四", ("json://127.0.0.1:1",)),))
    ChainFile(desk.stage.data_dir).store(Chain(steps=(step,)), "cli:root")
    page = await desk.person("alice")
    await desk.open(page, f"/incidents/{number}?state=all")
    upward = page.get_by_test_id("upward")
    await upward.get_by_role("button", name="Report upward").click()
    await expect(upward).to_contain_text("Waits for 值班领导")
    await upward.get_by_role("button", name="Acknowledge").click()
    await expect(upward).to_contain_text("Acknowledged by alice")
    await upward.get_by_role("textbox").fill("the parents were told")
    await upward.get_by_role("button", name="Add to the log").click()
    await expect(upward).to_contain_text("the parents were told")
    await upward.get_by_role("textbox").fill("nothing aired")
    await upward.get_by_role("button", name="Close").click()
    await expect(upward).to_contain_text("Closed by alice")

    await desk.open(page, "/incidents")
    await page.locator("[data-incident]").click()
    await page.get_by_role("button", name="Dismiss").click()
    await page.get_by_role("textbox", name="Reason").fill("the regular end")
    await page.get_by_role("group", name="Dismiss").get_by_role("button", name="Dismiss").click()
    await expect(page.get_by_test_id("drafts")).to_have_text("no drafts")
    states = sorted(one.state for one in Book(desk.stage.data_dir).read().values())
    assert states == ["completed", "dismissed"]
    assert page.complaints == []  # type: ignore[attr-defined]
