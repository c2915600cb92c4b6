"""RTMP publishing client: media and received bytes in, events and bytes to send out. Pure.

It sends the commands of OBS and FMLE in the same order, because platforms are tested with those: connect,
releaseStream, FCPublish, createStream, publish, media, FCUnpublish, deleteStream.
"""

from enum import Enum, auto
from typing import TypeAlias

import msgspec

from streamgate.core.bucket import TokenBucket
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0, chunk, flv
from streamgate.rtmp.chunk import ChunkReader, ChunkWriter, Limits, Message, Type
from streamgate.rtmp.handshake import ClientHandshake
from streamgate.rtmp.url import Target

FLASH_VER = "FMLE/3.0 (compatible; streamgate)"
OUT_CHUNK_SIZE = 60_000
"""So large that most frames fit into one chunk: no splitting here, no reassembly at the server."""
WINDOW = 2_500_000
HEARD_BYTES_PER_S, HEARD_BYTES = 16 * 1024, 32 * 1024
HEARD_CHUNKS_PER_S, HEARD_CHUNKS = 200, 2000
"""Limits of what a server sends: rate per second, and burst. The dialogue takes some 5 KB and 600 chunks as
ChunkReader counts them, a broadcast then some hundred bytes a minute. Decoding 32 KB takes 8 ms at worst."""

_CONTROL, _COMMAND, _AUDIO, _DATA, _VIDEO = 2, 3, 4, 5, 6  # chunk streams
_CHUNK_STREAM = {Kind.AUDIO: _AUDIO, Kind.VIDEO: _VIDEO, Kind.DATA: _DATA}
_TYPE = {Kind.AUDIO: Type.AUDIO, Kind.VIDEO: Type.VIDEO, Kind.DATA: Type.DATA}
_LEGACY_VIDEO = "h264"
_LEGACY_AUDIO = ("aac", "mp3")


class Publishing(msgspec.Struct, frozen=True):
    """The server accepted the publish: media may be sent from now on."""


class Refused(msgspec.Struct, frozen=True):
    """The server refused the publish. `description`: the server's text, without the stream key."""

    code: str
    description: str


class Closed(msgspec.Struct, frozen=True):
    """The server ended the stream. `description`: the server's text, without the stream key."""

    code: str
    description: str


Event: TypeAlias = Publishing | Refused | Closed


class _Phase(Enum):
    CONNECTING = auto()  # handshake and commands
    PUBLISHING = auto()
    CLOSED = auto()


class ClientSession:
    """Session that publishes to one target. The caller sends data_to_send() at first and after every call.

    `feed` (optional): the format that will be sent; connect announces its enhanced RTMP codecs.
    Timestamps of send_* are any integers in milliseconds; `origin_ms` is subtracted before sending.
    """

    def __init__(self, target: Target, feed: FeedFormat | None = None) -> None:
        self.origin_ms = 0
        self._target = target
        self._feed = feed or FeedFormat()
        self._handshake = ClientHandshake()
        self._reader = ChunkReader(Limits(message=256 * 1024, pending=1024 * 1024))
        self._writer = ChunkWriter()
        self._out: list[bytes] = [self._handshake.data_to_send()]
        self._phase = _Phase.CONNECTING
        self._calls: dict[float, str] = {}
        self._number = 0
        self._stream_id = 0
        self._ack_window = WINDOW
        self._acked = 0
        self._byte_bucket: TokenBucket | None = None
        self._chunk_bucket: TokenBucket | None = None

    @property
    def publishing(self) -> bool:
        return self._phase is _Phase.PUBLISHING

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, and clear them."""
        out = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out.clear()
        return out

    def receive(self, data: bytes, now_us: int | None = None) -> list[Event]:
        """Parse bytes from the server. Raises only ProtocolError: the server broke the protocol or a limit.

        `now_us`: when they arrived; None (our own server): the amount is not limited.
        """
        events: list[Event] = []
        max_chunks = chunk.UNLIMITED if now_us is None else self._allow(len(data), now_us)
        if not self._handshake.done:
            rest = self._handshake.receive(data)
            self._out.append(self._handshake.data_to_send())
            if rest is None:
                return events
            data = rest
            self._connect()
        reader = self._reader
        before = reader.chunks
        messages = reader.receive(data, max_chunks)
        if reader.backlog:
            raise ProtocolError(
                f"it floods: more than {HEARD_CHUNKS_PER_S} chunks a second and {HEARD_CHUNKS} at once"
            )
        if now_us is not None and self._chunk_bucket is not None:
            self._chunk_bucket.charge(reader.chunks - before, now_us)
        for message in messages:
            self._message(message, events)
        if reader.bytes_received - self._acked >= self._ack_window // 2:
            self._acked = reader.bytes_received
            self._control(Type.ACK, (self._acked & chunk.MASK).to_bytes(4, "big"))
        return events

    def _allow(self, size: int, now_us: int) -> int:
        """Count `size` received bytes; return how many chunks may be read. ProtocolError: too many bytes."""
        if self._byte_bucket is None or self._chunk_bucket is None:
            self._byte_bucket = TokenBucket(HEARD_BYTES_PER_S, HEARD_BYTES, now_us)
            self._chunk_bucket = TokenBucket(HEARD_CHUNKS_PER_S, HEARD_CHUNKS, now_us)
        if not self._byte_bucket.try_take(size, now_us):
            raise ProtocolError(
                f"it floods: more than {HEARD_BYTES_PER_S} bytes a second and {HEARD_BYTES} at once"
            )
        return max(0, int(self._chunk_bucket.level(now_us)))

    # ------------------------------------------------------------ media

    def send_body(self, kind: Kind, dts_ms: int, body: bytes) -> None:
        """Send a message body made by `flv`; the same bytes may go to many sessions."""
        self._out.append(
            self._writer.message(
                _CHUNK_STREAM[kind], _TYPE[kind], dts_ms - self.origin_ms, self._stream_id, body
            )
        )

    def send_packet(self, packet: Packet, feed: FeedFormat) -> None:
        """Send one packet of `feed`. A packet whose track `feed` lacks is not sent."""
        body = flv.packet_body(packet, feed)
        if body:
            self.send_body(packet.kind, packet.dts, body)

    def send_metadata(self, feed: FeedFormat, dts_ms: int) -> None:
        self.send_body(Kind.DATA, dts_ms, flv.metadata_body(feed))

    def send_header(self, feed: FeedFormat, dts_ms: int, before: FeedFormat | None = None) -> None:
        """Send the codec configurations of `feed`: those that differ from `before`, or all."""
        if feed.video is not None and (before is None or before.video != feed.video):
            body = flv.video_config_body(feed.video)
            if body:
                self.send_body(Kind.VIDEO, dts_ms, body)
        if feed.audio is not None and (before is None or before.audio != feed.audio):
            body = flv.audio_config_body(feed.audio)
            if body:
                self.send_body(Kind.AUDIO, dts_ms, body)

    def close(self) -> None:
        """Send FCUnpublish and deleteStream, then nothing more. The caller then closes the connection."""
        if self._phase is _Phase.PUBLISHING:
            self._call("FCUnpublish", None, self._target.key)
            self._call("deleteStream", None, self._stream_id)
        self._phase = _Phase.CLOSED

    # ------------------------------------------------------------ dialogue

    def _connect(self) -> None:
        target = self._target
        self._out.append(self._writer.set_chunk_size(OUT_CHUNK_SIZE))
        members: dict[str, amf0.Value] = {
            "app": target.app,
            "type": "nonprivate",
            "flashVer": FLASH_VER,
            "swfUrl": target.tc_url,
            "tcUrl": target.tc_url,
        }
        four_ccs = []
        video, audio = self._feed.video, self._feed.audio
        if video is not None and video.codec != _LEGACY_VIDEO:
            four_ccs.append(flv.video_fourcc(video.codec))
        if audio is not None and audio.codec not in _LEGACY_AUDIO:
            four_ccs.append(flv.audio_fourcc(audio.codec))
        if four_ccs:
            members["fourCcList"] = [code.decode("latin-1") for code in four_ccs]
        self._call("connect", members)

    def _message(self, message: Message, events: list[Event]) -> None:
        type_id, body = message.type_id, message.body
        if type_id == Type.COMMAND:
            self._command(body, events)
        elif type_id == Type.COMMAND_AMF3:
            self._command(body[1:], events)
        elif type_id == Type.USER_CONTROL:
            if body[:2] == b"\x00\x06":  # Ping Request
                self._control(Type.USER_CONTROL, b"\x00\x07" + body[2:6])
        elif type_id == Type.WINDOW_ACK_SIZE:
            self._ack_window = max(1024, min(int.from_bytes(body[:4], "big"), 0x7FFFFFFF))
        elif type_id == Type.SET_PEER_BANDWIDTH:
            self._control(Type.WINDOW_ACK_SIZE, body[:4].rjust(4, b"\x00"))

    def _command(self, body: bytes, events: list[Event]) -> None:
        values = amf0.decode(body)
        name = values[0] if values else None
        number = values[1] if len(values) > 1 and isinstance(values[1], float) else 0.0
        arguments = values[2:]
        if self._phase is _Phase.CLOSED:
            return
        if name in ("_result", "_error"):
            call = self._calls.pop(number, "")
            if name == "_result":
                self._result(call, arguments, events)
            elif call in ("connect", "createStream", "publish"):
                # The other commands are optional: many servers do not support them.
                code, _, description = _information(arguments)
                self._phase = _Phase.CLOSED
                events.append(self._make_ending(Refused, code or f"{call} refused", description))
        elif name == "onStatus":
            self._status(arguments, events)
        elif name == "close":
            self._phase = _Phase.CLOSED
            events.append(Closed("close", ""))

    def _result(self, call: str, arguments: list[amf0.Value], events: list[Event]) -> None:
        if call == "connect":
            self._call("releaseStream", None, self._target.key)
            self._call("FCPublish", None, self._target.key)
            self._call("createStream", None)
        elif call == "createStream":
            number = arguments[1] if len(arguments) > 1 else None
            if not isinstance(number, float) or not 0 <= number <= chunk.MASK:
                self._phase = _Phase.CLOSED
                events.append(Refused("createStream", "the server gave no stream number"))
                return
            self._stream_id = int(number)
            self._call("publish", None, self._target.key, "live", stream_id=self._stream_id)

    def _status(self, arguments: list[amf0.Value], events: list[Event]) -> None:
        code, level, description = _information(arguments)
        if code == "NetStream.Publish.Start":
            if self._phase is _Phase.CONNECTING:
                self._phase = _Phase.PUBLISHING
                events.append(Publishing())
        elif level == "error" or code in _ENDINGS:
            refused = self._phase is _Phase.CONNECTING or code in _REFUSALS
            self._phase = _Phase.CLOSED
            events.append(self._make_ending(Refused if refused else Closed, code, description))

    def _make_ending(
        self, kind: type[Refused] | type[Closed], code: str, description: str
    ) -> Refused | Closed:
        return kind(self._without_key(code), self._without_key(description))

    def _without_key(self, text: str) -> str:
        key = self._target.key
        for secret in (key, key.partition("?")[0], key.partition("?")[2]):
            if secret:
                text = text.replace(secret, "***")
        return "".join(character if character.isprintable() else " " for character in text[:300])

    # ------------------------------------------------------------ writing

    def _call(self, name: str, *arguments: amf0.Value, stream_id: int = 0) -> None:
        self._number += 1
        self._calls[float(self._number)] = name
        body = amf0.encode(name, self._number, *arguments)
        self._out.append(self._writer.message(_COMMAND, Type.COMMAND, 0, stream_id, body))

    def _control(self, type_id: int, body: bytes) -> None:
        self._out.append(self._writer.message(_CONTROL, type_id, 0, 0, body))


_REFUSALS = frozenset(("NetStream.Publish.BadName", "NetStream.Publish.Rejected", "NetStream.Publish.Denied"))
_ENDINGS = frozenset(
    ("NetStream.Unpublish.Success", "NetConnection.Connect.Closed", "NetConnection.Connect.Rejected")
)


def _information(arguments: list[amf0.Value]) -> tuple[str, str, str]:
    """Return (code, level, description) of the information object; missing texts are empty."""
    found = next((argument for argument in arguments if isinstance(argument, dict)), {})
    code, level, description = (found.get(name) for name in ("code", "level", "description"))
    return (
        code if isinstance(code, str) else "",
        level if isinstance(level, str) else "",
        description if isinstance(description, str) else "",
    )
