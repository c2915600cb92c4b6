"""What stands before the media of an export: sizes beyond 4 GiB, times before the start, one track alone."""

import struct

from archive_media import FEED

from streamgate.archive.mp4_head import Mp4Head
from streamgate.core.mp4_init import AUDIO_TRACK_ID, NON_SYNC, SYNC, VIDEO_TRACK_ID, init_segment
from streamgate.core.mp4_scan import TrackRun

GIB = 1 << 30


def video(start, *sizes, reorder=0):
    rows = [field for n, size in enumerate(sizes) for field in (3600, size, NON_SYNC if n else SYNC, reorder)]
    return TrackRun(VIDEO_TRACK_ID, start, 0, 0, tuple(rows))


def sound(start, *sizes):
    return TrackRun(AUDIO_TRACK_ID, start, 0, 0, tuple(field for size in sizes for field in (1024, size)))


def made(*runs, later=0):
    head = Mp4Head(init_segment(FEED))
    for run in runs:
        head.add(run, later)
    return head.make()


def body(data, kind, place=0):
    """Return what stands in a full box behind version and flags."""
    found = [at for at in range(len(data)) if data.startswith(kind, at)][place]
    return data[found + 8 : found - 4 + int.from_bytes(data[found - 4 : found], "big")]


def test_beyond_4_gib_places_have_64_bits():
    data = made(video(0, 3 * GIB, GIB), sound(0, 100, 200), video(7200, 5))
    assert b"stco" not in data
    assert body(data, b"co64") == struct.pack(">IQQ", 2, len(data), len(data) + 4 * GIB + 300)
    assert body(data, b"co64", 1) == struct.pack(">IQ", 1, len(data) + 4 * GIB)
    assert data[-16:] == struct.pack(">I4sQ", 1, b"mdat", 4 * GIB + 305 + 16)
    small = made(video(0, 30, 10))
    assert b"co64" not in small
    assert body(small, b"stco") == struct.pack(">II", 1, len(small))


def test_tables_tell_each_sample_once():
    data = made(video(0, 30, 10, reorder=7200), video(7200, 20, reorder=7200), video(10_800 + 900, 20))
    assert body(data, b"stts") == struct.pack(">I6I", 3, 2, 3600, 1, 4500, 1, 3600)
    assert body(data, b"ctts") == struct.pack(">I4I", 2, 3, 7200, 1, 0)
    assert body(data, b"stss") == struct.pack(">4I", 3, 1, 3, 4)
    assert body(data, b"stsz") == struct.pack(">6I", 0, 4, 30, 10, 20, 20)
    assert body(data, b"stsc") == struct.pack(">I6I", 2, 1, 2, 1, 2, 1, 1)


def test_sound_that_begins_before_the_picture_is_cut_there_and_later_one_waits():
    data = made(video(90_000, 30), sound(0, 9, 9), later=-45_000)
    assert body(data, b"elst") == struct.pack(">IQqIQqI", 2, 500, -1, 0x10000, 40, 0, 0x10000)
    assert body(data, b"elst", 1) == struct.pack(">IQqI", 1, 0, 45_000, 0x10000)


def test_of_one_track_alone_the_other_is_left_out():
    data = made(sound(0, 10, 11))
    assert (data.count(b"trak"), b"vide" in data, b"soun" in data) == (1, False, True)


def test_what_rounding_places_on_the_one_before_comes_right_behind():
    data = made(sound(0, 10, 11), sound(1024, 12))
    assert body(data, b"stts") == struct.pack(">I6I", 3, 1, 1024, 1, 1, 1, 1024)
