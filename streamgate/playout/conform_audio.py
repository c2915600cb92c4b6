"""Audio conversion: decoded sound of any format to the AAC frames of a clip. In the conform child only."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.error import FFmpegError

from streamgate.core.packet import AudioTrack
from streamgate.core.target import DEFAULT_AUDIO, is_lc_of
from streamgate.errors import MediaError

_FRAME = 1024  # samples of an AAC-LC frame, and of the priming of FFmpeg's encoder
_BITS_PER_CHANNEL = 64_000
# FFmpeg's encoder writes these as channel configurations 1 to 6. PyAV cannot fill the 8 planes of 7.1.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1"}
_SILENT_STEREO = bytes.fromhex("211004608c1c")  # a silent AAC-LC frame of DEFAULT_AUDIO, encoded by FFmpeg
_TOLERANCE_S = 0.05  # a larger error in timestamps moves the sound
_INAUDIBLE = 1e-4  # -80 dB
_TONE_HZ, _TONE_LEVEL = 1000, 0.1  # -20 dBFS, the level of line-up tone
_Samples = npt.NDArray[np.float32]


class AudioEncoder:
    """Encodes blocks of (channels, 1024) samples. The priming frame is dropped: block j becomes frame j.

    Raises MediaError when a decoder configured for `target` could not decode the frames.
    """

    def __init__(self, target: AudioTrack) -> None:
        context = av.CodecContext.create("aac", "w")
        context.sample_rate = target.sample_rate
        context.layout = _LAYOUTS[target.channels]
        context.format = "fltp"
        context.bit_rate = _BITS_PER_CHANNEL * target.channels
        context.time_base = Fraction(1, target.sample_rate)
        context.flags |= Flags.global_header
        context.open()
        own = bytes(context.extradata or b"")
        if not is_lc_of(own, target.sample_rate, target.channels):
            raise MediaError(
                f"AAC of {target.channels} channels at {target.sample_rate} Hz cannot be encoded to match",
                f"无法编码与之匹配的 AAC：{target.channels} 声道，{target.sample_rate} Hz",
            )
        self._context = context
        self._target = target
        self._samples = 0
        self._primed = False

    def encode(self, block: _Samples) -> Iterator[bytes]:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block), "fltp", _LAYOUTS[self._target.channels]
        )
        frame.sample_rate = self._target.sample_rate
        frame.pts = self._samples
        frame.time_base = Fraction(1, self._target.sample_rate)
        self._samples += block.shape[1]
        yield from self._frames(self._context.encode(frame))

    def finish(self) -> Iterator[bytes]:
        yield from self._frames(self._context.encode(None))

    def _frames(self, packets: "list[av.Packet[Any]]") -> Iterator[bytes]:
        for packet in packets:
            if self._primed:
                yield bytes(packet)
            self._primed = True


def silence_for(track: AudioTrack) -> tuple[AudioTrack, bytes]:
    """Return the track of a clip for a feed with `track`, and one encoded silent frame of it. Never fails.

    The track is the feed's if FFmpeg can encode it, else DEFAULT_AUDIO with a constant silent frame.
    """
    try:
        return track, _silent_frame(track)
    except (FFmpegError, MediaError, ValueError, LookupError):
        return DEFAULT_AUDIO, _SILENT_STEREO


def _silent_frame(target: AudioTrack) -> bytes:
    """Return one encoded frame of silence, from the middle of several."""
    encoder = AudioEncoder(target)
    block = np.zeros((target.channels, _FRAME), np.float32)
    frames = [frame for _ in range(4) for frame in encoder.encode(block)]
    return frames[-1]


def tone(target: AudioTrack, seconds: float) -> av.AudioFrame:
    """Return a steady tone near 1 kHz with whole periods per AAC frame: any frame can follow any other."""
    periods = max(1, round(_TONE_HZ * _FRAME / target.sample_rate))
    phase = 2 * np.pi * periods / _FRAME * np.arange(round(seconds * target.sample_rate))
    wave = (_TONE_LEVEL * np.sin(phase)).astype(np.float32)
    block = np.ascontiguousarray(np.tile(wave, (target.channels, 1)))
    frame = av.AudioFrame.from_ndarray(block, "fltp", _LAYOUTS[target.channels])
    frame.sample_rate = target.sample_rate
    return frame


class Soundtrack:
    """Places decoded sound on the clip's timeline, sample by sample, and encodes it.

    Gaps become silence, overlaps are cut. The first frame fades in, because a decoder still holds samples
    from before the splice. `has_sound` becomes true with the first audible sample.
    """

    def __init__(self, target: AudioTrack) -> None:
        self._target = target
        self._encoder: AudioEncoder | None = None  # made for the first sound: a slate needs none
        self._resampler: av.AudioResampler | None = None
        self._input: tuple[str, str, int] | None = None
        self._waiting: _Samples = np.zeros((target.channels, 0), np.float32)
        self._samples = 0  # encoded and waiting
        self._tolerance = round(_TOLERANCE_S * target.sample_rate)
        self._fade: _Samples = np.linspace(0, 1, _FRAME, dtype=np.float32)
        self.has_sound = False

    @property
    def duration_s(self) -> Fraction:
        return Fraction(self._samples, self._target.sample_rate)

    def add(self, frame: av.AudioFrame, time_s: Fraction | None) -> Iterator[bytes]:
        """Add a decoded frame at `time_s` of the clip (None: after the last one)."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or shape != self._input:
            self._input = shape
            self._resampler = av.AudioResampler(
                "fltp", _LAYOUTS[self._target.channels], self._target.sample_rate
            )
        frame.pts = None
        for piece in self._resampler.resample(frame):
            samples = np.nan_to_num(np.asarray(piece.to_ndarray(), np.float32), posinf=0, neginf=0)
            if time_s is not None:
                late = round(time_s * self._target.sample_rate) - self._samples
                if late > self._tolerance:
                    yield from self._add_silence(late)
                elif late < -self._tolerance:
                    samples = samples[:, -late:]
                time_s = None
            self._append(np.clip(samples, -1, 1))
        yield from self._encode_whole_blocks()

    def finish(self, frames: int) -> Iterator[bytes]:
        """Encode the rest, then silence for the overlap of AAC frames; `frames` frames at most in all."""
        rest = min(-self._samples % _FRAME + 2 * _FRAME, max(0, frames * _FRAME - self._samples))
        yield from self._add_silence(rest)
        if self._encoder is not None:
            yield from self._encoder.finish()

    def _add_silence(self, samples: int) -> Iterator[bytes]:
        while samples > 0:
            piece = min(samples, self._target.sample_rate)  # a second at a time: gaps can be long
            self._append(np.zeros((self._target.channels, piece), np.float32))
            yield from self._encode_whole_blocks()
            samples -= piece

    def _append(self, samples: _Samples) -> None:
        if self._samples < _FRAME:
            faded = self._fade[self._samples : self._samples + samples.shape[1]]
            samples = samples.copy()
            samples[:, : len(faded)] *= faded
        if not self.has_sound and samples.size:
            self.has_sound = bool(np.abs(samples).max() > _INAUDIBLE)
        self._samples += samples.shape[1]
        self._waiting = np.concatenate((self._waiting, samples), axis=1)

    def _encode_whole_blocks(self) -> Iterator[bytes]:
        if self._encoder is None:
            self._encoder = AudioEncoder(self._target)
        whole = self._waiting.shape[1] // _FRAME * _FRAME
        for start in range(0, whole, _FRAME):
            yield from self._encoder.encode(self._waiting[:, start : start + _FRAME])
        self._waiting = self._waiting[:, whole:]
