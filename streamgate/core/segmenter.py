"""Cuts the program into segments of about two seconds, for HLS. Pure.

Times in milliseconds on the program's timeline, unless the name says otherwise.
"""

from collections.abc import Sequence

import msgspec

from streamgate.core.packet import Aired, FeedFormat, Kind, Packet

TARGET_MS = 2000
"""A segment ends at the first keyframe after so long."""
MAX_MS = 10_000
"""A feed without a keyframe for so long is cut between pictures: nothing here grows without a bound."""
MAX_BYTES = 32 * 1024 * 1024
_EARLY_MS = 100  # a keyframe that comes this much before its time counts: encoders jitter
_SPLICE_MS = 400  # a segment of this length ends at a splice, so that feed and filler hardly ever share one
_MAX_DRIFT_S = 1.0  # the wall clock of segments is tied to the machine's again beyond this
_UNKNOWN_FRAME_MS = 40.0


class Segment(msgspec.Struct, frozen=True):
    """A stretch of the program: whole pictures, beginning with a keyframe unless MAX_MS or MAX_BYTES cut it.

    `begin`: DTS of its first picture. `end`: DTS of the picture that follows, which the next segment begins
    with if nothing is missing between them. `at`: wall clock at which it began to air, seconds since the
    epoch. `live`: it holds material of the feed.
    """

    format: FeedFormat
    packets: Sequence[Packet]
    begin: int
    end: int
    at: float
    live: bool
    bytes: int


class Segmenter:
    """Takes what airs, gives segments. The one at hand is kept until it is whole."""

    def __init__(self, header: FeedFormat, part: FeedFormat | None = None, *, split: bool = False) -> None:
        """`header`: what the program has announced so far; `part`: what is on air of it at the moment.

        `split`: feed and filler get a header each, for players that dislike one for both.
        """
        self._header = header
        self._part = part
        self._split = split
        self._coming = self._announced()
        self._changed = True  # what comes now is not of the format of the segment at hand
        self._entry = 0  # DTS of the keyframe from which on nothing is missing
        self._clock: tuple[int, float] | None = None  # a DTS, and the wall clock at which it aired
        self._format = FeedFormat()  # from here on: of the segment at hand
        self._packets: list[Packet] = []
        self._begin = self._newest = self._bytes = 0
        self._at = 0.0
        self._live_from: int | None = None  # index of its first packet that is the feed's

    def add(self, aired: Aired, wall_s: float) -> Segment | None:
        """Take a packet; return the segment that it ends, if it does.

        What comes before the first keyframe, and after a loss before the next one, is passed over.
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
        """Take back what of the feed is in the segment at hand, and what came after that.

        Return what is left of it as a segment, and how many packets were dropped. What follows continues at a
        keyframe.
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
        """Return the segment at hand as it is: nothing follows."""
        return self._close(self._after_newest()) if self._packets else None

    # ------------------------------------------------------------ small things

    def _announce(self, aired: Aired) -> None:
        self._header = aired.header or self._header
        self._part = aired.part or self._part
        self._coming = self._announced()
        self._changed = self._coming != self._format

    def _announced(self) -> FeedFormat:
        if self._split and self._part is not None and self._part.video is not None:
            return FeedFormat(self._part.video, self._header.audio)
        return self._header

    def _ends_before(self, keyframe: Packet, *, splice: bool) -> bool:
        """Whether the segment at hand ends before this keyframe."""
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
        """Return the DTS of the picture that would follow on the newest one."""
        video = self._format.video
        known = video is not None and video.fps_num > 0 and video.fps_den > 0
        return self._newest + round(video.frame_ms if video is not None and known else _UNKNOWN_FRAME_MS)
