"""Signing in and one's own account in a real Chromium, before a real console.

Set SCREENSHOTS to a folder to have pictures of all screens.
"""

import asyncio
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pyotp
import pytest
from console_stage import Stage
from playwright.async_api import Browser, Page, async_playwright, expect
from tools.people import Person
from tools.testfeed import Feed

from console import pages
from console.auth import accounts, sign_in, tokens
from console.auth.sessions import Rules
from streamgate.clock import wall_s
from streamgate.runtime.secret_box import SecretBox
from streamgate.store.database import Database

STATIC = Path(pages.__file__).parent / "static"
AXE = Path(pages.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1280, 720), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
NEW = "harbour lamp seven rivers"
LIVE = "[data-feed=pgm] video"
SIGN_IN = "input[autocomplete=current-password]"
SLOW_MS = 20_000  # a password is hashed, on a machine that does much else
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
INNER_WIDER = "() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"


@pytest.fixture
async def idle(tmp_path: Path, feed: Feed, filler: Feed) -> Stage:
    """The built page on a stage on which nothing runs yet."""
    assert pages.is_built(STATIC), "the page is not built: make install"
    return Stage(tmp_path / "data", feed, filler, STATIC)


@pytest.fixture
async def stage(idle: Stage) -> AsyncIterator[Stage]:
    async with idle.gate.running(), idle.console():
        yield idle


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        await browser.close()


async def open_page(browser: Browser, url: str, language: str = "en", size: str = "desk") -> Page:
    """Return a page of a browser of its own; what its scripts complain of is in `complaints`."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale=LANGUAGES[language]
    )
    page = await context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    await page.goto(url, wait_until="commit")
    return page


async def enter(page: Page, person: Person) -> None:
    """Give name and password, by the keyboard alone."""
    await page.wait_for_selector(SIGN_IN)
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type(person.name)
    await page.keyboard.press("Tab")
    await page.keyboard.type(person.password)
    await page.keyboard.press("Enter")


async def signed_in(browser: Browser, stage: Stage, name: str, *roles: str) -> Page:
    """Return a page of somebody who signed in on it."""
    person = await stage.person(name, *(roles or ("operator",)))
    page = await open_page(browser, stage.url)
    await enter(page, person)
    await expect(page.get_by_test_id("who")).to_have_text(name)
    return page


def change(stage: Stage, name: str, what: Callable[[object], None]) -> None:
    with Database(stage.database) as database, database.write() as session:
        what(accounts.require_user(session, name))


async def expire(stage: Stage, name: str) -> None:
    await asyncio.to_thread(change, stage, name, lambda user: setattr(user, "must_change", True))


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


async def barriers(page: Page) -> list[str]:
    """Return what axe-core finds seriously in the way of people with disabilities."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


# ---------------------------------------------------------------- signing in


async def test_password_and_code_lead_to_live_and_what_is_wrong_is_said(
    stage: Stage, browser: Browser
) -> None:
    ann = await stage.person("ann", "operator", totp=SecretBox(stage.data_dir))
    page = await open_page(browser, stage.url)
    await enter(page, Person("ann", "not her password"))
    await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    await page.keyboard.type(ann.password)  # what was wrong is selected, and typed over
    await page.keyboard.press("Enter")
    code = page.get_by_label("Code of the second factor")
    await expect(code).to_be_focused()
    await expect(code).to_have_attribute("autocomplete", "one-time-code")
    await expect(page.get_by_role("alert")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Enter the code.")).to_be_visible()
    await page.keyboard.type("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    await expect(code).to_be_focused()
    await picture(page, "sign-in-code-en-desk")
    await page.keyboard.type(pyotp.TOTP(ann.secret).now())
    await page.keyboard.press("Enter")
    await page.wait_for_selector(LIVE)
    last = page.get_by_test_id("last")
    # The wrong password and the wrong code; to be asked for a code is no failure.
    await expect(last).to_have_text("2 failed tries")
    await picture(page, "live-last-en-desk")
    await page.get_by_test_id("who").click()
    await expect(page.get_by_text("2 failed tries since.")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_test_id("last")).to_have_count(0)  # told once
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_recovery_code_stands_in_for_the_code_generator(stage: Stage, browser: Browser) -> None:
    page = await signed_in(browser, stage, "ann")
    await page.get_by_test_id("who").click()
    await page.get_by_role("button", name="Set up a code generator").click()
    codes = await set_up(page, (await stage.person("ann")).password)
    await page.get_by_role("button", name="I have kept them").click()
    await expect(page.get_by_text("10 recovery codes are left.")).to_be_visible()

    other = await open_page(browser, stage.url)
    await enter(other, await stage.person("ann"))
    await other.get_by_role("button", name="Use a recovery code").click()
    await expect(other.get_by_label("Recovery code")).to_be_focused()
    await other.keyboard.type(codes[0])
    await other.keyboard.press("Enter")
    await other.get_by_test_id("who").click()
    await expect(other.get_by_text("9 recovery codes are left.")).to_be_visible()


async def test_too_many_tries_say_how_long_to_wait(
    stage: Stage, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "FREE_TRIES", 1)
    ann = await stage.person("ann", "operator")
    page = await open_page(browser, stage.url)
    await enter(page, Person("ann", "wrong"))
    await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Too many tries failed")
    await expect(page.get_by_role("button", name=re.compile(r"Again in \d s"))).to_be_disabled()
    await picture(page, "sign-in-wait-en-desk")
    await expect(page.get_by_text("You can try again now.")).to_be_visible()
    await page.get_by_label("Password").fill(ann.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("who")).to_have_text("ann")


async def test_somebody_disabled_reads_that(stage: Stage, browser: Browser) -> None:
    ann = await stage.person("ann", "operator")
    await asyncio.to_thread(change, stage, "ann", lambda user: setattr(user, "disabled_at", wall_s()))
    page = await open_page(browser, stage.url)
    await enter(page, ann)
    await expect(page.get_by_role("alert")).to_contain_text("This account is disabled")


async def test_the_language_is_chosen_before_signing_in_and_kept(stage: Stage, browser: Browser) -> None:
    ann = await stage.person("ann", "operator")
    page = await open_page(browser, stage.url)
    await page.get_by_text("中文", exact=True).click()
    await expect(page.get_by_role("heading")).to_have_text("登录")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await page.get_by_label("用户名").fill("ann")
    await page.get_by_label("密码", exact=True).fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("用户名与密码不匹配")
    await page.get_by_label("密码", exact=True).fill(ann.password)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(LIVE)
    await expect(page).to_have_title("直播 · streamgate")
    await page.get_by_text("EN", exact=True).click()
    await expect(page).to_have_title("Live · streamgate")


# ---------------------------------------------------------------- what has to be done first


async def test_an_expired_password_is_changed_and_leads_on(stage: Stage, browser: Browser) -> None:
    ann = await stage.person("ann", "operator")
    await expire(stage, "ann")
    page = await open_page(browser, f"{stage.url}/live/main")
    await enter(page, ann)
    await expect(page.get_by_role("heading")).to_have_text("Your password has expired")
    present = page.get_by_label("Present password")
    await expect(present).to_be_focused()
    new, again = page.get_by_label("New password", exact=True), page.get_by_label("New password once more")
    for field in (new, again):
        await expect(field).to_have_attribute("autocomplete", "new-password")
    await picture(page, "expired-en-desk")

    await present.fill("not hers")
    await new.fill("ann and her lamp")
    await page.keyboard.press("Enter")
    await expect(new).to_be_focused()  # her name is in it: not even asked of the console
    await expect(page.locator("li[data-mark=broken]")).to_have_text(re.compile("not hold your own name"))
    await new.fill("password1234")
    await again.fill("password1234")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This is not your present password")
    await expect(present).to_be_focused()
    await present.fill(ann.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("too common")
    await expect(new).to_be_focused()
    await new.fill(NEW)
    await again.fill(NEW)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(LIVE)
    assert page.url.endswith("/live/main")
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_password_that_expires_at_work_is_changed_there(stage: Stage, browser: Browser) -> None:
    page = await signed_in(browser, stage, "ann")
    await expire(stage, "ann")
    await expect(page.get_by_role("heading", name="Your password has expired")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_selector(SIGN_IN)


async def set_up(page: Page, password: str) -> list[str]:
    """Set a code generator up, from the password on; return the recovery codes, still on the page."""
    await page.get_by_label("Present password").fill(password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_alt_text("QR code for the authenticator app")).to_be_visible()
    secret = (await page.get_by_test_id("secret").inner_text()).replace(" ", "")
    await expect(page.get_by_label("Then enter the code")).to_be_focused()
    await page.keyboard.type("000000")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    await picture(page, "totp-first-code-en-desk")
    await page.keyboard.type(pyotp.TOTP(secret).now())
    await page.keyboard.press("Enter")
    shown = page.get_by_test_id("recovery-codes")
    await expect(shown.get_by_role("listitem")).to_have_count(10)
    return await shown.get_by_role("listitem").all_inner_texts()


async def test_a_demanded_second_factor_is_set_up_through_to_live(idle: Stage, browser: Browser) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(totp_roles=frozenset({"operator"}))):
        ann = await idle.person("ann", "operator")
        page = await open_page(browser, idle.url)
        await enter(page, ann)
        await expect(page.get_by_role("heading")).to_have_text("Set up a code generator")
        codes = await set_up(page, ann.password)
        await picture(page, "totp-codes-en-desk")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Download").click()
        download = await downloading.value
        assert download.suggested_filename == "streamgate-ann-recovery-codes.txt"
        kept = Path(await download.path()).read_text(encoding="utf-8")
        assert "User name: ann" in kept
        assert all(code in kept for code in codes)
        await page.emulate_media(media="print")
        await expect(page.get_by_role("button", name="Go on")).to_be_hidden()
        await expect(page.get_by_text("User name: ann")).to_be_visible()
        await picture(page, "totp-print-en-desk")
        await page.emulate_media(media="screen")
        await page.wait_for_timeout(600)  # the codes stay, though the session is open by now
        await page.get_by_role("button", name="Go on").click()
        await page.wait_for_selector(LIVE)
        await page.keyboard.press("x")
        await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
        assert page.complaints == []  # type: ignore[attr-defined]


# ---------------------------------------------------------------- one-time links


async def test_a_link_states_the_rules_and_what_is_wrong(stage: Stage, browser: Browser) -> None:
    await stage.person("boss", "administrator")
    link = await asyncio.to_thread(invite, stage, "ben")
    page = await open_page(browser, f"{stage.url}/one-time#{link}")
    await expect(page.get_by_text("at least 12 characters")).to_be_visible()
    await expect(page.get_by_text("not hold your own name")).to_be_visible()
    await expect(page.get_by_text("none of your last five")).to_have_count(0)  # there are none yet
    await picture(page, "invitation-en-desk")
    for label in ("Password", "Password once more"):
        await page.get_by_label(label, exact=True).fill("qwertyuiop12")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("too common")
    await expect(page.get_by_label("Password", exact=True)).to_be_focused()
    for label in ("Password", "Password once more"):
        await page.get_by_label(label, exact=True).fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Your password is set.")).to_be_visible()
    await expect(page.get_by_label("User name")).to_have_value("ben")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("who")).to_have_text("ben")

    late = await open_page(browser, f"{stage.url}/one-time#{link}")
    await expect(late.get_by_role("heading")).to_have_text("This link is no longer good")
    await expect(late.get_by_text("A link works once.")).to_be_visible()
    await picture(late, "bad-link-en-desk")
    await late.get_by_role("link", name="To the sign-in").click()
    await late.wait_for_selector(SIGN_IN)


def invite(stage: Stage, name: str) -> str:
    from streamgate.store.users import Grant

    with Database(stage.database) as database, database.write() as session:
        return accounts.invite(session, name, [Grant("operator")], by="test", at=wall_s()).token


async def test_the_first_administrator_may_not_take_the_own_name_as_password(
    stage: Stage, browser: Browser
) -> None:
    page = await open_page(browser, f"{stage.url}/one-time#{tokens.mint(stage.data_dir)}")
    await page.get_by_label("User name").fill("harbour")
    for label in ("Password", "Password once more"):
        await page.get_by_label(label, exact=True).fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.locator("li[data-mark=broken]")).to_have_text(re.compile("not hold your own name"))
    await page.get_by_label("User name").fill("ann")
    await page.get_by_label("Password", exact=True).focus()
    await page.keyboard.press("Enter")
    await page.wait_for_selector(SIGN_IN)


# ---------------------------------------------------------------- the own account


async def test_a_changed_password_ends_the_other_page_and_not_this_one(
    stage: Stage, browser: Browser
) -> None:
    ann = await stage.person("ann", "operator")
    other = await signed_in(browser, stage, "ann")
    page = await signed_in(browser, stage, "ann")
    await page.get_by_test_id("who").click()
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_label("Present password").fill(ann.password)
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_label("New password once more").fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The password is changed.")).to_be_visible(timeout=SLOW_MS)
    await other.wait_for_selector(SIGN_IN, timeout=3000)
    await expect(other.locator("[data-why=password]")).to_contain_text("changed in another browser")
    await expect(page.locator("[data-session]")).to_have_count(1)
    await page.get_by_role("link", name="Live").click()  # the websocket came back with the new cookie
    await page.wait_for_selector(LIVE)
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_another_tab_goes_on_with_the_new_cookie(stage: Stage, browser: Browser) -> None:
    ann = await stage.person("ann", "operator")
    page = await signed_in(browser, stage, "ann")
    tab = await page.context.new_page()
    await tab.goto(stage.url, wait_until="commit")
    await tab.wait_for_selector(LIVE)
    await page.get_by_test_id("who").click()
    await page.get_by_role("button", name="Change the password").click()
    await page.get_by_label("Present password").fill(ann.password)
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_label("New password once more").fill(NEW)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The password is changed.")).to_be_visible(timeout=SLOW_MS)
    await tab.wait_for_timeout(1500)
    await tab.keyboard.press("x")
    await expect(tab.get_by_test_id("state")).to_have_attribute("data-state", "cut")


@pytest.mark.alone  # it measures
async def test_another_session_is_ended_and_its_page_closes_within_a_second(
    stage: Stage, browser: Browser
) -> None:
    other = await signed_in(browser, stage, "ann")
    page = await signed_in(browser, stage, "ann")
    await page.get_by_test_id("who").click()
    await expect(page.locator("[data-session=current]")).to_contain_text("this one")
    end = page.get_by_role("button", name=re.compile(r"^End: Chrome on Linux from 127\.0\.0\.1$"))
    await expect(end).to_have_count(1)
    await picture(page, "account-en-desk")
    began = time.monotonic()
    await end.click()
    await other.wait_for_selector(SIGN_IN, timeout=5000)
    took = time.monotonic() - began
    await expect(other.locator("[data-why=elsewhere]")).to_contain_text("from another browser")
    assert took < 1, took
    await expect(page.locator("[data-session]")).to_have_count(1)

    third = await signed_in(browser, stage, "ann")
    await third.get_by_test_id("who").click()
    await third.get_by_role("button", name="End the other one").click()
    await page.wait_for_selector(SIGN_IN, timeout=3000)
    await expect(third.get_by_test_id("who")).to_have_text("ann")


async def test_a_code_generator_is_renewed_its_codes_renewed_and_it_is_removed(
    stage: Stage, browser: Browser
) -> None:
    ann = await stage.person("ann", "operator")
    page = await signed_in(browser, stage, "ann")
    await page.goto(f"{stage.url}/account", wait_until="commit")
    await page.get_by_role("button", name="Set up a code generator").click()
    first = await set_up(page, ann.password)
    await page.get_by_role("button", name="I have kept them").click()
    await page.get_by_role("button", name="Set up anew").click()
    second = await set_up(page, ann.password)
    assert not set(first) & set(second)
    await page.get_by_role("button", name="I have kept them").click()
    await page.get_by_role("button", name="New recovery codes").click()
    await page.get_by_label("Present password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not your present password")
    await page.get_by_label("Present password").fill(ann.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("recovery-codes").get_by_role("listitem")).to_have_count(10)
    await page.get_by_role("button", name="I have kept them").click()
    await page.get_by_role("button", name="Remove it").click()
    await page.get_by_label("Present password").fill(ann.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Set up a code generator")).to_be_visible()


async def test_who_was_idle_on_air_signs_in_again_without_losing_the_view(
    idle: Stage, browser: Browser
) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(idle_s=6.0)):
        ann = await idle.person("ann", "operator")
        page = await signed_in(browser, idle, "ann")
        await expect(page.get_by_test_id("again")).to_be_visible(timeout=12_000)  # where the keys were
        await page.get_by_test_id("who").click()
        await expect(page.get_by_test_id("again")).to_contain_text("You still see and can cut")
        await expect(page.get_by_label("User name")).to_have_value("ann")
        await expect(page.get_by_label("Password")).to_be_focused()
        await picture(page, "idle-again-en-desk")
        await page.keyboard.type(ann.password)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(LIVE)
        await page.keyboard.press("d")
        await expect(page.get_by_text("Dump: done")).to_be_visible()


async def test_who_was_idle_off_air_reads_why(idle: Stage, browser: Browser) -> None:
    async with idle.gate.running(), idle.console(rules=Rules(idle_s=1.2)):
        idle.channel.requested = "stopped"
        page = await signed_in(browser, idle, "ann")
        await page.wait_for_selector(SIGN_IN, timeout=5000)
        await expect(page.locator("[data-why=idle]")).to_contain_text("nothing was done for 0.02 minutes")
        await picture(page, "sign-in-idle-en-desk")
        await page.reload(wait_until="commit")
        await expect(page.locator("[data-why=idle]")).to_be_visible()  # the browser still has the cookie


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_fits_and_has_its_words_in_this_language(
    stage: Stage, browser: Browser, language: str, size: str
) -> None:
    ann = await stage.person("ann", "operator", "director@main")
    chinese = re.compile(r"[\u4e00-\u9fff]")

    async def look(page: Page, name: str) -> None:
        await page.wait_for_selector("h1")
        await page.wait_for_timeout(300)
        await picture(page, f"{name}-{language}-{size}")
        assert await page.evaluate(WIDER) <= 0, name
        assert await page.evaluate(INNER_WIDER) <= 0, name
        assert bool(chinese.search(await page.locator("h1").inner_text())) == (language == "zh"), name
        assert await barriers(page) == [], name

    page = await open_page(browser, stage.url, language, size)
    await page.wait_for_selector(SIGN_IN)
    await look(page, "sign-in")
    late = await open_page(browser, f"{stage.url}/one-time#bad", language, size)
    await look(late, "bad-link")
    await page.locator("input[autocomplete=username]").fill(ann.name)
    await page.locator(SIGN_IN).fill(ann.password)
    await page.keyboard.press("Enter")
    await page.get_by_test_id("who").click()
    await page.wait_for_selector("[data-session=current]")
    await look(page, "account")
    await page.locator("section button").first.click()
    await look(page, "account-password")
    await expire(stage, "ann")
    await page.reload(wait_until="commit")
    await page.wait_for_selector("input[autocomplete=new-password]")
    await look(page, "expired")
    assert page.complaints == []  # type: ignore[attr-defined]
