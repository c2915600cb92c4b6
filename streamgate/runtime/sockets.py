"""Unix sockets between processes: listens on them, and makes a socket file again that was removed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, unix_serve

from streamgate.runtime.service import Services

LOOK_EVERY_S = 1.0


async def listen_unix(
    path: Path, serve: Callable[[ServerConnection], Awaitable[None]], *, max_message: int
) -> Server:
    """Serve websockets on the unix socket at `path`, for this user only. `max_message`: in bytes."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - in shared memory
    server = await unix_serve(
        serve,
        str(path),
        compression=None,
        max_size=max_message,
        ping_interval=None,
        close_timeout=0.5,
        server_header=None,
    )
    path.chmod(0o600)  # noqa: ASYNC240
    return server


async def keep_open(path: Path, listen: Callable[[Path], Awaitable[object]], services: Services) -> None:
    """Call `listen` for `path` now, and again whenever the file is gone, until the services end.

    Open connections stay. `path` must not be on a disk that can block this event loop.
    """
    servers = [await listen(path)]  # kept: a server without a reference is closed

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not path.exists():  # noqa: ASYNC240 - in shared memory
                path.parent.mkdir(mode=0o700, exist_ok=True)
                servers.append(await listen(path))

    services.start(f"listen {path.name}", look)
