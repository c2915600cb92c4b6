"""The media link between processes: length-prefixed binary frames over a unix stream socket. Pure.

A frame is `u32 length | u8 type | body`, length counting type and body, big-endian.
Type 1 is a JSON message (see `streamgate.link.messages`), type 2 a packet:
`u32 stream | u8 kind | u8 flags | i64 dts | i64 pts | data`, flag 1 = keyframe. `stream` is the number under
which the sender announced the packet's stream.
"""

import struct
from collections.abc import Iterator

from streamgate.core.packet import Kind, Packet
from streamgate.errors import ProtocolError

JSON = 1
PACKET = 2
MAX_FRAME = 32 * 1024 * 1024
_HEAD = struct.Struct("!IB")
_PACKET = struct.Struct("!IBIBBqq")
_PACKET_BODY = struct.Struct("!IBBqq")
_KINDS = tuple(Kind)


def encode_json(body: bytes) -> bytes:
    return _HEAD.pack(len(body) + 1, JSON) + body


def encode_packet_head(stream: int, packet: Packet) -> bytes:
    """Return the bytes that go before `packet.data` (so that the payload need not be copied)."""
    return _PACKET.pack(
        1 + _PACKET_BODY.size + len(packet.data),
        PACKET,
        stream,
        packet.kind,
        packet.keyframe,
        packet.dts,
        packet.pts,
    )


class FrameReader:
    """Splits a byte stream into frames.

    Raises ProtocolError on a frame that is empty, longer than MAX_FRAME, or of an unknown type.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes | tuple[int, Packet]]:
        """Yield a JSON body as bytes, a packet as (stream, packet)."""
        buffer = self._buffer
        buffer += data
        position = 0
        size = len(buffer)
        view = memoryview(buffer)
        try:
            while size - position >= 5:
                length, kind = _HEAD.unpack_from(buffer, position)
                if not 1 <= length <= MAX_FRAME:
                    raise ProtocolError(f"a link frame of {length} bytes; allowed are 1 to {MAX_FRAME}")
                end = position + 4 + length
                if end > size:
                    break
                if kind == PACKET:
                    stream, media, flags, dts, pts = _PACKET_BODY.unpack_from(buffer, position + 5)
                    data_start = position + 5 + _PACKET_BODY.size
                    yield (
                        stream,
                        Packet(_KINDS[media], dts, pts, bool(flags & 1), bytes(view[data_start:end])),
                    )
                elif kind == JSON:
                    yield bytes(view[position + 5 : end])
                else:
                    raise ProtocolError(f"a link frame of unknown type {kind}")
                position = end
        finally:
            view.release()
            del buffer[:position]
