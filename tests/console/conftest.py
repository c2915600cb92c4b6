from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from console_stage import Stage
from page_desk import Desk, open_desk
from store.conftest import engine
from tools.testfeed import Feed, make_feed

from streamgate.store.location import Location

__all__ = ["engine"]
SMALL = {"seconds": 2, "width": 160, "height": 96, "fps": 10, "gop_s": 0.5, "bitrate": 100_000}


@pytest.fixture(scope="session")
def feed() -> Feed:
    return make_feed(**SMALL)


@pytest.fixture(scope="session")
def filler() -> Feed:
    return make_feed(**SMALL, caption="SLATE", moving=False)


@pytest.fixture
def idle(tmp_path: Path, feed: Feed, filler: Feed) -> Stage:
    """A stage on which nothing runs yet."""
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>streamgate</title>")
    (static / "assets" / "app-1a2b.js").write_text("console.log('page')")
    return Stage(tmp_path / "data", feed, filler, static)


@pytest.fixture
def database_of_idle(idle: Stage, engine: str, request: pytest.FixtureRequest) -> Location:
    """The database of `idle`: SQLite, and for a test that is marked `on_both_engines` PostgreSQL, too."""
    if engine == "postgresql":
        idle.database = request.getfixturevalue("postgresql")
    return idle.database


@pytest.fixture
async def stage(idle: Stage) -> AsyncIterator[Stage]:
    """A stage with gate and console up, and somebody signed in."""
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        await idle.until_gate_is_up()
        yield idle


@pytest.fixture
async def desk(tmp_path: Path, feed: Feed, filler: Feed) -> AsyncIterator[Desk]:
    """A real gate and console with the built page; pages of people are asked of it."""
    async with open_desk(tmp_path / "data", feed, filler) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def pages_closed(desk: Desk) -> AsyncIterator[None]:
    """Close the pages that a test leaves open, where a file's tests share a desk: each plays two feeds."""
    yield
    await desk.close_pages()
