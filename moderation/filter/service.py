"""The filter beside an event loop: a bounded queue, one worker thread, a deadline for every text.

A thread, not a process: numpy and the engine let go of the interpreter for part of a batch, and a flood
holds up the loop 1.5 ms (p50), 19 ms (p99; docs/adr/0010-filter.md). Whoever comes too late, or finds the
queue full, gets a verdict that asks for full review: nothing passes because the filter was busy, or because
it failed.

A flood is checked in a `FilterProcess`, if there is one. It is started with the first flood.

A text that waits in the queue is checked against the lists as they are when its batch begins, so new terms
reach every text that has no answer yet and is not in the batch at work (at most `BATCH` texts).
"""

import asyncio
import contextlib
import datetime as dt
import functools
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import structlog

from moderation.filter.filter import Filter
from moderation.filter.process import FilterProcess
from moderation.filter.result import Result
from moderation.lexicon import WordList

QUEUE = 20_000
"""Texts waiting. Two seconds of a flood of 10,000 a second."""
BATCH = 256
"""Texts a time: more hold the interpreter longer, fewer cost more each."""
FLOOD_BATCH = 1024
"""The same for the second process, which is asked where more than `BATCH` wait: 5.8 us each, 11 in 256."""
FOLLOW_S = 1.0
"""In a flood, between two looks whether the second process has the lists that count."""
REST_AFTER_S = 600.0
"""After the last flood, until the second process is ended: it holds 170 MB."""
BATCH_CHARS = 1 << 16
DEADLINE_S = 1.0
SETTLE_AFTER_S = 1.0
"""Without a new `add`, until what was added is folded in."""
SETTLE_WITHIN_S = 10.0
"""The same where `add` never pauses."""
BUILDERS = 4
"""Rebuilds that may be requested at the same time; they run one after the other. Further callers wait before
their request counts: terms that `add` brings until then must be in their lists."""

LOOK_S = 60.0
"""Between two looks at the calendar, or sooner at midnight: a clock that is set, or a machine that slept, is
noticed within it."""

_log = structlog.get_logger()


def _local_now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC).astimezone()


class _Asked:
    """A request to check some texts, with one deadline and one future for all of them."""

    __slots__ = ("answer", "left", "results", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.results: list[Result | None] = [None] * len(texts)
        self.left = len(texts)
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, place: int, result: Result) -> bool:
        """Fill a place. Returns False when that was done before."""
        if self.results[place] is not None:
            return False
        self.results[place] = result
        self.left -= 1
        if not self.left and not self.answer.done():  # the caller may have been cancelled
            self.answer.set_result(None)
        return True


_Place = tuple[_Asked, int]


class FilterService:
    """Asks the filter without holding up the event loop.

        async with FilterService(filter) as service:
            result = await service.check("…")

    `deadline_s`: from the call of `check` to its answer. `settle_after_s`: after the last `add` its terms are
    folded in with the rest, in the background. `now`: the time where the day begins, with its zone; terms
    whose last day has passed go soon after midnight, in the background too. Use it from one event loop.
    """

    def __init__(
        self,
        filter: Filter,  # noqa: A002
        *,
        queue: int = QUEUE,
        deadline_s: float = DEADLINE_S,
        settle_after_s: float = SETTLE_AFTER_S,
        now: Callable[[], dt.datetime] = _local_now,
        look_s: float = LOOK_S,
        process: FilterProcess | None = None,
    ) -> None:
        self.filter = filter
        self._limit = queue
        self._deadline_s = deadline_s
        self._settle_after_s = settle_after_s
        self._now = now
        self._look_s = look_s
        self._process = process
        self._waiting: deque[_Place] = deque()
        self._working: list[_Place] = []
        self._wake = asyncio.Event()
        self._flood = asyncio.Event()
        self._flooded_at = 0.0
        self._added = asyncio.Event()
        self._settling = asyncio.Lock()
        self._replacing: set[asyncio.Future[str]] = set()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="filter")
        self._follower = ThreadPoolExecutor(1, thread_name_prefix="filter-process")
        self._adder = ThreadPoolExecutor(1, thread_name_prefix="filter-add")
        self._builder = ThreadPoolExecutor(BUILDERS, thread_name_prefix="filter-build")
        self._tasks: list[asyncio.Task[None]] = []
        self.late = 0
        """Texts that went to full review because they were not checked in time."""
        self.failed = 0
        """Of these, texts on which the filter failed."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._run(), name="filter"),
            loop.create_task(self._settle_at_leisure(), name="filter-settle"),
            loop.create_task(self._keep_the_day(), name="filter-day"),
            loop.create_task(self._keep_process(), name="filter-process"),
        ]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End in bounded time: requests that still wait get the late verdict."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for place in (*self._working, *self._waiting):
            self._answer_late(place)
        self._waiting.clear()
        if self._process is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._process.close)
        for each in (self._worker, self._follower, self._adder, self._builder):
            each.shutdown(wait=False, cancel_futures=True)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def check(self, text: str) -> Result:
        """Give the verdict on one text; at the deadline the late one.

        Raises:
            TypeError: if it is no str.
        """
        if not isinstance(text, str):
            raise TypeError(f"the text is {type(text).__name__}; allowed is str, so convert it first")
        return (await self.check_many([text]))[0]

    async def check_many(self, texts: Sequence[str]) -> list[Result]:
        """Give the verdict on each of many texts; at the deadline those left get the late one."""
        if not texts:
            return []
        asked = _Asked(texts)
        open_ = bool(self._tasks) and not self._tasks[0].done()
        room = max(0, self._limit - len(self._waiting)) if open_ else 0
        places = [(asked, place) for place in range(len(texts))]
        self._waiting.extend(places[:room])
        for place in places[room:]:
            self._answer_late(place)
        self._wake.set()
        timer = asyncio.get_running_loop().call_later(self._deadline_s, self._end_late, asked)
        try:
            await asked.answer
        finally:
            timer.cancel()
        return [one for one in asked.results if one is not None]

    async def add(self, more: WordList) -> str:
        """See Filter.add: live when this returns, also while lists are rebuilt; folded in some time later.

        A severity cannot be lowered with it: `replace` the lists.
        """
        version = await asyncio.get_running_loop().run_in_executor(self._adder, self.filter.add, more)
        self._added.set()
        return version

    async def replace(self, lists: Iterable[WordList]) -> str:
        """See Filter.replace: built in a thread of its own while checks go on.

        What `add` brings from this call on is kept. If the caller goes away, the lists are replaced all the
        same.
        """
        loop = asyncio.get_running_loop()
        built = loop.run_in_executor(self._builder, self.filter.replace, tuple(lists))
        self._replacing.add(built)
        built.add_done_callback(self._replacing.discard)
        return await asyncio.shield(built)

    async def rebuild(self) -> str:
        """Fold what was added in with the rest, now."""
        return await self._built(self.filter.settle)

    async def turn(self, today: dt.date) -> str:
        """See Filter.turn: built in a thread of its own while checks go on."""
        return await self._built(functools.partial(self.filter.turn, today))

    async def _built(self, build: Callable[[], str]) -> str:
        async with self._settling:
            while self._replacing:  # or it would bring the lists before them back
                await asyncio.wait(self._replacing)
            return await asyncio.get_running_loop().run_in_executor(self._builder, build)

    def _answer_late(self, place: _Place) -> None:
        asked, number = place
        if asked.results[number] is None and not asked.answer.done():
            self.late += 1
            asked.put(number, self.filter.late(asked.texts[number]))

    def _end_late(self, asked: _Asked) -> None:
        for number in range(len(asked.texts)):
            self._answer_late((asked, number))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._next_batch():
                self._working = batch
                texts = [asked.texts[number] for asked, number in batch]
                results = await loop.run_in_executor(self._worker, self._results, texts)
                for place, result in zip(batch, results, strict=True):
                    if result is None:
                        self.failed += 1
                        self._answer_late(place)
                    else:
                        place[0].put(place[1], result)
                self._working = []

    def _results(self, texts: list[str]) -> list[Result | None]:
        """In the worker: a result each, None where the filter fails on a text by itself."""
        if self._process is not None and len(texts) > BATCH:
            found = self._process.check(self.filter, texts)
            if found is not None:
                return [*found]
            pieces = (texts[low : low + BATCH] for low in range(0, len(texts), BATCH))
            return [result for piece in pieces for result in self._results(piece)]
        failures: Counter[tuple[str, str]] = Counter()
        results = self._tried(texts, failures)
        for (exception, where), times in failures.items():
            _log.error("filter_failed", exception=exception, where=where, texts=times)
        return results

    def _tried(self, texts: list[str], failures: Counter[tuple[str, str]]) -> list[Result | None]:
        try:
            return [one for one, _ in zip(self.filter.check_many(texts), texts, strict=True)]
        except BaseException as error:  # noqa: BLE001 - a supervisor; a panic of an engine in Rust is no Exception
            if len(texts) == 1:
                failures[_describe_error(error)] += 1
                return [None]
        return [result for text in texts for result in self._tried([text], failures)]

    async def _keep_process(self) -> None:
        """Start the second process with a flood, have it follow the lists, and end it a while after."""
        if (process := self._process) is None:
            return
        loop = asyncio.get_running_loop()
        while True:
            await self._flood.wait()
            while loop.time() < self._flooded_at + REST_AFTER_S:
                try:
                    await loop.run_in_executor(self._follower, process.follow, self.filter)
                except Exception as error:  # noqa: BLE001 - a supervisor: the filter goes on without it
                    exception, where = _describe_error(error)
                    _log.error("filter_process_failed", exception=exception, where=where)
                await asyncio.sleep(FOLLOW_S)
            self._flood.clear()
            await loop.run_in_executor(self._follower, process.rest)

    async def _settle_at_leisure(self) -> None:
        """Fold in what `add` brought once it pauses, one rebuild at a time."""
        loop = asyncio.get_running_loop()
        while True:
            await self._added.wait()
            latest = loop.time() + SETTLE_WITHIN_S
            while self._added.is_set() and (left := latest - loop.time()) > 0:
                self._added.clear()
                with contextlib.suppress(TimeoutError):
                    # not wait_for: in Python 3.11 it may swallow the cancellation that ends this task
                    async with asyncio.timeout(min(self._settle_after_s, left)):
                        await self._added.wait()
            self._added.clear()
            try:
                await self.rebuild()
            except Exception as error:  # noqa: BLE001 - a supervisor: what was added counts all the same
                exception, where = _describe_error(error)
                _log.error("filter_settle_failed", exception=exception, where=where)

    async def _keep_the_day(self) -> None:
        """Turn the filter to each new day."""
        while True:
            now = self._now()
            if now.date() > self.filter.day:
                try:
                    await self.turn(now.date())
                except Exception as error:  # noqa: BLE001 - a supervisor: what expired is found until the next look
                    exception, where = _describe_error(error)
                    _log.error("filter_turn_failed", exception=exception, where=where)
                else:
                    _log.info("filter_turned", day=now.date().isoformat(), version=self.filter.version)
            midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time(), now.tzinfo)
            await asyncio.sleep(min(self._look_s, max(0.001, (midnight - now).total_seconds())))

    def _next_batch(self) -> list[_Place]:
        """Return the next texts whose callers still wait."""
        batch: list[_Place] = []
        chars = 0
        most = BATCH
        if self._process is not None and len(self._waiting) > BATCH:
            self._flooded_at = asyncio.get_running_loop().time()
            self._flood.set()
            if self._process.ready:
                most = FLOOD_BATCH
        while self._waiting and len(batch) < most and chars < BATCH_CHARS:
            place = self._waiting.popleft()
            asked, number = place
            if not asked.answer.done():
                batch.append(place)
                chars += len(asked.texts[number])
        return batch


def _describe_error(error: BaseException) -> tuple[str, str]:
    """An exception by its name and place only: its message may hold the text."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return type(error).__qualname__, f"{Path(last.filename).name}:{last.lineno}"
