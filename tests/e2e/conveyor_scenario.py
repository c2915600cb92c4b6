"""The conveyor of the Live screen in the hands of an operator: review, mark, condemn, pull, lift, undo."""

import time
from typing import Any

from playwright.sync_api import Page
from stage import Stage
from tools.timecode import centres, from_levels

WIDTH, HEIGHT = 640, 360
DELAY_S = 30

# Draw the picture of a video element; return the darkest and brightest level around each point.
LEVELS = """([selector, points, width, height]) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(document.querySelector(selector), 0, 0, width, height);
    return points.map(([x, y]) => {
        const data = context.getImageData(x - 2, y - 2, 5, 5).data;
        const greens = Array.from({ length: 25 }, (_, i) => data[4 * i + 1]);
        return [Math.min(...greens), Math.max(...greens)];
    });
}"""
REVIEW_SHOWS = """() => {
    const review = document.querySelector("[data-testid=review]");
    const video = review?.querySelector("video");
    return review?.dataset.state === "ready" && video.readyState >= 2 && !video.seeking;
}"""
STILLS = """async () => (await Promise.all([...document.querySelectorAll("[data-still]")].map(async (one) => {
    const image = new Image();
    image.src = /url\\("(.*)"\\)/.exec(one.style.backgroundImage)[1];
    await image.decode();
    return [image.naturalWidth, image.naturalHeight];
})))"""
MOVES = """async () => {
    const film = document.querySelector("[data-testid=film]");
    const place = () => new DOMMatrix(getComputedStyle(film).transform).m41 / film.clientWidth;
    const began = [performance.now(), place()];
    await new Promise((done) => setTimeout(done, 1000));
    return (place() - began[1]) / (performance.now() - began[0]) * 1000;
}"""


# Pull the beginning of a condemned span by so many pixels; at once, since the film moves.
PULL = """([id, px]) => {
    const belt = document.querySelector("[data-testid=conveyor]");
    const handle = document.querySelector(`[data-span="${id}"] [data-handle=from]`);
    const { left, top } = handle.getBoundingClientRect();
    const take = belt.setPointerCapture;
    belt.setPointerCapture = () => undefined; // there is no such pointer
    for (const [one, kind, x] of [[handle, "down", 4], [belt, "move", 4 + px], [belt, "up", 4 + px]]) {
        const where = { bubbles: true, button: 0, pointerId: 1, clientX: left + x, clientY: top + 8 };
        one.dispatchEvent(new PointerEvent(`pointer${kind}`, where));
    }
    belt.setPointerCapture = take;
}"""


class Hands:
    """A pointer on the conveyor, by ages: seconds since something came in."""

    def __init__(self, page: Page) -> None:
        self.page = page
        box = page.get_by_test_id("conveyor").bounding_box()
        assert box is not None
        self._box = box
        self._y = box["y"] + box["height"] * 0.4

    def point(self, age_s: float) -> None:
        self.page.mouse.move(self._box["x"] + self._box["width"] * age_s / DELAY_S, self._y)

    def click(self, age_s: float) -> None:
        self.point(age_s)
        self.page.mouse.down()
        self.page.mouse.up()

    def drag(self, from_age_s: float, to_age_s: float) -> None:
        self.point(from_age_s)
        self.page.mouse.down()
        self.point((from_age_s + to_age_s) / 2)
        self.point(to_age_s)
        self.page.mouse.up()

    def away(self) -> None:
        self.page.mouse.move(self._box["x"] + 20, self._box["y"] - 60)


def spans(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.gate.status(stage.name)["spans"]
    return found


def shown_by_review(page: Page) -> tuple[float, int | None]:
    """Return the moment that the review player shows, and the frame that is in its picture."""
    page.wait_for_function(REVIEW_SHOWS, timeout=10_000)
    page.wait_for_timeout(250)
    at = float(page.get_by_test_id("review").get_attribute("data-at") or 0)
    levels = page.evaluate(LEVELS, ["[data-testid=review] video", centres(WIDTH, HEIGHT), WIDTH, HEIGHT])
    mark = from_levels([(low, high) for low, high in levels])
    return at, None if mark is None else mark.frame


def operate(stage: Stage, page: Page) -> None:
    """Review, mark, condemn and pull one span; condemn another one by drag, and lift it."""
    seen, hands = stage.seen, Hands(page)
    seen["wall"] = time.time() - time.monotonic()  # add to a time of CLOCK_MONOTONIC
    page.wait_for_function("() => document.querySelectorAll('[data-still]').length >= 8", timeout=20_000)
    seen["stills"] = page.evaluate(STILLS)
    seen["film moves"] = page.evaluate(MOVES)
    hands.point(18)
    seen["hover"] = page.get_by_test_id("hover").inner_text()
    hands.click(18)
    seen["review"] = shown_by_review(page)
    seen["videos beside"] = page.locator("[data-feed] video").count()
    page.keyboard.press(".")
    seen["a frame on"] = shown_by_review(page)
    hands.away()
    page.screenshot(path=stage.directory / "page-review.png")
    page.keyboard.press("i")
    hands.click(16.5)
    seen["out"] = shown_by_review(page)
    page.keyboard.press("o")
    snapped = page.get_by_test_id("snapped")
    seen["snapped"] = [float(snapped.get_attribute(f"data-{end}") or 0) for end in ("from", "to")]
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-span]", timeout=5_000)
    (seen["condemned"],) = spans(stage)
    # Another one, by drag, younger; its beginning is pulled, then it is lifted.
    hands.drag(9, 6)
    page.keyboard.press("Enter")
    page.locator("[data-span]").nth(1).wait_for(timeout=5_000)
    seen["two"] = spans(stage)
    second = seen["two"][-1]["id"]
    page.locator(f"[data-span={second}] button").focus()
    page.keyboard.press("Enter")
    seen["picked"] = page.get_by_test_id("picked").inner_text()
    page.evaluate(PULL, [second, 30])
    page.wait_for_timeout(500)
    seen["pulled"] = next(span for span in spans(stage) if span["id"] == second)
    page.screenshot(path=stage.directory / "page-spans.png")
    page.keyboard.press("Delete")
    seen["asks why to lift"] = page.get_by_test_id("reason").count()
    page.keyboard.press("1")
    page.wait_for_timeout(500)
    seen["lifted"] = spans(stage)
    page.keyboard.press("Shift+D")
    seen["proposed"] = page.get_by_test_id("choice").get_attribute("data-why")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    seen["review closed"] = page.get_by_test_id("review").count() == 0
    aired_at = seen["condemned"]["to_at"] + DELAY_S + 1.5  # a second behind it has aired, too
    page.wait_for_timeout(max(0.0, aired_at - time.time()) * 1000)


def undo(stage: Stage, page: Page) -> None:
    """Take the cut back; what it held and has not reached air airs."""
    stage.seen["undo offered"] = page.get_by_test_id("undo-cut").count()
    stage.seen["taken back"] = time.monotonic()
    page.keyboard.press("u")
    page.keyboard.press("1")
    stage.seen["undone"] = stage.gate.wait_for(stage.name, lambda status: status["state"] == "live", 10)
