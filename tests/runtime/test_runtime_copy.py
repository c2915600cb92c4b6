"""The copy process under the real supervisor: it copies, survives kill -9, and keeps its key to itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_archive import SmallArchive
from test_runtime_comments import pid_of, wait_for_line
from test_runtime_supervisor import begin, finish

OTHERS = ("gate", "ingest", "console", "comments")


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def status(data_dir: Path) -> dict[str, Any]:
    command = [
        sys.executable,
        "-m",
        "streamgate",
        "--data-dir",
        str(data_dir),
        "archive",
        "copy",
        "status",
        "--json",
    ]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return found


def test_the_copy_follows_survives_a_kill_and_keeps_its_key_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, place = tmp_path / "data", tmp_path / "nas"
    place.mkdir()
    archive = SmallArchive(data)
    first = archive.part(time.time() - 600)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-store")
    addresses = ("--console", "127.0.0.1:0", "--public", "127.0.0.1:0")
    serve = begin(data, *addresses, "--copy-to", str(place), "--copy-limit", "400")
    try:
        wait_for_line(serve, "console: http://")
        until((place / first).exists)
        assert (place / first).read_bytes() == archive.parts[first]
        until(lambda: status(data)["state"] == "idle")
        found = status(data)
        assert (found["target"], found["behind_files"], found["limit_mbps"]) == (str(place), 0, 400)
        assert found["checked_bytes"] == found["bytes"] > 40_000
        copier = pid_of(data, "copy")
        assert os.getpriority(os.PRIO_PROCESS, copier) >= 10
        for pid in (serve.pid, *(pid_of(data, name) for name in OTHERS), copier):
            assert b"the-secret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
            if pid != serve.pid:  # what it was started with stays to be seen there
                assert b"the-secret" not in Path(f"/proc/{pid}/environ").read_bytes()
        before = {name: pid_of(data, name) for name in OTHERS}
        os.kill(copier, signal.SIGKILL)
        second = archive.part(time.time() - 60)
        until(lambda: pid_of(data, "copy") != copier)
        until((place / second).exists)
        assert {name: pid_of(data, name) for name in OTHERS} == before
        until(lambda: (place / "ledger").is_dir() and any((place / "ledger").glob("*/gate.jsonl")))
    finally:
        assert finish(serve) == 0
    assert status(data)["state"] == "off", "nothing is set here but for that serve"
