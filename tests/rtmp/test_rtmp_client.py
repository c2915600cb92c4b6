import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0
from streamgate.rtmp.chunk import WHILE_PUBLISHING, ChunkReader, ChunkWriter, Type
from streamgate.rtmp.client import ClientSession, Closed, Publishing, Refused
from streamgate.rtmp.server import PublishRequested, ServerSession
from streamgate.rtmp.url import parse_url

FEED = FeedFormat(VideoTrack("h264", b"avcC", 320, 180, 30, 1), AudioTrack("aac", b"\x11\x90", 48000, 2))
HELLO = b"\x03" + bytes(1536 * 2)


class Server:
    """A raw server: says what it is told and reads what the client says."""

    def __init__(self, feed=FEED):
        self.session = ClientSession(parse_url("rtmp://h/live/SECRET?x=1"), feed)
        self.writer = ChunkWriter()
        self.reader = ChunkReader(WHILE_PUBLISHING)
        self.session.data_to_send()
        self.session.receive(HELLO)
        self.reader.receive(self.session.data_to_send()[1536:])  # after the echo of our hello

    def send(self, type_id, body, now_us=None):
        return self.session.receive(self.writer.message(3, type_id, 0, 0, body), now_us)

    def call(self, *values, now_us=None):
        return self.send(Type.COMMAND, amf0.encode(*values), now_us)

    def heard(self):
        return self.reader.receive(self.session.data_to_send())

    def commands(self):
        return [amf0.decode(message.body) for message in self.heard() if message.type_id == Type.COMMAND]


def publishing():
    server = Server()
    server.call("_result", 1, {}, {"code": "NetConnection.Connect.Success"})
    server.call("_result", 4, None, 7)
    events = server.call("onStatus", 0, None, {"level": "status", "code": "NetStream.Publish.Start"})
    assert events == [Publishing()]
    server.heard()
    return server


def test_the_dialogue_is_that_of_obs():
    session = ClientSession(parse_url("rtmp://h/live/SECRET?x=1"), FEED)
    session.data_to_send()
    session.receive(HELLO)
    (connect,) = ChunkReader(WHILE_PUBLISHING).receive(session.data_to_send()[1536:])
    assert amf0.decode(connect.body) == [
        "connect",
        1.0,
        {
            "app": "live",
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; streamgate)",
            "swfUrl": "rtmp://h/live",
            "tcUrl": "rtmp://h/live",
        },
    ]
    server = Server()
    server.call("_result", 1, {}, {"code": "NetConnection.Connect.Success"})
    assert server.commands() == [
        ["releaseStream", 2.0, None, "SECRET?x=1"],
        ["FCPublish", 3.0, None, "SECRET?x=1"],
        ["createStream", 4.0, None],
    ]
    server.call("_error", 2, None, {"code": "NetConnection.Call.Failed"})  # a courtesy nobody needs
    server.call("_result", 4, None, 7)
    (publish,) = server.heard()
    assert (publish.stream_id, amf0.decode(publish.body)) == (
        7,
        ["publish", 5.0, None, "SECRET?x=1", "live"],
    )


def test_codecs_of_enhanced_rtmp_are_announced():
    feed = FeedFormat(VideoTrack("hevc", b"", 1, 1, 25, 1), AudioTrack("opus", b"", 48000, 2))
    session = ClientSession(parse_url("rtmp://h/live/SECRET"), feed)
    session.data_to_send()
    session.receive(HELLO)
    (connect,) = ChunkReader(WHILE_PUBLISHING).receive(session.data_to_send()[1536:])
    assert amf0.decode(connect.body)[2]["fourCcList"] == ["hvc1", "Opus"]


def test_time_counts_from_the_origin():
    server = publishing()
    server.session.origin_ms = 5000
    server.session.send_packet(Packet(Kind.VIDEO, 5040, 5040, True, b"x"), FEED)
    server.session.send_packet(Packet(Kind.DATA, 5041, 5041, False, b"script"), FEED)
    server.session.send_packet(Packet(Kind.VIDEO, 5000 + 2**32, 0, True, b"x"), FEED)
    assert [(m.type_id, m.timestamp, m.stream_id) for m in server.heard()] == [
        (9, 40, 7),
        (18, 41, 7),
        (9, 0, 7),
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (("_error", 1, None, {"code": "A.B", "description": "no SECRET"}), Refused("A.B", "no ***")),
        (("_error", 1), Refused("connect refused", "")),
        (
            ("onStatus", 0, None, {"level": "error", "code": "X", "description": "SECRET?x=1\n"}),
            Refused("X", "*** "),
        ),
        (("close",), Closed("close", "")),
    ],
)
def test_a_refusal_is_told_without_the_key(answer, expected):
    assert Server().call(*answer) == [expected]


@pytest.mark.parametrize("number", [None, "7", float("nan"), -1, 2**33])
def test_a_stream_number_that_is_none_is_a_refusal(number):
    server = Server()
    server.call("_result", 1, {}, {})
    (event,) = server.call("_result", 4, None, number)
    assert isinstance(event, Refused)


def test_an_error_in_mid_stream_ends_it():
    code, words = "NetStream.Publish.Failed", {"description": "gone"}
    assert publishing().call("onStatus", 0, None, {"level": "error", "code": code} | words) == [
        Closed(code, "gone")
    ]
    code = "NetStream.Publish.BadName"
    assert publishing().call("onStatus", 0, None, {"level": "error", "code": code} | words) == [
        Refused(code, "gone")
    ]
    assert publishing().call("onStatus", 0, None, {"level": "status", "code": "NetStream.Other"}) == []


def test_pings_and_acknowledgements():
    server = publishing()
    server.send(Type.USER_CONTROL, b"\0\6time")
    server.send(Type.WINDOW_ACK_SIZE, (1).to_bytes(4, "big"))
    server.send(Type.SET_PEER_BANDWIDTH, (5000).to_bytes(4, "big") + b"\2")
    server.send(Type.DATA, bytes(1000))
    heard = server.heard()
    assert (heard[0].type_id, heard[0].body) == (Type.USER_CONTROL, b"\0\7time")
    assert {message.type_id for message in heard[1:]} == {Type.ACK, Type.WINDOW_ACK_SIZE}


def test_goodbye_is_said_once_and_only_when_there_is_something_to_end():
    server = publishing()
    server.session.close()
    server.session.close()
    assert [(command[0], command[3]) for command in server.commands()] == [
        ("FCUnpublish", "SECRET?x=1"),
        ("deleteStream", 7.0),
    ]
    early = Server()
    early.session.close()
    assert early.heard() == []


# ---------------------------------------------------------------- hostile servers


def recorded():
    """What our server says in a session."""
    client, server = ClientSession(parse_url("rtmp://h/live/SECRET"), FEED), ServerSession()
    said = b""
    while to_server := client.data_to_send():
        for event in server.receive(to_server):
            if isinstance(event, PublishRequested):
                server.accept_publish()
        answer = server.data_to_send()
        said += answer
        client.receive(answer)
    return said


def test_mutated_servers_raise_only_protocol_errors():
    said, chance, refused = recorded(), random.Random(3), 0
    for _ in range(1500):
        data = bytearray(said)
        for _ in range(chance.randint(1, 5)):
            at = 3073 + chance.randrange(len(data) - 3073)
            if chance.random() < 0.5:
                data[at] = chance.randrange(256)
            else:
                data[at : at + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
        session = ClientSession(parse_url("rtmp://h/live/SECRET"), FEED)
        try:
            for start in range(0, len(data), 500):
                session.receive(bytes(data[start : start + 500]))
        except ProtocolError:
            refused += 1
    assert 100 < refused < 1500


def test_a_server_that_floods_ends_the_session():
    ping = ChunkWriter().message(2, Type.USER_CONTROL, 0, 0, b"\0\6time")
    server = publishing()
    server.session.receive(ping + b"\xc2\0\6time" * 500, 0)
    server.session.receive(b"\xc2\0\6time" * 1000, 1)
    with pytest.raises(ProtocolError, match="floods: more than 200 chunks a second"):
        server.session.receive(b"\xc2\0\6time" * 600, 2)
    server = publishing()
    with pytest.raises(ProtocolError, match="floods: more than 16384 bytes a second"):
        server.session.receive(bytes(40_000), 0)


def test_an_hour_of_a_talkative_server_is_no_flood():
    server, second = publishing(), 1_000_000
    for n in range(3_600):
        server.send(Type.ACK, bytes(4), n * second)
        if n % 10 == 0:
            server.call("onStatus", 0, None, {"code": "NetStream.Record.Start"}, now_us=n * second)
        for k in range(20):
            server.send(Type.USER_CONTROL, b"\0\6time", n * second + k)
    assert server.session.publishing


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(0, 6) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "level", "description"]), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["_result", "_error", "onStatus", "close", "onBWDone"])


@given(st.lists(st.tuples(NAMES | VALUES, st.integers(0, 6), st.lists(VALUES, max_size=3)), max_size=6))
def test_any_commands_give_events_or_a_protocol_error(commands):
    server = Server()
    with contextlib.suppress(ProtocolError):
        for name, number, values in commands:
            server.call(name, number, *values)
