"""Unix sockets between processes, and how they stay to be found: a file that is removed is made again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from websockets.asyncio.server import Server, ServerConnection, unix_serve

from streamgate.runtime.service import Services

LOOK_EVERY_S = 1.0


async def listen_unix(
    path: Path, serve: Callable[[ServerConnection], Awaitable[None]], *, max_message: int
) -> Server:
    """Serve websockets on the unix socket at `path`, for this user only. `max_message`: bytes of one."""
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
    """Listen on `path` by way of `listen`, now and again whenever the file is gone, until the services end.

    Connections made before stay as they are. `path` must not lie on a disk that can hold up this loop.
    """
    servers = [await listen(path)]  # kept: a server that nothing holds is closed

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not path.exists():  # noqa: ASYNC240 - in shared memory
                path.parent.mkdir(mode=0o700, exist_ok=True)
                servers.append(await listen(path))

    services.start(f"listen {path.name}", look)
