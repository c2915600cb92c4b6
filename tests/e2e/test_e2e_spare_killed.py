"""kill -9 of the gate while the standby camera airs: its ring is refilled, and the floor holds for it."""

from scenarios import SPARE_FRAME
from stage import Stage
from tools.recording import decode_errors

from streamgate.ledger.read import read


def test_nothing_of_either_camera_leaves_before_30_seconds(spare: Stage) -> None:
    held = [passage.held_s for passage in spare.passages()]
    assert len(held) > 30 * 25
    assert min(held) >= 30.0


def test_the_standby_is_back_from_its_recording_at_its_next_keyframe(spare: Stage) -> None:
    dead = spare.seen["killed"]
    first = next(passage for passage in spare.pictures() if passage.left_s > dead + 0.2)
    assert first.left_s - dead < 3 + 2 + 1  # filler within 3 s; a keyframe every 2 s
    assert first.frame is not None
    assert first.frame >= SPARE_FRAME
    assert first.frame % 60 == 0
    assert first.arrival_s < dead


def test_what_was_recorded_of_it_airs_without_a_hole_but_for_what_is_condemned(spare: Stage) -> None:
    dead, span = spare.seen["killed"], spare.done["condemn"]
    back = [passage for passage in spare.pictures() if passage.left_s > dead + 0.2]
    aired = {passage.frame for passage in back}
    # the gate counts from some moment between the command's begin and its end
    condemned = {one for one in spare.arrived_between(span.ended_s - 11.9, span.began_s - 1.1) if _spare(one)}
    assert len(condemned) > 30
    assert not condemned & aired
    begin = back[0].arrival_s
    whole = {one for one in spare.arrived_between(begin, span.began_s - 12.5) if _spare(one)}
    after = {one for one in spare.arrived_between(span.ended_s + 1.1, dead - 3) if _spare(one)}
    assert len(whole) > 3 * 30
    assert whole <= aired
    assert after <= aired


def test_the_main_camera_does_not_air_in_its_place(spare: Stage) -> None:
    there = next(one for one in spare.pictures() if _spare(one.frame))
    later = [passage.frame for passage in spare.pictures() if passage.left_s > there.left_s]
    assert [frame for frame in later if not _spare(frame)] == []


def test_what_arrives_anew_airs_as_soon_as_the_floor_allows(spare: Stage) -> None:
    dead = spare.seen["killed"]
    first = next(passage for passage in spare.pictures() if passage.arrival_s > dead)
    assert _spare(first.frame)
    assert first.left_s - dead < 30 + 3 + 2 + 1


def test_it_is_said_and_the_backup_is_still_the_standby(spare: Stage) -> None:
    seen = spare.seen["restarted"]
    assert (seen["state"], seen["filler"]) == ("backup", "standby")
    said = [record["code"] for record in read(spare.gate.directory / "ledger", kind="notice")]
    assert "standby_refilled" in said
    assert "standby_not_refilled" not in said


def test_the_program_decodes_and_no_frame_airs_twice(spare: Stage) -> None:
    recordings = spare.recordings()
    assert len(recordings) == 2  # the platform's connection is the gate process's
    for recording in recordings:
        assert decode_errors(recording.path) == ""
        assert min(recording.dts_steps("video")) > 0
    numbers = [number for recording in recordings for number in recording.numbers(feed=1)]
    assert len(numbers) == len(set(numbers))


def test_the_record_proves_it(spare: Stage) -> None:
    broadcast = spare.seen["restarted"]["broadcast"]
    done = spare.gate.command("verify", str(spare.gate.directory), "--broadcast", broadcast, seconds=60)
    assert f"{broadcast}: delay proven" in done.out, done.out + done.err


def _spare(frame: int | None) -> bool:
    return frame is not None and frame >= SPARE_FRAME
