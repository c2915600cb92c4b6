"""Decodes one picture of a recording, made small, as JPEG. Uses libav: not for gate and console."""

import io
import os
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import av
import av.error
from PIL import Image

from streamgate.archive.parts import open_file
from streamgate.errors import ArchiveError
from streamgate.wording import in_chinese

MAX_BYTES = 64 << 20  # of fragments


class Spot(NamedTuple):
    """Fragments of a part, the first of which begins with a keyframe. `init`: bytes of ftyp and moov."""

    root: Path
    path: PurePosixPath
    init: int
    offset: int
    size: int


def make_still(
    spot: Spot, *, within: tuple[int, int], quality: int, until_s: float | None = None
) -> bytes | None:
    """Return the keyframe at the beginning, or the last picture until `until_s` on the part's timeline.

    `within`: pixels, width and height that it has at most. None: there is no picture. Raises ArchiveError.
    """
    try:
        with av.open(io.BytesIO(_read(spot)), "r", format="mp4") as source:
            frame = _keyframe(source) if until_s is None else _last(source, until_s)
            if frame is None:
                return None
            picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise ArchiveError(
            f"the recording of that time cannot be decoded: {error}",
            f"无法解码该时刻的录像：{in_chinese(error)}",
        ) from error
    picture.thumbnail(within)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=quality)
    return made.getvalue()


def _read(spot: Spot) -> bytes:
    descriptor = open_file(spot.root, spot.path)
    try:
        head = os.pread(descriptor, spot.init, 0)
        return head + os.pread(descriptor, min(spot.size, MAX_BYTES), spot.offset)
    finally:
        os.close(descriptor)


def _keyframe(source: Any) -> Any:
    if not source.streams.video:
        return None
    stream = source.streams.video[0]
    stream.thread_type = "NONE"  # one picture: threads would only cost
    for packet in source.demux(stream):
        if packet.is_keyframe:
            return next(iter(stream.decode(packet) or stream.decode(None)), None)
    return None


def _last(source: Any, until_s: float) -> Any:
    if not source.streams.video:
        return None
    picture = None
    for frame in source.decode(video=0):
        if picture is not None and frame.time is not None and frame.time > until_s:
            break
        picture = frame
    return picture
