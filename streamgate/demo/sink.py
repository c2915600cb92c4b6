"""The demo's platform: takes what is pushed to it over RTMP, writes it to FLV files and says what it sees."""

import asyncio
import contextlib
from pathlib import Path
from typing import BinaryIO, Literal

from streamgate.core.packet import Kind
from streamgate.core.paramsets import iter_nals
from streamgate.core.sps import unescape
from streamgate.errors import MediaError, ProtocolError
from streamgate.rtmp import flv
from streamgate.rtmp.server import Media, PublishRequested, ServerSession, Unpublished

KEY = "demo-platform-key"
MAX_FILE = 4 * 1024**3
_TAG = {Kind.AUDIO: 8, Kind.VIDEO: 9, Kind.DATA: 18}
_SET_DATA_FRAME = b"\x02\x00\x0d@setDataFrame"
_FLV_HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"

Picture = Literal["none", "live", "filler"]


class Sink:
    """One listening platform for one stream at a time.

    `received_s`: media time of the present connection. `picture`: what the newest keyframe belongs to.
    `connections`: how often a stream began; a gate that works never makes this rise by a cut.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.received_s = 0.0
        self.bytes = 0
        self.connections = 0
        self.connected = False
        self.picture: Picture = "none"
        self._server: asyncio.Server | None = None
        self._file: BinaryIO | None = None
        self._written = 0
        self._first_ms: int | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listen on a free port of loopback and return the push URL."""
        for old in self._directory.glob("platform-*.flv"):
            old.unlink()
        self._server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return f"rtmp://127.0.0.1:{port}/app/{KEY}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        self._end()

    @property
    def path(self) -> Path:
        """The file that is being written, or will be next."""
        return self._directory / f"platform-{max(1, self.connections)}.flv"

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = ServerSession()
        mine = False
        self._writers.add(writer)
        try:
            while not session.closing and (data := await reader.read(65536)):
                for event in session.receive(data):
                    if isinstance(event, PublishRequested):
                        if event.key != KEY or self.connected:
                            session.refuse_publish("NetStream.Publish.Denied", "wrong key, or busy")
                        else:
                            mine = True
                            session.accept_publish()
                            self._begin()
                    elif isinstance(event, Media):
                        self._take(event)
                    elif isinstance(event, Unpublished):
                        self._end()
                        mine = False
                writer.write(session.data_to_send())
                await writer.drain()
        except (OSError, ProtocolError):
            pass  # the peer is gone or talks nonsense: either way this connection is over
        finally:
            self._writers.discard(writer)
            if mine:
                self._end()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _begin(self) -> None:
        self.connections += 1
        self.connected = True
        self.received_s, self.bytes, self.picture = 0.0, 0, "none"
        self._first_ms = None
        self._file = self.path.open("wb")
        self._written = self._file.write(_FLV_HEADER)

    def _end(self) -> None:
        self.connected = False
        self.picture = "none"
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take(self, media: Media) -> None:
        body = media.body
        self.bytes += len(body)
        if media.kind is Kind.DATA:
            body = body.removeprefix(_SET_DATA_FRAME)
        elif self._first_ms is None:
            self._first_ms = media.timestamp_ms
        if self._first_ms is not None:
            self.received_s = (media.timestamp_ms - self._first_ms) % (1 << 32) / 1000
        if media.kind is Kind.VIDEO:
            self._look(body)
        self._write(_TAG[media.kind], media.timestamp_ms, body)

    def _look(self, body: bytes) -> None:
        tag = flv.parse_video(body)
        if isinstance(tag, flv.VideoTag) and tag.kind == "frame" and tag.keyframe and tag.codec == "h264":
            number = pps_id(tag.payload)
            if number is not None:
                self.picture = "filler" if number else "live"

    def _write(self, type_id: int, timestamp_ms: int, body: bytes) -> None:
        if self._file is None or self._written > MAX_FILE:
            return  # a demo left alone over night must not fill the disk
        time = (timestamp_ms & 0xFFFFFF).to_bytes(3, "big") + bytes((timestamp_ms >> 24 & 0xFF,))
        head = bytes((type_id,)) + len(body).to_bytes(3, "big") + time + b"\0\0\0"
        self._written += self._file.write(head + body + (len(body) + 11).to_bytes(4, "big"))


def pps_id(payload: bytes) -> int | None:
    """Return the picture parameter set the first H.264 slice of a packet uses (H.264 7.3.3); None: no slice.

    The demo's feed uses 0, filler conformed to it another: this is how a cut can be seen without decoding.
    """
    try:
        for nal in iter_nals(payload):
            if nal[0] & 31 in (1, 5):
                bits = "".join(f"{byte:08b}" for byte in unescape(nal[1:24]))
                position = 0
                value = 0
                for _ in range(3):  # first_mb_in_slice, slice_type, pic_parameter_set_id: each ue(v)
                    zeros = bits.index("1", position) - position
                    position += 2 * zeros + 1
                    value = int(bits[position - zeros - 1 : position], 2) - 1
                return value
    except (MediaError, ValueError, IndexError):
        return None
    return None
