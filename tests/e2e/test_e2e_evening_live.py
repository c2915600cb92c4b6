"""People at their pages during a broadcast, judged from what the platform received and from the ledger.

What they do is in evening_scenario: two channels of one `serve`, real encoders, a platform; 2 minutes on air.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import evening_scenario
import pytest
from evening_scenario import ABSENT_S, ASK_S, HOLD_S, NOTE
from redaction import GROUP, covered, judge_mosaic, judge_mute
from stage import Media, Passage, Stage
from tools import timecode
from tools.nginx import Platform
from tools.recording import Recording, decode_errors
from tools.serve import Gate
from tools.tap import Loop
from tools.timecode import slices_hash
from turns import long_runs, turns

from streamgate.ledger.read import read

pytestmark = pytest.mark.evening
MAIN, STANDBY = 1, 4
KEYFRAME_S = 2.0  # of both cameras
PEOPLE = {
    "olga": ("director",),
    "pia": ("operator",),
    "ann": ("operator",),
    "ben": ("operator",),
    "dirk": ("administrator", "director"),
    "lena": ("director",),
}
CHINESE = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True)
class Live:
    """The two channels after their broadcast: `main` with two cameras, `duty` with somebody on duty."""

    main: Stage
    duty: Stage


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("evening-live")
    feed = timecode.make(directory / "feed.flv", feed=MAIN, seconds=180)
    standby = timecode.make(
        directory / "standby.flv",
        feed=STANDBY,
        seconds=120,
        size=(480, 270),
        fps=25,
        sound_format=(44100, 1),
    )
    backup = timecode.make(directory / "backup.mp4", feed=3, seconds=5, size=(1280, 720), fps=25, audio=False)
    # Nobody sends the clip without sound here.
    frames = timecode.frames_by_payload(feed, hash_picture=slices_hash)
    media = Media(feed, frames, backup, other=standby, mute=standby)
    with ExitStack() as stack:
        loop = Loop()
        stack.callback(loop.close)
        platform = Platform(directory / "platform")
        stack.callback(platform.close)
        gate = Gate(directory / "gate")
        stages = [
            # Cameras that differ: parameter sets are in band.
            Stage(name, gate, platform, media, loop, directory, hash_picture=slices_hash)
            for name in ("main", "duty")
        ]
        gate.start()
        stack.callback(gate.stop)
        for stage in stages:
            stack.callback(stage.close)
        people = {name: gate.person(name, *roles) for name, roles in PEOPLE.items()}
        main, duty = stages
        with ThreadPoolExecutor(3) as pool:  # a browser belongs to a thread
            looking = pool.submit(evening_scenario.look_around, duty, people)
            runs = [
                pool.submit(evening_scenario.operate, main, people, looking),
                pool.submit(evening_scenario.watch_over, duty, people, looking),
            ]
        for run in runs:
            run.result()
        yield Live(main, duty)


def recording(stage: Stage) -> Recording:
    (only,) = stage.recordings()
    return only


def first_behind(stage: Stage, moment_s: float) -> Passage:
    """Return the first live picture of the feed that left after a moment."""
    return next(passage for passage in stage.pictures() if passage.left_s > moment_s)


def records(stage: Stage, kind: str) -> list[dict[str, Any]]:
    ledger = stage.gate.directory / "ledger"
    return [one for one in read(ledger, kind=kind) if one.get("channel") == stage.name]


# ---------------------------------------------------------------- redaction


def test_a_span_muted_by_keys_is_silent_and_its_pictures_go_on(live: Live) -> None:
    span = live.main.seen["mute"]
    assert (span["kind"], span["actor"], span["ready"]) == ("mute", "console:olga", True)
    judge_mute(live.main, span)


@pytest.mark.parametrize("name", ["noise", "code"])
def test_what_is_in_a_box_drawn_on_the_picture_cannot_be_read_and_the_rest_can(live: Live, name: str) -> None:
    """The one box covers the noise under the time code, the other one the time code."""
    span = live.main.seen[name]
    assert (span["kind"], span["actor"]) == ("mosaic", "console:olga")
    judge_mosaic(live.main, span, code=name == "code", noise=name == "noise")


def test_no_picture_but_those_under_a_mosaic_is_missing(live: Live) -> None:
    stage = live.main
    due = stage.arrived_between(stage.began_s, stage.seen["there"] - 30.5)
    missing = due - {passage.frame for passage in stage.pictures()}
    assert len(due) > 40 * timecode.FPS
    assert missing == covered(stage, stage.seen["noise"]) | covered(stage, stage.seen["code"])


# ---------------------------------------------------------------- cameras


def test_the_standby_camera_airs_by_a_key_and_the_main_one_again_by_another(live: Live) -> None:
    """In the order in which it aired; nothing can be read while filler airs, and under one of the mosaics."""
    assert turns(recording(live.main)) == [None, MAIN, None, MAIN, STANDBY, MAIN, None]
    assert "backup.mp4" in live.main.seen["offered first"]


def test_sound_is_heard_on_either_camera(live: Live) -> None:
    """A tone each second of either: at a switch, up to two seconds lie between; and what is muted."""
    received = recording(live.main)
    shown = [one.pts_s for one in received.frames if one.mark is not None]
    loud = [at for at in received.loud_s if shown[0] <= at <= shown[-1]]
    gaps = [after - before for before, after in pairwise(loud)]
    assert loud[0] - shown[0] < 1.1
    assert shown[-1] - loud[-1] < 1.1
    assert [gap > 3 for gap in gaps if gap > 2.1] == [True], "one is muted"


def test_a_switch_comes_at_the_next_keyframe_of_the_other_camera(live: Live) -> None:
    stage = live.main
    standby = {one.digest for one in stage.seen["standby sent"]}
    first = next(one for one in stage.exit.of("video") if one.digest in standby)
    assert first.keyframe
    assert 0 < first.first_s - stage.seen["there"] < KEYFRAME_S + 0.5
    (run,) = long_runs(recording(stage).numbers(STANDBY))
    assert run[0] % 50 == 0
    assert len(run) > 5 * 25
    back = first_behind(stage, max(stage.seen["back"], first.first_s))
    assert back.left_s - stage.seen["back"] < KEYFRAME_S + 0.5
    assert back.frame is not None
    assert back.frame % GROUP == 0


def test_nothing_of_either_camera_leaves_before_30_seconds(live: Live) -> None:
    stage = live.main
    came = {one.digest: one.last_s for one in stage.seen["standby sent"]}
    held = [one.first_s - came[one.digest] for one in stage.exit.of("video") if one.digest in came]
    assert len(held) > 5 * 25
    assert min(held) >= 30
    assert min(passage.held_s for passage in stage.passages()) >= 30
    assert min(passage.held_s for passage in live.duty.passages()) >= 30


@pytest.mark.parametrize("name", ["main", "duty"])
def test_the_program_is_one_timeline_that_decodes(live: Live, name: str) -> None:
    stage: Stage = getattr(live, name)
    received = recording(stage)
    assert len(stage.exit.connections) == 1
    assert decode_errors(received.path) == ""
    assert min(received.dts_steps("video")) > 0
    assert max(received.picture_gaps_ms()) <= 120
    assert max(received.dts_steps("audio")) <= 100


# ---------------------------------------------------------------- the phone


def test_a_touch_in_passing_does_not_cut(live: Live) -> None:
    seen = live.main.seen
    assert "Too short" in seen["phone says"][0]
    assert seen["after the short touch"]["state"] == "live"
    left = live.main.left_between(seen["touched in passing"], seen["held"])
    assert len(left) > 1.5 * timecode.FPS
    assert None not in left


def test_a_key_that_is_held_on_a_phone_cuts(live: Live) -> None:
    stage, seen = live.main, live.main.seen
    last_s = max(passage.left_s for passage in stage.pictures())
    assert HOLD_S - 0.1 < last_s - seen["held"] < HOLD_S + 1
    left = stage.left_between(last_s + 0.001, last_s + 60)
    assert len(left) > 2 * timecode.FPS
    assert set(left) == {None}
    assert seen["phone says cut"] - seen["held"] < HOLD_S + 1
    assert "CUT IN FORCE" in seen["phone says"][1]
    assert "CUT" in seen["phone says"][2]
    assert (seen["cut"]["requested"], seen["cut"]["cut"]["actor"]) == ("cut", "console:pia")


def test_each_command_stands_in_the_ledger_with_its_person(live: Live) -> None:
    commands = records(live.main, "command")
    told = [(one["what"], one["who"]) for one in commands if one["who"].startswith("console:")]
    assert told == [
        ("redact", "console:olga"),
        ("redact", "console:olga"),
        ("redact", "console:olga"),
        ("backup", "console:olga"),
        ("live", "console:olga"),
        ("cut", "console:pia"),
        ("stop", "console:olga"),
    ]
    assert [one.get("error", "") for one in commands] == [""] * len(commands)


# ---------------------------------------------------------------- duty


def test_backup_airs_once_nobody_on_duty_touched_anything_for_the_time(live: Live) -> None:
    stage, seen = live.duty, live.duty.seen
    assert (seen["there"]["state"], seen["there"]["duty"]["state"]) == ("live", "there")
    last_s = max(passage.left_s for passage in stage.pictures() if passage.left_s < seen["pressed"])
    # the console reports every 2 s: the last report before the time counts
    assert last_s - seen["signed"] >= ASK_S + ABSENT_S - 2.5
    assert last_s - seen["touched last"] < ASK_S + ABSENT_S + 8
    covered_by = stage.left_between(last_s + 0.001, seen["pressed"])
    assert len(covered_by) > 4 * timecode.FPS
    assert set(covered_by) == {None}
    assert (seen["covered"]["state"], seen["covered"]["filler"]) == ("backup", "backup.mp4")
    assert turns(recording(stage)) == [None, MAIN, 3, MAIN]


def test_both_pages_ask_and_then_raise_the_alarm(live: Live) -> None:
    asks, alarms = live.duty.seen["asks"], live.duty.seen["alarms"]
    assert re.search(r"Are you there\? Press any key\. Alarm in \d+ s", asks[0])
    assert re.search(r"duty: whoever is on duty, press any key \(alarm in \d+ s\)", asks[1])
    assert re.search(r"nobody on duty has been there for \d+ s \(ann\)", alarms[0])
    assert re.search(r"duty: nobody there for .*, backup is on air", alarms[1])


def test_a_key_brings_live_back_at_the_next_keyframe(live: Live) -> None:
    stage, seen = live.duty, live.duty.seen
    back = first_behind(stage, seen["pressed"])
    assert back.left_s - seen["pressed"] < KEYFRAME_S + 0.5
    assert back.frame is not None
    assert back.frame % GROUP == 0
    assert (seen["back"]["duty"]["state"], seen["back"]["requested"]) == ("there", "live")


def test_duty_is_handed_over_with_a_note_and_in_force_once_taken(live: Live) -> None:
    seen = live.duty.seen
    assert seen["until taken"] == "On duty: ann"
    assert f"ann hands duty over to you: {NOTE}" in seen["offered"]
    assert [one["user"] for one in seen["handed over"]["duty"]["people"]] == ["ben"]


def test_decisions_and_notices_of_duty_stand_in_the_ledger(live: Live) -> None:
    decided = [
        (one["what"], one["who"], one["args"].get("to"), one["args"].get("note"))
        for one in records(live.duty, "decision")
        if one["what"].startswith("duty.")
    ]
    assert decided == [
        ("duty.take", "console:ann", None, ""),
        ("duty.offer", "console:ann", "ben", NOTE),
        ("duty.accept", "console:ben", None, NOTE),
    ]
    changed = {
        change["name"]: change["new"]
        for one in records(live.duty, "decision")
        if (one["what"], one["who"]) == ("channel.change", "console:dirk")
        for change in one["changes"]
    }
    assert changed == {"duty_watch": "backup", "duty_ask_min": ASK_S / 60, "duty_absent_s": ABSENT_S}
    told = [one["code"] for one in records(live.duty, "notice") if one.get("who") == "duty"]
    assert [one for one in told if "notif" not in one] == [  # by the console, in its own time
        "duty_asked",
        "duty_absent",
        "duty_backup",
        "duty_live",
        "duty_back",
    ]


# ---------------------------------------------------------------- both languages


def test_the_language_is_switched_there_and_back_and_the_pictures_play_on(live: Live) -> None:
    words = live.duty.seen["words"]
    for name, lang, cut in (("en", "en", "CUT"), ("zh", "zh-CN", "切 断"), ("en again", "en", "CUT")):
        assert words[name]["lang"] == lang
        assert cut in words[name]["cut"]
        assert (CHINESE.search(words[name]["screen"]) is None) == (lang == "en"), words[name]["screen"]
    assert "LIVE" in words["en"]["state"]
    assert "播出中" in words["zh"]["state"]
    for name in ("to zh", "to en"):
        assert len(words[name]) == 2
        for there, held, played_s in words[name]:
            assert (there, held) == (True, False)
            assert 0.3 < played_s < 3


def test_no_screen_keeps_anybody_out_in_either_language(live: Live) -> None:
    assert live.duty.seen["findings"] == []


def test_no_page_logs_an_error(live: Live) -> None:
    assert live.main.seen["errors"] + live.duty.seen["errors"] == []
