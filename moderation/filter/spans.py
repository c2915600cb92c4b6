"""Spans of the original texts for matches in folded text, and what stands beside them."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from moderation.filter.matcher import Match
from moderation.text.fold import Folded
from moderation.text.tables import Flags, Index, Kind, tables

FEW = 8
"""Matches up to which each span is found by itself: for fewer, arrays cost more than they save."""

Span = tuple[int, int, int, bool, bool, bool]
"""(number, low, high, bare, alone, latin): number of the text, code points of that text.

`bare`: nothing was taken out within the match. `alone`: bare, and beside it nothing that a word could reach
over to. `latin`: it begins or ends with a Latin letter or a digit.
"""


class Spans(NamedTuple):
    """Many of `Span` at once: an array for each field."""

    numbers: Index
    lows: Index
    highs: Index
    bare: Flags
    alone: Flags
    latin: Flags

    def rows(self) -> Iterator[Span]:
        return zip(*(one.tolist() for one in self), strict=True)

    def take(self, at: Index) -> "Spans":
        numbers, lows, highs, bare, alone, latin = self
        return Spans(
            numbers.take(at), lows.take(at), highs.take(at), bare.take(at), alone.take(at), latin.take(at)
        )


def find_spans(batch: Folded, texts: Sequence[str], matches: Sequence[Match]) -> Iterable[Span]:
    """Find the original span of each match, in order."""
    if len(matches) <= FEW:
        return (_find_span(batch, texts, match) for match in matches)
    return find_many_spans(batch, columns(matches)).rows()


def columns(matches: Sequence[tuple[int, int, int]]) -> Index:
    """Rows of three numbers (starts, ends and patterns of matches) as three arrays."""
    count = 3 * len(matches)
    return np.fromiter(itertools.chain.from_iterable(matches), np.intp, count).reshape(-1, 3).T


def find_many_spans(batch: Folded, found: Index) -> Spans:
    """Find the original spans of many matches with arrays. `found`: see `columns`."""
    kind, codes = tables().kinds, batch.codes
    starts, ends, _ = found
    lows, highs = batch.kept.take(batch.runs.take(starts)), batch.kept.take(batch.begins(ends) - 1) + 1
    numbers = batch.numbers(lows)
    begins = batch.original_begins.take(numbers)
    bare = highs - lows == ends - starts
    before = (lows == 0) | (kind.take(codes.take(lows - 1)) >= Kind.SPACE)
    after = (highs == len(codes)) | (kind.take(codes.take(highs, mode="clip")) >= Kind.SPACE)
    latin = (kind.take(codes.take(lows)) == Kind.ALNUM) | (kind.take(codes.take(highs - 1)) == Kind.ALNUM)
    return Spans(numbers, lows - begins, highs - begins, bare, bare & before & after, latin)


def _find_span(batch: Folded, texts: Sequence[str], match: Match) -> Span:
    kind = tables().kind
    start, end, _ = match
    low, high = batch.span(start, end)
    number = batch.number(low)
    begin = batch.original_begins.item(number)
    text = texts[number]
    low, high = low - begin, high - begin
    bare = high - low == end - start
    alone = (
        bare
        and (low == 0 or kind[ord(text[low - 1])] >= Kind.SPACE)
        and (high == len(text) or kind[ord(text[high])] >= Kind.SPACE)
    )
    latin = Kind.ALNUM in (kind[ord(text[low])], kind[ord(text[high - 1])])
    return number, low, high, bare, alone, latin
