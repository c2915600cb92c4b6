"""The writer of the ledger: one thread per process that appends records and has them on disk.

Whoever records never waits for the disk. The queue is bounded in records and bytes; what does not fit is
counted, and a `gap` record says so as soon as the disk takes lines. A record that is on its way stands in
memory too (see spill): a process that is killed loses none.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from streamgate.clock import now_us, wall_s
from streamgate.errors import LedgerError
from streamgate.ledger.chain import Head, canonical, link, unlink
from streamgate.ledger.file import Durable, LedgerFile
from streamgate.ledger.places import Place, find_places, goes_on, read_tail, utc_day
from streamgate.ledger.record import Close, FileHead, Gap, Open, Record, Seal
from streamgate.ledger.signing import Signer
from streamgate.ledger.spill import Spill
from streamgate.reserve import FULL, Reserve

MAX_RECORDS = 10_000
MAX_BYTES = 16 * 1024 * 1024
SEAL_EVERY_S = 300.0
LOOK_EVERY_S = 60.0  # whether the day has changed
RETRY_S = 1.0
HUNG_S = 3.0
WATCH_S = 0.5
_BATCH = 512
_SECOND_US = 1_000_000


class Written(NamedTuple):
    """Where a record stands: the file, its number there, its hash."""

    file: str
    record: int
    hash: str


class _Waiting(NamedTuple):
    """A record on its way. `queued`: it counts in the queue's bytes; False: an earlier process left it."""

    data: bytes
    at: float
    future: Future[Written] | None = None
    queued: bool = True


class _Lost(NamedTuple):
    number: int = 0
    since: float = 0.0
    until: float = 0.0
    why: str = ""

    def more(self, at: float, why: str) -> "_Lost":
        return _Lost(self.number + 1, self.since or at, at, why)


class Writer:
    """Appends the records of one process to `root`/DAY/`process`.jsonl.

    `spill_dir`: where copies of records on their way are kept in memory; None: nowhere. `signer`: of seals.
    `alarm` is called from a thread: once with the reason when the ledger cannot be written, once with "" when
    it can again.
    """

    def __init__(
        self,
        root: Path,
        process: str,
        *,
        spill_dir: Path | None = None,
        signer: Signer | None = None,
        alarm: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = wall_s,
        seal_every_s: float = SEAL_EVERY_S,
    ) -> None:
        self._root, self._process = root, process
        self._alarm, self._clock, self._signer = alarm, clock, signer
        self._seal_every_us = round(seal_every_s * _SECOND_US)
        self._boot = _boot_id()
        self._lock = threading.Condition()
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._lost = _Lost()
        self._losses = 0  # ever, for the alarm
        self._ending = False
        self._spill = Spill(spill_dir / f"{process}.spill") if spill_dir is not None else None
        self._pending = self._recall()
        self._file: LedgerFile | None = None
        self._durable: Durable | None = None  # of the file that failed
        self._opened = False
        self._sealed: dict[str, int] = {}
        self._sealed_us = now_us()
        self._error = ""
        self._busy_us: int | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._watch = threading.Thread(target=self._look_after, name="ledger-watch", daemon=True)
        self._thread.start()
        self._watch.start()

    # ------------------------------------------------------------ callers

    def write(self, record: Record) -> None:
        """Record it; never waits and never raises."""
        self._put(record, None)

    def written(self, record: Record) -> Future[Written]:
        """Record it; the future is done when it is on disk. LedgerError in it: it did not fit, or all ends.

        On a disk that fails it stays open: wait for it with a timeout (`asyncio.wrap_future`).
        """
        future: Future[Written] = Future()
        self._put(record, future)
        return future

    def close(self, timeout_s: float = 1.0) -> bool:
        """Write what waits, seal, and end. False when the disk did not take it within `timeout_s`."""
        with self._lock:
            self._ending = True
            self._lock.notify()
        self._thread.join(timeout_s)
        self._over.set()
        with self._lock:
            left = [*self._pending, *self._queue]
            done = not self._thread.is_alive() and not left and not self._lost.number
            if self._lost.number and self._spill is not None:
                self._spill.append(msgspec.json.encode(self._stamp(_gap(self._lost))))
        for one in left:
            _fail(one.future, "the process ends before the disk has taken the record")
        return done

    def _put(self, record: Record, future: Future[Written] | None) -> None:
        at = self._clock()
        try:
            data = msgspec.json.encode(self._stamp(record))
        except (TypeError, ValueError):
            self._lose(at, "a record has no form in JSON", future)
            return
        with self._lock:
            fits = len(self._queue) < MAX_RECORDS and self._bytes + len(data) <= MAX_BYTES
            if fits and not self._ending:
                self._queue.append(_Waiting(data, at, future))
                self._bytes += len(data)
                if self._spill is not None:
                    self._spill.append(data)
                self._lock.notify()
                return
        self._lose(at, "the process was ending" if self._ending else "the disk was too slow", future)

    def _stamp(self, record: Record) -> Record:
        record.at = record.at or round(self._clock(), 6)
        record.mono_us = record.mono_us or now_us()
        record.boot = self._boot
        return record

    def _lose(self, at: float, why: str, future: Future[Written] | None = None) -> None:
        with self._lock:
            self._lost = self._lost.more(at, why)
            self._losses += 1
        _fail(future, f"the record is lost: {why}")

    def _recall(self) -> list[_Waiting]:
        """Take the records that an earlier process had on their way when it was killed."""
        found = []
        for data in self._spill.read() if self._spill is not None else ():
            try:
                msgspec.json.decode(data, type=dict)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._lose(self._clock(), "its copy in memory is damaged")
            else:
                found.append(_Waiting(data, self._clock(), queued=False))
        return found

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._error:
                    self._lock.wait_for(lambda: self._ending, RETRY_S)
                elif not (self._pending or self._lost.number or not self._opened):
                    self._lock.wait_for(lambda: self._queue or self._ending, self._rest_s())
                ending = self._ending
            self._busy_us = now_us()
            try:
                self._work(ending=ending)
            except OSError as error:
                self._give_up(error)
            else:
                self._error = ""
            self._busy_us = None
            with self._lock:
                if ending and (self._error or not (self._queue or self._pending)):
                    return

    def _rest_s(self) -> float:
        """How long there is nothing to do without a record."""
        seal_s = (self._sealed_us + self._seal_every_us - now_us()) / _SECOND_US
        midnight_s = 86_400 - self._clock() % 86_400
        return max(0.01, min(seal_s, midnight_s, LOOK_EVERY_S))

    def _work(self, *, ending: bool) -> None:
        file = self._ready_file()
        while self._pending or self._queue or self._lost.number:
            self._write_batch(file)
            if not ending and not goes_on(file.place.day, utc_day(self._clock())):
                break
        if now_us() - self._sealed_us >= self._seal_every_us:
            self._seal(file, "period")
        if ending and not self._queue:
            self._seal(file, "end")
            self._append(file, [Close(why="end")])
            file.close()
            self._file = None

    def _give_up(self, error: OSError) -> None:
        """The disk refuses: whatever is pending is tried again, with the file opened anew."""
        self._error = f"{error.strerror or error}: {error.filename or self._root}"
        if error.errno in FULL and Reserve.of(self._root).release():
            self._error = ""  # there is room now that nothing else may take: try at once
        if self._file is not None and self._file.sound and error.errno in FULL:
            return  # the file is as it was: no need to read it again and again
        if self._file is not None:
            self._durable = self._file.durable
            with suppress(OSError):
                self._file.close()
            self._file = None

    # ------------------------------------------------------------ the file

    def _ready_file(self) -> LedgerFile:
        today = utc_day(self._clock())
        if self._file is None:
            return self._take_up(today)
        if goes_on(self._file.place.day, today):
            return self._file
        old = self._file
        self._append(old, [Close(why="midnight")])
        self._file = old.follow(today, self._stamp)
        old.close()
        self._seal(self._file, "midnight")
        return self._file

    def _take_up(self, today: str) -> LedgerFile:
        """Open the file; records that stand in it already are not written again."""
        waiting = {canonical(msgspec.json.decode(one.data)): one for one in self._pending}
        there: dict[bytes, _Waiting] = {}

        def seen(line: bytes) -> None:
            if waiting and (one := waiting.pop(body := unlink(line), None)) is not None:
                there[body] = one

        file = LedgerFile.take_up(
            self._root, self._process, today, self._stamp, seen=seen, durable=self._durable
        )
        if there:
            gone = set(map(id, there.values()))
            self._pending = [one for one in self._pending if id(one) not in gone]
            for one in there.values():
                self._free(one)
                _fulfil(one.future, Written(file.place.name, *file.head))
        news = file.news
        if not self._opened and file.head.records > 1:
            news = [Open(pid=os.getpid()), *news]
        if news:
            self._append(file, news)
            file.news = []
        self._file, self._durable = file, None
        if not self._opened:
            self._opened = True
            self._seal(file, "start")
        return file

    def _write_batch(self, file: LedgerFile) -> None:
        if not self._pending:
            with self._lock:
                count = min(len(self._queue), _BATCH)
                self._pending = [self._queue.popleft() for _ in range(count)]
        lines: list[bytes] = []
        places: list[Written] = []
        head = file.head
        for one in list(self._pending):
            try:
                line, head = link(msgspec.json.decode(one.data), head)
            except ValueError as error:  # too long a line, an integer that is too great
                self._pending.remove(one)
                self._lose(one.at, str(error), one.future)
                self._free(one)
            else:
                lines.append(line)
                places.append(Written(file.place.name, head.records, head.hash))
        lost = self._lost
        if lost.number:
            line, head = link(msgspec.to_builtins(self._stamp(_gap(lost))), head)
            lines.append(line)
        if lines:
            file.append(b"".join(lines), head)
        done, self._pending = self._pending, []
        for one, place in zip(done, places, strict=True):
            self._free(one)
            _fulfil(one.future, place)
        with self._lock:
            if lost.number:
                self._lost = self._lost._replace(number=self._lost.number - lost.number, since=lost.until)
                self._lost = self._lost if self._lost.number else _Lost()
            if not self._queue and self._spill is not None:
                self._spill.clear()

    def _free(self, one: _Waiting) -> None:
        with self._lock:
            self._bytes -= len(one.data) if one.queued else 0

    def _append(self, file: LedgerFile, records: list[Record]) -> None:
        lines: list[bytes] = []
        head: Head = file.head
        for record in records:
            line, head = link(msgspec.to_builtins(self._stamp(record)), head)
            lines.append(line)
        file.append(b"".join(lines), head)

    # ------------------------------------------------------------ seals

    def _seal(self, file: LedgerFile, why: str) -> None:
        """Name the heads of the other files, where they have changed since the last seal."""
        self._sealed_us = now_us()
        heads: list[FileHead] = []
        for place in self._others(file.place):
            try:
                tail = read_tail(self._root, place)
            except OSError:
                continue
            before = self._sealed.get(place.name, 0)
            # A seal that answers nothing but a seal would be answered by the next one, for ever.
            only_seal = tail is not None and tail.kind == "seal" and tail.head.records == before + 1
            if tail is not None and tail.head.records > before and not (only_seal and why == "period"):
                heads.append(tail.head)
        if heads or (self._signer is not None and why == "end"):
            seal = Seal(why=why, heads=heads, own=FileHead(file.place.name, *file.head))  # type: ignore[arg-type]
            if self._signer is not None:
                self._signer.sign(self._stamp(seal))  # type: ignore[arg-type]
            self._append(file, [seal])
            self._sealed |= {head.file: head.records for head in heads}

    def _others(self, own: Place) -> list[Place]:
        """The files of the two newest days, and the newest of each process."""
        places = [place for place in find_places(self._root) if place != own]
        days = sorted({place.day for place in places} | {own.day})[-2:]
        last = {place.process: place for place in places}
        return [place for place in places if place.day in days or last[place.process] == place]

    # ------------------------------------------------------------ the alarm

    def _look_after(self) -> None:
        """Call `alarm` when the ledger cannot be written, and when it can again."""
        told, losses = False, 0
        while True:
            over = self._over.wait(WATCH_S)
            reason = self._reason()
            if not reason and self._losses > losses:
                reason = f"{self._losses - losses} records did not fit"
            losses = self._losses
            if bool(reason) != told:
                told = bool(reason)
                self._alarm(reason)
            if over:
                return

    def _reason(self) -> str:
        busy = self._busy_us
        if busy is not None and now_us() - busy > HUNG_S * _SECOND_US:
            return f"the disk does not answer: {self._root}"
        return self._error


def _gap(lost: _Lost) -> Gap:
    return Gap(lost=lost.number, since=lost.since, until=lost.until, why=lost.why)


def _fulfil(future: Future[Written] | None, place: Written) -> None:
    if future is not None and not future.done():
        future.set_result(place)


def _fail(future: Future[Written] | None, text: str) -> None:
    if future is not None and not future.done():
        future.set_exception(LedgerError(text))


def _boot_id() -> str:
    """Which boot of the machine CLOCK_MONOTONIC counts from (random(4))."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
