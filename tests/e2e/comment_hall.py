"""A hall with a gate: viewers and reviewers in browsers, an overlay, and a program that reads the feed."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tools.people import Person
from tools.serve import Gate

TERMS = """@category institution
@severity sensitive
校董会内幕 | sensitive
录取名额内定 | important
出售期末答案 | block
大草包 | sensitive
"""
AXE = Path(__file__).parents[2] / "console/web/node_modules/axe-core/axe.min.js"
FINDINGS = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(" | ")}`)"""
# Ask for something as the page itself does, with its cookie.
ASK = """async ([path, body]) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, ...(await answer.json()) };
}"""
# Note by the page's clock (ms since the epoch) when no element of a kind has a text any more, or one has it.
NOTE_CHANGE = """([where, text, there]) => {
    const isThere = () => [...document.querySelectorAll(where)].some((one) => one.textContent.includes(text));
    const look = () => { if (isThere() === there) window.notedMs ??= Date.now(); };
    window.notedMs = undefined;
    const all = { childList: true, subtree: true, characterData: true };
    new MutationObserver(look).observe(document.body, all);
}"""
NOTED = "() => window.notedMs !== undefined"
# Note when the next key or click was made on this page.
NOTE_HAND = """() => {
    const note = () => { window.handMs = Date.now(); };
    for (const kind of ["keydown", "mousedown"]) window.addEventListener(kind, note, { capture: true });
}"""


@dataclass
class FeedReader:
    """Another program: reads the server-sent events of a channel in a thread.

    `events`: name, data, when it came (seconds since the epoch).
    """

    url: str
    events: list[tuple[str, dict[str, Any], float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._client = httpx.Client(trust_env=False, timeout=30)
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with suppress(httpx.HTTPError, RuntimeError), self._client.stream("GET", self.url) as answer:
            name = ""
            for line in answer.iter_lines():
                if self._stop:
                    return
                kind, _, value = line.partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    self.events.append((name, json.loads(value), time.time()))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for kind, data, _ in list(self.events) if kind == name]

    def texts(self) -> list[str]:
        """Return what was published, in its order."""
        return [data["text"] for data in self.of("publish")]

    def when(self, name: str, number: int) -> float:
        """Return when an event of a comment came, milliseconds since the epoch, as pages count."""
        (found,) = [at for kind, data, at in list(self.events) if kind == name and data["id"] == number]
        return found * 1000

    def close(self) -> None:
        self._stop = True
        self._client.close()
        self._thread.join(5)


@dataclass
class Hall:
    """`url`: for the encoder. `complaints`: what pages' scripts failed on."""

    gate: Gate
    url: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{self.gate.public}"

    def visit(self, url: str, width: int = 1280) -> Page:
        """Return a page in a browser of its own."""
        context = self.browser.new_context(viewport={"width": width, "height": 720}, locale="en-GB")
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.goto(url, wait_until="commit")
        return page

    def viewer(self) -> Page:
        return self.visit(f"{self.public}/watch/main")

    def overlay(self) -> Page:
        address = self.gate.command("overlay", "main", "--style", "list", "--json").json["overlay"]
        page = self.visit(f"{address}&seconds=0&rows=12", width=1920)
        page.wait_for_selector("body[data-link=up]")
        return page

    def desk(self, person: Person) -> Page:
        """Return the Review screen of somebody who signed in on it."""
        page = self.visit(f"{self.gate.page_url}review/main")
        page.locator("input[autocomplete=username]").fill(person.name)
        page.locator("input[autocomplete=current-password]").fill(person.password)
        page.keyboard.press("Enter")
        page.get_by_test_id("review").wait_for()
        return page

    def findings(self, page: Page) -> list[str]:
        """Return what axe finds of a kind that keeps somebody from using the page."""
        page.evaluate(AXE.read_text("utf-8"))
        return list(page.evaluate(FINDINGS))


def write(page: Page, text: str, nickname: str | None = None) -> None:
    """Write a comment as a viewer does; it was accepted when this returns."""
    if nickname is not None:
        page.get_by_label("Nickname").fill(nickname)
    box = page.locator("textarea")
    box.fill(text)
    box.press("Enter")
    expect(box).to_have_value("")
    expect(page.locator("#said")).to_have_text("Your comment waits for review. Only you see it.")


def ask(page: Page, path: str, body: object) -> dict[str, Any]:
    return dict(page.evaluate(ASK, [path, body]))


def press(page: Page, *keys: str) -> None:
    """Press keys as somebody does who looks before each: a card that has just come takes none."""
    for key in keys:
        page.wait_for_timeout(200)
        page.keyboard.press(key)


def until(wanted: Callable[[], object], seconds: float = 15) -> None:
    end_s = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end_s, "not in time"
        time.sleep(0.02)


@contextmanager
def open_hall(directory: Path) -> Iterator[Hall]:
    """Serve a channel `main` with HLS and with terms of the institution, and have a browser."""
    terms = directory / "institution.txt"
    terms.write_text(TERMS, "utf-8")
    gate = Gate(directory / "gate")
    url = gate.add("main", "watch=hls:")
    lists = str(gate.directory / "wordlists")
    installed = gate.command("filter", "import", str(terms), "--category", "institution", "--to", lists)
    assert installed.code == 0, installed.out
    gate.start()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
            )
            yield Hall(gate, url, browser)
            browser.close()
    finally:
        gate.stop()
