"""Many channels, a wall, a phone and one's own keys, in a real Chromium before a real console.

Set SCREENSHOTS to a folder to have pictures in both languages and all sizes.
"""

import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from console_stage import Stage
from page_desk import LANGUAGES, STATIC, picture
from playwright.async_api import Browser, Page, async_playwright, expect
from tools.standin_channel import DevChannel
from tools.standin_gate import DevGate
from tools.testfeed import Feed

from console import pages

AXE = Path(pages.__file__).parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => [id, nodes[0].html])"""
SIZES = {"desk": (1280, 720), "large": (1920, 1080), "phone": (390, 844)}
NAMES = ["main", *(f"hall{n}" for n in range(2, 10))]
PLAYING = """(count) => {
    const all = [...document.querySelectorAll("[data-player]")];
    return all.length === count && all.every(({ dataset }) => dataset.player === "playing");
}"""
# A gamepad, as the browser's own interface tells of it: no device can be plugged in here. As in a browser the
# page sees it from its first press on.
GAMEPAD = """() => {
    const pad = { index: 0, connected: true, buttons: Array.from({ length: 8 }, () => ({ pressed: false })) };
    let there = false;
    const press = (button, pressed) => {
        pad.buttons[button].pressed = pressed;
        if (!there) {
            there = true;
            window.dispatchEvent(new Event("gamepadconnected"));
        }
    };
    window.tread = async (button) => {
        press(button, true);
        await new Promise((resolve) => setTimeout(resolve, 120));
        press(button, false);
        await new Promise((resolve) => setTimeout(resolve, 60));
    };
    Object.defineProperty(navigator, "getGamepads", { value: () => [there ? pad : null, null, null, null] });
}"""


@pytest.fixture
async def stage(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Stage]:
    assert pages.is_built(STATIC), "the page is not built: make install"
    stage = Stage(tmp_path / "data", feed, filler, STATIC)
    others = [DevChannel(name, feed, filler, delay_s=0.5) for name in NAMES[1:]]
    stage.gate = DevGate(stage.data_dir / "run", [stage.channel, *others])
    async with stage.gate.running(), stage.console():
        yield stage


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        await browser.close()


async def opened(
    stage: Stage, browser: Browser, path: str, size: str = "desk", language: str = "en", *roles: str
) -> Page:
    who = "-".join(("operator", *roles))
    name, _, value = (await stage.sign_in(who, *roles)).partition("=")
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale=LANGUAGES[language], has_touch=size == "phone"
    )
    await context.add_cookies([{"name": name, "value": value, "url": stage.url}])
    page = await context.new_page()
    await page.add_init_script(f"({GAMEPAD})()")
    page.complaints = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
    await page.goto(f"{stage.url}{path}", wait_until="commit")
    return page


def commands(stage: Stage) -> list[tuple[str, str]]:
    asked = [request for request in stage.gate.requests if hasattr(request, "channel")]
    return [(type(request).__name__.lower(), request.channel) for request in asked]


async def serious(page: Page) -> list[object]:
    await page.evaluate(AXE.read_text())  # the content security policy lets no script tag in
    found: list[object] = await page.evaluate(SERIOUS)
    return found


async def test_nine_channels_play_and_the_keys_act_on_the_chosen_one(stage: Stage, browser: Browser) -> None:
    page = await opened(stage, browser, "/multiview")
    await page.wait_for_function(PLAYING, arg=9, timeout=20_000)
    chosen = page.locator("[data-tile][aria-pressed=true]")
    await expect(chosen).to_have_count(1)
    await expect(chosen).to_have_attribute("data-tile", "main")
    await page.keyboard.press("7")
    await expect(chosen).to_have_attribute("data-tile", "hall7")
    await expect(chosen).to_contain_text("KEYS ACT HERE")
    await page.wait_for_url("**/multiview/hall7")
    await page.keyboard.press("x")
    await expect(page.locator("[data-tile=hall7]")).to_contain_text("CUT")
    await page.locator("[data-tile=hall3]").click()
    await page.locator("[data-key=cut]").click()
    await stage.until(lambda: len(commands(stage)) == 2)
    assert commands(stage) == [("cut", "hall7"), ("cut", "hall3")]
    await expect(page.locator("[data-tile=main]")).not_to_contain_text("CUT")
    await expect(page.locator("[data-tile=hall7]")).to_have_attribute("data-tally", "amber")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_number_and_a_cut_in_the_same_moment_reach_that_channel(
    stage: Stage, browser: Browser
) -> None:
    page = await opened(stage, browser, "/multiview")
    await page.wait_for_selector("[data-tile=hall9]")
    await page.evaluate("""async () => {
        for (const key of ["9", "x"]) {
            window.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
            await Promise.resolve();
        }
    }""")
    await stage.until(lambda: commands(stage))
    assert commands(stage) == [("cut", "hall9")]


async def test_one_request_a_picture(stage: Stage, browser: Browser) -> None:
    page = await opened(stage, browser, "/account")
    await page.wait_for_selector("h1")
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.goto(f"{stage.url}/multiview", wait_until="commit")
    await page.wait_for_function(PLAYING, arg=9, timeout=20_000)
    pictures = [url.partition("/preview/")[2].partition("?")[0] for url in sockets if "/preview/" in url]
    assert sorted(pictures) == sorted(f"{name}/pvw" for name in NAMES)


async def test_the_multiview_and_the_wall_look_right_and_axe_finds_nothing_serious(
    stage: Stage, browser: Browser
) -> None:
    stage.gate.channels["hall4"].connected = False
    for language in LANGUAGES:
        for size in ("desk", "large"):
            for path, pictures in (("/multiview/hall5", 9), ("/live/main?wall", 2), ("/?wall=all", 9)):
                page = await opened(stage, browser, path, size, language)
                count = f"() => document.querySelectorAll('[data-player=playing]').length >= {pictures - 1}"
                await page.wait_for_function(count, timeout=20_000)
                name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "-")
                await picture(page, f"{name}-{size}-{language}")
                if size == "desk":
                    assert await serious(page) == []
                assert page.complaints == []  # type: ignore[attr-defined]
                await page.context.close()


async def test_a_wall_shows_and_does_nothing(stage: Stage, browser: Browser) -> None:
    page = await opened(stage, browser, "/live/main?wall")
    await page.wait_for_function(PLAYING, arg=2, timeout=20_000)
    await expect(page.get_by_test_id("wall-state")).to_contain_text("LIVE")
    assert await page.locator("button, a, input, [tabindex='0'], [role=tab]").count() == 0
    for key in ("x", "2", "d", "Enter", " "):
        await page.keyboard.press(key)
    await page.wait_for_timeout(300)
    assert commands(stage) == []
    assert await page.evaluate("[...document.querySelectorAll('video')].every((video) => video.muted)")
    stage.gate.channels["main"].connected = False
    await expect(page.get_by_test_id("wall-state")).not_to_contain_text("LIVE", timeout=10_000)


async def test_the_phones_key_cuts_when_it_was_held_and_not_before(stage: Stage, browser: Browser) -> None:
    page = await opened(stage, browser, "/m/hall2", "phone")
    key = page.get_by_test_id("hold-cut")
    await page.wait_for_function(PLAYING, arg=1, timeout=20_000)
    box = await key.bounding_box()
    assert box is not None
    assert box["width"] > 340
    assert box["height"] > 140
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.up()
    await expect(key).to_contain_text("Too short")
    await page.mouse.down()
    await page.mouse.move(x, 5)  # slid off
    await page.wait_for_timeout(900)
    await page.mouse.up()
    assert commands(stage) == []
    await page.mouse.move(x, y)
    began = time.monotonic()
    await page.mouse.down()
    await stage.until(lambda: commands(stage))
    assert time.monotonic() - began >= 0.7
    await page.mouse.up()
    await expect(page.get_by_test_id("phone-state")).to_contain_text("CUT")
    assert commands(stage) == [("cut", "hall2")]
    await key.focus()
    await page.keyboard.down("Enter")
    await stage.until(lambda: len(commands(stage)) == 2)
    await page.keyboard.up("Enter")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_the_phone_page_in_both_languages_and_for_who_may_only_watch(
    stage: Stage, browser: Browser
) -> None:
    for language in LANGUAGES:
        page = await opened(stage, browser, "/m", "phone", language)
        await page.wait_for_function(PLAYING, arg=1, timeout=20_000)
        await picture(page, f"phone-{language}")
        assert await serious(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") == SIZES["phone"][0]
        await page.context.close()
    page = await opened(stage, browser, "/m", "phone", "en", "auditor")
    await expect(page.get_by_text("It cannot cut")).to_be_visible()
    await expect(page.get_by_test_id("hold-cut")).to_have_count(0)


async def test_keys_of_ones_own_go_where_the_person_goes(stage: Stage, browser: Browser) -> None:
    page = await opened(stage, browser, "/account")
    part = page.get_by_test_id("own-keys")
    add = page.get_by_role("button", name="Add a key: Cut")
    await add.click()
    await page.keyboard.press("r")
    await expect(page.get_by_test_id("key-conflict")).to_contain_text("R already does: Restore")
    await add.click()
    await page.keyboard.press("5")
    await expect(page.get_by_test_id("key-conflict")).to_contain_text("digits choose channels")
    await add.click()
    await page.keyboard.press("F8")
    await expect(part.locator("[data-act=cut]")).to_contain_text("F8")
    await add.click()
    await page.wait_for_timeout(100)
    await page.evaluate("window.tread(3)")
    await expect(part.locator("[data-act=cut]")).to_contain_text("PAD 3")
    await page.get_by_role("button", name="Take E away from: Stop").click()
    await expect(part.locator("[data-act=stop]")).to_contain_text("no key")
    await picture(page, "keys-en")
    assert await serious(page) == []

    other = await opened(stage, browser, "/live/main", "large", "zh")
    await expect(other.locator("[data-key=cut]")).to_have_attribute("aria-keyshortcuts", "X F8 PAD 3")
    await other.keyboard.press("e")
    await other.keyboard.press("F8")
    await stage.until(lambda: len(commands(stage)) == 1)
    await other.evaluate("window.tread(3)")  # the first press that this page is told of
    await stage.until(lambda: len(commands(stage)) == 2)
    await other.keyboard.press("x")
    await stage.until(lambda: len(commands(stage)) == 3)
    await other.evaluate("window.tread(3)")
    await stage.until(lambda: len(commands(stage)) == 4)
    await other.evaluate("window.tread(4)")  # no key of this person's
    assert commands(stage) == [("cut", "main")] * 4

    stranger = await opened(stage, browser, "/live/main", "desk", "en", "director")
    await expect(stranger.locator("[data-key=cut]")).to_have_attribute("aria-keyshortcuts", "X")
