"""Terms by two characters that stand side by side in them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from moderation.text.tables import (
    NEWLINE,
    Bits,
    Codes,
    Flags,
    Index,
    bits_of,
    few_in_keys,
    has_key,
    in_keys,
    keys_of,
)
from moderation.text.tables.lookalikes import lookalike_bits


class TermAt(NamedTuple):
    """A term that may stand in a text. `start`: where, as a folded position."""

    start: int
    term: int
    text: str


class TermLetters:
    """The characters of some terms in one row, with the way back to the terms. `terms`: (folded, number)."""

    def __init__(self, terms: Sequence[tuple[str, int]]) -> None:
        self.texts = [text for text, _ in terms]
        self.numbers = [number for _, number in terms]
        joined = "\n".join(self.texts).encode("utf-32-le")
        self.codes: Codes = np.frombuffer(joined, np.uint32)
        breaks = self.codes == NEWLINE
        self._lines: Index = np.cumsum(breaks)
        self._begins: Index = np.append(0, breaks.nonzero()[0] + 1)
        self._lengths: Index = np.array([len(text) for text in self.texts], np.intp)

    def neighbours(self) -> Index:
        """Where a character stands that has one behind it in the same term."""
        within: Flags = (self.codes[:-1] != NEWLINE) & (self.codes[1:] != NEWLINE)
        return within.nonzero()[0]

    def begins_of(self, length: int) -> Index:
        """Where the terms of one length begin."""
        begins: Index = self._begins[: len(self._lengths)][self._lengths == length]
        return begins

    def term_at(self, place: int, at: int) -> TermAt:
        """The term whose character number `place` of the row stands at folded position `at` of a text."""
        line = self._lines.item(place)
        return TermAt(at - (place - self._begins.item(line)), self.numbers[line], self.texts[line])

    def fit(self, codes: Codes, written: Codes, places: Index, found: Index) -> Index:
        """Which terms stand in a text with a half of their characters or fewer replaced by look-alikes.

        `codes`, `written`: folded text, and as it was written. `found`, `places`: see `term_at`, of many.
        A term that stands as it is is left out; one in thousands fits wrongly.
        """
        lines = self._lines.take(found)
        begins, lengths = self._begins.take(lines), self._lengths.take(lines)
        starts = places - (found - begins)
        alive = ((starts >= 0) & (starts + lengths <= len(codes))).nonzero()[0]
        same = np.zeros(len(found), np.intp)
        fits: list[Index] = []
        at = 0
        while len(alive):
            ended = lengths.take(alive) == at
            fits.append(alive[ended])
            alive = alive[~ended]
            own = self.codes.take(begins.take(alive) + at)
            place = starts.take(alive) + at
            here = codes.take(place) == own
            same[alive[here]] += 1
            others = (~here).nonzero()[0]
            alike = in_keys(lookalike_bits(), keys_of(written.take(place.take(others)), own.take(others)))
            here[others] = alike
            alive = alive[here]
            at += 1
        whole: Index = np.concatenate((*fits, alive))
        kept, full = same.take(whole), lengths.take(whole)
        return whole[(kept < full) & (2 * kept >= full - 1)]


class TermPairs:
    """Keys of two neighbours -> places in the row of `TermLetters`.

    `keys`, `places`: one of each for every pair of neighbours.
    """

    def __init__(self, keys: Codes, places: Index) -> None:
        order = keys.argsort(kind="stable")
        self._keys: Codes = keys[order]
        self._places = places[order].astype(np.int32)
        self.bits: Bits = bits_of(self._keys)

    def at(self, key: int) -> Iterator[int]:
        """The places of one key."""
        if not has_key(self.bits, key):
            return
        first = int(self._keys.searchsorted(np.uint32(key)))
        while first < len(self._keys) and self._keys.item(first) == key:
            yield self._places.item(first)
            first += 1

    def at_many(self, keys: Codes) -> tuple[Index, Index]:
        """For many keys: which key, and a place of it; a row for each."""
        some = few_in_keys(self.bits, keys)
        keys = keys.take(some)
        low, high = self._keys.searchsorted(keys), self._keys.searchsorted(keys, "right")
        counts = high - low
        which = np.repeat(some, counts)
        within = np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts)
        return which, self._places.take(np.repeat(low, counts) + within).astype(np.intp)

    def of_each(self, first: Codes, second: Codes) -> Iterator[int]:
        """The places of all pairs of one of the first characters with one of the second."""
        keys = keys_of(first[:, np.newaxis], second).ravel()
        for key in keys.take(few_in_keys(self.bits, keys)).tolist():
            yield from self.at(key)
