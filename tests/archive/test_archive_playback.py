"""What plays of a span, and the playlist over it: beginnings, gaps, formats, reconnects, clocks."""

import itertools
import os
import re
import time
from datetime import datetime
from pathlib import PurePosixPath

import pytest
from archive_media import OLD_FEED, OLD_PACKETS, OTHER_FEED, OTHER_PACKETS, PACKETS, WALL, Recording
from tiny_media import gops, make_feed

from streamgate.archive.catalog import Catalog
from streamgate.archive.fragments import read_map
from streamgate.archive.parts import find_parts, open_file
from streamgate.archive.playlist import render
from streamgate.archive.selection import select
from streamgate.archive.times import iso
from streamgate.errors import ArchiveError

FRAME_S = 0.04


def catalog_of(root, tmp_path):
    for _, path in find_parts(root):
        os.utime(path, (WALL, WALL))
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.rebuild(root)
    return catalog


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """12 s; 30 s of nothing; a reconnect and 12 s; another format for 4 s; 2 s that only an FLV can hold."""
    place = tmp_path_factory.mktemp("whole")
    root = place / "archive"
    recording = Recording(root)
    recording.publish(WALL)
    recording.gone()
    recording.publish(WALL + 42, source="two")
    recording.publish(WALL + 54, feed=OTHER_FEED, packets=OTHER_PACKETS, source="two")
    recording.publish(WALL + 58, feed=OLD_FEED, packets=OLD_PACKETS, source="two")
    recording.close()
    with catalog_of(root, place) as catalog:
        yield root, catalog


def played(whole, start, end, *, growing=False):
    selection = select(*whole, "main", start, end)
    return selection, render(selection, start, growing=growing).splitlines()


def tags(lines, name):
    return [line.partition(":")[2] for line in lines if line.startswith(f"#EXT-X-{name}")]


def numbers(selection):
    return [one.part.number for one in selection.chosen]


def length(lines):
    return sum(float(line[8:-1]) for line in lines if line.startswith("#EXTINF:"))


def test_parts_that_go_on_with_one_another_have_one_timeline(whole):
    selection, lines = played(whole, WALL, WALL + 12)
    assert numbers(selection) == [1, 2]
    assert [(one.goes_on, one.shift_ms) for one in selection.chosen] == [(False, 0), (True, 6000)]
    assert tags(lines, "DISCONTINUITY") == []
    assert len(tags(lines, "MAP")) == 1
    assert length(lines) == pytest.approx(12, abs=2 * FRAME_S)
    assert lines[-2].endswith("?shift=6000")
    assert tags(lines, "PROGRAM-DATE-TIME") == [iso(WALL), iso(WALL + 6)]
    assert (lines[2], lines[-1]) == ("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-ENDLIST")


def test_a_run_over_gap_reconnect_and_format_change_has_a_discontinuity_at_each(whole):
    selection, lines = played(whole, WALL - 5, WALL + 100)
    assert numbers(selection) == [1, 2, 3, 4, 5]
    assert [one.goes_on for one in selection.chosen] == [False, True, False, True, False]
    assert len(tags(lines, "DISCONTINUITY")) == 2
    assert len(tags(lines, "MAP")) == 3
    assert [(loss.why, round(loss.start - WALL), round(loss.end - WALL)) for loss in selection.losses] == [
        ("no_input", 12, 42),
        ("flv", 58, 60),
    ]
    shown = tags(lines, "DATERANGE")
    assert f'START-DATE="{iso(selection.losses[0].start)}"' in shown[0]
    assert [re.search(r'X-WHY="(\w+)"', one)[1] for one in shown] == ["no_input", "flv"]


@pytest.mark.parametrize(
    ("start_s", "first", "offset_s"),
    [
        (-0.001, 1, None),  # a millisecond before the first part
        (0, 1, None),
        (0.5, 1, 0.5),  # inside a GOP: at its keyframe
        (2.5, 1, 0.5),
        (5.999, 1, 0.999),  # a millisecond before a part that goes on
        (6, 2, None),
        (11.999, 2, 0.999),  # inside the last GOP before the gap
        (12.5, 3, None),  # in the gap
        (41.999, 3, None),  # a millisecond before the part behind the gap
        (42.0, 3, None),
        (53.999, 4, 0.999),  # before another format
        (54.0, 5, None),
    ],
)
def test_where_it_begins(whole, start_s, first, offset_s):
    selection, lines = played(whole, WALL + start_s, WALL + 56)
    begins = selection.chosen[0]
    assert (begins.part.number, begins.fragments[0].keyframe) == (first, True)
    offset = tags(lines, "START:")
    if offset_s is None:
        assert offset == []
    else:
        found = float(offset[0].split(",")[0].split("=")[1])
        assert found == pytest.approx(offset_s, abs=0.002)


@pytest.mark.parametrize(("start_s", "end_s"), [(13, 41), (-100, -1), (70, 80)])
def test_where_nothing_plays(whole, start_s, end_s):
    selection, _ = played(whole, WALL + start_s, WALL + end_s)
    assert selection.chosen == []


def test_an_end_in_the_gap_ends_before_it(whole):
    selection, lines = played(whole, WALL + 8, WALL + 20)
    assert numbers(selection) == [2]
    assert length(lines) == pytest.approx(4, abs=2 * FRAME_S)


def test_a_range_names_whole_fragments_of_the_file(whole):
    root, _ = whole
    selection, lines = played(whole, WALL + 2.5, WALL + 4.5)
    (chosen,) = selection.chosen
    (wanted,) = tags(lines, "BYTERANGE")
    size, offset = map(int, wanted.split("@"))
    data = (root / chosen.part.path).read_bytes()[offset : offset + size]
    assert data[4:8] == b"moof"
    assert data.count(b"moof") == 3
    assert [round(one.start_s, 2) for one in chosen.fragments] == [2.0, 3.0, 4.0]


def test_the_part_that_is_being_written_plays_and_its_list_only_grows(tmp_path):
    root = tmp_path / "archive"
    recording = Recording(root)
    half = sum(len(gop) for gop in gops(PACKETS)[:8])
    seen = []
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        now = time.time()
        for packets in (PACKETS[:half], PACKETS):
            if seen:
                for packet in packets[half:]:
                    recording.writer.packet(packet, packet.dts * 1000, now + packet.dts / 1000)
                recording.close()
                catalog.sync(root)
            else:
                recording.publish(now, packets=packets)
                deadline = time.monotonic() + 30
                while (
                    sum(len(one.fragments) for one in select(root, catalog, "main", now, now + 60).chosen) < 7
                ):
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
            selection = select(root, catalog, "main", now, now + 60)
            seen.append(render(selection, now, growing=True))
        assert numbers(selection) == [1, 2]
    before, after = seen
    assert after.startswith(before), "what players have read stays as it is"
    assert "#EXT-X-PLAYLIST-TYPE:EVENT" in before
    assert "ENDLIST" not in after
    assert after.count("#EXTINF") == 12
    assert "#EXT-X-DISCONTINUITY" not in after


def test_times_are_right_across_midnight_and_a_step_of_the_clock(tmp_path):
    midnight = datetime.fromisoformat("2026-09-22T00:00:00+00:00").timestamp()
    root = tmp_path / "archive"
    recording = Recording(root)
    recording.publish(midnight - 6)
    recording.gone()
    recording.publish(midnight + 3600, source="two", step_at_s=6, step_s=-1800)
    recording.close()
    with catalog_of(root, tmp_path) as catalog:
        selection, lines = played((root, catalog), midnight - 10, midnight + 7200)
        assert numbers(selection) == [1, 2, 3, 4]
        assert tags(lines, "PROGRAM-DATE-TIME") == [
            "2026-09-21T23:59:54.000Z",
            "2026-09-22T00:00:00.000Z",
            "2026-09-22T01:00:00.000Z",
            "2026-09-22T00:30:06.000Z",
        ]
        assert [one.goes_on for one in selection.chosen] == [False, True, False, True]
        after_step, _ = played((root, catalog), midnight + 1806, midnight + 1900)
        assert numbers(after_step) == [4]
        (first,) = played((root, catalog), midnight - 6, midnight - 0.5)[0].chosen
        assert first.part.path.parts[1] == "2026-09-21"


def test_a_clock_set_back_by_days_hides_nothing(tmp_path, monkeypatch):
    day_s, root = 86_400, tmp_path / "archive"
    now = WALL - 5 * day_s
    recording = Recording(root)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        for at_s in (WALL - day_s, WALL, WALL + day_s):
            recording.publish(at_s)
            recording.gone()
        until(lambda: catalog.sync(root) >= 0 and len(catalog.parts("main", 0, 2e9)) == 6)
        monkeypatch.setattr("streamgate.archive.parts.wall_s", lambda: now)
        monkeypatch.setattr("streamgate.archive.selection.wall_s", lambda: now)
        recording.publish(now - 9, source="two")
        until(lambda: sum(len(one.fragments) for one in chosen(root, catalog, now)) >= 11)
        assert [one.part.number for one in chosen(root, catalog, now)] == [7, 8], "the growing one, too"
        assert len(catalog.parts("main", 0, 2e9)) == 6
        recording.close()
        assert catalog.sync(root) == 2
        assert [one.part.number for one in chosen(root, catalog, now)] == [7, 8]
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert catalog.sync(root) == 0, "another process need not read it again"


def chosen(root, catalog, now):
    return select(root, catalog, "main", now - 60, now + 60).chosen


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_groups_longer_than_a_segment_are_cut_at_keyframes(tmp_path):
    """OBS in its simple mode sends a keyframe every 250 frames: fragments of 4 s begin inside a group."""
    feed, packets = make_feed(seconds=30, gop=250, audio="")
    root = tmp_path / "archive"
    recording = Recording(root)
    recording.publish(WALL, feed=feed, packets=packets)
    recording.close()
    with catalog_of(root, tmp_path) as catalog:
        selection, lines = played((root, catalog), WALL, WALL + 30)
        assert any(not one.keyframe for some in selection.chosen for one in some.fragments)
        assert [round(float(line[8:-1])) for line in lines if line.startswith("#EXTINF")] == [10, 10, 10]


def test_a_part_that_is_gone_is_left_out_and_said(whole, tmp_path):
    root = tmp_path / "archive"
    os.system(f"cp -a {whole[0]} {root}")
    with catalog_of(root, tmp_path) as catalog:
        next(path for name, path in find_parts(root) if name.number == 2).unlink()
        selection, lines = played((root, catalog), WALL, WALL + 56)
        assert numbers(selection) == [1, 3, 4, 5]
        assert [loss.why for loss in selection.losses].count(
            "missing"
        ) == 2  # the file, and the hole it leaves
        assert len(tags(lines, "DISCONTINUITY")) == 2
        catalog.rebuild(root)
        selection, _ = played((root, catalog), WALL, WALL + 56)
        assert numbers(selection) == [1, 3, 4, 5]


def test_a_torn_part_plays_up_to_its_last_whole_fragment(whole, tmp_path):
    root = tmp_path / "archive"
    os.system(f"cp -a {whole[0]} {root}")
    name, path = next(found for found in find_parts(root) if found[0].number == 1)
    last = read_map(root, name.path).fragments[-1]
    data = path.read_bytes()
    for torn in (last.offset + 4, last.offset + 200, last.offset + last.size - 1):
        path.write_bytes(data[:torn])
        seen = read_map(root, name.path)
        assert len(seen.fragments) == 5
        assert seen.size == last.offset
    path.write_bytes(data[: last.offset] + bytes(8) + data[last.offset + 8 :])  # as `commit` leaves it
    assert len(read_map(root, name.path).fragments) == 5


def test_only_plain_files_below_the_archive_are_opened(whole, tmp_path):
    root = tmp_path / "archive"
    os.system(f"cp -a {whole[0]} {root}")
    name, path = next(found for found in find_parts(root) if found[0].number == 1)
    path.rename(tmp_path / "outside.mp4")
    path.symlink_to(tmp_path / "outside.mp4")
    with pytest.raises(FileNotFoundError):
        open_file(root, name.path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError):
        open_file(root, name.path)
    day = path.parent
    day.rename(tmp_path / "day")
    day.symlink_to(tmp_path / "day")
    with pytest.raises(FileNotFoundError):
        open_file(root, PurePosixPath(*name.path.parts[:2], "index.jsonl"))


def test_an_archive_that_cannot_be_read_is_said(whole, tmp_path):
    root = tmp_path / "archive"
    os.system(f"cp -a {whole[0]} {root}")
    with catalog_of(root, tmp_path) as catalog:
        path = next(path for name, path in find_parts(root) if name.number == 1)
        path.unlink()
        path.mkdir()
        selection, _ = played((root, catalog), WALL, WALL + 5)
        assert selection.chosen == []
        (root / "main").rename(root / "other")
        (root / "main").write_bytes(b"")
        with pytest.raises(ArchiveError):
            select(root, catalog, "main", WALL, WALL + 5)


def test_sequence_of_segments_is_that_of_the_packets(whole):
    """Every fragment is in the list once, in order, and the lengths add up."""
    selection, _ = played(whole, WALL, WALL + 56)
    for before, after in itertools.pairwise(
        (one.start_s, one.end_s) for chosen in selection.chosen[:1] for one in chosen.fragments
    ):
        assert before[1] == pytest.approx(after[0])
