"""Blocking calls in daemon threads: one that never returns blocks neither the event loop nor the exit.

The loop's own executor has a few threads for all calls, and `asyncio.run` waits for them at the end.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


class DaemonThreads:
    """Pool of at most `limit` threads, made when needed; further calls queue. Used from one event loop."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._running = 0
        self._waiting: deque[_Call] = deque()
        self._lock = threading.Lock()

    def call(self, function: Callable[..., _T], *args: object, **kwargs: object) -> "asyncio.Future[_T]":
        """Run `function` in a thread; return its future. A call cancelled before its turn is not made."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting = deque(one for one in self._waiting if not one.cancelled())
            self._waiting.append(_Call(future, partial(function, *args, **kwargs)))
            more = self._running < self._limit
            self._running += more
        if more:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return cast("asyncio.Future[_T]", future)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._running -= 1
                    return
                call = self._waiting.popleft()
            if not call.cancelled():
                call.run()


class _Call:
    """One queued call and the future of its result.

    It drops its references when the future is resolved: the thread still holds this object for a moment after
    that, and must not keep the result in memory.
    """

    def __init__(self, future: "asyncio.Future[Any]", function: Callable[[], object]) -> None:
        self._future: asyncio.Future[Any] | None = future
        self._function: Callable[[], object] | None = function
        self._loop = future.get_loop()
        self._result: object = None
        self._failure: BaseException | None = None

    def cancelled(self) -> bool:
        return self._future is None or self._future.cancelled()

    def run(self) -> None:
        """Make the call; resolve the future in its event loop."""
        assert self._function is not None
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the future is awaited
            self._failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve_future)

    def _resolve_future(self) -> None:
        future, self._future, self._function = self._future, None, None
        result, self._result = self._result, None
        failure, self._failure = self._failure, None
        if future is None or future.cancelled():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
