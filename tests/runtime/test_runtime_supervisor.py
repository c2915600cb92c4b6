"""Real processes under the real supervisor: locks, restarts, orphans."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamgate.errors import Refused
from streamgate.ledger.read import read
from streamgate.runtime.lock import Lock, end_orphan

HOLDER = """
import sys, time
from pathlib import Path
from streamgate.runtime.lock import Lock
held = Lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "gate.lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_lock_is_held_by_one_process_and_names_it(tmp_path, holder):
    with pytest.raises(Refused, match=f"gate is running already .process {holder.pid}"):
        Lock(tmp_path / "gate.lock")


def test_a_lock_ends_with_its_process(tmp_path, holder):
    holder.kill()
    holder.wait()
    Lock(tmp_path / "gate.lock").release()


def test_what_an_earlier_supervisor_left_behind_is_ended(tmp_path, holder):
    end_orphan(tmp_path / "gate.lock")
    assert holder.wait(5) == -signal.SIGKILL


def streamgate(data_dir, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamgate", "--data-dir", str(data_dir), *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def begin(data_dir, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "streamgate", "--data-dir", str(data_dir), "serve"]
    return subprocess.Popen(
        [*command, "--rtmp", "127.0.0.1:0", *(arguments or ("--console", "127.0.0.1:0"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def until_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for text in process.stdout:
        if text.startswith("console: http://"):
            return
    raise AssertionError("serve ended before it was up")


def finish(process: subprocess.Popen[str]) -> int:
    process.terminate()
    code = process.wait(8)
    assert process.stdout is not None
    process.stdout.close()
    return code


def test_a_second_serve_of_the_same_data_directory_is_refused(tmp_path):
    first = begin(tmp_path)
    until_up(first)
    second = streamgate(tmp_path, "serve", "--rtmp", "127.0.0.1:0", "--console", "127.0.0.1:0")
    assert second.returncode == 1
    assert "running already" in second.stderr
    begun = time.monotonic()
    assert finish(first) == 0
    assert time.monotonic() - begun < 5


def test_a_port_that_is_taken_ends_serve_with_the_reason(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = streamgate(tmp_path, "serve", "--rtmp", address, "--console", "127.0.0.1:0")
    assert result.returncode == 1
    assert address in result.stderr


def test_a_new_serve_takes_over_what_a_killed_supervisor_left(tmp_path):
    first = begin(tmp_path)
    until_up(first)
    gate = int((tmp_path / "run" / "gate.lock").read_text())
    first.kill()
    first.wait()
    assert first.stdout is not None
    first.stdout.close()
    os.kill(gate, 0)  # the gate goes on
    assert streamgate(tmp_path, "status", "--json").returncode == 0  # and takes commands
    second = begin(tmp_path)
    until_up(second)
    assert int((tmp_path / "run" / "gate.lock").read_text()) != gate
    assert finish(second) == 0


def test_a_gate_that_hangs_is_ended_and_started_again(tmp_path):
    process = begin(tmp_path)
    until_up(process)
    lock_file = tmp_path / "run" / "gate.lock"
    gate = int(lock_file.read_text())
    time.sleep(1)
    os.kill(gate, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if int(lock_file.read_text()) != gate and streamgate(tmp_path, "status", "--json").returncode == 0:
            break
        time.sleep(0.1)
    assert int(lock_file.read_text()) != gate
    assert finish(process) == 0


def pid_of(data_dir, name: str) -> int:
    return int((data_dir / "run" / f"{name}.lock").read_text())


def state(data_dir) -> dict:
    return json.loads(streamgate(data_dir, "status", "--json").stdout)


def wait_until(what, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def test_a_machine_that_stood_still_costs_no_process_its_life(tmp_path):
    process = begin(tmp_path)
    until_up(process)
    time.sleep(1)
    before = {name: pid_of(tmp_path, name) for name in ("gate", "ingest", "console")}
    everybody = (process.pid, *before.values())
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(6)
    for pid in everybody:
        os.kill(pid, signal.SIGCONT)
    time.sleep(3)
    assert {name: pid_of(tmp_path, name) for name in before} == before
    assert finish(process) == 0


def test_ingest_and_console_that_hang_are_ended_and_started_again_and_operators_are_told(tmp_path):
    process = begin(tmp_path)
    until_up(process)
    time.sleep(1)
    before = {name: pid_of(tmp_path, name) for name in ("ingest", "console")}
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: pid_of(tmp_path, "ingest") != before["ingest"], 9)
    wait_until(lambda: pid_of(tmp_path, "console") != before["console"], 15)
    for name in before:
        wait_until(lambda name=name: said(tmp_path, "process_away", name), 5)
        wait_until(lambda name=name: said(tmp_path, "process_back", name), 8)
    wait_until(lambda: state(tmp_path)["warnings"] == [], 8)
    assert finish(process) == 0


def said(data_dir, code: str, name: str) -> bool:
    notices = read(data_dir / "ledger", kind="notice")
    return any(line["code"] == code and name in line["text"] for line in notices)


def test_a_page_that_cannot_start_does_not_end_the_broadcast(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    streamgate(tmp_path, "channel", "add", "main")
    first = begin(tmp_path, "--console", f"127.0.0.1:{port}")
    until_up(first)
    assert streamgate(tmp_path, "start", "main").returncode == 0
    console = pid_of(tmp_path, "console")
    for pid in (first.pid, console):
        os.kill(pid, signal.SIGKILL)
    first.wait()
    assert first.stdout is not None
    first.stdout.close()
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wait_until(lambda: not is_bound(taken, port), 5)
    taken.listen()

    second = begin(tmp_path, "--console", f"127.0.0.1:{port}")
    wait_until(lambda: warned(tmp_path, "address_taken"), 15)
    assert state(tmp_path)["channels"][0]["on_air_s"] is not None
    assert second.poll() is None
    assert streamgate(tmp_path, "cut", "main").returncode == 0
    taken.close()
    until_up(second)
    wait_until(lambda: not warned(tmp_path, "address_taken"), 10)
    assert finish(second) == 0


def is_bound(listener: socket.socket, port: int) -> bool:
    """Try to take the port; whether another one has it still."""
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False


def warned(data_dir, code: str) -> bool:
    result = streamgate(data_dir, "status", "--json")
    return result.returncode == 0 and any(
        one["code"] == code for one in json.loads(result.stdout)["warnings"]
    )


def test_a_supervisor_that_is_gone_is_missed(tmp_path):
    process = begin(tmp_path)
    until_up(process)
    assert not warned(tmp_path, "supervisor_silent")
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    wait_until(lambda: warned(tmp_path, "supervisor_silent"), 9)
    second = begin(tmp_path)
    until_up(second)
    wait_until(lambda: not warned(tmp_path, "supervisor_silent"), 5)
    assert finish(second) == 0


def test_sockets_and_locks_that_are_removed_are_there_again(tmp_path):
    process = begin(tmp_path)
    until_up(process)
    for name in ("gate.sock", "media.sock", "serve.lock", "gate.lock"):
        (tmp_path / "run" / name).unlink()
    wait_until(lambda: not streamgate(tmp_path, "status", "--json").returncode, 5)
    wait_until((tmp_path / "run" / "serve.lock").exists, 3)
    second = streamgate(tmp_path, "serve", "--rtmp", "127.0.0.1:0", "--console", "127.0.0.1:0")
    assert "running already" in second.stderr
    assert finish(process) == 0


def test_no_process_shows_the_password_of_the_database(tmp_path, monkeypatch):
    url = f"postgresql://gate:s3cret@/none?host={tmp_path}"
    monkeypatch.setenv("STREAMGATE_DATABASE", url)
    process = begin(tmp_path)
    monkeypatch.undo()
    until_up(process)
    try:
        shown = {}
        for name in ("gate", "ingest", "console"):
            pid = (tmp_path / "run" / f"{name}.lock").read_text().strip()
            shown[name] = "s3cret" in Path(f"/proc/{pid}/environ").read_text()
            assert "s3cret" not in Path(f"/proc/{pid}/cmdline").read_text()
        assert shown == dict.fromkeys(("gate", "ingest", "console"), False)
    finally:
        assert finish(process) == 0
