"""What is known of one channel's unaired window: stills and sound levels, bounded. Pure.

Times are the wall clock of the arrival, seconds.
"""

from collections import deque
from itertools import takewhile
from typing import NamedTuple

from console.live.messages import StripMessage, StripStill
from streamgate.watch.messages import SLOT_US

MAX_STILLS = 800
MAX_BYTES = 16 << 20
BEYOND_S = 30.0  # kept past air: a slow page asks late


class Kept(NamedTuple):
    """A still. `version`: of the strip when it came."""

    version: int
    shown: StripStill
    small: bytes
    large: bytes


class Strip:
    """`version` rises with everything that comes."""

    def __init__(self) -> None:
        self.version = 0
        self._stills: deque[Kept] = deque()
        self._levels: deque[tuple[int, float, int]] = deque()
        self._bytes = 0

    def add_still(self, at: float, change: int, small: bytes, large: bytes) -> None:
        self.version += 1
        number = round(at * 1000)
        if self._stills and number <= self._stills[-1].shown.number:
            number = self._stills[-1].shown.number + 1
        self._stills.append(Kept(self.version, StripStill(round(at, 3), number, change), small, large))
        self._bytes += len(small) + len(large)
        while len(self._stills) > MAX_STILLS or self._bytes > MAX_BYTES:
            self._drop_still()

    def add_level(self, at: float, db: int) -> None:
        self.version += 1
        self._levels.append((self.version, round(at, 3), db))

    def forget(self, now: float, delay_s: float) -> None:
        """Drop what has aired; `now`: wall clock."""
        before = now - delay_s - BEYOND_S
        while self._stills and self._stills[0].shown.at < before:
            self._drop_still()
        most = round((delay_s + BEYOND_S) * 1e6 / SLOT_US)
        while self._levels and (self._levels[0][1] < before or len(self._levels) > most):
            self._levels.popleft()

    def picture(self, number: int, *, large: bool) -> bytes | None:
        """Return a still by its number, as JPEG; None: it is not kept."""
        for kept in reversed(self._stills):
            if kept.shown.number == number:
                return kept.large if large else kept.small
        return None

    def since(self, version: int, now: float, *, up: bool) -> StripMessage:
        """Return what came after `version`, in order."""
        stills = list(takewhile(lambda kept: kept.version > version, reversed(self._stills)))
        levels = list(takewhile(lambda kept: kept[0] > version, reversed(self._levels)))
        return StripMessage(
            server_time=now,
            up=up,
            stills=[kept.shown for kept in reversed(stills)],
            level_at=[at for _, at, _ in reversed(levels)],
            level_db=[db for _, _, db in reversed(levels)],
        )

    def _drop_still(self) -> None:
        gone = self._stills.popleft()
        self._bytes -= len(gone.small) + len(gone.large)
