"""How often something may happen: a token bucket. Pure."""


class RateLimit:
    """Allows `burst` at once and then one more every `every_us`.

    Times are microseconds of a monotonic clock; one that runs backwards gives nothing back.
    """

    def __init__(self, burst: int, every_us: int) -> None:
        self._every_us = every_us
        self._room_us = (burst - 1) * every_us
        self._free_us: int | None = None  # when the bucket would be full again

    def wait_us(self, now_us: int) -> int:
        """Return how long until one more is allowed; 0 when it is now."""
        return 0 if self._free_us is None else max(0, self._free_us - self._room_us - now_us)

    def take(self, now_us: int) -> bool:
        """Use up one if it is allowed now; return whether it is."""
        if self.wait_us(now_us):
            return False
        self._free_us = max(self._free_us or now_us, now_us) + self._every_us
        return True
