"""A broadcast whose database is corrupt, read-only, locked, gone: it airs, cuts, records, and says so."""

import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tools import timecode
from tools.disks import Disk
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.postgres import PASSWORD, Postgres
from tools.serve import Gate

from streamgate.ledger.read import read


def noticed(gate: Gate, code: str) -> bool:
    """Whether operators were told."""
    return any(line["code"] == code for line in read(gate.directory / "ledger", kind="notice"))


class Show:
    """A gate whose database stands on a small disk of its own, on air with a real feed."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.disk = disk
        self.database = disk.path / "streamgate.sqlite"
        self.gate = Gate(directory / "gate")
        self.platform = Platform(directory / "platform")
        self.url = self.gate.add("main", self.platform.url("main"))
        assert self.gate.command("db", "upgrade", "--json").json["to"]
        shutil.move(self.gate.directory / "streamgate.sqlite", self.database)
        (self.gate.directory / "streamgate.sqlite").symlink_to(self.database)

    def codes(self) -> list[str]:
        """What the operators were told of the database, in order."""
        told = read(self.gate.directory / "ledger", kind="notice")
        return [line["code"] for line in told if line["code"].startswith("database_")]

    def until_told(self, code: str, seconds: float = 45) -> None:
        end = time.monotonic() + seconds
        while self.codes()[-1:] != [code]:
            assert time.monotonic() < end, f"operators were told {self.codes()}, not {code}"
            time.sleep(0.1)

    def recorded(self) -> int:
        return sum(path.stat().st_size for path in (self.gate.directory / "archive" / "main").rglob("*.mp4"))

    def works(self) -> None:
        """Cut and restore as on any other day, and see that recording goes on."""
        before = self.recorded()
        cut = self.gate.command("cut", "main", "--json").json
        assert (cut["state"], cut["took_ms"] < 100) == ("cut", True)
        assert self.gate.command("restore", "main", "--json").json["state"] == "filling"
        assert self.gate.health()[0] == 200
        time.sleep(2)
        assert self.recorded() > before


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def gone(database: Path) -> Iterator[None]:
    away = database.with_name("away")
    database.rename(away)
    yield
    away.rename(database)


@contextlib.contextmanager
def corrupt(database: Path) -> Iterator[None]:
    whole = database.read_bytes()
    database.write_bytes(os.urandom(len(whole)))
    yield
    database.write_bytes(whole)


@pytest.fixture
def show(tmp_path: Path) -> Iterator[Show]:
    with Disk(tmp_path, mb=16) as disk:
        made = Show(tmp_path, disk)
        yield made
        if made.gate.process is not None:
            made.gate.stop()
        made.platform.close()


def test_air_cut_and_recording_need_no_database(show: Show, tmp_path: Path) -> None:
    feed = timecode.make(tmp_path / "feed.flv", feed=1, seconds=20)
    with corrupt(show.database):
        show.gate.start()
        encoder = Encoder(feed, show.url, loop=True)
        show.until_told("database_corrupt")
        show.gate.wait_for("main", lambda status: status["state"] == "live", 45)
        show.works()
    show.until_told("database_ok", 90)

    troubles: list[tuple[str, Callable[[Path], contextlib.AbstractContextManager[None]]]] = [
        ("database_locked", locked),
        ("database_gone", gone),
    ]
    for code, trouble in troubles:
        with trouble(show.database):
            show.until_told(code)
            show.works()
        show.until_told("database_ok", 90)

    show.disk.read_only()
    show.until_told("database_read_only")
    show.works()
    show.gate.kill("console")  # it comes back, and says so again
    time.sleep(1)
    show.until_told("database_read_only")
    show.gate.wait_for("main", lambda status: status["state"] == "live", 45)

    (publish,) = show.platform.published("main")  # one connection from the first picture to the last
    assert publish.ended_s is None
    encoder.stop()
    assert show.gate.stop()[0] == 0
    assert "Traceback" not in show.gate.log


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))
    yield server
    server.close()


def test_serve_on_a_server_that_goes_away(tmp_path: Path, postgres: Postgres) -> None:
    gate = Gate(tmp_path / "gate")
    gate.add("main")
    (gate.directory / "streamgate.toml").write_text(f'database = "{postgres.new_database("gate")}"')
    gate.start()
    try:
        wait(lambda: gate.command("db", "check", "--json").code == 0)
        refused = gate.command("db", "restore", "streamgate.toml")
        assert (refused.code, "serve runs" in refused.err) == (1, True)
        gate.command("start", "main")
        postgres.stop()
        wait(lambda: noticed(gate, "database_away"))
        assert gate.command("cut", "main", "--json").json["state"] == "cut"
        postgres.start()
        wait(lambda: noticed(gate, "database_ok"))
        maps = {name: Path(f"/proc/{gate.pid(name)}/maps").read_text() for name in ("gate", "console")}
        loaded = {name: re.findall("psycopg|_sqlite3|libpq", text) for name, text in maps.items()}
        assert loaded["gate"] == []
        assert "libpq" in loaded["console"]
    finally:
        gate.stop()
    written = [path.read_bytes() for path in gate.directory.rglob("*") if path.suffix in {".jsonl", ".json"}]
    for secret in (PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in gate.log
        assert not [text for text in written if secret.encode() in text]


def wait(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)
