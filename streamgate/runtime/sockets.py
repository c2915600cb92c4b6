"""Unix sockets that stay to be found: one whose file is removed is opened again."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from streamgate.runtime.service import Services

LOOK_EVERY_S = 1.0


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
