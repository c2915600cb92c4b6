"""What the demo shows and sounds like: a test feed with a running clock, and a calm backup clip.

Moving parts are stamped onto a ready-made YUV picture, so that drawing costs next to nothing beside encoding.
Needs no font: Pillow brings one.
"""

import math
from fractions import Fraction
from pathlib import Path
from time import localtime, strftime

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, FPS = 1280, 720, 30
SAMPLE_RATE = 48_000
BACKUP_S = 8
_BARS = ("#b4b4b4", "#b4b410", "#10b4b4", "#10b410", "#b410b4", "#b41010", "#1010b4")
_PANEL = (140, 150, 1140, 470)  # left, top, right, bottom
_TRACK = (560, 690)  # top and bottom of the strip a light runs through
_WHITE, _BLACK = 235, 16  # luma of limited range (BT.709)

Yuv = npt.NDArray[np.uint8]
"""One yuv420p picture, (HEIGHT * 3 / 2, WIDTH): the Y plane on top, U and V below."""


class FeedPicture:
    """The feed's pictures. The clock tells the time of day at which a frame was made."""

    def __init__(self) -> None:
        card = Image.new("RGB", (WIDTH, HEIGHT), "#0b1420")
        draw = ImageDraw.Draw(card)
        for number, colour in enumerate(_BARS):
            left = number * WIDTH // len(_BARS)
            draw.rectangle((left, 0, (number + 1) * WIDTH // len(_BARS), _TRACK[0] - 20), fill=colour)
        draw.rectangle((0, _TRACK[0], WIDTH, _TRACK[1]), fill="#1a1a1a")
        draw.rounded_rectangle(_PANEL, radius=28, fill="#101010")
        draw.text((WIDTH // 2, 205), "STREAMGATE  TEST  FEED", "#e8c060", _font(44), anchor="mm")
        self._base = _yuv(card)
        self._large, self._small = _Digits(150), _Digits(48)
        self._dot = _disc(44)

    def frame(self, number: int, started_s: float) -> Yuv:
        """Return picture `number` (from 0) of a feed that began at `started_s`, wall clock."""
        picture = self._base.copy()
        second, part = divmod(number, FPS)
        clock = strftime("%H:%M:%S", localtime(started_s + second)) + f":{part:02d}"
        self._large.stamp(picture, clock, 315)
        self._small.stamp(picture, f"{number:07d}", 425)
        middle = (_TRACK[0] + _TRACK[1]) // 2
        x = WIDTH / 2 - math.cos(number * math.pi / FPS) * (WIDTH / 2 - 70)  # there and back in two seconds
        _blend(picture, self._dot, round(x), middle, _WHITE)
        if part < 3:  # seen with the beep
            picture[200:212, _PANEL[0] + 40 : _PANEL[0] + 120] = _WHITE
            picture[200:212, _PANEL[2] - 120 : _PANEL[2] - 40] = _WHITE
        return picture


def tone(first_sample: int, count: int) -> npt.NDArray[np.float32]:
    """Return `count` stereo samples, (2, count): a beep of 80 ms at every second, higher at every tenth."""
    n = np.arange(first_sample, first_sample + count)
    second, within = n // SAMPLE_RATE, (n % SAMPLE_RATE) / SAMPLE_RATE
    pitch = np.where(second % 10 == 0, 1500.0, 1000.0)
    beep = 0.25 * np.sin(2 * np.pi * pitch * within) * (within < 0.08)
    hum = 0.015 * np.sin(2 * np.pi * 220 * n / SAMPLE_RATE)
    wave = (beep + hum).astype(np.float32)
    return np.stack([wave, wave])


def make_backup(path: Path) -> None:
    """Write a seamless loop of BACKUP_S seconds: drifting lights and a soft chord, labelled BACKUP."""
    draft = path.with_suffix(".part.mp4")
    label = Image.new("L", (900, 200), 0)
    ImageDraw.Draw(label).text((450, 100), "BACKUP", 255, _font(150), anchor="mm")
    mask = np.asarray(label, np.uint16)
    with av.open(str(draft), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "20", "g": str(2 * FPS)}
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        for number in range(BACKUP_S * FPS):
            small = av.VideoFrame.from_ndarray(_lights(number / (BACKUP_S * FPS)), format="rgb24")
            large = small.reformat(WIDTH, HEIGHT, "yuv420p", interpolation="BICUBIC")
            picture = _planes(large)
            _blend(picture, mask, WIDTH // 2, HEIGHT // 2, _WHITE)
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for first in range(0, BACKUP_S * SAMPLE_RATE, 1024):
            sound = av.AudioFrame.from_ndarray(_chord(first), format="fltp", layout="stereo")
            sound.sample_rate, sound.pts, sound.time_base = SAMPLE_RATE, first, Fraction(1, SAMPLE_RATE)
            out.mux(audio.encode(sound))
        out.mux(audio.encode(None))
    draft.replace(path)


class _Digits:
    """Figures of equal width, as masks of 0 to 255."""

    def __init__(self, size: int) -> None:
        font = _font(size)
        self._width = math.ceil(max(font.getlength(one) for one in "0123456789"))
        self._masks: dict[str, npt.NDArray[np.uint16]] = {}
        for one in "0123456789:":
            width = self._width if one != ":" else self._width // 2
            cell = Image.new("L", (width, size), 0)
            ImageDraw.Draw(cell).text((width / 2, size / 2), one, 255, font, anchor="mm")
            self._masks[one] = np.asarray(cell, np.uint16)

    def stamp(self, picture: Yuv, text: str, middle: int) -> None:
        """Write `text` in white, centred, its middle in line `middle`."""
        row = np.concatenate([self._masks[one] for one in text], axis=1)
        _blend(picture, row, WIDTH // 2, middle, _WHITE)


def _blend(picture: Yuv, mask: npt.NDArray[np.uint16], x: int, y: int, luma: int) -> None:
    """Mix `luma` into the Y plane where `mask` says so, its centre at (x, y). The mask must fit in."""
    height, width = mask.shape
    top, left = y - height // 2, x - width // 2
    area = picture[top : top + height, left : left + width]
    area[:] = (area * (255 - mask) + luma * mask) // 255


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _disc(radius: int) -> npt.NDArray[np.uint16]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    edge = np.clip(radius - np.hypot(x, y), 0, 1)
    disc: npt.NDArray[np.uint16] = (edge * 255).astype(np.uint16)
    return disc


def _yuv(image: Image.Image) -> Yuv:
    frame = av.VideoFrame.from_ndarray(np.asarray(image, np.uint8), format="rgb24")
    return _planes(frame.reformat(format="yuv420p"))


def _planes(frame: av.VideoFrame) -> Yuv:
    return np.asarray(frame.to_ndarray(), np.uint8)


def _lights(phase: float) -> npt.NDArray[np.uint8]:
    """Return a small picture, (90, 160, 3), of three lights on their round; `phase` 0 to 1 is one round."""
    y, x = np.mgrid[0:90, 0:160].astype(np.float32)
    x, y = x / 160 - 0.5, (y / 90 - 0.5) * 0.5625
    picture = np.zeros((90, 160, 3), np.float32)
    for number, colour in enumerate(((34, 100, 160), (110, 56, 130), (24, 100, 86))):
        angle = 2 * math.pi * (phase * (1 if number % 2 else -1) + number / 3)
        distance = (x - 0.3 * math.cos(angle)) ** 2 + (y - 0.16 * math.sin(angle)) ** 2
        picture += np.exp(-distance * 14)[..., None] * np.array(colour, np.float32)
    return np.clip(picture + 12, 0, 200).astype(np.uint8)


def _chord(first: int) -> npt.NDArray[np.float32]:
    """Return 1024 stereo samples of a chord that swells; whole periods fit into BACKUP_S seconds."""
    t = np.arange(first, first + 1024) / SAMPLE_RATE
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * t / BACKUP_S)
    wave = sum(np.sin(2 * np.pi * pitch * t) for pitch in (220.0, 277.125, 329.625)) * 0.03 * swell
    return np.stack([wave, wave]).astype(np.float32)
