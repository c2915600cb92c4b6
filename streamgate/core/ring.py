"""The ring: packets between arrival and air, in order of arrival."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from streamgate.core.packet import Kind, Packet

OVERHEAD = 200  # bytes that a held packet costs beside its payload (measured with tracemalloc)


class Held(NamedTuple):
    """A packet in the ring.

    `arrival`: microseconds. `run` numbers unbroken runs of one source and format. `number`: as in `Aired`.
    """

    arrival: int
    run: int
    packet: Packet
    number: int = 0


class Ring:
    """Bounded by bytes: `add` says False when there is no room, and the packet is not held."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._held: deque[Held] = deque()
        self._keyframes: deque[tuple[int, int]] = deque()  # (arrival, run)

    def __len__(self) -> int:
        return len(self._held)

    def add(self, held: Held) -> bool:
        size = len(held.packet.data) + OVERHEAD
        if self.bytes + size > self.max_bytes:
            return False
        self.bytes += size
        self._held.append(held)
        if held.packet.keyframe:
            self._keyframes.append((held.arrival, held.run))
        return True

    @property
    def head(self) -> Held | None:
        return self._held[0] if self._held else None

    def pop(self) -> Held:
        held = self._held.popleft()
        self.bytes -= len(held.packet.data) + OVERHEAD
        if held.packet.keyframe:
            self._keyframes.popleft()
        return held

    def clear(self) -> None:
        self._held.clear()
        self._keyframes.clear()
        self.bytes = 0

    def next_video(self) -> Held | None:
        """The first video packet: a few steps from the head, as audio and video come interleaved."""
        for held in islice(self._held, 256):
            if held.packet.kind is Kind.VIDEO:
                return held
        return None

    def keyframes(self) -> Iterator[tuple[int, int]]:
        """(arrival, run) of each keyframe held, oldest first."""
        return iter(self._keyframes)
