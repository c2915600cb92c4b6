from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_tools import flv_tags

from streamgate.ingest.probe import Probed, Sample, probe, sane_fps
from streamgate.rtmp import flv


@pytest.fixture(scope="module")
def sample(clip):
    tags = [flv.parse_video(body) for kind, _, body in flv_tags(clip) if kind == 9]
    config = next(tag.payload for tag in tags if tag.kind == "config")
    keyframe = next(tag.payload for tag in tags if tag.kind == "frame" and tag.keyframe)
    return Sample("h264", config, keyframe, {"framerate": 25.0})


def shape(probed):
    track = probed.video
    return track.width, track.height, track.fps_num, track.fps_den, track.pix_fmt, track.profile, track.level


def test_a_feed_is_described(sample):
    probed = probe(sample)
    assert shape(probed) == (320, 180, 25, 1, "yuv420p", "Main", 12)
    assert (probed.fps_known, probed.problem) == (True, "")
    assert probed.video.config == sample.config


def test_without_metadata_the_vui_gives_the_frame_rate(sample):
    assert shape(probe(Sample(sample.codec, sample.config, sample.keyframe)))[2:4] == (25, 1)


def test_sane_metadata_is_trusted_over_the_vui(sample):
    for framerate, expected in (
        (29.97, (30000, 1001)),
        (50.0, (50, 1)),
        (1000.0, (25, 1)),
        ("fast", (25, 1)),
    ):
        other = Sample(sample.codec, sample.config, sample.keyframe, {"framerate": framerate})
        assert shape(probe(other))[2:4] == expected


def test_without_libav_the_parameter_sets_say_the_same(sample):
    probed = probe(sample, without_libav="it took too long")
    assert shape(probed) == shape(probe(sample))
    assert probed.problem == "it took too long"


def test_a_broken_keyframe_still_gives_what_the_header_says(sample):
    probed = probe(Sample("h264", sample.config, b"\0\0\0\x08\x65brokenn"))
    assert shape(probed)[:2] == (320, 180)


def test_what_cannot_be_read_is_a_problem_and_no_error():
    probed = probe(Sample("h264", b"\x01nonsense", b"", {"width": 640.0, "height": 360.0}))
    assert (probed.video.width, probed.video.height) == (640, 360)
    assert not probed.fps_known
    assert probed.problem


def test_frame_rates():
    for value, expected in (
        (30, Fraction(30)),
        (59.94, Fraction(60000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (12.5, Fraction(25, 2)),
        (29.97002997, Fraction(30000, 1001)),
    ):
        assert sane_fps(value) == expected
    for value in (0.0, -25.0, 1000.0, float("nan"), float("inf"), "25", None, True):
        assert sane_fps(value) is None


@given(st.binary(max_size=80), st.binary(max_size=80), st.sampled_from(["h264", "hevc"]))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_survived(config, keyframe, codec):
    assert isinstance(probe(Sample(codec, config, keyframe)), Probed)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_header_is_survived(data, sample):
    config = bytearray(sample.config)
    for _ in range(data.draw(st.integers(1, 4))):
        config[data.draw(st.integers(0, len(config) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(probe(Sample("h264", bytes(config), sample.keyframe)), Probed)
