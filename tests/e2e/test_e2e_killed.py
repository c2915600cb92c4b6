"""Proof 4: kill -9 of ingest, console and gate, in turn, during a broadcast, seen from the platform."""

from stage import Stage
from tools.recording import decode_errors

SOUND_MS = 10  # half of 1024 samples at 48 kHz: how much sound may lie over other sound where feeds join


def test_dead_ingest_costs_the_platform_nothing_but_a_change_of_picture(killed: Stage) -> None:
    dead, gate_dead = killed.seen["ingest killed"], killed.seen["gate killed"]
    connections = [c for c in killed.exit.connections if c.opened_s < gate_dead]
    assert len(connections) == 1
    assert None not in killed.left_between(dead, dead + 29)
    later = [passage for passage in killed.pictures() if dead + 1 < passage.arrival_s < gate_dead]
    assert later[0].frame is not None
    assert later[0].frame % 60 == 0
    assert later[0].arrival_s - dead < 10


def test_everything_the_dead_ingest_had_received_airs(killed: Stage) -> None:
    dead = killed.seen["ingest killed"]
    received = killed.arrived_between(killed.began_s, dead - 0.5)
    assert received <= {passage.frame for passage in killed.pictures()}


def test_dead_console_changes_nothing_on_air(killed: Stage) -> None:
    dead = killed.seen["console killed"]
    around = killed.left_between(dead, dead + 10)
    assert len(around) > 9 * 30
    assert None not in around


def test_health_says_so_and_the_console_comes_back(killed: Stage) -> None:
    healths = killed.seen["healths"]
    assert set(healths) - {200} != set()
    assert healths[-1] == 200


def test_dead_gate_has_a_picture_on_air_within_3_seconds(killed: Stage) -> None:
    """Filler, or the feed where a keyframe of it fell due before the platform was connected again."""
    dead = killed.seen["gate killed"]
    first = next(message for message in killed.exit.of("video") if message.first_s > dead + 0.2)
    assert first.first_s - dead < 3
    assert first.keyframe


def test_dead_gate_lets_nothing_out_that_is_young_or_was_due_before_its_death(killed: Stage) -> None:
    dead = killed.seen["gate killed"]
    later = [passage for passage in killed.passages() if passage.left_s > dead + 0.2]
    assert len(later) > 24 * 30
    assert min(passage.arrival_s for passage in later) > dead - 30
    assert min(passage.held_s for passage in killed.passages()) >= 30.0


def test_live_is_back_from_the_recording_at_the_next_keyframe(killed: Stage) -> None:
    dead = killed.seen["gate killed"]
    first = next(passage for passage in killed.pictures() if passage.left_s > dead + 0.2)
    assert first.left_s - dead < 3 + 2 + 1  # filler within 3 s; a keyframe every 2 s
    assert first.frame is not None
    assert first.frame % 60 == 0


def test_what_was_recorded_airs_without_a_hole_until_shortly_before_the_death(killed: Stage) -> None:
    dead = killed.seen["gate killed"]
    back = [passage for passage in killed.pictures() if passage.left_s > dead + 0.2]
    came = killed.arrived_between(back[0].arrival_s, dead - 4)  # a group in memory, a busy writer
    assert len(came) > 20 * 30
    assert came <= {passage.frame for passage in back}
    assert max(passage.held_s for passage in back) < 32


def test_what_arrives_anew_airs_as_soon_as_the_floor_allows(killed: Stage) -> None:
    dead = killed.seen["gate killed"]
    first = next(passage for passage in killed.pictures() if passage.arrival_s > dead)
    assert first.left_s - dead < 30 + 3 + 2 + 1


def test_encoder_is_not_disturbed_by_a_dead_gate(killed: Stage) -> None:
    starts = [start for start in killed.encoders[0].starts if start < killed.done["cut"].began_s]
    assert len(starts) == 2  # the second one is the dead ingest's


def test_channel_after_the_gate_came_back(killed: Stage) -> None:
    assert killed.seen["gate restarted"]["state"] in ("filling", "live")
    assert killed.seen["gate restarted"]["returns_in_s"] or killed.seen["gate restarted"]["state"] == "live"


def test_cut_works_with_the_console_stopped(killed: Stage) -> None:
    cut = killed.done["cut"]
    assert cut.json["state"] == "cut"
    assert killed.seen["cut"]["state"] == "cut"
    after = killed.left_between(cut.ended_s, cut.ended_s + 2)
    assert len(after) > 30
    assert set(after) == {None}


def test_sigterm_on_air_ends_serve_within_5_seconds(killed: Stage) -> None:
    code, took_s = killed.seen["exit"]
    assert code == 0
    assert took_s < 5


def test_each_recording_decodes(killed: Stage) -> None:
    recordings = killed.recordings()
    assert len(recordings) == 2
    for recording in recordings:
        assert decode_errors(recording.path) == ""
        assert max(recording.picture_gaps_ms()) <= 100
        assert min(recording.dts_steps("video")) > 0
        assert min(recording.dts_steps("audio")) >= SOUND_MS


def test_frames_air_in_order_and_never_twice(killed: Stage) -> None:
    numbers = [number for recording in killed.recordings() for number in recording.numbers(feed=1)]
    assert numbers == sorted(set(numbers))
