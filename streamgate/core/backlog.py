"""Whether a destination keeps up with the program. Pure."""

from collections import deque

WINDOW_US = 20_000_000
MAX_LOST = 0.02
"""Share of the packets of the window; more is behind."""
MAX_WAITING_MS = 4000
"""So much of the program may wait to be sent; a hiccup of the network is over by then."""
CAUGHT_UP_MS = 1000


class Backlog:
    """Judges one connection from samples. `behind` is over when nothing was dropped for a whole window."""

    def __init__(self) -> None:
        self.reason = ""  # in words while it is behind
        self._samples: deque[tuple[int, int, int]] = deque()  # time, packets sent, packets dropped
        self._waited_us: int | None = None  # when the queue was last seen long

    @property
    def behind(self) -> bool:
        return self.reason != ""

    def sample(self, now_us: int, *, sent: int, dropped: int, waiting_ms: int) -> None:
        """`sent`, `dropped`: packets so far, dropped as too many waited. `waiting_ms`: what waits now."""
        self._samples.append((now_us, sent, dropped))
        while now_us - self._samples[0][0] > WINDOW_US:
            self._samples.popleft()
        _, sent_before, dropped_before = self._samples[0]
        lost = dropped - dropped_before
        share = lost / max(1, lost + sent - sent_before)
        if waiting_ms > (CAUGHT_UP_MS if self.behind else MAX_WAITING_MS):
            self._waited_us = now_us
        waited = self._waited_us is not None and now_us - self._waited_us <= WINDOW_US
        if share > MAX_LOST or (self.behind and lost):
            self.reason = f"{share:.0%} of the last {WINDOW_US // 1_000_000} s did not reach it"
        elif waited:
            self.reason = f"{waiting_ms / 1000:.0f} s of the program wait to be sent"
        else:
            self.reason = ""
