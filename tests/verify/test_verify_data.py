"""`streamgate verify` over whole data directories: what it proves, and what it refutes."""

import contextlib
import json
import shutil
import sqlite3
import time

import msgspec
import pytest
from fakes.kept_data import BROADCASTS, DAY_S, WALL, KeptData, begin, fail
from msgspec.structs import replace
from typer.testing import CliRunner

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.copy.copier import Copier
from streamgate.archive.copy.directory import DirectoryTarget
from streamgate.archive.copy.journal import Journal
from streamgate.archive.copy.pace import Pace
from streamgate.archive.copy.restore import Restorer
from streamgate.archive.edit_list import Lost, list_path
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.listing import rebuild_catalog
from streamgate.archive.parts import Gap, PartName, PartRecord, append_index
from streamgate.cli import app
from streamgate.errors import LedgerError
from streamgate.ledger.places import newest
from streamgate.ledger.record import AiredList, Certified, Decision, Removal, Setting
from streamgate.verify import catalog, verifier
from streamgate.verify.verifier import verify

S = 1_000_000


@pytest.fixture
def made(tmp_path, feed, monkeypatch):
    """Makes a directory by what a test has its processes do, and verifies it."""
    monkeypatch.setattr(verifier, "PAUSE_S", 0)

    def make(act):
        kept = KeptData(tmp_path / "data", feed)
        kept.clock.at = WALL
        act(kept)
        kept.close()
        return verify(kept.root)

    return make


def whys(found):
    return [finding.why for finding in found.findings]


def test_an_untouched_copy_is_proven(copy):
    found = verify(copy)
    assert found.findings == []
    assert (found.ok, found.missing, found.unproven, found.open, found.lost) == (True, [], [], [], [])
    assert found.parts > 30
    assert [one.broadcast for one in found.certificates] == BROADCASTS
    assert all(one.proven and one.recorded and one.below_floor == 0 for one in found.certificates)


def test_the_command_tells_it_as_json_and_in_words(copy):
    done = CliRunner().invoke(app, ["verify", str(copy), "--json"])
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["first_bad"], told["missing"]) == (0, True, None, [])
    assert [one["broadcast"] for one in told["certificates"]] == BROADCASTS
    assert set(told) >= {"records", "files", "signed", "certificates", "missing"}
    words = CliRunner().invoke(app, ["verify", str(copy)]).stdout
    assert "recorded parts are what the ledger says" in words
    gone = sorted((copy / "archive/main").rglob("*.mp4"))[3]
    gone.unlink()
    done = CliRunner().invoke(app, ["verify", str(copy), "--json"])
    told = json.loads(done.stdout)
    name = f"archive/{gone.relative_to(copy / 'archive')}"
    assert (done.exit_code, told["ok"], told["first_bad"]["file"]) == (1, False, name)
    assert told["first_bad"]["broadcast"] == BROADCASTS[0]
    assert [(one["file"], one["broadcast"]) for one in told["missing"]] == [(name, BROADCASTS[0])]
    assert not told["certificates"][0]["proven"]
    assert told["certificates"][1]["proven"]
    assert (
        "NOT whole. First bad record: archive/main/" in CliRunner().invoke(app, ["verify", str(copy)]).stdout
    )
    assert CliRunner().invoke(app, ["verify", str(copy / "archive")]).exit_code == 2


def test_one_broadcast_can_be_asked_for(copy):
    found = verify(copy, broadcast=BROADCASTS[1])
    assert found.ok
    assert [one.broadcast for one in found.certificates] == BROADCASTS[1:]
    parts = found.parts
    assert 10 < parts < verify(copy).parts
    sorted((copy / "archive/main").rglob("*.mp4"))[3].unlink()
    assert verify(copy, broadcast=BROADCASTS[1]).ok, "of another broadcast"
    assert not verify(copy, broadcast=BROADCASTS[0]).ok
    with pytest.raises(LedgerError, match=f"no broadcast other here; the newest are: {BROADCASTS[1]}"):
        verify(copy, broadcast="other")


def test_a_ledger_alone_is_proven_as_before(copy):
    found = verify(copy / "ledger")
    assert (found.ok, found.parts, found.certificates) == (True, 0, [])
    shutil.rmtree(copy / "archive")
    first = verify(copy).first_bad
    assert (first.file, first.line) == ("archive", 0)


def test_the_second_copy_is_proven_as_it_stands_and_so_is_what_comes_back_from_it(copy, tmp_path):
    place, new = tmp_path / "nas", tmp_path / "new"
    place.mkdir()
    new.mkdir()
    with contextlib.closing(Journal(copy)) as journal:
        Copier(copy, journal, DirectoryTarget(place), Pace()).round()
    found = verify(place)
    assert (found.findings, found.parts) == ([], verify(copy).parts)
    assert Restorer(new, DirectoryTarget(place), Pace()).restore(None, None, None).failed == {}
    rebuild_catalog(new / "catalog.sqlite", new / "archive")
    found = verify(new)
    assert (found.findings, found.parts) == ([], verify(copy).parts)


@pytest.mark.parametrize(
    "name", ["ledger/*/gate.jsonl", "archive/main/aired/*.jsonl", "archive/main/*/index.jsonl"]
)
def test_a_second_copy_is_proven_though_lines_that_were_copied_were_lost_on_disk(copy, tmp_path, name):
    """A power failure took them; the copy keeps the old file aside."""
    place = tmp_path / "nas"
    place.mkdir()
    path = max(copy.glob(name))
    whole = path.read_bytes()
    for data in (whole + b'{"lost":1}\n', whole):
        path.write_bytes(data)
        with contextlib.closing(Journal(copy)) as journal:
            Copier(copy, journal, DirectoryTarget(place), Pace()).round()
    aside = [one.read_bytes() for one in place.rglob("*.before-*")]
    assert aside == [whole + b'{"lost":1}\n']
    assert verify(place).findings == []


# ---------------------------------------------------------------- what is open, lost, old


def test_the_newest_line_of_an_index_written_twice_is_found(copy):
    index = max(copy.glob("archive/main/*/index.jsonl"))
    lines = index.read_bytes().splitlines(keepends=True)
    last = max(n for n, line in enumerate(lines) if json.loads(line)["part"])
    index.write_bytes(b"".join([*lines, lines[last]]))
    found = verify(copy)
    assert not found.ok
    assert [(one.file, one.line) for one in found.findings] == [
        (index.relative_to(copy).as_posix(), len(lines) + 1)
    ]
    assert whys(found)[0].endswith("stands twice")


def test_a_second_copy_may_have_parts_whose_lines_come_a_minute_later(tmp_path, feed, monkeypatch):
    monkeypatch.setattr(verifier, "PAUSE_S", 0)
    kept = KeptData(tmp_path / "data", feed, processes=["gate"])
    kept.clock.at = WALL
    kept.air(end=False)
    kept.ledgers["gate"].close(10)
    ledger = max((kept.root / "ledger").rglob("gate.jsonl"))
    lines = ledger.read_bytes().splitlines(keepends=True)
    parts = [at for at, line in enumerate(lines) if b'"kind":"part"' in line]
    ledger.write_bytes(b"".join(lines[: parts[-3]]))
    index = max(kept.archive.rglob("index.jsonl"))
    index.write_bytes(b"".join(index.read_bytes().splitlines(keepends=True)[:-3]))
    assert len(verify(kept.root).findings) == 2, "one may be being written"
    (kept.root / "streamgate-copy.json").write_text("{}")
    found = verify(kept.root)
    assert found.findings == []
    assert len([one for one in found.open if "lines that were copied" in one.why]) == 3
    newest = max(kept.archive.rglob("*.mp4"))
    shutil.copyfile(newest, newest.with_name(newest.name.replace(newest.stem[-6:], "000090")))
    assert len(verify(kept.root).findings) == 1, "a number that does not follow"


def test_what_a_killed_gate_left_is_open_and_no_alarm(tmp_path, feed):
    kept = KeptData(tmp_path / "data", feed, processes=["gate"])
    kept.clock.at = WALL
    kept.air(end=False)
    assert kept.ledgers["gate"].close(10)
    ledger = max((kept.root / "ledger").rglob("gate.jsonl"))
    lines = ledger.read_bytes().splitlines(keepends=True)
    told = max(at for at, line in enumerate(lines) if b'"kind":"part"' in line)
    ledger.write_bytes(b"".join(lines[:told]))  # it was killed before it could record its newest part
    found = verify(kept.root)
    assert found.findings == []
    assert [one.why for one in found.open if "index.jsonl" in one.file]
    assert not found.certificates[0].ended


@pytest.mark.parametrize(("part", "ok"), [(-2, True), (0, False)])
def test_a_catalog_that_read_a_part_before_it_was_closed_follows_soon(tmp_path, feed, monkeypatch, part, ok):
    """It was made anew then, because a clock had stepped; a minute later it has the line."""
    monkeypatch.setattr(verifier, "PAUSE_S", 0)
    monkeypatch.setattr(catalog, "FOLLOWS", 5)
    kept = KeptData(tmp_path / "data", feed, processes=["gate"])
    kept.clock.at = WALL
    kept.air(end=False)
    kept.ledgers["gate"].close(10)
    ledger = max((kept.root / "ledger").rglob("gate.jsonl"))
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-1]))  # it runs: there is no `close`
    rebuild_catalog(kept.root / "catalog.sqlite", kept.archive)
    with contextlib.closing(sqlite3.connect(kept.root / "catalog.sqlite")) as database, database:
        rows = database.execute("SELECT path FROM archive_parts ORDER BY number").fetchall()
        change = "UPDATE archive_parts SET repaired = 1, closed = 'crash', end_s = 1 WHERE path = ?"
        database.execute(change, rows[part])
    found = verify(kept.root)
    assert found.ok is ok, found.findings
    assert [one.file for one in found.open].count("catalog.sqlite") == ok


def test_an_archive_of_before_the_ledger_knew_parts_is_not_refuted(tmp_path, feed):
    kept = KeptData(tmp_path / "data", feed)
    kept.clock.at = WALL
    aside = kept.ledgers["gate"]
    kept.ledgers["gate"] = KeptData(tmp_path / "other", feed).ledgers["gate"]
    kept.air()
    kept.ledgers["gate"].close(10)
    kept.ledgers["gate"] = aside
    kept.close()
    found = verify(kept.root)
    assert found.findings == []
    assert len(found.unproven) == 2, "an index and an edit list"
    changed = next((kept.archive / "main").rglob("*.mp4"))
    changed.write_bytes(changed.read_bytes()[:-1])
    assert not verify(kept.root).ok, "it is still what its own index says, or it was changed"


@pytest.mark.parametrize("name", ["main/aired/main-20200101T000000Z", "a/aired/main-20260921T141320Z"])
def test_an_edit_list_under_a_name_that_is_not_its_own_is_found(copy, name):
    """Before the ledger knew of edit lists there may have been some; but not of a broadcast of that name."""
    source = copy / "archive" / "main" / "aired" / f"{BROADCASTS[0]}.jsonl"
    path = copy / "archive" / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    first = verify(copy).first_bad
    assert (first.file, first.line) == (f"archive/{name}.jsonl", 1)
    assert f"it belongs to {BROADCASTS[0]} of channel main" in first.why


# ---------------------------------------------------------------- clocks


def kill_gate(kept):
    """End the gate without its `close`."""
    assert kept.ledgers.pop("gate").close(10)
    ledger = kept.root / "ledger" / newest(kept.root / "ledger", "gate").name
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))


def test_a_clock_that_was_set_back_under_a_broadcast_is_no_alarm(tmp_path, feed, monkeypatch):
    """What the gate did last has the earlier times: a broadcast, a gap, the part that is being written."""
    monkeypatch.setattr(verifier, "PAUSE_S", 0)
    kept = KeptData(tmp_path / "data", feed, processes=["gate"])
    kept.clock.at = WALL
    kept.air()
    rebuild_catalog(kept.root / "catalog.sqlite", kept.archive)
    kill_gate(kept)
    kept.clock.at = back = WALL - 3 * DAY_S
    kept.ledgers["gate"] = kept._ledger("gate")
    edits = EditWriter(kept.archive, "main", alarm=fail, record=kept.ledgers["gate"].write)
    edits.put(begin("main", back, series=2, mono_us=2000 * S))
    assert edits.close()
    kept.clock.at = back + 3
    kept.ledgers["gate"].write(Removal(channel="hall", path="hall/x.mp4", end=1.0))  # what it records later
    kill_gate(kept)
    with list_path(kept.archive, "main", broadcast_id("main", back)).open("ab") as file:
        file.write(msgspec.json.encode(Lost(1, back + 1, back + 2, "slow")) + b"\n")
    gap = Gap(0, 0, "gate_killed", back - 1, back)
    old = max(kept.archive.rglob("*.mp4"))
    number = int(old.stem[-6:]) + 1
    part = kept.archive / PartName("main", round(back * 1000), number).path
    line = PartRecord(part="", channel="main", number=0, start=back, end=back, bytes=0, sha256="", gap=gap)
    append_index(part.parent, [line])
    shutil.copyfile(old, part)
    found = verify(kept.root)
    assert found.findings == []
    assert sorted((one.file.rpartition("/")[2], one.why[:18]) for one in found.open) == [
        (part.name, "it is being writte"),
        (f"{broadcast_id('main', back)}.jsonl", "its end is not in "),
    ]
    assert [one.file for one in found.unproven] == [f"archive/main/{part.parent.name}/index.jsonl"]


def test_certificates_follow_one_another_though_the_clock_was_set_back(tmp_path, feed):
    """A process that comes back certifies what the one before it aired: each of them more of one list."""
    kept = KeptData(tmp_path / "data", feed, processes=["gate"])
    start = begin("main", WALL, series=1, mono_us=0)
    for number, days in enumerate((0, 3, 0, 3)):
        kept.clock.at = WALL + days * DAY_S
        if number:
            kept.ledgers["gate"] = kept._ledger("gate")
        told = []
        edits = EditWriter(kept.archive, "main", alarm=fail, record=told.append)
        edits.start()
        end_s = time.monotonic() + 10
        while number and len(told) < 2 and time.monotonic() < end_s:
            time.sleep(0.01)
        edits.put(replace(start, at=kept.clock.at, resumed=True))
        assert edits.close()
        assert [type(one) for one in told] == [*[AiredList, Certified][: 2 * number], AiredList]
        for one in told:
            kept.ledgers["gate"].write(one)
        kill_gate(kept)
    found = verify(kept.root)
    assert found.findings == []
    assert len(found.certificates) == 1


# ---------------------------------------------------------------- a gate that does not do what it should


def test_condemned_packets_that_aired_are_found(made):
    found = made(lambda kept: kept.air(obeys=False))
    assert [why[:44] for why in whys(found)].count("it aired what a cut by console:li had condem") > 0
    assert [why[:45] for why in whys(found)].count("it aired what a dump by console:li had condem") > 0
    assert {finding.broadcast for finding in found.findings} == {BROADCASTS[0]}


def test_packets_that_aired_too_early_are_found(made):
    found = made(lambda kept: kept.air(arrived_us=2 * S))
    assert "packets aired below the floor of 30 s" in whys(found)[0]
    assert found.certificates[0].below_floor > 1000
    assert not found.certificates[0].proven


def test_what_aired_and_is_in_no_part_is_found(made):
    found = made(lambda kept: kept.air(numbered=lambda number, ms: number + 9000 * (5_000 < ms < 7_000)))
    assert "packets of video aired and are in no part" in " ".join(whys(found))


# ---------------------------------------------------------------- removals, holds, comments


def removal(**more):
    old = {"channel": "main", "path": "main/2026-01-01/000000.000Z-000001.mp4", "end": WALL - 70 * DAY_S}
    return Removal(**{"at": WALL, "start": old["end"] - 6, **old, **more})


def test_a_removal_inside_retention_is_refuted(made):
    found = made(lambda kept: kept.ledgers["console"].write(removal(end=WALL - 59 * DAY_S)))
    assert "was removed after 59.0 days; it had to be kept for 60" in whys(found)[0]
    assert found.first_bad.file.endswith("console.jsonl")


def test_a_removal_follows_the_retention_of_its_channel(made):
    def act(kept):
        kept.ledgers["gate"].write(Setting(at=WALL - 9, channel="main", name="retention_days", new=90))
        kept.ledgers["console"].write(removal())
        kept.ledgers["console"].write(removal(channel="other", path=removal().path.replace("main", "other")))

    assert ["70.0 days; it had to be kept for 90" in why for why in whys(made(act))] == [True]


def test_a_removal_under_a_hold_is_refuted_and_after_it_was_lifted_not(made):
    span = {"hold": "hold-1", "start": WALL - 71 * DAY_S, "end": WALL - 69 * DAY_S}

    def decide(kept, what, at, who="console:li", **args):
        kept.ledgers["console"].write(
            Decision(at=at, who=who, channel="main", what=what, args={**span, **args}, answer="ok")
        )

    def act(kept):
        decide(kept, "archive.hold", WALL - 50)
        kept.ledgers["console"].write(removal(at=WALL - 40))
        decide(kept, "archive.release", WALL - 30, waits=True)
        kept.ledgers["console"].write(removal(at=WALL - 20, path="main/2026-01-01/000006.000Z-000002.mp4"))
        decide(kept, "archive.release", WALL - 10, who="console:wu", first="console:li")
        kept.ledgers["console"].write(removal(path="main/2026-01-01/000012.000Z-000003.mp4"))

    found = made(act)
    assert ["while hold-1 held it" in why for why in whys(found)] == [True, True]


def test_a_filler_made_in_a_span_that_is_held_may_go_once_no_edit_list_names_it(made):
    """It was made during one broadcast and aired in another."""

    def act(kept):
        span = {"hold": "hold-1", "start": WALL - 71 * DAY_S, "end": WALL - 69 * DAY_S}
        held = Decision(at=WALL - 50, channel="main", what="archive.hold", args=span, answer="ok")
        kept.ledgers["console"].write(held)
        start = WALL - 70 * DAY_S
        for name in (f"clips/{'ab' * 32}.clip", "main-20260713T141320Z.jsonl"):
            kept.ledgers["console"].write(removal(path=f"main/aired/{name}", start=start, end=start))

    assert whys(made(act)) == [
        "it says that main/aired/main-20260713T141320Z.jsonl was removed while hold-1 held it"
    ]


def test_a_filler_that_was_removed_though_an_edit_list_names_it_is_found(made):
    gone = []

    def act(kept):
        kept.air()
        path = min(kept.archive.glob("main/aired/clips/*.clip"))
        gone.append(path.relative_to(kept.root).as_posix())
        kept.ledgers["console"].write(removal(path=path.relative_to(kept.archive).as_posix()))
        path.unlink()

    found = made(act)
    assert [(one.file, one.broadcast) for one in found.findings] == [(gone[0], BROADCASTS[0])]
    assert whys(found)[0].endswith(f"says that it was removed; {BROADCASTS[0]} names it")
    assert not found.certificates[0].proven


@pytest.mark.parametrize(("places", "lifts"), [("console", "cli"), ("cli", "console")])
@pytest.mark.parametrize("apart_s", [3600, 0])
def test_a_hold_that_another_process_lifted_the_same_day_has_ended(made, places, lifts, apart_s):
    """The ledger is read file by file, not by time."""
    span = {"hold": "hold-1", "start": WALL - 71 * DAY_S, "end": WALL - 69 * DAY_S}
    lifted = {**span, "first": "console:li"}

    def act(kept):
        kept.ledgers["cli"] = kept._ledger("cli")
        for process, what, at, who, args in (
            (places, "archive.hold", WALL, "console:li", span),
            (lifts, "archive.release", WALL + apart_s, "cli:wu", lifted),
        ):
            said = Decision(at=at, who=who, channel="main", what=what, args=args, answer="ok")
            kept.ledgers[process].write(said)
        kept.ledgers["gate"].write(removal(at=WALL + 1800))
        kept.ledgers["gate"].write(removal(at=WALL + 7200, path=removal().path.replace("000001", "000002")))

    refuted = [f"it says that {removal().path} was removed while hold-1 held it"]
    assert whys(made(act)) == (refuted if apart_s else [])


@pytest.mark.parametrize(("first", "second"), [("console", "cli"), ("cli", "console")])
def test_the_newest_retention_counts_whichever_process_recorded_it(made, first, second):
    def act(kept):
        kept.ledgers["cli"] = kept._ledger("cli")
        for process, at, days in ((first, WALL - 20, 90), (second, WALL - 10, 60)):
            setting = Setting(at=at, channel="main", name="retention_days", new=days)
            kept.ledgers[process].write(setting)
        kept.ledgers["gate"].write(removal())

    assert whys(made(act)) == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"card": 7, "stages": 2, "people": ("an", "an")}, "console:an approved two of its stages"),
        ({"card": 7, "stages": 1, "verdict": 2}, "its verdict asks for 2 stages, it had 1"),
        ({"card": 7, "stages": 1, "verdict": 4}, "its verdict asks for 3 stages, it had 1"),
    ],
)
def test_a_comment_published_without_its_stages_is_refuted(made, given, why):
    def act(kept):
        kept.publish(1, 3)
        kept.publish(**given)

    assert whys(made(act)) == [f"card 7 was published: {why}"]


def test_an_approval_that_the_console_did_not_record_is_refuted(made):
    def act(kept):
        kept.publish(7, 1, recorded=False)
        kept.ledgers["console"].write(removal(at=WALL + 60))

    assert "the console has no record that console:an approved stage 1" in whys(made(act))[0]
