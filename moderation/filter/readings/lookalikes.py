"""Look-alike matcher: finds terms written with Han characters that look like theirs (形近字: 徽信 for 微信).

Ordinary text is full of characters that look like others; a disguise is read only where it is out of place.
What does not depend on the text around it is decided when the index is built: of terms of two characters the
index holds each disguise that is no ordinary word. Of a longer term a disguise leaves two characters side by
side as they are, or the two around a third: the index holds these pairs. So nearly all pairs of a text are
done with after one look into a bit set. See docs/adr/0038-lookalikes.md and 0045-wake-ups-and-lookalikes.md.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from moderation.filter.matcher import Match
from moderation.filter.readings.term_pairs import TermAt, TermLetters, TermPairs
from moderation.text.boundary import MOST_USED, is_likelier_ordinary, rarity
from moderation.text.fold import Folded
from moderation.text.tables import (
    CODE_POINTS,
    NEWLINE,
    Codes,
    Flags,
    Index,
    bits_of,
    few_in_keys,
    has_key,
    has_pair,
    in_keys,
    is_pair,
    keys_of,
    looked_up,
    tables,
    uses_of,
)
from moderation.text.tables.lookalikes import lookalikes, written_for

WINDOWS = 16_384
"""Windows of four characters that are remembered with what may stand there (4 MB): chat repeats itself."""
PLAINER = 20
"""Steps of use that a disguise may be more ordinary than the term: it is chosen by its looks only."""
LEAST_RARITY, OF_BOTH = 49, 60
"""How rare two characters are together, see `rarity`, where one or both are other than the term's."""
RARE = 22
"""Use of a character by itself up to which it may be one of two others side by side."""
TWICE = 3
"""Characters of a term up to which two others side by side are looked up; longer ones keep a pair."""
MOST_USE = 30
"""Use, as in `Tables`, of a character by itself above which it is no disguise in a term of two."""
RARE_WORD, RARER = 6, 8
"""Use up to which a word of two characters may be a disguise (拉圾 for 垃圾), and by how many steps of use it
must be rarer than the term."""
_TIMES, _LEFT, _RIGHT = 0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35
_AROUND = 0x5BD1E995
"""Makes the key of two characters with one between them another than that of neighbours."""


class LookalikeIndex:
    """Terms by the characters that look like theirs. `terms`: (folded, number), of Han characters only."""

    def __init__(self, terms: Sequence[tuple[str, int]]) -> None:
        self._short = TermLetters([term for term in terms if len(term[0]) == 2])
        self._long = TermLetters([term for term in terms if len(term[0]) > 2])
        codes, at = self._short.codes, self._short.neighbours()
        self._disguises = TermPairs(*_disguises(codes, at))
        codes, at = self._long.codes, self._long.neighbours()
        self._neighbours = TermPairs(keys_of(codes.take(at), codes.take(at + 1)), at)
        self._beside = bits_of(_beside_words(codes, at))
        three, four = self._long.begins_of(3), self._long.begins_of(4)
        at = np.concatenate((three, four, four + 1))
        self._around = TermPairs(keys_of(codes.take(at), codes.take(at + 2)) ^ np.uint32(_AROUND), at)
        self._openings = TermPairs(*_openings(codes, three))
        self._bits = self._openings.bits | self._disguises.bits | self._neighbours.bits
        self._twice = TermLetters([term for term in terms if len(term[0]) <= TWICE])
        codes, at = self._twice.codes, self._twice.neighbours()
        self._side_by_side = TermPairs(keys_of(codes.take(at), codes.take(at + 1)), at)
        self._first, self._rare_first = _disguises_of(codes.take(at))
        self._second, self._rare_second = _disguises_of(codes.take(at + 1))
        self._found_in = functools.lru_cache(maxsize=WINDOWS)(self._look_up_window)
        self._found_for = functools.lru_cache(maxsize=8192)(self._look_up_both)

    def find(self, batch: Folded) -> list[Match]:
        """Return the terms that some characters look like: start, end, term. None is written as it is."""
        text = batch.text
        if len(text) < 2 or text.isascii():
            return []
        codes, written = batch.folded, batch.codes.take(batch.kept.take(batch.runs))
        if batch.is_small:
            found = self._search_small(text, codes.tolist(), written.tolist())
        else:
            found = [*self._search(codes, written), *self._with_two_others(codes, written)]
        return [
            (one.start, one.start + len(one.text), one.term)
            for one in dict.fromkeys(found)
            if self._looks_so(text, written, one)
        ]

    def _search_small(self, text: str, folded: list[int], written: list[int]) -> list[TermAt]:
        """Terms that a few characters may be written for: for these, arrays cost more than they save."""
        around, look_up, same = f"\n{text}\n\n", self._found_in, written == folded
        folded, written = [NEWLINE, *folded, NEWLINE, NEWLINE], [NEWLINE, *written, NEWLINE, NEWLINE]
        found: list[TermAt] = []
        for at in range(len(text) - 1):
            if same or written[at : at + 4] == folded[at : at + 4]:
                rows: Iterable[tuple[TermLetters, int]] = look_up(around[at : at + 4])
            else:
                rows = self._look_up(folded[at : at + 4], written[at : at + 4])
            for letters, place in rows:
                found.append(letters.term_at(place, at))
        return found

    def _look_up_window(self, window: str) -> tuple[tuple[TermLetters, int], ...]:
        """The terms that may begin or go on at the second of four characters, written as they are folded."""
        codes = [ord(char) for char in window]
        return tuple(self._look_up(codes, codes))

    def _look_up(self, folded: list[int], written: list[int]) -> Iterator[tuple[TermLetters, int]]:
        before, one, two, behind = written
        key, words = _key(folded[1], folded[2]), tables().pairs
        for each in {key, _key(one, folded[2]), _key(folded[1], two)}:
            for place in self._disguises.at(each):
                yield self._short, place
            for place in self._openings.at(each):
                yield self._long, place
        if (
            not has_key(words, key)
            or has_key(self._beside, _beside_key(key, before, _LEFT))
            or has_key(self._beside, _beside_key(key, behind, _RIGHT))
        ):
            for place in self._neighbours.at(key):
                yield self._long, place
        for place in self._around.at(_key(folded[1], folded[3]) ^ _AROUND):
            yield self._long, place
        if self._rare_first.item(one) and self._rare_second.item(two) and not has_key(words, key):
            for place in self._found_for(one, two):
                yield self._twice, place

    def _search(self, codes: Codes, written: Codes) -> Iterator[TermAt]:
        """Terms of two characters with one other, and longer ones with half of them others or fewer."""
        keys = keys_of(codes[:-1], codes[1:])
        at = few_in_keys(self._bits, keys)
        other = (written != codes).nonzero()[0]
        ahead, behind = other[other < len(keys)], other[other > 0] - 1
        pairs = (
            (keys.take(at), at),
            (keys_of(written.take(ahead), codes.take(ahead + 1)), ahead),
            (keys_of(codes.take(behind), written.take(behind + 1)), behind),
        )
        for some, places in pairs:
            which, found = self._disguises.at_many(some)
            for place, start in zip(found.tolist(), places.take(which).tolist(), strict=True):
                yield self._short.term_at(place, start)
            yield from self._that_fit(codes, written, self._openings, some, places)
        some = keys.take(at)
        left = _beside_keys(some, looked_up(written, at - 1), _LEFT)
        right = _beside_keys(some, looked_up(written, at + 2), _RIGHT)
        kept = ~in_keys(tables().pairs, some) | in_keys(self._beside, left) | in_keys(self._beside, right)
        yield from self._that_fit(codes, written, self._neighbours, some[kept], at[kept])
        keys = keys_of(codes[:-2], codes[2:]) ^ np.uint32(_AROUND)
        at = few_in_keys(self._around.bits, keys)
        yield from self._that_fit(codes, written, self._around, keys.take(at), at)

    def _that_fit(
        self, codes: Codes, written: Codes, pairs: TermPairs, keys: Codes, at: Index
    ) -> Iterator[TermAt]:
        which, found = pairs.at_many(keys)
        start = at.take(which)
        fits = self._long.fit(codes, written, start, found)
        for place, begin in zip(found.take(fits).tolist(), start.take(fits).tolist(), strict=True):
            yield self._long.term_at(place, begin)

    def _with_two_others(self, codes: Codes, written: Codes) -> Iterator[TermAt]:
        """Short terms of which two neighbours are written with others, both of these rare."""
        at = (self._rare_first.take(written[:-1]) & self._rare_second.take(written[1:])).nonzero()[0]
        if len(at):
            at = at[~is_pair(codes.take(at), codes.take(at + 1), frequent=False)]
        for place in at.tolist():
            for found in self._found_for(written.item(place), written.item(place + 1)):
                yield self._twice.term_at(found, place)

    def _look_up_both(self, one: int, two: int) -> tuple[int, ...]:
        """Where two neighbours stand in terms for which these two may be written."""
        first, second = (np.array(lookalikes().of(code), np.uint32) for code in (one, two))
        first, second = first[self._first.take(first)], second[self._second.take(second)]
        return tuple(self._side_by_side.of_each(first, second))

    def _looks_so(self, text: str, written: Codes, one: TermAt) -> bool:
        """Whether what is not the term's own looks like it, and is likelier a disguise than ordinary."""
        end = one.start + len(one.text)
        if one.start < 0 or end > len(text):
            return False
        there = text[one.start : end]
        changed = [at for at, (char, own) in enumerate(zip(there, one.text, strict=True)) if char != own]
        return (
            0 < len(changed) <= max(2, (len(there) + 1) // 2)
            and all(_is_alike(written.item(one.start + at), ord(one.text[at])) for at in changed)
            and not is_likelier_ordinary(there, one.text, PLAINER)
            and not _is_at_home(text, one.start, end, changed)
            and (len(there) > 2 or len(changed) == 1 or _may_be_two_others(there))
        )


def _is_at_home(text: str, start: int, end: int, changed: Sequence[int]) -> bool:
    """Whether a character at an edge makes a frequent word with the one beside the term."""
    words = tables().frequent_pairs
    first, last = changed[0] == 0, changed[-1] == end - start - 1
    return (first and start > 0 and has_pair(words, ord(text[start - 1]), ord(text[start]))) or (
        last and end < len(text) and has_pair(words, ord(text[end - 1]), ord(text[end]))
    )


def _may_be_two_others(there: str) -> bool:
    """Whether two characters are rare together, and no word."""
    return rarity(there) >= OF_BOTH and not has_pair(tables().pairs, *map(ord, there))


def _key(first: int, second: int) -> int:
    return (first << 16 | second & 0xFFFF) & 0xFFFFFFFF


def _beside_key(key: int, char: int, side: int) -> int:
    """The key of two characters with another one beside them."""
    return (key * _TIMES + char * side) & 0xFFFFFFFF


def _beside_keys(keys: Codes, chars: Codes, side: int) -> Codes:
    return keys * np.uint32(_TIMES) + chars * np.uint32(side)


def _beside_words(codes: Codes, at: Index) -> Codes:
    """Keys of the words in longer terms, each with what may be written for the character beside it.

    A word stands in ordinary text often, so that it alone is no sign of a term.
    """
    keys = keys_of(codes.take(at), codes.take(at + 1))
    word = in_keys(tables().pairs, keys)
    keys, at = keys[word], at[word]
    made = []
    for side, place in ((_LEFT, at - 1), (_RIGHT, at + 2)):
        which, written = written_for(looked_up(codes, place))
        made.append(_beside_keys(keys.take(which), written, side))
    return np.concatenate(made)


def _disguises_of(chars: Codes) -> tuple[Flags, Flags]:
    """By code point: whether it is one of some characters; whether it is rare, and looks like one of them."""
    there = np.zeros(CODE_POINTS, np.bool_)
    there[chars] = True
    _, written = written_for(np.unique(chars))
    rare = np.zeros(CODE_POINTS, np.bool_)
    rare[written] = tables().char_use.take(tables().fold.take(written), mode="clip") <= RARE
    return there, rare


@functools.lru_cache(maxsize=8192)
def _is_alike(written: int, meant: int) -> bool:
    return meant in lookalikes().of(written)


def _openings(codes: Codes, at: Index) -> tuple[Codes, Index]:
    """Keys and places of the first two characters of terms, of which the first is written with a rare one."""
    which, written = written_for(codes.take(at))
    folded = tables().fold.take(written)
    rare = tables().char_use.take(folded, mode="clip") <= RARE
    rare &= (folded != 0) & (folded < CODE_POINTS) & (folded != codes.take(at.take(which)))
    which, written = which[rare], written[rare]
    return keys_of(written, codes.take(at.take(which) + 1)), at.take(which)


def _disguises(codes: Codes, at: Index) -> tuple[Codes, Index]:
    """Return the disguises of terms of two characters, of which one is another: their keys and places.

    How rare the two are together, and whether they are an ordinary word, does not depend on the text.
    """
    terms_use = uses_of(codes.take(at), codes.take(at + 1))
    keys: list[Codes] = []
    places: list[Index] = []
    for shift in (0, 1):
        which, written = written_for(codes.take(at + shift))
        folded, own = tables().fold.take(written), codes.take(at + 1 - shift).take(which)
        use = tables().char_use.take(folded, mode="clip").astype(np.intp)
        some = (use <= MOST_USE) & (folded != 0) & (folded < CODE_POINTS)
        some &= folded != codes.take(at + shift).take(which)
        pair = (folded, own) if shift == 0 else (own, folded)
        word_use = uses_of(*pair)
        rare = 2 * MOST_USED - use - tables().char_use.take(own, mode="clip") >= LEAST_RARITY
        word_is_rare = (word_use <= RARE_WORD) & (terms_use.take(which) - word_use >= RARER)
        some &= np.where(is_pair(*pair, frequent=False), word_is_rare, rare)
        kept = some.nonzero()[0]
        pair = (written.take(kept), own.take(kept))
        keys.append(keys_of(*(pair if shift == 0 else pair[::-1])))
        places.append(at.take(which.take(kept)))
    return np.concatenate(keys), np.concatenate(places)
