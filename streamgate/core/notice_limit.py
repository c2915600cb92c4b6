"""Rate limit for repeated notices: some of each kind pass, the others are summed up in one. Pure."""

from typing import Generic, NamedTuple, TypeVar

from streamgate.core.bucket import TokenBucket

AT_ONCE = 20
EVERY_US = 6_000_000  # ten a minute, once AT_ONCE have passed
SUM_UP_US = 60_000_000  # held notices are reported this long after the first of them
T = TypeVar("T")


class Held(NamedTuple, Generic[T]):
    """Notices of one kind that were held: their number, and the newest one."""

    last: T
    number: int


class _Kind(Generic[T]):
    def __init__(self) -> None:
        self.limit = TokenBucket.every(AT_ONCE, EVERY_US)
        self.passed_us = 0
        self.held: Held[T] | None = None
        self.held_since_us = 0


class NoticeLimit(Generic[T]):
    """Limits notices per kind (channel and code). A kind without notices for SUM_UP_US is dropped."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], _Kind[T]] = {}

    def admit(self, channel: str, code: str, notice: T, now_us: int) -> bool:
        """Return whether a notice may pass now; otherwise hold it."""
        kind = self._kinds.setdefault((channel, code), _Kind())
        if kind.held is None and kind.limit.try_take(1, now_us):
            kind.passed_us = now_us
            return True
        if kind.held is None:
            kind.held_since_us = now_us
        kind.held = Held(notice, 1 if kind.held is None else kind.held.number + 1)
        return False

    def due(self, now_us: int, *, everything: bool = False) -> list[Held[T]]:
        """Return the held notices that are due now, one item per kind."""
        found = []
        for key, kind in list(self._kinds.items()):
            if kind.held is not None:
                if everything or now_us - kind.held_since_us >= SUM_UP_US:
                    found.append(kind.held)
                    kind.held, kind.passed_us = None, now_us
            elif now_us - kind.passed_us >= SUM_UP_US:
                del self._kinds[key]
        return found
