"""Finding terms by how a text sounds: other characters for the term's, Latin letters for its syllables."""

import functools
import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from moderation.compiled import Compiled
from moderation.finds import Find, Found
from moderation.lexicon import Channel
from moderation.matcher import Match
from moderation.readings.sounds import spelled
from moderation.readings.spelled import Spelled, apart_from, beside_han, pieces_of
from moderation.tables import NEWLINE, Codes, Kind, are_letters, has_pair, is_pair, tables
from moderation.text.boundary import (
    CHANGED,
    FUNCTION_WORDS,
    GRAMMAR,
    PLAIN,
    Place,
    by_chance,
)
from moderation.text.edges import edges_hold, gaps_of
from moderation.text.fold import Folded
from moderation.text.placed import FEW, Placed, columns, placed

LETTERS = 2
"""Latin letters a text has at least to be read as pinyin."""
GRAMMAR_USE = 11
"""Use added to a grammar word that is one of two."""


@functools.cache
def _use() -> npt.NDArray[np.uint8]:
    """Use of each character, as `by_chance` has it of two; grammar words are plain beside each other."""
    use = tables().char_use.copy()
    grammar = [ord(char) for char in FUNCTION_WORDS]
    use[grammar] = np.maximum(use[grammar], PLAIN // 2 + 1)
    use[[ord(char) for char in GRAMMAR]] += GRAMMAR_USE
    return use


class Ear:
    """Hears the terms of compiled lists in texts; what it finds goes to `found`."""

    def __init__(self, compiled: Compiled, texts: list[str], found: Found) -> None:
        self.compiled = compiled
        self.texts = texts
        self.found = found

    def homophones(self, batch: Folded) -> None:
        """Terms written with other characters that sound alike."""
        sounds = self.compiled.sounds
        heard = tables().sound.take(batch.folded)
        if len(heard) < 2:
            return
        at = sounds.pairs(heard)
        text, terms, folded = batch.text, self.compiled.terms, self.compiled.folded
        matches: list[Match] = []
        if len(at):
            at, use = _worth_hearing(batch, at)
            rows = (at, heard.take(at), heard.take(at + 1), use)
            for start, first, second, often in zip(*(one.tolist() for one in rows), strict=True):
                for number in sounds.at_pair(first, second):
                    if number & 1:
                        continue
                    own = folded[number >> 1]
                    # two others than the term's have more to say for themselves
                    if often <= PLAIN - CHANGED or text[start] == own[0] or text[start + 1] == own[1]:
                        matches.append((start, start + 2, number >> 1))
        matches += [
            (start, end, number >> 1)
            for start, end, number in sounds.longer(heard)
            if not number & 1 and not by_chance(text[start:end], folded[number >> 1])
        ]
        matches = [
            (start, end, term)
            for start, end, term in matches
            if text[start:end] != folded[term] and Channel.HOMOPHONE in terms[term].entry.channels
        ]
        for match, where in zip(matches, placed(batch, self.texts, matches), strict=True):
            self._heard(batch, match, where)

    def _heard(self, batch: Folded, match: Match, where: Placed) -> None:
        start, end, term = match
        number, low, high, bare, _, latin = where
        finds = self.found.more(number)
        if finds.too_many:
            return
        text = self.texts[number]
        if not bare and not gaps_of(text, low, high, strict=True):
            return
        if batch.text[start:end].isascii() or (latin and not edges_hold(text, low, high)):
            return
        if (runs := self.compiled.repeats.get(term)) and not enough(batch.run_lengths(start, end), runs):
            return
        place = Place(text, low, high)
        if place.covered or (end - start == 2 and not place.scattered):
            return
        finds.found.append(Find(low, high, term, Channel.HOMOPHONE, True))

    def letters(self, source: Folded) -> None:
        """Runs of Latin letters as syllables, among other characters as they sound."""
        sounds = self.compiled.sounds
        codes, kept = source.kept_codes, source.kept
        is_letter = are_letters(codes)
        apart = apart_from(source, is_letter)
        # a syllable does not go on behind a space
        line = codes.tobytes().decode("utf-32-le")
        cuts = itertools.pairwise((0, *apart.tolist(), len(line)))
        read = spelled(" ".join([line[begin:end] for begin, end in cuts]))
        if not read:
            return
        syllables, firsts, lasts = columns(read)
        if len(apart):
            inserted = apart + np.arange(len(apart))
            firsts, lasts = firsts - inserted.searchsorted(firsts), lasts - inserted.searchsorted(lasts)
        # one token for each syllable, one for each other character without its repeats
        tokens = np.ones(len(codes), np.bool_)
        tokens[1:] = (codes[1:] != codes[:-1]) | is_letter[1:] | (codes[1:] == NEWLINE)
        inside = np.zeros(len(codes) + 1, np.int8)
        inside[firsts + 1] += 1
        inside[lasts] -= 1
        tokens &= np.cumsum(inside[:-1]) == 0
        heard = tables().sound.take(codes)
        heard[firsts] = syllables
        by_letters = np.zeros(len(codes), np.bool_)
        by_letters[firsts] = True
        places = np.flatnonzero(tokens)
        if len(places) < 2:
            return
        heard, by_letters, chars = heard[places], by_letters[places], codes[places]
        matches = [
            (at, at + 2, which)
            for at in sounds.pairs(heard).tolist()
            if by_letters[at : at + 2].any()
            for which in sounds.at_pair(int(heard[at]), int(heard[at + 1]))
        ]
        matches += [match for match in sounds.longer(heard) if by_letters[match[0] : match[1]].any()]
        if not matches:
            return
        changes = np.flatnonzero(np.append(is_letter[1:] | (codes[1:] != codes[:-1]), True))
        last = changes[changes.searchsorted(np.arange(len(codes)))]
        last[firsts] = lasts - 1
        last = last[places]
        # whether a Latin letter or a digit stands right before or after, so that no word begins or ends here
        alnum = tables().kinds.take(source.codes.take(kept)) == Kind.ALNUM
        beside = (kept[1:] - kept[:-1] == 1) & alnum[1:] & alnum[:-1]
        begins, ends = ~np.append(False, beside)[places], ~np.append(beside, False)[last]
        starts, stops = kept[places], kept[last] + 1
        for start, end, which in matches:
            if begins[start] and ends[end - 1]:
                span = slice(start, end)
                word = "".join(map(chr, chars[span].tolist()))
                first, behind = places.item(start), last.item(end - 1) + 1
                letters = Spelled(word, by_letters[span].tolist(), *pieces_of(source, apart, first, behind))
                counts = (last[span] - places[span] + 1).tolist()
                self._spelled(source, (starts.item(start), stops.item(end - 1)), letters, which, counts)

    def _spelled(
        self, source: Folded, span: tuple[int, int], read: Spelled, which: int, counts: list[int]
    ) -> None:
        """Keep a match, if it may be one. `counts`: of each piece, how many characters it takes."""
        term = which >> 1
        if Channel.PINYIN not in self.compiled.terms[term].entry.channels:
            return
        own = self.compiled.folded[term]
        if runs := self.compiled.repeats.get(term):
            said = [1 if spelled else count for count, spelled in zip(counts, read.by_letters, strict=True)]
            if which & 1 == 0 and not enough(said, runs):
                return
            if which & 1 and len(read.word) == sum(runs):
                own = "".join(char * count for char, count in zip(own, runs, strict=True))
        # of two, and where the letters are taken apart otherwise, what is not spelled must be the term's own
        if (which & 1 or len(read.word) == 2) and not read.keeps_to(own):
            return
        number = source.number(span[0])
        begin = source.original_begins.item(number)
        low, high, text = span[0] - begin, span[1] - begin, self.texts[number]
        finds = self.found.more(number)
        if finds.too_many or not edges_hold(text, low, high):
            return
        if not gaps_of(text, low, high, units=len(read.word)):
            return
        if not read.is_ordinary(self.compiled.folded[term], in_chinese=beside_han(text, low, high)):
            finds.found.append(Find(low, high, term, Channel.PINYIN, clean=True))


def enough(counts: Sequence[int], runs: Sequence[int]) -> bool:
    """Whether each character stands as often as in the term. `counts`: how often each does; () if unknown."""
    return len(counts) == len(runs) and all(have >= want for have, want in zip(counts, runs, strict=True))


def _worth_hearing(batch: Folded, at: Codes) -> tuple[Codes, npt.NDArray[np.uint8]]:
    """Of the pairs that sound like a term, those that are not plain language; and the use of each.

    They are two Han characters side by side that are no word, not both frequent, and no part of a word
    with a neighbour. The cheap questions first: most pairs fall at them.
    """
    codes, use = batch.folded, _use()
    if len(at) <= FEW:
        at = at[[_is_worth_hearing(batch, one) for one in at.tolist()]]
        return at, use.take(codes.take(at)) + use.take(codes.take(at + 1))
    one, two = codes.take(at), codes.take(at + 1)
    at = at[(one >= 0x80) & (two >= 0x80) & (use.take(one) + use.take(two) <= PLAIN)]
    at = at[~is_pair(codes.take(at), codes.take(at + 1), frequent=False)]
    second = batch.runs.take(at + 1)
    at = at[batch.kept.take(second) - batch.kept.take(second - 1) == 1]
    around = np.zeros(len(codes) + 2, np.uint32)
    around[1:-1] = codes
    firsts = np.concatenate([around[at], around[at + 2]])
    seconds = np.concatenate([around[at + 1], around[at + 3]])
    word = is_pair(firsts, seconds, frequent=True)
    at = at[~(word[: len(at)] | word[len(at) :])]
    return at, use.take(codes.take(at)) + use.take(codes.take(at + 1))


def _is_worth_hearing(batch: Folded, at: int) -> bool:
    """The same for one pair: for a few, arrays cost more than they save."""
    text, table, use = batch.text, tables(), _use()
    one, two = ord(text[at]), ord(text[at + 1])
    if one < 0x80 or two < 0x80 or use.item(one) + use.item(two) > PLAIN:
        return False
    second = batch.runs.item(at + 1)
    if has_pair(table.pairs, one, two) or batch.kept.item(second) - batch.kept.item(second - 1) != 1:
        return False
    if at and has_pair(table.frequent_pairs, ord(text[at - 1]), one):
        return False
    return at + 2 >= len(text) or not has_pair(table.frequent_pairs, two, ord(text[at + 2]))


def with_letters(source: Folded) -> Folded | None:
    """The lines that have Latin letters enough to be read as pinyin."""
    places = are_letters(source.kept_codes).nonzero()[0]
    if not len(places):
        return None
    if "\n" not in source.text:
        return source if len(places) >= LETTERS else None
    at = source.in_lines_of(places, LETTERS).nonzero()[0]
    return source.only(at) if len(at) else None
