"""An encoder that comes back with another picture size, frame rate and sound, and then without sound."""

from stage import Stage
from tools.recording import Recording, decode_errors


def recording(stage: Stage) -> Recording:
    recordings = stage.recordings()
    assert len(recordings) == 1
    return recordings[0]


def test_platform_sees_one_connection(changed: Stage) -> None:
    assert len(changed.exit.connections) == 1


def test_recording_decodes_without_one_error(changed: Stage) -> None:
    assert decode_errors(recording(changed).path) == ""


def test_every_feed_airs_whole_and_in_order(changed: Stage) -> None:
    feeds = [shown.mark.feed for shown in recording(changed).frames if shown.mark is not None]
    assert sorted(set(feeds)) == [1, 4, 5]
    assert feeds == sorted(feeds)
    for feed, least in ((1, 33 * 30), (4, 15 * 25), (5, 15 * 30)):
        numbers = recording(changed).numbers(feed)
        assert len(numbers) > least
        # the encoder ended between a frame and the B-frames shown before it
        assert numbers[:-3] == list(range(len(numbers) - 3))


def test_no_live_picture_leaves_before_30_seconds(changed: Stage) -> None:
    held = [passage.held_s for passage in changed.pictures()]
    assert len(held) > 60 * 25
    assert min(held) >= 30.0


def test_there_is_no_gap_beyond_what_the_encoder_left_unsent(changed: Stage) -> None:
    """An encoder may end between a picture and the two B-frames shown before it: 3 frames of 40 ms."""
    assert max(recording(changed).picture_gaps_ms()) <= 120
    assert min(recording(changed).dts_steps("video")) > 0
    assert max(recording(changed).dts_steps("audio")) <= 100


def test_operator_is_told_that_there_is_no_sound(changed: Stage) -> None:
    status = changed.seen["before the end of 58"]
    assert any("audio" in warning["code"] for warning in status["ingest"]["warnings"] + status["warnings"])
