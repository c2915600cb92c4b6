"""Condemned spans: intervals on the arrival timeline whose packets never air."""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec


class Span(msgspec.Struct):
    """Both ends in microseconds of arrival and inclusive; `end` None while the condemnation is in force.

    `why`: "cut" or "dump".
    """

    start: int
    end: int | None
    actor: str = ""
    why: str = "cut"


class Spans:
    """A set of spans that only ever grows to cover more arrivals, until they are past air.

    Spans may overlap: condemning twice is not an error, and ending one never uncovers another.
    """

    def __init__(self) -> None:
        self._closed: list[Span] = []  # by start, not overlapping
        self._open: Span | None = None

    @property
    def open(self) -> Span | None:
        """The condemnation in force, which also covers all that will arrive."""
        return self._open

    def condemn(self, start: int, end: int, actor: str = "", why: str = "dump") -> None:
        """Condemn the arrivals from `start` to `end`. Where spans join, the newest one's actor stands."""
        merged = Span(start, end, actor, why)
        keep = []
        for span in self._closed:
            if span.end is not None and (span.end < merged.start or span.start > end):
                keep.append(span)
            else:
                merged.start = min(merged.start, span.start)
                merged.end = end = max(end, span.end or end)
        keep.append(merged)
        keep.sort(key=lambda span: span.start)
        self._closed = keep

    def condemn_from(self, start: int, actor: str = "") -> None:
        """Condemn all arrivals from `start` on, until `release`."""
        if self._open is None:
            self._open = Span(start, None, actor)
        else:
            self._open.start = min(self._open.start, start)

    def release(self, now: int) -> None:
        """End the condemnation in force: what arrived until `now` stays condemned."""
        if self._open is not None:
            span, self._open = self._open, None
            self.condemn(span.start, max(now, span.start), span.actor, span.why)

    def condemned(self, arrival: int) -> bool:
        return self.find(arrival) is not None

    def find(self, arrival: int) -> Span | None:
        """Return the span that condemns an arrival; None when none does."""
        if self._open is not None and arrival >= self._open.start:
            return self._open
        closed = self._closed
        if not closed:
            return None
        i = bisect_right(closed, arrival, key=lambda span: span.start)
        return closed[i - 1] if i > 0 and arrival <= (closed[i - 1].end or 0) else None

    def forget_before(self, arrival: int) -> None:
        """Drop spans that end before `arrival`: nothing that old can air any more."""
        while self._closed and (self._closed[0].end or 0) < arrival:
            del self._closed[0]

    def clear(self) -> None:
        self._closed.clear()
        self._open = None

    def __iter__(self) -> Iterator[Span]:
        yield from self._closed
        if self._open is not None:
            yield self._open
