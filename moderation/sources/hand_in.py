"""Hands a source's comments in: in batches, each again until the gate has answered for every comment.

The gate knows a comment by its `client_id`, so a batch that is sent twice is stored once. Where it says
Retry-After, it is waited for; where it does not answer, ever longer, up to half a minute.
"""

import asyncio
import contextlib
import http.client
import random
import ssl
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from moderation.desk.intake import IncomingComment
from moderation.public.comment_body import MAX_COMMENTS
from moderation.sources.source import CommentSource

BATCH_S = 0.2
"""How long a comment waits for others to go with it."""
MAX_BODY = 900 * 1024
TIMEOUT_S = 30.0
FIRST_WAIT_S, MAX_WAIT_S = 0.5, 30.0
AGAIN = frozenset({"queue_full", "database_away", "starting", "rate_limited", "busy"})
"""Codes of refusals that pass by themselves."""
_encoder = msgspec.json.Encoder()
Tell = Callable[[str], None]


class KeyRefused(Exception):  # noqa: N818 - an answer, not a fault
    """The gate does not take this source's comments at all; `str(error)` says why."""


class Answer(NamedTuple):
    """`status` 0: there was none. `wait_s`: what Retry-After asks for, None when it is not there."""

    status: int
    body: dict[str, Any]
    wait_s: float | None


class Gate:
    """The gate's public address, for one source. Keeps a connection alive; used by one task at a time."""

    def __init__(self, url: str, channel: str, key: str) -> None:
        """Take `url` as http(s)://HOST[:PORT], without a path. Raises ValueError for another one."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"the address {url} is not allowed; write http://HOST:PORT or https://HOST")
        self._path = f"/api/v1/channels/{channel}/comments"
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        host, port = parts.hostname, parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)

    async def post(self, comments: Sequence[IncomingComment]) -> Answer:
        return await asyncio.to_thread(self._post, _encoder.encode(comments))

    def _post(self, body: bytes) -> Answer:
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answered = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request connects anew
            return Answer(0, {}, None)
        wait_s = None
        with contextlib.suppress(ValueError):
            wait_s = min(float(response.headers.get("retry-after", "")), MAX_WAIT_S)
        try:
            found = msgspec.json.decode(answered, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = {}
        return Answer(response.status, found, wait_s)

    def close(self) -> None:
        self._connection.close()


class Totals:
    """How many were accepted, and how many refused by each code."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused: Counter[str] = Counter()


async def hand_in(source: CommentSource, gate: Gate, totals: Totals, tell: Tell) -> None:
    """Hand in everything a source yields, until it ends. `tell`: of waits, in words.

    Raises KeyRefused, and whatever the source raises; comments that it yielded before are handed in first.
    """
    ahead = _Ahead()
    reading = asyncio.ensure_future(ahead.read(source))
    try:
        while batch := await ahead.next_batch():
            for part in _parts(batch):
                await _hand_in_batch(part, gate, totals, tell)
        await reading
    finally:
        reading.cancel()
        await asyncio.wait({reading})


class _Ahead:
    """Comments that were read and not yet handed in: at most two batches."""

    def __init__(self) -> None:
        self._comments: deque[IncomingComment] = deque()
        self._ended = False
        self._there, self._room = asyncio.Event(), asyncio.Event()

    async def read(self, source: CommentSource) -> None:
        try:
            async for comment in source:
                while len(self._comments) >= 2 * MAX_COMMENTS:
                    self._room.clear()
                    await self._room.wait()
                self._comments.append(comment)
                self._there.set()
        finally:
            self._ended = True
            self._there.set()

    async def next_batch(self) -> list[IncomingComment]:
        """Return up to 500 comments; none: the source has ended."""
        while not self._comments and not self._ended:
            self._there.clear()
            await self._there.wait()
        if len(self._comments) < MAX_COMMENTS and not self._ended:
            await asyncio.sleep(BATCH_S)
        batch = [self._comments.popleft() for _ in range(min(MAX_COMMENTS, len(self._comments)))]
        self._room.set()
        return batch


def _parts(batch: Sequence[IncomingComment]) -> list[list[IncomingComment]]:
    """Cut a batch so that no body is larger than the gate takes."""
    parts: list[list[IncomingComment]] = []
    room = 0
    for one in batch:
        size = len(_encoder.encode(one)) + 1
        if not parts or size > room:
            parts.append([])
            room = MAX_BODY
        parts[-1].append(one)
        room -= size
    return parts


async def _hand_in_batch(batch: Sequence[IncomingComment], gate: Gate, totals: Totals, tell: Tell) -> None:
    left = list(batch)
    wait_s = FIRST_WAIT_S
    while left:
        answer = await gate.post(left)
        left = _settle(left, answer, totals)
        if not left:
            return
        pause_s = answer.wait_s if answer.wait_s is not None else wait_s * random.uniform(0.8, 1.2)  # noqa: S311
        why = answer.body.get("error", "no answer" if not answer.status else f"status {answer.status}")
        tell(f"{len(left)} comments wait {pause_s:.1f} s: {why}")
        await asyncio.sleep(pause_s)
        wait_s = min(wait_s * 2, MAX_WAIT_S)


def _settle(sent: list[IncomingComment], answer: Answer, totals: Totals) -> list[IncomingComment]:
    """Count what was answered for good. Returns what is to be sent again. Raises KeyRefused."""
    code = str(answer.body.get("code", ""))
    if answer.status == 401 or code == "wrong_channel":
        raise KeyRefused(str(answer.body.get("error", f"the gate answered {answer.status}")))
    if answer.status == 202:
        totals.accepted += len(answer.body.get("accepted", ()))
        again: set[str] = set()
        for one in answer.body.get("refused", ()):
            if one.get("code") in AGAIN:
                again.add(one["client_id"])
            else:
                totals.refused[str(one.get("code"))] += 1
        return [one for one in sent if one.client_id in again]
    if answer.status in {0, 408, 429} or answer.status >= 500:
        return sent
    totals.refused[code or str(answer.status)] += len(sent)  # closed, too large, not understood
    return []
