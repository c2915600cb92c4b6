"""Copies fragments of recordings into one whole MP4, from front to back, hashed on the way."""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from streamgate.archive.fragments import Fragment
from streamgate.archive.mp4_head import Mp4Head
from streamgate.archive.parts import open_file
from streamgate.archive.scan import MAX_BOX_IN_MEMORY
from streamgate.archive.selection import Chosen
from streamgate.core.mp4_scan import box_header, track_runs
from streamgate.disk import write_all
from streamgate.errors import MediaError

BLOCK = 4 << 20
WAITING = 4  # blocks in memory that are still to be hashed
_HEAD = 8 * 1024  # most moofs fit


class _Range(NamedTuple):
    """Media of one part that follows in the file: bytes from `offset` on."""

    offset: int
    size: int


def copy_whole(
    root: Path, chosen: Sequence[Chosen], out: Path, step: Callable[[int], None]
) -> tuple[int, str]:
    """Write the fragments to `out`, on disk when this returns; return its bytes and their SHA-256.

    `step(number)` is called once each of `chosen` is copied; what it raises ends the work.

    Raises:
        MediaError: a recording is not what it was when it was looked at.
        OSError: a file cannot be read, or written.
    """
    head, ranges = _plan(root, chosen)
    digest = hashlib.sha256()
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        # Threads hash and bring to the disk what was written, while this one reads and writes.
        with ThreadPoolExecutor(1, "export hash") as hashing, ThreadPoolExecutor(1, "export disk") as disk:
            waiting: deque[Future[None]] = deque()
            flushed = disk.submit(os.fdatasync, descriptor)

            def put(data: bytes) -> None:
                waiting.append(hashing.submit(digest.update, data))
                write_all(descriptor, data)
                if len(waiting) > WAITING:
                    waiting.popleft().result()

            begun = head.make()
            put(begun)
            for number, (one, parts) in enumerate(zip(chosen, ranges, strict=True)):
                _copy(root, one.part.path, parts, put)
                step(number)
                if flushed.done():  # so that at the end little is left to wait for
                    flushed.result()
                    flushed = disk.submit(os.fdatasync, descriptor)
        os.fsync(descriptor)
        return len(begun) + head.media, digest.hexdigest()
    finally:
        os.close(descriptor)


def _plan(root: Path, chosen: Sequence[Chosen]) -> tuple[Mp4Head, list[list[_Range]]]:
    """Read where every sample stands; the media itself is not read."""
    first = chosen[0]
    begins_ms = first.fragments[0].start_s * 1000
    head, ranges = None, []
    for one in chosen:
        descriptor = open_file(root, one.part.path)
        try:
            if head is None:
                head = Mp4Head(os.pread(descriptor, one.map.init, 0))
            later_s = Fraction(one.shift_ms - begins_ms) / 1000
            found: list[_Range] = []
            for fragment in one.fragments:
                _add(head, descriptor, fragment, later_s, found)
            ranges.append(found)
        except ValueError as error:
            raise MediaError(
                f"{one.part.path} is not what it was: {error}", f"{one.part.path} 与记录不符（{error}）"
            ) from error
        finally:
            os.close(descriptor)
    assert head is not None
    return head, ranges


def _add(head: Mp4Head, descriptor: int, fragment: Fragment, later_s: Fraction, found: list[_Range]) -> None:
    """Tell the head the samples of a fragment, in the order of their bytes."""
    moof = _read_moof(descriptor, fragment.offset)
    for run in sorted(track_runs(moof), key=lambda run: run.data_at):
        rate = head.rate(run.track)
        if not rate:
            continue
        before = head.media
        head.add(run, round(later_s * rate))
        offset, size = fragment.offset + run.data_at, head.media - before
        if offset + size > fragment.offset + fragment.size:
            raise ValueError("a fragment is shorter than its samples")
        if found and found[-1].offset + found[-1].size == offset:
            offset, size = found[-1].offset, found.pop().size + size
        found.append(_Range(offset, size))


def _read_moof(descriptor: int, offset: int) -> bytes:
    data = os.pread(descriptor, _HEAD, offset)
    box = box_header(data[:8])
    if box is None or box[0] != b"moof" or box[1] > MAX_BOX_IN_MEMORY:
        raise ValueError(f"there is no fragment at {offset}")
    length = box[1]
    return data[:length] if length <= len(data) else os.pread(descriptor, length, offset)


def _copy(root: Path, path: PurePosixPath, parts: Sequence[_Range], put: Callable[[bytes], None]) -> None:
    descriptor = open_file(root, path)
    try:
        for offset, size in parts:
            at, end = offset, offset + size
            while at < end:
                data = os.pread(descriptor, min(BLOCK, end - at), at)
                if not data:
                    raise MediaError(
                        f"{path} is not what it was: it became shorter", f"{path} 与记录不符：文件变短"
                    )
                put(data)
                at += len(data)
    finally:
        os.close(descriptor)
