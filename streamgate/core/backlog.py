"""Backlog detector: whether a destination keeps up with the program. Pure."""

from collections import deque

from streamgate.wording import NOTHING, Words

WINDOW_US = 20_000_000
MAX_LOST = 0.02
"""A destination that lost more than this share of the window's packets is behind."""
MAX_WAITING_MS = 4000
"""A destination with a longer send queue is behind; a short network stall queues less."""
CAUGHT_UP_MS = 1000


class Backlog:
    """Decides from samples whether one connection is behind.

    `behind` ends when no packet was dropped for a whole window (WINDOW_US).
    """

    def __init__(self) -> None:
        self.reason = NOTHING  # set while it is behind
        self._samples: deque[tuple[int, int, int]] = deque()  # time, packets sent, packets dropped
        self._waited_us: int | None = None  # when the queue was last too long

    @property
    def behind(self) -> bool:
        return self.reason.english != ""

    def sample(self, now_us: int, *, sent: int, dropped: int, waiting_ms: int) -> None:
        """Add a sample. `sent`, `dropped` (queue full): packets so far. `waiting_ms`: queued now."""
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
            window_s = WINDOW_US // 1_000_000
            self.reason = Words(
                f"{share:.0%} of the last {window_s} s did not reach it",
                f"最近 {window_s} 秒的内容有 {share:.0%} 未能送达",
            )
        elif waited:
            self.reason = Words(
                f"{waiting_ms / 1000:.0f} s of the program wait to be sent",
                f"有 {waiting_ms / 1000:.0f} 秒的节目待发送",
            )
        else:
            self.reason = NOTHING
