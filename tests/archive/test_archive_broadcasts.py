"""Broadcasts in the archive: how parts are grouped, what is missing, what the command line shows."""

import json
import os
import time
from pathlib import Path

import msgspec
import pytest
from tiny_media import make_feed
from typer.testing import CliRunner

from streamgate.archive.broadcasts import AirTime, Broadcast, Loss, Piece, group
from streamgate.archive.catalog import Catalog
from streamgate.archive.listing import Shelf
from streamgate.archive.parts import find_parts, read_index
from streamgate.archive.times import parse_time
from streamgate.archive.writer import ArchiveWriter
from streamgate.cli import app
from streamgate.core.retention import DAY_S
from streamgate.errors import Refused
from streamgate.ledger.record import Notice
from streamgate.ledger.writer import Writer

WALL = 1_790_000_000.0  # 2026-09-21T14:13:20Z
FEED, PACKETS = make_feed(seconds=12, audio="")


def pieces(*spans, first=1):
    return [Piece(number, *span, 100) for number, span in enumerate(spans, first)]


def listed(found: list[Broadcast]):
    return [(one.id[-16:], one.start, one.end, one.parts, one.losses) for one in found]


def at(text):
    return parse_time(f"2026-09-21T{text}Z")


def test_a_broadcast_is_what_came_in_while_on_air():
    air = [AirTime(1000.0, 2000.0), AirTime(2100.0, None)]
    found = group("main", pieces((990, 996), (996, 1002), (1990, 2003), (2003, 2050), (2101, 2107)), air, [])
    assert [(one.start, one.end, one.parts, one.bytes) for one in found] == [
        (990, 996, 1, 100),  # the encoder was there before the start
        (996, 2003, 2, 200),
        (2003, 2050, 1, 100),  # and after the stop
        (2101, 2107, 1, 100),
    ]
    assert [one.id for one in found][1::2] == ["main-19700101T001640Z", "main-19700101T003500Z"]


def test_without_a_ledger_a_long_pause_parts_recordings():
    found = group("main", pieces((10, 16), (16, 22), (60, 66), (700, 706)), [], [])
    assert listed(found) == [
        ("19700101T000010Z", 10, 66, 3, [Loss(22, 60, "no_input")]),
        ("19700101T001140Z", 700, 706, 1, []),
    ]


def test_what_is_missing_is_said_and_what_the_index_explains_is_not_said_twice():
    gone = Piece(2, 16.0, 22.0, 100, missing=True)
    later = pieces((22, 28), (40, 46), first=3)
    after_hole = pieces((52, 58), first=6)
    gaps = [Loss(28, 40, "failed"), Loss(500, 510, "behind")]
    (found,) = group("main", [*pieces((10, 16)), gone, *later, *after_hole], [AirTime(9, 60)], gaps)
    assert found.losses == [Loss(16, 22, "missing"), Loss(28, 40, "failed"), Loss(46, 52, "missing")]
    assert (found.parts, found.bytes) == (4, 400)


def test_parts_follow_their_numbers_when_the_clock_steps_back():
    found = group("main", pieces((5000, 5006), (4400, 4406), (4406, 4412)), [AirTime(4999, None)], [])
    assert [(one.start, one.end, one.parts) for one in found] == [(4400, 4412, 2), (5000, 5006, 1)]


def test_a_broadcast_of_which_nothing_is_there_is_listed_and_an_expired_one_is_not():
    expired = [Piece(1, 10.0, 16.0, 100, removed=True)]
    found = group("main", expired, [AirTime(9, 20), AirTime(100, 200)], [Loss(120, 150, "failed")])
    assert listed(found) == [("19700101T000140Z", 100, 200, 0, [Loss(120, 150, "failed")])]


def test_a_year_of_parts_is_grouped_in_no_time():
    many = [Piece(n, n * 6.0, n * 6.0 + 6, 100) for n in range(300_000)]
    air = [AirTime(day * DAY_S, day * DAY_S + 30_000) for day in range(21)]
    began = time.process_time()
    found = group("main", many, air, [])
    assert sum(one.parts for one in found) == 300_000
    assert time.process_time() - began < 10, "0.4 s of CPU on a quiet machine"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1790000000.5", 1_790_000_000.5),
        ("2026-09-21T14:13:20Z", WALL),
        ("2026-09-21T22:13:20+08:00", WALL),
        ("2026-09-21T22:13:20 08:00", WALL),  # a plus sign in an address that nobody escaped
        ("2026-09-21 14:13:20+00:00", WALL),
    ],
)
def test_times_as_people_write_them(text, expected):
    assert parse_time(text) == expected


def test_a_time_without_an_offset_is_this_machines(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert parse_time("2026-09-21T22:13:20") == WALL
        assert parse_time("2026-09-21") == WALL - 22 * 3600 - 13 * 60 - 20
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "yesterday", "nan", "-5", "inf", "2026-13-01", "1e300"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Refused, match="ISO 8601"):
        parse_time(text)


# ---------------------------------------------------------------- the command line


def record(root: Path, start_s: float, source: str = "one") -> None:
    """Record 12 s that arrived at `start_s`."""
    writer = ArchiveWriter(root / "archive", "main", alarm=lambda *_: None)
    writer.start()
    writer.format(FEED, source)
    for packet in PACKETS:
        writer.packet(packet, packet.dts * 1000, start_s + packet.dts / 1000)
    assert writer.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A broadcast over midnight (UTC) with a pause, and something recorded off air."""
    data = tmp_path_factory.mktemp("data")
    midnight = at("00:00:00") + DAY_S
    for code, when in (("on_air", midnight - 10), ("stopped", midnight + 40)):
        one = Writer(data / "ledger", "gate", clock=lambda when=when: when)
        one.write(Notice(channel="main", code=code, text=code))
        one.write(Notice(channel="other", code=code, text=code))
        assert one.close()
    record(data, midnight - 9)
    record(data, midnight + 20, "two")
    record(data, midnight + 7200, "three")
    return data, midnight


@pytest.fixture
def data(made, tmp_path):
    os.system(f"cp -a {made[0]} {tmp_path}/data")
    return tmp_path / "data"


def run(data, *arguments, code=0):
    done = CliRunner().invoke(app, ["--data-dir", str(data), "archive", *arguments])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in arguments and not code else done.output


def test_list_shows_broadcasts_with_parts_gaps_and_holds(data, made):
    midnight = made[1]
    first, second = run(data, "list", "main", "--json")["broadcasts"]
    start = "20260921T235950Z"
    assert first["id"] == f"main-{start}"
    assert (first["channel"], first["parts"], first["holds"]) == ("main", 4, [])
    assert first["start"] == pytest.approx(midnight - 9, abs=0.1)
    assert first["end"] == pytest.approx(midnight + 32, abs=0.2)
    files = [path for name, path in find_parts(data / "archive") if name.start_ms / 1000 < midnight + 100]
    assert first["bytes"] == sum(path.stat().st_size for path in files)
    assert {path.parent.name for path in files} == {"2026-09-21", "2026-09-22"}
    (gap,) = first["gaps"]
    assert gap["why"] == "no_input"
    assert [gap["from"], gap["to"]] == [pytest.approx(midnight + 3, abs=0.2), midnight + 20]
    assert (second["parts"], second["gaps"]) == (2, [])
    assert set(first) == {"id", "channel", "start", "end", "parts", "bytes", "gaps", "holds"}
    assert f"main-{start}" in run(data, "list", "main")


def test_list_takes_a_span_in_either_form(data, made):
    def ids(*span):
        return [one["id"][-16:] for one in run(data, "list", "main", *span, "--json")["broadcasts"]]

    assert ids("--from", "2026-09-22T01:00:00Z") == ["20260922T020000Z"]
    assert ids("--to", str(made[1] + 3600)) == ["20260921T235950Z"]
    # a span inside a broadcast shows all of it
    inside = run(data, "list", "main", "--from", str(made[1]), "--to", str(made[1] + 1), "--json")
    assert inside["broadcasts"] == run(data, "list", "main", "--json")["broadcasts"][:1]
    assert ids("--from", "2026-09-23", "--to", "2026-09-24") == []
    assert "must lie before" in run(data, "list", "main", "--from", "5", "--to", "4", code=1)
    assert "no channel hall" in run(data, "list", "hall", code=1)
    assert "cannot be used" in run(data, "list", "..", code=1)


def test_a_part_that_is_being_written_is_listed(data):
    index = next((data / "archive" / "main" / "2026-09-22").glob("index.jsonl"))
    lines = index.read_bytes().splitlines(keepends=True)
    index.write_bytes(b"".join(lines[:-1]))
    last = max(read_index(index.parent), key=lambda line: line.number).number
    os.utime(next(path for name, path in find_parts(data / "archive") if name.number == last + 1))
    assert run(data, "list", "main", "--json")["broadcasts"][1]["parts"] == 2


def test_reindex_makes_the_catalog_anew_and_finds_what_is_gone(data, made):
    assert run(data, "reindex", "--json") == {"parts": 6}
    next(path for name, path in find_parts(data / "archive") if name.number == 3).unlink()
    (data / "catalog.sqlite").write_bytes(b"no database")
    assert "make it anew with: streamgate archive reindex" in run(data, "list", "main", code=1)
    assert run(data, "reindex", "--json") == {"parts": 6}
    first = run(data, "list", "main", "--json")["broadcasts"][0]
    assert first["parts"] == 3
    assert [gap["why"] for gap in first["gaps"]] == ["no_input", "missing"]
    assert msgspec.json.decode(msgspec.json.encode(first["gaps"][1]))["from"] == made[1] + 20


@pytest.mark.parametrize("other_channel", [False, True])
def test_a_standbys_recordings_belong_to_its_channels_broadcasts_and_its_losses_show(tmp_path, other_channel):
    (tmp_path / "channels").mkdir()
    if other_channel:  # which only has that name
        (tmp_path / "channels" / "main-standby.json").write_text("{}")
    writer = Writer(tmp_path / "ledger", "gate", clock=lambda: WALL)
    for at_s, code in ((0, "on_air"), (600, "stopped"), (1000, "on_air"), (1100, "stopped")):
        writer.write(Notice(at=WALL + at_s, channel="main", code=code))
    assert writer.close(5)
    archive = ArchiveWriter(tmp_path / "archive", "main-standby", alarm=lambda *_: None, part_s=2)
    archive.start()
    for begin_s in (10, 400):  # its encoder was away for more than five minutes
        archive.format(FEED, f"publish {begin_s}")
        for packet in PACKETS:
            at_s = begin_s + packet.dts / 1000
            archive.packet(packet, round(at_s * 1e6), WALL + at_s)
        archive.gone()
    assert archive.close()
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.rebuild(tmp_path / "archive")
        found = Shelf(tmp_path, catalog, []).list_broadcasts("main-standby")
    if other_channel:
        assert [one.gaps for one in found] == [[], []]
        return
    (one,) = found  # and none for the broadcast that it was not there for
    assert one.id == "main-standby-20260921T141320Z"
    (gap,) = one.gaps
    assert (gap.why, round(gap.start - WALL), round(gap.end - WALL)) == ("no_input", 22, 400)
