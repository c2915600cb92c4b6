"""The conveyor: what an operator did on it, judged by what the platform's wire saw."""

from stage import Passage, Stage
from tools.timecode import FPS


def when(stage: Stage, at: float) -> float:
    """Return CLOCK_MONOTONIC of a moment of the wall clock."""
    wall: float = stage.seen["wall"]
    return at - wall


def arrival_of(stage: Stage, frame: int) -> float:
    return next(one.last_s for one in stage.sent() if stage.media.frames[one.digest] == frame)


def left(stage: Stage, begin: float, end: float) -> list[Passage]:
    """Return the pictures that arrived in [begin, end) and left."""
    return [one for one in stage.pictures() if begin <= one.arrival_s < end]


def test_stills_are_there_and_the_film_moves_one_delay_in_a_delay(watched: Stage) -> None:
    assert len(watched.seen["stills"]) >= 8
    assert {tuple(size) for size in watched.seen["stills"]} == {(160, 90)}
    assert abs(watched.seen["film moves"] - 1 / 30) < 0.002


def test_a_still_under_the_pointer_has_its_time_to_air(watched: Stage) -> None:
    assert watched.seen["hover"].startswith("airs in 12 s")


def test_the_review_player_shows_the_moment_that_was_clicked(watched: Stage) -> None:
    for name in ("review", "a frame on", "out"):
        at, frame = watched.seen[name]
        assert abs(when(watched, at) - arrival_of(watched, frame)) < 0.2, name
    assert watched.seen["a frame on"][1] == watched.seen["review"][1] + 1
    assert watched.seen["videos beside"] == 2
    assert watched.seen["review closed"]


def test_what_was_marked_and_nothing_else_is_kept_from_air(watched: Stage) -> None:
    span = watched.seen["condemned"]
    first, last = watched.seen["a frame on"][1], watched.seen["out"][1]
    begin, end = when(watched, span["from_at"]), when(watched, span["to_at"])
    assert abs(begin - arrival_of(watched, first)) < 0.2
    assert 0 < end - arrival_of(watched, last) < 2.3  # to the next keyframe
    assert left(watched, begin + 0.01, end - 0.01) == []
    before, behind = left(watched, begin - 1, begin - 0.05), left(watched, end + 0.05, end + 1)
    assert min(len(before), len(behind)) > 0.8 * FPS
    assert {"condemn"} == {one["kind"] for one in watched.seen["two"]}
    assert span["actor"] == "console:ann"


def test_the_snapped_span_was_shown_before_it_was_committed(watched: Stage) -> None:
    span, (begin, end) = watched.seen["condemned"], watched.seen["snapped"]
    assert abs(span["from_at"] - begin) < 0.1
    assert abs(span["to_at"] - end) < 0.1


def test_an_end_is_pulled_and_a_span_lifted(watched: Stage) -> None:
    before, pulled = watched.seen["two"][-1], watched.seen["pulled"]
    assert pulled["from_at"] < before["from_at"] - 0.3
    assert pulled["to_at"] == before["to_at"]
    assert "ann" in watched.seen["picked"]
    assert watched.seen["asks why to lift"] == 1
    assert [one["id"] for one in watched.seen["lifted"]] == [watched.seen["condemned"]["id"]]


def test_shift_d_proposes_a_span(watched: Stage) -> None:
    assert watched.seen["proposed"] in {"pause", "scene", "blind"}


def test_a_mistaken_cut_is_taken_back(watched: Stage) -> None:
    assert watched.seen["undo offered"] == 1
    assert watched.seen["undone"]["state"] == "live"
    assert watched.seen["after the undo"].marks[1] is not None
