"""A program as HLS files: segments are there beforehand, a playlist offers one more of them each second."""

import asyncio
import contextlib
import datetime as dt
import math
import time
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS = 25
SIZE = (320, 180)
RATE = 48000


class Program:
    def __init__(self, folder: Path, seconds: int = 40) -> None:
        self.folder, self.seconds = folder, seconds
        self.began = 0.0
        """When its first second aired."""
        folder.mkdir(parents=True)
        _encode(folder, seconds)

    def offer(self, count: int, *, ended: bool = False) -> None:
        """Write the playlist of the first `count` seconds, as whole as the gate does."""
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]
        lines.append('#EXT-X-MAP:URI="init.mp4"')
        for number in range(count):
            at = dt.datetime.fromtimestamp(self.began + number, dt.UTC).isoformat(timespec="milliseconds")
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{at}", "#EXTINF:1.000,", f"{number}.m4s"]
        lines += ["#EXT-X-ENDLIST"] * ended
        draft = self.folder / "index.new"
        draft.write_text("\n".join([*lines, ""]))
        draft.replace(self.folder / "index.m3u8")

    @contextlib.asynccontextmanager
    async def on_air(self) -> AsyncIterator[None]:
        """Be on air while the body runs; then the playlist says that it has ended."""
        shown = 4
        self.began = time.time() - shown

        async def go_on() -> None:
            nonlocal shown
            while shown < self.seconds:
                self.offer(shown)
                await asyncio.sleep(1)
                shown += 1

        airing = asyncio.ensure_future(go_on())
        try:
            yield
        finally:
            airing.cancel()
            await asyncio.gather(airing, return_exceptions=True)
            self.offer(shown, ended=True)


def _encode(folder: Path, seconds: int) -> None:
    options = {
        "hls_time": "1",
        "hls_list_size": "0",
        "hls_segment_type": "fmp4",
        "hls_fmp4_init_filename": "init.mp4",
        "hls_segment_filename": str(folder / "%d.m4s"),
    }
    with av.open(str(folder / "all.m3u8"), "w", format="hls", options=options) as out:
        picture = out.add_stream("libx264", rate=FPS)
        picture.width, picture.height = SIZE
        picture.pix_fmt = "yuv420p"
        keys = f"keyint={FPS}:min-keyint={FPS}:scenecut=0"
        picture.options = {"preset": "ultrafast", "bf": "0", "x264-params": keys}
        sound = out.add_stream("aac", rate=RATE, layout="stereo")
        base = np.add.outer(np.arange(SIZE[1]), np.arange(SIZE[0])).astype(np.uint8)
        for second in range(seconds):
            for number in range(second * FPS, (second + 1) * FPS):
                image = np.repeat(np.roll(base, number * 3, 1)[:, :, None], 3, 2)
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                out.mux(picture.encode(frame))
            at = np.arange(second * RATE, (second + 1) * RATE)
            wave = (np.sin(at * 2 * math.pi * 440 / RATE) * 8000).astype(np.int16)
            tone = av.AudioFrame.from_ndarray(np.repeat(wave, 2)[None, :], format="s16", layout="stereo")
            tone.rate, tone.pts, tone.time_base = RATE, second * RATE, Fraction(1, RATE)
            out.mux(sound.encode(tone))
        out.mux(picture.encode(None))
        out.mux(sound.encode(None))
