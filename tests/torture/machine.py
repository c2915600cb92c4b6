"""The processes of one `serve`: start, find, kill, freeze. They are known by a mark in their environment."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
from tools.serve import PROGRAM, Gate, clean_environment
from torture.evidence import Order

from streamgate.ledger.read import read

MARK = "TORTURE_ROUND"
ANSWER_S = 20.0
_WARM = r"""
import asyncio, sys
import streamgate.link.client, streamgate.link.messages
from streamgate.cli import main
def waited():
    with open("/proc/self/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
print("ready", flush=True)
sys.stdin.readline()
before = waited()
try:
    main()
finally:
    print(f"\nwaited {waited() - before:.3f}", file=sys.stderr, flush=True)
"""
_SILENT = ("is not running", "did not answer", "the link to the gate", "hung up", "Traceback", "timed out")


class Machine(Gate):
    """`serve` on a data directory, and whatever is left of it after a kill."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._mark = uuid.uuid4().hex
        self._served: list[subprocess.Popen[bytes]] = []
        self.options: list[str] = []  # of serve
        self.environment: dict[str, str] = {}  # of serve and of commands

    def launch(self) -> None:
        """Run `serve`, without waiting for it to be up."""
        command = [*PROGRAM, "--data-dir", str(self.directory), "serve"]
        command += ["--rtmp", f"127.0.0.1:{self.rtmp}", "--console", f"127.0.0.1:{self.console}"]
        command += ["--public", f"127.0.0.1:{self.public}", *self.options]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=clean_environment() | self.environment | {MARK: self._mark},
                cwd="/",
            )
        self._served.append(self.process)

    def find(self, name: str = "all") -> list[psutil.Process]:
        """Return the living processes named supervisor, gate, console ...; "all": children too."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(MARK) != self._mark or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                if name in ("all", _name(process.cmdline())):
                    found.append(process)
        return found

    def signal(self, names: str, number: signal.Signals) -> tuple[float, list[psutil.Process]]:
        """Send a signal to the processes in `names` (joined by "+") at once; return when and to whom."""
        processes = [process for name in names.split("+") for process in self.find(name)]
        if "supervisor" in names:  # first, so that it starts nothing anew
            processes.sort(key=lambda process: _name(process.cmdline()) != "supervisor")
        now_s = time.monotonic()
        for process in processes:
            with contextlib.suppress(psutil.Error, OSError):
                process.send_signal(number)
        for served in self._served:
            served.poll()
        return now_s, processes

    def order(self, verb: str, *arguments: str, seconds: float = 0) -> Order:
        """Run a command. Its time begins when the interpreter is up and ends with the answer."""
        command = [sys.executable, "-c", _WARM, "--data-dir", str(self.directory), verb, *arguments]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment() | self.environment,
            cwd="/",
        )
        assert process.stdout is not None
        process.stdout.readline()
        began_s = time.monotonic()
        try:
            out, said = process.communicate("\n", timeout=ANSWER_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return Order(verb, began_s, time.monotonic(), "silent", f"timed out after {ANSWER_S} s", seconds)
        ended_s = time.monotonic()
        said, _, waited = said.rpartition("\nwaited ")
        if process.returncode == 0:
            return Order(verb, began_s, ended_s, "done", out.strip(), seconds, float(waited))
        said = said.strip()[-400:]
        silent = any(text in said for text in _SILENT)
        outcome = "silent" if silent else "refused"
        return Order(verb, began_s, ended_s, outcome, said, seconds, float(waited or 0))

    def end(self, seconds: float = 15) -> tuple[int, float]:
        """Send SIGTERM to serve; return its exit code (-1: it was gone before) and the seconds it took."""
        process = self.process
        if process is None or process.poll() is not None:
            return -1, 0.0
        began_s = time.monotonic()
        process.terminate()
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return -9, time.monotonic() - began_s
        return code, time.monotonic() - began_s

    def clear(self) -> None:
        """Kill whatever is left. The disk must not be frozen."""
        end_s = time.monotonic() + 10
        while (left := self.find()) and time.monotonic() < end_s:
            for process in left:
                with contextlib.suppress(psutil.Error, OSError):
                    os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.1)
        for served in self._served:
            with contextlib.suppress(subprocess.TimeoutExpired):
                served.wait(5)


def _name(command: list[str]) -> str:
    if command[-2:-1] == ["streamgate.process"]:
        return command[-1]
    if "serve" in command and "streamgate" in command:
        return "supervisor"
    return "child"


def journal(directory: Path) -> list[str]:
    """Return what the gate recorded, as lines of JSON, newest last."""
    with contextlib.suppress(OSError):
        return [json.dumps(record, ensure_ascii=False) for record in read(directory / "ledger")]
    return []
