"""Readings of texts with something rare in them: Roman numerals, a bidi override, inserted letters, noise.

Ordinary text pays next to nothing for them.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from moderation.filter.readings.emoji import MAX_CHARS
from moderation.lexicon import Channel
from moderation.text.bidi import OVERRIDE, visual_order
from moderation.text.fold import Folded
from moderation.text.tables import CODE_POINTS, NEWLINE, Flags, Index, Kind, tables

NEAR = 3
"""Folded characters from one inserted letter to the next, at most."""

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
"""Inserted between characters like letters, for looks."""
_ONE_INSERTED = rf"(?<=[^\x00-\x7f])[!-~{_STROKES}](?=[^\x00-\x7f])"
_MAYBE_INSERTED = re.compile(f"{_ONE_INSERTED}.{{1,{NEAR - 1}}}{_ONE_INSERTED}")


_NO = "の"
_SEEN_AS = dict(zip("囗ロカニハタエトチミﾛｶﾆﾊﾀｴﾄﾁﾐ", "口口力二八夕工卜千三口力二八夕工卜千三", strict=True))
"""What looks like a Han character, where it stands beside Han and beside no kana: エ作, ロ交."""
_KANA = frozenset(map(chr, (*range(0x3041, 0x3100), *range(0xFF66, 0xFFA0)))) - {"・", "･"}
_SIGNS = ((0x2100, 0x2150), (0x2460, 0x2500), (0x3200, 0x3400), (0x1F100, 0x1F300))
"""Blocks of symbols that stand for letters and characters: ™ Ⓜ ㊙ 🈲."""


@functools.cache
def _noise() -> frozenset[str]:
    """What stays in folded text, but between Han characters may be nothing."""
    fold = tables().fold
    signs = {chr(code) for low, high in _SIGNS for code in range(low, high) if fold[code]}
    return frozenset({one for one in signs if unicodedata.category(one) == "So"} | {"丨", _NO})


def variant_flags() -> Flags:
    """By code point: whether `variants` is about it."""
    flags = np.zeros(CODE_POINTS, np.bool_)
    flags[[ord(one) for one in (*_ROMAN, OVERRIDE, *_SEEN_AS, *_noise())]] = True
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
    """The readings of texts with Roman numerals, an override, noise, or what looks like Han.

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
        if not chars.isdisjoint(_noise() | _SEEN_AS.keys()):
            yield from _without_noise(number, text, channels)
        if OVERRIDE in chars and Channel.REVERSAL in channels:
            origin = visual_order(text)
            yield Variant(number, Channel.REVERSAL, "".join(text[at] for at, _ in origin), origin)


def _without_noise(number: int, text: str, channels: frozenset[Channel]) -> Iterator[Variant]:
    """The text without noise between Han characters, and with Han for what looks like it.

    A の is noise only where there is no other kana, and then less surely: another reading.
    """
    looks = [char in _SEEN_AS and _is_seen_so(text, at) for at, char in enumerate(text)]
    kana = {char for char, seen in zip(text, looks, strict=True) if not seen and char in _KANA}
    left_out = _between_han(text, _noise() - {_NO})
    if any(looks) or any(left_out):
        yield _reading(number, text, Channel.EXACT, looks, left_out)
    if Channel.LEET in channels and kana == {_NO}:
        left_out = _between_han(text, _noise())
        if any(left_out):
            yield _reading(number, text, Channel.LEET, looks, left_out)


def _reading(number: int, text: str, channel: Channel, looks: list[bool], left_out: list[bool]) -> Variant:
    origin = [(at, looks[at]) for at in range(len(text)) if not left_out[at]]
    reading = "".join(_SEEN_AS[text[at]] if seen else text[at] for at, seen in origin)
    return Variant(number, channel, reading, origin)


def _between_han(text: str, noise: frozenset[str]) -> list[bool]:
    """Of each place whether it is noise, and the nearest letters before it and behind it are Han."""
    kind = tables().kind
    is_han = [
        None if char in noise or kind[ord(char)] > Kind.ALNUM else kind[ord(char)] == Kind.HAN
        for char in text
    ]

    def nearest(places: Iterable[int]) -> list[bool]:
        found, last = [False] * len(text), False
        for at in places:
            found[at] = last
            now = is_han[at]
            last = last if now is None else now
        return found

    before, behind = nearest(range(len(text))), nearest(range(len(text) - 1, -1, -1))
    return [char in noise and before[at] and behind[at] for at, char in enumerate(text)]


def _is_seen_so(text: str, at: int) -> bool:
    """Whether what looks like a Han character is Han itself, or stands beside Han and beside no kana."""
    beside = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    kind = tables().kind
    is_alone = _KANA.isdisjoint(beside) and any(kind[ord(one)] == Kind.HAN for one in beside)
    return is_alone or text[at] not in _KANA


def remove_inserted(batch: Folded) -> tuple[Folded, Index] | None:
    """Remove single letters, digits or strokes inserted between Han characters.

    Two at least, near each other: 加x微x信. Also gives the original positions that are left out.
    """
    codes = batch.kept_codes
    if len(codes) < 5 or (batch.is_small and not _MAYBE_INSERTED.search(batch.text)):
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
