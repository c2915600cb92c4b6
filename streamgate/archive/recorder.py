"""Cuts what arrives into fragments and parts, and keeps the index. Synchronous; belongs to one thread."""

import errno
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from streamgate.archive.containers import Arrived, Flv, Mp4, fits_mp4, recordable
from streamgate.archive.grown import Grown
from streamgate.archive.intake import NewFormat, cost, gap_of
from streamgate.archive.part_file import PartFile
from streamgate.archive.parts import (
    INDEX,
    Gap,
    PartName,
    PartRecord,
    append_index,
    days,
    iterate_index,
    newest_part,
    repair_day,
)
from streamgate.archive.tail import TailWriter
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.refill import Tail
from streamgate.ledger.record import Index, Part, Record
from streamgate.reserve import Reserve

FRAGMENT_US = 4_000_000  # a longer GOP is written in pieces
NO_PICTURE_US = 5_000_000
MAX_FRAGMENT_BYTES = 16 * 1024 * 1024
MAX_PART_US = 300_000_000  # a feed that sends no keyframe gets a new part all the same
TIMELINE_STEP_MS = 10_000
# An encoder that changes its format at every keyframe, or comes and goes all the time, gets BURST parts in
# this time: then an FLV part, which takes all that in line, stays open.
BURST, BURST_US = 4, 8_000_000
MIN_GAP_S = 2.0  # a killed gate that left less than this unrecorded lost no more than the GOP at hand
_JITTER_US = 500_000  # a keyframe that is due at the part's end may be early by this much
_MAX_UNINDEXED = 1000  # index lines kept while the disk refuses them: 100 minutes; the rest is mended later


class Recorder:
    """Writes the parts of one channel.

    A method that raises OSError has lost nothing: call it again with the same argument. What could be
    written of a part that failed stays, under a whole last fragment, and the next attempt opens a new one.
    """

    def __init__(
        self,
        root: Path,
        channel: str,
        part_us: int,
        series: int = 0,
        *,
        tail: TailWriter | None = None,
        record: Callable[[Record], None] = lambda _: None,
    ) -> None:
        """`series`: whose running numbers the packets carry. `tail`: is told what was written.

        `record`: takes what the ledger is to say.
        """
        self._root = root
        self._record = record
        self._index = Grown()
        self.reserve: Reserve | None = None  # room on the disk that is not for recordings
        self._channel = channel
        self._series = series
        self._tail = tail
        self._part_us = max(0, part_us - _JITTER_US)
        self._feed: FeedFormat | None = None
        self._source = ""
        self._part: PartFile | None = None
        self._pending: list[Arrived] = []
        self._pending_bytes = 0
        self._last_dts: dict[Kind, int] = {}
        self._number = 0
        self._gap: Gap | None = None
        self._unindexed: list[tuple[Path, PartRecord]] = []
        self._opened_us: deque[int] = deque(maxlen=BURST)  # when the newest parts began
        self.parts = 0
        self.bytes = 0
        self.path = ""  # of the newest part, relative to the root
        self.unrecorded = 0  # packets that no part holds
        self.refused = ""  # codecs of the feed that cannot be recorded

    @property
    def open(self) -> bool:
        """A part is open."""
        return self._part is not None

    @property
    def pending(self) -> int:
        """Packets held for the next fragment."""
        return len(self._pending)

    def prepare(self, left: Tail | None = None) -> list[PartRecord]:
        """Make the directory, find the next number, mend what a crash tore; return what was mended.

        `left`: what the process before noted of its parts.
        """
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _, newest = newest_part(self._root, self._channel)
        # The torn part is the newest: by name, or by number if the clock was set back since.
        dirs = {*days(self._root, self._channel)[-2:], *((newest,) if newest else ())}
        mended = []
        for day in sorted(dirs):
            lines = repair_day(self._channel, day, left)
            mended += lines
            for line in lines:
                self._record_part(day, line)
            if not lines and (day / INDEX).exists():
                # A killed process may have written lines that it did not get to record.
                self._record(Index(channel=self._channel, index=self._index.extent(self._root, day / INDEX)))
        self._number, _ = newest_part(self._root, self._channel)
        return mended

    def settle_killed(self, fed_until: float, fed_since: float | None) -> Gap | None:
        """Put what a killed process was given and did not record into the index; None when that is nothing.

        Both are wall clock times: at `fed_until` an encoder was feeding that process, and had been since
        `fed_since`. Without the latter, and without a part before, the gap has no known length. Call after
        `prepare`.
        """
        known = max(self._recorded_until(fed_until) or 0.0, fed_since or 0.0)
        if known and fed_until - known <= MIN_GAP_S:
            return None
        gap = Gap(0, 0, "gate_killed", known or fed_until, fed_until)
        self._write_gap(gap)
        return gap

    def _recorded_until(self, before: float) -> float | None:
        """Return where the newest part ends, or a gap behind it that a killed process left."""
        lines = [line for day in days(self._root, self._channel)[-2:] for line in iterate_index(day)]
        newest = max((line for line in lines if line.part), key=lambda line: line.number, default=None)
        killed = [line for line in lines if line.gap is not None and line.gap.reason == "gate_killed"]
        ends = [line.end for line in killed if line.end <= before] + ([newest.end] if newest else [])
        return max(ends, default=None)

    def change(self, item: NewFormat) -> None:
        """Take the parameters of what follows; a change of them or of the source ends the part."""
        feed = recordable(item.feed)
        if self._feed is not None:
            if item.source != self._source:
                self._turn("source", feed, item.source)
                self._last_dts.clear()
            elif feed != self._feed:
                self._turn("format", feed, item.source)
        self._feed, self._source = feed, item.source
        tracks = ((item.feed.video, feed.video), (item.feed.audio, feed.audio))
        self.refused = ", ".join(t.codec for t, kept in tracks if t is not None and kept is None)

    def take(self, item: Arrived) -> None:
        """Take a packet, which may end the fragment or the part before it."""
        packet = item.packet
        if not self._carried(packet):
            self._add_gap(gap_of([item], "format"))
            self.unrecorded += 1
            return
        if packet.kind is not Kind.DATA:
            if abs(packet.dts - self._last_dts.get(packet.kind, packet.dts)) > TIMELINE_STEP_MS:
                assert self._feed is not None
                self._turn("timeline", self._feed, self._source)
                self._last_dts.clear()
            self._last_dts[packet.kind] = packet.dts
        if self._pending:
            self._cut(item)
        self._pending.append(item)
        self._pending_bytes += cost(item)

    def missed(self, gap: Gap) -> None:
        """Take note that packets were lost: the part ends, the next one's index line says so."""
        self.finish(gap.reason)
        self._add_gap(gap)

    def drop_pending(self) -> None:
        """Leave out what is pending: it cannot be written, ever."""
        self._add_gap(gap_of(self._pending, "failed"))
        self.unrecorded += len(self._pending)
        self._pending, self._pending_bytes = [], 0
        if self._part is not None:
            self._give_up_part()

    def flush(self, next_video_dts: int | None = None) -> None:
        """Write what is pending as one fragment, opening a part if none is."""
        if not self._pending:
            return
        if self.reserve is not None and not self.reserve.keep():
            raise OSError(errno.ENOSPC, "the disk is full but for the reserve", str(self._root))
        part = self._part
        if part is None:
            part = self._part = self._open()
        begin, items = part.bytes, self._pending
        try:
            written = part.write(items, next_video_dts)
        except OSError:
            self._give_up_part()
            raise
        if not part.counted:
            part.counted = True
            self._opened_us.append(part.arrival_us)
            self._gap = None
            self.parts += 1
            self.path = str(part.name.path)
        self.bytes += written
        self._pending, self._pending_bytes = [], 0
        if self._tail is not None and self._feed is not None:
            self._tail.note(part, begin, self._feed, self._source, items)

    def finish(self, reason: str) -> None:
        """End the part, if there is one, with everything pending in it."""
        self.flush()
        part, self._part = self._part, None
        if part is None:
            return
        # Before the disk is asked: the record of what is written must survive a refusal.
        self._remember(part, reason)
        part.close()
        self.index()

    def end(self, reason: str) -> None:
        """Nothing follows for now: as `finish`, unless the part stays open for what comes after all.

        A gap that no part follows is put into the index, too.
        """
        self.flush()
        if not self._stays_open():
            self.finish(reason)
        if self._gap is not None:
            self._write_gap(self._gap)
            self._gap = None

    def index(self) -> None:
        """Write the index lines that are due."""
        while self._unindexed:
            day, record = self._unindexed[0]
            append_index(day, [record])
            self._unindexed.pop(0)
            self._record_part(day, record)

    def _turn(self, reason: str, feed: FeedFormat, source: str) -> None:
        """What follows does not go on with what came: end the part, or let it take that in line."""
        self.flush()
        if self._part is not None and self._stays_open():
            self._part.turn(feed, source)
        else:
            self.finish(reason)

    def _stays_open(self) -> bool:
        """Whether the part takes what follows in line, since too many parts began of late."""
        part = self._part
        return part is not None and part.in_line and self._too_many(part.last_us)

    def _too_many(self, at_us: int) -> bool:
        return len(self._opened_us) == BURST and at_us - self._opened_us[0] < BURST_US

    def _write_gap(self, gap: Gap) -> None:
        """Give a gap its own line, in the index of the day it began."""
        day = self._root / PartName(self._channel, int(gap.start * 1000), 0).path.parent
        line = PartRecord(
            part="",
            channel=self._channel,
            number=0,
            start=gap.start,
            end=gap.end,
            bytes=0,
            sha256="",
            gap=gap,
        )
        append_index(day, [line])
        self._record(Index(channel=self._channel, index=self._index.extent(self._root, day / INDEX)))

    def _record_part(self, day: Path, line: PartRecord) -> None:
        """Have the ledger say what the index does."""
        self._record(
            Part(
                channel=line.channel,
                path=f"{line.channel}/{day.name}/{line.part}",
                number=line.number,
                start=line.start,
                end=line.end,
                bytes=line.bytes,
                sha256=line.sha256,
                events_sha256=line.events_sha256,
                closed=line.closed,
                index=self._index.extent(self._root, day / INDEX),
            )
        )

    def _carried(self, packet: Packet) -> bool:
        if self._feed is None:
            return False
        if packet.kind is Kind.VIDEO:
            return self._feed.video is not None
        if packet.kind is Kind.AUDIO:
            return self._feed.audio is not None
        return self._feed.video is not None or self._feed.audio is not None

    def _cut(self, item: Arrived) -> None:
        """End the fragment, and perhaps the part, before this packet."""
        assert self._feed is not None
        packet = item.packet
        # Cuts fall between pictures; anywhere when no picture comes.
        between = packet.kind is Kind.VIDEO or self._feed.video is None
        starts = packet.keyframe or self._feed.video is None
        fragment_us = item.arrival_us - self._pending[0].arrival_us
        part_us = item.arrival_us - (self._part or self._pending[0]).arrival_us
        over = part_us >= MAX_PART_US or (starts and part_us >= self._part_us)
        whole = packet.keyframe or fragment_us >= (FRAGMENT_US if between else NO_PICTURE_US)
        if over or whole or self._pending_bytes > MAX_FRAGMENT_BYTES:
            self.flush(packet.dts if packet.kind is Kind.VIDEO else None)
        if over:
            self.finish("length")

    def _open(self) -> PartFile:
        assert self._feed is not None
        number = self._number
        while True:
            number += 1
            try:
                part = PartFile(
                    self._root,
                    self._channel,
                    number,
                    container=self._container(self._feed),
                    feed=self._feed,
                    source=self._source,
                    first=self._pending,
                    gap=self._gap,
                    series=self._series,
                )
            except FileExistsError:
                continue
            self._number = number
            return part

    def _container(self, feed: FeedFormat) -> Mp4 | Flv:
        if fits_mp4(feed) and not self._too_many(self._pending[0].arrival_us):
            return Mp4(feed)
        return Flv(feed, self._source)

    def _give_up_part(self) -> None:
        """Leave a part that the disk takes no more of; what it holds counts."""
        part, self._part = self._part, None
        assert part is not None
        self._remember(part, "failed")
        part.abandon()
        if not part.bytes:  # not even a header: it never was a recording, and its number is free again
            with suppress(OSError):
                part.path.unlink(missing_ok=True)
                self._number = part.name.number - 1

    def _remember(self, part: PartFile, reason: str) -> None:
        if part.bytes:
            self._unindexed.append((part.path.parent, part.record(reason)))
            del self._unindexed[:-_MAX_UNINDEXED]

    def _add_gap(self, gap: Gap) -> None:
        self._gap = gap if self._gap is None else self._gap.joined(gap)
