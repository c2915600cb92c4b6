"""The filter beside an event loop."""

import asyncio
import datetime as dt
import threading
import time

import pytest
import structlog

from moderation.filter import Filter
from moderation.filter.result import Result
from moderation.filter.service import FilterService
from moderation.filter.speed import make_terms, word_list
from moderation.lists.list_format import parse_list, plain_list

TERMS = plain_list(["加微信"], "t")


class SlowFilter(Filter):
    """Waits in check_many until it is let go."""

    def __init__(self) -> None:
        super().__init__([TERMS])
        self.go = threading.Event()

    def check_many(self, texts: object) -> list[Result]:
        self.go.wait()
        return super().check_many(texts)


async def test_texts_asked_together_get_their_own_answers() -> None:
    async with FilterService(Filter([TERMS]), deadline_s=60) as service:
        results = await asyncio.gather(*(service.check(f"第{i}条{'加微信' * (i % 2)}") for i in range(1000)))
    assert service.late == 0
    assert [i % 2 for i in range(1000)] == [len(result.hits) for result in results]


class FailingFilter(Filter):
    """Fails on texts that hold 坏; what it raises holds the text."""

    def __init__(self, error: type[BaseException] = ValueError) -> None:
        super().__init__([TERMS])
        self.error = error

    def check_many(self, texts: object) -> list[Result]:
        if any("坏" in text for text in texts):
            raise self.error(f"cannot read {texts}")
        return super().check_many(texts)


class Panic(BaseException):
    """As an engine in Rust raises it."""


@pytest.mark.parametrize("error", [ValueError, Panic])
async def test_a_text_on_which_the_filter_fails_is_held_and_the_others_are_answered(error) -> None:
    async with FilterService(FailingFilter(error), deadline_s=5) as service:
        with structlog.testing.capture_logs() as lines:
            asked = ["一", "坏人坏事", "加微信", "坏"]
            results = await asyncio.gather(*map(service.check, asked))
        assert [result.late for result in results] == [False, True, False, True]
        assert len(results[2].hits) == 1
        assert (service.failed, service.late) == (2, 2)
        ((line),) = lines
        assert (line["event"], line["log_level"]) == ("filter_failed", "error")
        assert (line["exception"], line["texts"]) == (error.__name__, 2)
        assert line["where"].startswith("test_moderation_service.py:")
        assert "坏" not in str(line)
        assert not (await service.check("好")).late


async def test_what_is_no_text_is_refused_where_it_is_asked() -> None:
    async with FilterService(Filter([TERMS])) as service:
        with pytest.raises(TypeError, match="the text is int; allowed is str"):
            await service.check(123)
        assert [result.late for result in await asyncio.gather(*map(service.check, "一二三"))] == [False] * 3
        assert service.late == 0


async def test_who_waits_too_long_is_held_for_full_review() -> None:
    slow = SlowFilter()
    async with FilterService(slow, deadline_s=0.05) as service:
        result = await service.check("你好")
        assert (result.late, result.stages, service.late) == (True, 3, 1)
        assert "人工" in result.reason_zh
        slow.go.set()


async def test_a_full_queue_answers_at_once_with_full_review() -> None:
    slow = SlowFilter()
    async with FilterService(slow, queue=2, deadline_s=5) as service:
        first = asyncio.ensure_future(service.check("一"))
        await asyncio.sleep(0.02)
        waiting = [asyncio.ensure_future(service.check(text)) for text in "二三"]
        await asyncio.sleep(0)
        assert service.waiting == 2
        assert (await service.check("四")).late
        slow.go.set()
        assert [result.late for result in await asyncio.gather(first, *waiting)] == [False] * 3


async def test_the_end_answers_who_still_waits() -> None:
    slow = SlowFilter()
    async with FilterService(slow, deadline_s=60) as service:
        asked = [asyncio.ensure_future(service.check(text)) for text in "一二"]
        await asyncio.sleep(0.02)
        slow.go.set()
    assert len(await asyncio.gather(*asked)) == 2


@pytest.mark.alone  # it measures how long the loop stands still
async def test_new_terms_count_at_once_and_a_big_rebuild_does_not_hold_the_loop() -> None:
    async with FilterService(Filter([TERMS])) as service:
        started = time.perf_counter()
        await service.add(plain_list(["新词"], "new"))
        assert time.perf_counter() - started < 0.05
        assert (await service.check("新词")).hits
        rebuilding = asyncio.ensure_future(
            service.replace([*service.filter.lists, word_list(make_terms(20_000))])
        )
        gaps = []
        last = time.perf_counter()
        while not rebuilding.done():
            await asyncio.sleep(0.002)
            gaps.append(time.perf_counter() - last)
            last = time.perf_counter()
        assert max(gaps) < 0.2
        assert (await service.check("新词")).hits


# ---------------------------------------------------------------- new lists


class SlowToBuild(Filter):
    """Compiles whole lists only when it is let go; what is added takes no time."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.builds = 0
        super().__init__([TERMS])

    def _compile(self, lists):
        self.builds += 1
        self.go.wait(10)
        return super()._compile(lists)


async def until(said) -> None:
    async with asyncio.timeout(5):
        while not said():
            await asyncio.sleep(0.005)


async def test_an_add_does_not_wait_for_a_rebuild() -> None:
    slow = SlowToBuild()
    async with FilterService(slow) as service:
        slow.go.clear()
        rebuilding = asyncio.ensure_future(service.replace([TERMS, plain_list(["旧词"], "old")]))
        await until(lambda: slow.builds == 2)
        async with asyncio.timeout(1):
            await service.add(plain_list(["新词"], "new"))
        result = await service.check("新词")
        assert (len(result.hits), result.version) == (1, slow.version)
        slow.go.set()
        assert await rebuilding == slow.version
        assert [len((await service.check(text)).hits) for text in ("新词", "旧词")] == [1, 1]


async def test_what_was_added_is_folded_in_once_adding_pauses() -> None:
    slow = SlowToBuild()
    async with FilterService(slow, settle_after_s=0.1) as service:
        for number in range(5):
            await service.add(plain_list([f"新词{number}号"], f"n{number}"))
            assert "+" in (await service.check("一")).version
        await until(lambda: "+" not in slow.version)
        assert slow.builds == 2
        result = await service.check("新词3号")
        assert (len(result.hits), result.version) == (1, slow.version)
        await asyncio.sleep(0.25)
        assert slow.builds == 2


async def test_what_is_added_during_the_folding_is_folded_in_after_it() -> None:
    slow = SlowToBuild()
    async with FilterService(slow, settle_after_s=0.01) as service:
        slow.go.clear()
        await service.add(plain_list(["甲词"], "a"))
        await until(lambda: slow.builds == 2)
        await service.add(plain_list(["乙词"], "b"))
        slow.go.set()
        await until(lambda: slow.builds == 3 and "+" not in slow.version)
        assert [len((await service.check(text)).hits) for text in ("甲词", "乙词", "加微信")] == [1, 1, 1]


async def test_two_replaces_at_a_time_keep_what_is_added_between_them() -> None:
    slow = SlowToBuild()
    async with FilterService(slow, settle_after_s=0.01) as service:
        slow.go.clear()
        first = asyncio.ensure_future(service.replace([plain_list(["甲词"], "a")]))
        second = asyncio.ensure_future(service.replace([plain_list(["乙词"], "b")]))
        await until(lambda: slow.builds == 2)
        await asyncio.sleep(0.05)
        await service.add(plain_list(["新词"], "new"))
        slow.go.set()
        await asyncio.gather(first, second)
        await until(lambda: "+" not in slow.version)
        hits = [len((await service.check(text)).hits) for text in ("新词", "乙词", "加微信")]
        assert hits == [1, 1, 0]


async def test_folding_in_does_not_bring_replaced_lists_back() -> None:
    slow = SlowToBuild()
    async with FilterService(slow, settle_after_s=0.01) as service:
        slow.go.clear()
        replacing = asyncio.ensure_future(service.replace([plain_list(["乙词"], "b")]))
        await until(lambda: slow.builds == 2)
        await service.add(plain_list(["新词"], "new"))
        await asyncio.sleep(0.1)
        slow.go.set()
        await replacing
        await until(lambda: "+" not in slow.version)
        hits = [len((await service.check(text)).hits) for text in ("新词", "乙词", "加微信")]
        assert hits == [1, 1, 0]


async def test_a_text_that_waits_is_checked_against_the_newest_lists() -> None:
    slow = SlowFilter()
    async with FilterService(slow, deadline_s=5) as service:
        first = asyncio.ensure_future(service.check("一"))
        await asyncio.sleep(0.02)
        waiting = asyncio.ensure_future(service.check("新词"))
        await asyncio.sleep(0)
        await service.add(plain_list(["新词"], "new"))
        slow.go.set()
        await first
        assert len((await waiting).hits) == 1


async def test_it_ends_right_after_an_add() -> None:
    async with asyncio.timeout(5):
        for number in range(20):
            async with FilterService(SlowToBuild(), settle_after_s=1) as service:
                await service.add(plain_list(["甲词"], "a"))
                if number % 2:
                    await asyncio.sleep(0)
                await service.add(plain_list(["乙词"], "b"))


# ---------------------------------------------------------------- a new day

EVENING = dt.datetime(2027, 1, 31, 23, 59, 59, 900_000, tzinfo=dt.UTC)
EXPIRING = parse_list(
    "@category c\n@severity block\n今天词 | block | expires=2027-01-31\n"
    "明天词 | block | expires=2027-02-01\n",
    "e.txt",
)


class Clock:
    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> dt.datetime:
        return self.now


class Turning(Filter):
    """Compiles only when it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.builds = 0
        super().__init__([EXPIRING], today=EVENING.date())

    def _compile(self, lists):
        self.builds += 1
        self.go.wait(10)
        return super()._compile(lists)


async def test_a_term_goes_at_the_midnight_after_its_last_day() -> None:
    clock, turning = Clock(), Turning()
    async with FilterService(turning, now=clock, look_s=0.01) as service:
        await asyncio.sleep(0.05)
        assert (len((await service.check("今天词")).hits), turning.builds) == (1, 1)
        turning.go.clear()
        clock.now += dt.timedelta(seconds=1)
        await until(lambda: turning.builds == 2)
        async with asyncio.timeout(1):  # checks and additions do not wait for it
            assert (await service.check("今天词")).hits
            await service.add(plain_list(["新词"], "new"))
        turning.go.set()
        await until(lambda: turning.day == dt.date(2027, 2, 1))
        hits = [len((await service.check(text)).hits) for text in ("今天词", "明天词", "新词")]
        assert hits == [0, 1, 1]
        clock.now += dt.timedelta(days=1)
        await until(lambda: turning.day == dt.date(2027, 2, 2))
        assert not (await service.check("明天词")).hits


async def test_a_day_on_which_nothing_expires_needs_no_build() -> None:
    clock, turning = Clock(), Turning()
    clock.now -= dt.timedelta(days=9)
    turning.day = dt.date(2027, 1, 1)
    async with FilterService(turning, now=clock, look_s=0.01):
        await until(lambda: turning.day == dt.date(2027, 1, 22))
        assert turning.builds == 1


async def test_a_turn_that_fails_is_tried_again() -> None:
    clock, turning = Clock(), Turning()
    clock.now += dt.timedelta(seconds=1)
    compile_, failing = turning._compile, [OSError, OSError]

    def sometimes(lists):
        if failing:
            raise failing.pop()
        return compile_(lists)

    turning._compile = sometimes
    with structlog.testing.capture_logs() as lines:
        async with FilterService(turning, now=clock, look_s=0.01) as service:
            await until(lambda: turning.day == dt.date(2027, 2, 1))
            assert not (await service.check("今天词")).hits
    assert [line["event"] for line in lines] == ["filter_turn_failed"] * 2 + ["filter_turned"]
