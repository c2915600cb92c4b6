"""The only writer of comments. It commits waiting jobs in groups and answers them after the commit.

All jobs that wait when a commit ends go into the next one. So a flood shares commits, and a single comment
waits for one commit only. In a flood the next group is planned while the database writes the last one. When
the database refuses a group, the writer halves it until it has found the job at fault; the others are
committed.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

import structlog

from moderation.desk.group import NOTHING_UNCOMMITTED, Group, RetryNextCommit, StaleMemory, UncommittedState
from moderation.desk.jobs import StoreComment, Work
from moderation.desk.piles import Piles
from moderation.desk.workers import Workers
from moderation.errors import ReviewRefused
from streamgate.clock import wall_s
from streamgate.errors import StoreAwayError, StoreConflictError, StoreError
from streamgate.store.database import Database

MAX_GROUP = 4000
"""Most jobs of a commit, which then takes 0.2 s. Only a flood makes groups so large (ADR 47)."""
MAX_WAITING = 20_000
RETRY_S = 1.0
"""Pause after a failure of the database. Jobs that are submitted meanwhile fail at once."""
_UNFIT = "unfit"  # kind of a StoreError: a value is at fault, not the database
_log = structlog.get_logger("moderation.desk.writer")
L = TypeVar("L")


class _Written(NamedTuple):
    """A committed group, with the jobs for the next commit and the refused jobs."""

    group: Group
    later: list[Work]
    refused: list[tuple[Work, ReviewRefused]]


class Writer(Generic[L]):
    """Commits jobs. `load` runs in a thread; `take_memory`, `take_group` and `leased` run in the event loop.

    `load(database)` reads everything, `take_memory` puts it into memory and returns the piles.
    `take_group(group)` puts a committed group into memory before its jobs are answered. `leased()` returns
    the cards that reviewers work on.
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
        self._urgent: deque[Work] = deque()
        self._comments: deque[Work] = deque()
        self._wake = asyncio.Event()
        self._full = asyncio.Event()  # set: a whole group of comments waits
        self._thread = Workers(1, "comments-writer")
        self._planner = Workers(1, "comments-planner")
        self._error: StoreError | None = None
        self._again_at = 0.0
        self.commits = 0

    @property
    def ready(self) -> bool:
        """Whether memory is loaded and, as far as is known, equal to the database."""
        return self._piles is not None

    @property
    def waiting(self) -> int:
        """The number of comments that wait for a commit."""
        return len(self._comments)

    def submit(self, job: Work) -> None:
        """Queue a job. It fails at once while the database is away."""
        if self._error is not None and asyncio.get_running_loop().time() < self._again_at:
            job.fail(self._error)
            return
        (self._urgent if job.urgent else self._comments).append(job)
        self._wake.set()
        if len(self._comments) >= MAX_GROUP:
            self._full.set()

    async def run(self) -> None:
        """Write until cancelled."""
        self._piles = None
        while True:
            if self._piles is None and not await self._reload():
                await asyncio.sleep(RETRY_S)
                continue
            if batch := self._next():
                await self._commit_on(batch)
                continue
            await self._wake.wait()
            self._wake.clear()

    async def close(self, seconds: float) -> None:
        """End the threads. The caller has cancelled `run` before."""
        await asyncio.gather(self._thread.close(seconds), self._planner.close(seconds))

    def _next(self) -> list[Work]:
        batch: list[Work] = []
        for lane in (self._urgent, self._comments):
            while lane and len(batch) < MAX_GROUP:
                batch.append(lane.popleft())
        return batch

    def _next_comments(self) -> list[Work]:
        """Return a whole group of waiting comments; an empty list if there is none or a job is urgent."""
        self._full.clear()
        if self._urgent or len(self._comments) < MAX_GROUP:
            return []
        batch = list(itertools.takewhile(lambda job: isinstance(job, StoreComment), self._comments))[
            :MAX_GROUP
        ]
        for _ in batch:
            self._comments.popleft()
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

    async def _commit_on(self, batch: Sequence[Work]) -> None:
        """Commit a batch. When it is a whole group of comments, go on with whole groups while more wait."""
        plan = None
        if len(batch) == MAX_GROUP and all(isinstance(job, StoreComment) for job in batch):
            plan = await self._plan(batch, NOTHING_UNCOMMITTED)
        if plan is None:
            await self._commit(batch)
            return
        writing = self._begin_write(batch, plan)
        while plan is not None:
            following = await self._wait_for_more(writing)
            ahead = await self._plan(following, plan.uncommitted_state()) if following else None
            await asyncio.wait({writing})
            if ahead is None or writing.exception() is not None:  # the plan made on it is void
                self._comments.extendleft(reversed(following))
                await self._settle(batch, writing)
                return
            done, writing = writing, self._begin_write(following, ahead)
            await self._settle(batch, done)
            batch, plan = following, ahead

    async def _wait_for_more(self, writing: asyncio.Future[_Written]) -> list[Work]:
        """Return a whole group of comments as soon as one waits; an empty list once the write has ended."""
        writing.add_done_callback(lambda _: self._full.set())
        while not writing.done():
            if batch := self._next_comments():
                return batch
            await self._full.wait()
        return []

    async def _plan(self, batch: Sequence[Work], before: UncommittedState) -> Group | None:
        """Plan incoming comments on top of memory and of `before`. None: planning failed."""
        assert self._piles is not None
        try:
            return await self._planner.run(self._plan_ahead, batch, self._leased(), self._piles, before)
        except StoreError:
            return None  # the write will fail as well and report it
        except Exception:  # noqa: BLE001 - the write finds the job at fault
            _log.exception("plan_failed", jobs=len(batch))
            return None

    def _plan_ahead(
        self, batch: Sequence[Work], leased: frozenset[int], piles: Piles, before: UncommittedState
    ) -> Group:
        with self._database.read() as session:
            group = Group(session, piles, leased=leased, now=wall_s(), before=before)
            group.prepare(job.candidate for job in batch if isinstance(job, StoreComment))
            for job in batch:
                job.plan(group)
            group.close()
        return group

    def _begin_write(self, batch: Sequence[Work], plan: Group | None) -> asyncio.Future[_Written]:
        assert self._piles is not None, "memory is read before anything is written"
        return self._thread.start(self._write, batch, self._leased(), self._piles, plan)

    async def _commit(self, batch: Sequence[Work], *, again: bool = True) -> None:
        await self._settle(batch, self._begin_write(batch, None), again=again)

    async def _settle(
        self, batch: Sequence[Work], writing: asyncio.Future[_Written], *, again: bool = True
    ) -> None:
        """Take over a write and answer its jobs; after a failure reload, halve or fail the batch."""
        try:
            group, later, refused = await writing
        except StaleMemory:
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

    async def _halve(self, batch: Sequence[Work], error: Exception) -> None:
        """Commit the halves of a failed batch, so that only the job at fault fails."""
        if len(batch) == 1:
            if not isinstance(error, StoreError):
                error = ReviewRefused(
                    "bad_request",
                    "the request failed; the log of the comments process says why",
                    "无法执行；详见日志",
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
        self, batch: Sequence[Work], leased: frozenset[int], piles: Piles, plan: Group | None
    ) -> _Written:
        later: list[Work] = []
        refused: list[tuple[Work, ReviewRefused]] = []
        with self._database.write() as session:
            if plan is None:
                plan = Group(session, piles, leased=leased, now=wall_s())
                plan.prepare(job.candidate for job in batch if isinstance(job, StoreComment))
                for job in batch:
                    try:
                        job.plan(plan)
                    except RetryNextCommit:
                        later.append(job)
                    except ReviewRefused as error:
                        refused.append((job, error))
                plan.close()
            plan.write(session)
        return _Written(plan, later, refused)

    def _lost(self, batch: Sequence[Work], error: StoreError) -> None:
        """Fail all jobs because the database is away.

        The commit may have succeeded: memory must be reloaded.
        """
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
    def _fail(batch: Sequence[Work] | deque[Work], error: Exception) -> None:
        for job in batch:
            job.fail(error)


def _lost() -> StoreError:
    return StoreAwayError("away", "another program changed the database", "数据库被其他程序更改")
