"""The one writer of comments: commits what waits in groups, and answers after the commit.

What is waiting when a commit ends goes into the next one, so that a flood shares commits and a single comment
waits for one only. Nobody is told anything before it. A job that the database refuses is found by halving its
group; the others go through.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import structlog

from moderation.desk.group import Group, Later, MemoryDiffers
from moderation.desk.jobs import Job, TakeIn
from moderation.desk.piles import Piles
from moderation.desk.workers import Workers
from moderation.errors import ReviewRefused
from streamgate.clock import wall_s
from streamgate.errors import StoreAwayError, StoreConflictError, StoreError
from streamgate.store.database import Database

MAX_GROUP = 500
"""Jobs of a commit: a few tens of milliseconds."""
MAX_WAITING = 20_000
RETRY_S = 1.0
"""After a failure, until the database is asked again; meanwhile jobs fail at once."""
_UNFIT = "unfit"  # kind of a StoreError: the value is at fault, not the database
_log = structlog.get_logger("moderation.desk.writer")
L = TypeVar("L")


class Writer(Generic[L]):
    """`load` reads everything anew, in the thread; `take_memory` and `take_group` run in the event loop.

    `leased()`: cards that somebody works on. `take_group(group)` puts what was committed into `piles`, before
    anybody gets an answer.
    """

    def __init__(
        self,
        database: Database,
        *,
        load: Callable[[Database], L],
        take_memory: Callable[[L], Piles],
        take_group: Callable[[Group], None],
        leased: Callable[[], frozenset[int]],
    ) -> None:
        self._database = database
        self._load = load
        self._take_memory = take_memory
        self._take_group = take_group
        self._leased = leased
        self._piles: Piles | None = None
        self._urgent: deque[Job[Any]] = deque()
        self._comments: deque[Job[Any]] = deque()
        self._wake = asyncio.Event()
        self._thread = Workers(1, "comments-writer")
        self._error: StoreError | None = None
        self._again_at = 0.0
        self.commits = 0

    @property
    def ready(self) -> bool:
        """Whether memory is as the database, as far as is known."""
        return self._piles is not None

    @property
    def waiting(self) -> int:
        """How many comments wait for their commit."""
        return len(self._comments)

    def submit(self, job: Job[Any]) -> None:
        """Have a job committed; `job.answer` holds its answer. With the database away it fails at once."""
        if self._error is not None and asyncio.get_running_loop().time() < self._again_at:
            job.fail(self._error)
            return
        (self._urgent if job.urgent else self._comments).append(job)
        self._wake.set()

    async def run(self) -> None:
        """Write until cancelled."""
        self._piles = None
        while True:
            if self._piles is None and not await self._reload():
                await asyncio.sleep(RETRY_S)
                continue
            if batch := self._next():
                await self._commit(batch)
                continue
            await self._wake.wait()
            self._wake.clear()

    async def close(self, seconds: float) -> None:
        """Let the thread go. Whoever runs `run` has ended it."""
        await self._thread.close(seconds)

    def _next(self) -> list[Job[Any]]:
        batch: list[Job[Any]] = []
        for lane in (self._urgent, self._comments):
            while lane and len(batch) < MAX_GROUP:
                batch.append(lane.popleft())
        return batch

    # ------------------------------------------------------------ the database

    async def _reload(self) -> bool:
        try:
            loaded = await self._thread.run(self._load, self._database)
        except StoreError as error:
            if self._error is None or self._error.kind != error.kind:
                _log.warning("comments_unreadable", kind=error.kind, reason=str(error))
            self._fail_all(error)
            return False
        self._piles = self._take_memory(loaded)
        self._error = None
        _log.info("comments_loaded", cards=len(self._piles))
        return True

    async def _commit(self, batch: Sequence[Job[Any]], *, again: bool = True) -> None:
        piles = self._piles
        assert piles is not None, "memory is read before anything is written"
        try:
            group, later, refused = await self._thread.run(self._write, batch, self._leased(), piles)
        except MemoryDiffers:
            _log.error("memory_differs", jobs=len(batch))
            self._piles = None
            if again and await self._reload():
                await self._commit(batch, again=False)
            else:
                self._fail(batch, self._error or _lost())
        except StoreError as error:
            if not isinstance(error, StoreConflictError) and error.kind != _UNFIT:
                self._lost(batch, error)
            else:
                await self._halve(batch, error)
        except Exception as error:  # noqa: BLE001 - one bad job must not end the writer
            _log.exception("commit_failed", jobs=len(batch))
            await self._halve(batch, error)
        else:
            self._error = None
            self.commits += 1
            self._take_group(group)
            self._urgent.extendleft(reversed(later))
            for job, refusal in refused:
                job.fail(refusal)
            unanswered = {id(job) for job in later} | {id(job) for job, _ in refused}
            for job in batch:
                if id(job) not in unanswered:
                    job.succeed(group)

    async def _halve(self, batch: Sequence[Job[Any]], error: Exception) -> None:
        """Find the job that cannot be committed; the others can."""
        if len(batch) == 1:
            if not isinstance(error, StoreError):
                error = ReviewRefused(
                    "bad_request", "this cannot be done; it stands in the log", "无法执行；详见日志"
                )
            batch[0].fail(error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if self._piles is None:
                self._fail(half, self._error or _lost())
            else:
                await self._commit(half)

    def _write(
        self, batch: Sequence[Job[Any]], leased: frozenset[int], piles: Piles
    ) -> tuple[Group, list[Job[Any]], list[tuple[Job[Any], ReviewRefused]]]:
        later: list[Job[Any]] = []
        refused: list[tuple[Job[Any], ReviewRefused]] = []
        with self._database.write() as session:
            group = Group(session, piles, leased=leased, now=wall_s())
            group.prepare(job.candidate for job in batch if isinstance(job, TakeIn))
            for job in batch:
                try:
                    job.plan(group)
                except Later:
                    later.append(job)
                except ReviewRefused as error:
                    refused.append((job, error))
            group.write()
        return group, later, refused

    def _lost(self, batch: Sequence[Job[Any]], error: StoreError) -> None:
        """Answer that the database is away. A commit may have come to pass all the same: read anew."""
        if self._error is None or self._error.kind != error.kind:
            _log.error("comments_unwritable", kind=error.kind, reason=str(error))
        self._piles = None
        self._fail(batch, error)
        self._fail_all(error)

    def _fail_all(self, error: StoreError) -> None:
        self._error = error
        self._again_at = asyncio.get_running_loop().time() + RETRY_S
        for lane in (self._urgent, self._comments):
            self._fail(lane, error)
            lane.clear()

    @staticmethod
    def _fail(batch: Sequence[Job[Any]] | deque[Job[Any]], error: Exception) -> None:
        for job in batch:
            job.fail(error)


def _lost() -> StoreError:
    return StoreAwayError("away", "the database was changed by somebody else", "数据库被其他程序更改")
