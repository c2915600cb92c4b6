"""The second process of the filter: the same results, no harm when it is slow, gone or has other lists."""

import asyncio
import datetime as dt
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moderation.filter import service as service_module
from moderation.filter.filter import Filter
from moderation.filter.process import FilterProcess
from moderation.filter.service import FilterService
from moderation.lexicon import Entry, Severity, WordList

WORDS = WordList(
    name="words",
    category="test",
    version="1",
    entries=(
        Entry(term="稻草人", severity=Severity.BLOCK),
        Entry(term="加微信", severity=Severity.SENSITIVE, aliases=("加v信",)),
        Entry(term="昨天词", severity=Severity.IMPORTANT, expires=dt.date(2030, 1, 1)),
    ),
)
MORE = WordList(name="more", category="test", entries=(Entry(term="新词", severity=Severity.SUSPECTED),))
TEXTS = [
    "今天真好",
    "稻 草 人",
    "嘉薇心",
    "加V信",
    "13912345678",
    "新词来了",
    "昨天词",
    "a\nb",
    "",
    "\0",
    "哈" * 3000,
    *(f"第{number}条" for number in range(600)),
]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy must not end a process that answers."""
    monkeypatch.setattr("moderation.filter.process.ANSWER_S", 60.0)


@pytest.fixture
def process() -> Iterator[FilterProcess]:
    made = FilterProcess()
    yield made
    made.close()


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_it_finds_what_the_filter_finds(process: FilterProcess) -> None:
    own = Filter([WORDS], today=dt.date(2029, 12, 31))
    process.follow(own)
    found = process.check(own, TEXTS)
    assert found == own.check_many(TEXTS)
    assert found is not None
    assert {found[0] is own.clean, found[-1] is own.clean} == {True}  # the one object, not its twin
    assert process.checked == len(TEXTS)


def test_it_follows_what_is_added_replaced_and_turned(process: FilterProcess) -> None:
    own = Filter([WORDS], today=dt.date(2029, 12, 31))
    process.follow(own)
    changes: list[Callable[[], object]] = [
        lambda: own.add(MORE),
        own.settle,
        lambda: own.turn(dt.date(2030, 1, 2)),
        lambda: own.replace([MORE]),
    ]
    for change in changes:
        change()
        assert process.check(own, TEXTS) is None  # its lists are other ones
        process.follow(own)
        assert process.check(own, TEXTS) == own.check_many(TEXTS)
    assert (own.day, own.lists) == (dt.date(2030, 1, 2), (MORE,))


def test_only_additions_go_on_from_what_was_there() -> None:
    own = Filter([WORDS], today=dt.date(2029, 12, 31))
    first = own.recipe()
    own.add(MORE)
    second = own.recipe()
    assert (second.goes_on_from(first), first.goes_on_from(second)) == (True, False)
    own.turn(dt.date(2030, 1, 2))
    third = own.recipe()
    assert not third.goes_on_from(first)
    own.replace([MORE])
    assert not own.recipe().goes_on_from(third)


def test_what_no_message_can_hold_is_checked_without_it(process: FilterProcess) -> None:
    own = Filter([WORDS])
    process.follow(own)
    assert process.check(own, ["\ud800", "稻草人"]) is None
    assert process.check(own, ["稻草人"]) == own.check_many(["稻草人"])  # it lives
    own.add(WordList(name="odd", category="test", entries=(Entry(term="\ud800x", severity=Severity.BLOCK),)))
    process.follow(own)
    assert process.check(own, ["稻草人"]) is None


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_is_gone_or_hangs_is_done_without_and_made_anew(
    process: FilterProcess, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals
) -> None:
    monkeypatch.setattr("moderation.filter.process.AGAIN_S", 0.0)
    own = Filter([WORDS])
    process.follow(own)
    first = process.pid
    assert first is not None
    os.kill(first, sent)
    with monkeypatch.context() as hurried:
        hurried.setattr("moderation.filter.process.ANSWER_S", 0.2)
        assert process.check(own, TEXTS) is None
    assert has_ended(first)
    process.follow(own)
    assert process.pid not in (None, first)
    assert process.check(own, TEXTS) == own.check_many(TEXTS)


def test_after_a_failure_it_is_left_alone_for_a_while(process: FilterProcess) -> None:
    own = Filter([WORDS])
    process.follow(own)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    assert process.check(own, TEXTS) is None
    process.follow(own)
    assert process.pid is None


def test_on_one_core_there_is_none(process: FilterProcess) -> None:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        process.follow(Filter([WORDS]))
    finally:
        os.sched_setaffinity(0, cores)
    assert (process.pid, process.ready) == (None, False)


def test_it_ends_with_the_first_process() -> None:
    process = FilterProcess()
    process.follow(Filter([WORDS]))
    pid = process.pid
    assert pid is not None
    assert process._socket is not None
    process._socket.close()  # as the kernel does for a process that is killed
    until(lambda: has_ended(pid))
    process.close()


async def until_ready(process: FilterProcess) -> None:
    async with asyncio.timeout(30):
        while not process.ready:
            await asyncio.sleep(0.01)


async def test_a_flood_is_checked_there_and_a_few_texts_are_not() -> None:
    process, own = FilterProcess(), Filter([WORDS])
    async with FilterService(own, deadline_s=60.0, process=process) as service:
        few = await service.check_many(TEXTS[:100])
        await asyncio.sleep(0.1)
        assert process.pid is None, "who has no floods pays nothing"
        assert await service.check_many(TEXTS) == own.check_many(
            TEXTS
        )  # it starts the process, and does not wait
        await until_ready(process)
        assert process.checked == 0
        many = await service.check_many(TEXTS)
        assert process.checked == len(TEXTS)
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        without = await service.check_many(TEXTS)
        assert few + many[100:] == without == own.check_many(TEXTS)
        assert (process.checked, service.late, service.failed) == (len(TEXTS), 0, 0)
    assert process.pid is None


async def test_it_rests_when_floods_are_over_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "FOLLOW_S", 0.01)
    process, own = FilterProcess(), Filter([WORDS])
    async with FilterService(own, deadline_s=60.0, process=process) as service:
        await service.check_many(TEXTS)
        await until_ready(process)
        first = process.pid
        monkeypatch.setattr(service_module, "REST_AFTER_S", 0.05)
        async with asyncio.timeout(30):
            while process.pid is not None:
                await asyncio.sleep(0.01)
        monkeypatch.setattr(service_module, "REST_AFTER_S", 600.0)
        await service.check_many(TEXTS)
        await until_ready(process)
        assert process.pid != first


async def test_the_service_ends_while_it_builds() -> None:
    process = FilterProcess()
    async with FilterService(Filter([WORDS]), process=process) as service:
        await service.check_many(TEXTS)
        async with asyncio.timeout(10):
            while (pid := process.pid) is None:
                await asyncio.sleep(0.001)
    assert process.pid is None
    assert has_ended(pid)
