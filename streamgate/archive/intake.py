"""The bounded hand-over from the gate's loop to the archive's thread."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from streamgate.archive.containers import Arrived
from streamgate.archive.notices import LOSING
from streamgate.archive.parts import Gap
from streamgate.core.packet import FeedFormat

Alarm = Callable[[str, Mapping[str, object]], None]

LATE_US = 10_000_000  # the writer is behind when it has not come to a packet for this long
OVERHEAD = 256  # bytes of memory a queued item needs beside its payload


class NewFormat(msgspec.Struct, frozen=True):
    feed: FeedFormat
    source: str


class End(msgspec.Struct, frozen=True):
    reason: str


Item = Arrived | NewFormat | End | Gap


def cost(item: Item) -> int:
    """Return the bytes an item counts for in the queue."""
    if isinstance(item, Arrived):
        return OVERHEAD + len(item.packet.data)
    if isinstance(item, NewFormat):
        tracks = (item.feed.video, item.feed.audio)
        return 4 * OVERHEAD + sum(len(track.config) for track in tracks if track is not None)
    return OVERHEAD


def gap_of(items: Sequence[Arrived], reason: str) -> Gap:
    """Return the gap that packets leave behind which are not recorded."""
    size = sum(len(item.packet.data) for item in items)
    return Gap(len(items), size, reason, items[0].wall_s, items[-1].wall_s)


class Intake:
    """A queue of at most `limit` bytes between two threads. One puts and never waits, one takes.

    When it is full packets are dropped (GOP by GOP: what is left of the one at hand, and then whole ones)
    until a keyframe finds half of it free; a `Gap` in the queue stands for them. No lock: the ends of a deque
    are atomic and each counter has one thread that writes it.
    """

    def __init__(self, limit: int, alarm: Alarm) -> None:
        self._limit = limit
        self._alarm = alarm
        self._queue: deque[Item] = deque()
        self._given = 0
        self._taken = 0
        self._losing: Gap | None = None
        self._losing_since_us = 0
        self._newest_us = 0
        self._deferred: NewFormat | None = None
        self._has_video = False
        self._said_behind = False
        self.lost = 0  # packets dropped

    # ------------------------------------------------------------ the thread that puts

    def format(self, item: NewFormat) -> None:
        """Take a format. While packets are lost the newest one waits for the end of that."""
        self._has_video = item.feed.video is not None
        queued = self._given - self._taken
        if self._losing is None and queued + cost(item) > self._limit:
            self._begin_losing(self._newest_us, queued, "behind")
        if self._losing is not None:
            self._deferred = item
        else:
            self._put(item)

    def packet(self, item: Arrived, reason: str) -> int:
        """Take a packet or count it as lost for `reason`; return the bytes that were queued before it."""
        queued = self._given - self._taken
        arrival_us = self._newest_us = item.arrival_us
        if self._losing is not None and not self._resume(item, queued):
            self._lose(item, self._losing)
            return queued
        if queued + cost(item) > self._limit:
            self._lose(item, self._begin_losing(arrival_us, queued, reason))
            return queued
        if self.behind(arrival_us) != self._said_behind:
            self._said_behind = not self._said_behind
            code = "archive_behind" if self._said_behind else "archive_caught_up"
            self._alarm(code, {"queued_bytes": queued, "lost_packets": self.lost})
        self._put(item)
        return queued

    def end(self, reason: str, *, last: bool = False) -> None:
        """Say that nothing follows for now. When there is no room only a `last` end is sure to be put."""
        queued = self._given - self._taken
        if last or queued * 2 < self._limit or (self._losing is None and queued + OVERHEAD <= self._limit):
            self._settle()
            self._put(End(reason))

    def behind(self, at_us: int) -> bool:
        """Whether packets are lost, half of the queue is full, or its oldest packet waits for over 10 s."""
        if self._losing is not None or (self._given - self._taken) * 2 > self._limit:
            return True
        try:
            oldest = self._queue[0]
        except IndexError:
            return False
        return isinstance(oldest, Arrived) and at_us - oldest.arrival_us > LATE_US

    def _put(self, item: Item) -> None:
        self._given += cost(item)
        self._queue.append(item)

    def _begin_losing(self, at_us: int, queued: int, reason: str) -> Gap:
        self._losing_since_us = at_us
        said, said_zh = LOSING.get(reason, (reason, reason))
        self._alarm("archive_losing", {"queued_bytes": queued, "reason": said, "reason_zh": said_zh})
        self._losing = Gap(0, 0, reason)
        return self._losing

    def _lose(self, item: Arrived, gap: Gap) -> None:
        self._losing = gap.joined(gap_of([item], gap.reason))
        self.lost += 1

    def _resume(self, item: Arrived, queued: int) -> bool:
        """Whether recording goes on with this packet; if so the gap is put."""
        for_long = item.arrival_us - self._losing_since_us > 2 * LATE_US
        startable = item.packet.keyframe or not self._has_video or for_long
        if queued * 2 > self._limit or not startable:
            return False
        self._settle()
        return True

    def _settle(self) -> None:
        """Put what is known of the loss, and the format that came during it."""
        if self._losing is not None:
            self._put(self._losing)
            self._losing = None
        if self._deferred is not None:
            self._put(self._deferred)
            self._deferred = None

    # ------------------------------------------------------------ the thread that takes

    def first(self) -> Item | None:
        """Return the oldest item without removing it: it stays until it is written or held elsewhere."""
        return self._queue[0] if self._queue else None

    def done(self, item: Item) -> None:
        self._taken += cost(item)
        self._queue.popleft()

    def packets(self) -> int:
        """Return how many packets are queued."""
        return sum(isinstance(item, Arrived) for item in list(self._queue))

    def __len__(self) -> int:
        return len(self._queue)
