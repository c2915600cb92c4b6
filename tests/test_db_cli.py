"""`streamgate db`, as it is typed."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tools.postgres import PASSWORD, Postgres
from typer.testing import CliRunner, Result

from streamgate.cli import app
from streamgate.runtime.datadir import DataDir, ServeInfo
from streamgate.store import users
from streamgate.store.database import Database
from streamgate.store.location import Location, locate

HEAD = "0008"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("STREAMGATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    return lambda *arguments, typed="": CliRunner().invoke(
        app, ["--data-dir", str(tmp_path / "data"), "db", *arguments], input=typed
    )


def test_from_nothing_to_a_database_put_back(run: Callable[..., Result], tmp_path: Path) -> None:
    data = tmp_path / "data"
    none = run("check", "--json")
    made = run("upgrade", "--json")
    again = run("upgrade", "--json")
    sound = run("check", "--json")
    copied = run("backup", str(tmp_path / "copy"), "--json")
    back = run("restore", str(tmp_path / "copy"), "--json")

    assert none.exit_code == 1
    assert json.loads(none.stdout)["ok"] is False
    assert "no database" in json.loads(none.stdout)["problems"][0]
    assert json.loads(made.stdout) == {"from": None, "to": HEAD, "backup": None}
    assert json.loads(again.stdout) == {"from": HEAD, "to": HEAD, "backup": None}
    report = json.loads(sound.stdout)
    assert report.pop("server")
    assert report == {
        "ok": True,
        "engine": "sqlite",
        "database": str(data / "streamgate.sqlite"),
        "version": HEAD,
        "head": HEAD,
        "problems": [],
    }
    assert json.loads(copied.stdout) == {
        "file": str(tmp_path / "copy"),
        "bytes": (tmp_path / "copy").stat().st_size,
    }
    answer = json.loads(back.stdout)
    assert (answer["file"], answer["version"]) == (str(tmp_path / "copy"), HEAD)
    assert Path(answer["replaced"]).parent == data / "database-backups"
    assert [result.exit_code for result in (made, again, sound, copied, back)] == [0] * 5


def test_for_people(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run("upgrade").stdout == f"schema none -> {HEAD}\n"
    assert run("upgrade").stdout == f"schema {HEAD} already; nothing to do\n"
    assert run("check").stdout.endswith("sound\n")
    assert "bytes" in run("backup", str(tmp_path / "copy")).stdout
    assert "what stood there is now" in run("restore", str(tmp_path / "copy")).stdout


def test_refusals_are_exit_1_on_stderr(run: Callable[..., Result], tmp_path: Path) -> None:
    run("upgrade")
    (tmp_path / "mine").touch()
    for arguments, words in (
        (["backup", str(tmp_path / "mine")], "exists already"),
        (["restore", str(tmp_path / "none")], "there is no file"),
        (["restore", str(tmp_path / "mine")], "no usable copy"),
    ):
        result = run(*arguments, "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert words in result.stderr
        assert result.stderr.startswith("streamgate: ")
    assert run("restore").exit_code == 2
    assert run("mend").exit_code == 2


def test_gone_is_told_and_a_new_one_is_made_on_demand_only(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    run("upgrade")
    (tmp_path / "data" / "streamgate.sqlite").unlink()

    result = run("upgrade")
    assert result.exit_code == 1
    assert "is gone" in result.stderr
    assert run("upgrade", "--new").exit_code == 0
    assert run("check").exit_code == 0


def test_restore_waits_until_serve_has_ended(run: Callable[..., Result], tmp_path: Path) -> None:
    run("upgrade")
    run("backup", str(tmp_path / "copy"))
    places = DataDir(tmp_path / "data")
    places.create_run()
    places.write_serve(ServeInfo(os.getpid(), "127.0.0.1:1", "127.0.0.1:2"))

    result = run("restore", str(tmp_path / "copy"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"serve runs (process {os.getpid()})" in result.stderr


def test_the_setting_names_a_server(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "streamgate.toml").write_text(
        f'database = "postgresql+psycopg://gate:s3cret@/none?host={tmp_path}"'
    )
    result = run("check", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["database"] == f"postgresql+psycopg://gate:***@/none?host={tmp_path}"
    for arguments in (["check"], ["upgrade"], ["backup", str(tmp_path / "x")]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "s3cret" not in result.stdout + result.stderr


def test_from_the_file_to_a_server(
    run: Callable[..., Result], tmp_path: Path, postgres: Postgres, postgresql: Location
) -> None:
    run("upgrade")
    with Database(locate("sqlite", tmp_path / "data")) as database, database.write() as session:
        users.add(session, "ann", by="test", at=1)
    address = postgres.url("tests")
    for_all_to_see = run("copy", address)
    assert (for_all_to_see.exit_code, PASSWORD in for_all_to_see.stderr) == (1, False)
    assert "could read in the process list" in for_all_to_see.stderr
    nonsense = run("copy", "-", typed="mysql://x:s3cret@y/z")
    assert (nonsense.exit_code, "s3cret" in nonsense.stderr) == (1, False)
    copied = run("copy", "-", "--json", typed=f"{address}\n")
    assert copied.exit_code == 0, copied.stderr
    answer = json.loads(copied.stdout)
    assert (answer["to"], answer["rows"]["users"]) == (postgresql.shown, 1)
    assert PASSWORD not in copied.stdout
    again = run("copy", "-", typed=address)
    assert (again.exit_code, "is not empty" in again.stderr) == (1, True)
    (tmp_path / "data" / "streamgate.toml").write_text(f'database = "{address}"')
    assert run("check").exit_code == 0
    (tmp_path / "data" / "streamgate.sqlite").rename(tmp_path / "aside")
    (tmp_path / "data" / "streamgate.sqlite.lock").unlink()
    assert "users                           1\n" in run("copy", "sqlite").stdout


def test_nothing_is_moved_while_serve_runs(run: Callable[..., Result], tmp_path: Path) -> None:
    run("upgrade")
    places = DataDir(tmp_path / "data")
    places.create_run()
    places.write_serve(ServeInfo(os.getpid(), "127.0.0.1:1", "127.0.0.1:2"))
    assert "end it first, then copy" in run("copy", "postgresql:///none").stderr
