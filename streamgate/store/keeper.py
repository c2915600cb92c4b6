"""Keeps the database fit beside the console: upgrades it at the start, looks after it, tells when it fails.

Nothing here ends the console: without a database the page still shows what airs, and the gate never had one.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import structlog

from streamgate.errors import LinkError, StoreError
from streamgate.store import notices, sqlite_file
from streamgate.store.check import probe, quick_check
from streamgate.store.failures import failure
from streamgate.store.location import Location
from streamgate.store.notices import Notice
from streamgate.store.upgrade import upgrade

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # between attempts while it cannot be used
PROBE_S = 10.0  # between looks while it can
HUNG_S = 30.0  # an answer that takes longer: the disk hangs, or the upgrade of a large database is under way
REPEAT_S = 600.0  # an alarm that lasts is told again
_log = structlog.get_logger()
P = ParamSpec("P")
T = TypeVar("T")
Tell = Callable[[Notice], Awaitable[None]]


async def keep(location: Location, *, tell: Tell) -> None:
    """Upgrade the database, then see every `PROBE_S` whether it can be written, until cancelled.

    `tell` brings a notice before the operators; LinkError from it: it is told again later.
    """
    with contextlib.ExitStack() as held:
        await _keep(location, _Teller(tell), held)


async def _keep(location: Location, teller: "_Teller", held: contextlib.ExitStack) -> None:
    attempt = 0
    ready = False  # upgraded and whole, once in this process
    while True:
        try:
            if ready:
                await _watched(location, teller, probe, location)
            else:
                done = await _watched(location, teller, _prepare, location, held)
                ready = True
                if done is not None:
                    teller.put(done)
        except StoreError as error:
            _log.error("database_unusable", kind=error.kind, reason=str(error))
            ready = ready and error.kind == "locked"
            teller.failed(notices.failed(error))
        else:
            attempt = 0
            teller.works()
            await teller.rest(PROBE_S)
            continue
        pause = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
        attempt += 1
        await teller.rest(pause)


async def _watched(
    location: Location, teller: "_Teller", work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Do it in a thread. When a disk holds it up for long operators are told, and it is waited for on."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    while not (await asyncio.wait({task}, timeout=HUNG_S))[0]:
        error = failure("hung", location)
        _log.error("database_unusable", kind=error.kind, reason=str(error))
        teller.failed(notices.failed(error))
        await teller.rest(0)
    return task.result()


def _prepare(location: Location, held: contextlib.ExitStack) -> Notice | None:
    """Upgrade, then see whether it is whole and can be written. Returns what operators should know of it.

    `held` keeps the file from being restored under the console's feet.
    """
    done = upgrade(location)
    if location.kind == "sqlite":
        held.close()
        descriptor = sqlite_file.hold_shared(location)
        if descriptor is not None:
            held.callback(os.close, descriptor)
    quick_check(location)
    probe(location)
    _log.info("database_ready", where=location.shown, before=done.before, schema=done.after)
    if done.before in (None, done.after):
        return None
    return notices.upgraded(done.before or "", done.after, str(done.backup or ""))


class _Teller:
    """Tells what changed once, an alarm that lasts every `REPEAT_S`; keeps what could not be told yet."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._waiting: list[Notice] = []  # at most an upgrade and one state
        self._alarm: Notice | None = None
        self._told_at = 0.0

    def put(self, notice: Notice) -> None:
        self._waiting = [notice]

    def failed(self, alarm: Notice) -> None:
        now = asyncio.get_running_loop().time()
        same = self._alarm is not None and self._alarm.code == alarm.code
        if not same or now - self._told_at >= REPEAT_S:
            self._alarm, self._told_at = alarm, now
            self.put(alarm)

    def works(self) -> None:
        if self._alarm is not None:
            self._alarm = None
            self.put(notices.recovered())

    async def rest(self, seconds: float) -> None:
        """Wait, and meanwhile tell what waits: the gate may only be starting."""
        end = asyncio.get_running_loop().time() + seconds
        while self._waiting:
            try:
                await self._tell(self._waiting[0])
            except LinkError:
                if asyncio.get_running_loop().time() >= end:
                    return
                await asyncio.sleep(min(1.0, seconds))
            else:
                del self._waiting[0]
        await asyncio.sleep(max(0.0, end - asyncio.get_running_loop().time()))
