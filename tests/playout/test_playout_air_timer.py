"""One timer airs what is due on every channel: never early, and never much later than due."""

import asyncio

import pytest

from streamgate.clock import now_us
from streamgate.playout.air_timer import SLACK_US, AirTimer


@pytest.fixture
def timer():
    return AirTimer()


async def test_what_is_due_waits_until_the_process_is_awake(timer):
    calls = []
    timer.set(lambda: calls.append("a"), now_us() - 1)
    later = now_us() + 60_000_000
    timer.set(lambda: calls.append("b"), later)
    timer.run_due()
    assert calls == ["a"]


async def test_without_a_wake_up_the_timer_comes_and_never_before_it_is_due(timer):
    due_us, came = now_us() + 20_000, asyncio.Event()
    times = []

    def pump():
        times.append(now_us())
        timer.set(pump, None)
        came.set()

    timer.set(pump, due_us)
    await asyncio.wait_for(came.wait(), 5)
    assert times[0] >= due_us
    assert len(times) == 1


async def test_an_earlier_time_takes_the_place_of_a_later_one(timer):
    calls = []

    def pump():
        calls.append(now_us())
        timer.set(pump, None)

    timer.set(pump, now_us() + 3_600_000_000)
    due_us = now_us() + 10_000
    timer.set(pump, due_us)
    async with asyncio.timeout(5):
        while not calls:
            await asyncio.sleep(0.001)
    assert calls[0] >= due_us


async def test_a_channel_that_is_closed_is_not_called(timer):
    calls = []

    def pump():
        calls.append(1)

    timer.set(pump, now_us() - 1)
    timer.set(pump, None)
    timer.run_due()
    await asyncio.sleep(SLACK_US * 2 / 1e6)
    assert calls == []


async def test_a_channel_that_sets_itself_again_is_called_once_a_turn(timer):
    calls = []

    def pump():
        calls.append(1)
        timer.set(pump, now_us() - 1)

    timer.set(pump, now_us() - 1)
    timer.run_due()
    assert calls == [1]
    timer.set(pump, None)
