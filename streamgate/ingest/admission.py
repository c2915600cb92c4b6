"""Connection limits per address, and delays of answers to wrong keys. Pure: times are arguments."""

from collections import Counter
from collections.abc import Hashable

import msgspec

from streamgate.core.bucket import TokenBucket

MAX_PEERS = 4096  # addresses whose rates are kept
YOUNG_US = 3_000_000
"""Up to this age a connection that does not publish yet is not closed to make room for others."""


class Limits(msgspec.Struct, frozen=True):
    """Limits of encoders. Beyond them ingest reads slower, drops, refuses or disconnects, with a reason."""

    connections: int = 256
    per_ip: int = 64  # a relay or a NAT in front of many encoders has one address
    connects: int = 64  # of one address: burst
    connects_per_s: float = 20.0  # of one address: rate after the burst
    tls_per_s: float = 50.0  # TLS handshakes of all addresses; each costs about a millisecond
    publish_s: float = 10.0  # from connecting to a publish command
    idle_s: float = 15.0  # without a received byte
    failures: int = 10  # wrong keys of one address and window that are answered at once
    failures_window_s: float = 60.0
    tarpit_s: float = 3.0  # delay of the answer to later ones
    tarpit: int = 32  # at most so many answers are delayed at a time
    messages_per_s: float = 2000.0  # of a publisher: audio, video and script data; above it reading pauses
    chunks_per_s: float = 100_000.0  # of a publisher: 60 Mb/s in the smallest usual chunks, 128 bytes
    scripts_per_s: float = 200.0  # of a publisher: script data of up to 256 bytes; more is dropped
    others_per_s: float = 50.0  # of a publisher: messages that are no media; more end its connection
    max_bitrate_bps: int = 20_000_000  # above it the operator is warned
    unread_bytes: int = 256 * 1024  # answers that a peer has not read; more end its connection


class Admission:
    """Counts connections per address; limits how fast an address connects and sends wrong keys.

    A connection is identified by any hashable `who`. Only those that do not publish are closed to make room.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections: Counter[str] = Counter()
        self._quiet: dict[
            str, dict[Hashable, int]
        ] = {}  # by address, oldest first: those that do not publish, and since when
        self._connects: dict[str, TokenBucket] = {}
        self._failures: dict[str, TokenBucket] = {}

    def enter(self, ip: str, who: Hashable, now_us: int) -> tuple[str, Hashable | None]:
        """Accept or refuse a connection, and count an accepted one.

        Return the reason for refusing it, empty when accepted, and the connection to close for it, if any.
        """
        limits = self._limits
        if not self._bucket(self._connects, ip, limits.connects_per_s, limits.connects, now_us).try_take(
            1, now_us
        ):
            return f"more than {limits.connects_per_s:g} connections a second from one address", None
        victim = None
        if self._connections[ip] >= limits.per_ip:
            victim = self._oldest(ip)
            if victim is None or now_us - self._quiet[ip][victim] < YOUNG_US:
                return f"{limits.per_ip} connections from one address are open, which is the limit", None
        elif self._connections.total() >= limits.connections:
            victim = self._make_room(ip, now_us)
            if victim is None:
                return f"{limits.connections} connections are open, which is the limit", None
        self._connections[ip] += 1
        self._quiet.setdefault(ip, {})[who] = now_us
        return "", victim

    def on_published(self, ip: str, who: Hashable) -> None:
        """Note that the connection publishes now: it is no longer closed to make room."""
        self._forget(ip, who)

    def on_unpublished(self, ip: str, who: Hashable, now_us: int) -> None:
        self._quiet.setdefault(ip, {})[who] = now_us

    def leave(self, ip: str, who: Hashable) -> None:
        self._forget(ip, who)
        self._connections[ip] -= 1
        if self._connections[ip] <= 0:
            del self._connections[ip]

    def fail(self, ip: str, now_us: int) -> float:
        """Count a wrong key; return the delay of its answer in seconds."""
        limits = self._limits
        rate = limits.failures / limits.failures_window_s
        taken = self._bucket(self._failures, ip, rate, limits.failures, now_us).try_take(1, now_us)
        return 0.0 if taken else limits.tarpit_s

    def _make_room(self, ip: str, now_us: int) -> Hashable | None:
        """Return the oldest non-publishing connection of the address with most, if it may be closed."""
        greediest = max(self._quiet, key=lambda peer: len(self._quiet[peer]), default=None)
        victim = None if greediest is None else self._oldest(greediest)
        if greediest is None or victim is None:
            return None
        fair = len(self._quiet[greediest]) > len(self._quiet.get(ip, ())) + 1
        return victim if fair or now_us - self._quiet[greediest][victim] >= YOUNG_US else None

    def _oldest(self, ip: str) -> Hashable | None:
        return next(iter(self._quiet.get(ip, ())), None)

    def _forget(self, ip: str, who: Hashable) -> None:
        quiet = self._quiet.get(ip)
        if quiet is not None:
            quiet.pop(who, None)
            if not quiet:
                del self._quiet[ip]

    @staticmethod
    def _bucket(
        buckets: dict[str, TokenBucket], ip: str, rate: float, burst: float, now_us: int
    ) -> TokenBucket:
        """Return the address's bucket and make it the newest; beyond MAX_PEERS the oldest is removed."""
        bucket = buckets.pop(ip, None)
        if bucket is None:
            bucket = TokenBucket(rate, burst, now_us)
            while len(buckets) >= MAX_PEERS:
                del buckets[next(iter(buckets))]
        buckets[ip] = bucket
        return bucket
