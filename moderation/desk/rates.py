"""Counts comments and decisions of the last minute. Pure."""

from collections import defaultdict, deque

_WINDOW_S = 60
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 60.0


def wait_for_room_s(cards: int, decided_per_minute: int) -> float:
    """Return how many seconds it takes to decide so many cards at the pace of the last minute.

    The result is 1 to 60: after a minute the pace may have changed.
    """
    if decided_per_minute <= 0:
        return MOST_WAIT_S
    return min(MOST_WAIT_S, max(LEAST_WAIT_S, cards * 60.0 / decided_per_minute))


class PerMinute:
    """Counts events of the last 60 s, by whole second: at most 61 numbers.

    `now`: seconds of a monotonic clock.
    """

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()
        self._sum = 0

    def add(self, now: float, number: int = 1) -> None:
        second = int(now)
        if self._seconds and self._seconds[-1][0] >= second:
            last, before = self._seconds.pop()
            self._seconds.append((last, before + number))
        else:
            self._seconds.append((second, number))
        self._sum += number
        self._forget(now)

    def count(self, now: float) -> int:
        self._forget(now)
        return self._sum

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - _WINDOW_S:
            self._sum -= self._seconds.popleft()[1]


class Rates:
    """Counts by channel; decisions by person as well. `now`: seconds since the epoch."""

    def __init__(self) -> None:
        self._came: defaultdict[str, PerMinute] = defaultdict(PerMinute)
        self._decided: defaultdict[str, PerMinute] = defaultdict(PerMinute)
        self._by_person: defaultdict[tuple[str, int], PerMinute] = defaultdict(PerMinute)

    def count_arrived(self, channel: str, now: float, number: int) -> None:
        self._came[channel].add(now, number)

    def count_decided(self, channel: str, user_id: int, now: float) -> None:
        self._decided[channel].add(now)
        self._by_person[channel, user_id].add(now)

    def per_minute(self, channel: str, user_id: int, now: float) -> tuple[int, int, int]:
        """Return how many comments came, how many decisions were made, and how many by this person."""
        mine = self._by_person.get((channel, user_id))
        found = (self._came.get(channel), self._decided.get(channel), mine)  # anybody may ask for any name
        came, decided, by_person = (0 if one is None else one.count(now) for one in found)
        return came, decided, by_person
