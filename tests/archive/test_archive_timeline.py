"""A day's timeline: what is recorded, what of it aired, what aired instead and why."""

import pytest
from archive_evening import CUT, ENDS, NAME, make_evening
from archive_media import WALL

from streamgate.archive.air_times import read_air_times, read_cuts
from streamgate.archive.catalog import Catalog
from streamgate.archive.edit_list import list_path
from streamgate.archive.timeline import read_timeline


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    place = tmp_path_factory.mktemp("evening")
    make_evening(place)
    return place


@pytest.fixture
def catalog(evening, tmp_path):
    with Catalog(tmp_path / "catalog.sqlite") as made:
        made.rebuild(evening / "archive")
        yield made


def spans(found):
    return [(round(one.start - WALL), round(one.end - WALL)) for one in found]


def timeline(evening, catalog, start=WALL - 100, end=WALL + 200):
    return read_timeline(evening / "archive", catalog, "main", start, end)


def test_what_is_recorded_and_what_is_not(evening, catalog):
    line = timeline(evening, catalog)
    assert spans(line.recorded) == [(0, 12), (42, 54)]
    assert [(one.why, *spans([one])) for one in line.losses] == [("no_input", (12, 42))]
    assert all(one.bytes > 1000 for one in line.recorded)


def test_what_aired_stands_at_its_airing_with_why_and_by_whom(evening, catalog):
    line = timeline(evening, catalog)
    assert [(one.source, one.why, one.actor, *spans([one])) for one in line.aired] == [
        ("filler", "start", "", (0, 30)),
        ("live", "", "", (30, 36)),
        ("filler", "cut", "console:ann", (36, 40)),
        ("live", "", "", (40, 42)),
        ("filler", "no_input", "", (42, 72)),
        ("live", "", "", (72, 84)),
    ]
    assert [one.delay_s for one in line.aired if one.source == "live"] == [30.0] * 3
    assert line.aired[-1].end == ENDS


def test_what_did_not_air_stands_at_its_arrival_with_who_cut(evening, catalog):
    (one,) = timeline(evening, catalog).held_back
    assert (one.why, one.actor) == ("cut", "console:ann")
    assert spans([one]) == [(CUT[0], CUT[1])]


def test_a_span_shows_what_reaches_into_it(evening, catalog):
    line = timeline(evening, catalog, WALL + 37, WALL + 38)
    assert line.recorded == []
    assert [one.why for one in line.losses] == ["no_input"]
    assert [one.why for one in line.aired] == ["cut"]
    later = timeline(evening, catalog, WALL + 500, WALL + 600)
    assert (later.recorded, later.losses, later.aired, later.held_back) == ([], [], [], [])


def test_what_came_in_before_the_end_and_was_never_due_did_not_air(evening, catalog, tmp_path):
    """A broadcast that is stopped airs nothing more of the delay that is under way."""
    path = list_path(evening / "archive", "main", NAME)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    try:
        path.write_bytes(b"".join(lines[:3]) + b"no line\n" + b'{"line":"end","at":%d}\n' % (WALL + 32))
        line = timeline(evening, catalog)
        assert [one.source for one in line.aired] == ["filler", "live"]
        assert [(one.why, *spans([one])) for one in line.held_back] == [("ended", (2, 12))]
    finally:
        path.write_bytes(whole)


def test_what_is_not_due_yet_is_no_loss(evening, catalog):
    """In a broadcast that goes on, what came in less than a delay ago may still air."""
    path = list_path(evening / "archive", "main", NAME)
    whole = path.read_bytes()
    try:
        path.write_bytes(b"".join(whole.splitlines(keepends=True)[:5]))  # up to the cut, 36 to 40 s
        line = timeline(evening, catalog)
        assert [(one.why, *spans([one])) for one in line.held_back] == [("cut", (6, 10))]
        assert line.aired[-1].why == "cut"
    finally:
        path.write_bytes(whole)


def test_air_times_and_cuts_are_those_of_the_channel(evening):
    ledger = evening / "ledger"
    (air,) = read_air_times(ledger, "main", WALL - 100, WALL + 200)
    assert (air.start, air.end) == (WALL, WALL + 84)
    assert read_cuts(ledger, "main", WALL - 100, WALL + 200) == [WALL + 36]
    assert read_cuts(ledger, "main", WALL + 37, WALL + 200) == []
    assert read_cuts(ledger, "nobody", 0, WALL + 200) == []
    assert read_cuts(evening / "none", "main", 0, WALL) == []
