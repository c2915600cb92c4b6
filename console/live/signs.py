"""Signs of life (R25): when each person last used keys or pointer at a page of the console that is open."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from math import ceil

from console.auth.principals import Principal, Session
from streamgate.clock import now_us, wall_s

SECOND_US = 1_000_000


class Signs:
    """Holds one moment for each session with an open page, by the monotonic clock.

    A page that connects again is no sign: its person may have left it. An idle session gives none: whoever
    sits there has to sign in again.
    """

    def __init__(self) -> None:
        self._open: Counter[Session] = Counter()
        self._at_us: dict[Session, int] = {}
        self._came = asyncio.Event()

    @contextlib.contextmanager
    def page(self, who: Principal) -> Iterator[None]:
        """Count a page in while it is open; a program with a token has none."""
        if not isinstance(who, Session):
            yield
            return
        if not self._open[who]:
            self._at_us[who] = now_us() - round(max(0.0, wall_s() - who.seen_at) * SECOND_US)
        self._open[who] += 1
        self._came.set()
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who], self._at_us[who]

    def note(self, who: Principal) -> None:
        """Somebody used keys or pointer."""
        if isinstance(who, Session) and not who.idle and who in self._at_us:
            self._at_us[who] = now_us()
            self._came.set()

    def quiet_s(self, user: str) -> float | None:
        """Return for how long a person has left keys and pointer alone; None: no page of theirs is open."""
        found = [at for who, at in self._at_us.items() if who.user == user and not who.idle and not who.ended]
        return ceil((now_us() - max(found)) / SECOND_US * 100) / 100 if found else None  # never too new

    def sessions(self) -> list[Session]:
        """Return the sessions with an open page."""
        return [who for who in self._at_us if not who.ended]

    async def came(self) -> None:
        """Return when somebody gave a sign, or opened a page, since the last call returned."""
        await self._came.wait()
        self._came.clear()
