"""Addresses of names, looked up apart from the loop: a name server that hangs holds up only its own names.

libuv and asyncio give all look-ups a few common threads, so that a few names that hang stop all others.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from itertools import chain, zip_longest
from typing import Any, NamedTuple, TypeAlias

from streamgate.clock import now_us
from streamgate.errors import DestinationError
from streamgate.runtime.apart import DaemonThreads

MAX_LOOKUPS = 64
"""At a time, one per name. The system gives a look-up up after 10 to 30 s."""
ANSWER_S = 5.0
"""So long an answer is waited for where no address is known yet."""
ANSWER_KNOWN_S = 2.0
"""And so long where one is."""
KEPT_S = 12 * 3600.0
"""So long addresses are used after the look-up that brought them, when newer ones fail: a long broadcast."""
MAX_KEPT = 256
MAX_ADDRESSES = 8

Address: TypeAlias = tuple[socket.AddressFamily, str]
Lookup: TypeAlias = Callable[..., list[tuple[Any, ...]]]


class Addresses(NamedTuple):
    """What a name stands for, in the order to try. `old`: why they are not of today, empty when they are."""

    found: tuple[Address, ...]
    old: str = ""


class _Kept(NamedTuple):
    found: tuple[Address, ...]
    at_us: int


_LOCALHOST = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Resolver:
    """Looks names up for all destinations of a process. `lookup`: as `socket.getaddrinfo`."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._threads = DaemonThreads("look-up", MAX_LOOKUPS)
        self._pending: dict[str, asyncio.Future[tuple[Address, ...] | str]] = {}
        self._kept: dict[str, _Kept] = {}

    async def resolve(self, host: str) -> Addresses:
        """Return the addresses of `host`; those of an earlier look-up when there is no answer in time.

        Numeric addresses and localhost need no look-up. DestinationError says why there is no address.
        """
        host = host.rstrip(".").lower()
        if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
            return Addresses(_LOCALHOST)
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            return await self._resolve(host)
        family = socket.AF_INET if number.version == 4 else socket.AF_INET6
        return Addresses(((family, str(number)),))

    async def _resolve(self, host: str) -> Addresses:
        pending = self._pending.get(host)
        if pending is None:
            pending = self._threads.call(self._ask, host)
            self._pending[host] = pending
            pending.add_done_callback(lambda done: self._keep(host, done))
        kept = self._kept.get(host)
        if kept is not None and now_us() - kept.at_us > KEPT_S * 1e6:
            del self._kept[host]
            kept = None
        wait_s = ANSWER_S if kept is None else ANSWER_KNOWN_S
        await asyncio.wait((pending,), timeout=wait_s)
        answer = pending.result() if pending.done() else f"no answer within {wait_s:g} s"
        if not isinstance(answer, str):
            return Addresses(answer)
        if kept is None:
            raise DestinationError(f"the name {host} cannot be looked up: {answer}")
        age_s = (now_us() - kept.at_us) // 1_000_000
        age = f"{age_s} s" if age_s < 120 else f"{age_s // 60} min"
        return Addresses(
            kept.found,
            f"the name {host} could not be looked up ({answer}); its address of {age} ago was used",
        )

    def _ask(self, host: str) -> tuple[Address, ...] | str:
        """Look `host` up; blocking. Return its addresses, the families in turn, or why there are none."""
        try:
            rows = self._lookup(host, None, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            return getattr(error, "strerror", None) or "not a name"
        found = list(dict.fromkeys((row[0], str(row[4][0])) for row in rows))
        if not found:
            return "it has no address"
        first = [one for one in found if one[0] == found[0][0]]
        others = [one for one in found if one[0] != found[0][0]]
        turns = chain.from_iterable(zip_longest(first, others))
        return tuple(one for one in turns if one is not None)[:MAX_ADDRESSES]

    def _keep(self, host: str, done: "asyncio.Future[tuple[Address, ...] | str]") -> None:
        del self._pending[host]
        if done.cancelled() or isinstance(done.result(), str):
            return
        self._kept.pop(host, None)
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[host] = _Kept(done.result(), now_us())  # type: ignore[arg-type]
