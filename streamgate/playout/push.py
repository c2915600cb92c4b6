"""RTMP(S) push: sends the program to one server, with its own queue, reconnects and statistics.

Runs inside the gate's event loop and never blocks it: a packet is written to the socket at once or waits in a
bounded queue above a small write buffer. A slow destination therefore does not slow others, and packets that
are condemned while they wait can still be dropped (`discard_live`).
"""

import asyncio
import contextlib
import random
import ssl
from collections import deque
from typing import Literal, NamedTuple, TypeAlias

import structlog

from streamgate.clock import now_us
from streamgate.core.backlog import Backlog
from streamgate.core.backoff import Backoff
from streamgate.core.headers import in_band
from streamgate.core.packet import Aired, FeedFormat, Kind, Packet
from streamgate.errors import DestinationError
from streamgate.link.messages import DestinationStatus
from streamgate.playout.dialer import Dialer
from streamgate.playout.push_link import STOPPED, End, PushLink
from streamgate.rtmp import flv
from streamgate.rtmp.client import ClientSession
from streamgate.rtmp.url import parse_url, redact
from streamgate.wording import NOTHING, Words, system_error

CONNECT_TIMEOUT_S = 8.0
STALL_S = 15.0
"""After this time without a byte sent, reconnect: platforms end a stalled stream after 30 s."""
STOP_TIMEOUT_S = 2.0
REFUSED_RETRY_S = 30.0
CACHED_BODIES = 16
FLUSH_BYTES = 32 * 1024
"""Most bytes collected before a write to the socket; then its buffer shows whether to wait."""
MAX_QUEUE_BYTES = 8 * 1024 * 1024
MAX_QUEUE_MS = 10_000
MAX_BODY = 0xFFFFFF
_TICK_S = 0.5
_BITRATE_SAMPLES = 5  # over four ticks, two seconds
_State: TypeAlias = Literal["idle", "connecting", "live", "backoff", "failed"]
_log = structlog.get_logger()


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Queued(NamedTuple):
    """An encoded program packet. `feed`: the header it needs, so that dropping packets loses no header."""

    kind: Kind
    dts: int
    keyframe: bool
    live: bool
    feed: FeedFormat
    body: bytes


class BodyCache:
    """Message bodies of the newest packets, encoded once for all destinations that share the cache."""

    def __init__(self) -> None:
        self._bodies: dict[int, tuple[Aired, FeedFormat, bytes]] = {}  # oldest first

    def body(self, aired: Aired, feed: FeedFormat) -> bytes:
        known = self._bodies.get(id(aired))
        if known is not None and known[0] is aired and known[1] is feed:
            return known[2]
        body = flv.packet_body(aired.packet, feed)
        self._bodies[id(aired)] = (aired, feed, body)
        if len(self._bodies) > CACHED_BODIES:
            del self._bodies[next(iter(self._bodies))]
        return body


class Destination:
    """Pushes the program to `url` between start() and stop(), while run() runs.

    Raises ConfigError for an invalid address. Call all methods from the loop that runs run().
    """

    behind_notice = "destination_behind"

    def __init__(
        self,
        name: str,
        url: str,
        *,
        bodies: BodyCache | None = None,
        dialer: Dialer | None = None,
        split_headers: bool = False,
        tls_verify: bool = True,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """`split_headers`: a new header at each splice, for servers that cannot use one for both."""
        self.name = name
        self._target = parse_url(url)
        self._bodies = bodies or BodyCache()
        self._dialer = dialer or Dialer()
        self._ssl_context = ssl_context if tls_verify else _unchecked()
        self._status = DestinationStatus(name, redact(url))
        self._backoff = Backoff()
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._idle = asyncio.Event()
        self._stopped.set()
        self._idle.set()
        self._attempt: asyncio.Timeout | None = None
        self._retry_at_us: int | None = None
        self._been_live = False  # since start(): then the key is valid
        self._pushing = False
        self._split = split_headers
        self._part: FeedFormat | None = None
        self._feed = FeedFormat()
        # Of the present connection:
        self._link: PushLink | None = None
        self._queue: deque[_Queued] = deque()
        self._queue_bytes = 0
        self._sent_feed: FeedFormat | None = None
        self._wait_keyframe = True
        self._backlog = Backlog()
        self._shed_packets = 0
        self._shed_open = False  # packets up to the next keyframe count as shed, too
        self._origin_ms = 0
        self._unflushed = 0
        self._old_address = NOTHING  # why an old address was used, if one was
        self._samples: deque[tuple[int, int]] = deque(maxlen=_BITRATE_SAMPLES)

    # ------------------------------------------------------------ what the gate calls

    def start(self, header: FeedFormat, part: FeedFormat | None = None, *, resumed: bool = False) -> None:
        """Connect, and push offered packets from the next keyframe on.

        `header`: announced by the program; `part`: the format on air at the moment.
        `resumed`: an earlier process pushed this broadcast, so that a refusal may mean its old connection.
        """
        self._feed = header
        self._part = part
        if not self._started.is_set():
            self._been_live = resumed
            self._backoff.reset()
            self._stopped.clear()
            self._idle.clear()
            self._started.set()

    def stop(self) -> None:
        """End this destination's stream: unpublish and close. Returns at once; closed() waits for the end."""
        self._started.clear()
        self._stopped.set()
        if not self._pushing:
            self._idle.set()
        if self._attempt is not None and not self._attempt.expired():
            self._attempt.reschedule(asyncio.get_running_loop().time())
        if self._link is not None:
            self._link.end(STOPPED)

    async def closed(self) -> None:
        """Wait until the connection is closed: at most STOP_TIMEOUT_S after stop() while run() runs."""
        await self._idle.wait()

    def offer(self, *program: Aired) -> None:
        """Take program packets. Costs some microseconds each; never blocks or fails because of the network.

        Packets of one call are written together, to save system calls.
        """
        for aired in program:
            self._offer(aired)
        if self._link is not None:
            self._flush(self._link)

    def _offer(self, aired: Aired) -> None:
        if aired.header is not None and aired.header != self._feed:
            self._feed = aired.header
        if self._split:
            aired = self._split_header(aired)
        link = self._link
        packet = aired.packet
        if link is None or not self._can_send(link, packet):
            return
        body = self._bodies.body(aired, self._feed)
        if not body or len(body) > MAX_BODY:
            self._status.dropped += 1
            return
        live = aired.arrival_us is not None
        item = _Queued(packet.kind, packet.dts, packet.keyframe, live, self._feed, body)
        if link.writable and not self._queue:
            self._write(link, item)
            return
        self._queue.append(item)
        self._queue_bytes += len(body)
        if self._queue_bytes > MAX_QUEUE_BYTES or packet.dts - self._queue[0].dts > MAX_QUEUE_MS:
            self._shed()

    def _split_header(self, aired: Aired) -> Aired:
        """Announce only the format on air, with its parameter sets also in band at each keyframe."""
        if aired.part is not None and aired.part.video is not None:
            self._part = aired.part
        if self._part is None or self._part.video is None:
            return aired
        part = FeedFormat(self._part.video, self._feed.audio)
        if part != self._feed:
            self._feed = part
        if aired.packet.keyframe and part.video is not None:
            return Aired(in_band(aired.packet, part.video), None, aired.arrival_us)
        return aired

    def discard_live(self) -> int:
        """Drop every live packet that is not yet handed to the socket, and those that depend on it.

        Return the number of packets dropped. Sending continues at a keyframe.
        """
        kept: deque[_Queued] = deque()
        broken = False  # after a dropped picture nothing is decodable until the next keyframe
        for item in self._queue:
            if item.live:
                broken |= item.kind is Kind.VIDEO
            elif not broken or item.keyframe:
                broken = False
                kept.append(item)
        self._wait_keyframe |= broken
        dropped = len(self._queue) - len(kept)
        self._queue = kept
        self._queue_bytes = sum(len(item.body) for item in kept)
        self._status.dropped += dropped
        return dropped

    def status(self) -> DestinationStatus:
        """Return the present state; a new object every time."""
        shown = self._status
        now = now_us()
        behind = self._backlog.reason if shown.state == "live" else NOTHING
        retry_in_s = None
        if self._retry_at_us is not None:
            retry_in_s = max(0.0, (self._retry_at_us - now) / 1e6)
        return DestinationStatus(
            name=shown.name,
            url=shown.url,
            state="behind" if behind.english else shown.state,
            bitrate_bps=self._bitrate_bps(),
            bytes=shown.bytes + (self._link.drained if self._link is not None else 0),
            packets=shown.packets,
            dropped=shown.dropped,
            reconnects=shown.reconnects,
            queue_ms=self._queue_ms(),
            retry_in_s=retry_in_s,
            error=behind.english or shown.error,
            error_zh=behind.chinese or shown.error_zh,
        )

    # ------------------------------------------------------------ the service

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                await self._started.wait()
                if self._started.is_set():  # not stopped again in the same iteration of the event loop
                    self._pushing = True
                    end = await self._push()
                    if self._started.is_set() and end is not STOPPED:
                        await self._back_off(end)
                    self._pushing = False
                if not self._started.is_set():
                    self._show("idle")
                    self._idle.set()
        finally:
            self._drop_link()
            self._show("idle")
            self._idle.set()

    async def _push(self) -> End:
        """Connect, push until the connection ends, close. Return why it ended."""
        self._show("connecting", Words(self._status.error, self._status.error_zh))
        session = ClientSession(self._target, self._feed)
        link = PushLink(session, self._drain)
        try:
            end = await self._open(link)
            if end is None and not self._started.is_set():  # stopped while the server accepted
                await self._unpublish(link)
                return STOPPED
            if end is None:
                self._go_live(link)
                end = await self._watch(link)
                if end is STOPPED:
                    await self._unpublish(link)
            return end
        finally:
            self._drop_link()
            link.abort()

    async def _open(self, link: PushLink) -> End | None:
        """Connect and publish. Return None when the server accepts the stream, else why it does not."""
        target = self._target
        where = f"{target.host}:{target.port}"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S) as self._attempt:
                context = (self._ssl_context or await self._dialer.context()) if target.tls else None
                self._old_address = await self._dialer.open(link, target.host, target.port, context)
                return await link.opened
        except TimeoutError:
            why = Words(
                f"no answer from {where} within {CONNECT_TIMEOUT_S:g} s",
                f"{where} 在 {CONNECT_TIMEOUT_S:g} 秒内没有应答",
            )
        except ssl.SSLCertVerificationError as error:
            said = error.verify_message
            why = Words(
                f"the certificate of {where} is not trusted: {said}", f"{where} 的证书不受信任：{said}"
            )
        except ssl.SSLError as error:
            why = Words(
                f"TLS with {where} failed: {error.reason or 'no common ground'}",
                f"与 {where} 的 TLS 连接失败：{error.reason or '双方没有共同支持的加密方式'}",
            )
        except OSError as error:
            why = Words(
                f"cannot connect to {where}: {error.strerror or 'no address answers'}",
                f"无法连接 {where}：{system_error(error) or '没有地址应答'}",
            )
        except DestinationError as error:
            why = Words(f"cannot connect to {where}: {error}", f"无法连接 {where}：{error.zh}")
        finally:
            self._attempt = None
        return End(why)

    def _go_live(self, link: PushLink) -> None:
        self._link = link
        self._sent_feed = None
        self._wait_keyframe = True
        self._samples.clear()
        self._backlog = Backlog()
        self._shed_open = False
        self._backoff.succeeded(now_us())
        if self._been_live:
            self._status.reconnects += 1
        self._been_live = True
        self._show("live", self._old_address)
        _log.info("destination live", destination=self.name, url=self._status.url)

    async def _watch(self, link: PushLink) -> End:
        """Wait for the end of the connection; end it after STALL_S without a byte sent."""
        drained, moved_us = -1, now_us()
        while not link.ended.done():
            await asyncio.wait((link.ended,), timeout=_TICK_S)
            now = now_us()
            self._samples.append((now, link.drained))
            self._backlog.sample(
                now, sent=self._status.packets, dropped=self._shed_packets, waiting_ms=self._queue_ms()
            )
            if link.drained != drained or link.empty:
                drained, moved_us = link.drained, now
            elif now - moved_us > STALL_S * 1e6:
                link.end(
                    End(
                        Words(
                            f"the server took nothing for {STALL_S:g} s",
                            f"对方服务器 {STALL_S:g} 秒未接收任何数据",
                        )
                    )
                )
        return link.ended.result()

    async def _unpublish(self, link: PushLink) -> None:
        self._forget_link()
        link.say_goodbye()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await link.gone.wait()
        self._status.bytes += link.drained

    async def _back_off(self, end: End) -> None:
        wait_s = self._backoff.failed(now_us(), random.random())  # noqa: S311 (no secret)
        # A key that worked before is valid: the server may not have noticed yet that the old connection died.
        failed = end.refused and not self._been_live
        if failed:
            wait_s = REFUSED_RETRY_S
        self._show("failed" if failed else "backoff", end.why)
        _log.warning(
            "destination lost",
            destination=self.name,
            url=self._status.url,
            reason=end.why.english,
            retry_in_s=round(wait_s, 1),
        )
        self._retry_at_us = now_us() + round(wait_s * 1e6)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stopped.wait()
        self._retry_at_us = None

    # ------------------------------------------------------------ the queue

    def _can_send(self, link: PushLink, packet: Packet) -> bool:
        """Whether the packet can be sent: after the start and after a loss, only from a keyframe on."""
        first = self._sent_feed is None and not self._queue
        if self._wait_keyframe:
            if not packet.keyframe and (self._feed.video is not None or packet.kind is not Kind.AUDIO):
                self._status.dropped += not first
                self._shed_packets += self._shed_open
                return False
            self._wait_keyframe = self._shed_open = False
        if first:
            self._origin_ms = link.session.origin_ms = packet.dts
        # Audio from before the first picture of this connection would have a negative timestamp.
        return packet.dts >= self._origin_ms

    def _write(self, link: PushLink, item: _Queued) -> None:
        if item.feed is not self._sent_feed:
            if item.feed != self._sent_feed:
                link.session.send_metadata(item.feed, item.dts)
                link.session.send_header(item.feed, item.dts, self._sent_feed)
            self._sent_feed = item.feed
        link.session.send_body(item.kind, item.dts, item.body)
        self._status.packets += 1
        self._unflushed += len(item.body)
        if self._unflushed > FLUSH_BYTES:
            self._flush(link)

    def _flush(self, link: PushLink) -> None:
        self._unflushed = 0
        link.flush()

    def _drain(self) -> None:
        """Write queued packets while the write buffer has room."""
        link, queue = self._link, self._queue
        while queue and link is not None and link.writable:
            item = queue.popleft()
            self._queue_bytes -= len(item.body)
            self._write(link, item)
            self._flush(link)

    def _shed(self) -> None:
        """Drop queued packets before the newest keyframe: one jump for viewers instead of growing delay."""
        queue = self._queue
        newest = next((index for index in range(len(queue) - 1, 0, -1) if queue[index].keyframe), len(queue))
        for _ in range(newest):
            self._queue_bytes -= len(queue.popleft().body)
        self._status.dropped += newest
        self._shed_packets += newest
        self._wait_keyframe = self._shed_open = not queue

    def _queue_ms(self) -> int:
        return max(0, self._queue[-1].dts - self._queue[0].dts) if self._queue else 0

    def _drop_link(self) -> None:
        if self._link is not None:
            self._status.bytes += self._link.drained
        self._forget_link()

    def _forget_link(self) -> None:
        self._link = None
        self._queue.clear()
        self._queue_bytes = 0
        self._samples.clear()

    def _bitrate_bps(self) -> int:
        if len(self._samples) < 2:
            return 0
        (start_us, start_bytes), (end_us, end_bytes) = self._samples[0], self._samples[-1]
        return round((end_bytes - start_bytes) * 8e6 / max(1, end_us - start_us))

    def _show(self, state: _State, why: Words = NOTHING) -> None:
        self._status.state = state
        self._status.error, self._status.error_zh = why
