"""`streamgate archive copy status|key`, `archive restore` and `archive disk`, as a person runs them."""

import json
import shutil
import time

import pytest
from small_archive import DAY_S, SmallArchive
from typer.testing import CliRunner

from streamgate.archive.copy.copier import Copier
from streamgate.archive.copy.directory import DirectoryTarget
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.login import read_login
from streamgate.archive.copy.pace import Pace
from streamgate.archive.copy.state import CopyState, warnings
from streamgate.cli import app
from streamgate.ledger.read import read


@pytest.fixture
def archive(tmp_path):
    made = SmallArchive(tmp_path / "data")
    now = time.time()
    for n in range(5):
        made.part(now - 3600 + 6 * n)
    return made


@pytest.fixture
def place(tmp_path, monkeypatch):
    path = tmp_path / "nas"
    path.mkdir()
    monkeypatch.setenv("STREAMGATE_COPY_TO", str(path))
    return path


def copy_once(archive, place):
    journal = Journal(archive.path)
    Copier(archive.path, journal, DirectoryTarget(place), Pace()).round()
    journal.close()


def run(archive, *arguments, code=0, typed=None):
    done = CliRunner().invoke(app, ["--data-dir", str(archive.path), *arguments], input=typed)
    assert done.exit_code == code, done.output
    return done.output


def answer(archive, *arguments, **kwargs):
    return json.loads(run(archive, *arguments, "--json", **kwargs))


def test_without_a_setting_there_is_no_second_copy(archive):
    assert answer(archive, "archive", "copy", "status")["state"] == "off"
    assert "no second copy is set" in run(archive, "archive", "copy", "status")
    assert "no second copy is set" in run(archive, "archive", "restore", code=1)


def test_status_says_what_is_behind_with_serve_away(archive, place):
    before = answer(archive, "archive", "copy", "status")
    assert (before["state"], before["target"]) == ("not_running", str(place))
    assert (before["behind_files"], before["behind_bytes"], before["pieces"]) == (5, 200_000, 0)
    copy_once(archive, place)
    archive.part(time.time() - 60)
    after = answer(archive, "archive", "copy", "status")
    assert (after["behind_files"], after["behind_bytes"]) == (1, 40_000)
    assert after["checked_bytes"] == after["bytes"] > 200_000
    assert f"{place}: not running" in run(archive, "archive", "copy", "status")


def test_restore_brings_back_and_the_catalog_follows(archive, place):
    copy_once(archive, place)
    missing, damaged = sorted(archive.parts)[1:3]
    (archive.path / missing).unlink()
    (archive.path / damaged).write_bytes(b"no")
    done = answer(archive, "archive", "restore", "main")
    assert sorted(done["restored"]) == [missing, damaged]
    assert (done["kept"], done["failed"], done["parts"]) == (
        ["/.".join(damaged.rsplit("/", 1)) + ".damaged"],
        {},
        5,
    )
    assert {key: (archive.path / key).read_bytes() for key in archive.parts} == archive.parts
    (record,) = read(archive.path / "ledger", process="cli", kind="decision")
    assert (record["what"], record["channel"], record["args"]["restored"]) == ("archive.restore", "main", 2)
    listed = answer(archive, "archive", "list", "main")
    assert [one["parts"] for one in listed["broadcasts"]] == [5]


def test_restore_says_what_did_not_come_back(archive, place):
    copy_once(archive, place)
    key = min(archive.parts)
    (archive.path / key).unlink()
    (place / key).unlink()
    done = answer(archive, "archive", "restore", code=1)
    assert list(done["failed"]) == [key]
    shutil.rmtree(place)
    assert "mount it" in run(archive, "archive", "restore", code=1)


def test_the_key_is_read_from_standard_input(archive):
    assert "never" not in run(archive, "archive", "copy", "key", "id-1", typed="never-seen\n")
    assert read_login(archive.path) == ("id-1", "never-seen", "")
    assert "very" not in (archive.path / "copy.secret").read_text()
    written = b"".join(path.read_bytes() for path in (archive.path / "ledger").rglob("*.jsonl"))
    assert b"never-seen" not in written
    assert answer(archive, "archive", "copy", "key", "--forget") == {"forgotten": True}
    assert read_login(archive.path) is None


@pytest.mark.parametrize("days", ["1", "59"])
def test_a_copy_retention_below_the_rule_is_refused(archive, monkeypatch, days):
    monkeypatch.setenv("STREAMGATE_COPY_RETENTION", days)
    assert "copy_retention" in run(archive, "archive", "copy", "status", code=1)


@pytest.mark.parametrize("value", ["relative/path", "s3://UPPER/x", "ftp://host/x", "s3://"])
def test_a_place_that_is_none_is_refused(archive, monkeypatch, value):
    monkeypatch.setenv("STREAMGATE_COPY_TO", value)
    assert "copy_to" in run(archive, "archive", "copy", "status", code=1)


def test_disk_says_hours_days_and_the_reserve(archive):
    found = answer(archive, "archive", "disk")
    assert found["bytes_a_day"] == 200_000
    assert found["retention_days"] == 60
    assert found["fits"] is True
    assert found["days_fit"] > 60
    assert found["hours_left"] is None
    assert (found["reserve_bytes"], found["reserve_wanted"]) == (0, 0)
    archive.part(time.time() - 7)
    found = answer(archive, "archive", "disk")
    assert found["hours_left"] > 0
    assert found["channels"][0]["channel"] == "main"
    assert "hours left" in run(archive, "archive", "disk")


def test_operators_are_told_what_stands_in_both_languages():
    now = 1_790_000_000.0

    def told(**values):
        return {
            key: what
            for key, what in warnings(CopyState(target="s3://b/", **values), now)
            if what is not None
        }

    assert told(state="idle", since=now - DAY_S) == {}
    assert told(state="unreachable", since=now - 30) == {}, "not worth a word yet"
    away = told(
        state="unreachable", since=now - 3600, error="connection refused", behind_bytes=4_200_000_000
    )["second_copy"]
    assert (away.code, away.level) == ("copy_unreachable", "alarm")
    assert "4.2 GB" in away.text
    assert "connection refused" in away.text_zh
    late = told(state="copying", since=now, oldest=now - 7200, behind_files=9, behind_bytes=10**9)[
        "second_copy"
    ]
    assert (late.code, late.level) == ("copy_behind", "warning")
    assert "落后 1.0 GB" in late.text_zh
    assert list(told(state="idle", damaged=["archive/x"], lost_for_good=["archive/y"], locked="kept")) == [
        "copy_damaged",
        "copy_lost",
        "copy_locked",
    ]
