"""The process at the other end of a unix socket: whether it is still one.

A process that was killed while a thread of it hangs in a disk keeps its sockets open: its peers hear nothing.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator

from streamgate.runtime.lock import is_corpse

LOOK_EVERY_S = 0.5
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


@contextlib.asynccontextmanager
async def hang_up_on_corpse(transport: asyncio.WriteTransport) -> AsyncIterator[None]:
    """While the body runs: end the connection once the process that listens at its other end is dead."""
    peer: socket.socket = transport.get_extra_info("socket")
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid = _CREDENTIALS.unpack(raw)[0]

    async def look() -> None:
        while not is_corpse(pid):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(LOOK_EVERY_S)
        transport.abort()

    looking = asyncio.ensure_future(look())
    try:
        yield
    finally:
        looking.cancel()
