"""The frame around the screens, in a real Chromium before a real console: way in, rail, language, way out."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from console_stage import Stage
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tools.standin_channel import DevChannel
from tools.standin_gate import DevGate
from tools.testfeed import Feed

from console import pages
from console.auth import sign_in, tokens
from streamgate.runtime.secret_box import SecretBox

STATIC = Path(pages.__file__).parent / "static"
FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
SIGN_IN = "main:has(input)"
# What of the pictures, keys and the chosen channel's tab lies under something else, or outside the window.
HIDDEN = """() => {
    const hidden = [];
    for (const part of document.querySelectorAll("[data-feed], [data-key], [aria-selected=true]")) {
        const { left, right, top, bottom } = part.getBoundingClientRect();
        for (const x of [left + 6, right - 6]) for (const y of [top + 6, bottom - 6]) {
            const there = document.elementFromPoint(x, y);
            if (!part.contains(there)) hidden.push([part.outerHTML.slice(0, 80), x, y]);
        }
    }
    return hidden;
}"""


@pytest.fixture
async def stage(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Stage]:
    """Two channels and the built page; nobody is signed in."""
    assert pages.is_built(STATIC), "the page is not built: make install"
    stage = Stage(tmp_path / "data", feed, filler, STATIC)
    hall = DevChannel("hall", feed, filler, delay_s=0.5)
    stage.gate = DevGate(stage.data_dir / "run", [stage.channel, hall])
    async with stage.gate.running(), stage.console():
        yield stage


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def context(browser: Browser) -> BrowserContext:
    return await browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")


@pytest.fixture
async def page(stage: Stage, context: BrowserContext) -> Page:
    """The page for somebody who is signed in; what the browser complains of is in `page.complaints`."""
    await signed_in(stage, context)
    page = await context.new_page()
    page.complaints = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    await page.goto(stage.url, wait_until="commit")
    await page.wait_for_selector("[data-feed=pgm] video")
    return page


async def signed_in(stage: Stage, context: BrowserContext) -> None:
    """Sign somebody in, in the browser's name."""
    name, _, value = (await stage.sign_in()).partition("=")
    await context.add_cookies([{"name": name, "value": value, "url": stage.url}])


def commands(stage: Stage) -> list[tuple[str, str]]:
    asked = [request for request in stage.gate.requests if hasattr(request, "channel")]
    return [(type(request).__name__.lower(), request.channel) for request in asked]


async def test_the_page_leads_to_live_and_the_frame_says_who_is_there(page: Page) -> None:
    assert page.url.endswith("/live")
    await expect(page).to_have_title("Live · streamgate")
    await expect(page.get_by_test_id("who")).to_have_text("operator")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
async def test_the_rail_takes_room_and_hides_nothing(page: Page, width: int, height: int) -> None:
    await page.set_viewport_size({"width": width, "height": height})
    for unfolded in (False, True):
        if unfolded:
            await page.get_by_role("button", name="Show the screens").click()
            await expect(page.get_by_role("link", name="Live")).to_have_attribute("aria-current", "page")
        assert await page.evaluate(HIDDEN) == []


async def test_the_channel_stands_in_the_address_and_the_old_form_of_it_still_works(
    stage: Stage, page: Page
) -> None:
    await page.keyboard.press("2")
    await page.wait_for_url("**/live/hall")
    await page.reload(wait_until="commit")
    await expect(page.get_by_role("tab", selected=True)).to_contain_text("hall")
    await page.goto("about:blank")
    await page.goto(f"{stage.url}/#hall", wait_until="commit")
    await page.wait_for_url("**/live/hall")
    await expect(page.get_by_role("tab", selected=True)).to_contain_text("hall")


async def test_a_key_pressed_right_after_the_channels_number_reaches_that_channel(
    stage: Stage, page: Page
) -> None:
    await page.evaluate("""async () => {
        for (const key of ["2", "x"]) {
            window.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
            await Promise.resolve();
        }
    }""")
    await stage.until(lambda: commands(stage))
    assert commands(stage) == [("cut", "hall")]


async def test_the_language_is_switched_in_the_frame_and_kept(page: Page) -> None:
    await page.get_by_text("中文", exact=True).click()
    await expect(page).to_have_title("直播 · streamgate")
    await page.get_by_role("button", name="展开页面栏").click()
    await expect(page.get_by_role("link", name="直播")).to_be_visible()
    await page.reload(wait_until="commit")
    await expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    await expect(page.locator("[data-key=cut]")).to_contain_text("切 断")


async def test_signing_out_ends_it_and_name_and_password_begin_it_anew(stage: Stage, page: Page) -> None:
    await page.get_by_role("button", name="Show the screens").click()
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_selector(SIGN_IN)
    assert await page.locator("video").count() == 0
    await page.reload(wait_until="commit")
    await page.wait_for_selector(SIGN_IN)
    await page.get_by_label("User name").fill("operator")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    await page.get_by_label("Password").fill((await stage.person("operator")).password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("who")).to_have_text("operator")
    await expect(page.locator("[data-key=cut]")).to_be_enabled()
    await page.keyboard.press("x")
    await stage.until(lambda: commands(stage) == [("cut", "main")])


async def test_a_session_that_runs_out_asks_for_a_new_one(
    stage: Stage, page: Page, context: BrowserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "LIFETIME_S", 2)
    await signed_in(stage, context)
    await page.goto(stage.url, wait_until="commit")
    await page.wait_for_selector("video")
    await page.wait_for_selector(SIGN_IN, timeout=5000)


async def test_strangers_load_no_screen_and_a_bad_link_says_why(
    stage: Stage, context: BrowserContext
) -> None:
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(f"{stage.url}/one-time#bad", wait_until="commit")
    await expect(page.get_by_role("alert")).to_contain_text("was used, revoked, or has expired")
    await page.goto(stage.url, wait_until="commit")
    await page.wait_for_selector(SIGN_IN)
    assert any("/assets/" in url for url in asked)
    assert not any("LiveScreen" in url for url in asked)


async def test_an_address_without_a_screen_leads_back(stage: Stage, page: Page) -> None:
    await page.goto(f"{stage.url}/nowhere", wait_until="commit")
    await page.get_by_role("link", name="To the first screen").click()
    await page.wait_for_selector("[data-feed=pgm] video")
    assert page.url.endswith("/live")


async def test_a_screen_that_cannot_be_loaded_says_so(stage: Stage, page: Page) -> None:
    await page.route("**/assets/LiveScreen-*", lambda route: route.abort())
    await page.goto(f"{stage.url}/live", wait_until="commit")
    await expect(page.get_by_role("alert")).to_contain_text("What is on air is not affected")
    await page.unroute("**/assets/LiveScreen-*")
    await page.get_by_role("button", name="Load the page again").click()
    await page.wait_for_selector("[data-feed=pgm] video")


async def test_the_second_factor_is_asked_for_when_it_is_set_up(
    stage: Stage, context: BrowserContext
) -> None:
    ann = await stage.person("ann", "operator", totp=SecretBox(stage.data_dir))
    page = await context.new_page()
    await page.goto(f"{stage.url}/#hall", wait_until="commit")
    await page.get_by_label("User name").fill("ann")
    await page.get_by_label("Password").fill(ann.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Code of the second factor").fill(pyotp.TOTP(ann.secret).now())
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("who")).to_have_text("ann")
    await page.wait_for_url("**/live/hall")
    await page.wait_for_function(
        "() => [...document.querySelectorAll('video')].filter(v => v.currentTime > 0).length === 2"
    )


async def test_the_set_up_link_leads_to_the_first_sign_in(stage: Stage, context: BrowserContext) -> None:
    page = await context.new_page()
    await page.goto(f"{stage.url}/one-time#{tokens.mint(stage.data_dir)}", wait_until="commit")
    await page.get_by_label("User name").fill("ann")
    for label in ("Password once more", "Password"):
        await page.get_by_label(label, exact=True).fill("harbour lamp seven rivers")
    await page.get_by_role("button", name="Keep it").click()
    await page.get_by_role("button", name="Sign in").wait_for()
    await page.get_by_label("User name").fill("ann")
    await page.get_by_label("Password").fill("harbour lamp seven rivers")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("who")).to_have_text("ann")


async def test_restore_and_stop_ask_for_a_reason_and_cut_does_not(stage: Stage, page: Page) -> None:
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    await page.keyboard.press("r")
    await expect(page.get_by_test_id("reason")).to_contain_text("Why restore?")
    await page.keyboard.press("x")  # a cut goes on being one key
    await stage.until(lambda: commands(stage) == [("cut", "main"), ("cut", "main")])
    await page.keyboard.press("r")
    await page.keyboard.press("2")
    await stage.until(lambda: commands(stage)[-1] == ("restore", "main"))
    assert stage.gate.requests[-1].reason == "the fault is over"
    await page.keyboard.press("e")
    await page.wait_for_timeout(500)
    await page.keyboard.press("e")
    await page.get_by_placeholder("another reason").fill("the hall burns")
    await page.keyboard.press("Enter")
    await stage.until(lambda: commands(stage)[-1] == ("stop", "main"))
    assert stage.gate.requests[-1].reason == "the hall burns"
