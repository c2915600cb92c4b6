"""Finding the terms of compiled lists in a batch of texts, and telling finds from chance."""

import functools
import itertools
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import msgspec
import numpy as np
import numpy.typing as npt

from moderation.boundary import FUNCTION_WORDS, Place
from moderation.compiled import ALLOW, TRIGGER, Compiled, Sense
from moderation.edges import edges_hold, gaps_of, straddles, with_marks
from moderation.fold import NEWLINE, Folded, Index, fold
from moderation.lexicon import Channel
from moderation.matcher import Match
from moderation.placed import FEW, Placed, columns, placed, places
from moderation.sounds import spelled
from moderation.tables import CODE_POINTS, Codes, is_pair, tables
from moderation.variants import MAX_PAIRS, Variant, joined, variants

MAX_RAW = 2000
"""Raw matches of one text that are looked at, for each way of looking; a text with more is held for full
review."""

_WRITTEN = (Channel.EXACT, Channel.ALIAS)


@functools.cache
def _function_words() -> npt.NDArray[np.bool_]:
    flags = np.zeros(CODE_POINTS, np.bool_)
    flags[[ord(char) for char in FUNCTION_WORDS]] = True
    return flags


class Find(msgspec.Struct, frozen=True, gc=False):
    """One find. `start`, `end`: code points of the text. `term`: as in Sense."""

    start: int
    end: int
    term: int
    channel: Channel
    clean: bool


class Finds(msgspec.Struct, gc=False):
    """What was found in one text."""

    found: list[Find] = []
    allowed: list[tuple[int, int]] = []
    triggered: bool = False
    raw: int = 0


class Scan:
    """One batch against one compiled set.

    `lone`: texts with one exact match, of which nothing else is to be asked; most of those with any.
    `by_text`: the finds of the others.
    """

    def __init__(
        self, compiled: Compiled, batch: Folded, texts: list[str], channels: frozenset[Channel]
    ) -> None:
        self.compiled = compiled
        self.batch = batch
        self.texts = texts
        self.by_text: dict[int, Finds] = {}
        self.lone: dict[int, Find] = {}
        self._exact()
        if Channel.SPLIT in channels:
            self._joined()
        places = compiled.pictures.special.take(batch.codes).nonzero()[0]
        if len(places):
            is_picture = compiled.pictures.is_picture.take(batch.codes.take(places))
            if Channel.EMOJI in channels and is_picture.any():
                self._pictures(places[is_picture], by_sound=Channel.HOMOPHONE in channels)
            if not is_picture.all() and (read := list(variants(batch, texts, channels, places[~is_picture]))):
                self._variants(read)
        if Channel.HOMOPHONE in channels:
            self._homophones()
        if Channel.PINYIN in channels:
            self._letters()

    # ------------------------------------------------------------ exact

    def _exact(self) -> None:
        matches = self.compiled.exact.find(self.batch.text)
        if len(matches) <= FEW:
            self._matched(matches, placed(self.batch, self.texts, matches))
            return
        found = columns(matches)
        where = places(self.batch, found)
        terms = self.compiled.plain.take(found[2])
        lone = where.alone & (terms >= 0)
        shared = where.numbers[1:] == where.numbers[:-1]
        lone[1:] &= ~shared
        lone[:-1] &= ~shared
        at = lone.nonzero()[0]
        numbers, lows, highs = (each.take(at).tolist() for each in where[:3])
        finds = map(Find, lows, highs, terms.take(at).tolist(), repeat(Channel.EXACT), repeat(True))
        self.lone = dict(zip(numbers, finds, strict=True))
        enough = where.highs - where.lows >= self.compiled.least.take(found[2])
        rest = (enough & ~lone).nonzero()[0]
        self._matched([matches[one] for one in rest.tolist()], where.take(rest).rows())

    def _matched(self, matches: Sequence[Match], where: Iterable[Placed]) -> None:
        for (start, end, pattern), (number, low, high, bare, alone, _) in zip(matches, where, strict=True):
            finds = self._finds(number)
            if finds.raw > MAX_RAW:
                continue
            for sense in self.compiled.meanings(pattern):
                if alone and sense.runs is None and sense.term >= 0 and sense.channel is Channel.EXACT:
                    finds.found.append(Find(low, high, sense.term, Channel.EXACT, True))
                    continue
                if (sense.runs is not None or not bare) and not self._repeated_enough(start, end, sense.runs):
                    continue
                if sense.term == TRIGGER:
                    finds.triggered = True
                    continue
                if not bare and not edges_hold(self.texts[number], low, high):
                    begin = self.batch.original_begins.item(number)
                    first, last = self._trimmed(start, end, sense.runs)
                    self._take(number, finds, (first - begin, last - begin), sense, bare)
                else:
                    self._take(number, finds, (low, high), sense, bare)

    def _repeated_enough(self, start: int, end: int, runs: tuple[int, ...] | None) -> bool:
        """Letters stand at least as often as in the term; digits exactly so, for 8888 is not 888.

        Digits may stand so often in one piece of several: 888 888.
        """
        batch = self.batch
        there = batch.run_lengths(start, end)
        for at, (have, want) in enumerate(zip(there, runs or (1,) * len(there), strict=True), start):
            if have < want:
                return False
            if have > want and batch.text[at].isdecimal():
                first = int(batch.runs[at])
                cuts = np.flatnonzero(np.diff(batch.kept[first : first + have]) > 1) + 1
                if want not in np.diff(np.concatenate([[0], cuts, [have]])):
                    return False
        return True

    def _trimmed(self, start: int, end: int, runs: tuple[int, ...] | None) -> tuple[int, int]:
        """The span without repeats at its two ends that stand apart: of "coupon now" not the n of now."""
        batch = self.batch
        low, high = batch.span(start, end)
        last = batch.kept[batch.runs[end - 1] : batch.runs[end] if end < len(batch.runs) else None]
        cuts = np.flatnonzero(np.diff(last) > 1)
        if len(cuts) and cuts[0] + 1 >= (runs[-1] if runs else 1):
            high = last.item(cuts[0]) + 1
        first = batch.kept[batch.runs[start] : batch.runs[start + 1] if start + 1 < len(batch.runs) else None]
        cuts = np.flatnonzero(np.diff(first) > 1)
        if len(cuts) and len(first) - cuts[-1] - 1 >= (runs[0] if runs else 1) and end - start > 1:
            low = first.item(cuts[-1] + 1)
        return low, high

    def finds(self, number: int) -> Finds:
        """What was found in a text, to add to it."""
        finds = self.by_text.get(number)
        if finds is None:
            finds = self.by_text[number] = Finds()
            if lone := self.lone.pop(number, None):
                finds.found.append(lone)
                finds.raw = 1
        return finds

    def _finds(self, number: int) -> Finds:
        """The same, for one more raw match."""
        finds = self.finds(number)
        finds.raw += 1
        return finds

    def _take(self, number: int, finds: Finds, span: tuple[int, int], sense: Sense, bare: bool) -> None:
        """Keep a match whose letters are there, if it stands at the edges of words."""
        start, end = span
        text = self.texts[number]
        if not edges_hold(text, start, end):
            return
        if sense.term == ALLOW:
            finds.allowed.append((start, end))
            return
        gaps = bare or gaps_of(text, start, end, term=self.compiled.terms[sense.term].entry.term)
        if gaps is None:
            return
        clean = gaps and not straddles(text, start, end)
        end = with_marks(text, end)
        finds.found.append(Find(start, end, sense.term, sense.channel, clean))

    # ------------------------------------------------------------ other readings

    def _joined(self) -> None:
        """Split characters: every reading is a line of one haystack."""
        read = list(joined(self.batch, self.compiled.halves))
        if not read:
            return
        if len(read) >= MAX_PAIRS:
            centres = np.array([one.place(one.centre) for one in read])
            counts = np.bincount(self.batch.begins.searchsorted(centres, "right") - 1)
            for number in (counts >= MAX_PAIRS).nonzero()[0].tolist():
                self.finds(number).raw = MAX_RAW + 1
        begins = list(itertools.accumulate((len(one.reading) + 1 for one in read), initial=0))
        for start, end, pattern in self.compiled.exact.find("\n".join(one.reading for one in read)):
            which = bisect_right(begins, start) - 1
            one = read[which]
            first, last = one.place(start - begins[which]), one.place(end - begins[which])
            if start - begins[which] <= one.centre < end - begins[which]:
                low, high = self.batch.span(first, last)
                number = self._number(low)
                self._finds(number)
                begin = self.batch.original_begins.item(number)
                self._read(
                    number, (low - begin, high - begin), Channel.SPLIT, self.compiled.meanings(pattern)
                )

    def _pictures(self, places: Index, *, by_sound: bool) -> None:
        """Pictures read as the words for them: by letter and, three syllables or more, by sound."""
        batch, compiled = self.batch, self.compiled
        read = compiled.pictures.read(batch, places, by_sound=by_sound)
        if read is None:
            return
        matches = [(*match, False) for match in compiled.exact.find(read.text)]
        heard = compiled.sounds.longer(tables().sound.take(read.folded)) if by_sound else []
        matches += [(start, end, which >> 1, True) for start, end, which in heard if not which & 1]
        if not matches:
            return
        is_picture = compiled.pictures.is_picture
        if len(matches) <= FEW:
            spans = [read.span(start, end) for start, end, _, _ in matches]
            good = [at for at, (low, high) in enumerate(spans) if is_picture[batch.codes[low:high]].any()]
        else:
            made = np.append(0, np.cumsum(is_picture.take(batch.codes.take(read.kept))))
            runs = np.append(read.runs, len(read.kept))
            found = np.array([match[:2] for match in matches], np.intp)
            lows, highs = runs[found[:, 0]], runs[found[:, 1]]
            spans = list(zip(read.kept[lows].tolist(), (read.kept[highs - 1] + 1).tolist(), strict=True))
            good = np.flatnonzero(made[highs] > made[lows]).tolist()
        for at in good:
            _, _, which, heard_so = matches[at]
            low, high = spans[at]
            number = self._number(low)
            self._finds(number)
            begin = batch.original_begins.item(number)
            senses = (Sense(which, Channel.EMOJI, None),) if heard_so else compiled.meanings(which)
            self._read(number, (low - begin, high - begin), Channel.EMOJI, senses)

    def _variants(self, read: list[Variant]) -> None:
        batch = Folded([one.reading for one in read])
        begins: list[int] = batch.begins.tolist()
        originals: list[int] = batch.original_begins.tolist()
        origins: dict[int, list[tuple[int, bool]]] = {}
        for start, end, which in self.compiled.exact.find(batch.text):
            place = bisect_right(begins, start) - 1
            one = read[place]
            if place not in origins:
                origins[place] = one.origin(self.texts[one.text])
            low, high = batch.span(start, end)
            span = origins[place][low - originals[place] : high - originals[place]]
            if not any(made for _, made in span):
                continue
            self._finds(one.text)
            first, last = min(at for at, _ in span), max(at for at, _ in span) + 1
            self._read(one.text, (first, last), one.channel, self.compiled.meanings(which))

    def _read(self, number: int, span: tuple[int, int], channel: Channel, senses: Iterable[Sense]) -> None:
        """Keep what is found in another reading of a text."""
        finds, text = self.by_text[number], self.texts[number]
        start, end = span
        if finds.raw > MAX_RAW or not edges_hold(text, start, end):
            return
        if not gaps_of(text, start, end, strict=channel is Channel.EMOJI):
            return
        for sense in senses:
            if sense.term == TRIGGER:
                finds.triggered = True
            if sense.term < 0 or sense.runs or sense.channel not in (*_WRITTEN, channel):
                continue
            found_by = sense.channel if channel is Channel.EXACT else channel
            # an override turns the text for whoever reads it: no term has to ask for that
            if (
                found_by in _WRITTEN
                or channel is Channel.REVERSAL
                or found_by in self._channels_of(sense.term)
            ):
                clean = found_by is not Channel.EXACT or not straddles(text, start, end)
                finds.found.append(Find(start, end, sense.term, found_by, clean))

    def _number(self, place: int) -> int:
        """Which text an original position is in."""
        return int(self.batch.original_begins.searchsorted(place, "right")) - 1

    def _channels_of(self, term: int) -> frozenset[Channel]:
        return self.compiled.terms[term].entry.channels

    # ------------------------------------------------------------ sounds

    def _homophones(self) -> None:
        batch, sounds = self.batch, self.compiled.sounds
        heard = tables().sound.take(batch.folded)
        if len(heard) < 2:
            return
        at = sounds.pairs(heard)
        matches: list[Match] = []
        if len(at):
            at = self._worth_hearing(at)
            firsts, seconds = heard[at].tolist(), heard[at + 1].tolist()
            for start, first, second in zip(at.tolist(), firsts, seconds, strict=True):
                matches += [(start, start + 2, number) for number in sounds.at_pair(first, second)]
        matches += sounds.longer(heard)
        if not matches:
            return
        text, terms, folded = batch.text, self.compiled.terms, self.compiled.folded
        matches = [
            (start, end, number >> 1)
            for start, end, number in matches
            if not number & 1
            and text[start:end] != folded[number >> 1]
            and Channel.HOMOPHONE in terms[number >> 1].entry.channels
        ]
        for match, where in zip(matches, placed(self.batch, self.texts, matches), strict=True):
            self._heard(match, where)

    def _worth_hearing(self, at: Codes) -> Codes:
        """Of the pairs that sound like a term, those that are not plain language.

        They are two Han characters side by side that are no word, not both grammar, and no part of a word
        with a neighbour. The cheap questions first: most pairs fall at them.
        """
        batch, grammar = self.batch, _function_words()
        codes = batch.folded
        one, two = codes.take(at), codes.take(at + 1)
        at = at[(one >= 0x80) & (two >= 0x80) & ~(grammar.take(one) & grammar.take(two))]
        at = at[~is_pair(codes.take(at), codes.take(at + 1), frequent=False)]
        if not len(at):
            return at
        second = batch.runs.take(at + 1)
        at = at[batch.kept.take(second) - batch.kept.take(second - 1) == 1]
        around = np.zeros(len(codes) + 2, np.uint32)
        around[1:-1] = codes
        firsts = np.concatenate([around[at], around[at + 2]])
        seconds = np.concatenate([around[at + 1], around[at + 3]])
        word = is_pair(firsts, seconds, frequent=True)
        return at[~(word[: len(at)] | word[len(at) :])]

    def _heard(self, match: Match, where: Placed) -> None:
        start, end, term = match
        number, low, high, bare, _, latin = where
        finds = self._finds(number)
        if finds.raw > MAX_RAW:
            return
        text = self.texts[number]
        if not bare and not gaps_of(text, low, high, strict=True):
            return
        if self.batch.text[start:end].isascii() or (latin and not edges_hold(text, low, high)):
            return
        place = Place(text, low, high)
        if place.covered or (end - start == 2 and not place.scattered):
            return
        finds.found.append(Find(low, high, term, Channel.HOMOPHONE, True))

    # ------------------------------------------------------------ letters

    def _letters(self) -> None:
        """Runs of Latin letters as syllables, among Han characters as they sound."""
        batch = self.batch
        is_letter = (batch.kept_codes >= 97) & (batch.kept_codes <= 122)
        if not is_letter.any():
            return
        begins, ends = batch.kept_lines()
        count = np.cumsum(np.append(0, is_letter))
        count = count[ends] - count[begins]
        some = np.repeat(count >= 2, ends - begins + 1)[: len(batch.kept)]
        at = np.flatnonzero(some)
        codes, kept = batch.kept_codes[at], batch.kept[at]
        found = spelled(codes.tobytes().decode("utf-32-le"))
        if not found:
            return
        syllables, firsts, lasts = columns(found)
        # one token for each syllable, one for each other character without its repeats
        tokens = np.ones(len(codes), np.bool_)
        tokens[1:] = (codes[1:] != codes[:-1]) | is_letter[at][1:] | (codes[1:] == NEWLINE)
        inside = np.zeros(len(codes) + 1, np.int8)
        inside[firsts + 1] += 1
        np.subtract.at(inside, lasts, 1)
        tokens &= np.cumsum(inside[:-1]) == 0
        heard = tables().sound.take(codes)
        heard[firsts] = syllables
        by_letters = np.zeros(len(codes), np.bool_)
        by_letters[firsts] = True
        last = np.arange(len(codes))
        last[firsts] = lasts - 1
        # whether a Latin letter or a digit stands right before or after, so that no word begins or ends here
        alnum = is_letter[at] | (codes - np.uint32(48) < 10)
        beside = (kept[1:] - kept[:-1] == 1) & alnum[1:] & alnum[:-1]
        before, after = np.append(False, beside), np.append(beside, False)
        places = np.flatnonzero(tokens)
        heard, by_letters, last = heard[places], by_letters[places], last[places]
        if len(heard) < 2:
            return
        starts, stops = kept[places], kept[last] + 1
        pairs = self.compiled.sounds.pairs(heard)
        good = (by_letters[pairs] | by_letters[pairs + 1]) & ~before[places[pairs]] & ~after[last[pairs + 1]]
        for one in pairs[good].tolist():
            span = slice(one, one + 2)
            for which in self.compiled.sounds.at_pair(int(heard[one]), int(heard[one + 1])):
                self._spelled(starts[span].tolist(), stops[span].tolist(), by_letters[span].tolist(), which)
        for start, end, which in self.compiled.sounds.longer(heard):
            if by_letters[start:end].any() and not before[places[start]] and not after[last[end - 1]]:
                span = slice(start, end)
                self._spelled(starts[span].tolist(), stops[span].tolist(), by_letters[span].tolist(), which)

    def _spelled(self, starts: list[int], stops: list[int], letters: list[bool], which: int) -> None:
        term = which >> 1
        if (which & 1 and not all(letters)) or Channel.PINYIN not in self._channels_of(term):
            return
        number = self._number(starts[0])
        text = self.texts[number]
        begin = self.batch.original_begins.item(number)
        if len(starts) == 2 and not all(letters):
            # with one of two characters left, it must be the term's own
            own = self.compiled.folded[term]
            if any(fold(text[at - begin]) != own[i] for i, at in enumerate(starts) if not letters[i]):
                return
        low, high = starts[0] - begin, stops[-1] - begin
        finds = self._finds(number)
        if finds.raw > MAX_RAW or not edges_hold(text, low, high):
            return
        if gaps_of(text, low, high, units=len(starts)):
            finds.found.append(Find(low, high, term, Channel.PINYIN, clean=True))


def suppressed(finds: Finds) -> Iterator[Find]:
    """The finds that no allow-phrase holds."""
    if not finds.allowed:
        yield from finds.found
        return
    allowed = sorted(finds.allowed)
    starts = [start for start, _ in allowed]
    reach = 0
    furthest = [reach := max(reach, end) for _, end in allowed]
    for find in finds.found:
        at = bisect_right(starts, find.start) - 1
        if at < 0 or furthest[at] < find.end:
            yield find
