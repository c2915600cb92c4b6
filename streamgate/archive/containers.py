"""The two kinds of file a part may be: fragmented MP4, or FLV for what MP4 cannot hold."""

import os
from collections.abc import Sequence

import msgspec

from streamgate.core.fmp4 import Fragmenter, can_carry, codec_string, init_segment
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.rtmp import amf0, flv, flv_file


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A packet and when it came in: monotonic microseconds, and wall clock seconds since the epoch.

    `number`: its running number among the packets of its kind that this process took for the channel.
    """

    packet: Packet
    arrival_us: int
    wall_s: float
    number: int = 0


def recordable(feed: FeedFormat) -> FeedFormat:
    """Return the tracks of a feed that one of the two kinds holds."""
    video = feed.video if feed.video is not None and _has_place(feed.video) else None
    audio = feed.audio if feed.audio is not None and _has_place(feed.audio) else None
    return FeedFormat(video, audio)


def fits_mp4(feed: FeedFormat) -> bool:
    return all(track is None or can_carry(track) for track in (feed.video, feed.audio))


def track_names(feed: FeedFormat) -> list[str]:
    """Return what the index calls the tracks: RFC 6381 names where there are any."""
    tracks = [track for track in (feed.video, feed.audio) if track is not None]
    return [codec_string(track) if can_carry(track) else track.codec for track in tracks]


def _has_place(track: VideoTrack | AudioTrack) -> bool:
    return can_carry(track) or flv.can_write(track)


class Mp4:
    """Fragments of an MP4 (moof + mdat) of one format and timeline.

    `origin_ms`: the feed's timestamp that is 0 in the file.
    """

    suffix = "mp4"
    in_line = False  # another format or timeline needs another file

    def __init__(self, feed: FeedFormat) -> None:
        self.head = init_segment(feed)
        self.origin_ms = 0
        self._feed = feed
        self._fragmenter: Fragmenter | None = None
        self._sequence = 0

    def fragment(self, items: Sequence[Arrived], next_video_dts: int | None) -> bytes:
        packets = [item.packet for item in items]
        if self._fragmenter is None:
            times = [min(p.dts, p.pts) for p in packets if p.kind is not Kind.DATA]
            if not times:
                return b""
            self.origin_ms = min(times)
            self._fragmenter = Fragmenter(self._feed, origin_ms=self.origin_ms)
        self._sequence += 1
        return self._fragmenter.fragment(packets, self._sequence, next_video_dts=next_video_dts)

    def put(self, descriptor: int, boxes: bytes, at: int) -> None:
        """Append whole boxes so that a torn write does no harm. Raises OSError."""
        commit(descriptor, boxes, at)


class Flv:
    """Tags of an FLV, which takes any number of formats, sources and timelines one after the other.

    Each of them, a *stretch*, begins with its headers. Its `onMetaData` says which `source` it is, what time
    it was (`at`, wall clock) and which feed timestamp (`origin_ms`) became this tag's time. The file's time
    only rises: a stretch begins when it arrived, counted from the file's first packet.
    """

    suffix = "flv"
    in_line = True

    def __init__(self, feed: FeedFormat, source: str) -> None:
        self.head = flv_file.file_header()
        self.origin_ms = 0
        self.stretches = 0
        self._feed = feed
        self._source = source
        self._begins = True  # a stretch begins with the next packets
        self._first_us = 0
        self._shift_ms = 0
        self._newest_ms = 0

    def turn(self, feed: FeedFormat, source: str) -> None:
        """What follows is of another format, source or timeline."""
        self._feed, self._source = feed, source
        self._begins = True

    def fragment(self, items: Sequence[Arrived], next_video_dts: int | None) -> bytes:
        del next_video_dts
        media = [item for item in items if item.packet.kind is not Kind.DATA]
        if not media:
            return b""
        out = [self._stretch(media)] if self._begins else []
        for item in media:
            at_ms = max(0, item.packet.dts + self._shift_ms)
            self._newest_ms = max(self._newest_ms, at_ms, item.packet.pts + self._shift_ms)
            out.append(flv_file.packet_tag(item.packet, self._feed, at_ms))
        return b"".join(out)

    def _stretch(self, media: Sequence[Arrived]) -> bytes:
        origin_ms = min(item.packet.dts for item in media)
        at_ms = 0
        if self.stretches:
            at_ms = max(self._newest_ms + 1, (media[0].arrival_us - self._first_us) // 1000)
        else:
            self.origin_ms, self._first_us = origin_ms, media[0].arrival_us
        self._shift_ms = at_ms - origin_ms
        self._begins = False
        self.stretches += 1
        members: dict[str, amf0.Value] = {
            "source": self._source,
            "at": media[0].wall_s,
            "origin_ms": float(origin_ms),
        }
        return flv_file.header_tags(self._feed, at_ms, members)

    def put(self, descriptor: int, tags: bytes, at: int) -> None:
        """Write tags in their order: readers stop at one that is torn. Raises OSError."""
        _put_all(descriptor, memoryview(tags), at)


def commit(descriptor: int, boxes: bytes, at: int) -> None:
    """Write whole boxes at `at`, their first 8 bytes last. Raises OSError.

    A kill may end a write between two pages. FFmpeg refuses a file whose last moof is torn; 8 zero bytes it
    takes for a box that fills the rest of the file, and plays what stands before them.
    """
    _put_all(descriptor, memoryview(boxes)[8:], at + 8)
    os.pwrite(descriptor, memoryview(boxes)[:8], at)


def _put_all(descriptor: int, view: memoryview, at: int) -> None:
    done = 0
    while done < len(view):
        done += os.pwrite(descriptor, view[done:], at + done)
