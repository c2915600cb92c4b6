"""Token bucket: limits a rate and allows bursts. Pure: times in microseconds are arguments."""


class TokenBucket:
    """A token bucket: holds up to `burst` tokens and gains `rate_per_s` tokens per second. It starts full.

    Its level may go below 0: work whose cost is known only afterwards is still charged.
    """

    __slots__ = ("_at_us", "_burst", "_level", "_per_us")

    def __init__(self, rate_per_s: float, burst: float, now_us: int) -> None:
        self._per_us = rate_per_s / 1e6
        self._burst = float(burst)
        self._level = self._burst
        self._at_us = now_us

    @classmethod
    def every(cls, burst: int, every_us: int) -> "TokenBucket":
        """Return a bucket of `burst` tokens that gains one every `every_us`."""
        return cls(1e6 / every_us, burst, 0)

    def level(self, now_us: int) -> float:
        """Return the number of tokens; negative is a debt."""
        if now_us > self._at_us:
            self._level = min(self._burst, self._level + (now_us - self._at_us) * self._per_us)
            self._at_us = now_us
        return self._level

    def wait_us(self, now_us: int, amount: float = 1.0) -> int:
        """Return the time until the bucket holds `amount`; 0 when it does now."""
        missing = amount - self.level(now_us)
        return 0 if missing <= 0 else round(missing / self._per_us) + 1

    def charge(self, amount: float, now_us: int) -> int:
        """Take `amount`, into debt if need be; return the microseconds until the debt is paid."""
        self._level = self.level(now_us) - amount
        return self.wait_us(now_us, 0.0)

    def try_take(self, amount: float, now_us: int) -> bool:
        """Take `amount` if the bucket holds it; return whether it did."""
        if self.level(now_us) < amount:
            return False
        self._level -= amount
        return True
