"""A practice through the installed program: a made feed, marks at random moments, presses that are timed."""

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from duty_scenario import OpenPage
from tools.people import sign_in
from tools.serve import Gate

from streamgate.ledger.read import read

pytestmark = pytest.mark.e2e
LIMIT_S = 90  # two marks: 6 + 12 + 24 s at most, the window, and the start of the feed


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path / "data")
    gate.start()
    yield gate
    gate.stop()


def ask(gate: Gate, cookie: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{gate.page_url}api/v1/{path}",
        None if body is None else json.dumps(body).encode(),
        {"content-type": "application/json", "cookie": cookie},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return said


def test_marks_are_planted_and_answers_are_timed_and_kept(gate: Gate) -> None:
    ann = gate.person("ann", "operator")
    cookie = "=".join(sign_in(gate.page_url.rstrip("/"), ann))
    begun = ask(gate, cookie, "POST", "practice", {"marks": 2})
    assert (begun["running"], begun["channel"], begun["planned"]) == (True, "practice", 2)
    page = OpenPage(gate, cookie)
    end, answered, presses = time.monotonic() + LIMIT_S, 0, iter(("cut", "dump"))
    while (state := ask(gate, cookie, "GET", "practice"))["running"]:
        assert time.monotonic() < end, state
        if len(state["marks"]) > answered:
            answered = len(state["marks"])
            page.command(next(presses), "practice")
        time.sleep(0.2)
    page.close()
    assert state["error"] == ""
    assert [one["command"] for one in state["marks"]] == ["cut", "dump"]
    assert all(0 < one["reaction_s"] < 2 for one in state["marks"])
    assert {one["kind"] for one in state["marks"]} == {"picture", "sound"}
    (kept,) = ask(gate, cookie, "GET", "practices")["practices"]
    assert (kept["user"], kept["marks"], kept["false_presses"]) == ("ann", state["marks"], 0)
    status = gate.status("practice")
    assert (status["practice"], status["state"], status["destinations"]) == (True, "stopped", [])
    refused = gate.command("channel", "set", "practice", "--push", "rtmp://127.0.0.1:1/live/k")
    assert (refused.code, "it has no destinations" in refused.err) == (1, True)
    told = [one for one in read(gate.directory / "ledger") if one.get("what", "").startswith("practice")]
    assert [one["what"] for one in told] == ["practice.start", "practice.result"]
    assert (told[1]["who"], told[1]["args"]["answered"]) == ("console:ann", 2)
    restored = [one for one in read(gate.directory / "ledger") if one.get("what") == "restore"]
    assert [one["who"] for one in restored] == ["practice"]  # a cut ends by itself here
