"""The standby camera: switched to and from at keyframes, never sooner, with nothing between."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from fakes.media import AUDIO, AVCC, audio, clip, video, video_track

from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, VideoTrack
from streamgate.core.standby import STANDBY

S = 1_000_000
FRAME = 40_000
MAIN = FeedFormat(video_track(AVCC[0]), AUDIO)
SMALL = FeedFormat(VideoTrack("h264", AVCC[0], 640, 360, 25, 1), AUDIO)
MONO = AudioTrack("aac", bytes.fromhex("1208"), 44100, 1)
OTHER = FeedFormat(SMALL.video, MONO)
SLATES = {
    MAIN: clip(SLATE, VideoTrack("h264", AVCC[1], 1280, 720, 25, 1), frames=20),
    SMALL: clip(SLATE, VideoTrack("h264", AVCC[1], 640, 360, 25, 1), frames=20),
    OTHER: clip(SLATE, VideoTrack("h264", AVCC[1], 640, 360, 25, 1), frames=20, audio=MONO),
}


class Seen(NamedTuple):
    at: int
    who: str  # main, standby, filler
    aired: Aired


class Evening:
    """Two cameras at 25 frames a second; each may be lost. The standby's keyframes come half a GOP later."""

    def __init__(self, standby: FeedFormat = MAIN, *, main: bool = True) -> None:
        self.gate, self.now = Gate(30), 1000 * S
        self.n = 0
        self.main, self.spare = main, True
        self.seen: list[Seen] = []
        self.gate.start(self.now)
        if main:
            self.connect_main()
        self.gate.standby_feed(standby, self.now)
        self.gate.install(SLATES[standby], SLATE, standby)

    def connect_main(self) -> None:
        self.main = True
        self.gate.feed(MAIN, self.now)
        self.gate.install(SLATES[MAIN], SLATE, MAIN)

    def go(self, seconds: float) -> list[Seen]:
        """Let time pass; return what aired meanwhile."""
        before = len(self.seen)
        for _ in range(round(seconds * 25)):
            n = self.n
            if self.main:
                self.gate.packet(video(n, gop=50, reorder=1, tag=f"m{n}:"), self.now)
                self.gate.packet(audio(n, tag=f"m{n}:"), self.now)
            if self.spare:
                self.gate.standby_packet(video(n + 25, gop=50, reorder=1, tag=f"s{n}:"), self.now)
                self.gate.standby_packet(audio(n + 25, tag=f"s{n}:"), self.now)
            for aired in self.gate.advance(self.now):
                names = {b"m": "main", b"s": "standby"}
                who = "filler" if aired.arrival_us is None else names[aired.packet.data[:1]]
                self.seen.append(Seen(self.now, who, aired))
            self.n += 1
            self.now += FRAME
        return self.seen[before:]


def who(seen: list[Seen]) -> list[str]:
    """Return whose pictures aired, each turn once."""
    turns: list[str] = []
    for one in seen:
        if one.aired.packet.kind is Kind.VIDEO and turns[-1:] != [one.who]:
            turns.append(one.who)
    return turns


def entries(seen: list[Seen]) -> list[Seen]:
    """Return the first picture of each turn."""
    pictures = [one for one in seen if one.aired.packet.kind is Kind.VIDEO]
    return [new for old, new in pairwise(pictures) if old.who != new.who]


def test_there_and_back_at_keyframes_with_nothing_between() -> None:
    evening = Evening()
    evening.go(33.3)
    evening.gate.air_backup(STANDBY, evening.now, "a")
    there = evening.go(6)
    assert who(there) == ["main", "standby"]
    evening.gate.air_live(evening.now)
    back = evening.go(6)
    assert who(back) == ["standby", "main"]
    for entry in entries(there) + entries(back):
        assert entry.aired.packet.keyframe
        assert entry.at - (entry.aired.arrival_us or 0) >= 30 * S
    assert entries(there)[0].at - there[0].at <= 2 * S
    assert [one.aired.header for one in there + back if one.aired.header is not None] == []


def test_a_camera_of_another_size_gets_a_header_of_its_own_at_the_splice() -> None:
    evening = Evening(SMALL)
    evening.go(33.3)
    evening.gate.air_backup(STANDBY, evening.now, "a")
    there = evening.go(6)
    evening.gate.air_live(evening.now)
    back = evening.go(6)
    assert who(there + back) == ["main", "standby", "main"]
    headers = [one for one in there + back if one.aired.header is not None]
    assert [(one.aired.packet.keyframe, one.who) for one in headers] == [(True, "standby"), (True, "main")]
    sizes = [one.aired.header.video.width for one in headers if one.aired.header and one.aired.header.video]
    assert sizes == [640, 1280]


def sound_under(seen: list[Seen]) -> set[tuple[AudioTrack | None, AudioTrack | None]]:
    """Return, for all sound that left, the configuration that was announced last and its own."""
    found = set()
    announced = None
    for _, source, aired in seen:
        announced = announced if aired.header is None else aired.header.audio
        if aired.packet.kind is Kind.AUDIO:
            own = aired.clip.format.audio if aired.clip is not None else {"main": AUDIO}.get(source, MONO)
            found.add((announced, own))
    return found


def test_no_sound_leaves_under_a_header_of_another_configuration() -> None:
    """A player that is given such sound may be silent from then on."""
    evening = Evening(OTHER)
    evening.go(33.3)
    for command in ("standby", "live", "standby", "slate", "standby", "live", "slate", "live"):
        if command == "live":
            evening.gate.air_live(evening.now)
        else:
            evening.gate.air_backup(STANDBY if command == "standby" else SLATE, evening.now, "a")
        evening.go(6.4)
    assert sound_under(evening.seen) == {(AUDIO, AUDIO), (MONO, MONO)}
    sound = [one.aired.packet.dts for one in evening.seen if one.aired.packet.kind is Kind.AUDIO]
    assert max(after - before for before, after in pairwise(sound)) <= 2 * MONO.frame_ms + 1


def test_no_sound_of_the_standbys_slate_leaves_under_the_header_of_the_main_camera() -> None:
    """The standby camera was there first: the slate was made for it."""
    evening = Evening(OTHER, main=False)
    evening.go(1)
    evening.connect_main()
    seen = evening.go(33)
    assert who(seen) == ["filler", "main"]
    assert sound_under(evening.seen) == {(AUDIO, AUDIO), (MONO, MONO)}


def test_time_rises_across_the_switches() -> None:
    evening = Evening(SMALL)
    evening.go(33.3)
    for switch in (
        lambda: evening.gate.air_backup(STANDBY, evening.now),
        lambda: evening.gate.air_live(evening.now),
    ):
        switch()
        evening.go(5)
    for kind in (Kind.VIDEO, Kind.AUDIO):
        times = [one.aired.packet.dts for one in evening.seen if one.aired.packet.kind is kind]
        assert all(a < b for a, b in pairwise(times))


def test_a_cut_covers_both() -> None:
    evening = Evening()
    evening.go(33)
    evening.gate.air_backup(STANDBY, evening.now)
    evening.go(3)
    evening.gate.cut(evening.now, "a")
    cut_at = evening.now
    assert who(evening.go(5)) == ["filler"]
    evening.gate.restore(evening.now)
    restored = evening.now
    after = evening.go(40)
    assert who(after) == ["filler", "standby"]
    assert entries(after)[0].aired.arrival_us is not None
    assert entries(after)[0].aired.arrival_us > restored > cut_at
    evening.gate.air_live(evening.now)
    back = evening.go(4)
    assert who(back) == ["standby", "main"]
    assert min(one.aired.arrival_us for one in back if one.aired.arrival_us is not None) > restored


def test_a_cut_on_the_main_camera_covers_what_is_held_of_the_standby() -> None:
    evening = Evening()
    evening.go(36)
    evening.gate.cut(evening.now, "a")
    evening.go(2)
    evening.gate.air_backup(STANDBY, evening.now, "b")
    assert who(evening.go(3)) == ["filler"], "a backup ends no cut"
    evening.gate.restore(evening.now)
    restored = evening.now
    after = evening.go(34)
    assert who(after) == ["filler", "standby"]
    assert min(one.aired.arrival_us for one in after if one.aired.arrival_us is not None) > restored


def test_a_dump_on_one_camera_is_filled_on_the_other_too() -> None:
    evening = Evening()
    evening.go(36)
    evening.gate.dump(5, evening.now, "a")
    first, last = evening.now - 5 * S, evening.now
    evening.gate.air_backup(STANDBY, evening.now, "a")
    after = evening.go(40)
    assert who(after) == ["main", "standby", "filler", "standby"]
    assert not [one for one in after if first <= (one.aired.arrival_us or 0) <= last]


def test_a_standby_that_is_not_there_airs_filler_at_once() -> None:
    evening = Evening()
    evening.spare = False
    evening.go(33)
    evening.gate.air_backup(STANDBY, evening.now, "a")
    assert who(evening.go(2)) == ["filler"]
    evening.spare = True
    assert who(evening.go(34)) == ["filler", "standby"]


def test_a_standby_that_was_just_connected_airs_filler_until_it_is_due() -> None:
    """Somebody wants the main camera off air: it does not go on for 30 s."""
    evening = Evening()
    evening.spare = False
    evening.go(33)
    evening.spare = True
    evening.go(10)
    evening.gate.air_backup(STANDBY, evening.now, "a")
    assert who(evening.go(1)) == ["filler"]


def test_a_standby_that_is_lost_airs_filler_and_comes_back_by_itself() -> None:
    evening = Evening()
    evening.go(33)
    evening.gate.air_backup(STANDBY, evening.now)
    evening.go(3)
    evening.spare = False
    assert who(evening.go(35)) == ["standby", "filler"]
    evening.spare = True
    assert who(evening.go(35)) == ["filler", "standby"]


def test_back_to_a_main_camera_that_is_lost_the_standby_airs_on() -> None:
    evening = Evening()
    evening.go(33)
    evening.gate.air_backup(STANDBY, evening.now)
    evening.main = False
    evening.go(35)
    evening.gate.air_live(evening.now)
    assert who(evening.go(5)) == ["standby"]
    evening.main = True
    assert who(evening.go(34)) == ["standby", "main"]


@pytest.mark.parametrize("raised", [35.0, 45.0])
def test_a_raised_delay_holds_for_both(raised: float) -> None:
    evening = Evening()
    evening.go(33)
    evening.gate.set_delay(raised, evening.now)
    since = evening.now
    evening.gate.air_backup(STANDBY, evening.now)
    evening.go(60)
    for one in evening.seen:
        if one.who == "standby" and (one.aired.arrival_us or 0) >= since:
            assert one.at - (one.aired.arrival_us or 0) >= raised * S
    assert evening.seen[-1].who == "standby"


def test_the_other_camera_airs_on_under_its_mosaic_until_a_keyframe_that_needs_none() -> None:
    evening = Evening()
    evening.go(40)
    ends = (evening.now - round(13.5 * S), evening.now - round(11.5 * S))
    evening.gate.mark("mosaic", ends, evening.now)
    wanted = evening.gate.mosaics_wanted(evening.now)
    assert len(wanted) == 2
    for one, feed in wanted:
        made = clip("mosaic", SLATES[MAIN].video_track, frames=len(one.packets))
        assert evening.gate.install_mosaic(one, feed, made, evening.now)
    evening.go(16.2)
    evening.gate.air_backup(STANDBY, evening.now)
    seen = evening.go(5)
    assert who(seen) == ["main", "standby"]
    assert (entries(seen)[0].aired.arrival_us or 0) > ends[1]
    assert {one.aired.redacted for one in seen if one.who == "main"} >= {"mosaic"}


def test_a_mosaic_that_grows_does_not_keep_a_camera_on_air_for_longer() -> None:
    evening = Evening()
    evening.go(40)
    start, end = 1016 * S + S // 2, 1027 * S - S // 10
    span = evening.gate.mark("mosaic", (start, end), evening.now)
    for one, feed in evening.gate.mosaics_wanted(evening.now):
        made = clip("mosaic", SLATES[MAIN].video_track, frames=len(one.packets))
        assert evening.gate.install_mosaic(one, feed, made, evening.now)
    evening.go(7.2)
    evening.gate.air_backup(STANDBY, evening.now)  # its keyframe of 1027 is due in 9.8 s
    begun = evening.now
    evening.go(2)
    assert evening.gate.live
    evening.gate.move(span, (start, end + S), evening.now)  # now that of 1029 is the next one
    seen = evening.go(12)
    assert who(seen) == ["filler", "standby"]
    assert [one.at - begun for one in entries(seen)] == [11 * S + 8 * S // 10]


def test_stop_forgets_what_the_standby_sent() -> None:
    evening = Evening()
    evening.go(33)
    evening.gate.stop(evening.now)
    evening.gate.start(evening.now)
    evening.gate.air_backup(STANDBY, evening.now)
    assert set(who(evening.go(29))) == {"filler"}


def test_sound_that_is_redacted_is_replaced_on_the_standby_too() -> None:
    evening = Evening(SMALL)
    evening.go(33)
    evening.gate.air_backup(STANDBY, evening.now)
    evening.go(5)
    first, last = evening.now - 20 * S, evening.now - 15 * S
    evening.gate.mark("mute", (first, last), evening.now, "a")
    aired = evening.go(20)
    inside = [one for one in aired if first <= (one.aired.arrival_us or 0) <= last]
    assert {(one.who, one.aired.packet.kind) for one in inside} == {("standby", Kind.VIDEO)}
    silent = [one for one in aired if one.who == "filler"]
    assert {one.aired.packet.kind for one in silent} == {Kind.AUDIO}
    assert len(silent) >= 5 * 25
