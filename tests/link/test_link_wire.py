"""The media link's frames: whole, in pieces, and broken."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.packet import Kind, Packet
from streamgate.errors import ProtocolError
from streamgate.link.wire import MAX_FRAME, FrameReader, encode_json, encode_packet_head

packets = st.builds(
    Packet,
    st.sampled_from(list(Kind)),
    st.integers(-(2**62), 2**62),
    st.integers(-(2**62), 2**62),
    st.booleans(),
    st.binary(max_size=300),
)
frames = st.lists(
    st.one_of(st.binary(max_size=50), st.tuples(st.integers(0, 2**32 - 1), packets)), max_size=8
)


def encode(frame) -> bytes:
    if isinstance(frame, bytes):
        return encode_json(frame)
    stream, packet = frame
    return encode_packet_head(stream, packet) + packet.data


@given(frames, st.integers(1, 40))
def test_frames_come_out_as_they_went_in_however_they_are_cut(sent, size):
    wire = b"".join(map(encode, sent))
    reader = FrameReader()
    received = [frame for at in range(0, len(wire), size) for frame in reader.feed(wire[at : at + size])]
    assert sent == received


@pytest.mark.parametrize("broken", [b"\0\0\0\0\1", (MAX_FRAME + 1).to_bytes(4) + b"\1", b"\0\0\0\2\7x"])
def test_a_frame_that_is_empty_too_long_or_unknown_is_refused(broken):
    with pytest.raises(ProtocolError):
        list(FrameReader().feed(broken))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    with contextlib.suppress(ProtocolError):
        list(FrameReader().feed(data))
