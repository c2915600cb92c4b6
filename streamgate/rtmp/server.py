"""RTMP server session: received bytes in, events and bytes to send out. Pure.

The dialogue is that of OBS (librtmp), ffmpeg and GStreamer: connect, releaseStream, FCPublish, createStream,
publish, media, FCUnpublish, deleteStream. The answers are those that these clients wait for and that
nginx-rtmp and Adobe's server send.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Literal, TypeAlias

import msgspec

from streamgate.core.packet import Kind
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0, chunk, flv
from streamgate.rtmp.chunk import ChunkReader, ChunkWriter, Message, Type
from streamgate.rtmp.handshake import ServerHandshake

WINDOW = 2_500_000
"""Acknowledgement window of both sides in bytes, as Adobe's server sets it."""
OUT_CHUNK_SIZE = 4096
MAX_TEXT = 2048
MAX_STREAMS = 16
MAX_QUIET_BYTES = 64 * 1024
MAX_QUIET_MESSAGES = 256
"""Total that a client may send while it does not publish: the dialogue takes some 1 KB and 10 messages."""
MAX_UNSENT = 256 * 1024
"""Answers not sent yet, in bytes: a peer that sends requests and never reads is disconnected."""

RefusalCode: TypeAlias = Literal[
    "NetStream.Publish.BadName", "NetStream.Publish.Rejected", "NetStream.Publish.Denied"
]
"""With each of them OBS shows a dialog and does not retry; ffmpeg prints the description and exits."""


class Connected(msgspec.Struct, frozen=True):
    """The client connected to `app`. `four_ccs`: enhanced RTMP codecs it announced.

    `app` and `tc_url` may hold the stream key (`rtmp://host/key`): never log them.
    """

    app: str
    tc_url: str
    flash_ver: str
    encoder: str
    four_ccs: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Connected(encoder={self.encoder!r})"


class PublishRequested(msgspec.Struct, frozen=True):
    """The client sent publish; answer with accept_publish() or refuse_publish().

    `key`: verbatim, with any `?query`; for `rtmp://host/key` the last part of the app. Empty: none was sent.
    """

    app: str
    key: str
    publish_type: str

    def __repr__(self) -> str:
        return "PublishRequested(***)"


class Media(msgspec.Struct, frozen=True, gc=False):
    """A media message of an accepted publish. `timestamp_ms`: as sent, modulo 2^32. `body`: see `flv`."""

    kind: Kind
    timestamp_ms: int
    body: bytes


class Unpublished(msgspec.Struct, frozen=True):
    """The client ended its stream: FCUnpublish, closeStream or deleteStream, whichever came first."""


class PlayRequested(msgspec.Struct, frozen=True):
    """The client sent play. The session has refused it already and is `closing`."""


Event: TypeAlias = Connected | PublishRequested | Media | Unpublished | PlayRequested


class _Phase(Enum):
    NEW = auto()  # before connect
    CONNECTED = auto()
    REQUESTED = auto()  # publish came and is not answered yet
    PUBLISHING = auto()
    CLOSING = auto()


_KINDS: Mapping[int, Kind] = {
    Type.AUDIO: Kind.AUDIO,
    Type.VIDEO: Kind.VIDEO,
    Type.DATA: Kind.DATA,
    Type.DATA_AMF3: Kind.DATA,
}


class ServerSession:
    """Session of one client. The caller passes bytes to receive(), acts on the events, sends data_to_send().

    A caller that serves several clients limits receive() and calls it again, with no bytes, while `backlog`.
    `closing`: the session is over; send the remaining bytes, then close.
    """

    def __init__(self) -> None:
        self._handshake = ServerHandshake()
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._out = bytearray()
        self._phase = _Phase.NEW
        self._quiet_bytes = 0  # received while it did not publish
        self._quiet_messages = 0
        self._media = 0
        self._app = ""
        self._stream_id = 0  # the message stream that publishes
        self._streams = 0
        self._ack_window = WINDOW
        self._acked = 0

    @property
    def closing(self) -> bool:
        return self._phase is _Phase.CLOSING

    @property
    def handshaken(self) -> bool:
        return self._handshake.done

    @property
    def deciding(self) -> bool:
        """Whether a publish command waits for the caller's answer."""
        return self._phase is _Phase.REQUESTED

    @property
    def backlog(self) -> int:
        """Bytes that receive() has not parsed yet because of its limit."""
        return self._reader.backlog

    @property
    def chunks(self) -> int:
        """Chunks parsed so far: the cost of parsing."""
        return self._reader.chunks

    @property
    def media(self) -> int:
        """Media messages of accepted publishes so far."""
        return self._media

    @property
    def others(self) -> int:
        """All other messages so far: acknowledgements, pings, chunk sizes, commands."""
        return self._reader.messages - self._media

    @property
    def bytes_received(self) -> int:
        """Bytes since the handshake."""
        return self._reader.bytes_received

    @property
    def lacking(self) -> int:
        """Least number of bytes until an unfinished message is complete; 0 when none is unfinished."""
        return self._reader.lacking

    def data_to_send(self) -> bytes:
        """Return the bytes to send now, and clear them."""
        if not self._out:
            return b""
        out = bytes(self._out)
        self._out.clear()
        return out

    def receive(self, data: bytes, max_chunks: int = chunk.UNLIMITED) -> list[Event]:
        """Parse bytes from the client. Raises only ProtocolError: the client broke the protocol or a limit.

        Args:
            data: received bytes; empty to continue with the backlog.
            max_chunks: parse about so many chunks and keep the rest (see ChunkReader.receive).
        """
        events: list[Event] = []
        if self._phase is _Phase.CLOSING:
            return events
        if not self._handshake.done:
            rest = self._handshake.receive(data)
            self._out += self._handshake.data_to_send()
            if rest is None:
                return events
            data = rest
        reader = self._reader
        if self._phase is _Phase.PUBLISHING:
            self._take(reader.receive(data, max_chunks), events)
        else:
            messages, read = reader.messages, reader.bytes_received - reader.backlog
            self._take(reader.receive(data, max_chunks), events)
            self._quiet_messages += reader.messages - messages
            self._quiet_bytes += reader.bytes_received - reader.backlog - read
            self._check_quiet()
        if reader.bytes_received - self._acked >= self._ack_window // 2:
            self._acked = reader.bytes_received
            self._control(Type.ACK, (self._acked & chunk.MASK).to_bytes(4, "big"))
        if len(self._out) > MAX_UNSENT:
            raise ProtocolError(f"more than {MAX_UNSENT} bytes of RTMP answers asked for and not read")
        return events

    def _take(self, messages: list[chunk.Message], events: list[Event]) -> None:
        for message in messages:
            self._message(message, events)
            if self._phase is _Phase.CLOSING:
                break

    def _check_quiet(self) -> None:
        if self._quiet_messages > MAX_QUIET_MESSAGES:
            raise ProtocolError(f"more than {MAX_QUIET_MESSAGES} RTMP messages without publishing")
        if self._quiet_bytes > MAX_QUIET_BYTES:
            raise ProtocolError(f"more than {MAX_QUIET_BYTES} bytes of RTMP without publishing")

    # ------------------------------------------------------------ what the caller decides

    def accept_publish(self) -> None:
        """Accept the publish. Does nothing when the client has ended it meanwhile."""
        if self._phase is _Phase.REQUESTED:
            self._phase = _Phase.PUBLISHING
            self._reader.limits = chunk.WHILE_PUBLISHING
            self._control(Type.USER_CONTROL, b"\x00\x00" + self._stream_id.to_bytes(4, "big"))  # Stream Begin
            self._status(self._stream_id, "status", "NetStream.Publish.Start", "Publishing.")

    def refuse_publish(self, code: RefusalCode, description: str) -> None:
        """Refuse the publish, or end a running one, and close."""
        if self._phase in (_Phase.REQUESTED, _Phase.PUBLISHING):
            self._status(self._stream_id, "error", code, description)
            self._phase = _Phase.CLOSING

    # ------------------------------------------------------------ messages

    def _message(self, message: Message, events: list[Event]) -> None:
        type_id, body = message.type_id, message.body
        kind = _KINDS.get(type_id)
        if kind is not None:
            if self._phase is _Phase.PUBLISHING:
                self._media += 1
                if type_id == Type.DATA_AMF3:
                    body = body[1:]
                events.append(Media(kind, message.timestamp, body))
        elif type_id in (Type.COMMAND, Type.COMMAND_AMF3):
            self._command(message.stream_id, body[1:] if type_id == Type.COMMAND_AMF3 else body, events)
        elif type_id == Type.USER_CONTROL:
            if body[:2] == b"\x00\x06":  # Ping Request
                self._control(Type.USER_CONTROL, b"\x00\x07" + body[2:6])
        elif type_id == Type.WINDOW_ACK_SIZE:
            self._ack_window = max(1024, min(int.from_bytes(body[:4], "big"), 0x7FFFFFFF))

    def _command(self, stream_id: int, body: bytes, events: list[Event]) -> None:
        values = amf0.decode(body)
        name = values[0] if values else None
        if not isinstance(name, str):
            raise ProtocolError("an RTMP command without a name")
        number = values[1] if len(values) > 1 and isinstance(values[1], float) else 0.0
        arguments = values[2:]
        if name == "connect":
            self._connect(number, arguments, events)
        elif name in ("onStatus", "_result", "_error", "onBWDone"):
            pass
        elif self._phase is _Phase.NEW:
            raise ProtocolError("an RTMP command before connect")
        elif name == "createStream":
            self._streams += 1
            if self._streams > MAX_STREAMS:
                raise ProtocolError(f"more than {MAX_STREAMS} RTMP streams created")
            self._reply("_result", number, None, self._streams)
        elif name == "publish":
            self._publish(stream_id, arguments, events)
        elif name in ("play", "play2"):
            self._status(stream_id, "error", "NetStream.Play.StreamNotFound", "Nothing is played from here.")
            self._phase = _Phase.CLOSING
            events.append(PlayRequested())
        elif name in ("FCUnpublish", "closeStream", "deleteStream"):
            self._unpublish(name, number, events)
        else:
            self._reply_to_minor(name, number)

    def _connect(self, number: float, arguments: list[amf0.Value], events: list[Event]) -> None:
        if self._phase is not _Phase.NEW:
            raise ProtocolError("a second RTMP connect")
        members = arguments[0] if arguments and isinstance(arguments[0], dict) else {}
        app, flash_ver = _text(members.get("app")), _text(members.get("flashVer"))
        codecs = members.get("fourCcList")
        four_ccs = tuple(c for c in codecs if isinstance(c, str)) if isinstance(codecs, list) else ()
        self._phase = _Phase.CONNECTED
        self._app = app
        self._control(Type.WINDOW_ACK_SIZE, WINDOW.to_bytes(4, "big"))
        self._control(Type.SET_PEER_BANDWIDTH, WINDOW.to_bytes(4, "big") + b"\x02")
        self._out += self._writer.set_chunk_size(OUT_CHUNK_SIZE)
        properties: dict[str, amf0.Value] = {"fmsVer": "FMS/3,0,1,123", "capabilities": 31, "mode": 1}
        if codecs is not None or "capsEx" in members:
            # Enhanced RTMP v2: the codecs we accept (4: can forward). capsEx 0: one track of each kind.
            ours = [*flv.VIDEO_FOURCC.values(), *flv.AUDIO_FOURCC.values()]
            properties["fourCcList"] = [code.decode() for code in ours]
            properties["videoFourCcInfoMap"] = {code.decode(): 4 for code in flv.VIDEO_FOURCC.values()}
            properties["audioFourCcInfoMap"] = {code.decode(): 4 for code in flv.AUDIO_FOURCC.values()}
            properties["capsEx"] = 0
        information: dict[str, amf0.Value] = {
            "level": "status",
            "code": "NetConnection.Connect.Success",
            "description": "Connection succeeded.",
            "objectEncoding": 0,
        }
        self._reply("_result", number, properties, information)
        events.append(
            Connected(app, _text(members.get("tcUrl")), flash_ver, encoder_name(flash_ver), four_ccs)
        )

    def _publish(self, stream_id: int, arguments: list[amf0.Value], events: list[Event]) -> None:
        if self._phase is not _Phase.CONNECTED:
            raise ProtocolError("a second RTMP publish on one connection")
        key = _text(arguments[1]) if len(arguments) > 1 else ""
        publish_type = _text(arguments[2]) if len(arguments) > 2 else ""
        app = self._app
        if not key:  # rtmp://host/key: clients send the key as the app
            path, mark, query = app.partition("?")
            app, _, key = path.rstrip("/").rpartition("/")
            key += mark + query
        self._stream_id = stream_id
        self._phase = _Phase.REQUESTED
        events.append(PublishRequested(app, key, publish_type))

    def _unpublish(self, name: str, number: float, events: list[Event]) -> None:
        if name == "FCUnpublish":
            self._reply(
                "onFCUnpublish", 0.0, None, {"level": "status", "code": "NetStream.Unpublish.Success"}
            )
            self._reply("_result", number, None, None)
        if self._phase in (_Phase.REQUESTED, _Phase.PUBLISHING):
            self._phase = _Phase.CONNECTED
            if name != "deleteStream":  # which removed the stream that the status would go to
                self._status(self._stream_id, "status", "NetStream.Unpublish.Success", "Unpublished.")
            events.append(Unpublished())

    def _reply_to_minor(self, name: str, number: float) -> None:
        if name == "FCPublish":
            information = {"level": "status", "code": "NetStream.Publish.Start", "description": "FCPublish."}
            self._reply("onFCPublish", 0.0, None, information)
            self._reply("_result", number, None, None)
        elif name == "releaseStream":
            self._reply("_result", number, None, None)
        elif name in ("_checkbw", "checkBandwidth", "getStreamLength"):
            self._reply("_result", number, None, 0)
        elif number:
            information = {
                "level": "error",
                "code": "NetConnection.Call.Failed",
                "description": "Unknown method.",
            }
            self._reply("_error", number, None, information)

    # ------------------------------------------------------------ writing

    def _control(self, type_id: int, body: bytes) -> None:
        self._out += self._writer.message(2, type_id, 0, 0, body)

    def _reply(self, *values: amf0.Value) -> None:
        self._out += self._writer.message(3, Type.COMMAND, 0, 0, amf0.encode(*values))

    def _status(self, stream_id: int, level: str, code: str, description: str) -> None:
        information: dict[str, amf0.Value] = {"level": level, "code": code, "description": description}
        body = amf0.encode("onStatus", 0.0, None, information)
        self._out += self._writer.message(5, Type.COMMAND, 0, stream_id, body)


def encoder_name(flash_ver: str) -> str:
    """Guess the encoder from flashVer: "FMLE/3.0 (compatible; Lavf60.3.100)" gives "Lavf60.3.100".

    OBS sends "FMLE/3.0 (compatible; FMSc/1.0)" here, and its name in onMetaData's `encoder`.
    """
    _, found, rest = flash_ver.partition("(compatible;")
    return rest.strip().rstrip(")").strip() if found else flash_ver


def _text(value: amf0.Value) -> str:
    if not isinstance(value, str):
        return ""
    if len(value) > MAX_TEXT:
        raise ProtocolError(f"a text of {len(value)} characters in an RTMP command; allowed are {MAX_TEXT}")
    return value
