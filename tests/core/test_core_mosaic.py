"""Mosaics in a gate: whole groups are exchanged, times stay, none is early; what is not there is filler."""

from itertools import pairwise

import pytest
from fakes.gate_trial import FEEDS, S
from fakes.media import AVCC, clip, video, video_track

from streamgate.core import mosaics
from streamgate.core.box import check_box, parse_box
from streamgate.core.edits import LIVE, Tally
from streamgate.core.gate import Gate
from streamgate.core.headers import airable
from streamgate.core.mosaic import READY_US
from streamgate.core.packet import FeedFormat, Kind, Packet, VideoTrack
from streamgate.core.redaction import SLATE
from streamgate.core.spans import MOSAIC
from streamgate.errors import Refused

FRAME, GOP = 40_000, 25
FEED = airable(FEEDS[1])  # pictures alone
TRACK = video_track(AVCC[1])
FACE = (0.25, 0.25, 0.5, 0.5)


class Air:
    """A gate fed with 25 pictures a second in IBPBP order, a keyframe a second."""

    def __init__(self, delay_s: float = 30) -> None:
        self.gate = Gate(delay_s)
        self.n = 0
        self.aired: list = []
        self.came: dict[int, int] = {}  # arrival of each picture by its PTS
        self.tally, self.pieces = Tally(), []
        self.gate.feed(FEEDS[1], 0)
        self.gate.install(clip(SLATE, TRACK), SLATE, FEED)
        self.gate.start(0)

    @property
    def now(self) -> int:
        return self.n * FRAME

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * GOP)):
            packet = self.packet(self.n)
            self.came[packet.pts] = self.now
            self.gate.packet(packet, self.now, self.n)
            out = self.gate.advance(self.now)
            self.aired += [(self.now, one) for one in out]
            self.pieces += self.tally.add(out, self.now, self.gate.why, self.gate.delay_us)
            self.n += 1

    def packet(self, n: int) -> Packet:
        return video(n, gop=GOP, reorder=1)

    def mark(self, first_s: float, last_s: float, box=None):
        ends = self.now + round(first_s * S), self.now + round(last_s * S)
        return self.gate.mark(MOSAIC, ends, self.now, "console:li", "why", box=box)

    def make(self, name: str = "m") -> int:
        """Make all mosaics that are wanted now; return of how many groups."""
        wanted = self.gate.mosaics_wanted(self.now)
        for number, (one, feed) in enumerate(wanted):
            made = clip(f"{name}{number}", TRACK, frames=len(one.packets))
            assert self.gate.install_mosaic(one, feed, made, self.now)
        return len(wanted)

    def shown(self, of: str) -> list:
        return [(at, one) for at, one in self.aired if one.redacted == of and one.packet.kind is Kind.VIDEO]

    def live(self) -> set[int]:
        return {one.number for _, one in self.aired if one.arrival_us is not None and not one.redacted}


def frames(first_s: float, last_s: float) -> set[int]:
    return set(range(round(first_s * GOP), round(last_s * GOP)))


def test_whole_groups_air_with_a_mosaic_and_every_time_stays():
    air = Air()
    air.run(40)
    span = air.mark(-12.5, -8.6, FACE)  # 27.5 to 31.4 of the feed
    reach = air.gate.marking.reach(span, air.now)
    assert (reach.first, reach.last) == (27 * S, 32 * S - 1000)
    assert not air.gate.can_redact(span)
    assert air.gate.mosaics.unfit(air.now) == set()
    assert air.make() == 5
    assert air.gate.can_redact(span)
    air.run(40)
    assert air.live() == frames(0, 50) - frames(27, 32)
    covered = air.shown(MOSAIC)
    assert len(covered) == 5 * GOP
    times = [one.packet.pts for _, one in air.aired if one.packet.kind is Kind.VIDEO and one.arrival_us]
    steps = {after - before for before, after in pairwise(sorted(times))}
    assert steps == {40}, "no picture is missing, none moved"
    dts = [one.packet.dts for _, one in air.aired if one.packet.kind is Kind.VIDEO]
    assert all(after - before == 40 for before, after in pairwise(dts))
    assert all(one.redacted_by == "console:li" for _, one in covered)
    assert not [one for one in air.gate.notices if one.code == "violation"]


def test_no_picture_of_a_mosaic_leaves_before_its_own_packet_is_due():
    air = Air()
    air.run(40)
    air.mark(-12.5, -8.6)
    air.make()
    air.run(40)
    shift = {
        one.packet.pts - video(one.number, gop=GOP, reorder=1).pts
        for _, one in air.aired
        if one.arrival_us is not None and not one.redacted
    }
    assert len(shift) == 1
    came = {pts + next(iter(shift)): at for pts, at in air.came.items()}
    held = [at - came[one.packet.pts] for at, one in air.shown(MOSAIC)]
    assert min(held) == 30 * S, "at once when it is due"
    assert max(held) <= 30 * S + 2 * FRAME, "with the packet before which it is shown"


def test_the_edit_list_says_which_clip_stands_for_which_pictures():
    air = Air()
    air.run(40)
    air.mark(-12.5, -11.6)
    air.make()
    air.run(40)
    air.pieces += air.tally.end()
    covered = [piece for piece in air.pieces if piece.why == MOSAIC]
    assert [(piece.source, piece.actor) for piece in covered] == [(LIVE, "console:li")] * 2
    pictures = [[run for run in piece.runs if run.track == "video"] for piece in covered]
    assert [[(run.clip, run.first, run.count, run.reorder) for run in runs] for runs in pictures] == [
        [("m0", 0, GOP, 40)],
        [("m1", 0, GOP, 40)],
    ]
    assert all(piece.held is not None and piece.held.min_us >= 30 * S for piece in covered)
    assert all(piece.part is not None for piece in covered)
    assert all(piece.header is None for piece in covered), "one header carries both"


def test_filler_airs_when_nothing_was_made():
    air = Air()
    air.run(40)
    span = air.mark(-12.5, -8.6)
    assert air.gate.mosaics_missed(air.now) == set()
    air.run(12.5)
    assert air.gate.mosaics_missed(air.now) == {span.id}, "5 s before its first picture airs"
    air.run(28)
    assert air.live() & frames(27.5, 32) == set()
    assert air.shown(MOSAIC) == []
    why = [piece.why for piece in air.pieces if piece.source != LIVE]
    assert MOSAIC in why


def test_what_comes_too_late_is_not_taken():
    air = Air()
    air.run(40)
    air.mark(-12.5, -8.6)
    (first, feed), *_ = air.gate.mosaics_wanted(air.now)
    air.run((first.due_us - READY_US - air.now) / S + 0.04)
    assert not air.gate.install_mosaic(first, feed, clip("m", TRACK, frames=GOP), air.now)


@pytest.mark.parametrize("frames_made", [GOP - 1, GOP + 1])
def test_what_does_not_fit_is_not_taken(frames_made: int):
    air = Air()
    air.run(40)
    air.mark(-8.5, -8.2)
    ((wanted, feed),) = air.gate.mosaics_wanted(air.now)
    assert not air.gate.install_mosaic(wanted, feed, clip("m", TRACK, frames=frames_made), air.now)
    other = clip("m", video_track(AVCC[0]), frames=GOP)  # of other parameter sets than the slate
    assert not air.gate.install_mosaic(wanted, feed, other, air.now)


def test_what_finds_no_room_is_wanted_again_when_half_has_aired(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mosaics, "MAX_READY", 40)
    air = Air(120)
    air.run(80)
    air.mark(-69.9, -10.1, FACE)  # 60 groups, from 10 s on
    taken = []
    for one, feed in air.gate.mosaics_wanted(air.now):
        made = clip("m", TRACK, frames=len(one.packets))
        taken.append(air.gate.install_mosaic(one, feed, made, air.now))
    assert taken == [True] * 40 + [False] * 20
    assert air.gate.mosaics_wanted(air.now) == [], "nothing is made in vain"
    air.run(72.1)  # 20 have aired, and 2 s are over
    assert air.make() == 20
    air.run(50)
    assert air.live() & frames(10, 70) == set()
    assert len(air.shown(MOSAIC)) == 60 * GOP


def test_whether_a_span_is_ready_is_asked_of_its_own_groups_alone(monkeypatch: pytest.MonkeyPatch):
    air = Air()
    air.run(40)
    marked = [air.mark(-0.5 - n, -0.4 - n, FACE) for n in range(2, 20)]
    asked, find = [], air.gate.spans.mosaics

    def count(first: int, last: int) -> list:
        asked.append(first)
        return find(first, last)

    monkeypatch.setattr(air.gate.spans, "mosaics", count)
    assert not any(air.gate.can_redact(span) for span in marked)
    assert len(asked) == len(marked), "of the 30 groups that are held each reaches one"


def test_a_second_box_over_a_group_that_is_made_wants_it_anew():
    air = Air()
    air.run(40)
    air.mark(-8.5, -8.2, FACE)
    assert air.make() == 1
    air.mark(-8.4, -8.1, (0.0, 0.0, 0.1, 0.1))
    ((wanted, _),) = air.gate.mosaics_wanted(air.now)
    assert wanted.group.boxes == {FACE, (0.0, 0.0, 0.1, 0.1)}
    air.run(40)  # nobody makes it
    assert air.live() & frames(31.5, 32) == set()
    assert air.shown(MOSAIC) == []


def test_what_is_marked_while_its_group_airs_is_filler():
    air = Air()
    air.run(40.4)
    span = air.mark(-29.9, -29.5)  # its keyframe has left
    assert not air.gate.can_redact(span)
    assert air.gate.mosaics_missed(air.now) == {span.id}, "nobody is told that it is covered"
    air.run(30)
    assert air.live() & frames(10.5, 11) == set()


def test_a_mosaic_on_air_is_ready_to_its_end_whatever_airs_in_its_place():
    air = Air()
    air.run(30)
    span = air.mark(-18.5, -16.6, FACE)
    assert air.make() == 3
    air.run(10)
    for backup in (False, True, False):
        air.run(0.8)
        assert air.gate.can_redact(span)
        assert air.gate.mosaics_missed(air.now) == set()
        if backup:
            air.gate.air_backup("hills", air.now)
    other = air.mark(-30, -29.8, (0.0, 0.0, 0.1, 0.1))
    assert air.gate.mosaics_missed(air.now) == {other.id}


def test_a_lifted_mosaic_airs_as_it_came():
    air = Air()
    air.run(40)
    span = air.mark(-8.5, -6.2)
    air.make()
    air.gate.lift(span, air.now)
    air.run(40)
    assert air.live() == frames(0, 50)


def test_it_is_condemned_all_the_same_where_somebody_says_so():
    air = Air()
    air.run(40)
    air.mark(-8.5, -6.2)
    air.make()
    air.gate.mark("condemn", (air.now - 8 * S, air.now - 7 * S), air.now, "console:wu")
    air.run(40)
    assert air.live() == frames(0, 50) - frames(31, 34)
    shown = [one.arrival_us for _, one in air.shown(MOSAIC)]
    assert not [at for at in shown if 32 * S <= at <= 33 * S]


def test_another_encoder_begins_with_a_mosaic_on_its_first_picture():
    air = Air()
    air.run(20)
    other = airable(FEEDS[2])  # of another size
    assert other.video is not None
    small = VideoTrack("h264", AVCC[1], other.video.width, other.video.height, 25, 1)
    air.gate.feed(FEEDS[2], air.now)
    air.gate.install(clip(SLATE, small), SLATE, other)
    air.run(20)
    span = air.mark(-20, -18.6, FACE)
    for number, (one, feed) in enumerate(air.gate.mosaics_wanted(air.now)):
        assert feed == other
        assert air.gate.install_mosaic(one, feed, clip(f"m{number}", small, len(one.packets)), air.now)
    assert air.gate.can_redact(span)
    air.run(40)
    assert air.live() == frames(0, 50) - frames(20, 22)
    covered = air.shown(MOSAIC)
    assert {one.arrival_us for _, one in covered} == {n * FRAME for n in frames(20, 22)}
    headers = [one.header for _, one in air.aired if one.header is not None]
    assert [header.video.width for header in headers] == [1280, 640], "announced with the mosaic"
    assert covered[0][1].header == headers[1]


class OpenAir(Air):
    """Two pictures behind each keyframe are shown before it, and refer to the group before."""

    def packet(self, n: int) -> Packet:
        ahead = {0: 3, 1: 0, 2: 0}.get(n % GOP, 1) if n >= GOP else 1
        return Packet(Kind.VIDEO, n * 40, (n + ahead) * 40, n % GOP == 0, f"v{n}".encode())


def test_pictures_that_refer_to_what_was_covered_do_not_air():
    air = OpenAir()
    air.run(20)
    air.mark(-19.5, -19.3)
    assert air.make() == 1
    air.run(30)
    assert air.live() == frames(1, 20) - {GOP + 1, GOP + 2}


def test_a_group_that_begins_before_its_keyframe_is_not_coded_anew():
    air = OpenAir()
    air.run(20)
    span = air.mark(-18.5, -18.3)
    assert air.make() == 0
    assert air.gate.mosaics.unfit(air.now) == {span.id}
    air.run(30)
    assert air.live() == frames(0, 20) - frames(1.48, 2) - {2 * GOP + 1, 2 * GOP + 2}


def test_a_feed_that_cannot_be_coded_is_refused_in_words():
    gate = Gate(30)
    gate.feed(FeedFormat(VideoTrack("hevc", b"", 1280, 720, 25, 1), None), 0)
    gate.start(0)
    gate.packet(video(0, gop=GOP), S, 0)
    with pytest.raises(Refused, match="this feed is hevc"):
        gate.mark(MOSAIC, (0, S), 2 * S)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.1,0.2,0.3", "four numbers"),
        ("a,b,c,d", "four numbers"),
        ("640,0,320,200", "pixels are not taken"),
        ("0.5,0,0.6,0.2", "sticks out"),
        ("0.5,0,0,0.2", "more than 0"),
        ("nan,0,1,1", "share of the picture"),
    ],
)
def test_a_box_that_is_not_allowed_says_what_is(text: str, said: str):
    with pytest.raises(Refused, match=said) as caught:
        parse_box(text)
    assert "0.25,0.1,0.5,0.3" in str(caught.value)
    assert text.partition(",")[0] in str(caught.value)


def test_a_box_is_four_shares_of_the_picture():
    assert parse_box("0.25,0.1,0.5,0.3") == check_box([0.25, 0.1, 0.5, 0.3])
    assert check_box([0, 0, 1, 1]) == (0.0, 0.0, 1.0, 1.0)
