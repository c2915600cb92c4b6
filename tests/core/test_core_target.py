"""What filler is encoded to, from what is known of the feed."""

import pytest

from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.core.target import DEFAULT_AUDIO, target_for
from streamgate.errors import MediaError

# avcC of libx264, 1280x720, 25 frames a second, Baseline 3.1.
BASELINE = bytes.fromhex("0142c01fffe100166742c01fda014016e840000003004000000c83c60ca801000468ce0fc8")


def video(**changes):
    given = {"codec": "h264", "config": b"", "width": 1280, "height": 720, "fps_num": 30, "fps_den": 1}
    return target_for(FeedFormat(VideoTrack(**(given | changes)), None), 1).video


def audio(track):
    return target_for(FeedFormat(VideoTrack("h264", b"", 64, 64, 30, 1), track), 1).audio


def test_the_feeds_own_parameter_set_has_the_last_word():
    target = video(config=BASELINE, profile="High", level=52, pix_fmt="yuv444p")
    assert (target.profile, target.level, target.pix_fmt, target.sps_id) == ("baseline", 31, "yuv420p", 1)


@pytest.mark.parametrize(
    ("size", "fps", "expected"),
    [
        ((640, 360), 30, 30),
        ((1280, 720), 30, 31),
        ((1920, 1080), 30, 40),
        ((1080, 1920), 60, 42),
        ((3840, 2160), 30, 51),
        ((8192, 8192), 240, 62),
    ],
)
def test_an_unknown_level_is_the_lowest_that_fits(size, fps, expected):
    assert video(width=size[0], height=size[1], fps_num=fps).level == expected


def test_a_feed_that_says_little_gets_usual_values():
    target = video(fps_num=0, fps_den=0, config=b"\x01junk")
    assert (target.fps_num, target.fps_den, target.profile, target.gop) == (30, 1, "high", 30)
    assert video(fps_num=1000, fps_den=1).fps_num == 30
    assert video(fps_num=30000, fps_den=1001).gop == 30
    assert video(width=1279, height=719).width == 1278


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        (AudioTrack("aac", b"\x12\x10", 44100, 2), True),
        (AudioTrack("aac", b"\x12\x08\x56\xe5\x00", 44100, 1), True),
        (AudioTrack("aac", b"\x13\x90\x56\xe5\x98", 48000, 2, 2048), False),  # HE-AAC, told behind
        (AudioTrack("aac", b"\x11\x94", 48000, 2, 960), False),  # 960 samples a frame
        (AudioTrack("aac", b"\x11\xb8", 48000, 8), False),  # 7.1
        (AudioTrack("aac", bytes.fromhex("118004c848002000c4400056e500"), 48000, 7), False),  # 6.1, spelt out
        (AudioTrack("aac", b"\x11", 48000, 2), False),
        (AudioTrack("mp3", b"", 44100, 2, 1152), False),
    ],
)
def test_plain_aac_is_matched_anything_else_replaced(track, expected):
    assert audio(track) == (track if expected else DEFAULT_AUDIO)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"codec": "vp9"}, "this feed is vp9"), ({"width": 0}, "0x720"), ({"height": 100_000}, "1280x100000")],
)
def test_feeds_no_filler_can_be_made_for(changes, message):
    with pytest.raises(MediaError, match=message):
        video(**changes)
