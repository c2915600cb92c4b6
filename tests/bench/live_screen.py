"""The Live screen's conveyor in a real Chromium over a real `serve`: what it costs, how soon it answers.

The feed is that of the other parts: 6 Mb/s. Browser CPU is that of all of Chromium's processes, with both
players and the conveyor running, and with the conveyor taken away.
"""

import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Page, sync_playwright
from tools.encoder import Encoder
from tools.people import sign_in
from tools.serve import Gate

Row = tuple[str, str, str, bool | None]
FULL_S = 32.0  # the delay is full
CPU_S = 10.0
DRAGS, CLICKS = 36, 24
MORE = 8  # channels of a multiview, beside the first

# Each still: from its arrival (its number, ms of the wall clock) until it is decoded in the page.
_BEHIND = """async (seconds) => {
    const seen = new Set([...document.querySelectorAll("[data-still]")].map((one) => one.dataset.still));
    const found = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
        for (const one of document.querySelectorAll("[data-still]")) {
            if (seen.has(one.dataset.still)) continue;
            seen.add(one.dataset.still);
            const image = new Image();
            image.src = /url\\("(.*)"\\)/.exec(one.style.backgroundImage)[1];
            await image.decode();
            found.push(Date.now() - Number(one.dataset.still));
        }
        await new Promise((done) => setTimeout(done, 20));
    }
    return found;
}"""
_FRAMES = """async (seconds) => {
    const film = document.querySelector("[data-testid=film]");
    const times = [], places = [];
    await new Promise((done) => {
        const began = performance.now();
        const look = (now) => {
            times.push(now);
            places.push(new DOMMatrix(getComputedStyle(film).transform).m41);
            if (now - began < seconds * 1000) requestAnimationFrame(look); else done();
        };
        requestAnimationFrame(look);
    });
    let moved = 0;
    for (let i = 1; i < places.length; i += 1) moved += places[i] > places[i - 1];
    return [(times.length - 1) * 1000 / (times.at(-1) - times[0]), moved / (places.length - 1)];
}"""
_CLICK = """(share) => new Promise((done) => {
    const belt = document.querySelector("[data-testid=conveyor]");
    const box = belt.getBoundingClientRect();
    const place = { clientX: box.left + box.width * share, clientY: box.top + 40 };
    const where = { bubbles: true, button: 0, pointerId: 1, ...place };
    belt.setPointerCapture = () => undefined;
    const before = document.querySelector("[data-testid=review]")?.dataset.at;
    const began = performance.now();
    belt.dispatchEvent(new PointerEvent("pointerdown", where));
    belt.dispatchEvent(new PointerEvent("pointerup", where));
    const look = () => {
        const review = document.querySelector("[data-testid=review]");
        const video = review?.querySelector("video");
        const shown = review?.dataset.state === "ready" && video.readyState >= 2 && !video.seeking;
        if (shown && review.dataset.at !== before) done(performance.now() - began);
        else if (performance.now() - began > 5000) done(5000);
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
# The end of a condemned span is pulled by the pointer; the answer is the notice in the page.
_PULL = """([id, px]) => new Promise((done) => {
    const handle = document.querySelector(`[data-span="${id}"] [data-handle=from]`);
    const box = handle.getBoundingClientRect();
    const belt = document.querySelector("[data-testid=conveyor]");
    belt.setPointerCapture = () => undefined;
    const where = (x) => ({ bubbles: true, button: 0, pointerId: 1, clientX: x, clientY: box.top + 10 });
    handle.dispatchEvent(new PointerEvent("pointerdown", where(box.left + 4)));
    belt.dispatchEvent(new PointerEvent("pointermove", where(box.left + 4 + px)));
    const began = performance.now();
    window.answered = (at) => done(at - began);
    belt.dispatchEvent(new PointerEvent("pointerup", where(box.left + 4 + px)));
    setTimeout(() => done(3000), 3000);
})"""
# Note when a reply comes in on the page's websocket.
_LISTEN = """() => {
    const add = WebSocket.prototype.addEventListener;
    WebSocket.prototype.addEventListener = function (kind, heard, ...more) {
        if (kind !== "message") return add.call(this, kind, heard, ...more);
        return add.call(this, kind, (event) => {
            heard.call(this, event);
            const reply = typeof event.data === "string" && event.data.includes('"t":"reply"');
            if (reply) window.answered?.(performance.now());
        }, ...more);
    };
}"""
_TILES_PLAY = """(count) =>
    document.querySelectorAll("[data-tile] [data-player=playing]").length >= count"""
_AWAY = "() => { document.querySelector('[data-testid=conveyor]').style.display = 'none'; }"
_BACK = "() => { document.querySelector('[data-testid=conveyor]').style.display = ''; }"


@dataclass(frozen=True)
class LiveScreen:
    """Milliseconds; CPU in percent of a core. `moved`: share of frames in which the film had moved on."""

    stills_cpu: float
    behind_ms: list[float]
    frames_per_s: float
    frames_without: float
    moved: float
    browser_cpu: float
    browser_cpu_without: float
    multiview_cpu: float
    picture_ms: list[float]
    answer_ms: list[float]


def measure(clip: Path, small: Path, directory: Path) -> LiveScreen:
    """Measure with a feed of `clip`, played again and again. `small`: of a multiview's other channels."""
    gate = Gate(directory / "gate")
    url = gate.add("main")
    gate.start()
    encoders = [Encoder(clip, url, loop=True)]
    try:
        name, value = sign_in(gate.page_url.rstrip("/"), gate.person("ann", "director"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
            context.add_cookies([{"name": name, "value": value, "url": gate.page_url}])
            page = context.new_page()
            page.add_init_script(f"({_LISTEN})()")
            page.goto(f"{gate.page_url}live", wait_until="commit")
            page.wait_for_selector("[data-still]", timeout=30_000)
            page.wait_for_timeout(FULL_S * 1000)
            child, before = _cpu_of(gate, "streamgate.watch.child"), time.monotonic()
            behind = page.evaluate(_BEHIND, CPU_S)
            stills = (_cpu_of(gate, "streamgate.watch.child") - child) / (time.monotonic() - before) * 100
            running = _browser_cpu(page)
            page.evaluate(_AWAY)
            without = _browser_cpu(page)
            frames_without, _ = page.evaluate(_FRAMES, 5)
            page.evaluate(_BACK)
            frames, moved = page.evaluate(_FRAMES, 5)
            pictures = []
            for number in range(CLICKS):
                pictures.append(page.evaluate(_CLICK, random.uniform(0.2, 0.9)))
                page.wait_for_timeout(250)
                if number % 4 == 3:
                    page.keyboard.press("Escape")
            page.keyboard.press("Escape")
            answers = _pull_ends(page, gate)
            encoders += [Encoder(small, gate.add(f"more-{number}"), loop=True) for number in range(MORE)]
            page.goto(f"{gate.page_url}multiview/more-0", wait_until="commit")
            page.wait_for_function(_TILES_PLAY, arg=MORE + 1, timeout=30_000)
            page.wait_for_timeout(3000)
            multiview = _browser_cpu(page)
            browser.close()
    finally:
        for one in encoders:
            one.stop()
        gate.stop()
    return LiveScreen(
        stills, behind, frames, frames_without, moved, running, without, multiview, pictures, answers
    )


def _pull_ends(page: Page, gate: Gate) -> list[float]:
    """Pull the beginning of one span after another to and fro."""
    answers: list[float] = []
    while len(answers) < DRAGS:
        done = gate.command("condemn", "main", "--from", "-6", "--to", "-2", "--json").json["span"]
        page.wait_for_selector(f'[data-span="{done}"]')
        box = page.locator(f'[data-span="{done}"]').bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 12)
        page.wait_for_selector(f'[data-span="{done}"] [data-handle=from]')
        for number in range(12):
            answers.append(page.evaluate(_PULL, [done, 12 if number % 2 == 0 else -12]))
            page.wait_for_timeout(700)
    return answers


def _cpu_of(gate: Gate, module: str) -> float:
    """Return the CPU seconds that a child process of `serve` has used."""
    assert gate.process is not None
    for child in psutil.Process(gate.process.pid).children(recursive=True):
        if module in child.cmdline():
            used = child.cpu_times()
            return float(used.user + used.system)
    raise AssertionError(f"there is no {module}")


def _browser_cpu(page: Page) -> float:
    """Return the percent of a core that all of Chromium takes for CPU_S."""
    mine = [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]

    def used() -> float:
        return sum(times.user + times.system for times in (one.cpu_times() for one in mine))

    before, began = used(), time.monotonic()
    page.wait_for_timeout(CPU_S * 1000)
    return (used() - before) / (time.monotonic() - began) * 100


def _share(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def rows(found: LiveScreen) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    behind, picture, answer = max(found.behind_ms), found.picture_ms, found.answer_ms
    conveyor = found.browser_cpu - found.browser_cpu_without
    made: list[tuple[str, float, str, float, bool]] = [
        ("process that makes stills, % of a core", found.stills_cpu, "under", 1.5, True),
        ("still behind live, longest, ms", behind, "under", 1500, True),
        ("frames/s", found.frames_per_s, "aim", 58, False),
        ("conveyor in the browser, % of a core beside two players", conveyor, "under", 15, True),
        ("click to picture in the review player p95, ms", _share(picture, 0.95), "under", 400, True),
        ("drag end to the gate's answer p99, ms", _share(answer, 0.99), "under", 100, True),
        ("multiview of 9 channels in the browser, % of a core", found.multiview_cpu, "under", 40, True),
    ]
    shown = [
        (f"Live screen: {what}", f"{value:.1f}", f"{word} {limit:g}", (value < limit) == below)
        for what, value, word, limit, below in made
    ]
    more: list[tuple[str, float]] = [
        ("frames/s without the conveyor: what this browser does", found.frames_without),
        ("all of the browser, % of a core", found.browser_cpu),
        ("frames in which the film had moved, %", found.moved * 100),
        ("click to picture p50, ms", _share(picture, 0.5)),
        ("drag end to the gate's answer p50, ms", _share(answer, 0.5)),
    ]
    rows: list[Row] = [*shown, *((f"Live screen: {what}", f"{value:.1f}", "", None) for what, value in more)]
    return rows
