"""The rectangle that a mosaic covers, in fractions of the picture. Pure."""

from collections.abc import Iterable
from math import isfinite

from streamgate.errors import Refused

Box = tuple[float, float, float, float]
"""x, y, width, height: fractions (0 to 1) of the picture's width or height, from the top left corner."""

SLACK = 1e-6  # tolerance for rounding of the fractions
EXAMPLE = "0.25,0.1,0.5,0.3"


def check_box(values: Iterable[float]) -> Box:
    """Return the box that four numbers describe. Raises Refused for numbers that are not allowed."""
    numbers = tuple(float(value) for value in values)
    if len(numbers) != 4:
        raise _refused(numbers, "it needs four numbers: x,y,w,h", "须为四个数：x,y,w,h")
    if not all(isfinite(one) and 0 <= one <= 1 for one in numbers):
        raise _refused(
            numbers,
            "each is a share of the picture, 0 to 1, counted from the top left corner; pixels are not taken",
            "每个数为占画面的比例（0 至 1，自左上角起），不是像素",
        )
    x, y, width, height = numbers
    if width <= 0 or height <= 0:
        raise _refused(numbers, "its width and height must be more than 0", "宽和高须大于 0")
    if x + width > 1 + SLACK or y + height > 1 + SLACK:
        raise _refused(
            numbers, "it sticks out: x+w and y+h may be 1 at most", "超出画面：x+w 与 y+h 不得大于 1"
        )
    return x, y, width, height


def parse_box(text: str) -> Box:
    """Return the box that "x,y,w,h" describes. Raises Refused as `check_box`."""
    try:
        return check_box(float(part) for part in text.split(","))
    except ValueError:
        raise _refused((text,), "it needs four numbers: x,y,w,h", "须为四个数：x,y,w,h") from None


def _refused(given: Iterable[object], why: str, why_zh: str) -> Refused:
    shown = ",".join(f"{one:g}" if isinstance(one, float) else str(one) for one in given)
    return Refused(f"box {shown}: {why}, as in {EXAMPLE}", f"区域 {shown} 不允许：{why_zh}，例如 {EXAMPLE}")
