"""Runs child processes that make mosaics while the marked GOPs wait for air. The gate never waits.

If a child fails, hangs or writes invalid data, filler airs in place of the GOPs of its job.
"""

import asyncio
import os
import sys
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from uuid import uuid4

import msgspec

from streamgate.clock import now_us, wall_s
from streamgate.core.clip import Clip
from streamgate.core.mosaic import FILE, READY_US, Wanted
from streamgate.core.packet import FeedFormat
from streamgate.errors import MediaError
from streamgate.playout.fillers import sps_id_for
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import system_error

CHILD = (sys.executable, "-m", "streamgate.playout.mosaic_child")
AT_ONCE = 2  # children, over all channels
MAX_CLIP_BYTES = 64 << 20
LONGEST_S = 60.0  # per GOP
END_S = 1.0  # from the end of a child's output to its exit
LEFT_S = 3600.0  # a file of this age was left by a killed process


class MosaicMaker:
    """Runs the children of all channels. `folder`: for their clips, in RAM, until the archive has them."""

    def __init__(self, folder: Path, command: Sequence[str] = CHILD) -> None:
        self._folder = folder
        self._command = command
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._threads = DaemonThreads("mosaics", AT_ONCE)

    async def make(
        self,
        name: str,
        feed: FeedFormat,
        wanted: Sequence[Wanted],
        bitrate_bps: int,
        made: Callable[[Wanted, Clip], None],
    ) -> None:
        """Re-encode GOPs of one feed; call `made` with each. Raises MediaError when the rest failed."""
        async with self._turn:
            if _left_s(wanted[-1]) <= 0:
                raise MediaError("no child was free in time", "处理进程都忙，来不及")
            try:
                await self._run(name, feed, wanted, bitrate_bps, made)
            except TimeoutError:
                raise MediaError("it took too long", "处理时间过长") from None
            except OSError as error:
                raise MediaError(f"{error.strerror}", system_error(error)) from error

    async def _run(
        self,
        name: str,
        feed: FeedFormat,
        wanted: Sequence[Wanted],
        bitrate_bps: int,
        made: Callable[[Wanted, Clip], None],
    ) -> None:
        await self._threads.call(_sweep, self._folder)
        job = await self._threads.call(_encode_job, name, feed, wanted, bitrate_bps)
        child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
        )
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(job)
            child.stdin.close()
            for one in wanted:
                async with asyncio.timeout(max(0.0, min(_left_s(one), LONGEST_S))):
                    clip = await self._read_clip(child.stdout, name)
                made(one, clip)
        except asyncio.IncompleteReadError:
            async with asyncio.timeout(END_S):
                code = await child.wait()
            raise MediaError(
                f"the child ended (exit code {code})", f"处理进程中止（退出码 {code}）"
            ) from None
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()

    async def _read_clip(self, stdout: asyncio.StreamReader, name: str) -> Clip:
        size = int.from_bytes(await stdout.readexactly(4))
        if not 0 < size <= MAX_CLIP_BYTES:
            raise MediaError(f"the child wrote garbage: a clip of {size} bytes", "处理进程的输出无效")
        data = await stdout.readexactly(size)
        path = self._folder / f"{FILE}{uuid4().hex}.clip"
        clip: Clip = await self._threads.call(_keep, path, data, name)
        # The archive links or copies the file while the clip is in its queue; after that it is not needed.
        weakref.finalize(clip, _remove_apart, path).atexit = False
        return clip


def _left_s(one: Wanted) -> float:
    return (one.due_us - READY_US - now_us()) / 1e6


def _encode_job(name: str, feed: FeedFormat, wanted: Sequence[Wanted], bitrate_bps: int) -> bytes:
    groups = [
        (
            list(one.group.boxes),
            [(p.dts, p.pts, p.keyframe, p.data) for p in (held.packet for held in one.packets)],
        )
        for one in wanted
    ]
    job = {"name": name, "format": feed, "sps_id": sps_id_for(feed), "bitrate_bps": bitrate_bps}
    return msgspec.msgpack.encode(job | {"groups": groups})


def _sweep(folder: Path) -> None:
    with suppress(OSError):
        for path in folder.glob(f"{FILE}*.clip"):
            with suppress(OSError):
                if wall_s() - path.stat().st_mtime > LEFT_S:
                    path.unlink()


def _keep(path: Path, data: bytes, name: str) -> Clip:
    """Check a clip and write its file. Raises MediaError for invalid data, OSError."""
    clip = Clip.from_buffer(data, name)
    if any(clip.video(index) is None for index in range(clip.video_count)):
        raise MediaError("a clip with pictures that are not there", "处理进程的输出不完整")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    clip.path = str(path)
    return clip


def _remove_apart(path: Path) -> None:
    def remove() -> None:
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108

    Thread(target=remove, name="remove mosaic", daemon=True).start()
