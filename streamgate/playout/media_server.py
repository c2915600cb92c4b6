"""The gate's media socket: packets in from the ingest process, packets out to the console's previews."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from streamgate.clock import now_us
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.errors import ProtocolError
from streamgate.link.messages import (
    VERSION,
    AnyMedia,
    Format,
    Gone,
    Health,
    Hello,
    Kick,
    Publish,
    Subscribe,
    Unsubscribe,
)
from streamgate.link.wire import FrameReader, encode_json, encode_packet_head
from streamgate.playout.channel import Viewer
from streamgate.playout.station import Station

SOUND_TOGETHER = 8  # frames: 0.2 s of AAC
MAX_VIEWER_BYTES = 8 * 1024 * 1024  # waiting for a slow console; beyond it packets are dropped
_log = structlog.get_logger()
_decoder = msgspec.json.Decoder(AnyMedia)


class Subscription:
    """One preview of the console: a `Viewer` of a channel.

    When the console is too slow, packets are dropped up to the next keyframe.
    """

    def __init__(self, stream: int, transport: asyncio.WriteTransport) -> None:
        self._stream = stream
        self._transport = transport
        self._wait_for_keyframe = True

    def format(self, format_: FeedFormat) -> None:
        self._transport.write(encode_json(msgspec.json.encode(Format(self._stream, format_))))
        self._wait_for_keyframe = True

    def packet(self, packet: Packet) -> None:
        if self._takes(packet):
            self._transport.write(encode_packet_head(self._stream, packet) + packet.data)

    def _takes(self, packet: Packet) -> bool:
        if self._wait_for_keyframe:
            if not packet.keyframe:
                return False
            self._wait_for_keyframe = False
        if packet.kind is Kind.DATA:
            return False
        if self._transport.get_write_buffer_size() > MAX_VIEWER_BYTES:
            self._wait_for_keyframe = True
            return False
        return True


class KeysSubscription(Subscription):
    """Keyframes and audio of the undelayed feed, with the arrival time in place of the DTS.

    Each write wakes the reader, so audio is written SOUND_TOGETHER frames at a time, or with a keyframe.
    """

    def __init__(self, stream: int, transport: asyncio.WriteTransport) -> None:
        super().__init__(stream, transport)
        self._frames: list[bytes] = []  # not written yet

    def format(self, format_: FeedFormat) -> None:
        self._write()
        super().format(format_)

    def packet(self, packet: Packet) -> None:
        if (packet.keyframe or packet.kind is Kind.AUDIO) and self._takes(packet):
            arrived = msgspec.structs.replace(packet, dts=now_us())  # called as it arrives
            self._frames.append(encode_packet_head(self._stream, arrived) + packet.data)
            if packet.keyframe or len(self._frames) == SOUND_TOGETHER:
                self._write()

    def _write(self) -> None:
        self._transport.write(b"".join(self._frames))
        self._frames.clear()


class MediaLink(asyncio.Protocol):
    """One connection from the ingest or the console process."""

    def __init__(self, station: Station, number: Callable[[], int]) -> None:
        self._station = station
        self._number = number
        self._reader = FrameReader()
        self._transport: asyncio.Transport | None = None
        self._role = ""
        self._streams: dict[int, int] = {}  # the ingest's stream number -> the station's
        self._subscriptions: dict[int, tuple[set[Viewer], Subscription]] = {}

    # ------------------------------------------------------------ asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        transport.set_write_buffer_limits(high=MAX_VIEWER_BYTES * 4)
        self._tell(Hello("gate"))

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._reader.feed(data):
                if isinstance(frame, tuple):
                    stream = self._streams.get(frame[0])
                    if stream is not None:
                        self._station.packet(stream, frame[1])
                else:
                    self._message(_decoder.decode(frame))
        except (ProtocolError, msgspec.DecodeError) as error:
            _log.error("media_link_broken", role=self._role, reason=str(error))
            if self._transport is not None:
                self._transport.abort()
        self._station.air_timer.run_due()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        for viewers, subscription in self._subscriptions.values():
            viewers.discard(subscription)
        self._subscriptions.clear()
        if self._role == "ingest":
            for stream in self._streams.values():
                self._station.gone(stream, "the link to the ingest process was lost", clean=False)
            self._station.ingest_went(self)

    # ------------------------------------------------------------ messages

    def kick(self, stream: int, reason: str) -> None:
        """Disconnect the encoder with this stream number of the station, if it is on this link."""
        for ours, theirs in self._streams.items():
            if theirs == stream:
                self._tell(Kick(ours, reason))

    def _tell(self, message: msgspec.Struct) -> None:
        if self._transport is not None:
            self._transport.write(encode_json(msgspec.json.encode(message)))

    def _message(self, message: AnyMedia) -> None:
        match message:
            case Hello(role=role, v=version):
                if version != VERSION or role == "gate" or self._role:
                    raise ProtocolError(
                        f"a hello as {role!r} of version {version}; this is version {VERSION}"
                    )
                self._role = role
                if role == "ingest":
                    self._station.ingest_came(self)
            case Publish() if self._role == "ingest":
                number = self._number()
                reply = self._station.publish(msgspec.structs.replace(message, stream=number))
                if reply.code == "ok":
                    self._streams[message.stream] = number
                self._tell(msgspec.structs.replace(reply, stream=message.stream))
            case Format(stream=stream, format=format_) if self._role == "ingest":
                if stream in self._streams:
                    self._station.format(self._streams[stream], format_)
            case Health(stream=stream) if self._role == "ingest":
                if stream in self._streams:
                    self._station.health(msgspec.structs.replace(message, stream=self._streams[stream]))
            case Gone(stream=stream, reason=reason, clean=clean) if self._role == "ingest":
                if stream in self._streams:
                    self._station.gone(self._streams.pop(stream), reason, clean=clean)
            case Subscribe(stream=stream, channel=name, feed=feed) if self._role == "console":
                self._subscribe(stream, name, feed)
            case Unsubscribe(stream=stream) if self._role == "console":
                if stream in self._subscriptions:
                    viewers, subscription = self._subscriptions.pop(stream)
                    viewers.discard(subscription)
            case _:
                raise ProtocolError(f"a {type(message).__name__} from {self._role or 'nobody'}")

    def _subscribe(self, stream: int, name: str, feed: str) -> None:
        channel = self._station.channels.get(name)
        if channel is None or self._transport is None or stream in self._subscriptions:
            return
        kind = KeysSubscription if feed == "keys" else Subscription
        subscription = kind(stream, self._transport)
        viewers, format_ = channel.watch(feed)
        if format_ is not None:
            subscription.format(format_)
        viewers.add(subscription)
        self._subscriptions[stream] = (viewers, subscription)


async def serve(path: Path, station: Station) -> asyncio.Server:
    """Listen on the unix socket at `path`, for this user only."""
    numbers = iter(range(1, 1 << 62))
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anything airs
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: MediaLink(station, lambda: next(numbers)), str(path))
    path.chmod(0o600)  # noqa: ASYNC240
    return server
