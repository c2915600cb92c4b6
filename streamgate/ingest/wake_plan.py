"""Planner of wake-ups: when the kernel should wake the process for an encoder's next bytes. Pure.

A wake-up costs more than reading the bytes it brings (ADR 9, ADR 45). Between two pictures one or two small
audio frames arrive; nothing needs them before the next picture. So the kernel shall wake the process only
for a picture's worth of bytes (SO_RCVLOWAT). The wait ends at the latest shortly after the next picture is
expected.

Some senders write a message's header apart from its body and leave Nagle's algorithm on (ffmpeg does both).
They send the body when the header is acknowledged. Linux acknowledges bytes at once when they are read, else
after 40 ms. For such a sender the wait ends shortly before the next picture is expected, so that its header
is read on arrival.
"""

from collections import deque

MAX_WAIT_US = 60_000  # from a picture to the deadline of the next; slower feeds are read without a wait
LATE_US = 10_000  # the wait ends so long after the expected time of the picture
EARLY_US = 6_000  # or so long before it, for a sender that waits for acknowledgements
HEAD_BYTES = 32  # at most, of a message header that arrives alone
HEADS = 3  # such pictures in a row identify such a sender; one happens to any
MAX_BYTES = 32 * 1024  # to wait for: half of Linux's first receive window
PICTURES = 32  # recent ones; half of the smallest is a picture's worth


class WakePlan:
    """Measures intervals and sizes of one publisher's pictures to plan wake-ups. Times in microseconds."""

    def __init__(self) -> None:
        self._sizes: deque[int] = deque(maxlen=PICTURES)
        self._last_us: int | None = None
        self._interval_us = 0.0
        self._heads_alone = 0
        self._wait_ended = False  # since the last picture
        self._waits_for_acks = False

    def add_picture(self, size: int, now_us: int) -> None:
        """Record that a picture of `size` bytes arrived."""
        self._sizes.append(size)
        if not self._wait_ended:
            self._heads_alone = 0
        self._wait_ended = False
        if self._last_us is not None:
            gap_us = min(now_us - self._last_us, 2 * MAX_WAIT_US)
            self._interval_us += (gap_us - self._interval_us) / 8 if self._interval_us else gap_us
        self._last_us = now_us

    def end_wait(self, size: int) -> None:
        """Record that the deadline ended the wait, with `size` bytes there, or arriving next."""
        self._wait_ended = True
        self._heads_alone = self._heads_alone + 1 if size <= HEAD_BYTES else 0
        self._waits_for_acks |= self._heads_alone >= HEADS

    def next_wake(self, now_us: int) -> tuple[int, int]:
        """Return the bytes to wait for, and until when; 1 byte: wake for anything."""
        until_us = self._after_picture(-EARLY_US if self._waits_for_acks else LATE_US)
        if until_us <= now_us:
            return 1, now_us
        size = min(self._sizes) // 2
        return (min(size, MAX_BYTES), until_us) if size > 1 else (1, now_us)

    @property
    def sound_deadline_us(self) -> int:
        """Until when audio that arrived alone may wait for the next picture; 0: it may not."""
        return self._after_picture(LATE_US)

    def _after_picture(self, late_us: int) -> int:
        """Return the time `late_us` after the next picture is expected; 0: do not wait for pictures."""
        wait_us = round(self._interval_us) + late_us
        if self._last_us is None or len(self._sizes) < PICTURES or wait_us > MAX_WAIT_US:
            return 0
        return self._last_us + wait_us
