"""RTMP chunk stream: reader (bytes to messages) and writer (messages to chunks). Pure.

Source: "Adobe's Real Time Messaging Protocol" 1.0, section 5.3.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NoReturn

import msgspec

from streamgate.errors import ProtocolError

DEFAULT_CHUNK_SIZE = 128
MAX_CHUNK_SIZE = 0xFFFFFF
MAX_CHUNK_STREAMS = 64
MASK = 0xFFFFFFFF
MAX_AGGREGATED = 256
"""Messages in one aggregate message: so many hold seconds of audio and video."""
AMF_CHUNKS = 64
"""A command or script data message counts as so many chunks: decoding it may take milliseconds."""
EXTENDED = 0xFFFFFF
"""In a header's 24-bit timestamp field: the 32-bit timestamp follows the header."""

_HEADER_SIZE = (11, 7, 3, 0)
_CONTINUES = 0xC1
"""A first byte above it is a complete type 3 header (5.3.1.1, 5.3.1.2.4)."""
UNLIMITED = (1 << 30) - 1  # the largest int that CPython stores in one digit


class Type(IntEnum):
    """Message types (sections 5.4, 6 and 7.1)."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACK = 3
    USER_CONTROL = 4
    WINDOW_ACK_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA = 18
    COMMAND = 20
    AGGREGATE = 22


_AMF = frozenset(map(int, (Type.DATA, Type.DATA_AMF3, Type.COMMAND, Type.COMMAND_AMF3)))
_SET_CHUNK_SIZE, _ABORT, _AGGREGATE = int(Type.SET_CHUNK_SIZE), int(Type.ABORT), int(Type.AGGREGATE)


class Message(msgspec.Struct, frozen=True, gc=False):
    """One RTMP message. `timestamp` in milliseconds modulo 2^32."""

    type_id: int
    timestamp: int
    stream_id: int
    body: bytes


class Limits(msgspec.Struct, frozen=True):
    """Limits of a peer in bytes. `message`: of one (`by_type` overrides it); `pending`: of all unfinished."""

    message: int
    pending: int
    by_type: Mapping[int, int] = {}


BEFORE_PUBLISH = Limits(message=16 * 1024, pending=128 * 1024)
WHILE_PUBLISHING = Limits(
    message=64 * 1024,
    pending=24 * 1024 * 1024,
    by_type={
        Type.VIDEO: 16 * 1024 * 1024,
        Type.AGGREGATE: 16 * 1024 * 1024,
        Type.AUDIO: 1024 * 1024,
        Type.DATA: 1024 * 1024,
        Type.DATA_AMF3: 1024 * 1024,
    },
)


class _ChunkStream:
    """State of one chunk stream: its last header and the message under assembly."""

    __slots__ = ("delta", "extended", "left", "length", "payload", "stream_id", "timestamp", "type_id")

    def __init__(self) -> None:
        self.timestamp = 0
        self.delta = 0
        self.extended = b""  # the four bytes of the extended timestamp, when the last header had one
        self.length = 0
        self.type_id = 0
        self.stream_id = 0
        self.left = 0  # bytes of the message still to come
        self.payload = bytearray()


class ChunkReader:
    """Chunk stream parser: bytes in, messages out. It handles Set Chunk Size, Abort and aggregates itself.

    A chunk costs about a microsecond whatever its size, and a peer may send one per byte. So a caller that
    serves several peers limits the chunks of one call and calls again for the rest.

    `bytes_received`: all bytes passed in. `backlog`: those not parsed yet because of the limit.
    `chunks`, `messages`: parsed so far; chunks as they count for the limit, messages with those not returned.
    Raises ProtocolError when a limit is exceeded or a header is invalid. The messages before it in the same
    call are lost; the connection ends anyway.
    """

    def __init__(self, limits: Limits = BEFORE_PUBLISH) -> None:
        self.limits = limits
        self.bytes_received = 0
        self.chunks = 0
        self.messages = 0
        self.backlog = 0
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _ChunkStream] = {}
        self._rest = b""  # not parsed yet: the start of a header, at most 18 bytes, or the backlog
        self._position = 0  # where the backlog starts in `_rest`
        self._current: _ChunkStream | None = None
        self._need = 0  # bytes of the current chunk still to come
        self._pending = 0  # bytes held in unfinished messages

    @property
    def lacking(self) -> int:
        """Least number of bytes until an unfinished message is complete; 0 when none is unfinished."""
        least = 0
        for stream in self._streams.values():
            if stream.left and not 0 < least <= stream.left:
                least = stream.left
        return max(1, least - len(self._rest)) if least else 0

    def receive(  # noqa: PLR0912, PLR0915 (runs per chunk)
        self, data: bytes, max_chunks: int = UNLIMITED
    ) -> list[Message]:
        """Parse bytes; return the messages they complete. Payload is copied twice, whatever the chunk size.

        After `max_chunks` chunks the rest is kept as backlog: call again with empty `data`. Each message of
        an aggregate counts as one more chunk, a command or script data message as AMF_CHUNKS more.
        """
        size = len(data)
        self.bytes_received += size
        stream = self._current
        if stream is not None and size < self._need:  # only payload of the current chunk
            stream.payload += data
            stream.left -= size
            self._need -= size
            self._pending += size
            if self._pending > self.limits.pending:
                self._refuse_pending()
            return []
        position = 0
        if self._rest:
            if data:
                data = self._rest[self._position :] + data
            else:
                data, position = self._rest, self._position
            self._rest = b""
            self._position = self.backlog = 0
            size = len(data)
        messages: list[Message] = []
        left = max_chunks
        with memoryview(data) as view:
            while True:
                stream = self._current
                if stream is None:
                    if left <= 0:
                        self._rest, self._position, self.backlog = data, position, size - position
                        break
                    left -= 1
                    if (
                        position < size
                        and data[position] > _CONTINUES
                        and (stream := self._streams.get(data[position] & 63)) is not None
                        and stream.left
                        and not stream.extended
                    ):  # most chunks: a header of one byte, then the next piece of a message
                        position += 1
                        self._current = stream
                        self._need = min(self._chunk_size, stream.left)
                    else:
                        header_end = self._header(data, position, size)
                        if header_end < 0:
                            self._rest = data[position:]
                            left += 1
                            break
                        position = header_end
                        stream = self._current
                        assert stream is not None
                take = min(self._need, size - position)
                end = position + take
                if take == stream.length:  # the whole message in one piece
                    self._current = None
                    stream.left = 0
                    left -= self._finish(stream, data[position:end], messages)
                else:
                    stream.payload += view[position:end]
                    stream.left -= take
                    self._need -= take
                    self._pending += take
                    if self._need == 0:
                        self._current = None
                    if stream.left == 0:
                        self._pending -= stream.length
                        body = bytes(stream.payload)
                        stream.payload = bytearray()
                        left -= self._finish(stream, body, messages)
                    elif self._pending > self.limits.pending:
                        self._refuse_pending()
                position = end
                if position == size and self._current is not None:
                    break
        self.chunks += max_chunks - left
        self.messages += len(messages)
        return messages

    def _refuse_pending(self) -> NoReturn:
        raise ProtocolError(f"more than {self.limits.pending} bytes of unfinished RTMP messages")

    def _header(self, data: bytes, position: int, size: int) -> int:  # noqa: C901, PLR0912 (runs per chunk)
        """Parse a header; make its chunk stream current. Return where the payload starts; -1: incomplete."""
        if position >= size:
            return -1
        form = data[position] >> 6
        number = data[position] & 63
        position += 1
        if number < 2:  # numbers from 64 on take one or two more bytes
            extra = number + 1
            if position + extra > size:
                return -1
            number = 64 + int.from_bytes(data[position : position + extra], "little")
            position += extra
        stream = self._streams.get(number)
        if form == 3:
            if stream is None:
                raise ProtocolError(f"chunk stream {number} starts without a header")
            if stream.extended:
                # The standard repeats the extended timestamp here, old OBS does not: compare the bytes.
                seen = data[position : position + 4]
                if seen == stream.extended:
                    position += 4
                elif len(seen) < 4 and stream.extended.startswith(seen):
                    return -1
            if stream.left == 0:
                stream.timestamp = (stream.timestamp + stream.delta) & MASK
                self._begin(stream)
        else:
            end = position + _HEADER_SIZE[form]
            if end > size:
                return -1
            extended = b""
            time = int.from_bytes(data[position : position + 3], "big")
            if time == EXTENDED:
                extended = data[end : end + 4]
                if len(extended) < 4:
                    return -1
                time = int.from_bytes(extended, "big")
                end += 4
            if stream is None:
                stream = self._new_stream(number, form)
            elif stream.left:
                raise ProtocolError(f"a new header inside a message on chunk stream {number}")
            stream.extended = extended
            # A type 3 chunk that starts a message adds the last time again, even an absolute one (5.3.1.2.4).
            stream.delta = time
            stream.timestamp = time if form == 0 else (stream.timestamp + time) & MASK
            if form < 2:
                stream.length = int.from_bytes(data[position + 3 : position + 6], "big")
                stream.type_id = data[position + 6]
                if form == 0:
                    stream.stream_id = int.from_bytes(data[position + 7 : position + 11], "little")
            self._begin(stream)
            position = end
        self._current = stream
        self._need = min(self._chunk_size, stream.left)
        return position

    def _new_stream(self, number: int, form: int) -> _ChunkStream:
        if form == 2:
            raise ProtocolError(f"chunk stream {number} starts without a full header")
        if len(self._streams) >= MAX_CHUNK_STREAMS:
            raise ProtocolError(f"more than {MAX_CHUNK_STREAMS} RTMP chunk streams")
        # A chunk stream may start with type 1: librtmp starts its control stream that way.
        stream = self._streams[number] = _ChunkStream()
        return stream

    def _begin(self, stream: _ChunkStream) -> None:
        allowed = self.limits.by_type.get(stream.type_id, self.limits.message)
        if stream.length > allowed:
            raise ProtocolError(
                f"an RTMP message of type {stream.type_id}: {stream.length} bytes; allowed are {allowed} now"
            )
        stream.left = stream.length

    def _finish(self, stream: _ChunkStream, body: bytes, messages: list[Message]) -> int:
        """Add the message to `messages` or handle it here. Return how many more chunks it counts as."""
        type_id = stream.type_id
        if type_id not in (_SET_CHUNK_SIZE, _ABORT, _AGGREGATE):
            messages.append(Message(type_id, stream.timestamp, stream.stream_id, body))
            return AMF_CHUNKS if type_id in _AMF else 0
        if type_id == _AGGREGATE:
            parts = split_aggregate(Message(type_id, stream.timestamp, stream.stream_id, body))
            messages += parts
            self.messages += not parts
            return len(parts)
        if len(body) < 4:
            raise ProtocolError(f"an RTMP control message of type {type_id} that is cut short")
        self.messages += 1
        if type_id == _SET_CHUNK_SIZE:
            chunk_size = int.from_bytes(body[:4], "big")
            if not 1 <= chunk_size <= 0x7FFFFFFF:
                raise ProtocolError(f"an RTMP chunk size of {chunk_size}; allowed are 1 to 2147483647")
            self._chunk_size = min(chunk_size, MAX_CHUNK_SIZE)
        else:
            self._abort(int.from_bytes(body[:4], "big"))
        return 0

    def _abort(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is not None and stream.left:
            self._pending -= len(stream.payload)
            stream.payload = bytearray()
            stream.left = 0


def split_aggregate(message: Message) -> list[Message]:
    """Return the messages of an aggregate message (section 7.1.6), with times shifted to its timestamp.

    Raises ProtocolError when it is cut short or nested, or holds more than MAX_AGGREGATED.
    """
    body = message.body
    parts: list[Message] = []
    position = 0
    first_time = None
    while position < len(body):
        head = body[position : position + 11]
        if len(head) < 11:
            raise ProtocolError("an RTMP aggregate message that is cut short")
        end = position + 11 + int.from_bytes(head[1:4], "big")
        if end > len(body):
            raise ProtocolError("an RTMP aggregate message that is cut short")
        if head[0] not in (Type.AUDIO, Type.VIDEO, Type.DATA, Type.DATA_AMF3):
            raise ProtocolError(
                f"an RTMP aggregate message holding type {head[0]}; allowed are audio, video and data"
            )
        if len(parts) == MAX_AGGREGATED:
            raise ProtocolError(f"an RTMP aggregate message of more than {MAX_AGGREGATED} messages")
        time = int.from_bytes(head[4:7], "big") | head[7] << 24
        if first_time is None:
            first_time = time
        timestamp = (message.timestamp + time - first_time) & MASK
        parts.append(Message(head[0], timestamp, message.stream_id, body[position + 11 : end]))
        position = end + 4  # the back pointer; the last one may be missing
    return parts


class ChunkWriter:
    """Chunk stream writer: splits messages into chunks.

    The first message of a chunk stream has a full header, and so has one whose timestamp goes back; all
    others have time deltas. In practice no delta needs an extended timestamp, which receivers parse in
    different ways.
    """

    def __init__(self) -> None:
        self.chunk_size = DEFAULT_CHUNK_SIZE
        self._last: dict[int, tuple[int, int]] = {}  # chunk stream -> (message stream id, timestamp)

    def message(self, chunk_stream: int, type_id: int, timestamp: int, stream_id: int, body: bytes) -> bytes:
        """Return a message as chunks. `chunk_stream`: 2 to 63; `timestamp`: any integer, sent modulo 2^32."""
        timestamp &= MASK
        last_id, last_time = self._last.get(chunk_stream, (None, 0))
        self._last[chunk_stream] = stream_id, timestamp
        delta = (timestamp - last_time) & MASK
        full = last_id != stream_id or delta > 0x7FFFFFFF
        time = timestamp if full else delta
        extended = time.to_bytes(4, "big") if time >= EXTENDED else b""
        head = b"%c%b%b%c%b%b" % (
            chunk_stream if full else chunk_stream | 0x40,
            min(time, EXTENDED).to_bytes(3, "big"),
            len(body).to_bytes(3, "big"),
            type_id,
            stream_id.to_bytes(4, "little") if full else b"",
            extended,
        )
        size = self.chunk_size
        if len(body) <= size:
            return head + body
        again = bytes((chunk_stream | 0xC0,)) + extended
        with memoryview(body) as view:
            parts: list[bytes | memoryview] = [head, view[:size]]
            for start in range(size, len(body), size):
                parts.append(again)
                parts.append(view[start : start + size])
            return b"".join(parts)

    def set_chunk_size(self, size: int) -> bytes:
        """Return a Set Chunk Size message; use `size` from the next message on."""
        announcement = self.message(2, Type.SET_CHUNK_SIZE, 0, 0, size.to_bytes(4, "big"))
        self.chunk_size = size
        return announcement
