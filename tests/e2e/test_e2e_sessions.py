"""A real serve whose console is killed while its database cannot be read: who was signed in still cuts."""

import json
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tools.people import sign_in
from tools.serve import Gate

pytestmark = pytest.mark.e2e


def ask(gate: Gate, method: str, path: str, cookie: str) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(f"{gate.page_url}api/v1/{path}", None, {"cookie": cookie}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def until_back(gate: Gate) -> None:
    end = time.monotonic() + 20
    while gate.health()[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_killed_console_without_its_database_lets_who_was_there_cut(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "data")
    gate.start()
    try:
        gate.add("main")
        ben, eve = gate.person("ben", "operator"), gate.person("eve", "operator")
        cookies = {person.name: "=".join(sign_in(gate.page_url.rstrip("/"), person)) for person in (ben, eve)}
        gate.command("start", "main")
        assert ask(gate, "DELETE", "session", cookies["eve"])[0] == 200
        time.sleep(1.5)
        database = gate.directory / "streamgate.sqlite"
        whole = database.read_bytes()
        database.write_bytes(b"\xa5" * len(whole))
        gate.kill("console")
        time.sleep(0.5)
        until_back(gate)
        status, said = ask(gate, "POST", "channels/main/cut", cookies["ben"])
        assert (status, said["state"]) == (200, "cut"), said
        assert ask(gate, "POST", "channels/main/cut", cookies["eve"])[0] == 401
        assert ask(gate, "GET", "me", cookies["ben"])[1]["code"] == "database_away"
        gate.kill("console")  # once more: what was remembered is remembered on
        time.sleep(0.5)
        until_back(gate)
        assert ask(gate, "POST", "channels/main/cut", cookies["ben"])[0] == 200
        database.write_bytes(whole)
    finally:
        gate.stop()
