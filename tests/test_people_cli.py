"""`streamgate user`, `token` and `secrets`, without a running serve."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.auth import passwords
from streamgate.runtime.channels import ChannelStore
from streamgate.runtime.secret_box import SecretBox
from streamgate.store import api_tokens, factors, users
from streamgate.store.database import Database
from streamgate.store.location import locate

PASSWORD = "harbour lamp seven rivers"


class Line:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = locate("sqlite", root)

    def run(self, *arguments: str, typed: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("STREAMGATE_")
        }
        done = subprocess.run(
            [sys.executable, "-m", "streamgate", "--data-dir", str(self.root), *arguments],
            input=typed,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str, typed: str = "") -> dict:
        return json.loads(self.run(*arguments, "--json", typed=typed).stdout)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path / "data")


def test_people_without_serve(line: Line) -> None:
    added = line.json(
        "user",
        "add",
        "ann",
        "--role",
        "administrator,operator@main",
        "--password-stdin",
        typed=f"{PASSWORD}\n",
    )
    assert added == {"user": "ann", "roles": ["administrator", "operator@main"]}
    with Database(line.database) as database, database.read() as session:
        user = users.find(session, "ann")
        assert user is not None
        assert passwords.matches(user.password_hash or "", PASSWORD)
        assert user.created_by.startswith("cli:")
    invited = line.json("user", "add", "ben", "--role", "director", "--display-name", "Ben")
    assert invited["link"].startswith("http://127.0.0.1:8080/one-time#")
    listed = line.json("user", "list")["users"]
    assert [(one["user"], one["invited"], one["disabled"]) for one in listed] == [
        ("ann", False, False),
        ("ben", True, False),
    ]
    assert line.json("user", "roles", "ben", "operator,reviewer")["roles"] == ["operator", "reviewer"]
    assert line.json("user", "disable", "ben")["disabled"] is True
    assert "is disabled" in line.run("user", "reset", "ben", code=1).stderr
    assert line.json("user", "enable", "ben")["disabled"] is False
    assert "#" in line.json("user", "reset", "ben")["link"]


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (("user", "add", "ann", "--role", "king"), "", "there is no role 'king'"),
        (("user", "add", "ann", "--role", ","), "", "name at least one role"),
        (("user", "add", "ann", "--role", "auditor@main"), "", "is for all channels"),
        (("user", "add", "ann", "--role", "operator@"), "", "channel name '' is not allowed"),
        (("user", "add", "ann", "--role", "operator@a/b"), "", "channel name 'a/b' is not allowed"),
        (
            ("user", "add", "ann", "--role", "operator", "--display-name", "a\nb"),
            "",
            "display name 'a\\nb' is",
        ),
        (("user", "add", "ann", "--role", "operator", "--password-stdin"), "short", "12 to 256 are allowed"),
        (("user", "disable", "nobody"), "", "there is nobody called nobody"),
        (("token", "add", "deck", "--scope", "people:manage"), "", "scope people:manage is not allowed"),
        (("token", "add", "deck", "--scope", "channel:cut", "--channel", ""), "", "channel name '' is not"),
        (("token", "revoke", "deck"), "", "there is no token deck in force"),
    ],
)
def test_what_is_refused_says_why(line: Line, arguments: tuple[str, ...], typed: str, why: str) -> None:
    assert why in line.run(*arguments, typed=typed, code=1).stderr


def test_the_last_administrator_stays(line: Line) -> None:
    line.json("user", "add", "ben", "--role", "operator", "--password-stdin", typed=PASSWORD)
    line.json("user", "disable", "ben")  # nobody administers yet: nothing to keep
    line.json("user", "add", "ann", "--role", "administrator", "--password-stdin", typed=PASSWORD)
    for arguments in (("disable", "ann"), ("roles", "ann", "operator")):
        assert "nobody would be left to administer" in line.run("user", *arguments, code=1).stderr


def test_a_token_is_shown_once_and_stored_as_a_hash(line: Line) -> None:
    made = line.json(
        "token", "add", "deck", "--scope", "channel:cut,channel:view", "--channel", "main", "--days", "2"
    )
    assert made["token"].startswith("sg_")
    with Database(line.database) as database, database.read() as session:
        (row,) = api_tokens.list_all(session)
        assert (row.scopes, row.channel) == (["channel:cut", "channel:view"], "main")
        assert row.expires_at == pytest.approx(row.created_at + 2 * 86400, abs=1)
    assert made["token"].encode() not in (line.root / "streamgate.sqlite").read_bytes()
    assert made["token"] not in line.run("token", "list").stdout


def test_rotation_encrypts_everything_anew(line: Line) -> None:
    line.json("user", "add", "ann", "--role", "operator", "--password-stdin", typed=PASSWORD)
    url = "rtmp://platform.example/app/key"
    ChannelStore(line.root).add("main", push=[url])
    with Database(line.database) as database, database.write() as session:
        factors.set_totp(session, 1, SecretBox(line.root).encrypt(b"SECRET"), at=1.0)
    key = (line.root / "secrets.key").read_bytes()
    assert line.json("secrets", "rotate") == {"rotated": 2, "people": 1, "channels": 1}
    assert key not in (line.root / "secrets.key").read_bytes()
    with Database(line.database) as database, database.read() as session:
        row = factors.totp(session, 1)
        assert row is not None
        assert SecretBox(line.root).decrypt(row.secret) == b"SECRET"
    assert ChannelStore(line.root).get("main").destinations[0].url == url


def test_rotation_keeps_the_old_key_while_a_channel_file_cannot_be_read(line: Line) -> None:
    ChannelStore(line.root).add("main", push=["rtmp://platform.example/app/key"])
    (line.root / "channels" / "bad.json").write_text("{")
    assert "the old key stays, too" in line.run("secrets", "rotate", code=1).stderr
    assert len((line.root / "secrets.key").read_bytes().split()) == 2
    assert ChannelStore(line.root).get("main").destinations
