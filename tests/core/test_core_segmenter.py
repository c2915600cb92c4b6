"""Where the program is cut into segments for HLS, and what a cut takes back of the one at hand."""

from itertools import pairwise

import pytest
from fakes.media import AUDIO, AVCC, audio, video, video_track
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core import segmenter as module
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet
from streamgate.core.segmenter import Segmenter

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
FILLER = FeedFormat(video_track(AVCC[1]), AUDIO)
OTHER = FeedFormat(video_track(AVCC[0]), AudioTrack("aac", b"\x12\x08", 44100, 1))
WALL_S = 1_790_000_000.0


def program(frames, *, gop=50, start=0, live=True, header=None, part=None):
    """Pictures of 40 ms with sound beside them, as the gate airs them."""
    out = []
    for n in range(start, start + frames):
        picture = video(n - start, gop=gop)
        picture = Packet(Kind.VIDEO, n * 40, n * 40, picture.keyframe, f"v{n}".encode())
        arrival_us = n * 40_000 if live else None
        out.append(Aired(picture, header, arrival_us, part))
        header = part = None
        sound = audio(n)
        out.append(Aired(Packet(Kind.AUDIO, n * 40 + 1, n * 40 + 1, False, sound.data), None, arrival_us))
    return out


def cut(segmenter, aired, wall_s=WALL_S):
    return [one for item in aired if (one := segmenter.add(item, wall_s)) is not None]


def spans(segments):
    return [(one.begin, one.end) for one in segments]


@pytest.mark.parametrize(
    ("gop", "expected"),
    [
        (50, [(0, 2000), (2000, 4000), (4000, 6000)]),  # a keyframe every 2 s
        (25, [(0, 2000), (2000, 4000), (4000, 6000)]),  # every second
        (49, [(0, 1960), (1960, 3920), (3920, 5880), (5880, 7840)]),  # a little early
        (30, [(0, 2400), (2400, 4800), (4800, 7200)]),  # every 1.2 s
        (1, [(0, 1920), (1920, 3840), (3840, 5760), (5760, 7680)]),
    ],
)
def test_a_segment_ends_at_the_first_keyframe_after_two_seconds(gop, expected):
    segments = cut(Segmenter(FEED), program(199, gop=gop))
    assert spans(segments)[: len(expected)] == expected
    assert all(one.packets[0].keyframe for one in segments)


def test_a_feed_without_keyframes_is_cut_between_pictures():
    segmenter = Segmenter(FEED)
    segments = [*cut(segmenter, program(600, gop=10_000)), segmenter.finish()]
    assert spans(segments) == [(0, 10_000), (10_000, 20_000), (20_000, 24_000)]


def test_no_segment_grows_without_a_bound(monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 100)
    segments = cut(Segmenter(FEED), program(600, gop=10_000))
    assert max(one.bytes for one in segments) < 120


def test_it_begins_at_a_keyframe_and_nothing_before_that_is_kept():
    segmenter = Segmenter(FEED)
    aired = program(200, gop=50)[6:]  # joined in the middle of a group of pictures
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert segments[0].begin == 2000
    assert segments[0].packets[0].keyframe
    assert min(packet.dts for packet in segments[0].packets) == 2000


def test_nothing_lies_between_one_segment_and_the_next_and_every_packet_is_in_one():
    segmenter = Segmenter(FEED)
    aired = program(317, gop=50)
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert all(earlier.end == later.begin for earlier, later in pairwise(segments))
    assert [packet for one in segments for packet in one.packets] == [one.packet for one in aired]
    assert segments[-1].end == 317 * 40


def test_a_splice_ends_a_segment_so_that_feed_and_filler_share_none():
    segmenter = Segmenter(FEED)
    aired = program(75, gop=50, part=FEED)
    aired += program(60, gop=25, start=75, live=False, part=FILLER)
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert [(one.begin, one.end, one.live) for one in segments] == [
        (0, 2000, True),
        (2000, 3000, True),
        (3000, 5000, False),
        (5000, 5400, False),
    ]


def test_data_is_left_out():
    segmenter = Segmenter(FEED)
    script = Aired(Packet(Kind.DATA, 80, 80, False, b"cue"), None, 80_000)
    cut(segmenter, [*program(2), script])
    assert all(packet.kind is not Kind.DATA for packet in segmenter.finish().packets)


def test_sound_that_comes_a_little_after_its_picture_is_not_lost_where_a_segment_begins():
    segmenter = Segmenter(FEED)
    late = Aired(Packet(Kind.AUDIO, 1990, 1990, False, b"late"), None, 1)
    early = Aired(Packet(Kind.AUDIO, -10, -10, False, b"of before the first picture"), None, 1)
    aired = program(60)
    (first,) = cut(segmenter, [aired[0], early, *aired[1:101], late, *aired[101:]])
    assert early.packet not in first.packets
    sounds = [packet.data for packet in segmenter.finish().packets if packet.kind is Kind.AUDIO]
    assert sounds[0] == b"late"


# ---------------------------------------------------------------- headers


def test_a_new_header_begins_a_segment_of_its_own():
    segmenter = Segmenter(FeedFormat())
    aired = program(10, header=FEED, part=FEED) + program(10, start=10, header=OTHER, part=OTHER)
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert [(one.begin, one.format) for one in segments] == [(0, FEED), (400, OTHER)]


def test_sound_of_a_new_header_that_comes_before_its_picture_is_in_no_segment_of_the_old_one():
    segmenter = Segmenter(FEED)
    early = Aired(Packet(Kind.AUDIO, 399, 399, False, b"new"), OTHER, 1)
    aired = [*program(10), early, *program(10, start=10, part=OTHER)]
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert [(one.end, one.format) for one in segments] == [(400, FEED), (800, OTHER)]
    assert all(packet.data != b"new" for one in segments for packet in one.packets)


def test_split_headers_announce_what_is_on_air_alone():
    both = FeedFormat(video_track(AVCC[0] + b"both"), AUDIO)
    segmenter = Segmenter(FeedFormat(), split=True)
    aired = program(50, header=both, part=FEED) + program(50, start=50, live=False, part=FILLER)
    segments = [*cut(segmenter, aired), segmenter.finish()]
    assert [one.format for one in segments] == [FEED, FILLER]

    shared = Segmenter(FeedFormat())
    assert {one.format for one in [*cut(shared, aired), shared.finish()]} == {both}


def test_a_leg_that_begins_in_mid_broadcast_with_split_headers_knows_what_is_on_air():
    segmenter = Segmenter(FeedFormat(video_track(AVCC[0] + b"both"), AUDIO), FILLER, split=True)
    cut(segmenter, program(20))
    assert segmenter.finish().format == FILLER


# ---------------------------------------------------------------- the wall clock


def times(*stretches):
    """Return the wall clock of each segment; a stretch: its pictures, and by how much it airs late."""
    segmenter, n, segments = Segmenter(FEED), 0, []
    for frames, late_s in stretches:
        for one in program(frames, start=n):
            segments += cut(segmenter, [one], WALL_S + one.packet.dts / 1000 + late_s)
        n += frames
    segments.append(segmenter.finish())
    return [round(one.at - WALL_S, 3) for one in segments]


def test_the_time_of_segments_goes_on_evenly_though_bursts_air_late():
    assert times((50, 0.0), (50, 0.4), (50, 0.1)) == [0, 2, 4]


def test_the_time_of_segments_follows_a_clock_that_was_set():
    assert times((50, 0.0), (50, 3600), (50, 3600), (50, -3600)) == [0, 3602, 3604, -3594]


# ---------------------------------------------------------------- what a cut takes back


def test_a_cut_takes_back_what_no_player_was_offered():
    segmenter = Segmenter(FEED)
    cut(segmenter, program(75))  # 2 s and half of the next group of pictures
    left, dropped = segmenter.discard_live()
    assert (left, dropped) == (None, 50)
    assert segmenter.finish() is None
    filler = cut(segmenter, program(75, gop=25, start=75, live=False, part=FILLER))
    assert [(one.begin, one.live) for one in filler] == [(3000, False)]


def test_filler_before_it_in_the_same_segment_is_kept():
    segmenter = Segmenter(FEED)
    cut(segmenter, program(5, live=False) + program(10, start=5, part=FEED))
    left, dropped = segmenter.discard_live()
    assert dropped == 20
    assert (left.begin, left.end, left.live, len(left.packets)) == (0, 200, False, 10)


def test_filler_alone_is_not_taken_back():
    segmenter = Segmenter(FEED)
    cut(segmenter, program(5, live=False))
    assert segmenter.discard_live() == (None, 0)
    assert len(segmenter.finish().packets) == 10


steps = st.one_of(
    st.tuples(st.just("live"), st.integers(1, 120)),
    st.tuples(st.just("filler"), st.integers(1, 120)),
    st.tuples(st.just("cut"), st.none()),
    st.tuples(st.just("header"), st.sampled_from([FEED, FILLER, OTHER])),
)


@given(st.lists(steps, max_size=12), st.sampled_from([1, 13, 25, 50, 300]))
def test_whatever_airs_segments_hold_it_once_in_order_and_a_cut_leaves_nothing_live(script, gop):
    """What was given out before a cut is aired; what was at hand of the feed is in no segment, ever."""
    segmenter, n, out, sent, taken_back = Segmenter(FEED), 0, [], [], set()
    header = None
    for name, argument in script:
        if name == "header":
            header = argument
        elif name == "cut":
            given_out = {id(packet) for one in out for packet in one.packets}
            taken_back |= {id(p.packet) for p in sent if p.arrival_us is not None} - given_out
            left, _ = segmenter.discard_live()
            out += [left] if left is not None else []
        else:
            stretch = program(argument, gop=gop, start=n, live=name == "live", header=header, part=FEED)
            header, n = None, n + argument
            sent += stretch
            out += cut(segmenter, stretch)
    last = segmenter.finish()
    out += [last] if last is not None else []
    order = {id(one.packet): index for index, one in enumerate(sent)}
    found = [order[id(packet)] for one in out for packet in one.packets]
    assert found == sorted(set(found))
    assert not taken_back & {id(packet) for one in out for packet in one.packets}
    for one in out:
        assert one.packets[0].kind is Kind.VIDEO
        assert one.begin == one.packets[0].dts < one.end
        assert one.live == any(sent[order[id(packet)]].arrival_us is not None for packet in one.packets)
        assert one.bytes == sum(len(packet.data) for packet in one.packets)
    assert all(earlier.end <= later.begin for earlier, later in pairwise(out))
