"""HLS segmenter: splits the program into segments of about two seconds. Pure.

Times in milliseconds on the program's timeline, unless the name says otherwise.
"""

from collections.abc import Sequence

import msgspec

from streamgate.core.packet import Aired, FeedFormat, Kind, Packet

TARGET_MS = 2000
"""A segment ends at the first keyframe after this time."""
MAX_MS = 10_000
"""Without a keyframe for this time a segment ends between pictures, so that its size is bounded."""
MAX_BYTES = 32 * 1024 * 1024
_EARLY_MS = 100  # a keyframe up to this early ends a segment, too: encoders jitter
_SPLICE_MS = 400  # a segment this long ends at a splice, so that feed and filler rarely share one
_MAX_DRIFT_S = 1.0  # beyond this, segments are resynchronized to the machine's wall clock
_UNKNOWN_FRAME_MS = 40.0


class Segment(msgspec.Struct, frozen=True):
    """An HLS segment: whole pictures, from a keyframe unless MAX_MS or MAX_BYTES ended the one before.

    `begin`: DTS of its first picture. `end`: DTS of the picture that follows, the first of the next segment
    unless packets are missing between. `at`: wall clock at which it began to air, seconds since the epoch.
    `live`: it has packets of the feed.
    """

    format: FeedFormat
    packets: Sequence[Packet]
    begin: int
    end: int
    at: float
    live: bool
    bytes: int


class Segmenter:
    """Groups aired packets into segments; keeps the current segment until it is complete."""

    def __init__(self, header: FeedFormat, part: FeedFormat | None = None, *, split: bool = False) -> None:
        """`header`: the program's header so far. `part`: the format on air at the moment.

        `split`: feed and filler get a header each, for players that cannot use one for both.
        """
        self._header = header
        self._part = part
        self._split = split
        self._coming = self._choose_format()
        self._changed = True  # the current format is not that of the current segment
        self._entry = 0  # DTS of the keyframe after the last loss
        self._clock: tuple[int, float] | None = None  # a DTS, and the wall clock at which it aired
        self._format = FeedFormat()  # from here on: of the current segment
        self._packets: list[Packet] = []
        self._begin = self._newest = self._bytes = 0
        self._at = 0.0
        self._live_from: int | None = None  # index of its first packet from the feed

    def add(self, aired: Aired, wall_s: float) -> Segment | None:
        """Add a packet; return the segment that it ends, if any.

        Packets before the first keyframe, or between a loss and the next keyframe, are ignored.
        """
        packet = aired.packet
        if aired.header is not None or aired.part is not None:
            self._announce(aired)
        ended = None
        if packet.kind is Kind.VIDEO:
            if packet.keyframe:
                if self._ends_before(packet, splice=aired.part is not None):
                    ended = self._close(packet.dts)
            elif not self._packets:
                return None
            elif packet.dts - self._begin >= MAX_MS or self._bytes >= MAX_BYTES:
                ended = self._close(packet.dts)
            if not self._packets:
                if ended is None:
                    self._entry = packet.dts
                self._open(packet.dts, wall_s)
            self._newest = packet.dts
        elif packet.kind is not Kind.AUDIO or not self._packets or self._changed or packet.dts < self._entry:
            return None
        if aired.arrival_us is not None and self._live_from is None:
            self._live_from = len(self._packets)
        self._packets.append(packet)
        self._bytes += len(packet.data)
        return ended

    def discard_live(self) -> tuple[Segment | None, int]:
        """Drop the feed's packets from the current segment, and all that came after them.

        Return the rest as a segment, and the number of packets dropped. The next one begins at a keyframe.
        """
        if self._live_from is None:
            return None, 0
        dropped = self._packets[self._live_from :]
        del self._packets[self._live_from :]
        if not self._packets:
            self._close(0)
            return None, len(dropped)
        end = next((packet.dts for packet in dropped if packet.kind is Kind.VIDEO), None)
        self._live_from = None
        self._bytes = sum(len(packet.data) for packet in self._packets)
        return self._close(self._after_newest() if end is None else end), len(dropped)

    def finish(self) -> Segment | None:
        """Return the current segment as it is: no packet follows."""
        return self._close(self._after_newest()) if self._packets else None

    # ------------------------------------------------------------ small things

    def _announce(self, aired: Aired) -> None:
        self._header = aired.header or self._header
        self._part = aired.part or self._part
        self._coming = self._choose_format()
        self._changed = self._coming != self._format

    def _choose_format(self) -> FeedFormat:
        if self._split and self._part is not None and self._part.video is not None:
            return FeedFormat(self._part.video, self._header.audio)
        return self._header

    def _ends_before(self, keyframe: Packet, *, splice: bool) -> bool:
        """Whether the current segment ends before this keyframe."""
        length = keyframe.dts - self._begin
        long = length >= TARGET_MS - _EARLY_MS or (splice and length >= _SPLICE_MS)
        return bool(self._packets) and (long or self._changed)

    def _open(self, dts: int, wall_s: float) -> None:
        self._format, self._changed = self._coming, False
        self._begin = dts
        since_dts, since_s = self._clock or (dts, wall_s)
        self._at = since_s + (dts - since_dts) / 1000
        if self._clock is None or abs(self._at - wall_s) > _MAX_DRIFT_S:
            self._clock, self._at = (dts, wall_s), wall_s

    def _close(self, end: int) -> Segment:
        segment = Segment(
            self._format,
            self._packets,
            self._begin,
            end,
            self._at,
            live=self._live_from is not None,
            bytes=self._bytes,
        )
        self._packets, self._bytes, self._live_from = [], 0, None
        return segment

    def _after_newest(self) -> int:
        """Return the DTS of a picture that would follow the newest one."""
        video = self._format.video
        known = video is not None and video.fps_num > 0 and video.fps_den > 0
        return self._newest + round(video.frame_ms if video is not None and known else _UNKNOWN_FRAME_MS)
