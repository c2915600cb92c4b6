"""What stands before the media of a whole (not fragmented) MP4: its samples are known before one is copied.

ISO/IEC 14496-12. The tracks are those of an initialisation segment as `core.mp4_init` makes it; samples are
told by the runs of its fragments. So the file is written from front to back in one go, and hashed on the way.
"""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from streamgate.core.mp4_init import AUDIO_TRACK_ID, SYNC, VIDEO_TIMESCALE, VIDEO_TRACK_ID
from streamgate.core.mp4_scan import TrackRun, audio_timescale

_FTYP = b"isom\0\0\x02\0isomiso2mp41"
_MOVIE_RATE = 1000  # ticks a second of the movie's own clock: edits are told in it
_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_TABLES = frozenset({b"stts", b"ctts", b"stsc", b"stsz", b"stco", b"stss"})
_MAX_32 = 0xFFFFFFFF
_MOST_HEAD = 1 << 28  # bytes that may stand before the media
_Ticks = npt.NDArray[np.int64]


class Mp4Head:
    """Collects the samples of a file in the order of its media; `make` returns all that stands before it."""

    def __init__(self, init: bytes) -> None:
        """`init`: ftyp and moov of the fragments."""
        at = int.from_bytes(init[:4], "big")
        self._moov = init[at:]
        self._tracks = {
            VIDEO_TRACK_ID: _Track(VIDEO_TRACK_ID, VIDEO_TIMESCALE),
            AUDIO_TRACK_ID: _Track(AUDIO_TRACK_ID, audio_timescale(self._moov)),
        }
        self.media = 0  # bytes

    def rate(self, track: int) -> int:
        """Return the ticks of a second of a track; 0: the file has no such track."""
        return self._tracks[track].rate

    def add(self, run: TrackRun, later: int) -> None:
        """Take the samples of a run, which follows in the media; every time in it is `later` ticks later."""
        self.media += self._tracks[run.track].add(run, later, self.media)

    def make(self) -> bytes:
        """Return ftyp, moov and the header of mdat."""
        tracks = {number: track for number, track in self._tracks.items() if track.chunks}
        wide = self.media > _MAX_32 - _MOST_HEAD
        header = struct.pack(">I4sQ", 1, b"mdat", self.media + 16) if wide else _head(b"mdat", self.media)
        ftyp = _box(b"ftyp", _FTYP)
        size = len(ftyp) + len(self._movie(tracks, 0, wide=wide)) + len(header)
        return ftyp + self._movie(tracks, size, wide=wide) + header

    def _movie(self, tracks: "dict[int, _Track]", media_at: int, *, wide: bool) -> bytes:
        length = max((track.edited_ms for track in tracks.values()), default=0)
        parts = []
        for kind, body in _boxes(self._moov[8:]):
            if kind == b"mvhd":
                parts.append(_box(kind, body[:16] + struct.pack(">I", length) + body[20:]))
            elif kind == b"trak":
                track = tracks.get(_number(body))
                if track is not None:
                    parts.append(_box(kind, _trak(body, track, media_at, wide=wide)))
        return _box(b"moov", *parts)


class _Track:
    """`rate`: ticks a second. `chunks`: runs, where each begins in the media and how many samples it has."""

    def __init__(self, number: int, rate: int) -> None:
        self.number, self.rate = number, rate
        self.chunks: list[tuple[int, int]] = []
        self._dts: list[_Ticks] = []
        self._reorder: list[_Ticks] = []
        self._sizes: list[_Ticks] = []
        self._sync: list[npt.NDArray[np.bool_]] = []
        self._last = 0  # ticks that the last sample lasts
        self._timed: tuple[_Ticks, _Ticks] | None = None

    def add(self, run: TrackRun, later: int, at: int) -> int:
        """Return how many bytes the run has."""
        rows = np.array(run.rows, np.int64).reshape(-1, run.fields)
        begins = np.cumsum(rows[:, 0]) - rows[:, 0] + run.start + later
        self._dts.append(begins)
        if self.number == VIDEO_TRACK_ID:
            self._reorder.append(np.where(rows[:, 3] >= 1 << 31, rows[:, 3] - (1 << 32), rows[:, 3]))
            self._sync.append(rows[:, 2] == SYNC)
        self._sizes.append(rows[:, 1])
        self.chunks.append((at, len(rows)))
        self._last, self._timed = int(rows[-1, 0]), None
        return int(rows[:, 1].sum())

    def times(self) -> tuple[_Ticks, _Ticks]:
        """Return DTS and PTS of all samples; DTS rise: rounding may have placed one on the one before it."""
        if self._timed is None:
            told = np.concatenate(self._dts)
            places = np.arange(len(told))
            dts = np.maximum.accumulate(told - places) + places
            pts = told + np.concatenate(self._reorder) if self._reorder else told
            self._timed = dts, np.maximum(pts, dts)
        return self._timed

    @property
    def lasts(self) -> int:
        """Ticks from the first DTS to the end of the last sample."""
        dts, _ = self.times()
        return int(dts[-1] - dts[0]) + self._last

    @property
    def _delay_ms(self) -> int:
        """When its first sample is shown, on the movie's clock; below 0: before it begins."""
        return int(self.times()[1][0]) * _MOVIE_RATE // self.rate

    @property
    def edited_ms(self) -> int:
        """When it ends on the movie's clock."""
        _, pts = self.times()
        shown = int(pts.max() - pts[0]) + self._last
        return max(0, self._delay_ms - (-shown * _MOVIE_RATE // self.rate))

    def edits(self) -> bytes:
        """Return the edit list: media times begin at 0, and the movie shows each sample at its own time."""
        dts, pts = self.times()
        entries = []
        if self._delay_ms > 0:
            entries.append((self._delay_ms, -1))
            entries.append((self.edited_ms - self._delay_ms, int(pts[0] - dts[0])))
        else:
            entries.append((self.edited_ms, max(0, -int(dts[0]))))
        body = b"".join(struct.pack(">QqI", length, begins, 0x10000) for length, begins in entries)
        return _box(b"edts", _full(b"elst", 1, struct.pack(">I", len(entries)) + body))

    def tables(self, media_at: int, *, wide: bool) -> list[bytes]:
        dts, pts = self.times()
        found = [_full(b"stts", 0, _runs(np.append(np.diff(dts), self._last)))]
        if self.number == VIDEO_TRACK_ID:
            if (pts != dts).any():
                found.append(_full(b"ctts", 0, _runs(pts - dts)))
            sync = np.flatnonzero(np.concatenate(self._sync)) + 1
            if len(sync) < len(dts):
                found.append(_full(b"stss", 0, struct.pack(">I", len(sync)) + _big(sync, 4)))
        counts = np.array([count for _, count in self.chunks])
        first = np.flatnonzero(np.diff(counts, prepend=-1))
        rows = np.stack([first + 1, counts[first], np.ones(len(first), np.int64)], axis=1)
        found.append(_full(b"stsc", 0, struct.pack(">I", len(first)) + _big(rows, 4)))
        sizes = np.concatenate(self._sizes)
        found.append(_full(b"stsz", 0, struct.pack(">II", 0, len(sizes)) + _big(sizes, 4)))
        places = np.array([at for at, _ in self.chunks]) + media_at
        kind, width = (b"co64", 8) if wide else (b"stco", 4)
        found.append(_full(kind, 0, struct.pack(">I", len(places)) + _big(places, width)))
        return found


def _trak(body: bytes, track: _Track, media_at: int, *, wide: bool) -> bytes:
    """Return the boxes of a track with its durations, its edits and the tables of its samples."""
    found = []
    for kind, inner in _boxes(body):
        if kind == b"tkhd":
            found.append(_box(kind, inner[:20] + struct.pack(">I", track.edited_ms) + inner[24:]))
            found.append(track.edits())
        elif kind == b"mdhd":  # version 1: 64 bits, as a long recording needs at the rate of its sound
            told = struct.pack(">QQIQ", 0, 0, track.rate, track.lasts) + inner[20:]
            found.append(_full(kind, 1, told))
        elif kind == b"stbl":
            kept = [_box(one, part) for one, part in _boxes(inner) if one not in _TABLES]
            found.append(_box(kind, *kept, *track.tables(media_at, wide=wide)))
        elif kind in _CONTAINERS:
            found.append(_box(kind, _trak(inner, track, media_at, wide=wide)))
        else:
            found.append(_box(kind, inner))
    return b"".join(found)


def _number(trak: bytes) -> int:
    tkhd = next(body for kind, body in _boxes(trak) if kind == b"tkhd")
    return int.from_bytes(tkhd[12:16], "big")


def _runs(values: _Ticks) -> bytes:
    """Return (how many, value) of each row of equal values, and before them how many these are."""
    first = np.flatnonzero(np.diff(values, prepend=values[0] - 1))
    counts = np.diff(np.append(first, len(values)))
    return struct.pack(">I", len(first)) + _big(np.stack([counts, values[first]], axis=1), 4)


def _big(values: npt.NDArray[Any], width: int) -> bytes:
    return values.astype(f">u{width}").tobytes()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + size]
        at += size


def _head(kind: bytes, size: int) -> bytes:
    return struct.pack(">I4s", 8 + size, kind)


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _head(kind, len(body)) + body


def _full(kind: bytes, version: int, body: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24), body)
