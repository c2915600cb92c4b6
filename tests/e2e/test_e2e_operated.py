"""Proof 2: cut, restore, backup, dump, a lost encoder, a lost platform, more delay: all in one broadcast."""

from itertools import pairwise

import pytest
from stage import Stage
from tools.recording import Recording, decode_errors
from tools.serve import Done

FRAME_MS = 1000 / 30
SOUND_MS = 10  # half of 1024 samples at 48 kHz: how much sound may lie over other sound where feeds join
GOP_S = 2.0
# What a command line needs to have its bytes in the kernel and seen by the tap on a busy machine.
SLACK_S = 0.1


def recording(stage: Stage) -> Recording:
    return stage.recordings()[0]


# ---------------------------------------------------------------- cut and restore


def test_cut_falls_in_the_middle_of_a_group_of_pictures(operated: Stage) -> None:
    cut = operated.done["cut"]
    last = [frame for frame in operated.left_between(0, cut.ended_s) if frame is not None][-1]
    assert 2 < last % 60 < 57


def test_nothing_live_leaves_after_a_cut(operated: Stage) -> None:
    cut, restore = operated.done["cut"], operated.done["restore"]
    after = operated.left_between(cut.ended_s, restore.ended_s + 25)
    assert len(after) > 25 * 25
    assert set(after) == {None}


def test_what_a_cut_condemned_never_airs(operated: Stage) -> None:
    cut, restore = operated.done["cut"], operated.done["restore"]
    condemned = operated.arrived_between(cut.ended_s - 30 + SLACK_S, restore.began_s)
    assert len(condemned) > 30 * 30
    assert condemned.isdisjoint(recording(operated).numbers(feed=1))
    assert condemned.isdisjoint(passage.frame for passage in operated.pictures())


def test_restore_returns_at_the_first_keyframe_one_delay_later(operated: Stage) -> None:
    restore = operated.done["restore"]
    first = next(passage for passage in operated.pictures() if passage.left_s > restore.ended_s)
    assert first.frame in first_keyframes(operated, restore)
    assert 30 <= first.held_s < 30.5


def first_keyframes(stage: Stage, done: Done) -> set[int]:
    """Return the keyframe a command lets air first: it was carried out between its start and its end."""
    keyframes = [
        frame for frame in sorted(stage.arrived_between(done.began_s, done.ended_s + 5)) if frame % 60 == 0
    ]
    during = [frame for frame in keyframes if frame in stage.arrived_between(done.began_s, done.ended_s)]
    return {keyframes[0], keyframes[len(during)]}


def test_states_around_a_cut(operated: Stage) -> None:
    assert operated.done["cut"].json["channel"] == "operated"
    assert operated.done["cut"].json["state"] == "cut"
    assert operated.done["cut"].json["took_ms"] < 1000
    assert operated.seen["cut"]["state"] == "cut"
    assert operated.seen["cut"]["requested"] == "cut"
    assert operated.seen["restored"]["requested"] == "live"
    assert 27 < operated.seen["restored"]["returns_in_s"] <= 30 + GOP_S
    assert operated.seen["back"]["state"] == "live"


# ---------------------------------------------------------------- backup


def test_backup_airs_the_clip_and_nothing_live(operated: Stage) -> None:
    backup, live = operated.done["backup"], operated.done["live"]
    assert set(operated.left_between(backup.ended_s + SLACK_S, live.began_s)) == {None}
    clip = recording(operated).numbers(feed=3)
    assert set(clip) == set(range(125))  # five seconds at 25 fps, looped


def test_backup_clip_is_looped_from_its_end_to_its_start(operated: Stage) -> None:
    clip = recording(operated).numbers(feed=3)
    steps = {b - a for a, b in pairwise(clip)}
    assert steps <= {0, 1, 2, -124}  # 25 fps conformed to 30: some pictures twice


def test_live_returns_at_the_next_keyframe(operated: Stage) -> None:
    live = operated.done["live"]
    first = next(passage for passage in operated.pictures() if passage.left_s > live.began_s)
    assert first.frame is not None
    assert first.frame % 60 == 0
    assert first.left_s - live.ended_s < GOP_S + 0.5
    assert operated.seen["backup"]["state"] == "backup"


def test_backup_clip_goes_on_until_live_returns(operated: Stage) -> None:
    """No flash of the slate between."""
    frames = recording(operated).frames
    clip = [i for i, shown in enumerate(frames) if shown.mark is not None and shown.mark.feed == 3]
    assert all(shown.mark is not None for shown in frames[clip[0] : clip[-1] + 2])
    after = frames[clip[-1] + 1].mark
    assert after is not None
    assert after.feed == 1


def test_backup_condemns_nothing(operated: Stage) -> None:
    """What was not yet due when the clip aired airs afterwards."""
    first = next(p for p in operated.pictures() if p.left_s > operated.done["live"].began_s)
    assert 30 <= first.held_s < 30.5


# ---------------------------------------------------------------- dump


def test_dump_takes_out_exactly_the_newest_seconds(operated: Stage) -> None:
    dump = operated.done["dump"]
    dumped = operated.arrived_between(dump.ended_s - 5 + SLACK_S, dump.began_s)
    assert len(dumped) > 3 * 30
    assert dumped.isdisjoint(recording(operated).numbers(feed=1))
    before = operated.arrived_between(dump.began_s - 12, dump.began_s - 5 - SLACK_S)
    assert before <= {passage.frame for passage in operated.pictures()}


def test_program_returns_at_the_first_keyframe_after_a_dump(operated: Stage) -> None:
    dump = operated.done["dump"]
    later = sorted(operated.arrived_between(dump.began_s, operated.seen["encoder lost"] - SLACK_S))
    aired = {passage.frame for passage in operated.pictures()}
    back = min(frame for frame in later if frame in aired)
    assert back in first_keyframes(operated, dump)
    assert {frame for frame in later if frame >= back} <= aired


def test_program_goes_on_until_a_dump_reaches_air(operated: Stage) -> None:
    dump = operated.done["dump"]
    assert None not in operated.left_between(dump.ended_s, dump.began_s + 25 - SLACK_S)


# ---------------------------------------------------------------- encoder and platform


def test_lost_encoder_is_covered_by_filler_and_returns_by_itself(operated: Stage) -> None:
    lost = operated.seen["encoder lost"]
    later = [passage for passage in operated.pictures() if passage.arrival_s > lost + SLACK_S]
    assert later[0].frame is not None
    assert later[0].frame % 60 == 0
    assert later[0].held_s < 30.5
    covered = operated.left_between(lost + 30.5, later[0].left_s)
    assert len(covered) > 2 * 25
    assert set(covered) == {None}


def test_only_the_platform_that_died_sees_a_reconnect(operated: Stage) -> None:
    assert operated.second_platform is not None
    first = [
        publish for publish in operated.platform.published("operated") if publish.began_s < end(operated)
    ]
    other = [
        publish
        for publish in operated.second_platform.published("operated-other")
        if publish.began_s < end(operated)
    ]
    assert len(first) == 1
    assert len(other) == 2


def end(stage: Stage) -> float:
    return stage.done["stop"].began_s


def test_platform_that_comes_back_is_on_air_within_seconds(operated: Stage) -> None:
    assert operated.second_platform is not None
    again = operated.second_platform.published("operated-other")[1]
    assert again.began_s - operated.seen["platform back"] < 10
    states = {one["state"] for one in operated.seen["platform lost"]["destinations"]}
    assert "live" in states
    assert states & {"backoff", "connecting"}


def test_recording_of_the_platform_that_came_back_decodes(operated: Stage) -> None:
    assert operated.second_platform is not None
    second = operated.second_platform.recordings("operated-other")[1]
    assert decode_errors(second) == ""
    assert max(Recording(second).picture_gaps_ms()) <= 100  # as the program's own, below


# ---------------------------------------------------------------- delay


def test_no_live_packet_ever_leaves_before_30_seconds(operated: Stage) -> None:
    held = [
        passage.held_s for tap in (operated.exit, operated.other_exit) for passage in operated.passages(tap)
    ]
    assert len(held) > 80 * 30
    assert min(held) >= 30.0


def test_raised_delay_holds_from_the_next_keyframe_with_filler_between(operated: Stage) -> None:
    delay, stop = operated.done["delay"], operated.done["stop"]
    assert delay.code == 0, delay.err
    later = [passage for passage in operated.passages() if delay.ended_s < passage.left_s < stop.began_s]
    held_more = [passage for passage in later if passage.held_s >= 35.0]
    assert len(held_more) > 5 * 30
    rest_of_group = [passage for passage in later if passage.held_s < 35.0]
    assert all(passage.left_s < delay.ended_s + GOP_S + 0.2 for passage in rest_of_group)
    assert {passage.frame for passage in rest_of_group}.isdisjoint(p.frame for p in held_more if p.frame)
    pictures = [message for message in operated.exit.of("video") if message.first_s < stop.began_s]
    first = next(passage for passage in held_more if passage.kind == "video")
    assert first.frame is not None
    assert first.frame % 60 == 0
    filler = [
        m
        for m in pictures
        if delay.ended_s < m.first_s < first.left_s and m.digest not in operated.media.frames
    ]
    assert 4.5 * 30 < len(filler) < 5.5 * 30
    assert operated.seen["delayed more"]["delay_s"] == 35
    assert operated.seen["delayed more"]["state"] == "live"


def test_raised_delay_loses_no_frame(operated: Stage) -> None:
    delay, stop = operated.done["delay"], operated.done["stop"]
    aired = [
        passage.frame
        for passage in operated.pictures()
        if passage.frame is not None and delay.began_s - 1 < passage.left_s < stop.began_s - 0.2
    ]
    assert len(aired) > 6 * 30
    # at both ends B-frames leave after frames that are shown later
    assert set(range(min(aired) + 3, max(aired) - 3)) <= set(aired)


# ---------------------------------------------------------------- stop


def test_stop_ends_the_broadcast_though_the_encoder_goes_on(operated: Stage) -> None:
    stop = operated.done["stop"]
    assert stop.json["state"] == "stopped"
    assert operated.seen["stopped"]["state"] == "stopped"
    again = operated.encoders[-1].starts[0]
    assert operated.left_between(stop.ended_s + SLACK_S, again) == []


def test_fresh_publish_starts_a_new_broadcast(operated: Stage) -> None:
    assert operated.seen["started again"]["state"] == "filling"
    assert len(operated.platform.published("operated")) == 2


# ---------------------------------------------------------------- the recording as a whole


def test_recording_decodes_without_one_error(operated: Stage) -> None:
    assert decode_errors(recording(operated).path) == ""


def test_frames_air_in_order_and_never_twice(operated: Stage) -> None:
    numbers = recording(operated).numbers(feed=1)
    assert numbers == sorted(set(numbers))


def test_recording_shows_exactly_the_live_pictures_that_left(operated: Stage) -> None:
    left = {passage.frame for passage in operated.pictures()}
    assert set(recording(operated).numbers(feed=1)) == left


def test_there_is_no_gap_over_100_ms(operated: Stage) -> None:
    assert max(recording(operated).picture_gaps_ms()) <= 100
    assert max(recording(operated).dts_steps("video")) <= 100
    assert max(recording(operated).dts_steps("audio")) <= 100


def test_the_platform_never_waits(operated: Stage) -> None:
    """On the wall clock too: platforms end a stream that stalls."""
    times = [message.last_s for message in operated.exit.of("video") if message.last_s < end(operated)]
    assert max(b - a for a, b in pairwise(times)) < 1.0


def test_time_is_monotonic_across_every_splice(operated: Stage) -> None:
    assert min(recording(operated).dts_steps("video")) > 0
    assert min(recording(operated).picture_gaps_ms()) > 0


def test_no_sound_lies_over_other_sound(operated: Stage) -> None:
    assert min(recording(operated).dts_steps("audio")) >= SOUND_MS


def test_sound_stays_within_a_frame_of_the_picture(operated: Stage) -> None:
    skews = recording(operated).skews_ms(feed=1)
    assert len(skews) > 50
    assert max(abs(skew) for skew in skews) <= FRAME_MS


def test_sound_of_condemned_pictures_is_not_heard(operated: Stage) -> None:
    """Every whole tone belongs to a picture that aired beside it."""
    assert len(recording(operated).skews_ms(feed=1)) == len(recording(operated).tones)


def test_one_set_of_parameters_for_the_whole_broadcast(operated: Stage) -> None:
    headers = [m for m in operated.exit.connections[0].messages if m.kind == "video_header"]
    assert len(headers) == 1


@pytest.mark.parametrize("name", ["cut", "restore", "backup", "live", "dump", "stop"])
def test_every_command_answers_in_time(operated: Stage, name: str) -> None:
    done = operated.done[name]
    assert done.code == 0, done.err
    assert done.ended_s - done.began_s < 5
