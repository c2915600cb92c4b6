"""Rates: how often an address, a viewer or a source may do something. Bounded in memory, whoever comes.

An IPv6 address counts by its /64: that is what one subscriber gets.
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
    """What is allowed. An address may be a whole school behind one router: generous; a viewer is a person."""

    def __init__(
        self,
        *,
        address_comments: tuple[float, float] = (20.0, 100.0),
        address_viewers: tuple[float, float] = (5.0, 300.0),
        address_reads: tuple[float, float] = (200.0, 4000.0),
        viewer_comments: tuple[float, float] = (0.5, 5.0),
        source_comments: tuple[float, float] = (40_000.0, 80_000.0),
    ) -> None:
        """Each: how many a second, and how many at once. `address_reads`: own comments, and feeds opened."""
        self.address_comments = address_comments
        self.address_viewers = address_viewers
        self.address_reads = address_reads
        self.viewer_comments = viewer_comments
        self.source_comments = source_comments


class Rate:
    """One rate for many keys. Of more than 50,000 keys those that were not used for longest are forgotten."""

    def __init__(self, allowed: tuple[float, float], problem: Problem = RATE_LIMITED) -> None:
        self._per_s, self._burst = allowed
        self._problem = problem
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, key: str, amount: float = 1.0) -> None:
        """Take `amount`, or raise RequestRefused (429) with the seconds until it is there.

        More than ever fits is taken once the bucket is full.
        """
        now = now_us()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._per_s, self._burst, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        wait_us = bucket.wait_us(now, min(amount, self._burst))
        if wait_us > 0:
            raise RequestRefused(self._problem, wait_us / 1e6)
        bucket.charge(amount, now)

    def give_back(self, key: str, amount: float = 1.0) -> None:
        """Undo a `take`: what it was for did not come to pass."""
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
    """Return what an address counts as: itself, or the /64 of an IPv6 address."""
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
    """Return what the address counts as that an ASGI scope tells of; "" when it tells of none."""
    client = scope.get("client")
    return address_key(client[0]) if client else ""
