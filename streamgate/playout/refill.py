"""Refill after a kill: a thread reads the ring's packets from the recording while filler airs.

`core.refill` decides which packets may return. Nothing waits for the thread: a disk that hangs blocks only
the thread, and a result after READ_S is ignored.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from streamgate.archive.tail import parse_tail, read_back
from streamgate.clock import boot_id, now_us, wall_s
from streamgate.core.packet import FeedFormat
from streamgate.core.refill import Chosen, GivenUp, Now, Vouched, choose
from streamgate.core.ring import REFILLED, Held
from streamgate.errors import ArchiveError

READ_S = 10.0
_log = structlog.get_logger()


class Taken(NamedTuple):
    """Packets for `Gate.refill`."""

    feed: FeedFormat
    series: int
    packets: Sequence[Held]


class Refill:
    """One refill of one input. `root`: of the archive. `left`: the killed process's log of arrivals.

    `channel`: name of the recording. `run`: REFILLED, or STANDBY_REFILLED for a standby camera.
    """

    def __init__(self, channel: str, root: Path, left: bytes, max_bytes: int, run: int = REFILLED) -> None:
        self._channel = channel
        self._run = run
        self._root = root
        self._left = left
        self._max_bytes = max_bytes
        self._done: Callable[[Taken | GivenUp], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, vouched: Vouched, done: Callable[[Taken | GivenUp], None]) -> None:
        """Start reading; `done` is called once, in this loop, within READ_S, unless `cancel` is called."""
        loop = asyncio.get_running_loop()
        now = Now(boot_id(), now_us(), wall_s())
        left, self._left = self._left, b""
        self._done = done
        self._timer = loop.call_later(READ_S, self._finish, "slow")

        def run() -> None:
            found = self._read(left, vouched, now)
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._finish, found)

        threading.Thread(target=run, name=f"refill-{self._channel}", daemon=True).start()

    def cancel(self) -> None:
        """Ignore the result of the thread."""
        self._done, self._left = None, b""
        if self._timer is not None:
            self._timer.cancel()

    def _finish(self, found: Taken | GivenUp) -> None:
        done = self._done
        self.cancel()
        if done is not None:
            done(found)

    def _read(self, left: bytes, vouched: Vouched, now: Now) -> Taken | GivenUp:
        """Choose and read the packets. Runs in the thread."""
        try:
            chosen = choose(parse_tail(left) if left else None, vouched, now, self._max_bytes)
            if not isinstance(chosen, Chosen):
                return chosen
            return Taken(chosen.feed, chosen.series, read_back(self._root, chosen, self._run))
        except OSError as error:
            _log.warning("refill_unreadable", channel=self._channel, reason=str(error))
            return "unreadable"
        except ArchiveError as error:
            _log.warning("refill_changed", channel=self._channel, reason=str(error))
            return "changed"
        except Exception:  # noqa: BLE001 - the thread's supervisor: live then returns a delay later
            _log.exception("refill_fault", channel=self._channel)
            return "damaged"
