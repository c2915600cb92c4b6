import asyncio

from streamgate.runtime import service
from streamgate.runtime.service import Services, keep


async def test_a_service_that_fails_is_run_again_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(service, "RESTART_S", 0.01)
    runs = []

    async def fails_twice():
        runs.append(len(runs))
        if len(runs) < 3:
            raise ValueError("no")

    async with asyncio.TaskGroup() as group:
        services = Services(group)
        steady = services.start("steady", lambda: asyncio.sleep(60))
        await services.start("fails", fails_twice)
        assert runs == [0, 1, 2]
        assert not steady.done()
        services.cancel()


async def test_a_service_that_is_cleaning_up_is_not_cancelled_again():
    cleaned = []

    async def run():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.02)
            cleaned.append(True)

    async with asyncio.TaskGroup() as group:
        services = Services(group)
        task = services.start("one", run)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        services.cancel()
    assert cleaned == [True]


async def test_a_service_whose_own_timeout_comes_in_the_same_moment_ends():
    async def run():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # what asyncio.timeout does when it has run out
            asyncio.current_task().uncancel()
        await asyncio.sleep(60)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        services = Services(group)
        task = services.start("one", run)
        await asyncio.sleep(0)
        task.cancel()
        services.cancel()


async def test_a_service_that_returns_is_left_alone():
    await keep("one", lambda: asyncio.sleep(0))
