"""A connection fed with bytes alone: whatever they are, it ends or goes on, and never raises."""

import asyncio
import random

import pytest
from ingest_tools import KEY, KINDS, flv_tags

from streamgate.core.packet import Kind
from streamgate.ingest.admission import Limits
from streamgate.ingest.connection import STEP_CHUNKS, Connection
from streamgate.ingest.link import GateLink, LinkStream
from streamgate.ingest.probe import probe
from streamgate.ingest.wake_plan import PICTURES
from streamgate.link import messages
from streamgate.rtmp import client, server, url


class Wire:
    """The transport's side of a connection."""

    def __init__(self):
        self.closed = False
        self.reading = True
        self.sent = bytearray()

    def get_extra_info(self, name):
        return ("127.0.0.1", 5) if name == "peername" else None

    def get_write_buffer_size(self):
        return 0

    def write(self, data):
        self.sent += data

    def close(self):
        self.closed = True

    abort = close

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True


class OpenDesk:
    """Lets everybody publish at once, to a gate that is away; probes on the spot."""

    limits = Limits()

    def __init__(self, path):
        self.link = GateLink(path)
        self.accepted = 0

    def on_publish(self, connection, key):
        self.accepted += 1
        stream = LinkStream(self.link, messages.Publish(1, "hash", "peer", "encoder"), lambda reason: None)
        connection.accept(stream, "hash")

    def on_unpublished(self, connection, *, clean):
        pass

    def on_closed(self, connection):
        pass

    def warn(self, event, **values):
        pass

    def start_probe(self, connection, sample):
        if connection.feed is not None:
            connection.feed.on_probed(probe(sample))


@pytest.fixture(scope="module")
def session(clip):
    """The bytes of a publishing client, from its handshake through a second of media."""
    ours = client.ClientSession(url.parse_url(f"rtmp://127.0.0.1/live/{KEY}"))
    theirs = server.ServerSession()
    pieces = []
    for _ in range(12):
        out = ours.data_to_send()
        if out:
            pieces.append(out)
        for event in theirs.receive(out) if out else []:
            if isinstance(event, server.PublishRequested):
                theirs.accept_publish()
        ours.receive(theirs.data_to_send())
    assert ours.publishing
    for kind, time_ms, body in list(flv_tags(clip))[:70]:
        ours.send_body(KINDS[kind], time_ms, body)
        pieces.append(ours.data_to_send())
    return pieces


async def publish(connection, pieces):
    wire = Wire()
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
        while not wire.reading:
            await asyncio.sleep(0)
    return wire


async def feed(connection, pieces):
    wire = Wire()
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
        while not (wire.reading or wire.closed):
            await asyncio.sleep(0)
        connection.tick(connection.last_byte_us)
        if wire.closed:
            break
    connection.report_health(connection.last_byte_us)
    connection.connection_lost(None)
    return wire


@pytest.fixture
def desk(tmp_path):
    return OpenDesk(tmp_path / "none.sock")


async def test_an_unharmed_session_publishes(session, desk, logs):
    assert not (await feed(Connection(desk, "127.0.0.1"), session)).closed
    assert desk.accepted == 1


async def test_harmed_sessions_end_or_go_on_and_never_raise(session, desk, logs):
    chance = random.Random(20)
    closed = 0
    for _ in range(400):
        pieces = [bytearray(piece) for piece in session]
        for _ in range(chance.randint(1, 6)):
            piece = chance.choice(pieces[2:]) if chance.random() < 0.9 else pieces[0]
            at = chance.randrange(len(piece))
            match chance.randrange(3):
                case 0:
                    piece[at] = chance.randrange(256)
                case 1:
                    piece[at : at + chance.randint(1, 40)] = b"\0"
                case 2:
                    piece[at:at] = chance.randbytes(chance.randint(1, 40))
        closed += (await feed(Connection(desk, "127.0.0.1"), map(bytes, pieces))).closed
    assert 0 < closed < 400


async def test_one_turn_deals_with_a_bounded_part_and_every_other_callback_has_its_turn(session, desk, logs):
    connection = Connection(desk, "127.0.0.1")
    wire = await publish(connection, session)
    empty = b"\x04" + bytes(6) + b"\x08\1\0\0\0"
    turns, longest = 0, 0
    before = chunks = connection._session.chunks
    connection.data_received(empty + b"\xc4" * 1999)
    while not wire.reading:
        longest = max(longest, connection._session.chunks - chunks)
        chunks = connection._session.chunks
        turns += 1
        await asyncio.sleep(0)
    assert connection._session.chunks - before == 2000
    assert longest <= STEP_CHUNKS
    assert turns >= 2000 // STEP_CHUNKS
    connection.connection_lost(None)


async def test_script_data_beyond_its_share_is_dropped_and_told(session, desk, logs):
    connection = Connection(desk, "127.0.0.1")
    script = client.ClientSession(url.parse_url("rtmp://127.0.0.1/live/key"))
    script.data_to_send()
    pieces = [*session]
    for n in range(500):
        script.send_body(Kind.DATA, n, b"\x02\0\1x")
    pieces.append(script.data_to_send())
    told = []
    wire = Wire()
    connection.connection_made(wire)
    for piece in pieces:
        before = connection._stream.dropped if connection._stream is not None else 0
        connection.data_received(piece)
        while not wire.reading:
            await asyncio.sleep(0)
    stream = connection._stream
    assert 50 < stream.dropped - before <= 500 - 400 // (1 + 4 / 256)
    stream.send_health = lambda mended, dropped, warnings, encoder, declared: told.extend(warnings)
    connection.report_health(connection.last_byte_us)
    assert "scripts_dropped" in [warning.code for warning in told if isinstance(warning, messages.Warn)]
    connection.connection_lost(None)


async def test_sound_goes_to_the_gate_with_the_next_picture_or_at_the_deadline(
    session, clip, desk, monkeypatch
):
    clock_us, sent = 1_000_000, []
    monkeypatch.setattr("streamgate.ingest.connection.now_us", lambda: clock_us)
    monkeypatch.setattr(LinkStream, "send", lambda _, packets: sent.append([one.kind for one in packets]))
    connection = Connection(desk, "127.0.0.1")
    await publish(connection, session)
    bodies = {KINDS[kind]: body for kind, _, body in list(flv_tags(clip))[:70]}
    encoder = client.ClientSession(url.parse_url("rtmp://127.0.0.1/live/key"))
    encoder.data_to_send()
    encoder._writer.set_chunk_size(client.OUT_CHUNK_SIZE)

    def arrive(kind, after_us):
        nonlocal clock_us
        clock_us += after_us
        encoder.send_body(kind, 2000 + clock_us // 1000, bodies[kind])
        connection.data_received(encoder.data_to_send())

    for _ in range(PICTURES + 1):
        arrive(Kind.VIDEO, 33_333)
    sent.clear()
    arrive(Kind.AUDIO, 10_000)
    assert sent == []
    arrive(Kind.VIDEO, 23_333)
    assert sent == [[Kind.AUDIO, Kind.VIDEO]]
    arrive(Kind.AUDIO, 40_000)  # 3 ms before the deadline of a picture that does not come
    await asyncio.sleep(0.05)
    assert sent[1:] == [[Kind.AUDIO]]
    arrive(Kind.VIDEO, 0)
    arrive(Kind.AUDIO, 10_000)
    connection.connection_lost(None)
    assert sent[2:] == [[Kind.VIDEO], [Kind.AUDIO]]
