"""Copies: of one moment, whole, bounded in number; put back with what stood there kept."""

import contextlib
import os
import sqlite3
import threading
from pathlib import Path

import pytest
from tools.disks import Disk
from tools.postgres import PASSWORD, Postgres

from streamgate.errors import Refused, StoreError
from streamgate.store import backup, links, pg_programs, sessions, settings, users, version
from streamgate.store.check import check
from streamgate.store.database import Database
from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade


def fill(location: Location, name: str = "alice") -> None:
    upgrade(location)
    with Database(location) as database, database.write() as session:
        user = users.add(session, name, by="x", at=1)
        sessions.create(
            session, f"s-{name}", user.id, at=1, absolute_expires_at=9e9, address="", user_agent=""
        )
        links.create(session, f"l-{name}", "invite", by="x", at=1, expires_at=9e9)


def names(location: Location) -> list[str]:
    with Database(location) as database, database.read() as session:
        return [user.username for user, _ in users.list_all(session)]


def test_a_copy_is_put_back_and_what_stood_there_is_kept(location: Location, tmp_path: Path) -> None:
    fill(location)
    copy = tmp_path / "copy with spaces.bak"
    size = backup.make(location, copy)
    assert (size, copy.stat().st_mode & 0o777) == (copy.stat().st_size, 0o600)
    fill(location, "bob")

    done = backup.restore(location, copy)

    assert (done.version, names(location)) == (version.head(), ["alice"])
    assert check(location).problems == []
    assert done.replaced.parent == location.backups
    backup.restore(location, done.replaced)
    assert names(location) == ["alice", "bob"]


def test_nobody_comes_back_with_an_old_session_or_link(location: Location, tmp_path: Path) -> None:
    fill(location)
    backup.make(location, tmp_path / "copy")
    backup.restore(location, tmp_path / "copy")

    with Database(location) as database, database.read() as session:
        assert sessions.find(session, "s-alice", at=2) is None
        assert links.find(session, "l-alice", at=8e9) is None


def test_a_file_that_exists_is_never_overwritten(location: Location, tmp_path: Path) -> None:
    upgrade(location)
    (tmp_path / "mine").write_text("precious")

    with pytest.raises(Refused, match="exists already"):
        backup.make(location, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_place_that_cannot_be_written(location: Location, tmp_path: Path) -> None:
    upgrade(location)
    with pytest.raises(Refused, match="cannot be written"):
        backup.make(location, tmp_path / "no" / "such" / "place")


def test_a_full_disk_leaves_no_half_copy(location: Location, tmp_path: Path) -> None:
    fill(location)
    with Disk(tmp_path) as disk:
        disk.fill()
        with pytest.raises((Refused, StoreError)):
            backup.make(location, disk.path / "copy")
        assert [path.name for path in disk.path.iterdir()] == [".ballast"]


@pytest.mark.parametrize(
    "content", [b"", b"not a database", os.urandom(20_000)], ids=["nothing", "a text", "noise"]
)
def test_something_else_is_not_put_back(location: Location, tmp_path: Path, content: bytes) -> None:
    fill(location)
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(Refused, match="copy"):
        backup.restore(location, tmp_path / "file")
    assert names(location) == ["alice"]


def test_a_file_that_is_not_there(location: Location, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no file"):
        backup.restore(location, tmp_path / "nothing")


def test_a_copy_made_by_a_newer_program_is_not_put_back(
    location: Location, tmp_path: Path, monkeypatch
) -> None:
    fill(location)
    backup.make(location, tmp_path / "copy")
    monkeypatch.setattr(version, "known", lambda: ("0000",))

    with pytest.raises(Refused, match="a newer streamgate made"):
        backup.restore(location, tmp_path / "copy")


def test_not_while_somebody_has_it_open(location: Location, tmp_path: Path) -> None:
    fill(location)
    backup.make(location, tmp_path / "copy")
    with Database(location) as database:
        with database.read():
            pass
        with pytest.raises(Refused, match="in use by serve or another streamgate command"):
            backup.restore(location, tmp_path / "copy")
    backup.restore(location, tmp_path / "copy")


def test_a_copy_made_while_others_write_is_of_one_moment(location: Location, tmp_path: Path) -> None:
    upgrade(location)
    stop = threading.Event()

    def write() -> None:
        with Database(location) as database:
            number = 0
            while not stop.is_set():
                with database.write() as session:  # both or neither
                    settings.put(session, "a", number, by="x", at=1)
                    settings.put(session, "b", number, by="x", at=1)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup.make(location, tmp_path / f"copy{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        backup.restore(location, tmp_path / f"copy{number}")
        with Database(location) as database, database.read() as session:
            assert settings.get(session, "a") == settings.get(session, "b")


# ---------------------------------------------------------------- SQLite


def test_a_corrupt_or_lost_database_is_put_back(sqlite: Location, tmp_path: Path) -> None:
    fill(sqlite)
    backup.make(sqlite, tmp_path / "copy")
    sqlite.file.write_bytes(os.urandom(9000))

    done = backup.restore(sqlite, tmp_path / "copy")
    assert names(sqlite) == ["alice"]
    assert done.replaced.stat().st_size == 9000

    sqlite.file.unlink()
    assert backup.restore(sqlite, tmp_path / "copy").replaced is None
    assert names(sqlite) == ["alice"]


def test_commits_that_are_in_the_log_only_are_copied_and_kept(sqlite: Location, tmp_path: Path) -> None:
    """What kill -9 leaves: a main file without the newest commits, and the log with them."""
    upgrade(sqlite)
    backup.make(sqlite, tmp_path / "empty")
    writer = sqlite3.connect(sqlite.file, isolation_level=None)
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute("INSERT INTO settings VALUES ('k', '1', 'x', 0)")
    stolen = {side: sqlite.file.with_name(sqlite.file.name + side).read_bytes() for side in ("", "-wal")}
    writer.close()
    for side, content in stolen.items():
        sqlite.file.with_name(sqlite.file.name + side).write_bytes(content)

    backup.make(sqlite, tmp_path / "copy")
    for side, content in stolen.items():
        sqlite.file.with_name(sqlite.file.name + side).write_bytes(content)
    done = backup.restore(sqlite, tmp_path / "empty")

    for path in (tmp_path / "copy", done.replaced):
        with contextlib.closing(sqlite3.connect(path)) as copy:
            assert copy.execute("SELECT key FROM settings").fetchall() == [("k",)]


def test_a_copy_is_one_file_that_opens_on_a_read_only_disk(sqlite: Location, tmp_path: Path) -> None:
    fill(sqlite)
    with Disk(tmp_path) as disk:
        backup.make(sqlite, disk.path / "copy")
        disk.read_only()
        backup.restore(sqlite, disk.path / "copy")
    assert names(sqlite) == ["alice"]


def test_the_newest_five_of_a_kind_are_kept(sqlite: Location, tmp_path: Path) -> None:
    fill(sqlite)
    backup.make(sqlite, tmp_path / "copy")
    made = [backup.before_upgrade(sqlite, "0001") for _ in range(7)]
    replaced = [backup.restore(sqlite, tmp_path / "copy").replaced for _ in range(7)]

    assert sorted(sqlite.backups.iterdir()) == sorted(made[2:] + replaced[2:])


def test_a_locked_database_does_not_hold_a_copy_up_for_ever(
    sqlite: Location, tmp_path: Path, monkeypatch
) -> None:
    fill(sqlite)
    monkeypatch.setattr(backup, "BUSY_S", 0.3)
    with contextlib.closing(sqlite3.connect(sqlite.file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO settings VALUES ('k', '1', 'x', 0)")
        with pytest.raises(StoreError) as caught:
            backup.make(sqlite, tmp_path / "copy")
        other.execute("COMMIT")
    assert caught.value.kind == "locked"
    assert not (tmp_path / "copy").exists()


# ---------------------------------------------------------------- PostgreSQL


def test_without_pg_dump_it_is_said(postgresql: Location, tmp_path: Path, monkeypatch) -> None:
    upgrade(postgresql)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pg_programs, "_DEBIAN", tmp_path)

    with pytest.raises(Refused, match=r"pg_dump is not installed.*postgresql-client"):
        backup.make(postgresql, tmp_path / "copy")


def test_the_password_is_not_in_the_process_list(postgresql: Location, tmp_path: Path, monkeypatch) -> None:
    upgrade(postgresql)
    ran: list[list[str]] = []
    run = pg_programs.subprocess.run

    def spy(command, **options):
        ran.append(command)
        assert options["env"].get("PGPASSWORD") in (None, PASSWORD)
        return run(command, **options)

    monkeypatch.setattr(pg_programs.subprocess, "run", spy)
    backup.make(postgresql, tmp_path / "copy")
    backup.restore(postgresql, tmp_path / "copy")

    assert len(ran) >= 4
    assert not [command for command in ran if PASSWORD in " ".join(command)]


def test_a_restore_that_fails_changes_nothing(
    postgres: Postgres, postgresql: Location, tmp_path: Path
) -> None:
    fill(postgresql)
    backup.make(postgresql, tmp_path / "copy")
    fill(postgresql, "bob")
    postgres.sql("tests", "CREATE VIEW seen AS SELECT 1 AS one; CREATE TYPE public.trouble AS ENUM ('x')")
    backup_with_view = tmp_path / "view"
    backup.make(postgresql, backup_with_view)  # holds a view and a type, which stand in its own way

    with pytest.raises(StoreError, match=r"psql: .*already exists"):
        backup.restore(postgresql, backup_with_view)
    assert names(postgresql) == ["alice", "bob"]


def test_a_server_that_refuses(postgres: Postgres, tmp_path: Path) -> None:
    wrong = locate(postgres.url("tests", password="wr0ng"), tmp_path)
    with pytest.raises(StoreError) as caught:
        backup.make(wrong, tmp_path / "copy")
    assert "wr0ng" not in str(caught.value)
    assert not (tmp_path / "copy").exists()
