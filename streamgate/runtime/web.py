"""What the web servers of two processes share: uvicorn until a stop, and a deadline for a request's head."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any

import uvicorn

HEAD_S = 10.0


class WebServer(uvicorn.Server):
    """Signals belong to the process, not to the web server in it; `ready` is called when it accepts."""

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
        """Serve until `stop` is set, or the server ends. `stopping`: called when it begins to end."""
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
    """Of one HTTP connection of uvicorn: HEAD_S for the whole head of a request, then it is ended.

    uvicorn waits for ever for the first request of a connection, and for the rest of a head that comes in
    drops. `waiting`: for a head, `since` when (monotonic seconds).
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    waiting = True
    since = 0.0
    _late: asyncio.TimerHandle | None = None

    def _note(self, *, waiting: bool) -> None:
        if waiting != self.waiting or not self.since:
            self.waiting, self.since = waiting, self.loop.time()

    def _hurry(self) -> None:
        self._late = self.loop.call_later(HEAD_S, self.transport.abort)

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
