"""Filter for units that an encoder sends twice: same timestamp and bytes as one of the last KEPT. Pure."""

from collections import deque

from streamgate.core.packet import Kind

KEPT = 8  # recent units of each kind to compare with
WITHIN_US = 1_000_000  # later it is no repeat: an encoder whose clock stands still may send equal silence


class RepeatFilter:
    """Detects exact repeats. `count`: how many so far; `last_us`: when the newest arrived."""

    def __init__(self) -> None:
        self.count = 0
        self.last_us = 0
        self._recent: dict[Kind, deque[tuple[int, bytes, int]]] = {kind: deque(maxlen=KEPT) for kind in Kind}
        self._highest = dict.fromkeys(Kind, -1)  # no timestamp in `_recent` is above it

    def is_repeat(self, kind: Kind, timestamp_ms: int, data: bytes, now_us: int) -> bool:
        """Whether a unit of equal kind, timestamp and bytes came within the last second; if not, store it."""
        recent = self._recent[kind]
        if timestamp_ms > self._highest[kind]:  # nearly always
            self._highest[kind] = timestamp_ms
        else:
            for known_ms, known, at_us in recent:
                if known_ms == timestamp_ms and known == data and now_us - at_us < WITHIN_US:
                    self.count += 1
                    self.last_us = now_us
                    return True
            self._highest[kind] = max(timestamp_ms, *(known_ms for known_ms, _, _ in recent))
        recent.append((timestamp_ms, data, now_us))
        return False
