"""What is decided on the command line without the gate stands in the ledger of the process `cli`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from streamgate.cli import app
from streamgate.ledger.read import read
from streamgate.ledger.verify import verify
from streamgate.runtime.actor import cli_actor

STREAMGATE = [sys.executable, "-m", "streamgate"]
# Every command is one of these; a new one has to say which.
RECORDED = {
    "channel add": ["channel", "add", "hall", "--push", "tv=rtmp://live.example/app/PLATFORM-KEY"],
    "channel set": ["channel", "set", "main", "--delay", "45"],
    "channel approve": ["channel", "approve", "main", "live.example"],
    "channel rotate-key": ["channel", "rotate-key", "main"],
    "channel remove": ["channel", "remove", "main"],
    "user add": ["user", "add", "bob", "--role", "operator"],
    "user disable": ["user", "disable", "ann"],
    "user enable": ["user", "enable", "ann"],
    "user reset": ["user", "reset", "ann", "--totp"],
    "user roles": ["user", "roles", "ann", "director"],
    "token add": ["token", "add", "deck", "--scope", "channel:cut"],
    "token revoke": ["token", "revoke", "deck"],
    "source add": ["source", "add", "hall", "--channel", "main"],
    "source rotate": ["source", "rotate", "desk"],
    "source remove": ["source", "remove", "desk"],
    "interaction": ["interaction", "main", "--comments", "open"],
    "archive reindex": ["archive", "reindex"],
    "archive hold": ["archive", "hold", "main", "--from", "1", "--to", "2", "--reason", "why"],
    "archive release": ["archive", "release", "hold-0", "--reason", "why"],
    "archive export": ["archive", "export", "main", "--from", "1", "--to", "2", "--out", "{tmp}/span.mp4"],
    "archive restore": ["archive", "restore"],
    "archive copy key": ["archive", "copy", "key", "KEY-ID"],
    "secrets rotate": ["secrets", "rotate"],
    "db backup": ["db", "backup", "{tmp}/copy.sqlite"],
    "db restore": ["db", "restore", "{tmp}/nothing.sqlite"],
    "archive render": ["archive", "render", "main-20260928T120000Z", "--out", "{tmp}/aired.flv"],
    "note": ["note", "main", "the sound hums"],
    "incident export": ["incident", "export", "--out", "{tmp}/incidents.json"],
    "incident complete": [
        *("incident", "complete", "INCIDENT", "--category", "sound", "--level", "minor"),
        *("--aired", "no", "--words", "it hummed"),
    ],
    "incident join": ["incident", "join", "INCIDENT", "OTHER", "--reason", "the same"],
    "incident dismiss": ["incident", "dismiss", "INCIDENT", "--reason", "a rehearsal"],
    "incident escalate": ["incident", "escalate", "INCIDENT"],
    "incident acknowledge": ["incident", "acknowledge", "INCIDENT"],
    "incident follow": ["incident", "follow", "INCIDENT", "the parents were told"],
    "incident close": ["incident", "close", "INCIDENT", "done"],
    "escalation set": ["escalation", "set", "{tmp}/chain.json"],
    "escalation test": ["escalation", "test", "Li"],
    "report": ["report", "main-20260928T120000Z", "--out", "{tmp}/report.docx"],
    "duty add": ["duty", "add", "main", "ann", "--from", "2099-01-01 08:00", "--to", "2099-01-01 12:00"],
    "duty remove": ["duty", "remove", "main", "1"],
    "duty take": ["duty", "take", "main", "ann"],
    "duty hand-over": ["duty", "hand-over", "main", "ann", "--to", "root"],
    "duty leave": ["duty", "leave", "main", "ann"],
    "duty set": ["duty", "set", "main", "--watch", "backup"],
    "db upgrade": ["db", "upgrade"],
    "db copy": ["db", "copy", "sqlite"],
}
BY_GATE = {"start", "cut", "restore", "dump", "backup", "live", "stop"}
BY_GATE |= {"condemn", "redact", "move", "lift", "uncut", "duty sign"}
DECIDES_NOTHING = {"serve", "demo", "status", "verify", "channel list", "user list", "token list", "db check"}
DECIDES_NOTHING |= {
    "archive list",
    "archive expiring",
    "archive holds",
    "archive copy status",
    "archive disk",
}
DECIDES_NOTHING |= {"incident list", "incident show", "escalation show", "selfcheck"}
DECIDES_NOTHING |= {"archive list", "archive expiring", "archive holds"}
DECIDES_NOTHING |= {"duty show", "duty practices"}
DECIDES_NOTHING |= {"certificate", "source list", "source feed", "overlay"}
ONLY_WITH_SERVE = {"console-link"}  # tests/console/test_console_ledger_killed.py


def streamgate(data_dir: Path, *arguments: str, code: int | None = 0) -> str:
    done = subprocess.run(
        [*STREAMGATE, "--data-dir", str(data_dir), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert code in (None, done.returncode), done.stderr
    return done.stdout + done.stderr


def decisions(data_dir: Path) -> list[dict[str, Any]]:
    return list(read(data_dir / "ledger", process="cli", kind="decision"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a channel, an administrator, ann and the source `desk`, to be copied."""
    place = tmp_path_factory.mktemp("made") / "data"
    streamgate(place, "channel", "add", "main", "--push", "rtmp://live.example/app/OTHER-KEY")
    streamgate(place, "user", "add", "root", "--role", "administrator")
    streamgate(place, "user", "add", "ann", "--role", "operator")
    streamgate(place, "source", "add", "desk", "--channel", "main")
    return place


@pytest.fixture
def data_dir(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data", ignore=shutil.ignore_patterns("run")))


def commands(group: Any, before: str = "") -> set[str]:
    found: set[str] = set()
    for name, one in group.commands.items():
        if name != "filter":  # word lists: files that people write themselves
            found |= commands(one, f"{before}{name} ") if hasattr(one, "commands") else {before + name}
    return found


def test_every_command_is_recorded_by_somebody_or_decides_nothing() -> None:
    known = {*RECORDED, *BY_GATE, *DECIDES_NOTHING, *ONLY_WITH_SERVE}
    assert commands(typer.main.get_command(app)) == known


@pytest.mark.parametrize("command", RECORDED)
def test_each_leaves_one_record_whether_done_or_refused(command: str, data_dir: Path, tmp_path: Path) -> None:
    before = len(decisions(data_dir))
    said = streamgate(data_dir, *(one.format(tmp=tmp_path) for one in RECORDED[command]), code=None)
    (record,) = decisions(data_dir)[before:]
    assert record["who"] == cli_actor()
    assert record["latency_ms"] > 0
    assert "from" not in record
    refused = command in {"token revoke", "db restore", "db copy", "channel approve"}
    refused |= command in {"archive release", "archive export", "archive render"}
    refused |= command in {"archive restore", "archive copy key"}
    refused |= command in {"archive release", "archive export", "archive render", "report"}
    refused |= command.startswith("incident ") and command != "incident export"
    refused |= command.startswith("escalation")
    refused |= command in {"duty add", "duty remove", "duty hand-over", "duty leave"}
    assert record["answer"] == ("refused" if refused else "ok")
    assert not refused or record["error"] in said.replace("streamgate: ", "")
    assert verify(data_dir).ok


def test_records_say_what_it_was_before_and_hold_no_secret(data_dir: Path) -> None:
    secrets = ["PLATFORM-KEY", "OTHER-KEY"]
    secrets.append(json.loads(streamgate(data_dir, "channel", "rotate-key", "main", "--json"))["stream_key"])
    secrets.append(json.loads(streamgate(data_dir, *RECORDED["token add"], "--json"))["token"])
    link = json.loads(streamgate(data_dir, *RECORDED["user reset"], "--json"))["link"]
    secrets.append(link.rpartition("#")[2])
    streamgate(data_dir, "channel", "set", "main", "--delay", "45", "--push", "two=rtmp://h/app/PLATFORM-KEY")
    streamgate(data_dir, "channel", "set", "main", "--remove-push", "rtmp://h/app/PLATFORM-KEY")
    streamgate(data_dir, "user", "roles", "ann", "director@main")
    streamgate(data_dir, "user", "disable", "ann")
    found = decisions(data_dir)
    roles, disabled = found[-2:]
    assert roles["changes"] == [{"name": "roles", "old": ["operator"], "new": ["director@main"]}]
    assert disabled["changes"] == [{"name": "disabled", "old": False, "new": True}]
    pushed = found[-4]
    assert pushed["args"]["push"] == ["two=rtmp://h/app/***"]
    assert [one["name"] for one in pushed["changes"]] == ["delay_s", "destinations"]
    written = b"".join(path.read_bytes() for path in (data_dir / "ledger").rglob("*.jsonl"))
    for secret in secrets:
        assert secret.encode() not in written


def test_many_at_once_tear_no_chain_and_lose_nothing(data_dir: Path) -> None:
    names = [f"deck-{number}" for number in range(8)]
    running = [
        subprocess.Popen(
            [*STREAMGATE, "--data-dir", str(data_dir), "token", "add", name, "--scope", "channel:cut"],
            stdout=subprocess.DEVNULL,
        )
        for name in names
    ]
    assert [one.wait(120) for one in running] == [0] * len(names)
    verdict = verify(data_dir)
    assert verdict.ok, verdict
    added = [one["args"]["name"] for one in decisions(data_dir) if one["what"] == "token.add"]
    assert sorted(added) == names
    assert [path.name for path in (data_dir / "ledger").rglob("*.jsonl")] == ["cli.jsonl"]


def test_a_disk_that_takes_no_record_holds_nobody_up_and_the_next_command_writes_it(data_dir: Path) -> None:
    ledger = data_dir / "ledger"
    ledger.rename(data_dir / "aside")
    ledger.write_text("in the way")
    said = streamgate(data_dir, "token", "add", "deck", "--scope", "channel:cut")
    assert "does not take the record of this; it waits in memory for the next command" in said
    ledger.unlink()
    (data_dir / "aside").rename(ledger)
    streamgate(data_dir, "token", "revoke", "deck")
    assert [one["what"] for one in decisions(data_dir)][-2:] == ["token.add", "token.revoke"]
    assert verify(data_dir).ok


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_makes_belongs_to_the_owner_of_the_data_directory(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir(mode=0o700)
    os.chown(place, 1234, 1234)
    streamgate(place, "channel", "add", "main")
    made = [place / "ledger", *(place / "ledger").rglob("*")]
    assert len(made) == 3
    assert {path.stat().st_uid for path in made} == {1234}
