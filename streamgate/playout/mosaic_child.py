"""Mosaic encoder: re-encodes GOPs with pixelated areas.

    python -m streamgate.playout.mosaic_child          (stdin: a `MosaicJob` as MessagePack)

Runs as a child of the gate process, which does not load libav. For each GOP, in order, stdout gets the length
(u32, big-endian) and a clip file. On failure the exit code is 1, and the last line of stderr is
{"error": "..."}, for manual runs: the gate does not read it.
"""

import io
import os
import resource
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import msgspec
import numpy as np
from av.codec.context import ThreadType
from av.error import FFmpegError

from streamgate.core.box import Box
from streamgate.core.clip import ClipWriter, audio_frames_for
from streamgate.core.packet import FeedFormat, VideoTrack
from streamgate.core.target import Target, target_for
from streamgate.errors import MediaError
from streamgate.playout.conform_audio import silence_for
from streamgate.playout.conform_video import VideoEncoder, pixels_of, write_plane

_NICE = 10
_MAX_MEMORY = 2 << 30
_BLOCKS = 6  # per picture height: coarse, since a fine mosaic does not hide large objects
_MS = Fraction(1, 1000)


class Coded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A video packet of the feed, times in ms."""

    dts: int
    pts: int
    keyframe: bool
    data: bytes


class MosaicGroup(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A whole GOP in order of arrival. `boxes`: the areas to cover; None: the whole picture."""

    boxes: list[Box | None]
    packets: list[Coded]


class MosaicJob(msgspec.Struct, frozen=True):
    """GOPs to re-encode. `format`: the feed's. `sps_id`: for SPS and PPS. `bitrate_bps`: peak; 0: usual."""

    name: str
    format: FeedFormat
    sps_id: int
    bitrate_bps: int
    groups: list[MosaicGroup]


def code_group(job: MosaicJob, group: MosaicGroup) -> bytes:
    """Return a clip file with the GOP's pictures with mosaic. Raises MediaError, FFmpegError."""
    assert job.format.video is not None
    target = target_for(job.format, job.sps_id)
    audio, silence = silence_for(target.audio)
    target = Target(target.video, audio)
    encoder = VideoEncoder(target.video, job.bitrate_bps, still=False, gop=len(group.packets) + 1)
    file, writer = io.BytesIO(), ClipWriter()
    file.write(writer.start(silence))
    for frame in _decode(job.format.video, group):  # one by one: a long GOP would not fit in memory
        for payload, keyframe in encoder.encode(lay_mosaic(frame, group.boxes, target)):
            file.write(writer.video(payload, keyframe=keyframe))
    for payload, keyframe in encoder.finish():
        file.write(writer.video(payload, keyframe=keyframe))
    if writer.video_count != len(group.packets):
        raise MediaError(f"{len(group.packets)} pictures were coded as {writer.video_count}")
    track = encoder.track()
    for _ in range(audio_frames_for(writer.video_count, track, audio)):
        writer.silent_audio()
    file.write(writer.finish(job.name, FeedFormat(track, audio), has_sound=False))
    return file.getvalue()


def _decode(track: VideoTrack, group: MosaicGroup) -> Iterator[av.VideoFrame]:
    """Yield the pictures of a GOP in presentation order. Raises MediaError unless all can be decoded."""
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.extradata = track.config
    decoder.thread_type = ThreadType.AUTO
    wanted = iter(sorted(coded.pts for coded in group.packets))
    packets: list[Any] = [_packet(coded) for coded in group.packets]
    count = 0
    for packet in [*packets, None]:
        for frame in decoder.decode(packet):
            if frame.pts != next(wanted, None):
                raise MediaError(f"picture {count} of {len(packets)} cannot be decoded")
            count += 1
            yield frame
    if count < len(packets):
        raise MediaError(f"of {len(packets)} pictures {count} can be decoded")


def _packet(coded: Coded) -> Any:
    packet: Any = av.Packet(coded.data)
    packet.dts, packet.pts, packet.time_base = coded.dts, coded.pts, _MS
    return packet


def lay_mosaic(frame: av.VideoFrame, boxes: list[Box | None], target: Target) -> av.VideoFrame:
    """Return the frame in the target's pixel format, with each box pixelated."""
    video = target.video
    if (frame.width, frame.height) != (video.width, video.height):
        raise MediaError(f"a picture of {frame.width}x{frame.height} in {video.width}x{video.height}")
    if frame.format.name != video.pix_fmt:
        frame = frame.reformat(format=video.pix_fmt)
    covered = av.VideoFrame(frame.width, frame.height, video.pix_fmt)
    block = max(2, frame.height // _BLOCKS // 2 * 2)
    for plane, source in zip(covered.planes, pixels_of(frame), strict=True):
        pixels = source.copy()
        # Chroma planes may be smaller than luma: scale the blocks down.
        by_x, by_y = frame.width // plane.width, frame.height // plane.height
        for box in boxes:
            _cover(pixels, box or (0.0, 0.0, 1.0, 1.0), (max(1, block // by_y), max(1, block // by_x)))
        write_plane(plane, pixels, 0, 0, 0)
    return covered


def _cover(pixels: Any, box: Box, block: tuple[int, int]) -> None:
    """Replace each block of the box by its mean. The box is widened to whole pixels."""
    height, width = pixels.shape
    x, y, w, h = box
    top, bottom = int(y * height), min(height, -int(-(y + h) * height // 1))
    left, right = int(x * width), min(width, -int(-(x + w) * width // 1))
    for row in range(top, bottom, block[0]):
        for column in range(left, right, block[1]):
            part = pixels[row : min(bottom, row + block[0]), column : min(right, column + block[1])]
            part[:] = np.round(part.mean()).astype(pixels.dtype)


def main() -> int:
    """Do the job on stdin; return the exit code."""
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY, _MAX_MEMORY))
    av.logging.set_libav_level(av.logging.PANIC)
    try:
        job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=MosaicJob)
        for group in job.groups:
            clip = code_group(job, group)
            sys.stdout.buffer.write(len(clip).to_bytes(4) + clip)
            sys.stdout.buffer.flush()
    except (MediaError, msgspec.MsgspecError, FFmpegError, MemoryError) as error:
        sys.stderr.write(msgspec.json.encode({"error": str(error) or "no memory"}).decode() + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
