"""HTTP connections of the public address: bounded in number, in the size of a head, and in the time for one.

uvicorn would wait for ever for the first request of a connection and for the rest of a head that comes in
drops. Bodies are bounded by who reads them, and here once more by the bytes on the wire.
"""

import asyncio
import heapq
from collections import Counter
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from streamgate.runtime.web import HeadDeadline

MAX_HEAD = 16 * 1024
_MAX_HEAD_WIRE = 4 * MAX_HEAD  # a part of one that the parser still keeps to itself
MAX_CONNECTIONS = 8192
MAKE_ROOM = 32
"""Connections that are ended at once when there are too many: to choose them takes a while."""
_MAX_WIRE = 2 * 1024 * 1024
"""Bytes of one request of which somebody still waits for the answer: 1 MiB, and what chunks add to it."""
_MAX_REST = 16 * 1024 * 1024
"""Bytes that are read and dropped after an early answer, so that the peer gets to read it."""


class Connection(HeadDeadline, HttpToolsProtocol):
    """One HTTP connection. Handlers find its transport in `scope["state"]["transport"]`."""

    max_connections = MAX_CONNECTIONS
    _head = 0
    _wire = 0
    _in_head = True
    _upgraded = False

    @property
    def address(self) -> str:
        return self.client[0] if self.client is not None else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
        self._note(waiting=True)
        self._hurry()
        if len(self.connections) > self.max_connections:
            for one in _expendable(self):
                one.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._wire += len(data)
        super().data_received(data)
        if self._upgraded:
            return
        answered = self.cycle is None or self.cycle.response_complete
        if answered and self._late is None:
            self._hurry()
        most = _MAX_REST if answered else _MAX_WIRE
        if self._wire > (_MAX_HEAD_WIRE if self._in_head else most):
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = self._wire = 0
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._measure(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._note(waiting=False)
        self._rest()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # it ends an idle connection after `timeout_keep_alive`
        self._note(waiting=True)
        if self._in_head and self._late is None:  # of the next request: it came with this one
            self._hurry()

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True
        self._rest()
        super().handle_websocket_upgrade()

    def _measure(self, *parts: bytes) -> None:
        """Raise ValueError, which the parser makes a 400 of, when the head is too large."""
        self._head += sum(len(part) + 4 for part in parts)
        if self._head > MAX_HEAD:
            raise ValueError(f"a head of more than {MAX_HEAD} bytes")


class Socket(WebSocketsSansIOProtocol):
    """One websocket; its transport is found as that of HTTP."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _expendable(newest: Connection) -> list[Connection]:
    """Return which connections make room for the newest.

    They are of the address that has most of them: rather those that wait for a request than those in use, and
    of those the ones that have done so for longest.
    """
    found = [one for one in newest.connections if isinstance(one, Connection)]
    ((address, _),) = Counter(one.address for one in found).most_common(1)
    theirs = (one for one in found if one.address == address)
    return heapq.nsmallest(MAKE_ROOM, theirs, key=lambda one: (not one.waiting, one.since))
