"""A link to another process: one websocket on its unix socket, made anew for ever; requests with answers.

Whoever shows what the other side tells waits for `changed` and then takes what is newest.
"""

import asyncio
import itertools
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import WebSocketException

from console.problems import Problem, Refused
from streamgate.clock import now_us
from streamgate.errors import LinkError

STEADY_S = 2.0  # a connection that lasted so long was a good one: the next try comes at once
_RETRY_S = (0.1, 0.2, 0.4, 1.0)
_MAX_PENDING = 64


class Numbered(Protocol):
    """A request or an answer: an answer bears the number of its request."""

    id: int


RequestT = TypeVar("RequestT", bound=Numbered)
ReplyT = TypeVar("ReplyT")


class Unanswered(NamedTuple):
    """What is said of a request when there is no link, when it is lost, of silence, and of too many."""

    down: Problem
    lost: Problem
    silent: Problem
    busy: Problem


class ProcessLink(Generic[RequestT, ReplyT]):
    """`up`: the other process answers; `version` rises with every change. `name`: as the log calls it."""

    def __init__(self, path: Path, name: str, unanswered: Unanswered, *, max_message: int) -> None:
        self._path, self._name, self._unanswered = path, name, unanswered
        self._max_message = max_message
        self._log = structlog.get_logger(f"console.{name}_link")
        self.up = False
        self.version = 0
        self._changed = asyncio.Event()
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[ReplyT | None]] = {}
        self._connection: ClientConnection | None = None

    async def run(self) -> None:
        """Keep the link until cancelled."""
        failures = 0
        while True:
            started = now_us()
            try:
                async with unix_connect(
                    str(self._path),
                    compression=None,
                    max_size=self._max_message,
                    ping_interval=None,  # whether the other side is alive, `_talk` sees to
                    open_timeout=1.0,
                    close_timeout=0.2,
                ) as connection:
                    await self._talk(connection)
            except (LinkError, OSError, WebSocketException, msgspec.MsgspecError, TimeoutError) as error:
                if self.up or failures == 0:
                    self._log.warning(f"{self._name}_lost", reason=str(error) or type(error).__name__)
            finally:
                self._lost()
            failures = 0 if now_us() - started > STEADY_S * 1e6 else failures + 1
            await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])

    async def changed(self, seen: int) -> None:
        """Return when `version` is no longer `seen`."""
        while self.version == seen:
            await self._changed.wait()

    async def _talk(self, connection: ClientConnection) -> None:
        """Take what comes, for as long as the connection lasts; call `_found` once it can be asked."""
        raise NotImplementedError

    def _found(self, connection: ClientConnection) -> None:
        self._connection, self.up = connection, True
        self._log.info(f"{self._name}_up")

    def _answered(self, number: int, reply: ReplyT) -> None:
        """Give an answer to whoever waits for it; one that came too late reaches nobody."""
        waiting = self._pending.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)

    def _lost(self) -> None:
        was_up, self.up, self._connection = self.up, False, None
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_result(None)
        self._pending.clear()
        if was_up:
            self._announce()

    def _announce(self) -> None:
        self.version += 1
        event, self._changed = self._changed, asyncio.Event()
        event.set()

    async def _ask(self, request: RequestT, timeout_s: float) -> ReplyT:
        """Give the request a number, send it, and return its answer. Raises Refused (`Unanswered`)."""
        connection = self._connection
        if connection is None:
            raise Refused(self._unanswered.down)
        if len(self._pending) >= _MAX_PENDING:
            raise Refused(self._unanswered.busy)
        request.id = next(self._ids)
        waiting: asyncio.Future[ReplyT | None] = asyncio.get_running_loop().create_future()
        self._pending[request.id] = waiting
        try:
            async with asyncio.timeout(timeout_s):
                await connection.send(to_text(request))
                reply = await waiting
        except TimeoutError:
            raise Refused(self._unanswered.silent) from None
        except WebSocketException:
            raise Refused(self._unanswered.lost) from None
        finally:
            self._pending.pop(request.id, None)
        if reply is None:
            raise Refused(self._unanswered.lost)
        return reply


def to_text(message: object) -> str:
    return msgspec.json.encode(message).decode()
