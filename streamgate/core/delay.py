"""The delay: its bounds (the minimum of rule R1, the maximum that a ring is sized for), and raising it.

Pure. Times in microseconds.
"""

from streamgate.errors import Refused

MIN_DELAY_S = 30.0  # rule R1, Art. 16: at least 30 seconds. Nothing lowers it.
MAX_DELAY_S = 600.0
MIN_DELAY_US = round(MIN_DELAY_S * 1_000_000)


def check_delay(seconds: float) -> int:
    """Return the delay in microseconds.

    Raises:
        Refused: outside 30 to 600 s, or NaN.
    """
    if not seconds >= MIN_DELAY_S:
        raise Refused(
            f"a delay of {seconds:g} s is refused by rule R1 (Art. 16: at least {MIN_DELAY_S:g} seconds);"
            f" allowed are {MIN_DELAY_S:g} to {MAX_DELAY_S:g} s; choose {MIN_DELAY_S:g} or more",
            f"延时 {seconds:g} 秒被拒绝：规则 R1（第十六条）要求不少于 {MIN_DELAY_S:g} 秒",
        )
    if seconds > MAX_DELAY_S:
        raise Refused(
            f"a delay of {seconds:g} s is too long; allowed are {MIN_DELAY_S:g} to {MAX_DELAY_S:g} s"
            f" (the whole delay is held in memory); choose {MAX_DELAY_S:g} or less",
            f"延时 {seconds:g} 秒过长，允许 {MIN_DELAY_S:g} 至 {MAX_DELAY_S:g} 秒",
        )
    return round(seconds * 1_000_000)


class Delay:
    """A channel's delay. On air it can only be raised; a raise applies to packets from one arrival on."""

    def __init__(self, seconds: float) -> None:
        self._us = check_delay(seconds)
        self._raise: tuple[int, int] | None = None  # (first arrival that it applies to, new delay)

    @property
    def us(self) -> int:
        """The delay of packets that arrive now."""
        return self._us if self._raise is None else self._raise[1]

    def of(self, arrival: int) -> int:
        """Return the delay of a packet that arrived at `arrival`."""
        if self._raise is not None and arrival >= self._raise[0]:
            return self._raise[1]
        return self._us

    def due(self, arrival: int) -> int:
        """Return when a packet that arrived at `arrival` is due."""
        return arrival + self.of(arrival)

    def past(self, now: int) -> int:
        """Return the newest arrival that is due by `now`."""
        due = now - self._us
        if self._raise is not None and due >= self._raise[0]:
            return max(self._raise[0] - 1, now - self._raise[1])
        return due

    def set(self, us: int) -> None:
        """Change the delay at once for all packets held: off air, or while filler airs."""
        self._us = us

    def raise_to(self, us: int, keyframe: int | None) -> None:
        """Raise the delay for packets from a keyframe's arrival on; None: at once.

        If an earlier raise is still pending, it keeps its arrival and gets the new delay.
        """
        if self._raise is not None:
            self._raise = (self._raise[0], us)
        elif keyframe is None:
            self._us = us
        else:
            self._raise = (keyframe, us)

    def take_hold(self, head: int | None) -> None:
        """Complete a raise once all packets before it have left. `head`: arrival of the oldest one held."""
        if self._raise is not None and (head is None or head >= self._raise[0]):
            self._us, self._raise = self._raise[1], None

    def settle(self) -> None:
        """Complete a raise at once: the keyframe that it waits for is no longer held."""
        self._us, self._raise = max(self._us, self.us), None
