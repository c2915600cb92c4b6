"""Who may connect and who has tried too many wrong keys. Pure: times in microseconds are arguments."""

from collections import Counter, deque

import msgspec

MAX_PEERS = 4096  # peers whose failures are remembered


class Limits(msgspec.Struct, frozen=True):
    """What an encoder may take of the ingest process. Beyond them its connection ends with a reason."""

    connections: int = 256
    per_ip: int = 64  # a relay or a NAT in front of many encoders has one address
    publish_s: float = 10.0  # from connecting to a publish command
    idle_s: float = 15.0  # without a byte
    failures: int = 10  # refused keys per address and window; then every publish is refused
    failures_window_s: float = 60.0
    max_bitrate_bps: int = 20_000_000  # above it the operator is told
    unread_bytes: int = 256 * 1024  # answers a peer leaves unread


class Admission:
    """Counts connections and refused keys per address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._connections: Counter[str] = Counter()
        self._failures: dict[str, deque[int]] = {}

    def enter(self, ip: str) -> str:
        """Count a connection; return why it is not let in, empty when it is."""
        limits = self._limits
        if self._connections.total() >= limits.connections:
            return f"{limits.connections} connections are open, which is the limit"
        if self._connections[ip] >= limits.per_ip:
            return f"{limits.per_ip} connections from one address are open, which is the limit"
        self._connections[ip] += 1
        return ""

    def leave(self, ip: str) -> None:
        self._connections[ip] -= 1
        if self._connections[ip] <= 0:
            del self._connections[ip]

    def fail(self, ip: str, now_us: int) -> bool:
        """Note a refused key; return whether this one was the last allowed for a while."""
        failures = self._failures.pop(ip, None)
        if failures is None:
            failures = deque(maxlen=self._limits.failures)
            while len(self._failures) >= MAX_PEERS:  # the peer that failed longest ago
                del self._failures[next(iter(self._failures))]
        failures.append(now_us)
        self._failures[ip] = failures
        return self.is_barred(ip, now_us)

    def is_barred(self, ip: str, now_us: int) -> bool:
        """Whether the address has failed too often within the window."""
        failures = self._failures.get(ip)
        if failures is None:
            return False
        window_us = self._limits.failures_window_s * 1e6
        if now_us - failures[-1] > window_us:
            del self._failures[ip]
            return False
        return len(failures) == self._limits.failures and now_us - failures[0] <= window_us
