"""Codec configuration (header) that the program announces, and parameter sets in band. Pure.

Two encodings share one header when it can list the parameter sets of both (H.264 with different SPS ids).
Then a splice is only a jump between keyframes. Otherwise the header changes at the splice.
"""

import msgspec

from streamgate.core import paramsets
from streamgate.core.packet import FeedFormat, Packet, VideoTrack
from streamgate.core.sps import parse_hevc_picture, parse_sps
from streamgate.errors import MediaError

_HEVC_SPS = 33
AIRED_VIDEO = frozenset({"h264", "hevc"})  # codecs that filler can be made in
AIRED_AUDIO = frozenset({"aac"})


def airable(feed: FeedFormat) -> FeedFormat:
    """Return the tracks of a feed that can air: none unless filler can be made in its video codec."""
    video = feed.video if feed.video is not None and feed.video.codec in AIRED_VIDEO else None
    audio = feed.audio if feed.audio is not None and feed.audio.codec in AIRED_AUDIO else None
    return FeedFormat(video, audio) if video is not None else FeedFormat()


def carries(header: FeedFormat, part: FeedFormat) -> bool:
    """Whether a stream that announced `header` may carry `part` without a new header."""
    return _video_carries(header.video, part.video) and (part.audio is None or header.audio == part.audio)


def join(feed: FeedFormat | None, filler: FeedFormat, part: FeedFormat) -> FeedFormat:
    """Return the header to announce before `part`, which is one of the other two.

    It lists the parameter sets of both if possible, so that it serves every later splice, too. A part without
    audio gets the other's audio configuration (silence is sent).
    """
    other = filler if part is not filler else feed
    audio = part.audio or (other.audio if other is not None else None)
    ours, theirs = part.video, other.video if other is not None else None
    if ours is None or theirs is None or feed is None or feed.video is None or filler.video is None:
        return FeedFormat(ours or theirs, audio)
    if ours.codec == theirs.codec == "h264" and (ours.width, ours.height) == (theirs.width, theirs.height):
        try:
            both = paramsets.merge(feed.video.config, filler.video.config)
        except MediaError:
            return FeedFormat(ours, audio)
        return FeedFormat(msgspec.structs.replace(feed.video, config=both), audio)
    return FeedFormat(ours, audio)


def in_band(packet: Packet, track: VideoTrack) -> Packet:
    """Return a keyframe with its parameter sets in band, for players that ignore a change of header."""
    try:
        if track.codec == "h264":
            data = paramsets.with_parameter_sets(packet.data, track.config)
        elif track.codec == "hevc":
            data = paramsets.with_parameter_sets_hevc(packet.data, track.config)
        else:
            return packet
    except MediaError:
        return packet
    return packet if data is packet.data else msgspec.structs.replace(packet, data=data)


def _video_carries(header: VideoTrack | None, part: VideoTrack | None) -> bool:
    if part is None or header is None:
        return part is None
    if (header.codec, header.width, header.height) != (part.codec, part.width, part.height):
        return False
    if header.config == part.config:
        return True
    if part.codec != "h264":
        return False
    try:
        return paramsets.contains(header.config, part.config)
    except MediaError:
        return False


def same_pictures(codec: str, config: bytes, other: bytes) -> bool:
    """Whether two configuration records (avcC or hvcC) have the same profile, picture size and format.

    Then a decoder started with one accepts the other in band. False when either cannot be read.
    """
    try:
        return _picture(codec, config) == _picture(codec, other)
    except MediaError:
        return False


def _picture(codec: str, config: bytes) -> tuple[int, ...]:
    if codec == "hevc":
        record = paramsets.parse_hvcc(config)
        sps = next((nal for nal in record.nals if nal[0] >> 1 & 63 == _HEVC_SPS), b"")
        return (record.head[1] & 31, *parse_hevc_picture(sps))
    sets = paramsets.parse_avcc(config).sps
    if codec != "h264" or not sets:
        raise MediaError(f"pictures of {codec} are not told by parameter sets")
    first = parse_sps(sets[0])
    return (
        first.profile_idc,
        first.width,
        first.height,
        first.chroma_format_idc,
        first.bit_depth,
        first.frame_mbs_only,
    )
