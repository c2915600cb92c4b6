"""The Review screen in a real Chromium, before a real console and the real desk of comments.

Set SCREENSHOTS to a folder to have pictures of it.
"""

import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from page_desk import LANGUAGES, LARGE, SIZES, WIDER, picture
from playwright.async_api import Route, expect
from real_gate import fed
from review_room import Room, hand, notice, open_room, press
from tools.hostile import ELEMENTS as MARKUP
from tools.hostile import text, unlike_any_other
from tools.testfeed import Feed

from console import pages
from moderation.desk.intake import IncomingComment
from moderation.public.comment_body import clean_text
from moderation.review.events import Escalate

AXE = Path(pages.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"""
TOP = "(row) => row.getBoundingClientRect().top"
UNSEEN = re.compile(
    "[\u034f\u00ad\u061c\u115f\u200b\u2028-\u202e\u2060-\u206f\u3164\ufeff\U000e0000-\U000e007f]"
)
PLAYING = "() => document.querySelector('[data-feed=pvw][data-player=playing]') !== null"
KEYS = "() => [...document.querySelectorAll('[data-key]')].map((key) => key.dataset.key)"


@pytest.fixture
async def room(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Room]:
    async with open_room(tmp_path / "data", feed, filler) as opened:
        yield opened


async def test_an_approved_card_moves_on_and_is_undone_while_the_countdown_runs(room: Room) -> None:
    first, _ = await room.write("校长讲得太好了", "路口交通管制到几点")
    page = await room.reviewer(cards=2)
    await expect(hand(page)).to_contain_text("校长讲得太好了")
    await press(page, "a")
    await expect(hand(page)).to_contain_text("路口交通管制到几点")
    await expect(notice(page)).to_contain_text("Approved: “校长讲得太好了”")
    assert room.card(first).state == "approved"
    await expect(page.locator("[data-key=undo]")).to_contain_text(re.compile(r"Undo \d+ s"))
    await press(page, "z")
    await expect(hand(page)).to_contain_text("校长讲得太好了")
    assert room.card(first).state == "waiting"
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_two_people_review_what_is_sensitive_and_no_one_reviews_it_twice(room: Room) -> None:
    (comment,) = await room.write("你这个笨蛋是怎么考上的")
    bea = await room.reviewer("bea", "senior-reviewer")
    await expect(bea.locator("mark")).to_have_text("笨蛋")
    await expect(hand(bea)).to_contain_text("harassment")
    await expect(hand(bea)).to_contain_text("sensitive")
    await press(bea, "a")
    await expect(notice(bea)).to_contain_text("Approved")
    assert room.card(comment).stage == 2
    await bea.reload(wait_until="commit")
    await expect(hand(bea)).to_contain_text("somebody else must decide this one (R26)")
    await press(bea, "a")
    await expect(notice(bea)).to_contain_text("You decided an earlier stage")
    ann = await room.reviewer("ann", "reviewer")
    await expect(hand(ann)).to_contain_text("Your role does not decide the 2nd review")
    carl = await room.reviewer("carl", "chief-reviewer")
    await press(carl, "a")
    await expect(notice(carl)).to_contain_text("Approved")
    assert room.card(comment).state == "approved"


async def test_a_card_under_somebodys_hand_shows_the_name_to_the_others(room: Room) -> None:
    await room.write("甲甲甲", "乙乙乙")
    ann = await room.reviewer("ann", cards=2)
    await expect(hand(ann)).to_contain_text("甲甲甲")
    bea = await room.reviewer("bea", "reviewer", cards=2)
    await expect(bea.locator("[data-card]", has_text="甲甲甲")).to_contain_text("ann is on it")
    await press(ann, "j")
    await expect(bea.locator("[data-card]", has_text="甲甲甲")).not_to_contain_text("ann is on it")
    await press(bea, "k", "k")
    await expect(ann.locator("[data-card]", has_text="甲甲甲")).to_contain_text("bea is on it")
    await bea.context.close()
    await expect(ann.locator("[data-card]", has_text="甲甲甲")).not_to_contain_text("bea is on it")


async def test_a_rejection_asks_for_its_reason_and_offers_what_the_hit_speaks_for(room: Room) -> None:
    rude, dull = await room.write("你这个笨蛋", "哈哈哈哈哈")
    page = await room.reviewer(cards=2)
    await press(page, "d", "d")
    await expect(notice(page)).to_contain_text("Rejected")
    await expect(hand(page)).to_contain_text("哈哈哈哈哈")
    await press(page, "d")
    await expect(page.get_by_test_id("menu")).to_contain_text("Why reject?")
    await press(page, "Escape", "d", "0")
    await page.keyboard.type("too loud")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("empty")).to_be_visible()
    await expect(notice(page)).to_contain_text("Rejected: “哈哈哈哈哈”")
    found = await room.comments.states_of([rude, dull])
    assert found == {rude: "rejected", dull: "rejected"}
    await press(page, "p", "p", "p", "p", "p")
    await expect(page.locator("[data-card]")).to_have_count(2)
    await expect(page.locator("[data-card]", has_text="笨蛋")).to_contain_text("abuse or harassment")
    await expect(page.locator("[data-card]", has_text="哈哈")).to_contain_text("too loud")


async def test_a_decision_on_what_has_changed_brings_the_card_back_with_a_sentence(room: Room) -> None:
    first, _ = await room.write("甲甲甲", "乙乙乙")
    otto = await room.colleague("otto")
    page = await room.reviewer(cards=2)

    async def change_first(route: Route) -> None:
        card = room.card(first)
        await room.comments.act("main", card.id, Escalate(otto, card.revision))
        await route.continue_()

    await page.route("**/decisions", change_first)
    await press(page, "a")
    await expect(hand(page)).to_contain_text("乙乙乙")
    back = page.locator("[data-card]", has_text="甲甲甲")
    await expect(back).to_contain_text("has changed")
    await expect(back).to_contain_text("escalated")
    await expect(notice(page)).to_contain_text("has changed")
    assert room.card(first).state == "waiting"


async def test_new_cards_never_move_the_one_under_the_hand(room: Room) -> None:
    await room.write(*(f"第{number}条评论" for number in range(40)))
    page = await room.reviewer(cards=10)
    await press(page, "o")
    await expect(page.get_by_test_id("order")).to_contain_text("Gravest first")
    await page.locator("[data-card]").nth(9).wait_for()
    for _ in range(14):
        await page.keyboard.press("j")
    await expect(hand(page)).to_contain_text("第14条评论")
    await page.wait_for_timeout(300)
    before = await hand(page).evaluate(TOP)
    await room.write("加微信领资料", "你这个笨蛋", "第100条评论")
    grave = page.locator("[data-card]", has_text="加微信领资料")
    await expect(grave).to_be_visible()
    assert await hand(page).evaluate(TOP) == before
    await press(page, "j")
    await expect(hand(page)).to_contain_text("加微信领资料")


async def test_many_are_decided_at_once_but_only_clean_ones_approved(room: Room) -> None:
    clean = await room.write(*(f"好{number}" for number in range(21)))
    (rude,) = await room.write("你这个笨蛋")
    page = await room.reviewer(cards=10)
    await press(page, "x")
    await page.keyboard.press("End")
    for _ in range(20):
        await page.keyboard.press("j")
    await press(page, "Shift+X")
    await expect(page.locator("[data-key=approve]")).to_contain_text("Approve 22")
    await press(page, "a")
    await expect(notice(page)).to_contain_text("At most 20")
    await press(page, "x")  # the rude one, no longer
    await press(page, "k", "x")
    await expect(page.locator("[data-key=approve]")).to_contain_text("Approve 20")
    await press(page, "a")
    await expect(notice(page)).to_contain_text("Approved: 20 cards")
    states = [room.card(one).state for one in clean]
    assert states.count("approved") == 20
    assert room.card(rude).state == "waiting"


async def test_cards_are_dealt_one_by_one(room: Room) -> None:
    await room.write("甲甲甲", "乙乙乙", "丙丙丙")
    ann = await room.reviewer("ann", cards=3)
    bea = await room.reviewer("bea", "reviewer", cards=3)
    await press(ann, "n")
    await press(bea, "n")
    one = await ann.get_by_test_id("dealt").locator("[data-card]").get_attribute("data-card")
    other = await bea.get_by_test_id("dealt").locator("[data-card]").get_attribute("data-card")
    assert one != other
    await press(ann, "a")
    await expect(ann.get_by_test_id("dealt").locator("[data-card]")).to_contain_text("丙丙丙")
    await press(ann, "a")
    await expect(ann.get_by_test_id("dealt")).to_contain_text("No free card for you")
    await room.write("丁丁丁")
    await expect(ann.get_by_test_id("dealt")).to_contain_text("丁丁丁")


async def test_personal_data_is_starred_out_until_it_is_revealed_on_record(room: Room) -> None:
    await room.write("有事打我电话 13800138000")
    page = await room.reviewer()
    await expect(hand(page)).to_contain_text("personal data starred out")
    assert "13800138000" not in await page.content()
    await press(page, "v")
    await expect(page.get_by_test_id("revealed")).to_contain_text("13800138000")
    await expect(page.get_by_test_id("revealed")).to_contain_text("recorded")
    await press(page, "Escape")
    await expect(page.get_by_test_id("revealed")).to_have_count(0)


async def test_what_viewers_write_shows_as_text_and_hidden_characters_by_name(room: Room) -> None:
    await room.write("<img src=x onerror='document.title=1'><b>粗</b>", "好\u202e人")
    page = await room.reviewer(cards=2)
    await expect(page.locator("[data-card]").first).to_contain_text("<img src=x onerror='document.title=1'>")
    assert await page.locator("[data-card] img, [data-card] b b").count() == 0
    assert "Review" in await page.title()


async def test_whatever_viewers_write_shows_as_text(room: Room) -> None:
    """As test_public_fuzz.py hands it in; characters that cannot be seen stand by name."""
    dice = random.Random(15)
    written = []
    while len(written) < 12:
        said = clean_text(f"{text(dice)} {unlike_any_other(len(written))}")
        made = IncomingComment(f"h{dice.random()}", "u", clean_text(text(dice))[:60] or "Ann", said)
        (taken,) = await room.comments.store_comments(room.source, [made])
        if taken.code == "":
            written.append(taken.id)
    members = [room.comments.piles.get(room.card(number).id).members[0] for number in written]
    page = await room.reviewer("kim", "chief-reviewer")
    seen: set[str] = set()
    for _ in range(len(written)):
        seen.update(await page.locator("[data-card] [data-text]").all_text_contents())
        await press(page, "j")
    texts = [one.text if one.judgement.masked is None else one.judgement.masked for one in members]
    assert {UNSEEN.sub(lambda found: f"U+{ord(found[0]):04X}", one) for one in texts} <= seen
    for name in MARKUP:
        assert await page.locator(f"[data-card] [data-text] {name}").count() == 0, name
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_hold_a_ban_and_the_authors_record(room: Room) -> None:
    first, _ = await room.write("甲甲甲", "乙乙乙", author="路人甲")
    page = await room.reviewer(cards=2)
    await press(page, "h", "1")
    await expect(notice(page)).to_contain_text("On hold: “甲甲甲”")
    assert room.card(first).held == "to be checked"
    await press(page, "b", "2", "3")
    await expect(notice(page)).to_contain_text("路人甲 is banned")
    await expect(page.get_by_test_id("author")).to_contain_text("ann: spam")
    await page.get_by_role("button", name="Lift").click()
    await expect(page.get_by_test_id("author")).not_to_contain_text("ann: spam")


async def test_a_term_is_added_from_a_selection_after_lint_has_spoken(room: Room) -> None:
    await room.write("来群里抢红包雨", "抢红包雨快来")
    page = await room.reviewer("bea", "senior-reviewer", cards=2)
    await press(page, "w")
    form = page.get_by_test_id("term")
    await form.get_by_label("Term").fill("包")
    await expect(page.get_by_test_id("findings")).to_contain_text("to be mended", timeout=30_000)
    await expect(form.get_by_role("button", name="Add it")).to_be_disabled()
    await form.get_by_label("Term").fill("抢红包雨")
    await form.get_by_label("Category").fill("scams")
    await expect(form.get_by_role("button", name="Add it")).to_be_enabled(timeout=20_000)
    await form.get_by_role("button", name="Add it").click()
    await expect(notice(page)).to_contain_text("counts from now on", timeout=20_000)
    await expect(page.locator("[data-card] mark", has_text="抢红包雨").first).to_be_visible(timeout=15_000)


async def test_switches_are_in_sight_and_say_who_turned_them(room: Room) -> None:
    await room.write("甲甲甲")
    olga = await room.reviewer("olga", "operator")
    ann = await room.reviewer("ann")
    await olga.get_by_role("switch", name="Comments").click()
    await expect(ann.locator("[data-switch=comments]")).to_have_attribute("data-open", "false")
    await expect(ann.get_by_test_id("interaction")).to_contain_text("olga")
    assert await ann.get_by_role("switch").count() == 0


async def test_reports_of_broadcasts_say_what_nobody_reviewed(room: Room) -> None:
    await room.write("校长讲得太好了", "<b>没人看</b>")
    page = await room.reviewer("ann", cards=2)
    files = page.get_by_test_id("files")
    await expect(files).to_contain_text("off air")
    await expect(files).to_contain_text("2 not reviewed")
    assert await files.get_by_role("link").all_inner_texts() == ["Report"]  # she may not read the audit
    async with page.expect_popup() as opened:
        await files.get_by_role("link", name="Report").click()
    report = await opened.value
    await expect(report.locator("tbody tr")).to_have_count(2)
    await expect(report.locator("tbody")).to_contain_text("<b>没人看</b>")
    assert page.complaints == []  # type: ignore[attr-defined]
    chief = await room.reviewer("kim", "chief-reviewer", "auditor", language="zh", cards=2)
    links = chief.get_by_test_id("files").get_by_role("link")
    await expect(links).to_have_text(["审核报告", "审核表", "PDF", "CSV"])


async def test_everybody_has_the_keys_of_their_role_alone(room: Room) -> None:
    await room.write("甲甲甲")
    shown = {}
    for name, role in (("ann", "reviewer"), ("bea", "senior-reviewer"), ("olga", "operator")):
        page = await room.reviewer(name, role)
        shown[role] = await page.evaluate(KEYS)
    assert shown["operator"] == ["previous", "next"]
    assert "term" not in shown["reviewer"]
    assert set(shown["senior-reviewer"]) - set(shown["reviewer"]) == {"term"}


async def test_the_queue_goes_on_as_far_as_one_scrolls(room: Room) -> None:
    await room.write(*(f"第{number}条评论" for number in range(450)))
    page = await room.reviewer(cards=10)
    last = page.locator("[data-card]", has_text="第449条评论")
    for _ in range(60):
        await page.get_by_test_id("queue").evaluate("(list) => list.scrollBy(0, 1500)")
        await page.wait_for_timeout(30)
        if await last.count():
            break
    await expect(last).to_be_visible()
    assert await page.locator("[data-card]").count() < 60  # only what is seen is drawn


SHOWN = [*((size, language) for size in (*SIZES, *LARGE) for language in LANGUAGES)]


@pytest.mark.parametrize(("size", "language"), SHOWN)
async def test_it_fits_every_screen_in_both_languages(
    room: Room, feed: Feed, size: str, language: str
) -> None:
    await room.write("校长讲得太好了！母校加油 🎉", author="校友 2008", at_media_s=2467.0)
    await room.write("加微信领资料 abc", author="小明同学")
    await room.write("你这个笨。。。蛋是怎么考上的", author="路人甲")
    await room.write("有事打我电话 13800138000", author="热心人")
    await room.write(*["请问录像在哪里可以回看？"] * 3, author="新生家长")
    await room.write(*(f"第{number}条：直播很清楚，谢谢老师们的准备" for number in range(20)))
    page = await room.reviewer("bea", "senior-reviewer", "operator", language=language, size=size, cards=5)
    await press(page, "j")
    await page.get_by_test_id("author").wait_for()
    async with fed(room.desk.stage.data_dir, room.key, feed):
        await page.wait_for_function(PLAYING)
        await picture(page, f"review-{size}-{language}")
    assert await page.evaluate(WIDER) <= 0
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(SERIOUS) == []
    await press(page, "d")
    await page.get_by_test_id("menu").wait_for()
    await picture(page, f"review-reject-{size}-{language}")
    assert await page.evaluate(SERIOUS) == []
    await press(page, "Escape", "w")
    await page.get_by_test_id("term").wait_for()
    await page.wait_for_timeout(600)
    await picture(page, f"review-term-{size}-{language}")
    assert await page.evaluate(SERIOUS) == []
    assert await page.evaluate(WIDER) <= 0


async def test_an_empty_queue_says_so(room: Room) -> None:
    page = await room.reviewer(cards=0)
    await expect(page.get_by_test_id("empty")).to_contain_text("Nothing waits for a decision")
    await picture(page, "review-empty")
