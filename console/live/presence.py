"""Who watches which channel at the moment: the people who have its pictures open in a page."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator

from console.auth.principals import Principal, Session
from console.live.messages import Present

MAX_NAMED = 20


class Presence:
    """Counts the sockets of pictures of each person; a page has two of them open, and somebody two pages."""

    def __init__(self) -> None:
        self._open: dict[str, Counter[Session]] = {}

    @contextlib.contextmanager
    def watching(self, who: Principal, channel: str) -> Iterator[None]:
        """Count somebody in while a socket is open; a program with a token is nobody."""
        if not isinstance(who, Session):
            yield
            return
        counter = self._open.setdefault(channel, Counter())
        counter[who] += 1
        try:
            yield
        finally:
            counter[who] -= 1
            if not counter[who]:
                del counter[who]
            if not counter and self._open.get(channel) is counter:
                del self._open[channel]

    def of(self, channels: Iterable[str]) -> dict[str, list[Present]]:
        """Return for each of these channels who watches it, each person once, the first `MAX_NAMED` by name.

        A person counts as idle when all their sessions do.
        """
        present = {}
        for channel in channels:
            idle: dict[str, bool] = {}
            for session in self._open.get(channel, ()):
                idle[session.user] = idle.get(session.user, True) and session.idle
            present[channel] = [Present(user, idle[user]) for user in sorted(idle)[:MAX_NAMED]]
        return present
