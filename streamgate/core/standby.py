"""The standby camera: a channel's second live input, delayed like the first in a ring of its own. Pure.

`core.gate` decides what may air, with the same spans, delay and last check as for the main camera. The
standby's runs have numbers below REFILLED, so that a run's number identifies the input.
"""

from streamgate.core.headers import airable
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.ring import REFILLED, Held, Ring

STANDBY_REFILLED = REFILLED - 1  # as REFILLED, from the standby camera's recording
STANDBY = "standby"
"""Its name among the backups of a channel."""
SWITCH_WAIT_US = 10_000_000
"""The longest wait for the standby's next keyframe with the main camera on air; beyond it filler airs."""


def recording_of(channel: str) -> str:
    """Return the archive's channel name for the recording of a channel's standby camera."""
    return f"{channel}-standby"


def channel_of(recording: str) -> str:
    """Return the channel whose standby camera has this recording name; "" for any other name."""
    name = recording.removesuffix(recording_of(""))
    return "" if name == recording else name


def is_standby(run: int) -> bool:
    """Whether a run is of the standby camera."""
    return run < REFILLED


class Standby:
    """Input state and ring of the standby camera. Times in microseconds of arrival.

    `series`: of its packets' sequence numbers, as in `Aired`.
    """

    def __init__(self, max_ring_bytes: int) -> None:
        self.ring = Ring(max_ring_bytes)
        self.format: FeedFormat | None = None
        self.formats: dict[int, FeedFormat] = {}  # by run
        self.series = 0
        self._run = STANDBY_REFILLED
        self._await_keyframe = True

    def feed(self, format_: FeedFormat, airing: int | None) -> None:
        """Set the format: a source begins, or it changes. `airing`: the run on air, of either input."""
        self.format = airable(format_)
        self._begin_run(self.format, airing)

    def packet(self, packet: Packet, now: int, number: int, airing: int | None) -> bool:
        """Take an input packet; False when the ring has no room for it."""
        source = self.format
        if source is None or source.video is None or (packet.kind is Kind.AUDIO and source.audio is None):
            return True
        if packet.kind is Kind.VIDEO and self._await_keyframe:
            if not packet.keyframe:
                return True
            self._await_keyframe = False
        if self.ring.add(Held(now, self._run, packet, number)):
            return True
        self._begin_run(source, airing)  # packets that refer to it must not air either
        return False

    def clear(self) -> None:
        """Empty the ring; the next packet held is a keyframe."""
        self.ring.clear()
        self.formats.pop(STANDBY_REFILLED, None)
        self._await_keyframe = True

    def _begin_run(self, format_: FeedFormat, airing: int | None) -> None:
        held = {run for _, run in self.ring.keyframes()} | {airing}
        self.formats = {run: known for run, known in self.formats.items() if run in held}
        self._run -= 1
        self.formats[self._run] = format_
        self._await_keyframe = True
