"""The Review screen's other piles, selections and terms, by keys and mouse in a real Chromium."""

import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from review_room import Room, hand, notice, open_room, press
from tools.testfeed import Feed

from moderation.review.events import Approve

# The middle of the height, and both edges, of characters of a card's text.
EDGES = """([text, part]) => {
    const all = [...document.querySelectorAll("[data-card] [data-text]")];
    const words = all.find((one) => one.textContent === text).firstChild.firstChild;
    const range = document.createRange();
    range.setStart(words, text.indexOf(part));
    range.setEnd(words, text.indexOf(part) + part.length);
    const { left, right, top, bottom } = range.getBoundingClientRect();
    return [left, right, (top + bottom) / 2];
}"""


@pytest.fixture
async def room(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Room]:
    async with open_room(tmp_path / "data", feed, filler, window_s=0) as opened:
        yield opened


def card(page: Page, text: str) -> Locator:
    return page.locator("[data-card]", has_text=text)


async def show_pile(page: Page, name: str) -> None:
    """Press the key for the next pile until this one is shown."""
    for _ in range(7):
        if await page.locator(f"[data-pile={name}]").get_attribute("aria-current") == "page":
            return
        await page.keyboard.press("p")
    raise AssertionError(f"no key leads to the pile {name}")


async def test_every_pile_is_worked_by_its_keys(room: Room) -> None:
    first, second, third, _, blocked = await room.write("甲甲甲", "乙乙乙", "丙丙丙", "丁丁丁", "刷单返利来")
    page = await room.reviewer("bea", "senior-reviewer", cards=4)

    await press(page, "e")
    await expect(notice(page)).to_contain_text("One stage more: “甲甲甲”")
    await expect(hand(page)).to_contain_text("escalated")
    assert (room.card(first).state, room.card(first).stages) == ("waiting", 2)
    await press(page, "e")
    await expect(hand(page).locator("[data-now]")).to_have_count(3)
    await expect(page.locator("[data-key=escalate]")).to_have_attribute("aria-disabled", "true")
    await press(page, "e")
    await expect(notice(page)).to_contain_text("three stages already")

    await press(page, "j", "h", "1")
    await expect(notice(page)).to_contain_text("On hold: “乙乙乙”")
    await expect(hand(page)).to_contain_text("丙丙丙")
    await press(page, "d", "3")
    await expect(notice(page)).to_contain_text("Rejected: “丙丙丙”")
    await press(page, "a")
    await expect(notice(page)).to_contain_text("Approved: “丁丁丁”")

    await show_pile(page, "blocked")
    await expect(hand(page)).to_contain_text("blocked by machine")
    await press(page, "r")
    await expect(page.get_by_test_id("menu")).to_contain_text("Why restore?")
    await press(page, "1")
    await expect(notice(page)).to_contain_text("Restored: “刷单返利来”")
    await expect(page.get_by_test_id("empty")).to_contain_text("Nothing is blocked")
    assert (room.card(blocked).state, room.card(blocked).stages) == ("waiting", 3)

    await show_pile(page, "held")
    await expect(hand(page)).to_contain_text("On hold: to be checked")
    await press(page, "h")
    await expect(page.get_by_test_id("menu")).to_contain_text("Why release?")
    await press(page, "1")
    await expect(notice(page)).to_contain_text("Released: “乙乙乙”")
    await expect(page.get_by_test_id("empty")).to_contain_text("Nothing is on hold")
    assert room.card(second).held == ""

    await show_pile(page, "published")
    await expect(hand(page)).to_contain_text("丁丁丁")
    await press(page, "r", "0")
    await page.keyboard.type("told to by phone")
    await page.keyboard.press("Enter")
    await expect(notice(page)).to_contain_text("Retracted: “丁丁丁”")
    await expect(hand(page)).to_contain_text("retracted 1 of 1")

    await show_pile(page, "rejected")
    await expect(hand(page)).to_contain_text("Rejected by bea · for: spam")
    await press(page, "r", "2")
    await expect(notice(page)).to_contain_text("Restored: “丙丙丙”")
    assert room.card(third).state == "waiting"

    await show_pile(page, "waiting")
    for text, said in (
        ("甲甲甲", "escalated"),
        ("乙乙乙", "乙"),
        ("丙丙丙", "丙"),
        ("刷单返利来", "restored"),
    ):
        await expect(card(page, text)).to_contain_text(said)
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_card_that_somebody_else_has_or_decided_gives_way_to_a_free_one(room: Room) -> None:
    first, second, third = await room.write("甲甲甲", "乙乙乙", "丙丙丙")
    otto = await room.colleague("otto")
    page = await room.reviewer(cards=3)
    await expect(hand(page)).to_contain_text("甲甲甲")
    await room.comments.act("main", room.card(first).id, Approve(otto, room.card(first).revision))
    await expect(hand(page)).to_contain_text("published by")
    await press(page, "h")
    await expect(notice(page)).to_contain_text("no longer open to that")
    await expect(hand(page)).to_contain_text("乙乙乙")
    await expect(page.locator("[data-card]")).to_have_count(2)

    bea = await room.reviewer("bea", "reviewer", cards=2)
    await expect(hand(bea)).to_contain_text("丙丙丙")
    await press(bea, "k")
    await expect(hand(bea)).to_contain_text("ann is on it")
    await press(bea, "a")
    await expect(notice(bea)).to_contain_text("Somebody else is on this card")
    await expect(hand(bea)).to_contain_text("丙丙丙")
    assert [room.card(one).state for one in (second, third)] == ["waiting", "waiting"]


async def test_many_are_rejected_by_one_reason(room: Room) -> None:
    many = await room.write(*(f"顶{number}" for number in range(30)))
    page = await room.reviewer(cards=8)
    await press(page, "x", "x", "x")
    await expect(page.locator("[data-card][data-marked=true]")).to_have_count(3)
    await press(page, "Escape")
    await expect(page.locator("[data-card][data-marked=true]")).to_have_count(0)
    await card(page, "顶3").first.click()
    await press(page, "x")
    await card(page, "顶7").first.click(modifiers=["Shift"])
    await expect(page.locator("[data-key=reject]")).to_contain_text("Reject 5")
    await press(page, "d")
    await expect(page.get_by_test_id("menu")).to_contain_text("Why reject 5 cards?")
    await press(page, "3")
    await expect(notice(page)).to_contain_text("Rejected: 5 cards")
    found = await room.comments.states_of(many)
    assert [number for number in range(30) if found[many[number]] == "rejected"] == [3, 4, 5, 6, 7]
    await expect(hand(page)).to_contain_text("顶8")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_piece_of_text_that_the_mouse_selects_becomes_a_term(room: Room) -> None:
    await room.write("大家好", "来群里抢红包雨吧", "抢红包雨快来")
    page = await room.reviewer("bea", "senior-reviewer", cards=3)
    left, right, middle = await page.evaluate(EDGES, ["来群里抢红包雨吧", "抢红包雨"])
    await page.mouse.move(left + 1, middle)
    await page.mouse.down()
    await page.mouse.move(right - 1, middle, steps=5)
    await page.mouse.up()
    await expect(hand(page)).to_contain_text("来群里抢红包雨吧")
    await press(page, "w")
    form = page.get_by_test_id("term")
    await expect(form.get_by_label("Term")).to_have_value("抢红包雨")
    await form.get_by_label("Severity").select_option("important")
    await form.get_by_label("Category").fill("scams")
    expires = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=7)
    await form.get_by_label("Counts until").fill(expires.isoformat())
    await expect(page.get_by_test_id("findings")).to_contain_text("Nothing to say against it", timeout=30_000)
    await form.get_by_label("Term").press("Enter")
    await expect(notice(page)).to_contain_text("“抢红包雨” counts from now on", timeout=20_000)
    for text in ("来群里抢红包雨吧", "抢红包雨快来"):
        await expect(card(page, text).locator("mark")).to_have_text("抢红包雨", timeout=15_000)
        await expect(card(page, text)).to_contain_text("important")
    own = Path(room.desk.stage.data_dir) / "wordlists" / "own-scams.txt"
    assert f"抢红包雨 | important | expires={expires.isoformat()}" in own.read_text("utf-8")
    await press(page, "j", "k", "Escape")  # the keys are keys again
    await expect(hand(page)).to_contain_text("来群里抢红包雨吧")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_cards_of_a_known_author_come_earlier_and_are_marked(room: Room) -> None:
    await room.write("第一条", author="老校友")
    page = await room.reviewer("bea", "senior-reviewer")
    trust = page.get_by_test_id("trust")
    await trust.get_by_role("button", name="Known author").click()
    await expect(notice(page)).to_contain_text("new cards of this author come earlier")
    await expect(trust).to_contain_text(re.compile("★ Known author .bea, "))
    await room.write("别人的一条")
    await room.write("第二条", author="老校友")
    await expect(page.locator("[data-card]")).to_have_count(3)
    await expect(card(page, "第二条")).to_contain_text("known author")
    texts = await page.locator("[data-card] [data-text]").all_inner_texts()
    assert texts.index("第二条") < texts.index("别人的一条")
    ann = await room.reviewer("ann", "reviewer", cards=3)
    await expect(ann.get_by_test_id("trust")).to_contain_text("★ Known author (bea")
    await trust.get_by_role("button", name="No longer").click()
    await expect(notice(page)).to_contain_text("come in their turn")
    await room.write("第三条", author="老校友")
    await expect(card(page, "第三条")).not_to_contain_text("known author")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_what_a_channel_asks_of_comments_is_set_on_its_page(room: Room) -> None:
    page = await room.desk.person("alice", roles=["administrator"])
    await room.desk.open(page, "/channels/main")
    await page.get_by_role("button", name="Delay").click()
    form = page.get_by_test_id("comments-settings")
    save = form.get_by_role("button", name="Save")
    await expect(save).to_be_disabled()
    await form.get_by_label("Reviews, at least").fill("2")
    await form.get_by_label("Longest comment").fill("80")
    await form.get_by_label("Authors learn of rejections").set_checked(True, force=True)
    async with page.expect_response("**/interaction"):
        await save.click()
    found = room.comments.interaction("main")
    assert (found.stages, found.max_chars, found.authors_told) == (2, 80, True)
    assert found.changed_by == "console:alice"
    (comment,) = await room.write("大家好")
    assert room.card(comment).stages == 2
    await form.get_by_label("Waiting, at most").fill("60000")
    await expect(form).to_contain_text("1 to 50000 is allowed")
    await expect(save).to_be_disabled()
    await form.get_by_label("Waiting, at most").fill("50000")
    async with page.expect_response("**/interaction"):
        await save.click()
    assert room.comments.interaction("main").queue_limit == 50_000
    assert page.complaints == []  # type: ignore[attr-defined]
