"""How smoothly the Review screen scrolls with a full queue, in a real Chromium over a real `serve`.

Frames are counted by requestAnimationFrame while a mouse wheel turns.
"""

import itertools
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tools.crowd_words import sayings
from tools.hand_in import Source
from tools.people import sign_in
from tools.serve import Gate

Row = tuple[str, str, str, bool | None]
AIM_FPS = 50
NOTCH_PX = 100  # one notch of a wheel
NOTCHES_PER_S = 40  # a wheel that is spun
_LEAST_WAYS = 0.5  # of what the wheel asked for; else the list did not follow
_COUNT = """() => {
    window.frames_at = [];
    const count = (now) => { window.frames_at.push(now); window.counting = requestAnimationFrame(count); };
    window.counting = requestAnimationFrame(count);
}"""
_COUNTED = "() => { cancelAnimationFrame(window.counting); return window.frames_at; }"
_LIST = "document.querySelector('[data-testid=queue]')"
_TOP = f"() => {_LIST}.scrollTop"
_SIZE = "() => document.querySelector('[data-card]').getAttribute('aria-setsize')"
_TO_END = f"() => {{ {_LIST}.scrollTop = {_LIST}.scrollHeight; return {_LIST}.scrollHeight; }}"
_TO_MIDDLE = f"() => {{ {_LIST}.scrollTop = {_LIST}.scrollHeight / 2; }}"


@dataclass(frozen=True)
class Scroll:
    """Frames while the wheel turned. Milliseconds between two frames; `pixels`: how far the list went."""

    frames_per_s: float
    p99_ms: float
    worst_ms: float
    pixels: float


@dataclass(frozen=True)
class ReviewScreen:
    """`loading`: from the start of the queue, pages of it coming in; `loaded`: in the middle of all cards."""

    cards: int
    loading: Scroll
    loaded: Scroll

    @property
    def frames_per_s(self) -> float:
        """The slower of both."""
        return min(self.loading.frames_per_s, self.loaded.frames_per_s)


def measure(directory: Path, cards: int, seconds: float) -> ReviewScreen:
    """Scroll through so many waiting cards, for `seconds` each time."""
    gate = Gate(directory / "gate")
    gate.add("main")
    gate.start()
    try:
        gate.command("interaction", "main", "--comments", "open", "--json")
        Source(gate).hand_in({"author": name, "text": text} for name, text in sayings(cards))
        person = gate.person("ann", "senior-reviewer")
        name, value = sign_in(gate.page_url.rstrip("/"), person)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
            context.add_cookies([{"name": name, "value": value, "url": gate.page_url}])
            page = context.new_page()
            page.goto(f"{gate.page_url}review/main", wait_until="commit")
            page.locator("[data-card]").nth(10).wait_for()
            page.wait_for_timeout(1000)
            loading = _scroll(page, seconds, NOTCH_PX)
            _load_all(page, cards)
            loaded = _scroll(page, seconds, NOTCH_PX)
            browser.close()
    finally:
        gate.stop()
    return ReviewScreen(cards, loading, loaded)


def _scroll(page: Page, seconds: float, notch_px: int) -> Scroll:
    """Turn the wheel over the list."""
    box = page.get_by_test_id("queue").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = page.evaluate(_TOP)
    page.evaluate(_COUNT)
    began_s = time.monotonic()
    turned = 0
    while (passed_s := time.monotonic() - began_s) < seconds:
        if turned < passed_s * NOTCHES_PER_S:
            page.mouse.wheel(0, notch_px)
            turned += 1
        else:
            time.sleep(0.002)
    times = page.evaluate(_COUNTED)
    pixels = abs(page.evaluate(_TOP) - before)
    if pixels < turned * abs(notch_px) * _LEAST_WAYS:
        raise AssertionError(f"the list went {pixels:.0f} px of {turned * abs(notch_px)}: nothing is proven")
    gaps = sorted(after - ahead for ahead, after in itertools.pairwise(times))
    return Scroll(
        frames_per_s=1000 * len(gaps) / (times[-1] - times[0]),
        p99_ms=gaps[int(len(gaps) * 0.99)],
        worst_ms=gaps[-1],
        pixels=pixels,
    )


def _load_all(page: Page, cards: int) -> None:
    """Go to the end of the list until it holds every card, then to its middle."""
    end_s = time.monotonic() + 120
    while page.evaluate(_TO_END) < cards * 60 or page.locator(f"[aria-setsize='{cards}']").count() == 0:
        if time.monotonic() > end_s:
            raise AssertionError(
                f"the list does not reach {cards} cards within 120 s: {page.evaluate(_SIZE)}"
            )
        page.wait_for_timeout(20)
    page.evaluate(_TO_MIDDLE)  # rows that were never drawn, and as many behind them
    page.wait_for_timeout(500)


def rows(found: ReviewScreen) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    made: list[Row] = []
    for what, one in (("while pages of it load", found.loading), ("in the middle", found.loaded)):
        aim = f"aim {AIM_FPS} or more"
        name = f"Review screen, {found.cards:,} cards, {what}"
        made += [
            (f"{name}: frames/s", f"{one.frames_per_s:.1f}", aim, one.frames_per_s >= AIM_FPS),
            (f"{name}: p99 between two frames", f"{one.p99_ms:.1f} ms", "", None),
        ]
    return made
