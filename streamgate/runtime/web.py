"""Shared by the web servers of two processes: uvicorn until a stop, and a deadline for request headers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any

import uvicorn

HEAD_S = 10.0


class WebServer(uvicorn.Server):
    """uvicorn without signal handlers: the process has its own. `ready`: called when it accepts."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve_until(
        self,
        stop: asyncio.Event,
        listeners: Sequence[socket.socket],
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        """Serve until `stop` is set, or the server ends. `stopping`: called when the shutdown begins."""
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(self.serve(sockets=list(listeners)))
            waiting = group.create_task(stop.wait())
            await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
            stopping()
            self.should_exit = True
            waiting.cancel()


@contextlib.asynccontextmanager
async def beside(*services: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run services while the body runs; they are cancelled at its end, and one that fails ends it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service()) for service in services]
        yield
        for task in tasks:
            task.cancel()


class HeadDeadline:
    """Deadline of one uvicorn connection: HEAD_S for all headers of a request, then it is aborted.

    uvicorn waits for ever for the first request of a connection, and for the rest of headers that arrive
    slowly. `waiting`: for headers, `since` when (monotonic seconds).
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    waiting = True
    since = 0.0
    _deadline: asyncio.TimerHandle | None = None

    def _mark_waiting(self, *, waiting: bool) -> None:
        if waiting != self.waiting or not self.since:
            self.waiting, self.since = waiting, self.loop.time()

    def _start_deadline(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self.transport.abort)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
