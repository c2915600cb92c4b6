"""Secrets of a real serve, of known values, used rightly and wrongly: where they stand, and where not.

Looked through: its output, the ledger, the index of the archive, the runtime directory, the database, every
file of the data directory, every answer that is not the one that gives the secret out, the command lines and
environments of all its processes.
"""

import contextlib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyotp
import pytest
from tools import timecode
from tools.encoder import Encoder
from tools.people import Person, sign_in
from tools.postgres import PASSWORD, Postgres
from tools.serve import Gate

from streamgate.runtime.rundir import runtime_dir

FIRST, SECOND = "harbour lamp seven rivers", "granite owl under nine bridges"
MISTYPED = "harbour lamp seven rivets"  # nearly a password: what people mistype is nearly their password
PUSH_KEY, OTHER_KEY = "push-key-0f3a91c7", "push-key-77d20b5e"


@dataclass
class Desk:
    """A serve, what was answered, and every secret there is."""

    gate: Gate
    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    cookie: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Ask over HTTP; the answer is kept unless it gives out a secret of its own (`give`)."""
        status, text = self._send(method, path, body, {**self.cookie, **headers})
        self.answers.append(text)
        return status, json.loads(text)

    def give(self, name: str, key: str, method: str, path: str, body: object = None) -> str:
        """Ask for something that is shown this once, and remember it as a secret."""
        status, text = self._send(method, path, body, self.cookie)
        assert status == 200, text
        self.secrets[name] = secret = str(json.loads(text)[key])
        self.answers.append(text.replace(secret, ""))
        return secret

    def sign_in(self, person: Person, **more: object) -> None:
        status, text = self._send("POST", "session", person.credentials(**more), {})
        assert status == 200, text

    def take_cookie(self, name: str, person: Person) -> None:
        cookie, value = sign_in(self.gate.page_url.rstrip("/"), person)
        self.cookie = {"cookie": f"{cookie}={value}"}
        self.secrets[name] = value

    def command(self, *arguments: str, typed: str | None = None) -> None:
        """Run a command; what it prints is kept."""
        done = self.gate.command(*arguments, typed=typed)
        self.answers.append(done.out + done.err)

    def _send(self, method: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, str]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.gate.page_url}api/v1/{path}",
            data,
            {"content-type": "application/json", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                for cookie in answer.headers.get_all("set-cookie") or ():
                    value = cookie.partition(";")[0].partition("=")[2].strip('"')
                    if value:
                        self.secrets[f"cookie {len(self.secrets)}"] = value
                        if path != "session":
                            self.cookie = {"cookie": cookie.partition(";")[0]}
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()


@pytest.fixture
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    import tempfile

    server = Postgres(Path(tempfile.mkdtemp(prefix="sgpg")))
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    gate = Gate(tmp_path / "data")
    made = Desk(gate)
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        (gate.directory / "streamgate.toml").write_text(f'database = "{server.new_database("gate")}"')
        made.secrets["database password"] = PASSWORD
    gate.start()
    end = time.monotonic() + 20
    while "set-up: " not in gate.log:
        assert time.monotonic() < end
        time.sleep(0.05)
    yield made
    gate.stop()


def use_everything(desk: Desk, feed: Path) -> None:
    """Make every kind of secret, and use each rightly and wrongly."""
    gate, ask, give = desk.gate, desk.ask, desk.give
    # the first administrator
    setup = gate.set_up_link().partition("#")[2]
    desk.secrets |= {"set-up link": setup, "first password": FIRST, "second password": SECOND}
    desk.secrets["mistyped password"] = MISTYPED
    ask("GET", f"one-time/{setup}")
    ask("POST", f"one-time/{setup}", {"username": "ann", "password": "short"})
    assert ask("POST", f"one-time/{setup}", {"username": "ann", "password": FIRST})[0] == 200
    ask("POST", f"one-time/{setup}", {"username": "eve", "password": FIRST})
    for body in (
        {"username": "ann", "password": MISTYPED},
        {"username": MISTYPED[:20], "password": MISTYPED},
        {"username": "ann", "password": [MISTYPED]},
        {"username": "ann", "password": FIRST, "more": MISTYPED},
        {"username": "ann", "passwort": MISTYPED},
        f'{{"username": "ann", "password": "{MISTYPED}"'.encode(),
    ):
        ask("POST", "session", body)
    ann = Person("ann", FIRST)
    desk.take_cookie("cookie of ann", ann)
    # second factor, password
    secret = give("secret of the code generator", "secret", "POST", "me/totp", {"password": FIRST})
    ask("POST", "me/totp", {"password": MISTYPED})
    ask("POST", "me/totp/confirm", {"code": "000000"})
    status, said = desk._send("POST", "me/totp/confirm", {"code": pyotp.TOTP(secret).now()}, desk.cookie)
    assert status == 200, said
    codes = json.loads(said)["recovery_codes"]
    desk.secrets |= {"recovery code": codes[0], "another recovery code": codes[1]}
    ask("POST", "session", ann.credentials())
    ask("POST", "session", ann.credentials(totp="123456"))
    desk.sign_in(ann, totp=codes[0])
    ask("POST", "session", ann.credentials(totp=codes[0]))
    ask("POST", "me/password", {"current": MISTYPED, "password": SECOND})
    ask("POST", "me/password", {"current": FIRST, "password": FIRST})
    assert ask("POST", "me/password", {"current": FIRST, "password": SECOND})[0] == 200
    # invitations, resets, tokens
    invitation = give(
        "invitation", "token", "POST", "invitations", {"username": "ben", "roles": ["director"]}
    )
    ask("POST", f"one-time/{invitation}", {"password": "short"})
    assert ask("POST", f"one-time/{invitation}", {"password": FIRST})[0] == 200
    give("reset link", "token", "POST", "users/ben/reset", {})
    give("token", "token", "POST", "tokens", {"name": "deck", "scopes": ["channel:cut", "channel:view"]})
    ask("POST", "tokens", {"name": "deck", "scopes": ["channel:cut"]})
    # channels and destinations
    key = give("stream key", "stream_key", "POST", "channels", {"name": "main"})
    desk.secrets |= {"push key": PUSH_KEY, "another push key": OTHER_KEY}
    url = f"rtmp://127.0.0.1:1/live/{PUSH_KEY}"
    assert ask("PATCH", "users/ann", {"roles": ["administrator", "director"]})[0] == 200
    for body in (
        {"name": "yt", "url": url},
        {"name": "yt", "url": url},
        {"name": "b", "url": f"http://127.0.0.1/{PUSH_KEY}"},
        {"name": "c", "url": f"rtmp://127.0.0.1:99999/live/{PUSH_KEY}"},
        {"name": "d", "url": f"rtmp://{PUSH_KEY}@/"},
        {"name": PUSH_KEY + "/", "url": 5},
    ):
        ask("POST", "channels/main/destinations", body)
    done = gate.command("channel", "approve", "main", "yt", "--json")
    desk.answers.append(done.out + done.err)
    assert done.code == 0, done.err
    bearer = {"authorization": f"Bearer {desk.secrets['token']}"}
    ask("POST", "channels/main/start", {})
    encoder = Encoder(feed, f"rtmp://127.0.0.1:{gate.rtmp}/live/{key}")
    wrong = Encoder(feed, f"rtmp://127.0.0.1:{gate.rtmp}/live/{key[:-1]}x")
    desk.secrets["nearly the stream key"] = f"{key[:-1]}x"
    time.sleep(4)
    ask("POST", "channels/main/cut", {"reason": "a test"}, **bearer)
    ask("POST", "channels/main/restore", {"reason": "a test"}, **bearer)
    ask("GET", "state", **bearer)
    ask("GET", f"state?token={desk.secrets['token']}")
    ask("POST", "channels/main/cut", {}, authorization=f"Bearer {desk.secrets['token']}x")
    encoder.stop()
    wrong.stop()
    give("second stream key", "stream_key", "POST", "channels/main/key")
    for path in (
        "channels",
        "settings",
        "users",
        "tokens",
        "sign-ins",
        "me",
        "me/sessions",
        "state",
        "session",
    ):
        ask("GET", path)
    # the same on the command line
    for arguments, typed in (
        (("user", "add", "carl", "--role", "operator", "--password-stdin"), "short"),
        (("user", "add", "carl", "--role", "operator", "--password-stdin"), f"{SECOND} x"),
        (("user", "list", "--json"), None),
        (("token", "list", "--json"), None),
        (("channel", "list", "--json"), None),
        (("status", "--json"), None),
        (("db", "check", "--json"), None),
        (("db", "backup", str(gate.directory / "copy")), None),
        (("secrets", "rotate", "--json"), None),
        (("verify", "--json"), None),
    ):
        desk.command(*arguments, typed=typed)
    desk.secrets["password from standard input"] = f"{SECOND} x"
    link = gate.command("user", "reset", "carl", "--json").json["link"]
    desk.secrets["link of the command line"] = link.partition("#")[2]
    made = gate.command("token", "add", "line", "--scope", "channel:cut", "--json").json
    desk.secrets["token of the command line"] = made["token"]
    rotated = gate.command("channel", "rotate-key", "main", "--json").json
    desk.secrets["stream key of the command line"] = rotated["stream_key"]
    # what a crash might say
    gate.kill("console")
    gate.kill("ingest")
    time.sleep(3)
    ask("POST", "session", {"username": "ann", "password": MISTYPED})
    time.sleep(1)


def holding(secrets: dict[str, str], data: bytes) -> list[str]:
    return [name for name, secret in secrets.items() if secret.encode() in data]


def allowed(path: Path) -> set[str]:
    """Return what may stand in a file: the setting itself, and what the gate needs when the disk is frozen.

    The gate's copy of the channel files is in shared memory alone (ADR 11): the key that encrypts push URLs
    is on the disk.
    """
    if path.name == "streamgate.toml":
        return {"database password"}
    if path.parent.name == "channels" and path.is_relative_to("/dev/shm"):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.parent.stat().st_mode & 0o077 == 0
        return {"push key"}
    return set()


def test_no_secret_stands_where_it_should_not(desk: Desk, tmp_path: Path) -> None:
    feed = timecode.make(tmp_path / "feed.flv", feed=1, seconds=6)
    use_everything(desk, feed)
    secrets, gate = desk.secrets, desk.gate
    assert len(secrets) > 20
    assert all(len(secret) >= 8 for secret in secrets.values()), secrets

    assert gate.process is not None
    running = [psutil.Process(gate.process.pid), *psutil.Process(gate.process.pid).children(recursive=True)]
    assert {"gate", "ingest", "console"} <= {process.cmdline()[-1] for process in running}
    for process in running:
        for what in ("cmdline", "environ"):
            shown = Path(f"/proc/{process.pid}/{what}").read_bytes()
            assert holding(secrets, shown) == [], (what, process.cmdline())

    # The set-up link is printed once, for whoever starts serve; nothing else is.
    output = re.sub(r"^set-up: \S+$", "", gate.log, flags=re.MULTILINE)
    assert holding(secrets, output.encode()) == []
    for answer in desk.answers:
        assert holding(secrets, answer.encode()) == [], answer[:500]

    looked = 0
    for folder in (gate.directory, runtime_dir(gate.directory)):
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with contextlib.suppress(FileNotFoundError):
                    found = holding(secrets, path.read_bytes())
                    assert set(found) <= allowed(path), path
                    looked += 1
    names = {path.name for path in gate.directory.rglob("*")}
    assert looked > 15
    assert {"main.json", "secrets.key", "ledger", "archive", "copy"} <= names
    assert "Traceback" not in gate.log
