"""Detects that the process at the other end of a unix socket is dead.

A process that was killed while one of its threads hangs in disk I/O keeps its sockets open: its peers receive
no end of the stream.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

from streamgate.runtime.lock import is_defunct

LOOK_EVERY_S = 0.5
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


@contextlib.asynccontextmanager
async def close_when_peer_is_defunct(transport: asyncio.WriteTransport) -> AsyncIterator[None]:
    """While the body runs: abort the connection once the process that listens at its other end is dead."""
    peer: socket.socket = transport.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid = _CREDENTIALS.unpack(raw)[0]

    async def look() -> None:
        while not is_defunct(pid):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(LOOK_EVERY_S)
        transport.abort()

    looking = asyncio.ensure_future(look())
    try:
        yield
    finally:
        looking.cancel()
