"""`streamgate duty` without a running serve."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from streamgate.ledger.read import read
from streamgate.runtime.channels import ChannelStore
from streamgate.store import practices, users
from streamgate.store.database import Database
from streamgate.store.location import locate
from streamgate.store.practices import Mark
from streamgate.store.upgrade import upgrade
from streamgate.store.users import Grant


class Line:
    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREAMGATE_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "streamgate", "--data-dir", str(self.root), "duty", *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--json").stdout)
        return found


@pytest.fixture
def line(tmp_path: Path) -> Line:
    root = tmp_path / "data"
    ChannelStore(root).add("main")
    location = locate("sqlite", root)
    upgrade(location)
    with Database(location) as database, database.write() as session:
        for name, role in (("ann", "operator"), ("ben", "director"), ("eva", "auditor")):
            users.add(session, name, by="test", at=1, grants=[Grant(role)])
        ann = users.find(session, "ann")
        number = practices.begin(session, ann.id, "practice", at=100)
        practices.finish(session, number, [Mark(1, "sound", 101, 0.9, "cut")], false_presses=0, at=110)
    return Line(root)


def test_the_roster_on_the_command_line(line: Line) -> None:
    now = time.time()
    times = ("--from", str(now - 60), "--to", str(now + 3600))
    made = line.json("add", "main", "ann", *times, "--broadcast", "晚会", "--note", "主控室")
    assert (made["user"], made["broadcast"]) == ("ann", "晚会")
    assert "eva may not be on duty on main" in line.run("add", "main", "eva", *times, code=1).stderr
    assert "there is no channel hall" in line.run("take", "hall", "ben", code=1).stderr
    handed = line.json("hand-over", "main", "ann", "--to", "ben", "--note", "一切正常")
    assert handed["user"] == "ben"
    line.run("leave", "main", "ben")
    line.run("take", "main", "ann")
    shown = line.json("show", "main")
    assert shown["on_duty"] == ["ann"]
    assert [(one["user"], one["origin"], one["ended_why"]) for one in shown["shifts"]] == [
        ("ann", "planned", "handed_over"),
        ("ben", "handed_over", "left"),
        ("ann", "taken", ""),
    ]
    line.run("remove", "main", str(shown["shifts"][-1]["id"]))
    assert line.json("show", "main")["on_duty"] == []
    told = [one["what"] for one in read(line.root / "ledger") if one["kind"] == "decision"]
    assert told == [
        *("duty.plan", "duty.plan", "duty.take", "duty.hand_over"),
        *("duty.leave", "duty.take", "duty.remove"),
    ]


def test_the_watch_and_practices_on_the_command_line(line: Line) -> None:
    done = line.json("set", "main", "--watch", "backup", "--absent-s", "60")
    assert done == {"channel": "main", "watch": "backup", "ask_min": 10.0, "absent_s": 60.0}
    assert "use off, alarm, backup" in line.run("set", "main", "--watch", "often", code=1).stderr
    assert "use 20 to 3600" in line.run("set", "main", "--absent-s", "5", code=1).stderr
    shown = line.json("practices")
    assert shown["practices"][0]["marks"][0]["reaction_s"] == 0.9
    assert shown["reactions"]["ann"]["sound"]["in_force_s"] is None
    assert "not running" in line.run("sign", "main", code=1).stderr
