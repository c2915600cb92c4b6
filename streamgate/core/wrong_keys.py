"""Rate limit of log lines about wrong stream keys, per address. Pure: times are arguments."""

from streamgate.core.bucket import TokenBucket

EVERY_US = 60_000_000  # at most one line per address in this time
MAX_ADDRESSES = 256  # the address that tried longest ago is dropped
LINES, LINES_PER_S = 10, 0.1  # over all addresses: burst, and rate after that


class WrongKeys:
    """Counts attempts with a wrong key. `now_us`: the start."""

    def __init__(self, now_us: int) -> None:
        self._tries: dict[str, tuple[int, int | None]] = {}  # attempts since, and time of, the last line
        self._lines = TokenBucket(LINES_PER_S, LINES, now_us)

    def note(self, address: str, now_us: int) -> int:
        """Count an attempt. Return the number of attempts for a line to operators; 0: no line now."""
        tries, told_us = self._tries.pop(address, (0, None))
        tries += 1
        due = (told_us is None or now_us - told_us >= EVERY_US) and self._lines.try_take(1, now_us)
        while len(self._tries) >= MAX_ADDRESSES:
            del self._tries[next(iter(self._tries))]
        self._tries[address] = (0, now_us) if due else (tries, told_us)
        return tries if due else 0
