"""Makes one clip: any media file, picture or the slate, transcoded to exactly what a feed consists of.

    python -m streamgate.playout.conform JOB.json          (JOB.json holds a `ConformJob`)

Runs as a child of the gate process, which carries no libav. The clip goes to a temporary file beside `out`,
frame by frame, and is renamed into place when whole. On failure the last line of stderr is {"error": "..."}
in words for an operator, and the exit code is 1.
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
from streamgate.playout.conform_audio import Soundtrack, silence_for
from streamgate.playout.conform_video import Fitter, VideoEncoder
from streamgate.playout.job import SLATE, ConformJob, partial_path

_NICE = 10
_PICTURE_S = 10
_MOVING = frozenset({"GIF", "PNG"})  # libav plays these; of other pictures with many frames it gets the first
_LONGER_SOUND_S = 0.5  # sound that goes on for longer than this keeps the last picture
FILE_ONLY = {"protocol_whitelist": "file"}  # a playlist must not make us fetch anything
_MIN_FRAMES = 2  # adjacent IDR pictures of one frame's loop would carry the same idr_pic_id


class _ClipFile:
    """A clip file being written: encoded frames in, in any interleaving."""

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
        """A picture that does not move: one GOP of it is all that has to be encoded."""
        self.show(frame, max(_MIN_FRAMES, self.target.video.gop))
        return self.finish_video()

    def finish_video(self) -> VideoTrack:
        self._write_video(self.encoder.finish())
        return self.encoder.track()

    def finish(self, video: VideoTrack) -> None:
        """Let the sound cover the loop exactly and write the index."""
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
    """Make the clip `job.out`. MediaError when the source or the feed does not allow it."""
    target = target_for(job.format, job.sps_id)
    out = Path(job.out)
    partial = partial_path(job, os.getpid())
    picture = None if job.source == SLATE else picture_of(Path(job.source))
    try:
        with partial.open("wb") as file:
            clip = _ClipFile(file, job, target, still=job.source == SLATE or picture is not None)
            if job.source == SLATE:
                _conform_picture(clip, _slate(target), seconds=0)
            elif picture is not None:
                _conform_picture(clip, picture, seconds=_PICTURE_S)
            else:
                _conform_file(clip, Path(job.source))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(out)
    except FFmpegError as error:
        raise MediaError(f"{_name_of(job)} cannot be conformed: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def _slate(target: Target) -> Image.Image:
    """The slate as wide as it is shown; the fitter squeezes it if the feed's samples are not square."""
    video = target.video
    return slate.render(max(2, round(video.height * video.aspect)), video.height)


def _conform_picture(clip: _ClipFile, image: Image.Image, seconds: int) -> None:
    """Encode one GOP of it and repeat that for `seconds`."""
    video = clip.loop_one_gop(clip.fitter.picture(image))
    clip.writer.repeat_video(min(round(seconds * clip.fps), clip.max_frames))
    clip.finish(video)


def picture_of(path: Path) -> Image.Image | None:
    """Return the picture upright, None when the file is something else (a moving picture, too)."""
    try:
        with path.open("rb") as file, Image.open(file) as image:
            if getattr(image, "n_frames", 1) > 1 and image.format in _MOVING:
                return None
            image.load()
            return ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise MediaError(f"{path.name} does not exist") from error
    except PermissionError as error:
        raise MediaError(f"{path.name} may not be read") from error
    except IsADirectoryError as error:
        raise MediaError(f"{path.name} is a directory; allowed is a media file") from error
    except Image.DecompressionBombError as error:
        raise MediaError(f"{path.name} is a picture too large to be used: {error}") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None  # libav may know better


def _conform_file(clip: _ClipFile, path: Path) -> None:
    try:
        container = av.open(f"file:{path.absolute()}", options=FILE_ONLY, metadata_errors="replace")
    except (FFmpegError, ValueError) as error:
        raise MediaError(f"{path.name} is not a media file that can be read") from error
    with container:
        video, audio = streams_of(container)
        if video is None and audio is None:
            raise MediaError(f"{path.name} holds neither picture nor sound")
        source = _Source(clip, video, audio)
        try:
            for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
                source.take(packet)
                if source.done:
                    break
        except FFmpegError as error:  # a file cut short: what came before is good
            if not source.has_media:
                raise MediaError(f"{path.name} is damaged: {error.strerror}") from error
        if not source.has_media:
            raise MediaError(f"{path.name} holds neither picture nor sound that can be decoded")
        source.finish()


def streams_of(container: InputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """Return the streams to use. A cover picture in a music file is not a video."""
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
    """Decodes a file's packets and puts frames on the clip's timeline, video at its constant rate."""

    def __init__(self, clip: _ClipFile, video: VideoStream | None, audio: AudioStream | None) -> None:
        self._clip = clip
        self._video = video
        self._start_s = _start_of(video or audio)
        self._latest: av.VideoFrame | None = None  # fills the time up to the frame after it
        self._latest_s = Fraction(0)
        self.done = False

    @property
    def has_media(self) -> bool:
        return self._latest is not None or self._clip.sound.duration_s > 0

    def take(self, packet: "av.Packet[Stream]") -> None:
        try:
            frames = packet.decode()
        except InvalidDataError:
            return  # damage costs those frames, not the clip
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                self._see(frame)
            elif isinstance(frame, av.AudioFrame):
                self._clip.play(frame, self._time_of(frame))
        self.done = self._clip.full if self._video is not None else self._clip.sound_full

    def finish(self) -> None:
        """Show the last frame for its duration, or for as long as the sound goes on, and end the clip."""
        clip = self._clip
        sound_frames = ceil(clip.sound.duration_s * clip.fps)
        if self._latest is None or self._video is None:
            video = clip.loop_one_gop(clip.fitter.picture(_slate(clip.target)))
            clip.writer.repeat_video(min(sound_frames, clip.max_frames))
            clip.finish(video)
            return
        least = _MIN_FRAMES if clip.shown else clip.target.video.gop  # a single picture is no movie
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
        """Show the latest frame up to frame number `until` of the clip; not at all if that has passed."""
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
    return "the slate" if job.source == SLATE else Path(job.source).name


def main(arguments: list[str]) -> int:
    """Do the job in the file named; return the exit code."""
    os.nice(_NICE)
    av.logging.set_libav_level(av.logging.PANIC)
    job = None
    try:
        job = msgspec.json.decode(Path(arguments[0]).read_bytes(), type=ConformJob)
        conform(job)
    except (MediaError, msgspec.MsgspecError) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{_name_of(job) if job else arguments[0]} cannot be conformed: {error.strerror}")
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(msgspec.json.encode({"error": reason}).decode() + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
