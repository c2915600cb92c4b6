"""Viewers in a real Chromium before the real public address.

Set SCREENSHOTS to a folder to have the pictures that tests take.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from public_stage import Stage

from moderation.public.server import KEY_FILE
from moderation.public.viewers import overlay_token
from streamgate.runtime import key_file
from streamgate.store.location import Location

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "console" / "static"
AXE = ROOT / "console" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desk": (1280, 720), "large": (1920, 1080), "phone": (390, 844)}
AUTOPLAY = "--autoplay-policy=no-user-gesture-required"
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
SERIOUS = """async () => (await axe.run()).violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)"""

ON_OVERLAY = "() => [...document.querySelectorAll('main bdi')].map((one) => one.textContent)"
ELEMENTS = "(where) => document.querySelectorAll(where).length"
# What the Content-Security-Policy forbids is an error, whatever the browser makes of it.
VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`))"""


@contextlib.asynccontextmanager
async def open_stage(data_dir: Path, location: Location) -> AsyncIterator[Stage]:
    """Serve the built page; comments are closed, and there is a source `s`."""
    stage = Stage(data_dir, location)
    stage.static = STATIC
    async with stage.serving():
        await stage.open(comments=False, window_s=0, slow_s=0)
        await stage.source()
        yield stage


class Audience:
    """Opens pages. `complaints`: of browsers; `asked`: what they asked for, `strangers`: of other sites."""

    def __init__(self, stage: Stage, browser: Browser) -> None:
        self.stage, self.browser = stage, browser
        self.url = stage.url
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.strangers: list[str] = []

    async def viewer(self, language: str = "en", size: str = "desk", path: str = "/watch/main") -> Page:
        """Return a page in a browser of its own."""
        width, height = SIZES[size]
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            locale=LANGUAGES[language],
            has_touch=size == "phone",
            is_mobile=size == "phone",
        )
        page = await context.new_page()
        await page.add_init_script(VIOLATIONS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._note)
        page.on("request", self._see)
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))
        await page.goto(self.url + path, wait_until="commit")
        return page

    async def overlay(self, look: str = "", size: str = "large") -> Page:
        token = overlay_token(key_file.read_or_make(self.stage.data_dir / KEY_FILE), "main")
        page = await self.viewer("en", size, f"/overlay/main?token={token}&{look}")
        await page.wait_for_selector("body[data-link=up]")
        return page

    def _note(self, line: object) -> None:
        if line.type == "error" and "404" not in line.text:  # no playlist while nothing is on air
            self.complaints.append(line.text)

    def _see(self, request: object) -> None:
        self.asked.append(request.url)
        if not request.url.startswith((self.url, "blob:")):
            self.strangers.append(request.url)


@contextlib.asynccontextmanager
async def open_audience(stage: Stage, *flags: str) -> AsyncIterator[Audience]:
    assert (STATIC / "watch.html").is_file(), "the page is not built: make install"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", *flags]
        )
        yield Audience(stage, browser)
        await browser.close()


async def until(page: Page, script: str, wanted: Callable[[Any], bool], timeout_s: float = 10) -> Any:
    """Return what a script answers, as soon as it is as wanted."""
    async with asyncio.timeout(timeout_s):
        while not wanted(found := await page.evaluate(script)):
            await asyncio.sleep(0.02)
    return found


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")


class Relay:
    """Passes connections on to the public address. While it is cut there are none, and none is taken."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    @contextlib.asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        await self._listen()
        yield
        await self._end()

    @contextlib.asynccontextmanager
    async def cut(self) -> AsyncIterator[None]:
        await self._end()
        yield
        await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, away = await asyncio.open_connection("127.0.0.1", self._to)
        self._open |= {writer, away}
        with contextlib.suppress(OSError):
            await asyncio.gather(_copy(reader, away), _copy(there, writer))
        self._open -= {writer, away}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
