"""Hands in comments at a fixed rate, in a process of its own: an open loop on connections that stay open.

A request that cannot leave at its time, as all connections wait for an answer, leaves as soon as one is free:
its latency counts from its time all the same.

    python -m bench.sender < JOB      JOB, and what is printed: JSON, see `Job` and `Sent`
"""

import asyncio
import gc
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import uvloop
from bench.meter import Spread

TICK_S = 0.001
AFTER_S = 20.0  # for the answers that are under way at the end


class Job(msgspec.Struct, frozen=True):
    """`channels`: name and key of a source each, in turn. `rate`: comments a second, `batch` a request.

    `distinct`: share of the comments whose text nobody wrote before. `core`: which the process runs on.
    `label`: the client ids begin with it.
    """

    port: int
    channels: list[tuple[str, str]]
    rate: float
    seconds: float
    batch: int = 1
    connections: int = 256
    distinct: float = 1.0
    core: int | None = None
    label: str = "b"


class Sent(msgspec.Struct, frozen=True):
    """`latency`: of requests that were accepted whole, milliseconds from the time they were to leave.

    `rate`: comments accepted a second, until the last answer. `answers`: requests by status; 0 means none.
    `own_cpu`: what the process itself used while it sent, percent of a core.
    """

    accepted: int
    took_s: float
    rate: float
    latency: Spread
    answers: dict[str, int]
    own_cpu: float
    first_refusal: str


NONE = Spread(0, -1, -1, -1, -1)
"""Latencies where nothing was accepted."""


class Sender:
    """A process that sends. `result` waits for it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.sender"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(job).decode())
        self._process.stdin.close()
        if self._process.stdout.readline() != "ready\n":  # the bodies are made
            raise RuntimeError(f"the sender ended with code {self._process.wait()}")

    def result(self) -> Sent:
        assert self._process.stdout is not None
        text = self._process.stdout.read()
        if self._process.wait(self._job.seconds + 2 * AFTER_S):
            raise RuntimeError(f"the sender ended with code {self._process.returncode}")
        return msgspec.json.decode(text, type=Sent)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def send(job: Job) -> Sent:
    """Do a job and wait for it."""
    sender = Sender(job)
    try:
        return sender.result()
    finally:
        sender.close()


def environment() -> dict[str, str]:
    """Return the environment of a process of the bench: it finds this package."""
    tests = Path(__file__).parents[1]
    path = [str(tests), str(tests.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


# ---------------------------------------------------------------- in the process


class _Connection(asyncio.Protocol):
    """`waits`: place of the request whose answer it waits for."""

    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._got = b""
        self.transport: asyncio.Transport
        self.waits = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        if not found:
            return
        size = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= size:
            self._got = b""
            self._run.answered(self, int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._run.lost(self)


class _Run:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._requests = list(_requests(job))
        self._every_s = job.batch / job.rate
        self._free: list[_Connection] = []
        self._due: deque[int] = deque()
        self._began_s = 0.0
        self._late_s = np.zeros(len(self._requests))
        self._answers: Counter[int] = Counter()
        self._left = len(self._requests)
        self._done = asyncio.Event()
        self._closing = False
        self._ended_s = 0.0
        self.accepted = 0
        self.refusal = ""

    async def run(self) -> Sent:
        loop = asyncio.get_running_loop()
        for _ in range(self._job.connections):
            _, made = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._job.port)
            self._free.append(made)
        gc.collect()
        gc.freeze()
        gc.disable()
        print("ready", flush=True)
        cpu = time.process_time()
        self._began_s = time.monotonic()
        place = 0
        while place < len(self._requests):
            now = time.monotonic() - self._began_s
            while place < len(self._requests) and place * self._every_s <= now:
                self._due.append(place)
                place += 1
            self._send_due()
            await asyncio.sleep(max(TICK_S, place * self._every_s - (time.monotonic() - self._began_s)))
        try:
            async with asyncio.timeout(AFTER_S):
                await self._done.wait()
        except TimeoutError:
            self._answers[0] += self._left
        self._closing = True
        took_s = (self._ended_s or time.monotonic()) - self._began_s
        latencies = self._late_s[self._late_s > 0] * 1000
        return Sent(
            accepted=self.accepted,
            took_s=took_s,
            rate=self.accepted / took_s,
            latency=Spread.of(latencies) if latencies.size else NONE,
            answers={str(code): count for code, count in self._answers.items()},
            own_cpu=(time.process_time() - cpu) / took_s * 100,
            first_refusal=self.refusal,
        )

    def _send_due(self) -> None:
        while self._due and self._free:
            connection = self._free.pop()
            connection.waits = self._due.popleft()
            connection.transport.write(self._requests[connection.waits])

    def answered(self, connection: _Connection, status: int, body: bytes) -> None:
        now = time.monotonic()
        place, connection.waits = connection.waits, -1
        self._answers[status] += 1
        refused = body.count(b'"code":')
        if status == 202:
            self.accepted += self._job.batch - refused
        if status == 202 and not refused:
            self._late_s[place] = now - self._began_s - place * self._every_s
        elif not self.refusal:
            self.refusal = body.decode(errors="replace")[:300]
        self._ended_s = now
        self._count_down()
        self._free.append(connection)
        self._send_due()

    def lost(self, connection: _Connection) -> None:
        if self._closing:
            return
        if connection in self._free:
            self._free.remove(connection)
        if connection.waits >= 0:
            self._answers[0] += 1
            self._count_down()

    def _count_down(self) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()


def _requests(job: Job) -> Iterator[bytes]:
    count = max(1, round(job.rate * job.seconds / job.batch))
    rng = random.Random(job.label)
    texts = _texts(count * job.batch, job.distinct, rng)
    numbers = iter(range(count * job.batch))
    channels = cycle(job.channels)
    for _ in range(count):
        channel, key = next(channels)
        comments = [
            {
                "client_id": f"{job.label}-{number}",
                "author_id": f"u{number % 5000}",
                "author": f"观众{number % 5000}",
                "text": texts[number],
            }
            for _, number in zip(range(job.batch), numbers, strict=False)
        ]
        value = comments[0] if job.batch == 1 else comments
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        yield (
            f"POST /api/v1/channels/{channel}/comments HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
            f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


def _texts(count: int, distinct: float, rng: random.Random) -> Sequence[str]:
    """Return ordinary comments, 4 to 30 characters; the rest are what a crowd says again and again."""
    words = (
        "今天直播画面声音主持嘉宾老师同学大家觉得真的非常喜欢这个节目内容讲解清楚支持感谢期待下次活动问题回答"
    )
    pairs = [words[at : at + 2] for at in range(0, len(words) - 1, 2)]
    common = ["".join(rng.choices(pairs, k=3)) for _ in range(50)]
    return [
        "".join(rng.choices(pairs, k=rng.randint(2, 13))) + _numeral(number)
        if rng.random() < distinct
        else rng.choice(common)
        for number in range(count)
    ]


def _numeral(number: int) -> str:
    """Return a number in characters that are no digits, so that no filter takes it for a telephone's."""
    return "".join("山水风云花草木石金玉"[int(digit)] for digit in str(number))


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    sent = uvloop.run(_Run(job).run())
    print(msgspec.json.encode(sent).decode())


if __name__ == "__main__":
    main()
