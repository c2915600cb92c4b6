"""Rate limits of a publisher. Pure: times in microseconds are arguments.

Audio and video above the limits are not refused: reading pauses, and TCP back-pressure slows the encoder.
So an encoder that sends seconds of buffered media at once loses nothing. No encoder needs many messages
without media, so too many end the connection. Script data above its limit is dropped before it is decoded.
"""

from streamgate.core.bucket import TokenBucket
from streamgate.errors import ProtocolError
from streamgate.ingest.admission import Limits

BYTES_PER_CHUNK = 256
"""So many bytes count as one more chunk: at 25 MB/s, more than any feed, bytes alone use up the limit."""
SCRIPT_UNIT = 256
"""So many bytes of script data count as one more message."""
_BURST_S = 2.0
_OTHERS_BURST_S = 10.0


class Pace:
    """Rate limits of one publisher that begins at `now_us`."""

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
        """Count script data of `size` bytes; return whether it is within its limit."""
        return self._scripts.try_take(1 + size / SCRIPT_UNIT, now_us)
