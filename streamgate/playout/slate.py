"""The built-in slate: a standby picture for any size and aspect ratio.

No font is needed at run time: the text is the mask `slate_text.png`, rendered once from Noto Sans CJK SC
(SIL Open Font License 1.1) by tests/tools/slate_text.py. The background is a gradient of the picture's size,
dithered because dark gradients of 8 bits show bands.
"""

from importlib.resources import files

import numpy as np
import numpy.typing as npt
from PIL import Image

_EDGE = (9, 14, 24)
_MIDDLE = (38, 66, 98)
_INK = (236, 241, 247)
# Colour bars as in a test card, less saturated.
_BARS = (
    (206, 210, 216), (203, 184, 92), (88, 178, 186), (92, 168, 108), (162, 96, 160), (186, 84, 82),
    (78, 102, 176),
)  # fmt: skip


def render(width: int, height: int) -> Image.Image:
    """Return the slate as an RGB picture of `width` x `height` pixels; the same bytes every time."""
    card = Image.fromarray(_background(width, height), "RGB")
    with files("streamgate.playout").joinpath("slate_text.png").open("rb") as file:
        text = Image.open(file).convert("L")
    scale = (
        min(0.44 * width / text.width, 0.36 * height / text.height)
        if width >= height
        else (0.66 * width / text.width)
    )
    size = (max(1, round(text.width * scale)), max(1, round(text.height * scale)))
    text = text.resize(size, Image.Resampling.LANCZOS)
    bars = _bars(round(size[0] * 0.42), max(2, round(size[1] * 0.018)))
    gap = round(size[1] * 0.2)
    top = (height - size[1] - gap - bars.height) // 2
    card.paste(_INK, ((width - size[0]) // 2, top), text)
    card.paste(bars, ((width - bars.width) // 2, top + size[1] + gap))
    return card


def _background(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Return a radial gradient, brightest slightly above the middle; (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = (x / width - 0.5) * 1.25
    down = (y / height - 0.42) * 1.35
    light = np.exp(-2.6 * (across * across + down * down))[..., None]
    edge, middle = np.array(_EDGE, np.float32), np.array(_MIDDLE, np.float32)
    noise = np.random.default_rng(1).random((height, width, 1), dtype=np.float32)
    shade: npt.NDArray[np.float32] = edge + (middle - edge) * light + noise
    return shade.astype(np.uint8)


def _bars(width: int, height: int) -> Image.Image:
    bars = Image.new("RGB", (len(_BARS), 1))
    bars.putdata(_BARS)
    return bars.resize((max(len(_BARS), width), height), Image.Resampling.NEAREST)
