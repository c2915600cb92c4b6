"""The audit: searches, exports and proofs of the ledger, beside the console's event loop, within bounds."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from console.audit import export
from console.audit.proofs import Proofs
from console.audit.query import Query
from console.audit.trail import Budget, Cursor, Fault, Row, Spans, Walk
from console.problems import BUSY, GATE_DOWN, Refused, bad_request
from streamgate.ledger.places import FOLDER
from streamgate.ledger.record import Decision, Record

SEARCHES, EXPORTS = 2, 2  # at once
WAIT_S = 2.0  # for another search to end
ANSWER_S = 10.0  # for a disk that does not answer
READ_BYTES, READ_S = 64 * 1024 * 1024, 1.5  # of one search; the page goes on by itself
EXPORT_BYTES, EXPORT_S = 4 * 1024**3, 600.0
EXPORT_ROWS = 1_000_000  # a spreadsheet holds 1 048 576
_CHUNK_ROWS = 500
_T = TypeVar("_T")

SEARCH_BUSY = BUSY._replace(
    error="Others search the ledger at this moment; try again in a few seconds.",
    error_zh="正有他人在查询操作记录，请几秒后再试。",
)
EXPORT_BUSY = BUSY._replace(
    error="Two exports are running already; try again when one has ended.",
    error_zh="已有两个导出正在进行，请在其结束后再试。",
)
LEDGER_SILENT = GATE_DOWN._replace(
    code="ledger_away",
    error="The disk of the ledger does not answer. Air is not affected; see to the disk.",
    error_zh="存放操作记录的磁盘没有响应。播出不受影响，请检查磁盘。",
)
BAD_CURSOR = bad_request(
    "The cursor is not one that this address gave, or the ledger was changed since. Begin at the first page.",
    "翻页标记无效，或操作记录已变动。请从第一页重新开始。",
)
TOO_MANY = (
    f"The export ends here: at most {EXPORT_ROWS} records, and {EXPORT_S:g} s. Narrow it.",
    "导出到此为止：已达条数或时间上限，请缩小时间范围分次导出。",
)
BROKEN = ("Not whole: something could not be read:", "不完整：有内容无法读取：")


class Found(NamedTuple):
    """`next`: where to go on, None at the end. `day`: whose files were read last."""

    rows: list[Row]
    next: str | None
    day: str
    faults: list[Fault]


class Audit:
    """`record` puts a record into this console's ledger and never waits."""

    def __init__(self, data_dir: Path, record: Callable[[Record], None]) -> None:
        self._root = data_dir / FOLDER
        self._record = record
        self._spans = Spans()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(SEARCHES + EXPORTS, "audit")
        self._searches, self._exports = asyncio.Semaphore(SEARCHES), asyncio.Semaphore(EXPORTS)
        self.proofs = Proofs(data_dir)

    async def search(self, query: Query, cursor: str, limit: int) -> Found:
        """Return up to `limit` records, newest first; fewer, with a cursor, when there was much to read.

        Raises:
            Refused: bad cursor, too many searches at once, a disk that does not answer.
        """
        start = _cursor(cursor)
        try:
            async with asyncio.timeout(WAIT_S):
                await self._searches.acquire()
        except TimeoutError:
            raise Refused(SEARCH_BUSY) from None
        loop = asyncio.get_running_loop()
        reading = self._pool.submit(self._search, query, start, limit)
        # Its place is free when the thread is, and not when nobody waits for it any more.
        reading.add_done_callback(lambda _: loop.call_soon_threadsafe(self._searches.release))
        return await _answer(reading)

    def _search(self, query: Query, start: Cursor | None, limit: int) -> Found:
        budget = Budget(READ_BYTES, READ_S, self._stop)
        with closing(Walk(self._root, query, self._spans, start)) as walk:
            found = list(itertools.islice(walk.rows(budget), limit))
            cursor = walk.cursor()
            following = cursor.text() if cursor is not None else None
            return Found(found, following, walk.day, walk.faults)

    async def begin_export(self, query: Query, who: Decision) -> "Export":
        """Take a place for an export, and put it on record: `who` holds person, role and address.

        Raises:
            Refused: too many at once.
        """
        if self._exports.locked():
            raise Refused(EXPORT_BUSY)
        await self._exports.acquire()
        who.what, who.channel, who.args, who.answer = "audit.export", query.channel, query.plain(), "ok"
        self._record(who)
        walk = Walk(self._root, query, self._spans)
        return Export(walk, Budget(EXPORT_BYTES, EXPORT_S, self._stop), self._pool, self._exports.release)

    async def close(self) -> None:
        """End what runs, within a second."""
        self._stop.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        await self.proofs.close()


class Export:
    """One export, made while it is sent."""

    def __init__(
        self, walk: Walk, budget: Budget, pool: ThreadPoolExecutor, done: Callable[[], None]
    ) -> None:
        self._walk, self._pool = walk, pool
        self._rows = walk.rows(budget)
        self._done = done
        self._number = 0
        self._reading: Future[tuple[bytes, bool]] | None = None

    async def chunks(self, wanted: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Yield the file piece by piece, for as long as it is `wanted`."""
        yield export.head()
        more = True
        while more and wanted():
            self._reading = self._pool.submit(self._next)
            chunk, more = await _answer(self._reading)
            yield chunk

    def close(self) -> None:
        """Give the place back, once the thread is out of the files."""
        loop = asyncio.get_running_loop()

        def free(_: Any = None) -> None:
            self._walk.close()
            loop.call_soon_threadsafe(self._done)

        if self._reading is None:
            free()
        else:
            self._reading.add_done_callback(free)

    def _next(self) -> tuple[bytes, bool]:
        rows = list(itertools.islice(self._rows, min(_CHUNK_ROWS, EXPORT_ROWS - self._number)))
        self._number += len(rows)
        said = export.to_csv(rows)
        if len(rows) == _CHUNK_ROWS:
            return said, True
        if self._walk.paused or next(self._rows, None) is not None:
            said += export.last_line(*TOO_MANY)
        for fault in self._walk.faults:
            where = f"{fault.file}:{fault.line}"
            said += export.last_line(
                f"{BROKEN[0]} {where}: {fault.why}", f"{BROKEN[1]}{where}：{fault.why_zh}"
            )
        return said, False


def _cursor(text: str) -> Cursor | None:
    try:
        return Cursor.parse(text) if text else None
    except ValueError:
        raise Refused(BAD_CURSOR) from None


async def _answer(reading: Future[_T]) -> _T:
    """Wait for the thread, not for ever; ValueError in it is a cursor that names what is not there."""
    try:
        async with asyncio.timeout(ANSWER_S):
            return await asyncio.shield(asyncio.wrap_future(reading))
    except TimeoutError:
        raise Refused(LEDGER_SILENT) from None
    except ValueError:
        raise Refused(BAD_CURSOR) from None
