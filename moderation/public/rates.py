"""Rate limits for addresses, viewers and sources, in bounded memory.

IPv6 addresses are counted by /64, which is what one subscriber gets.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from moderation.public.problems import RATE_LIMITED, Problem, RequestRefused
from streamgate.clock import now_us
from streamgate.core.bucket import TokenBucket

MAX_KEYS = 50_000


class Limits:
    """The limits. Those of an address are generous, because a school may be behind one router."""

    def __init__(
        self,
        *,
        address_comments: tuple[float, float] = (20.0, 100.0),
        address_viewers: tuple[float, float] = (5.0, 300.0),
        address_reads: tuple[float, float] = (200.0, 4000.0),
        viewer_comments: tuple[float, float] = (0.5, 5.0),
        source_comments: tuple[float, float] = (40_000.0, 80_000.0),
    ) -> None:
        """Each limit is (per second, burst). `address_reads`: reads of own comments, and opened feeds."""
        self.address_comments = address_comments
        self.address_viewers = address_viewers
        self.address_reads = address_reads
        self.viewer_comments = viewer_comments
        self.source_comments = source_comments


class Rate:
    """A token bucket for each key. Beyond 50,000 keys the least recently used one is dropped."""

    def __init__(self, allowed: tuple[float, float], problem: Problem = RATE_LIMITED) -> None:
        self._per_s, self._burst = allowed
        self._problem = problem
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str, amount: float = 1.0) -> None:
        """Take `amount`, or raise RequestRefused (429) with the seconds to wait.

        An amount above the burst is taken once the bucket is full.
        """
        if (wait_us := self._take(key, amount)) > 0:
            raise RequestRefused(self._problem, wait_us / 1e6)

    def try_take(self, key: str, amount: float = 1.0) -> bool:
        """Take `amount` if the bucket has it; return whether it did."""
        return self._take(key, amount) == 0

    def _take(self, key: str, amount: float) -> int:
        now = now_us()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._per_s, self._burst, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        wait_us = bucket.wait_us(now, min(amount, self._burst))
        if wait_us <= 0:
            bucket.charge(amount, now)
        return wait_us

    def give_back(self, key: str, amount: float = 1.0) -> None:
        """Undo a `take` whose request was not carried out."""
        if (bucket := self._buckets.get(key)) is not None:
            bucket.charge(-amount, now_us())


class Rates:
    """All rates of the public address."""

    def __init__(self, limits: Limits) -> None:
        self.address_comments = Rate(limits.address_comments)
        self.address_viewers = Rate(limits.address_viewers)
        self.address_reads = Rate(limits.address_reads)
        self.viewer_comments = Rate(limits.viewer_comments)
        self.source_comments = Rate(limits.source_comments)


@lru_cache(4096)
def address_key(host: str) -> str:
    """Return the key of an address: itself, or the /64 of an IPv6 address."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the key of the client's address in an ASGI scope; "" when it has none."""
    client = scope.get("client")
    return address_key(client[0]) if client else ""
