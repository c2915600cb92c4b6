"""The channel files as the console changes them: in a thread, then the gate is told to read them again."""

import asyncio
import contextlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple, TypeVar

import structlog

from console.auth.principals import Principal
from console.live.gate_link import GateLink
from console.problems import Problem, Refused, refused
from console.setup.approval_record import Key, entries
from console.trace import current, note_channel
from streamgate.clock import wall_s
from streamgate.errors import ConfigError
from streamgate.errors import Refused as NotAllowed
from streamgate.runtime.channels import ChannelConfig, ChannelStore, Loaded
from streamgate.runtime.datadir import DataDir
from streamgate.runtime.destinations import Destination, find

STORE_S = 10.0
NOT_STORED = Problem(
    503,
    "not_stored",
    "The channel's settings cannot be read or written: see to the disk of the data directory.",
    "无法读取或写入频道设置：请检查数据目录所在磁盘。",
)
SILENT = Problem(
    503,
    "not_stored",
    "The disk of the data directory does not answer; look again later whether the change was made.",
    "数据目录所在磁盘无响应；请稍后确认更改是否生效。",
)
ON_AIR = Problem(
    409,
    "refused",
    "The channel is on air: end the broadcast first.",
    "频道正在播出：请先结束播出。",
)
_T = TypeVar("_T")
_log = structlog.get_logger("console.channel_files")


class Servers(NamedTuple):
    """Where encoders publish, as they reach it; `rtmps` None: off."""

    rtmp: str
    rtmps: str | None


class ChannelFiles:
    """Reads and changes the channel files of one data directory.

    `changed` is told who changed something, and which destinations they removed.

    Every method raises the console's Refused: the store's reasons in both languages, or a disk that fails.
    """

    def __init__(
        self,
        data_dir: Path,
        gate: GateLink,
        *,
        changed: Callable[[str, AbstractSet[Key]], None] = lambda _actor, _removed: None,
    ) -> None:
        self.places = DataDir(data_dir)
        self._store = ChannelStore(data_dir, changed=note_channel)
        self._gate = gate
        self._changed = changed

    async def load(self) -> Loaded:
        return await self._in_thread(self._store.load_all)

    async def get(self, name: str) -> ChannelConfig:
        return await self._in_thread(lambda: self._store.get(name))

    async def destination(self, channel: str, name: str) -> Destination:
        return await self._in_thread(lambda: find(self._store.get(channel).destinations, name))

    async def change(self, by: Principal, work: Callable[[ChannelStore], _T]) -> tuple[_T, Problem | None]:
        """Change files, then have the gate read them.

        Return what `work` did, and why it is not in force yet (None: it is).
        """

        def compare() -> tuple[_T, AbstractSet[Key]]:
            before = entries(self._store.load_all()).keys()
            return work(self._store), before - entries(self._store.load_all()).keys()

        done, removed = await self._in_thread(compare)
        by.touch(wall_s())
        self._changed(by.actor, removed)
        try:
            await self._gate.reload(by)
        except Refused as error:
            _log.warning("change_not_in_force", actor=by.actor, reason=error.problem.error)
            current().late = error.problem.error
            return done, error.problem
        return done, None

    async def refuse_on_air(self, channel: str) -> None:
        """Raise Refused unless the gate is there and says that the channel is off air now."""
        if any(one.name == channel and one.on_air_s is not None for one in await self._gate.ask_channels()):
            raise Refused(ON_AIR)

    async def servers(self) -> Servers:
        """Return the addresses for encoders, as the running serve really listens."""
        info = await self._in_thread(self.places.serving)
        if info is None:  # a console by itself, as in development
            return Servers("", None)
        rtmps = f"rtmps://{info.rtmps}/live" if info.rtmps else None
        return Servers(f"rtmp://{info.rtmp}/live", rtmps)

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        """Run it in a thread, for at most `STORE_S`: the disk may hang, and then nobody knows."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        task.add_done_callback(_take_outcome)
        try:
            async with asyncio.timeout(STORE_S):
                return await asyncio.shield(task)
        except TimeoutError:
            raise Refused(SILENT) from None
        except NotAllowed as error:
            raise Refused(refused(str(error), error.zh or str(error))) from None
        except ConfigError as error:
            _log.error("channel_files_unusable", reason=str(error))
            raise Refused(NOT_STORED) from error


def _take_outcome(task: "asyncio.Future[_T]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
