"""What the pictures show on air: a ceremony in a hall. It is drawn: no camera, no real person."""

import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tools.slate_text import FONTS, SIMPLIFIED

SIZE = (1280, 720)
FPS = 25
RATE = 48_000
TITLE = ("2026 级新生开学典礼", "Opening Ceremony 2026")
PAUSE = ("稍后继续", "Back in a moment")
_SCREEN = (330, 90, 950, 380)  # left, top, right, bottom
_FLOOR = 540
_LIGHTS = (300, 980)  # where lamps hang
_SWING_S = 16  # whole AAC frames: 750 of 1024 samples


def draw_hall(second: float = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    """Return the hall at a second of the ceremony: lamps swing, the audience moves a little."""
    picture = _stage(TITLE)
    lights = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    draw = ImageDraw.Draw(lights)
    for number, x in enumerate(_LIGHTS):
        swing = math.sin(2 * math.pi * second / _SWING_S + number * math.pi)
        foot = 640 + swing * 260
        draw.polygon(
            [(x - 8, 0), (x + 8, 0), (foot + 120, _FLOOR), (foot - 120, _FLOOR)], (255, 240, 200, 26)
        )
    picture.alpha_composite(lights)
    draw = ImageDraw.Draw(picture)
    _speaker(draw, 1040)
    for row, (y, step, radius, shade) in enumerate(((640, 74, 26, "#0d1320"), (690, 92, 34, "#080c15"))):
        for number, x in enumerate(range(-20 + 40 * row, SIZE[0] + 40, step)):
            nod = 3 * math.sin(2 * math.pi * second / 4 + number * 1.7 + row)
            draw.ellipse((x - radius, y - radius + nod, x + radius, y + radius + nod), shade)
            draw.ellipse((x - 1.5 * radius, y + radius + nod, x + 1.5 * radius, y + 4 * radius + nod), shade)
    done = picture.convert("RGB")
    return done if size == SIZE else done.resize(size, Image.Resampling.LANCZOS)


def make_hall(path: Path, seconds: int = 600) -> Path:
    """Encode the ceremony as an encoder sends it: so many seconds, without a seam where it repeats."""
    pictures = [draw_hall(number / FPS) for number in range(_SWING_S * FPS)]
    once = _encode(path.with_suffix(".mp4"), pictures, _SWING_S)
    with av.open(str(path), "w") as out:
        with av.open(str(once)) as first:
            ways = {one.index: out.add_stream_from_template(one) for one in first.streams}
        for turn in range(-(-seconds // _SWING_S)):
            with av.open(str(once)) as again:
                for packet in again.demux():
                    if packet.dts is None or packet.pts < 0:  # the end; samples that prime the decoder
                        continue
                    shift = int(turn * _SWING_S / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = ways[packet.stream_index]
                    out.mux(packet)
    return path


def make_pause(path: Path, seconds: int = 4) -> Path:
    """Encode backup footage: the empty stage."""
    return _encode(path, [_stage(PAUSE).convert("RGB")] * (seconds * FPS), seconds)


def _stage(title: tuple[str, str]) -> Image.Image:
    picture = Image.new("RGBA", SIZE, "#16233c")
    draw = ImageDraw.Draw(picture)
    for x in range(0, SIZE[0], 40):
        if not _SCREEN[0] - 60 < x < _SCREEN[2] + 20:
            draw.rectangle((x, 0, x + 19, _FLOOR), "#5b1a22")
            draw.rectangle((x + 20, 0, x + 39, _FLOOR), "#6d2029")
    draw.rectangle((0, _FLOOR, SIZE[0], SIZE[1]), "#33241c")
    draw.rectangle((0, _FLOOR, SIZE[0], _FLOOR + 8), "#4a3427")
    draw.rounded_rectangle(_SCREEN, 10, "#244a80", "#c9a44c", 5)
    middle = (_SCREEN[0] + _SCREEN[2]) // 2
    draw.text((middle, 205), title[0], "#ffffff", _font("Bold", 54), anchor="mm")
    draw.text((middle, 285), title[1], "#d5e2f5", _font("Regular", 34), anchor="mm")
    return picture


def _speaker(draw: ImageDraw.ImageDraw, x: int) -> None:
    draw.ellipse((x - 24, 330, x + 24, 384), "#e0b892")
    draw.pieslice((x - 25, 326, x + 25, 376), 180, 360, "#20242c")
    draw.rounded_rectangle((x - 48, 386, x + 48, 520), 24, "#23304a")
    draw.polygon([(x - 10, 386), (x + 10, 386), (x, 430)], "#e8edf4")
    draw.polygon([(x - 70, 450), (x + 70, 450), (x + 56, 590), (x - 56, 590)], "#8a5a32")
    draw.line((x - 26, 450, x - 12, 405), "#9aa4b2", 4)


def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"NotoSansCJK-{weight}.ttc"), size, index=SIMPLIFIED)


def _encode(path: Path, pictures: list[Image.Image], seconds: int) -> Path:
    """H.264 with a keyframe every 2 s and AAC: a murmur."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt, video.bit_rate = *SIZE, "yuv420p", 2_500_000
        keys = f"keyint={2 * FPS}:min-keyint={2 * FPS}:scenecut=0:bframes=2"
        video.options = {"preset": "veryfast", "x264-params": keys}
        audio = out.add_stream("aac", rate=RATE, layout="stereo")
        murmur = np.random.default_rng(1).normal(0, 0.05, (2, seconds * RATE)).astype(np.float32)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for start in range(0, seconds * RATE, 1024):
            block = np.ascontiguousarray(murmur[:, start : start + 1024])
            sound = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = RATE, start, Fraction(1, RATE)
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    return path
