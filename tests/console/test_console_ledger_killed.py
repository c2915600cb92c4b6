"""A real `serve` whose console is killed once it has answered: what it answered stands in the ledger."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tools.people import Person, add_person

from streamgate.ledger.read import read
from streamgate.ledger.verify import verify
from streamgate.runtime.actor import cli_actor
from streamgate.runtime.datadir import DataDir
from streamgate.store.location import locate

KILLS = 6


@pytest.fixture
def serve(tmp_path: Path) -> Iterator["Serve"]:
    serving = Serve(tmp_path)
    try:
        yield serving
    finally:
        serving.end()


class Serve:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir, self.places = data_dir, DataDir(data_dir)
        self.line = [sys.executable, "-m", "streamgate", "--data-dir", str(data_dir)]
        self.run("channel", "add", "main")
        self.process = subprocess.Popen(
            [*self.line, "serve", "--rtmp", "127.0.0.1:0", "--console", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, *arguments: str) -> str:
        return subprocess.run([*self.line, *arguments], check=True, capture_output=True, text=True).stdout

    def page(self) -> str:
        """Return the console's address, once it answers."""
        end = time.monotonic() + 40
        while True:
            serving = self.places.serving()
            try:
                if serving is not None and serving.console:
                    httpx.get(f"{serving.page}/api/v1/session", timeout=5, trust_env=False)
                    return serving.page
            except httpx.HTTPError:
                pass
            assert time.monotonic() < end, "no console answers"
            time.sleep(0.05)

    def kill(self, name: str) -> None:
        os.kill(int((self.places.run / f"{name}.lock").read_text()), signal.SIGKILL)

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def records(self, process: str, kind: str) -> list[dict[str, Any]]:
        return list(read(self.data_dir / "ledger", process=process, kind=kind))


@contextlib.contextmanager
def client(page: str, person: Person) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page, timeout=20, trust_env=False) as signed_in:
        assert signed_in.post("/api/v1/session", json=person.credentials()).status_code == 200
        yield signed_in


def test_what_was_answered_is_there_though_the_console_is_killed(serve: Serve) -> None:
    page = serve.page()
    assert re.search("#.+", serve.run("console-link"))
    ann = add_person(locate("sqlite", serve.data_dir), "ann", ["administrator"])
    answered = []
    for number in range(KILLS):
        with client(serve.page(), ann) as signed_in:
            for turn in range(1 + number % 3):
                name = f"deck-{number}.{turn}"
                made = signed_in.post("/api/v1/tokens", json={"name": name, "scopes": ["channel:cut"]})
                assert made.status_code == 200, made.text
                answered.append(name)
            serve.kill("console")
        assert serve.page() == page
    serve.run("token", "revoke", "deck-0.0")  # the command line, beside a running serve
    with client(serve.page(), ann) as signed_in:
        changed = signed_in.patch("/api/v1/channels/main", json={"delay_s": 40.0})
        assert changed.status_code == 200, changed.text
        serve.kill("console")
    serve.page()
    end = time.monotonic() + 20
    while serve.records("console", "decision")[-1]["what"] != "channel.change":
        assert time.monotonic() < end, "the next console did not write what the killed one left"
        time.sleep(0.05)
    assert verify(serve.data_dir).ok
    serve.end()
    verdict = verify(serve.data_dir)
    assert verdict.ok, verdict
    decided = serve.records("console", "decision")
    assert [one["args"]["name"] for one in decided if one["what"] == "token.add"] == answered
    assert len(serve.records("console", "sign_in")) == KILLS + 1
    assert len(serve.records("console", "open")) == KILLS + 1
    assert [one["what"] for one in serve.records("cli", "decision")] == [
        "channel.add",
        "link.make",
        "token.revoke",
    ]
    (setting,) = [one for one in serve.records("gate", "setting") if one["name"] == "delay_s"]
    assert (setting["who"], setting["role"], setting["from"]) == (
        "console:ann",
        "administrator",
        "127.0.0.1",
    )
    assert (setting["old"], setting["new"]) == (30, 40)
    assert json.loads(serve.run("verify", "--json"))["ok"] is True


def test_the_operators_log_names_who_acted(serve: Serve) -> None:
    page = serve.page()
    ann = add_person(locate("sqlite", serve.data_dir), "ann", ["administrator", "director"])
    with client(page, ann) as signed_in:
        new = {"name": "deck", "scopes": ["channel:cut"]}
        token = signed_in.post("/api/v1/tokens", json=new).json()["token"]
        assert signed_in.post("/api/v1/channels/main/start").status_code == 200
        bearer = {"authorization": f"Bearer {token}"}
        cut = httpx.post(f"{page}/api/v1/channels/main/cut", headers=bearer, timeout=20, trust_env=False)
        assert cut.status_code == 200
        serve.run("restore", "main", "--reason", "a test")
        end = time.monotonic() + 10
        while True:
            log = signed_in.get("/api/v1/state").json()["log"]
            said = list(dict.fromkeys(one["actor"] for one in log if ":" in one["actor"]))
            if len(said) == 3:
                break
            assert time.monotonic() < end, log
            time.sleep(0.05)
    assert said == ["console:ann", "token:deck", cli_actor()]
