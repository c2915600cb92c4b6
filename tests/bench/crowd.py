"""Many readers of a channel's published feed (SSE), in a process of their own that notes when each item came.

python -m bench.crowd PORT CHANNEL READERS      prints "ready"; at the end of its input: JSON
"""

import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict

import uvloop
from bench.sender import environment

_ID = b'data: {"id":'
_AT_ONCE = 100  # connections that are being opened


class Crowd:
    """The process; everybody reads once this is made. `leave` ends it."""

    def __init__(self, port: int, channel: str, readers: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.crowd", str(port), channel, str(readers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the readers ended with code {self._process.wait()}")

    def leave(self) -> dict[int, list[float]]:
        """Return when each comment came to each reader (CLOCK_MONOTONIC), by the comment's number."""
        said, _ = self._process.communicate(timeout=60)
        return {int(number): times for number, times in json.loads(said).items()}

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


# ---------------------------------------------------------------- in the process


class _Reader(asyncio.Protocol):
    def __init__(self, came: defaultdict[int, list[float]], reading: asyncio.Event) -> None:
        self._came, self._reading = came, reading
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if b"event: publish\n" in event:
                self._came[int(event.partition(_ID)[2].partition(b",")[0])].append(now)
            elif b"event: interaction\n" in event:  # it has all that was published before
                self._reading.set()


async def _run(port: int, channel: str, readers: int) -> None:
    came: defaultdict[int, list[float]] = defaultdict(list)
    gate = asyncio.Semaphore(_AT_ONCE)
    head = f"GET /api/v1/channels/{channel}/published HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()

    async def join() -> None:
        reading = asyncio.Event()
        async with gate:
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: _Reader(came, reading), "127.0.0.1", port
            )
            transport.write(head)
            await reading.wait()

    async with asyncio.timeout(60):
        await asyncio.gather(*(join() for _ in range(readers)))
    gc.collect()
    gc.freeze()
    came.clear()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(came))


def main() -> None:
    port, channel, readers = sys.argv[1:]
    wanted = int(readers) + 256
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    uvloop.run(_run(int(port), channel, int(readers)))
    sys.stdout.flush()
    os._exit(0)  # nobody waits until thousands of connections are closed


if __name__ == "__main__":
    main()
