"""The channels that viewers may ask for: those with a file, a source, or stored interaction settings.

Anybody may request any name. Unknown names take no memory, and reads for them are limited.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from moderation.desk.interactions import PREFIX
from moderation.public.problems import DISK_AWAY, NOT_FOUND, RequestRefused
from streamgate.clock import now_us
from streamgate.core.bucket import TokenBucket
from streamgate.core.channel_name import check_name
from streamgate.errors import StoreError
from streamgate.store import settings
from streamgate.store.database import AsyncDatabase

REFRESH_S = 2.0
LOOK_S = 1.0
_LOOKS_PER_S = 5.0  # for unknown names


class KnownChannels:
    """The names of the channels. `run` refreshes them until it is cancelled."""

    def __init__(self, directory: Path, database: AsyncDatabase, of_sources: Callable[[], set[str]]) -> None:
        self._directory, self._database, self._of_sources = directory, database, of_sources
        self._files: frozenset[str] = frozenset()
        self._settings: frozenset[str] = frozenset()
        self._loaded = False
        self._looking: asyncio.Future[frozenset[str]] | None = None
        self._turn = asyncio.Lock()
        self._looks = TokenBucket(_LOOKS_PER_S, _LOOKS_PER_S, now_us())

    async def require(self, channel: str) -> None:
        """Raise RequestRefused when there is no such channel.

        A channel that was just created is found at once. Until the names have been read once, nobody is told
        that a channel does not exist.
        """
        if not self._has(channel) and _is_name(channel):
            async with self._turn:  # another request may just have refreshed
                if not self._has(channel) and self._looks.try_take(1, now_us()):
                    await self.refresh()
        if not self._has(channel):
            raise RequestRefused(NOT_FOUND) if self._loaded else RequestRefused(DISK_AWAY, 1)

    def _has(self, channel: str) -> bool:
        return channel in self._files or channel in self._settings or channel in self._of_sources()

    async def run(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_S)

    async def refresh(self) -> None:
        """Read the names again. When disk or database do not answer within 1 s, the old names stay."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(asyncio.to_thread(_names, self._directory))
        await asyncio.wait({self._looking}, timeout=LOOK_S)
        looked = False
        if self._looking.done():
            with contextlib.suppress(OSError):
                self._files = self._looking.result()
                looked = True
        try:
            async with asyncio.timeout(LOOK_S):
                stored = await self._database.read(settings.list_under, PREFIX)
        except (StoreError, TimeoutError):
            return
        self._settings = frozenset(one.key.removeprefix(PREFIX) for one in stored)
        self._loaded = self._loaded or looked


def _names(directory: Path) -> frozenset[str]:
    if not directory.is_dir():
        return frozenset()
    return frozenset(path.stem for path in directory.glob("*.json") if _is_name(path.stem))


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except ValueError:
        return False
    return True
