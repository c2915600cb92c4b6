"""The web server's HTTP connections: bounded in number, and none may take its time over a request's head.

uvicorn waits for ever for the first request of a connection, and for the rest of a head that comes in drops:
a stranger with some thousand connections would keep everybody else out. Bodies are the guard's concern.
"""

import asyncio
from collections import Counter

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from streamgate.runtime.web import HeadDeadline

MAX_CONNECTIONS = 512
"""Open websockets count, too, but are never the ones that make room."""


class Connection(HeadDeadline, H11Protocol):
    """One HTTP connection."""

    @property
    def address(self) -> str:
        return self.client[0] if self.client is not None else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._mark_waiting(waiting=True)
        self._start_deadline()
        if len(self.connections) > MAX_CONNECTIONS:
            _expendable(self).transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._mark_waiting(waiting=False)
            self._stop_deadline()
        elif self._deadline is None:
            self._start_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # it ends an idle connection after `timeout_keep_alive`
        if self.conn.their_state is h11.IDLE:
            self._mark_waiting(waiting=True)


def _expendable(newest: Connection) -> Connection:
    """Return which connection makes room for the newest.

    It is one of the address that has most of them: rather one that waits for a request than one in use, and
    of those the one that has done so for longest.
    """
    found = [one for one in newest.connections if isinstance(one, Connection)]
    number = Counter(one.address for one in found)
    return max(found, key=lambda one: (number[one.address], one.waiting, -one.since))
