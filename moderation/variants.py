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
from moderation.matcher import Matcher
from moderation.sounds import SoundIndex, fuzzy_codes
from moderation.tables import CODE_POINTS, Bits, Codes, bits_of, in_bits, keys_of, tables

MAX_READINGS = 8
"""Of a picture."""
MAX_WAYS = 6
"""Fitting readings tried of each picture; all pictures of a text take their first, second, third together."""
MAX_CHARS = 20_000
"""Code points of one text that are read in other ways. A longer one goes to full review."""
FEW = 50
"""Places up to which each is looked up; more are thinned out at once first."""
MAX_PAIRS = 1000
"""Pairs of halves of one text that are put together. A text with more goes to full review."""
REACH = 15
"""Folded characters to each side of two halves that may belong to the same term."""

Flags = npt.NDArray[np.bool_]
Pairs = Codes
"""Two rows: characters, and what stands behind each of them."""

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

    def __init__(self, patterns: Sequence[str], neighbours: Pairs) -> None:
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
        self._beside = bits_of(keys_of(*neighbours))
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
        before, behind = codes.take(at - 1), codes.take(at + 2, mode="clip")
        fits |= in_bits(self._beside, before, makes) | in_bits(self._beside, makes, behind)
        fits |= _are_letters(before) | _are_letters(behind)  # which may be pinyin
        return fits | np.isin(at - 2, at) | np.isin(at + 2, at)

    def together(self, source: Folded) -> Folded | None:
        """The lines with two halves put together wherever they stand; None where there are none."""
        pairs = self.pairs(source)
        if not pairs:
            return None
        codes = source.kept_codes.copy()
        runs = np.append(source.runs, len(codes))
        last = -2
        for at, wholes in pairs.items():
            if at - last > 1:
                codes[runs[at] : runs[at + 2]] = ord(wholes[0])
                last = at
        begins, ends = source.kept_lines()
        changed = np.zeros(len(begins), np.bool_)
        changed[begins.searchsorted(runs[list(pairs)], "right") - 1] = True
        kept: Index = np.flatnonzero(np.repeat(changed, ends - begins + 1)[: len(codes)])
        return source.reread(kept, codes.take(kept))


def _are_letters(codes: Codes) -> Flags:
    return codes - np.uint32(97) < 26


class Pictures:
    """What pictures can stand for: words people say for them, where a pattern may hold them.

    `special`: the characters any other reading is about.
    """

    def __init__(self, exact: Matcher, sounds: SoundIndex, neighbours: Pairs) -> None:
        self._beside, self._sounds = bits_of(keys_of(*neighbours)), sounds
        emoji = tables().emoji
        self._codes = np.array(sorted(map(ord, emoji)), np.uint32)
        rows = [emoji[chr(code)][:MAX_READINGS] for code in self._codes.tolist()]
        # rows of one length: what is missing is a reading without letters, which fits nowhere
        flat = [one for row in rows for one in (*row, *[""] * (MAX_READINGS - len(row)))]
        shape = (len(rows), MAX_READINGS)
        self._firsts = np.array([ord(one[:1] or "\n") for one in flat], np.uint32).reshape(shape)
        self._lasts = np.array([ord(one[-1:] or "\n") for one in flat], np.uint32).reshape(shape)
        self._whole = np.zeros(len(flat), np.bool_)
        text = "\n".join(flat)
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        begins = np.append(0, (codes == NEWLINE).nonzero()[0] + 1)
        within = [start for start, _, _ in (*exact.find(text), *sounds.longer(tables().sound.take(codes)))]
        self._whole[begins.searchsorted(np.array(within, np.intp), "right") - 1] = True
        self._whole = self._whole.reshape(shape)
        # equal characters count as one, and what is on their other side is not asked
        alike = np.tile(np.unique(neighbours), (2, 1))
        before, behind = np.append(neighbours, alike, axis=1), np.append(neighbours[::-1], alike, axis=1)
        self._before, self._behind = _reach(before, self._firsts), _reach(behind, self._lasts)
        self._heard_before = _reach(sounds.neighbours, fuzzy_codes(self._firsts))
        self._heard_behind = _reach(sounds.neighbours[::-1], fuzzy_codes(self._lasts))
        self._stand_in = CODE_POINTS + len(tables().several)
        self._several = (*tables().several, *flat)
        self.special = np.zeros(CODE_POINTS, np.bool_)
        self.special[[*map(ord, (*_ROMAN, _OVERRIDE)), *self._codes.tolist()]] = True
        self.is_picture = np.zeros(CODE_POINTS, np.bool_)
        self.is_picture[self._codes] = True

    def read(self, batch: Folded, places: Index, *, by_sound: bool, beside_letters: bool) -> Folded | None:
        """The texts with pictures at these places, each read in all ways that fit, every way as a line.

        `places`: original positions that hold a picture, in order, one at least. None where no reading
        fits. `by_sound`: fit for longer terms by their sound too. `beside_letters`: all fit that stand beside
        a Latin letter, which may be pinyin. `kept` of what is given leads to original positions of the batch.
        """
        numbers = batch.numbers(places)
        inside = places - batch.original_begins.take(numbers) < MAX_CHARS
        places, numbers = places[inside], numbers[inside]
        which = self._codes.searchsorted(batch.codes.take(places)).astype(np.uint32)
        maybe, fits = self._fit(batch, places, which, by_sound, beside_letters)
        if not len(maybe):
            return None
        places, numbers, which = places.take(maybe), numbers.take(maybe), which.take(maybe)
        # the readings that fit come first
        order = (~fits).argsort(axis=1, kind="stable")
        counts = np.minimum(fits.sum(axis=1), MAX_WAYS)
        ways = np.zeros(len(batch.lengths), np.intp)
        np.maximum.at(ways, numbers, counts)
        lines: list[Index] = []
        read: list[Codes] = []
        for way in range(int(ways.max())):
            texts = (ways > way).nonzero()[0]
            begins = batch.original_begins.take(texts)
            sizes = np.minimum(batch.lengths.take(texts), MAX_CHARS) + 1
            stops = sizes.cumsum()
            # every original position of these texts, and one behind each for the end of its line
            line = np.arange(stops[-1]) + np.repeat(begins - stops + sizes, sizes)
            line[-1] = min(line[-1], len(batch.codes) - 1)
            codes = tables().fold.take(batch.codes.take(line))
            codes[stops - 1] = NEWLINE
            mine = (ways.take(numbers) > way).nonzero()[0]
            at = texts.searchsorted(numbers.take(mine))
            at = (stops - sizes - begins).take(at) + places.take(mine)
            reading = order[mine, np.minimum(way, counts.take(mine) - 1)]
            codes[at] = self._stand_in + MAX_READINGS * which.take(mine) + reading
            lines.append(line)
            read.append(codes)
        return Folded.again(batch, np.concatenate(lines), np.concatenate(read), self._several)

    def _fit(
        self, batch: Folded, places: Index, which: Codes, by_sound: bool, beside_letters: bool
    ) -> tuple[Index, Flags]:
        """Which of the pictures may be part of a pattern, by their neighbours, and (a row each) read how."""
        kept, codes = batch.kept, batch.kept_codes
        if not len(kept):
            kept, codes = np.array([len(batch.codes)]), np.array([NEWLINE], np.uint32)
        at = kept.searchsorted(places)
        behind = codes.take(at + (kept.take(at, mode="clip") == places), mode="clip")
        before = codes.take(at - 1)
        # pictures side by side are read together; one that is repeated, once
        side_by_side = ((at[1:] == at[:-1]) & (which[1:] != which[:-1])).nonzero()[0]
        maybe = self._whole.any(axis=1).take(which)
        maybe |= in_bits(self._before, before, which) | in_bits(self._behind, behind, which)
        if by_sound:
            maybe |= in_bits(self._heard_before, fuzzy_codes(before), which)
            maybe |= in_bits(self._heard_behind, fuzzy_codes(behind), which)
        if beside_letters:
            maybe |= (latin := _are_letters(before) | _are_letters(behind))
        maybe[side_by_side] = maybe[side_by_side + 1] = True
        some = maybe.nonzero()[0]
        which, before, behind = which.take(some), before.take(some), behind.take(some)
        firsts, lasts = self._firsts[which], self._lasts[which]
        fits = self._whole[which] | self._joins(before[:, None], firsts, by_sound)
        fits |= self._joins(lasts, behind[:, None], by_sound)
        if beside_letters:
            fits |= latin.take(some)[:, None] & (firsts != NEWLINE)
        left = some.searchsorted(side_by_side)
        pairs = self._joins(lasts[left][:, :, None], firsts[left + 1][:, None, :], by_sound)
        fits[left] |= pairs.any(axis=2)
        fits[left + 1] |= pairs.any(axis=1)
        good: Index = np.flatnonzero(fits.any(axis=1))
        return some.take(good), fits[good]

    def _joins(self, first: Codes, second: Codes, by_sound: bool) -> Flags:
        """Whether two neighbours may stand in a pattern, as characters or, in longer ones, as sounds.

        Equal ones count as one character, and what is on their other side is not asked.
        """
        joins: Flags = in_bits(self._beside, first, second) | ((first == second) & (first != NEWLINE))
        return joins | self._sounds.joins(first, second) if by_sound else joins


def _reach(pairs: Pairs, chars: Codes) -> Bits:
    """The set of what may stand on one side of a picture, with the picture's number.

    `chars`: a row for each picture, what its readings have on that side.
    """
    one, two = pairs
    pictures = np.repeat(np.arange(len(chars), dtype=np.uint32), chars.shape[1])
    order = chars.ravel().argsort(kind="stable")
    chars, pictures = chars.ravel()[order], pictures[order]
    low, high = chars.searchsorted(two), chars.searchsorted(two, "right")
    counts = high - low
    each = np.arange(counts.sum()) - np.repeat(counts.cumsum() - high, counts)
    return bits_of(keys_of(np.repeat(one, counts), pictures.take(each)))


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
