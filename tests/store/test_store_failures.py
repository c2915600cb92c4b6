"""The database locked, read-only, corrupt, gone, unreachable: said in plain words, on the real thing."""

import asyncio
import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tools.disks import Disk
from tools.postgres import PASSWORD, Postgres

from streamgate.errors import Fatal, Refused, Retryable, StoreBrokenError, StoreError
from streamgate.store import approvals, engine, settings, users
from streamgate.store import database as database_module
from streamgate.store.check import check, probe, quick_check
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_S", 0.3)


def write(location: Location) -> None:
    with Database(location) as database, database.write() as session:
        settings.put(session, "k", 1, by="me", at=1)


def failing(location: Location, act=write) -> StoreError:
    """Return the error of writing, in both languages without a gap."""
    with pytest.raises(StoreError) as caught:
        act(location)
    assert "{" not in str(caught.value) + caught.value.zh
    assert location.shown in str(caught.value)
    assert location.shown in caught.value.zh
    return caught.value


@contextlib.contextmanager
def other_writer(location: Location) -> Iterator[None]:
    other = sqlite3.connect(location.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.rollback()
    other.close()


# ---------------------------------------------------------------- SQLite


def test_locked_by_another_program(sqlite: Location) -> None:
    upgrade(sqlite)
    with other_writer(sqlite):
        for act in (write, probe):
            error = failing(sqlite, act)
            assert error.kind == "locked"
            assert isinstance(error, Retryable)
        with Database(sqlite) as database, database.read() as session:
            assert settings.list_all(session) == {}  # reading goes on

    write(sqlite)
    probe(sqlite)


def test_on_a_disk_that_became_read_only(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        upgrade(location)
        write(location)
        disk.read_only()
        for act in (write, probe, upgrade):
            error = failing(location, act)
            assert (error.kind, isinstance(error, Fatal)) == ("read_only", True)
        disk.writable()
        write(location)


def test_open_while_the_disk_becomes_read_only(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        upgrade(location)
        with Database(location) as database:
            with database.write() as session:
                settings.put(session, "k", 1, by="me", at=1)
            disk.read_only()
            with pytest.raises(StoreError) as caught, database.write() as session:
                settings.put(session, "k", 2, by="me", at=2)
            assert caught.value.kind in {"read_only", "disk"}


def write_much(location: Location) -> None:
    with Database(location) as database:
        for number in range(64):
            with database.write() as session:
                settings.put(session, f"k{number}", "x" * 100_000, by="me", at=1)


def test_on_a_full_disk(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        upgrade(location)
        disk.fill()
        with pytest.raises(StoreError) as caught:
            write_much(location)
        assert (caught.value.kind, isinstance(caught.value, Retryable)) == ("full", True)
        disk.free()
        write(location)


def test_on_a_disk_that_fails(tmp_path: Path) -> None:
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        upgrade(location)
        disk.fail()
        assert failing(location).kind in {"disk", "read_only", "gone"}


def test_random_bytes(sqlite: Location) -> None:
    upgrade(sqlite)
    sqlite.file.write_bytes(os.urandom(20_000))

    for act in (write, probe, upgrade, quick_check):
        assert failing(sqlite, act).kind == "corrupt"
    report = check(sqlite)
    assert (report.ok, report.version) == (False, None)
    assert "is corrupt" in report.problems[0]


def test_random_bytes_in_the_middle_are_found_by_the_check(sqlite: Location) -> None:
    upgrade(sqlite)
    with Database(sqlite) as database, database.write() as session:
        for number in range(200):
            users.add(session, f"user{number}", by="x", at=1)
    with sqlite3.connect(sqlite.file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()[0]
    connection.close()
    with sqlite.file.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(os.urandom(4096))

    assert failing(sqlite, quick_check).kind == "corrupt"
    assert check(sqlite).ok is False


def test_gone_is_not_replaced_by_an_empty_one(sqlite: Location) -> None:
    upgrade(sqlite)
    sqlite.file.unlink()

    for act in (write, probe, upgrade):
        assert failing(sqlite, act).kind == "gone"
    assert not sqlite.file.exists()
    assert "is gone" in check(sqlite).problems[0]

    upgrade(sqlite, new=True)
    write(sqlite)


def test_emptied_is_gone(sqlite: Location) -> None:
    upgrade(sqlite)
    os.truncate(sqlite.file, 0)

    for act in (write, probe, upgrade):
        assert failing(sqlite, act).kind == "gone"


def test_gone_while_it_is_open(sqlite: Location) -> None:
    upgrade(sqlite)
    with Database(sqlite) as database:
        with database.write() as session:
            settings.put(session, "k", 1, by="me", at=1)
        moved = sqlite.file.rename(sqlite.file.with_name("away"))
        for side in ("-wal", "-shm"):
            path = sqlite.file.with_name(sqlite.file.name + side)
            path.rename(moved.with_name(moved.name + side))
        with pytest.raises(StoreBrokenError, match="is gone"), database.write():
            pass
        moved.rename(sqlite.file)
        with database.read() as session:
            assert settings.get(session, "k") == 1


def test_replaced_while_it_is_open(sqlite: Location, tmp_path: Path) -> None:
    """What is written must be in the file that stands there, not in one that nobody will ever read."""
    upgrade(sqlite)
    other = locate("sqlite", tmp_path / "other")
    other.file.parent.mkdir()
    upgrade(other)
    with Database(sqlite) as database:
        with database.write() as session:
            settings.put(session, "k", "old", by="me", at=1)
        for side in ("-wal", "-shm"):
            sqlite.file.with_name(sqlite.file.name + side).unlink()
        other.file.rename(sqlite.file)
        with database.write() as session:
            assert settings.put(session, "k", "new", by="me", at=1) is None
    with Database(sqlite) as database, database.read() as session:
        assert settings.get(session, "k") == "new"


def test_never_made(sqlite: Location) -> None:
    error = failing(sqlite)

    assert error.kind == "missing"
    assert "streamgate db upgrade" in str(error)
    assert not sqlite.file.exists()


# ---------------------------------------------------------------- PostgreSQL


def test_a_wrong_password_is_never_shown(postgres: Postgres, tmp_path: Path) -> None:
    wrong = locate(postgres.url("postgres", password="wr0ng/secret"), tmp_path)
    error = failing(wrong)

    assert error.kind == "refused"
    assert "wr0ng" not in str(error) + error.zh


def test_no_such_database(postgres: Postgres, tmp_path: Path) -> None:
    error = failing(locate(postgres.url("nowhere"), tmp_path), upgrade)

    assert error.kind == "no_database"
    assert PASSWORD not in str(error)


def test_no_server(tmp_path: Path) -> None:
    location = locate(f"postgresql://u:pw@/db?host={tmp_path}", tmp_path)

    assert failing(location, upgrade).kind == "away"
    assert check(location).ok is False


def test_a_server_that_goes_away_and_comes_back(tmp_path: Path) -> None:
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))
    try:
        location = locate(server.new_database("one"), tmp_path)
        upgrade(location)
        with Database(location) as database:
            with database.write() as session:
                settings.put(session, "k", 1, by="me", at=1)
            server.stop()
            with pytest.raises(StoreError) as caught, database.read():
                pass
            assert (caught.value.kind, isinstance(caught.value, Retryable)) == ("away", True)
            server.start()
            with database.read() as session:
                assert settings.get(session, "k") == 1
    finally:
        server.close()


def test_a_read_only_server(postgres: Postgres, tmp_path: Path) -> None:
    location = locate(postgres.new_database("read_only"), tmp_path)
    upgrade(location)
    postgres.sql("read_only", "ALTER DATABASE read_only SET default_transaction_read_only = on")

    for act in (write, probe):
        assert failing(location, act).kind == "read_only"


def test_a_user_without_rights(postgres: Postgres, postgresql: Location, tmp_path: Path) -> None:
    upgrade(postgresql)
    postgres.sql("tests", "CREATE USER stranger PASSWORD 'pw'; GRANT USAGE ON SCHEMA public TO stranger")
    stranger = locate(postgres.url("tests", user="stranger", password="pw"), tmp_path)

    assert failing(stranger).kind == "refused"


def test_a_lock_of_another_session(postgres: Postgres, postgresql: Location) -> None:
    upgrade(postgresql)
    other = engine.open_engine(postgresql)
    with other.connect() as connection, connection.begin():
        connection.execute(sa.text("LOCK TABLE settings IN ACCESS EXCLUSIVE MODE"))
        assert failing(postgresql).kind == "locked"
    other.dispose()


# ---------------------------------------------------------------- both


@pytest.mark.parametrize(
    "name", ["a\0b", "\ud800", "\ufffe", "", " ", "alice ", "x" * 65, "a\u202eb", "a/b", ".."]
)
def test_a_name_that_cannot_be_a_persons(database: Database, name: str) -> None:
    with database.read() as session:
        assert users.find(session, name) is None
    with pytest.raises(Refused, match="is not allowed") as caught, database.write() as session:
        users.add(session, name, by="x", at=1)
    assert "不可用" in caught.value.zh


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_value_that_an_engine_cannot_hold(postgresql: Location, value: str) -> None:
    upgrade(postgresql)
    with pytest.raises(StoreError) as caught, Database(postgresql) as database, database.write() as session:
        approvals.enter(session, "main", value, "h", by="x", at=1)
    assert caught.value.kind == "unfit"
    assert "a\0b" not in str(caught.value)


async def test_asyncio_says_the_same(location: Location) -> None:
    database = AsyncDatabase(location)
    with pytest.raises(StoreError) as caught:
        await database.read(settings.list_all)
    await database.close()

    assert caught.value.kind == "missing"


async def test_asyncio_on_a_frozen_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Disk(tmp_path) as disk:
        location = locate("sqlite", disk.path)
        await asyncio.to_thread(upgrade, location)
        database = AsyncDatabase(location)
        await database.write(settings.put, "k", 1, by="x", at=1)
        monkeypatch.setattr(database_module, "ANSWER_S", 0.5)
        disk.freeze()
        begun = time.monotonic()
        for _ in range(2):  # the second one waits for the first one's turn
            with pytest.raises(StoreError) as caught:
                await database.write(settings.put, "k", 2, by="x", at=1)
            assert caught.value.kind in {"hung", "locked"}
        assert time.monotonic() - begun < 5
        monkeypatch.undo()
        disk.thaw()
        await asyncio.sleep(0.5)
        await database.write(settings.put, "k", 3, by="x", at=1)
        assert await database.read(settings.get, "k") == 3
        await database.close()


async def test_asyncio_locked_and_gone(sqlite: Location) -> None:
    upgrade(sqlite)
    database = AsyncDatabase(sqlite)
    with other_writer(sqlite):
        with pytest.raises(StoreError) as caught:
            await database.write(settings.put, "k", 1, by="x", at=1)
        assert caught.value.kind == "locked"
    await database.write(settings.put, "k", 1, by="x", at=1)
    sqlite.file.unlink()
    with pytest.raises(StoreError) as caught:
        await database.write(settings.put, "k", 2, by="x", at=1)
    assert caught.value.kind == "gone"
    await database.close()
