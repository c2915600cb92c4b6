"""Stills of recordings: keyframes as small JPEGs, decoded by a child at low priority, kept in memory."""

import asyncio
import contextlib
import sys
from collections import OrderedDict
from pathlib import Path

import msgspec

from console.archive.playback import Playback
from console.problems import BUSY, NOTHING_RECORDED, Refused, archive_away
from streamgate.archive.parts import check_channel
from streamgate.archive.selection import Chosen, select
from streamgate.errors import ArchiveError, ConfigError
from streamgate.runtime.apart import DaemonThreads

KEPT, KEPT_BYTES = 8192, 24 << 20
MAX_WAITING = 120
STILL_S = 10.0  # for one; a keyframe takes 10 to 50 ms
_INSTANT_S = 0.001
_MODULE = "streamgate.archive.still_child"
STILLS_BUSY = BUSY._replace(
    error="Too many stills are asked for at this moment; the page asks again by itself.",
    error_zh="请求的缩略图过多，页面会自动重试。",
)
_Key = tuple[str, int]


class Stills:
    """One child for all pages; it is started when it is needed and ends when nobody asks."""

    def __init__(self, data_dir: Path, playback: Playback) -> None:
        self._root, self._playback = data_dir / "archive", playback
        self._threads = DaemonThreads("archive stills", 1)
        self._kept: OrderedDict[_Key, bytes] = OrderedDict()
        self._size = 0
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._child: asyncio.subprocess.Process | None = None

    async def get(self, channel: str, at: float) -> bytes:
        """Return the keyframe that was on at `at`, wall clock, as JPEG.

        Raises:
            Refused: nothing was recorded then, or it cannot be decoded; too many are asked for.
        """
        chosen = await self._find(channel, at)
        key = (str(chosen.part.path), chosen.fragments[0].offset)
        still = self._known(key)
        if still is None:
            if self._waiting >= MAX_WAITING:
                raise Refused(STILLS_BUSY, 1)
            self._waiting += 1
            try:
                async with self._turn:
                    still = self._known(key)
                    if still is None:
                        still = await self._decode(chosen)
                        self._keep(key, still)
            finally:
                self._waiting -= 1
        if not still:
            raise Refused(NOTHING_RECORDED)
        return still

    async def close(self) -> None:
        await self._end()

    async def _find(self, channel: str, at: float) -> Chosen:
        try:
            found = await self._threads.call(self._select, channel, at)
        except ArchiveError as error:
            raise Refused(archive_away(error)) from error
        if found is None:
            raise Refused(NOTHING_RECORDED)
        return found

    def _select(self, channel: str, at: float) -> Chosen | None:
        try:
            if not (self._root / check_channel(channel)).is_dir():
                return None
        except ConfigError:
            return None
        chosen = select(self._root, self._playback.catalog(), channel, at, at + _INSTANT_S).chosen
        return chosen[0] if chosen else None

    def _known(self, key: _Key) -> bytes | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: _Key, still: bytes) -> None:
        self._kept[key] = still
        self._size += len(still)
        while self._size > KEPT_BYTES or len(self._kept) > KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone)

    # ------------------------------------------------------------ the child

    async def _decode(self, chosen: Chosen) -> bytes:
        fragment = chosen.fragments[0]
        job = {
            "root": str(self._root),
            "path": str(chosen.part.path),
            "init": chosen.map.init,
            "offset": fragment.offset,
            "size": fragment.size,
        }
        line = msgspec.json.encode(job) + b"\n"
        for _ in range(2):  # the child may just be ending because nobody asked
            try:
                async with asyncio.timeout(STILL_S):
                    return await self._ask(line)
            except TimeoutError:
                await self._end()
                break
            except (OSError, EOFError):
                await self._end()
            except BaseException:  # its answer would be taken for that of the next question
                await self._end()
                raise
        return b""

    async def _ask(self, line: bytes) -> bytes:
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _MODULE),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
            )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(line)
        await child.stdin.drain()
        size = int.from_bytes(await child.stdout.readexactly(4), "big")
        return await child.stdout.readexactly(size)

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
