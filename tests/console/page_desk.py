"""A desk for page tests: a real gate, a real console on the built page, people's pages in a real Chromium.

Set SCREENSHOTS to a folder to have the pictures that tests take.
"""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from console_stage import Stage
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from real_gate import running_gate
from tools.testfeed import Feed

from console import pages
from streamgate.config import load
from streamgate.playout.station import Station
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.datadir import DataDir, ServeInfo

expect.set_options(timeout=15_000)  # it ends a test; how soon something is due is said where it is asserted
STATIC = Path(pages.__file__).parent / "static"
SIZES = {"desk": (1280, 720), "phone": (390, 844)}
LARGE = {"large": (1920, 1080)}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
# How far something sticks out of the screen sideways.
WIDER = "() => document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth"


class Desk:
    def __init__(self, stage: Stage, station: Station, browser: Browser) -> None:
        self.stage, self.station, self.browser = stage, station, browser
        self.store = ChannelStore(stage.data_dir)

    async def person(
        self, name: str, language: str = "en", size: str = "desk", roles: Sequence[str] = ()
    ) -> Page:
        """Return a page of somebody who is signed in; what the browser complains of is in `complaints`."""
        name_of, _, cookie = (await self.stage.sign_in(name, *roles)).partition("=")
        page = await self.stranger(language, size)
        await page.context.add_cookies([{"name": name_of, "value": cookie, "url": self.stage.url}])
        return page

    async def stranger(self, language: str = "en", size: str = "desk") -> Page:
        """Return a page of nobody, in a browser of its own."""
        width, height = (SIZES | LARGE)[size]
        context: BrowserContext = await self.browser.new_context(
            viewport={"width": width, "height": height}, locale=LANGUAGES[language]
        )
        page = await context.new_page()
        page.complaints = []  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        return page

    async def close_pages(self) -> None:
        """Close every page that was opened."""
        for context in self.browser.contexts:
            await context.close()

    async def open(self, page: Page, path: str) -> None:
        await page.goto(f"{self.stage.url}{path}", wait_until="commit")
        await page.wait_for_selector("h1")


@contextlib.asynccontextmanager
async def open_desk(data_dir: Path, feed: Feed, filler: Feed, **options: Any) -> AsyncIterator[Desk]:
    """Open a desk on this data directory. `options`: of the stage's console."""
    assert pages.is_built(STATIC), "the page is not built: make install"
    stage = Stage(data_dir, feed, filler, STATIC)
    settings = [
        {"name": one.name, "value": one.value, "source": one.source, "allowed": one.allowed}
        for one in load(stage.data_dir, log_level="debug").shown
    ]
    async with running_gate(stage.data_dir) as station, stage.console(settings=settings, **options):
        places = DataDir(stage.data_dir)
        places.create_run()
        places.write_serve(ServeInfo(os.getpid(), "gate.example.edu:1935", f"127.0.0.1:{stage.port}"))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            yield Desk(stage, station, browser)
            await browser.close()


async def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
