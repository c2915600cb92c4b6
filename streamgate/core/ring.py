"""Ring buffer of packets between arrival and air, in order of arrival."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from streamgate.core.packet import Kind, Packet

REFILLED = -1  # the run of packets refilled from the main camera's recording
OVERHEAD = 200  # bytes per held packet beside its payload (measured with tracemalloc)


class Held(NamedTuple):
    """A packet in the ring.

    `arrival`: microseconds. `run`: number of the unbroken run of one source and format. `number`: as in
    `Aired`.
    """

    arrival: int
    run: int
    packet: Packet
    number: int = 0


class Ring:
    """Ring buffer bounded by bytes: `add` rejects a packet and returns False when there is no room."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.popped = 0  # arrival of the newest packet that has left, to air or not
        self._held: deque[Held] = deque()
        self._keyframes: deque[tuple[int, int]] = deque()  # (arrival, run)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        """Iterate over the packets held, in order of arrival."""
        return iter(self._held)

    def add(self, held: Held) -> bool:
        size = len(held.packet.data) + OVERHEAD
        if self.bytes + size > self.max_bytes:
            return False
        self.bytes += size
        self._held.append(held)
        if held.packet.keyframe:
            self._keyframes.append((held.arrival, held.run))
        return True

    def add_before(self, older: Sequence[Held]) -> bool:
        """Insert packets, in order, that arrived before all those held; False: they do not fit."""
        size = sum(len(held.packet.data) + OVERHEAD for held in older)
        if self.bytes + size > self.max_bytes:
            return False
        self.bytes += size
        self._held.extendleft(reversed(older))
        self._keyframes.extendleft(
            (held.arrival, held.run) for held in reversed(older) if held.packet.keyframe
        )
        return True

    @property
    def head(self) -> Held | None:
        return self._held[0] if self._held else None

    def pop(self) -> Held:
        held = self._held.popleft()
        self.popped = held.arrival
        self.bytes -= len(held.packet.data) + OVERHEAD
        if held.packet.keyframe:
            self._keyframes.popleft()
        return held

    def clear(self) -> None:
        self._held.clear()
        self._keyframes.clear()
        self.bytes = self.popped = 0

    def next_video(self) -> Held | None:
        """Return the first video packet among the first 256, since audio and video come interleaved."""
        for held in islice(self._held, 256):
            if held.packet.kind is Kind.VIDEO:
                return held
        return None

    def last_video(self, arrival: int) -> int | None:
        """Return the arrival of the newest picture held that arrived by `arrival`; None: there is none."""
        for held in reversed(self._held):
            if held.arrival <= arrival and held.packet.kind is Kind.VIDEO:
                return held.arrival
        return None

    def keyframes(self) -> Iterator[tuple[int, int]]:
        """Iterate over (arrival, run) of each keyframe held, oldest first."""
        return iter(self._keyframes)
