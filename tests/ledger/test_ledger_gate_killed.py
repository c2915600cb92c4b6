"""A real `serve` whose gate is killed while it is commanded: what was answered stands in the ledger."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

from websockets.exceptions import WebSocketException
from websockets.sync.client import unix_connect

from streamgate.ledger.read import read
from streamgate.ledger.verify import verify

KILLS = 8


def test_a_gate_that_is_killed_forgets_nothing_that_it_answered(tmp_path):
    command = [sys.executable, "-m", "streamgate", "--data-dir", str(tmp_path)]
    subprocess.run([*command, "channel", "add", "main"], check=True, capture_output=True)
    serve = subprocess.Popen(
        [*command, "serve", "--rtmp", "127.0.0.1:0", "--console", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    answered = []
    try:
        for round_ in range(KILLS):
            wait_for_gate(tmp_path)
            with contextlib.suppress(WebSocketException), connect(tmp_path) as socket:
                pid = int((tmp_path / "run" / "gate.lock").read_text())
                for number in range(5 + 7 * round_):
                    name = f"test:{round_}.{number}"
                    verb = ("start", "cut", "restore", "dump")[number % 4]  # some are refused
                    socket.send(json.dumps({"cmd": verb, "id": 1, "channel": "main", "actor": name}))
                    socket.recv(5)
                    answered.append(name)
                os.kill(pid, signal.SIGKILL)
        wait_for_gate(tmp_path)
        assert verify(tmp_path).ok
    finally:
        serve.terminate()
        serve.wait(15)
    verdict = verify(tmp_path)
    assert verdict.ok, verdict
    found = [record["who"] for record in read(tmp_path / "ledger", kind="command")]
    assert [name for name in found if name.startswith("test:")] == answered
    assert len(list(read(tmp_path / "ledger", process="gate", kind="open"))) == KILLS
    assert [record["kind"] for record in read(tmp_path / "ledger", process="console")][-1] == "close"


def connect(data_dir):
    return unix_connect(str(data_dir / "run" / "gate.sock"), uri="ws://localhost/")


def wait_for_gate(data_dir):
    end = time.monotonic() + 20
    while True:
        try:
            with connect(data_dir) as socket:
                socket.send('{"cmd":"status","id":1}')
                socket.recv(5)
        except (OSError, WebSocketException, TimeoutError):
            assert time.monotonic() < end, "no gate answers"
            time.sleep(0.05)
        else:
            return
