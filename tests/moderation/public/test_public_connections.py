"""Slow, large and many requests of strangers: each is bounded, and nobody else waits for them."""

import asyncio
import contextlib
import json
import time

import pytest
from public_stage import Stage

from moderation.public import answers
from moderation.public.connections import MAX_HEAD, Connection
from streamgate.runtime import web


async def ask(stage: Stage, data: bytes, *, read_s: float = 5.0) -> bytes:
    """Send bytes; return what comes back until the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), read_s)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def head(stage: Stage, key: str, length: int) -> bytes:
    lines = [
        f"POST {stage.api}/comments HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {key}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEAD_S", 0.3)
    monkeypatch.setattr(answers, "BODY_S", 0.3)


@pytest.mark.parametrize(
    "data", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n", b"GET / HTTP/1.1\r\nA: " + b"b" * 9000]
)
@pytest.mark.usefixtures("hasty")
async def test_a_head_that_does_not_end(stage: Stage, data: bytes) -> None:
    begun = time.monotonic()
    assert await ask(stage, data) == b""
    assert time.monotonic() - begun < 3


@pytest.mark.usefixtures("hasty")
async def test_a_second_head_that_does_not_end(stage: Stage) -> None:
    answer = await ask(stage, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
    assert answer.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize(
    "data",
    [
        b"GET /" + b"a" * MAX_HEAD + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: v\r\n" % number for number in range(5000)) + b"\r\n",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_heads_that_are_too_large_or_none(stage: Stage, data: bytes) -> None:
    answer = await ask(stage, data)
    assert answer.startswith(b"HTTP/1.1 400") or not answer


async def test_a_header_without_end_is_cut_off(stage: Stage) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"GET / HTTP/1.1\r\nA: ")
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 64 * 1024 * 1024:
            writer.write(b"b" * 65536)
            await writer.drain()
            sent += 65536
    assert sent < 16 * 1024 * 1024
    writer.close()


@pytest.mark.usefixtures("hasty")
async def test_a_body_that_does_not_end(stage: Stage) -> None:
    await stage.source()
    answer = await ask(stage, head(stage, "key-s", 99) + b"[")
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "too_slow"


async def test_strangers_are_refused_before_their_body_is_read(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(head(stage, "no", 999_999))
    assert (await asyncio.wait_for(reader.readline(), 3)).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_many_connections_leave_room_for_the_newest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "max_connections", 50)
    idle = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(120)]
    async with stage.client() as client:
        assert (await client.get("/healthz")).status_code == 200
    ended = 0
    for reader, writer in idle:
        try:
            async with asyncio.timeout(0.05):
                ended += await reader.read() == b""
        except TimeoutError:
            pass
        except ConnectionError:
            ended += 1
        writer.close()
    assert ended >= 60


@pytest.mark.alone  # it measures
async def test_a_slow_peer_does_not_delay_others(stage: Stage) -> None:
    slow = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(100)]
    for _, writer in slow:
        writer.write(
            b"POST /api/v1/channels/main/comments HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n["
        )
    async with stage.client() as client:
        begun = time.monotonic()
        for _ in range(20):
            assert (await client.get("/healthz")).status_code == 200
        assert time.monotonic() - begun < 2
    for _, writer in slow:
        writer.close()
