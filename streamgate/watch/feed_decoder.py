"""Decoder of one feed's keyframes and sound: small pictures and levels for the conveyor.

Each keyframe is decoded alone, without the loop filter. The more CPU time it took, the later the next one is
decoded: whatever size a feed has, pictures take at most BUDGET of a core.
"""

import io
import math
import time

import av
import av.error
import numpy as np
from PIL import Image

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.watch.messages import FLOOR_DB, SLOT_US, Level, Still

BUDGET = 0.008
MIN_SPACING_US = 400_000
SMALL, LARGE = (160, 90), (480, 270)
QUALITY_SMALL, QUALITY_LARGE = 60, 68
_GREY = (32, 18)  # size at which two pictures are compared
_CODECS = {"h264": "h264", "hevc": "hevc", "av1": "av1", "vp9": "vp9"}
_SOUNDS = {"aac": "aac", "mp3": "mp3", "opus": "opus"}


class FeedDecoder:
    """Decoder of one channel. It skips packets that cannot be decoded."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._video: av.VideoCodecContext | None = None
        self._sound: av.AudioCodecContext | None = None
        self._next_us = 0
        self._before: np.ndarray | None = None
        self._slot = 0
        self._squares, self._samples = 0.0, 0

    def set_format(self, feed: FeedFormat) -> None:
        self._video = _video_decoder(feed.video)
        self._sound = _sound_decoder(feed.audio)
        self._samples, self._squares = 0, 0.0

    def decode(self, packet: Packet) -> Still | Level | None:
        """Decode a packet whose DTS is its arrival; return a picture or a level when one is ready."""
        if not packet.data:  # libav would treat it as the end of the stream
            return None
        if packet.kind is Kind.AUDIO:
            return self._decode_sound(packet)
        if not packet.keyframe or self._video is None or packet.dts < self._next_us:
            return None
        began = time.thread_time_ns()
        still = self._decode_keyframe(self._video, packet)
        cost_us = (time.thread_time_ns() - began) / 1000
        self._next_us = packet.dts + max(MIN_SPACING_US, round(cost_us / BUDGET))
        return still

    def _decode_keyframe(self, decoder: "av.VideoCodecContext", packet: Packet) -> Still | None:
        try:
            frames = decoder.decode(av.Packet(packet.data)) or decoder.decode(None)
            decoder.flush_buffers()
            if not frames:
                return None
            picture = _to_picture(frames[0])
        except (av.error.FFmpegError, ValueError, MemoryError):
            return None
        small = picture.copy()
        small.thumbnail(SMALL)
        grey = np.asarray(small.convert("L").resize(_GREY), dtype=np.int16)
        change = 0 if self._before is None else round(float(np.abs(grey - self._before).mean()) / 2.55)
        self._before = grey
        return Still(
            self._channel, packet.dts, _jpeg(small, QUALITY_SMALL), _jpeg(picture, QUALITY_LARGE), change
        )

    def _decode_sound(self, packet: Packet) -> Level | None:
        """Decode an audio packet; return the level of a slot once it is over."""
        if self._sound is None:
            return None
        slot, level = packet.dts // SLOT_US, None
        if slot != self._slot:
            if self._samples:
                level = Level(self._channel, self._slot * SLOT_US, _db(self._squares / self._samples))
            self._slot, self._squares, self._samples = slot, 0.0, 0
        try:
            for frame in self._sound.decode(av.Packet(packet.data)):
                wave = frame.to_ndarray()
                if wave.dtype != np.float32:  # the sample format of these codecs' decoders
                    continue
                self._squares += float(np.vdot(wave, wave))
                self._samples += wave.size
        except (av.error.FFmpegError, ValueError, MemoryError):
            pass
        return level


def _video_decoder(track: VideoTrack | None) -> "av.VideoCodecContext | None":
    if track is None or track.codec not in _CODECS:
        return None
    try:
        decoder = av.CodecContext.create(_CODECS[track.codec], "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.extradata = track.config
        decoder.thread_count = 1
        decoder.options = {"skip_loop_filter": "all", "flags2": "+fast"}
        decoder.open()
    except (av.error.FFmpegError, ValueError):
        return None
    return decoder


def _sound_decoder(track: AudioTrack | None) -> "av.AudioCodecContext | None":
    if track is None or track.codec not in _SOUNDS:
        return None
    try:
        decoder = av.CodecContext.create(_SOUNDS[track.codec], "r")
        assert isinstance(decoder, av.AudioCodecContext)
        if track.codec != "mp3":
            decoder.extradata = track.config
        decoder.open()
    except (av.error.FFmpegError, ValueError):
        return None
    return decoder


def _to_picture(frame: "av.VideoFrame") -> Image.Image:
    """Return the picture, scaled to at most LARGE, with its aspect ratio kept."""
    scale = min(LARGE[0] / frame.width, LARGE[1] / frame.height, 1.0)
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    smaller = frame.reformat(width, height, "rgb24", interpolation="FAST_BILINEAR")
    return Image.fromarray(smaller.to_ndarray())


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=quality)
    return made.getvalue()


def _db(power: float) -> int:
    """Return a mean square as dBFS."""
    return max(FLOOR_DB, min(0, round(10 * math.log10(power)))) if power > 0 else FLOOR_DB
