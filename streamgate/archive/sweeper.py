"""Removes recordings that are past their retention, and nothing else (rule R8)."""

import asyncio
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import structlog

from streamgate.archive import aired_expiry
from streamgate.archive.parts import (
    INDEX,
    PartRecord,
    events_path,
    find_day,
    find_parts,
    open_directory,
    parse,
    read_index,
    record_from_file,
)
from streamgate.archive.removed import Removed, log_removed
from streamgate.archive.retention_file import RETENTION, read_retention, settle_retention
from streamgate.clock import boot_id, now_us, wall_s
from streamgate.core.retention import (
    Candidate,
    ClockMark,
    check_retention_days,
    judge_clock,
    removable,
)
from streamgate.disk import replace_file
from streamgate.errors import ArchiveError, StreamgateError
from streamgate.ledger.record import Removal
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import both, in_chinese

MARK = "sweeper.json"
EVERY_S = 3600.0
BATCH = 100
LEDGER_S = 10.0  # so long the ledger may take to have a removal on disk
PAUSE_S = 0.05  # between batches: the disk belongs to the recording

Alarm = Callable[[str, Mapping[str, object]], None]
RemovedHook = Callable[[Sequence[str], float], None]
Recording = Callable[[Removal], "Future[Any] | None"]
_log = structlog.get_logger("streamgate.archive.sweeper")


class Sweeper:
    """Sweeps an archive every hour. Belongs to one asyncio loop; its file work runs in threads.

    `alarm(code, params)` is called on the loop, see `streamgate.archive.notices`. `on_removed(paths, at)`
    is called in a thread after each batch (the catalog's `mark_removed`). `held()` is asked anew for each
    batch: it returns what exempts a part by its path; ArchiveError from it: everything is held.
    `channel_days()`: the retention of each channel there is, None where it is not known. What was known of a
    channel last stays in force when the channel is gone. `record`: takes what the ledger is to say; what it
    returns is waited for, so that nothing goes before its removal is on disk there. `covers()`: as `held`, of
    spans of a channel. `locked()`: while it is entered no hold is placed; from the question whether something
    is held until it is gone. Such a hold waits for one batch, LEDGER_S and its disk writes at most.
    """

    def __init__(
        self,
        root: Path,
        *,
        retention_days: int,
        alarm: Alarm,
        on_removed: RemovedHook | None = None,
        held: Callable[[], Callable[[str], bool]] = lambda: lambda _path: False,
        channel_days: Callable[[], Mapping[str, int | None]] = dict,
        record: Recording = lambda _: None,
        covers: Callable[[], aired_expiry.Covers] = lambda: lambda *_: False,
        locked: Callable[[], AbstractContextManager[None]] = nullcontext,
        every_s: float = EVERY_S,
        wall: Callable[[], float] = wall_s,
    ) -> None:
        """Raises ConfigError: a retention under 60 days."""
        self._root = root
        self._retention_days = check_retention_days(retention_days)
        self._alarm = alarm
        self._on_removed = on_removed
        self._held = held
        self._channel_days = channel_days
        self._record_removal = record
        self._covers = covers
        self._locked = locked
        self._every_s = every_s
        self._wall = wall
        self._threads = DaemonThreads("archive sweep", 1)  # not waited for: a disk may hold it up

    async def run(self) -> None:
        """Sweep now and every hour until cancelled (a batch under way goes on in its thread)."""
        while True:
            await self.sweep()
            await asyncio.sleep(self._every_s)

    async def sweep(self) -> int:
        """Remove what may go, batch by batch; return how many parts went. Errors are alarms, not raised."""
        try:
            expired, doubt = await self._threads.call(self._plan)
        except OSError as error:
            self._alarm("archive_not_removed", {"parts": "?", **both(error)})
            return 0
        except StreamgateError as error:
            _log.warning("archive.sweep_refused", reason=str(error))
            self._alarm("archive_held", both(error))
            return 0
        if doubt:
            _log.warning("archive.sweep_refused", reason=doubt["reason"])
            self._alarm("archive_clock", doubt)
            return 0
        gone = 0
        for start in range(0, len(expired), BATCH):
            batch = expired[start : start + BATCH]
            try:
                gone += await self._threads.call(self._remove_unheld, batch)
            except OSError as error:
                _log.error("archive.sweep_failed", error=str(error), parts=len(expired) - gone)
                self._alarm("archive_not_removed", {"parts": len(expired) - gone, **both(error)})
                break
            except StreamgateError as error:
                self._alarm("archive_held", both(error))
                break
            await asyncio.sleep(PAUSE_S)
        else:
            await self._sweep_lists()
        return gone

    async def _sweep_lists(self) -> None:
        """Remove edit lists and fillers that are past their retention."""
        try:
            await self._threads.call(self._expire_lists)
        except OSError as error:
            _log.error("archive.sweep_failed", error=str(error))
            self._alarm("archive_not_removed", {"parts": "?", **both(error)})
        except StreamgateError as error:
            self._alarm("archive_held", both(error))

    # ------------------------------------------------------------ in threads

    def _plan(self) -> tuple[list[Candidate], dict[str, str]]:
        """Return what may go, and why nothing may."""
        candidates = []
        held, days = self._held(), self._retention()
        for name, path in find_parts(self._root):
            with suppress(FileNotFoundError):
                key = str(name.path)
                modified_at = path.stat(follow_symlinks=False).st_mtime
                candidates.append(
                    Candidate(key, name.channel, name.number, name.start_ms / 1000, modified_at, held(key))
                )
        newest = max((max(part.named_at, part.modified_at) for part in candidates), default=None)
        now = ClockMark(self._wall(), now_us() / 1e6, boot_id())
        try:
            last = self._read_mark()
        except msgspec.DecodeError:
            return [], {
                "reason": f"{MARK} cannot be read; delete it once the clock was checked",
                "reason_zh": f"无法读取 {MARK}；核对时钟后请将其删除",
            }
        verdict = judge_clock(last, now, newest)
        if self._root.is_dir():
            self._write_mark(verdict.mark)
        if not verdict.trusted:
            return [], {"reason": verdict.reason, "reason_zh": verdict.reason_zh}
        may_go = removable(candidates, now_s=now.wall_s, retention_days=self._retention_days, by_channel=days)
        return may_go, {}

    def _retention(self) -> dict[str, int]:
        """Return the retention of each channel that has one or ever had, and remember it."""
        known, given = read_retention(self._root), self._channel_days()
        now = known | {channel: days for channel, days in given.items() if days is not None}
        if now != known and self._root.is_dir():
            replace_file(self._root / RETENTION, msgspec.json.encode(now))
        return settle_retention(now, given)

    def _remove_unheld(self, batch: Sequence[Candidate]) -> int:
        """Remove a batch while no hold can be placed: what was accepted before it stays."""
        with self._locked():
            return self._remove(batch)

    def _remove(self, batch: Sequence[Candidate]) -> int:
        """Log a batch but for what is held meanwhile, then unlink it. Raises OSError and StreamgateError."""
        at = self._wall()
        held, days = self._held(), self._retention()
        batch = [part for part in batch if not held(part.key)]
        if not batch:
            return 0
        lines: list[tuple[Removed, Candidate]] = []
        for day, parts in groupby(batch, key=lambda part: PurePosixPath(part.key).parent):
            known = {record.part: record for record in read_index(self._root / day)}
            for part in parts:
                record = self._record(part, known)
                lines.append(
                    (
                        Removed(
                            at=at,
                            path=part.key,
                            channel=part.channel,
                            number=part.number,
                            start=record.start,
                            end=record.end,
                            bytes=record.bytes,
                            sha256=record.sha256,
                            reason=f"older than {days.get(part.channel, self._retention_days)} days",
                        ),
                        part,
                    )
                )
        log_removed(self._root, [line for line, _ in lines])
        self._settle([_removal(line) for line, _ in lines])
        for line, part in lines:
            self._unlink(part)
            _log.info("archive.removed", **msgspec.structs.asdict(line))
        for day in dict.fromkeys(PurePosixPath(part.key).parent for part in batch):
            self._tidy(day)
        if self._on_removed is not None:
            self._on_removed([part.key for part in batch], at)
        return len(lines)

    def _is_covered(self, channel: str, start: float, end: float) -> bool:
        """Whether a span is held, by the holds there are now."""
        return self._covers()(channel, start, end)

    def _expire_lists(self) -> int:
        rules = aired_expiry.Rules(
            now_s=self._wall(),
            days=self._retention(),
            otherwise=self._retention_days,
            covers=self._is_covered,
            locked=self._locked,
            settle=lambda removal: self._settle([removal]),
        )
        return aired_expiry.expire(self._root, rules)

    def _settle(self, removals: Sequence[Removal]) -> None:
        """Have removals in the ledger, on disk. Raises ArchiveError when it does not take them."""
        waiting = [self._record_removal(one) for one in removals]
        try:
            for one in waiting:
                if one is not None:
                    one.result(LEDGER_S)
        except (TimeoutError, StreamgateError) as error:
            raise ArchiveError(
                f"the ledger does not take the removals ({error})",
                f"操作记录未能写入清理记录（{in_chinese(error)}）",
            ) from error

    def _record(self, part: Candidate, known: Mapping[str, PartRecord]) -> PartRecord:
        path = PurePosixPath(part.key)
        record = known.get(path.name)
        if record is None:
            name = parse(path)
            assert name is not None
            record = record_from_file(name, self._root / path)
        return record

    def _unlink(self, part: Candidate) -> None:
        """Remove a part and its events, if it still is the plain file that was judged."""
        path = PurePosixPath(part.key)
        with open_directory(self._root, path.parent) as directory:
            found = os.stat(path.name, dir_fd=directory, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode) or found.st_mtime != part.modified_at:
                raise OSError(f"{part.key} changed since it was judged; it stays")
            with suppress(FileNotFoundError):
                os.unlink(events_path(Path(path.name)).name, dir_fd=directory)
            os.unlink(path.name, dir_fd=directory)

    def _tidy(self, day: PurePosixPath) -> None:
        """Remove a day that holds nothing but its index: every line of it is in the log of removals."""
        path = self._root / day
        if any(True for _ in find_day(day.parts[0], path)):
            return
        with open_directory(self._root, day) as directory:
            if set(os.listdir(directory)) - {INDEX}:  # noqa: PTH208  (by descriptor: nothing can be swapped)
                return
            with suppress(FileNotFoundError):
                os.unlink(INDEX, dir_fd=directory)
        path.rmdir()

    def _read_mark(self) -> ClockMark | None:
        try:
            return msgspec.json.decode((self._root / MARK).read_bytes(), type=ClockMark)
        except FileNotFoundError:
            return None

    def _write_mark(self, mark: ClockMark) -> None:
        replace_file(self._root / MARK, msgspec.json.encode(mark))


def _removal(line: Removed) -> Removal:
    return Removal(
        channel=line.channel,
        path=line.path,
        number=line.number,
        start=line.start,
        end=line.end,
        bytes=line.bytes,
        sha256=line.sha256,
        reason=line.reason,
    )
