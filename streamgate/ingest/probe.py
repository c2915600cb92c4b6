"""Format probe: finds a feed's video parameters from its headers and first keyframe, with libav.

Blocking (4-40 ms): runs in an executor thread. The template is an FLV file of a few tags in memory, so libav
waits for no input. What libav does not find comes from the parameter sets and the encoder's metadata.
"""

import io
from collections.abc import Mapping
from fractions import Fraction

import av
import av.error
import msgspec

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.core.paramsets import parse_avcc
from streamgate.core.sps import parse_sps
from streamgate.errors import MediaError
from streamgate.rtmp import flv
from streamgate.rtmp.amf0 import Value

_FLV_HEADER = b"FLV\x01\x01\x00\x00\x00\x09\x00\x00\x00\x00"  # video only
_SCRIPT_TAG, _VIDEO_TAG = 18, 9
_OPTIONS = {"fpsprobesize": "0"}
_DEFAULT_FPS = Fraction(30)
# What libav and its binding may raise on untrusted bytes: one publisher's feed never ends the process.
_PROBLEMS = (
    av.error.FFmpegError, MediaError, ArithmeticError, LookupError, MemoryError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
_PROBED = frozenset({"h264", "hevc", "av1", "vp9", "vp8"})  # the others are passed on without
_PROFILES = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2"}
_PIX_FMTS = {(1, 8): "yuv420p", (2, 8): "yuv422p", (3, 8): "yuv444p", (1, 10): "yuv420p10le"}


class Sample(msgspec.Struct, frozen=True):
    """Input of the probe: what is known of a feed's video at its first keyframe."""

    codec: str
    config: bytes
    keyframe: bytes
    metadata: Mapping[str, Value] = {}


class Probed(msgspec.Struct, frozen=True):
    """Result of the probe. `fps_known`: false when the frame rate is a guess. `problem`: why libav failed."""

    video: VideoTrack
    fps_known: bool
    problem: str = ""


def sane_fps(value: object) -> Fraction | None:
    """Return a frame rate of 1 to 240 as a fraction (29.97 becomes 30000/1001), None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        return None
    rate = float(value)
    if not 1 <= rate <= 240:  # false for NaN too
        return None
    whole = round(rate)
    if abs(rate - whole) < 0.002:
        return Fraction(whole)
    drop = round(rate * 1.001)
    if abs(rate - drop / 1.001) < 0.006:
        return Fraction(drop * 1000, 1001)
    return Fraction(rate).limit_denominator(1001)


def declared_format(metadata: Mapping[str, Value], audio: AudioTrack | None) -> FeedFormat | None:
    """Return the format in an encoder's metadata, as H.264 without a record; None without a picture size."""
    width, height = _side(metadata.get("width")), _side(metadata.get("height"))
    if not width or not height:
        return None
    rate = sane_fps(metadata.get("framerate")) or _DEFAULT_FPS
    return FeedFormat(VideoTrack("h264", b"", width, height, rate.numerator, rate.denominator), audio)


def declared_sound(metadata: Mapping[str, Value]) -> tuple[int, int]:
    """Return (sample rate, channels) from an encoder's metadata; 0 for what it lacks."""
    rate, channels = metadata.get("audiosamplerate"), metadata.get("audiochannels")
    if not isinstance(channels, float) and isinstance(metadata.get("stereo"), bool):
        channels = 2.0 if metadata["stereo"] else 1.0
    return (
        int(rate) if isinstance(rate, float) and 1 <= rate <= 768_000 else 0,
        int(channels) if isinstance(channels, float) and 1 <= channels <= 8 else 0,
    )


def probe(sample: Sample, *, without_libav: str = "") -> Probed:
    """Return the video's parameters. Never raises, whatever the sample holds.

    `without_libav`: when not empty, the reason why libav is not used (it took too long).
    """
    track = _from_parameter_sets(sample)
    rates = [sane_fps(sample.metadata.get("framerate"))]
    vui_fps = sane_fps(Fraction(track.fps_num, track.fps_den))
    problem = without_libav
    if not problem and sample.codec in _PROBED:
        try:
            track, template_fps = _from_template(sample, track)
        except _PROBLEMS as error:
            problem = str(error) or type(error).__name__
        else:
            rates.append(template_fps)
    known = next((rate for rate in (*rates, vui_fps) if rate), None)
    rate = known or _DEFAULT_FPS
    track = msgspec.structs.replace(track, fps_num=rate.numerator, fps_den=rate.denominator)
    return Probed(track, known is not None, problem)


def _from_parameter_sets(sample: Sample) -> VideoTrack:
    """Read the SPS; when that fails or the codec is not H.264, the metadata. Frame rate 0: unknown."""
    plain = VideoTrack(
        codec=sample.codec,
        config=sample.config,
        width=_side(sample.metadata.get("width")),
        height=_side(sample.metadata.get("height")),
        fps_num=0,
        fps_den=1,
    )
    if sample.codec != "h264":
        return plain
    try:
        sps = parse_sps(parse_avcc(sample.config).sps[0])
    except (MediaError, IndexError):
        return plain
    constrained = sps.profile_idc == 66 and sps.compat & 0x40
    return msgspec.structs.replace(
        plain,
        width=sps.width,
        height=sps.height,
        fps_num=sps.fps.numerator if sps.fps else 0,
        fps_den=sps.fps.denominator if sps.fps else 1,
        pix_fmt=_PIX_FMTS.get((sps.chroma_format_idc, sps.bit_depth), "yuv420p"),
        profile="Constrained Baseline" if constrained else _PROFILES.get(sps.profile_idc, ""),
        level=sps.level_idc,
    )


def _from_template(sample: Sample, track: VideoTrack) -> tuple[VideoTrack, Fraction | None]:
    feed = FeedFormat(video=track)
    packet = Packet(Kind.VIDEO, 0, 0, keyframe=True, data=sample.keyframe)
    file = io.BytesIO(
        _FLV_HEADER
        + _tag(_SCRIPT_TAG, flv.metadata_body(feed).removeprefix(b"\x02\x00\x0d@setDataFrame"))
        + _tag(_VIDEO_TAG, flv.video_config_body(track))
        + _tag(_VIDEO_TAG, flv.video_body(packet, track.codec))
    )
    with av.open(file, format="flv", options=_OPTIONS) as container:
        if not container.streams.video:
            raise MediaError("libav finds no video in the feed's headers")
        stream = container.streams.video[0]
        context = stream.codec_context
        if not context.width or not context.height:
            raise MediaError("libav cannot tell the size of the feed's pictures")
        # Before it decodes a picture, libav gives the size without cropping: an SPS that we read comes first.
        by_sps = track.level > 0
        track = msgspec.structs.replace(
            track,
            width=track.width if by_sps else context.width,
            height=track.height if by_sps else context.height,
            pix_fmt=context.pix_fmt or track.pix_fmt,
            profile=track.profile or context.profile or "",
            level=track.level if by_sps else _level(track.codec, context.level),
        )
        return track, sane_fps(stream.average_rate)


def _tag(kind: int, body: bytes) -> bytes:
    """Return an FLV tag at time 0 (FLV 10.1, E.4.1)."""
    return bytes((kind,)) + len(body).to_bytes(3) + bytes(7) + body + (len(body) + 11).to_bytes(4)


def _level(codec: str, level: int | None) -> int:
    """Return the level times ten: libav gives general_level_idc, in HEVC 30 times the level (H.265 A.4.1)."""
    if level is None or level <= 0:
        return 0
    return level // 3 if codec == "hevc" else level


def _side(value: Value) -> int:
    return int(value) if isinstance(value, float) and 1 <= value <= 16384 else 0
