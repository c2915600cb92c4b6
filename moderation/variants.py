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
from moderation.sounds import SoundIndex
from moderation.tables import CODE_POINTS, Codes, bits_of, in_bits, keys_of, tables

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
        before, behind = _at(codes, at - 1), _at(codes, at + 2)
        fits |= in_bits(self._beside, before, makes) | in_bits(self._beside, makes, behind)
        fits |= _are_letters(before) | _are_letters(behind)  # which may be pinyin
        is_pair = np.zeros(len(codes) + 4, np.bool_)
        is_pair[at + 2] = True
        return fits | is_pair.take(at) | is_pair.take(at + 4)

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


def _at(codes: Codes, places: Index) -> Codes:
    """What stands at some places; beyond the ends, the end of a line."""
    if not len(codes):
        return np.full(len(places), NEWLINE, np.uint32)
    found: Codes = codes.take(places, mode="clip")
    found[(places < 0) | (places >= len(codes))] = NEWLINE
    return found


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
        each = [emoji[chr(code)] for code in self._codes.tolist()]
        self._counts = np.array(list(map(len, each)), np.intp)
        self._begins = self._counts.cumsum() - self._counts
        # all readings one after the other, and what they begin and end with
        readings = [one for row in each for one in row]
        text = "\n".join(readings)
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        begins = np.append(0, (codes == NEWLINE).nonzero()[0] + 1)
        within = [start for start, _, _ in (*exact.find(text), *sounds.longer(tables().sound.take(codes)))]
        self._whole = np.zeros(len(readings), np.bool_)
        self._whole[begins.searchsorted(np.array(within, np.intp), "right") - 1] = True
        edges = [(one[0], one[1:2] or "\n", one[-2:-1] or "\n", one[-1]) for one in readings]
        self._edges = np.array([list(map(ord, four)) for four in edges], np.uint32).T
        self._is_long = np.array([len(one) > 1 for one in readings])
        self._stand_in = CODE_POINTS + len(tables().several)
        self._several = (*tables().several, *readings)
        self.special = np.zeros(CODE_POINTS, np.bool_)
        self.special[[*map(ord, (*_ROMAN, _OVERRIDE)), *self._codes.tolist()]] = True
        self.is_picture = np.zeros(CODE_POINTS, np.bool_)
        self.is_picture[self._codes] = True

    def read(
        self, batch: Folded, places: Index, *, by_sound: bool, beside_letters: bool
    ) -> tuple[Folded, Flags] | None:
        """The texts with pictures at these places, each read in all ways that fit, every way as a line.

        `places`: original positions that hold a picture, in order, one at least. Also tells which original
        positions are read so. None where no reading fits. `by_sound`: fit for longer terms by their sound
        too. `beside_letters`: all fit that stand beside a Latin letter, which may be pinyin. `kept` of what
        is given leads to original positions of the batch.
        """
        numbers = batch.numbers(places)
        inside = places - batch.original_begins.take(numbers) < MAX_CHARS
        owners, readings = self._fitting(batch, places[inside], by_sound, beside_letters)
        if not len(owners):
            return None
        # of each picture that has any: where its readings begin, and how many there are
        firsts = np.append(True, owners[1:] != owners[:-1]).nonzero()[0]
        counts = np.minimum(np.diff(np.append(firsts, len(owners))), MAX_WAYS)
        places, numbers = (each[inside].take(owners.take(firsts)) for each in (places, numbers))
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
            at = (stops - sizes - begins).take(texts.searchsorted(numbers.take(mine))) + places.take(mine)
            reading = readings.take(firsts.take(mine) + np.minimum(way, counts.take(mine) - 1))
            codes[at] = self._stand_in + reading
            lines.append(line)
            read.append(codes)
        made = np.zeros(len(batch.codes), np.bool_)
        made[places] = True
        return Folded.again(batch, np.concatenate(lines), np.concatenate(read), self._several), made

    def _fitting(
        self, batch: Folded, places: Index, by_sound: bool, beside_letters: bool
    ) -> tuple[Index, Index]:
        """Readings that may be part of a pattern, by their neighbours: numbers of places, and of readings."""
        which = self._codes.searchsorted(batch.codes.take(places))
        counts = self._counts.take(which)
        owners = np.repeat(np.arange(len(places)), counts)
        skip = self._begins.take(which) - counts.cumsum() + counts
        readings = np.arange(len(owners)) + np.repeat(skip, counts)
        kept, codes = batch.kept, batch.kept_codes
        at = kept.searchsorted(places)
        behind = at + np.isin(places, kept)
        one_before, one_behind = _at(codes, at - 1).take(owners), _at(codes, behind).take(owners)
        first, second, last_but_one, last = self._edges.take(readings, axis=1)
        fits = self._whole.take(readings)
        fits |= in_bits(self._beside, one_before, first) | in_bits(self._beside, last, one_behind)
        # equal ones count as one character, and what is on their other side is not asked
        fits |= (one_before == first) | (one_behind == last)
        if beside_letters:
            fits |= _are_letters(one_before) | _are_letters(one_behind)
        if by_sound:
            runs = batch.runs
            two_before = _at(batch.folded, runs.searchsorted(at - 1, "right") - 2).take(owners)
            two_behind = _at(batch.folded, runs.searchsorted(behind, "right")).take(owners)
            two_before[one_before == NEWLINE] = two_behind[one_behind == NEWLINE] = NEWLINE
            long = self._is_long.take(readings)
            row = [two_before, one_before, first, np.where(long, second, one_behind)]
            fits |= self._sounds.joins(*row[:3]) | self._sounds.joins(*row[1:])
            row = [np.where(long, last_but_one, one_before), last, one_behind, two_behind]
            fits |= self._sounds.joins(*row[:3]) | self._sounds.joins(*row[1:])
        # pictures side by side are read together
        numbers = batch.numbers(places)
        near = (at[1:] - at[:-1] <= int(by_sound)) & (which[1:] != which[:-1]) & (numbers[1:] == numbers[:-1])
        fits |= (np.append(near, False) | np.append(False, near)).take(owners)
        chosen: Index = np.flatnonzero(fits)
        return owners.take(chosen), readings.take(chosen)


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
