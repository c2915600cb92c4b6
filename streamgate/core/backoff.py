"""Exponential backoff: how long to wait before the next attempt. Pure."""

BASE_S = 0.5
CAP_S = 30.0
STABLE_S = 20.0


class Backoff:
    """Exponential waits with jitter; a success that lasted `stable_s` resets them.

    A peer that accepts a connection and closes it at once therefore makes the waits longer, too.
    """

    def __init__(self, base_s: float = BASE_S, cap_s: float = CAP_S, stable_s: float = STABLE_S) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._stable_us = round(stable_s * 1_000_000)
        self._failures = 0
        self._up_us: int | None = None

    def succeeded(self, now_us: int) -> None:
        """Record that the attempt succeeded. It counts as stable once it has lasted `stable_s`."""
        self._up_us = now_us

    def failed(self, now_us: int, jitter: float) -> float:
        """Record a failed attempt or a lost connection; return the seconds to wait. `jitter`: in [0, 1).

        The n-th wait lies in the upper half of base * 2^n, never under base nor over cap.
        """
        if self._up_us is not None and now_us - self._up_us >= self._stable_us:
            self._failures = 0
        self._up_us = None
        whole = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return max(self._base_s, whole * (0.5 + 0.5 * jitter))

    def reset(self) -> None:
        self._failures = 0
        self._up_us = None
