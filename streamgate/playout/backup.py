"""Cache of conformed clips on disk, keyed by content and target; a child process makes missing ones.

This module runs in the gate process and imports no libav: `streamgate.playout.conform` is run as a child.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import log2
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import structlog

from streamgate.core.clip import Clip
from streamgate.core.packet import FeedFormat
from streamgate.core.target import target_for
from streamgate.errors import MediaError
from streamgate.playout.clip_file import open_clip
from streamgate.playout.job import BUILT_IN, CONFORM_VERSION, MAX_DURATION_S, SLATE, ConformJob, partial_path
from streamgate.runtime.apart import DaemonThreads
from streamgate.wording import system_error

MAX_BYTES = 20 * 1024**3
MAX_UNUSED_S = 90 * 86_400
MAX_CLIPS = 1000  # an encoder that keeps changing its parameters causes a slate for each
_SLATE_TIMEOUT_S = 60.0
_CLIP_TIMEOUT_S = 3 * MAX_DURATION_S
_STALE_S = 86_400  # age of files left by a killed process
_MAX_HASHES = 1000
_BASE_BPS = 100_000
_THREADS = 4
_READERS = 16  # one per clip on air is enough
_T = TypeVar("_T")
Source = Path | Literal["tone"] | None
"""A file, or a built-in source: None is the slate."""
_log = structlog.get_logger()


class ClipCache:
    """Cache of clips. It makes at most one clip and one slate at a time, so that no slate waits for a clip.

    `max_bytes`, `max_unused_s`: beyond either, the least recently used clips are removed, never one in use.
    """

    def __init__(
        self, cache_dir: Path, *, max_bytes: int = MAX_BYTES, max_unused_s: float = MAX_UNUSED_S
    ) -> None:
        self._dir = cache_dir
        self._max_bytes = max_bytes
        self._max_unused_s = max_unused_s
        self._in_use: weakref.WeakKeyDictionary[Clip, Path] = weakref.WeakKeyDictionary()
        self._in_use_lock = threading.Lock()  # clips are opened and swept in worker threads
        self._hashes = _ContentHashes(cache_dir / "hashes.json")
        self._hashing = asyncio.Lock()
        # Not the event loop's own threads: a disk that hangs would block all of them.
        self._threads = DaemonThreads("clips", _THREADS)
        self.sources = DaemonThreads("clip sources", _THREADS)  # on other disks than the cache, maybe
        self._readers = DaemonThreads("clip reader", _READERS)
        self._making = {kind: asyncio.Lock() for kind in (None, "tone", "clip")}

    async def cached(
        self, source: Source, name: str, format_: FeedFormat, sps_id: int, bitrate_bps: int = 0
    ) -> Clip | None:
        """Return the clip if it is in the cache. Raises MediaError as `get`."""
        key = await self._key(source, format_, sps_id)
        return await self._on_disk(self._find, key, not isinstance(source, Path), bitrate_bps, name)

    async def get(
        self, source: Source, name: str, format_: FeedFormat, sps_id: int, bitrate_bps: int = 0
    ) -> Clip:
        """Return the clip called `name` conformed to the feed, made now if need be (seconds to minutes).

        `bitrate_bps`: of the feed, the limit for filler; 0: unknown. A clip made for a similar bitrate is
        used, too. Raises MediaError when the source or the feed does not allow a clip.
        """
        key = await self._key(source, format_, sps_id)
        built_in = not isinstance(source, Path)
        clip = await self._on_disk(self._find, key, built_in, bitrate_bps, name)
        if clip is not None:
            return clip
        async with self._making["clip" if isinstance(source, Path) else source]:
            clip = await self._on_disk(self._find, key, built_in, bitrate_bps, name)
            if clip is not None:  # made for another channel meanwhile
                return clip
            job = self._job(key, source, name, format_, sps_id=sps_id, bitrate_bps=bitrate_bps)
            await self._make(job)
            clip = await self._on_disk(self._open, Path(job.out), name, whole=built_in)
            if clip is None:
                raise MediaError(
                    f"the clip {name} was made but cannot be read back; see the log",
                    f"片段 {name} 已生成但无法读回，详见日志",
                )
        with suppress(MediaError):  # the clip is made; the next sweep can free space
            await self._on_disk(self.sweep)
        return clip

    async def _on_disk(self, function: Callable[..., _T], *args: object, **kwargs: object) -> _T:
        """Call `function` in a worker thread. Raises MediaError when the cache's disk fails."""
        try:
            return await self._threads.call(function, *args, **kwargs)
        except OSError as error:
            raise MediaError(
                f"the clip cache {self._dir} cannot be used: {error.strerror}",
                f"片段缓存目录 {self._dir} 不可用：{system_error(error)}",
            ) from error

    def _job(
        self, key: str, source: Source, name: str, format_: FeedFormat, *, sps_id: int, bitrate_bps: int
    ) -> ConformJob:
        step = _step(bitrate_bps)
        return ConformJob(
            source=str(source.absolute()) if isinstance(source, Path) else source or SLATE,
            name=name,
            format=format_,
            sps_id=sps_id,
            out=str(self._dir / f"{key}-r{step}.clip"),
            bitrate_bps=_rate_of(step),
        )

    async def _key(self, source: Source, format_: FeedFormat, sps_id: int) -> str:
        content = "" if isinstance(source, Path) else source or SLATE
        if isinstance(source, Path):
            async with self._hashing:
                content = await self.sources.call(self._hashes.of, source)
        parts = (CONFORM_VERSION, content, target_for(format_, sps_id))
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:40]

    # ------------------------------------------------------------ files; these run in worker threads

    def _find(self, key: str, is_slate: bool, bitrate_bps: int, name: str) -> Clip | None:
        """Open the clip with the nearest suitable bitrate; for a slate, any lower bitrate is suitable."""
        wanted = _step(bitrate_bps)
        steps = {_step_of(path): path for path in self._dir.glob(f"{key}-*.clip")}
        for step in sorted(steps, key=lambda step: abs(step - wanted)):
            suits = not wanted or not step or (step <= wanted + 1 and (is_slate or step >= wanted - 2))
            if suits and (clip := self._open(steps[step], name, whole=is_slate)) is not None:
                return clip
        return None

    def _open(self, path: Path, name: str, *, whole: bool) -> Clip | None:
        """Open and check a clip file. A damaged one is removed, so that it is made again."""
        try:
            clip = open_clip(path, name, self._readers, whole=whole)
            clip.path = str(path)
            with suppress(OSError):  # for example on a read-only disk
                os.utime(path)  # `sweep` reads this time
        except FileNotFoundError:
            return None
        except (MediaError, OSError, ValueError) as error:
            _log.warning("clip_damaged", file=path.name, clip=name, reason=str(error))
            with suppress(OSError):  # a failing disk: the file stays, and is unreadable next time, too
                path.unlink()
            return None
        with self._in_use_lock:
            self._in_use[clip] = path
        return clip

    def sweep(self) -> list[Path]:
        """Remove clips unused for too long, or over the size limit; return their paths."""
        now = time.time()
        for leftover in (*self._dir.glob("*.part"), *self._dir.glob("*.job")):
            with suppress(FileNotFoundError):
                if now - leftover.stat().st_mtime > _STALE_S:
                    leftover.unlink()
        with self._in_use_lock:
            in_use = set(self._in_use.values())
        clips = sorted(_stats(self._dir.glob("*.clip")), key=lambda clip: clip[1].st_mtime)
        total = sum(stat.st_size for _, stat in clips)
        removed: list[Path] = []
        for path, stat in clips:
            unused = now - stat.st_mtime > self._max_unused_s
            many = len(clips) - len(removed) > MAX_CLIPS
            if path in in_use or not (unused or many or total > self._max_bytes):
                continue
            path.unlink(missing_ok=True)
            total -= stat.st_size
            removed.append(path)
            _log.info("clip_removed", file=path.name, bytes=stat.st_size)
        return removed

    # ------------------------------------------------------------ the child

    async def _make(self, job: ConformJob) -> None:
        started = time.monotonic()
        job_file = await self._threads.call(self._write_job, job)
        timeout_s = _SLATE_TIMEOUT_S if job.source in BUILT_IN else _CLIP_TIMEOUT_S
        try:
            child = await _spawn(job_file)
            try:
                async with asyncio.timeout(timeout_s):
                    _, said = await child.communicate()
            except TimeoutError as error:
                raise MediaError(
                    f"conforming {job.name} took longer than {timeout_s:.0f} s and was given up",
                    f"转换 {job.name} 超过 {timeout_s:.0f} 秒未完成，已放弃",
                ) from error
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.communicate()  # read its output to the end, so that no pipe stays open
                await self._remove(partial_path(job, child.pid))
        except OSError as error:
            raise MediaError(
                f"the program that conforms {job.name} does not start: {error}",
                f"转换 {job.name} 的程序无法启动：{system_error(error)}",
            ) from error
        finally:
            await self._remove(job_file)
        if child.returncode != 0:
            raise _failure(said, job.name, child.returncode)
        _log.info("clip_conformed", clip=job.name, took_s=round(time.monotonic() - started, 2))

    async def _remove(self, leftover: Path) -> None:
        with suppress(OSError):  # `sweep` finds it again
            await self._threads.call(leftover.unlink)

    def _write_job(self, job: ConformJob) -> Path:
        try:
            self._dir.mkdir(parents=True, exist_ok=True)
            handle, path = tempfile.mkstemp(".job", dir=self._dir)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(job))
        except OSError as error:
            raise MediaError(
                f"the clip cache {self._dir} cannot be written: {error.strerror}",
                f"片段缓存目录 {self._dir} 无法写入：{system_error(error)}",
            ) from error
        return Path(path)


async def _spawn(job_file: Path) -> asyncio.subprocess.Process:
    """Start the conform child. If cancelled meanwhile, kill the child."""
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "streamgate.playout.conform",
            str(job_file),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        child = await starting
        child.kill()
        await child.communicate()
        raise


def _failure(said: bytes, name: str, code: int | None) -> MediaError:
    """Return the error from the last line of the child's stderr."""
    lines = said.strip().splitlines()
    with suppress(msgspec.MsgspecError, IndexError):
        message = msgspec.json.decode(lines[-1], type=dict[str, str])
        return MediaError(message["error"], message["error_zh"])
    _log.error("conform_failed", clip=name, exit=code, said=said[-4000:].decode(errors="replace"))
    return MediaError(
        f"conforming {name} failed (exit {code}); see the log",
        f"转换 {name} 失败（退出码 {code}），详见日志",
    )


def _stats(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in paths:
        with suppress(FileNotFoundError):
            yield path, path.stat()


# ---------------------------------------------------------------- bitrates in half octaves


def _step(bitrate_bps: int) -> int:
    """Return the bitrate's step (half octave), so that similar bitrates share a clip. 0 is unknown."""
    return max(1, int(2 * log2(bitrate_bps / _BASE_BPS))) if bitrate_bps > _BASE_BPS else int(bitrate_bps > 0)


def _rate_of(step: int) -> int:
    return round(_BASE_BPS * 2 ** (step / 2)) if step else 0


def _step_of(path: Path) -> int:
    number = path.stem.rpartition("-r")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


# ---------------------------------------------------------------- content hashes


class _ContentHashes:
    """Cache of files' SHA-256, in memory and on disk, valid while size and modification time are the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, tuple[int, int, str]] | None = None

    def of(self, source: Path) -> str:
        """Return a file's hash. Blocks: reads the file if it is new. Raises MediaError if unreadable."""
        try:
            stat = source.stat()
            known = self._load()
            size, mtime_ns, digest = known.get(str(source.absolute()), (0, 0, ""))
            if (size, mtime_ns) != (stat.st_size, stat.st_mtime_ns) or not digest:
                with source.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                known[str(source.absolute())] = (stat.st_size, stat.st_mtime_ns, digest)
                self._save(known)
        except FileNotFoundError as error:
            raise MediaError(f"{source.name} does not exist", f"{source.name} 不存在") from error
        except OSError as error:
            raise MediaError(
                f"{source.name} cannot be read: {error.strerror}",
                f"{source.name} 无法读取：{system_error(error)}",
            ) from error
        return digest

    def _load(self) -> dict[str, tuple[int, int, str]]:
        if self._known is None:
            try:
                self._known = msgspec.json.decode(
                    self._path.read_bytes(), type=dict[str, tuple[int, int, str]]
                )
            except (OSError, msgspec.MsgspecError):
                self._known = {}  # only costs reading the files again
        return self._known

    def _save(self, known: dict[str, tuple[int, int, str]]) -> None:
        while len(known) > _MAX_HASHES:
            del known[next(iter(known))]
        partial = self._path.with_suffix(".part")
        with suppress(OSError):  # only costs reading the files again
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(msgspec.json.encode(known))
            partial.replace(self._path)
