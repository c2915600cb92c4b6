"""Sends responses over ASGI (JSON, problems) and reads request bodies of bounded size."""

import asyncio
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from moderation.public.problems import TOO_SLOW, Problem, RequestRefused, too_large

BODY_S = 15.0
SEND_S = 20.0
"""How long a peer may read nothing before its connection is aborted."""
_PIECE = 64 * 1024
Header = tuple[bytes, bytes]
_encoder = msgspec.json.Encoder()


class Reply(NamedTuple):
    """A complete response, without the common headers."""

    status: int
    headers: list[Header]
    body: bytes


def json_reply(status: int, value: Any, headers: Iterable[Header] = ()) -> Reply:
    body = _encoder.encode(value)
    head = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *headers,
    ]
    return Reply(status, head, body)


def problem_reply(refused: RequestRefused, more: dict[str, Any] | None = None) -> Reply:
    headers = [(name.encode(), value.encode()) for name, value in _headers(refused).items()]
    return json_reply(refused.problem.status, _body(refused.problem) | (more or {}), headers)


async def send_reply(send: Send, reply: Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


async def send_json(send: Send, status: int, value: Any, headers: Iterable[Header] = ()) -> None:
    """Send a complete JSON response."""
    await send_reply(send, json_reply(status, value, headers))


async def send_problem(send: Send, refused: RequestRefused, more: dict[str, Any] | None = None) -> None:
    await send_reply(send, problem_reply(refused, more))


def problem_response(refused: RequestRefused) -> Response:
    headers = {"cache-control": "no-store", **_headers(refused)}
    body = _encoder.encode(_body(refused.problem))
    return Response(body, refused.problem.status, headers, media_type="application/json")


def json_response(value: Any, status: int = 200) -> Response:
    return Response(
        _encoder.encode(value), status, {"cache-control": "no-store"}, media_type="application/json"
    )


class ChunkedResponse(Response):
    """A large response sent in chunks. Little is buffered; a peer that does not read is disconnected."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = memoryview(self.body)
        try:
            for start in range(0, max(len(body), 1), _PIECE):
                piece, more = body[start : start + _PIECE], start + _PIECE < len(body)
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": more})
        except TimeoutError:
            transport: asyncio.Transport = scope["state"]["transport"]
            transport.abort()


def _body(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "error": problem.error, "error_zh": problem.error_zh}


def _headers(refused: RequestRefused) -> dict[str, str]:
    headers = {}
    if refused.wait_s > 0:
        headers["retry-after"] = str(math.ceil(refused.wait_s))
    if refused.problem is TOO_SLOW:
        headers["connection"] = "close"  # the rest of the body may never come
    return headers


def header(headers: Iterable[Header], name: bytes) -> str | None:
    """Return the first value of a header; None: there is none."""
    for found, value in headers:
        if found == name:
            return value.decode("latin-1")
    return None


async def read_body(receive: Receive, headers: Iterable[Header], most: int) -> bytes:
    """Return the body of a request.

    Raises RequestRefused when it is larger than `most` bytes, takes longer than 15 s, or the peer left.
    """
    declared = header(headers, b"content-length") or "0"
    if declared.isdecimal() and int(declared[:20]) > most:
        raise RequestRefused(too_large(most))
    until = asyncio.get_running_loop().time() + BODY_S
    parts: list[bytes] = []
    size = 0
    while True:
        message = await _receive(receive, until)
        if message["type"] != "http.request":
            raise RequestRefused(TOO_SLOW)  # the peer has left; nobody reads this
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > most:
            raise RequestRefused(too_large(most))
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _receive(receive: Receive, until: float) -> Message:
    try:
        async with asyncio.timeout_at(until):
            return await receive()
    except TimeoutError:
        raise RequestRefused(TOO_SLOW) from None
