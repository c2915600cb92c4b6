"""Blocking calls in daemon threads, so that one that never returns holds up neither loop nor exit.

The loop's own executor has a few threads for everything, and `asyncio.run` waits for them at the end.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


class DaemonThreads:
    """At most `limit` threads, made when needed; further calls wait in turn. Used from one event loop."""

    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._running = 0
        self._waiting: deque[tuple[asyncio.Future[Any], Callable[[], object]]] = deque()
        self._lock = threading.Lock()

    def call(self, function: Callable[..., _T], *args: object, **kwargs: object) -> "asyncio.Future[_T]":
        """Begin `function` in a thread. A call cancelled before its turn is not made."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._waiting = deque(one for one in self._waiting if not one[0].cancelled())
            self._waiting.append((future, partial(function, *args, **kwargs)))
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
                future, function = self._waiting.popleft()
            if not future.cancelled():
                _settle(future, function)


def _settle(future: "asyncio.Future[Any]", function: Callable[[], object]) -> None:
    result: object = None
    failure: BaseException | None = None
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
        failure = error

    def tell() -> None:
        if future.cancelled():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)

    try:
        future.get_loop().call_soon_threadsafe(tell)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more
