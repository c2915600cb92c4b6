"""The second copy in a real S3-compatible server: what stands there, locks, and a server that fails."""

import contextlib
import hashlib
import threading
import time
from datetime import UTC, datetime

import botocore.exceptions
import pytest
from small_archive import DAY_S, SmallArchive
from tools.s3 import BUCKET, LOGIN, Moto, SeaweedFS, Wire, target

from streamgate.archive.copy import copier as copier_module
from streamgate.archive.copy import s3 as s3_module
from streamgate.archive.copy.copier import Copier, Rules
from streamgate.archive.copy.journal import FILE as JOURNAL
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.login import FILE as SECRET
from streamgate.archive.copy.login import forget_login, read_login, store_login, take_login
from streamgate.archive.copy.pace import Pace, StoppingError
from streamgate.archive.copy.place import Login
from streamgate.archive.copy.restore import Restorer
from streamgate.archive.copy.target import MARKER
from streamgate.errors import CopyError
from streamgate.runtime.secret_box import SecretBox

NOON = 1_790_000_000.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SeaweedFS(tmp_path_factory.mktemp("weed")) as server:
        server.make_bucket(BUCKET)
        yield server


@pytest.fixture
def prefix():
    """A place of the test's own in the bucket."""
    return f"gate-{time.monotonic_ns()}"


@pytest.fixture
def archive(tmp_path):
    made = SmallArchive(tmp_path / "data")
    for n in range(6):
        made.part(NOON + n * 6, events=b'{"cue":1}\n' if n == 2 else b"")
    made.records()
    return made


@contextlib.contextmanager
def copying(archive, place, rules=None, *, limit=None, stop=None, **kwargs):
    with contextlib.closing(Journal(archive.path)) as journal, contextlib.closing(place):
        pace = Pace(limit, stop or threading.Event())
        yield Copier(archive.path, journal, place, pace, rules, records_every_s=0.0, **kwargs)


def copy_once(archive, place, rules=None, **kwargs):
    with copying(archive, place, rules, **kwargs) as copier:
        copier.round()
        return copier


def put_together(objects):
    """Return the files that objects stand for: those in pieces as their newest series."""
    files, series = {}, {}
    for key, data in sorted(objects.items()):
        if ".pieces/" in key:
            name, _, rest = key.partition(".pieces/")
            series.setdefault(name, {}).setdefault(rest.partition("/")[0], []).append(data)
            assert rest.endswith(f"-{len(data)}-{hashlib.sha256(data).hexdigest()}")
        elif key != MARKER:
            files[key] = data
    return files | {name: b"".join(found[max(found)]) for name, found in series.items()}


def restored(archive, place, to):
    to.mkdir()
    with contextlib.closing(place):
        done = Restorer(to, place, Pace()).restore(None, None, None)
    assert done.failed == {}
    return {key: data for key, data in SmallArchive(to).all_files().items() if key != "seal.pub"}


def without_seal(archive):
    return {key: data for key, data in archive.all_files().items() if key != "seal.pub"}


def test_parts_stand_under_their_names_and_growing_files_in_pieces(archive, server, prefix, tmp_path):
    copy_once(archive, target(server.url, prefix=prefix))
    archive.part(NOON + 100)
    archive.lines("ledger/2026-11-29/gate.jsonl", 3)
    copy_once(archive, target(server.url, prefix=prefix))
    objects = server.objects(prefix=f"{prefix}/")
    assert set(archive.parts) < set(objects)
    assert len([key for key in objects if key.startswith("ledger/2026-11-29/gate.jsonl.pieces/")]) == 2
    assert put_together(objects) == archive.all_files()
    assert restored(archive, target(server.url, prefix=prefix), tmp_path / "new") == without_seal(archive)


def test_a_large_file_goes_in_pieces_and_a_kill_costs_one(archive, server, prefix, tmp_path, monkeypatch):
    monkeypatch.setattr(copier_module, "PIECE_BYTES", 64 * 1024)
    monkeypatch.setattr("streamgate.archive.copy.restore.PIECE_BYTES", 64 * 1024)
    key = archive.part(NOON + 200, size=1_000_000)
    stop, sent = threading.Event(), []

    def moved():
        sent.append(1)
        if len(sent) == 20:
            stop.set()

    with copying(archive, target(server.url, prefix=prefix), stop=stop, moved=moved) as copier:
        with pytest.raises(StoppingError):
            copier.round()
        assert copier.behind.files
    before = {name for name in server.objects(prefix=f"{prefix}/") if name.startswith(key + ".pieces/")}
    assert 0 < len(before) < 16
    copy_once(archive, target(server.url, prefix=prefix))
    after = {name for name in server.objects(prefix=f"{prefix}/") if name.startswith(key + ".pieces/")}
    assert before < after
    assert len(after) == 16
    assert restored(archive, target(server.url, prefix=prefix), tmp_path / "new") == without_seal(archive)


def test_without_its_journal_nothing_is_sent_twice(archive, server, prefix):
    copy_once(archive, target(server.url, prefix=prefix))
    (archive.path / JOURNAL).unlink()
    with server.client() as client:
        pages = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        before = {one["Key"]: one["LastModified"] for one in pages}
    sent = []
    copier = copy_once(archive, target(server.url, prefix=prefix), moved=lambda: sent.append(1))
    assert len(sent) == 4, "what is replaced as a whole, and a filler, whose name is there"
    assert copier.behind.files == 0
    with server.client() as client:
        pages = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    assert {one["Key"]: one["LastModified"] for one in pages if one["Key"] in before} == before


def test_an_answer_that_was_lost_costs_no_second_object(archive, server, prefix):
    """The store took it, the process was killed before it noted that."""
    copy_once(archive, target(server.url, prefix=prefix))
    with contextlib.closing(Journal(archive.path)) as journal:
        journal.drop(min(archive.parts))
    sent = []
    copy_once(archive, target(server.url, prefix=prefix), moved=lambda: sent.append(1))
    assert len(sent) == 1
    assert put_together(server.objects(prefix=f"{prefix}/")) == archive.all_files()


def test_another_object_under_a_name_is_found_by_reading_it_back(archive, server, prefix):
    key = min(archive.parts)
    with server.client() as client:
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{key}", Body=b"w" * len(archive.parts[key]))
    with copying(archive, target(server.url, prefix=prefix)) as copier:
        copier.round()
        assert copier.lost == 1
        copier.round()
    assert put_together(server.objects(prefix=f"{prefix}/")) == archive.all_files()


@pytest.mark.parametrize("rotten", [0, 1])
def test_a_piece_of_a_growing_file_that_went_bad_is_made_anew(archive, server, prefix, tmp_path, rotten):
    key, wall = "ledger/2026-11-29/gate.jsonl", time.time()
    for _ in range(2):
        copy_once(archive, target(server.url, prefix=prefix), clock=lambda: wall)
        archive.lines(key, 3)
    with server.client() as client:
        pieces = [name for name in server.objects(prefix=f"{prefix}/") if name.startswith(key)]
        assert len(pieces) == 2
        name = f"{prefix}/{sorted(pieces)[rotten]}"
        size = client.head_object(Bucket=BUCKET, Key=name)["ContentLength"]
        client.put_object(Bucket=BUCKET, Key=name, Body=b"w" * size)
    later = wall + 31 * DAY_S
    with copying(archive, target(server.url, prefix=prefix), clock=lambda: later) as copier:
        copier.round()
        assert copier.lost == 1
        copier.round()
        copier.round()
        assert copier.lost == 1, "made anew, not found again"
    assert restored(archive, target(server.url, prefix=prefix), tmp_path / "new") == without_seal(archive)


# ---------------------------------------------------------------- object lock


def test_objects_are_locked_where_the_bucket_has_it_and_the_refusal_is_told(archive, server):
    server.make_bucket("locked", lock=True)
    wall = time.time()
    copy_once(archive, target(server.url, bucket="locked", lock_days=90))
    key = min(archive.parts)
    with server.client() as client:
        head = client.head_object(Bucket="locked", Key=f"gate/{key}")
        assert head["ObjectLockMode"] == "GOVERNANCE"
        days = (head["ObjectLockRetainUntilDate"] - datetime.fromtimestamp(wall, UTC)).total_seconds() / DAY_S
        assert 89.9 < days < 90.1
    archive.removed(key)
    from test_copy_directory import remember_clock

    at = wall + 100 * DAY_S
    remember_clock(archive, at)
    copier = copy_once(archive, target(server.url, bucket="locked"), Rules(keep_days=60), clock=lambda: at)
    assert "AccessDenied" in copier.locked
    assert key in server.objects("locked", "gate/")


def test_the_buckets_own_rule_counts_when_it_is_stricter(archive, server):
    server.make_bucket("ruled", lock=True, days=400)
    copy_once(archive, target(server.url, bucket="ruled", lock_days=60))
    with server.client() as client:
        head = client.head_object(Bucket="ruled", Key=f"gate/{min(archive.parts)}")
    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert (head["ObjectLockRetainUntilDate"] - datetime.now(UTC)).days >= 399


def test_old_copies_go_when_nothing_locks_them(archive, server, prefix):
    copy_once(archive, target(server.url, prefix=prefix))
    key = min(archive.parts)
    archive.removed(key)
    from test_copy_directory import remember_clock

    at, told = NOON + 100 * DAY_S, []
    remember_clock(archive, at)
    place = target(server.url, prefix=prefix)
    copy_once(archive, place, Rules(keep_days=60), clock=lambda: at, record=told.append)
    assert [one.path for one in told] == [key]
    assert key not in server.objects(prefix=f"{prefix}/")


# ---------------------------------------------------------------- a server that fails


def test_a_server_that_slows_hangs_cuts_dies_and_loses_ends_with_a_whole_copy(archive, tmp_path, monkeypatch):
    """Line 6 of what the record must show. Each trouble is met once at least, in the middle of copying."""
    monkeypatch.setattr(s3_module, "CONNECT_S", 1.0)
    for n in range(16):
        archive.part(NOON + 1000 + 6 * n, size=100_000)
    wall = [time.time()]
    failures = []
    with Moto() as server, Wire(server.port) as wire:
        server.make_bucket(BUCKET)
        with copying(archive, target(wire.url, read_s=0.5), clock=lambda: wall[0]) as copier:

            def go_on(until=None, seconds=20.0):
                """Copy as the worker does, until all is there or `until` says so."""
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    try:
                        copier.round()
                    except CopyError as error:
                        failures.append(str(error))
                        copier.look()
                        time.sleep(0.02)
                    if until() if until is not None else copier.behind.files == 0:
                        return
                raise AssertionError(f"{copier.behind.files} files are left; {failures[-1:]}")

            wire.cut_after = 700_000  # in the middle of a part
            go_on(lambda: wire.cuts == 1)
            wire.bytes_per_s = 2_000_000  # slow
            wire.cut_after = 300_000
            go_on(lambda: wire.cuts == 2)
            wire.bytes_per_s = None
            server.freeze()  # it hangs
            go_on(lambda: any("imed out" in one or "imeout" in one for one in failures))
            server.thaw()
            go_on()
            archive.part(NOON + 2000)
            wire.dead = True  # out of reach
            seen = len(failures)
            go_on(lambda: len(failures) >= seen + 3)
            wire.dead = False
            go_on()
            assert put_together(server.objects(prefix="gate/")) == archive.all_files()

            lost, wrong = sorted(archive.parts)[3:5]  # it loses a part, and changes another
            with server.client() as client:
                client.delete_object(Bucket=BUCKET, Key=f"gate/{lost}")
                client.put_object(Bucket=BUCKET, Key=f"gate/{wrong}", Body=b"?" * len(archive.parts[wrong]))
            wall[0] += 31 * DAY_S
            go_on(lambda: copier.lost >= 2)
            go_on()
            assert put_together(server.objects(prefix="gate/")) == archive.all_files()

            server.kill()  # it dies, and comes back with nothing
            archive.part(NOON + 3000)
            go_on(lambda: copier.behind.files == 1)
            server.start()
            server.make_bucket(BUCKET)
            go_on()
            assert put_together(server.objects(prefix="gate/")) == archive.all_files()
            assert copier.damaged == []
        assert restored(archive, target(server.url), tmp_path / "new") == without_seal(archive)
        with contextlib.closing(Journal(archive.path)) as journal:
            counts = journal.counts()
            assert counts.pieces == counts.checked > len(archive.parts)
    assert not [one for one in failures if LOGIN.secret in one or LOGIN.key_id in one]


# ---------------------------------------------------------------- the key


def test_the_key_is_taken_out_of_the_environment():
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HOME": "/"}
    assert take_login(environ) == Login("a", "b", "")
    assert environ == {"HOME": "/"}
    assert take_login(environ) is None


def test_the_kept_key_is_encrypted_and_survives_new_keys_of_the_box(tmp_path):
    assert read_login(tmp_path) is None
    store_login(tmp_path, Login("id", "very secret"))
    assert b"very secret" not in (tmp_path / SECRET).read_bytes()
    assert (tmp_path / SECRET).stat().st_mode & 0o777 == 0o600
    box = SecretBox(tmp_path)
    box.begin_rotation()
    store_login(tmp_path, read_login(tmp_path, box), box)
    box.end_rotation()
    assert read_login(tmp_path) == Login("id", "very secret", "")
    assert forget_login(tmp_path)
    assert not forget_login(tmp_path)


def test_a_name_in_the_store_that_leads_elsewhere_is_not_followed(archive, server, prefix, tmp_path):
    copy_once(archive, target(server.url, prefix=prefix))
    evil = b'{"evil":1}\n'
    name = f"0000000000001/000000000000-{len(evil)}-{hashlib.sha256(evil).hexdigest()}"
    with server.client() as client:
        for key in ("ledger/../../evil.jsonl", "archive/main/aired/../../../../evil.jsonl"):
            with contextlib.suppress(botocore.exceptions.ClientError):  # the store may refuse it, too
                client.put_object(Bucket=BUCKET, Key=f"{prefix}/{key}.pieces/{name}", Body=evil)
    restored(archive, target(server.url, prefix=prefix), tmp_path / "new")
    assert not list(tmp_path.rglob("evil*"))
