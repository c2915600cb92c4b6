import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import ProtocolError
from streamgate.rtmp import amf0
from streamgate.rtmp.chunk import ChunkReader, ChunkWriter, Limits, Type
from streamgate.rtmp.client import ClientSession, Closed, Publishing, Refused
from streamgate.rtmp.server import (
    Connected,
    Media,
    PlayRequested,
    PublishRequested,
    ServerSession,
    Unpublished,
    encoder_name,
)
from streamgate.rtmp.url import parse_url

FEED = FeedFormat(VideoTrack("h264", b"avcC", 320, 180, 30, 1), AudioTrack("aac", b"\x11\x90", 48000, 2))
HELLO = b"\x03" + bytes(1536 * 2)


class Wire:
    """A raw client: says what it is told and reads the answers."""

    def __init__(self):
        self.session = ServerSession()
        self.writer = ChunkWriter()
        self.reader = ChunkReader(Limits(message=1 << 20, pending=1 << 20))
        self.session.receive(HELLO)
        self.session.data_to_send()

    def send(self, type_id, body, stream_id=0):
        return self.session.receive(self.writer.message(3, type_id, 0, stream_id, body))

    def call(self, *values, stream_id=0):
        return self.send(Type.COMMAND, amf0.encode(*values), stream_id)

    def answers(self):
        return self.reader.receive(self.session.data_to_send())

    def commands(self):
        return [amf0.decode(answer.body) for answer in self.answers() if answer.type_id == Type.COMMAND]


def connected(app="live"):
    wire = Wire()
    wire.call("connect", 1, {"app": app, "flashVer": "FMLE/3.0 (compatible; FMSc/1.0)"})
    wire.answers()
    return wire


def publishing():
    wire = connected()
    wire.call("publish", 5, None, "key", "live", stream_id=1)
    wire.session.accept_publish()
    wire.answers()
    return wire


def talk(client, server, decide):
    """Let both talk until nobody has anything to say; return (client events, server events)."""
    heard, seen = [], []
    while True:
        to_server = client.data_to_send()
        for event in server.receive(to_server):
            seen.append(event)
            if isinstance(event, PublishRequested):
                decide(server)
        to_client = server.data_to_send()
        heard += client.receive(to_client)
        if not to_server and not to_client:
            return heard, seen


def test_our_client_publishes_to_our_server():
    client, server = ClientSession(parse_url("rtmp://h/live/key?x=1")), ServerSession()
    heard, seen = talk(client, server, ServerSession.accept_publish)
    assert [Publishing()] == heard
    connect, request = seen
    assert isinstance(connect, Connected)
    assert (connect.app, connect.tc_url, connect.encoder) == ("live", "rtmp://h/live", "streamgate")
    assert PublishRequested("live", "key?x=1", "live") == request
    client.send_metadata(FEED, 0)
    client.send_header(FEED, 0)
    client.send_packet(Packet(Kind.VIDEO, 40, 80, True, b"x" * 100_000), FEED)
    client.send_packet(Packet(Kind.AUDIO, 43, 43, False, b"y"), FEED)
    heard, seen = talk(client, server, ServerSession.accept_publish)
    expected = [(Kind.DATA, 0), (Kind.VIDEO, 0), (Kind.AUDIO, 0), (Kind.VIDEO, 40), (Kind.AUDIO, 43)]
    assert expected == [(media.kind, media.timestamp_ms) for media in seen]
    assert seen[3].body == b"\x17\x01\x00\x00\x28" + b"x" * 100_000
    client.close()
    heard, seen = talk(client, server, ServerSession.accept_publish)
    assert [Unpublished()] == seen
    assert not server.closing


@pytest.mark.parametrize("key", ["a", "e", "NetStream.Publish.Start", "status"])
def test_a_key_that_stands_in_the_answers_is_a_key_like_any_other(key):
    heard, _ = talk(
        ClientSession(parse_url(f"rtmp://h/live/{key}")), ServerSession(), ServerSession.accept_publish
    )
    assert heard == [Publishing()]


@pytest.mark.parametrize(
    "code", ["NetStream.Publish.BadName", "NetStream.Publish.Rejected", "NetStream.Publish.Denied"]
)
def test_a_refusal_reaches_the_client_and_ends_the_session(code):
    client, server = ClientSession(parse_url("rtmp://h/live/key")), ServerSession()
    heard, _ = talk(client, server, lambda session: session.refuse_publish(code, "no such key here: key"))
    assert [Refused(code, "no such *** here: ***")] == heard
    assert server.closing
    assert server.receive(b"whatever comes now") == []


def test_a_running_publish_can_be_ended():
    client, server = ClientSession(parse_url("rtmp://h/live/key")), ServerSession()
    talk(client, server, ServerSession.accept_publish)
    server.refuse_publish("NetStream.Publish.Denied", "kicked")
    heard, _ = talk(client, server, ServerSession.accept_publish)
    assert [Refused("NetStream.Publish.Denied", "kicked")] == heard


@pytest.mark.parametrize(
    ("app", "name", "expected"),
    [
        ("live", "key?x=1", ("live", "key?x=1")),
        ("key", "", ("", "key")),
        ("key?x=a/b", "", ("", "key?x=a/b")),
        ("live/key", "", ("live", "key")),
        ("live/key/", "", ("live", "key")),
        ("", "", ("", "")),
    ],
)
def test_where_the_key_stands(app, name, expected):
    wire = connected(app)
    (request,) = wire.call("publish", 5, None, name, "live", stream_id=1)
    assert expected == (request.app, request.key)
    assert "key" not in repr(request)


def test_answers_to_the_courtesies_of_obs_and_ffmpeg():
    wire = connected()
    wire.call("releaseStream", 2, None, "key")
    assert wire.commands() == [["_result", 2.0, None, None]]
    wire.call("FCPublish", 3, None, "key")
    assert [command[0] for command in wire.commands()] == ["onFCPublish", "_result"]
    wire.call("createStream", 4, None)
    assert wire.commands() == [["_result", 4.0, None, 1.0]]
    wire.call("_checkbw", 5, None)
    assert wire.commands() == [["_result", 5.0, None, 0.0]]
    wire.call("somethingElse", 6, None)
    assert [command[0] for command in wire.commands()] == ["_error"]
    wire.call("somethingElse", 0, None)
    assert wire.commands() == []
    wire.send(Type.COMMAND_AMF3, b"\0" + amf0.encode("createStream", 7, None))
    assert wire.commands() == [["_result", 7.0, None, 2.0]]


def test_connect_announces_enhanced_rtmp_to_those_who_ask():
    wire = Wire()
    (event,) = wire.call("connect", 1, {"app": "live", "fourCcList": ["hvc1", "av01"], "capsEx": 0})
    assert event.four_ccs == ("hvc1", "av01")
    (answer,) = wire.commands()
    assert "hvc1" in answer[2]["fourCcList"]
    assert answer[3]["code"] == "NetConnection.Connect.Success"
    wire = Wire()
    wire.call("connect", 1, {"app": "live"})
    (answer,) = wire.commands()
    assert "fourCcList" not in answer[2]


def test_the_answer_to_publish_is_the_one_clients_wait_for():
    wire = connected()
    wire.call("publish", 5, None, "key", "live", stream_id=1)
    assert wire.answers() == []
    wire.session.accept_publish()
    begin, start = wire.answers()
    assert (begin.type_id, begin.body) == (Type.USER_CONTROL, b"\0\0\0\0\0\1")
    status = amf0.decode(start.body)
    assert (status[0], status[3]["code"], start.stream_id) == ("onStatus", "NetStream.Publish.Start", 1)


def test_media_counts_only_while_publishing():
    wire = connected()
    assert wire.send(Type.VIDEO, b"early", 1) == []
    wire = publishing()
    assert [Media(Kind.VIDEO, 0, b"frame")] == wire.send(Type.VIDEO, b"frame", 1)
    assert [Media(Kind.DATA, 0, b"script")] == wire.send(Type.DATA_AMF3, b"\0script", 1)
    assert [Unpublished()] == wire.call("FCUnpublish", 6, None, "key")
    assert wire.call("deleteStream", 7, None, 1) == []
    assert wire.send(Type.VIDEO, b"late", 1) == []
    (again,) = wire.call("publish", 8, None, "key", "live", stream_id=1)
    assert isinstance(again, PublishRequested)


def test_play_is_refused_politely():
    wire = connected()
    assert [PlayRequested()] == wire.call("play", 3, None, "key", stream_id=1)
    (status,) = wire.commands()
    assert status[3]["code"] == "NetStream.Play.StreamNotFound"
    assert wire.session.closing


def test_pings_and_acknowledgements():
    wire = publishing()
    wire.send(Type.USER_CONTROL, b"\0\6time")
    (pong,) = wire.answers()
    assert pong.body == b"\0\7time"
    wire.send(Type.WINDOW_ACK_SIZE, (10_000).to_bytes(4, "big"))
    wire.send(Type.VIDEO, b"x" * 6000, 1)
    (ack,) = wire.answers()
    assert (Type.ACK, wire.session.bytes_received) == (ack.type_id, int.from_bytes(ack.body, "big"))


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (lambda: Wire().call("publish", 1, None, "key"), "before connect"),
        (lambda: connected().call("connect", 1, {}), "second RTMP connect"),
        (lambda: publishing().call("publish", 1, None, "key"), "second RTMP publish"),
        (lambda: connected().call(1.0), "without a name"),
        (lambda: connected().send(Type.COMMAND, b""), "without a name"),
        (lambda: connected().call("publish", 1, None, "k" * 3000), "allowed are 2048"),
        (lambda: connected().send(Type.VIDEO, b"x" * 20_000), "allowed are 16384"),
        (lambda: publishing().send(Type.AUDIO, b"x" * 1_100_000), "allowed are 1048576"),
        (lambda: publishing().send(Type.COMMAND, b"x" * 70_000), "allowed are 65536"),
        (lambda: [w := connected(), [w.call("createStream", 1, None) for _ in range(17)]], "more than 16"),
        (lambda: [w := publishing(), [w.call("createstream", 1, None) for _ in range(5000)]], "not read"),
        (lambda: [w := connected(), [w.call("createstream", 1, None) for _ in range(5000)]], "more than 256"),
        (lambda: [w := Wire(), [w.send(Type.ACK, b"\0\0\0\0") for _ in range(300)]], "more than 256"),
        (lambda: [w := Wire(), w.send(Type.ACK, b""), w.session.receive(b"\xc3" * 300)], "more than 256"),
        (lambda: [w := connected(), [w.send(Type.VIDEO, bytes(9000)) for _ in range(9)]], "more than 65536"),
    ],
)
def test_violations_end_the_session_with_a_reason(say, reason):
    with pytest.raises(ProtocolError, match=reason):
        say()


def test_encoder_names():
    assert encoder_name("FMLE/3.0 (compatible; Lavf60.3.100)") == "Lavf60.3.100"
    assert encoder_name("LNX 9,0,124,2") == "LNX 9,0,124,2"
    assert encoder_name("") == ""


# ---------------------------------------------------------------- hostile input


def recorded(chunk_size=None):
    """The bytes of a whole session, as our client sends them, in the pieces it sends them in."""
    client, server = ClientSession(parse_url("rtmp://h/live/key"), FEED), ServerSession()
    if chunk_size:
        client._writer.set_chunk_size = lambda size: ChunkWriter.set_chunk_size(client._writer, chunk_size)
    pieces = []

    def exchange():
        while True:
            to_server = client.data_to_send()
            if to_server:
                pieces.append(to_server)
            for event in server.receive(to_server):
                if isinstance(event, PublishRequested):
                    server.accept_publish()
            to_client = server.data_to_send()
            client.receive(to_client)
            if not to_server and not to_client:
                return

    exchange()
    client.send_metadata(FEED, 0)
    client.send_header(FEED, 0)
    for step in range(12):
        time = 2**24 - 200 + 33 * step
        client.send_packet(Packet(Kind.VIDEO, time, time + 66, step % 6 == 0, bytes(700)), FEED)
        client.send_packet(Packet(Kind.AUDIO, time, time, False, bytes(90)), FEED)
        exchange()
    client.close()
    exchange()
    return pieces


def mutated(data, chance):
    """Flip, cut, double, insert: a few changes, most of them after the handshake."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not data:
            break
        at = (
            chance.randrange(len(data))
            if chance.random() < 0.1
            else min(len(data) - 1, 3073 + chance.randrange(4000))
        )
        size = chance.randrange(1, 40)
        match chance.randrange(6):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + size]
            case 4:
                data[at:at] = chance.randbytes(size)
            case 5:
                data[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
    return bytes(data)


def fuzz(sessions, runs, seed):
    """Return how many mutated sessions ended in a ProtocolError; anything else raised fails the test."""
    chance = random.Random(seed)
    refused = 0
    for _ in range(runs):
        data = mutated(chance.choice(sessions), chance)
        session = ServerSession()
        step = chance.choice([len(data), 1500, 97])
        try:
            for start in range(0, len(data), step):
                for event in session.receive(data[start : start + step]):
                    if isinstance(event, PublishRequested):
                        session.accept_publish()
                session.data_to_send()
        except ProtocolError:
            refused += 1
    return refused


def test_mutated_sessions_raise_only_protocol_errors():
    sessions = [b"".join(recorded()), b"".join(recorded(128))]
    runs = 1500
    refused = fuzz(sessions, runs, seed=1)
    assert runs // 10 < refused < runs


@given(st.lists(st.tuples(st.integers(0, 24), st.integers(0, 2), st.binary(max_size=80)), max_size=8))
def test_any_messages_give_events_or_a_protocol_error(messages):
    wire = publishing()
    try:
        for type_id, stream_id, body in messages:
            wire.send(type_id, body, stream_id)
    except ProtocolError:
        pass


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    "connect",
    "publish",
    "createStream",
    "FCPublish",
    "FCUnpublish",
    "deleteStream",
    "play",
    "_checkbw",
    "x",
]


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.lists(VALUES, max_size=4)), max_size=6))
def test_any_commands_give_events_or_a_protocol_error(commands):
    wire = Wire()
    try:
        for name, values in commands:
            wire.call(name, *values)
            wire.session.accept_publish()
    except ProtocolError:
        pass


def test_the_server_ending_a_stream_is_told_as_closed():
    client, server = ClientSession(parse_url("rtmp://h/live/key")), ServerSession()
    talk(client, server, ServerSession.accept_publish)
    body = amf0.encode("onStatus", 0, None, {"level": "status", "code": "NetStream.Unpublish.Success"})
    assert [Closed("NetStream.Unpublish.Success", "")] == client.receive(
        server._writer.message(5, 20, 0, 1, body)
    )
