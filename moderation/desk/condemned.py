"""Condemned moments of a program, as far as the gate's status told of them. Pure.

Times are seconds of the program since its start, as `at_media_s` of comments. The gate names a span until
its end has aired; this keeps it until the broadcast ends.
"""

from collections.abc import Iterable

MOST = 1000
"""Separate spans; the oldest are joined into one beyond that."""
_GAP_S = 1.0
"""Two pushes of the gate tell the same edge within this."""


class CondemnedTimes:
    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    def note(
        self, on_air_s: float, delay_s: float, spans: Iterable[tuple[float, float | None]]
    ) -> list[tuple[float, float]]:
        """Note the spans of a status: seconds from now to their start and end on air, None: still open.

        An open one reaches as far as what has arrived. Returns those that are new or have grown by more than
        a second.
        """
        grown = []
        for starts_in_s, ends_in_s in spans:
            low = on_air_s + starts_in_s
            high = on_air_s + (delay_s if ends_in_s is None else ends_in_s)
            if high > low and self._add(low, high):
                grown.append((low, high))
        return grown

    def covers(self, at_media_s: float | None) -> bool:
        """Say whether a moment was condemned."""
        return at_media_s is not None and any(low <= at_media_s <= high for low, high in self._spans)

    def _add(self, low: float, high: float) -> bool:
        inside = [one for one in self._spans if one[0] <= high + _GAP_S and low - _GAP_S <= one[1]]
        grown = not any(one[0] <= low + _GAP_S and high - _GAP_S <= one[1] for one in inside)
        low, high = min([low, *(one[0] for one in inside)]), max([high, *(one[1] for one in inside)])
        self._spans = sorted([*(one for one in self._spans if one not in inside), (low, high)])
        if len(self._spans) > MOST:
            first, second, *rest = self._spans
            self._spans = [(first[0], second[1]), *rest]
        return grown
