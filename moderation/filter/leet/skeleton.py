"""The skeleton of a line: its letters, those that may look the same taken for one, and repeats too.

Shapes that may be letters are *units*; units side by side are a *piece*, what stands between pieces is a
*gap*. Shapes that may be the same letter are of one *class*. Terms have skeletons made in the same way, and
are looked up by those of what stands from one unit of a line to another.
"""

import itertools
import operator
import re
from collections.abc import Sequence
from typing import NamedTuple

from moderation.filter.leet.shapes import FITS, MADE, MICRO, UNIT

_SAME = {"l": "i", "g": "b", "p": "b", "u": "m"}
_CLASS = str.maketrans({shape: _SAME.get(letters[0], letters[0]) for shape, letters in FITS.items()})
_UNIT = re.compile(f"[{UNIT}]")
_PIECE = re.compile(f"[{UNIT}]+")
_START = re.compile(f"(?<![a-z0-9{MICRO}])[{UNIT}]")
_STOP = re.compile(f"[{UNIT}](?![a-z0-9{MICRO}])")
_REPEATS = re.compile(r"(.)\1+")


def classes(units: str) -> str:
    """Give the class of each unit; anything else stays."""
    return units.translate(_CLASS)


def skeleton_of(classes: str) -> str:
    """Give classes with repeats taken once."""
    return "".join([each for each, _ in itertools.groupby(classes)]) if _REPEATS.search(classes) else classes


class Stretch(NamedTuple):
    """Units of a line from one to another; `low`, `high`: their places in it.

    `pieces`, `gaps`: what they are in, and what is between.
    """

    line: str
    units: str
    pieces: list[str]
    gaps: list[str]
    low: int
    high: int

    @property
    def apart(self) -> bool:
        """Whether each unit stands alone."""
        return len(self.pieces) == len(self.units)


class Line:
    """Shapes without a break between them, as units.

    `skeleton`, `group`: the skeleton, and the place of each unit there. `made`: units that may not be what
    they seem. `starts`, `stops`: units with no letter or digit before or after. All in order.
    """

    __slots__ = ("_at", "_shape", "_units", "group", "made", "skeleton", "starts", "stops")

    def __init__(self, shape: str) -> None:
        pieces = _PIECE.findall(shape)
        self._shape = shape
        self._units = units = "".join(pieces)
        self._at: list[int] = []
        self.starts: list[int] = []
        self.stops: list[int] = []
        offset = 0
        for piece in pieces:
            if piece.isalnum():
                self.starts.append(offset)
                self.stops.append(offset + len(piece) - 1)
            else:
                self.starts += [offset + found.start() for found in _START.finditer(piece)]
                self.stops += [offset + found.start() for found in _STOP.finditer(piece)]
            offset += len(piece)
        each = classes(units)
        self.skeleton = skeleton_of(each)
        self.group: Sequence[int] = range(len(units))
        if len(self.skeleton) < len(units):
            self.group = list(itertools.accumulate(map(operator.ne, each, each[1:]), initial=0))
        self.made = [found.start() for found in MADE.finditer(units)]

    def stretch(self, first: int, last: int) -> Stretch:
        """Give what stands from one unit to another, both with it."""
        if not self._at:
            self._at = [found.start() for found in _UNIT.finditer(self._shape)]
        low, high = self._at[first], self._at[last] + 1
        there = self._shape[low:high]
        pieces, gaps = _PIECE.findall(there), _PIECE.split(there)[1:-1]
        return Stretch(self._shape, self._units[first : last + 1], pieces, gaps, low, high)
