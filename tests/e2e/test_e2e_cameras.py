"""Main camera and standby in one broadcast, judged by the time code of what the platform received."""

from stage import Stage
from tools.recording import Recording, decode_errors
from tools.timecode import frames_by_payload
from turns import long_runs, turns

SLACK_S = 0.1
MAIN, OTHER, MUTE = 1, 4, 5


def recording(stage: Stage) -> Recording:
    (only,) = stage.recordings()
    return only


def test_there_and_back_with_nothing_between_and_a_cut_covers_both(cameras: Stage) -> None:
    assert turns(recording(cameras)) == [None, MAIN, OTHER, MAIN, MUTE, None, OTHER, MAIN]


def test_every_command_was_carried_out_but_the_one_without_a_camera(cameras: Stage) -> None:
    failed = {name for name, done in cameras.done.items() if done.code != 0}
    assert failed == {"too early"}
    assert "standby camera" in cameras.done["too early"].err


def test_a_switch_comes_within_a_group_of_pictures(cameras: Stage) -> None:
    """The other camera's payloads are on the wire a keyframe's interval after the command, at most."""
    other = frames_by_payload(cameras.media.other, 25)
    there = cameras.done["there"]
    first = next(one.first_s for one in cameras.exit.of("video") if one.digest in other)
    assert first - there.ended_s < 2.5


def test_each_camera_airs_in_order_and_without_a_hole(cameras: Stage) -> None:
    for feed in (OTHER, MUTE):
        long = long_runs(recording(cameras).numbers(feed))
        assert len(long) == (2 if feed == OTHER else 1), [(run[0], run[-1]) for run in long]
        assert all(run[0] % 50 == 0 or run[0] % 60 == 0 for run in long)


def test_nothing_of_either_camera_leaves_before_30_seconds(cameras: Stage) -> None:
    held = [passage.held_s for passage in cameras.passages()]
    assert len(held) > 60 * 25
    assert min(held) >= 30.0


def test_nothing_of_either_camera_that_a_cut_condemned_airs(cameras: Stage) -> None:
    cut, restore = cameras.done["cut"], cameras.done["restore"]
    known = {one.digest for one in cameras.sent("video")}
    left = [one for one in cameras.exit.of("video") if one.digest in known]
    between = [one for one in left if cut.ended_s + SLACK_S < one.first_s < restore.ended_s + 29]
    assert between == []


def test_the_program_is_one_timeline_that_decodes(cameras: Stage) -> None:
    assert len(cameras.exit.connections) == 1
    assert decode_errors(recording(cameras).path) == ""
    assert min(recording(cameras).dts_steps("video")) > 0
    assert max(recording(cameras).picture_gaps_ms()) <= 120
    assert max(recording(cameras).dts_steps("audio")) <= 100


def test_states_and_backups_say_so(cameras: Stage) -> None:
    seen = cameras.seen["standby on air"]
    assert (seen["state"], seen["filler"]) == ("backup", "standby")
    assert {key: value for key, value in seen["clips"][-1].items() if key in {"name", "ready"}} == {
        "name": "standby",
        "ready": True,
    }
    assert cameras.seen["restored to the standby"]["state"] == "backup"


def test_each_camera_is_recorded(cameras: Stage) -> None:
    archive = cameras.gate.directory / "archive"
    for name, feeds in (("cameras", {MAIN}), ("cameras-standby", {OTHER, MUTE})):
        parts = [path for path in (archive / name).rglob("*") if path.suffix in {".mp4", ".flv"}]
        marks = [shown.mark for path in parts for shown in Recording(path).frames]
        assert {mark.feed for mark in marks if mark is not None} == feeds


def test_the_record_proves_what_aired_of_either_camera(cameras: Stage) -> None:
    """Packets that aired are found in the recording of the camera that sent them."""
    broadcast = cameras.seen["standby on air"]["broadcast"]
    done = cameras.gate.command("verify", str(cameras.gate.directory), "--broadcast", broadcast, seconds=60)
    assert f"{broadcast}: delay proven" in done.out, done.out + done.err
