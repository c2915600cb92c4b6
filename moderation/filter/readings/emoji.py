"""Emoji reader: replaces emoji by the words that people read them as, 🍺酒 for 啤酒."""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from moderation.filter.matcher import Matcher
from moderation.filter.readings.pinyin import SILENT, Around, SoundIndex, parse_pinyin
from moderation.text.fold import Folded
from moderation.text.tables import (
    CODE_POINTS,
    NEWLINE,
    Bits,
    Codes,
    Flags,
    Index,
    Pairs,
    are_letters,
    bits_of,
    bits_of_all,
    has_pair,
    in_bits,
    keys_of,
    looked_up,
    tables,
)

MAX_WAYS = 8
"""Fitting readings tried of each picture."""
MAX_LINES = 36
"""Readings tried of one text. Pictures near each other take theirs in all combinations, as far as that goes;
the others their first, second, third together."""
TOGETHER = 3
"""Folded characters from one picture to the next, in a short text, up to which they may be of one term."""
SHORT = 200
"""Code points of such a text."""
NAMES = 3
"""Readings of a picture that may be a term all by themselves: what it is called. With the others, what people
write it for, something of the term must stand beside it."""
MAX_JOINED = 8
MAX_CHARS = 20_000
"""Code points of one text that are read in other ways. A longer one goes to full review."""

JOINER = 0x200D
LOOKS = frozenset({0xFE0F, *range(0x1F3FB, 0x1F400)})
"""Behind a picture: how it is drawn, and the colours of skin."""
PLAIN_JOINED = frozenset(map(ord, "♂♀➡🦰🦱🦲🦳"))
"""Behind a joiner these change how a picture is drawn, and not what it is read as."""

LONGEST_RUN = 24
"""Letters of four of the longest syllables."""
PAIRS_AT_ONCE = 1 << 14
"""Neighbours in patterns that are looked up together: all of them would take tens of megabytes."""
_LETTER = re.compile("[a-z]")
_REPEATS = re.compile(r"([^\n])\1+")
_NOTHING: Index = np.zeros(0, np.intp)


class _Readings(NamedTuple):
    """All readings of all pictures, one after the other.

    `codes`: the pictures, sorted; those of several code points, see `joined`, behind CODE_POINTS. `begins`,
    `counts`: where the readings of each begin, and how many. `ranks`: the place of each among its picture's.
    `owners`: the picture of each reading. `edges`: four rows, the first two and the last two characters of
    each reading, a newline where it has but one. `edge_sounds`: how these sound. `several`: what characters
    from `stand_in` on stand for.
    """

    codes: Codes
    joined: dict[str, int]
    begins: Index
    counts: Index
    lines: str
    owners: Codes
    ranks: Index
    edges: Codes
    edge_sounds: tuple[Around, ...]
    stand_in: int
    several: tuple[str, ...]


@functools.cache
def _all_readings() -> _Readings:
    emoji, several = tables().emoji, tables().several
    pictures = sorted(emoji, key=lambda one: (len(one) > 1, one))
    joined = {one: CODE_POINTS + at for at, one in enumerate(pictures) if len(one) > 1}
    codes = np.array([joined.get(one) or ord(one) for one in pictures], np.uint32)
    each = [emoji[one] for one in pictures]
    counts = np.array(list(map(len, each)), np.intp)
    readings = [one for row in each for one in row]
    edges = [(one[0], one[1:2] or "\n", one[-2:-1] or "\n", one[-1]) for one in readings]
    return _Readings(
        codes=codes,
        joined=joined,
        begins=counts.cumsum() - counts,
        counts=counts,
        lines="\n".join(readings),
        owners=np.repeat(np.arange(len(each), dtype=np.uint32), counts),
        ranks=np.concatenate([np.arange(count) for count in counts]),
        edges=np.array([list(map(ord, four)) for four in edges], np.uint32).T,
        edge_sounds=tuple(map(SoundIndex.around, edges)),
        stand_in=CODE_POINTS + len(several),
        several=(*several, *readings),
    )


class EmojiReader:
    """Reads emoji as words, where a pattern may hold them. `is_picture`: by code point."""

    def __init__(self, exact: Matcher, sounds: SoundIndex, neighbours: Pairs, beside: Bits) -> None:
        self._beside, self._sounds, self._exact = beside, sounds, exact
        self._all = every = _all_readings()
        codes = np.frombuffer(every.lines.encode("utf-32-le"), np.uint32)
        begins = np.append(0, (codes == NEWLINE).nonzero()[0] + 1)
        edge_sounds = sounds.longer(tables().sound.take(codes))
        within = [start for start, _, _ in (*exact.find(every.lines), *edge_sounds)]
        self._said = every.several[len(every.several) - len(begins) :]
        self._whole = np.zeros(len(begins), np.bool_)
        self._whole[begins.searchsorted(np.array(within, np.intp), "right") - 1] = True
        long = every.edges[1] != NEWLINE
        self._late = self._whole & long & (every.ranks >= NAMES)
        self._whole &= ~self._late
        self._any_whole = np.bincount(every.owners, self._whole) > 0
        self._before = _reach(neighbours, every.edges[0], every.owners)
        self._behind = _reach(neighbours[::-1], every.edges[3], every.owners)
        self.is_picture = np.zeros(CODE_POINTS, np.bool_)
        self.is_picture[every.codes[: len(every.codes) - len(every.joined)]] = True

    def read(
        self, batch: Folded, places: Index, *, by_sound: bool, beside_letters: bool
    ) -> tuple[Folded, Flags] | None:
        """The texts with pictures at these places, each read in all ways that fit, every way as a line.

        `places`: original positions that hold a picture, in order, one at least. Also returns which original
        positions are read so. None where no reading fits. `by_sound`: fit for longer terms by their sound
        too. `beside_letters`: all fit that stand beside a Latin letter, which may be pinyin. `kept` of what
        is given leads to original positions of the batch.
        """
        if len(batch.codes) > MAX_CHARS and batch.lengths.max() > MAX_CHARS:
            places = places[places - batch.original_begins.take(batch.numbers(places)) < MAX_CHARS]
        places, pictures = self._find_emoji(batch.codes, places)
        if len(places) == 1:
            return self._one(batch, places, pictures, by_sound, beside_letters)
        owners, readings = self._fitting(batch, places, pictures, by_sound, beside_letters)
        if not len(owners):
            return None
        # of each picture that has any: where its readings begin, and how many there are
        firsts = np.append(True, owners[1:] != owners[:-1]).nonzero()[0]
        counts = np.minimum(np.diff(np.append(firsts, len(owners))), MAX_WAYS)
        places = places.take(owners.take(firsts))
        numbers = batch.numbers(places)
        strides, ways = self._combine_readings(batch, places, numbers, counts)
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
            turn = way // strides.take(mine) % counts.take(mine)
            reading = readings.take(firsts.take(mine) + turn)
            codes[at] = self._all.stand_in + reading
            lines.append(line)
            read.append(codes)
        return self._read(batch, places, np.concatenate(lines), np.concatenate(read))

    def _find_emoji(self, codes: Codes, places: Index) -> tuple[Index, Codes]:
        """The pictures as they are drawn: where each begins, and its code. Joined ones are one (🏃‍♂️)."""
        if not (codes.take(places - 1, mode="wrap") == JOINER).any():
            return places, codes.take(places)
        shown: list[tuple[int, int]] = []
        end = 0
        for place in places.tolist():
            if place >= end:
                code, end = self._emoji_span(codes, place)
                shown.append((place, code))
        return np.array([place for place, _ in shown], np.intp), np.array(
            [one for _, one in shown], np.uint32
        )

    def end(self, codes: Codes, place: int) -> int:
        """Where the picture ends that begins at an original position."""
        return self._emoji_span(codes, place)[1]

    def _emoji_span(self, codes: Codes, place: int) -> tuple[int, int]:
        """The picture that begins at a place, and where it ends."""
        code, stop = codes.item(place), place + 1
        end, key = stop, chr(code)
        for _ in range(MAX_JOINED):
            while end < len(codes) and codes.item(end) in LOOKS:
                end += 1
            if end + 1 >= len(codes) or codes.item(end) != JOINER:
                break
            joined = codes.item(end + 1)
            end += 2
            if joined in PLAIN_JOINED:
                stop = end
            else:
                key += chr(JOINER) + chr(joined)
            if key in self._all.joined:
                code, stop = self._all.joined[key], end
        return code, stop

    @staticmethod
    def _combine_readings(batch: Folded, places: Index, numbers: Index, counts: Index) -> tuple[Index, Index]:
        """How the readings of pictures are combined.

        After how many ways each takes its next one; and in how many ways each text is read.
        """
        at = batch.kept.searchsorted(places)
        apart = (at[1:] - at[:-1] > TOGETHER) | (numbers[1:] != numbers[:-1])
        apart |= batch.lengths.take(numbers[1:]) > SHORT
        codes = batch.codes.take(places)
        alike = (at[1:] == at[:-1]) & (codes[1:] == codes[:-1])
        strides = np.ones(len(places), np.intp)
        ways = np.zeros(len(batch.lengths), np.intp)
        np.maximum.at(ways, numbers, counts)
        # most stand by themselves
        some = np.flatnonzero(~(np.append(True, apart) & np.append(apart, True)))
        begins = np.append(True, apart | alike).take(some).tolist()
        rows = zip(
            some.tolist(), numbers.take(some).tolist(), counts.take(some).tolist(), begins, strict=True
        )
        stride = 1
        for one, number, count, begin in rows:
            if begin or stride * count > MAX_LINES:
                stride = 1
            strides[one] = stride
            stride *= count
            if stride > ways.item(number):
                ways[number] = stride
        return strides, ways

    def _read(self, batch: Folded, places: Index, lines: Index, codes: Codes) -> tuple[Folded, Flags]:
        made = np.zeros(len(batch.codes), np.bool_)
        made[places] = True
        return Folded.again(batch, lines, codes, self._all.several), made

    def _one(
        self, batch: Folded, places: Index, pictures: Codes, by_sound: bool, beside_letters: bool
    ) -> tuple[Folded, Flags] | None:
        """The same for one picture, where arrays cost more than they save."""
        place = places.item(0)
        readings = self._fitting_one(batch, place, pictures.item(0), by_sound, beside_letters)[:MAX_WAYS]
        if not readings:
            return None
        kept, said = batch.kept, self._said
        at, behind = self._around(batch, place)
        number = batch.number(place)
        begin = batch.original_begins.item(number)
        end = min(begin + batch.lengths.item(number), begin + MAX_CHARS)
        low, high = kept.searchsorted((begin, end)).tolist()
        before, after = batch.kept_codes[low:at], batch.kept_codes[behind:high]
        head, tail = (one.tobytes().decode("utf-32-le") for one in (before, after))
        heads, tails = kept[low:at].tolist(), [*kept[behind:high].tolist(), min(end, len(batch.codes) - 1)]
        lines = "".join(f"{head}{said[one]}{tail}\n" for one in readings)
        if batch.is_small and not self._is_of_use(lines, by_sound, beside_letters):
            return None
        origins = [where for one in readings for where in (*heads, *[place] * len(said[one]), *tails)]
        codes = np.frombuffer(lines.encode("utf-32-le"), np.uint32)
        return self._read(batch, places, np.array(origins), codes)

    def _is_of_use(self, lines: str, by_sound: bool, beside_letters: bool) -> bool:
        """Whether anything is found in some lines, or they may hold pinyin."""
        if beside_letters and _LETTER.search(lines):
            return True
        folded = _REPEATS.sub(r"\1", lines)
        if self._exact.find(folded):
            return True
        codes = np.frombuffer(folded.encode("utf-32-le"), np.uint32)
        return by_sound and bool(self._sounds.longer(tables().sound.take(codes)))

    @staticmethod
    def _around(batch: Folded, place: int) -> tuple[int, int]:
        """Kept positions of an original position, or where it would be, and behind it."""
        at = int(batch.kept.searchsorted(place))
        return at, at + (at < len(batch.kept) and batch.kept.item(at) == place)

    def _fitting(
        self, batch: Folded, places: Index, pictures: Codes, by_sound: bool, beside_letters: bool
    ) -> tuple[Index, Index]:
        """Readings that may be part of a pattern, by their neighbours: numbers of places, and of readings."""
        which = self._all.codes.searchsorted(pictures).astype(np.uint32)
        kept = batch.kept
        at = kept.searchsorted(places)
        behind = at + (kept.take(at, mode="clip") == places) if len(kept) else at
        one_before, one_behind = looked_up(batch.kept_codes, np.stack((at - 1, behind)))
        # pictures side by side are read together
        near = (at[1:] - at[:-1] <= int(by_sound)) & (which[1:] != which[:-1])
        some = near.nonzero()[0]
        near[some] = batch.numbers(places.take(some)) == batch.numbers(places.take(some + 1))
        with_next = np.append(near, False)
        near = with_next | np.append(False, near)
        if not (by_sound or beside_letters):
            maybe = self._any_whole.take(which) | near
            maybe |= in_bits(self._before, one_before, which) | in_bits(self._behind, one_behind, which)
            if not maybe.any():
                return _NOTHING, _NOTHING
        counts = self._all.counts.take(which)
        owners = np.repeat(np.arange(len(places)), counts)
        skip = self._all.begins.take(which) - counts.cumsum() + counts
        readings = np.arange(len(owners)) + np.repeat(skip, counts)
        if not (by_sound or beside_letters):
            some = maybe.take(owners)
            owners, readings = owners[some], readings[some]
        fits = self._whole.take(readings)
        first, _, _, last = self._all.edges.take(readings, axis=1)
        before, after = one_before.take(owners), one_behind.take(owners)
        # equal ones count as one character, and their other neighbour is not checked
        fits |= (before == first) | (after == last)
        fits |= in_bits(self._beside, np.stack((before, last)), np.stack((first, after))).any(axis=0)
        if near.any():
            together = with_next.nonzero()[0]
            fits |= self._fit_each_other(owners, readings, together)
        surely = fits.copy()
        fits |= near.take(owners)
        if by_sound or beside_letters:
            runs = batch.runs
            two = np.stack((runs.searchsorted(at - 1, "right") - 2, runs.searchsorted(behind, "right")))
            two_before, two_behind = looked_up(batch.folded, two)
            two_before[one_before == NEWLINE] = two_behind[one_behind == NEWLINE] = NEWLINE
        if beside_letters:
            around = np.stack((two_before, one_before, one_behind, two_behind))
            spelled_beside: Flags = np.asarray(are_letters(around).any(axis=0), np.bool_)
            for place in spelled_beside.nonzero()[0].tolist():
                spelled_beside[place] = _is_beside_pinyin(batch, at.item(place), behind.item(place))
            fits |= spelled_beside.take(owners)
        if by_sound:
            rest = np.flatnonzero(~fits)
            around = np.stack((two_before, one_before, one_behind, two_behind)).take(
                owners.take(rest), axis=1
            )
            fits[rest] = self._fit_by_sound(readings.take(rest), around)
        fits &= ~self._late.take(readings)
        chosen: Index = np.flatnonzero(fits)
        # of each picture those first that fit exactly
        chosen = chosen.take((2 * owners.take(chosen) + ~surely.take(chosen)).argsort(kind="stable"))
        return owners.take(chosen), readings.take(chosen)

    def _fit_by_sound(self, readings: Index, around: Codes) -> Flags:
        """Which readings a longer term may hold by its sound. `around`: two characters before, two behind."""
        first, second, last_but_one, last = self._all.edges.take(readings, axis=1)
        two_before, before, after, two_behind = around
        long = second != NEWLINE
        rows = (
            (two_before, before, first),
            (before, first, np.where(long, second, after)),
            (np.where(long, last_but_one, before), last, after),
            (last, after, two_behind),
        )
        return np.asarray(self._sounds.joins(np.array(rows)).any(axis=0), np.bool_)

    def _fit_each_other(self, owners: Index, readings: Index, with_next: Index) -> Flags:
        """Which readings of pictures side by side a pattern may hold one behind the other.

        `with_next`: the pictures that have the next one beside them.
        """
        begins, ends = owners.searchsorted(with_next), owners.searchsorted(with_next + 1, "right")
        middles = owners.searchsorted(with_next, "right")
        fits = np.zeros(len(owners), np.bool_)
        lefts, rights = middles - begins, ends - middles
        counts = lefts * rights
        each = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
        width = np.repeat(rights, counts)
        one = np.repeat(begins, counts) + each // width
        two = np.repeat(middles, counts) + each % width
        last, first = self._all.edges[3].take(readings.take(one)), self._all.edges[0].take(readings.take(two))
        good = (last == first) | in_bits(self._beside, last, first)
        fits[one[good]] = fits[two[good]] = True
        return fits

    def _fitting_one(
        self, batch: Folded, place: int, picture: int, by_sound: bool, beside_letters: bool
    ) -> list[int]:
        """The readings of one picture that fit."""
        codes, text, runs = batch.kept_codes, batch.text, batch.runs
        at, behind = self._around(batch, place)
        before = chr(codes.item(at - 1)) if at else "\n"
        after = chr(codes.item(behind)) if behind < len(codes) else "\n"
        run = int(runs.searchsorted(at - 1, "right")) - 2
        two_before = text[run] if before != "\n" and run >= 0 else "\n"
        run = int(runs.searchsorted(behind, "right"))
        two_behind = text[run] if after != "\n" and run < len(text) else "\n"
        around = (two_before, before, after, two_behind)
        every = (
            beside_letters
            and any("a" <= one <= "z" for one in around)
            and _is_beside_pinyin(batch, at, behind)
        )
        which = int(self._all.codes.searchsorted(picture))
        begin, fitting = self._all.begins.item(which), []
        sounds, edge_sounds = (
            (self._sounds.around(around), self._all.edge_sounds) if by_sound else (SILENT, ())
        )
        code_before, code_after = ord(before), ord(after)
        joins_before = bool(at) and has_pair(self._before, code_before, which)
        joins_behind = after != "\n" and has_pair(self._behind, code_after, which)
        for number in range(begin, begin + self._all.counts.item(which)):
            reading = self._said[number]
            first, last = reading[0], reading[-1]
            if self._late.item(number):
                continue
            if (
                every
                or self._whole.item(number)
                or before == first
                or after == last
                or (joins_before and has_pair(self._beside, code_before, ord(first)))
                or (joins_behind and has_pair(self._beside, ord(last), code_after))
                or (sounds != SILENT and self._sounds.joins_around(edge_sounds[number], sounds))
            ):
                fitting.append(number)
        return fitting


def _is_beside_pinyin(batch: Folded, at: int, behind: int) -> bool:
    """Whether a run of letters that reads as syllables ends before kept position `at`, or begins at `behind`.

    Or one character away, where that is no letter.
    """
    for begin, step in ((at - 1, -1), (behind, 1)):
        run = _run(batch, begin, step) or _run(batch, begin + step, step)
        if run and sum(end - start for _, start, end in parse_pinyin(run)) == len(run):
            return True
    return False


def _run(batch: Folded, at: int, step: int) -> str:
    """The unbroken Latin letters from a kept position on, in one direction."""
    kept, codes = batch.kept, batch.kept_codes
    letters = ""
    while 0 <= at < len(codes) and 97 <= codes.item(at) <= 122 and len(letters) < LONGEST_RUN:
        letter = chr(codes.item(at))
        letters = letter + letters if step < 0 else letters + letter
        at += step
        if not 0 <= at < len(codes) or abs(kept.item(at) - kept.item(at - step)) > 1:
            break
    return letters


def _reach(pairs: Pairs, chars: Codes, pictures: Codes) -> Bits:
    """The set of what may stand on one side of a picture, with the picture's number.

    `chars`, `pictures`: what a reading has on that side, and its picture's number.
    """
    order = chars.argsort(kind="stable")
    chars, pictures = chars[order], pictures[order]

    def keys() -> Iterator[Codes]:
        yield keys_of(chars, pictures)  # alike
        for begin in range(0, pairs.shape[1], PAIRS_AT_ONCE):
            one, two = pairs[:, begin : begin + PAIRS_AT_ONCE]
            low, high = chars.searchsorted(two), chars.searchsorted(two, "right")
            counts = high - low
            each = np.arange(counts.sum()) - np.repeat(counts.cumsum() - high, counts)
            yield keys_of(np.repeat(one, counts), pictures.take(each))

    if pairs.shape[1] <= PAIRS_AT_ONCE:
        return bits_of(np.concatenate(list(keys())))
    return bits_of_all(keys())
