"""Where matches in folded text are in the originals, and what stands beside them: many at once, or a few."""

import functools
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from moderation.fold import Folded
from moderation.matcher import Match
from moderation.tables import Kind, tables

FEW = 8
"""Matches up to which each is placed by itself: for fewer, arrays cost more than they save."""

Placed = tuple[int, int, int, bool, bool, bool]
"""(number, low, high, bare, alone, latin): number of the text, code points of that text.

`bare`: nothing was taken out within the match. `alone`: bare, and beside it nothing that a word could reach
over to. `latin`: it begins or ends with a Latin letter or a digit.
"""


@functools.cache
def _kinds() -> npt.NDArray[np.uint8]:
    return np.frombuffer(tables().kind, np.uint8)


def placed(batch: Folded, texts: Sequence[str], matches: Sequence[Match]) -> Iterable[Placed]:
    """Give each match its place, in order."""
    if len(matches) <= FEW:
        return (_one(batch, texts, match) for match in matches)
    kind, codes = _kinds(), batch.codes
    found = np.array([match[:2] for match in matches], np.intp)
    starts, ends = found[:, 0], found[:, 1]
    runs = np.append(batch.runs, len(batch.kept))
    lows, highs = batch.kept[runs[starts]], batch.kept[runs[ends] - 1] + 1
    numbers = np.searchsorted(batch.original_begins, lows, "right") - 1
    begins = batch.original_begins[numbers]
    bare = highs - lows == ends - starts
    before = (lows == 0) | (kind[codes[lows - 1]] >= Kind.SPACE)
    after = (highs == len(codes)) | (kind[codes[np.minimum(highs, len(codes) - 1)]] >= Kind.SPACE)
    latin = (kind[codes[lows]] == Kind.ALNUM) | (kind[codes[highs - 1]] == Kind.ALNUM)
    every = (numbers, lows - begins, highs - begins, bare, bare & before & after, latin)
    return zip(*(one.tolist() for one in every), strict=True)


def _one(batch: Folded, texts: Sequence[str], match: Match) -> Placed:
    kind = tables().kind
    start, end, _ = match
    low, high = batch.span(start, end)
    number = int(batch.begins.searchsorted(start, "right")) - 1
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
