"""Other ways to read a text: pictures as words, right to left, Roman letters, and halves put together.

Each is tried only on texts that have what it is about, so ordinary text pays next to nothing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from moderation.fold import NEWLINE, Folded, Index
from moderation.lexicon import Channel
from moderation.matcher import build
from moderation.tables import CODE_POINTS, Codes, bits_of, in_bits, keys_of, tables

MAX_WAYS = 3
"""Readings tried of each picture; all pictures of a text take their first, second, third together."""
MAX_CHARS = 20_000
"""Code points of one text that are read in other ways. A longer one goes to full review."""
FEW = 50
"""Places up to which each is looked up; more are thinned out at once first."""
MAX_PAIRS = 1000
"""Pairs of halves of one text that are put together. A text with more goes to full review."""
REACH = 15
"""Folded characters to each side of two halves that may belong to the same term."""

Flags = npt.NDArray[np.bool_]

_OVERRIDE = "\u202e"
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


class Variant(NamedTuple):
    """Text number `text` in another reading. `readings`: what stands for which character in it."""

    text: int
    channel: Channel
    reading: str
    readings: dict[str, str]

    def origin(self, original: str) -> list[tuple[int, bool]]:
        """For each character of the reading: its place in the original; whether it is made up."""
        if self.channel is Channel.REVERSAL:
            at = original.index(_OVERRIDE)
            last = min(len(original), MAX_CHARS)
            return [(i, False) for i in range(at)] + [(i, True) for i in range(last - 1, at, -1)]
        return [
            (at, char in self.readings)
            for at, char in enumerate(original[:MAX_CHARS])
            for _ in self.readings.get(char, " ")
        ]


class Joined(NamedTuple):
    """Two halves put together, with their surroundings. The whole character is at `centre` of `reading`.

    Character i stands for the folded positions `place(i)` up to `place(i + 1)`. `places`: given where
    more than one pair is put together.
    """

    reading: str
    centre: int
    low: int
    places: list[int] | None = None

    def place(self, at: int) -> int:
        return self.places[at] if self.places is not None else self.low + at + (at > self.centre)


class Halves:
    """The pairs of halves that make a character some pattern has."""

    def __init__(self, patterns: Sequence[str]) -> None:
        there = set().union(*patterns)
        useful = {
            (key >> 21, key & 0x1FFFFF): "".join(whole for whole in wholes if whole in there)
            for key, wholes in tables().splits.items()
        }
        self.wholes = {chr(a) + chr(b): wholes for (a, b), wholes in useful.items() if wholes}
        self._side = np.zeros(1 << 16, np.uint8)
        for pair in self.wholes:
            self._side[ord(pair[0]) & 0xFFFF] |= 1
            self._side[ord(pair[1]) & 0xFFFF] |= 2
        halves = np.array([list(map(ord, pair)) for pair in self.wholes], np.uint32).reshape(-1, 2)
        keys = keys_of(halves[:, 0], halves[:, 1])
        self._bits = bits_of(keys)
        order = keys.argsort()
        self._keys = keys[order]
        makes = [ord(wholes) if len(wholes) == 1 else 0 for wholes in self.wholes.values()]
        self._makes = np.array(makes, np.uint32)[order]
        codes = np.frombuffer("\n".join(patterns).encode("utf-32-le"), np.uint32)
        self._beside = bits_of(keys_of(codes[:-1], codes[1:]))
        self._alone = np.zeros(CODE_POINTS, np.bool_)
        self._alone[[ord(one) for one in patterns if len(one) == 1]] = True

    def pairs(self, batch: Folded) -> dict[int, str]:
        """Folded position of each first half that has its second behind it -> what they make."""
        codes = batch.folded
        side = self._side.take(codes & 0xFFFF)
        maybe = (side[:-1] & side[1:] >> 1 & 1).view(np.bool_).nonzero()[0]
        if len(maybe) > FEW:
            maybe = maybe[in_bits(self._bits, codes.take(maybe), codes.take(maybe + 1))]
        if len(maybe):
            maybe = maybe[self._fits(codes, maybe)]
        wholes, text = self.wholes, batch.text
        there = {at: wholes[pair] for at in maybe.tolist() if (pair := text[at : at + 2]) in wholes}
        if len(there) <= MAX_PAIRS:
            return there
        counts: Counter[int] = Counter()
        numbers = np.searchsorted(batch.begins, list(there), "right").tolist()
        for number, at in zip(numbers, list(there), strict=True):
            counts[number] += 1
            if counts[number] > MAX_PAIRS:
                del there[at]
        return there

    def _fits(self, codes: Codes, at: Index) -> Flags:
        """Whether a pattern may hold what the halves make beside what stands before or behind them."""
        keys = keys_of(codes.take(at), codes.take(at + 1))
        place = self._keys.searchsorted(keys)
        # 0: the pair makes several characters, or is none; both are seen to later
        makes = np.where(self._keys.take(place, mode="clip") == keys, self._makes.take(place, mode="clip"), 0)
        fits: Flags = (makes == 0) | self._alone.take(makes)
        fits |= in_bits(self._beside, codes.take(at - 1), makes)
        fits |= in_bits(self._beside, makes, codes.take(at + 2, mode="clip"))
        return fits | np.isin(at - 2, at) | np.isin(at + 2, at)


class Pictures:
    """The pictures that can stand for a part of some pattern, with the readings that do."""

    def __init__(self, patterns: Sequence[str]) -> None:
        emoji = tables().emoji
        readings = sorted({reading for each in emoji.values() for reading in each})
        there = {readings[which] for _, _, which in build(readings).find("\n".join(patterns))}
        useful = {one: tuple(reading for reading in each if reading in there) for one, each in emoji.items()}
        self.readings = {one: each[:MAX_WAYS] for one, each in useful.items() if each}
        self.special = np.zeros(CODE_POINTS, np.bool_)
        self.special[[ord(one) for one in (*self.readings, *_ROMAN, _OVERRIDE)]] = True
        self.is_picture = np.zeros(CODE_POINTS, np.bool_)
        self.is_picture[list(map(ord, self.readings))] = True
        self._codes = np.array(sorted(map(ord, self.readings)), np.uint32)
        each = [self.readings[chr(code)] for code in self._codes.tolist()]
        self._ways = np.array([len(one) for one in each], np.intp)
        self._stand_in = CODE_POINTS + len(tables().several)
        self._several = tables().several + tuple(
            one[min(way, len(one) - 1)] for way in range(MAX_WAYS) for one in each
        )

    def read(self, batch: Folded, places: Index) -> Folded:
        """The texts with pictures at these places, each read in all its ways, every way as a line.

        `places`: original positions that hold a picture, in order, one at least. `kept` of what is given
        leads to original positions of the batch.
        """
        which = self._codes.searchsorted(batch.codes.take(places))
        if len(batch.lengths) == 1:
            return self._read_one(batch, places, which)
        numbers = np.searchsorted(batch.original_begins, places, "right") - 1
        inside = places - batch.original_begins[numbers]
        ways = np.zeros(len(batch.lengths), np.intp)
        np.maximum.at(ways, numbers, self._ways[which])
        lines: list[Index] = []
        read: list[Codes] = []
        for way in range(int(ways.max())):
            texts = np.flatnonzero(ways > way)
            begins = batch.original_begins[texts]
            sizes = np.minimum(batch.lengths[texts], MAX_CHARS) + 1
            stops = np.cumsum(sizes)
            # every original position of these texts, and one behind each for the end of its line
            line = np.arange(stops[-1]) + np.repeat(begins - stops + sizes, sizes)
            line[-1] = min(line[-1], len(batch.codes) - 1)
            codes = tables().fold.take(batch.codes.take(line))
            codes[stops - 1] = NEWLINE
            mine = (ways[numbers] > way) & (inside < MAX_CHARS)
            at = (stops - sizes)[np.searchsorted(texts, numbers[mine])] + inside[mine]
            codes[at] = self._stand_in + way * len(self._codes) + which[mine]
            lines.append(line)
            read.append(codes)
        return Folded.again(batch, np.concatenate(lines), np.concatenate(read), self._several)

    def _read_one(self, batch: Folded, places: Index, which: Index) -> Folded:
        """The same for a batch of one text, in fewer steps."""
        ways = int(self._ways[which].max())
        size = min(len(batch.codes), MAX_CHARS)
        line = np.empty((ways, size + 1), np.intp)
        line[:, :size] = np.arange(size)
        line[:, size] = size - 1
        read = np.empty((ways, size + 1), np.uint32)
        read[:, :size] = tables().fold.take(batch.codes[:size])
        read[:, size] = NEWLINE
        if places[-1] >= size:
            which = which[places < size]
            places = places[places < size]
        for way in range(ways):
            read[way, places] = self._stand_in + way * len(self._codes) + which
        return Folded.again(batch, line.ravel(), read.ravel(), self._several)


def variants(
    batch: Folded, texts: list[str], channels: frozenset[Channel], places: Index
) -> Iterator[Variant]:
    """The readings of texts with Roman numerals or an override, which are rare.

    `places`: original positions that hold one of them, in order.
    """
    there: dict[int, set[str]] = {}
    numbers = np.searchsorted(batch.original_begins, places, "right") - 1
    for number, code in zip(numbers.tolist(), batch.codes.take(places).tolist(), strict=True):
        there.setdefault(number, set()).add(chr(code))
    for number, chars in there.items():
        text = texts[number][:MAX_CHARS]
        if not chars.isdisjoint(_ROMAN):
            read = {one: _ROMAN[one] for one in chars & _ROMAN.keys()}
            yield Variant(number, Channel.EXACT, _reread(text, read), read)
        if _OVERRIDE in chars and Channel.REVERSAL in channels:
            before, mark, after = text.partition(_OVERRIDE)
            if mark:
                yield Variant(number, Channel.REVERSAL, before + after[::-1], {})


def _reread(text: str, readings: dict[str, str]) -> str:
    for char, reading in readings.items():
        text = text.replace(char, reading)
    return text


def joined(batch: Folded, halves: Halves) -> Iterator[Joined]:
    """The surroundings of every two halves that make a character, with them put together.

    The first MAX_PAIRS of each text. One reading has all pairs around put together, the first pair first
    where they overlap; where a pair can
    make several characters, or overlaps with another, it has further readings with only itself put together.
    """
    if len(batch.folded) < 2:
        return
    pairs = halves.pairs(batch)
    text = batch.text
    last = -REACH
    near: list[int] = []
    for at, wholes in pairs.items():
        low = max(0, at - REACH)
        for whole in wholes:
            yield Joined(text[low:at] + whole + text[at + 2 : at + 2 + REACH], at - low, low)
        if at - last <= REACH:
            near += [last, at]
        last = at
    for at in dict.fromkeys(near):
        yield _all_joined(text, pairs, at)


def _all_joined(text: str, pairs: dict[int, str], centre: int) -> Joined:
    low, high = max(0, centre - REACH), min(len(text), centre + 2 + REACH)
    chars: list[str] = []
    places: list[int] = []
    middle = 0
    at = low
    while at < high:
        # the pair in the middle is put together in any case
        together = at in pairs and at + 2 <= high and (at == centre or abs(at - centre) > 1)
        if at == centre:
            middle = len(chars)
        chars.append(pairs[at][0] if together else text[at])
        places.append(at)
        at += 2 if together else 1
    return Joined("".join(chars), middle, low, [*places, at])
