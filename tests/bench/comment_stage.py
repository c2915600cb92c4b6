"""A `streamgate serve` with open channels, sources with keys, and a reviewer who is signed in."""

import hashlib
import http.client
import json
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from bench.meter import cpu_s
from bench.sender import Job, Sender, Sent, send
from tools.people import add_person, sign_in, until_made
from tools.serve import Gate

from streamgate.clock import wall_s
from streamgate.config import load
from streamgate.store import settings, sources
from streamgate.store.database import Database
from streamgate.store.location import locate

OPEN = {"comments": True, "bullets": True, "sharing": True, "window_s": 0}
READY_S = 30.0
FLOOD_READY_S = 60.0
"""The first flood starts a second process for the filter, which builds its lists: at most so long."""


class CommentStage:
    """`gate`: one that has not started. `database`: the setting, "" for SQLite. `channels`: each with a
    source; there may be more of them than the gate knows. `core`: which the comments process runs on.
    """

    def __init__(
        self, gate: Gate, channels: Sequence[str], *, database: str = "", core: int | None = None
    ) -> None:
        self.gate = gate
        if database:
            (gate.directory / "streamgate.toml").write_text(f'database = "{database}"\n')
        gate.start()
        self.location = locate(load(gate.directory).database, gate.directory)
        self.sources = self._open(channels)
        self.pid = self.gate.pid("comments")
        if core is not None:
            for task in Path(f"/proc/{self.pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
        self._wait_until_open()

    def _open(self, channels: Sequence[str]) -> list[tuple[str, str]]:
        until_made(self.location)
        keys = [(channel, f"sgs_{secrets.token_urlsafe(24)}") for channel in channels]
        with Database(self.location) as opened, opened.write() as session:
            for channel, key in keys:
                key_hash = hashlib.sha256(key.encode()).hexdigest()
                sources.add(session, f"bench-{channel}", key_hash, channel=channel, by="bench", at=wall_s())
                settings.put(session, f"interaction/{channel}", OPEN, by="bench", at=wall_s())
        return keys

    def _wait_until_open(self) -> None:
        end = time.monotonic() + READY_S
        while True:
            sent = self.send(rate=20, seconds=0.05, connections=1, label=f"hello-{time.monotonic()}")
            if sent.accepted:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"comments are not taken in after {READY_S} s: {sent.first_refusal}")

    def job(self, **asked: Any) -> Job:
        return Job(port=self.gate.public, channels=self.sources, **asked)

    def send(self, **asked: Any) -> Sent:
        """Send comments and wait for the last answer. See `sender.Job`."""
        return send(self.job(**asked))

    def flood_once(self) -> None:
        """Send one batch and wait until what a flood starts is ready; older commits start nothing."""
        self.send(rate=500, seconds=1, batch=500, connections=1, label="first flood")
        end = time.monotonic() + FLOOD_READY_S
        while time.monotonic() < end:
            before = self._cpu_s()
            time.sleep(1)
            if self._cpu_s() - before < 0.1:
                return

    def _cpu_s(self) -> float:
        children = psutil.Process(self.pid).children(recursive=True)
        return cpu_s(self.pid) + sum(cpu_s(one.pid) for one in children)

    def measure(self, **asked: Any) -> tuple[Sent, float]:
        """Send; return what became of it, and what the comments process and its children used, in percent of
        a core.
        """
        sender = Sender(self.job(**asked))
        try:
            before = self._cpu_s()
            sent = sender.result()
            return sent, (self._cpu_s() - before) / sent.took_s * 100
        finally:
            sender.close()

    def console(self) -> "Console":
        return Console(self)

    def close(self) -> None:
        self.gate.stop()


class Console:
    """Somebody who may review everything and add terms, on one connection that stays open."""

    def __init__(self, stage: CommentStage) -> None:
        port = stage.gate.console
        person = add_person(stage.location, "reviewer", ["chief-reviewer"])
        self._cookie = "=".join(sign_in(f"http://127.0.0.1:{port}", person))
        self._web = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._review = "/api/v1/review"

    def get(self, channel: str, path: str) -> Any:
        return self._ask("GET", channel, path, None)

    def post(self, channel: str, path: str, **body: Any) -> Any:
        return self._ask("POST", channel, path, json.dumps(body))

    def _ask(self, method: str, channel: str, path: str, body: str | None) -> Any:
        headers = {"cookie": self._cookie, "content-type": "application/json"}
        self._web.request(method, f"{self._review}/{channel}/{path}", body, headers)
        with self._web.getresponse() as answer:
            said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered with {answer.status}: {said.decode()[:300]}")
        return json.loads(said)

    def close(self) -> None:
        self._web.close()
