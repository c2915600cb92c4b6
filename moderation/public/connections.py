"""HTTP connections of the public address, with bounds on their number and on request heads.

uvicorn has no time limit for the first request of a connection, nor for a head that comes in slowly. Readers
bound the size of bodies; the bytes on the wire are bounded here as well.
"""

import asyncio
import functools
import heapq
from collections import Counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from moderation.public import plain_head
from moderation.public.answers import Header, Reply
from moderation.public.common_headers import add_common_headers
from moderation.public.fast_intake import FastIntake
from streamgate.runtime.web import HeadDeadline

MAX_HEAD = 16 * 1024
_MAX_HEAD_WIRE = 4 * MAX_HEAD  # with a part that the parser still buffers
MAX_CONNECTIONS = 8192
MAKE_ROOM = 32
"""Connections closed together when there are too many, because choosing them takes long."""
_MAX_WIRE = 2 * 1024 * 1024
"""Most bytes of a request that has no response yet: 1 MiB, and the overhead of chunked encoding."""
_SOON_S = 0.05
_MAX_REST = 16 * 1024 * 1024
"""Most bytes that are read and discarded after an early response, so that the peer reads it."""


class Connection(HeadDeadline, HttpToolsProtocol):
    """One HTTP connection. Handlers find its transport in `scope["state"]["transport"]`.

    A plain request (`plain_head`) that arrives complete in one read goes to `fast_intake`, if that is set.
    Until its response the connection only buffers input.
    """

    max_connections = MAX_CONNECTIONS
    fast_intake: FastIntake | None = None
    _head = 0
    _wire = 0
    _in_head = True
    _upgraded = False
    _between = True  # the parser is between two requests
    _raw_head = b""  # the head at the start of the data that is being parsed
    _taken = False  # `fast_intake` has an open request
    _buffered_input = b""  # input that came while `_taken`
    _ending = False
    _lost = False

    @property
    def address(self) -> str:
        return self.client[0] if self.client is not None else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        self._mark_waiting(waiting=True)
        self._start_deadline()
        if len(self.connections) > self.max_connections:
            for one in _connections_to_close(self):
                one.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._taken:
            self._buffer_input(data)
            return
        if self.fast_intake is not None and self._between and self._take(self.fast_intake, data):
            return
        self._wire += len(data)
        super().data_received(data)
        self._raw_head = b""
        if self._upgraded:
            return
        answered = self.cycle is None or self.cycle.response_complete
        if answered and self._deadline is None:
            self._start_deadline()
        most = _MAX_REST if answered else _MAX_WIRE
        if self._wire > (_MAX_HEAD_WIRE if self._in_head else most):
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._wire = 0
        self._in_head = True
        self._between = False

    def on_url(self, url: bytes) -> None:
        self._measure(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._mark_waiting(waiting=False)
        self._stop_deadline()
        if self._raw_head and self.fast_intake is not None:
            self.fast_intake.remember_head(self._raw_head, self.url, self.headers)
        self._raw_head = b""
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._between = True

    def on_response_complete(self) -> None:
        super().on_response_complete()  # it closes an idle connection after `timeout_keep_alive`
        self._mark_waiting(waiting=True)
        if self._in_head and self._deadline is None:  # the next request came together with this one
            self._start_deadline()

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it has been idle for long. `fast_intake` does not stop this timer."""
        left_s = self.timeout_keep_alive - (0.0 if self._taken else self.loop.time() - self.since)
        if left_s > _SOON_S:
            self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def shutdown(self) -> None:
        if self._taken:
            self._ending = True
        else:
            super().shutdown()

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._stop_deadline()
        super().handle_websocket_upgrade()

    def _measure(self, *parts: bytes) -> None:
        """Count bytes of the head. Raises ValueError when it is too large; the parser then answers 400."""
        self._head += sum(len(part) + 4 for part in parts)
        if self._head > MAX_HEAD:
            raise ValueError(f"a head of more than {MAX_HEAD} bytes")

    # ------------------------------------------------------------ without ASGI

    def _take(self, intake: FastIntake, data: bytes) -> bool:
        """Give a complete request to `fast_intake`. False: it goes through ASGI."""
        busy = self.cycle is not None and not self.cycle.response_complete
        end = data.find(b"\r\n\r\n", 0, plain_head.MAX_HEAD) + 4
        if end < 4 or busy or self.flow.write_paused or self.transport.is_closing():
            return False
        raw = data[:end]
        head = intake.find_head(raw)
        if head is None:
            self._raw_head = raw
            return False
        if len(data) - end != head.length or not intake.try_take(head, data[end:], self._answer):
            return False
        self._taken = True
        self._stop_deadline()
        self._mark_waiting(waiting=False)
        return True

    def _buffer_input(self, data: bytes) -> None:
        self._buffered_input += data
        self.flow.pause_reading()
        if len(self._buffered_input) > _MAX_WIRE:
            self.transport.abort()

    def _answer(self, reply: Reply) -> None:
        self._taken = False
        if self._lost or self.transport.is_closing():
            return
        self.server_state.total_requests += 1
        default = self.server_state.default_headers
        self.transport.write(write_reply(reply, default, keep_alive=not self._ending))
        if self._ending:
            self.transport.close()
            return
        self._mark_waiting(waiting=True)
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        if self._buffered_input:
            data, self._buffered_input = self._buffered_input, b""
            self.flow.resume_reading()
            self.data_received(data)


def write_reply(reply: Reply, default: list[Header], *, keep_alive: bool) -> bytes:
    """Return the bytes of a response as uvicorn would write it. `default`: headers that the server adds."""
    return _write_head(reply.status, tuple(reply.headers), tuple(default), keep_alive) + reply.body


@functools.lru_cache(64)  # heads differ by body length, and once a second by the date
def _write_head(
    status: int, headers: tuple[Header, ...], default: tuple[Header, ...], keep_alive: bool
) -> bytes:
    parts = [STATUS_LINE[status]]
    for name, value in (*default, *add_common_headers(headers)):
        parts += (name, b": ", value, b"\r\n")
    if not keep_alive:
        parts.append(b"connection: close\r\n")
    return b"".join((*parts, b"\r\n"))


class Socket(WebSocketsSansIOProtocol):
    """One websocket. Handlers find its transport as for HTTP."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _connections_to_close(newest: Connection) -> list[Connection]:
    """Return the connections to close to make room for the newest.

    They are of the address that has the most connections. Those that wait for a request come first, and among
    them those that have waited longest.
    """
    found = [one for one in newest.connections if isinstance(one, Connection)]
    ((address, _),) = Counter(one.address for one in found).most_common(1)
    theirs = (one for one in found if one.address == address)
    return heapq.nsmallest(MAKE_ROOM, theirs, key=lambda one: (not one.waiting, one.since))
