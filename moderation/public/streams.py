"""The published feed as server-sent events and as a websocket. A peer that does not read is disconnected."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope, Send

from moderation.public.answers import SEND_S, header, send_problem
from moderation.public.feed import Hub
from moderation.public.problems import BAD_METHOD, RequestRefused
from moderation.public.rates import address_of
from moderation.public.recent import Event

SEND_BUFFER = 64 * 1024
"""Send buffer of a connection in the kernel, in bytes."""
_GONE_S = 1.0
_SSE_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx: pass it on as it comes
]
FindHub = Callable[[Scope], Awaitable[Hub]]
Write = Callable[[], Awaitable[None]]


class PublishedEvents:
    """GET published: server-sent events (WHATWG HTML, 9.2)."""

    def __init__(self, find: FindHub) -> None:
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in {"GET", "HEAD"}:
            await send_problem(send, RequestRefused(BAD_METHOD))
            return
        try:
            hub = await self._find(scope)
            if scope["method"] == "HEAD":
                await send({"type": "http.response.start", "status": 200, "headers": _SSE_HEAD})
                await send({"type": "http.response.body"})
                return
            after = _number(header(scope["headers"], b"last-event-id"))
            if after is None:
                after = _number(_query(scope, "after"))
            await self._stream(scope, receive, send, hub, after)
        except RequestRefused as refused:
            await send_problem(send, refused)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, hub: Hub, after: int | None) -> None:
        abort = _abort_of(scope)
        async with hub.reading(after, address_of(scope), abort) as reading:
            await send({"type": "http.response.start", "status": 200, "headers": _SSE_HEAD})

            async def write() -> None:
                retry_ms = random.randint(500, 2000)  # noqa: S311 - they do not come back all at once
                hello = b"retry: %d\n\n" % retry_ms
                while batch := await reading.next():
                    data = b"".join(one.sse for one in batch)
                    if hello:
                        if after is None and reading.reader and not isinstance(batch[0], Event):
                            hello += b"id: %d\n\n" % reading.reader.seen  # no comment is published yet
                        data, hello = hello + data, b""
                    await _send_in_time(send, {"type": "http.response.body", "body": data, "more_body": True})

            await _until_gone(write, receive, "http.disconnect", abort)


class PublishedSocket:
    """The published feed over a websocket: JSON with `event` and `seq`. `?after=SEQ` resumes."""

    def __init__(self, find: FindHub) -> None:
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        with contextlib.suppress(OSError):  # the peer has left
            try:
                hub = await self._find(scope)
                await self._stream(scope, receive, send, hub, _number(_query(scope, "after")))
            except RequestRefused as refused:
                await send({"type": "websocket.accept"})
                code = 4404 if refused.problem.status == 404 else 1013
                await send({"type": "websocket.close", "code": code, "reason": refused.problem.code})

    async def _stream(self, scope: Scope, receive: Receive, send: Send, hub: Hub, after: int | None) -> None:
        abort = _abort_of(scope)
        async with hub.reading(after, address_of(scope), abort) as reading:
            await send({"type": "websocket.accept"})

            async def write() -> None:
                while batch := await reading.next():
                    for text in filter(None, (one.text for one in batch)):
                        await _send_in_time(send, {"type": "websocket.send", "text": text})

            await _until_gone(write, receive, "websocket.disconnect", abort)


async def _send_in_time(send: Send, message: Message) -> None:
    async with asyncio.timeout(SEND_S):
        await send(message)


async def _until_gone(write: Write, receive: Receive, gone: str, abort: Callable[[], None]) -> None:
    """Write until the peer leaves. Disconnect it when it does not read, or when `write` ends."""

    async def leave() -> None:
        while (await receive())["type"] != gone:
            pass

    leaving, writing = asyncio.ensure_future(leave()), asyncio.ensure_future(write())
    try:
        await asyncio.wait({leaving, writing}, return_when=asyncio.FIRST_COMPLETED)
        abort()
        await asyncio.wait({leaving}, timeout=_GONE_S)
    finally:
        leaving.cancel()
        writing.cancel()
        for done in await asyncio.gather(leaving, writing, return_exceptions=True):
            if isinstance(done, Exception) and not isinstance(done, OSError):  # TimeoutError is one
                raise done


def _abort_of(scope: Scope) -> Callable[[], None]:
    """Bound the send buffer of the connection; return the function that aborts it."""
    transport: asyncio.Transport = scope["state"]["transport"]
    found: socket.socket | None = transport.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return transport.abort


def _query(scope: Scope, name: str) -> str | None:
    found = parse_qs(scope["query_string"].decode("latin-1")).get(name)
    return found[0] if found else None


def _number(text: str | None) -> int | None:
    """Parse the number of a reader's last event; None: it is not a valid number."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 18:
        return None
    return int(text)
