"""The console's end of the media socket: subscriptions out, formats and packets in, made anew for ever."""

import asyncio
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import structlog

from streamgate.clock import now_us
from streamgate.core.packet import FeedFormat, Packet
from streamgate.errors import LinkError, ProtocolError
from streamgate.link import wire
from streamgate.link.messages import VERSION, AnyMedia, Format, Hello, Subscribe, Unsubscribe
from streamgate.runtime.peer import close_when_peer_is_defunct

_RETRY_S = (0.1, 0.2, 0.4, 1.0)
_READ = 256 * 1024
_log = structlog.get_logger("console.media_link")
_decoder: msgspec.json.Decoder[AnyMedia] = msgspec.json.Decoder(AnyMedia)


class Sink(Protocol):
    """Takes one feed. `on_lost`: the link is down; a format follows when it is back."""

    def on_format(self, feed: FeedFormat) -> None: ...
    def on_packet(self, packet: Packet) -> None: ...
    def on_lost(self) -> None: ...


class MediaLink:
    """Subscriptions live on through a lost link.

    Each has a number of its own, never used again: what is on its way for an old one reaches nobody.
    """

    def __init__(self, media_socket: Path) -> None:
        self._path = media_socket
        self._sinks: dict[int, tuple[Subscribe, Sink]] = {}
        self._numbers = 0
        self._writer: asyncio.StreamWriter | None = None

    def subscribe(self, channel: str, feed: Literal["pvw", "pgm"], sink: Sink) -> None:
        self._numbers += 1
        message = Subscribe(self._numbers, channel, feed)
        self._sinks[message.stream] = (message, sink)
        self._send(message)

    def unsubscribe(self, sink: Sink) -> None:
        for stream in [number for number, (_, owner) in self._sinks.items() if owner is sink]:
            del self._sinks[stream]
            self._send(Unsubscribe(stream))

    async def run(self) -> None:
        """Keep the link until cancelled."""
        failures = 0
        while True:
            started = now_us()
            try:
                await self._connected()
            except (LinkError, ProtocolError, OSError, msgspec.MsgspecError) as error:
                if failures == 0:
                    _log.warning("media_link_lost", reason=str(error))
            finally:
                self._writer = None
                for _, sink in self._sinks.values():
                    sink.on_lost()
            failures = 0 if now_us() - started > 2_000_000 else failures + 1
            await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])

    async def _connected(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path), limit=_READ)
        try:
            self._writer = writer
            self._send(Hello("console"))
            for message, _ in self._sinks.values():
                self._send(message)
            frames = wire.FrameReader()
            async with close_when_peer_is_defunct(writer.transport):
                while data := await reader.read(_READ):
                    for frame in frames.feed(data):
                        if isinstance(frame, bytes):
                            self._take(_decoder.decode(frame))
                        elif (known := self._sinks.get(frame[0])) is not None:
                            known[1].on_packet(frame[1])
            raise LinkError("the gate closed the media link")
        finally:
            writer.transport.abort()

    def _take(self, message: AnyMedia) -> None:
        match message:
            case Format(stream=stream, format=feed) if stream in self._sinks:
                self._sinks[stream][1].on_format(feed)
            case Hello(v=version) if version != VERSION:
                raise LinkError(
                    f"the gate speaks media link version {version}, this console {VERSION}; restart it"
                )
            case _:
                pass

    def _send(self, message: AnyMedia) -> None:
        # A few dozen bytes at each visit of a page; the gate reads at once or the link ends.
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(wire.encode_json(msgspec.json.encode(message)))
