"""The conveyor's stills: a real child beside a real console; what it sees, what happens when it dies."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from console_stage import Stage, receive
from PIL import Image
from tools.testfeed import Feed
from websockets.asyncio.client import ClientConnection

from console.live import conveyor
from console.live.strip import BEYOND_S, MAX_STILLS, Strip
from streamgate.clock import wall_s

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/api/v1/channels/main/conveyor"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, feed: Feed, filler: Feed) -> AsyncIterator[Stage]:
    place = tmp_path_factory.mktemp("conveyor")
    stage = Stage(place / "data", feed, filler, place)
    async with stage.gate.running(), stage.console(stills=True):
        await stage.sign_in()
        yield stage


async def still(socket: ClientConnection, timeout_s: float = 20.0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the next message with a still, and the newest of it."""
    async with asyncio.timeout(timeout_s):
        while not (message := await receive(socket, "strip", timeout_s))["stills"]:
            pass
    return message, message["stills"][-1]


async def test_a_page_is_shown_what_comes_in(stage: Stage) -> None:
    async with stage.socket(PATH) as socket:
        message, shown = await still(socket)
        assert message["up"]
        _, shown = await still(socket)
        behind = wall_s() - shown["at"]
        assert 0 <= behind < 5
        while not (levels := (await receive(socket, "strip"))["level_db"]):
            pass
        assert all(-60 <= db <= 0 for db in levels)
    async with stage.client() as client:
        for large in (False, True):
            answer = await client.get(
                f"/api/v1/channels/main/stills/{shown['number']}", params={"large": large}
            )
            assert answer.headers["content-type"] == "image/jpeg"
            with Image.open(io.BytesIO(answer.content)) as image:
                assert image.height == (stage.channel.feed.format.video.height if large else 90)
        answer = await client.get("/api/v1/channels/main/stills/1")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    async with stage.socket(PATH) as socket:  # who comes later is given all that is on its way to air
        assert shown in (await receive(socket, "strip"))["stills"]


async def test_stills_need_the_right_to_see_the_channel(stage: Stage) -> None:
    async with stage.client(signed_in=False) as client:
        assert (await client.get("/api/v1/channels/main/stills/1")).status_code == 401
    mine = stage.cookie
    await stage.sign_in("olga", "operator@hall")
    async with stage.client() as client:
        assert (await client.get("/api/v1/channels/main/stills/1")).status_code == 403
    stage.cookie = mine


async def test_a_child_that_dies_or_hangs_is_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conveyor, "PAUSES_S", (2.0,))  # a page is told once a second at least
    monkeypatch.setattr(conveyor, "SILENCE_S", 2.0)
    async with stage.socket(PATH) as socket:
        await still(socket)
        for sign in (signal.SIGKILL, signal.SIGSTOP):
            await receive(socket, "strip", 20.0, up=True)
            await asyncio.sleep(0.1)
            os.kill(pid_of(), sign)
            await receive(socket, "strip", 20.0, up=False)
            await still(socket)


def pid_of() -> int:
    """Return the process id of the child."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            mine = int((place / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
        except OSError:
            continue
        if mine and conveyor.MODULE.encode() in words:
            return int(place.name)
    raise AssertionError("there is no child")


async def test_a_strip_is_bounded_and_forgets_what_has_aired() -> None:
    strip = Strip()
    for number in range(MAX_STILLS + 50):
        strip.add_still(1000 + number, 3, b"small", b"large")
        strip.add_level(1000 + number, -20)
    found = strip.since(0, 2000, up=True)
    assert (len(found.stills), found.stills[0].at) == (MAX_STILLS, 1050)
    assert strip.picture(1000_000, large=False) is None
    assert strip.picture(1050_000, large=True) == b"large"
    last = 1000 + MAX_STILLS + 49
    strip.forget(last, 30)
    found = strip.since(0, 2000, up=True)
    assert (found.stills[0].at, found.level_at[0]) == (last - 30 - BEYOND_S, last - 30 - BEYOND_S)
    seen = strip.version
    assert strip.since(seen, 2000, up=True).stills == []
    strip.add_still(last, 1, b"", b"")  # never two of a number
    assert [one.number for one in strip.since(seen, 2000, up=True).stills] == [last * 1000 + 1]
