"""Threads that talk to the database, and their end in bounded time."""

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
        """Run a function in a thread. Who is cancelled meanwhile leaves it to run to its end."""
        future = self._executor.submit(work, *args, **kwargs)
        self._busy.add(future)
        future.add_done_callback(self._busy.discard)
        return await asyncio.wrap_future(future)

    async def close(self, seconds: float) -> None:
        """Wait for what runs, but not longer than this: a thread that a disk holds up cannot be ended."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        end = asyncio.get_running_loop().time() + seconds
        while self._busy and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110 - threads tell nobody
            await asyncio.sleep(LOOK_S)
