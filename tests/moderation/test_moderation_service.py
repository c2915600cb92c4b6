"""The filter beside an event loop."""

import asyncio
import threading
import time

from moderation.filter import Filter
from moderation.lists import plain_list
from moderation.result import Result
from moderation.service import FilterService
from moderation.speed import make_terms, word_list

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
    async with FilterService(Filter([TERMS])) as service:
        results = await asyncio.gather(*(service.check(f"第{i}条{'加微信' * (i % 2)}") for i in range(1000)))
    assert [i % 2 for i in range(1000)] == [len(result.hits) for result in results]


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
