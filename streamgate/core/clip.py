r"""Clip file format: filler conformed to one feed, written front to back, read at random. Pure.

    "SGCLIP1\n" | payloads | index (JSON) | u32 CRC-32 of the index | u32 index length | "SGCLIPE\n"

The index comes last, so that a clip of any length is written without being held in memory. The end mark
shows that the file is complete. Numbers are big-endian. Video has no B-frames and a constant rate:
frame i is shown at i * video.frame_ms. Audio frame j starts at j * audio.frame_ms. A loop lasts
video_count * frame_ms and its audio covers it (with less than one audio frame to spare).
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from mmap import mmap
from typing import Any, Protocol
from zlib import crc32

import msgspec

from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import MediaError

MAGIC = b"SGCLIP1\n"
END = b"SGCLIPE\n"
VERSION = 1
_TAIL = struct.Struct("!II8s")
_ENTRY = struct.Struct("!QIB")


class ClipIndex(msgspec.Struct, frozen=True, gc=False):
    """The index of a clip file.

    `video`, `audio`: tables of `u64 offset | u32 size | u8 keyframe`, one row per frame (13 bytes each: the
    gate keeps them as they are). `silence`: (offset, size) of one encoded silent audio frame.
    `has_sound`: false when all of the audio is silence.
    """

    v: int
    name: str
    format: FeedFormat
    video: bytes
    audio: bytes
    silence: tuple[int, int]
    has_sound: bool


_decoder = msgspec.json.Decoder(ClipIndex)


def audio_frames_for(video_count: int, video: VideoTrack, audio: AudioTrack) -> int:
    """Return the number of audio frames that cover a loop of `video_count` frames, in exact integers."""
    return -(-video_count * video.fps_den * audio.sample_rate // (video.fps_num * audio.frame_samples))


class ClipWriter:
    """Clip file encoder: write the bytes that `start`, `video`, `audio`, `finish` return, in call order."""

    def __init__(self) -> None:
        self._video = bytearray()
        self._audio = bytearray()
        self._silence = (0, 0)
        self._at = 0

    @property
    def video_count(self) -> int:
        return len(self._video) // _ENTRY.size

    @property
    def audio_count(self) -> int:
        return len(self._audio) // _ENTRY.size

    def start(self, silence: bytes) -> bytes:
        """Return the start of the file. `silence`: one encoded silent audio frame."""
        self._silence = (len(MAGIC), len(silence))
        self._at = len(MAGIC) + len(silence)
        return MAGIC + silence

    def video(self, payload: bytes, *, keyframe: bool) -> bytes:
        return self._add(self._video, payload, keyframe)

    def audio(self, payload: bytes) -> bytes:
        return self._add(self._audio, payload, False)

    def silent_audio(self) -> None:
        """Add the silent audio frame once more: a row in the table, no payload."""
        self._audio += _ENTRY.pack(*self._silence, False)

    def repeat_video(self, count: int) -> None:
        """Repeat the frames so far from the first on, up to `count` frames: rows in the table, no payload."""
        once = bytes(self._video)
        while once and self.video_count < count:
            self._video += once[: (count - self.video_count) * _ENTRY.size]

    def trim_audio(self, count: int) -> None:
        """Drop the audio frames after the first `count`."""
        del self._audio[count * _ENTRY.size :]

    def _add(self, table: bytearray, payload: bytes, keyframe: bool) -> bytes:
        table += _ENTRY.pack(self._at, len(payload), keyframe)
        self._at += len(payload)
        return payload

    def finish(self, name: str, format_: FeedFormat, *, has_sound: bool) -> bytes:
        index = msgspec.json.encode(
            ClipIndex(
                VERSION, name, format_, bytes(self._video), bytes(self._audio), self._silence, has_sound
            )
        )
        return index + _TAIL.pack(crc32(index), len(index), END)


def encode(
    name: str,
    format_: FeedFormat,
    video: Iterable[tuple[bytes, bool]],
    audio: Iterable[bytes],
    *,
    silence: bytes,
    has_sound: bool,
) -> Iterator[bytes]:
    """Yield a clip file piece by piece. `video`: (payload, keyframe)."""
    writer = ClipWriter()
    yield writer.start(silence)
    for payload, keyframe in video:
        yield writer.video(payload, keyframe=keyframe)
    for payload in audio:
        yield writer.audio(payload)
    yield writer.finish(name, format_, has_sound=has_sound)


class Payload(Protocol):
    """Access to the frames of a clip file, all of them or the part that its reader keeps in memory.

    `ready`: the clip can air, from its first frame on. `broken`: it can never air again.
    """

    ready: bool
    broken: bool

    def read(self, offset: int, size: int, *, video: bool) -> bytes | None:
        """Return bytes of the file without waiting; None when they are not in memory."""


class _InMemory:
    ready = True
    broken = False

    def __init__(self, view: "memoryview[Any]") -> None:
        self._view = view

    def read(self, offset: int, size: int, *, video: bool) -> bytes:  # noqa: ARG002 - as in Payload
        return bytes(self._view[offset : offset + size])


class Clip:
    """An open clip file: its index and payload. A frame is copied when it is read.

    `silence`: one encoded silent audio frame. `path`: of the file it was read from; "" without a file.
    """

    path = ""

    def __init__(self, index: ClipIndex, payload: Payload, silence: bytes) -> None:
        assert index.format.video is not None
        assert index.format.audio is not None
        self._payload = payload
        self._video = index.video
        self._audio = index.audio
        self._silence = index.silence
        self.name = index.name
        self.format = index.format
        self.video_track: VideoTrack = index.format.video
        self.audio_track: AudioTrack = index.format.audio
        self.has_sound = index.has_sound
        self.video_count = len(index.video) // _ENTRY.size
        self.audio_count = len(index.audio) // _ENTRY.size
        self.silence = silence

    @classmethod
    def from_buffer(cls, buffer: "bytes | mmap | memoryview[Any]", name: str = "") -> "Clip":
        """Open a clip file, under another name if one is given.

        Raises MediaError when it is not a clip file, is truncated or is inconsistent.
        """
        view = memoryview(buffer).cast("B")
        index = read_index(len(view), lambda offset, size: bytes(view[offset : offset + size]), name)
        offset, size = index.silence
        return cls(index, _InMemory(view), bytes(view[offset : offset + size]))

    @property
    def duration_ms(self) -> float:
        """Duration of one loop."""
        return self.video_count * self.video_track.frame_ms

    @property
    def ready(self) -> bool:
        """Whether it can air; false while its frames do not get into memory in time."""
        return self._payload.ready

    @property
    def broken(self) -> bool:
        """Whether a read after opening found its file damaged."""
        return self._payload.broken

    def video(self, index: int) -> tuple[bytes, bool] | None:
        """Return (payload, keyframe) of video frame `index`, 0 to video_count - 1; None if not in memory."""
        offset, size, keyframe = _ENTRY.unpack_from(self._video, index * _ENTRY.size)
        data = self._payload.read(offset, size, video=True)
        return None if data is None else (data, keyframe == 1)

    def audio(self, index: int) -> bytes:
        """Return audio frame `index`, 0 to audio_count - 1; the silent one when it is not in memory."""
        offset, size, _ = _ENTRY.unpack_from(self._audio, index * _ENTRY.size)
        if (offset, size) == self._silence:
            return self.silence
        return self._payload.read(offset, size, video=False) or self.silence


def read_index(length: int, read: Callable[[int, int], bytes], name: str = "") -> ClipIndex:
    """Read and check the index of a clip file of `length` bytes, under another name if one is given.

    `read`: (offset, size) to bytes, fewer at the end of the file. Raises MediaError as `Clip.from_buffer`.
    """
    if length < len(MAGIC) + _TAIL.size or read(0, len(MAGIC)) != MAGIC:
        raise MediaError("not a clip file")
    tail = read(length - _TAIL.size, _TAIL.size)
    if len(tail) != _TAIL.size:
        raise MediaError("a clip file that is cut short")
    checksum, size, end = _TAIL.unpack(tail)
    index_start = length - _TAIL.size - size
    if end != END or index_start < len(MAGIC):
        raise MediaError("a clip file that is cut short")
    raw = read(index_start, size)
    if crc32(raw) != checksum:
        raise MediaError("a clip file whose index is damaged")
    try:
        index = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise MediaError(f"a clip file whose index cannot be read: {error}") from error
    _check(index, index_start)
    return msgspec.structs.replace(index, name=name) if name else index


def _check(index: ClipIndex, payload_end: int) -> None:
    """Raise MediaError unless every frame lies within the payload and the audio covers the video."""
    video, audio = index.format.video, index.format.audio
    if index.v != VERSION:
        raise MediaError(f"a clip file of version {index.v}; known is {VERSION}")
    if video is None or audio is None or min(video.fps_num, video.fps_den) <= 0:
        raise MediaError("a clip file without a video of constant rate and an audio track")
    if min(audio.sample_rate, audio.frame_samples) <= 0:
        raise MediaError(f"a clip file with audio of {audio.sample_rate} Hz")
    if not index.video or len(index.video) % _ENTRY.size or len(index.audio) % _ENTRY.size:
        raise MediaError("a clip file whose frame tables are damaged")
    if not _ENTRY.unpack_from(index.video)[2]:
        raise MediaError("a clip file that does not begin with a keyframe")
    rows = [(*index.silence, 0), *_ENTRY.iter_unpack(index.video), *_ENTRY.iter_unpack(index.audio)]
    if any(offset < len(MAGIC) or size <= 0 or offset + size > payload_end for offset, size, _ in rows):
        raise MediaError("a clip file with frames outside itself")
    count = len(index.audio) // _ENTRY.size
    needed = audio_frames_for(len(index.video) // _ENTRY.size, video, audio)
    if count != needed:
        raise MediaError(f"a clip file with {count} audio frames where its loop needs {needed}")
