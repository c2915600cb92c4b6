"""Condemned moments of a program, as far as the gate's status told of them. Pure.

Times are seconds of the program, as `at_media_s` of comments: see docs/watch-page.md. The gate names a span
until its end has aired; this keeps it until the broadcast ends, and can be stored and taken up again.
"""

from collections.abc import Iterable, Sequence

MOST = 1000
"""Separate spans; the oldest are joined into one beyond that."""
_GAP_S = 1.0
"""Two pushes of the gate tell the same edge within this."""
Span = tuple[float, float]


class CondemnedTimes:
    """`stored`: the spans that an earlier process knew."""

    def __init__(self, stored: Iterable[Span] = ()) -> None:
        self._spans: list[Span] = sorted(stored)
        self._told: list[Span] = []  # as `note` has returned them

    @property
    def spans(self) -> list[Span]:
        """Return every span, the earliest first."""
        return list(self._spans)

    def note(
        self, on_air_s: float, delay_s: float, spans: Iterable[tuple[float, float | None]]
    ) -> list[Span]:
        """Note the spans of a status: seconds from now to their start and end on air, None: still open.

        An open one reaches as far as what has arrived. Returns those that are new or have grown by more than
        a second since they were returned.
        """
        grown = []
        for starts_in_s, ends_in_s in spans:
            low = on_air_s + starts_in_s
            high = on_air_s + (delay_s if ends_in_s is None else ends_in_s)
            if high <= low:
                continue
            self._spans = _add(self._spans, low, high)
            if not any(one[0] <= low + _GAP_S and high - _GAP_S <= one[1] for one in self._told):
                self._told = _add(self._told, low, high)
                grown.append((low, high))
        return grown

    def covers(self, at_media_s: float | None) -> bool:
        """Say whether a moment was condemned."""
        return at_media_s is not None and any(low <= at_media_s <= high for low, high in self._spans)


def _add(spans: Sequence[Span], low: float, high: float) -> list[Span]:
    """Return the spans with one more; those that it touches become one with it."""
    inside = [one for one in spans if one[0] <= high + _GAP_S and low - _GAP_S <= one[1]]
    low, high = min([low, *(one[0] for one in inside)]), max([high, *(one[1] for one in inside)])
    joined = sorted([*(one for one in spans if one not in inside), (low, high)])
    if len(joined) > MOST:
        first, second, *rest = joined
        return [(first[0], second[1]), *rest]
    return joined
