"""Word lists made ready for matching."""

import datetime as dt
import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np

from moderation.filter.leet.find import LeetMatcher
from moderation.filter.matcher import Matcher, build
from moderation.filter.pace import GiveWay, at_once, parts
from moderation.filter.readings.alnum import AlnumIndex
from moderation.filter.readings.decomposition import Decomposition
from moderation.filter.readings.emoji import EmojiReader
from moderation.filter.readings.lookalikes import LookalikeIndex
from moderation.filter.readings.pinyin import SoundIndex, read_pinyin, resegment_pinyin
from moderation.filter.readings.variants import variant_flags
from moderation.lexicon import Channel, Entry, Severity, WordList
from moderation.personal.prefilter import ANNOUNCING, mark_flags
from moderation.text.edges import has_stop
from moderation.text.fold import Folded
from moderation.text.tables import Kind, bits_of, keys_of, neighbours, tables

PICTURE, VARIANT = np.uint8(0x40), np.uint8(0x80)
"""In `Compiled.marks`."""
ALLOW = -1
TRIGGER = -2
ALLOW_OVER_STOPS = -3
"""An allow-phrase that has a stop of its own; the others end with their clause."""


class Sense(msgspec.Struct, frozen=True, gc=False):
    """What a pattern may mean. `term`: place in `Compiled.terms`, or ALLOW or another of the above.

    `runs`: how often each character stands in the term; None where each stands once and it is no number.
    """

    term: int
    channel: Channel
    runs: tuple[int, ...] | None


class Term(msgspec.Struct, frozen=True, gc=False):
    """A term with the list it is from. `text`, `severity`: as in the entry."""

    text: str
    severity: Severity
    entry: Entry
    list: str
    category: str
    title_zh: str


class Compiled:
    """One set of lists, ready.

    `patterns[i]` is looked for exactly; `plain[i]` is the number of a term where it is only that term, each
    character once, and -1 where `meanings(i)` has more; `least[i]`: how many characters it takes at
    least.
    `texts[t]`: term t as it is written; `sources[source_of[t]]`: its list, category, severity, Chinese
    title.
    `folded[t]`: term t after folding, "" if nothing is left of it; `repeats[t]`: how often each character of
    it stands in the term, where one stands more than once in a row.
    `marks`: by code point, its flags in `mark_flags`, whether it is a PICTURE, whether it is one of
    `variant_flags`.
    `lookalikes`, `alnum`: terms by characters that look like theirs, and by signs for their syllables.
    `sounds`: terms by sound; number 2 t, or 2 t + 1 for a spelling that only Latin letters can have.
    """

    def __init__(
        self,
        lists: Sequence[WordList],
        day: dt.date,
        engine: str | None = None,
        give_way: GiveWay = at_once,
    ) -> None:
        """Compile lists; every few milliseconds `give_way` is called."""
        self.lists = tuple(lists)
        self._give_way = give_way
        self.terms: list[Term] = []
        self.folded: list[str] = []
        self.repeats: dict[int, tuple[int, ...]] = {}
        self._meanings: dict[str, int | tuple[Sense, ...]] = {}
        self._sounding: list[tuple[tuple[int, ...], int]] = []
        self._of_han: list[int] = []
        for one in lists:
            for entry in one.entries:
                if entry.counts_on(day):
                    self.terms.append(
                        Term(entry.term, entry.severity, entry, one.name, one.category, one.title_zh)
                    )
        self.texts = [term.text for term in self.terms]
        each = [(term.list, term.category, term.severity, term.title_zh) for term in self.terms]
        self.sources = list(dict.fromkeys(each))
        number_of = {source: number for number, source in enumerate(self.sources)}
        self.source_of = np.array([number_of[source] for source in each], np.uint16)
        self._add_terms()
        self._add_others()
        give_way()
        self.patterns = list(self._meanings)
        plain = [one if isinstance(one, int) else -1 for one in self._meanings.values()]
        self.plain = np.array(plain, np.intp)
        self._senses = {
            number: one for number, one in enumerate(self._meanings.values()) if not isinstance(one, int)
        }
        self.least = np.zeros(len(plain), np.intp)
        for number, senses in self._senses.items():
            self.least[number] = min(_least(self.patterns[number], one.runs) for one in senses)
        del self._meanings
        # the engine releases the interpreter lock while it builds, so both indexes are built at once
        with ThreadPoolExecutor(1) as other:
            sounds = other.submit(SoundIndex, self._sounding, engine, give_way)
            self.exact: Matcher = build(self.patterns, engine)
            give_way()
            pairs = neighbours(self.patterns)
            beside = bits_of(keys_of(*pairs))
            give_way()
            self.decomposition = Decomposition(self.patterns, pairs, beside)
            give_way()
            self.leet = LeetMatcher(self._latin(), give_way)
            give_way()
            self.lookalikes = LookalikeIndex(self._written_in_han(Channel.LOOKALIKE))
            give_way()
            self.alnum = AlnumIndex(self._written_in_han(Channel.ALNUM))
            self.sounds = sounds.result()
        give_way()
        self.emoji = EmojiReader(self.exact, self.sounds, pairs, beside)
        self.marks = mark_flags() | self.emoji.is_picture * PICTURE | variant_flags() * VARIANT
        del self._sounding, self._of_han, self._give_way

    def _add_terms(self) -> None:
        """The terms themselves, and how they sound."""
        table = tables()
        for terms in parts(self.terms, self._give_way):
            batch = Folded([term.entry.term for term in terms])
            first = table.sound.take(batch.folded)
            unsure = table.sound_2.take(batch.folded) != first
            sounds: list[int] = first.tolist()
            doubtful = np.cumsum(np.append(0, unsure)).tolist()
            silent = np.cumsum(np.append(0, first == 0)).tolist()
            written_han = table.kinds.take(batch.codes.take(batch.kept.take(batch.runs))) == Kind.HAN
            han_before: list[int] = np.cumsum(np.append(0, written_han)).tolist()
            spread = np.append(batch.runs, len(batch.kept)).tolist()
            edges = (each.tolist() for each in batch.folded_lines())
            rows = zip(terms, batch.lines(), *edges, strict=True)
            for number, (term, folded, begin, end) in enumerate(rows, len(self.folded)):
                self.folded.append(folded)
                if not folded:
                    continue
                repeats = spread[end] - spread[begin] != end - begin
                exactly = repeats or folded.isdecimal()
                runs = tuple(batch.run_lengths(begin, end)) if exactly else None
                self._mean(folded, number, Channel.EXACT, runs)
                if repeats and runs:
                    self.repeats[number] = runs
                length = end - begin
                han = han_before[end] - han_before[begin]
                channels = term.entry.channels
                if han == length > 1 and silent[end] == silent[begin] and not folded.isascii():
                    self._of_han.append(number)
                if (
                    silent[end] == silent[begin]
                    and han >= 2
                    and (length > 2 or han == 2)
                    and (Channel.HOMOPHONE in channels or Channel.PINYIN in channels)
                ):
                    if doubtful[end] == doubtful[begin]:
                        self._sound(tuple(sounds[begin:end]), number)
                    else:
                        for reading in read_pinyin(folded):
                            self._sound(reading, number)

    def _written_in_han(self, channel: Channel) -> list[tuple[str, int]]:
        """The terms of Han characters only that a channel looks for: folded, and their numbers."""
        return [
            (self.folded[number], number)
            for number in self._of_han
            if channel in self.terms[number].entry.channels
        ]

    def _latin(self) -> Iterator[tuple[str, int]]:
        for number, term in enumerate(self.terms):
            if Channel.LEET in term.entry.channels:
                for written in (term.text, *term.entry.aliases):
                    yield written, number

    def _sound(self, reading: tuple[int, ...], number: int) -> None:
        self._sounding.append((reading, 2 * number))
        if runs := self.repeats.get(number):
            # letters spell each syllable as often as it occurs
            reading = tuple(sound for sound, count in zip(reading, runs, strict=True) for _ in range(count))
            self._sounding.append((reading, 2 * number + 1))
        if len(reading) <= 3 and (again := resegment_pinyin(reading)) != reading and len(again) > 1:
            self._sounding.append((again, 2 * number + 1))

    def _add_others(self) -> None:
        """Aliases, initials, reversals, allow-phrases and triggers: few, one by one."""
        others = [*self._aliases(), *self._opted()]
        for each in self.lists:
            for one in each.allows:
                over = has_stop(one.phrase, 0, len(one.phrase))
                others.append((one.phrase, ALLOW_OVER_STOPS if over else ALLOW, Channel.EXACT))
        others += [(word, TRIGGER, Channel.EXACT) for word in ANNOUNCING]
        for part in parts(others, self._give_way):
            batch = Folded([text for text, _, _ in part])
            edges = (each.tolist() for each in batch.folded_lines())
            rows = zip(part, batch.lines(), *edges, strict=True)
            for (_, number, channel), folded, begin, end in rows:
                if folded and not (number >= 0 and folded == self.folded[number]):
                    runs = tuple(batch.run_lengths(begin, end))
                    self._mean(folded, number, channel, runs if max(runs) > 1 else None)

    def _aliases(self) -> Iterator[tuple[str, int, Channel]]:
        substitutes = {one.name: one.substitutes for one in self.lists if one.substitutes}
        for number, term in enumerate(self.terms):
            for alias in term.entry.aliases:
                yield alias, number, Channel.ALIAS
            for part, others in substitutes.get(term.list, ()):
                if part in term.entry.term:
                    for other in others:
                        yield term.entry.term.replace(part, other), number, Channel.ALIAS

    def _opted(self) -> Iterator[tuple[str, int, Channel]]:
        names = tables().syllables
        for number, term in enumerate(self.terms):
            if Channel.REVERSAL in term.entry.channels:
                yield term.entry.term[::-1], number, Channel.REVERSAL
            if Channel.INITIALS in term.entry.channels:
                for initials in {
                    "".join(names[one - 1][0] for one in way) for way in read_pinyin(self.folded[number])
                }:
                    if len(initials) > 1:
                        yield initials, number, Channel.INITIALS

    def _mean(self, pattern: str, number: int, channel: Channel, runs: tuple[int, ...] | None) -> None:
        meanings = self._meanings
        there = meanings.get(pattern)
        if there is None:
            plain = channel is Channel.EXACT and runs is None and number >= 0
            meanings[pattern] = number if plain else (Sense(number, channel, runs),)
            return
        if isinstance(there, int):
            there = (Sense(there, Channel.EXACT, None),)
        meanings[pattern] = (*there, Sense(number, channel, runs))

    def meanings(self, pattern: int) -> Iterable[Sense]:
        found = self._senses.get(pattern)
        return found or (Sense(self.plain.item(pattern), Channel.EXACT, None),)


def _least(pattern: str, runs: tuple[int, ...] | None) -> int:
    """How many characters a pattern takes at least; 0 where none repeats, or one may stand for two (⑪)."""
    if runs is None:
        return 0
    written = "".join(char * count for char, count in zip(pattern, runs, strict=True))
    return 0 if any(two in _in_one() for two in map("".join, itertools.pairwise(written))) else len(written)


@functools.cache
def _in_one() -> frozenset[str]:
    """Any two characters side by side that one character may stand for."""
    return frozenset("".join(two) for each in tables().several for two in itertools.pairwise(each))
