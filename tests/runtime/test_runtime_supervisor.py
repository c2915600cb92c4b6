"""Real processes under the real supervisor: locks, restarts, orphans."""

import os
import signal
import subprocess
import sys
import time

import pytest

from streamgate.errors import Refused
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
        [*command, "--rtmp", "127.0.0.1:0", "--console", "127.0.0.1:0", *arguments],
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
    import socket

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
