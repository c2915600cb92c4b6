import os
import sqlite3
import stat
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from tiny_media import gops, make_feed

from streamgate.archive.catalog import VERSION_TABLE, Catalog, metadata
from streamgate.archive.parts import INDEX, find_parts
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


def test_the_migrations_make_the_schema_that_the_code_uses(tmp_path):
    path = tmp_path / "x" / "catalog.sqlite"
    Catalog(path).close()
    Catalog(path).close()  # a second start finds nothing to do
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_readers_see_the_old_catalog_until_the_new_one_is_whole(archive, catalog, tmp_path):
    catalog.rebuild(archive)
    with Catalog(tmp_path / "catalog.sqlite") as reader, catalog._engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM archive_parts"))
        assert len(reader.parts("main", 0, 2e9)) == 4
        connection.rollback()


def test_the_feed_of_this_file_has_gops():
    assert len(gops(make_feed(seconds=2)[1])) == 2
