import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_media import make_feed

from streamgate.core.packet import Kind
from streamgate.errors import MediaError
from streamgate.rtmp import flv_file


@given(st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=300))
def test_a_tag_reads_back(kind, time_ms, body):
    data = flv_file.tag(kind, time_ms, body)
    head = flv_file.read_tag_head(data[: flv_file.TAG_BYTES])
    assert head == flv_file.TagHead(kind, len(data), time_ms)
    assert data[flv_file.TAG_BYTES : -4] == body
    assert int.from_bytes(data[-4:], "big") == len(data) - 4


@given(st.binary(max_size=40))
def test_any_bytes_are_read_without_a_fall(data):
    head = flv_file.read_tag_head(data)
    assert head is None or head.size >= flv_file.TAG_BYTES + 4


def test_a_body_that_is_too_long_is_refused():
    flv_file.tag(Kind.VIDEO, 0, bytes(flv_file.MAX_BODY))
    with pytest.raises(MediaError, match="16777216"):
        flv_file.tag(Kind.VIDEO, 0, bytes(flv_file.MAX_BODY + 1))


def test_a_file_of_tags_is_an_flv_to_libav():
    form, packets = make_feed(seconds=1)
    at = 0xFFFFFF - 500  # across the end of 24 bits
    data = flv_file.file_header() + flv_file.header_tags(form, at, {"source": "舞台 1"})
    data += b"".join(flv_file.packet_tag(packet, form, at + packet.dts) for packet in packets)
    with av.open(io.BytesIO(data), format="flv") as source:
        assert source.metadata["source"] == "舞台 1"
        read = [(p.dts, p.pts, bytes(p)) for p in source.demux() if p.size and p.stream.type == "video"]
    video = [p for p in packets if p.kind is Kind.VIDEO]
    assert read == [(at + p.dts, at + p.pts, p.data) for p in video]


def test_headers_are_no_frames():
    form, packets = make_feed(seconds=1)
    data = flv_file.header_tags(form, 0, {})
    kinds = []
    while data:
        head = flv_file.read_tag_head(data[: flv_file.TAG_BYTES])
        kinds.append((head.kind, flv_file.is_frame(head.kind, data[11:27])))
        data = data[head.size :]
    assert kinds == [(Kind.DATA, False), (Kind.VIDEO, False), (Kind.AUDIO, False)]
    for packet in packets:
        assert flv_file.is_frame(packet.kind, flv_file.packet_tag(packet, form, 0)[11:27])
