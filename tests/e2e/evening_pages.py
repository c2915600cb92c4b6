"""Pages of people who work at a console, each in a browser of its own of one real Chromium."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from tools.people import Person
from tools.serve import Gate

AXE = Path(__file__).parents[2] / "console/web/node_modules/axe-core/axe.min.js"
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
DESK, PHONE = ViewportSize(width=1280, height=720), ViewportSize(width=390, height=844)
LOADED_MS = 20_000  # a page is there, with several browsers on two cores
SIGN_IN = "input[autocomplete=current-password]"
PLAYS = "() => [...document.querySelectorAll('video')].filter(v => v.currentTime > 0).length === 2"
# What axe finds of a kind that keeps somebody from using the page.
FINDINGS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
   .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target }) => target.join(" ")).join(" | ")}`)"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; it belongs to the thread that opened it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@dataclass(kw_only=True)
class Pages:
    """Opens pages of a gate's console.

    `complaints`: exceptions on any page. `logged`: errors in the browser's log, of pages of people who are
    signed in; before that it tells of each answer 401.
    """

    gate: Gate
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def open(self, path: str = "", language: str = "en", *, phone: bool = False) -> Page:
        """Return a page of this console in a browser of its own: nobody is signed in."""
        return self.visit(f"{self.gate.page_url}{path}", language, phone=phone)

    def visit(self, url: str, language: str = "en", *, phone: bool = False) -> Page:
        context = self.browser.new_context(
            viewport=PHONE if phone else DESK, has_touch=phone, locale=LANGUAGES[language]
        )
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.goto(url, wait_until="commit")
        return page

    def desk(self, person: Person, path: str = "") -> Page:
        """Return a page of somebody who signed in on it."""
        page = self.open(path)
        sign_in(page, person)
        expect(page.get_by_test_id("who")).to_have_text(person.name, timeout=LOADED_MS)
        self._keep_log(page)
        return page

    def phone(self, person: Person, path: str) -> Page:
        """Return the page of somebody who signed in on a phone, which has a screen of fingers' size."""
        page = self.open(path, phone=True)
        sign_in(page, person)
        expect(page.get_by_test_id("phone")).to_contain_text(person.name, timeout=LOADED_MS)
        self._keep_log(page)
        return page

    def _keep_log(self, page: Page) -> None:
        page.on(
            "console",
            lambda line: self.logged.append(f"{page.url}: {line.text}") if line.type == "error" else None,
        )


def sign_in(page: Page, person: Person) -> None:
    page.wait_for_selector(SIGN_IN)
    page.locator("input[autocomplete=username]").fill(person.name)
    page.locator(SIGN_IN).fill(person.password)
    page.keyboard.press("Enter")


def findings(page: Page, where: str) -> list[str]:
    """Return what axe-core finds serious or critical on a page."""
    page.evaluate(AXE.read_text("utf-8"))
    return [f"{where}: {finding}" for finding in page.evaluate(FINDINGS)]
