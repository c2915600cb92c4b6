"""Shapes: the Latin letter, digit or sign that each character of a text looks like.

A shape is one byte, in Latin-1: a-z and 0-9 as the fold has them, the signs that may stand for letters, and
a few for the rest (a line end for other scripts, `;` for what ends a clause, `~` for all other marks).
"""

import functools
import re
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.text.fold import Folded
from moderation.text.tables import CODE_POINTS, Codes, Flags, Index, Kind, tables

MAX_SINGLE_GAP = 4
"""Characters one sees between two letters that stand alone: r . 3 . f . u . n . d."""

EURO, MICRO, _SEVERAL = "\x80", "µ", "\x01"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
STANDS = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "gp",
    "$": "s", "@": "a", "!": "il", "|": "il", EURO: "e", "£": "l", "¢": "c", "(": "c", "<": "c", "+": "t",
    "¥": "y", MICRO: "u", "#": "h",
}  # fmt: skip
"""Digit or sign -> the letters it may stand for."""
FITS = {letter: letter for letter in _LETTERS} | STANDS | {MICRO: "mu"}
"""Shape -> the letters it may be. The micro sign and mu are an m to the fold."""
SIGNS = "".join(shape for shape in STANDS if not shape.isdecimal())
PUNCTUATION = "!|(<#*"
"""Signs that mean something else at the edge of a word."""
LEADING = PUNCTUATION + "+"
"""The same before a word."""
UNIT = "a-z0-9" + re.escape(SIGNS)
"""Inside a character class: the shapes that may be letters."""
MADE = re.compile(f"[0-9{re.escape(SIGNS)}]")
"""What may not be what it seems."""

_TOPS = (
    "com|net|org|edu|gov|info|io|cn|co|me|tv|cc|dev|app|ai|uk|us|de|fr|jp|hk|tw|xyz|top|vip|site|club|shop"
)
_ADDRESS = re.compile(
    r"[a-z]+://[^\s]*+"
    r"|(?<![a-z0-9_.+-])[a-z0-9_.+-]++@[a-z0-9-]++(?:\.[a-z0-9-]++)*\.[a-z]{2,}(?![a-z0-9@])"
    rf"|(?<![a-z0-9.@-])(?:www\.[^\s]*+|(?:[a-z0-9-]++\.)+(?:{_TOPS})(?![{UNIT}])(?:[/:?#][^\s]*+)?)"
)
_BRACKETS = {"(": re.compile(r"\(([^()\n]{0,80}+)\)"), "<": re.compile(r"<([^<>\n]{0,80}+)>")}

_NONE, _LETTER, _DIGIT, _SIGN, _EDGY, _UNSEEN, _NOISE = range(7)
"""Classes of shapes for `find_suspicious`. _EDGY: PUNCTUATION, _SIGN: other signs, _NONE: end of a line."""


class _Table(NamedTuple):
    """Flat over all code points: the shape, its sort, and whether it may be a disguise."""

    shape: npt.NDArray[np.uint8]
    sort: npt.NDArray[np.uint8]
    hot: Flags


@functools.cache
def _table() -> _Table:
    table = tables()
    kind = table.kinds
    shape = np.full(CODE_POINTS, ord("~"), np.uint8)
    shape[(kind == Kind.HAN) | (kind == Kind.LETTER)] = ord("\n")
    shape[kind == Kind.INVISIBLE] = 0
    shape[kind == Kind.SPACE] = ord(" ")
    shape[kind == Kind.STOP] = ord(";")
    plain = ((kind == Kind.ALNUM) & (table.fold < 0x80)).nonzero()[0]
    shape[plain] = table.fold[plain]
    several = ((kind == Kind.ALNUM) & (table.fold >= CODE_POINTS)).nonzero()[0]
    shape[several] = ord(_SEVERAL)
    shape[0x21:0x7F] = [ord(chr(code).lower()) for code in range(0x21, 0x7F)]
    for code in (*range(0xA0, 0x100), 0x3BC, 0x20AC, *range(0xFE50, 0xFE70), *range(0xFF01, 0xFFE7)):
        sign = unicodedata.normalize("NFKC", chr(code)).replace("μ", MICRO).replace("€", EURO)
        if sign in SIGNS or sign in "*_)>":
            shape[code] = ord(sign)
    shape[ord("\n")] = ord("\n")
    sorts = _sorts_of_shapes()
    hots = np.isin(sorts, (_DIGIT, _SIGN, _EDGY))
    hots[ord(MICRO)] = True
    hot = hots[shape]
    for code in several.tolist():
        hot[code] = not table.several[table.fold[code] - CODE_POINTS].isalpha()
    return _Table(shape, sorts[shape], hot)


def _sorts_of_shapes() -> npt.NDArray[np.uint8]:
    """Shape -> its sort."""
    sorts = np.full(256, _NOISE, np.uint8)
    sorts[0], sorts[ord("\n")] = _UNSEEN, _NONE
    for sort, shapes in (
        (_SIGN, SIGNS),
        (_EDGY, PUNCTUATION),
        (_LETTER, _LETTERS + MICRO + _SEVERAL),
        (_DIGIT, "0123456789"),
    ):
        sorts[[ord(each) for each in shapes]] = sort
    return sorts


# ---------------------------------------------------------------- one text


def shapes_of(text: str) -> tuple[str, list[int] | None]:
    """Give the shapes one sees of a text, and the place of each in it; None where each is at its own."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    shape = _table().shape.take(codes).tobytes().decode("latin-1")
    if "\0" not in shape and _SEVERAL not in shape:
        return shape, None
    table = tables()
    parts, places = [], []
    for at, each in enumerate(shape):
        if each == "\0":
            continue
        several = each == _SEVERAL
        part = table.several[table.fold.item(ord(text[at])) - CODE_POINTS] if several else each
        parts.append(part)
        places += [at] * len(part)
    return "".join(parts), places


def mask_addresses(shape: str) -> str:
    """Give as many shapes, without addresses, and with what stands in brackets no longer in them."""
    if "@" in shape or "." in shape or "://" in shape:
        shape = _ADDRESS.sub(lambda found: "\n" * len(found[0]), shape)
    for opening, brackets in _BRACKETS.items():
        for _ in range(3):
            if opening in shape:
                shape = brackets.sub(r";\1;", shape)
    return shape.replace("<3", ";;")


def fold_units(units: str) -> str:
    """Give units as the fold reads them."""
    return units.replace(MICRO, "m")


def has_letter(units: str) -> bool:
    """Whether some unit is a letter as it stands."""
    return any("a" <= each <= "z" for each in fold_units(units))


# ---------------------------------------------------------------- a batch


def find_suspicious(batch: Folded) -> Index:
    """Return the numbers of the texts that may hold a disguised Latin term."""
    table = _table()
    at = table.hot.take(batch.codes).nonzero()[0]
    if not len(at):
        return at
    if len(batch.lengths) == 1:
        return np.zeros(1, np.intp)  # to read one costs less than to ask
    around = _Around(batch.codes, table.sort)
    here, before, after = around(at), around(at - 1), around(at + 1)
    unseen = (before == _UNSEEN) | (after == _UNSEEN) | (here == _LETTER)
    tight = (here != _EDGY) & ((before == _LETTER) | (after == _LETTER))
    inside = (here == _EDGY) & _between(before, _LETTER, _EDGY) & _between(after, _LETTER, _SIGN)
    trailing = (before == _LETTER) & (after == _EDGY)
    trailing[trailing] = batch.codes.take(at[trailing]) != ord("!")
    sure = unseen | tight | inside | trailing
    rest = at[~(sure | _between(before, _LETTER, _DIGIT) | _between(after, _LETTER, _DIGIT))]
    found = [at[sure]] + [rest[around.single(rest, step)] for step in (-1, 1)]
    return np.unique(batch.numbers(np.concatenate(found)))


def _between(sorts: npt.NDArray[np.uint8], first: int, last: int) -> Flags:
    """Whether sorts are one of these; below the first, bytes begin anew at 255."""
    found: Flags = sorts - first <= last - first
    return found


class _Around:
    """Sorts of the code points at places that may lie outside."""

    def __init__(self, codes: Codes, sort: npt.NDArray[np.uint8]) -> None:
        self._codes, self._sort = codes, sort

    def __call__(self, at: Index) -> npt.NDArray[np.uint8]:
        found = self._sort.take(self._codes.take(at, mode="clip"))
        found[(at < 0) | (at >= len(self._codes))] = _NONE
        return found

    def single(self, at: Index, step: int) -> Flags:
        """Whether the next letter on one side, over a gap, stands alone."""
        found = np.zeros(len(at), np.bool_)
        going = np.arange(len(at))
        for distance in range(1, MAX_SINGLE_GAP + 2):
            if not len(going):
                break
            places = at.take(going) + step * distance
            sort = self(places)
            alone = (sort == _LETTER) & ~_between(self(places + step), _LETTER, _DIGIT)
            found[going[alone | (sort == _UNSEEN)]] = True
            going = going[sort >= _SIGN]
        return found
