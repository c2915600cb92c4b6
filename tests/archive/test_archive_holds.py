"""Holds: what they keep, how they are lifted, and that in doubt nothing goes."""

import json
import os
import pwd
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from test_archive_sweeper import NOW, Alarms, numbers, put, sweeper
from typer.testing import CliRunner

from streamgate.archive import holds as holds_module
from streamgate.archive.holds import FILE, LAPSES_S, Holds
from streamgate.archive.retention_file import RETENTION
from streamgate.cli import app
from streamgate.core.retention import DAY_S
from streamgate.errors import ArchiveError, ConfigError, Refused
from streamgate.ledger.read import read
from streamgate.ledger.record import Removal
from streamgate.ledger.verify import verify
from streamgate.runtime.channels import ChannelStore

ANN, BOB = "console:ann", "cli:bob"


class Clock:
    def __init__(self):
        self.at = NOW

    def __call__(self):
        return self.at


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "data" / "archive"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def alarms():
    return Alarms()


def place(root, start_days, end_days, **kwargs):
    given = {"reason": "complaint 7", "by": ANN, **kwargs}
    return Holds(root, clock=Clock()).place("main", NOW - start_days * DAY_S, NOW - end_days * DAY_S, **given)


def release(root, hold, by, clock=None):
    return Holds(root, clock=clock or Clock()).lift(hold.id, reason="settled", by=by)


async def test_the_sweeper_leaves_alone_what_is_held_until_two_people_lifted_it(root, alarms):
    for number, age in enumerate([100, 90.001, 90, 89.999, 80], 1):
        put(root, age, number)
    put(root, 90, 1, channel="other")
    hold = place(root, 90 + 1 / DAY_S, 90 - 1 / DAY_S)
    sweep = sweeper(root, alarms, held=Holds(root).keeper).sweep
    assert await sweep() == 4
    assert numbers(root) == [2, 3], "a part from 86 s before reaches into the span for all that its name says"
    waiting, first = release(root, hold, ANN)
    assert (waiting.lifting.by, first) == (ANN, None)
    assert await sweep() == 0
    assert release(root, hold, "cli:ANN")[1] is None, "the same person by another door"
    assert await sweep() == 0
    lifted, first = release(root, hold, BOB)
    assert (lifted.id, first.by, first.reason) == (hold.id, "cli:ANN", "settled")
    assert await sweep() == 2
    assert numbers(root) == []
    assert alarms == []


def test_the_first_request_lapses_and_a_clock_set_back_does_not_revive_it(root):
    hold, clock = place(root, 90, 80), Clock()
    release(root, hold, ANN, clock)
    clock.at += LAPSES_S
    assert release(root, hold, BOB, clock)[1] is None
    clock.at -= 1
    assert release(root, hold, ANN, clock)[1] is None
    assert release(root, hold, BOB, clock)[1].by == ANN


@pytest.mark.parametrize(
    ("reason", "by", "said"),
    [("", ANN, "reason"), (" ", ANN, "reason"), ("x" * 501, ANN, "reason"), ("x", "token:deck", "no person")],
)
def test_holds_have_a_reason_and_a_name(root, reason, by, said):
    with pytest.raises(Refused, match=said):
        place(root, 90, 80, reason=reason, by=by)
    hold = place(root, 90, 80)
    with pytest.raises(Refused, match=said):
        Holds(root).lift(hold.id, reason=reason, by=by)
    with pytest.raises(Refused, match="there is no hold nothing; holds are: " + hold.id):
        Holds(root).lift("nothing", reason="x", by=ANN)
    with pytest.raises(Refused, match="empty"):
        place(root, 80, 90)


@pytest.mark.parametrize("name", ["archive/" + FILE, FILE])
async def test_one_lost_file_loses_no_hold_and_one_that_is_damaged_holds_everything(root, alarms, name):
    put(root, 90, 1)
    place(root, 90.1, 89)
    put(root, 70, 2, channel="other")
    path = root.parent / name
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    for damaged in (b"", whole[:-20], b"[]", b"\xff"):
        path.write_bytes(damaged)
        assert await sweeper(root, alarms, held=Holds(root).keeper).sweep() == 0
        with pytest.raises(ArchiveError, match="everything is held"):
            Holds(root).place("main", 1, 2, reason="x", by=ANN)
    assert alarms.codes == ["archive_held"] * 4
    assert str(path) in alarms[0][1]["error"]
    path.unlink()
    assert len(Holds(root).read()) == 1
    place(root, 10, 9)
    assert path.read_bytes() == (root / FILE).read_bytes(), "both are there again"
    assert await sweeper(root, alarms, held=Holds(root).keeper).sweep() == 1
    assert numbers(root) == [1]


async def test_a_hold_that_is_placed_while_the_sweeper_is_at_work_counts(root, alarms):
    for number in range(101, 251):
        put(root, 90 - number / 100, number, index=False)
    done = []

    def removed(paths, _at):
        done.append(len(paths))
        if len(done) == 1:
            place(root, 100, 60)

    assert await sweeper(root, alarms, held=Holds(root).keeper, on_removed=removed).sweep() == 100
    assert len(numbers(root)) == 50


KILLED = """
import os, sys
from pathlib import Path
from streamgate import disk
from streamgate.archive import holds
seen = 0
def replace_file(path, data, real=holds.replace_file):
    global seen
    if (seen := seen + 1) > int(sys.argv[2]):
        os.kill(os.getpid(), 9)
    real(path, data)
holds.replace_file = replace_file
one = holds.Holds(Path(sys.argv[1]))
if sys.argv[3] == "place":
    one.place("main", 1, 2, reason="x", by="cli:ann")
else:
    one.lift(sys.argv[3], reason="x", by=sys.argv[4])
"""


@pytest.mark.parametrize("written", [0, 1])
def test_a_kill_between_the_two_files_loses_no_hold_and_lifts_none(root, written):
    def killed(*arguments):
        done = subprocess.run([sys.executable, "-c", KILLED, root, str(written), *arguments], check=False)
        assert done.returncode == -signal.SIGKILL

    hold = Holds(root).place("main", 1, 2, reason="x", by="cli:ann")
    killed("place")
    assert len(Holds(root).read()) == 1 + written
    killed(hold.id, "cli:ann")  # asked for, and not answered
    assert next(one for one in Holds(root).read() if one.id == hold.id).lifting is None
    Holds(root).lift(hold.id, reason="x", by="cli:ann")
    killed(hold.id, "cli:bob")
    assert hold.id in [one.id for one in Holds(root).read()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_writes_belongs_to_the_owner_of_the_data_directory(root):
    os.chown(root.parent, 1234, 1234)
    root.rmdir()
    place(root, 2, 1)
    assert {path.stat().st_uid for path in root.parent.rglob("*")} == {1234}


def test_holds_are_bounded(root, monkeypatch):
    monkeypatch.setattr(holds_module, "MAX_HOLDS", 1)
    place(root, 2, 1)
    with pytest.raises(Refused, match="lift some"):
        place(root, 2, 1)


# ---------------------------------------------------------------- retention by channel


def days_of(store):
    return lambda: store.retention(60)


async def test_a_channel_has_its_own_retention_which_outlives_it(root, alarms):
    store = ChannelStore(root.parent)
    for name in ("main", "hall"):
        store.add(name)
        put(root, 90, 1, channel=name)
    store.set("main", retention_days=100)
    sweep = sweeper(root, alarms, channel_days=days_of(store)).sweep
    assert await sweep() == 1
    assert [path.parts[-3] for path in root.rglob("*.mp4")] == ["main"]
    store.remove("main")
    assert await sweep() == 0, "a channel that is gone keeps what it had"
    store.add("main")
    assert await sweep() == 1, "a new one by that name has the setting's"
    assert alarms == []


async def test_where_the_retention_is_not_known_nothing_goes(root, alarms):
    store = ChannelStore(root.parent)
    store.add("main")
    put(root, 900, 1)
    path = root.parent / "channels" / "main.json"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"retention_days": null', b'"retention_days": 59'))
    assert "R8" in store.load_all().errors[0].text
    sweep = sweeper(root, alarms, channel_days=days_of(store)).sweep
    assert await sweep() == 0
    path.write_bytes(whole)
    (root / RETENTION).write_bytes(b"{")
    assert await sweep() == 0
    assert alarms.codes == ["archive_held"]
    (root / RETENTION).unlink()
    assert await sweep() == 1


@pytest.mark.parametrize("days", [59, 0, -1, 36_501])
def test_a_retention_that_is_not_allowed_is_refused(root, days):
    store = ChannelStore(root.parent)
    store.add("main")
    with pytest.raises(ConfigError, match="is refused"):
        store.set("main", retention_days=days)
    assert store.get("main").retention_days is None


async def test_each_removal_is_given_to_the_ledger_before_the_file_goes(root, alarms):
    put(root, 90, 7)
    seen = []
    await sweeper(root, alarms, record=lambda one: seen.append((one, numbers(root)))).sweep()
    ((record, there),) = seen
    assert there == [7]
    assert isinstance(record, Removal)
    assert (record.channel, record.number, record.bytes, record.sha256) == ("main", 7, 5, f"{7:064x}")
    assert (record.start, record.end) == (NOW - 90 * DAY_S, NOW - 90 * DAY_S + 6)
    assert record.reason == "older than 60 days"
    assert record.path.startswith("main/")


# ---------------------------------------------------------------- the command line


def run(data, *arguments, code=0, actor=None):
    done = CliRunner().invoke(app, ["--data-dir", str(data), "archive", *arguments])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in arguments and not code else done.output


@pytest.fixture
def actor(monkeypatch):
    def become(name):
        entry = pwd.getpwuid(os.getuid())
        monkeypatch.setattr(pwd, "getpwuid", lambda _uid: pwd.struct_passwd((name, *entry[1:])))

    become("ann")
    return become


def test_holds_on_the_command_line_stand_in_the_ledger(root, actor):
    data = root.parent
    put(root, 40, 1)
    span = ("--from", str(NOW - 41 * DAY_S), "--to", "2026-09-21T14:13:20Z")
    assert "reason" in run(data, "hold", "main", *span, code=1)
    held = run(data, "hold", "main", *span, "--reason", "complaint 7", "--json")
    assert (held["from"], held["to"], held["by"], held["reason"]) == (
        NOW - 41 * DAY_S,
        NOW,
        "cli:ann",
        "complaint 7",
    )
    (broadcast,) = run(data, "list", "main", "--json")["broadcasts"]
    assert [one["id"] for one in broadcast["holds"]] == [held["id"]]
    other = run(data, "hold", "main", "--broadcast", broadcast["id"], "--reason", "R7", "--json")
    assert (other["from"], other["broadcast"]) == (broadcast["start"], broadcast["id"])
    assert "no broadcast nothing" in run(
        data, "hold", "main", "--broadcast", "nothing", "--reason", "x", code=1
    )
    assert "say which span" in run(data, "hold", "main", "--reason", "x", code=1)

    first = run(data, "release", held["id"], "--reason", "settled", "--json")
    assert (first["state"], first["waiting"]) == ("waiting", "cli:ann")
    assert "its release waits, cli:ann" in run(data, "holds")
    assert run(data, "release", held["id"], "--reason", "settled", "--json")["state"] == "waiting"
    actor("bob")
    assert run(data, "release", held["id"], "--reason", "agreed", "--json")["state"] == "released"
    assert [one["id"] for one in run(data, "holds", "--json")["holds"]] == [other["id"]]

    records = [one for one in read(data / "ledger", kind="decision") if one["answer"] == "ok"]
    assert [(one["what"], one["who"]) for one in records] == [
        ("archive.hold", "cli:ann"),
        ("archive.hold", "cli:ann"),
        ("archive.release", "cli:ann"),
        ("archive.release", "cli:ann"),
        ("archive.release", "cli:bob"),
    ]
    assert records[-1]["args"]["first"] == "cli:ann"
    assert records[-1]["args"]["hold"] == held["id"]
    assert [one["what"] for one in read(data / "ledger") if one.get("answer") == "refused"] == [
        "archive.hold"
    ] * 3
    assert verify(data).ok


def test_expiring_shows_what_goes_within_two_weeks(root, actor, monkeypatch):
    data = root.parent
    store = ChannelStore(data)
    store.add("main")
    monkeypatch.setattr("streamgate.clock.wall_s", lambda: NOW)
    for number, age in enumerate([58, 47, 45], 1):
        put(root, age, number)
    put(root, 58, 1, channel="gone")
    span = ("--from", str(NOW - 47 * DAY_S), "--to", str(NOW - 47 * DAY_S + 1))
    run(data, "hold", "main", *span, "--reason", "x")
    found = run(data, "expiring", "--json")["expiring"]
    assert [(one["channel"], one["parts"], one["held"]) for one in found] == [
        ("gone", 1, 0),
        ("main", 1, 0),
        ("main", 1, 1),
    ]
    assert found[1]["first_at"] == NOW + 2 * DAY_S
    assert [one["channel"] for one in run(data, "expiring", "--within", "1", "--json")["expiring"]] == []
    store.set("main", retention_days=365)
    assert [one["channel"] for one in run(data, "expiring", "--json")["expiring"]] == ["gone"]
    assert "gone-" in run(data, "expiring")


async def test_a_hold_is_accepted_before_a_batch_goes_or_after_it_has_gone(root, alarms):
    path = put(root, 90, 1)
    there_when_accepted = []

    def hold():
        place(root, 91, 89)
        there_when_accepted.append(path.exists())

    holding = threading.Thread(target=hold)

    def record(_):  # the sweeper waits for the ledger
        holding.start()
        holding.join(0.3)

    holds = Holds(root)
    await sweeper(root, alarms, held=holds.keeper, locked=holds.locked, record=record).sweep()
    holding.join(5)
    assert not path.exists()
    assert there_when_accepted == [False]


def test_the_two_files_are_found_where_the_documents_say(root):
    place(root, 2, 1)
    assert {path.relative_to(root.parent) for path in root.parent.rglob(FILE)} == {
        Path("archive", FILE),
        Path(FILE),
    }
