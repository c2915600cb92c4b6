"""Reads what one side of an RTMP connection sends, passively. Independent of streamgate's own protocol code.

Adobe's RTMP specification 1.0: handshake 5.2, chunks 5.3, message types 5.4 and 7.1; tags: FLV 10.1, annex E.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tools.timecode import payload_hash


@dataclass(frozen=True, slots=True)
class Message:
    """One RTMP message as it went by. `kind`: video, audio, video_header, audio_header, or the type's number.

    `first_s`, `last_s`: CLOCK_MONOTONIC when its first and its last byte had been read. `dts`: milliseconds.
    `digest`: of the codec's payload (media only).
    """

    kind: str
    dts: int
    pts: int
    keyframe: bool
    size: int
    digest: str
    first_s: float
    last_s: float


@dataclass(slots=True)
class _Stream:
    timestamp: int = 0
    delta: int = 0
    length: int = 0
    type: int = 0
    extended: bool = False
    body: bytearray | None = None
    first_s: float = 0.0


class Reader:
    """Feed it bytes with the time they were read at; it returns the messages they complete.

    `hash_picture`: makes a picture's digest from its payload.
    """

    HANDSHAKE = 1 + 1536 + 1536

    def __init__(self, hash_picture: Callable[[bytes], str] = payload_hash) -> None:
        self._hash_picture = hash_picture
        self._buffer = bytearray()
        self._handshake = self.HANDSHAKE
        self._chunk = 128
        self._streams: dict[int, _Stream] = {}
        self.key = ""  # the stream name of the publish command

    def feed(self, data: bytes, now_s: float) -> list[Message]:
        if self._handshake:
            taken = min(self._handshake, len(data))
            self._handshake -= taken
            data = data[taken:]
        self._buffer += data
        messages = []
        position = 0
        while (step := self._read_chunk(position, now_s)) is not None:
            position, message = step
            if message is not None:
                messages.append(message)
        del self._buffer[:position]
        return messages

    def _read_chunk(self, at: int, now_s: float) -> tuple[int, Message | None] | None:  # noqa: PLR0911 - the format
        buffer = self._buffer
        end = len(buffer)
        if at >= end:
            return None
        form, number = buffer[at] >> 6, buffer[at] & 63
        at += 1
        if number < 2:
            if end - at < number + 1:
                return None
            number, at = (64 + int.from_bytes(buffer[at : at + number + 1], "little"), at + number + 1)
        size = (11, 7, 3, 0)[form]
        if end - at < size:
            return None
        stream = self._streams.setdefault(number, _Stream())
        head = bytes(buffer[at : at + size])
        at += size
        stamp = int.from_bytes(head[:3], "big") if form < 3 else 0
        extended = stamp == 0xFFFFFF if form < 3 else stream.extended
        fresh = stream.body is None
        if extended:
            if end - at < 4:
                return None
            wide = int.from_bytes(buffer[at : at + 4], "big")
            if form < 3:
                stamp = wide
                at += 4
            elif wide in (stream.timestamp & 0xFFFFFFFF, stream.delta):  # old encoders leave it out on type 3
                at += 4
        length = int.from_bytes(head[3:6], "big") if form < 2 else stream.length
        have = 0 if fresh or stream.body is None else len(stream.body)
        take = min(self._chunk, length - have)
        if end - at < take:
            return None
        # complete: only now change state
        stream.extended = extended
        stream.length = length
        if form < 2:
            stream.type = head[6]
        if fresh:
            stream.body = bytearray()
            stream.first_s = now_s
            if form == 0:
                stream.timestamp, stream.delta = stamp, 0
            else:
                stream.delta = stamp if form < 3 else stream.delta
                stream.timestamp += stream.delta
        assert stream.body is not None
        stream.body += buffer[at : at + take]
        at += take
        if len(stream.body) < stream.length:
            return at, None
        body, stream.body = bytes(stream.body), None
        return at, self._message(stream, body, now_s)

    def _message(self, stream: _Stream, body: bytes, now_s: float) -> Message | None:
        if stream.type == 1:
            self._chunk = int.from_bytes(body[:4], "big")
        elif stream.type == 20 and body[3:10] == b"publish" and not self.key:
            self.key = _last_strings(body)
        kind, pts, keyframe, digest = str(stream.type), stream.timestamp, False, ""
        if stream.type == 9 and len(body) >= 5:
            kind = "video_header" if body[1] == 0 else "video" if body[1] == 1 else "9"
            keyframe = body[0] >> 4 == 1
            offset = int.from_bytes(body[2:5], "big", signed=True)
            pts = stream.timestamp + offset
            digest = self._hash_picture(body[5:])
        elif stream.type == 8 and len(body) >= 2:
            kind = "audio_header" if body[1] == 0 else "audio"
            digest = payload_hash(body[2:])
        return Message(kind, stream.timestamp, pts, keyframe, len(body), digest, stream.first_s, now_s)


def _last_strings(body: bytes) -> str:
    """Return the name in a publish command: string "publish", number, null, string name, ..."""
    at = 3 + 7 + 9 + 1
    if body[at] != 2:
        return ""
    length = int.from_bytes(body[at + 1 : at + 3], "big")
    return body[at + 3 : at + 3 + length].decode()
