"""Commands on spans, and what is told of spans: by the packets of the camera that is wanted on air."""

import pytest
from fakes.media import AUDIO, AVCC, video, video_track

from streamgate.clock import now_us, wall_at
from streamgate.core.gate import SECOND_US, Gate
from streamgate.core.packet import FeedFormat
from streamgate.core.standby import STANDBY
from streamgate.link.messages import Condemn, Move, Redact
from streamgate.playout.marks import Marks

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)


def test_the_keyframes_told_are_of_the_camera_whose_pictures_spans_are_fitted_to() -> None:
    begin = now_us()
    gate = Gate(30)
    gate.start(begin)
    gate.feed(FEED, begin)
    gate.standby_feed(FEED, begin)
    for n in range(100):
        at = begin + n * 40_000
        gate.packet(video(n, gop=50), at)
        gate.standby_packet(video(n + 25, gop=50), at)
    now = begin + 4 * SECOND_US
    marks = Marks("main", gate, lambda *_: None)

    def told() -> list[float]:
        return [round(at - wall_at(now) + 4, 2) for at in marks.keyframes_at(now)]

    assert told() == [0, 2]
    gate.air_backup(STANDBY, now, "console:ann")
    assert told() == [1, 3]
    span = gate.mark("condemn", (begin + SECOND_US, begin + 2 * SECOND_US), now)
    assert gate.marking.reach(span, now).last == begin + 3 * SECOND_US - 1000, "where it really ends"


ANN, BEN = "console:ann", "console:ben"


@pytest.fixture
def marks() -> Marks:
    """Marks of a gate that has held its feed for ten seconds."""
    now = now_us()
    gate = Gate(30)
    gate.start(now - 10 * SECOND_US)
    gate.feed(FEED, now - 10 * SECOND_US)
    for n in range(250):
        gate.packet(video(n, gop=50), now - 10 * SECOND_US + n * 40_000)
    return Marks("main", gate, lambda *_: None)


def test_pulling_the_end_of_replaced_sound_leaves_its_start_where_it_is(marks: Marks) -> None:
    made = marks.carry_out(Redact(1, channel="main", from_s=-9.0, to_s=-7.0, with_="mute"), ANN, "")
    assert made is not None
    for _ in range(3):
        (told,) = marks.statuses(now_us())
        assert told.to_at is not None
        pull = Move(2, channel="main", span=told.id, from_at=told.from_at, to_at=told.to_at + 0.5)
        moved = marks.carry_out(pull, ANN, "")
        assert moved is not None
    assert moved.first_us == made.first_us
    assert moved.last_us == pytest.approx((made.last_us or 0) + 1_500_000, abs=5_000)


def test_a_move_that_waits_says_its_ends_and_a_second_person_who_sends_them_confirms_it(marks: Marks) -> None:
    marks.needs_two = True
    made = marks.carry_out(Condemn(1, channel="main", from_s=-9.0, to_s=-3.0), ANN, "")
    assert made is not None
    narrow = Move(
        2, channel="main", span=made.span, from_at=made.from_at + 2, to_at=made.from_at + 4, may_uncover=True
    )
    assert marks.carry_out(narrow, ANN, "harmless") is None
    waiting = marks.waiting(now_us())
    assert waiting is not None
    assert (waiting.from_at, waiting.to_at) == (
        pytest.approx(narrow.from_at, abs=0.001),
        pytest.approx(narrow.to_at, abs=0.001),
    )
    confirmed = Move(
        3, channel="main", span=waiting.span, from_at=waiting.from_at, to_at=waiting.to_at, may_uncover=True
    )
    moved = marks.carry_out(confirmed, BEN, waiting.reason)
    assert moved is not None
    assert moved.first_us == pytest.approx(made.first_us + 2 * SECOND_US, abs=45_000), "to a picture"
    assert moved.last_us == pytest.approx(made.first_us + 4 * SECOND_US, abs=45_000)
    assert marks.waiting(now_us()) is None


def test_a_second_person_with_other_ends_lets_nothing_air_that_the_first_did_not(marks: Marks) -> None:
    marks.needs_two = True
    made = marks.carry_out(Condemn(1, channel="main", from_s=-9.0, to_s=-3.0), ANN, "")
    assert made is not None
    at, span = made.from_at, made.span
    front = Move(2, channel="main", span=span, from_at=at + 2, to_at=at + 6, may_uncover=True)
    back = Move(3, channel="main", span=span, from_at=at, to_at=at + 4, may_uncover=True)
    assert marks.carry_out(front, ANN, "harmless") is None
    moved = marks.carry_out(back, BEN, "harmless")
    assert moved is not None
    assert moved.first_us <= made.first_us
    assert (moved.last_us or 0) >= (made.last_us or 0) - 2_000


def test_what_waits_and_is_no_move_has_no_ends(marks: Marks) -> None:
    assert marks.agree_to_restore(ANN, "false alarm") is None
    waiting = marks.waiting(now_us())
    assert waiting is not None
    assert (waiting.from_at, waiting.to_at) == (None, None)
