"""What the archive's writers tell the ledger: closed parts, indexes, edit lists, certificates, removals."""

import hashlib
import os
import subprocess
import sys
import time

import msgspec
import pytest
from fakes.archive_media import FEED, PACKETS, WALL
from fakes.kept_data import Clock, begin, fail

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.certificate import certify
from streamgate.archive.edit_list import CLIPS, FOLDER, ClipKept, End, list_path, read_edit_list
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.holds import Holds
from streamgate.archive.parts import append_lines
from streamgate.archive.sweeper import Sweeper
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.edits import LIVE, Held, Piece, Run
from streamgate.core.retention import DAY_S
from streamgate.errors import LedgerError
from streamgate.ledger.record import AiredList, Certified, Index, Part, Removal

S = 1_000_000


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def record_feed(root, told, *, at=WALL):
    writer = ArchiveWriter(root, "main", alarm=fail, record=told.append)
    writer.start()
    writer.format(FEED, "obs")
    for packet in PACKETS:
        writer.packet(packet, packet.dts * 1000, at + packet.dts / 1000)
    assert writer.close()


def piece(at):
    held = Held(25, 30_001_000, 30_002_000, 750_000_000, 0, [(30_001, 25)])
    return Piece(
        at=at, from_us=0, to_us=S, source=LIVE, delay_us=30 * S, runs=[Run("video", 0, 25, 0)], held=held
    )


# ---------------------------------------------------------------- parts


def test_each_closed_part_is_told_with_its_hash_and_the_index_up_to_its_line(tmp_path):
    told = []
    record_feed(tmp_path, told)
    assert [type(record) for record in told] == [Part, Part]
    for record in told:
        data = (tmp_path / record.path).read_bytes()
        assert (record.bytes, record.sha256) == (len(data), sha256(data))
        index = (tmp_path / record.index.file).read_bytes()[: record.index.bytes]
        assert (record.index.sha256, index.count(b"\n")) == (sha256(index), record.number)
    assert (told[0].start, round(told[1].end - WALL)) == (WALL, 12)
    assert told[-1].index.bytes == (tmp_path / told[-1].index.file).stat().st_size


def test_the_next_start_tells_what_a_killed_process_wrote_into_the_index(tmp_path):
    record_feed(tmp_path, [])
    told = []
    writer = ArchiveWriter(tmp_path, "main", alarm=fail, record=told.append)
    writer.start()
    assert writer.close()
    (index,) = told
    assert isinstance(index, Index)
    assert index.index.sha256 == sha256((tmp_path / index.index.file).read_bytes())


KILLED = """
import os, sys
from pathlib import Path
from fakes.archive_media import FEED, PACKETS, WALL
from streamgate.archive.scan import scan
from streamgate.archive.writer import ArchiveWriter
writer = ArchiveWriter(Path(sys.argv[1]), "main", alarm=lambda *_: None)
writer.start()
writer.format(FEED, "obs")
for packet in PACKETS[:-40]:
    writer.packet(packet, packet.dts * 1000, WALL + packet.dts / 1000)
while sum(scan(path).video > 0 for path in Path(sys.argv[1]).rglob("*.mp4")) < 2:
    pass
os.kill(os.getpid(), 9)
"""


def test_a_part_that_a_kill_left_open_is_told_by_the_next_start(tmp_path):
    path = os.pathsep.join(["tests", "tests/fakes", os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env=os.environ | {"PYTHONPATH": path}, check=False
    )
    assert done.returncode == -9
    told = []
    writer = ArchiveWriter(tmp_path, "main", alarm=lambda *_: None, record=told.append)
    writer.start()
    assert writer.close()
    mended = next(record for record in told if isinstance(record, Part))
    assert (mended.number, mended.closed) == (2, "crash")
    assert mended.sha256 == sha256((tmp_path / mended.path).read_bytes())
    assert mended.index.sha256 == sha256((tmp_path / mended.index.file).read_bytes())


# ---------------------------------------------------------------- edit lists


def write_list(root, told, lines):
    writer = EditWriter(root, "main", alarm=fail, record=told.append)
    for line in lines:
        writer.put(line)
    assert writer.close()
    return list_path(root, "main", lines[0].broadcast)


def test_the_end_of_a_broadcast_is_told_with_list_and_certificate(tmp_path):
    told = []
    lines = [begin("main", WALL, series=1, mono_us=0), piece(WALL + 30), piece(WALL + 31), End(WALL + 32)]
    path = write_list(tmp_path, told, lines)
    listed, certified = told[-2:]
    assert (type(listed), type(certified)) == (AiredList, Certified)
    assert listed.edits.sha256 == sha256(path.read_bytes())
    assert (listed.edits.file, listed.ended) == (path.relative_to(tmp_path).as_posix(), True)
    found = certify(read_edit_list(path))
    assert (certified.packets, certified.min_s, certified.p50_s) == (50, 30.001, 30.001)
    for name in ("start", "end", "floor_s", "delay_s", "min_s", "p50_s", "p99_s", "max_s", "below_floor"):
        assert getattr(certified, name) == getattr(found, name)
    assert certified.gaps == len(found.gaps)


def test_the_next_start_tells_the_list_that_a_kill_ended(tmp_path):
    lines = [begin("main", WALL, series=1, mono_us=0), piece(WALL + 30)]
    path = write_list(tmp_path, [], lines)
    with path.open("ab") as file:
        file.write(b'{"line":"air","at":17900')
    told = []
    writer = EditWriter(tmp_path, "main", alarm=fail, record=told.append)
    writer.start()
    assert writer.close()
    listed, certified = told
    assert (listed.edits.bytes, listed.ended) == (path.stat().st_size, False)
    assert (certified.packets, certified.edits) == (25, listed.edits)


def check_whole(root, told, at):
    """Check that the ledger was told of the list of the broadcast begun at `at` to its end."""
    path = list_path(root, "main", broadcast_id("main", at))
    name = path.relative_to(root).as_posix()
    listed = [one for one in told if isinstance(one, AiredList) and one.edits.file == name][-1]
    certified = [one for one in told if isinstance(one, Certified) and one.edits.file == name][-1]
    assert listed.edits == certified.edits
    assert (listed.edits.bytes, listed.ended, certified.ended) == (path.stat().st_size, True, True)


def test_a_list_is_told_to_its_end_though_the_next_one_begins_at_once(tmp_path):
    told = []
    writer = EditWriter(tmp_path, "main", alarm=fail, record=told.append)
    writer.put(begin("main", WALL, series=1, mono_us=0))
    end_s = time.monotonic() + 10
    while not told and time.monotonic() < end_s:
        time.sleep(0.01)
    assert [one.ended for one in told] == [False]
    rest = [piece(WALL + 30), End(WALL + 31), begin("main", WALL + 31, series=1, mono_us=0)]
    writer._queue.extend(rest)  # they wait together: an encoder came back with the stop
    writer.put(End(WALL + 40))
    assert writer.close()
    check_whole(tmp_path, told, WALL)
    check_whole(tmp_path, told, WALL + 31)


def test_the_next_start_tells_each_list_that_a_kill_kept_from_the_ledger(tmp_path):
    for at in (WALL, WALL - 9000):  # the clock was set back meanwhile
        write_list(tmp_path, [], [begin("main", at, series=1, mono_us=0), End(at + 40)])
    told = []
    writer = EditWriter(tmp_path, "main", alarm=fail, record=told.append)
    writer.start()
    assert writer.close()
    check_whole(tmp_path, told, WALL)
    check_whole(tmp_path, told, WALL - 9000)


# ---------------------------------------------------------------- removals


@pytest.fixture
def old(tmp_path):
    """An edit list and two fillers of 70 days ago, and a list of today that names one of them."""
    root = tmp_path / "archive"
    path = write_list(root, [], [begin("main", WALL, series=1, mono_us=0), piece(WALL + 30), End(WALL + 31)])
    os.utime(path, (WALL + 31, WALL + 31))
    clips = root / "main" / FOLDER / CLIPS
    clips.mkdir()
    for name in ("kept", "unnamed"):
        (clips / f"{name}.clip").write_bytes(name.encode())
        os.utime(clips / f"{name}.clip", (WALL, WALL))
    now = WALL + 70 * DAY_S
    young = write_list(root, [], [begin("main", now, series=2, mono_us=0)])
    append_lines(young, [msgspec.json.encode(ClipKept("a", "a.mp4", "kept", 4))])
    os.utime(young, (now, now))
    return root, path, now


def sweeper(root, now, record, **options):
    return Sweeper(
        root, retention_days=60, alarm=options.pop("alarm", fail), wall=Clock(now), record=record, **options
    )


async def test_old_edit_lists_and_unnamed_fillers_go_and_each_removal_is_recorded(old):
    root, path, now = old
    told = []
    data = path.read_bytes()
    await sweeper(root, now, told.append).sweep()
    assert [record.path for record in told] == [path.relative_to(root).as_posix()]
    assert (told[0].sha256, told[0].start, told[0].end) == (sha256(data), WALL, WALL + 31)
    assert not path.exists()
    assert {clip.name for clip in (root / "main" / FOLDER / CLIPS).iterdir()} == {"kept.clip", "unnamed.clip"}
    told.clear()
    # A filler counts from when it was kept, which no test can set back: so time goes on.
    later = max(clip.stat().st_ctime for clip in (root / "main" / FOLDER / CLIPS).iterdir()) + 61 * DAY_S
    (root / "sweeper.json").unlink()
    os.utime(next(iter((root / "main" / FOLDER).glob("*.jsonl"))), (later, later))
    await sweeper(root, later, told.append).sweep()
    assert [record.path for record in told] == ["main/aired/clips/unnamed.clip"]
    assert [clip.name for clip in (root / "main" / FOLDER / CLIPS).iterdir()] == ["kept.clip"]


async def test_a_held_edit_list_stays(old):
    root, path, now = old
    Holds(root).place("main", WALL + 10, WALL + 11, reason="asked for", by="cli:root")
    await sweeper(root, now, pytest.fail, covers=Holds(root).covers).sweep()
    assert path.exists()


async def test_an_edit_list_that_is_held_meanwhile_stays(old):
    root, path, now = old
    answers = iter([False, True])

    def covers():
        held = next(answers)
        return lambda *_: held

    await sweeper(root, now, pytest.fail, covers=covers).sweep()
    assert path.exists()


async def test_nothing_goes_that_the_ledger_does_not_take(old):
    root, path, now = old
    alarms = []

    def refuse(_: Removal):
        raise LedgerError("it is full")

    await sweeper(root, now, refuse, alarm=lambda code, _: alarms.append(code)).sweep()
    assert path.exists()
    assert alarms == ["archive_held"]
