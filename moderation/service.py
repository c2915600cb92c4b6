"""The comments process: the desk with its socket for reviewers, the public side for viewers and programs."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from moderation.desk import retention, upkeep
from moderation.desk.desk import Desk
from moderation.desk.server import CommentsServer
from moderation.desk.wordlists import Wordlists
from moderation.public.server import serve
from streamgate.runtime.service import Services
from streamgate.runtime.sockets import keep_open
from streamgate.store.database import Database
from streamgate.store.location import Location

SOCKET = "comments.sock"
OWN_LISTS = "wordlists"
CLOSE_S = 3.0


async def run(
    *,
    listeners: Sequence[socket.socket],
    run_dir: Path,
    data_dir: Path,
    database: Location,
    static: Path,
    behind_proxy: str,
    retention_days: int,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Serve until `stop` is set.

    `listeners`: for the public side. `static`: its built pages. `behind_proxy`: proxies whose word on the
    address of a viewer is believed. `retention_days`: of recordings, and so of comments. `ready` is called
    once both sides listen; comments are taken in when the database is read and the filter is built, too.
    """
    opened = Database(database)
    desk = Desk(opened)
    try:
        async with asyncio.TaskGroup() as group:
            services = Services(group)
            lists = Wordlists(data_dir / OWN_LISTS)
            server = CommentsServer(desk, lists)
            upkeep.start(desk, services, lists=lists, gate_socket=run_dir / "gate.sock")
            await keep_open(run_dir / SOCKET, server.listen, services)
            services.start("changes", server.push_changes)
            tell = retention.tell_ledger(data_dir, run_dir, retention_days)
            services.start(
                "comments retention", lambda: retention.keep(desk, retention_days=retention_days, tell=tell)
            )
            public = group.create_task(
                serve(
                    listeners=listeners,
                    desk=desk,
                    database=database,
                    data_dir=data_dir,
                    static=static,
                    stop=stop,
                    behind_proxy=behind_proxy,
                    ready=lambda _: ready(),
                )
            )
            # What lives as long as the process need not be looked at by every collection.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 10, 500)  # of 50 a middle collection in a flood takes 100 ms
            await stop.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.wait({public})
            public.cancel()
            services.cancel()
    finally:
        await desk.close()
        opened.close()
