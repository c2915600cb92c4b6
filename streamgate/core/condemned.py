"""Condemned times of a program: intervals on its timeline that viewers never saw. Pure.

Times are seconds since the broadcast began, as `at_media_s` of comments: see docs/watch-page.md. `Spans`
holds arrival intervals and drops them once they are past air; this keeps all until the broadcast ends.
"""

from collections.abc import Iterable, Sequence

MOST = 200
"""Most separate spans: the two oldest are joined beyond that. So many fit into the gate's memory file."""
_GAP_S = 1.0
"""Spans at most this far apart are joined."""
_ROUNDING_S = 0.2
"""Two status messages may give the same edge with this difference (rounding)."""
Span = tuple[float, float]


class CondemnedTimes:
    """The condemned times of one broadcast.

    `stored`: the spans of an earlier process, already returned from its `add` or `note`.
    """

    def __init__(self, stored: Iterable[Span] = ()) -> None:
        self._past: list[Span] = sorted(stored)[-MOST:]  # final: these cannot change
        self._standing: dict[str, Span] = {}  # by the gate's id: these can still be moved or lifted
        self._followed = False  # a status has been noted
        self._returned: list[Span] = list(self._past)

    @property
    def spans(self) -> list[Span]:
        """Return every span, the earliest first."""
        spans = self._past
        for low, high in self._standing.values():
            spans = _add(spans, low, high)
        return list(spans)

    def note(
        self, on_air_s: float, delay_s: float, spans: Iterable[tuple[float, float | None, str]]
    ) -> list[Span]:
        """Add the spans of a status: seconds from now to their start and end on air (None: still open), id.

        An open span extends to the newest arrival. A span missing before its end was lifted; one with other
        ends was moved: the part that had not aired is not condemned. Returns the same as `add`.
        """
        before, self._standing = self._standing, {}
        if not self._followed:  # the status lists every span that has not aired yet
            self._past = [(low, min(high, on_air_s)) for low, high in self._past if low < on_air_s]
            self._followed = True
        for low, high in before.values():
            if low < on_air_s:
                self._past = _add(self._past, low, min(high, on_air_s))
        now = [
            (on_air_s + starts_in_s, on_air_s + (delay_s if ends_in_s is None else ends_in_s), name)
            for starts_in_s, ends_in_s, name in spans
        ]
        self._standing = {name: (low, high) for low, high, name in now if name and high > low}
        if before.keys() - self._standing.keys() or any(
            self._standing[name] != before[name] for name in before.keys() & self._standing.keys()
        ):  # what is condemned again is returned again
            self._returned = _overlap(self._returned, self.spans)
        new = self._return(self._standing.values())
        return [*new, *self.add((low, high) for low, high, name in now if not name)]

    def add(self, spans: Iterable[Span]) -> list[Span]:
        """Add final spans. Returns the parts that no call has returned before."""
        added = [(low, high) for low, high in spans if high > low]
        for low, high in added:
            self._past = _add(self._past, low, high)
        return self._return(added)

    def _return(self, spans: Iterable[Span]) -> list[Span]:
        new: list[Span] = []
        for low, high in spans:
            for part in _outside(self._returned, low, high):
                self._returned = _add(self._returned, *part)
                new.append(part)
        return new

    def covers(self, at_media_s: float | None) -> bool:
        """Whether a time was condemned."""
        if at_media_s is None:
            return False
        return any(low <= at_media_s <= high for low, high in (*self._past, *self._standing.values()))


def _overlap(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the intersection of two lists of spans."""
    parts = [(max(one[0], two[0]), min(one[1], two[1])) for one in spans for two in others]
    return sorted((low, high) for low, high in parts if high > low)


def _outside(spans: Sequence[Span], low: float, high: float) -> list[Span]:
    """Return the parts of a span outside of others that are longer than the rounding."""
    touching = [(start, end) for start, end in spans if start <= high and low <= end]
    if not touching:
        return [(low, high)]
    edges = [low, *(edge for one in touching for edge in one), high]
    parts = zip(edges[::2], edges[1::2], strict=True)
    return [(start, end) for start, end in parts if end - start > _ROUNDING_S]


def _add(spans: Sequence[Span], low: float, high: float) -> list[Span]:
    """Return the spans with one more, joined with those that it touches."""
    inside = [one for one in spans if one[0] <= high + _GAP_S and low - _GAP_S <= one[1]]
    low, high = min([low, *(one[0] for one in inside)]), max([high, *(one[1] for one in inside)])
    joined = sorted([*(one for one in spans if one not in inside), (low, high)])
    if len(joined) > MOST:
        first, second, *rest = joined
        return [(first[0], second[1]), *rest]
    return joined
