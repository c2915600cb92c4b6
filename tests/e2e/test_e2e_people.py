"""People through the installed program: set-up link, command line beside a running serve, secrets kept."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tools.people import Person, sign_in
from tools.serve import Gate

pytestmark = pytest.mark.e2e
PASSWORD = "harbour lamp seven rivers"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "data")
    gate.start()
    yield gate
    gate.stop()


def ask(
    gate: Gate, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{gate.page_url}api/v1/{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", **headers},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def cookie_of(gate: Gate, person: Person) -> dict[str, str]:
    return {"cookie": "=".join(sign_in(gate.page_url.rstrip("/"), person))}


def until(wanted: Any, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_from_the_set_up_link_to_a_command_with_a_name(gate: Gate) -> None:
    until(lambda: "set-up: " in gate.log)
    link = gate.set_up_link()
    token = link.partition("#")[2]
    body = {"username": "ann", "password": PASSWORD}
    assert ask(gate, "POST", f"one-time/{token}", body) == (200, {"user": "ann"})
    refused = gate.command("console-link")
    assert (refused.code, "streamgate user add" in refused.err) == (1, True)
    ann = cookie_of(gate, Person("ann", PASSWORD))
    invited = ask(gate, "POST", "invitations", {"username": "ben", "roles": ["director"]}, **ann)[1]
    ask(gate, "POST", f"one-time/{invited['token']}", {"password": f"{PASSWORD} of stone"})
    gate.add("main")
    ben = cookie_of(gate, Person("ben", f"{PASSWORD} of stone"))
    assert ask(gate, "POST", "channels/main/start", {}, **ann)[1]["code"] == "forbidden"
    assert ask(gate, "POST", "channels/main/start", {}, **ben)[0] == 200
    assert ask(gate, "POST", "channels/main/cut", {}, **ann)[0] == 200  # an administrator may cut
    gate.command("channel", "set", "main", "--restore-needs-two")
    status, said = ask(gate, "POST", "channels/main/restore", {"reason": "false alarm"}, **ben)
    assert (status, said["waiting"], said["state"]) == (202, "second_person", "cut")
    assert gate.status("main")["waiting_restore"]["actor"] == "console:ben"
    assert "waiting" not in gate.command("restore", "main", "--json").json
    assert gate.status("main")["state"] == "no_input"
    gate.stop()
    gate.start()
    assert ask(gate, "GET", "session", **ben)[0] == 200
    assert "set-up: " not in gate.log.rpartition("console: ")[2]


def test_somebody_disabled_on_the_command_line_is_out_within_a_second(gate: Gate) -> None:
    gate.person("ann", "administrator")
    ben = gate.person("ben", "operator")
    cookie = cookie_of(gate, ben)
    assert ask(gate, "GET", "state", **cookie)[0] == 200
    done = gate.command("user", "disable", "ben", "--json")
    while ask(gate, "GET", "state", **cookie)[0] == 200:
        assert time.monotonic() - done.ended_s < 1
        time.sleep(0.02)
    listed = {one["user"]: one for one in gate.command("user", "list", "--json").json["users"]}
    assert (listed["ben"]["disabled"], listed["ann"]["disabled"]) == (True, False)
    assert "nobody would be left" in gate.command("user", "disable", "ann").err


def test_a_token_cuts_at_once_and_with_a_reason(gate: Gate) -> None:
    gate.add("main")
    gate.command("start", "main")
    made = gate.command("token", "add", "deck", "--scope", "channel:cut", "--channel", "main", "--json").json
    bearer = {"authorization": f"Bearer {made['token']}"}
    took = []
    for _ in range(50):
        began = time.monotonic()
        assert ask(gate, "POST", "channels/main/cut", {"reason": "test"}, **bearer)[0] == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.05
    assert ask(gate, "POST", "channels/main/restore", {"reason": "test"}, **bearer)[0] == 403
    gate.command("token", "revoke", "deck")
    until(lambda: ask(gate, "POST", "channels/main/cut", {}, **bearer)[0] == 401, 1)
    wall = gate.command("token", "add", "wall", "--scope", "review", "--json").json
    assert wall["scopes"] == ["review:read"]


def test_no_secret_stands_in_a_log_a_file_or_a_process_list(gate: Gate) -> None:
    ann = gate.person("ann", "administrator", "director")
    cookie = cookie_of(gate, ann)
    for body in (
        {"username": "ann", "password": "a wrong secret word"},
        {"username": "ann", "password": ann.password, "more": "a wrong secret word"},
        {"username": "a wrong secret word", "password": ["a wrong secret word"]},
    ):
        ask(gate, "POST", "session", body)
    token = gate.command("token", "add", "deck", "--scope", "channel:cut", "--json").json["token"]
    totp = ask(gate, "POST", "me/totp", {"password": ann.password}, **cookie)[1]["secret"]
    secrets = [ann.password, cookie["cookie"].partition("=")[2], token, totp, "a wrong secret word"]
    processes = psutil.Process(gate.process.pid).children(recursive=True) if gate.process else []
    shown = "\n".join(" ".join(process.cmdline()) for process in processes) + gate.log
    files = [path for path in gate.directory.rglob("*") if path.is_file()]
    assert any(path.name == "streamgate.sqlite" for path in files)
    for secret in secrets:
        assert secret not in shown
        for path in files:
            assert secret.encode() not in path.read_bytes(), path
