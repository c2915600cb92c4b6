"""What a platform recorded: does it decode, which frames are in it, where sound and picture are."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from tools.timecode import FPS, RATE, TONE_S, Mark, read, tone_hz


@dataclass(frozen=True)
class Shown:
    """A decoded frame: when it is shown (seconds) and the mark in it (None: filler)."""

    pts_s: float
    mark: Mark | None


@dataclass(frozen=True)
class Tone:
    """A whole tone heard: when it began (seconds) and the second it stands for, modulo 16."""

    pts_s: float
    second: int


def decode_errors(path: Path, tracks: Sequence[int] = ()) -> str:
    """Return what the ffmpeg command line complains about when it decodes a file; empty when nothing.

    `tracks`: which ones, by index; all when none is named.
    """
    command = ["ffmpeg", "-v", "error", "-nostdin", "-xerror", "-i", str(path)]
    for chosen in [f"0:{track}" for track in tracks] or ["0"]:
        command += ["-map", chosen]
    command += ["-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() or (f"exit code {done.returncode}" if done.returncode else "")


class Recording:
    """A recorded file, decoded on demand by PyAV (which raises on the first error)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def frames(self) -> list[Shown]:
        shown = []
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.options = {"err_detect": "explode"}
            for frame in container.decode(stream):
                plane = frame.planes[0]
                luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[
                    : frame.height, : frame.width
                ]
                assert frame.time is not None
                shown.append(Shown(frame.time, read(luma)))
        return shown

    def numbers(self, feed: int) -> list[int]:
        """Return the frame numbers of one feed in the order they are shown."""
        return [
            shown.mark.frame for shown in self.frames if shown.mark is not None and shown.mark.feed == feed
        ]

    @cached_property
    def _pieces(self) -> list[tuple[float, int, NDArray[np.float32]]]:
        """Decoded sound, by frame: time (seconds, by its timestamp), sampling rate, and samples, mono."""
        pieces = []
        with av.open(str(self.path)) as container:
            for frame in container.decode(container.streams.audio[0]):
                assert frame.time is not None
                samples = frame.to_ndarray().mean(axis=0, dtype=np.float32)
                pieces.append((frame.time, frame.sample_rate, samples))
        return pieces

    @cached_property
    def sound(self) -> NDArray[np.float32]:
        """Return the sound as one mono track at RATE from time 0 on, silence where there is none."""
        assert {rate for _, rate, _ in self._pieces} == {RATE}
        pieces = [(round(time * RATE), piece) for time, _, piece in self._pieces]
        track = np.zeros(max(at + piece.size for at, piece in pieces), np.float32)
        for at, piece in pieces:
            track[max(at, 0) : at + piece.size] = piece[max(-at, 0) :]
        return track

    def played(self, begin_s: float, end_s: float) -> NDArray[np.float32]:
        """Return the sound of a time span, at RATE, as players play it: frame after frame, without a break.

        The timestamps of FLV are whole milliseconds: at them, frames of 21.3 ms would overlap and not join.
        """
        inside = [(rate, piece) for time, rate, piece in self._pieces if begin_s <= time < end_s]
        assert {rate for rate, _ in inside} == {RATE}
        return np.concatenate([piece for _, piece in inside])

    @cached_property
    def loud_s(self) -> list[float]:
        """Return the times of the frames of sound in which a tone is, of whatever rate."""
        return [time for time, _, piece in self._pieces if np.abs(piece).max() > 0.2]

    @cached_property
    def tones(self) -> list[Tone]:
        """Return the whole tones in order of time; one that a splice cut short is left out."""
        window = RATE // 1000
        size = self.sound.size // window * window
        loud = np.abs(self.sound[:size]).reshape(-1, window).max(axis=1) > 0.12
        # a sine is below the level for a moment at each zero crossing: close gaps under 5 ms
        edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(np.int8), [0]))))
        runs = [[int(a), int(b)] for a, b in edges.reshape(-1, 2)]
        joined: list[list[int]] = []
        for run in runs:
            if joined and run[0] - joined[-1][1] < 5:
                joined[-1][1] = run[1]
            else:
                joined.append(run)
        tones = []
        for begin, end in joined:
            if abs((end - begin) / 1000 - TONE_S) > 0.012:
                continue
            piece = self.sound[(begin + 5) * window : (end - 5) * window]
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(piece.size), 1 << 15))
            hz = float(spectrum.argmax()) * RATE / (1 << 15)
            second = min(range(16), key=lambda s: abs(tone_hz(s) - hz))
            if abs(tone_hz(second) - hz) < 30:
                tones.append(Tone(begin / 1000, second))
        return tones

    def skews_ms(self, feed: int) -> list[float]:
        """Return by how much each tone is late against the frame it belongs to, in milliseconds."""
        marks = [
            s for s in self.frames if s.mark is not None and s.mark.feed == feed and s.mark.frame % FPS == 0
        ]
        skews = []
        for tone in self.tones:
            for shown in marks:
                assert shown.mark is not None
                if shown.mark.frame // FPS % 16 == tone.second and abs(shown.pts_s - tone.pts_s) < 1:
                    skews.append((tone.pts_s - shown.pts_s) * 1000)
        return skews

    @cached_property
    def tags(self) -> list[tuple[str, int]]:
        """Return (kind, milliseconds) of every FLV tag: video, audio, video_header, audio_header, script."""
        data = self.path.read_bytes()
        tags = []
        at = 9 + 4
        while at + 11 <= len(data):
            size = int.from_bytes(data[at + 1 : at + 4], "big")
            if at + 11 + size > len(data):
                break
            stamp = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
            kind = {8: "audio", 9: "video", 18: "script"}.get(data[at], str(data[at]))
            if kind in ("audio", "video") and data[at + 12] == 0:
                kind += "_header"
            tags.append((kind, stamp))
            at += 11 + size + 4
        return tags

    def dts_steps(self, kind: str) -> list[int]:
        """Return the differences in milliseconds between the DTS of a track's neighbouring packets."""
        stamps = [stamp for what, stamp in self.tags if what == kind]
        return [b - a for a, b in pairwise(stamps)]

    def picture_gaps_ms(self) -> list[float]:
        """Return the differences in milliseconds between neighbouring frames as they are shown."""
        times = [shown.pts_s for shown in self.frames]
        return [round((b - a) * 1000, 3) for a, b in pairwise(times)]
