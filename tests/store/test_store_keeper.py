"""The keeper beside the console: it upgrades, notices what fails and when that is over, and says so once."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tools.disks import Disk
from tools.postgres import Postgres

from streamgate.errors import LinkError, Refused
from streamgate.store import backup, keeper, version
from streamgate.store.check import check
from streamgate.store.location import Location, locate
from streamgate.store.notices import Notice
from streamgate.store.upgrade import upgrade


class Operators:
    """What the operators were told; `away`: the gate does not take it yet."""

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.away = False

    async def tell(self, notice: Notice) -> None:
        if self.away:
            raise LinkError("the gate is away")
        self.told.append(notice)

    async def until(self, *codes: str, seconds: float = 20) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while [one.code for one in self.told] != list(codes):
                    await asyncio.sleep(0.01)
        assert [one.code for one in self.told] == list(codes)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "PAUSES_S", (0.05, 0.1))
    monkeypatch.setattr(keeper, "PROBE_S", 0.05)


@contextlib.asynccontextmanager
async def kept(location: Location) -> AsyncIterator[Operators]:
    operators = Operators()
    task = asyncio.create_task(keeper.keep(location, tell=operators.tell))
    yield operators
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition, seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def test_it_makes_the_database_and_has_nothing_to_tell(location: Location) -> None:
    async with kept(location) as operators:
        await until(lambda: check(location).ok)
        await asyncio.sleep(0.3)
    assert operators.told == []


async def test_nobody_restores_under_it(sqlite: Location, tmp_path: Path) -> None:
    upgrade(sqlite)
    backup.make(sqlite, tmp_path / "copy")
    async with kept(sqlite):
        await asyncio.sleep(0.5)
        with pytest.raises(Refused, match="in use by serve"):
            await asyncio.to_thread(backup.restore, sqlite, tmp_path / "copy")
    backup.restore(sqlite, tmp_path / "copy")


def put(file: Path, content: bytes) -> None:
    """Put a whole file in place: one that is being written is empty for a moment, which counts as gone."""
    draft = file.with_name("draft")
    draft.write_bytes(content)
    draft.replace(file)


async def test_corrupt_then_gone_then_put_back(sqlite: Location, tmp_path: Path) -> None:
    upgrade(sqlite)
    whole = sqlite.file.read_bytes()
    async with kept(sqlite) as operators:
        await asyncio.sleep(0.5)
        put(sqlite.file, os.urandom(9000))
        await operators.until("database_corrupt")
        sqlite.file.unlink()
        await operators.until("database_corrupt", "database_gone")
        assert not sqlite.file.exists()
        put(sqlite.file, whole)
        await operators.until("database_corrupt", "database_gone", "database_ok")
    alarm = operators.told[0]
    assert (alarm.level, operators.told[2].level) == ("alarm", "info")
    assert "Air, cut and recording go on" in alarm.text
    assert "播出、切断和录制不受影响" in alarm.text_zh


async def test_locked(sqlite: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamgate.store.engine.BUSY_S", 0.2)
    upgrade(sqlite)
    async with kept(sqlite) as operators:
        await asyncio.sleep(0.5)
        with contextlib.closing(sqlite3.connect(sqlite.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await operators.until("database_locked")
        await operators.until("database_locked", "database_ok")


async def test_a_frozen_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "HUNG_S", 0.5)
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        await asyncio.to_thread(upgrade, location)
        async with kept(location) as operators:
            await asyncio.sleep(0.5)
            disk.freeze()
            await operators.until("database_hung")
            disk.thaw()
            await operators.until("database_hung", "database_ok")


async def test_an_alarm_waits_for_the_gate_and_only_the_last_one_counts(sqlite: Location) -> None:
    upgrade(sqlite)
    sqlite.file.unlink()
    async with kept(sqlite) as operators:
        operators.away = True
        await asyncio.sleep(0.3)
        sqlite.file.write_bytes(os.urandom(9000))
        await asyncio.sleep(1.5)
        operators.away = False
        await operators.until("database_corrupt")


async def test_an_alarm_that_lasts_is_told_again(sqlite: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "REPEAT_S", 0.5)
    upgrade(sqlite)
    sqlite.file.unlink()
    async with kept(sqlite) as operators:
        await operators.until("database_gone", "database_gone")


async def test_a_newer_schema(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(location)
    monkeypatch.setattr(version, "known", lambda: ("0000",))
    async with kept(location) as operators:
        await operators.until("database_newer")


async def test_a_server_that_is_started_later(tmp_path: Path) -> None:
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))
    try:
        location = locate(server.new_database("one"), tmp_path)
        server.stop()
        async with kept(location) as operators:
            await operators.until("database_away")
            await asyncio.to_thread(server.start)
            await operators.until("database_away", "database_ok")
            assert (await asyncio.to_thread(check, location)).ok
    finally:
        server.close()
