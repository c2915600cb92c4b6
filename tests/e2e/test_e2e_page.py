"""Proof 5: the operators' page in a real Chromium."""

import urllib.error
import urllib.request

import pytest
from stage import Stage
from tools.timecode import FPS


def test_nobody_gets_in_without_a_password(watched: Stage) -> None:
    assert watched.seen["anonymous videos"] == 0
    assert "Password" in watched.seen["anonymous says"]
    assert watched.name not in watched.seen["anonymous says"]


def test_the_page_names_who_is_signed_in_and_asks_why_to_restore(watched: Stage) -> None:
    assert (watched.seen["who"], watched.seen["asks why"]) == ("ann", True)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "api/state"), ("POST", "api/channels/page/cut"), ("GET", "no/such/page")]
)
def test_interface_answers_nothing_without_a_session(watched: Stage, method: str, path: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{watched.gate.console}/{path}", method=method)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=5)
    refused.value.close()
    assert refused.value.code in (401, 403, 404)


def test_both_players_play(watched: Stage) -> None:
    looks = watched.seen["looks"]
    for player in (0, 1):
        times = [look.times[player] for look in looks]
        took = looks[-1].at_s - looks[0].at_s
        assert times == sorted(times)
        assert 0.6 * took < times[-1] - times[0] < 1.6 * took


def test_pictures_move_and_are_of_this_feed(watched: Stage) -> None:
    for player in (0, 1):
        marks = [look.marks[player] for look in watched.seen["looks"]]
        frames = [mark.frame for mark in marks if mark is not None]
        assert len(frames) >= 4
        assert {mark.feed for mark in marks if mark is not None} == {1}
        assert frames == sorted(frames)
        assert frames[-1] > frames[0]


def test_preview_is_a_delay_ahead_of_program(watched: Stage) -> None:
    leads = [
        (pvw.frame - pgm.frame) / FPS
        for pvw, pgm in (look.marks for look in watched.seen["looks"])
        if pvw is not None and pgm is not None
    ]
    assert len(leads) >= 3
    assert min(leads) > 28
    assert max(leads) < 33


def test_sound_of_one_player_at_most_is_heard(watched: Stage) -> None:
    assert all(any(look.muted) for look in watched.seen["looks"])


def test_cut_button_cuts(watched: Stage) -> None:
    assert watched.seen["cut"]["state"] == "cut"
    assert watched.seen["cut"]["requested"] == "cut"
    assert set(watched.left_between(watched.seen["pressed"] + 1, watched.seen["taken back"])) == {None}


def test_page_says_within_a_second_that_the_cut_is_in_force(watched: Stage) -> None:
    assert watched.seen["says cut"]
    assert watched.seen["cut shown"] - watched.seen["pressed"] < 1


def test_restore_key_restores(watched: Stage) -> None:
    assert watched.seen["restored"]["requested"] == "live"
    assert 25 < watched.seen["restored"]["returns_in_s"] < 33


def test_program_player_shows_filler_after_a_cut_and_preview_goes_on(watched: Stage) -> None:
    pvw, pgm = watched.seen["after the cut"].marks
    assert pvw is not None
    assert pgm is None


def test_page_has_no_errors(watched: Stage) -> None:
    assert watched.seen["problems"] == []


def test_page_says_so_when_the_link_is_lost_and_comes_back_by_itself(watched: Stage) -> None:
    assert watched.seen["says lost"]
    assert watched.seen["found again"]
    assert watched.seen["after the console"].marks[0] is not None


def test_a_multiview_plays_what_comes_in_and_its_cut_key_acts_on_the_chosen_channel(watched: Stage) -> None:
    tiles = watched.seen["tiles"]
    assert set(tiles) >= {"idle", "operated", "clean", "changed", "cameras", watched.name}
    assert tiles[watched.name] == "playing"
    assert list(tiles.values()).count("playing") >= 2  # others' encoders come and go meanwhile
    assert watched.seen["tile says cut"]
    assert watched.seen["cut channels"] == [watched.name]
