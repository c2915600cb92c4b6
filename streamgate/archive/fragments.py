"""Where the fragments of an MP4 part stand and when they play, read from the boxes without the media."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path, PurePosixPath

import msgspec

from streamgate.archive.parts import open_file
from streamgate.archive.scan import MAX_BOX_IN_MEMORY
from streamgate.core.mp4_init import VIDEO_TIMESCALE, VIDEO_TRACK_ID
from streamgate.core.mp4_scan import TrackRun, audio_timescale, box_header, track_runs

_HEAD = 8 * 1024  # most moofs fit
_KEPT = 4096  # maps of parts in memory, about 2 KB each


class Clock(msgspec.Struct, frozen=True):
    """A base decode time in the file: at `offset` (64 bits) stands `ticks`, of which `rate` are a second."""

    offset: int
    ticks: int
    rate: int


class Fragment(msgspec.Struct, frozen=True):
    """A moof and its mdat. `start_s`, `end_s`: on the part's own timeline. `keyframe`: playing may begin.

    `pictures`: how many; the recorder begins a fragment with each keyframe.
    """

    offset: int
    size: int
    start_s: float
    end_s: float
    keyframe: bool
    pictures: int


class PartMap(msgspec.Struct, frozen=True):
    """What a part's file holds, up to its last whole fragment: `size` bytes.

    `init`: bytes of ftyp and moov; `digest`: of these. `start_s`, `end_s`: of its pictures, or of its sound
    without any, by their decoding; `shown_s`: from when to when they are shown. An encoder that reorders
    pictures shows the last ones after `end_s`.
    """

    init: int
    digest: bytes
    size: int
    fragments: tuple[Fragment, ...]
    clocks: tuple[Clock, ...]
    shown_s: tuple[float, float] = (0.0, 0.0)

    @property
    def start_s(self) -> float:
        return self.fragments[0].start_s if self.fragments else 0.0

    @property
    def end_s(self) -> float:
        return self.fragments[-1].end_s if self.fragments else 0.0

    def shifted(self, shift_ms: int) -> list[tuple[int, bytes]]:
        """Return what stands where in the file once every time is later by so much."""
        return [
            (clock.offset, max(0, clock.ticks + shift_ms * clock.rate // 1000).to_bytes(8, "big"))
            for clock in self.clocks
        ]


def read_map(root: Path, path: PurePosixPath) -> PartMap:
    """Read the boxes of an MP4 part; what is not whole yet is left out. Known ones come from memory.

    Raises:
        OSError: it cannot be read, or is no plain file below `root`.
    """
    descriptor = open_file(root, path)
    try:
        found = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    return _read_map(root, path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=_KEPT)
def _read_map(root: Path, path: PurePosixPath, size: int, _changed_ns: int) -> PartMap:
    descriptor = open_file(root, path)
    try:
        return _scan(descriptor, size)
    finally:
        os.close(descriptor)


def _scan(descriptor: int, size: int) -> PartMap:
    init = rate = at = 0
    digest = b""
    fragments: list[Fragment] = []
    clocks: list[Clock] = []
    ends: list[tuple[TrackRun, int]] = []  # what leads the first fragment, and the last
    moof, moof_at = b"", 0
    while True:
        data = os.pread(descriptor, _HEAD, at)
        box = box_header(data[:8])
        if box is None or at + box[1] > size:
            break
        kind, length = box
        if kind in {b"moof", b"moov"}:
            if length > MAX_BOX_IN_MEMORY:
                break
            whole = data[:length] if length <= len(data) else os.pread(descriptor, length, at)
            if kind == b"moov":
                rate, init = audio_timescale(whole), at + length
                digest = hashlib.sha256(os.pread(descriptor, init, 0)).digest()
            else:
                moof, moof_at = whole, at
        elif kind == b"mdat" and moof:
            runs = _timed(moof, rate)
            clocks += [Clock(moof_at + run.time_at, run.start, ticks) for run, ticks in runs]
            if runs:
                fragments.append(_fragment(runs, moof_at, at + length, fragments[-1] if fragments else None))
                ends = [*ends[:1], _leading(runs)]
            moof = b""
        at += length
    end = fragments[-1].offset + fragments[-1].size if fragments else init
    shown_s = (0.0, 0.0)
    if ends:
        shown_s = ends[0][0].shown[0] / ends[0][1], ends[-1][0].shown[1] / ends[-1][1]
    return PartMap(init, digest, end, tuple(fragments), tuple(clocks), shown_s)


def _timed(moof: bytes, audio_rate: int) -> list[tuple[TrackRun, int]]:
    """Return the runs of a moof with the ticks of a second of each."""
    runs = track_runs(moof)
    timed = [(run, VIDEO_TIMESCALE if run.track == VIDEO_TRACK_ID else audio_rate) for run in runs]
    return [one for one in timed if one[1]]


def _leading(runs: list[tuple[TrackRun, int]]) -> tuple[TrackRun, int]:
    return next((one for one in runs if one[0].track == VIDEO_TRACK_ID), runs[0])


def _fragment(runs: list[tuple[TrackRun, int]], offset: int, end: int, before: Fragment | None) -> Fragment:
    leading, rate = _leading(runs)
    start_s, end_s = leading.start / rate, (leading.start + leading.duration) / rate
    if before is not None:  # sound alone between pictures may begin before what plays already
        start_s = max(start_s, before.start_s)
    pictures = sum(run.count for run, _ in runs if run.track == VIDEO_TRACK_ID)
    return Fragment(offset, end - offset, start_s, max(start_s, end_s), leading.keyframe, pictures)
