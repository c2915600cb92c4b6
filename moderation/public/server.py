"""Serves the public address: the web server, and the tasks that refresh its tables."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
import uvicorn

from moderation.public.app import Parts, create_app
from moderation.public.channels import KnownChannels
from moderation.public.connections import MAX_CONNECTIONS, Connection, Socket
from moderation.public.desk_interface import DeskInterface
from moderation.public.fast_intake import FastIntake
from moderation.public.feed import Feeds
from moderation.public.files import FileCache
from moderation.public.intake import Intake
from moderation.public.own_comments import OwnComments
from moderation.public.pages import Pages
from moderation.public.rates import Limits, Rates
from moderation.public.source_keys import SourceKeys
from moderation.public.viewers import Viewers
from streamgate.runtime import key_file
from streamgate.runtime.web import WebServer, beside
from streamgate.store.database import AsyncDatabase
from streamgate.store.location import Location

KEY_FILE = "viewers.key"
SHUTDOWN_S = 1
START_S = 2.0  # for a look at disk and database; it goes on without
MAX_MESSAGE = 4 * 1024
_SPARE_FILES = 256
_log = structlog.get_logger("comments")


async def serve(
    *,
    listeners: Sequence[socket.socket],
    desk: DeskInterface,
    database: Location,
    data_dir: Path,
    static: Path,
    stop: asyncio.Event,
    limits: Limits | None = None,
    behind_proxy: str = "",
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve viewers and sources until `stop` is set, then end within about 2 s.

    `listeners`: listening sockets; they are closed at the end. `database`: it is read here, and written for
    sources only; the desk writes comments. `static`: the built page, which may be missing. `behind_proxy`:
    addresses whose X-Forwarded-For and -Proto are trusted. `ready` is called with the port once connections
    are accepted.

    Raises:
        ConfigError: the file of the secret cannot be used.
    """
    secret = await asyncio.to_thread(key_file.read_or_make, data_dir / KEY_FILE)
    files, rates, viewers = FileCache(), Rates(limits or Limits()), Viewers(secret)
    store = AsyncDatabase(database)
    keys, own, feeds = SourceKeys(store, secret, desk.call), OwnComments(desk, store), Feeds(desk, store)
    channels = KnownChannels(data_dir / "channels", store, keys.channels)
    parts = Parts(
        desk=desk,
        keys=keys,
        viewers=viewers,
        own=own,
        intake=Intake(desk, keys, own, rates),
        rates=rates,
        feeds=feeds,
        channels=channels,
        pages=Pages(static, data_dir, files, viewers, channels),
    )
    Connection.max_connections = _allow_connections()
    fast_intake = FastIntake(desk, keys, rates)

    def announce() -> None:
        port: int = listeners[0].getsockname()[1]
        _log.info("public_ready", port=port, page_built=(static / "watch.html").is_file())
        if ready is not None:
            ready(port)

    server = WebServer(
        uvicorn.Config(
            create_app(parts),
            http=type("PublicConnection", (Connection,), {"fast_intake": fast_intake}),
            ws=Socket,
            ws_per_message_deflate=False,
            ws_max_size=MAX_MESSAGE,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="error",  # what strangers send wrongly need not be logged
            server_header=False,
            proxy_headers=bool(behind_proxy),
            forwarded_allow_ips=behind_proxy or None,
            timeout_graceful_shutdown=SHUTDOWN_S,
            timeout_keep_alive=30,
            backlog=1024,
        ),
        announce,
    )
    async with contextlib.AsyncExitStack() as opened:
        opened.callback(files.close)
        opened.push_async_callback(store.close)
        for listener in listeners:
            opened.enter_context(contextlib.closing(listener))
        async with beside(keys.run, channels.run, feeds.run, fast_intake.run), asyncio.TaskGroup() as group:
            await asyncio.wait({group.create_task(channels.refresh())}, timeout=START_S)
            await server.serve_until(stop, listeners, feeds.end_readers)
    _log.info("public_stopped")


def _allow_connections() -> int:
    """Raise the limit of open files to its maximum; return how many connections fit into it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (
        MAX_CONNECTIONS
        if soft == resource.RLIM_INFINITY
        else max(64, min(MAX_CONNECTIONS, soft - _SPARE_FILES))
    )
