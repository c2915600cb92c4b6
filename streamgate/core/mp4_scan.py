"""Parser of the fragmented MP4 that `core.fmp4` writes: boxes, fragments, samples. Pure."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from streamgate.core.mp4_init import AUDIO_TRACK_ID, SYNC, VIDEO_TIMESCALE, VIDEO_TRACK_ID

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"moof", b"traf"})
_BOX_TYPES = frozenset({b"ftyp", b"moov", b"moof", b"mdat", b"free", b"styp", b"sidx"})


class Sample(NamedTuple):
    """A sample of a fragment: its bytes in the file, its times in ticks of the track's timescale."""

    offset: int
    size: int
    dts: int
    pts: int
    keyframe: bool


class FragmentInfo(msgspec.Struct, frozen=True, gc=False):
    """Samples of video and audio in a moof. `end_s`: on the part's timeline, 0 without samples."""

    video: int = 0
    audio: int = 0
    end_s: float = 0.0


def box_header(head: bytes) -> tuple[bytes, int] | None:
    """Return (type, size) of a top-level box from its first 8 bytes; None: not one of `core.fmp4`."""
    if len(head) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    return (kind, size) if size >= 8 and kind in _BOX_TYPES else None


def audio_timescale(moov: bytes) -> int:
    """Return the timescale of the audio track of a whole moov box; 0 when it has none."""
    track = 0
    for kind, body, _ in _walk_at(moov, 0, len(moov)):
        if kind == b"tkhd" and len(body) >= 16:
            track = int.from_bytes(body[12:16], "big")
        elif kind == b"mdhd" and len(body) >= 16 and track == AUDIO_TRACK_ID:
            return int.from_bytes(body[12:16], "big")
    return 0


def fragment_info(moof: bytes, audio_rate: int) -> FragmentInfo:
    """Return the summary of a whole moof box. `audio_rate`: the audio track's timescale, 0 without one."""
    counts = {VIDEO_TRACK_ID: 0, AUDIO_TRACK_ID: 0}
    end_s = 0.0
    for run in track_runs(moof):
        counts[run.track] += run.count
        scale = VIDEO_TIMESCALE if run.track == VIDEO_TRACK_ID else audio_rate
        if scale:
            end_s = max(end_s, (run.start + run.duration) / scale)
    return FragmentInfo(counts[VIDEO_TRACK_ID], counts[AUDIO_TRACK_ID], end_s)


class TrackRun(msgspec.Struct, frozen=True, gc=False):
    """The samples of one track in a moof (its trun). Times in ticks of the track's timescale.

    `rows`: the fields of each sample, flat: duration, size; for video also flags, composition offset.
    `data_at`: offset of the first sample from the moof's first byte.
    """

    track: int
    start: int
    time_at: int  # offset of the 64-bit base decode time (tfdt) in the moof
    data_at: int
    rows: tuple[int, ...]

    @property
    def fields(self) -> int:
        return _FIELDS[self.track]

    @property
    def count(self) -> int:
        return len(self.rows) // self.fields

    @property
    def duration(self) -> int:
        return sum(self.rows[:: self.fields])

    @property
    def shown(self) -> tuple[int, int]:
        """Return the lowest PTS and the highest end of presentation, in ticks."""
        samples = self.samples(0)
        ends = (one.pts + lasts for one, lasts in zip(samples, self.rows[:: self.fields], strict=True))
        return min(one.pts for one in samples), max(ends)

    @property
    def keyframe(self) -> bool:
        """Whether a decoder may begin with the first sample."""
        return self.track == AUDIO_TRACK_ID or self.rows[2] == SYNC

    def samples(self, moof_at: int) -> list[Sample]:
        """Return the samples in order. `moof_at`: offset of the moof in the file."""
        offset, dts = moof_at + self.data_at, self.start
        found = []
        if self.track == AUDIO_TRACK_ID:
            for duration, size in zip(self.rows[::2], self.rows[1::2], strict=True):
                found.append(Sample(offset, size, dts, dts, keyframe=False))
                offset, dts = offset + size, dts + duration
            return found
        fields = (self.rows[n::4] for n in range(4))
        for duration, size, flags, reorder in zip(*fields, strict=True):
            signed = reorder - (1 << 32) if reorder & 1 << 31 else reorder
            found.append(Sample(offset, size, dts, dts + signed, keyframe=flags == SYNC))
            offset, dts = offset + size, dts + duration
        return found


_FIELDS = {VIDEO_TRACK_ID: 4, AUDIO_TRACK_ID: 2}


def track_runs(moof: bytes) -> list[TrackRun]:
    """Return the samples of each track of a whole moof box; a track without samples is left out."""
    found = []
    track = start = time_at = 0
    for kind, body, at in _walk_at(moof, 0, len(moof)):
        if kind == b"tfhd" and len(body) >= 8:
            track = int.from_bytes(body[4:8], "big")
        elif kind == b"tfdt" and len(body) >= 12:
            start, time_at = int.from_bytes(body[4:12], "big"), at + 4
        elif kind == b"trun" and len(body) >= 12 and track in _FIELDS:
            fields = _FIELDS[track]
            count, data_at = struct.unpack_from(">Ii", body, 4)
            if 0 < count <= (len(body) - 12) // (4 * fields):
                rows = struct.unpack_from(f">{fields * count}I", body, 12)
                found.append(TrackRun(track, start, time_at, data_at, rows))
    return found


def _walk_at(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield (type, body, offset of the body) of every leaf box in order; walk into `_CONTAINERS`."""
    while end - position >= 8:
        size, kind = struct.unpack_from(">I4s", data, position)
        if size < 8 or position + size > end:
            return
        if kind in _CONTAINERS:
            yield from _walk_at(data, position + 8, position + size)
        else:
            yield kind, data[position + 8 : position + size], position + 8
        position += size
