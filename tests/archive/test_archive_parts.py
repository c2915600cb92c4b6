import os
import subprocess
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_media import gops, make_feed

from streamgate.archive.containers import commit
from streamgate.archive.parts import (
    PartName,
    append_lines,
    check_channel,
    find_parts,
    newest_part,
    parse,
    read_index,
    repair_day,
)
from streamgate.archive.scan import scan
from streamgate.core.fmp4 import Fragmenter, init_segment
from streamgate.core.mp4_scan import audio_timescale, box_header
from streamgate.core.packet import Kind
from streamgate.errors import ConfigError

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def written():
    """A feed, its bytes as a part, and the length after its header and after each fragment."""
    form, packets = make_feed(seconds=3)
    fragmenter = Fragmenter(form)
    pieces = [init_segment(form)] + [fragmenter.fragment(gop, n + 1) for n, gop in enumerate(gops(packets))]
    ends = [sum(map(len, pieces[: n + 1])) for n in range(len(pieces))]
    return packets, b"".join(pieces), ends


# ---------------------------------------------------------------- names


@given(st.integers(0, 200 * 365 * DAY_MS), st.integers(1, 10**8), st.sampled_from(["main", "a.b-c_9"]))
def test_a_name_reads_back(start_ms, number, channel):
    name = PartName(channel, start_ms, number)
    assert parse(name.path) == name


def test_names_are_utc_and_sort_by_time():
    name = PartName("main", 1_790_000_000_123, 42)
    assert str(name.path) == "main/2026-09-21/141320.123Z-000042.mp4"


@pytest.mark.parametrize(
    "path",
    [
        "141320.123Z-000042.mp4",
        "main/2026-09-21/x.mp4",
        "main/2026-02-30/141320.123Z-000042.mp4",
        "main/2026-09-21/241320.123Z-000042.mp4",
        "main/2026-09-21/146020.123Z-000042.mp4",
        "main/2026-09-21/141320.123Z-000042.mp4.part",
        "main/2026-09-21/141320.123Z-0000042.mp4",
        "main/2026-09-21/141320.123Z-٠٠٠٠٤٢.mp4",
        "../2026-09-21/141320.123Z-000042.mp4",
        "main/x/2026-09-21/141320.123Z-000042.mp4",
    ],
)
def test_what_is_no_part_is_not_taken_for_one(path):
    assert parse(PurePosixPath(path)) is None


@given(st.text(max_size=80))
def test_a_channel_that_is_accepted_stays_inside_the_root(channel):
    try:
        check_channel(channel)
    except ConfigError:
        return
    assert PurePosixPath(channel).parts == (channel,)
    assert channel not in {".", ".."}


def test_symbolic_links_are_not_followed(tmp_path):
    real = tmp_path / "elsewhere" / "2026-09-21"
    real.mkdir(parents=True)
    (real / "141320.123Z-000001.mp4").write_bytes(b"x")
    root = tmp_path / "archive"
    (root / "main" / "2026-09-21").mkdir(parents=True)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "main" / "2026-09-22").symlink_to(real)
    (root / "main" / "2026-09-21" / "141320.123Z-000002.mp4").symlink_to(real / "141320.123Z-000001.mp4")
    assert list(find_parts(root)) == []
    (root / "main" / "2026-09-21" / "141320.123Z-000003.mp4").write_bytes(b"x")
    assert [name.number for name, _ in find_parts(root)] == [3]
    assert newest_part(root, "main") == (3, root / "main" / "2026-09-21")
    assert newest_part(root, "none") == (0, None)


# ---------------------------------------------------------------- reading and mending


def test_a_whole_part_is_read_whole(tmp_path, written):
    packets, data, _ = written
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    seen = scan(path)
    assert (seen.size, seen.whole) == (len(data), len(data))
    assert seen.video == sum(p.kind is Kind.VIDEO for p in packets)
    assert seen.audio == sum(p.kind is Kind.AUDIO for p in packets)
    assert seen.length_s == pytest.approx(3.0, abs=0.15)


def test_a_torn_part_is_cut_to_its_last_whole_fragment_and_plays(tmp_path, written):
    _, data, ends = written
    cuts = [
        0,
        1,
        ends[0] - 1,
        ends[0],
        ends[0] + 7,
        ends[1] - 1,
        ends[1],
        ends[1] + 5,
        ends[2] + 200,
        ends[3] - 1,
    ]
    for number, cut in enumerate(cuts):
        day = tmp_path / str(number) / "main" / "2026-09-21"
        day.mkdir(parents=True)
        path = day / "141320.123Z-000001.mp4"
        path.write_bytes(data[:cut])
        os.utime(path, (1000, 1000))
        whole = max([end for end in ends if end <= cut], default=0)
        if not whole:
            assert repair_day("main", day) == []
            assert not path.exists(), "without a header it was never a recording"
            continue
        (record,) = repair_day("main", day)
        assert (record.bytes, path.stat().st_size) == (whole, whole)
        assert path.stat().st_mtime == 1000
        assert record.video == 25 * max(0, sum(end <= cut for end in ends) - 1)
        assert read_index(day) == [record]
        assert repair_day("main", day) == [], "once"
        if whole > ends[0]:
            done = subprocess.run(
                ["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, b"")


def test_a_part_whose_beginning_is_damaged_is_not_taken_for_a_torn_one(tmp_path, written):
    _, data, _ = written
    day = tmp_path / "main" / "2026-09-21"
    day.mkdir(parents=True)
    path = day / "141320.123Z-000001.mp4"
    damaged = b"\xff" * 8 + data[8:]
    path.write_bytes(damaged)
    assert repair_day("main", day) == []
    assert path.read_bytes() == damaged


def test_players_take_what_a_kill_leaves_without_any_mending(tmp_path, written):
    """The writer puts the first 8 bytes of a fragment last: a torn one begins with 8 zero bytes."""
    _, data, ends = written
    path = tmp_path / "x.mp4"
    for torn in (9, 60, 900, 4096, 9000, ends[3] - ends[2]):
        path.write_bytes(data[: ends[2]] + bytes(8) + data[ends[2] + 8 : ends[2] + torn])
        command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-f", "framehash", "-"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert len([line for line in done.stdout.splitlines() if not line.startswith("#")]) == 50
        assert scan(path).whole == ends[2]


def test_a_fragment_is_written_whole(tmp_path, written):
    _, data, ends = written
    path = tmp_path / "x.mp4"
    with path.open("wb") as file:
        commit(file.fileno(), data[: ends[1]], 0)
        commit(file.fileno(), data[ends[1] :], ends[1])
    assert path.read_bytes() == data


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fall(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    path.write_bytes(data)
    assert scan(path).whole <= len(data)
    assert audio_timescale(data) >= 0
    box_header(data)


def test_a_torn_index_line_does_not_swallow_the_next(tmp_path):
    index = tmp_path / "index.jsonl"
    index.write_bytes(b'{"part": "torn')
    append_lines(index, [b'{"a":1}'])
    append_lines(index, [b'{"b":2}'])
    assert index.read_bytes() == b'{"part": "torn\n{"a":1}\n{"b":2}\n'
    assert read_index(tmp_path) == []
