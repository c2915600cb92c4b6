"""Conformed clips on disk: found again by what they were made from and for, made by a child when missing.

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
from typing import TypeVar

import msgspec
import structlog

from streamgate.core.clip import Clip
from streamgate.core.packet import FeedFormat
from streamgate.core.target import target_for
from streamgate.errors import MediaError
from streamgate.playout.clip_file import open_clip
from streamgate.playout.job import CONFORM_VERSION, MAX_DURATION_S, SLATE, ConformJob, partial_path
from streamgate.runtime.apart import DaemonThreads

MAX_BYTES = 20 * 1024**3
MAX_UNUSED_S = 90 * 86_400
MAX_CLIPS = 1000  # an encoder whose parameters never stay the same has a slate made for each
_SLATE_TIMEOUT_S = 60.0
_CLIP_TIMEOUT_S = 3 * MAX_DURATION_S
_STALE_S = 86_400  # leftovers of a run that was killed
_MAX_HASHES = 1000
_BASE_BPS = 100_000
_THREADS = 4
_READERS = 16  # one per clip on air is enough
_T = TypeVar("_T")
_log = structlog.get_logger()


class ClipCache:
    """Clips by content. At most one clip and one slate are made at a time, so that no slate waits for a clip.

    `max_bytes`, `max_unused_s`: beyond either the clips unused for longest are removed, never one in use.
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
        # Apart from the loop's own threads, which a disk that hangs would use up.
        self._threads = DaemonThreads("clips", _THREADS)
        self.sources = DaemonThreads("clip sources", _THREADS)  # on other disks than the cache, maybe
        self._readers = DaemonThreads("clip reader", _READERS)
        self._making = {True: asyncio.Lock(), False: asyncio.Lock()}  # slate, clip

    async def cached(
        self, source: Path | None, name: str, format_: FeedFormat, sps_id: int, bitrate_bps: int = 0
    ) -> Clip | None:
        """Return the clip if it has been made before. `source` None is the slate. MediaError as `get`."""
        key = await self._key(source, format_, sps_id)
        return await self._on_disk(self._find, key, source is None, bitrate_bps, name)

    async def get(
        self, source: Path | None, name: str, format_: FeedFormat, sps_id: int, bitrate_bps: int = 0
    ) -> Clip:
        """Return the clip called `name` conformed to the feed, made now if need be (seconds to minutes).

        `bitrate_bps`: what the feed takes, so that filler takes no more; 0 is unknown. A clip made for a
        similar bitrate serves too. MediaError when the source or the feed does not allow it.
        """
        key = await self._key(source, format_, sps_id)
        is_slate = source is None
        clip = await self._on_disk(self._find, key, is_slate, bitrate_bps, name)
        if clip is not None:
            return clip
        async with self._making[is_slate]:
            clip = await self._on_disk(self._find, key, is_slate, bitrate_bps, name)
            if clip is not None:  # another channel had it made meanwhile
                return clip
            job = self._job(key, source, name, format_, sps_id=sps_id, bitrate_bps=bitrate_bps)
            await self._make(job)
            clip = await self._on_disk(self._open, Path(job.out), name, whole=is_slate)
            if clip is None:
                raise MediaError(f"the clip {name} was made but cannot be read back; see the log")
        with suppress(MediaError):  # the clip is there; room is made another time
            await self._on_disk(self.sweep)
        return clip

    async def _on_disk(self, function: Callable[..., _T], *args: object, **kwargs: object) -> _T:
        """Call it in a worker thread. MediaError when the cache's disk fails."""
        try:
            return await self._threads.call(function, *args, **kwargs)
        except OSError as error:
            raise MediaError(f"the clip cache {self._dir} cannot be used: {error.strerror}") from error

    def _job(
        self, key: str, source: Path | None, name: str, format_: FeedFormat, *, sps_id: int, bitrate_bps: int
    ) -> ConformJob:
        step = _step(bitrate_bps)
        return ConformJob(
            source=SLATE if source is None else str(source.absolute()),
            name=name,
            format=format_,
            sps_id=sps_id,
            out=str(self._dir / f"{key}-r{step}.clip"),
            bitrate_bps=_rate_of(step),
        )

    async def _key(self, source: Path | None, format_: FeedFormat, sps_id: int) -> str:
        content = ""
        if source is not None:
            async with self._hashing:
                content = await self.sources.call(self._hashes.of, source)
        parts = (CONFORM_VERSION, content or SLATE, target_for(format_, sps_id))
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:40]

    # ------------------------------------------------------------ files; these run in worker threads

    def _find(self, key: str, is_slate: bool, bitrate_bps: int, name: str) -> Clip | None:
        """Open the clip made for the nearest suitable bitrate; a slate made for any lower one will do."""
        wanted = _step(bitrate_bps)
        steps = {_step_of(path): path for path in self._dir.glob(f"{key}-*.clip")}
        for step in sorted(steps, key=lambda step: abs(step - wanted)):
            suits = not wanted or not step or (step <= wanted + 1 and (is_slate or step >= wanted - 2))
            if suits and (clip := self._open(steps[step], name, whole=is_slate)) is not None:
                return clip
        return None

    def _open(self, path: Path, name: str, *, whole: bool) -> Clip | None:
        """Open and check a clip file. One that is damaged is removed, so that it is made anew."""
        try:
            clip = open_clip(path, name, self._readers, whole=whole)
            clip.path = str(path)
            with suppress(OSError):  # on a read-only disk, say
                os.utime(path)  # the sweeper goes by it
        except FileNotFoundError:
            return None
        except (MediaError, OSError, ValueError) as error:
            _log.warning("clip_damaged", file=path.name, clip=name, reason=str(error))
            with suppress(OSError):  # on a disk that fails it stays, and cannot be read the next time either
                path.unlink()
            return None
        with self._in_use_lock:
            self._in_use[clip] = path
        return clip

    def sweep(self) -> list[Path]:
        """Remove what is unused for too long or takes too much room; return what was removed."""
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
        timeout_s = _SLATE_TIMEOUT_S if job.source == SLATE else _CLIP_TIMEOUT_S
        try:
            child = await _spawn(job_file)
            try:
                async with asyncio.timeout(timeout_s):
                    _, said = await child.communicate()
            except TimeoutError as error:
                raise MediaError(
                    f"conforming {job.name} took longer than {timeout_s:.0f} s and was given up"
                ) from error
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.communicate()  # to the end of its output, so that nothing of it stays open
                await self._remove(partial_path(job, child.pid))
        except OSError as error:
            raise MediaError(f"the program that conforms {job.name} does not start: {error}") from error
        finally:
            await self._remove(job_file)
        if child.returncode != 0:
            raise MediaError(_reason(said, job.name, child.returncode))
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
            raise MediaError(f"the clip cache {self._dir} cannot be written: {error.strerror}") from error
        return Path(path)


async def _spawn(job_file: Path) -> asyncio.subprocess.Process:
    """Start the conform child. Cancelled while it starts, it is ended rather than forgotten."""
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


def _reason(said: bytes, name: str, code: int | None) -> str:
    """Return what the child's last line on stderr says."""
    lines = said.strip().splitlines()
    with suppress(msgspec.MsgspecError, IndexError):
        return msgspec.json.decode(lines[-1], type=dict[str, str])["error"]
    _log.error("conform_failed", clip=name, exit=code, said=said[-4000:].decode(errors="replace"))
    return f"conforming {name} failed (exit {code}); the log tells more"


def _stats(paths: Iterable[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for path in paths:
        with suppress(FileNotFoundError):
            yield path, path.stat()


# ---------------------------------------------------------------- bitrates in half octaves


def _step(bitrate_bps: int) -> int:
    """Bitrates vary from one broadcast to the next; in steps, a clip is found again. 0 is unknown."""
    return max(1, int(2 * log2(bitrate_bps / _BASE_BPS))) if bitrate_bps > _BASE_BPS else int(bitrate_bps > 0)


def _rate_of(step: int) -> int:
    return round(_BASE_BPS * 2 ** (step / 2)) if step else 0


def _step_of(path: Path) -> int:
    number = path.stem.rpartition("-r")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


# ---------------------------------------------------------------- content hashes


class _ContentHashes:
    """SHA-256 of files, remembered (on disk, too) for as long as size and modification time stay the same."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, tuple[int, int, str]] | None = None

    def of(self, source: Path) -> str:
        """Blocking: reads the whole file if it is new. MediaError when it cannot be read."""
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
            raise MediaError(f"{source.name} does not exist") from error
        except OSError as error:
            raise MediaError(f"{source.name} cannot be read: {error.strerror}") from error
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
