"""Holes in a feed, seen by the real page in a real Chromium: it plays on before the next keyframe."""

import asyncio
import itertools
import shutil
from pathlib import Path

import pytest
from console_stage import Stage
from playwright.async_api import Page, async_playwright
from tools.standin_channel import Loop
from tools.testfeed import Feed, make_feed

from console import pages
from streamgate.core.packet import FeedFormat, Kind, Packet

STATIC = Path(pages.__file__).parent / "static"
GOP_MS = 8000
# When (after the first keyframe, ms), how long, and of what: the next keyframe is seconds away from each.
HOLES = [(1500, 90, "both"), (2700, 400, "both"), (4200, 400, "video"), (10_500, 3000, "both")]
SOUND_HOLES = [(5800, 400, "audio")]
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
]
# On a busy machine; 0.1-0.3 s on an idle one. Without the bridging a picture stands for 1.6 s and more.
SLACK_MS = 900

# Note for each picture of PVW when it was shown (ms) and its time in the stream (s).
WATCH = """() => {
    const video = document.querySelector("[data-feed=pvw] video");
    window.shown = []; window.broken = [];
    video.addEventListener("error", () => window.broken.push(String(video.error?.message)));
    const note = (now, { mediaTime }) => {
        window.shown.push([performance.now(), mediaTime]);
        video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
}"""


def moved(p: Packet, by_ms: int) -> Packet:
    return Packet(p.kind, p.dts + by_ms, p.pts + by_ms, p.keyframe, p.data)


def holey(feed: Feed, holes: list[tuple[int, int, str]]) -> Feed:
    """Two rounds of `feed` by an encoder that made no picture, or lost the sound, during `holes`.

    Pictures are not taken out, since those after them need them, but come later.
    """
    packets = []
    for packet in (moved(p, n * feed.duration_ms) for n in range(3) for p in feed.packets):
        if packet.kind is Kind.VIDEO:
            late = 0
            for at, lasts, of in holes:
                if of != "audio" and packet.dts + late >= at:
                    late += lasts
            packets.append(moved(packet, late))
        elif not any(at <= packet.dts < at + lasts for at, lasts, of in holes if of != "video"):
            packets.append(packet)
    packets = [p for p in packets if p.dts < 2 * feed.duration_ms]
    packets.sort(key=lambda p: (p.dts, p.kind))
    return Feed(feed.format, packets, 2 * feed.duration_ms)


async def watch(stage: Stage, feed: Feed, seconds: float) -> tuple[list[tuple[float, float]], list[str]]:
    """Let the encoder begin once the page watches; return what was shown (ms, s of the stream) and errors."""
    stage.channel.connected = False
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page: Page = await browser.new_page(viewport={"width": 1000, "height": 700})
        name, _, value = (await stage.sign_in()).partition("=")
        await page.context.add_cookies([{"name": name, "value": value, "url": stage.url}])
        await page.goto(stage.url, wait_until="commit")
        await page.wait_for_selector("[data-feed=pvw] video", timeout=20_000)
        await page.evaluate(WATCH)
        await stage.until(lambda: any(s.streams for s in stage.gate.subscribers))
        stage.channel.feed, stage.channel._live = feed, Loop(feed, stage.channel.ms())
        stage.channel.connected = True
        await asyncio.sleep(seconds)
        shown, broken, now = await page.evaluate("[window.shown, window.broken, performance.now()]")
        await browser.close()
    return [*map(tuple, shown), (now, shown[-1][1])], broken


@pytest.fixture(scope="module")
def long_gop() -> Feed:
    return make_feed(seconds=8, width=160, height=96, gop_s=GOP_MS / 1000, bitrate=100_000)


@pytest.fixture
def page_stage(tmp_path: Path, long_gop: Feed, filler: Feed) -> Stage:
    assert pages.is_built(STATIC), "the page is not built: make page"
    # The stand-in names the format when it is asked for the feed, before the encoder begins.
    return Stage(tmp_path / "data", long_gop, filler, STATIC)


@pytest.mark.parametrize("sound", [True, False], ids=["with sound", "without sound"])
async def test_no_hole_stops_the_picture_until_the_next_keyframe(
    page_stage: Stage, long_gop: Feed, sound: bool
) -> None:
    if not sound:
        video = [p for p in long_gop.packets if p.kind is Kind.VIDEO]
        long_gop = Feed(FeedFormat(long_gop.format.video, None), video, long_gop.duration_ms)
    page_stage.channel.feed = long_gop
    feed = holey(long_gop, HOLES + SOUND_HOLES)
    keys = [p.dts for p in feed.packets if p.keyframe]
    async with page_stage.gate.running(), page_stage.console():
        shown, broken = await watch(page_stage, feed, 15.5)
    assert broken == []
    stops = [(after - at, media * 1000) for (at, media), (after, _) in itertools.pairwise(shown[10:])]
    for at, lasts, of in HOLES + SOUND_HOLES:
        assert min(key - at for key in [*keys, feed.duration_ms] if key > at) > lasts + SLACK_MS
        stop, _ = max(stop for stop in stops if at - 700 < stop[1] < at + lasts + 500)
        assert stop < (0 if of == "audio" else lasts) + SLACK_MS, f"{lasts} ms without {of} at {at}"
    assert shown[-1][1] > 14
