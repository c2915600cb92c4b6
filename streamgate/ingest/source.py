"""Source events: what every input passes to the feed. Inputs: RTMP now; SRT, pulls and files later."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import msgspec

from streamgate.core.packet import Kind
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0, flv
from streamgate.rtmp.server import Media


class Config(msgspec.Struct, frozen=True, gc=False):
    """A track's codec and configuration record (avcC, hvcC, AudioSpecificConfig; empty when it has none)."""

    kind: Kind
    codec: str
    config: bytes


class Unit(msgspec.Struct, frozen=True, gc=False):
    """One encoded unit of a track.

    `timestamp_ms`: decode time from the encoder, modulo 2^32. `composition_ms`: presentation minus decode
    time. `keyframe`: the source's flag. `data`: as `Packet.data`. `sample_rate`, `channels`: of audio, from
    the container's flags of each unit; 0 when it has none.
    """

    kind: Kind
    codec: str
    timestamp_ms: int
    composition_ms: int
    keyframe: bool
    data: bytes
    sample_rate: int = 0
    channels: int = 0


class Script(msgspec.Struct, frozen=True):
    """Script data: metadata, captions, cue points. `body`: its AMF0 form, beginning with the name."""

    name: str
    values: list[amf0.Value]
    timestamp_ms: int
    body: bytes


class Unusable(msgspec.Struct, frozen=True):
    """Input that could not be parsed. `reason`: a text for operators."""

    kind: Kind
    reason: str


SourceEvent: TypeAlias = Config | Unit | Script | Unusable
Sink: TypeAlias = Callable[[Sequence[SourceEvent]], None]


class Source(Protocol):
    """An input that runs by itself. It calls the sink in the event loop, in decoding order."""

    async def run(self, sink: Sink) -> None:
        """Deliver events until the input ends. Raises Retryable when it was lost."""


_SET_DATA_FRAME = amf0.encode("@setDataFrame")


def from_rtmp(media: Media) -> SourceEvent | None:
    """Convert an RTMP media message; None when it is of no use (end of sequence, command)."""
    if media.kind is Kind.DATA:
        return _script(media)
    tag: flv.VideoTag | flv.AudioTag | flv.Unsupported
    composition_ms, keyframe = 0, False
    if media.kind is Kind.VIDEO:
        tag = flv.parse_video(media.body)
        if isinstance(tag, flv.VideoTag):
            composition_ms, keyframe = tag.cts, tag.keyframe
    else:
        tag = flv.parse_audio(media.body)
    if isinstance(tag, flv.Unsupported):
        return Unusable(media.kind, tag.reason)
    if tag.kind == "frame" and media.kind is Kind.AUDIO and tag.codec != "aac":
        rate, channels = flv.legacy_sound(media.body)
        return Unit(media.kind, tag.codec, media.timestamp_ms, 0, False, tag.payload, rate, channels)
    if tag.kind == "frame":
        return Unit(media.kind, tag.codec, media.timestamp_ms, composition_ms, keyframe, tag.payload)
    return Config(media.kind, tag.codec, tag.payload) if tag.kind == "config" else None


def _script(media: Media) -> SourceEvent:
    body = media.body.removeprefix(_SET_DATA_FRAME)
    try:
        values = amf0.decode(body)
    except ProtocolError as error:
        return Unusable(Kind.DATA, f"script data: {error}")
    if not values or not isinstance(values[0], str):
        return Unusable(Kind.DATA, "script data without a name")
    return Script(values[0], values[1:], media.timestamp_ms, body)
