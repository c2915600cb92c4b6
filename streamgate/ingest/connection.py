"""One encoder's connection: the asyncio shell of an RTMP server session."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from streamgate.clock import now_us
from streamgate.core.bucket import TokenBucket
from streamgate.core.health import Concern
from streamgate.core.packet import Kind
from streamgate.errors import ProtocolError
from streamgate.ingest.admission import Limits
from streamgate.ingest.feed import Feed
from streamgate.ingest.link import LinkStream
from streamgate.ingest.pace import Pace
from streamgate.ingest.probe import Sample
from streamgate.ingest.source import Script, SourceEvent, from_rtmp
from streamgate.ingest.wake_plan import WakePlan
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

_CLOSE_US = 2_000_000  # time to send the last answer
MAX_WAKE_BYTES = 32 * 1024  # half of Linux's first receive window; more than most pictures at 6 Mb/s
MAX_SOUND = 16  # audio frames that wait for a picture: more than arrive between two
STEP_CHUNKS = 64
"""Chunks parsed in one turn of the event loop: 1 to 3 ms at the worst, then other connections run."""
QUIET_READS_PER_S, QUIET_READS = 20.0, 100
READS_PER_S, READS = 1000.0, 2000
"""Wake-ups of a peer that does not publish and of one that does: rate per second, and burst. Each costs 50 to
150 us (ADR 9). A pause loses nothing: the next read returns more."""
TALLY_READS = 16
"""Wake-ups between two checks of a publisher's rates: one check costs as much as reading a small message, and
the rates allow bursts of seconds. While there is a backlog, every turn checks."""
_SCRIPTS_US = 10_000_000  # how long operators see that script data was dropped
_LOG_CUES_US = 1_000_000
_MAX_LOGGED = 200
_log = structlog.get_logger(__name__)


class Desk(Protocol):
    """The part of the server that a connection uses."""

    limits: Limits

    def on_publish(self, connection: "Connection", key: str) -> None:
        """Decide on a publish; answer with accept(), refuse() or hang_up(). Reading pauses meanwhile."""

    def on_unpublished(self, connection: "Connection", *, clean: bool) -> None: ...

    def on_closed(self, connection: "Connection") -> None: ...

    def start_probe(self, connection: "Connection", sample: Sample) -> None: ...

    def warn(self, event: str, **values: object) -> None:
        """Log an event caused by an unauthenticated peer; the rate of lines is limited."""


class Connection(asyncio.Protocol):
    """Protocol of one encoder's connection, from accept to connection_lost.

    `key_hash`: set while it publishes. `last_byte_us`: when a byte was last received.
    """

    def __init__(self, desk: Desk, ip: str) -> None:
        self.ip = ip
        self.peer = "?"
        self.encoder = ""
        self.key_hash = ""
        self.feed: Feed | None = None
        self.last_byte_us = now_us()
        self._desk = desk
        self._session = ServerSession()
        self._stream: LinkStream | None = None
        self._transport: asyncio.Transport | None = None
        self._ready_us = self.last_byte_us  # when waiting for a publish command began
        self._closing_us: int | None = None
        self._cues_us = 0
        self._reads = TokenBucket(QUIET_READS_PER_S, QUIET_READS, self.last_byte_us)
        self._pace: Pace | None = None
        self._read = (0, 0, 0, 0)  # bytes, chunks, media, others already counted
        self._wakes = 0  # wake-ups not counted yet
        self._paused = False
        self._held = bytearray()  # bytes that TLS delivered after reading was paused
        self._scripts_us: int | None = None  # when script data was last dropped
        self._wake_bytes = 1
        self._wake_plan = WakePlan()
        self._wake_timer: asyncio.TimerHandle | None = None  # ends the wait for a picture
        self._sound: list[SourceEvent] = []  # to be sent to the gate with the next picture
        self._wait_ended = False  # by the timer, and no byte has arrived since
        self._socket: socket.socket | None = None  # once it publishes, only without TLS

    # ---------------------------------------------------------------- asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        name = transport.get_extra_info("peername")
        self.peer = f"{name[0]}:{name[1]}" if name else "?"
        if self._closing_us is not None:  # closed during the TLS handshake
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._closing_us is not None:
            return
        self.last_byte_us = now = now_us()
        if self._wait_ended:
            self._wait_ended = False
            self._wake_plan.end_wait(len(data))
        if self._paused:
            self._held += data
        else:
            self._wakes += 1
            self._work(data, now)

    def _work(self, data: bytes, now: int) -> None:
        """Process a bounded part of the received bytes; schedule the rest."""
        session = self._session
        wait_us = 0
        try:
            events = session.receive(data, STEP_CHUNKS)
            backlog = session.backlog
            if backlog or self._wakes >= TALLY_READS or self._pace is None:
                wait_us = self._count(now)
        except ProtocolError as error:
            self.hang_up(str(error))
            return
        units, self._sound = self._sound, []
        sound_alone = True
        for event in events:
            if isinstance(event, Media):
                if event.kind is Kind.DATA and not self._takes_script(event, now):
                    continue
                unit = from_rtmp(event) if self.feed is not None else None
                if unit is not None:
                    units.append(unit)
                    sound_alone &= event.kind is Kind.AUDIO
                    if event.kind is Kind.VIDEO:
                        self._wake_plan.add_picture(len(event.body), now)
                    elif event.kind is Kind.DATA:
                        self._log_cue(unit, now)
                continue
            if units and self.feed is not None:
                self.feed.take(units, now)
                units = []
            self._on_command(event)
        pauses = bool(backlog or wait_us or self._held or session.deciding)
        if units and self.feed is not None:
            may_wait = sound_alone and not pauses and len(units) <= MAX_SOUND
            if may_wait and now < self._wake_plan.sound_deadline_us:
                self._sound = units
            else:
                self.feed.take(units, now)
        self._send()
        if pauses:
            self._pause(wait_us)
        else:
            self._set_wake(now)

    def _count(self, now: int) -> int:
        """Count what was read since the last call; return the microseconds to pause reading for."""
        wakes, self._wakes = self._wakes, 0
        wait_us = self._reads.charge(wakes, now) if wakes else 0
        pace = self._pace
        if pace is None:
            return wait_us
        session, before = self._session, self._read
        read = (session.bytes_received - session.backlog, session.chunks, session.media, session.others)
        self._read = read
        sizes = (read[0] - before[0], read[1] - before[1], read[2] - before[2], read[3] - before[3])
        return max(wait_us, pace.on_read(*sizes, now))

    def _takes_script(self, event: Media, now: int) -> bool:
        if self._pace is not None and self._pace.takes_script(len(event.body), now):
            return True
        self._scripts_us = now
        if self._stream is not None:
            self._stream.dropped += 1
        return False

    def _pause(self, wait_us: int) -> None:
        """Pause reading until this connection's next turn, which comes after the other connections'."""
        transport = self._transport
        if transport is None or self._closing_us is not None:
            return
        if not self._paused:
            self._paused = True
            transport.pause_reading()
        if self._session.deciding:  # accept() resumes
            return
        loop = asyncio.get_running_loop()
        if wait_us:
            loop.call_later(wait_us / 1e6, self._go_on)
        else:
            loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        transport = self._transport
        if transport is None or self._closing_us is not None:
            return
        data, self._held = bytes(self._held), bytearray()
        self._paused = False
        self.last_byte_us = now = now_us()
        self._work(data, now)
        if not self._paused and self._closing_us is None:
            transport.resume_reading()

    def _set_wake(self, now: int) -> None:
        """Let the kernel wake us once the rest of a message, or the next picture, is there (ADR 9, 45)."""
        if self._closing_us is not None:
            return
        if self._wake_timer is not None:
            self._wake_timer.cancel()
            self._wake_timer = None
        lacking = self._session.lacking
        if lacking:
            self._wake_for(min(lacking, MAX_WAKE_BYTES))
        elif self._socket is not None:
            wanted, until_us = self._wake_plan.next_wake(now)
            self._wake_for(wanted)
            if wanted > 1:
                self._set_timer(until_us - now, self._end_wait)
                return
        if self._sound:
            self._set_timer(self._wake_plan.sound_deadline_us - now, self._send_sound)

    def _set_timer(self, wait_us: int, action: Callable[[], None]) -> None:
        self._wake_timer = asyncio.get_running_loop().call_later(wait_us / 1e6, action)

    def _end_wait(self) -> None:
        self._wake_timer = None
        self._wait_ended = True
        self._wake_for(1)
        if self._sound:
            wait_us = self._wake_plan.sound_deadline_us - now_us()
            self._set_timer(max(0, wait_us), self._send_sound)

    def _send_sound(self) -> None:
        """Send the audio that waited for a picture: none came in time, or the feed ends."""
        units, self._sound = self._sound, []
        if units and self.feed is not None:
            self.feed.take(units, now_us())

    def _wake_for(self, wanted: int) -> None:
        """Set SO_RCVLOWAT: the kernel wakes us once `wanted` bytes are there."""
        if wanted != self._wake_bytes and self._socket is not None and self._closing_us is None:
            self._wake_bytes = wanted
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._closing_us is None:
            self._closing_us = now_us()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._leave("the connection was lost" if exc is None else f"the connection was lost: {exc}")
        self._desk.on_closed(self)

    # ---------------------------------------------------------------- what the server decides

    def accept(self, stream: LinkStream, key_hash: str) -> None:
        """Accept the publish; its packets go to `stream`."""
        self._stream = stream
        self.key_hash = key_hash
        self.feed = Feed(
            stream,
            lambda sample: self._desk.start_probe(self, sample),
            now_us(),
            self._desk.limits.max_bitrate_bps,
        )
        session = self._session
        session.accept_publish()
        now = now_us()
        self._pace = Pace(self._desk.limits, now)
        self._reads, self._wakes = TokenBucket(READS_PER_S, READS, now), 0
        self._read = (session.bytes_received - session.backlog, session.chunks, session.media, session.others)
        if self._transport is not None and self._transport.get_extra_info("sslcontext") is None:
            own = self._transport.get_extra_info("socket")
            if own is not None and self._socket is None:
                # uvloop's object makes a socket for each call; a duplicate costs only the system call
                self._socket = socket.socket(fileno=os.dup(own.fileno()))
        self._send()
        if self._paused:
            self._pause(0)

    def refuse(self, code: RefusalCode, reason: str) -> None:
        """Refuse or end a publish with a status for which encoders show the reason and do not retry."""
        self._desk.warn("publish refused", peer=self.peer, encoder=self.encoder, reason=reason)
        self._session.refuse_publish(code, reason)
        self._send()
        self._leave(reason)
        self._close()

    def kick(self, reason: str) -> None:
        """Disconnect the encoder because the gate sent Kick."""
        self.refuse("NetStream.Publish.Denied", reason)

    def hang_up(self, reason: str) -> None:
        """Abort the connection without a status, so that the encoder reconnects."""
        if self._closing_us is None:
            self._desk.warn("connection ended", peer=self.peer, encoder=self.encoder, reason=reason)
        self._leave(reason)
        self._close()
        if self._transport is not None:
            self._transport.abort()

    # ---------------------------------------------------------------- time

    def tick(self, now: int) -> None:
        """Check the time limits; called about twice a second."""
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
        """Send the feed's health to the gate; called once a second."""
        feed, stream = self.feed, self._stream
        if feed is not None and stream is not None:
            concerns = feed.concerns(now)
            if self._scripts_us is not None and now - self._scripts_us < _SCRIPTS_US:
                concerns.append(Concern("scripts_dropped"))
            warnings = [to_warn(concern) for concern in concerns]
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
                self._desk.warn("play refused", peer=self.peer)

    def _leave(self, reason: str, *, clean: bool = False) -> None:
        """End the feed: close its stream on the link to the gate."""
        self._send_sound()
        stream, self._stream, self.feed, self._pace = self._stream, None, None, None
        if stream is not None:
            _log.info("publish ended", peer=self.peer, encoder=self.encoder, reason=reason, clean=clean)
            stream.close(reason, clean=clean)
        self._reads = TokenBucket(QUIET_READS_PER_S, QUIET_READS, now_us())
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
