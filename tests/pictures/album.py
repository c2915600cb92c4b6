"""Puts pictures away: small PNG files with a palette, and pictures that stand side by side."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

MOST_BYTES = 300_000
_COLOURS = 256
_GAP, _GROUND = 20, "#edecef"


class Album:
    """A folder of pictures. `kept`: what was put away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kept: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, language: str, picture: Image.Image) -> None:
        """Write NAME.png or NAME.zh-CN.png. Raise ValueError when it is too large for a page of text."""
        path = self._folder / f"{name}{'.zh-CN' if language == 'zh' else ''}.png"
        small = picture.convert("RGB").quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size} bytes; at most {MOST_BYTES} are allowed")
        self.kept.append(path)
        print(f"{path}  {picture.width}x{picture.height}  {path.stat().st_size // 1000} kB", flush=True)


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures beside each other, the lower ones centred."""
    height = max(one.height for one in pictures) + 2 * _GAP
    whole = Image.new("RGB", (sum(one.width + _GAP for one in pictures) + _GAP, height), _GROUND)
    left = _GAP
    for one in pictures:
        whole.paste(one, (left, (height - one.height) // 2))
        left += one.width + _GAP
    return whole


def stacked(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures of one width below each other."""
    whole = Image.new("RGB", (pictures[0].width, sum(one.height + _GAP for one in pictures) - _GAP), _GROUND)
    top = 0
    for one in pictures:
        whole.paste(one, (0, top))
        top += one.height + _GAP
    return whole
