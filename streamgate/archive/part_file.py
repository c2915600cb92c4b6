"""One archive part while it is being written."""

import base64
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from streamgate.archive.parts import Gap, PartName, PartRecord, commit, events_path, write_all
from streamgate.core.fmp4 import Fragmenter, codec_string, init_segment
from streamgate.core.packet import FeedFormat, Kind, Packet

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """A packet and when it came in: monotonic microseconds, and wall clock seconds since the epoch."""

    packet: Packet
    arrival_us: int
    wall_s: float


class PartFile:
    """An open part. Made by its first packets; every method but the properties raises OSError.

    Each fragment (moof + mdat, the first with the header before it) shows in the file once all of it is
    there. When a write fails the file is cut back to its last whole fragment, so it plays at any time.
    """

    def __init__(
        self,
        root: Path,
        channel: str,
        number: int,
        *,
        feed: FeedFormat,
        source: str,
        first: Sequence[Arrived],
        gap: Gap | None,
    ) -> None:
        name = PartName(channel, int(first[0].wall_s * 1000), number)
        self.path = root / name.path
        self.name = name
        self.arrival_us = first[0].arrival_us  # of its first packet
        self.counted = False  # its first fragment is written
        self.bytes = 0
        self._init = init_segment(feed)
        self._feed = feed
        self._origin_ms = 0
        self._fragmenter: Fragmenter | None = None
        self._sequence = 0
        self._digest = hashlib.sha256()
        self._events: int | None = None
        self._events_bytes = 0
        self._events_digest = hashlib.sha256()
        self._counts = dict.fromkeys(Kind, 0)
        self._start_s = first[0].wall_s
        self._last = first[0]
        video = (item.packet for item in first if item.packet.kind is Kind.VIDEO)
        self._keyframe = next((packet.keyframe for packet in video), True)
        self._tracks = [codec_string(track) for track in (feed.video, feed.audio) if track is not None]
        self._source = source
        self._gap = gap
        _make_directory(self.path.parent)
        self._descriptor = os.open(self.path, _FLAGS, 0o600)

    def write(self, items: Sequence[Arrived], next_video_dts: int | None) -> int:
        """Append one fragment; return the bytes written to the part."""
        packets = [item.packet for item in items]
        # Undone work must not show in the record: nothing is counted before everything is written.
        data = self._fragment(packets, next_video_dts)
        head = self._init if not self.bytes else b""
        try:
            # The header by itself: a kill during the first fragment leaves a file that opens, if empty.
            for boxes, at in ((head, 0), (data, self.bytes + len(head))):
                if boxes:
                    commit(self._descriptor, boxes, at)
            self._write_events([item for item in items if item.packet.kind is Kind.DATA])
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.bytes)
                if self._events is not None:
                    os.ftruncate(self._events, self._events_bytes)
            raise
        self._digest.update(head)
        self._digest.update(data)
        written = len(head) + len(data)
        self.bytes += written
        self._sequence += 1
        for packet in packets:
            self._counts[packet.kind] += 1
        self._last = items[-1]
        return written

    def _fragment(self, packets: list[Packet], next_video_dts: int | None) -> bytes:
        if self._fragmenter is None:
            times = [min(p.dts, p.pts) for p in packets if p.kind is not Kind.DATA]
            if not times:
                return b""
            self._origin_ms = min(times)
            self._fragmenter = Fragmenter(self._feed, origin_ms=self._origin_ms)
        return self._fragmenter.fragment(packets, self._sequence + 1, next_video_dts=next_video_dts)

    def _write_events(self, items: Sequence[Arrived]) -> None:
        if not items:
            return
        if self._events is None:
            self._events = os.open(events_path(self.path), _FLAGS, 0o600)
        lines = b"".join(
            msgspec.json.encode(
                {
                    "at": item.wall_s,
                    "arrival_us": item.arrival_us,
                    "dts": item.packet.dts,
                    "amf0": base64.b64encode(item.packet.data).decode(),
                }
            )
            + b"\n"
            for item in items
        )
        write_all(self._events, lines)
        self._events_digest.update(lines)
        self._events_bytes += len(lines)

    def record(self, reason: str) -> PartRecord:
        """Return the index line as of now."""
        return PartRecord(
            part=self.path.name,
            channel=self.name.channel,
            number=self.name.number,
            start=self._start_s,
            end=self._last.wall_s,
            bytes=self.bytes,
            sha256=self._digest.hexdigest(),
            video=self._counts[Kind.VIDEO],
            audio=self._counts[Kind.AUDIO],
            data=self._counts[Kind.DATA],
            keyframe=self._keyframe,
            tracks=self._tracks,
            origin_ms=self._origin_ms,
            first_us=self.arrival_us,
            last_us=self._last.arrival_us,
            source=self._source,
            closed=reason,
            events_sha256=self._events_digest.hexdigest() if self._events is not None else "",
            gap=self._gap,
        )

    def close(self) -> None:
        """Bring everything to the disk. Both files are closed whatever happens."""
        try:
            for descriptor in (self._descriptor, self._events):
                if descriptor is not None:
                    os.fsync(descriptor)
            _sync_directory(self.path.parent)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without waiting for the disk; never fails."""
        for descriptor in (self._descriptor, self._events):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)


def _make_directory(path: Path) -> None:
    if path.is_dir():
        return
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in (path, path.parent):
        made.chmod(0o700)  # `parents=True` makes parents with the umask's mode
        _sync_directory(made.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
