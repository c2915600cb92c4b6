"""Spans of a text in UTF-16 units, which browsers count in; Python counts code points."""

import functools
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from moderation.text.fold import Folded

SHORT = 200
"""Code points up to which each span of a text is counted by itself."""

Units = Callable[[int, int], tuple[int, int]]
"""Start and end in code points -> start and end in UTF-16 units."""


class _LongText:
    """Code point spans of a long text in UTF-16 units."""

    def __init__(self, text: str) -> None:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        self._before = np.append(0, np.cumsum(codes > 0xFFFF))

    def __call__(self, start: int, end: int) -> tuple[int, int]:
        return start + int(self._before[start]), end + int(self._before[end])


def same_units(start: int, end: int) -> tuple[int, int]:
    """Return the span of a text without characters outside the BMP: both units are the same."""
    return start, end


def utf16_spans(
    batch: Folded, numbers: Iterable[int], starts: Sequence[int], ends: Sequence[int]
) -> Iterable[tuple[int, int]]:
    """Code point spans of many texts in UTF-16 units."""
    wide = (batch.codes > 0xFFFF).nonzero()[0]
    if not len(wide):
        return zip(starts, ends, strict=True)
    spans = np.array((starts, ends))
    begins = batch.original_begins.take(np.fromiter(numbers, np.intp, len(starts)))
    spans += wide.searchsorted(begins + spans) - wide.searchsorted(begins)
    return zip(*spans.tolist(), strict=True)


def utf16_units(text: str) -> Units:
    """Return the function that gives code point spans of a text in UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return same_units
    return _LongText(text) if len(text) > SHORT else functools.partial(_span, text)


def _span(text: str, start: int, end: int) -> tuple[int, int]:
    """A code point span of a short text in UTF-16 units."""
    low = len(text[:start].encode("utf-16-le", "surrogatepass")) // 2
    return low, low + len(text[start:end].encode("utf-16-le", "surrogatepass")) // 2
