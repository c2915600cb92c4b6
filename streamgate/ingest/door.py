"""Listening socket: accepts a few connections per turn of the event loop, and lets the server decide on each.

Refusing a connection costs accept and close, some 20 us: no transport is made for it.
"""

import asyncio
import errno
import socket
from collections.abc import Callable

import structlog

ACCEPTS = 8  # in one turn of the event loop
_REST_S = 0.5  # pause when the process has no file descriptors left
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_log = structlog.get_logger(__name__)


class Door:
    """Calls `on_accept` with each connected socket and its address until closed."""

    def __init__(self, listener: socket.socket, on_accept: Callable[[socket.socket, str], None]) -> None:
        self._listener = listener
        self._on_accept = on_accept
        self._loop = asyncio.get_running_loop()
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept)

    def close(self) -> None:
        self._loop.remove_reader(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTS):
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    _log.warning("connections cannot be accepted", reason=error.strerror)
                    self._loop.remove_reader(self._listener)
                    self._loop.call_later(_REST_S, self._reopen)
                return  # no connection waits, or the peer has disconnected already
            sock.setblocking(False)
            self._on_accept(sock, address[0])

    def _reopen(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)
