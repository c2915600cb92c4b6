"""One destination against a real nginx-rtmp, and against servers that misbehave."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import itertools
import ssl

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fakes.rtmp_peer import Peer
from fakes.tiny_media import make_feed, shift
from tools.nginx import Platform, free_port
from tools.recording import Recording, decode_errors

from streamgate.core import backlog
from streamgate.core.clip import Clip
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.core.program import Program
from streamgate.errors import ConfigError
from streamgate.playout import push, push_link
from streamgate.playout.conform import conform
from streamgate.playout.job import SLATE, ConformJob
from streamgate.playout.push import BodyCache, Destination
from streamgate.rtmp import flv

FEED = FeedFormat(VideoTrack("h264", b"avcC", 320, 180, 25, 1), AudioTrack("aac", b"\x11\x90", 48000, 2))


@contextlib.asynccontextmanager
async def running(*destinations):
    """Run the destinations as the gate does; nothing may be left of them afterwards."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(destination.run()) for destination in destinations]
        yield
        for task in tasks:
            task.cancel()


async def eventually(condition, seconds=5):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def reaches(destination, state, seconds=5):
    await eventually(lambda: destination.status().state == state, seconds)


def offer_all(destination, packets, *, live=True):
    for packet in packets:
        destination.offer(Aired(packet, None, 1 if live else None))


def pictures(start, count, *, size=100, gop=25, fill=b"v"):
    """Video packets of 40 ms, a keyframe every `gop`."""
    return [
        Packet(Kind.VIDEO, start + 40 * n, start + 40 * n, n % gop == 0, fill * size) for n in range(count)
    ]


def frames(peer, fill=None):
    """What a peer got: (milliseconds, keyframe) of the pictures, those filled with `fill` when given."""
    tags = [(m.timestamp_ms, flv.parse_video(m.body)) for m in peer.media if m.kind is Kind.VIDEO]
    return [
        (time, tag.keyframe)
        for time, tag in tags
        if tag.kind == "frame" and (fill is None or tag.payload[:1] == fill)
    ]


# ---------------------------------------------------------------- nginx


@pytest.fixture(scope="module")
def feed():
    return make_feed(seconds=4)


@pytest.fixture
def platform(tmp_path):
    server = Platform(tmp_path / "platform")
    yield server
    server.close()


async def test_what_is_offered_is_recorded_whole(platform, feed):
    """Program time runs across 2^24 and 2^31 ms meanwhile: the connection has its own time from 0."""
    header, packets = feed
    names = {"a": 2**24 - 2000, "b": 2**31 - 2000}
    destinations = {name: Destination(name, platform.url(name)) for name in names}
    async with running(*destinations.values()):
        for destination in destinations.values():
            destination.start(header)
            await reaches(destination, "live")
        for name, start in names.items():
            offer_all(destinations[name], shift(packets, start))
        for destination in destinations.values():
            await eventually(lambda d=destination: d.status().queue_ms == 0)
            destination.stop()
            await asyncio.wait_for(destination.closed(), push.STOP_TIMEOUT_S + 0.2)
            shown = destination.status()
            assert (shown.state, shown.packets, shown.dropped) == ("idle", len(packets), 0)
            assert shown.bytes > sum(len(packet.data) for packet in packets)
        await eventually(lambda: all(platform.published(name)[0].ended_s for name in names))
    for name in names:
        (path,) = platform.recordings(name)
        assert decode_errors(path) == ""
        recording = Recording(path)
        assert [tag for tag in recording.tags if tag[0] == "video"] == [("video", 40 * n) for n in range(100)]
        assert [kind for kind, _ in recording.tags[:2]] == ["video_header", "audio_header"]
        assert len([kind for kind, _ in recording.tags if kind == "video_header"]) == 1


async def test_a_platform_that_dies_and_returns(platform, feed):
    header, packets = feed
    destination = Destination("main", platform.url("key"))
    async with running(destination):
        destination.start(header)
        await reaches(destination, "live")
        offer_all(destination, packets[:60])
        await asyncio.sleep(0.2)
        platform.kill()
        await reaches(destination, "backoff")
        assert destination.status().error
        assert destination.status().retry_in_s is not None
        offer_all(destination, packets[60:70])
        platform.start()
        await reaches(destination, "live")
        again = shift(packets, 4000)
        offer_all(destination, again[1:])  # from the middle of a GOP
        await eventually(lambda: destination.status().queue_ms == 0)
        assert (destination.status().reconnects, destination.status().error) == (1, "")
        destination.stop()
        await destination.closed()
        await eventually(lambda: platform.published("key")[-1].ended_s)
    path = platform.recordings("key")[-1]
    assert decode_errors(path) == ""
    tags = [tag for tag in Recording(path).tags if tag[0] == "video"]
    assert tags == [("video", 40 * n) for n in range(75)]  # from the second keyframe on, from time 0


# ---------------------------------------------------------------- what goes out


async def test_it_begins_at_a_keyframe_and_sound_before_it_stays_out():
    sound = [Packet(Kind.AUDIO, 900 + 21 * n, 900 + 21 * n, False, b"a") for n in range(8)]
    async with Peer() as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.start(FEED)
            offer_all(destination, pictures(0, 25))  # before it is connected: not kept
            await reaches(destination, "live")
            offer_all(destination, pictures(0, 25)[5:])
            offer_all(destination, [*pictures(1000, 1), *sound])
            await eventually(lambda: len(peer.media) >= 7)
    assert frames(peer) == [(0, True)]
    assert [m.timestamp_ms for m in peer.media if m.kind is Kind.AUDIO] == [0, 5, 26, 47]  # the first: config


async def test_a_new_header_goes_out_once_and_only_what_changed():
    other = msgspec.structs.replace(FEED, video=VideoTrack("h264", b"other", 640, 360, 25, 1))
    async with Peer() as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "live")
            same = FeedFormat(FEED.video, FEED.audio)
            for header, start in ((None, 0), (same, 1000), (other, 2000), (other, 3000)):
                for packet in pictures(start, 1):
                    destination.offer(Aired(packet, header, 1))
            await eventually(lambda: len(frames(peer)) == 4)
    shown = [(m.kind, flv.parse_video(m.body).kind if m.kind is Kind.VIDEO else "") for m in peer.media]
    config, frame, data, audio = (
        (Kind.VIDEO, "config"),
        (Kind.VIDEO, "frame"),
        (Kind.DATA, ""),
        (Kind.AUDIO, ""),
    )
    assert shown == [data, config, audio, frame, frame, data, config, frame, frame]


def test_a_body_is_made_once_for_all_destinations():
    cache = BodyCache()
    aired = Aired(pictures(0, 1)[0])
    assert cache.body(aired, FEED) is cache.body(aired, FEED)
    assert cache.body(aired, FEED) == flv.packet_body(aired.packet, FEED)
    other = Aired(pictures(0, 1, fill=b"w")[0])
    assert cache.body(other, FEED) == flv.packet_body(other.packet, FEED)
    without_video = FeedFormat(None, FEED.audio)
    assert cache.body(other, without_video) == b""


# ---------------------------------------------------------------- slow servers


async def stalled(peer, destination):
    """Start, then let the server stop reading; return when its answers are through."""
    destination.start(FEED)
    await reaches(destination, "live")
    peer.reading.clear()


async def test_a_cut_takes_back_what_a_slow_destination_has_not_taken_yet():
    """200 KB/frame x 20 live frames stand in the queue: at most what the small buffers took still leaves."""
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            await stalled(peer, destination)
            offer_all(destination, pictures(0, 1, size=1000))
            await asyncio.sleep(0.05)
            offer_all(destination, pictures(40, 20, size=200_000, gop=50))
            waiting = destination.status().queue_ms // 40 + 1
            assert waiting >= 15
            assert destination.discard_live() == waiting
            assert destination.status().queue_ms == 0
            assert destination.discard_live() == 0
            offer_all(destination, pictures(40 * 21, 3, gop=50, fill=b"L")[1:])  # undecodable: stays out
            offer_all(destination, pictures(1000, 3, gop=50, fill=b"F"), live=False)
            peer.reading.set()
            await eventually(lambda: len(frames(peer, b"F")) == 3)
    live = frames(peer, b"v")
    assert len(live) == 1 + 20 - waiting
    assert sum(len(m.body) for m in peer.media) < 1_200_000
    assert frames(peer, b"L") == []
    assert frames(peer, b"F") == [(1000, True), (1040, False), (1080, False)]


async def test_filler_that_waits_survives_a_cut_when_it_can_be_decoded():
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            await stalled(peer, destination)
            offer_all(destination, pictures(0, 12, size=200_000, fill=b"x"), live=False)
            queued = destination.status().queue_ms
            assert queued > 0
            offer_all(destination, pictures(480, 2, fill=b"L"))
            offer_all(
                destination, pictures(560, 2, gop=50, fill=b"f")[1:], live=False
            )  # hangs on the live ones
            offer_all(destination, pictures(640, 2, fill=b"F"), live=False)
            assert destination.discard_live() == 3
            assert destination.discard_live() == 0
            offer_all(destination, pictures(720, 1))
            offer_all(destination, pictures(760, 2, gop=50, fill=b"f")[1:], live=False)
            assert destination.discard_live() == 2
            assert destination.discard_live() == 0  # what stands before the loss stays
            peer.reading.set()
            await eventually(lambda: len(frames(peer, b"F")) == 2)
    assert len(frames(peer, b"x")) == 12
    assert frames(peer, b"L") == frames(peer, b"f") == []


@pytest.mark.parametrize(("size", "count"), [(100_000, 300), (10_000, 2000)])
async def test_the_queue_is_bounded_and_goes_on_at_a_keyframe(size, count):
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            await stalled(peer, destination)
            deepest = 0
            for packet in pictures(0, count, size=size):
                destination.offer(Aired(packet, None, 1))
                assert destination._queue_bytes <= push.MAX_QUEUE_BYTES
                assert destination._queue_bytes == sum(len(item.body) for item in destination._queue)
                deepest = max(deepest, destination.status().queue_ms)
            assert 0 < deepest <= push.MAX_QUEUE_MS
            dropped = destination.status().dropped
            assert dropped > 0
            peer.reading.set()
            await eventually(lambda: len(frames(peer)) == count - dropped)
    got = frames(peer)
    for (before, _), (after, keyframe) in itertools.pairwise(got):
        assert after - before == 40 or keyframe


async def test_a_slow_destination_does_not_slow_another():
    async with Peer(receive_buffer=32 * 1024) as slow, Peer() as fast:
        bodies = BodyCache()
        destinations = [Destination(str(n), peer.url(), bodies=bodies) for n, peer in enumerate((slow, fast))]
        async with running(*destinations):
            for peer, destination in zip((slow, fast), destinations, strict=True):
                await stalled(peer, destination)
            fast.reading.set()
            for packet in pictures(0, 50, size=50_000):
                aired = Aired(packet, None, 1)
                for destination in destinations:
                    destination.offer(aired)
                await asyncio.sleep(0)
            await eventually(lambda: len(frames(fast)) == 50)
            assert destinations[0].status().queue_ms > 500


async def test_one_that_drops_most_of_its_data_is_behind_until_it_keeps_up(monkeypatch):
    """8 Mb/s to a server that takes a tenth of that, and later all."""
    monkeypatch.setattr(backlog, "WINDOW_US", 3_000_000)
    states, errors = [], set()
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())

        async def slow_reader():
            while True:
                peer.reading.clear()
                await asyncio.sleep(0.65)
                peer.reading.set()
                await asyncio.sleep(0)

        async def feed(seconds):
            for packet in pictures(40 * len(states), round(seconds * 25), size=40_000):
                await asyncio.sleep(0.04)
                destination.offer(Aired(packet, None, 1))
                status = destination.status()
                states.append(status.state)
                errors.add(status.error)

        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "live")
            reader = asyncio.create_task(slow_reader())
            monkeypatch.setattr(push, "MAX_QUEUE_MS", 2000)
            await feed(6)
            assert "behind" in states
            status = destination.status()
            assert status.state == "behind"
            assert status.dropped > 0
            assert any("of the last" in error for error in errors)  # in turn with what waits to be sent
            assert states.index("live") < states.index("behind")
            reader.cancel()
            peer.reading.set()
            await feed(5)
            assert destination.status().state == "live"
            assert destination.status().error == ""


async def test_no_progress_ends_in_a_new_connection(monkeypatch):
    monkeypatch.setattr(push, "STALL_S", 0.6)
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            await stalled(peer, destination)
            offer_all(destination, pictures(0, 30, size=100_000))
            await reaches(destination, "backoff")
            assert "took nothing" in destination.status().error
            peer.reading.set()
            await eventually(lambda: destination.status().reconnects == 1)


async def test_the_bitrate_is_that_of_the_last_two_seconds():
    async with Peer() as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "live")
            assert destination.status().bitrate_bps == 0
            began_s = asyncio.get_running_loop().time()
            for packet in pictures(0, 30, size=50_000):
                destination.offer(Aired(packet, None, 1))
                await asyncio.sleep(0.05)
            took_s = asyncio.get_running_loop().time() - began_s
            assert destination.status().bitrate_bps == pytest.approx(30 * 50_000 * 8 / took_s, rel=0.5)


# ---------------------------------------------------------------- servers that do not want us


async def test_nobody_there_then_somebody(tmp_path):
    port = free_port()
    destination = Destination("main", f"rtmp://127.0.0.1:{port}/live/SECRET")
    async with running(destination):
        destination.start(FEED)
        await reaches(destination, "backoff")
        shown = destination.status()
        assert f"cannot connect to 127.0.0.1:{port}" in shown.error
        assert shown.error_zh == f"无法连接 127.0.0.1:{port}：对方拒绝连接"
        assert "SECRET" not in f"{shown} {destination.name}"
        assert shown.url == f"rtmp://127.0.0.1:{port}/live/***"
        assert 0 < shown.retry_in_s <= 0.5
        destination.stop()
        await destination.closed()
        assert destination.status().state == "idle"


@pytest.mark.parametrize("code", ["NetStream.Publish.BadName", "NetStream.Publish.Denied"])
async def test_a_wrong_key_is_said_and_retried_slowly(code):
    async with Peer(refuse=code) as peer:
        destination = Destination("main", peer.url("live/SECRET?x=1"))
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "failed")
            shown = destination.status()
            assert "the server refused the stream (no stream *** here)" in shown.error
            assert "对方服务器拒绝接收（no stream *** here）" in shown.error_zh
            assert 25 < shown.retry_in_s <= 30
            assert peer.keys == ["SECRET?x=1"]
            destination.stop()
            await asyncio.wait_for(destination.closed(), 0.5)


async def test_a_good_key_refused_after_a_loss_is_retried_soon():
    """The server has not noticed yet that the old connection is dead."""
    async with Peer() as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "live")
            peer._refuse = "NetStream.Publish.BadName"
            peer.hang_up()
            await eventually(lambda: "refused" in destination.status().error)
            assert destination.status().state == "backoff"
            assert destination.status().retry_in_s < 2
            peer._refuse = None
            await reaches(destination, "live")


async def test_a_server_that_says_nothing(monkeypatch):
    monkeypatch.setattr(push, "CONNECT_TIMEOUT_S", 0.3)
    async with Peer(silent=True) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "backoff")
            assert "no answer" in destination.status().error


async def test_stop_works_in_every_state():
    async with Peer(silent=True) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            destination.stop()
            await asyncio.wait_for(destination.closed(), 0.1)
            destination.start(FEED)
            await reaches(destination, "connecting")
            await asyncio.sleep(0.05)
            destination.stop()
            await asyncio.wait_for(destination.closed(), 0.5)
            assert destination.status().state == "idle"
            peer._silent = False
            destination.start(FEED)
            await reaches(destination, "live")
            destination.stop()
            destination.start(FEED)  # before run() had a chance to notice
            await eventually(lambda: len(peer.keys) == 2)
            await reaches(destination, "live")
            destination.stop()
            await asyncio.wait_for(destination.closed(), 1)


async def test_stop_is_bounded_when_the_server_reads_no_more(monkeypatch):
    monkeypatch.setattr(push, "STOP_TIMEOUT_S", 0.3)
    async with Peer(receive_buffer=32 * 1024) as peer:
        destination = Destination("main", peer.url())
        async with running(destination):
            await stalled(peer, destination)
            offer_all(destination, pictures(0, 30, size=100_000))
            destination.stop()
            await asyncio.wait_for(destination.closed(), 1)


def test_an_address_that_cannot_be_used_is_refused_without_the_key():
    with pytest.raises(ConfigError, match="allowed is rtmp://"):
        Destination("main", "http://host/app/SECRET")


# ---------------------------------------------------------------- RTMPS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost: (certificate file, key file)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("tls")
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return directory / "cert.pem", directory / "key.pem"


@pytest.mark.parametrize("how", ["trusted", "unchecked", "refused"])
async def test_rtmps_checks_the_certificate(certificate, how):
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(*certificate)
    options = {
        "trusted": {"ssl_context": ssl.create_default_context(cafile=certificate[0])},
        "unchecked": {"tls_verify": False},
        "refused": {},
    }[how]
    async with Peer(tls=server_side) as peer:
        destination = Destination("main", peer.url(scheme="rtmps", host="localhost"), **options)
        async with running(destination):
            destination.start(FEED)
            if how == "refused":
                await reaches(destination, "backoff")
                assert "is not trusted: self-signed certificate" in destination.status().error
                return
            await reaches(destination, "live")
            offer_all(destination, pictures(0, 50, size=50_000))
            await eventually(lambda: len(frames(peer)) == 50)
            destination.stop()
            await asyncio.wait_for(destination.closed(), push.STOP_TIMEOUT_S)


async def test_tls_on_a_plain_port_is_an_error_in_words():
    async with Peer() as peer:
        destination = Destination("main", peer.url(scheme="rtmps"))
        async with running(destination):
            destination.start(FEED)
            await reaches(destination, "backoff")
            assert "127.0.0.1" in destination.status().error


def test_what_cannot_be_taken_back_is_small():
    """The write buffer and the kernel's unsent bytes together hold under half a second of 6 Mb/s."""
    assert push_link.HIGH_WATER + push_link.UNSENT_IN_KERNEL <= 6e6 / 8 / 2


# ---------------------------------------------------------------- splices, one header or one for each part


def spliced(feed_format, packets, clip):
    """Filler, the feed, filler, the feed again from its second GOP: as the gate sends it."""
    program = Program()
    video = [packet for packet in packets if packet.kind is Kind.VIDEO]
    keys = [index for index, packet in enumerate(packets) if packet.keyframe]
    reorder = float(video[0].pts - video[0].dts)
    now = 0
    for begin, end in ((keys[0], keys[1] + 11), (keys[1], len(packets))):
        program.enter_filler(clip, feed_format, reorder, now)
        for _ in range(30):
            now += 40_000
            program.play_filler(reorder, now)
        program.enter_live(packets[begin], feed_format, clip)
        for packet in packets[begin:end]:
            program.live(packet, now)
    return program.take()


@pytest.mark.parametrize("split", [False, True])
async def test_splices_are_recorded_without_an_error(platform, feed, tmp_path, split):
    feed_format, packets = feed
    out = tmp_path / "slate.clip"
    await asyncio.to_thread(conform, ConformJob(SLATE, "slate", feed_format, 1, str(out)))
    program = spliced(feed_format, packets, Clip.from_buffer(out.read_bytes()))
    destination = Destination("a", platform.url("a"), split_headers=split)
    async with running(destination):
        destination.start(FeedFormat())
        await reaches(destination, "live")
        destination.offer(*program)
        await eventually(lambda: destination.status().queue_ms == 0)
        destination.stop()
        await destination.closed()
        await eventually(lambda: platform.published("a")[0].ended_s)
    (path,) = platform.recordings("a")
    assert decode_errors(path) == ""
    kinds = [kind for kind, _ in Recording(path).tags]
    assert kinds.count("video_header") == (4 if split else 1)
    assert "audio_header" not in kinds[3:]  # the server writes the first one twice by itself
    assert kinds.count("video") == len([a for a in program if a.packet.kind is Kind.VIDEO])
