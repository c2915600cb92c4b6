"""People at the console beside what is measured, in a process of its own: pages that watch, and requests.

    python -m bench.audience JOB      (JOB: an `Order` as JSON; ends when standard input does)

Prints "open" once all pages are, and in the end a JSON object of what it did.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec
from tools.people import Person, sign_in
from tools.serve import Gate
from websockets.asyncio.client import ClientConnection, connect

CONNECTIONS = 40  # that requests go over: a slow answer holds up one of them
PER_PERSON = 4  # pages


class Order(msgspec.Struct):
    """`pages`: of a channel, each with the state and both previews. `rate`: requests a second."""

    host: str
    channel: str
    cookies: list[str]
    pages: int
    rate: float


@contextmanager
def audience(
    gate: Gate, channel: str, people: Sequence[Person], pages: int, rate: float = 0.0
) -> Iterator[None]:
    """Have so many pages open and so many requests a second answered meanwhile; RuntimeError when not.

    `people`: PER_PERSON pages each.
    """
    base = gate.page_url.rstrip("/")
    cookies = ["=".join(sign_in(base, one)) for one in people[: max(1, -(-pages // PER_PERSON))]]
    order = Order(base.removeprefix("http://"), channel, cookies, pages, rate)
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.audience", msgspec.json.encode(order).decode()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    if child.stdout.readline() != "open\n":
        raise RuntimeError(f"the audience of {pages} pages did not come: exit code {child.wait()}")
    began = time.monotonic()
    try:
        yield
    finally:
        took = time.monotonic() - began
        out, _ = child.communicate()
    did = json.loads(out or "{}")
    if did.get("lost") != 0 or did["answers"] < 0.9 * rate * took:
        raise RuntimeError(f"{pages} pages and {rate:g} requests/s for {took:.0f} s: {did}")


async def _attend(order: Order) -> dict[str, int]:
    sockets = [
        await _open(order, path, order.cookies[page // PER_PERSON])
        for page in range(order.pages)
        for path in ("ws", f"preview/{order.channel}/pvw", f"preview/{order.channel}/pgm")
    ]
    print("open", flush=True)
    over = asyncio.Event()
    reading = [asyncio.create_task(_read(socket)) for socket in sockets]
    asking = [asyncio.create_task(_ask(order, over)) for _ in range(CONNECTIONS if order.rate else 0)]
    await asyncio.to_thread(sys.stdin.read)
    over.set()
    answers = sum(await asyncio.gather(*asking))
    lost = sum(task.done() for task in reading)
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {"answers": answers, "lost": lost, "bytes": sum(await asyncio.gather(*reading))}


async def _open(order: Order, path: str, cookie: str) -> ClientConnection:
    return await connect(
        f"ws://{order.host}/api/v1/{path}",
        origin=f"http://{order.host}",  # type: ignore[arg-type]
        additional_headers={"Cookie": cookie},
        max_size=None,
        ping_interval=None,
    )


async def _read(socket: ClientConnection) -> int:
    size = 0
    async for message in socket:
        size += len(message)
    return size


async def _ask(order: Order, over: asyncio.Event) -> int:
    """Ask for the state of all channels at an even pace over one connection; return how many answers came."""
    host, _, port = order.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET /api/v1/state HTTP/1.1\r\nHost: {order.host}\r\n"
    request = f"{head}Cookie: {order.cookies[0]}\r\n\r\n".encode()
    answers, following = 0, time.monotonic()
    while not over.is_set():
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the console answers {answer[:80]!r}")
        lines = answer.lower().split(b"\r\n")
        size = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        await reader.readexactly(size)
        answers += 1
        following += CONNECTIONS / order.rate
        await asyncio.sleep(max(0.0, following - time.monotonic()))
    writer.close()
    return answers


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_attend(msgspec.json.decode(sys.argv[1], type=Order)))))
