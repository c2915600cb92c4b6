"""One encoder's connection: the asyncio shell of an RTMP server session."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Protocol

import structlog

from streamgate.clock import now_us
from streamgate.core.packet import Kind
from streamgate.errors import ProtocolError
from streamgate.ingest.admission import Limits
from streamgate.ingest.feed import Feed
from streamgate.ingest.link import LinkStream
from streamgate.ingest.probe import Sample
from streamgate.ingest.source import Script, SourceEvent, from_rtmp
from streamgate.ingest.wording import to_warn
from streamgate.rtmp.server import (
    Connected,
    Media,
    PlayRequested,
    PublishRequested,
    RefusalCode,
    ServerSession,
    Unpublished,
)

_CLOSE_US = 2_000_000  # for a last answer to go out
MAX_WAKE_BYTES = 16 * 1024  # well below any receive buffer
_MAX_EARLY = 64 * 1024
_LOG_CUES_US = 1_000_000
_MAX_LOGGED = 200
_log = structlog.get_logger(__name__)


class Desk(Protocol):
    """What a connection asks of the server."""

    limits: Limits

    def on_connected(self, connection: "Connection") -> str:
        """Return why the connection is not let in, empty when it is."""

    def on_publish(self, connection: "Connection", key: str) -> None:
        """Decide; answers with accept(), refuse() or hang_up()."""

    def on_unpublished(self, connection: "Connection", *, clean: bool) -> None: ...

    def on_closed(self, connection: "Connection") -> None: ...

    def start_probe(self, connection: "Connection", sample: Sample) -> None: ...


class Connection(asyncio.Protocol):
    """Lives from accept to connection_lost.

    `key_hash`: set while it publishes. `last_byte_us`: when it last sent anything.
    """

    def __init__(self, desk: Desk, *, admitted_ip: str = "") -> None:
        self.ip = admitted_ip
        self.peer = "?"
        self.encoder = ""
        self.key_hash = ""
        self.feed: Feed | None = None
        self.last_byte_us = now_us()
        self._desk = desk
        self._admitted = bool(admitted_ip)
        self._session = ServerSession()
        self._stream: LinkStream | None = None
        self._transport: asyncio.Transport | None = None
        self._early = bytearray()  # what TLS hands over before it says the connection is made
        self._ready_us = self.last_byte_us  # since when a publish command is waited for
        self._closing_us: int | None = None
        self._cues_us = 0
        self._wake_bytes = 1
        self._socket: socket.socket | None = None  # once it publishes, and only in the clear

    # ---------------------------------------------------------------- asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        name = transport.get_extra_info("peername")
        self.ip = self.ip or (name[0] if name else "?")
        self.peer = f"{name[0]}:{name[1]}" if name else "?"
        if not self._admitted:
            reason = self._desk.on_connected(self)
            if reason:
                transport.abort()
                return
            self._admitted = True
        if self._early:
            early, self._early = bytes(self._early), bytearray()
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None:
            self._early += data[: _MAX_EARLY - len(self._early)]
            return
        if self._closing_us is not None or not self._admitted:
            return
        now = now_us()
        self.last_byte_us = now
        try:
            events = self._session.receive(data)
        except ProtocolError as error:
            self.hang_up(str(error))
            return
        units: list[SourceEvent] = []
        for event in events:
            if isinstance(event, Media):
                unit = from_rtmp(event) if self.feed is not None else None
                if unit is not None:
                    units.append(unit)
                    if event.kind is Kind.DATA:
                        self._log_cue(unit, now)
                continue
            if units and self.feed is not None:
                self.feed.take(units, now)
                units = []
            self._on_command(event)
        if units and self.feed is not None:
            self.feed.take(units, now)
        self._set_wake()
        self._send()

    def _set_wake(self) -> None:
        """Have the kernel wake us for the rest of a message under way, not for each piece of it (ADR 9)."""
        wanted = min(self._session.lacking, MAX_WAKE_BYTES) or 1
        if wanted != self._wake_bytes and self._socket is not None and self._closing_us is None:
            self._wake_bytes = wanted
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave("the connection was lost" if exc is None else f"the connection was lost: {exc}")
        self.give_back()

    # ---------------------------------------------------------------- what the server decides

    @property
    def admitted(self) -> bool:
        return self._admitted

    def give_back(self) -> None:
        """Give up its place among the connections, once."""
        if self._admitted:
            self._admitted = False
            self._desk.on_closed(self)

    def accept(self, stream: LinkStream, key_hash: str) -> None:
        """Let it publish under `stream`."""
        self._stream = stream
        self.key_hash = key_hash
        self.feed = Feed(
            stream,
            lambda sample: self._desk.start_probe(self, sample),
            now_us(),
            self._desk.limits.max_bitrate_bps,
        )
        self._session.accept_publish()
        if self._transport is not None and self._transport.get_extra_info("sslcontext") is None:
            self._socket = self._transport.get_extra_info("socket")
        self._send()

    def refuse(self, code: RefusalCode, reason: str, *, log: bool = True) -> None:
        """Say no in the way that makes encoders show the reason and not try again; ends a publish too."""
        if log:
            _log.warning("publish refused", peer=self.peer, encoder=self.encoder, reason=reason)
        self._session.refuse_publish(code, reason)
        self._send()
        self._leave(reason)
        self._close()

    def kick(self, reason: str) -> None:
        """Put it off on the gate's word."""
        self.refuse("NetStream.Publish.Denied", reason)

    def hang_up(self, reason: str) -> None:
        """End the connection without a word, so that an encoder tries again."""
        if self._closing_us is None:
            _log.warning("connection ended", peer=self.peer, encoder=self.encoder, reason=reason)
        self._leave(reason)
        self._close()
        if self._transport is not None:
            self._transport.abort()

    # ---------------------------------------------------------------- time

    def tick(self, now: int) -> None:
        """Look at the limits of time; called about twice a second."""
        limits = self._desk.limits
        transport = self._transport
        if transport is None:
            return
        if self._closing_us is not None:
            if now - self._closing_us > _CLOSE_US:
                transport.abort()
        elif transport.get_write_buffer_size() > limits.unread_bytes:
            self.hang_up(f"more than {limits.unread_bytes} bytes of answers not read")
        elif self.feed is None and now - self._ready_us > limits.publish_s * 1e6:
            self.hang_up(f"no publish within {limits.publish_s:g} s")
        elif now - self.last_byte_us > limits.idle_s * 1e6:
            self.hang_up(f"silent for {limits.idle_s:g} s")

    def report_health(self, now: int) -> None:
        """Tell the gate how the feed is; called once a second."""
        feed, stream = self.feed, self._stream
        if feed is not None and stream is not None:
            warnings = [to_warn(concern) for concern in feed.concerns(now)]
            dropped = feed.dropped + stream.dropped
            stream.send_health(feed.mended, dropped, warnings, self.encoder, feed.declared)

    # ---------------------------------------------------------------- helpers

    def _on_command(self, event: Connected | PublishRequested | Unpublished | PlayRequested) -> None:
        match event:
            case Connected():
                self.encoder = event.encoder[:_MAX_LOGGED]
            case PublishRequested():
                self._desk.on_publish(self, event.key)
            case Unpublished():
                self._ready_us = now_us()
                self._leave("unpublished", clean=True)
            case PlayRequested():
                _log.warning("play refused", peer=self.peer)

    def _leave(self, reason: str, *, clean: bool = False) -> None:
        """Take the feed off the gate."""
        stream, self._stream, self.feed = self._stream, None, None
        if stream is not None:
            _log.info("publish ended", peer=self.peer, encoder=self.encoder, reason=reason, clean=clean)
            stream.close(reason, clean=clean)
        self._desk.on_unpublished(self, clean=clean)
        self.key_hash = ""

    def _send(self) -> None:
        out = self._session.data_to_send()
        if out and self._transport is not None:
            self._transport.write(out)
        if self._session.closing:
            self._close()

    def _close(self) -> None:
        if self._closing_us is None:
            self._closing_us = now_us()
            if self._transport is not None:
                self._transport.close()

    def _log_cue(self, unit: SourceEvent, now: int) -> None:
        """Log captions, cue points and the like: at most one line a second."""
        if not isinstance(unit, Script):
            return
        if unit.name == "onMetaData":
            members = next((value for value in unit.values if isinstance(value, Mapping)), {})
            encoder = members.get("encoder")
            if isinstance(encoder, str):
                self.encoder = encoder[:_MAX_LOGGED]
        elif now - self._cues_us >= _LOG_CUES_US:
            self._cues_us = now
            text = str(unit.values)[:_MAX_LOGGED]
            _log.info("script data", peer=self.peer, name=unit.name[:_MAX_LOGGED], values=text)
