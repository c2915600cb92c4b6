"""The gate, with a fake clock: what airs, when, and in what order."""

from itertools import pairwise

import msgspec
import pytest
from fakes.media import AUDIO, AVCC, FRAME, audio, clip, video, video_track

from streamgate.core.gate import GAP_US, SLATE, Gate
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind
from streamgate.errors import Refused

S = 1_000_000
FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
FILLER = video_track(AVCC[1])


class Air:
    """A gate on a fake clock with one feed of 25 pictures a second; every second a keyframe."""

    def __init__(self, delay_s: float = 30, *, reorder: int = 0, sound: bool = True) -> None:
        self.gate = Gate(delay_s)
        self.now = 0
        self.n = 0
        self.a = 0
        self.reorder = reorder
        self.sound = sound
        self.feeding = True
        self.out: list[tuple[int, Aired]] = []
        self.arrivals: dict[bytes, int] = {}
        self.gate.start(0)
        self.gate.feed(FEED, 0)
        self.gate.install(clip(SLATE, FILLER), SLATE, FEED)
        self.gate.install(clip("hills", FILLER), "hills", FEED)

    def run(self, seconds: float) -> None:
        end = self.now + round(seconds * S)
        while self.now < end:
            if self.feeding:
                self._arrive(video(self.n, gop=25, reorder=self.reorder))
                while self.sound and self.a * AUDIO.frame_ms <= self.n * FRAME:
                    self._arrive(audio(self.a))
                    self.a += 1
            self.n += 1
            self.step()
            self.now += FRAME * 1000

    def _arrive(self, packet) -> None:
        self.arrivals[packet.data] = self.now
        self.gate.packet(packet, self.now)

    def step(self) -> None:
        self.out += [(self.now, aired) for aired in self.gate.advance(self.now)]

    def pictures(self) -> list[bytes]:
        return [aired.packet.data for _, aired in self.out if aired.packet.kind is Kind.VIDEO]

    def live_pictures(self) -> list[int]:
        return [int(data[1:]) for data in self.pictures() if data.startswith(b"v")]


def max_gap(times: list[int]) -> int:
    return max(b - a for a, b in pairwise(times))


def pts(air: Air, kind: Kind) -> list[int]:
    return sorted(aired.packet.pts for _, aired in air.out if aired.packet.kind is kind)


def test_filler_airs_at_once_and_live_after_exactly_the_delay():
    air = Air()
    air.run(29.9)
    assert air.live_pictures() == []
    assert air.pictures()[0] == b"slate/v0"
    air.run(10)
    assert air.live_pictures() == list(range(len(air.live_pictures())))
    late = [now - air.arrivals[a.packet.data] for now, a in air.out if a.arrival_us is not None]
    assert set(late) == {30 * S}


@pytest.mark.parametrize("reorder", [0, 1])
def test_the_program_is_one_gapless_timeline_across_every_splice(reorder):
    air = Air(reorder=reorder)
    air.run(35.4)
    air.gate.cut(air.now)
    air.run(3.3)
    air.gate.restore(air.now)
    air.run(40.1)
    air.gate.air_backup("hills", air.now)
    air.run(5.5)
    air.gate.air_live(air.now)
    air.run(5)
    air.gate.dump(5, air.now)
    air.run(40)
    assert max_gap(pts(air, Kind.VIDEO)) <= FRAME * (1 + reorder)
    assert max_gap(pts(air, Kind.AUDIO)) <= AUDIO.frame_ms * 1.5 + 1
    for kind in (Kind.VIDEO, Kind.AUDIO):
        dts = [a.packet.dts for _, a in air.out if a.packet.kind is kind]
        assert all(a < b for a, b in pairwise(dts))
    assert [aired.header for _, aired in air.out if aired.header] == [air.gate.header]
    assert air.gate.header is not None


def test_a_cut_condemns_what_is_held_and_what_arrives_until_restore():
    air = Air()
    air.run(40.5)
    last = air.live_pictures()[-1]
    air.gate.cut(air.now)
    cut_at = air.n
    air.run(5)
    restored_at = air.n
    air.gate.restore(air.now)
    air.run(29.9)
    assert air.live_pictures()[-1] == last
    air.run(10)
    back = air.live_pictures()[air.live_pictures().index(last) + 1]
    assert cut_at < restored_at <= back < restored_at + 25
    assert back % 25 == 0


def test_after_a_cut_the_next_frame_is_filler():
    air = Air()
    air.run(40.5)
    air.gate.cut(air.now)
    before = len(air.out)
    air.step()
    assert [a.arrival_us for _, a in air.out[before:]] == [None] * (len(air.out) - before)
    air.run(0.2)
    assert air.pictures()[-1].startswith(b"slate/")


def test_a_dump_is_covered_exactly_from_its_first_picture_to_the_first_keyframe_after_it():
    air = Air()
    air.run(40.52)
    air.gate.dump(5, air.now)
    end = air.n
    air.run(70)
    live = air.live_pictures()
    missing = sorted(set(range(live[0], live[-1])) - set(live))
    assert missing[0] == end - 125
    assert missing[-1] == (end // 25 + 1) * 25 - 1
    assert len(missing) == missing[-1] - missing[0] + 1


def test_backup_airs_without_condemning_and_live_returns_at_the_next_keyframe():
    air = Air()
    air.run(40)
    air.gate.air_backup("hills", air.now)
    air.run(2.4)
    assert air.pictures()[-1].startswith(b"hills/")
    air.gate.air_live(air.now)
    air.run(1)
    assert air.gate.live


def test_a_backup_that_is_not_ready_yet_leaves_the_slate_on_air():
    air = Air()
    air.run(40)
    air.gate.air_backup("sea", air.now)
    air.run(1)
    assert air.pictures()[-1].startswith(b"slate/")
    air.gate.install(clip("sea", FILLER), "sea", FEED)
    air.run(1)
    assert air.pictures()[-1].startswith(b"sea/")


def test_lost_input_airs_out_the_ring_and_then_filler_within_a_frame():
    air = Air()
    air.run(40)
    air.feeding = False
    last = air.n - 1
    air.run(29.9)
    assert air.live_pictures()[-1] < last
    air.run(5)
    assert air.live_pictures()[-1] == last
    assert air.pictures()[-1].startswith(b"slate/")
    assert max_gap([now for now, a in air.out if a.packet.kind is Kind.VIDEO]) <= 150_000


def test_a_short_hole_in_the_arrivals_is_passed_on_and_a_long_one_filled():
    for hole, filled in ((0.6, False), (3.0, True)):
        air = Air()
        air.run(32)
        before = air.n
        air.feeding = False
        air.run(hole)
        air.feeding = True
        air.run(40)
        held = air.pictures()[air.pictures().index(f"v{before - 1}".encode()) + 1]
        assert held.startswith(b"slate/") is filled
    assert GAP_US == S


def test_a_new_source_with_the_same_parameters_needs_no_new_header():
    air = Air()
    air.run(40)
    air.gate.feed(FEED, air.now)
    air.n += 7  # mid-GOP: nothing airs before its first keyframe
    air.run(40)
    assert [a.header for _, a in air.out if a.header] == [air.gate.header]
    assert max_gap(pts(air, Kind.VIDEO)) <= 2 * FRAME


def test_changed_parameters_bring_a_new_header_and_wait_for_filler_made_for_them():
    air = Air()
    air.run(40)
    wide = FeedFormat(
        video_track(AVCC[0]).__class__("h264", AVCC[0], 1920, 1080, 25, 1, profile="High", level=31), AUDIO
    )
    air.gate.feed(wide, air.now)
    air.n = -(-air.n // 25) * 25
    changed = air.n
    air.run(35)
    assert max(air.live_pictures()) < changed
    air.gate.install(clip(SLATE, wide.video), SLATE, wide)
    air.run(3)
    assert max(air.live_pictures()) > changed
    widths = [a.header.video.width for _, a in air.out if a.header]
    assert widths == [1280, 1920]
    first = next(a for _, a in air.out if a.header and a.header.video.width == 1920)
    assert first.packet.keyframe


def test_delay_is_raised_on_air_and_every_frame_still_airs():
    air = Air()
    air.run(40)
    air.gate.set_delay(35, air.now)
    air.run(60)
    live = air.live_pictures()
    assert live == list(range(len(live)))
    ages = [now - air.arrivals[a.packet.data] for now, a in air.out if a.arrival_us is not None]
    assert set(ages) == {30 * S, 35 * S}
    assert ages == sorted(ages)
    with pytest.raises(Refused, match="only be raised"):
        air.gate.set_delay(32, air.now)


@pytest.mark.parametrize("seconds", [29.999, 0, -1, float("nan")])
def test_a_delay_below_30_s_is_refused_naming_r1(seconds):
    with pytest.raises(Refused, match="R1"):
        Gate(seconds)


def test_leading_pictures_of_an_open_gop_do_not_air_at_a_splice():
    air = Air()
    air.run(40)
    air.gate.air_backup("hills", air.now)
    air.run(1)
    air.gate.air_live(air.now)
    air.run(0.96)
    early = video(air.n, gop=10**9)
    key = next(n for n in range(air.n, air.n + 50) if n % 25 == 0)
    air.run(5)
    assert early.pts < key * FRAME
    splice = air.live_pictures().index(max(n for n in air.live_pictures() if n % 25 == 0 and n <= key))
    assert splice >= 0


def test_a_feed_without_sound_is_given_silence():
    air = Air(sound=False)
    air.gate.feed(FeedFormat(FEED.video, None), 0)
    air.gate.install(clip(SLATE, FILLER), SLATE, FeedFormat(FEED.video, None))
    air.run(40)
    assert air.gate.live
    assert max_gap(pts(air, Kind.AUDIO)) <= 23
    assert air.out[-1][1].packet.dts - pts(air, Kind.AUDIO)[-1] < 60


def test_stop_ends_everything_and_start_begins_anew_with_an_empty_ring():
    air = Air()
    air.run(40)
    air.gate.stop(air.now)
    count = len(air.out)
    air.run(10)
    assert len(air.out) == count
    air.gate.start(air.now)
    started = air.n
    air.run(40)
    assert air.live_pictures()[-1] > started
    assert min(n for n in air.live_pictures()[-200:] if n >= started) >= started


def test_a_full_ring_drops_what_comes_and_airs_only_whole_gops():
    air = Air()
    air.gate.ring.max_bytes = 150_000
    air.run(100)
    assert air.gate.ring.bytes <= 150_000
    codes = [notice.code for notice in air.gate.notices]
    assert "overflow" in codes
    live = air.live_pictures()
    jumps = [b for a, b in pairwise(live) if b != a + 1]
    assert jumps
    assert all(b % 25 == 0 for b in jumps)


@pytest.mark.parametrize("command", ["stop", "cut", "restore", "air_live"])
def test_commands_off_air_are_refused(command):
    gate = Gate(30)
    with pytest.raises(Refused, match="not on air"):
        getattr(gate, command)(0)


def test_the_backup_airs_on_until_live_is_back_without_a_flash_of_the_slate():
    air = Air()
    air.run(40.2)
    air.gate.air_backup("hills", air.now)
    air.run(2.3)
    air.gate.air_live(air.now)
    air.run(2)
    after = air.pictures()[air.pictures().index(b"hills/v0") :]
    assert not [data for data in after if data.startswith(b"slate/")]
    assert air.gate.live


def test_the_slate_takes_over_from_a_backup_when_nothing_is_on_its_way():
    air = Air()
    air.run(40)
    air.feeding = False
    air.gate.air_backup("hills", air.now)
    air.run(31)
    air.gate.air_live(air.now)
    air.run(0.5)
    assert air.pictures()[-1].startswith(b"slate/")


def test_no_sound_lies_over_other_sound_where_live_comes_back():
    air = Air(reorder=1)
    air.run(36)
    for _ in range(6):
        air.gate.air_backup("hills", air.now)
        air.run(1.3)
        air.gate.air_live(air.now)
        air.run(2.1)
    times = [a.packet.pts for _, a in air.out if a.packet.kind is Kind.AUDIO]
    assert min(b - a for a, b in pairwise(times)) >= AUDIO.frame_ms / 2 - 1


def test_a_network_that_stalls_and_catches_up_leaves_the_program_in_step_with_the_clock():
    air = Air()
    air.run(32)
    for _ in range(12):
        air.feeding = False
        before = air.n
        air.run(3)
        stalled, air.n = air.n, before
        for n in range(before, stalled):  # what was held up comes all at once
            air._arrive(video(n, gop=25))
        air.n = stalled
        air.a = round(stalled * FRAME / AUDIO.frame_ms)
        air.feeding = True
        air.run(17)
    air.run(40)
    last = air.out[-1]
    ahead = last[1].packet.dts - (last[0] - air.out[0][0]) / 1000
    assert abs(ahead) < 4000


@pytest.mark.parametrize(
    "unfit",
    [
        FeedFormat(msgspec.structs.replace(video_track(b"av1C"), codec="av1"), AUDIO),
        FeedFormat(msgspec.structs.replace(video_track(b""), codec="vp6"), None),
        FeedFormat(None, AUDIO),
    ],
)
def test_a_feed_that_cannot_air_is_not_held_and_filler_goes_on(unfit):
    air = Air()
    air.run(40)
    air.gate.feed(unfit, air.now)
    since = air.n
    air.run(40)
    assert not air.gate.can_air
    assert air.gate.ring.bytes == 0
    assert air.live_pictures()[-1] == since - 1
    assert air.pictures()[-1].startswith(b"slate/")
    assert max_gap(pts(air, Kind.VIDEO)) <= FRAME
    air.gate.feed(FEED, air.now)
    air.run(40)
    assert air.gate.live
    assert [a.header for _, a in air.out if a.header] == [air.gate.header]


def test_beside_sound_that_cannot_air_the_picture_airs_with_silence():
    air = Air()
    silent = FeedFormat(FEED.video, None)
    air.gate.feed(FeedFormat(FEED.video, AudioTrack("opus", b"", 48000, 2, 960)), 0)
    air.gate.install(clip(SLATE, FILLER), SLATE, silent)
    air.run(40)
    assert air.gate.live
    sent = {a.packet.data for _, a in air.out if a.packet.kind is Kind.AUDIO and a.packet.pts > 31_000}
    assert sent == {b"slate/silence"}
    assert max_gap(pts(air, Kind.AUDIO)) <= AUDIO.frame_ms * 1.5 + 1
