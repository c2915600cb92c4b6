import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from streamgate.archive.catalog import Catalog
from streamgate.archive.parts import INDEX, PartName, PartRecord, append_lines, find_parts
from streamgate.archive.removed import read_removed
from streamgate.archive.sweeper import BATCH, MARK, Sweeper
from streamgate.core.retention import DAY_S
from streamgate.errors import ConfigError

NOW = 1_790_000_000.0


class Alarms(list):
    def __call__(self, code, params):
        self.append((code, dict(params)))

    @property
    def codes(self):
        return [code for code, _ in self]


class Wall:
    def __init__(self, at=NOW):
        self.at = at

    def __call__(self):
        return self.at


def put(root, age_days, number, *, channel="main", mtime_days=None, index=True, data=b"media"):
    start = NOW - age_days * DAY_S
    name = PartName(channel, int(start * 1000), number)
    path = root / name.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    at = NOW - (age_days if mtime_days is None else mtime_days) * DAY_S
    os.utime(path, (at, at))
    if index:
        record = PartRecord(
            path.name, channel, number, start, start + 6, len(data), f"{number:064x}", video=3
        )
        append_lines(path.parent / INDEX, [msgspec.json.encode(record)])
    return path


def numbers(root):
    return sorted(name.number for name, _ in find_parts(root))


@pytest.fixture
def alarms():
    return Alarms()


def sweeper(root, alarms, wall=None, **kwargs):
    return Sweeper(root, retention_days=60, alarm=alarms, wall=wall or Wall(), **kwargs)


async def test_only_what_is_past_its_retention_goes(tmp_path, alarms):
    for number, age in enumerate([90, 61, 60.001, 59.999, 10, 0.1], 1):
        put(tmp_path, age, number)
    assert await sweeper(tmp_path, alarms).sweep() == 3
    assert numbers(tmp_path) == [4, 5, 6]
    assert alarms == []


async def test_what_was_written_lately_stays_whatever_its_name_says(tmp_path, alarms):
    put(tmp_path, 90, 1, mtime_days=1)
    put(tmp_path, 90, 2)  # a higher number: recorded after it
    put(tmp_path, 90, 1, channel="other")
    assert await sweeper(tmp_path, alarms).sweep() == 1
    assert numbers(tmp_path) == [1, 2]


async def test_each_removal_is_told(tmp_path, alarms):
    put(tmp_path, 90, 7)
    put(tmp_path, 80, 8, index=False)
    hook = []
    await sweeper(tmp_path, alarms, on_removed=lambda paths, at: hook.append((list(paths), at))).sweep()
    first, second = read_removed(tmp_path)
    start = NOW - 90 * DAY_S
    assert (first.number, first.start, first.end, first.sha256) == (7, start, start + 6, f"{7:064x}")
    assert (first.at, first.reason) == (NOW, "older than 60 days")
    assert second.number == 8
    assert hook == [([first.path, second.path], NOW)]


async def test_a_day_goes_with_its_last_part_but_not_with_strangers_in_it(tmp_path, alarms):
    empty = put(tmp_path, 90, 1).parent
    kept = put(tmp_path, 80, 2).parent
    (kept / "notes.txt").write_text("mine")
    (kept / "000000.000Z-000009.mp4").symlink_to(tmp_path / "x")
    put(tmp_path, 70, 3)
    sidecar = put(tmp_path, 69, 4).with_suffix(".events.jsonl")
    sidecar.write_text("{}")
    (tmp_path / "main" / "notes.mp4").write_text("mine")
    assert await sweeper(tmp_path, alarms).sweep() == 4
    assert not empty.exists()
    assert {entry.name for entry in kept.iterdir()} == {"notes.txt", "000000.000Z-000009.mp4", INDEX}
    assert not sidecar.exists()
    assert (tmp_path / "main" / "notes.mp4").exists()


async def test_a_channel_that_is_a_link_is_not_entered(tmp_path, alarms):
    put(tmp_path / "elsewhere", 90, 1)
    root = tmp_path / "archive"
    root.mkdir()
    (root / "main").symlink_to(tmp_path / "elsewhere" / "main")
    assert await sweeper(root, alarms).sweep() == 0
    assert numbers(tmp_path / "elsewhere") == [1]


async def test_what_is_held_stays(tmp_path, alarms):
    held = put(tmp_path, 90, 1)
    put(tmp_path, 89, 2)
    assert await sweeper(tmp_path, alarms, held=lambda: lambda key: key.endswith(held.name)).sweep() == 1
    assert numbers(tmp_path) == [1]


async def test_a_clock_that_jumped_removes_nothing_and_warns(tmp_path, alarms):
    put(tmp_path, 10, 1)
    wall = Wall()
    await sweeper(tmp_path, alarms, wall).sweep()
    wall.at += 365 * DAY_S
    for _ in range(3):  # a new process each time: the mark is on the disk
        assert await sweeper(tmp_path, alarms, wall).sweep() == 0
    assert alarms.codes == ["archive_clock"] * 3
    assert "stepped 365.0 days forward" in alarms[0][1]["reason"]
    assert "向前跳了 365.0 天" in alarms[0][1]["reason_zh"]
    (tmp_path / MARK).write_bytes(b"torn")
    assert await sweeper(tmp_path, alarms, wall).sweep() == 0
    assert numbers(tmp_path) == [1]
    (tmp_path / MARK).unlink()  # somebody checked the clock
    assert await sweeper(tmp_path, alarms, wall).sweep() == 1


async def test_a_clock_in_the_past_removes_nothing(tmp_path, alarms):
    put(tmp_path, 90, 1)
    put(tmp_path, 0, 2)
    assert await sweeper(tmp_path, alarms, Wall(NOW - DAY_S)).sweep() == 0
    assert alarms.codes == ["archive_clock"]
    assert numbers(tmp_path) == [1, 2]


async def test_batches_are_bounded_and_an_end_in_between_is_clean(tmp_path, alarms):
    for number in range(BATCH + 20):
        put(tmp_path, 90, number + 1, index=False)
    sizes = []
    service = sweeper(tmp_path, alarms, on_removed=lambda paths, _at: sizes.append(len(paths)))
    task = asyncio.create_task(service.run())
    while len(sizes) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sizes == [BATCH, 20]
    assert len(read_removed(tmp_path)) == BATCH + 20


async def test_an_archive_that_is_not_there_is_no_error(tmp_path, alarms):
    assert await sweeper(tmp_path / "none", alarms).sweep() == 0
    assert alarms == []


async def test_what_cannot_be_removed_is_an_alarm(tmp_path, alarms):
    put(tmp_path, 90, 1)
    (tmp_path / "removed.jsonl").mkdir()  # the log cannot be written: so nothing goes
    assert await sweeper(tmp_path, alarms).sweep() == 0
    assert alarms.codes == ["archive_not_removed"]
    assert numbers(tmp_path) == [1]


def test_a_short_retention_is_refused(tmp_path, alarms):
    with pytest.raises(ConfigError, match="R8"):
        Sweeper(tmp_path, retention_days=59, alarm=alarms)


async def test_the_catalog_follows(tmp_path, alarms):
    for number, age in enumerate([90, 80, 10], 1):
        put(tmp_path / "archive", age, number)
    root = tmp_path / "archive"
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        assert catalog.rebuild(root) == 3
        await sweeper(root, alarms, on_removed=catalog.mark_removed).sweep()
        after = catalog.parts("main", 0, NOW, removed=True)
        assert [row["removed_at"] for row in after] == [NOW, NOW, None]
        assert [row["number"] for row in catalog.parts("main", 0, NOW)] == [3]
        assert catalog.rebuild(root) == 3
        rebuilt = catalog.parts("main", 0, NOW, removed=True)
    keys = ("path", "number", "start_s", "end_s", "bytes", "sha256", "missing", "removed_at")
    assert [[row[key] for key in keys] for row in after] == [[row[key] for key in keys] for row in rebuilt]
    assert isinstance(Path(rebuilt[0]["path"]), Path)
