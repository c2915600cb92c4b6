"""Video conversion: decoded pictures of any format to the coded video of a clip. In children only."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from PIL import Image

from streamgate.archive.video_encoder import X264, X265, open_encoder, x264_options
from streamgate.core import paramsets
from streamgate.core.packet import VideoTrack
from streamgate.core.target import VideoTarget

_CRF = 21
_STILL_CRF = 17  # a still picture takes few bits and is seen for long
_BITS_PER_PIXEL = 0.08  # peak, when the feed's bitrate is unknown
_MATRICES = frozenset({1, 4, 5, 6, 7, 9})  # supported by libswscale; H.264 table E-5
_SAME_ASPECT = 0.01
_SMALLEST_HD = 720  # lines from which unlabelled pictures are BT.709, as players assume


class VideoEncoder:
    """Encodes frames of the target's size and format, one second between keyframes, no B-frames.

    Every setting that affects SPS and PPS comes from the target alone. In band there are slices only: no
    parameter sets, delimiters or SEI.
    """

    def __init__(self, target: VideoTarget, bitrate_bps: int, *, still: bool, gop: int = 0) -> None:
        """`bitrate_bps`: the peak; 0: a usual one. `gop`: frames between keyframes; 0: one second."""
        rate = Fraction(target.fps_num, target.fps_den)
        peak = bitrate_bps or round(target.width * target.height * rate * Fraction(_BITS_PER_PIXEL))
        peak_kbps = max(200, peak // 1000)
        self._hevc = target.codec == "hevc"
        self._target = target
        options = (
            _x265(target, peak_kbps)
            if self._hevc
            else _x264(target, peak_kbps, still=still, gop=gop or target.gop)
        )
        self._context = open_encoder(X265 if self._hevc else X264, target, options)
        self._count = 0

    def track(self) -> VideoTrack:
        """Return the parameters of the encoded track."""
        target = self._target
        nals = paramsets.split_annexb(bytes(self._context.extradata or b""))
        depth = 10 if "10" in target.pix_fmt else 8
        config = paramsets.hvcc_from_nals(nals, depth) if self._hevc else paramsets.avcc_from_nals(nals)
        return VideoTrack(
            codec=target.codec,
            config=config,
            width=target.width,
            height=target.height,
            fps_num=target.fps_num,
            fps_den=target.fps_den,
            pix_fmt=target.pix_fmt,
            profile=target.profile.capitalize(),
            level=target.level,
        )

    def encode(self, frame: av.VideoFrame) -> Iterator[tuple[bytes, bool]]:
        """Encode the next frame; yield (payload, keyframe) of finished pictures, in order."""
        frame.pts = self._count
        frame.time_base = 1 / Fraction(self._target.fps_num, self._target.fps_den)
        frame.pict_type = 0  # ignore the source's keyframes
        self._count += 1
        yield from map(self._payload, self._context.encode(frame))

    def finish(self) -> Iterator[tuple[bytes, bool]]:
        yield from map(self._payload, self._context.encode(None))

    def _payload(self, packet: "av.Packet[Any]") -> tuple[bytes, bool]:
        out = bytearray()
        for nal in paramsets.split_annexb(bytes(packet)):
            kind = nal[0] >> 1 & 63 if self._hevc else nal[0] & 31
            if kind < 32 if self._hevc else 1 <= kind <= 5:
                out += len(nal).to_bytes(4) + nal
        return bytes(out), packet.is_keyframe


def _x264(target: VideoTarget, peak_kbps: int, *, still: bool, gop: int) -> dict[str, str]:
    more = {
        "keyint": gop,
        "min-keyint": gop,
        "crf": _STILL_CRF if still else _CRF,
        "vbv-maxrate": peak_kbps,
        "vbv-bufsize": peak_kbps,
    }
    options = x264_options(target, "veryfast", more)
    return options | {"tune": "stillimage"} if still else options


def _x265(target: VideoTarget, peak_kbps: int, *, preset: str = "superfast") -> dict[str, str]:
    settings = {
        "keyint": target.gop,
        "min-keyint": target.gop,
        "scenecut": 0,
        "open-gop": 0,
        "bframes": 0,
        "ref": 1,
        "crf": _CRF + 2,
        "vbv-maxrate": peak_kbps,
        "vbv-bufsize": peak_kbps,
        "repeat-headers": 0,
        "info": 0,
        "log-level": "none",
    }
    return {
        "preset": preset,
        "x265-params": ":".join(f"{name}={value}" for name, value in settings.items()),
    }


# ---------------------------------------------------------------- size, colour, orientation


class Fitter:
    """Scales frames of any size, format and orientation to the target's picture, with black bars."""

    def __init__(self, target: VideoTarget) -> None:
        self._target = target
        self._reformatter = VideoReformatter()
        self._turner = VideoReformatter()

    def fit(self, frame: av.VideoFrame, sar: Fraction | None) -> av.VideoFrame:
        """Return a frame of the target's size and format. `sar`: sample aspect ratio; None is square."""
        target = self._target
        turns = round(frame.rotation / 90) % 4  # counter-clockwise
        aspect = frame.width * float(sar or 1) / frame.height
        width, height = self._inner(1 / aspect if turns % 2 else aspect)
        if turns:
            frame = self._rotate(frame, width, height, turns)
        fitted = self._reformat(self._reformatter, frame, width, height, target.pix_fmt)
        return fitted if (width, height) == (target.width, target.height) else self._add_bars(fitted)

    def picture(self, image: Image.Image) -> av.VideoFrame:
        """Fit a still picture; transparent areas become black."""
        rgba = image.convert("RGBA")
        flat = Image.new("RGB", rgba.size)
        flat.paste(rgba, mask=rgba.getchannel("A"))
        return self.fit(av.VideoFrame.from_ndarray(np.asarray(flat), "rgb24"), None)

    def _inner(self, aspect: float) -> tuple[int, int]:
        """Return the even size of the picture inside the target's; the whole if aspects differ by < 1 %."""
        target = self._target
        ratio = aspect / target.aspect
        if abs(ratio - 1) < _SAME_ASPECT:
            return target.width, target.height
        width = round(target.width * min(1.0, ratio) / 2) * 2
        height = round(target.height * min(1.0, 1 / ratio) / 2) * 2
        return max(2, width), max(2, height)

    def _reformat(
        self, reformatter: VideoReformatter, frame: av.VideoFrame, width: int, height: int, pix_fmt: str
    ) -> av.VideoFrame:
        target = self._target
        source_matrix = None if frame.format.is_rgb else _matrix(frame.colorspace, frame.width, frame.height)
        return reformatter.reformat(
            frame,
            width,
            height,
            pix_fmt,
            src_colorspace=source_matrix,
            dst_colorspace=_matrix(target.colour[2] if target.colour else None, target.width, target.height),
            interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
            src_color_range=frame.color_range or None,
            dst_color_range=ColorRange.JPEG if target.full_range else ColorRange.MPEG,
        )

    def _rotate(self, frame: av.VideoFrame, width: int, height: int, turns: int) -> av.VideoFrame:
        """Return the frame upright, in the target's colours. In 4:4:4 all planes rotate the same way."""
        size = (height, width) if turns % 2 else (width, height)
        flat = self._reformat(self._turner, frame, *size, "yuv444p")
        upright = av.VideoFrame(width, height, "yuv444p")
        for plane, pixels in zip(upright.planes, pixels_of(flat), strict=True):
            write_plane(plane, np.rot90(pixels, turns), 0, 0, 0)
        upright.colorspace, upright.color_range = flat.colorspace, flat.color_range
        return upright

    def _add_bars(self, inner: av.VideoFrame) -> av.VideoFrame:
        """Return the frame centred in a black one of the target's size."""
        target = self._target
        outer = av.VideoFrame(target.width, target.height, target.pix_fmt)
        shift = 2 if "10" in target.pix_fmt else 0
        black = ((0 if target.full_range else 16) << shift, 128 << shift, 128 << shift)
        left = (target.width - inner.width) // 4 * 2  # even, so that the chroma planes fit
        top = (target.height - inner.height) // 4 * 2
        for plane, pixels, level in zip(outer.planes, pixels_of(inner), black, strict=True):
            at_x, at_y = left * plane.width // target.width, top * plane.height // target.height
            write_plane(plane, pixels, at_x, at_y, level)
        return outer


def _matrix(code: int | None, width: int, height: int) -> int:
    """Return the colour matrix as a code point; for unlabelled pictures, the one that players assume."""
    if code in _MATRICES:
        return code
    return 1 if min(width, height) >= _SMALLEST_HD else 5


def pixels_of(frame: av.VideoFrame) -> list[npt.NDArray[Any]]:
    """Return the planes of a planar frame as (height, width) arrays."""
    kind = np.uint16 if "10" in frame.format.name else np.uint8
    return [
        np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]  # type: ignore[call-overload]
        for plane in frame.planes
    ]


def write_plane(plane: VideoPlane, pixels: npt.NDArray[Any], left: int, top: int, level: int) -> None:
    """Fill a plane with `level` and copy `pixels` into it."""
    whole = np.full((plane.height, plane.line_size // pixels.itemsize), level, pixels.dtype)
    whole[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    plane.update(whole.tobytes())
