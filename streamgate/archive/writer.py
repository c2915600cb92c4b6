"""Records everything a channel receives, in a thread of its own; the gate never waits for it.

What a failure costs:

- kill -9 of the process: what has not been written yet, at most one GOP (or 4 s of an endless one). When the
  disk refused before, all that waited in memory: the next process puts a gap into the index for it. On a
  disk that stands still the killed process ends when the disk goes on; until then the next one waits.
- power failure: parts that are finished are on the disk (fsync at close); of the part being written up to
  its whole length (about 6 s), as far as the kernel had not written it back.
- disk stalled: up to `queue_bytes` are held in memory; beyond that packets are dropped until a keyframe
  finds room. The gap stands in the index.
- disk full or unwritable: the same, and a new part is tried every few seconds. Nothing is deleted for room.
  Full is a disk that has nothing left but the reserve (see `streamgate.reserve`).
"""

import shutil
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from streamgate.archive.containers import Arrived
from streamgate.archive.intake import Alarm, Intake, NewFormat
from streamgate.archive.parts import Gap, check_channel, make_directory
from streamgate.archive.recorder import Recorder
from streamgate.archive.tail import TailWriter, parse_tail
from streamgate.clock import now_us, wall_s
from streamgate.core.delay import MIN_DELAY_S
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.retention import check_retention_days
from streamgate.disk import OwnedDirectory
from streamgate.ledger.record import Record
from streamgate.link.messages import ArchiveStatus
from streamgate.reserve import Reserve
from streamgate.wording import disk_error

QUEUE_BYTES = 64 * 1024 * 1024
PART_S = 6.0
RETRY_S = 3.0
CLOSE_S = 3.0
IDLE_FLUSH_US = 4_000_000
IDLE_CLOSE_US = 10_000_000
REFUSED_EVERY_US = 10_000_000
SPACE_EVERY_US = 5_000_000
LOW_SPACE_HOURS = (24.0, 2.0)  # warning, alarm


class ArchiveWriter:
    """Writes the parts of one channel below `root`.

    `format`, `packet`, `gone`, `status` and `close` belong to one thread (the gate's loop) and never block,
    save `close` (at most 3 s). `alarm(code, params)` is called from either thread: hand it on with
    `call_soon_threadsafe`; it must not raise. Its codes: see `streamgate.archive.notices`.
    """

    def __init__(
        self,
        root: Path,
        channel: str,
        *,
        alarm: Alarm,
        retention_days: int = 60,
        queue_bytes: int = QUEUE_BYTES,
        part_s: float = PART_S,
        retry_s: float = RETRY_S,
        resumed_from: float | None = None,
        resumed_since: float | None = None,
        tail: Path | None = None,
        left: bytes = b"",
        delay_s: float = MIN_DELAY_S,
        record: Callable[[Record], None] = lambda _: None,
        reserve_bytes: int = 0,
        not_series: int = 0,
    ) -> None:
        """Raises ConfigError: the channel's name cannot be a directory's, or the retention is too short.

        `resumed_from`: wall clock at which an encoder was last known to feed this channel in an earlier
        process, `resumed_since`: since when it had done so (None: not known). What that process did not get
        to write goes into the index as a gap.

        `tail`: where arrivals are noted, see `archive.tail`; `left`: what that process had noted; `delay_s`:
        for how long they are of use. `record`: called from the thread with what the ledger is to say of
        closed parts; it must not wait. `reserve_bytes`: kept back on the disk for records (see
        `streamgate.reserve`); 0: none. `not_series`: a series that another recording of this channel has.
        """
        self._root = root
        self._channel = check_channel(channel)
        self._retention_days = check_retention_days(retention_days)
        self._alarm = alarm
        self._wake_at = queue_bytes // 16
        self._retry_s = retry_s
        self._intake = Intake(queue_bytes, alarm)
        self.series = round(wall_s() * 1000)  # names the running numbers of this process
        self.series += self.series == not_series
        self._numbers = dict.fromkeys(Kind, 0)
        self._tail = None if tail is None else TailWriter(tail, self.series, delay_s)
        self._left = left
        self._reserve_bytes = reserve_bytes
        self._recorder = Recorder(
            root, channel, int(part_s * 1e6), self.series, tail=self._tail, record=record
        )
        self._killed = (resumed_from, resumed_since)
        self._owner = OwnedDirectory(root / channel, self._is_over)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._deadline_us = 0
        self._busy_us = 0  # when the thread last took something
        self._error = ("", "")  # in English, in Chinese
        self._failed_us: int | None = None
        self._refused = ""  # the codecs of the newest `archive_format`
        self._refused_us: int | None = None
        self._free_bytes: int | None = None
        self._space = _Space(self._tell)
        self._thread = threading.Thread(target=self._run, name=f"archive-{channel}", daemon=True)

    # ------------------------------------------------------------ the gate's side

    def start(self) -> None:
        self._thread.start()

    def format(self, feed: FeedFormat, source: str) -> None:
        """Say what follows. `source` names one publish of one encoder. A change of either begins a part."""
        self._intake.format(NewFormat(feed, source))

    def packet(self, packet: Packet, arrival_us: int, wall_s: float) -> int:
        """Take a packet; return its running number among those of its kind.

        Never blocks, never fails: what finds no room is counted and stands in the index.
        """
        number = self._numbers[packet.kind]
        self._numbers[packet.kind] = number + 1
        queued = self._intake.packet(
            Arrived(packet, arrival_us, wall_s, number), "failed" if self._error[0] else "behind"
        )
        if packet.keyframe or queued > self._wake_at:
            self._wake.set()
        return number

    @property
    def settled(self) -> bool:
        """Whether the index says what an earlier process did not record."""
        return self._killed == (None, None)

    def set_retention(self, days: int) -> None:
        """Say from now on in `status` how long recordings are kept. Raises ConfigError: not allowed."""
        self._retention_days = check_retention_days(days)

    def set_delay(self, seconds: float) -> None:
        """Say for how long arrivals are of use."""
        if self._tail is not None:
            self._tail.set_delay(seconds)

    def forget_tail(self) -> None:
        """Let nothing that came so far be brought back after a kill."""
        if self._tail is not None:
            self._tail.forget()

    def gone(self, reason: str = "gone") -> None:
        """The encoder is gone: finish the part."""
        self._intake.end(reason)
        self._wake.set()

    def status(self) -> ArchiveStatus:
        """Return what is true now. Cheap."""
        recorder = self._recorder
        status = ArchiveStatus(
            path=recorder.path,
            parts=recorder.parts,
            bytes=recorder.bytes,
            lost_packets=self._intake.lost + recorder.unrecorded,
            free_bytes=self._free_bytes,
            retention_days=self._retention_days,
            error=self._error[0],
            error_zh=self._error[1],
        )
        if not status.error and recorder.refused:
            status.error = f"codec {recorder.refused} cannot be recorded"
            status.error_zh = f"归档不支持编码 {recorder.refused}"
        if status.error:
            status.state = "failed"
        elif self._intake.behind(now_us()):
            status.state = "behind"
        elif recorder.open or recorder.pending or len(self._intake):
            status.state = "ok"
        return status

    def close(self) -> bool:
        """Write what is left and end the thread, within 3 s. False when the disk did not let it finish."""
        if self._thread.ident is None:
            return True
        self._intake.end("stop", last=True)
        self._deadline_us = now_us() + int(CLOSE_S * 0.8e6)
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSE_S)
        self.forget_tail()
        return not self._thread.is_alive() and not len(self._intake)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            self._record_all()
        finally:
            self._owner.release()

    def _record_all(self) -> None:
        prepared = False
        while True:
            try:
                self._own()
                if not prepared:
                    self._prepare()
                    prepared = True
                self._work()
            except OSError as error:
                self._owner.release()
                refused = disk_error(error, self._root / self._channel)
                self._failed(str(refused), refused.zh)
            except Exception as error:  # noqa: BLE001  (this thread's supervisor: recording must go on)
                self._discard()
                reason = f"{type(error).__name__}: {error}"
                self._failed(reason, f"程序错误（{reason}）")
            else:
                self._worked()
                if self._is_over() or (self._closing.is_set() and not len(self._intake)):
                    self._recorder.unrecorded += self._intake.packets()
                    return
                self._wake.wait(1.0)
                self._wake.clear()
                continue
            if not self._closing.is_set():
                self._closing.wait(self._retry_s)
            elif now_us() > self._deadline_us:
                self._recorder.unrecorded += self._recorder.pending + self._intake.packets()
                return
            else:
                time.sleep(min(0.1, self._retry_s))

    def _own(self, *, make: bool = False) -> None:
        """Wait until an earlier writer of this channel, if there was one, has ended. Raises OSError.

        `make`: something is to be written; the directory is made if it is not there.
        """
        if make:
            make_directory(self._root / self._channel)
        with suppress(FileNotFoundError):
            self._owner.own()

    def _is_over(self) -> bool:
        return self._closing.is_set() and now_us() > self._deadline_us

    def _prepare(self) -> None:
        """Mend what an earlier process left behind, and say what it did not record."""
        mended = self._recorder.prepare(parse_tail(self._left) if self._left else None)
        self._left = b""
        if self._reserve_bytes:
            Reserve(self._root.parent, self._reserve_bytes).keep()  # the ledger's
            self._recorder.reserve = Reserve.of(self._root, self._reserve_bytes)
            self._recorder.reserve.keep()
        if mended:
            self._tell("archive_mended", {"parts": len(mended), "part": mended[-1].part})
        fed_until, fed_since = self._killed
        if fed_until is not None:
            self._own(make=True)
        gap = self._recorder.settle_killed(fed_until, fed_since) if fed_until is not None else None
        self._killed = (None, None)
        if gap is not None:
            at = time.strftime("%H:%M:%S", time.localtime(gap.end))
            self._tell("archive_gap", {"seconds": round(gap.seconds, 1) or "?", "time": at})

    def _discard(self) -> None:
        """Something cannot be written, ever: leave out the pending GOP, or without one the item at hand."""
        item = self._intake.first()
        if self._recorder.pending:
            self._recorder.drop_pending()
        elif item is not None:
            self._intake.done(item)
            self._recorder.unrecorded += isinstance(item, Arrived)

    def _work(self) -> None:
        """Take what is queued. Raises OSError with nothing lost: the item at hand stays queued."""
        intake, recorder = self._intake, self._recorder
        while (item := intake.first()) is not None:
            if self._is_over():
                break
            if isinstance(item, Arrived):
                if not self._owner.owned:
                    self._own(make=True)
                recorder.take(item)
            elif isinstance(item, NewFormat):
                recorder.change(item)
                self._tell_refused()
            elif isinstance(item, Gap):
                recorder.missed(item)
            else:
                recorder.end(item.reason)
            intake.done(item)
            self._busy_us = now_us()
        idle_us = now_us() - self._busy_us
        if self._closing.is_set():
            recorder.finish("stop")
        elif idle_us > IDLE_CLOSE_US:
            recorder.finish("gone")
        elif idle_us > IDLE_FLUSH_US:
            recorder.flush()
        recorder.index()

    def _tell_refused(self) -> None:
        """Say what cannot be recorded, when it changes; every few seconds at most, however often it does."""
        refused, at_us = self._recorder.refused, now_us()
        paced = self._refused_us is not None and at_us - self._refused_us < REFUSED_EVERY_US
        if refused == self._refused or (refused and paced):
            return
        self._refused = refused
        if refused:
            self._refused_us = at_us
            self._tell("archive_format", {"codecs": refused})

    def _worked(self) -> None:
        if self._failed_us is not None and (self._recorder.open or not self._recorder.pending):
            seconds = round((now_us() - self._failed_us) / 1e6, 1)
            self._error, self._failed_us = ("", ""), None
            lost = self._intake.lost + self._recorder.unrecorded
            self._tell("archive_recovered", {"seconds": seconds, "lost_packets": lost})
        self._tell_refused()
        if self._space.due(now_us()):
            self._measure_space()
            if self._free_bytes is not None:
                self._space.check(now_us(), self._free_bytes, self._recorder.bytes)

    def _failed(self, error: str, error_zh: str) -> None:
        self._error = error, error_zh
        self._measure_space()
        if self._failed_us is None:
            self._failed_us = now_us()
            self._tell("archive_failed", {"error": error, "error_zh": error_zh})

    def _measure_space(self) -> None:
        try:
            self._free_bytes = shutil.disk_usage(self._root).free
        except OSError:
            self._free_bytes = None

    def _tell(self, code: str, params: Mapping[str, object]) -> None:
        with suppress(RuntimeError):  # the gate's loop has ended: nobody is left to be told
            self._alarm(code, params)


class _Space:
    """Warns when the free space lasts for few hours at the present bitrate of this channel."""

    def __init__(self, alarm: Alarm) -> None:
        self._alarm = alarm
        self._at_us: int | None = None
        self._bytes = 0
        self._level = 0

    def due(self, at_us: int) -> bool:
        return self._at_us is None or at_us - self._at_us >= SPACE_EVERY_US

    def check(self, at_us: int, free: int, total_bytes: int) -> None:
        """`total_bytes`: written so far. Speaks when it gets worse; falls silent well above the limit."""
        since_us = at_us - self._at_us if self._at_us is not None else 0
        written = total_bytes - self._bytes
        self._at_us, self._bytes = at_us, total_bytes
        if not written or not since_us:
            return
        hours = free / (written / since_us * 3.6e9)
        level = sum(hours < limit for limit in LOW_SPACE_HOURS)
        if level > self._level:
            word = ("warning", "alarm")[level - 1]
            self._alarm("archive_low_space", {"hours": round(hours, 1), "free_bytes": free, "level": word})
        if level > self._level or hours > LOW_SPACE_HOURS[0] * 1.5:
            self._level = level
