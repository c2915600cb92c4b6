"""The demo's encoder: publishes the test picture over real RTMP, as a program of its own.

`python -m streamgate.demo.feed` with STREAMGATE_DEMO_URL set. Like an encoder in the field it comes back
after a lost connection. Ends on SIGTERM, or when the demo that started it is gone.
"""

import os
import signal
import sys
import time
from fractions import Fraction
from types import FrameType
from typing import TYPE_CHECKING

import av

from streamgate.demo.pictures import FPS, HEIGHT, SAMPLE_RATE, WIDTH, FeedPicture, tone

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

URL_VARIABLE = "STREAMGATE_DEMO_URL"
BIT_RATE = 2_500_000
RETRY_S = 1.0


class _Stop(Exception):  # noqa: N818 - no error: the way out of a blocking call
    """SIGTERM came."""


class _Signal:
    """Remembers SIGTERM: closing the connection may raise in turn, and take the place of _Stop."""

    def __init__(self) -> None:
        self.came = False
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        self.came = True
        raise _Stop


def publish(url: str, picture: FeedPicture, parent: int) -> None:
    """Publish until the connection ends. Raises av's FFmpegError when it breaks."""
    with av.open(url, "w", format="flv") as out:
        _run(out, picture, parent)


def _run(out: "OutputContainer", picture: FeedPicture, parent: int) -> None:
    video: VideoStream = out.add_stream("libx264", rate=FPS)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.bit_rate = BIT_RATE
    video.options = {
        "preset": "veryfast",
        "x264-params": f"keyint={2 * FPS}:min-keyint={2 * FPS}:scenecut=0:bframes=2:rc-lookahead=15:threads=2"
        f":vbv-maxrate={BIT_RATE // 1000}:vbv-bufsize={BIT_RATE // 1000}",
    }
    audio: AudioStream = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
    audio.bit_rate = 128_000
    wall = float(int(time.time()) + 1)  # on the full second, so that beep and clock go together
    time.sleep(max(0.0, wall - time.time()))
    began, number, sample = time.monotonic(), 0, 0
    while os.getppid() == parent:
        frame = av.VideoFrame.from_ndarray(picture.frame(number, wall), format="yuv420p")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        out.mux(video.encode(frame))
        number += 1
        while sample * FPS < number * SAMPLE_RATE:
            sound = av.AudioFrame.from_ndarray(tone(sample, 1024), format="fltp", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, sample, Fraction(1, SAMPLE_RATE)
            out.mux(audio.encode(sound))
            sample += 1024
        time.sleep(max(0.0, began + number / FPS - time.monotonic()))


def main() -> int:
    url = os.environ[URL_VARIABLE]
    parent = os.getppid()
    av.logging.set_libav_level(av.logging.PANIC)  # libav's messages may hold the URL
    term = _Signal()
    try:
        picture = FeedPicture()
        while os.getppid() == parent:
            try:
                publish(url, picture, parent)
            except av.error.FFmpegError as error:
                if term.came:
                    break
                sys.stderr.write(f"feed: connection lost ({error.strerror}), trying again\n")
                time.sleep(RETRY_S)
    except _Stop:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
