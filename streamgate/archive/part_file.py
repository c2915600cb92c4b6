"""One archive part while it is being written."""

import base64
import errno
import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from streamgate.archive.containers import Arrived, Flv, Mp4, track_names
from streamgate.archive.parts import (
    Gap,
    PartName,
    PartRecord,
    events_path,
    make_directory,
)
from streamgate.core.edits import TRACKS
from streamgate.core.packet import FeedFormat, Kind
from streamgate.disk import sync_directory, write_all

_MAX_NAMES = 8  # tracks and sources an index line names
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class PartFile:
    """An open part. Made by its first packets; every method but the properties raises OSError.

    Each fragment (moof + mdat, or a run of FLV tags; the first with the header before it) shows in the file
    once all of it is there. When a write fails the file is cut back to its last whole fragment, so it plays
    at any time.
    """

    def __init__(
        self,
        root: Path,
        channel: str,
        number: int,
        *,
        container: Mp4 | Flv,
        feed: FeedFormat,
        source: str,
        first: Sequence[Arrived],
        gap: Gap | None,
        series: int,
    ) -> None:
        name = PartName(channel, int(first[0].wall_s * 1000), number, container.suffix)
        self.path = root / name.path
        self.name = name
        self.arrival_us = first[0].arrival_us  # of its first packet
        self.counted = False  # its first fragment is written
        self.bytes = 0
        self._container = container
        self._digest = hashlib.sha256()
        self._events: int | None = None
        self._events_bytes = 0
        self._events_digest = hashlib.sha256()
        self._counts = dict.fromkeys(Kind, 0)
        self._series = series
        self._numbers: dict[Kind, tuple[int, int]] = {}
        self._start_s = first[0].wall_s
        self._last = first[0]
        video = (item.packet for item in first if item.packet.kind is Kind.VIDEO)
        self._keyframe = next((packet.keyframe for packet in video), True)
        self._tracks = track_names(feed)
        self._sources = [source]
        self._gap = gap
        make_directory(self.path.parent)
        self._descriptor = os.open(self.path, _FLAGS, 0o600)

    @property
    def in_line(self) -> bool:
        """The part can go on with another format, source or timeline: see `turn`."""
        return self._container.in_line

    @property
    def sha256(self) -> str:
        """Of the file as far as it is written."""
        return self._digest.hexdigest()

    @property
    def origin_ms(self) -> int:
        """The feed's timestamp that is 0 in the part."""
        return self._container.origin_ms

    @property
    def last_us(self) -> int:
        """Arrival of the newest packet written."""
        return self._last.arrival_us

    def turn(self, feed: FeedFormat, source: str) -> None:
        """Go on with another format, source or timeline, if the part is `in_line`."""
        assert isinstance(self._container, Flv)
        self._container.turn(feed, source)
        self._tracks = _more_names(self._tracks, track_names(feed))
        self._sources = _more_names(self._sources, [source])

    def write(self, items: Sequence[Arrived], next_video_dts: int | None) -> int:
        """Append one fragment; return the bytes written to the part."""
        # Undone work must not show in the record: nothing is counted before everything is written.
        data = self._container.fragment(items, next_video_dts)
        head = self._container.head if not self.bytes else b""
        if not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "somebody removed the part being written", str(self.path))
        try:
            # The header by itself: a kill during the first fragment leaves a file that opens, if empty.
            for piece, at in ((head, 0), (data, self.bytes + len(head))):
                if piece:
                    self._container.put(self._descriptor, piece, at)
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
        for item in items:
            kind = item.packet.kind
            self._counts[kind] += 1
            self._numbers[kind] = (self._numbers.get(kind, (item.number, 0))[0], item.number)
        self._last = items[-1]
        return written

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
            origin_ms=self._container.origin_ms,
            first_us=self.arrival_us,
            last_us=self._last.arrival_us,
            source=" | ".join(self._sources),
            closed=reason,
            events_sha256=self._events_digest.hexdigest() if self._events is not None else "",
            gap=self._gap,
            stretches=self._container.stretches if isinstance(self._container, Flv) else 1,
            series=self._series,
            numbers={
                TRACKS[kind]: (first, last)
                for kind, (first, last) in self._numbers.items()
                if last - first + 1 == self._counts[kind]
            },
        )

    def close(self) -> None:
        """Bring everything to the disk. Both files are closed whatever happens."""
        try:
            for descriptor in (self._descriptor, self._events):
                if descriptor is not None:
                    os.fsync(descriptor)
            sync_directory(self.path.parent)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close without waiting for the disk; never fails."""
        for descriptor in (self._descriptor, self._events):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)


def _more_names(names: list[str], more: list[str]) -> list[str]:
    return list(dict.fromkeys((*names, *more)))[:_MAX_NAMES]
