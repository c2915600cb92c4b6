"""The viewers' page, in a real Chromium before a real desk and its public address."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from public_stage import Stage
from tools.hostile import ELEMENTS as MARKUP
from tools.hostile import text, unlike_any_other
from watch_browser import (
    AUTOPLAY,
    AXE,
    ELEMENTS,
    ON_OVERLAY,
    SERIOUS,
    Audience,
    Relay,
    open_audience,
    open_stage,
    picture,
    until,
)
from watch_program import Program

from moderation.review.reasons import RejectCode
from streamgate.store.location import Location

# What a hostile viewer writes. Each must stand on the page as text.
HOSTILE = (
    "<img src=x onerror=\"document.title='broken'\">",
    "<script>document.title='broken'</script>",
    "</bdi></p></div><style>*{display:none}</style><h1>broken</h1>",
    "{{7*7}} ${7*7} %s %n '; DROP TABLE comments; --",
    "\u202etxet desrever \u2066isolated\u2069",
    "zero\u200bwidth\u200d\ufeff joined",
    "Z\u0351\u0367\u0348a\u0315\u0321l\u0489\u0347g\u036f\u0322o" + "\u0301" * 100,
    "<svg/onload=document.title='broken'>",
    "javascript:document.title='broken'",
    "&lt;b&gt; &amp; &#x41;",
    "\U0001f389 \U0001f468\u200d\U0001f469\u200d\U0001f467 母校加油",
)
TEXTS = "() => [...document.querySelectorAll('[data-comment] > :last-child')].map((one) => one.textContent)"
NAMES = "() => [...document.querySelectorAll('[data-comment] > :first-child')].map((one) => one.textContent)"
FLYING = "() => [...document.querySelectorAll('[data-testid=bullets] bdi')].map((one) => one.textContent)"
STATE = "[data-testid=own] small"
MOVED = "() => document.querySelector('video').currentTime"
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUSED = "() => document.activeElement.tagName"


@pytest.fixture
async def stage(tmp_path: Path, sqlite: Location) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, sqlite) as opened:
        yield opened


@pytest.fixture
async def audience(stage: Stage) -> AsyncIterator[Audience]:
    async with open_audience(stage, AUTOPLAY) as found:
        yield found
        assert found.complaints == []
        assert found.strangers == []


# ---------------------------------------------------------------- comments


async def test_hostile_texts_stand_as_text_on_page_and_overlay(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, bullets=True)
    watch = await audience.viewer()
    overlays = {
        style: await audience.overlay(f"style={style}&seconds=60&rows=12")
        for style in ("list", "ticker", "bullet")
    }
    await expect(watch.get_by_role("button", name="Bullets")).to_have_attribute("aria-pressed", "true")
    await stage.publish(*HOSTILE, bullet=True)
    written = await published(stage)
    assert len(written) == len(HOSTILE)
    assert await until(watch, TEXTS, lambda found: len(found) == len(HOSTILE)) == written
    await until(watch, FLYING, lambda found: found != [] and set(found) <= set(written))
    for page in overlays.values():
        await until(page, ON_OVERLAY, lambda found: any(text in written for text in found))
    assert set(written) <= set(await overlays["list"].evaluate(ON_OVERLAY))
    for page in (watch, *overlays.values()):
        body = "[data-comment]" if page is watch else "main"
        for name in ("img", "script", "style", "h1", "svg", "b", "a"):
            assert await page.evaluate(ELEMENTS, f"{body} {name}") == 0, name
        assert await page.title() != "broken"
    await picture(watch, "watch-hostile")
    for style, page in overlays.items():
        await picture(page, f"overlay-hostile-{style}")


async def test_whatever_is_published_shows_as_text(stage: Stage, audience: Audience) -> None:
    """As tests/moderation/public/test_public_fuzz.py hands it in, names included."""
    await stage.open(comments=True, bullets=True)
    dice = random.Random(14)
    found = [
        stage.comment(f"{text(dice)} {unlike_any_other(number)}", author=text(dice) or "Ann")
        for number in range(80)
    ]
    answer = await stage.post(found)
    taken = [one["id"] for one in answer.json()["accepted"]][-30:]
    assert len(taken) == 30
    watch = await audience.viewer()
    overlay = await audience.overlay("style=list&seconds=0&rows=30&size=12&authors=1")
    async with stage.events() as events:
        await events.next("interaction")
        for one in taken:
            await stage.approve(one)
        told = [(await events.next("publish"))[1] for _ in taken]
    texts = [one["text"] for one in told]
    assert await until(watch, TEXTS, lambda found: len(found) == len(texts)) == texts
    await until(overlay, ON_OVERLAY, lambda found: set(texts) <= set(found))
    assert {one["author"] for one in told} <= set(await watch.evaluate(NAMES))
    for page, where in ((watch, "[data-comment]"), (overlay, "main")):
        for name in MARKUP:
            assert await page.evaluate(ELEMENTS, f"{where} {name}") == 0, name
    assert audience.complaints == []
    assert audience.strangers == []


async def test_a_retracted_comment_is_gone_within_a_second(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, bullets=True)
    watch = await audience.viewer()
    pages = [await audience.overlay(f"style={style}&seconds=60") for style in ("list", "ticker", "bullet")]
    await expect(watch.get_by_role("button", name="Bullets")).to_have_attribute("aria-pressed", "true")
    _, goes = await stage.publish("stays here", "goes away", bullet=True)
    await until(watch, FLYING, lambda found: "goes away" in found)
    for page in pages[::2]:
        await until(page, ON_OVERLAY, lambda found: "goes away" in found)
    await stage.retract(goes)
    await until(watch, TEXTS, lambda found: found == ["stays here"], timeout_s=1)
    assert "goes away" not in await watch.evaluate(FLYING)
    for page in pages:
        await until(page, ON_OVERLAY, lambda found: "goes away" not in found, timeout_s=1)
    assert "stays here" in await pages[0].evaluate(ON_OVERLAY)


async def test_who_comes_later_reads_the_newest_and_nothing_flies_again(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True, bullets=True)
    await stage.publish("one", "two")
    watch = await audience.viewer()
    assert await until(watch, TEXTS, lambda found: len(found) == 2) == ["one", "two"]
    await stage.publish("three", bullet=True)
    await until(watch, FLYING, lambda found: found != [])
    assert await watch.evaluate(FLYING) == ["three"]


async def test_a_viewer_chooses_where_a_comment_is_shown_and_only_bullets_cross(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True, bullets=True, slow_s=0)
    page = await audience.viewer()
    bullet, ticker = [await audience.overlay(f"style={style}&seconds=60") for style in ("bullet", "list")]
    await expect(page.get_by_role("radio", name="Comment")).to_be_checked()
    for said, kind in (("stands beside", "Comment"), ("goes across", "Bullet")):
        await page.get_by_role("radio", name=kind).check()
        await page.locator("textarea").fill(said)
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("[data-testid=own]", has_text=said)).to_have_count(1)
        await stage.until(lambda: waiting(stage))
        await asyncio.gather(*map(stage.approve, waiting(stage)))
        await until(page, TEXTS, lambda found, said=said: said in found)
    await until(page, FLYING, lambda found: found == ["goes across"])
    await until(bullet, ON_OVERLAY, lambda found: found == ["goes across"])
    assert {"stands beside", "goes across"} <= set(await ticker.evaluate(ON_OVERLAY))
    await stage.open(comments=False)
    await expect(page.get_by_role("radio", name="Comment")).to_have_count(0)
    await expect(page.get_by_role("radio", name="Bullet")).to_be_checked()
    await stage.open(comments=True, bullets=False)
    await expect(page.get_by_role("radio")).to_have_count(0)
    await expect(page.locator("textarea")).to_have_count(1)


async def test_a_lost_connection_comes_back_without_loss(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True)
    relay = Relay(stage.port)
    async with relay.passing():
        audience.url = f"http://127.0.0.1:{relay.port}"
        watch, overlay = await audience.viewer(), await audience.overlay("style=list")
        _, goes = await stage.publish("before", "taken back meanwhile")
        await until(watch, TEXTS, lambda found: len(found) == 2)
        await until(overlay, ON_OVERLAY, lambda found: "taken back meanwhile" in found)
        async with relay.cut():
            await stage.publish("during")
            await stage.retract(goes)
            await expect(watch.get_by_text("the connection is lost")).to_be_visible(timeout=15_000)
        await until(watch, TEXTS, lambda found: found == ["before", "during"], timeout_s=20)
        await until(overlay, ON_OVERLAY, lambda found: "during" in found, timeout_s=20)
        assert "taken back meanwhile" not in await overlay.evaluate(ON_OVERLAY)
        await stage.publish("after")
        await until(watch, TEXTS, lambda found: found == ["before", "during", "after"])
        await expect(watch.get_by_text("the connection is lost")).to_have_count(0)
    audience.complaints = [line for line in audience.complaints if "net::ERR_" not in line]


# ---------------------------------------------------------------- writing


async def test_a_viewer_writes_and_nobody_else_sees_it_before_review(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True, authors_told=True)
    writer, reader = await audience.viewer("zh", "phone"), await audience.viewer("en")
    await expect(reader.get_by_text("No comments yet.")).to_be_visible()
    await writer.get_by_label("昵称").fill("2 班李")
    box = writer.get_by_label("发表评论", exact=True)
    await box.last.fill("图书馆几点开放？")
    await expect(writer.get_by_text("8 / 200 字")).to_be_visible()
    await box.last.press("Enter")
    await expect(writer.locator(STATE)).to_have_text("等待审核 · 仅自己可见")
    await expect(box.last).to_have_value("")
    await picture(writer, "watch-own-zh-phone")
    await asyncio.sleep(0.5)
    assert await reader.evaluate(TEXTS) == []
    await writer.reload(wait_until="commit")
    await expect(writer.locator(STATE)).to_have_text("等待审核 · 仅自己可见")
    (number,) = waiting(stage)
    await stage.approve(number)
    for page in (writer, reader):
        await until(page, TEXTS, lambda found: found == ["图书馆几点开放？"], timeout_s=2)
        await expect(page.locator("[data-comment] bdi").first).to_have_text("2 班李")
    await expect(writer.locator("[data-testid=own]")).to_have_count(0)
    await expect(writer.locator("[data-comment]")).to_contain_text("我")


async def test_a_viewer_sees_the_state_of_a_comment(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, authors_told=True)
    page = await audience.viewer()
    await page.get_by_label("Write a comment").last.fill("rather not")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(STATE)).to_have_text("Waiting for review · only you see this")
    (number,) = waiting(stage)
    await stage.reject(number, RejectCode.OFF_TOPIC)
    await page.reload(wait_until="commit")
    await expect(page.locator(STATE)).to_have_text("Not published")


async def test_a_box_is_there_only_while_comments_are_open(stage: Stage, audience: Audience) -> None:
    page = await audience.viewer()
    await expect(page.get_by_text("Comments are closed for this broadcast.")).to_be_visible()
    await expect(page.locator("textarea")).to_have_count(0)
    await stage.open(comments=True)
    await expect(page.locator("textarea")).to_have_count(1, timeout=1500)
    await stage.open(comments=False)
    await expect(page.locator("textarea")).to_have_count(0, timeout=1500)


async def test_what_cannot_be_sent_says_why_and_is_kept(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, max_chars=10, slow_s=4)
    page = await audience.viewer()
    await expect(page.get_by_text("0 of 10 characters")).to_be_visible()
    box, send, said = page.locator("textarea"), page.locator("button[type=submit]"), page.locator("#said")
    await send.click(force=True)  # dimmed, and says why
    await expect(said).to_have_text("Write something first.")
    await box.fill("母校加油" * 3)
    await send.click(force=True)  # dimmed, and says why
    await expect(said).to_have_text("2 characters too many.")
    await expect(box).to_have_value("母校加油" * 3)
    await box.fill("母校加油")
    await send.click()
    await expect(said).to_have_text("Your comment waits for review. Only you see it.")
    await expect(send).to_have_text(re.compile(r"In [1-4] s"))
    await box.fill("second")
    await send.click(force=True)  # dimmed, and says why
    await expect(said).to_have_text(re.compile(r"Wait [1-4] s until the next comment\."))
    await expect(send).to_have_text("Send", timeout=6000)
    await page.context.set_offline(True)
    await send.click()
    await expect(said).to_have_text(re.compile("Not sent: no connection"))
    await expect(box).to_have_value("second")
    await page.context.set_offline(False)
    await send.click()
    await expect(said).to_have_text("Your comment waits for review. Only you see it.")
    await expect(page.locator("[data-testid=own]")).to_have_count(2)
    audience.complaints = [line for line in audience.complaints if "net::ERR_" not in line]


# ---------------------------------------------------------------- the program


async def test_the_program_comes_by_itself_and_its_end_is_said(
    stage: Stage, audience: Audience, tmp_path: Path
) -> None:
    program = Program(tmp_path / "hls" / "main")
    await stage.open(comments=True, bullets=True)
    page = await audience.viewer()
    await expect(page.get_by_text("Nothing is on air at the moment")).to_be_visible()
    await picture(page, "watch-off-en-desk")
    async with program.on_air():
        await until_on_air(page)
        await expect(page.get_by_text("Nothing is on air at the moment")).to_have_count(0)
        moved = await page.evaluate(MOVED)
        await until(page, MOVED, lambda now: now > moved + 1)
        assert not await page.evaluate("() => document.querySelector('video').muted")
        await page.get_by_role("button", name="Pause").click()
        await expect(page.get_by_role("button", name="Back to live")).to_be_visible()
        await page.get_by_role("button", name="Back to live").click()
        await expect(page.get_by_role("button", name="Pause")).to_be_visible()
        await page.locator("textarea").fill("what is that?")
        async with page.expect_request("**/comments") as sent:
            await page.get_by_role("button", name="Send").click()
        seen_s = (await sent.value).post_data_json["seen_at"] - program.began
        assert abs(seen_s - await page.evaluate(MOVED)) < 2  # the program's time is the player's here
        await stage.publish("校长讲得太好了！", "母校加油", bullet=True)
        await until(page, FLYING, lambda found: len(found) == 2)
        await picture(page, "watch-on-air-en-desk")
    await expect(page.get_by_text("Nothing is on air at the moment")).to_be_visible(timeout=20_000)


async def test_a_browser_that_forbids_sound_plays_without_and_offers_it(stage: Stage, tmp_path: Path) -> None:
    program = Program(tmp_path / "hls" / "main")
    async with program.on_air(), open_audience(stage) as audience:
        page = await audience.viewer("zh", "phone")
        # A question to the page would count as a gesture of the viewer: none before it has begun to play.
        await stage.until(lambda: any(url.endswith(".m4s") for url in audience.asked), timeout_s=20)
        press = page.get_by_role("button", name="打开声音")
        await expect(press).to_be_visible(timeout=15_000)
        await until_on_air(page)
        await picture(page, "watch-silent-zh-phone")
        await press.tap()
        await until(page, "() => document.querySelector('video').muted", lambda muted: not muted)
        await expect(press).to_have_count(0)
        assert audience.complaints == []


# ---------------------------------------------------------------- the viewer's switches


async def test_switches_stay_as_the_viewer_left_them(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, bullets=True)
    page = await audience.viewer("zh")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.get_by_role("button", name="弹幕").click()
    await page.get_by_role("button", name="评论", exact=True).click()
    await page.get_by_role("button", name="EN", exact=True).click()
    await expect(page.get_by_role("log")).to_have_count(0)
    await page.reload(wait_until="commit")
    await expect(page.get_by_role("button", name="Bullets")).to_have_attribute("aria-pressed", "false")
    await expect(page.get_by_role("button", name="Comments", exact=True)).to_have_attribute(
        "aria-pressed", "false"
    )
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await stage.publish("unseen")
    await asyncio.sleep(0.5)
    assert await page.evaluate(ELEMENTS, "[data-testid=bullets]") == 0


async def test_the_address_is_shared_while_that_is_open_and_not_otherwise(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True)
    page = await audience.viewer()
    share = page.get_by_role("button", name="Share")
    await expect(page.locator("textarea")).to_have_count(1)
    await expect(share).to_have_count(0)
    await stage.open(sharing=True)
    await expect(share).to_have_count(1, timeout=1500)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await share.click()
    await expect(page.get_by_text("Address copied")).to_be_visible()
    assert await page.evaluate("() => navigator.clipboard.readText()") == page.url
    await page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not here')); }"
    )
    await share.click()  # puts it away
    await share.click()
    await expect(page.get_by_label("Address of this page")).to_have_value(page.url)
    await page.evaluate(
        "() => { navigator.share = (what) => { window.shared = what; return Promise.resolve(); }; }"
    )
    await share.click()
    await share.click()
    assert await page.evaluate("() => window.shared") == {"url": page.url}
    await stage.open(sharing=False)
    await expect(share).to_have_count(0, timeout=1500)


async def test_closing_bullets_clears_the_picture(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, bullets=True)
    page, overlay = await audience.viewer(), await audience.overlay("seconds=60")
    await expect(bullets_switch(page)).to_be_enabled()
    await stage.publish("crossing", bullet=True)
    await until(page, FLYING, lambda found: found == ["crossing"])
    await until(overlay, ON_OVERLAY, lambda found: found == ["crossing"])
    await stage.open(bullets=False)
    await until(page, FLYING, lambda found: found == [], timeout_s=1.5)
    await until(overlay, ON_OVERLAY, lambda found: found == [], timeout_s=1.5)
    await expect(bullets_switch(page)).to_be_disabled()


async def test_the_keyboard_reaches_everything_and_axe_finds_nothing_serious(
    stage: Stage, audience: Audience, tmp_path: Path
) -> None:
    program = Program(tmp_path / "hls" / "main")
    await stage.open(comments=True, bullets=True, sharing=True)
    await stage.publish("one", "two")
    async with program.on_air():
        for language, size in (("en", "desk"), ("zh", "phone"), ("zh", "large")):
            page = await audience.viewer(language, size)
            await expect(page.locator("[data-testid=stage]")).to_have_attribute(
                "data-air", "on", timeout=15_000
            )
            await expect(page.locator("textarea")).to_have_count(1)
            await page.evaluate(AXE.read_text())
            assert await page.evaluate(SERIOUS) == [], (language, size)
            assert await page.evaluate(WIDER) <= 0, (language, size)
            await picture(page, f"watch-{language}-{size}")
        page = await audience.viewer()
        await expect(page.locator("textarea")).to_have_count(1)
        reached = set()
        for _ in range(16):
            await page.keyboard.press("Tab")
            reached.add(await page.evaluate(FOCUSED))
        assert {"BUTTON", "TEXTAREA", "INPUT", "DIV"} <= reached


async def published(stage: Stage) -> list[str]:
    """Return the texts of the feed, as another program reads them."""
    found = []
    async with stage.events() as events:
        for _ in HOSTILE:
            _, data = await events.next("publish")
            found.append(data["text"])
    return found


def waiting(stage: Stage) -> list[int]:
    """Return the comments that wait for review."""
    return [number for entry in stage.desk.piles.entries() for number in entry.card.comments]


def bullets_switch(page: Page) -> Locator:
    return page.get_by_role("button", name="Bullets", exact=True)


async def until_on_air(page: Page) -> None:
    await expect(page.locator("[data-testid=stage]")).to_have_attribute("data-air", "on", timeout=15_000)
