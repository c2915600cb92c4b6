"""Opens an encoder that makes pictures of a target's form: conformed clips, and the ends of exact exports."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags
from av.video.reformatter import ColorRange

from streamgate.core.target import VideoTarget, x264_settings

X264, X265 = "libx264", "libx265"


def open_encoder(
    codec: str,
    target: VideoTarget,
    options: Mapping[str, str],
    *,
    time_base: Fraction | None = None,
    pix_fmt: str = "",
) -> Any:
    """Return an open codec context of the target's size, rate, colours and aspect, headers apart.

    `time_base`: seconds; one frame if left out. `pix_fmt`: in place of the target's. Raises av.FFmpegError.
    """
    rate = Fraction(target.fps_num, target.fps_den)
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height = target.width, target.height
    context.pix_fmt = pix_fmt or target.pix_fmt
    context.framerate, context.time_base = rate, time_base or 1 / rate
    context.flags |= Flags.global_header
    context.color_range = ColorRange.JPEG if target.full_range else ColorRange.MPEG
    if target.colour is not None:
        context.color_primaries, context.color_trc, context.colorspace = target.colour
    if target.sar[0]:
        context.sample_aspect_ratio = Fraction(*target.sar)
    context.options = dict(options)
    context.open()
    return context


def x264_options(target: VideoTarget, preset: str, more: Mapping[str, object]) -> dict[str, str]:
    """Return the options of x264 for a target: its own settings (sps-id among them), and `more` of them."""
    settings = {**x264_settings(target), **more}
    params = ":".join(f"{name}={value}" for name, value in settings.items())
    return {"preset": preset, "profile": target.profile, "x264-params": params}
