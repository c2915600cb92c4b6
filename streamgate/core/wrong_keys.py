"""Wrong stream keys per address: when operators are told, and of how many. Pure: times are arguments."""

from streamgate.core.bucket import TokenBucket

EVERY_US = 60_000_000  # at most one line per address in this time
MAX_ADDRESSES = 256  # remembered; the one that tried longest ago is forgotten
LINES, LINES_PER_S = 10, 0.1  # of all addresses, at once and after that


class WrongKeys:
    """Counts tries from `now_us` on."""

    def __init__(self, now_us: int) -> None:
        self._tries: dict[str, tuple[int, int | None]] = {}  # untold tries, and when the last line was
        self._lines = TokenBucket(LINES_PER_S, LINES, now_us)

    def note(self, address: str, now_us: int) -> int:
        """Count a try. Return how many tries to tell operators of now; 0 for no line now."""
        tries, told_us = self._tries.pop(address, (0, None))
        tries += 1
        due = (told_us is None or now_us - told_us >= EVERY_US) and self._lines.try_take(1, now_us)
        while len(self._tries) >= MAX_ADDRESSES:
            del self._tries[next(iter(self._tries))]
        self._tries[address] = (0, now_us) if due else (tries, told_us)
        return tries if due else 0
