"""Reading back what `core.fmp4` writes: where whole fragments end and what they hold. Pure."""

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
    """What one moof says. Times in seconds of the part's own timeline; `end_s` 0 without samples."""

    video: int = 0
    audio: int = 0
    end_s: float = 0.0


def box_header(head: bytes) -> tuple[bytes, int] | None:
    """Return (type, size) of a top-level box from its first 8 bytes; None if that is no box written here."""
    if len(head) < 8:
        return None
    size, kind = struct.unpack_from(">I4s", head)
    return (kind, size) if size >= 8 and kind in _BOX_TYPES else None


def audio_timescale(moov: bytes) -> int:
    """Return the timescale of the audio track of a whole moov box; 0 when it has none."""
    track = 0
    for kind, body in _walk(moov, 0, len(moov)):
        if kind == b"tkhd" and len(body) >= 16:
            track = int.from_bytes(body[12:16], "big")
        elif kind == b"mdhd" and len(body) >= 16 and track == AUDIO_TRACK_ID:
            return int.from_bytes(body[12:16], "big")
    return 0


def fragment_info(moof: bytes, audio_rate: int) -> FragmentInfo:
    """Return what a whole moof box holds. `audio_rate`: the audio track's timescale, 0 without one."""
    counts = {VIDEO_TRACK_ID: 0, AUDIO_TRACK_ID: 0}
    track = start = 0
    end_s = 0.0
    for kind, body in _walk(moof, 0, len(moof)):
        if kind == b"tfhd" and len(body) >= 8:
            track = int.from_bytes(body[4:8], "big")
        elif kind == b"tfdt" and len(body) >= 12:
            start = int.from_bytes(body[4:12], "big")
        elif kind == b"trun" and len(body) >= 12 and track in counts:
            count = int.from_bytes(body[4:8], "big")
            fields = 4 if track == VIDEO_TRACK_ID else 2
            rows = body[12 : 12 + 4 * fields * count]
            if len(rows) < 4 * fields * count:
                continue
            counts[track] += count
            duration = sum(struct.unpack(f">{fields * count}I", rows)[::fields])
            scale = VIDEO_TIMESCALE if track == VIDEO_TRACK_ID else audio_rate
            if scale:
                end_s = max(end_s, (start + duration) / scale)
    return FragmentInfo(counts[VIDEO_TRACK_ID], counts[AUDIO_TRACK_ID], end_s)


class TrackRun(msgspec.Struct, frozen=True, gc=False):
    """The samples of one track in a moof. Times in ticks of the track. `time_at`: where `start` stands."""

    track: int
    start: int
    duration: int
    keyframe: bool  # the first sample is one
    time_at: int  # offset of the 64-bit base decode time (tfdt) in the moof


def track_runs(moof: bytes) -> list[TrackRun]:
    """Return what a whole moof box holds of each track; a track without samples is left out."""
    found = []
    track = start = time_at = 0
    for kind, body, at in _walk_at(moof, 0, len(moof)):
        if kind == b"tfhd" and len(body) >= 8:
            track = int.from_bytes(body[4:8], "big")
        elif kind == b"tfdt" and len(body) >= 12:
            start, time_at = int.from_bytes(body[4:12], "big"), at + 4
        elif kind == b"trun" and len(body) >= 12 and track in (VIDEO_TRACK_ID, AUDIO_TRACK_ID):
            fields = 4 if track == VIDEO_TRACK_ID else 2
            count = min(int.from_bytes(body[4:8], "big"), (len(body) - 12) // (4 * fields))
            if not count:
                continue
            rows = struct.unpack_from(f">{fields * count}I", body, 12)
            keyframe = track == AUDIO_TRACK_ID or rows[2] == SYNC
            found.append(TrackRun(track, start, sum(rows[::fields]), keyframe, time_at))
    return found


def fragment_samples(moof: bytes, at: int) -> dict[int, list[Sample]]:
    """Return the samples of a whole moof box that stands at offset `at`, by track, in order."""
    found: dict[int, list[Sample]] = {}
    track = dts = 0
    for kind, body in _walk(moof, 0, len(moof)):
        if kind == b"tfhd" and len(body) >= 8:
            track = int.from_bytes(body[4:8], "big")
        elif kind == b"tfdt" and len(body) >= 12:
            dts = int.from_bytes(body[4:12], "big")
        elif kind == b"trun" and len(body) >= 12:
            count, offset = struct.unpack_from(">Ii", body, 4)
            pictures = track == VIDEO_TRACK_ID
            row = struct.Struct(">IIIi" if pictures else ">II")
            offset += at
            samples = found.setdefault(track, [])
            for fields in row.iter_unpack(body[12 : 12 + row.size * count]):
                duration, size = fields[:2]
                pts = dts + fields[3] if pictures else dts
                samples.append(Sample(offset, size, dts, pts, pictures and fields[2] == SYNC))
                offset += size
                dts += duration
    return found


def _walk(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, body) of every box that holds no boxes of interest, in order."""
    for kind, body, _ in _walk_at(data, position, end):
        yield kind, body


def _walk_at(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes, int]]:
    """As `_walk`, with the offset of the body."""
    while end - position >= 8:
        size, kind = struct.unpack_from(">I4s", data, position)
        if size < 8 or position + size > end:
            return
        if kind in _CONTAINERS:
            yield from _walk_at(data, position + 8, position + size)
        else:
            yield kind, data[position + 8 : position + size], position + 8
        position += size
