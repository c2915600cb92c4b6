"""Packets, tracks and formats: the media units that all parts of streamgate exchange."""

from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from streamgate.core.clip import Clip


class Kind(IntEnum):
    """The kind of a packet's payload."""

    VIDEO = 0
    AUDIO = 1
    DATA = 2


class Packet(msgspec.Struct, frozen=True, gc=False):
    """One encoded unit: a picture, an audio frame or a data message.

    `dts`, `pts`: milliseconds on the timeline of the source or of the program, 64 bit.
    `keyframe`: video only, true when a decoder may start here (an IDR). Always false on audio and data.
    `data`: the codec's payload without any container header. H.264/HEVC: length-prefixed NAL units;
    AAC: one raw frame without ADTS; DATA: the AMF0 body of an RTMP data message.
    """

    kind: Kind
    dts: int
    pts: int
    keyframe: bool
    data: bytes


class VideoTrack(msgspec.Struct, frozen=True, gc=False):
    """Parameters of a video track. `config` is the codec's configuration record (avcC, hvcC, av1C)."""

    codec: str  # "h264", "hevc", "av1", "vp9"; others as their FourCC
    config: bytes
    width: int
    height: int
    fps_num: int
    fps_den: int
    pix_fmt: str = "yuv420p"
    profile: str = ""  # as libav names it: "Baseline", "Constrained Baseline", "Main", "High"
    level: int = 0  # 41 means 4.1; 0 unknown

    @property
    def frame_ms(self) -> float:
        """Duration of one frame in milliseconds."""
        return 1000.0 * self.fps_den / self.fps_num


class AudioTrack(msgspec.Struct, frozen=True, gc=False):
    """Parameters of an audio track. `config` is the AudioSpecificConfig for AAC (ISO 14496-3, 1.6.2.1)."""

    codec: str  # "aac", "opus", "mp3"; others as their FourCC
    config: bytes
    sample_rate: int
    channels: int
    frame_samples: int = 1024

    @property
    def frame_ms(self) -> float:
        """Duration of one audio frame in milliseconds."""
        return 1000.0 * self.frame_samples / self.sample_rate


class FeedFormat(msgspec.Struct, frozen=True, gc=False):
    """The tracks of a feed or of the program."""

    video: VideoTrack | None = None
    audio: AudioTrack | None = None


SILENCE = -1


class Aired(msgspec.Struct, frozen=True, gc=False):
    """A packet that airs, on the program's timeline, with a new header before it when needed.

    `header`: not None when the program's codec configuration changes with this packet.
    `arrival_us`: when the packet arrived, of live packets and pictures of a mosaic; None for filler.
    `part`: at a splice, the format of the source or clip that begins; the header may list more than it needs.
    `number`: of a live packet, its sequence number among those of its kind; of filler, the frame's index in
    `clip`, SILENCE for the silent frame. `series`: that the number belongs to; 0: this process's.
    `redacted`: it replaces live sound ("mute", "bleep") or a live picture ("mosaic"). `redacted_by`: who
    marked that.
    """

    packet: Packet
    header: FeedFormat | None = None
    arrival_us: int | None = None
    part: FeedFormat | None = None
    number: int = 0
    clip: "Clip | None" = None
    series: int = 0
    redacted: str = ""
    redacted_by: str = ""
