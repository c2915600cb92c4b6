import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import ProtocolError
from streamgate.rtmp.chunk import (
    AMF_CHUNKS,
    BEFORE_PUBLISH,
    WHILE_PUBLISHING,
    ChunkReader,
    ChunkWriter,
    Limits,
    Message,
    Type,
    split_aggregate,
)

MESSAGES = st.lists(
    st.tuples(
        st.integers(2, 63),
        st.sampled_from([3, 4, 8, 9, 18, 20]),
        st.integers(0, 2**32 - 1) | st.sampled_from([0, 0xFFFFFE, 0xFFFFFF, 0x1000000, 2**31, 2**32 - 1]),
        st.integers(0, 3),
        st.binary(max_size=600),
    ),
    max_size=12,
)


def full(csid, type_id, timestamp, body, stream_id=1):
    """One message in one chunk with a full header."""
    field = min(timestamp, 0xFFFFFF).to_bytes(3, "big")
    extended = timestamp.to_bytes(4, "big") if timestamp >= 0xFFFFFF else b""
    head = bytes([csid]) + field + len(body).to_bytes(3, "big") + bytes([type_id])
    return head + stream_id.to_bytes(4, "little") + extended + body


@given(MESSAGES, st.integers(1, 700), st.lists(st.integers(1, 400), min_size=1, max_size=30))
def test_what_is_written_is_read_whatever_the_chunk_size_and_the_pieces(messages, chunk_size, pieces):
    writer, reader = ChunkWriter(), ChunkReader(WHILE_PUBLISHING)
    data = writer.set_chunk_size(chunk_size)
    data += b"".join(writer.message(*message) for message in messages)
    received, position, turn = [], 0, 0
    while position < len(data):
        size = pieces[turn % len(pieces)]
        received += reader.receive(data[position : position + size])
        position, turn = position + size, turn + 1
    assert [Message(type_id, ts, sid, body) for _, type_id, ts, sid, body in messages] == received
    assert len(data) == reader.bytes_received


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_any_bytes_give_messages_or_a_protocol_error(pieces):
    reader = ChunkReader()
    try:
        for piece in pieces:
            reader.receive(piece)
    except ProtocolError:
        pass


def test_time_runs_on_through_every_wrap():
    writer, reader = ChunkWriter(), ChunkReader(WHILE_PUBLISHING)
    for start in (2**24 - 100, 2**31 - 100, 2**32 - 100):
        for step in range(10):
            (message,) = reader.receive(writer.message(6, Type.VIDEO, start + 33 * step, 1, b"x" * 300))
            assert (start + 33 * step) % 2**32 == message.timestamp
            assert message.body == b"x" * 300


@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_the_extended_timestamp_on_type_3_chunks_may_be_left_out_as_old_obs_does(repeats, step):
    stamp = (0x01020304).to_bytes(4, "big")
    body = bytes(range(200)) + b"\x01\x02"  # ends with what could begin an extended timestamp
    head = full(6, Type.VIDEO, 0x01020304, b"")
    head = head[:4] + len(body).to_bytes(3, "big") + head[7:]
    data = head + body[:128] + b"\xc6" + (stamp if repeats else b"") + body[128:]
    data += full(6, Type.VIDEO, 0x01020305, b"next")
    reader, received = ChunkReader(WHILE_PUBLISHING), []
    for start in range(0, len(data), step):
        received += reader.receive(data[start : start + step])
    assert [(0x01020304, body), (0x01020305, b"next")] == [(m.timestamp, m.body) for m in received]


def test_header_types_1_to_3_add_their_delta():
    reader = ChunkReader()
    received = reader.receive(full(4, Type.AUDIO, 1000, b"a"))
    received += reader.receive(b"\x44\x00\x00\x17\x00\x00\x02\x08bc")  # type 1: +23, two bytes
    received += reader.receive(b"\x84\x00\x00\x18de")  # type 2: +24
    received += reader.receive(b"\xc4fg")  # type 3: +24 again
    expected = [(1000, b"a"), (1023, b"bc"), (1047, b"de"), (1071, b"fg")]
    assert expected == [(message.timestamp, message.body) for message in received]


def test_chunk_stream_numbers_in_two_and_three_bytes():
    reader = ChunkReader()
    data = b"\x00\x10" + full(0, Type.AUDIO, 5, b"two")[1:]  # 64 + 16
    data += b"\x01\x10\x01" + full(1, Type.AUDIO, 6, b"three")[1:]  # 64 + 16 + 256
    data += b"\xc0\x10two"
    received = []
    for byte in data:
        received += reader.receive(bytes([byte]))
    assert [(m.timestamp, m.body) for m in received] == [(5, b"two"), (6, b"three"), (10, b"two")]


def test_two_messages_may_be_interleaved():
    video, audio = b"v" * 200, b"a" * 150
    first, second = full(6, Type.VIDEO, 1, video), full(4, Type.AUDIO, 2, audio)
    data = first[: 12 + 128] + second[: 12 + 128] + b"\xc6" + first[140:] + b"\xc4" + second[140:]
    assert [video, audio] == [message.body for message in ChunkReader(WHILE_PUBLISHING).receive(data)]


def test_abort_drops_the_unfinished_message():
    reader = ChunkReader(WHILE_PUBLISHING)
    assert reader.receive(full(6, Type.VIDEO, 1, b"v" * 200)[:140]) == []
    assert reader.receive(full(2, Type.ABORT, 0, b"\x00\x00\x00\x06", 0)) == []
    (message,) = reader.receive(full(6, Type.VIDEO, 2, b"new"))
    assert message.body == b"new"


def test_an_aggregate_is_taken_apart():
    def tag(type_id, time, body):
        head = bytes([type_id]) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big")
        return head + bytes([time >> 24, 0, 0, 0]) + body + (len(body) + 11).to_bytes(4, "big")

    body = tag(8, 0x01000010, b"a") + tag(9, 0x01000020, b"v") + tag(8, 0x01000005, b"b")
    received = ChunkReader(WHILE_PUBLISHING).receive(full(4, Type.AGGREGATE, 5000, body))
    expected = [Message(8, 5000, 1, b"a"), Message(9, 5016, 1, b"v"), Message(8, 4989, 1, b"b")]
    assert expected == received
    for broken in (body[:-5], body[:5], tag(22, 0, b""), tag(20, 0, b"")):
        with pytest.raises(ProtocolError, match="aggregate"):
            split_aggregate(Message(22, 0, 1, broken))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (full(6, Type.VIDEO, 0, b"x" * 20_000), "allowed are 16384"),
        (b"\xc6", "starts without a header"),
        (b"\x86\x00\x00\x01", "starts without a full header"),
        (full(2, Type.SET_CHUNK_SIZE, 0, b"\x00\x00\x00\x00"), "chunk size of 0"),
        (full(2, Type.SET_CHUNK_SIZE, 0, b"\x80\x00\x00\x00"), "chunk size of 2147483648"),
        (full(2, Type.SET_CHUNK_SIZE, 0, b"\x00"), "cut short"),
        (full(6, Type.VIDEO, 0, b"x" * 200)[:140] + full(6, Type.VIDEO, 0, b"x"), "new header inside"),
        (b"".join(full(n, Type.AUDIO, 0, b"") for n in range(2, 64)), None),
    ],
)
def test_limits(data, reason):
    reader = ChunkReader(BEFORE_PUBLISH)
    if reason is None:
        assert len(reader.receive(data)) == 62
        reader.receive(b"\x00\x00" + full(0, Type.AUDIO, 0, b"")[1:])
        reader.receive(b"\x00\x01" + full(0, Type.AUDIO, 0, b"")[1:])
        data, reason = b"\x00\x02" + full(0, Type.AUDIO, 0, b"")[1:], "more than 64"
    with pytest.raises(ProtocolError, match=reason):
        reader.receive(data)


def test_unfinished_messages_together_are_limited():
    reader = ChunkReader(Limits(message=10_000, pending=1000))
    data = b"".join(full(number, Type.VIDEO, 0, b"x" * 200)[:140] for number in range(2, 20))
    with pytest.raises(ProtocolError, match="more than 1000 bytes of unfinished"):
        reader.receive(data)


def test_a_finished_message_no_longer_counts_as_pending():
    reader, writer = ChunkReader(Limits(message=10_000, pending=1000)), ChunkWriter()
    for _ in range(100):
        assert len(reader.receive(writer.message(6, Type.VIDEO, 0, 1, b"x" * 900))) == 1


def test_tiny_chunks_cost_linear_time():
    """A 400 KB message in 1-byte chunks: quadratic work would take far longer."""
    reader, writer = ChunkReader(WHILE_PUBLISHING), ChunkWriter()
    reader.receive(writer.set_chunk_size(1))
    data = writer.message(6, Type.VIDEO, 0, 1, bytes(400_000))
    started = time.process_time()
    received = []
    for start in range(0, len(data), 1000):
        received += reader.receive(data[start : start + 1000])
    assert [bytes(400_000)] == [message.body for message in received]
    assert time.process_time() - started < 5


# ---------------------------------------------------------------- limited calls


@given(
    MESSAGES, st.integers(1, 700), st.integers(1, 90), st.lists(st.integers(1, 900), min_size=1, max_size=9)
)
def test_limited_calls_read_the_same_as_unlimited_ones(messages, chunk_size, max_chunks, pieces):
    writer, reader = ChunkWriter(), ChunkReader(WHILE_PUBLISHING)
    data = writer.set_chunk_size(chunk_size) + b"".join(writer.message(*message) for message in messages)
    received, position, turn = [], 0, 0
    while position < len(data):
        size = pieces[turn % len(pieces)]
        received += reader.receive(data[position : position + size], max_chunks)
        position, turn = position + size, turn + 1
        for _ in range(turn % 3):  # the backlog is worked off at times and grows at others
            received += reader.receive(b"", max_chunks)
    while reader.backlog:
        before = reader.chunks
        received += reader.receive(b"", max_chunks)
        assert 0 < reader.chunks - before <= max_chunks + AMF_CHUNKS
    assert [Message(type_id, ts, sid, body) for _, type_id, ts, sid, body in messages] == received
    assert reader.messages == len(messages) + 1
    assert reader.bytes_received == len(data)


def test_a_limited_call_ends_behind_a_command_or_an_aggregate():
    tag = b"\x08" + (1).to_bytes(3, "big") + bytes(7) + b"a" + bytes(4)
    for message, count in ((full(3, Type.COMMAND, 0, b"x"), 1), (full(7, Type.AGGREGATE, 0, tag * 7), 7)):
        reader = ChunkReader(WHILE_PUBLISHING)
        assert len(reader.receive(message * 3, 5)) == count
        assert reader.backlog == 2 * len(message)
        assert (reader.messages, reader.backlog) == (count, 2 * len(message))


def test_messages_that_are_not_returned_are_counted():
    reader = ChunkReader(WHILE_PUBLISHING)
    data = full(2, Type.SET_CHUNK_SIZE, 0, b"\0\0\1\0") + full(2, Type.ABORT, 0, bytes(4))
    assert reader.receive(data + full(7, Type.AGGREGATE, 0, b"")) == []
    assert reader.messages == 3


def test_an_aggregate_of_too_many_messages_is_refused():
    tag = b"\x08" + bytes(14)
    with pytest.raises(ProtocolError, match="more than 256 messages"):
        ChunkReader(WHILE_PUBLISHING).receive(
            ChunkWriter().message(7, Type.AGGREGATE, 0, 1, tag * 4)
            + ChunkWriter().set_chunk_size(65536)
            + full(7, Type.AGGREGATE, 0, tag * 257)
        )
