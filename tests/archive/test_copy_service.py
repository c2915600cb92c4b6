"""The copy process from inside: what it tells, how it waits for a target, what holds up its end."""

import asyncio
import contextlib
import socket
import time

import pytest
from small_archive import SmallArchive

from streamgate.archive.copy import service, state
from streamgate.archive.copy.journal import FILE as JOURNAL
from streamgate.archive.copy.place import CopySettings, Login
from streamgate.archive.copy.state import read_state


@pytest.fixture
def archive(tmp_path):
    made = SmallArchive(tmp_path / "data")
    made.part(time.time() - 600)
    return made


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for name, seconds in (("TELL_EVERY_S", 0.05), ("STATE_EVERY_S", 0.05), ("ROUND_EVERY_S", 0.05)):
        monkeypatch.setattr(service, name, seconds)
    monkeypatch.setattr(service, "RETRY_S", 0.05)
    monkeypatch.setattr(service, "MAX_RETRY_S", 0.1)
    monkeypatch.setattr(service, "NICE", 0)
    monkeypatch.setattr(state, "UNREACHABLE_S", 0.3)


async def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(archive, settings):
    """Run the service; yield what stands before the operators."""
    run_dir = archive.path / "run"
    run_dir.mkdir()
    stop, standing = asyncio.Event(), {}

    async def stand(key, what):
        standing[key] = what

    task = asyncio.create_task(
        service.run(settings, data_dir=archive.path, run_dir=run_dir, stop=stop, stand=stand)
    )
    try:
        yield standing
        assert not task.done()
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)
    assert read_state(run_dir, time.time()) is None, "nobody copies any more"


async def test_a_target_that_is_away_stands_before_the_operators_until_it_is_back(archive, tmp_path):
    place = tmp_path / "nas"
    async with running(archive, CopySettings(to=str(place))) as standing:
        await until(lambda: standing.get("second_copy") is not None)
        told = standing["second_copy"]
        assert (told.code, told.level) == ("copy_unreachable", "alarm")
        assert "mount it" in told.text
        assert "第二副本" in told.text_zh
        assert f"目录 {place} 不存在" in told.text_zh
        assert "mount it" not in told.text_zh
        found = read_state(archive.path / "run", time.time())
        assert (found.state, found.behind_files) == ("unreachable", 1)
        assert found.error_zh == f"目录 {place} 不存在；请挂载或创建"
        place.mkdir()
        await until(lambda: standing["second_copy"] is None)
        await until(lambda: read_state(archive.path / "run", time.time()).state == "idle")
        assert (place / min(archive.parts)).read_bytes() == archive.parts[min(archive.parts)]


async def test_a_store_that_never_answers_does_not_hold_up_the_end(archive):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = CopySettings(
            to="s3://recordings/gate",
            endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}",
            login=Login("an-id", "a-secret"),
        )
        async with running(archive, settings):
            await asyncio.sleep(1)  # it waits for an answer, up to 30 s
            begun = time.monotonic()
        assert time.monotonic() - begun < service.END_S + 3


async def test_a_journal_that_is_damaged_on_the_way_is_begun_anew(archive, tmp_path):
    place = tmp_path / "nas"
    place.mkdir()
    async with running(archive, CopySettings(to=str(place))) as standing:
        await until((place / min(archive.parts)).exists)
        (archive.path / f"{JOURNAL}-wal").unlink()
        (archive.path / JOURNAL).write_bytes(b"\xff" * 40_000)
        key = archive.part(time.time() - 60)
        await until((place / key).exists)
        await until(lambda: read_state(archive.path / "run", time.time()).state == "idle")
        assert standing.get("second_copy") is None
