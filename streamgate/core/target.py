"""Encoding parameters of filler for a seamless splice with a feed. Pure.

`VideoTarget` holds everything that determines the parameter sets, so that all clips conformed to one feed
have identical ones, whatever their source.
"""

import msgspec

from streamgate.core import aac, paramsets
from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.core.sps import Sps, parse_sps
from streamgate.errors import MediaError

_PROFILES = {66: "baseline", 77: "main", 100: "high", 110: "high10", 122: "high422", 244: "high444"}
_BY_NAME = {"baseline": 66, "constrained baseline": 66, "main": 77}
_HIGH_FOR = {("420", 8): "high", ("422", 8): "high422", ("444", 8): "high444", ("420", 10): "high10"}
_SUBSAMPLING = {1: "420", 2: "422", 3: "444"}
# H.264 table A-1: level, macroblocks a second, macroblocks a frame.
_LEVELS = (
    (30, 40500, 1620), (31, 108000, 3600), (40, 245760, 8192), (42, 522240, 8704), (51, 983040, 36864),
    (52, 2073600, 36864),
)  # fmt: skip
_TOP_LEVEL = 62
_MAX_SIDE = 8192  # pixels
_DEFAULT_FPS = (30, 1)
DEFAULT_AUDIO = AudioTrack("aac", b"\x11\x90", 48000, 2)  # AAC-LC, 48 kHz, stereo


class VideoTarget(msgspec.Struct, frozen=True, gc=False):
    """Video parameters of filler.

    `profile`: x264's name ("" for HEVC). `level`: 41 means 4.1. `sar`: (0, 1) is unspecified.
    `colour`: code points (primaries, transfer, matrix) to signal; None signals none.
    `sps_id`: for SPS and PPS; H.264 only.
    """

    codec: str
    width: int
    height: int
    fps_num: int
    fps_den: int
    pix_fmt: str
    profile: str
    level: int
    sps_id: int
    sar: tuple[int, int] = (0, 1)
    full_range: bool = False
    colour: tuple[int, int, int] | None = None

    @property
    def gop(self) -> int:
        """GOP length: the frames of one second."""
        return max(1, round(self.fps_num / self.fps_den))

    @property
    def aspect(self) -> float:
        """Display aspect ratio: width / height."""
        return self.width / self.height * (self.sar[0] / self.sar[1] if self.sar[0] else 1.0)


class Target(msgspec.Struct, frozen=True, gc=False):
    """Encoding target of filler. `audio`: the feed's own track when its AAC can be matched."""

    video: VideoTarget
    audio: AudioTrack


def target_for(feed: FeedFormat, sps_id: int) -> Target:
    """Return the target for a feed. Usual values replace missing or invalid parameters.

    Raises MediaError when the feed has no video or its codec is neither H.264 nor HEVC.
    """
    if feed.video is None:
        raise MediaError("filler needs a feed with video; this one has none", "来流没有画面，无法生成垫片")
    return Target(_video_target(feed.video, sps_id), _audio_target(feed.audio))


def x264_settings(target: VideoTarget) -> dict[str, str | int]:
    """Return x264 options that make SPS and PPS depend on the target only, with nothing but slices in band.

    `stitchable`: x264 does not adapt the headers to the content.
    """
    return {
        "sps-id": target.sps_id,
        "level": target.level,
        "stitchable": 1,
        "ref": 1,
        "bframes": 0,
        "weightp": 0,
        "cabac": int(target.profile != "baseline"),
        "8x8dct": int(target.profile not in {"baseline", "main"}),
        "scenecut": 0,
        "open-gop": 0,
        "nal-hrd": "none",
        "aud": 0,
    }


def _video_target(track: VideoTrack, sps_id: int) -> VideoTarget:
    if track.codec not in {"h264", "hevc"}:
        raise MediaError(
            f"filler can be made for H.264 and HEVC; this feed is {track.codec}",
            f"只能为 H.264 和 HEVC 生成垫片；此来流为 {track.codec}",
        )
    if not (2 <= track.width <= _MAX_SIDE and 2 <= track.height <= _MAX_SIDE):
        raise MediaError(
            f"filler of {track.width}x{track.height} cannot be made; allowed are 2 to {_MAX_SIDE}",
            f"无法生成 {track.width}x{track.height} 的垫片；每边须为 2 到 {_MAX_SIDE} 像素",
        )
    width, height = track.width & ~1, track.height & ~1  # 4:2:0 has no odd sizes
    fps = (track.fps_num, track.fps_den)
    if min(fps) <= 0 or not 1 <= track.fps_num / track.fps_den <= 240:
        fps = _DEFAULT_FPS
    if track.codec == "hevc":
        pix_fmt = "yuv420p10le" if "10" in track.pix_fmt else "yuv420p"
        return VideoTarget("hevc", width, height, *fps, pix_fmt, "", 0, 0)
    sps = _feed_sps(track.config)
    depth = 8 if sps is None or sps.bit_depth == 8 else 10
    sampling = _SUBSAMPLING.get(sps.chroma_format_idc if sps is not None else 1, "420")
    profile = _PROFILES.get(sps.profile_idc if sps is not None else _BY_NAME.get(track.profile.lower(), 100))
    if profile is None or (depth, sampling) != (8, "420"):
        profile = _HIGH_FOR.get((sampling, depth), "high444" if sampling == "444" else "high422")
    return VideoTarget(
        codec="h264",
        width=width,
        height=height,
        fps_num=fps[0],
        fps_den=fps[1],
        pix_fmt=f"yuv{sampling}p" + ("10le" if depth == 10 else ""),
        profile=profile,
        level=_level(sps.level_idc if sps is not None else track.level, width, height, fps),
        sps_id=sps_id,
        sar=sps.sar if sps is not None else (0, 1),
        full_range=sps is not None and sps.full_range,
        colour=sps.colour if sps is not None else None,
    )


def _feed_sps(config: bytes) -> Sps | None:
    try:
        sets = paramsets.parse_avcc(config).sps
        return parse_sps(sets[0]) if sets else None
    except MediaError:
        return None


def _level(known: int, width: int, height: int, fps: tuple[int, int]) -> int:
    """Return the feed's level, or the lowest usual one that allows the picture size and rate."""
    if 9 <= known <= _TOP_LEVEL:
        return known
    frame = -(-width // 16) * -(-height // 16)
    rate = frame * fps[0] / fps[1]
    fitting = (level for level, max_rate, max_frame in _LEVELS if rate <= max_rate and frame <= max_frame)
    return next(fitting, _TOP_LEVEL)


def _audio_target(track: AudioTrack | None) -> AudioTrack:
    """Return the feed's track when it is plain AAC-LC in a usual layout, else 48 kHz stereo."""
    if track is None or track.codec != "aac":
        return DEFAULT_AUDIO
    try:
        config = aac.parse_asc(track.config)
    except MediaError:
        return DEFAULT_AUDIO
    plain = (config.object_type, config.frame_samples, track.frame_samples) == (2, 1024, 1024)
    if not plain or not is_lc_of(track.config, config.sample_rate, config.channels):
        return DEFAULT_AUDIO
    return track


def is_lc_of(config: bytes, sample_rate: int, channels: int) -> bool:
    """Whether the AudioSpecificConfig's first 13 bits are AAC-LC of this rate in one of layouts 1 to 6."""
    if len(config) < 2 or config[0] >> 3 != 2:
        return False
    rate_index = (config[0] & 7) << 1 | config[1] >> 7
    layout = config[1] >> 3 & 15
    if rate_index >= 13 or not 1 <= layout <= 6:  # else rate or layout needs more than the first 13 bits
        return False
    parsed = aac.parse_asc(config[:2])
    return (parsed.sample_rate, parsed.channels) == (sample_rate, channels)
