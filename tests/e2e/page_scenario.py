"""Proof 5: an operator with a real Chromium watches a broadcast and cuts it."""

import shutil
import time
from dataclasses import dataclass
from typing import Any, Literal

import conveyor_scenario
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate
from stage import Stage
from tools.timecode import Mark, centres, from_levels

OPENS_AT_S = 60  # `cameras` and `marked` are on air then, and have their own commands behind them
WIDTH, HEIGHT = 640, 360

# Draw the picture a video element shows now; return the darkest and brightest level around each point.
_LEVELS = """([index, points, width, height]) => {
    const video = document.querySelector(`[data-feed=${["pvw", "pgm"][index]}] video`);
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, width, height);
    const levels = points.map(([x, y]) => {
        const data = context.getImageData(x - 2, y - 2, 5, 5).data;
        const greens = Array.from({ length: 25 }, (_, i) => data[4 * i + 1]);
        return [Math.min(...greens), Math.max(...greens)];
    });
    return { levels, time: video.currentTime, paused: video.paused, muted: video.muted };
}"""


# Each tile of a multiview: what its player says.
_TILES = """() => Object.fromEntries([...document.querySelectorAll("[data-tile]")].map((tile) => [
    tile.dataset.tile, tile.querySelector("[data-player]").dataset.player,
]))"""


@dataclass(frozen=True)
class Look:
    """What the two players show at one moment; PVW first."""

    at_s: float
    marks: tuple[Mark | None, Mark | None]
    times: tuple[float, float]
    muted: tuple[bool, bool]


def look(page: Page) -> Look:
    points = centres(WIDTH, HEIGHT)
    pvw, pgm = (page.evaluate(_LEVELS, [index, points, WIDTH, HEIGHT]) for index in (0, 1))

    def mark(seen: dict[str, Any]) -> Mark | None:
        # a browser shows limited-range levels at full range: widen nothing, the thresholds leave room
        return from_levels([(low, high) for low, high in seen["levels"]])

    return Look(
        time.monotonic(), (mark(pvw), mark(pgm)), (pvw["time"], pgm["time"]), (pvw["muted"], pgm["muted"])
    )


def look_at_many(stage: Stage, page: Page) -> None:
    """All channels of this gate at a time, while others are on air, too."""
    live = page.url
    open_many(stage, page)
    page.wait_for_timeout(4000)
    stage.seen["tiles"] = page.evaluate(_TILES)
    page.screenshot(path=stage.directory / "page-multiview.png")
    back_to_live(page, live)


def cut_one_of_many(stage: Stage, page: Page) -> None:
    """Another channel is chosen, then this one again, and cut by key."""
    live, tile = page.url, f"[data-tile={stage.name}]"
    open_many(stage, page)
    number = page.locator(tile).get_attribute("aria-keyshortcuts") or ""
    page.keyboard.press("1" if number != "1" else "2")
    page.keyboard.press(number)
    page.keyboard.press("x")
    stage.seen["tile says cut"] = until(page, f"{tile}[data-tally=amber]", 5)
    channels = stage.gate.command("status", "--json").json["channels"]
    stage.seen["cut channels"] = [one["name"] for one in channels if one["requested"] == "cut"]
    page.keyboard.press("r")
    page.keyboard.press("1")
    back_to_live(page, live)


def open_many(stage: Stage, page: Page) -> None:
    page.goto(page.url.replace("/live/", "/multiview/"), wait_until="commit")
    page.wait_for_selector(f"[data-tile={stage.name}][aria-pressed=true]")


def back_to_live(page: Page, live: str) -> None:
    page.goto(live, wait_until="commit")
    page.wait_for_selector("[data-feed=pgm][data-player=playing]", timeout=10_000)


def until(
    page: Page, selector: str, seconds: float, state: Literal["visible", "detached"] = "visible"
) -> bool:
    """Wait until an element is there, or gone; return whether it came to that."""
    try:
        page.wait_for_selector(selector, timeout=seconds * 1000, state=state)
    except TooLate:
        return False
    return True


def watched(stage: Stage) -> None:
    """Looks at both players for a few seconds, then presses the cut button, then the key that restores."""
    stage.publish()
    stage.at(OPENS_AT_S)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--autoplay-policy=no-user-gesture-required", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda line: (
                problems.append(f"{line.text} {line.location['url']}") if line.type == "error" else None
            ),
        )
        page.goto(f"http://127.0.0.1:{stage.gate.console}/#{stage.name}", wait_until="commit")
        page.wait_for_timeout(2000)
        stage.seen["anonymous videos"] = page.locator("video").count()
        stage.seen["anonymous says"] = page.locator("body").inner_text()
        problems.clear()
        ann = stage.gate.person("ann", "director")
        page.get_by_label("User name").fill(ann.name)
        page.get_by_label("Password").fill(ann.password)
        page.get_by_role("button", name="Sign in").click()
        stage.seen["who"] = page.get_by_test_id("who").inner_text()
        page.wait_for_selector("video", timeout=20_000)
        page.wait_for_function(
            "() => [...document.querySelectorAll('video')].filter(v => v.currentTime > 0).length === 2",
            timeout=30_000,
        )
        page.wait_for_timeout(3000)
        looks = []
        for _ in range(6):
            looks.append(look(page))
            page.wait_for_timeout(500)
        stage.seen["looks"] = looks
        page.screenshot(path=stage.directory / "page-live.png")
        look_at_many(stage, page)
        conveyor_scenario.operate(stage, page)
        stage.seen["pressed"] = time.monotonic()
        page.locator("[data-key=cut]").click()
        stage.seen["says cut"] = until(page, "[data-testid=state][data-state=cut]", 5)
        stage.seen["cut shown"] = time.monotonic()
        page.wait_for_timeout(2500)
        stage.seen["after the cut"] = look(page)
        stage.look("cut")
        page.screenshot(path=stage.directory / "page-cut.png")
        page.keyboard.press(page.locator("[data-key=restore]").get_attribute("aria-keyshortcuts") or "")
        stage.seen["asks why"] = until(page, "[data-testid=reason]", 5)
        page.keyboard.press("1")
        page.wait_for_timeout(1000)
        stage.look("restored")
        conveyor_scenario.undo(stage, page)
        page.wait_for_timeout(1500)
        stage.seen["after the undo"] = look(page)
        cut_one_of_many(stage, page)
        stage.seen["problems"] = list(problems)
        stage.gate.kill("console")
        stage.seen["says lost"] = until(page, "[data-testid=outage]", 5)
        page.screenshot(path=stage.directory / "page-lost.png")
        stage.seen["found again"] = until(page, "[data-testid=outage]", 20, "detached")
        page.wait_for_timeout(3000)
        stage.seen["after the console"] = look(page)
        browser.close()
    stage.do("stop", "stop", stage.name, "--json")
