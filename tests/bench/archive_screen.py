"""How soon the Archive screen shows 60 days of 8 hours on 3 channels, in a real Chromium.

Catalog, ledger and edit lists are as large as real ones; of the media there is only the name of the newest
part: the picture is measured by the seeks of `archive`. Opened is what shows the month, the day's broadcast
and its bars.
"""

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from bench.archive import CHANNELS, HOURS, catalog_rows
from bench.meter import Spread
from playwright.async_api import Page, async_playwright
from tools.people import add_person, sign_in

from console.service import run
from streamgate.archive import runs
from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.catalog import Catalog, parts_table
from streamgate.archive.edit_list import Begin, End
from streamgate.archive.edit_writer import EditWriter
from streamgate.core.edits import LIVE, Piece, Run
from streamgate.ledger.record import Notice
from streamgate.ledger.writer import Writer
from streamgate.store.location import locate
from streamgate.store.upgrade import upgrade

Row = tuple[str, str, str, bool | None]
AIM_MS = 300
LISTS = 3  # days with edit lists: as many as the timeline of a day may read
PIECE_S = 2
_READY = b"ready on port "
DELAY_S, DAY_S, BEGINS_S, S = 30, 86_400, 9 * 3600, 1_000_000
_RUNS = [Run("video", 0, 60, 0), Run("audio", 0, 94, 0)]
_SHOWN = """() => document.querySelector('[data-testid=track-in] [data-kind=recorded]') !== null
    && document.querySelector('[data-testid=track-air] [data-kind=live]') !== null
    && document.querySelectorAll('[data-broadcast]').length === 1
    && document.querySelectorAll('[data-state=whole], [data-state=cut]').length >= 1"""
_OPENS = f"""(path) => new Promise((resolve, reject) => {{
    const began = performance.now();
    const shown = {_SHOWN};
    const look = () => {{
        if (shown()) resolve(performance.now() - began);
        else if (performance.now() - began > 20000) reject(new Error("the screen does not show the day"));
        else requestAnimationFrame(look);
    }};
    history.pushState({{}}, "", path);  // as a link does; without a gate the rail knows no channel
    dispatchEvent(new PopStateEvent("popstate"));
    requestAnimationFrame(look);
}})"""


@dataclass(frozen=True)
class ArchiveScreen:
    """Milliseconds. `opened`: from another screen; `day`: from the press on another day.

    `loaded`: the page from nothing, scripts from the browser's cache.
    """

    days: int
    parts: int
    opened: Spread
    day: Spread
    loaded: Spread


def measure(directory: Path, opened: int, days: int) -> ArchiveScreen:
    """Open the screen so many times over so many days."""
    return asyncio.run(_measure(directory, opened, days))


async def _measure(directory: Path, times: int, past: int) -> ArchiveScreen:
    data = directory / "data"
    days = [int(time.time() // DAY_S - past + n) * DAY_S for n in range(past)]
    parts = _make(data, days)
    async with _console(data) as url, _page(data, url) as page:
        opened, chosen, loaded = [], [], []
        names = [time.strftime("%Y-%m-%d", time.localtime(day + BEGINS_S)) for day in days[-LISTS:]]
        for number in range(times):
            await page.goto(f"{url}/account", wait_until="commit")
            await page.locator('#rail a[href="/archive"]').wait_for()
            await page.wait_for_timeout(300)
            opened.append(await page.evaluate(_OPENS, f"/archive/c{number % CHANNELS}"))
            chosen.append(await _choose(page, names[number % (LISTS - 1)]))
            began = time.perf_counter()
            await page.goto(f"{url}/archive/c{number % CHANNELS}", wait_until="commit")
            await page.wait_for_function(_SHOWN, polling="raf")
            loaded.append((time.perf_counter() - began) * 1000)
    return ArchiveScreen(past, parts, Spread.of(opened), Spread.of(chosen), Spread.of(loaded))


async def _choose(page: Page, day: str) -> float:
    ms: float = await page.evaluate(
        f"""(day) => new Promise((resolve) => {{
            const began = performance.now();
            const shown = {_SHOWN};
            const there = () => document.querySelector(`[data-testid=archive][data-day='${{day}}']`) !== null;
            const took = () => performance.now() - began;
            const look = () => (there() && shown() ? resolve(took()) : requestAnimationFrame(look));
            document.querySelector(`[data-testid=calendar] [data-day='${{day}}']`).click();
            requestAnimationFrame(look);
        }})""",
        day,
    )
    return ms


# ---------------------------------------------------------------- what there is


def _make(data: Path, days: list[int]) -> int:
    """Make the data directory; return how many parts its catalog knows."""
    root = data / "archive"
    (data / "run").mkdir(parents=True)
    upgrade(locate("sqlite", data))
    with Catalog(data / "catalog.sqlite") as catalog, catalog._engine.begin() as connection:
        for channel in range(CHANNELS):
            (root / f"c{channel}").mkdir(parents=True)
            rows = list(catalog_rows(f"c{channel}", days[0], len(days)))
            connection.execute(sa.insert(parts_table), rows)
            _write_newest(root / rows[-1]["path"])
        runs.renew(connection)
        parts = connection.scalar(sa.select(sa.func.count()).select_from(parts_table)) or 0
    for day in days:  # a ledger has a file a day
        writer = Writer(data / "ledger", "gate", clock=lambda day=day: float(day + BEGINS_S))  # type: ignore[misc]
        for record in _records(day + BEGINS_S):
            writer.write(record)
        assert writer.close(30)
    for day in days[-LISTS:]:
        for channel in range(CHANNELS):
            _write_list(root, f"c{channel}", float(day + BEGINS_S))
    return parts


def _write_newest(path: Path) -> None:
    """Write the newest part: the screen opens on the newest day of which there is a file."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"newest")


def _records(begins: float) -> Iterator[Notice]:
    for channel in range(CHANNELS):
        for after_s, code in ((0, "on_air"), (7200, "cut"), (7260, "restore"), (HOURS * 3600, "stopped")):
            yield Notice(at=begins + after_s, channel=f"c{channel}", who="console:ann", code=code, text=code)


def _write_list(root: Path, channel: str, begins: float) -> None:
    name = broadcast_id(channel, begins)
    writer = EditWriter(root, channel, alarm=lambda *_: None)
    writer.put(Begin(name, channel, begins, begins, 0, "b", 1, floor_us=DELAY_S * S, delay_us=DELAY_S * S))
    for start in range(0, HOURS * 3600 - DELAY_S, PIECE_S):
        first = start * S
        left = first + DELAY_S * S
        span = (left, left + PIECE_S * S)
        piece = Piece(
            begins + start + DELAY_S, *span, LIVE, DELAY_S * S, _RUNS, arrived_us=(first, first + PIECE_S * S)
        )
        writer.put(piece)
        if start % 1000 == 0:
            time.sleep(0.01)  # its queue is bounded
    writer.put(End(begins + HOURS * 3600))
    assert writer.close()


# ---------------------------------------------------------------- who looks


@contextlib.asynccontextmanager
async def _console(data: Path) -> AsyncIterator[str]:
    """Run the console in a process of its own, as `serve` does: this one is busy with the browser."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.archive_screen", data, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        while not (line := await child.stdout.readline()).startswith(_READY):
            if not line:
                raise RuntimeError("the console ended before it was ready")
        yield f"http://127.0.0.1:{int(line.removeprefix(_READY))}"
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def _serve(data: Path) -> None:
    """Run the console until this process is ended."""
    await run(
        host="127.0.0.1",
        data_dir=data,
        database=locate("sqlite", data),
        control_socket=data / "run" / "gate.sock",
        media_socket=data / "run" / "media.sock",
        stop=asyncio.Event(),
        ready=lambda port: print(f"{_READY.decode()}{port}", flush=True),
    )


@contextlib.asynccontextmanager
async def _page(data: Path, url: str) -> AsyncIterator[Page]:
    person = await asyncio.to_thread(add_person, locate("sqlite", data), "dora", ("director", "auditor"))
    name, value = await asyncio.to_thread(sign_in, url, person)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        context = await browser.new_context(viewport={"width": 1920, "height": 1080}, locale="zh-CN")
        await context.add_cookies([{"name": name, "value": value, "url": url}])
        yield await context.new_page()
        await browser.close()


def rows(found: ArchiveScreen) -> list[Row]:
    """Return (what, value, aim, whether it is kept)."""
    name = f"Archive screen, {found.days} days x {HOURS} h x {CHANNELS} channels"
    made: list[Row] = []
    for what, one, aim in (
        ("opened from another screen", found.opened, True),
        ("another day", found.day, True),
        ("page loaded anew", found.loaded, False),
    ):
        told = f"{one.p50:.0f}, {one.p99:.0f} ms"
        made.append(
            (
                f"{name}: {what}, p50, p99",
                told,
                f"aim {AIM_MS} ms" if aim else "",
                one.p50 <= AIM_MS if aim else None,
            )
        )
    return made


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
