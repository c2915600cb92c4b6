"""Phonetic matcher: finds terms written as homophones (other characters) or as pinyin (Latin letters)."""

import functools
import itertools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from moderation.filter.candidates import BatchCandidates, Candidate
from moderation.filter.compiled import Compiled
from moderation.filter.matcher import Match
from moderation.filter.readings.pinyin import Sounds, parse_pinyin
from moderation.filter.readings.pinyin_span import (
    SHORT,
    PinyinSpan,
    find_syllable_breaks,
    is_beside_han,
    is_continued,
    letter_runs,
)
from moderation.filter.spans import Span, columns, find_spans
from moderation.lexicon import Channel
from moderation.text.boundary import (
    CHANGED,
    FUNCTION_WORDS,
    GRAMMAR,
    PLAIN,
    SegmentedMatch,
    is_likelier_ordinary,
)
from moderation.text.edges import gaps_of, has_word_edges
from moderation.text.fold import Folded
from moderation.text.names import crosses_name
from moderation.text.tables import NEWLINE, Codes, Index, are_letters, has_pair, is_pair, tables

SOME = 16
"""Pairs up to which each is checked by itself, without arrays."""
LETTERS = 2
"""Latin letters a text has at least to be read as pinyin."""
_LETTER = re.compile("[a-z]")
GRAMMAR_USE = 11
"""Use added to a grammar word that is one of two."""


@functools.cache
def _use() -> npt.NDArray[np.uint8]:
    """Use of each character, see `is_likelier_ordinary`; beside each other grammar words are ordinary."""
    use = tables().char_use.copy()
    grammar = [ord(char) for char in FUNCTION_WORDS]
    use[grammar] = np.maximum(use[grammar], PLAIN // 2 + 1)
    use[[ord(char) for char in GRAMMAR]] += GRAMMAR_USE
    return use


class PhoneticMatcher:
    """Matches the terms of compiled lists by sound: toneless pinyin. What it finds goes to `found`."""

    def __init__(self, compiled: Compiled, texts: list[str], found: BatchCandidates) -> None:
        self.compiled = compiled
        self.texts = texts
        self.found = found

    def match_homophones(self, batch: Folded) -> None:
        """Find terms written with other characters of the same toneless pinyin (homophones)."""
        if len(batch.text) < 2 or batch.text.isascii():
            return
        sounds = self.compiled.sounds
        syllable_ids = tables().sound.take(batch.folded)
        at = sounds.pairs(syllable_ids)
        text, terms, folded = batch.text, self.compiled.terms, self.compiled.folded
        matches: list[Match] = []
        if len(at):
            for start, often in _suspicious_pairs(batch, at):
                for number in sounds.at_pair(syllable_ids.item(start), syllable_ids.item(start + 1)):
                    if number & 1:
                        continue
                    own = folded[number >> 1]
                    # two characters that are both not the term's need stronger evidence
                    if often <= PLAIN - CHANGED or text[start] == own[0] or text[start + 1] == own[1]:
                        matches.append((start, start + 2, number >> 1))
        matches += [
            (start, end, number >> 1)
            for start, end, number in sounds.longer(syllable_ids)
            if not number & 1 and not is_likelier_ordinary(text[start:end], folded[number >> 1])
        ]
        if not matches:
            return
        matches = [
            (start, end, term)
            for start, end, term in matches
            if text[start:end] != folded[term] and Channel.HOMOPHONE in terms[term].entry.channels
        ]
        self.keep_unsure(batch, matches, Channel.HOMOPHONE)

    def keep_unsure(self, batch: Folded, matches: Sequence[Match], channel: Channel) -> None:
        """Keep matches of terms in other characters, where no ordinary word and no name stands."""
        if matches:
            for match, where in zip(matches, find_spans(batch, self.texts, matches), strict=True):
                self._keep(batch, match, where, channel)

    def _keep(self, batch: Folded, match: Match, where: Span, channel: Channel) -> None:
        start, end, term = match
        number, low, high, bare, _, latin = where
        candidates = self.found.more(number)
        if candidates.too_many:
            return
        text = self.texts[number]
        if not bare and not gaps_of(text, low, high, strict=True):
            return
        if batch.text[start:end].isascii() or (latin and not has_word_edges(text, low, high)):
            return
        if (runs := self.compiled.repeats.get(term)) and not repeats_suffice(
            batch.run_lengths(start, end), runs
        ):
            return
        place = SegmentedMatch(text, low, high)
        # of the words in the tables the look-alike matcher finds only those that are rather a disguise
        is_disguise = (
            channel is Channel.LOOKALIKE
            and end - start == 2
            and place.is_word
            and has_pair(tables().pairs, *map(ord, batch.text[start:end]))
        )
        if not is_disguise and (place.is_covered or (end - start == 2 and not place.is_scattered)):
            return
        if channel is not Channel.ALNUM and crosses_name(text, low, high):
            return
        candidates.found.append(Candidate(low, high, term, channel, True))

    def match_pinyin(self, source: Folded) -> None:
        """Find terms written in pinyin: Latin letters as syllables, other characters by their sound."""
        sounds = self.compiled.sounds
        codes, kept = source.kept_codes, source.kept
        is_letter = are_letters(codes)
        apart = find_syllable_breaks(source, is_letter)
        # a syllable does not go on behind a space
        line = codes.tobytes().decode("utf-32-le")
        cuts = itertools.pairwise((0, *apart.tolist(), len(line)))
        read = parse_pinyin(" ".join([line[begin:end] for begin, end in cuts]))
        if not read:
            return
        syllable_ids, ends, places = (_tokens_of_short if len(codes) <= SHORT else _tokens)(
            codes, read, apart
        )
        if len(places) < 2:
            return
        by_letters = ends > 0
        beside_letters = (by_letters[1:] | by_letters[:-1]).nonzero()[0]
        matches = [
            (at, at + 2, which)
            for at in beside_letters[sounds.are_pairs(syllable_ids, beside_letters)].tolist()
            for which in sounds.at_pair(syllable_ids.item(at), syllable_ids.item(at + 1))
        ]
        matches += [match for match in sounds.longer(syllable_ids) if by_letters[match[0] : match[1]].any()]
        for start, end, which in matches:
            first, last = places.item(start), places.item(end - 1)
            behind = ends.item(end - 1) or _end_of_repeats(source, last)
            if not (is_continued(source, first) or is_continued(source, behind)):
                span = places[start:end].tolist()
                word = "".join(map(chr, codes[places[start:end]].tolist()))
                spelled_so = by_letters[start:end].tolist()
                letters = PinyinSpan(word, spelled_so, *letter_runs(source, apart, first, behind))
                counts = [_end_of_repeats(source, at) - at for at in span]
                where = (kept.item(first), kept.item(behind - 1) + 1)
                self._keep_spelling(source, where, letters, which, counts)

    def _keep_spelling(
        self, source: Folded, span: tuple[int, int], read: PinyinSpan, which: int, counts: list[int]
    ) -> None:
        """Keep a match, if it may be one. `counts`: of each piece, how many characters it takes."""
        term = which >> 1
        if Channel.PINYIN not in self.compiled.terms[term].entry.channels:
            return
        own = self.compiled.folded[term]
        if runs := self.compiled.repeats.get(term):
            syllable = [
                1 if is_spelled else count for count, is_spelled in zip(counts, read.by_letters, strict=True)
            ]
            if which & 1 == 0 and not repeats_suffice(syllable, runs):
                return
            if which & 1 and len(read.word) == sum(runs):
                own = "".join(char * count for char, count in zip(own, runs, strict=True))
        # of two, and where the letters are taken apart otherwise, what is not spelled must be the term's own
        if (which & 1 or len(read.word) == 2) and not read.keeps_to(own):
            return
        number = source.number(span[0])
        begin = source.original_begins.item(number)
        low, high, text = span[0] - begin, span[1] - begin, self.texts[number]
        candidates = self.found.more(number)
        if candidates.too_many or not has_word_edges(text, low, high):
            return
        if not gaps_of(text, low, high, units=len(read.word)):
            return
        if not read.is_ordinary(self.compiled.folded[term], in_chinese=is_beside_han(text, low, high)):
            candidates.found.append(Candidate(low, high, term, Channel.PINYIN, clean=True))


def _end_of_repeats(source: Folded, at: int) -> int:
    """The position behind a character that is no syllable, and its repeats; each letter stands for itself."""
    if 97 <= source.kept_codes.item(at) < 123:
        return at + 1
    run = int(source.runs.searchsorted(at, "right"))
    return source.runs.item(run) if run < len(source.runs) else len(source.kept)


def _tokens(codes: Codes, read: list[tuple[int, int, int]], apart: Index) -> tuple[Sounds, Index, Index]:
    """A token for each syllable, and for each other character without its repeats.

    How each sounds, where it ends if it is a syllable (else 0), and where it begins. `read`: the sound, start
    and end of each syllable, in letters with a space before each of `apart`.
    """
    sounds, firsts, lasts = columns(read)
    if len(apart):
        inserted = apart + np.arange(len(apart))
        firsts, lasts = firsts - inserted.searchsorted(firsts), lasts - inserted.searchsorted(lasts)
    tokens = np.ones(len(codes), np.bool_)
    tokens[1:] = (codes[1:] != codes[:-1]) | are_letters(codes)[1:] | (codes[1:] == NEWLINE)
    inside = np.zeros(len(codes) + 1, np.int8)
    inside[firsts + 1] += 1
    inside[lasts] -= 1
    tokens &= np.cumsum(inside[:-1]) == 0
    syllable_ids = tables().sound.take(codes)
    syllable_ids[firsts] = sounds
    ends = np.zeros(len(codes), np.intp)
    ends[firsts] = lasts
    places = np.flatnonzero(tokens)
    return syllable_ids[places], ends[places], places


def _tokens_of_short(
    codes: Codes, read: list[tuple[int, int, int]], apart: Index
) -> tuple[Sounds, Index, Index]:
    """The same for a short text: for it, arrays cost more than they save."""
    inserted = [at + before for before, at in enumerate(apart.tolist())]
    syllables = iter(read)
    sound, each = tables().sound, codes.tolist()
    rows: list[tuple[int, int, int]] = []
    at = before = 0
    syllable, first, last = _remove_padding(next(syllables), inserted)
    while at < len(each):
        code = each[at]
        if at == first:
            rows.append((syllable, last, at))
            at = last
            syllable, first, last = _remove_padding(next(syllables, (0, -1, -1)), inserted)
        else:
            if code != before or 97 <= code < 123 or code == NEWLINE:
                rows.append((sound.item(code), 0, at))
            at += 1
        before = each[at - 1]
    syllable_ids, ends, places = zip(*rows, strict=True)
    return np.array(syllable_ids, np.uint16), np.array(ends), np.array(places)


def _remove_padding(syllable: tuple[int, int, int], inserted: list[int]) -> tuple[int, int, int]:
    """A syllable's sound, start and end, without the spaces inserted before it."""
    sound, first, last = syllable
    return sound, first - bisect_left(inserted, first), last - bisect_left(inserted, last)


def repeats_suffice(counts: Sequence[int], runs: Sequence[int]) -> bool:
    """Whether each character is repeated as often as in the term. `counts`: in the text; () if unknown."""
    return len(counts) == len(runs) and all(have >= want for have, want in zip(counts, runs, strict=True))


def _suspicious_pairs(batch: Folded, at: Index) -> Iterable[tuple[int, int]]:
    """Of the pairs that are homophones of a term, those that are not ordinary words; and the use of each.

    They are two Han characters side by side that are no word, not both frequent, and no part of a word
    with a neighbour. The cheap questions first: most pairs fall at them.
    """
    if len(at) <= SOME:
        return _few_suspicious_pairs(batch, at.tolist())
    codes, use = batch.folded, _use()
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
    often = use.take(codes.take(at)) + use.take(codes.take(at + 1))
    return zip(at.tolist(), often.tolist(), strict=True)


def _few_suspicious_pairs(batch: Folded, places: list[int]) -> Iterator[tuple[int, int]]:
    """The same for a few pairs: for these, arrays cost more than they save."""
    text, use, kept, runs = batch.text, _use(), batch.kept, batch.runs
    words, frequent = tables().pairs, tables().frequent_pairs
    for at in places:
        one, two = ord(text[at]), ord(text[at + 1])
        if one < 0x80 or two < 0x80 or (often := use.item(one) + use.item(two)) > PLAIN:
            continue
        second = runs.item(at + 1)
        if has_pair(words, one, two) or kept.item(second) - kept.item(second - 1) != 1:
            continue
        if at and has_pair(frequent, ord(text[at - 1]), one):
            continue
        if at + 2 >= len(text) or not has_pair(frequent, two, ord(text[at + 2])):
            yield at, often


def lines_with_letters(source: Folded) -> Folded | None:
    """The lines with enough Latin letters to be read as pinyin."""
    if not _LETTER.search(source.text):
        return None
    places = are_letters(source.kept_codes).nonzero()[0]
    if "\n" not in source.text:
        return source if len(places) >= LETTERS else None
    at = source.in_lines_of(places, LETTERS).nonzero()[0]
    return source.only(at) if len(at) else None
