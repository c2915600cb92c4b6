"""Probe of a media file: streams, duration, a still picture. Runs as a child process, as `conform` does.

    python -m streamgate.playout.clip_look FILE [NAME]     (NAME: of the file in messages)

Prints one JSON object (`ClipLook`). On failure the last line of stderr is {"error", "error_zh"}
and the exit code is 1, as with `conform`.
"""

import io
import os
import sys
from pathlib import Path

import av
import msgspec
from av.error import FFmpegError
from PIL import Image

from streamgate.errors import MediaError
from streamgate.playout.clip_info import ClipLook
from streamgate.playout.conform import FILE_ONLY, picture_of, streams_of
from streamgate.wording import both

STILL_WIDTH, STILL_HEIGHT = 480, 270
_STILL_AT = 0.1  # of the duration, since a clip may begin with black
_MAX_PACKETS = 2000  # read at most for a still
_JPEG_QUALITY = 80


def look(path: Path, name: str) -> ClipLook:
    """Return the content of a file. Raises MediaError if it cannot be backup footage."""
    picture = picture_of(path)
    if picture is not None:
        return ClipLook("picture", *picture.size, still=_jpeg(picture))
    try:
        container = av.open(f"file:{path.absolute()}", options=FILE_ONLY, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise MediaError(
            f"{name} is not a media file that can be read", f"{name} 不是可读取的媒体文件"
        ) from error
    with container:
        video, audio = streams_of(container)
        sound = audio.codec_context.name if audio is not None else ""
        duration_s = None if container.duration is None else round(container.duration / av.time_base, 2)
        if video is None:
            if audio is None:
                raise MediaError(f"{name} holds neither picture nor sound", f"{name} 既没有画面也没有声音")
            return ClipLook("sound", duration_s=duration_s, audio_codec=sound)
        context = video.codec_context
        still = _still(container, video, duration_s)
        if still is None:
            raise MediaError(
                f"{name} has a picture that cannot be decoded ({context.name})",
                f"{name} 的画面无法解码（{context.name}）",
            )
        return ClipLook(
            "video", context.width, context.height, duration_s, context.name, sound, still=_jpeg(still)
        )


def _still(
    container: av.container.InputContainer, video: av.VideoStream, duration_s: float | None
) -> Image.Image | None:
    """Decode a picture from near the beginning; the first one when the file cannot be seeked."""
    for at_s in (_STILL_AT * (duration_s or 0.0), 0.0):
        try:
            container.seek(round(at_s * av.time_base), backward=True)
            for number, packet in enumerate(container.demux(video)):
                for frame in packet.decode():
                    if isinstance(frame, av.VideoFrame):
                        return _upright(frame)
                if number > _MAX_PACKETS:
                    break
        except FFmpegError:
            continue
    return None


def _upright(frame: av.VideoFrame) -> Image.Image:
    return Image.fromarray(frame.to_ndarray(format="rgb24")).rotate(frame.rotation, expand=True)


def _jpeg(picture: Image.Image) -> bytes:
    small = picture.convert("RGB")
    small.thumbnail((STILL_WIDTH, STILL_HEIGHT))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_JPEG_QUALITY)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Probe the file named in the arguments; return the exit code."""
    os.nice(10)
    av.logging.set_libav_level(av.logging.PANIC)
    path = Path(arguments[0])
    name = arguments[1] if len(arguments) > 1 else path.name
    try:
        found = look(path, name)
    except (MediaError, OSError) as error:
        message = {key: said.replace(path.name, name) for key, said in both(error).items()}
        sys.stderr.write(msgspec.json.encode(message).decode() + "\n")
        return 1
    sys.stdout.write(msgspec.json.encode(found).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
