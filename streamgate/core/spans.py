"""Spans: intervals of arrival times whose packets never air, or air redacted. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from streamgate.core.box import Box

SpanKind = Literal["cut", "dump", "condemn", "mute", "bleep", "mosaic"]
SOUND_REDACTIONS: frozenset[str] = frozenset({"mute", "bleep"})
MOSAIC = "mosaic"
REDACTIONS: frozenset[str] = SOUND_REDACTIONS | {MOSAIC}
CONDEMNING: frozenset[str] = frozenset({"cut", "dump", "condemn"})
MAX_SPANS = 256
"""Most spans at once. One more widens the nearest of its kind instead, so that no mark is refused. Two
mosaics with different boxes become one over the whole picture."""


class Span(msgspec.Struct):
    """A span of arrivals. Both ends in microseconds, inclusive; `end` None while a cut is in force.

    `why`: its kind. `id`: "s7", for people; "": the remainder of a span that was moved after its start had
    reached air. `box`: area of a mosaic; None: the whole picture.
    """

    start: int
    end: int | None
    actor: str = ""
    why: SpanKind = "cut"
    id: str = ""
    reason: str = ""
    box: Box | None = None

    def covers(self, arrival: int) -> bool:
        return self.start <= arrival and (self.end is None or arrival <= self.end)

    @property
    def redacts(self) -> bool:
        """Whether its packets air with their sound or pictures replaced."""
        return self.why in REDACTIONS


class Spans:
    """The spans of one channel. They may overlap: each is ended, moved and lifted on its own.

    `past`, where a method takes it: the newest arrival that has fallen due. No method uncovers packets up to
    there. `number`: of the newest span's id.
    """

    def __init__(self) -> None:
        self.number = 0
        self.redacts = self.hides = False  # whether any replaces sound, pictures: read for every packet
        self._closed: list[Span] = []  # in the order they were made
        self._open: Span | None = None
        self._condemned = _Cover()
        self._redacted = _Cover()
        self._mosaics: list[Span] = []

    @property
    def open(self) -> Span | None:
        """The cut in force, which also covers all that will arrive."""
        return self._open

    # ------------------------------------------------------------ making and changing

    def condemn(
        self,
        start: int,
        end: int,
        actor: str = "",
        why: SpanKind = "dump",
        reason: str = "",
        *,
        box: Box | None = None,
    ) -> Span:
        """Condemn or redact the arrivals from `start` to `end`; return the span that now covers them."""
        alike = [span for span in self._closed if span.why == why]
        if len(self._closed) >= MAX_SPANS and alike:
            alike = [span for span in alike if span.box == box] or alike
            span = min(alike, key=lambda one: max(one.start - end, start - (one.end or 0), 0))
            span.start, span.end = min(span.start, start), max(span.end or end, end)
            span.box = box if span.box == box else None
        else:
            span = Span(start, end, actor, why, self._next_id(), reason, box)
            self._closed.append(span)
        self._refresh()
        return span

    def condemn_from(self, start: int, actor: str = "", reason: str = "") -> Span:
        """Condemn all arrivals from `start` on, until `release`."""
        if self._open is None:
            self._open = Span(start, None, actor, "cut", self._next_id(), reason)
        else:
            self._open.start = min(self._open.start, start)
        return self._open

    def release(self, now: int) -> Span | None:
        """End the cut in force: arrivals until `now` stay condemned."""
        span, self._open = self._open, None
        if span is not None:
            span.end = max(now, span.start)
            cuts = [one for one in self._closed if one.why == "cut"]
            if len(self._closed) >= MAX_SPANS and len(cuts) > 1:
                first, second = cuts[:2]
                if second.start <= first.start and (first.end or 0) <= (second.end or 0):
                    self._closed.remove(first)  # the one after it covers it, too
            self._closed.append(span)
            self._refresh()
        return span

    def lift(self, span: Span, past: int) -> None:
        """Lift a span from packets that are not due yet; a cut in force ends."""
        if span is self._open:
            self._open = None
            self._closed.append(span)
        if span.start > past:
            self._closed.remove(span)
        else:
            span.end = past if span.end is None else min(span.end, past)
        self._refresh()

    def move(self, span: Span, start: int, end: int, past: int) -> None:
        """Change the ends of a closed span, for packets that are not due yet."""
        begun = span.start <= past
        if begun and start > past + 1:  # the part that is past stays covered, as a span of its own
            self._closed.append(msgspec.structs.replace(span, end=min(span.end or past, past), id=""))
            begun = False
        span.start = span.start if begun else start
        span.end = max(end, past) if begun else end
        self._refresh()

    def take_back(self, spans: Iterable[Span], number: int) -> None:
        """Restore the spans of an earlier process. `number`: of the newest id that it gave."""
        for span in spans:
            if span.end is None:
                self._open = span
            else:
                self._closed.append(span)
        self.number = max(self.number, number)
        self._refresh()

    def _next_id(self) -> str:
        self.number += 1
        return f"s{self.number}"

    # ------------------------------------------------------------ queries

    def get(self, span_id: str) -> Span | None:
        return next((span for span in self if span_id and span.id == span_id), None)

    def condemned(self, arrival: int) -> bool:
        return self.find(arrival) is not None

    def find(self, arrival: int) -> Span | None:
        """Return the span that condemns an arrival, the newest if several do; None when none does."""
        if self._open is not None and arrival >= self._open.start:
            return self._open
        if self._closed and self._condemned.has(arrival):
            return self._newest(arrival, redacting=False)
        return None

    def redaction(self, arrival: int) -> Span | None:
        """Return the span that redacts an arrival's sound; the newest if several do; None when none does."""
        if self.redacts and self._redacted.has(arrival):
            return self._newest(arrival, redacting=True)
        return None

    def mosaics(self, first: int, last: int) -> list[Span]:
        """Return the mosaic spans that overlap the arrivals `first` to `last`, both inclusive."""
        return [span for span in self._mosaics if span.start <= last and first <= (span.end or 0)]

    def _newest(self, arrival: int, *, redacting: bool) -> Span:
        kinds = SOUND_REDACTIONS if redacting else CONDEMNING
        return next(one for one in reversed(self._closed) if one.why in kinds and one.covers(arrival))

    def forget_before(self, arrival: int) -> None:
        """Drop spans that end before `arrival`: no packet that old can air."""
        if not self._closed:
            return
        kept = [span for span in self._closed if (span.end or 0) >= arrival]
        if len(kept) < len(self._closed):
            self._closed = kept
            self._refresh()

    def clear(self) -> None:
        self._closed.clear()
        self._open = None
        self._refresh()

    def _refresh(self) -> None:
        self._condemned = _Cover(span for span in self._closed if not span.redacts)
        sound = [span for span in self._closed if span.why in SOUND_REDACTIONS]
        self._redacted, self.redacts = _Cover(sound), bool(sound)
        self._mosaics = [span for span in self._closed if span.why == MOSAIC]
        self.hides = bool(self._mosaics)

    def __iter__(self) -> Iterator[Span]:
        yield from self._closed
        if self._open is not None:
            yield self._open


class _Cover:
    """Union of closed spans, for a fast lookup per due packet (binary search)."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans, key=lambda one: one.start):
            end = span.end or 0
            if self._ends and span.start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(span.start)
                self._ends.append(end)

    def has(self, arrival: int) -> bool:
        i = bisect_right(self._starts, arrival)
        return i > 0 and arrival <= self._ends[i - 1]
