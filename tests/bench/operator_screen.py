"""An operator in a real Chromium: how old the pictures are that are seen, how soon a cut is on the wire.

Once with the operator alone, once with 20 pages open and 200 requests a second on the console; the conveyor
runs in both. The feed is that of the other parts: 6 Mb/s. Pictures are told by the marks in them
(`tools.timecode`); arrival and departure are those of their packets on the wire.
"""

import json
import shutil
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.audience import PER_PERSON, audience
from bench.load import delay_errors_ms
from bench.meter import Spread, shares
from playwright.sync_api import Page, sync_playwright
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.people import sign_in
from tools.rtmpwire import Message
from tools.serve import Gate
from tools.tap import Loop, Tap
from tools.timecode import centres, frames_by_payload, from_levels
from websockets.sync.client import unix_connect

Row = tuple[str, str, str, bool | None]
FULL_S = 34.0  # the delay is full, and a keyframe has come
VIEWERS = (1, 5, 20)
RATE = 200.0  # requests a second
WATCH_S = 12.0
CUTS = 50  # in each column
SIZE = (320, 180)  # that a picture is looked at in
NEWEST_S = 15.0  # the clip is looped: a picture came or left so long ago at most, a player is never later

# Each picture that a player presents: when (ms of the wall clock), and the levels around its blocks.
_PRESENTED = """([feed, points, width, height, seconds]) => new Promise((done) => {
    const video = document.querySelector(`[data-feed=${feed}] video`);
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const found = [], end = performance.now() + seconds * 1000;
    const look = (now) => {
        context.drawImage(video, 0, 0, width, height);
        const { data } = context.getImageData(0, 0, width, height);
        const levels = points.map(([x, y]) => {
            const greens = [];
            for (let row = y - 1; row <= y + 1; row += 1)
                for (let column = x - 1; column <= x + 1; column += 1)
                    greens.push(data[4 * (row * width + column) + 1]);
            return [Math.min(...greens), Math.max(...greens)];
        });
        found.push([performance.timeOrigin + now, levels]);
        if (now < end) video.requestVideoFrameCallback(look); else done(found);
    };
    video.requestVideoFrameCallback(look);
})"""
# When a key or the pointer went down, ms of the wall clock.
_NOTE_PRESS = """() => {
    const note = (event) => { window.pressed = performance.timeOrigin + event.timeStamp; };
    for (const kind of ["keydown", "pointerdown"]) window.addEventListener(kind, note, true);
}"""


@dataclass(frozen=True)
class Column:
    """Milliseconds. `last_live`: key or pointer down until the last live byte was on the wire, 0 without one.

    `pvw`: a picture's last byte on the way in until it is presented. `pgm`: its first byte on the way out
    until it is. `errors`: of the delay, on the wire.
    """

    last_live: dict[str, list[float]]
    pvw: list[float]
    pgm: list[float]
    errors: list[float]


@dataclass(frozen=True)
class Operator:
    """`served`: percent of a core by process, by number of viewers."""

    idle: Column
    busy: Column
    served: dict[int, dict[str, float]]


class _Room:
    """A serve on air, its taps, the operator's page."""

    def __init__(self, stack: ExitStack, clip: Path, directory: Path) -> None:
        self.frames = frames_by_payload(clip)
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform", record=False)
        stack.callback(platform.close)
        self.gate = Gate(directory / "gate")
        self.leaving = Tap(loop, platform.port)
        stack.callback(self.leaving.close)
        url = self.gate.add("main", f"rtmp://127.0.0.1:{self.leaving.port}/live/main")
        self.gate.start()
        stack.callback(self.gate.stop)
        self.entry = Tap(loop, self.gate.rtmp)
        stack.callback(self.entry.close)
        encoder = Encoder(clip, url.replace(f":{self.gate.rtmp}/", f":{self.entry.port}/"), loop=True)
        stack.callback(encoder.stop)
        socket = str(self.gate.directory / "run" / "gate.sock")
        self._control = stack.enter_context(unix_connect(socket, "ws://localhost/"))
        self._playwright = stack.enter_context(sync_playwright())
        stack.callback(self.close_page)
        self._browser: Any = None

    def open_page(self) -> Page:
        self._browser = self._playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"],
        )
        context = self._browser.new_context(viewport={"width": 1280, "height": 720}, locale="zh-CN")
        name, value = sign_in(self.gate.page_url.rstrip("/"), self.gate.person("ann", "director"))
        context.add_cookies([{"name": name, "value": value, "url": self.gate.page_url}])
        page: Page = context.new_page()
        page.goto(f"{self.gate.page_url}live/main", wait_until="commit")
        page.wait_for_selector("[data-feed=pgm][data-player=playing]", timeout=30_000)
        page.wait_for_selector("[data-still]", timeout=30_000)
        page.evaluate(_NOTE_PRESS)
        return page

    def close_page(self) -> None:
        if self._browser is not None:
            self._browser.close()
            self._browser = None

    def pids(self) -> dict[str, int]:
        return {name: self.gate.pid(name) for name in ("gate", "ingest", "console")}

    def take_back(self) -> None:
        """Take a cut back, and wait until the program is live again."""
        self._control.send(json.dumps({"id": 1, "v": 1, "actor": "bench", "cmd": "uncut", "channel": "main"}))
        while json.loads(self._control.recv(timeout=10)).get("type") != "reply":
            pass
        self.gate.wait_for("main", lambda status: status["state"] == "live", 10)


def measure(clip: Path, directory: Path, cuts: int) -> Operator:
    """Measure with `cuts` cuts in each column, half of them by key, half by click."""
    with ExitStack() as stack:
        room = _Room(stack, clip, directory)
        people = [
            room.gate.person(f"watching{number}", "operator") for number in range(VIEWERS[-1] // PER_PERSON)
        ]
        room.gate.wait_for("main", lambda status: status["state"] == "live", FULL_S + 30)
        print("the operator alone ...", flush=True)
        page = room.open_page()
        idle = _measure_column(room, page, cuts)
        print(f"{VIEWERS[-1]} pages open, {RATE:g} requests/s ...", flush=True)
        with audience(room.gate, "main", people, VIEWERS[-1], RATE):
            time.sleep(2)
            busy = _measure_column(room, page, cuts)
        room.close_page()
        served = {}
        for viewers in VIEWERS:
            print(f"{viewers} viewers ...", flush=True)
            with audience(room.gate, "main", people, viewers):
                time.sleep(3)
                served[viewers] = shares(room.pids(), WATCH_S)
        return Operator(idle, busy, served)


def _measure_column(room: _Room, page: Page, cuts: int) -> Column:
    ages: dict[str, list[float]] = {}
    watched: list[float] = []  # when watching began: beside that this process has work, and its taps wait
    for feed in ("pvw", "pgm"):
        watched.append(time.monotonic())
        ages[feed] = _ages_ms(room, page, feed)
    last_live: dict[str, list[float]] = {"key": [], "click": []}
    for number in range(cuts):
        how = "click" if number % 2 else "key"
        page.wait_for_timeout(50 + 37 * number % 200)  # to meet each phase of a picture and of a group
        if how == "click":
            page.locator("[data-key=cut]").click()
        else:
            page.keyboard.press("x")
        page.wait_for_selector("[data-testid=state][data-state=cut]", timeout=5000)
        page.wait_for_timeout(500)
        pressed = _mono_s(page.evaluate("window.pressed"))
        last_live[how].append(last_live_ms(pressed, room.leaving.of("video"), room.frames))
        room.take_back()
        page.wait_for_timeout(1000)
    errors = [
        error
        for began_s in watched
        for error in delay_errors_ms(room.entry, room.leaving, began_s + 0.5, began_s + WATCH_S - 0.5)
    ]
    return Column(last_live, ages["pvw"], ages["pgm"], errors)


def _mono_s(wall_ms: float) -> float:
    """Return CLOCK_MONOTONIC at that time of the wall clock."""
    return wall_ms / 1000 - (time.time() - time.monotonic())


def last_live_ms(pressed_s: float, sent: Sequence[Message], live: Mapping[str, int]) -> float:
    """Return how long after a press the last live byte left, in the half second that follows it."""
    late = [one.last_s for one in sent if one.digest in live and pressed_s < one.last_s < pressed_s + 0.5]
    return (max(late) - pressed_s) * 1000 if late else 0.0


def _ages_ms(room: _Room, page: Page, feed: str) -> list[float]:
    presented = page.evaluate(_PRESENTED, [feed, centres(*SIZE), *SIZE, WATCH_S])
    marks = [
        (_mono_s(wall_ms), from_levels([(low, high) for low, high in levels]))
        for wall_ms, levels in presented
    ]
    shown = [(at, mark.frame) for at, mark in marks if mark is not None]
    if len(shown) < 0.9 * len(presented) or not shown:
        raise RuntimeError(f"of {len(presented)} pictures of {feed} {len(shown)} could be read")
    times: dict[int, list[float]] = defaultdict(list)
    for one in (room.entry if feed == "pvw" else room.leaving).of("video"):
        if one.digest in room.frames:
            times[room.frames[one.digest]].append(one.last_s if feed == "pvw" else one.first_s)
    return ages_ms(shown, times)


def ages_ms(shown: Sequence[tuple[float, int]], times: Mapping[int, Sequence[float]]) -> list[float]:
    """Return how old each picture was when it was presented. `shown`: (when, frame).

    `times`: when each frame was on the wire, rising.
    RuntimeError: one was never on the wire before, or long before: then nothing of it holds.
    """
    found = []
    for at, frame in shown:
        place = bisect_right(times.get(frame, ()), at) - 1
        if place < 0 or at - times[frame][place] > NEWEST_S:
            raise RuntimeError(f"picture {frame} was presented at {at:.3f} s and was not on the wire before")
        found.append((at - times[frame][place]) * 1000)
    return found


def rows(found: Operator) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    made: list[Row] = []
    for name, column in (("alone", found.idle), (f"{VIEWERS[-1]} viewers, {RATE:g} requests/s", found.busy)):
        for how, times in column.last_live.items():
            cut = Spread.of(times)
            made += [
                (f"operator {name}: cut by {how} to last live byte p50", f"{cut.p50:.1f} ms", "", None),
                (
                    f"operator {name}: cut by {how} to last live byte p99 of {cut.count}",
                    f"{cut.p99:.1f} ms",
                    "aim under 100 ms",
                    cut.p99 < 100,
                ),
            ]
        pvw, pgm, error = _p95(column.pvw), _p95(column.pgm), Spread.of(column.errors)
        made += [
            (f"operator {name}: PVW, in to presented, p50", f"{Spread.of(column.pvw).p50:.0f} ms", "", None),
            (
                f"operator {name}: PVW, in to presented, p95",
                f"{pvw:.0f} ms",
                "under 800 ms, aim 400 ms",
                pvw < 800,
            ),
            (f"operator {name}: PGM, air to presented, p95", f"{pgm:.0f} ms", "under 1500 ms", pgm < 1500),
            (
                f"operator {name}: delay error on the wire, least",
                f"{error.least:.2f} ms",
                "never negative",
                error.least >= 0,
            ),
            (
                f"operator {name}: delay error on the wire, p99",
                f"{error.p99:.2f} ms",
                "aim under 20 ms",
                error.p99 < 20,
            ),
        ]
    for viewers, cpu in found.served.items():
        made += [
            (f"{viewers} viewers: {process}", f"{share:.1f} %", "", None) for process, share in cpu.items()
        ]
    return made


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))]
