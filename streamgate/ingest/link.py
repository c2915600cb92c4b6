"""Ingest's end of the media link: announces publishers to the gate and sends their packets.

It survives a restart of the gate process. While the link is down, packets are dropped. When it is up again,
every live stream is announced again with its format, and its packets continue from the next keyframe.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.errors import LinkError, ProtocolError
from streamgate.link import messages, wire
from streamgate.runtime.peer import close_when_peer_is_defunct

REPLY_S = 3.0
BUFFER_BYTES = 16 * 1024 * 1024
_RETRY_S = (0.05, 0.5)
_HELLO_S = 2.0
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(messages.AnyMedia).decode

OnKick = Callable[[str], None]


class LinkStream:
    """One publisher's stream on the link. Made by `GateLink.publish`; `close` ends it, once.

    `dropped`: packets that could not be sent (the gate is down or reads too slowly).
    """

    def __init__(self, link: "GateLink", announcement: messages.Publish, on_kick: OnKick) -> None:
        self.number = announcement.stream
        self.dropped = 0
        self._link = link
        self._announcement = announcement
        self._on_kick = on_kick
        self._format: FeedFormat | None = None
        self._waits_for_keyframe = True
        self._reply: asyncio.Future[messages.PublishReply] | None = None

    def send_format(self, feed: FeedFormat) -> None:
        """Announce the parameters of the packets that follow, the first of which is a keyframe."""
        self._format = feed
        self._link.write_message(messages.Format(self.number, feed))

    def send(self, packets: Sequence[Packet]) -> None:
        """Send packets of the announced format; drop and count them while the link takes none."""
        link = self._link
        if not link.takes_packets:
            self._waits_for_keyframe = True
        if self._waits_for_keyframe:
            packets = self._from_keyframe(packets)
        if packets:
            link.write_packets(self.number, packets)

    def send_health(
        self,
        mended: int,
        dropped: int,
        warnings: list[messages.Warn],
        encoder: str,
        declared: FeedFormat | None = None,
    ) -> None:
        if self._link.takes_packets:
            health = messages.Health(self.number, mended, dropped, warnings, encoder, declared)
            self._link.write_message(health)

    def close(self, reason: str, *, clean: bool) -> None:
        if self._link.forget(self):
            self._link.write_message(messages.Gone(self.number, reason, clean))

    def _from_keyframe(self, packets: Sequence[Packet]) -> Sequence[Packet]:
        """Return the packets from the first at which a decoder may start; none while the link takes none."""
        video = self._format is not None and self._format.video is not None
        start = next((n for n, packet in enumerate(packets) if packet.keyframe or not video), len(packets))
        if not self._link.takes_packets:
            start = len(packets)
        self.dropped += sum(packet.kind is not Kind.DATA for packet in packets[:start])
        self._waits_for_keyframe = start == len(packets)
        return packets[start:]

    def announce(self, *, again: bool) -> None:
        """Announce the stream; `again`: to a gate process that does not have it."""
        publish = self._announcement
        if again:
            publish = msgspec.structs.replace(publish, fresh=False)
        self._link.write_message(publish)
        self._waits_for_keyframe = True
        if again and self._format is not None:
            self._link.write_message(messages.Format(self.number, self._format))

    async def wait_for_reply(self) -> messages.PublishReply:
        self._reply = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(REPLY_S):
            return await self._reply

    def on_reply(self, reply: messages.PublishReply) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(reply)
        elif reply.code != "ok":  # announced again to a gate that now refuses it
            self._on_kick(reply.reason or reply.code)

    def on_kick(self, reason: str) -> None:
        self._on_kick(reason)

    def on_lost(self) -> None:
        self._waits_for_keyframe = True
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(LinkError("the gate hung up before it answered"))


class GateLink:
    """Client of the gate's media socket.

    `run` keeps it connected until cancelled. Nothing here waits for a slow gate: above `buffer_bytes` unsent
    bytes a stream's packets are dropped up to its next keyframe.
    """

    def __init__(self, path: Path, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self._path = path
        self._buffer_bytes = buffer_bytes
        self._streams: dict[int, LinkStream] = {}
        self._numbers = itertools.count(1)
        self._transport: asyncio.WriteTransport | None = None
        self._down = asyncio.Event()

    @property
    def up(self) -> bool:
        return self._transport is not None

    @property
    def takes_packets(self) -> bool:
        transport = self._transport
        return transport is not None and transport.get_write_buffer_size() <= self._buffer_bytes

    async def publish(
        self, key_hash: str, peer: str, encoder: str, on_kick: OnKick, *, fresh: bool
    ) -> tuple[LinkStream, messages.PublishReply]:
        """Send a publish request to the gate; return the stream and the gate's reply.

        The stream is usable only if the reply's code is "ok". LinkError when the gate is down or does not
        answer within REPLY_S.
        """
        if self._transport is None:
            raise LinkError("the gate is not connected")
        announcement = messages.Publish(next(self._numbers), key_hash, peer, encoder, fresh)
        stream = LinkStream(self, announcement, on_kick)
        self._streams[stream.number] = stream
        stream.announce(again=False)
        try:
            reply = await stream.wait_for_reply()
        except TimeoutError as error:
            stream.close("the gate did not answer", clean=False)
            raise LinkError(f"the gate did not answer within {REPLY_S:g} s") from error
        except BaseException:
            stream.close("given up", clean=False)
            raise
        if reply.code != "ok":
            self.forget(stream)
        return stream, reply

    async def run(self) -> None:
        """Connect, and reconnect when the link is lost, until cancelled."""
        retry_s = _RETRY_S[0]
        loop = asyncio.get_running_loop()
        waiting = False
        while True:
            try:
                _, protocol = await loop.create_unix_connection(lambda: _LinkProtocol(self), str(self._path))
            except OSError as error:
                if not waiting:
                    _log.warning("gate link down", error=str(error))
                waiting = True
            else:
                try:
                    if await protocol.serve():
                        retry_s = _RETRY_S[0]
                        waiting = False
                finally:
                    protocol.abort()
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, _RETRY_S[1])

    async def drain(self, timeout_s: float) -> None:
        """Close the link once the unsent bytes are sent, or after `timeout_s`."""
        if self._transport is None:
            return
        self._transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._down.wait()

    # ---------------------------------------------------------------- used by the streams

    def write_message(self, message: messages.AnyMedia) -> None:
        if self._transport is not None:
            self._transport.write(wire.encode_json(_encode(message)))

    def write_packets(self, stream: int, packets: Sequence[Packet]) -> None:
        assert self._transport is not None
        parts: list[bytes] = []
        for packet in packets:
            parts += (wire.encode_packet_head(stream, packet), packet.data)
        self._transport.writelines(parts)

    def forget(self, stream: LinkStream) -> bool:
        """Remove the stream from the link; false when it was removed already."""
        return self._streams.pop(stream.number, None) is not None

    # ---------------------------------------------------------------- used by the protocol

    def on_up(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._down.clear()
        _log.info("gate link up", streams=len(self._streams))
        for stream in list(self._streams.values()):
            stream.announce(again=True)

    def on_down(self, transport: asyncio.WriteTransport, error: str) -> None:
        if self._transport is not transport:
            return
        self._transport = None
        self._down.set()
        _log.warning("gate link lost", error=error)
        for stream in list(self._streams.values()):
            stream.on_lost()

    def on_message(self, message: messages.AnyMedia) -> None:
        match message:
            case messages.PublishReply():
                stream = self._streams.get(message.stream)
                if stream is not None:
                    stream.on_reply(message)
            case messages.Kick():
                stream = self._streams.get(message.stream)
                if stream is not None:
                    stream.on_kick(message.reason)
            case _:
                _log.warning("unexpected message from the gate", message=type(message).__name__)


class _LinkProtocol(asyncio.Protocol):
    def __init__(self, link: GateLink) -> None:
        self._link = link
        self._reader = wire.FrameReader()
        self._transport: asyncio.WriteTransport | None = None
        loop = asyncio.get_running_loop()
        self._greeted: asyncio.Future[None] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()
        self._error = "the gate hung up"

    async def serve(self) -> bool:
        """Wait until the link is lost; return whether it ever was up."""
        try:
            async with asyncio.timeout(_HELLO_S):
                await asyncio.wait((self._greeted, self._lost), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            return False
        if self._greeted.done():
            assert self._transport is not None
            async with close_when_peer_is_defunct(self._transport):
                await asyncio.shield(self._lost)
        return self._greeted.done()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.WriteTransport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.write(wire.encode_json(_encode(messages.Hello("ingest"))))

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                self._on_frame(frame)
        except (ProtocolError, msgspec.MsgspecError) as error:
            self._error = str(error)
            self.abort()

    def _on_frame(self, frame: bytes | tuple[int, Packet]) -> None:
        if isinstance(frame, tuple):
            raise ProtocolError("a media packet from the gate to ingest")
        message = _decode(frame)
        if self._greeted.done():
            self._link.on_message(message)
        elif isinstance(message, messages.Hello) and message.v == messages.VERSION:
            assert self._transport is not None
            self._greeted.set_result(None)
            self._link.on_up(self._transport)
        else:
            raise ProtocolError(f"the gate's first message is not a hello of version {messages.VERSION}")

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        self._link.on_down(self._transport, str(exc) if exc else self._error)
        if not self._lost.done():
            self._lost.set_result(None)
