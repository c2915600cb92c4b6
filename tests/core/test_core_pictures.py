from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.pictures import (
    Picture,
    classify,
    with_long_lengths,
    with_long_lengths_config,
)


def payload(*nals, size=4):
    return b"".join(len(nal).to_bytes(size) + nal for nal in nals)


def test_h264():
    assert classify("h264", payload(b"\x06sei", b"\x65idr")) is Picture.RANDOM_ACCESS
    assert classify("h264", payload(b"\x41slice", b"\x01slice")) is Picture.OTHER
    assert classify("h264", payload(b"\x67sps", b"\x68pps", b"\x06sei")) is Picture.NONE
    assert classify("h264", b"") is Picture.NONE


def test_hevc():
    for kind, picture in ((1, Picture.OTHER), (16, Picture.RANDOM_ACCESS), (21, Picture.RANDOM_ACCESS)):
        assert classify("hevc", payload(bytes((kind << 1, 1)) + b"x")) is picture
    assert classify("hevc", payload(bytes((32 << 1, 1)))) is Picture.NONE


def test_lengths_that_do_not_add_up():
    assert classify("h264", payload(b"\x65idr")[:-1]) is Picture.BROKEN
    assert classify("h264", payload(b"\x65idr") + b"\0") is Picture.BROKEN


def test_short_lengths_become_long_ones():
    short = payload(b"\x06sei", b"\x65idr", size=2)
    assert classify("h264", short, 2) is Picture.RANDOM_ACCESS
    assert with_long_lengths(short, 2) == payload(b"\x06sei", b"\x65idr")
    config = bytes((1, 66, 0, 30, 0xFD, 0xE1))
    assert with_long_lengths_config("h264", config) == bytes((1, 66, 0, 30, 0xFF, 0xE1))


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=64), st.integers(1, 4))
def test_any_bytes_are_classified(codec, data, size):
    if classify(codec, data, size) is not Picture.BROKEN:
        assert classify(codec, with_long_lengths(data, size)) is classify(codec, data, size)
