"""The RTMP and RTMPS server: connections in, publishers asked for at the gate, dead ones taken over."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from streamgate.clock import now_us
from streamgate.core.rate import RateLimit
from streamgate.errors import ConfigError, LinkError
from streamgate.ingest.admission import Admission, Limits
from streamgate.ingest.connection import Connection
from streamgate.ingest.feed import Feed
from streamgate.ingest.link import GateLink
from streamgate.ingest.probe import Sample, probe

SILENT_US = 1_000_000  # a publisher that has sent nothing for so long may be taken over
WATCH_US = 1_500_000  # a busy one is watched for so long before a newcomer is refused
RETURN_US = 30_000_000  # an encoder that comes back within so long goes on with what it began
PUBLISHES_AT_ONCE = 6  # under one key; each is a part of the archive and some lines of the journal
PUBLISH_EVERY_US = 5_000_000  # then one more so often; the encoder's answer waits until then
PROBE_S = 1.0
_TLS_S = 10.0
_STEP_S = 0.05
_TICK_S = 0.5
_LOG_US = 1_000_000
_log = structlog.get_logger(__name__)

BUSY = "This channel is on air from another encoder. Stop that one first."
UNKNOWN_KEY = "Unknown stream key. Check it, or ask the operator for a new one."
NO_KEY = "No stream key was given."
BARRED = "Too many wrong stream keys from this address. Wait a minute."


class RtmpServer:
    """Listens until closed. `tasks` is where what it starts runs; `link` is how it reaches the gate."""

    def __init__(self, link: GateLink, tasks: asyncio.TaskGroup, limits: Limits) -> None:
        self.limits = limits
        self._link = link
        self._tasks = tasks
        self._started: set[asyncio.Task[None]] = set()
        self._admission = Admission(limits)
        self._connections: set[Connection] = set()
        self._deciding: dict[Connection, asyncio.Task[None]] = {}
        self._asked: set[str] = set()  # keys that are being decided about
        self._publishers: dict[str, Connection] = {}  # by key hash
        self._deaths: dict[str, int] = {}  # key hash to when its publisher was lost
        self._paces: dict[str, RateLimit] = {}  # of publishes, by key hash; only keys that were right
        self._listeners: list[asyncio.Server] = []
        self._turned_away_us = 0
        self._executor = ThreadPoolExecutor(4, thread_name_prefix="probe")

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on one address (port 0: any free one); return the port. ConfigError when that cannot be."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(self._door(tls), host, port, backlog=64)
        except OSError as error:
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}; choose another") from error
        return self._listening(server, tls)

    async def listen_on(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> int:
        """Take connections from a socket that listens already; return its port."""
        server = await asyncio.get_running_loop().create_server(self._door(tls), sock=listener)
        return self._listening(server, tls)

    def _door(self, tls: ssl.SSLContext | None) -> Callable[[], asyncio.BaseProtocol]:
        return lambda: Connection(self) if tls is None else _TlsDoor(self, tls)

    def _listening(self, server: asyncio.Server, tls: ssl.SSLContext | None) -> int:
        self._listeners.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        _log.info("listening", protocol="rtmp" if tls is None else "rtmps", host=host, port=port)
        return int(port)

    async def watch(self) -> None:
        """Keep the limits of time and report health, until cancelled."""
        odd = False
        while True:
            await asyncio.sleep(_TICK_S)
            now = now_us()
            odd = not odd
            for connection in list(self._connections):
                connection.tick(now)
                if odd:
                    connection.report_health(now)
            self._deaths = {key: at for key, at in self._deaths.items() if now - at < RETURN_US}

    def close(self) -> None:
        """Stop listening and hang up on everyone, so that encoders try again."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections):
            connection.hang_up("ingest stops")
        for task in list(self._started):
            task.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    # ---------------------------------------------------------------- what connections ask

    def admit(self, ip: str) -> str:
        """Count a connection from `ip`; return why it is not let in, empty when it is."""
        reason = self._admission.enter(ip)
        if reason:
            now = now_us()
            if now - self._turned_away_us > _LOG_US:  # a flood gets a line a second
                self._turned_away_us = now
                _log.warning("connection refused", ip=ip, reason=reason)
        return reason

    def leave(self, ip: str) -> None:
        self._admission.leave(ip)

    def on_connected(self, connection: Connection) -> str:
        reason = self.admit(connection.ip)
        if not reason:
            self.enrol(connection)
        return reason

    def enrol(self, connection: Connection) -> None:
        """Watch over a connection that was let in."""
        self._connections.add(connection)

    def on_closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.leave(connection.ip)

    def on_publish(self, connection: Connection, key: str) -> None:
        self._deciding[connection] = self.start(self._decide(connection, key))

    def on_unpublished(self, connection: Connection, *, clean: bool) -> None:
        task = self._deciding.pop(connection, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        key_hash = connection.key_hash
        if key_hash and self._publishers.get(key_hash) is connection:
            del self._publishers[key_hash]
            if not clean:
                self._deaths[key_hash] = now_us()

    def start_probe(self, connection: Connection, sample: Sample) -> None:
        feed = connection.feed
        assert feed is not None
        self.start(self._probe(connection, feed, sample))

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._started.add(task)
        task.add_done_callback(self._started.discard)
        return task

    # ---------------------------------------------------------------- work

    async def _decide(self, connection: Connection, key: str) -> None:
        if self._admission.is_barred(connection.ip, now_us()):
            connection.refuse("NetStream.Publish.Denied", BARRED, log=False)
            return
        key = key.partition("?")[0]  # encoders may add parameters of their own
        if not key:
            self._fail(connection, NO_KEY)
            return
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        if key_hash in self._asked:
            connection.refuse("NetStream.Publish.Rejected", BUSY)
            return
        self._asked.add(key_hash)
        try:
            if (pace := self._paces.get(key_hash)) is not None:
                await asyncio.sleep(pace.wait_us(now_us()) / 1e6)
            if await self._make_room(connection, key_hash):
                await self._ask(connection, key_hash)
            else:
                connection.refuse("NetStream.Publish.Rejected", BUSY)
        except LinkError as error:
            connection.hang_up(str(error))
        finally:
            self._asked.discard(key_hash)
            if self._deciding.get(connection) is asyncio.current_task():
                del self._deciding[connection]

    async def _make_room(self, connection: Connection, key_hash: str) -> bool:
        """Return whether the key is free, taking it from a publisher that has fallen silent."""
        began_us = now_us()
        while (holder := self._publishers.get(key_hash)) is not None:
            now = now_us()
            if now - holder.last_byte_us >= SILENT_US:
                holder.hang_up(f"silent, and taken over by {connection.peer}")
                return True
            if now - began_us >= WATCH_US:
                return False
            await asyncio.sleep(_STEP_S)
        return True

    async def _ask(self, connection: Connection, key_hash: str) -> None:
        died_us = self._deaths.pop(key_hash, None)
        fresh = died_us is None or now_us() - died_us >= RETURN_US
        stream, reply = await self._link.publish(
            key_hash, connection.peer, connection.encoder, connection.kick, fresh=fresh
        )
        if reply.code == "ok":
            self._publishers[key_hash] = connection
            pace = self._paces.setdefault(key_hash, RateLimit(PUBLISHES_AT_ONCE, PUBLISH_EVERY_US))
            pace.take(now_us())
            _log.info("publish accepted", peer=connection.peer, channel=reply.channel, fresh=fresh)
            connection.accept(stream, key_hash)
        elif reply.code == "busy":
            connection.refuse("NetStream.Publish.Rejected", reply.reason or BUSY)
        else:
            self._fail(connection, UNKNOWN_KEY)

    def _fail(self, connection: Connection, reason: str) -> None:
        if self._admission.fail(connection.ip, now_us()):
            _log.warning("address barred for wrong stream keys", ip=connection.ip)
        connection.refuse("NetStream.Publish.BadName", reason)

    async def _probe(self, connection: Connection, feed: Feed, sample: Sample) -> None:
        loop = asyncio.get_running_loop()
        began_us = now_us()
        try:
            async with asyncio.timeout(PROBE_S):
                probed = await loop.run_in_executor(self._executor, probe, sample)
        except TimeoutError:
            probed = probe(sample, without_libav=f"libav took more than {PROBE_S:g} s")
        if connection.feed is not feed:
            return
        took_ms = (now_us() - began_us) / 1000
        video = probed.video
        rate = f"{video.fps_num}/{video.fps_den}"
        _log.info(
            "feed probed",
            peer=connection.peer,
            encoder=connection.encoder,
            video=f"{video.codec} {video.profile} {video.width}x{video.height} {rate}",
            took_ms=round(took_ms, 1),
            problem=probed.problem,
        )
        feed.on_probed(probed)


class _TlsDoor(asyncio.Protocol):
    """Counts a TLS connection before its handshake, which asyncio's own TLS listener would not."""

    def __init__(self, server: RtmpServer, tls: ssl.SSLContext) -> None:
        self._server = server
        self._tls = tls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        name = transport.get_extra_info("peername")
        ip = name[0] if name else "?"
        if self._server.admit(ip):
            transport.abort()
            return
        transport.pause_reading()
        self._server.start(self._open(transport, ip))

    async def _open(self, transport: asyncio.Transport, ip: str) -> None:
        connection = Connection(self._server, admitted_ip=ip)
        upgraded: asyncio.Transport | None = None
        try:
            upgraded = await asyncio.get_running_loop().start_tls(
                transport,
                connection,
                self._tls,
                server_side=True,
                ssl_handshake_timeout=_TLS_S,
                ssl_shutdown_timeout=1.0,
            )
        except (OSError, TimeoutError) as error:  # ssl.SSLError and ConnectionError are OSErrors
            _log.warning("TLS handshake failed", ip=ip, reason=str(error) or type(error).__name__)
        finally:
            if upgraded is None:
                transport.abort()
                connection.give_back()
        if upgraded is not None and connection.admitted:
            self._server.enrol(connection)
            connection.connection_made(upgraded)
