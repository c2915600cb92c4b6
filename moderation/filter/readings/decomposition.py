"""Character decomposition (拆字): a character written as its parts (女子 for 好), composed again."""

import functools
import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from moderation.filter.readings.emoji import MAX_CHARS
from moderation.filter.readings.pinyin import fuzzy_code, fuzzy_codes
from moderation.text.fold import Folded
from moderation.text.tables import (
    CODE_POINTS,
    Bits,
    Codes,
    Flags,
    Index,
    Pairs,
    are_letters,
    bits_of,
    has_pair,
    in_bits,
    keys_of,
    looked_up,
    tables,
)

FEW = 16
"""Places up to which each is looked up; more are thinned out at once first."""
MAX_PAIRS = 1000
"""Pairs of halves of one text that are put together. A text with more goes to full review."""
REACH = 15
"""Folded characters to each side of two halves that may belong to the same term."""

GROUPS = 7
"""Of second halves: most neighbours that are no pair fall at them."""
TWICE = 1 << GROUPS


class Composed(NamedTuple):
    """A reading with parts composed to one character, and its surroundings.

    The whole character is at `centre` of `reading`. Character i stands for the folded positions `place(i)`
    up to `place(i + 1)`. `wide`: folded characters that the whole one stands for. `places`: given where more
    than one is composed.
    """

    reading: str
    centre: int
    low: int
    wide: int = 2
    places: list[int] | None = None

    def place(self, at: int) -> int:
        if self.places is not None:
            return self.places[at]
        return self.low + at + (self.wide - 1) * (at > self.centre)


@functools.cache
def _compositions() -> dict[str, str]:
    return {chr(key >> 21) + chr(key & 0x1FFFFF): wholes for key, wholes in tables().splits.items()}


@functools.cache
def _decompositions() -> dict[str, list[str]]:
    """Whole character -> the pairs of halves that make it."""
    makers: dict[str, list[str]] = {}
    for decomposition, every in _compositions().items():
        for one in every:
            makers.setdefault(one, []).append(decomposition)
    return makers


class Decomposition:
    """Pairs of parts that compose a character of some pattern.

    `neighbours`, `beside`: the neighbours in patterns, and the same as a set.
    """

    def __init__(self, patterns: Sequence[str], neighbours: Pairs, beside: Bits) -> None:
        there = set().union(*patterns)
        wholes, makers = _compositions(), _decompositions()
        # a whole character some pattern has, or one that is a half of such
        useful = there | {
            part for one in there for decomposition in makers.get(one, ()) for part in decomposition
        }
        some = {decomposition for one in useful for decomposition in makers.get(one, ())}
        self.wholes = {
            decomposition: "".join(one for one in wholes[decomposition] if one in useful)
            for decomposition in some
        }
        # which groups of second halves a character goes before, and the group it is in as one
        self._sides = np.zeros(1 << 16, np.uint16)
        for first, second in map(tuple, self.wholes):
            group = 1 << ord(second) * 7919 % 101 % GROUPS
            self._sides[ord(first) & 0xFFFF] |= group | (TWICE if first == second else 0)
            self._sides[ord(second) & 0xFFFF] |= group << 8
        self._twice = {first for first, second in map(tuple, self.wholes) if first == second}
        decomposition = np.array([list(map(ord, pair)) for pair in self.wholes], np.uint32).reshape(-1, 2)
        keys = keys_of(decomposition[:, 0], decomposition[:, 1])
        self._bits = bits_of(keys)
        order = keys.argsort()
        self._keys = keys[order]
        makes = [ord(wholes) if len(wholes) == 1 else 0 for wholes in self.wholes.values()]
        self._makes = np.array(makes, np.uint32)[order]
        self._beside = beside
        # the same where only the other one has its character, and its neighbour a sound
        one, two = neighbours
        made = np.zeros(CODE_POINTS, np.bool_)
        made[list(map(ord, set().union(*self.wholes.values())))] = True
        before, behind = made.take(one), made.take(two)
        sound_keys = (
            keys_of(one[before], fuzzy_codes(two[before])),
            keys_of(fuzzy_codes(one[behind]), two[behind]),
        )
        self._sound_pairs = bits_of(np.concatenate(sound_keys))
        self._alone = np.zeros(CODE_POINTS, np.bool_)
        self._alone[[ord(one) for one in patterns if len(one) == 1]] = True

    def both(self, batch: Folded, at: tuple[Index, Index]) -> tuple[dict[int, str], dict[int, str]]:
        """Folded position of each first half that has its second behind it -> what they make.

        And each character that stands there twice or more -> what two of it make (又又). `at`: see `places`.
        """
        return self._pairs(batch, at[0]), dict(self._doubles(batch, self._double_places(batch, at[1])))

    def places(self, batch: Folded) -> tuple[Index, Index]:
        """Folded positions of what may be a first half before a second one, or a half twice."""
        if batch.is_small:
            return self._places_in_one(batch.text)
        sides = self._sides.take(batch.folded & 0xFFFF)
        follows = sides & TWICE
        follows[:-1] |= sides[:-1] & sides[1:] >> 8
        at = (follows != 0).nonzero()[0]
        follows = follows.take(at)
        return at[(follows & (TWICE - 1)) != 0], at[follows >= TWICE]

    def _places_in_one(self, text: str) -> tuple[Index, Index]:
        """The same of one text: for it, arrays cost more than they save."""
        pairs = [at for at, pair in enumerate(map(operator.add, text, text[1:])) if pair in self.wholes]
        twice = [at for at, char in enumerate(text) if char in self._twice]
        return np.array(pairs, np.intp), np.array(twice, np.intp)

    def _pairs(self, batch: Folded, maybe: Index) -> dict[int, str]:
        codes, text, wholes = batch.folded, batch.text, self.wholes
        if len(maybe) <= FEW:
            every = {at: wholes[pair] for at in maybe.tolist() if (pair := text[at : at + 2]) in wholes}
            return {at: made for at, made in every.items() if self._fits_one(text, at, every)}
        maybe = maybe[in_bits(self._bits, codes.take(maybe), codes.take(maybe + 1))]
        maybe = maybe[self._fits(codes, maybe)]
        there = {at: wholes[pair] for at in maybe.tolist() if (pair := text[at : at + 2]) in wholes}
        if len(there) <= MAX_PAIRS:
            return there
        counts: Counter[int] = Counter()
        numbers = batch.folded_lines()[0].searchsorted(list(there), "right").tolist()
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
        before, behind = looked_up(codes, at - 1), looked_up(codes, at + 2)
        fits |= in_bits(self._beside, before, makes) | in_bits(self._beside, makes, behind)
        fits |= in_bits(self._bits, before, makes) | in_bits(self._bits, makes, behind)  # one part of three
        fits |= are_letters(before) | are_letters(behind)  # which may be pinyin
        is_pair = np.zeros(len(codes) + 4, np.bool_)
        is_pair[at + 2] = True
        return fits | is_pair.take(at) | is_pair.take(at + 4)

    def _fits_one(self, text: str, at: int, every: dict[int, str]) -> bool:
        """The same for one of a few pairs: for these, arrays cost more than they save."""
        if len(every[at]) > 1 or at - 2 in every or at + 2 in every:
            return True
        before, behind = text[at - 1 : at] or "\n", text[at + 2 : at + 3] or "\n"
        if "a" <= before <= "z" or "a" <= behind <= "z":
            return True
        whole = ord(every[at])
        return (
            self._alone.item(whole)
            or any(has_pair(bits, ord(before), whole) for bits in (self._beside, self._bits))
            or any(has_pair(bits, whole, ord(behind)) for bits in (self._beside, self._bits))
        )

    def _double_places(self, batch: Folded, maybe: Index) -> Index:
        """The folded positions of these that stand there twice or more."""
        if not len(maybe):
            return maybe
        return maybe[batch.begins(maybe + 1) - batch.runs.take(maybe) > 1][:MAX_PAIRS]

    def _doubles(self, batch: Folded, doubled: Index) -> Iterator[tuple[int, str]]:
        return ((at, self._fitting(batch.text, at)) for at in doubled.tolist())

    def _fitting(self, text: str, at: int) -> str:
        """What two of a character make, where a pattern may hold it in its place."""
        before, behind = text[at - 1 : at], text[at + 1 : at + 2]
        return "".join(
            whole
            for whole in self.wholes.get(2 * text[at], "")
            if self._alone[ord(whole)]
            or whole in (before, behind)
            or "a" <= before <= "z"
            or "a" <= behind <= "z"
            or (before and has_pair(self._beside, ord(before), ord(whole)))
            or (behind and has_pair(self._beside, ord(whole), ord(behind)))
        )

    def whole(
        self, batch: Folded, at: tuple[Index, Index], is_picture: Flags | None
    ) -> tuple[Folded, Flags] | None:
        """The texts with parts of characters, with these put together wherever they stand, as a batch.

        Also those that fit a pattern only by the sound of what is beside them, or stand beside a picture. And
        which original positions are read so. None where there are none. `at`: see `places`.
        `is_picture`: by code point; None for equal halves beside other halves only.
        """
        doubled, maybe = self._double_places(batch, at[1]), at[0]
        if is_picture is None:
            if not len(doubled):
                return None
            maybe = maybe[np.isin(maybe + 2, doubled) | np.isin(maybe - 1, doubled)]
        pairs = self._pairs_beside(batch, maybe, doubled, is_picture)
        twice = {
            one: self.wholes.get(2 * batch.text[one], "") if {one - 2, one + 1} & pairs.keys() else makes
            for one, makes in self._doubles(batch, doubled)
        }
        twice = {one: makes for one, makes in twice.items() if makes}
        if not pairs and is_picture is None:
            return None
        pairs |= twice
        if not pairs:
            return None
        kept_codes, codes = batch.kept_codes.copy(), batch.codes.copy()
        made = np.zeros(len(codes), np.bool_)
        runs = np.append(batch.runs, len(kept_codes))
        last = -2
        for place, makes in sorted(pairs.items()):
            stop = place + (1 if place in twice else 2)
            if place >= last:
                low, high = runs.item(place), runs.item(stop)
                kept_codes[low:high] = ord(makes[0])
                originals = batch.kept[low:high]
                codes[originals], made[originals] = ord(makes[0]), True
                last = stop
        kept = batch.in_lines_of(runs[list(pairs)]).nonzero()[0]
        whole = batch.reread(kept, kept_codes.take(kept))
        whole.codes = codes
        return whole, made

    def _pairs_beside(
        self, batch: Folded, at: Index, doubled: Index, is_picture: Flags | None
    ) -> dict[int, str]:
        """The pairs that a pattern may hold, by the sound of their neighbours too. `doubled`: other parts."""
        codes, text = batch.folded, batch.text
        if len(at) <= FEW and batch.is_small:
            return self._each_beside(batch, at.tolist(), set(doubled.tolist()), is_picture)
        at = at[in_bits(self._bits, codes.take(at), codes.take(at + 1))]
        if len(batch.codes) > MAX_CHARS and batch.lengths.max() > MAX_CHARS:
            originals = batch.kept.take(batch.runs.take(at))
            at = at[originals - batch.original_begins.take(batch.numbers(originals)) < MAX_CHARS]
        if not len(at):
            return {}
        fits = self._fits(codes, at)
        place = self._keys.searchsorted(keys_of(codes.take(at), codes.take(at + 1)))
        makes = self._makes.take(place, mode="clip")
        rest = (~fits).nonzero()[0]
        around = fuzzy_codes(looked_up(codes, np.stack((at.take(rest) - 1, at.take(rest) + 2))))
        makes = makes.take(rest)
        fits[rest] = in_bits(
            self._sound_pairs, np.stack((around[0], makes)), np.stack((makes, around[1]))
        ).any(axis=0)
        if len(doubled):
            fits |= np.isin(at + 2, doubled) | np.isin(at - 1, doubled)
        if is_picture is not None:
            first = batch.kept.take(batch.runs.take(at))
            last = batch.kept.take(batch.begins(at + 2) - 1)
            fits |= is_picture.take(batch.codes.take(first - 1, mode="wrap"))
            fits |= is_picture.take(batch.codes.take(last + 1, mode="clip"))
        found = {one: self.wholes.get(text[one : one + 2], "") for one in at[fits].tolist()}
        return {one: whole for one, whole in found.items() if whole}

    def _each_beside(
        self, batch: Folded, places: list[int], doubled: set[int], is_picture: Flags | None
    ) -> dict[int, str]:
        """The same for a few pairs: for these, arrays cost more than they save."""
        codes, text, wholes = batch.codes, batch.text, self.wholes
        every = {at: wholes[pair] for at in places if (pair := text[at : at + 2]) in wholes}
        found = {}
        for at, whole in every.items():
            first, behind = batch.span(at, at + 2)
            if (
                self._fits_one(text, at, every)
                or at + 2 in doubled
                or at - 1 in doubled
                or (at and has_pair(self._sound_pairs, fuzzy_code(text[at - 1]), ord(whole)))
                or (at + 2 < len(text) and has_pair(self._sound_pairs, ord(whole), fuzzy_code(text[at + 2])))
                or (is_picture is not None and is_picture.item(codes.item(first - 1)))
                or (is_picture is not None and is_picture.item(codes.item(min(behind, len(codes) - 1))))
            ):
                found[at] = whole
        return found


def compose(batch: Folded, decomposition: Decomposition, parts: tuple[Index, Index]) -> Iterator[Composed]:
    """Readings of the surroundings of all parts that make a character, with the parts composed.

    The first MAX_PAIRS of each text. One reading has all pairs around put together, the first pair first
    where they overlap; where a pair can make several characters, overlaps with another, or is itself a part,
    it has further readings with only itself put together.
    """
    pairs, doubles = decomposition.both(batch, parts)
    text = batch.text
    last = -REACH
    near: list[int] = []
    for at, wholes in pairs.items():
        for whole in wholes:
            yield _compose_one(text, at, at + 2, whole)
            for more in decomposition.wholes.get(whole + text[at + 2 : at + 3], ""):
                yield _compose_one(text, at, at + 3, more)
            for more in decomposition.wholes.get(text[at - 1 : at] + whole, "") if at else "":
                yield _compose_one(text, at - 1, at + 2, more)
        if at - last <= REACH:
            near += [last, at]
        last = at
    for at in dict.fromkeys(near):
        yield _compose_all(text, pairs, at)
    for at, wholes in doubles.items():
        for whole in wholes:
            yield _compose_one(text, at, at + 1, whole)


def _compose_one(text: str, start: int, end: int, whole: str) -> Composed:
    """The surroundings of some characters, with one in their place."""
    low = max(0, start - REACH)
    return Composed(text[low:start] + whole + text[end : end + REACH], start - low, low, end - start)


def _compose_all(text: str, pairs: dict[int, str], centre: int) -> Composed:
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
    return Composed("".join(chars), middle, low, places=[*places, at])
