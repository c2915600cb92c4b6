"""The incident book on disk, and the drafts that the ledger of a gate opens in it."""

import json
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from test_incidents_incident import ANN, AT, completed, opened
from typer.testing import CliRunner

from streamgate.archive.edit_list import LAST_PIECE_S, Begin, End, list_path
from streamgate.archive.holds import Holds
from streamgate.cli import app
from streamgate.core.edits import Held, Piece
from streamgate.errors import ArchiveError, Refused
from streamgate.incidents import evidence
from streamgate.incidents.book import Book, digest_of
from streamgate.incidents.follow import Follower
from streamgate.incidents.incident import fold
from streamgate.incidents.notes import take_note
from streamgate.incidents.words import hold_reason, hold_reason_zh, matches
from streamgate.ledger.read import read
from streamgate.ledger.record import Command, Notice
from streamgate.ledger.writer import Writer

BROADCAST = f"main-{datetime.fromtimestamp(AT - 100, UTC):%Y%m%dT%H%M%SZ}"


class Clock:
    def __init__(self, at=AT):
        self.at = at

    def __call__(self):
        return self.at


@pytest.fixture
def data(tmp_path):
    place = tmp_path / "data"
    (place / "channels").mkdir(parents=True)
    (place / "archive" / "main").mkdir(parents=True)
    (place / "channels" / "main.json").write_text('{"name":"main","delay_s":45.0}')
    return place


def broadcast(data, *lines, name=BROADCAST):
    path = list_path(data / "archive", "main", name)
    path.parent.mkdir(exist_ok=True)
    begin = Begin(
        broadcast=name,
        channel="main",
        started_at=AT - 100,
        at=AT - 100,
        mono_us=0,
        boot="b",
        series=1,
        floor_us=30_000_000,
        delay_us=45_000_000,
    )
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in (begin, *lines)))


def write_ledger(data, *records, process="gate", clock=None):
    writer = Writer(data / "ledger", process, clock=clock or Clock())
    for record in records:
        writer.write(record)
    assert writer.close(5)


def command(what, at=AT, **more):
    return Command(at=at, who=ANN, channel="main", what=what, answer="cut", **more)


def follower(data, clock=None):
    told = []
    return Follower(data, Book(data, clock=clock or Clock()), told.append), told


def drafts(data):
    return sorted(Book(data).read().values(), key=lambda one: (one.happened, one.kind))


# ---------------------------------------------------------------- the book


def test_what_is_answered_is_on_disk_and_another_process_reads_on(data):
    book, other = Book(data), Book(data)
    book.add(opened())
    assert list(other.read()) == ["a"]
    book.add(completed())
    assert other.get("a").report == "a stranger in the picture"
    other.add(opened("b"))
    assert sorted(book.read()) == ["a", "b"]
    assert book.path.stat().st_mode & 0o777 == 0o600
    assert book.folder.stat().st_mode & 0o777 == 0o700


def test_a_refused_event_leaves_no_line(data):
    book = Book(data)
    book.add(opened())
    before = book.path.read_bytes()
    for event in (opened(), completed("b"), completed(words="")):
        with pytest.raises(Refused):
            book.add(event)
    assert book.path.read_bytes() == before


def test_a_kill_costs_the_torn_line_alone_and_damage_is_counted(data):
    book = Book(data)
    book.add(opened())
    with book.path.open("ab") as file:
        file.write(b'{"event":"opened","id":"torn"')
    assert (list(Book(data).read()), Book(data).damaged) == (["a"], 0)
    book.add(opened("b"))
    again = Book(data)
    assert (sorted(again.read()), again.damaged) == (["a", "b"], 1)


def test_a_disk_that_refuses_is_said(data):
    book = Book(data)
    book.folder.write_text("no directory")
    with pytest.raises(ArchiveError, match="cannot be used"):
        book.add(opened())


KILLED = """
import sys
from pathlib import Path
from streamgate.incidents.book import Book
sys.path.insert(0, sys.argv[2])
from test_incidents_incident import opened
book = Book(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    book.add(opened(str(number)))
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_answered(data):
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, data, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(20):
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    answered = [int(line) for line in child.communicate()[0].split()]
    last = max(answered, default=20)
    found = Book(data).read()
    assert {str(number) for number in range(1, last + 1)} <= set(found)
    Book(data).add(opened("after"))
    assert "after" in Book(data).read()


# ---------------------------------------------------------------- drafts by themselves


def test_every_cut_dump_stop_violation_and_gap_opens_a_draft_with_its_recordings_on_hold(data):
    broadcast(data)
    write_ledger(
        data,
        command("cut", reason="a stranger"),
        command("dump", AT + 10, args={"seconds": 12.5}),
        command("stop", AT + 20, reason="the end"),
        command("cut", AT + 30, error="the channel is not on air"),
        command("live", AT + 31),
        command("backup", AT + 32),
        Notice(at=AT + 33, channel="main", who=ANN, code="cut", text="CUT"),
        Notice(at=AT + 40, channel="main", who="gate", code="violation", text="a packet", text_zh="数据包"),
        Notice(at=AT + 50, channel="main", who="archive", code="archive_gap", text="3 s are missing"),
        Notice(at=AT + 60, channel="main", who="archive", code="archive_caught_up", text="fine"),
    )
    follow, told = follower(data)
    assert follow.look() == 5
    found = drafts(data)
    assert [(one.kind, one.happened - AT) for one in found] == [
        ("cut", 0),
        ("dump", 10),
        ("stop", 20),
        ("violation", 40),
        ("gap", 50),
    ]
    cut, dump, _, violation, _ = found
    assert (cut.actor, cut.words, cut.broadcast, cut.delay_s) == (ANN, "a stranger", BROADCAST, 45.0)
    assert (dump.seconds, violation.words_zh, violation.actor) == (12.5, "数据包", "")
    holds = {hold.id: hold for hold in Holds(data / "archive").read()}
    for one in found:
        (hold,) = one.holds
        assert (holds[hold].start, holds[hold].end) == (one.held.start, one.held.end)
        assert holds[hold].by == f"incident:{one.id}"
        assert holds[hold].broadcast == BROADCAST
    assert [record.code for record in told] == ["incident_opened"] * 5
    assert follow.look() == 0


@pytest.mark.parametrize("other_channel", [False, True])
def test_the_standby_cameras_recordings_go_on_hold_as_well(data, other_channel):
    broadcast(data)
    (data / "archive" / "main-standby").mkdir()
    if other_channel:  # which only has that name
        (data / "channels" / "main-standby.json").write_text('{"name":"main-standby","delay_s":45.0}')
    write_ledger(data, command("cut", reason="a stranger"))
    follow, _ = follower(data)
    assert follow.look() == 1
    (one,) = drafts(data)
    holds = {hold.id: hold for hold in Holds(data / "archive").read()}
    found = [(holds[hold].channel, holds[hold].start, holds[hold].end) for hold in one.holds]
    both = [("main", one.held.start, one.held.end), ("main-standby", one.held.start, one.held.end)]
    assert found == (both[:1] if other_channel else both)
    assert follow.look() == 0
    assert len(Holds(data / "archive").read()) == len(found)


def test_nothing_is_opened_twice_however_often_it_is_read(data):
    write_ledger(data, command("cut"))
    for _ in range(3):
        follow, _ = follower(data)
        follow.look()
        (data / "incidents" / "followed.json").unlink()
    assert len(drafts(data)) == 1


def test_what_happened_while_nobody_followed_is_opened_later_and_what_is_old_is_not(data):
    clock = Clock()
    write_ledger(data, command("cut", AT - 4000), command("cut", AT - 3000))
    follow, _ = follower(data, clock)
    assert follow.look() == 1, "of the time before the first start the last hour"
    clock.at = AT + 3 * 86_400
    write_ledger(data, command("dump", AT + 86_400), clock=Clock(AT + 86_400))
    write_ledger(data, command("stop", AT + 2 * 86_400), clock=Clock(AT + 2 * 86_400))
    follow, _ = follower(data, clock)
    assert follow.look() == 2
    assert follower(data, clock)[0].look() == 0


def test_a_restore_ends_the_cut_and_what_was_condemned_goes_on_hold(data):
    write_ledger(data, command("cut"))
    follow, _ = follower(data)
    follow.look()
    write_ledger(data, command("restore", AT + 300))
    follow.look()
    (one,) = drafts(data)
    assert (one.until, one.held.end, len(one.holds)) == (AT + 300, AT + 330, 2)
    held = [(hold.start - AT, hold.end - AT) for hold in Holds(data / "archive").read()]
    assert held == [(-75, 30), (30, 330)]


def test_a_restore_that_waits_for_a_second_person_ends_nothing(data):
    write_ledger(
        data,
        command("cut"),
        Command(at=AT + 9, who=ANN, channel="main", what="restore", answer="second_person"),
    )
    follower(data)[0].look()
    assert drafts(data)[0].until == AT


@pytest.mark.parametrize(
    "end",
    [
        Command(at=AT + 60, who=ANN, channel="main", what="stop", answer="stopped"),
        Command(at=AT + 60, who=ANN, channel="main", what="uncut", answer="live"),
        Command(at=AT + 60, who=ANN, channel="main", what="lift", answer="backup", args={"span": "s1"}),
        Notice(at=AT + 60, channel="main", who="gate", code="stopped_no_input", text="ended"),
        Notice(at=AT + 60, channel="main", who="gate", code="stopped", text="ended"),
    ],
    ids=lambda end: getattr(end, "what", "") or end.code,
)
def test_a_cut_lasts_until_it_is_ended_and_a_later_restore_ends_the_later_cut(data, end):
    clock = Clock()
    write_ledger(data, command("cut"), end, clock=clock)
    follower(data, clock)[0].look()
    friday = clock.at = AT + 4 * 86_400
    write_ledger(data, command("cut", friday), command("restore", friday + 20), clock=clock)
    follower(data, clock)[0].look()
    monday, later = (one for one in drafts(data) if one.kind == "cut")
    assert (monday.until, later.until) == (AT + 60, friday + 20)
    holds = [hold for hold in Holds(data / "archive").read() if hold.id in monday.holds]
    assert max(hold.end for hold in holds) == AT + 90, "what was condemned until then"


def test_a_lift_of_another_span_leaves_the_cut_in_force(data):
    write_ledger(
        data,
        command("cut"),
        Command(at=AT + 9, who=ANN, channel="main", what="lift", answer="cut", args={"span": "s1"}),
        Command(at=AT + 10, who=ANN, channel="main", what="uncut", answer="second_person"),
        Command(at=AT + 11, who=ANN, channel="main", what="stop", error="the channel is not on air"),
        Command(at=AT + 12, who=ANN, channel="hall", what="restore", answer="live"),
    )
    follow, _ = follower(data)
    follow.look()
    assert drafts(data)[0].until == AT
    write_ledger(data, command("restore", AT + 40))
    follow.look()
    assert drafts(data)[0].until == AT + 40


def test_a_cut_that_a_new_broadcast_begins_with_has_a_draft_of_its_own(data):
    write_ledger(
        data,
        command("cut"),
        Notice(at=AT + 20, channel="main", who="gate", code="stopped", text="ended"),
        Notice(at=AT + 500, channel="main", who="gate", code="still_cut", text="still cut"),
        command("restore", AT + 600),
    )
    assert follower(data)[0].look() == 2
    found = [(one.kind, one.happened - AT, one.until - AT) for one in drafts(data)]
    assert found == [("cut", 0, 20), ("cut", 500, 600)]


def test_a_cut_that_a_kill_ended_lasts_no_longer_than_its_edit_list(data):
    piece = Piece(at=AT + 30, from_us=0, to_us=1, source="filler", delay_us=45_000_000, runs=[], why="cut")
    broadcast(data, piece)
    clock = Clock()
    write_ledger(data, command("cut"), clock=clock)
    follower(data, clock)[0].look()
    clock.at = AT + 86_400
    write_ledger(
        data,
        Notice(at=clock.at, channel="main", who="gate", code="not_resumed", text="too long"),
        clock=clock,
    )
    follower(data, clock)[0].look()
    (one,) = drafts(data)
    assert one.until == AT + 30 + LAST_PIECE_S


def test_a_hold_that_cannot_be_placed_is_placed_later(data):
    write_ledger(data, command("cut"))
    broken = data / "archive" / "holds.json"
    broken.write_text("{")
    follow, _ = follower(data)
    with pytest.raises(ArchiveError, match="everything is held"):
        follow.look()
    assert drafts(data)[0].holds == ()
    broken.unlink()
    follow.look()
    assert len(drafts(data)[0].holds) == 1


def test_a_certificate_below_the_floor_opens_a_draft_when_the_broadcast_ends(data):
    held = Held(25, 29_900_000, 45_000_000, 1, 2, [(29_900, 2), (45_000, 23)])
    piece = Piece(at=AT, from_us=0, to_us=1, source="live", delay_us=45_000_000, runs=[], held=held)
    broadcast(data, piece, End(at=AT + 5))
    write_ledger(data, Notice(at=AT + 5.2, channel="main", who=ANN, code="stopped", text="ended"))
    follower(data)[0].look()
    (one,) = drafts(data)
    assert (one.kind, one.broadcast) == ("violation", BROADCAST)
    assert one.words == "2 live packets left below the floor of 30 s"


def test_a_broadcast_is_found_while_it_is_on_air_and_not_afterwards(data):
    broadcast(data, End(at=AT))
    broadcast(data, name=f"{BROADCAST}-2")
    (data / "archive/main/aired/notes.jsonl").write_text("{}\n")
    find = evidence.find_broadcast
    assert find(data / "archive", "main", AT) == f"{BROADCAST}-2"
    (data / f"archive/main/aired/{BROADCAST}-2.jsonl").unlink()
    assert find(data / "archive", "main", AT + 4) == BROADCAST
    assert find(data / "archive", "main", AT + 6) == ""
    assert find(data / "archive", "main", AT - 101) == ""
    assert find(data / "archive", "hall", AT) == ""


# ---------------------------------------------------------------- notes and the command line


def test_a_note_is_a_draft_at_once_with_its_hold(data):
    one = take_note(Book(data, clock=Clock()), data, "main", " captions \n are wrong ", "console:ann")
    assert (one.kind, one.words, one.actor, len(one.holds)) == (
        "note",
        "captions are wrong",
        "console:ann",
        1,
    )
    for channel, text in (("main", " "), ("nothing", "x"), ("../main", "x")):
        with pytest.raises(Refused):
            take_note(Book(data), data, channel, text, "console:ann")


def run(data, *arguments):
    done = CliRunner().invoke(app, ["--data-dir", str(data), *arguments])
    return done.exit_code, done.output


def test_the_command_line_notes_lists_shows_and_exports_without_the_program(data, tmp_path):
    code, said = run(data, "note", "main", "the sound hums", "--json")
    assert code == 0, said
    number = json.loads(said)["id"]
    Book(data).add(opened("b", happened=AT - 9))
    Book(data).add(completed("b"))
    code, said = run(data, "incident", "list", "--json")
    assert [one["id"] for one in json.loads(said)["incidents"]] == [number, "b"]
    for wanted, found in (("completed", ["b"]), ("draft", [number]), ("joined", [])):
        said = json.loads(run(data, "incident", "list", "--state", wanted, "--channel", "main", "--json")[1])
        assert [one["id"] for one in said["incidents"]] == found
    shown = json.loads(run(data, "incident", "show", "b", "--json")[1])
    assert (shown["report"], shown["state"]) == ("a stranger in the picture", "completed")
    assert [event["event"] for event in shown["log"]] == ["opened", "completed"]
    out = tmp_path / "incidents.json"
    code, said = run(data, "incident", "export", "--out", str(out), "--json")
    assert (code, json.loads(said)["incidents"]) == (0, 2)
    assert len(json.loads(out.read_bytes())["incidents"]) == 2
    assert "is there already" in run(data, "incident", "export", "--out", str(out))[1]
    assert json.loads(run(data, "incident", "export", "b", "--json")[1])["incidents"][0]["log"]
    assert "a stranger in the picture" in run(data, "incident", "show", "b")[1]
    assert "no incident nothing" in run(data, "incident", "show", "nothing")[1]
    assert "allowed are draft" in run(data, "incident", "list", "--state", "odd")[1]
    copy = tmp_path / "copy"
    shutil.copytree(data / "incidents", copy / "incidents")
    assert json.loads(run(data, "incident", "list", "--data", str(copy), "--json")[1])["incidents"]
    noted = next(one for one in read(data / "ledger") if one.get("what") == "incident.note")
    assert noted["args"] == {"incident": number, "sha256": digest_of(Book(data).get(number).log[0])}
    assert "hums" not in str(noted), "the words stand in the book alone"


def test_the_command_line_writes_up_joins_and_dismisses_on_record(data):
    book = Book(data)
    for place, number in enumerate("abc"):
        book.add(opened(number, happened=AT + place))
    told = ("--category", "sound", "--level", "grave", "--aired", "partly", "--words", "it hummed")
    code, said = run(data, "incident", "complete", "a", *told, "--measures", "cut", "--json")
    assert code == 0, said
    one = json.loads(said)
    assert (one["state"], one["category"], one["report"], one["measures"]) == (
        "completed",
        "sound",
        "it hummed",
        "cut",
    )
    assert one["completed_by"].startswith("cli:")
    said = json.loads(run(data, "incident", "join", "b", "a", "--reason", "the same hum", "--json")[1])
    assert (said["state"], said["joined_into"], said["reason"]) == ("joined", "a", "the same hum")
    code, said = run(data, "incident", "dismiss", "c", "--reason", "a rehearsal")
    assert (code, said) == (0, "c: dismissed\n")
    records = {one["args"]["incident"]: one for one in read(data / "ledger", kind="decision")}
    assert [(one["what"], one["channel"], one["answer"]) for one in records.values()] == [
        (f"incident.{what}", "main", "ok") for what in ("complete", "join", "dismiss")
    ]
    assert records["a"]["args"]["sha256"] == digest_of(Book(data).get("a").log[1])
    assert "hummed" not in str(records["a"]), "the words stand in the book alone"
    assert [records[number]["reason"] for number in "bc"] == ["the same hum", "a rehearsal"]
    for arguments, words in (
        (("dismiss", "c", "--reason", "again"), "this takes one that is draft"),
        (("dismiss", "a", "--reason", " "), "a reason: 1 to 500 characters"),
        (("join", "a", "a", "--reason", "no"), "this takes one that is draft"),
        (("complete", "a", *told[2:], "--category", "smell"), "--category smell: allowed are picture, sound"),
        (("complete", "z", *told), "there is no incident z"),
    ):
        code, said = run(data, "incident", *arguments)
        assert code == 1
        assert words in said
    refused = [one for one in read(data / "ledger", kind="decision") if one["answer"] == "refused"]
    assert [(one.get("channel", ""), one["args"]["incident"]) for one in refused] == [
        *[("main", number) for number in "caaa"],
        ("", "z"),
    ]
    assert run(data, "incident", "dismiss", "a")[0] == 2


def test_an_incident_is_found_by_its_words_in_either_language(data):
    one = fold({}, opened("20260921T000036Z-ab", words="a wrong Name", words_zh="姓名有误"))
    found = next(iter(one.values()))
    for text in ("", "name", "NAME wrong", "姓名", "切断", "cut", "20260921", "ann", "main"):
        assert matches(found, text), text
    for text in ("name of", "dump", "丢弃"):
        assert not matches(found, text)


def test_the_reason_of_a_hold_is_told_in_chinese_where_the_program_gave_it():
    assert hold_reason_zh(hold_reason("20260921T000036Z-ab", "dump")) == "事件 20260921T000036Z-ab（丢弃）"
    assert hold_reason_zh("incident in the hall (see the letter)") == ""
