"""Services: tasks that are restarted when they raise, and cancelled and awaited at the end."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

RESTART_S = 1.0
AGAIN_S = 0.05
_log = structlog.get_logger()


async def keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run `run` until it returns; when it raises, log that and run it again after RESTART_S."""
    while True:
        try:
            await run()
        except Exception:  # noqa: BLE001 - the supervisor's one broad except
            _log.exception("service_failed", service=name)
            await asyncio.sleep(RESTART_S)
        else:
            return


class Services:
    """Tasks of one process that run until `cancel`."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Start a service. An exception in it never reaches the group, whose other tasks go on."""
        task = self._group.create_task(keep(name, run), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel every service, but none that is being cancelled already: it may be cleaning up.

        Repeats until all have ended: a service's own timeout in the same moment looks like a cancellation.
        """
        for task in self._tasks:
            if not task.cancelling():
                task.cancel()
        if self._tasks:
            asyncio.get_running_loop().call_later(AGAIN_S, self.cancel)
