"""Conform: transcodes a media file, picture or the slate to a clip with a feed's parameters.

    python -m streamgate.playout.conform JOB.json          (JOB.json holds a `ConformJob`)

Runs as a child of the gate process, which does not load libav. The clip goes to a temporary file beside
`out`, frame by frame, and is renamed when complete. On failure the last line of stderr is {"error",
"error_zh"}, for the operator, and the exit code is 1.
"""

import os
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import BinaryIO

import av
import msgspec
from av.audio.stream import AudioStream
from av.codec.context import ThreadType
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream
from PIL import Image, ImageOps, UnidentifiedImageError

from streamgate.core.clip import ClipWriter, audio_frames_for
from streamgate.core.packet import FeedFormat, VideoTrack
from streamgate.core.target import Target, target_for
from streamgate.errors import MediaError
from streamgate.playout import slate
from streamgate.playout.conform_audio import Soundtrack, silence_for, tone
from streamgate.playout.conform_video import Fitter, VideoEncoder
from streamgate.playout.job import BUILT_IN, SLATE, TONE, ConformJob, partial_path
from streamgate.wording import system_error

_NICE = 10
_TONE_S = 2
_PICTURE_S = 10
_MOVING = frozenset({"GIF", "PNG"})  # libav plays these; of other animated pictures the first frame is used
_LONGER_SOUND_S = 0.5  # audio longer than video by more than this: repeat the last picture
FILE_ONLY = {"protocol_whitelist": "file"}  # a playlist must not cause downloads
_MIN_FRAMES = 2  # adjacent IDR pictures of one frame's loop would carry the same idr_pic_id


class _ClipFile:
    """A clip file under construction: takes decoded frames of video and audio in any order."""

    def __init__(self, file: BinaryIO, job: ConformJob, target: Target, *, still: bool) -> None:
        self._file = file
        self._name = job.name
        audio, silence = silence_for(target.audio)
        self.target = target = msgspec.structs.replace(target, audio=audio)
        self.writer = ClipWriter()
        self.encoder = VideoEncoder(target.video, job.bitrate_bps, still=still)
        self.fitter = Fitter(target.video)
        self.sound = Soundtrack(target.audio)
        self.max_frames = max(_MIN_FRAMES, int(job.max_duration_s * self.fps))
        self.shown = 0  # frames handed to the encoder
        file.write(self.writer.start(silence))

    @property
    def fps(self) -> Fraction:
        return Fraction(self.target.video.fps_num, self.target.video.fps_den)

    @property
    def full(self) -> bool:
        return self.shown >= self.max_frames

    @property
    def sound_full(self) -> bool:
        return self.sound.duration_s * self.fps >= self.max_frames

    def show(self, frame: av.VideoFrame, times: int) -> None:
        for _ in range(min(times, self.max_frames - self.shown)):
            self.shown += 1
            self._write_video(self.encoder.encode(frame))

    def play(self, frame: av.AudioFrame, time_s: Fraction | None) -> None:
        if not self.sound_full:
            self._write_audio(self.sound.add(frame, time_s))

    def loop_one_gop(self, frame: av.VideoFrame) -> VideoTrack:
        """Encode one GOP of a still picture, which is all that it needs."""
        self.show(frame, max(_MIN_FRAMES, self.target.video.gop))
        return self.finish_video()

    def finish_video(self) -> VideoTrack:
        self._write_video(self.encoder.finish())
        return self.encoder.track()

    def finish(self, video: VideoTrack) -> None:
        """Trim or fill the audio to cover the loop exactly, and write the index."""
        needed = audio_frames_for(self.writer.video_count, video, self.target.audio)
        if self.sound.has_sound:
            self._write_audio(self.sound.finish(needed))
        self.writer.trim_audio(needed if self.sound.has_sound else 0)
        while self.writer.audio_count < needed:
            self.writer.silent_audio()
        format_ = FeedFormat(video, self.target.audio)
        self._file.write(self.writer.finish(self._name, format_, has_sound=self.sound.has_sound))

    def _write_video(self, frames: Iterator[tuple[bytes, bool]]) -> None:
        for payload, keyframe in frames:
            self._file.write(self.writer.video(payload, keyframe=keyframe))

    def _write_audio(self, frames: Iterator[bytes]) -> None:
        for payload in frames:
            self._file.write(self.writer.audio(payload))


def conform(job: ConformJob) -> None:
    """Make the clip `job.out`. Raises MediaError when the source or the feed does not allow it."""
    target = target_for(job.format, job.sps_id)
    out = Path(job.out)
    partial = partial_path(job, os.getpid())
    picture = None if job.source in BUILT_IN else picture_of(Path(job.source))
    try:
        with partial.open("wb") as file:
            clip = _ClipFile(file, job, target, still=job.source in BUILT_IN or picture is not None)
            if job.source == SLATE:
                _conform_picture(clip, _slate(target), seconds=0)
            elif job.source == TONE:
                _conform_tone(clip, _slate(target))
            elif picture is not None:
                _conform_picture(clip, picture, seconds=_PICTURE_S)
            else:
                _conform_file(clip, Path(job.source))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    except FFmpegError as error:
        raise MediaError(
            f"{_name_of(job)} cannot be conformed: {error.strerror}",
            f"{_name_of(job)} 无法转换（{error.strerror}）",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _slate(target: Target) -> Image.Image:
    """Return the slate in display size; the fitter scales it if the feed's samples are not square."""
    video = target.video
    return slate.render(max(2, round(video.height * video.aspect)), video.height)


def _conform_picture(clip: _ClipFile, image: Image.Image, seconds: int) -> None:
    """Encode one GOP of a picture and repeat that for `seconds`."""
    video = clip.loop_one_gop(clip.fitter.picture(image))
    clip.writer.repeat_video(min(round(seconds * clip.fps), clip.max_frames))
    clip.finish(video)


def _conform_tone(clip: _ClipFile, image: Image.Image) -> None:
    """Conform the slate with a steady tone; only its audio is used."""
    video = clip.loop_one_gop(clip.fitter.picture(image))
    clip.writer.repeat_video(round(_TONE_S * clip.fps))
    duration_s = clip.writer.video_count / clip.fps
    clip.play(tone(clip.target.audio, float(duration_s) + 0.5), None)
    clip.finish(video)


def picture_of(path: Path) -> Image.Image | None:
    """Return the picture upright; None when the file is not a picture, or an animated one."""
    try:
        with path.open("rb") as file, Image.open(file) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format in _MOVING:
                return None
            image.load()
            return ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise MediaError(f"{path.name} does not exist", f"{path.name} 不存在") from error
    except PermissionError as error:
        raise MediaError(f"{path.name} may not be read", f"{path.name} 无读取权限") from error
    except IsADirectoryError as error:
        raise MediaError(
            f"{path.name} is a directory; allowed is a media file", f"{path.name} 是目录；须为媒体文件"
        ) from error
    except Image.DecompressionBombError as error:
        raise MediaError(
            f"{path.name} is a picture too large to be used: {error}",
            f"{path.name} 图片过大，无法使用（{error}）",
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None  # libav may be able to read it


def _conform_file(clip: _ClipFile, path: Path) -> None:
    try:
        container = av.open(f"file:{path.absolute()}", options=FILE_ONLY, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise MediaError(
            f"{path.name} is not a media file that can be read", f"{path.name} 不是可读取的媒体文件"
        ) from error
    with container:
        video, audio = streams_of(container)
        if video is None and audio is None:
            raise MediaError(
                f"{path.name} holds neither picture nor sound", f"{path.name} 既没有画面也没有声音"
            )
        source = _Source(clip, video, audio)
        try:
            for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
                source.take(packet)
                if source.done:
                    break
        except FFmpegError as error:  # a truncated file: use the part before
            if not source.has_media:
                raise MediaError(
                    f"{path.name} is damaged: {error.strerror}", f"{path.name} 已损坏（{error.strerror}）"
                ) from error
        if not source.has_media:
            raise MediaError(
                f"{path.name} holds neither picture nor sound that can be decoded",
                f"{path.name} 没有可解码的画面或声音",
            )
        source.finish()


def streams_of(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """Return the streams to use. A cover picture in a music file does not count as video."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    for stream in moving:
        stream.thread_type = ThreadType.AUTO
    best = container.streams.best("video")
    video = next((stream for stream in moving if stream is best), moving[0] if moving else None)
    audio = container.streams.best("audio")
    return video, audio if isinstance(audio, AudioStream) else None


def _start_of(stream: VideoStream | AudioStream | None) -> Fraction | None:
    if stream is None or stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


class _Source:
    """Decodes a file's packets and places frames on the clip's timeline, video at its constant rate."""

    def __init__(self, clip: _ClipFile, video: VideoStream | None, audio: AudioStream | None) -> None:
        self._clip = clip
        self._video = video
        self._start_s = _start_of(video or audio)
        self._latest: av.VideoFrame | None = None  # shown until the next frame
        self._latest_s = Fraction(0)
        self.done = False

    @property
    def has_media(self) -> bool:
        return self._latest is not None or self._clip.sound.duration_s > 0

    def take(self, packet: "av.Packet[Stream]") -> None:
        try:
            frames = packet.decode()
        except InvalidDataError:
            return  # skip damaged frames, keep the clip
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                self._see(frame)
            elif isinstance(frame, av.AudioFrame):
                self._clip.play(frame, self._time_of(frame))
        self.done = self._clip.full if self._video is not None else self._clip.sound_full

    def finish(self) -> None:
        """Show the last frame for its duration, or until the audio ends, and finish the clip."""
        clip = self._clip
        sound_frames = ceil(clip.sound.duration_s * clip.fps)
        if self._latest is None or self._video is None:
            video = clip.loop_one_gop(clip.fitter.picture(_slate(clip.target)))
            clip.writer.repeat_video(min(sound_frames, clip.max_frames))
            clip.finish(video)
            return
        least = _MIN_FRAMES if clip.shown else clip.target.video.gop  # a single picture becomes one GOP
        until = max(least, round((self._latest_s + self._last_duration_s()) * clip.fps))
        if sound_frames - until > _LONGER_SOUND_S * clip.fps:
            until = sound_frames
        self._show_latest(until)
        clip.finish(clip.finish_video())

    def _time_of(self, frame: av.VideoFrame | av.AudioFrame) -> Fraction | None:
        if frame.pts is None or frame.time_base is None:
            return None
        time_s = frame.pts * frame.time_base
        if self._start_s is None:
            self._start_s = time_s
        return time_s - self._start_s

    def _see(self, frame: av.VideoFrame) -> None:
        time_s = self._time_of(frame)
        if time_s is None:
            time_s = self._latest_s + 1 / self._clip.fps
        self._show_latest(round(time_s * self._clip.fps))
        self._latest, self._latest_s = frame, time_s

    def _show_latest(self, until: int) -> None:
        """Repeat the latest frame up to frame number `until` of the clip; not at all if that has passed."""
        times = until - self._clip.shown
        if self._latest is not None and self._video is not None and times > 0:
            fitted = self._clip.fitter.fit(self._latest, self._video.sample_aspect_ratio)
            self._clip.show(fitted, times)

    def _last_duration_s(self) -> Fraction:
        frame = self._latest
        if frame is None or not frame.duration or frame.time_base is None:
            return 1 / self._clip.fps
        return frame.duration * frame.time_base


def _name_of(job: ConformJob) -> str:
    return f"the {job.source}" if job.source in BUILT_IN else Path(job.source).name


def main(arguments: list[str]) -> int:
    """Do the job in the file named in the arguments; return the exit code."""
    os.nice(_NICE)
    av.logging.set_libav_level(av.logging.PANIC)
    job = None
    try:
        job = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=ConformJob)
        conform(job)
    except (MediaError, msgspec.MsgspecError) as error:
        zh = error.zh if isinstance(error, MediaError) else ""
        return _fail(str(error), zh or f"无法转换（{error}）")
    except OSError as error:
        name = _name_of(job) if job else arguments[0]
        return _fail(
            f"{name} cannot be conformed: {error.strerror}", f"{name} 无法转换：{system_error(error)}"
        )
    return 0


def _fail(reason: str, reason_zh: str) -> int:
    sys.stderr.write(msgspec.json.encode({"error": reason, "error_zh": reason_zh}).decode() + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
