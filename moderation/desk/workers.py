"""A thread pool for calls to the database that can be closed in bounded time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

LOOK_S = 0.01
P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    def __init__(self, threads: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(threads, name)
        self._busy: set[Future[Any]] = set()

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in a thread and return its result. Cancelling the caller does not stop it."""
        return await self.start(work, *args, **kwargs)

    def start(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Run a function in a thread; return a future of its result."""
        future = self._executor.submit(work, *args, **kwargs)
        self._busy.add(future)
        future.add_done_callback(self._busy.discard)
        return asyncio.wrap_future(future)

    async def close(self, seconds: float) -> None:
        """Wait for running calls, at most `seconds`: a thread that waits for a disk cannot be stopped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        end = asyncio.get_running_loop().time() + seconds
        while self._busy and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(LOOK_S)
