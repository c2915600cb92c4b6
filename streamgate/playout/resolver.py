"""DNS resolver in threads of its own: a name server that hangs delays only its own names.

libuv and asyncio share a few threads among all look-ups, so that a few hanging names block all others.
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
from streamgate.wording import NOTHING, Words, said_by_others

MAX_LOOKUPS = 64
"""Most look-ups at a time, one per name. The system's time limit for one is 10 to 30 s."""
ANSWER_S = 5.0
"""Time limit for an answer when no address is known yet."""
ANSWER_KNOWN_S = 2.0
"""Time limit for an answer when an earlier address is known."""
KEPT_S = 12 * 3600.0
"""How long addresses stay usable when newer look-ups fail: a long broadcast."""
MAX_KEPT = 256
MAX_ADDRESSES = 8

Address: TypeAlias = tuple[socket.AddressFamily, str]
Lookup: TypeAlias = Callable[..., list[tuple[Any, ...]]]


class Addresses(NamedTuple):
    """Addresses of a name, in the order to try. `old`: why earlier ones are used; empty if they are new."""

    found: tuple[Address, ...]
    old: Words = NOTHING


class _Kept(NamedTuple):
    found: tuple[Address, ...]
    at_us: int


_LOCALHOST = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Resolver:
    """Resolves names for all destinations of a process. `lookup`: as `socket.getaddrinfo`."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._threads = DaemonThreads("look-up", MAX_LOOKUPS)
        self._pending: dict[str, asyncio.Future[tuple[Address, ...] | Words]] = {}
        self._kept: dict[str, _Kept] = {}

    async def resolve(self, host: str) -> Addresses:
        """Return the addresses of `host`; those of an earlier look-up when there is no answer in time.

        Numeric addresses and localhost need no look-up. Raises DestinationError when there is no address.
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
            pending = self._threads.call(self._query, host)
            self._pending[host] = pending
            pending.add_done_callback(lambda done: self._keep(host, done))
        kept = self._kept.get(host)
        if kept is not None and now_us() - kept.at_us > KEPT_S * 1e6:
            del self._kept[host]
            kept = None
        wait_s = ANSWER_S if kept is None else ANSWER_KNOWN_S
        await asyncio.wait((pending,), timeout=wait_s)
        late = Words(f"no answer within {wait_s:g} s", f"{wait_s:g} 秒内没有应答")
        answer = pending.result() if pending.done() else late
        if not isinstance(answer, Words):
            return Addresses(answer)
        if kept is None:
            raise DestinationError(
                f"the name {host} cannot be looked up: {answer.english}",
                f"无法解析域名 {host}：{answer.chinese}",
            )
        age_s = (now_us() - kept.at_us) // 1_000_000
        age, unit, unit_zh = (age_s, "s", "秒") if age_s < 120 else (age_s // 60, "min", "分钟")
        english = f"the name {host} could not be looked up ({answer.english}); its address of"
        chinese = f"域名 {host} 解析失败（{answer.chinese}），使用了 {age} {unit_zh}前的地址"
        return Addresses(kept.found, Words(f"{english} {age} {unit} ago was used", chinese))

    def _query(self, host: str) -> tuple[Address, ...] | Words:
        """Look `host` up; blocks. Return its addresses, alternating IPv4 and IPv6, or why there are none."""
        try:
            rows = self._lookup(host, None, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None)
            return Words(said, said_by_others(said)) if said else Words("not a name", "不是有效的域名")
        found = list(dict.fromkeys((row[0], str(row[4][0])) for row in rows))
        if not found:
            return Words("it has no address", "该域名没有地址")
        first = [one for one in found if one[0] == found[0][0]]
        others = [one for one in found if one[0] != found[0][0]]
        turns = chain.from_iterable(zip_longest(first, others))
        return tuple(one for one in turns if one is not None)[:MAX_ADDRESSES]

    def _keep(self, host: str, done: "asyncio.Future[tuple[Address, ...] | Words]") -> None:
        del self._pending[host]
        if done.cancelled() or isinstance(done.result(), Words):
            return
        self._kept.pop(host, None)
        while len(self._kept) >= MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[host] = _Kept(done.result(), now_us())  # type: ignore[arg-type]
