"""RTMP and RTMPS server: accepts connections, has the gate check stream keys, replaces dead publishers."""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from streamgate.clock import now_us
from streamgate.core.bucket import TokenBucket
from streamgate.errors import LinkError
from streamgate.ingest.admission import Admission, Limits
from streamgate.ingest.connection import Connection
from streamgate.ingest.door import Door
from streamgate.ingest.feed import Feed
from streamgate.ingest.link import GateLink
from streamgate.ingest.probe import Sample, probe
from streamgate.runtime.listen import Address, bind

SILENT_US = 1_000_000  # a publisher that has sent nothing for so long may be replaced
WATCH_US = 1_500_000  # a newcomer waits so long for that, then it is refused
RETURN_US = 30_000_000  # an encoder that reconnects within so long continues its broadcast
PUBLISHES_AT_ONCE = 6  # burst under one key; each makes an archive part and some ledger lines
PUBLISH_EVERY_US = 5_000_000  # then one more per interval; the encoder's answer waits until then
PROBE_S = 1.0
_TLS_S = 10.0
_STEP_S = 0.05
_TICK_S = 0.5
LINES_PER_S, LINES = 5.0, 50
"""Log lines about unauthenticated peers: rate per second, and burst."""
_log = structlog.get_logger(__name__)

BUSY = "This channel is on air from another encoder. Stop that one first."
UNKNOWN_KEY = "Unknown stream key. Check it, or ask the operator for a new one."
NO_KEY = "No stream key was given."


class RtmpServer:
    """Server of encoders, until closed. `link`: connection to the gate; `tasks`: group for its tasks."""

    def __init__(self, link: GateLink, tasks: asyncio.TaskGroup, limits: Limits) -> None:
        self.limits = limits
        self._link = link
        self._tasks = tasks
        self._started: set[asyncio.Task[None]] = set()
        self._admission = Admission(limits)
        self._connections: set[Connection] = set()
        self._deciding: dict[Connection, asyncio.Task[None]] = {}
        self._pending_keys: set[str] = set()  # key hashes that are being decided about
        self._publishers: dict[str, Connection] = {}  # by key hash
        self._deaths: dict[str, int] = {}  # when a publisher was lost, by key hash
        self._paces: dict[str, TokenBucket] = {}  # of publishes, by key hash; only known keys
        self._doors: list[Door] = []
        self._tarpit: set[Connection] = set()
        now = now_us()
        self._handshakes = TokenBucket(limits.tls_per_s, limits.tls_per_s, now)
        self._lines = TokenBucket(LINES_PER_S, LINES, now)
        self._unlogged = 0
        self._executor = ThreadPoolExecutor(4, thread_name_prefix="probe")

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on one address (port 0: any free one); return the port. ConfigError when that fails."""
        name = "rtmp" if tls is None else "rtmps"
        ports = [self.listen_on(one, tls) for one in bind(Address(name, "ingest", host, port, f"--{name}"))]
        return ports[0]

    def listen_on(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> int:
        """Accept connections from a socket that listens already; return its port."""
        self._doors.append(Door(listener, lambda sock, ip: self._on_accept(sock, ip, tls)))
        host, port = listener.getsockname()[:2]
        _log.info("listening", protocol="rtmp" if tls is None else "rtmps", host=host, port=port)
        return int(port)

    async def watch(self) -> None:
        """Check time limits and report health, until cancelled."""
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
        """Stop listening and abort every connection, so that encoders reconnect."""
        for door in self._doors:
            door.close()
        for connection in list(self._connections):
            connection.hang_up("ingest stops")
        for task in list(self._started):
            task.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)

    # ---------------------------------------------------------------- called by connections

    def warn(self, event: str, **values: object) -> None:
        if self._lines.try_take(1, now_us()):
            if self._unlogged:
                values["lines_left_out"] = self._unlogged
            self._unlogged = 0
            _log.warning(event, **values)
        else:
            self._unlogged += 1

    def on_closed(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._admission.leave(connection.ip, connection)

    def on_publish(self, connection: Connection, key: str) -> None:
        self._deciding[connection] = self.start(self._decide(connection, key))

    def on_unpublished(self, connection: Connection, *, clean: bool) -> None:
        task = self._deciding.pop(connection, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        key_hash = connection.key_hash
        if key_hash and connection in self._connections:
            self._admission.on_unpublished(connection.ip, connection, now_us())
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

    def _on_accept(self, sock: socket.socket, ip: str, tls: ssl.SSLContext | None) -> None:
        """Accept or refuse a connection, before a transport is made for it."""
        now = now_us()
        connection = Connection(self, ip)
        reason, victim = self._admission.enter(ip, connection, now)
        if not reason and tls is not None and not self._handshakes.try_take(1, now):
            self._admission.leave(ip, connection)
            reason = f"more than {self.limits.tls_per_s:g} TLS handshakes a second"
        if reason:
            sock.close()
            self.warn("connection refused", ip=ip, reason=reason)
            return
        if isinstance(victim, Connection):
            victim.hang_up("its place is needed, and it does not publish")
            self.on_closed(victim)
        self._connections.add(connection)
        self.start(self._open(connection, sock, tls))

    async def _open(self, connection: Connection, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        try:
            if tls is None:
                await loop.connect_accepted_socket(lambda: connection, sock)
            else:
                await loop.connect_accepted_socket(
                    lambda: connection, sock, ssl=tls, ssl_handshake_timeout=_TLS_S, ssl_shutdown_timeout=1.0
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError and ConnectionError are OSErrors
            what = "connection failed" if tls is None else "TLS handshake failed"
            self.warn(what, ip=connection.ip, reason=str(error) or type(error).__name__)
            self.on_closed(connection)

    async def _decide(self, connection: Connection, key: str) -> None:
        key = key.partition("?")[0]  # encoders may add parameters of their own
        key_hash = hashlib.sha256(key.encode()).hexdigest()
        while key_hash in self._pending_keys:  # noqa: ASYNC110 (rare, and a decision takes some seconds at most)
            await asyncio.sleep(_STEP_S)
        self._pending_keys.add(key_hash)
        known = True
        try:
            if (pace := self._paces.get(key_hash)) is not None:
                await asyncio.sleep(pace.wait_us(now_us()) / 1e6)
            if await self._make_room(connection, key_hash):
                known = await self._request_publish(connection, key_hash)
            else:
                connection.refuse("NetStream.Publish.Rejected", BUSY)
        except LinkError as error:
            connection.hang_up(str(error))
        finally:
            self._pending_keys.discard(key_hash)
        if not known:
            await self._delay_refusal(connection)
            connection.refuse("NetStream.Publish.BadName", UNKNOWN_KEY if key else NO_KEY)

    async def _delay_refusal(self, connection: Connection) -> None:
        """Delay the answer to a wrong key when its address has sent many.

        A misconfigured encoder retries for ever. Keys are 192 random bits: this protects against load, not
        against guessing.
        """
        wait_s = self._admission.fail(connection.ip, now_us())
        if wait_s and len(self._tarpit) < self.limits.tarpit:
            self._tarpit.add(connection)
            try:
                await asyncio.sleep(wait_s)
            finally:
                self._tarpit.discard(connection)

    async def _make_room(self, connection: Connection, key_hash: str) -> bool:
        """Return whether the key is free; disconnect a publisher that has fallen silent."""
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

    async def _request_publish(self, connection: Connection, key_hash: str) -> bool:
        """Forward the gate's decision to the connection; return false for an unknown key."""
        died_us = self._deaths.pop(key_hash, None)
        fresh = died_us is None or now_us() - died_us >= RETURN_US
        stream, reply = await self._link.publish(
            key_hash, connection.peer, connection.encoder, connection.kick, fresh=fresh
        )
        if reply.code == "ok":
            self._publishers[key_hash] = connection
            pace = self._paces.setdefault(key_hash, TokenBucket.every(PUBLISHES_AT_ONCE, PUBLISH_EVERY_US))
            pace.try_take(1, now_us())
            _log.info("publish accepted", peer=connection.peer, channel=reply.channel, fresh=fresh)
            self._deciding.pop(connection, None)
            self._admission.on_published(connection.ip, connection)
            connection.accept(stream, key_hash)
        elif reply.code == "busy":
            connection.refuse("NetStream.Publish.Rejected", reply.reason or BUSY)
        return reply.code != "unknown_key"

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
