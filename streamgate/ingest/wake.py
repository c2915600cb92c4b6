"""How many bytes from an encoder are worth waking up for. Pure.

Each wake-up of the two processes costs about 100 us, whatever it brings. So the kernel is told (SO_RCVLOWAT)
to wait for the rest of a message under way, and otherwise for a picture rather than for each frame of sound
before it. Nothing is held back: a picture is read as soon as it is whole, whatever its size.
"""

CAP = 16 * 1024  # well below any receive buffer
WORTH_WAITING = 512  # a frame of sound is smaller; waiting for less saves nothing
WINDOW = 64  # pictures that must all be larger before their size is waited for


class WakeAt:
    """Learns how small the pictures of a feed are."""

    def __init__(self) -> None:
        self._picture = 1  # no picture has been smaller than this
        self._smallest = CAP
        self._seen = 0

    def saw_picture(self, size: int) -> None:
        if size < self._picture:  # as in a scene that stands still: it must not wait for the next one
            self._picture, self._smallest, self._seen = 1, CAP, 0
            return
        self._smallest = min(self._smallest, size)
        self._seen += 1
        if self._seen == WINDOW:
            half = self._smallest // 2
            self._picture = half if half >= WORTH_WAITING else 1
            self._smallest, self._seen = CAP, 0

    def bytes(self, lacking: int) -> int:
        """Return what to wait for. `lacking`: bytes that the message under way still needs, at the least."""
        return min(lacking, CAP) if lacking else self._picture
