"""The copy process: keeps the second copy up to date in a thread, niced, and tells how it stands."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from streamgate.archive.copy.copier import Copier, Rules
from streamgate.archive.copy.journal import FILE as JOURNAL
from streamgate.archive.copy.journal import Journal, put_aside
from streamgate.archive.copy.pace import Pace, StoppingError
from streamgate.archive.copy.place import CopySettings, open_target
from streamgate.archive.copy.state import CopyState, clear_state, warnings, write_state
from streamgate.archive.copy.target import Target
from streamgate.clock import now_us, wall_s
from streamgate.core.backoff import Backoff
from streamgate.errors import ArchiveError, CatalogDamaged, CopyError, StreamgateError
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer
from streamgate.link.messages import Warn
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import in_chinese, in_english

NICE = 10
ROUND_EVERY_S = 5.0
STATE_EVERY_S = 2.0
TELL_EVERY_S = 10.0
COUNT_EVERY_S = 30.0
RETRY_S, MAX_RETRY_S = 2.0, 300.0
END_S = 2.0
_log = structlog.get_logger()

Stand = Callable[[str, Warn | None], Awaitable[None]]


async def run(
    settings: CopySettings, *, data_dir: Path, run_dir: Path, stop: asyncio.Event, stand: Stand
) -> None:
    """Copy until `stop` is set, then end within about 2 s; what is under way is sent again next time.

    `stand(key, warning)` lets a warning stand before the operators, None takes it back. Raises ConfigError.
    """
    with suppress(OSError):
        os.nice(NICE)
    worker = Worker(settings, data_dir, run_dir)
    threads = DaemonThreads("second copy", 1)  # not waited for: a disk or a store may hold it up
    working = threads.call(worker.work)
    telling = [asyncio.ensure_future(_publish(worker, run_dir, stop))]
    telling.append(asyncio.ensure_future(_tell(worker, stop, stand)))
    try:
        await asyncio.wait({working, *telling}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        worker.stop.set()
        for one in telling:
            one.cancel()
        await asyncio.wait({working, *telling}, timeout=END_S)
        clear_state(run_dir)
    if working.done():
        working.result()  # a fault of ours: the supervisor starts the process again


async def _publish(worker: "Worker", run_dir: Path, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(OSError):
            write_state(run_dir, worker.state())
        await _pause(stop, STATE_EVERY_S)


async def _tell(worker: "Worker", stop: asyncio.Event, stand: Stand) -> None:
    """Say what stands, again and again: the gate may be a new one."""
    told: set[str] = set()
    while not stop.is_set():
        for key, what in warnings(worker.state(), wall_s()):
            if what is not None or key in told:
                with suppress(StreamgateError):  # the gate is away
                    await stand(key, what)
                    told = told | {key} if what is not None else told - {key}
        await _pause(stop, TELL_EVERY_S)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


class Worker:
    """Runs rounds of a copier in its thread; `state` may be read by others."""

    def __init__(self, settings: CopySettings, data_dir: Path, run_dir: Path) -> None:
        self.stop = threading.Event()
        self._settings, self._data_dir, self._run_dir = settings, data_dir, run_dir
        self._backoff = Backoff(RETRY_S, MAX_RETRY_S, stable_s=0)
        self._copier: Copier | None = None
        self._target: Target | None = None
        self._journal: Journal | None = None
        self._ledger: Writer | None = None
        self._state = CopyState(
            target=settings.to,
            state="copying",
            since=wall_s(),
            limit_mbps=settings.limit_mbps,
            keep_days=settings.keep_days,
            recheck_days=settings.recheck_days,
        )
        self._counted_us = 0

    def state(self) -> CopyState:
        """Return how it stands now."""
        state = msgspec.structs.replace(self._state, at=wall_s())
        if self._copier is not None:
            behind = self._copier.behind
            state.behind_files, state.behind_bytes, state.oldest = behind
            state.lost, state.lost_for_good = self._copier.lost, self._copier.lost_for_good
            state.damaged = self._copier.damaged
            state.locked, state.locked_zh = self._copier.locked, self._copier.locked_zh
        return state

    def work(self) -> None:
        """Until `stop` is set. Errors are states; ConfigError is raised."""
        try:
            while not self.stop.is_set():
                pause_s = self._round()
                self.stop.wait(pause_s)
        finally:
            if self._ledger is not None:
                self._ledger.close()
            if self._journal is not None:
                self._journal.close()
            if self._target is not None:
                self._target.close()

    def _round(self) -> float:
        """Do what there is to do; return seconds until the next time."""
        try:
            copier = self._ready()
            copier.round()
        except StoppingError:
            return 0.0
        except CatalogDamaged as error:
            return self._damaged(error)
        except (StreamgateError, OSError) as error:
            return self._failed(error)
        self._backoff.succeeded(now_us())
        self._enter("idle")
        self._count()
        return ROUND_EVERY_S

    def _ready(self) -> Copier:
        if self._target is None:
            self._target = open_target(self._settings, self._data_dir)
            self._state.target = self._target.shown
        if self._journal is None:
            self._journal = Journal(self._data_dir)
            self._copier = None
        if self._copier is None:
            given = self._settings
            if given.keep_days and self._ledger is None:
                self._ledger = Writer(
                    self._data_dir / LEDGER,
                    "copy",
                    spill_dir=self._run_dir / LEDGER,
                    signer=Signer(self._data_dir),
                )
            record = self._ledger.write if self._ledger is not None else (lambda _: None)
            rules = Rules(given.keep_days or None, given.recheck_days, given.check == "checksum")
            pace = Pace(given.limit_mbps or None, self.stop)
            self._copier = Copier(
                self._data_dir, self._journal, self._target, pace, rules, moved=self._moved, record=record
            )
        return self._copier

    def _moved(self) -> None:
        self._state.last_copied = wall_s()
        self._enter("copying")
        if now_us() - self._counted_us > COUNT_EVERY_S * 1e6:
            self._count()

    def _count(self) -> None:
        assert self._journal is not None
        counts = self._journal.counts()
        self._counted_us = now_us()
        state = self._state
        state.pieces, state.bytes, state.checked, state.checked_bytes, state.oldest_check = counts
        lock = getattr(self._target, "lock", None)
        state.lock = f"{lock.mode} {lock.days} days" if lock is not None else ""

    def _failed(self, error: Exception) -> float:
        if self.stop.is_set():
            return 0.0
        word = "unreachable" if isinstance(error, CopyError) else "failed"
        if self._state.state != word:
            _log.warning("copy_failed", state=word, error=in_english(error))
        self._enter(word, error)
        try:
            if self._copier is not None:
                self._copier.look()
        except ArchiveError:
            self._close_journal()  # whatever has become of it, it is opened anew
        except OSError:
            pass
        return self._backoff.failed(now_us(), jitter=0.5)

    def _damaged(self, error: CatalogDamaged) -> float:
        _log.warning("copy_journal_damaged", error=str(error))
        self._close_journal()
        with suppress(StreamgateError):
            put_aside(self._data_dir / JOURNAL)
        return self._backoff.failed(now_us(), jitter=0.5)

    def _close_journal(self) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = self._copier = None

    def _enter(self, word: str, error: Exception | None = None) -> None:
        if self._state.state != word:
            self._state = msgspec.structs.replace(self._state, state=word, since=wall_s())
        said = ("", "") if error is None else (in_english(error), in_chinese(error))
        self._state.error, self._state.error_zh = said
