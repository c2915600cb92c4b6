"""How fast a publisher may send. Pure: times in microseconds are arguments.

Sound and picture beyond the pace are not refused: reading waits, and TCP slows the encoder. An encoder that
sends seconds of held-back media at once loses nothing that way. Messages that are neither have no reason to
come in masses, so they end the connection; script data beyond its share is dropped before it is decoded.
"""

from streamgate.core.bucket import TokenBucket
from streamgate.errors import ProtocolError
from streamgate.ingest.admission import Limits

BYTES_PER_CHUNK = 256
"""So many bytes count as one more chunk: at 25 MB/s, more than any feed, bytes alone use the share up."""
SCRIPT_UNIT = 256
"""So many bytes of script data count as one more."""
_BURST_S = 2.0
_OTHERS_BURST_S = 10.0


class Pace:
    """Watches one publisher from `now_us` on."""

    def __init__(self, limits: Limits, now_us: int) -> None:
        def bucket(rate: float, burst_s: float) -> TokenBucket:
            return TokenBucket(rate, rate * burst_s, now_us)

        self._limits = limits
        self._media = bucket(limits.messages_per_s, _BURST_S)
        self._chunks = bucket(limits.chunks_per_s, _BURST_S)
        self._scripts = bucket(limits.scripts_per_s, _BURST_S)
        self._others = bucket(limits.others_per_s, _OTHERS_BURST_S)

    def on_read(self, size: int, chunks: int, media: int, others: int, now_us: int) -> int:
        """Count what was read; return the microseconds to wait before more is read.

        Args:
            size: bytes.
            chunks: chunks, as ChunkReader counts them.
            media: messages of sound, picture and script data.
            others: all other messages. ProtocolError when there are too many.
            now_us: when it was read.
        """
        if others and not self._others.try_take(others, now_us):
            raise ProtocolError(
                f"more than {self._limits.others_per_s:g} RTMP messages a second that carry no media"
            )
        wait_us = self._chunks.charge(chunks + size / BYTES_PER_CHUNK, now_us)
        return max(wait_us, self._media.charge(media, now_us)) if media else wait_us

    def takes_script(self, size: int, now_us: int) -> bool:
        """Whether script data of so many bytes is still within its share."""
        return self._scripts.try_take(1 + size / SCRIPT_UNIT, now_us)
