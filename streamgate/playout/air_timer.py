"""One timer that wakes all channels of the gate process when packets are due.

A wake-up costs more than a packet (ADR 9, ADR 45). Due packets therefore wait up to SLACK_US for the process
to be awake anyway, usually because packets of any channel arrived. No packet leaves before it is due.
"""

import asyncio
from collections.abc import Callable

from streamgate.clock import now_us

SLACK_US = 8_000


class AirTimer:
    """Calls each channel's `pump` when a packet of it is due; see `Channel`."""

    def __init__(self) -> None:
        self._due: dict[Callable[[], None], int] = {}  # next due time per channel
        self._timer: asyncio.TimerHandle | None = None
        self._armed_us = 0  # the time that the timer is set to
        self._running = False

    def set(self, pump: Callable[[], None], due_us: int | None) -> None:
        """Call `pump` at `due_us` (monotonic clock) or soon after it; None: not until it is set again."""
        if due_us is None:
            self._due.pop(pump, None)
        else:
            self._due[pump] = due_us
        if not self._running:
            self._arm()

    def run_due(self) -> None:
        """Call every `pump` that is due, since the process is awake."""
        now = now_us()
        due = [pump for pump, due_us in self._due.items() if due_us <= now]
        if not due:
            return
        self._running = True
        try:
            for pump in due:
                pump()
        finally:
            self._running = False
        self._arm()

    def _fire(self) -> None:
        self._timer = None
        self.run_due()
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        first_us = min(self._due.values(), default=None)
        if self._timer is not None:
            if first_us == self._armed_us:
                return
            self._timer.cancel()
            self._timer = None
        if first_us is not None:
            self._armed_us = first_us
            # In whole milliseconds, rounded up: the loop's timers have this resolution, and one that fires
            # too early would have to be set again repeatedly.
            wait_ms = max(0, first_us + SLACK_US - now_us()) // 1000 + 1
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._fire)
