"""The conveyor of the Live screen in a real Chromium, before a real gate that a feed comes in to.

Set SCREENSHOTS to a folder to have pictures of it. What reaches air is judged by test_e2e_conveyor.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from page_desk import WIDER, Desk, open_desk, picture
from playwright.async_api import Page, expect
from real_gate import fed
from tools.testfeed import Feed, make_feed

AXE = Path(__file__).parents[2] / "console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run()).violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"""
STILLS = "(least) => document.querySelectorAll('[data-still]').length >= least"
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("pages_closed")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, filler: Feed) -> AsyncIterator[Desk]:
    place = tmp_path_factory.mktemp("conveyor") / "data"
    feed = make_feed(seconds=6, width=480, height=270, fps=15, gop_s=1.0, bitrate=300_000)
    async with open_desk(place, feed, filler, stills=True) as desk:
        _, key = desk.store.add("main")
        await desk.station.reload()
        async with fed(place, key, feed):
            yield desk


async def see(desk: Desk, name: str = "dora", role: str = "director", **how: str) -> Page:
    page = await desk.person(name, roles=(role,), **how)  # type: ignore[arg-type]
    await page.goto(f"{desk.stage.url}/live/main", wait_until="commit")
    await page.wait_for_function(STILLS, arg=4, timeout=30_000)
    return page


class Hands:
    """A pointer on the conveyor, by ages: seconds since something came in."""

    def __init__(self, page: Page, box: dict[str, float]) -> None:
        self.page, self._box = page, box

    @classmethod
    async def on(cls, page: Page) -> "Hands":
        box = await page.get_by_test_id("conveyor").bounding_box()
        assert box is not None
        return cls(page, dict(box))

    async def point(self, age_s: float) -> None:
        x = self._box["x"] + self._box["width"] * age_s / 30
        await self.page.mouse.move(x, self._box["y"] + self._box["height"] * 0.4)

    async def drag(self, from_age_s: float, to_age_s: float) -> None:
        await self.point(from_age_s)
        await self.page.mouse.down()
        await self.point((from_age_s + to_age_s) / 2)
        await self.point(to_age_s)
        await self.page.mouse.up()


async def test_a_span_is_drawn_shown_snapped_condemned_and_lifted(desk: Desk) -> None:
    page = await see(desk)
    hands = await Hands.on(page)
    await hands.drag(4, 2)
    choice = page.get_by_test_id("choice")
    await expect(choice).to_contain_text(re.compile(r"Will not air: \d\.\d s"))
    chosen, snapped = page.get_by_test_id("chosen"), page.get_by_test_id("snapped")
    assert await snapped.evaluate("(one) => one.getBoundingClientRect().width") > 0
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(chosen).to_have_attribute("data-edge", "to")
    await page.keyboard.press("Enter")
    span = page.locator("[data-span]")
    await expect(span).to_have_count(1)
    await expect(page.get_by_test_id("notice")).to_contain_text("Do not air: done in")
    await expect(chosen).to_have_count(0)
    await expect(span).to_contain_text(re.compile(r"will not air \d\.\d s · dora"))
    await span.get_by_role("button").focus()
    await page.keyboard.press("Enter")  # by keys alone
    await expect(page.get_by_test_id("picked")).to_contain_text("dora")
    await page.keyboard.press("Delete")
    await page.keyboard.press("1")
    await expect(span).to_have_count(0)
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_span_is_muted_by_its_key_and_bleeped_by_its_button(desk: Desk) -> None:
    page = await see(desk)
    hands = await Hands.on(page)
    spans, choice = page.locator("[data-span]"), page.get_by_test_id("choice")
    await hands.drag(4, 2)
    keys = [await one.inner_text() for one in await choice.locator("kbd").all()]
    assert keys == ["Enter", "M", "T", "V", "Esc"], "each key is printed on its button"
    await page.keyboard.press("m")
    await expect(spans).to_have_count(1)
    await expect(page.get_by_test_id("notice")).to_contain_text("Redact: done in")
    await expect(choice).to_have_count(0)
    await expect(spans).to_contain_text(re.compile(r"muted \d\.\d s · dora"))
    await hands.drag(12, 10)
    await choice.get_by_role("button", name="Bleep").click()
    await expect(spans).to_have_count(2)
    bleeped = page.locator("[data-span][data-kind=bleep]")
    await expect(bleeped).to_contain_text(re.compile(r"bleeped \d\.\d s · dora"))
    await page.keyboard.press("m")  # nothing is chosen: nothing happens
    await expect(spans).to_have_count(2)
    status = desk.station.get("main").status()
    assert [one.kind for one in status.spans] == ["mute", "bleep"]
    assert {one.actor for one in status.spans} == {"console:dora"}
    for left in (1, 0):  # lifted like any other
        await spans.first.get_by_role("button").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Delete")
        await page.keyboard.press("1")
        await expect(spans).to_have_count(left)
    assert page.complaints == []  # type: ignore[attr-defined]


async def open_review(page: Page, hands: Hands, age_s: float) -> dict[str, float]:
    """Open the review player; return where its picture is."""
    await hands.point(age_s)
    await page.mouse.down()
    await page.mouse.up()
    await expect(page.get_by_test_id("review")).to_have_attribute("data-state", "ready", timeout=15_000)
    layer = await page.get_by_test_id("box-layer").bounding_box()
    assert layer is not None
    assert layer["width"] / layer["height"] == pytest.approx(480 / 270, abs=0.02), "the picture's shape"
    return dict(layer)


async def test_a_mosaic_over_an_area_drawn_moved_and_sized_on_the_picture(desk: Desk) -> None:
    page = await see(desk)
    hands = await Hands.on(page)
    layer = await open_review(page, hands, 9)
    mouse, box = page.mouse, page.get_by_test_id("box")

    async def drag(*points: tuple[float, float]) -> None:
        for n, (x, y) in enumerate(points):
            await mouse.move(layer["x"] + x * layer["width"], layer["y"] + y * layer["height"])
            if n == 0:
                await mouse.down()
        await mouse.up()

    await drag((0.2, 0.2), (0.4, 0.4), (0.6, 0.5))
    await expect(box).to_contain_text("40 × 30 %")
    await drag((0.4, 0.4), (0.5, 0.45))  # held in its middle: moved
    await drag((0.6995, 0.549), (0.8, 0.6))  # by its corner
    await expect(box).to_contain_text("50 × 35 %")
    await drag((0.1, 0.9), (0.1, 0.9))  # a click takes nothing away
    await expect(page.get_by_test_id("box-alone")).to_contain_text("I and O")
    await picture(page, "conveyor-box-alone")
    await page.keyboard.press("i")  # 2 s from what is shown
    await expect(page.get_by_test_id("box-alone")).to_have_count(0)
    choice = page.get_by_test_id("choice")
    await choice.get_by_role("button", name=re.compile(r"Mosaic \d\.\d s")).click()
    span = page.locator("[data-span][data-kind=mosaic]")
    await expect(span).to_contain_text(re.compile(r"mosaic \d\.\d s · dora"))
    await expect(box).to_have_count(0)
    (status,) = desk.station.get("main").status().spans
    assert status.box == pytest.approx((0.3, 0.25, 0.5, 0.35), abs=0.01)
    await expect(span).to_have_attribute("data-ready", "true", timeout=15_000)  # made by the real child
    await expect(page.locator("[data-standing]")).to_have_count(1)  # ... drawn over what it covers
    await picture(page, "conveyor-mosaic-ready")
    await page.keyboard.press("Escape")
    await lift_all(page)
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_mosaic_over_an_area_by_keys_alone(desk: Desk) -> None:
    page = await see(desk)
    box = page.get_by_test_id("box")
    await page.keyboard.press("v")  # nothing is marked
    await page.keyboard.press("a")  # no picture to draw on
    await page.keyboard.press("p")
    await expect(page.get_by_test_id("review")).to_have_attribute("data-state", "ready", timeout=15_000)
    await page.keyboard.press("Shift+D")
    for key in ("a", "ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        await page.keyboard.press(key)
    await expect(box).to_have_attribute("data-held", "true")
    await expect(box).to_contain_text("32 × 32 %")
    await page.keyboard.press("a")  # arrow keys are the span's again
    await page.keyboard.press("ArrowLeft")
    await expect(box).to_have_attribute("data-held", "false")
    await expect(box).to_contain_text("32 × 32 %")
    await page.keyboard.press("v")
    await expect(page.locator("[data-span][data-kind=mosaic]")).to_have_count(1)
    (status,) = desk.station.get("main").status().spans
    assert status.box == pytest.approx((0.33, 0.23, 0.32, 0.32))
    await page.keyboard.press("Shift+D")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("review")).to_have_count(0)
    await lift_all(page)
    assert page.complaints == []  # type: ignore[attr-defined]


async def lift_all(page: Page) -> None:
    spans = page.locator("[data-span]")
    for left in reversed(range(await spans.count())):
        await spans.first.get_by_role("button").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Delete")
        await page.keyboard.press("1")
        await expect(spans).to_have_count(left)


async def test_marks_and_proposals_by_keys_alone(desk: Desk) -> None:
    page = await see(desk)
    await page.keyboard.press("Shift+D")
    await expect(page.get_by_test_id("choice")).to_be_visible()
    await expect(page.locator("[data-span]")).to_have_count(0)  # nothing is dropped by it
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("choice")).to_have_count(0)
    await page.keyboard.press("i")
    await page.wait_for_timeout(700)
    await page.keyboard.press("o")
    await expect(page.get_by_test_id("chosen")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("state")).to_have_attribute("data-state", "cut")
    await page.keyboard.press("u")
    await page.keyboard.press("1")
    await expect(page.get_by_test_id("state")).not_to_have_attribute("data-state", "cut")
    await page.goto(f"{desk.stage.url}/multiview/main", wait_until="commit")  # the key undoes there, too
    tile = page.locator("[data-tile=main]")
    await expect(tile).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("x")
    await expect(tile).to_contain_text("CUT")
    await page.keyboard.press("u")
    await page.keyboard.press("1")
    await expect(tile).not_to_contain_text("CUT")
    assert page.complaints == []  # type: ignore[attr-defined]


async def test_a_mark_before_the_picture_is_there_is_where_the_player_goes(desk: Desk) -> None:
    page = await see(desk)
    await page.route("**/playlist.m3u8*", lambda route: None)  # never answered: the player goes on loading
    hands = await Hands.on(page)
    await hands.point(9)
    await page.mouse.down()
    await page.mouse.up()
    await expect(page.get_by_test_id("review")).to_have_attribute("data-state", "loading")
    await page.keyboard.press("i")
    chosen = await page.get_by_test_id("chosen").bounding_box()
    belt = await page.get_by_test_id("conveyor").bounding_box()
    assert chosen is not None
    assert belt is not None
    age_s = (chosen["x"] + chosen["width"] - belt["x"]) / belt["width"] * 30
    assert 8 < age_s < 14


async def test_the_pointer_shows_a_larger_still_that_covers_nothing_on_air(desk: Desk) -> None:
    page = await see(desk)
    hands = await Hands.on(page)
    await hands.point(3)
    card = page.get_by_test_id("hover")
    await expect(card).to_contain_text("airs in 27 s")
    await page.wait_for_function(
        "() => document.querySelector('[data-testid=hover] img')?.naturalWidth === 480"
    )
    inside = """() => {
        const box = (one) => document.querySelector(`[data-testid=${one}]`).getBoundingClientRect();
        const [card, belt] = [box('hover'), box('conveyor')];
        return card.top >= belt.top && card.bottom <= belt.bottom && card.left >= belt.left
            && card.right <= belt.right;
    }"""
    assert await page.evaluate(inside)


async def test_who_only_watches_marks_nothing(desk: Desk) -> None:
    page = await see(desk, "rita", "reviewer")
    hands = await Hands.on(page)
    await hands.drag(4, 2)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("notice")).to_contain_text("your role does not allow this")
    await expect(page.locator("[data-span]")).to_have_count(0)
    await hands.point(5)
    await page.mouse.down()
    await page.mouse.up()
    await expect(page.get_by_test_id("review")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "size"), [("en", "desk"), ("zh", "desk"), ("en", "large"), ("zh", "large")]
)
async def test_both_languages_and_sizes(desk: Desk, language: str, size: str) -> None:
    page = await see(desk, language=language, size=size)
    hands = await Hands.on(page)
    await hands.point(9)
    await page.mouse.down()
    await page.mouse.up()
    await expect(page.get_by_test_id("review")).to_have_attribute("data-state", "ready", timeout=15_000)
    await page.keyboard.press("a")
    await page.keyboard.press("a")
    await hands.drag(7, 4)
    await hands.point(14)
    assert await page.evaluate(WIDER) <= 0
    await picture(page, f"conveyor-{language}-{size}")
    await page.evaluate(AXE.read_text("utf-8"))
    assert await page.evaluate(SERIOUS) == []
    assert page.complaints == []  # type: ignore[attr-defined]
