"""The overlay in a real Chromium as OBS's browser source has it: 1920x1080 and no background.

Debian's OBS is built without obs-browser, whose browser (CEF) Debian does not have: no real browser source
runs here. What obs-browser does with a page is done as it does it: no background, and custom CSS as a style
element.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import expect
from public_stage import Stage
from watch_browser import (
    AUTOPLAY,
    ELEMENTS,
    ON_OVERLAY,
    Audience,
    open_audience,
    open_stage,
    picture,
    until,
)

from streamgate.store.location import Location

STYLES = ("bullet", "list", "ticker")
LOOK = """() => {
    const { color, fontSize, fontFamily, textShadow } = getComputedStyle(document.querySelector(".text"));
    return { color, fontSize, fontFamily, textShadow };
}"""
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"

# Where letters are: [left, top, right, bottom] of each text, CSS pixels. Animations are stopped first.
BOXES = """async () => {
    const moving = document.getAnimations();
    for (const one of moving) one.pause();
    await Promise.all(moving.map((one) => one.ready));
    return [...document.querySelectorAll("bdi")].map((one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        return [left, top, right, bottom].map(Math.round);
    });
}"""
# OBS's own custom CSS for a browser source, and somebody's, handed over as obs-browser's OnLoadEnd does.
OBS_CSS = """() => {
    const css = document.createElement('style');
    css.innerHTML = decodeURIComponent("body%20%7B%20color%3A%20rgb(1%2C%202%2C%203)%3B%20%7D");
    document.querySelector('head').appendChild(css);
}"""
READABLE_PX = 36
OUTLINE_PX = 8  # how far outlines and their shadow reach beyond a letter's box


@pytest.fixture
async def stage(tmp_path: Path, sqlite: Location) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, sqlite) as opened:
        yield opened


@pytest.fixture
async def audience(stage: Stage) -> AsyncIterator[Audience]:
    async with open_audience(stage, AUTOPLAY) as found:
        yield found
        assert found.complaints == []
        assert found.strangers == []


async def test_letters_are_readable_at_1080p_and_nothing_else_is_painted(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True, bullets=True)
    for style in STYLES:
        page = await audience.overlay(f"style={style}&seconds=10")
        await stage.publish(f"国国国国国国国国{STYLES.index(style)}", bullet=True)
        await page.wait_for_function(
            "() => { const box = document.querySelector('bdi')?.getBoundingClientRect();"
            " return box !== undefined && box.width > 0 && box.right < 1900; }"
        )
        before = await page.evaluate(BOXES)
        shot = await page.screenshot(omit_background=True)
        after = await page.evaluate(BOXES)
        pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGBA"))
        assert pixels.shape == (1080, 1920, 4)
        painted = pixels[:, :, 3] > 0
        assert painted.any(), style
        for left, top, right, bottom in passed(before, after):
            painted[max(0, top) : bottom, max(0, left) : right] = False
        assert not painted.any(), style
        letters = (pixels[:, :, :3] > 200).all(axis=2) & (pixels[:, :, 3] == 255)
        assert letter_height(letters) >= READABLE_PX, style
        # Whatever the picture under it: each letter lies in its outline, opaque and dark.
        edge, outline = grown(letters, 1) & ~letters, grown(letters, 2) & ~grown(letters, 1)
        assert np.argwhere(edge & (pixels[:, :, 3] <= 200)).tolist() == [], style
        assert np.median(pixels[outline][:, :3]) < 60, style
        await page.context.close()


async def test_the_custom_css_of_a_browser_source_counts(audience: Audience) -> None:
    page = await audience.overlay("style=list")
    await page.evaluate(OBS_CSS)
    assert await page.evaluate("() => getComputedStyle(document.body).color") == "rgb(1, 2, 3)"


async def test_a_page_that_breaks_its_policy_is_found_out(stage: Stage) -> None:
    async with open_audience(stage) as audience:
        page = await audience.viewer()
        await page.wait_for_selector("#root *")
        assert audience.complaints == []
        await page.evaluate(
            "() => { document.body.append(document.createElement('style')); "
            "document.querySelector('body > style').textContent = '*{color:red}'; }"
        )
        await page.evaluate("() => fetch('http://127.0.0.1:1/').catch(() => null)")
        await until(page, "() => true", lambda _: len(audience.complaints) >= 4)
        assert any(line.startswith("policy: style-src-elem inline") for line in audience.complaints)
        assert any("connect-src http://127.0.0.1:1" in line for line in audience.complaints)


async def test_the_overlay_lies_over_nothing_and_looks_as_its_address_says(
    stage: Stage, audience: Audience
) -> None:
    await stage.open(comments=True, bullets=True)
    page = await audience.overlay("style=list&color=ffcc00&size=50&rows=2&font=Noto+Sans+CJK+SC&seconds=0")
    await stage.publish("first", "second", "third")
    await until(page, ON_OVERLAY, lambda found: "third" in found and "first" not in found)
    assert await page.evaluate(BACKGROUND) == "rgba(0, 0, 0, 0)"
    look = await page.evaluate(LOOK)
    assert (look["color"], look["fontSize"]) == ("rgb(255, 204, 0)", "50px")
    assert look["fontFamily"].startswith('"Noto Sans CJK SC"')
    assert look["textShadow"] != "none"


async def test_an_overlay_that_runs_for_long_does_not_grow(stage: Stage, audience: Audience) -> None:
    await stage.open(comments=True, bullets=True)
    pages = [
        await audience.overlay(f"style={style}&seconds=3&rows=30") for style in ("bullet", "list", "ticker")
    ]
    for round_ in range(3):
        await stage.publish(*(unlike_any_other(round_ * 250 + number) for number in range(250)), bullet=True)
    await asyncio.sleep(1)
    for page in pages:
        assert await page.evaluate(ELEMENTS, "main *") < 400
    await asyncio.sleep(8)  # the crowd has crossed; nothing of it is left
    for page in pages[:2]:
        assert await page.evaluate(ELEMENTS, "main bdi.text, main .item") == 0


async def test_the_preview_says_which_values_are_not_taken(stage: Stage, audience: Audience) -> None:
    page = await audience.overlay("preview=1&size=9000&color=nonsense&rows=4")
    await expect(page.locator(".wrong")).to_have_count(2)
    await expect(page.locator(".wrong").first).to_contain_text("color: RRGGBB")
    await until(page, ON_OVERLAY, lambda found: found != [])
    await picture(page, "overlay-preview")


def unlike_any_other(number: int) -> str:
    """Return a text that the filter folds to no other's: equal ones would share a card."""
    return "".join("ka" if number & (1 << bit) else "to" for bit in range(12))


def passed(before: list[list[int]], after: list[list[int]]) -> list[tuple[int, int, int, int]]:
    """Return the areas that texts were in from one moment to the next, with their outlines."""
    return [
        (left - OUTLINE_PX, top - OUTLINE_PX, was_right + OUTLINE_PX, bottom + OUTLINE_PX)
        for (_, top, was_right, bottom), (left, *_) in zip(before, after, strict=False)
    ]


def grown(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    """Return a mask whose areas reach so many pixels further, in all eight directions."""
    for _ in range(pixels):
        wide = np.pad(mask, 1)
        rows = wide[:-2] | wide[1:-1] | wide[2:]
        mask = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return mask


def letter_height(letters: NDArray[np.bool_]) -> int:
    """Return how many rows the tallest letters of a line of text cover, pixels."""
    rows = np.flatnonzero(letters.any(axis=1))
    return int(rows[-1] - rows[0] + 1)
