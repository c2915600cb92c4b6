import os
import sqlite3
import stat
import subprocess
import sys
import time

import msgspec
import pytest
import sqlalchemy as sa
from tiny_media import gops, make_feed

from streamgate.archive.catalog import VERSION, Catalog
from streamgate.archive.parts import INDEX, Gap, PartRecord, append_index, find_parts, read_index
from streamgate.archive.writer import ArchiveWriter

WALL = 1_790_000_000.0


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two recordings of 12 s; 3 parts are indexed, of the last one the index line is missing."""
    root = tmp_path_factory.mktemp("archive")
    form, packets = make_feed(seconds=12)
    for at_s in (0, 100):
        writer = ArchiveWriter(root, "main", alarm=lambda *_: None)
        writer.start()
        writer.format(form, f"source {at_s}")
        for packet in packets:
            writer.packet(packet, packet.dts * 1000, WALL + at_s + packet.dts / 1000)
        assert writer.close()
    index = root / "main" / "2026-09-21" / INDEX
    index.write_bytes(b"".join(index.read_bytes().splitlines(keepends=True)[:3]))
    for _, path in find_parts(root):
        os.utime(path, (WALL, WALL))
    return root


@pytest.fixture
def catalog(tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        yield catalog


def test_the_catalog_is_rebuilt_from_files_and_index(archive, catalog):
    assert catalog.rebuild(archive) == 4
    rows = catalog.parts("main", 0, 2e9)
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert [row["repaired"] for row in rows] == [False, False, False, True]
    assert [row["source"] for row in rows] == ["source 0", "source 0", "source 100", ""]
    assert [row["bytes"] for row in rows] == [(archive / row["path"]).stat().st_size for row in rows]
    assert rows[3]["video"] == rows[1]["video"]
    assert rows[3]["end_s"] == pytest.approx(rows[3]["start_s"] + 6, abs=0.3)
    assert catalog.rebuild(archive) == 4, "again, the same"


def test_parts_are_found_by_time(archive, catalog):
    catalog.rebuild(archive)
    assert [row["number"] for row in catalog.parts("main", WALL + 5, WALL + 7)] == [1, 2]
    assert [row["number"] for row in catalog.parts("main", WALL + 50, WALL + 101)] == [3]
    assert catalog.parts("other", 0, 2e9) == []


def test_a_sync_takes_in_what_is_new(archive, catalog):
    assert catalog.sync(archive) == 3
    assert catalog.sync(archive) == 0
    assert len(catalog.parts("main", 0, 2e9)) == 3


def test_a_file_that_vanished_is_shown_as_missing(archive, catalog, tmp_path):
    copy = tmp_path / "archive"
    os.system(f"cp -a {archive} {copy}")
    path = next(path for name, path in find_parts(copy) if name.number == 2)
    path.unlink()
    assert catalog.rebuild(copy) == 4
    assert [row["missing"] for row in catalog.parts("main", 0, 2e9)] == [False, True, False, False]


def test_a_part_being_written_is_left_alone(archive, catalog, tmp_path):
    copy = tmp_path / "archive"
    os.system(f"cp -a {archive} {copy}")
    path = next(path for name, path in find_parts(copy) if name.number == 4)
    os.utime(path, (time.time(), time.time()))
    assert catalog.rebuild(copy) == 3


def test_a_catalog_is_kept_over_starts_and_private(archive, tmp_path):
    path = tmp_path / "x" / "catalog.sqlite"
    with Catalog(path) as catalog:
        parts = catalog.rebuild(archive)
    with Catalog(path) as catalog:
        assert len(catalog.parts("main", 0, 2e9)) == parts
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize("version", [0, VERSION + 1])
def test_a_catalog_of_another_version_is_made_anew(archive, tmp_path, version):
    path = tmp_path / "catalog.sqlite"
    Catalog(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("DROP TABLE archive_gaps")
    connection.execute("ALTER TABLE archive_parts RENAME COLUMN bytes TO size")
    connection.close()
    with Catalog(path) as catalog:
        assert catalog.rebuild(archive) == 4
        assert catalog.gaps("main", 0, 2e9) == []


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_part_that_was_open_when_the_catalog_was_made_gets_the_row_of_its_line(archive, tmp_path, share):
    """A clock that stepped makes a part that is being written look old: its file is read as it is then."""
    copy = tmp_path / "archive"
    os.system(f"cp -a {archive} {copy}")
    day = copy / "main" / "2026-09-21"
    *lines, last = (day / "index.jsonl").read_bytes().splitlines(keepends=True)
    (day / "index.jsonl").write_bytes(b"".join(lines))
    name = read_index(archive / "main" / "2026-09-21")[-1].part
    whole = (day / name).read_bytes()
    (day / name).write_bytes(whole[: int(len(whole) * share)])
    os.utime(day / name, (1, 1))
    with Catalog(tmp_path / "catalog.sqlite") as made, Catalog(tmp_path / "new.sqlite") as new:
        made.rebuild(copy)
        (day / name).write_bytes(whole)
        (day / "index.jsonl").write_bytes(b"".join([*lines, last]))
        assert (made.sync(copy), made.sync(copy)) == (1, 0)
        new.rebuild(copy)
        assert made.parts("main", 0, 2e9) == new.parts("main", 0, 2e9)


def test_readers_see_the_old_catalog_until_the_new_one_is_whole(archive, catalog, tmp_path):
    catalog.rebuild(archive)
    with Catalog(tmp_path / "catalog.sqlite") as reader, catalog._engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM archive_parts"))
        assert len(reader.parts("main", 0, 2e9)) == 4
        connection.rollback()


def test_the_feed_of_this_file_has_gops():
    assert len(gops(make_feed(seconds=2)[1])) == 2


def test_gaps_are_in_the_catalog(archive, catalog, tmp_path):
    copy = tmp_path / "archive"
    os.system(f"cp -a {archive} {copy}")
    day = copy / "main" / "2026-09-21"
    lines = read_index(day)
    old = msgspec.structs.replace(
        lines[-1], number=9, part="143000.000Z-000009.mp4", gap=Gap(7, 700, "behind")
    )
    killed = Gap(0, 0, "gate_killed", WALL + 200, WALL + 260)
    alone = PartRecord("", "main", 0, killed.start, killed.end, 0, "", gap=killed)
    append_index(day, [old, alone])
    expected = [("behind", lines[-1].start, 0.0, 7, 700), ("gate_killed", WALL + 200, 60.0, 0, 0)]
    for fill in (catalog.sync, catalog.rebuild, catalog.sync):
        fill(copy)
        rows = catalog.gaps("main", 0, 2e9)
        assert expected == [
            (r["reason"], r["start_s"], r["end_s"] - r["start_s"], r["packets"], r["bytes"]) for r in rows
        ]
    assert [row["reason"] for row in catalog.gaps("main", WALL + 230, WALL + 240)] == ["gate_killed"]
    assert catalog.gaps("other", 0, 2e9) == []


def test_a_line_that_is_being_written_is_taken_in_once_it_is_whole(archive, catalog, tmp_path):
    copy = tmp_path / "archive"
    os.system(f"cp -a {archive} {copy}")
    index = copy / "main" / "2026-09-21" / INDEX
    whole = index.read_bytes()
    cut = whole.rindex(b"\n", 0, -1) + 40
    index.write_bytes(whole[:cut])
    assert catalog.sync(copy) == 2
    with index.open("ab") as file:
        file.write(whole[cut:])
    assert catalog.sync(copy) == 1
    index.unlink()
    index.write_bytes(whole)  # somebody put back a copy: it is read anew, nothing is there twice
    assert catalog.sync(copy) == 0
    assert len(catalog.parts("main", 0, 2e9)) == 3


SYNCS = """
import sys
from pathlib import Path
import msgspec
from streamgate.archive.catalog import Catalog
from streamgate.archive.parts import PartRecord, append_index
root = Path(sys.argv[1])
def used(name):
    for line in Path("/proc/self", name).read_text().splitlines():
        if line.startswith(("VmRSS:", "rchar:")):
            return int(line.split()[1])
def lines(start, count):
    append_index(root / "main" / "2026-09-21", [
        PartRecord(f"{n // 3600 % 24:02d}{n // 60 % 60:02d}{n % 60:02d}.000Z-{n:06d}.mp4", "main", n,
                   1.79e9 + n, 1.79e9 + n + 1, 10**6, "0" * 64, video=150, tracks=["avc1.64001f"])
        for n in range(start, start + count)])
lines(1, 100_000)
index = root / "main" / "2026-09-21" / "index.jsonl"
with Catalog(root / "catalog.sqlite") as catalog:
    print(catalog.rebuild(root))
    print(catalog.sync(root))
    before, rss, new = used("io"), used("status"), 0
    for n in range(200):
        lines(100_001 + 10 * n, 10)
        new += catalog.sync(root)
    print(new, used("io") - before, used("status") - rss, index.stat().st_size)
"""


def test_a_sync_reads_only_what_is_new_and_memory_stays_flat(tmp_path):
    """A day of 100,000 lines, 200 minutes of 10 new ones each."""
    done = subprocess.run(
        [sys.executable, "-c", SYNCS, tmp_path], capture_output=True, text=True, check=True, timeout=110
    )
    rebuilt, first, rest = done.stdout.splitlines()
    new, read_bytes, grown_kb, index_bytes = map(int, rest.split())
    assert (rebuilt, first, new) == ("100000", "0", 2000)
    assert index_bytes > 20_000_000
    assert read_bytes < 3_000_000, "about 1: 200 times the index would be 4,800"
    assert grown_kb < 2048
