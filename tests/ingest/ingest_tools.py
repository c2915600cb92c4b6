"""A stand-in for the gate at the end of its socket, and publishers."""

import asyncio
import contextlib
import hashlib

import msgspec

from streamgate.clock import now_us
from streamgate.core.packet import Kind
from streamgate.ingest import service
from streamgate.ingest.admission import Limits
from streamgate.link import messages, wire
from streamgate.rtmp import client, flv, server, url

KEY = "main-8f3a2c"
_decode = msgspec.json.Decoder(messages.AnyMedia).decode


def key_hash(key):
    return hashlib.sha256(key.encode()).hexdigest()


class Gate:
    """The other end of the media socket: speaks the link's wire format and keeps what comes."""

    def __init__(self, path):
        self.path = path
        self.channels = {key_hash(KEY): "main"}
        self.messages = []
        self.packets = []  # (arrival us, stream, packet)
        self.links = 0
        self.answers = True
        self.reads = True
        self._server = None
        self._writers = set()

    async def start(self):
        self._server = await asyncio.start_unix_server(self._serve, str(self.path))

    async def stop(self):
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        self.path.unlink(missing_ok=True)
        await asyncio.sleep(0)

    def send(self, message):
        for writer in self._writers:
            writer.write(wire.encode_json(msgspec.json.encode(message)))

    async def _serve(self, reader, writer):
        self.links += 1
        self._writers.add(writer)
        frames = wire.FrameReader()
        self.send(messages.Hello("gate"))
        try:
            while data := await reader.read(1 << 18):
                while not self.reads:
                    await asyncio.sleep(0.01)
                for frame in frames.feed(data):
                    if isinstance(frame, tuple):
                        self.packets.append((now_us(), *frame))
                    else:
                        self._on_message(_decode(frame))
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _on_message(self, message):
        self.messages.append(message)
        if isinstance(message, messages.Publish) and self.answers:
            channel = self.channels.get(message.key_hash)
            code = "unknown_key" if channel is None else "ok"
            self.send(messages.PublishReply(message.stream, code, channel or ""))

    def of(self, kind):
        return [message for message in self.messages if isinstance(message, kind)]

    async def until(self, condition, timeout_s=8.0):
        """Wait until `condition()` is true and return what it gave."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                await asyncio.sleep(0.005)
        return found


class Ingest:
    """A running ingest service and the gate it talks to."""

    def __init__(self, gate, ports, stop):
        self.gate = gate
        self.ports = ports
        self.stop = stop

    def url(self, key=KEY):
        return f"rtmp://127.0.0.1:{self.ports['rtmp']}/live/{key}"


@contextlib.asynccontextmanager
async def running(tmp_path, limits=None, **options):
    gate = Gate(tmp_path / "media.sock")
    await gate.start()
    stop = asyncio.Event()
    listening = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        service.run(
            media_socket=gate.path,
            rtmp=("127.0.0.1", 0),
            stop=stop,
            limits=limits or Limits(),
            on_listening=listening.set_result,
            **options,
        )
    )
    await asyncio.wait((task, listening), return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    ingest = Ingest(gate, await listening, stop)
    await gate.until(lambda: gate.of(messages.Hello))
    try:
        yield ingest
    finally:
        stop.set()
        async with asyncio.timeout(2):
            await task
        await gate.stop()


_ENCODE = (
    "-re -f lavfi -i testsrc=size=320x180:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000"
    " -c:v libx264 -preset ultrafast -bf 2 -g 25 -keyint_min 25 -sc_threshold 0 -pix_fmt yuv420p"
    " -profile:v main -c:a aac -b:a 64k -ac 2"
)
ENCODE = _ENCODE.split()


@contextlib.asynccontextmanager
async def ffmpeg(*arguments):
    """An ffmpeg that ends with the block."""
    process = await asyncio.create_subprocess_exec(
        "ffmpeg",
        *("-hide_banner", "-nostdin", "-loglevel", "error", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(reader, timeout_s):
    """Read until the server hangs up; return what it sent."""
    async with asyncio.timeout(timeout_s):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


def publishing(url, *options):
    return ffmpeg(*ENCODE, *options, "-f", "flv", url)


def flv_tags(path):
    """Yield (type, timestamp, body) of an FLV file."""
    data = path.read_bytes()
    at = 13
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4])
        time = int.from_bytes(data[at + 4 : at + 7]) | data[at + 7] << 24
        yield data[at], time, data[at + 11 : at + 11 + size]
        at += 15 + size


KINDS = {8: Kind.AUDIO, 9: Kind.VIDEO, 18: Kind.DATA}


class Tap:
    """A relay before the server that knows when the first keyframe went through."""

    def __init__(self, port):
        self._to = port
        self._session = server.ServerSession()
        self.port = 0
        self.connected_us = None
        self.keyframe_us = None

    async def __aenter__(self):
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._listener.close()

    async def _serve(self, reader, writer):
        self.connected_us = now_us()
        onward = await asyncio.open_connection("127.0.0.1", self._to)
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(
                self._relay(reader, onward[1], self._look), self._relay(onward[0], writer, lambda data: None)
            )
        writer.close()

    def _look(self, data):
        for event in self._session.receive(data):
            if isinstance(event, server.PublishRequested):
                self._session.accept_publish()
            elif isinstance(event, server.Media) and event.kind is Kind.VIDEO and self.keyframe_us is None:
                tag = flv.parse_video(event.body)
                if tag.kind == "frame" and tag.keyframe:
                    self.keyframe_us = now_us()
        self._session.data_to_send()

    @staticmethod
    async def _relay(reader, writer, look):
        while data := await reader.read(1 << 16):
            look(data)
            writer.write(data)
            await writer.drain()
        writer.close()


class Publisher:
    """Our own client: sends what a test hands it. `said` holds what the server answered."""

    def __init__(self, port, key=KEY):
        self._port = port
        self.session = client.ClientSession(url.parse_url(f"rtmp://127.0.0.1:{port}/live/{key}"))
        self.said = []

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.timeout(5):
            while not self.said:
                await self.flush()
                data = await self.reader.read(1 << 16)
                if not data:
                    break
                self.said += self.session.receive(data)
        return self

    async def __aexit__(self, *_):
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def flush(self):
        self.writer.write(self.session.data_to_send())
        await self.writer.drain()

    async def send(self, kind, time_ms, body):
        self.session.send_body(kind, time_ms, body)
        await self.flush()

    async def send_tags(self, tags, shift_ms=0):
        for kind, time_ms, body in tags:
            self.session.send_body(KINDS[kind], time_ms + shift_ms, body)
        await self.flush()
