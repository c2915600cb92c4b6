"""Token bucket: bounds a rate and lets bursts through. Pure: times in microseconds are arguments."""


class TokenBucket:
    """Holds up to `burst` tokens and gains `rate_per_s` of them a second. It starts full.

    It may go into debt: what is known only after it was done is charged all the same.
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
        """Return how many tokens there are; negative is a debt."""
        if now_us > self._at_us:
            self._level = min(self._burst, self._level + (now_us - self._at_us) * self._per_us)
            self._at_us = now_us
        return self._level

    def wait_us(self, now_us: int, amount: float = 1.0) -> int:
        """Return how long until `amount` is there; 0 when it is now."""
        missing = amount - self.level(now_us)
        return 0 if missing <= 0 else round(missing / self._per_us) + 1

    def charge(self, amount: float, now_us: int) -> int:
        """Take `amount` whether it is there or not; return the microseconds until no debt is left."""
        self._level = self.level(now_us) - amount
        return self.wait_us(now_us, 0.0)

    def try_take(self, amount: float, now_us: int) -> bool:
        """Take `amount` if it is there; return whether it was."""
        if self.level(now_us) < amount:
            return False
        self._level -= amount
        return True
