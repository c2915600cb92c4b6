"""The encoder of a practice: publishes a made feed and plants marks in it, as a program of its own.

`python -m streamgate.demo.practice_feed` takes a `PracticeJob` on standard input, publishes it, and prints
one `Planted` as a line of JSON for each mark, as its first frame or sound is on its way. Ends after the last
mark's window, on SIGTERM, or when whoever started it is gone.
"""

import os
import signal
import sys
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import msgspec
import numpy as np
from av.error import FFmpegError

from streamgate.clock import now_us
from streamgate.core.practice import MARK_S, WINDOW_US, MarkKind

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 640, 360, 25
BIT_RATE = 600_000
SAMPLE_RATE, SAMPLES = 48_000, 1024
TONE_HZ, LOUD, HUM = 1000.0, 0.5, 0.01
CARD = (slice(70, 290), slice(140, 500))  # rows and columns of the card that marks a picture
TAIL_S = 1.0
TIMEOUT_US = "5000000"


class PracticeJob(msgspec.Struct):
    """`urls`: tried in turn. `marks`: number, kind and second after the feed begins, in order."""

    urls: list[str]
    marks: list[tuple[int, MarkKind, float]]


class Planted(msgspec.Struct):
    """A mark is on its way. `at_us`: CLOCK_MONOTONIC, which all processes of a machine share."""

    number: int
    kind: MarkKind
    at_us: int


class Feed:
    """A moving grey picture with a hum. `shown`, `heard`: from when to when (s) each is marked."""

    def __init__(self, marks: list[tuple[int, MarkKind, float]]) -> None:
        self._spans = {
            kind: [(at, at + MARK_S) for _, one, at in marks if one == kind] for kind in ("picture", "sound")
        }
        self._shade = np.tile(np.linspace(40, 150, WIDTH).astype(np.uint8), (HEIGHT, 1))

    def picture(self, number: int) -> "NDArray[np.uint8]":
        """Return a frame as RGB, HEIGHT x WIDTH x 3."""
        grey = np.roll(self._shade, number * 4, axis=1)
        frame = np.dstack([grey, grey, grey])
        if self._marked("picture", number / FPS):
            frame[CARD] = (220, 0, 0)
            frame[150:210, 220:420] = 255
        return frame

    def sound(self, sample: int) -> "NDArray[np.float32]":
        """Return SAMPLES from `sample` on, 1 x SAMPLES, -1 to 1."""
        at = np.arange(sample, sample + SAMPLES) / SAMPLE_RATE
        loud = LOUD if self._marked("sound", sample / SAMPLE_RATE) else 0.0
        wave = loud * np.sin(2 * np.pi * TONE_HZ * at) + HUM * np.sin(2 * np.pi * 110 * at)
        return wave.astype(np.float32)[None, :]

    def _marked(self, kind: str, at_s: float) -> bool:
        return any(begin <= at_s < end for begin, end in self._spans[kind])


def publish(job: PracticeJob, parent: int) -> None:
    """Publish the whole practice. Raises av's FFmpegError when no address takes it, or the link breaks."""
    out = _connect(job.urls)
    try:
        _run(out, job, parent)
    finally:
        out.close()


def _connect(urls: list[str]) -> "OutputContainer":
    for number, url in enumerate(urls, 1):
        try:
            return av.open(url, "w", format="flv", options={"rw_timeout": TIMEOUT_US})
        except FFmpegError:
            if number == len(urls):
                raise
    raise ValueError("no address")


def _run(out: "OutputContainer", job: PracticeJob, parent: int) -> None:
    video: VideoStream = out.add_stream("libx264", rate=FPS)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.bit_rate = BIT_RATE
    video.options = {
        "preset": "veryfast",
        "tune": "zerolatency",
        "x264-params": f"keyint={FPS}:min-keyint={FPS}:scenecut=0:threads=1",
    }
    audio: AudioStream = out.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
    audio.bit_rate = 96_000
    feed, marks = Feed(job.marks), list(job.marks)
    end_s = (marks[-1][2] if marks else 0.0) + WINDOW_US / 1e6 + TAIL_S
    began, sample = time.monotonic(), 0
    for number in range(round(end_s * FPS)):
        if os.getppid() != parent:
            return
        frame = av.VideoFrame.from_ndarray(feed.picture(number), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        out.mux(video.encode(frame))
        while sample * FPS < (number + 1) * SAMPLE_RATE:
            sound = av.AudioFrame.from_ndarray(feed.sound(sample), format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, sample, Fraction(1, SAMPLE_RATE)
            out.mux(audio.encode(sound))
            sample += SAMPLES
        while marks and number / FPS >= marks[0][2]:
            mark, kind, _ = marks.pop(0)
            sys.stdout.write(msgspec.json.encode(Planted(mark, kind, now_us())).decode() + "\n")
            sys.stdout.flush()
        time.sleep(max(0.0, began + (number + 1) / FPS - time.monotonic()))


def _leave(*_: Any) -> None:
    raise SystemExit(0)


def main() -> int:
    os.nice(5)
    av.logging.set_libav_level(av.logging.PANIC)  # libav's messages may hold the key
    signal.signal(signal.SIGTERM, _leave)
    parent = os.getppid()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=PracticeJob)
    try:
        publish(job, parent)
    except FFmpegError as error:
        sys.stderr.write(msgspec.json.encode({"error": f"the feed ended: {error.strerror}"}).decode() + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
