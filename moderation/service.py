"""The filter beside an event loop: a bounded queue, one worker thread, a deadline for every text.

A thread, not a process: numpy and the engine let go of the interpreter for part of a batch, and a flood
holds up the loop 1.5 ms (p50), 19 ms (p99; docs/adr/0010-filter.md). Whoever comes too late, or finds the
queue full, gets a verdict that asks for full review: nothing passes because the filter was busy.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from moderation.filter import Filter
from moderation.lexicon import WordList
from moderation.result import Result

QUEUE = 20_000
"""Texts waiting. Two seconds of a flood of 10,000 a second."""
BATCH = 256
"""Texts a time: more hold the interpreter longer, fewer cost more each."""
BATCH_CHARS = 1 << 16
DEADLINE_S = 1.0


class FilterService:
    """Asks the filter without holding up the event loop.

        async with FilterService(filter) as service:
            result = await service.check("…")

    `deadline_s`: from the call of `check` to its answer. Use it from one event loop.
    """

    def __init__(self, filter: Filter, *, queue: int = QUEUE, deadline_s: float = DEADLINE_S) -> None:  # noqa: A002
        self.filter = filter
        self._limit = queue
        self._deadline_s = deadline_s
        self._waiting: deque[tuple[str, asyncio.Future[Result]]] = deque()
        self._working: list[tuple[str, asyncio.Future[Result]]] = []
        self._wake = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="filter")
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="filter-build")
        self._task: asyncio.Task[None] | None = None
        self.late = 0
        """Texts that went to full review because they were not checked in time."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="filter")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Ends in bounded time: who still waits gets the late verdict."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for asked in (*self._working, *self._waiting):
            self._answer_late(asked[1])
        self._waiting.clear()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._builder.shutdown(wait=False, cancel_futures=True)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def check(self, text: str) -> Result:
        """Give the verdict on one text; at the deadline the late one."""
        if len(self._waiting) >= self._limit or self._task is None or self._task.done():
            self.late += 1
            return self.filter.late()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        timer = loop.call_later(self._deadline_s, self._answer_late, answer)
        self._waiting.append((text, answer))
        self._wake.set()
        try:
            return await answer
        finally:
            timer.cancel()

    async def add(self, more: WordList) -> str:
        """See Filter.add: live when this returns. Then fold it in with `rebuild`, at leisure."""
        return await asyncio.get_running_loop().run_in_executor(self._builder, self.filter.add, more)

    async def replace(self, lists: Iterable[WordList]) -> str:
        """See Filter.replace: built in a thread of its own while checks go on."""
        return await asyncio.get_running_loop().run_in_executor(
            self._builder, self.filter.replace, tuple(lists)
        )

    async def rebuild(self) -> str:
        """Fold the overlay into the lists."""
        return await self.replace(self.filter.lists)

    def _answer_late(self, answer: "asyncio.Future[Result]") -> None:
        if not answer.done():
            self.late += 1
            answer.set_result(self.filter.late())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._next_batch():
                self._working = batch
                texts = [text for text, _ in batch]
                results = await loop.run_in_executor(self._worker, self.filter.check_many, texts)
                for (_, answer), result in zip(batch, results, strict=True):
                    if not answer.done():
                        answer.set_result(result)

    def _next_batch(self) -> list[tuple[str, "asyncio.Future[Result]"]]:
        """The next texts somebody still waits for."""
        batch: list[tuple[str, asyncio.Future[Result]]] = []
        chars = 0
        while self._waiting and len(batch) < BATCH and chars < BATCH_CHARS:
            text, answer = self._waiting.popleft()
            if not answer.done():
                batch.append((text, answer))
                chars += len(text)
        return batch
