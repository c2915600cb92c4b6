"""The second copy in a directory: what goes over, what a kill costs, what is found wrong, what comes back."""

import contextlib
import shutil
import threading
import time

import msgspec
import pytest
from small_archive import DAY_S, SmallArchive

from streamgate.archive.copy import copier as copier_module
from streamgate.archive.copy.copier import Copier, Rules
from streamgate.archive.copy.directory import DirectoryTarget
from streamgate.archive.copy.journal import FILE as JOURNAL
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.pace import Pace, StoppingError
from streamgate.archive.copy.restore import Restorer
from streamgate.archive.copy.target import MARKER
from streamgate.archive.edit_list import ClipKept
from streamgate.archive.holds import Holds
from streamgate.archive.parts import Gap, PartRecord, append_lines
from streamgate.archive.removed import read_removed
from streamgate.clock import boot_id, now_us
from streamgate.core.retention import ClockMark
from streamgate.disk import replace_file
from streamgate.errors import CopyError, CopyLost
from streamgate.ledger.record import Removal

NOON = 1_790_000_000.0  # 2026-09-21T14:13:20Z


@pytest.fixture
def archive(tmp_path):
    made = SmallArchive(tmp_path / "data")
    for n in range(6):
        made.part(NOON + n * 6, events=b'{"cue":1}\n' if n == 2 else b"")
    made.part(NOON - 2 * DAY_S, channel="hall")
    made.records()
    return made


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "nas"
    path.mkdir()
    return path


class Copying:
    """A copier with its journal; `stop` ends it in the middle as a kill does: nothing is finished or told."""

    def __init__(self, data_dir, target, rules=None, *, limit=None, **kwargs):
        self.stop = threading.Event()
        self.journal = Journal(data_dir)
        self.copier = Copier(
            data_dir, self.journal, target, Pace(limit, self.stop), rules, records_every_s=0.0, **kwargs
        )

    def __enter__(self):
        return self.copier

    def __exit__(self, *_):
        self.journal.close()


def copied(place):
    return {
        path.relative_to(place).as_posix(): path.read_bytes()
        for path in sorted(place.rglob("*"))
        if path.is_file() and path.name != MARKER and ".before-" not in path.name
    }


def copy_once(archive, place, rules=None, **kwargs):
    with Copying(archive.path, DirectoryTarget(place), rules, **kwargs) as copier:
        copier.round()
        return copier


def other_first(data: bytes) -> bytes:
    """Return `data` with another first byte: it may be random, so no byte is sure to be another."""
    return bytes([data[0] ^ 1]) + data[1:]


def test_everything_that_is_proof_goes_over_and_no_secret(archive, place):
    copier = copy_once(archive, place)
    assert copied(place) == archive.all_files()
    assert {"ledger/2026-11-29/gate.jsonl", "archive/main/2026-09-21/index.jsonl"} < set(copied(place))
    assert not {"seal.key", "secrets.key", "streamgate.sqlite"} & set(copied(place))
    assert copier.behind == (0, 0, None)


def test_a_part_that_is_being_written_waits_until_it_is_closed(archive, place):
    growing = archive.root / "main" / "2026-09-21" / "150000.000Z-000099.mp4"
    growing.write_bytes(b"not closed yet")
    copy_once(archive, place)
    assert growing.name not in {key.rpartition("/")[2] for key in copied(place)}


def test_a_second_round_sends_only_what_is_new(archive, place):
    copy_once(archive, place)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*.mp4")}
    archive.part(NOON + 100)
    archive.lines("ledger/2026-11-29/gate.jsonl", 2)
    archive.write("holds.json", b'{"holds":[],"v":1}\n')
    sent = []
    with Copying(archive.path, DirectoryTarget(place), moved=lambda: sent.append(1)) as copier:
        copier.look()
        assert copier.behind.files == 1
        copier.round()
    assert len(sent) == 4, "a part, its index line, the ledger's lines, the holds"
    assert copied(place) == archive.all_files()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_half_a_line_waits_for_its_end(archive, place):
    key = "ledger/2026-11-29/gate.jsonl"
    whole = (archive.path / key).read_bytes()
    with (archive.path / key).open("ab") as file:
        file.write(b'{"half":')
    copy_once(archive, place)
    assert (place / key).read_bytes() == whole
    with (archive.path / key).open("ab") as file:
        file.write(b"1}\n")
    copy_once(archive, place)
    assert (place / key).read_bytes() == whole + b'{"half":1}\n'


def test_a_record_that_was_cut_off_and_went_on_otherwise_keeps_both(archive, place):
    key = "ledger/2026-11-29/gate.jsonl"
    copy_once(archive, place)
    old = (place / key).read_bytes()
    (archive.path / key).write_bytes(old[: old.index(b"\n") + 1])
    archive.lines(key, 1)
    copy_once(archive, place)
    assert (place / key).read_bytes() == (archive.path / key).read_bytes()
    assert [path.read_bytes() for path in (place / key).parent.glob(".gate.jsonl.before-*")] == [old]


@pytest.mark.parametrize("pieces", [1, 40])
def test_a_kill_in_the_middle_costs_the_piece_at_hand_alone(archive, place, monkeypatch, pieces):
    monkeypatch.setattr(copier_module, "PIECE_BYTES", 40_000 // pieces * 10)
    sent = []
    copying = Copying(archive.path, DirectoryTarget(place), moved=lambda: sent.append(1) or stop())

    def stop():
        if len(sent) == 9:
            copying.stop.set()

    with copying as copier, pytest.raises(StoppingError):
        copier.round()
    assert copied(place) != archive.all_files()
    again = []
    copy_once(archive, place, moved=lambda: again.append(1))
    assert copied(place) == archive.all_files()
    assert not list(place.rglob(".*.part"))


def test_a_growing_file_that_somebody_cut_short_in_the_place_is_made_anew(archive, place):
    with Copying(archive.path, DirectoryTarget(place)) as copier:
        copier.round()
        archive.part(NOON + 60)
        index = next(place.glob("archive/main/*/index.jsonl"))
        index.write_bytes(index.read_bytes()[:100])
        with pytest.raises(CopyLost):
            copier.round()
        copier.round()
        assert copier.lost == 1
    assert copied(place) == archive.all_files()


@pytest.mark.parametrize("pieces", range(1, 12))
def test_the_ledger_never_names_what_the_copy_lacks_of_growing_files(archive, place, pieces):
    """Wherever copying ends. Each index grows before the ledger does."""
    sent = []
    copying = Copying(archive.path, DirectoryTarget(place), moved=lambda: sent.append(1) or stop())

    def stop():
        if len(sent) == pieces:
            copying.stop.set()

    with copying as copier, contextlib.suppress(StoppingError):
        copier.round()
    there, whole = copied(place), archive.all_files()
    if any(name.startswith("ledger/") for name in there):
        lines = (name for name in whole if name.startswith("archive/") and name.endswith(".jsonl"))
        grows = [name for name in lines if not name.endswith(".events.jsonl")]
        assert [name for name in grows if there.get(name) != whole[name]] == []


def test_the_limit_holds(archive, place):
    size = sum(map(len, archive.all_files().values()))
    begun = time.monotonic()
    copy_once(archive, place, limit=size * 8 / 1e6)
    assert time.monotonic() - begun > 1.5, "all of it in a second, and read back in another, less a burst"


def test_a_damaged_recording_is_not_copied_and_named(archive, place):
    key = archive.part(NOON + 50)
    data = bytearray(archive.parts[key])
    data[100] ^= 1
    (archive.path / key).write_bytes(data)
    copier = copy_once(archive, place)
    assert copier.damaged == [key]
    assert key not in copied(place)
    (archive.path / key).write_bytes(archive.parts[key])
    copier = copy_once(archive, place)
    assert copier.damaged == []
    assert copied(place) == archive.all_files()


# ---------------------------------------------------------------- the journal is a cache


@pytest.mark.parametrize("damage", ["gone", "no database", "torn"])
def test_without_its_journal_the_target_is_asked_and_nothing_is_sent_twice(archive, place, damage):
    copy_once(archive, place)
    path = archive.path / JOURNAL
    if damage == "gone":
        path.unlink()
    elif damage == "no database":
        path.write_bytes(b"\xff" * 10_000)
    else:
        data = bytearray(path.read_bytes())
        data[100:] = b"\xff" * (len(data) - 100)
        path.write_bytes(data)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.suffix in {".mp4", ".jsonl"}}
    copy_once(archive, place)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert copied(place) == archive.all_files()
    assert not list(place.rglob(".*.before-*"))


def test_another_place_gets_everything(archive, place, tmp_path):
    copy_once(archive, place)
    other = tmp_path / "other"
    other.mkdir()
    copy_once(archive, other)
    assert copied(other) == archive.all_files()


def test_a_mount_point_without_its_disk_is_not_filled(archive, place):
    copy_once(archive, place)
    shutil.rmtree(place)
    with Copying(archive.path, DirectoryTarget(place)) as copier, pytest.raises(CopyError, match="mount it"):
        copier.round()
    place.mkdir()
    with Copying(archive.path, DirectoryTarget(place)) as copier, pytest.raises(CopyError, match="mounted"):
        copier.round()
    assert not list(place.iterdir())


def test_the_copy_of_another_data_directory_is_not_touched(archive, place, tmp_path):
    copy_once(archive, place)
    other = SmallArchive(tmp_path / "other")
    other.part(NOON)
    other.write("seal.pub", b"cd" * 32 + b"\n")
    with (
        Copying(other.path, DirectoryTarget(place)) as copier,
        pytest.raises(CopyError, match="another data"),
    ):
        copier.round()
    assert copied(place) == archive.all_files()


# ---------------------------------------------------------------- copies that go bad


def test_copies_are_read_back_again_and_what_is_wrong_is_made_anew(archive, place):
    wall = time.time()
    copy_once(archive, place, clock=lambda: wall)
    parts = sorted(place.rglob("*.mp4"))
    parts[0].write_bytes(other_first(parts[0].read_bytes()))
    parts[1].unlink()
    (place / "ledger/2026-11-29/gate.jsonl").write_bytes(b"")
    copier = copy_once(archive, place, clock=lambda: wall + 29 * DAY_S)
    assert copier.lost == 0, "not yet"
    with Copying(archive.path, DirectoryTarget(place), clock=lambda: wall + 31 * DAY_S) as copier:
        copier.round()
        assert copier.lost == 3
        assert copier.lost_for_good == []
        copier.round()
    assert copied(place) == archive.all_files()


def test_a_copy_lost_whose_recording_is_gone_is_told(archive, place):
    wall = time.time()
    key = min(archive.parts)
    copy_once(archive, place, clock=lambda: wall)
    archive.removed(key)
    (place / key).unlink()
    copier = copy_once(archive, place, clock=lambda: wall + 31 * DAY_S)
    assert copier.lost_for_good == [key]


def test_a_place_that_gives_back_other_bytes_is_no_second_copy(archive, place):
    class Forgetful(DirectoryTarget):
        def put(self, item, piece, data, *, over=False):
            super().put(item, piece, data, over=over)
            if item.key.endswith(".mp4"):
                (place / item.key).write_bytes(b"0" * item.size)

    with Copying(archive.path, Forgetful(place)) as copier, pytest.raises(CopyError, match="read back"):
        copier.round()
    with Copying(archive.path, Forgetful(place)) as copier:
        copier.look()
        assert copier.behind.files == len(archive.parts) + 1, "none of them counts"


# ---------------------------------------------------------------- retention


def remember_clock(archive, wall, doubt=""):
    import msgspec

    mark = ClockMark(wall, now_us() / 1e6, boot_id(), doubt=doubt)
    replace_file(archive.root / "sweeper.json", msgspec.json.encode(mark))


def test_a_removal_by_retention_leaves_the_copy(archive, place):
    copy_once(archive, place)
    key = min(archive.parts)
    archive.removed(key)
    remember_clock(archive, time.time())
    copy_once(archive, place, clock=lambda: NOON + 400 * DAY_S)
    assert (place / key).read_bytes() == archive.parts[key]


def test_old_copies_go_when_the_setting_says_so_each_in_the_ledger(archive, place):
    copy_once(archive, place)
    old, held, young = archive.part(NOON + 60), archive.part(NOON + 1000), archive.part(NOON + 100 * DAY_S)
    copy_once(archive, place)
    for key in (old, held, young):
        archive.removed(key)
    Holds(archive.root).place("main", NOON + 1000, NOON + 1001, reason="court", by="cli:ann")
    wall, told = NOON + 150 * DAY_S, []
    rules = Rules(keep_days=90)
    copy_once(archive, place, rules, clock=lambda: wall, record=told.append)
    assert told == [], "the sweeper has not seen the clock yet"
    remember_clock(archive, wall)
    copy_once(archive, place, rules, clock=lambda: wall, record=told.append)
    assert [(one.path, one.sha256) for one in told] == [(old, read_removed(archive.root)[0].sha256)]
    there = copied(place)
    assert old not in there
    assert {held, young} < set(there)
    assert len(there) == len(archive.all_files()) + 2


def test_a_clock_in_doubt_removes_no_copy(archive, place):
    copy_once(archive, place)
    key = archive.part(NOON + 60)
    copy_once(archive, place)
    archive.removed(key)
    remember_clock(archive, NOON)
    copy_once(archive, place, Rules(keep_days=60), clock=lambda: NOON + 150 * DAY_S)
    assert (place / key).exists(), "it stepped by 150 days"


# ---------------------------------------------------------------- restore


def restore(data_dir, place, channel=None, start=None, end=None, **kwargs):
    return Restorer(data_dir, DirectoryTarget(place), Pace(), **kwargs).restore(channel, start, end)


def test_what_is_missing_or_damaged_comes_back_and_nothing_good_is_touched(archive, place):
    copy_once(archive, place)
    before = archive.all_files()
    missing, damaged, *good = sorted(key for key in archive.parts if "/main/" in key)
    (archive.path / missing).unlink()
    (archive.path / damaged).write_bytes(other_first(archive.parts[damaged]))
    inodes = {key: (archive.path / key).stat().st_ino for key in good}
    done = restore(archive.path, place)
    assert sorted(done.restored) == [missing, damaged]
    aside = "/.".join(damaged.rsplit("/", 1)) + ".damaged"  # a stranger to nobody who verifies
    assert (done.kept, done.failed, done.differ) == ([aside], {}, [])
    assert (archive.path / aside).read_bytes() == other_first(archive.parts[damaged])
    assert archive.all_files() == before
    assert {key: (archive.path / key).stat().st_ino for key in good} == inodes
    assert restore(archive.path, place).restored == []


def test_an_empty_machine_gets_everything_back(archive, place, tmp_path):
    copy_once(archive, place)
    new = tmp_path / "new"
    new.mkdir()
    done = restore(new, place)
    assert done.failed == {}
    found = SmallArchive(new).all_files()
    expected = archive.all_files()
    del expected["seal.pub"]  # it belongs to a key that is not copied
    assert found == expected
    for path in new.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
    part = min(archive.parts)
    assert (new / part).stat().st_mtime == pytest.approx((archive.path / part).stat().st_mtime), "its age"


def test_an_index_comes_back_to_the_byte_with_lines_that_name_no_part(archive, place, tmp_path):
    """The ledger has the hash of an index: the same lines written anew would not do."""
    day = (archive.path / min(archive.parts)).parent
    gap = PartRecord("", "main", 0, NOON, NOON, 0, "", gap=Gap(0, 0, "gate_killed", NOON, NOON + 3))
    append_lines(day / "index.jsonl", [msgspec.json.encode(gap), b'{"torn":'])
    archive.part(NOON + 300)
    archive.lines("stamps/2026-11-29.jsonl", 2)  # of the ledger's heads: they stand beside it
    copy_once(archive, place)
    new = tmp_path / "new"
    new.mkdir()
    assert restore(new, place).failed == {}
    stamps = "stamps/2026-11-29.jsonl"
    assert (new / stamps).read_bytes() == (archive.path / stamps).read_bytes()
    name = (day / "index.jsonl").relative_to(archive.path)
    assert (new / name).read_bytes() == (day / "index.jsonl").read_bytes()


def test_the_ledger_of_a_machine_that_was_only_set_up_makes_way(archive, place, tmp_path):
    """To restore, the store's key is entered first, and that is recorded."""
    copy_once(archive, place)
    expected = archive.all_files()
    for process, makes_way in (("cli", True), ("gate", False)):
        new = tmp_path / process
        own = f"ledger/2026-11-29/{process}.jsonl"
        (new / own).parent.mkdir(parents=True)
        (new / own).write_bytes(b"of this machine\n")
        if not makes_way:
            (new / "ledger/2026-11-29/cli.jsonl").write_bytes(b"of this machine, too\n")
        else:
            (new / "ledger/2026-11-30").mkdir()
            (new / "ledger/2026-11-30/cli.jsonl").write_bytes(b"on the day after\n")
        done = restore(new, place)
        found = (new / "ledger/2026-11-29/cli.jsonl").read_bytes()
        assert (found == expected["ledger/2026-11-29/cli.jsonl"]) is makes_way
        if makes_way:
            aside = "ledger/2026-11-29/.cli.jsonl.before-restore"
            later = "ledger/2026-11-30/.cli.jsonl.before-restore"
            assert (done.kept, done.differ) == ([aside, later], [])
            assert (new / aside).read_bytes() == b"of this machine\n"
        else:
            assert (done.kept, "ledger/2026-11-29/cli.jsonl" in done.differ) == ([], True)


def test_a_channel_and_a_span_bring_back_no_more(archive, place):
    copy_once(archive, place)
    keys = sorted(key for key in archive.parts if "/main/" in key)
    for key in archive.parts:
        (archive.path / key).unlink()
    (archive.path / "ledger/2026-11-29/cli.jsonl").unlink()
    done = restore(archive.path, place, "main", NOON + 7, NOON + 18)
    assert done.restored[0] == keys[1]
    assert [key for key in done.restored if key.endswith(".mp4")] == keys[1:3], "from 6 and 12 s on"
    assert not (archive.path / "ledger/2026-11-29/cli.jsonl").exists()


def test_a_damaged_copy_brings_nothing_back_and_says_so(archive, place):
    copy_once(archive, place)
    key = max(archive.parts)
    (place / key).write_bytes(other_first(archive.parts[key]))
    (archive.path / key).unlink()
    done = restore(archive.path, place)
    assert list(done.failed) == [key]
    assert "SHA-256" in done.failed[key]
    assert not (archive.path / key).exists()
    assert not list(archive.path.rglob("*.restoring"))


def test_a_recording_past_its_retention_comes_back_under_a_hold_only(archive, place):
    key = archive.part(NOON + 60)
    copy_once(archive, place)
    archive.removed(key)
    done = restore(archive.path, place, "main")
    assert (done.restored, done.expired) == ([], 1)
    Holds(archive.root).place("main", NOON + 60, NOON + 61, reason="court", by="cli:ann")
    assert restore(archive.path, place, "main").restored == [key]


def sweep_aired(archive, key):
    """Remove an edit list or a filler as the sweeper does."""
    removal = Removal(at=NOON + 90 * DAY_S, channel="main", path=key.removeprefix("archive/"), start=NOON)
    removal.end = NOON + 5
    with (archive.path / "ledger/2026-11-29/gate.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(removal) + b"\n")
    (archive.path / key).unlink()


@pytest.mark.parametrize("held", [False, True])
def test_an_edit_list_past_its_retention_comes_back_under_a_hold_only_and_so_its_filler(
    archive, place, tmp_path, held
):
    clip, single = (
        path.relative_to(archive.path).as_posix()
        for path in (
            next(archive.root.rglob("*.clip")),
            archive.root / "main/aired/main-20261129T120000Z.jsonl",
        )
    )
    line = ClipKept("slate", "slate", clip.rpartition("/")[2].removesuffix(".clip"), 4)
    append_lines(archive.path / single, [msgspec.json.encode(line)])
    copy_once(archive, place)
    for key in (single, clip):
        sweep_aired(archive, key)
    if held:
        Holds(archive.root).place("main", NOON + 1, NOON + 2, reason="court", by="cli:ann")
    copy_once(archive, place)
    for to in (archive.path, tmp_path / "new"):
        to.mkdir(exist_ok=True)
        done = restore(to, place)
        assert {single, clip} & set(done.restored) == ({single, clip} if held else set())
        assert (done.expired, done.failed) == (0 if held else 2, {})


def test_a_ledger_that_went_on_is_left_alone_and_a_torn_one_completed(archive, place):
    copy_once(archive, place)
    torn, longer, other = "ledger/2026-11-29/gate.jsonl", "ledger/2026-11-29/cli.jsonl", "holds.json"
    whole = (archive.path / torn).read_bytes()
    (archive.path / torn).write_bytes(whole[:100])
    archive.lines(longer, 1)
    kept = (archive.path / longer).read_bytes()
    archive.write(other, b'{"holds":[] }\n')
    done = restore(archive.path, place, serving=True)
    assert (done.restored, sorted(done.differ)) == ([], sorted([torn, other])), "serve may be writing it"
    done = restore(archive.path, place)
    assert done.restored == [torn]
    assert (archive.path / torn).read_bytes() == whole
    assert (archive.path / longer).read_bytes() == kept


def test_an_index_that_is_gone_comes_back_with_its_parts(archive, place):
    copy_once(archive, place)
    before = archive.all_files()
    shutil.rmtree(archive.root / "main" / "2026-09-21")
    done = restore(archive.path, place, "main")
    assert "archive/main/2026-09-21/index.jsonl" in done.restored
    assert archive.all_files() == before


def test_a_place_without_a_copy_is_refused(archive, place):
    with pytest.raises(CopyError, match="holds no second copy"):
        restore(archive.path, place)


def test_a_read_beyond_the_end_is_told(archive, place):
    from streamgate.archive.copy.target import Form, Piece

    copy_once(archive, place)
    key = min(archive.parts)
    with pytest.raises(CopyLost, match="early"):
        list(DirectoryTarget(place).read(Form.WHOLE, Piece(key, 0, 0, 40_001, "")))
    (place / key).unlink()
    with pytest.raises(CopyLost, match="gone"):
        list(DirectoryTarget(place).read(Form.WHOLE, Piece(key, 0, 0, 40_000, "")))
