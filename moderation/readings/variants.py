"""Readings of texts with something rare in them: Roman numerals as letters, an override, strewn letters.

Ordinary text pays next to nothing for them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from moderation.lexicon import Channel
from moderation.readings.pictures import MAX_CHARS
from moderation.tables import CODE_POINTS, NEWLINE, Flags, Index, Kind, tables
from moderation.text.fold import Folded

NEAR = 3
"""Folded characters from one strewn letter to the next, at most."""

_OVERRIDE, _OVERRIDE_ENDS = "\u202e", "\u202c"
_ROMAN = {
    "Ⅰ": "i",
    "ⅰ": "i",
    "Ⅴ": "v",
    "ⅴ": "v",
    "Ⅹ": "x",
    "ⅹ": "x",
    "Ⅱ": "ii",
    "Ⅲ": "iii",
    "Ⅳ": "iv",
    "Ⅵ": "vi",
}
_STROKES = "丶丨の"
"""Strewn between characters like letters, for looks."""
_ONE_STREWN = rf"(?<=[^\x00-\x7f])[!-~{_STROKES}](?=[^\x00-\x7f])"
_MAYBE_STREWN = re.compile(f"{_ONE_STREWN}.{{1,{NEAR - 1}}}{_ONE_STREWN}")


def rare() -> Flags:
    """By code point: whether `variants` is about it."""
    flags = np.zeros(CODE_POINTS, np.bool_)
    flags[[ord(one) for one in (*_ROMAN, _OVERRIDE)]] = True
    return flags


class Variant(NamedTuple):
    """Text number `text` in another reading.

    `origin`: for each of its characters, the place in the text and whether it is made up.
    """

    text: int
    channel: Channel
    reading: str
    origin: list[tuple[int, bool]]


def variants(
    batch: Folded, texts: list[str], channels: frozenset[Channel], places: Index
) -> Iterator[Variant]:
    """The readings of texts with Roman numerals or an override.

    `places`: original positions that hold one of them, in order.
    """
    there: dict[int, set[str]] = {}
    for number, code in zip(batch.numbers(places).tolist(), batch.codes.take(places).tolist(), strict=True):
        there.setdefault(number, set()).add(chr(code))
    for number, chars in there.items():
        text = texts[number][:MAX_CHARS]
        if not chars.isdisjoint(_ROMAN):
            origin = [(at, char in _ROMAN) for at, char in enumerate(text) for _ in _ROMAN.get(char, " ")]
            yield Variant(number, Channel.EXACT, "".join(_ROMAN.get(char, char) for char in text), origin)
        if _OVERRIDE in chars and Channel.REVERSAL in channels:
            origin = _turned(text)
            yield Variant(number, Channel.REVERSAL, "".join(text[at] for at, _ in origin), origin)


def _turned(text: str) -> list[tuple[int, bool]]:
    """The places of a text in the order they are drawn: from an override to its end, from the right."""
    origin: list[tuple[int, bool]] = []
    at = 0
    while (begin := text.find(_OVERRIDE, at)) >= 0:
        origin += [(place, False) for place in range(at, begin)]
        end = text.find(_OVERRIDE_ENDS, begin)
        at = len(text) if end < 0 else end
        origin += [(place, True) for place in range(at - 1, begin, -1)]
    return origin + [(place, False) for place in range(at, len(text))]


def strewn(batch: Folded) -> tuple[Folded, Index] | None:
    """The texts with single letters, digits or strokes between Han characters, without those.

    Two at least, near each other: 加x微x信. Also gives the original positions that are left out.
    """
    codes = batch.kept_codes
    if len(codes) < 5 or (batch.is_small and not _MAYBE_STREWN.search(batch.text)):
        return None
    inner = codes[1:-1]
    between = (inner < 0x80) & (inner != NEWLINE)
    for stroke in _STROKES:
        between |= inner == ord(stroke)
    at = (between & (codes[:-2] >= 0x80) & (codes[2:] >= 0x80)).nonzero()[0] + 1
    if len(at) < 2:
        return None
    kinds = tables().kinds.take(batch.codes.take(batch.kept.take(at)))
    at = at[(kinds == Kind.ALNUM) | (codes.take(at) >= 0x80)]  # number words are no letters
    if len(at) < 2:
        return None
    apart = np.diff(at) > NEAR
    numbers = batch.numbers(batch.kept.take(at))
    apart |= numbers[1:] != numbers[:-1]
    good = ~(np.append(True, apart) & np.append(apart, True))
    at = at[good]
    if not len(at):
        return None
    stays = batch.in_lines_of(at)
    stays[at] = False
    return batch.only(stays.nonzero()[0]), batch.kept.take(at)
