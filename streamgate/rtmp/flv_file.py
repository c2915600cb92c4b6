"""FLV files (Adobe Flash Video File Format Specification 10.1, annex E.2 to E.4): header and tags. Pure."""

import struct
from collections.abc import Mapping

import msgspec

from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.errors import MediaError
from streamgate.rtmp import amf0, flv

HEADER_BYTES = 13
TAG_BYTES = 11  # before the body; four more follow the body
MAX_BODY = 0xFFFFFF
_TYPE = {Kind.AUDIO: 8, Kind.VIDEO: 9, Kind.DATA: 18}
_KIND = {number: kind for kind, number in _TYPE.items()}
_SET_DATA_FRAME = amf0.encode("@setDataFrame")


class TagHead(msgspec.Struct, frozen=True, gc=False):
    """Header of a tag. `size`: bytes of the whole tag, with header, body and the size field that follows."""

    kind: Kind
    size: int
    time_ms: int


def file_header() -> bytes:
    """Return the header of an FLV file with video and audio."""
    return b"FLV\x01\x05" + struct.pack(">II", 9, 0)


def tag(kind: Kind, time_ms: int, body: bytes) -> bytes:
    """Return one tag; `time_ms` modulo 2^32.

    Raises:
        MediaError: the body has 16 MiB or more.
    """
    if len(body) > MAX_BODY:
        raise MediaError(f"an FLV tag of {len(body)} bytes; allowed are {MAX_BODY}")
    head = struct.pack(">I", _TYPE[kind] << 24 | len(body))
    time = struct.pack(">IB", (time_ms & 0xFFFFFF) << 8 | time_ms >> 24 & 0xFF, 0)
    return b"".join((head, time, b"\0\0", body, struct.pack(">I", TAG_BYTES + len(body))))


def header_tags(feed: FeedFormat, time_ms: int, members: Mapping[str, amf0.Value]) -> bytes:
    """Return the first tags: onMetaData (with `members`) and the codec configurations."""
    metadata = flv.metadata_body(feed, more=members).removeprefix(_SET_DATA_FRAME)
    out = [tag(Kind.DATA, time_ms, metadata)]
    if feed.video is not None and (body := flv.video_config_body(feed.video)):
        out.append(tag(Kind.VIDEO, time_ms, body))
    if feed.audio is not None and (body := flv.audio_config_body(feed.audio)):
        out.append(tag(Kind.AUDIO, time_ms, body))
    return b"".join(out)


def packet_tag(packet: Packet, feed: FeedFormat, time_ms: int) -> bytes:
    """Return the tag of a packet of `feed`; `time_ms` replaces its DTS. Raises MediaError."""
    return tag(packet.kind, time_ms, flv.packet_body(packet, feed))


def read_tag_head(head: bytes) -> TagHead | None:
    """Parse the first 11 bytes of a tag; None when this module would not write them."""
    if len(head) < TAG_BYTES or head[8:11] != b"\0\0\0":
        return None
    kind = _KIND.get(head[0])
    if kind is None:
        return None
    size = int.from_bytes(head[1:4], "big")
    return TagHead(kind, TAG_BYTES + size + 4, int.from_bytes(head[4:7], "big") | head[7] << 24)


def is_frame(kind: Kind, body: bytes) -> bool:
    """Whether a tag holds a packet, not a configuration or metadata. 16 bytes of its body are enough."""
    if kind is Kind.VIDEO:
        video = flv.parse_video(body)
        return isinstance(video, flv.VideoTag) and video.kind == "frame"
    if kind is Kind.AUDIO:
        audio = flv.parse_audio(body)
        return isinstance(audio, flv.AudioTag) and audio.kind == "frame"
    return False
