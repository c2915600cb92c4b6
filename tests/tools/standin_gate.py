"""A stand-in for the gate process: both unix sockets, a moving feed, commands that change its state.

For developing the page and for testing the console without a gate; it airs to nobody and holds no rule of
the real one.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from tools.standin_channel import DevChannel, RefusedError
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from streamgate.clock import now_us, wall_s
from streamgate.core.packet import Kind, Packet
from streamgate.link import wire
from streamgate.link.messages import (
    AnyMedia,
    AnyRequest,
    ChannelRequest,
    DutyReport,
    Format,
    Hello,
    LogLine,
    Push,
    Reply,
    Subscribe,
    Unsubscribe,
    Watch,
)

TEXTS_ZH = {
    "start": "开始播出",
    "cut": "切断",
    "restore": "恢复",
    "live": "回到直播",
    "stop": "停止播出",
    "dump": "丢弃最近内容",
    "backup": "切到备播",
}


class _Subscriber:
    """One connection on the media socket and what it asked for."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.streams: dict[int, tuple[str, str]] = {}
        self.waiting: set[int] = set()

    def send(self, message: AnyMedia) -> None:
        self.writer.write(wire.encode_json(msgspec.json.encode(message)))


class DevGate:
    """Serves `gate.sock` and `media.sock` in `run_dir` while `running()` is entered."""

    def __init__(self, run_dir: Path, channels: list[DevChannel]) -> None:
        self.run_dir = run_dir
        self.channels = {channel.name: channel for channel in channels}
        self.ingest_up = True
        self.mute = False  # a gate that accepts and never answers
        self.log: deque[LogLine] = deque(maxlen=500)
        self.requests: list[AnyRequest] = []
        self._seq = 0
        self._watchers: dict[ServerConnection, int] = {}
        self.subscribers: set[_Subscriber] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.run_dir.mkdir(parents=True, exist_ok=True)
        control, media = self.run_dir / "gate.sock", self.run_dir / "media.sock"
        for path in (control, media):
            path.unlink(missing_ok=True)
        async with unix_serve(self._control, str(control), compression=None, close_timeout=0.2):
            server = await asyncio.start_unix_server(self._media, str(media))
            tasks = [asyncio.ensure_future(self._play()), asyncio.ensure_future(self._push())]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                server.close()
                for subscriber in list(self.subscribers):
                    subscriber.writer.transport.abort()
                await asyncio.sleep(0)

    def note(self, channel: str, actor: str, code: str, text: str) -> None:
        self._seq += 1
        line = LogLine(self._seq, wall_s(), channel, actor, code, text, TEXTS_ZH.get(code, text))
        self.log.append(line)

    # ------------------------------------------------------------ control

    async def _control(self, connection: ServerConnection) -> None:
        try:
            async for message in connection:
                request = msgspec.json.decode(message, type=AnyRequest)
                if not isinstance(request, DutyReport):  # comes every 2 s
                    self.requests.append(request)
                if self.mute:
                    continue
                reply = self._answer(request)
                await connection.send(msgspec.json.encode(reply).decode())
                if isinstance(request, Watch):
                    self._watchers[connection] = self._seq
                elif not isinstance(request, DutyReport):
                    await self._push_all()
        except ConnectionClosed:
            pass
        finally:
            self._watchers.pop(connection, None)

    def _answer(self, request: AnyRequest) -> Reply:
        started = now_us()
        if not isinstance(request, ChannelRequest):
            channels = [channel.status() for channel in self.channels.values()]
            log = list(self.log) if isinstance(request, Watch) else None
            return Reply(request.id, channels=channels, log=log, ingest_up=self.ingest_up)
        channel = self.channels.get(request.channel)
        code = type(request).__name__.lower()
        if channel is None:
            return Reply(
                request.id, error=f"there is no channel {request.channel!r}", channel=request.channel
            )
        try:
            channel.command(request)
        except RefusedError as error:
            return Reply(request.id, error=str(error), channel=request.channel)
        self.note(channel.name, request.actor, code, f"{code} by {request.actor}")
        return Reply(
            request.id, channel=channel.name, state=channel.state(), took_ms=(now_us() - started) / 1000
        )

    async def _push(self) -> None:
        while True:
            await asyncio.sleep(0.4)
            await self._push_all()

    async def _push_all(self) -> None:
        if self.mute:
            return
        channels = [channel.status() for channel in self.channels.values()]
        for connection, seen in list(self._watchers.items()):
            lines = [line for line in self.log if line.seq > seen]
            self._watchers[connection] = self._seq
            push = Push(channels, lines, ingest_up=self.ingest_up)
            with contextlib.suppress(ConnectionClosed):
                await connection.send(msgspec.json.encode(push).decode())

    # ------------------------------------------------------------ media

    async def _media(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames, subscriber = wire.FrameReader(), _Subscriber(writer)
        self.subscribers.add(subscriber)
        subscriber.send(Hello("gate"))
        try:
            while data := await reader.read(65_536):
                for frame in frames.feed(data):
                    assert isinstance(frame, bytes)
                    match msgspec.json.decode(frame, type=AnyMedia):
                        case Subscribe(stream=stream, channel=name, feed=feed) if name in self.channels:
                            subscriber.streams[stream] = (name, feed)
                            subscriber.waiting.add(stream)
                            subscriber.send(Format(stream, self.channels[name].feed.format))
                        case Unsubscribe(stream=stream):
                            subscriber.streams.pop(stream, None)
        except OSError:
            pass
        finally:
            self.subscribers.discard(subscriber)
            writer.close()

    async def _play(self) -> None:
        while True:
            for channel in self.channels.values():
                received, aired = channel.tick()
                for subscriber in self.subscribers:
                    for stream, (name, feed) in subscriber.streams.items():
                        if name == channel.name:
                            packets = aired if feed == "pgm" else received
                            self._send(subscriber, stream, packets, keys=feed == "keys")
            await asyncio.sleep(0.02)

    def _send(self, subscriber: _Subscriber, stream: int, packets: list[Packet], *, keys: bool) -> None:
        for packet in packets:
            if keys:
                if packet.kind is Kind.VIDEO and not packet.keyframe:
                    continue
                packet = msgspec.structs.replace(packet, dts=now_us())  # noqa: PLW2901
            if stream in subscriber.waiting:
                if not (packet.kind is Kind.VIDEO and packet.keyframe):
                    continue
                subscriber.waiting.discard(stream)
            if subscriber.writer.transport.get_write_buffer_size() > 8_000_000:
                subscriber.waiting.add(stream)
                continue
            subscriber.writer.write(wire.encode_packet_head(stream, packet) + packet.data)
