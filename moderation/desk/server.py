"""The reviewers' socket: JSON over websockets on a unix socket. Requests come in, replies and changes go out.

A connection may have many requests open; replies come as they are ready. A connection that reads too slowly
is dropped. A request beyond the limit of open requests is answered `busy`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed

from moderation.desk.desk import Desk
from moderation.desk.lookup import CardWithComments, Lookup
from moderation.desk.members import Member
from moderation.desk.messages import (
    MAX_QUEUE,
    VERSION,
    AnyRequest,
    Changed,
    Claim,
    Deal,
    Failure,
    Reply,
    Unwatch,
    Watch,
)
from moderation.desk.requests import RequestHandler
from moderation.desk.wordlists import Wordlists
from moderation.review.card import Card
from streamgate.runtime.sockets import listen_unix

PUSH_EVERY_S = 0.1
SEND_TIMEOUT_S = 0.2
MAX_REQUEST = 256 * 1024
MAX_PENDING = 256
"""Open requests of one connection."""
MAX_CONNECTIONS = 64
MAX_WAITING = 8 * 1024 * 1024  # bytes that a connection may leave unread before it is dropped
_log = structlog.get_logger("moderation.desk.server")
_decoder: msgspec.json.Decoder[AnyRequest] = msgspec.json.Decoder(AnyRequest)
_encoder = msgspec.json.Encoder()


class _Connection:
    """One connection. `watched`: the channels whose changes it gets. `people`: who claimed cards over it."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.watched: set[str] = set()
        self.people: set[int] = set()
        self.pending = 0

    async def send(self, body: str) -> None:
        """Send, or drop the connection when it does not read, so that the others do not wait for it."""
        if self.socket.transport.get_write_buffer_size() > MAX_WAITING:
            self.socket.transport.abort()
            return
        with suppress(ConnectionClosed):
            await self.socket.send(body)


class _UnsentChanges:
    """Changes of a channel since the last push. `many`: more cards changed than one push may hold."""

    def __init__(self) -> None:
        self.cards: dict[int, CardWithComments] = {}
        self.many = False

    def add(self, card: Card, members: Sequence[Member]) -> None:
        if self.many:
            return
        self.cards[card.id] = CardWithComments(card, members)
        if len(self.cards) > MAX_QUEUE:
            self.many = True
            self.cards.clear()


class CommentsServer:
    """Serves the socket. Run `push_changes` as a task beside it."""

    def __init__(self, desk: Desk, lists: Wordlists) -> None:
        self._desk = desk
        self._requests = RequestHandler(desk, lists)
        self._lookup = Lookup(desk)
        self._connections: set[_Connection] = set()
        self._dirty: defaultdict[str, _UnsentChanges] = defaultdict(_UnsentChanges)
        self._changed = asyncio.Event()
        desk.on_change.append(self._note)

    async def listen(self, path: Path) -> Server:
        """Listen on the unix socket at `path`, for this user only."""
        return await listen_unix(path, self._serve, max_message=MAX_REQUEST)

    async def push_changes(self) -> None:
        """Push changes to the connections, at most every 100 ms, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            dirty, self._dirty = self._dirty, defaultdict(_UnsentChanges)
            for channel, changes in dirty.items():
                watching = [one for one in self._connections if channel in one.watched]
                if watching:
                    body = _encode(self._describe(channel, changes))
                    await asyncio.gather(*(self._push(one, body) for one in watching))
            await asyncio.sleep(PUSH_EVERY_S)

    async def _push(self, one: _Connection, body: str) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await one.send(body)
        except TimeoutError:
            one.socket.transport.abort()

    def _note(self, channel: str, card: Card | None, members: Sequence[Member]) -> None:
        if not self._connections:
            return
        changes = self._dirty[channel]
        if card is not None and members:
            changes.add(card, members)
        self._changed.set()

    def _describe(self, channel: str, changes: _UnsentChanges) -> Changed:
        return Changed(
            channel=channel,
            cards=[self._lookup.view_of(one) for one in changes.cards.values()],
            many=changes.many,
            counts=self._requests.counts(channel),
            interaction=self._desk.interaction(channel),
        )

    # ------------------------------------------------------------ connections

    async def _serve(self, socket: ServerConnection) -> None:
        if len(self._connections) >= MAX_CONNECTIONS:
            await socket.close(1013, "too many connections")
            return
        one = _Connection(socket)
        self._connections.add(one)
        try:
            async with asyncio.TaskGroup() as group:
                async for message in socket:
                    self._take(one, message, group)
        except* ConnectionClosed:
            pass
        finally:
            self._connections.discard(one)
            for user_id in one.people:
                card_id = self._desk.leases.release_all(user_id)
                if card_id is not None:
                    self._desk.card_changed(card_id)

    def _take(self, one: _Connection, message: str | bytes, group: asyncio.TaskGroup) -> None:
        try:
            request = _decoder.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            reply = _refusal(0, "bad_request", f"the request cannot be decoded: {error}", "请求无法识别")
            group.create_task(one.send(_encode(reply)))
            return
        if request.v != VERSION:
            text = f"the request is of version {request.v}; this process speaks {VERSION}"
            reply = _refusal(request.id, "bad_request", text, "版本不一致，请重启控制台")
            group.create_task(one.send(_encode(reply)))
        elif one.pending >= MAX_PENDING:
            text = f"{MAX_PENDING} requests wait already; try again when they are answered"
            group.create_task(one.send(_encode(_refusal(request.id, "busy", text, "请求过多，请稍后再试"))))
        else:
            one.pending += 1
            group.create_task(self._answer(one, request))

    async def _answer(self, one: _Connection, request: AnyRequest) -> None:
        try:
            if isinstance(request, Watch):
                one.watched.add(request.channel)
            elif isinstance(request, Unwatch):
                one.watched.discard(request.channel)
            elif isinstance(request, Claim | Deal):
                one.people.add(request.by.user_id)
            try:
                body = _encode(await self._requests.answer(request))
            except Exception:  # noqa: BLE001 - one bad request must not end the others of its connection
                _log.exception("request_failed", request=type(request).__name__)
                body = _encode(
                    _refusal(
                        request.id,
                        "bad_request",
                        "the request failed; the log of the comments process says why",
                        "无法执行",
                    )
                )
            await one.send(body)
        finally:
            one.pending -= 1


def _refusal(number: int, code: str, text: str, zh: str) -> Reply:
    return Reply(id=number, failure=Failure(code, text, zh))


def _encode(message: Reply | Changed) -> str:
    return _encoder.encode(message).decode()
