"""`streamgate serve` and its command line, as a user runs them: the installed program."""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from tools.nginx import free_port, wait_for_port
from tools.people import Person, until_made

from streamgate.config import load
from streamgate.store.location import locate

PROGRAM = [sys.executable, "-m", "streamgate"]


@dataclass(frozen=True)
class Done:
    """A finished command: exit code, what it printed, when it ran (CLOCK_MONOTONIC)."""

    code: int
    out: str
    err: str
    began_s: float
    ended_s: float

    @property
    def json(self) -> dict[str, Any]:
        if self.code:
            raise AssertionError(f"exit code {self.code}: {self.err}")
        answer: dict[str, Any] = json.loads(self.out)
        return answer


@dataclass
class Gate:
    """One data directory and, between `start` and `stop`, the program serving it."""

    directory: Path
    rtmp: int = field(default_factory=free_port)
    console: int = field(default_factory=free_port)
    public: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.output = self.directory.with_name(f"{self.directory.name}-serve.log")

    def command(self, *arguments: str, seconds: float = 30, typed: str | None = None) -> Done:
        """Run `streamgate --data-dir DIR ARGUMENTS`; `typed` goes to its standard input."""
        began = time.monotonic()
        done = subprocess.run(
            [*PROGRAM, "--data-dir", str(self.directory), *arguments],
            capture_output=True,
            input=typed,
            text=True,
            timeout=seconds,
            check=False,
            env=clean_environment(),
        )
        return Done(done.returncode, done.stdout, done.stderr, began, time.monotonic())

    def add(self, name: str, *pushes: str, delay: float = 30, backups: tuple[Path, ...] = ()) -> str:
        """Add a channel and return the URL to publish to, with the key."""
        arguments = ["channel", "add", name, "--delay", f"{delay:g}"]
        for url in pushes:
            arguments += ["--push", url]
        for path in backups:
            arguments += ["--backup", str(path)]
        answer = self.command(*arguments, "--json").json
        return f"rtmp://127.0.0.1:{self.rtmp}/live/{answer['stream_key']}"

    def status(self, name: str) -> dict[str, Any]:
        channels = self.command("status", "--json").json["channels"]
        found: dict[str, Any] = next(channel for channel in channels if channel["name"] == name)
        return found

    def wait_for(self, name: str, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any]:
        """Return the first status of a channel that is as wanted; raise AssertionError with the last one."""
        end = time.monotonic() + seconds
        while True:
            status = self.status(name)
            if wanted(status):
                return status
            if time.monotonic() > end:
                raise AssertionError(f"after {seconds} s the channel is still: {status}")
            time.sleep(0.2)

    def start(self) -> None:
        assert self.process is None
        command = [*PROGRAM, "--data-dir", str(self.directory), "serve"]
        command += ["--rtmp", f"127.0.0.1:{self.rtmp}", "--console", f"127.0.0.1:{self.console}"]
        command += ["--public", f"127.0.0.1:{self.public}"]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=clean_environment()
            )
        try:
            self._wait_until_healthy(20)
        except BaseException:
            self.stop()  # nobody else would: to its caller it has not started
            raise

    def _wait_until_healthy(self, seconds: float) -> None:
        wait_for_port(self.rtmp, seconds)
        wait_for_port(self.console, seconds)
        end = time.monotonic() + seconds
        while self.health()[0] != 200:
            if time.monotonic() > end:
                raise AssertionError(f"not healthy after {seconds:g} s: {self.health()}")
            time.sleep(0.1)

    def stop(self, seconds: float = 15) -> tuple[int, float]:
        """Send SIGTERM; return exit code and how long it took in seconds."""
        assert self.process is not None
        process, self.process = self.process, None
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        began = time.monotonic()
        process.terminate()
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        took = time.monotonic() - began
        for child in children:
            if child.is_running():
                child.kill()
        return code, took

    def pid(self, name: str) -> int:
        """Return the process id of one of serve's processes: gate, ingest or console."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if child.cmdline()[-2:] == ["streamgate.process", name]:
                    return child.pid
            except psutil.Error:
                continue
        raise AssertionError(f"serve has no process {name}")

    def kill(self, name: str) -> float:
        """kill -9 one of serve's processes; return when."""
        os.kill(self.pid(name), signal.SIGKILL)
        return time.monotonic()

    def health(self, seconds: float = 5) -> tuple[int, str]:
        """Return what /healthz answers within `seconds`; code 0: nothing, and why."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.console}/healthz", timeout=seconds
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.console}/"

    def set_up_link(self) -> str:
        """Return the link for the first administrator that serve printed last."""
        found = re.findall(r"^set-up: (\S+)$", self.log, re.MULTILINE)
        if not found:
            raise AssertionError("serve printed no set-up link")
        return str(found[-1])

    def person(self, name: str, *roles: str) -> Person:
        """Make somebody with a password, by the command line; a `serve` that runs has made the database."""
        if self.process is not None:
            until_made(locate(load(self.directory).database, self.directory))
        person = Person(name, f"{secrets.token_hex(8)} is what they chose")
        done = self.command(
            "user",
            "add",
            name,
            "--role",
            ",".join(roles),
            "--password-stdin",
            "--json",
            typed=person.password,
        )
        assert done.json["user"] == name
        return person


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of streamgate that the developer's shell may hold."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STREAMGATE_")}
