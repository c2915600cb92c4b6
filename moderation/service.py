"""The comments process: the desk with its socket for reviewers, and the public side."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from moderation.desk import retention, upkeep
from moderation.desk.desk import Desk
from moderation.desk.server import CommentsServer
from moderation.desk.wordlists import Wordlists
from moderation.filter.process import FilterProcess
from moderation.public.server import serve
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer
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

    `listeners`: sockets of the public side. `static`: its built pages. `behind_proxy`: addresses of proxies
    whose X-Forwarded-For is trusted. `retention_days`: of recordings and comments. `ready` is called once
    both sides listen. Comments are accepted later, when the database is loaded and the filter is built.
    """
    opened = Database(database)
    desk = Desk(opened)
    ledger = Writer(data_dir / LEDGER, "comments", spill_dir=run_dir / LEDGER, signer=Signer(data_dir))
    desk.record = ledger.write
    try:
        async with asyncio.TaskGroup() as group:
            services = Services(group)
            lists = Wordlists(data_dir / OWN_LISTS)
            server = CommentsServer(desk, lists)
            upkeep.start(
                desk,
                services,
                lists=lists,
                gate_socket=run_dir / "gate.sock",
                filter_process=FilterProcess,
            )
            await keep_open(run_dir / SOCKET, server.listen, services)
            services.start("changes", server.push_changes)
            record = retention.record_in_ledger(ledger, retention_days)
            services.start(
                "comments retention",
                lambda: retention.run(desk, retention_days=retention_days, record=record),
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
            await stop.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await asyncio.wait({public})
            public.cancel()
            services.cancel()
    finally:
        await desk.close()
        opened.close()
        await asyncio.to_thread(ledger.close)
