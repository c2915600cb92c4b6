"""The Live screen and people: keys by right, restore by two, names, reasons, somebody idle.

In a real Chromium before a real console and a real gate.
Set SCREENSHOTS to a folder to have pictures of it.
"""

import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pyotp
import pytest
from console_stage import Stage
from playwright.async_api import Browser, Page, async_playwright, expect
from real_gate import fed, running_gate
from tools.testfeed import Feed

from console import pages
from console.auth.sessions import Rules
from streamgate.core import two_people
from streamgate.playout import marks as marks_module
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.secret_box import SecretBox

STATIC = Path(pages.__file__).parent / "static"
FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
SIZES = {"small": (1280, 720), "large": (1920, 1080)}
LANGUAGES = {"zh": ("zh-CN", "中文"), "en": ("en-GB", "EN")}
KEYS = {
    "administrator": ["cut"],
    "director": ["backup", "cut", "dump", "live", "restore", "start", "stop"],
    "operator": ["backup", "cut", "dump", "live"],
    "reviewer": [],
    "senior-reviewer": [],
    "auditor": [],
}
SHOWN = "() => [...document.querySelectorAll('[data-key]')].map((key) => key.dataset.key).sort()"
# What of the pictures and keys is covered or outside the window, and which panel does not fit. The panel of a
# reason may cover keys, but not cut.
HIDDEN = """() => {
    const hidden = [];
    for (const part of document.querySelectorAll("[data-feed], [data-key]")) {
        const { left, right, top, bottom } = part.getBoundingClientRect();
        for (const x of [left + 6, right - 6]) for (const y of [top + 6, bottom - 6]) {
            const there = document.elementFromPoint(x, y);
            const asked = there?.closest("[data-testid=reason]") && part.dataset.key !== "cut";
            if (!part.contains(there) && !asked) hidden.push([part.outerHTML.slice(0, 80), x, y]);
        }
    }
    for (const panel of document.querySelectorAll("[data-testid=reason], [data-testid=again]")) {
        const { scrollHeight, clientHeight, scrollWidth, clientWidth } = panel;
        if (scrollHeight > clientHeight || scrollWidth > clientWidth) {
            hidden.push([panel.dataset.testid, scrollHeight, clientHeight, scrollWidth, clientWidth]);
        }
    }
    return hidden;
}"""


class Desk:
    """Two channels, main on air, and people at their pages."""

    def __init__(self, stage: Stage, station: Station, browser: Browser) -> None:
        self.stage, self.station, self.browser = stage, station, browser
        self.store = ChannelStore(stage.data_dir)
        self.main = station.channels["main"]

    async def page(self, name: str, *roles: str, language: str = "en") -> Page:
        """Open Live in a browser of its own for somebody, who is made with these roles at the first call."""
        width, height = SIZES["small"]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, locale=LANGUAGES[language][0]
        )
        key, _, value = (await self.stage.sign_in(name, *roles)).partition("=")
        await context.add_cookies([{"name": key, "value": value, "url": self.stage.url}])
        page = await context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        await page.goto(f"{self.stage.url}/live/main", wait_until="commit")
        await page.wait_for_selector("[data-feed=pgm] video")
        await page.evaluate("() => { window.loadedOnce = true; }")
        return page

    async def needs_two(self) -> None:
        self.store.set("main", restore_needs_two=True)
        await self.station.reload()

    async def give(self, name: str, *roles: str) -> None:
        """Change somebody's roles, as an administrator does."""
        mine = self.stage.cookie
        await self.stage.sign_in("chief", "administrator")
        async with self.stage.client() as client:
            answer = await client.patch(f"/api/v1/users/{name}", json={"roles": list(roles)})
        assert answer.status_code == 200, answer.text
        self.stage.cookie = mine

    def done(self) -> list[tuple[str, str]]:
        """What people did, as the log has it: what and who."""
        lines = self.station.log_since(0)
        return [(line.code, line.actor) for line in lines if line.actor.startswith("console:")]

    async def until_done(self, *what: tuple[str, str]) -> None:
        await self.stage.until(lambda: self.done()[-len(what) :] == list(what))


@contextlib.asynccontextmanager
async def opened(tmp_path: Path, feed: Feed, filler: Feed, rules: Rules | None = None) -> AsyncIterator[Desk]:
    assert pages.is_built(STATIC), "the page is not built: make install"
    stage = Stage(tmp_path / "data", feed, filler, STATIC)
    store = ChannelStore(stage.data_dir)
    _, key = store.add("main")
    store.add("hall")
    async with (
        running_gate(stage.data_dir) as station,
        fed(stage.data_dir, key, feed),
        stage.console(rules=rules),
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Desk(stage, station, browser)
        await browser.close()


@pytest.fixture
async def desk(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    async with opened(tmp_path, feed, filler) as desk:
        yield desk


async def keys_are(page: Page, keys: list[str]) -> None:
    await expect(page.locator("[data-key]")).to_have_count(len(keys))
    assert await page.evaluate(SHOWN) == keys


async def state_is(page: Page, state: str) -> None:
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", state)


async def looks_right(page: Page, name: str) -> None:
    """Look at a page in both languages and sizes; it is left as it was, English and small."""
    for size in ("large", "small"):
        width, height = SIZES[size]
        await page.set_viewport_size({"width": width, "height": height})
        for language, (_, button) in LANGUAGES.items():
            await page.get_by_text(button, exact=True).click()
            await expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
            await page.wait_for_timeout(200)
            await picture(page, f"live-{name}-{language}-{size}")
            assert await page.evaluate(HIDDEN) == [], (name, language, size)


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.wait_for_timeout(700)
        await page.screenshot(path=Path(folder) / f"{name}.png")


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize("role", KEYS)
async def test_each_role_sees_exactly_its_keys(desk: Desk, role: str) -> None:
    page = await desk.page("ann", role)
    if not KEYS[role]:
        await expect(page.get_by_test_id("keys")).to_contain_text("It has no keys here")
    await keys_are(page, KEYS[role])
    for letter, command in {"r": "restore", "g": "start", "d": "dump", "x": "cut"}.items():
        await page.keyboard.press(letter)
        if command not in KEYS[role]:
            await expect(page.get_by_test_id("notice")).to_contain_text("your role does not allow this")
    assert await page.get_by_test_id("reason").count() == 0
    wanted = [(command, "console:ann") for command in ("cut", "dump") if command in KEYS[role]]
    await desk.stage.until(lambda: len(desk.done()) >= len(wanted))
    await page.wait_for_timeout(300)
    assert sorted(desk.done()) == wanted  # two requests at once may arrive in either order
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_role_for_one_channel_gives_its_keys_there_alone(desk: Desk) -> None:
    page = await desk.page("ann", "operator@main", "reviewer@hall")
    await keys_are(page, KEYS["operator"])
    await page.keyboard.press("2")
    await keys_are(page, [])
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("notice")).to_contain_text("your role does not allow this")
    await page.keyboard.press("1")
    await keys_are(page, KEYS["operator"])
    cut = page.locator("[data-key=cut]")
    place = await cut.bounding_box()
    await page.keyboard.press("x")
    await desk.until_done(("cut", "console:ann"))
    assert await cut.bounding_box() == place


async def test_changed_roles_change_the_keys_at_once_and_without_a_reload(desk: Desk) -> None:
    page = await desk.page("ann", "operator")
    await keys_are(page, KEYS["operator"])
    for role in ("director", "auditor", "operator"):
        await desk.give("ann", role)
        await expect(page.locator("[data-key]")).to_have_count(len(KEYS[role]), timeout=2_000)
        assert await page.evaluate(SHOWN) == KEYS[role]
    await desk.give("ann", "operator@hall")
    await expect(page.get_by_role("tab")).to_have_count(1)
    await expect(page.get_by_role("tab", selected=True)).to_contain_text("hall")
    await desk.give("ann", "director")
    await keys_are(page, KEYS["director"])
    assert await page.evaluate("() => window.loadedOnce") is True


# ---------------------------------------------------------------- names


async def test_two_operators_see_each_other_and_what_the_other_did(desk: Desk) -> None:
    ann = await desk.page("ann", "operator")
    await expect(ann.get_by_test_id("others")).to_have_text("")
    ben = await desk.page("ben", "director")
    await expect(ann.get_by_test_id("others")).to_have_text("ben")
    await expect(ben.get_by_test_id("others")).to_have_text("ann")
    await ann.keyboard.press("x")
    await expect(ben.get_by_test_id("cut-by")).to_contain_text("cut by ann")
    await expect(ben.get_by_test_id("cut-by")).to_contain_text("s ago")
    await expect(ben.get_by_test_id("log")).to_contain_text("ann CUT")
    await ben.keyboard.press("r")
    await ben.keyboard.press("1")
    await expect(ann.get_by_test_id("log")).to_contain_text("ben restored")
    await expect(ann.get_by_test_id("cut-by")).to_have_count(0)
    desk.main.cut("cli:root", "smoke in the hall")
    await expect(ann.get_by_test_id("cut-by")).to_contain_text("cut by root")
    await expect(ann.get_by_test_id("cut-by")).to_contain_text("smoke in the hall")
    await ben.context.close()
    await expect(ann.get_by_test_id("others")).to_have_text("")


# ---------------------------------------------------------------- restore by two


async def test_a_restore_takes_two_people_where_the_channel_demands_it(desk: Desk) -> None:
    await desk.needs_two()
    ann = await desk.page("ann", "director")
    ben = await desk.page("ben", "director", language="zh")
    cyd = await desk.page("cyd", "operator")
    again = await desk.page("ann", "director")  # the same person in another browser
    await ann.keyboard.press("x")
    await state_is(ann, "cut")
    await expect(ann.locator("[data-key=restore]")).to_contain_text("takes two people")
    await ann.keyboard.press("r")
    await ann.keyboard.press("1")
    await expect(ann.get_by_test_id("notice")).to_contain_text("You asked to restore: false alarm")
    await expect(cyd.get_by_test_id("notice")).to_contain_text("ann asks to restore: false alarm")
    await expect(cyd.get_by_test_id("notice").locator("time")).to_contain_text(" s")
    assert await cyd.locator("[data-key=restore]").count() == 0
    await expect(ben.locator("[data-key=restore]")).to_contain_text("确认恢复")
    await expect(ben.get_by_test_id("notice")).to_contain_text("ann 请求恢复：false alarm。须另一人确认")
    for page in (ann, again):
        await expect(page.locator("[data-key=restore]")).to_have_attribute("aria-disabled", "true")
        await page.keyboard.press("r")
        await expect(page.get_by_test_id("notice")).to_contain_text("you asked already")
    assert desk.main.state() == "cut"
    await ben.keyboard.press("r")
    await desk.until_done(("restore_waits", "console:ann"), ("restore_by_two", "console:ben"))
    await state_is(ann, "filling")
    await expect(ann.get_by_test_id("log")).to_contain_text("ben restored, as ann asked")
    await expect(ann.locator("[data-key=restore]")).to_contain_text("takes two people")
    await expect(cyd.get_by_test_id("notice")).not_to_contain_text("asks to restore")


async def test_a_request_lapses_quietly_and_a_cut_voids_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.needs_two()
    ann = await desk.page("ann", "director")
    ben = await desk.page("ben", "director")
    await ann.keyboard.press("x")
    await state_is(ann, "cut")
    await ann.keyboard.press("r")
    await ann.keyboard.press("2")
    await expect(ben.locator("[data-key=restore]")).to_contain_text("Confirm restore")
    await ben.keyboard.press("x")  # what they asked for before the cut is void
    await expect(ben.locator("[data-key=restore]")).not_to_contain_text("Confirm restore")
    for module in (two_people, marks_module):
        monkeypatch.setattr(module, "LAPSES_US", 1_500_000)
    await ann.keyboard.press("r")
    await ann.keyboard.press("2")
    await expect(ben.get_by_test_id("notice")).to_contain_text("ann asks to restore")
    await expect(ben.get_by_test_id("notice")).not_to_contain_text("ann asks", timeout=4_000)
    await expect(ben.locator("[data-key=restore]")).to_contain_text("takes two people")
    assert desk.main.state() == "cut"


async def test_the_channels_screen_demands_two_people(desk: Desk) -> None:
    director = await desk.page("ann", "director")
    await expect(director.locator("[data-key=restore]")).to_contain_text("ends the cut")
    page = await desk.page("chief", "administrator")
    await page.goto(f"{desk.stage.url}/channels/main", wait_until="commit")
    await page.get_by_role("button", name="Delay").click()
    switch = page.get_by_role("switch", name="A restore takes two people")
    await switch.focus()
    await page.keyboard.press("Space")
    await expect(switch).to_be_checked()
    await expect(director.locator("[data-key=restore]")).to_contain_text("takes two people")
    assert desk.store.get("main").restore_needs_two
    await page.keyboard.press("Space")
    await expect(page.get_by_role("alert")).to_contain_text("on air")
    await expect(switch).to_be_checked()
    await picture(page, "channels-restore-en")
    await director.goto(f"{desk.stage.url}/channels/main", wait_until="commit")
    await director.get_by_role("button", name="Delay").click()
    await expect(director.get_by_role("switch", name="A restore takes two people")).to_be_disabled()


# ---------------------------------------------------------------- the reason


async def test_a_reason_is_given_with_the_keyboard_alone(desk: Desk) -> None:
    page = await desk.page("ann", "director")
    await page.keyboard.press("x")
    await state_is(page, "cut")
    await page.keyboard.press("r")
    await page.keyboard.press("9")  # no such pick: nothing happens, least of all another channel
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("reason")).to_have_count(0)
    await page.keyboard.press("r")
    await page.keyboard.press("0")
    await page.keyboard.type("x marks 1 fault")  # letters and digits are text there
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("reason")).to_have_count(0)
    assert desk.done() == [("cut", "console:ann")]
    await page.keyboard.press("r")
    await page.keyboard.press("0")
    await page.keyboard.type("the drum was no shot")
    await page.keyboard.press("Enter")
    await desk.until_done(("restore", "console:ann"))
    assert "(the drum was no shot)" in desk.station.log_since(0)[-1].text
    await page.keyboard.press("x")  # the keys act again
    await desk.until_done(("cut", "console:ann"))


# ---------------------------------------------------------------- idle


async def test_somebody_idle_keeps_the_view_and_the_cut_and_signs_in_again_in_place(
    tmp_path: Path, feed: Feed, filler: Feed
) -> None:
    async with opened(tmp_path, feed, filler, Rules(idle_s=8)) as desk:
        page = await desk.page("ann", "director")
        await keys_are(page, KEYS["director"])
        await page.evaluate("() => { document.querySelector('[data-feed=pgm] video').keptOnce = true; }")
        form = page.get_by_test_id("again")
        await expect(form).to_contain_text("ann was signed in", timeout=20_000)
        await keys_are(page, ["cut"])
        await looks_right(page, "idle")
        await expect(page.locator("[data-feed=pvw]")).to_have_attribute("data-player", "playing")
        await page.keyboard.press("d")
        await expect(page.get_by_test_id("notice")).to_contain_text("you were idle; sign in again")
        await page.keyboard.press("x")
        await state_is(page, "cut")
        assert desk.done() == [("cut", "console:ann")]
        ben = await desk.page("ben", "operator")
        await expect(ben.get_by_test_id("others")).to_have_text("ann (idle)")

        await form.get_by_label("Password").fill("not the password")
        await page.keyboard.press("Enter")
        await expect(form.get_by_role("alert")).to_contain_text("do not belong together")
        assert await page.evaluate(HIDDEN) == []
        await form.get_by_label("Password").fill((await desk.stage.person("ann")).password)
        await page.keyboard.press("Enter")
        await keys_are(page, KEYS["director"])
        await expect(form).to_have_count(0)
        assert await page.evaluate("() => window.loadedOnce") is True
        assert await page.evaluate("() => document.querySelector('[data-feed=pgm] video').keptOnce") is True
        await page.keyboard.press("r")
        await page.keyboard.press("1")
        await desk.until_done(("restore", "console:ann"))
        await expect(page.locator("[data-feed=pvw]")).to_have_attribute("data-player", "playing")

        eve = await desk.stage.person("eve", "operator", totp=SecretBox(desk.stage.data_dir))
        await form.wait_for(timeout=20_000)
        await form.get_by_label("User name").fill("eve")  # somebody else takes over
        await form.get_by_label("Password").fill(eve.password)
        await page.keyboard.press("Enter")
        await expect(form.get_by_label("Code of the second factor")).to_be_focused()
        assert await page.evaluate(HIDDEN) == []
        await page.keyboard.type(pyotp.TOTP(eve.secret).now())
        await page.keyboard.press("Enter")
        await keys_are(page, KEYS["operator"])
        await expect(page.get_by_test_id("who")).to_have_text("eve")
        assert page.complaints == []  # type: ignore[attr-defined]


# ---------------------------------------------------------------- how it looks


async def test_nothing_hides_a_picture_or_the_cut_key_and_every_panel_fits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (two_people, marks_module):
        monkeypatch.setattr(module, "LAPSES_US", 600_000_000)
    await desk.needs_two()
    ann = await desk.page("ann", "director")
    ben = await desk.page("ben", "director")
    cyd = await desk.page("cyd", "operator")
    dan = await desk.page("dan", "auditor")
    await keys_are(cyd, KEYS["operator"])
    await looks_right(cyd, "operator")
    await looks_right(dan, "auditor")
    await ann.keyboard.press("e")
    await ann.wait_for_timeout(500)
    await ann.keyboard.press("e")
    await ann.get_by_test_id("reason").wait_for()
    await looks_right(ann, "reason-stop")
    await ann.keyboard.press("Escape")
    desk.main.cut("console:cyd", "somebody runs onto the stage and shouts")
    await state_is(ann, "cut")
    await ann.keyboard.press("r")
    await ann.get_by_test_id("reason").wait_for()
    await looks_right(ann, "reason-restore")
    await ann.keyboard.press("2")
    await ann.locator("[data-key=restore][aria-disabled=true]").wait_for()
    await ben.locator("[data-wanted=true]").wait_for()
    await looks_right(ann, "asked")
    await looks_right(ben, "confirm")
    await looks_right(cyd, "asked-operator")
