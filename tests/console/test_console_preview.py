import asyncio
import contextlib
import io
import itertools
import json
import socket as sockets
import struct

import av
import pytest
from console_stage import Stage
from tools.standin_channel import Loop
from tools.testfeed import Feed, make_feed
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from console.live import preview
from console.live.fragments import Fragment, Init
from console.live.preview import QUEUE_BYTES, Viewer
from streamgate.core.packet import FeedFormat, Kind, Packet

PVW, PGM = "/api/v1/preview/main/pvw", "/api/v1/preview/main/pgm"


async def first_init(socket: ClientConnection) -> tuple[dict, bytes]:
    async with asyncio.timeout(5):
        while True:
            message = await socket.recv()
            if isinstance(message, str) and (head := json.loads(message))["t"] == "init":
                segment = await socket.recv()
                assert segment[4:8] == b"ftyp"
                return head, segment


async def collect(socket: ClientConnection, seconds: float) -> list[bytes]:
    pieces: list[bytes] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                message = await socket.recv()
                assert isinstance(message, bytes), message
                pieces.append(message)
    return pieces


def pictures(pieces: list[bytes]) -> list[float]:
    with av.open(io.BytesIO(b"".join(pieces))) as container:
        container.streams.video[0].codec_context.options = {"err_detect": "explode"}
        return [float(frame.time) for frame in container.decode(video=0)]


def numbers(pieces: list[bytes]) -> list[int]:
    """The fragments' sequence numbers (mfhd)."""
    return [struct.unpack_from(">I", piece, 20)[0] for piece in pieces if piece[4:8] == b"moof"]


# ---------------------------------------------------------------- over real sockets


async def test_both_feeds_play_and_decode_without_an_error(stage: Stage) -> None:
    async with stage.socket(PVW) as pvw, stage.socket(PGM) as pgm:
        heads = [await first_init(pvw), await first_init(pgm)]
        streams = await asyncio.gather(collect(pvw, 1), collect(pgm, 1))
    for (head, segment), pieces in zip(heads, streams, strict=True):
        assert head["codecs"].startswith("avc1.")
        assert (head["width"], head["height"], head["audio"]) == (160, 96, True)
        assert numbers(pieces) == list(range(numbers(pieces)[0], numbers(pieces)[0] + len(pieces)))
        assert len(pictures([segment, *pieces])) >= 6


async def test_the_program_goes_on_through_a_cut_and_back(stage: Stage) -> None:
    async with stage.socket(PGM) as pgm, stage.client() as client:
        _, segment = await first_init(pgm)
        pieces = await collect(pgm, 0.7)
        await client.post("/api/v1/channels/main/cut")
        pieces += await collect(pgm, 0.4)
        await client.post("/api/v1/channels/main/restore")
        pieces += await collect(pgm, 0.9)
    times = pictures([segment, *pieces])
    assert len(times) >= 12
    assert times == sorted(times)


async def test_who_joins_later_starts_with_the_gop_at_once(stage: Stage) -> None:
    async with stage.socket(PVW) as first:
        await first_init(first)
        await collect(first, 0.4)
        async with stage.socket(PVW) as second:
            async with asyncio.timeout(0.25):  # a GOP lasts 0.5 s
                _, segment = await first_init(second)
                piece = await second.recv()
            assert len(pictures([segment, piece])) >= 1
    streams = [subscriber.streams for subscriber in stage.gate.subscribers]
    assert [len(asked) for asked in streams] == [1]  # one subscription for both


async def test_the_gate_is_asked_only_while_somebody_watches(stage: Stage) -> None:
    (subscriber,) = await subscribers(stage)
    assert subscriber.streams == {}
    async with stage.socket(PVW) as socket:
        await first_init(socket)
        assert list(subscriber.streams.values()) == [("main", "pvw")]
    async with stage.socket(PVW) as socket:  # back before it ended: the same subscription
        await first_init(socket)
        assert list(subscriber.streams) == [1]


async def subscribers(stage: Stage) -> list:
    await stage.until(lambda: stage.gate.subscribers)
    return list(stage.gate.subscribers)


async def test_a_feed_nobody_watches_ends_after_a_while(idle: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(preview.Preview.__init__.__kwdefaults__, "linger_s", 0.3)
    async with idle.gate.running(), idle.console():
        await idle.sign_in()
        (subscriber,) = await subscribers(idle)
        async with idle.socket(PVW) as socket:
            await first_init(socket)
            await asyncio.sleep(0.5)
            assert len(subscriber.streams) == 1
        await idle.until(lambda: not subscriber.streams, 1.5)
        async with idle.socket(PVW) as socket:
            await first_init(socket)


async def test_no_feed_is_said_and_its_return_goes_on_where_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SILENCE_S", 0.4)
    async with stage.socket(PVW) as socket:
        _, segment = await first_init(socket)
        stage.channel.connected = False
        pieces: list[bytes] = []
        async with asyncio.timeout(3):
            while (message := await socket.recv()) != '{"t":"wait"}':
                pieces.append(message)
        async with stage.socket(PVW) as late:
            assert await late.recv() == '{"t":"wait"}'
            with pytest.raises(TimeoutError):  # it is said once
                await asyncio.wait_for(socket.recv(), 0.6)
            stage.channel.connected = True
            pieces += await collect(socket, 0.7)  # no init, no wait for a keyframe
            assert (await first_init(late))[1] == segment
    assert numbers(pieces) == list(range(numbers(pieces)[0], numbers(pieces)[0] + len(numbers(pieces))))
    assert len(pieces) >= 4


async def test_a_gate_that_restarts_is_waited_for(idle: Stage) -> None:
    async with idle.console():
        await idle.sign_in()
        async with idle.socket(PGM) as socket:
            assert await socket.recv() == '{"t":"wait"}'
            for _ in range(2):
                async with idle.gate.running():
                    _, segment = await first_init(socket)
                    pieces = await collect(socket, 0.3)
                    assert len(pictures([segment, *pieces])) >= 1
                async with asyncio.timeout(2):
                    while await socket.recv() != '{"t":"wait"}':
                        pass


async def test_a_channel_that_comes_later_is_shown(idle: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "SILENCE_S", 0.2)
    monkeypatch.setattr(preview, "ASK_AGAIN_S", 0.5)
    async with idle.console():
        await idle.sign_in()
        async with idle.socket(PVW) as socket:
            assert await socket.recv() == '{"t":"wait"}'
            channel = idle.gate.channels.pop("main")
            async with idle.gate.running():
                (subscriber,) = await subscribers(idle)
                await asyncio.sleep(0.1)
                assert subscriber.streams == {}  # asked for in vain
                idle.gate.channels["main"] = channel
                await first_init(socket)
                assert len(subscriber.streams) == 1


async def test_viewers_of_a_feed_are_limited(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert preview.MAX_VIEWERS == 32
    monkeypatch.setattr(preview, "MAX_VIEWERS", 2)
    async with stage.socket(PVW) as first, stage.socket(PVW) as second:
        await first_init(first)
        await first_init(second)
        async with stage.socket(PVW) as third:
            with pytest.raises(ConnectionClosed):
                await third.recv()
            assert third.close_code == 1013
        async with stage.socket(PGM) as other:
            await first_init(other)
    async with stage.socket(PVW) as again:
        await first_init(again)


def heavy(feed: Feed, padding: int) -> Feed:
    """The same pictures, each followed by a filler NAL unit (type 12): many bits and nothing to encode."""
    nal = struct.pack(">I", padding) + b"\x0c" + b"\xff" * (padding - 2) + b"\x80"
    packets = [
        Packet(p.kind, p.dts, p.pts, p.keyframe, p.data + nal) for p in feed.packets if p.kind is Kind.VIDEO
    ]
    return Feed(FeedFormat(feed.format.video, None), packets, feed.duration_ms)


async def test_a_slow_viewer_is_capped_resumes_at_a_keyframe_and_slows_nobody(stage: Stage) -> None:
    feed = heavy(make_feed(seconds=2, width=160, height=96, fps=20, gop_s=0.5, bitrate=100_000), 600_000)
    stage.channel.feed, stage.channel._live = feed, Loop(feed, stage.channel.ms())
    narrow = sockets.socket()
    narrow.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65_536)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", stage.port))
    async with stage.socket(PVW) as fast, stage.socket(PVW, sock=narrow, max_queue=1) as slow:
        _, segment = await first_init(fast)
        await first_init(slow)
        fast_pieces = await collect(fast, 1.8)  # 12 MB/s; the slow one reads nothing all the while
        both = await asyncio.gather(collect(fast, 0.9), collect(slow, 0.9))
    fast_pieces += both[0]
    got = numbers(fast_pieces)
    assert got == list(range(got[0], got[0] + len(got)))
    assert len(got) >= 20
    assert len(pictures([segment, *fast_pieces])) >= 40
    seen = numbers(both[1])
    jumps = [n for n in range(1, len(seen)) if seen[n] != seen[n - 1] + 1]
    assert jumps, "nothing was dropped for the slow viewer"
    before = sum(len(piece) for piece in both[1][: jumps[0]])
    assert before < QUEUE_BYTES + 8_000_000  # its queue and what lay in the two sockets' buffers
    for begin, end in itertools.pairwise([*jumps, len(seen)]):
        assert len(pictures([segment, both[1][begin]])) >= 1  # a keyframe: it decodes alone
        assert len(pictures([segment, *both[1][begin:end]])) >= end - begin


# ---------------------------------------------------------------- one viewer's queue


def fragment(size: int, *, entry: bool = False) -> Fragment:
    return Fragment(bytes(size), entry)


async def drain(viewer: Viewer) -> list[str | bytes]:
    out = []
    with contextlib.suppress(TimeoutError):
        while True:
            out.append(await asyncio.wait_for(viewer.next(), 0.01))
    return out


INIT = Init("head", b"segment")


async def test_a_full_queue_is_emptied_and_goes_on_at_the_next_keyframe() -> None:
    viewer = Viewer(queue_bytes=100)
    viewer.join(INIT, [fragment(10, entry=True)])
    assert await drain(viewer) == ["head", b"segment", bytes(10)]
    for _ in range(10):
        viewer.offer(fragment(10), INIT)
    viewer.offer(fragment(11), INIT)
    assert viewer.dropped == 1
    viewer.offer(fragment(12), INIT)
    assert await drain(viewer) == []
    viewer.offer(fragment(13, entry=True), INIT)
    viewer.offer(fragment(14), INIT)
    assert await drain(viewer) == [bytes(13), bytes(14)]  # the init is known already


async def test_an_init_that_was_dropped_comes_again() -> None:
    viewer = Viewer(queue_bytes=100)
    viewer.join(INIT, [fragment(90, entry=True)])
    viewer.offer(fragment(110), INIT)
    assert viewer.dropped == 1
    viewer.offer(fragment(20, entry=True), INIT)
    assert await drain(viewer) == ["head", b"segment", bytes(20)]


async def test_a_gop_larger_than_the_queue_is_sent_whole() -> None:
    viewer = Viewer(queue_bytes=100)
    viewer.join(INIT, [fragment(300, entry=True), fragment(300)])
    viewer.offer(fragment(50), INIT)
    assert viewer.dropped == 0
    assert await drain(viewer) == ["head", b"segment", bytes(300), bytes(300), bytes(50)]
    viewer.offer(fragment(101, entry=True), INIT)
    assert viewer.dropped == 1


async def test_a_new_init_goes_before_the_fragments_it_is_for() -> None:
    viewer = Viewer()
    viewer.join(None, [])
    viewer.offer(fragment(1), INIT)
    viewer.offer(fragment(2, entry=True), INIT)
    other = Init("other", b"other segment")
    viewer.offer(fragment(3), other)
    viewer.offer(fragment(4, entry=True), other)
    assert await drain(viewer) == [
        '{"t":"wait"}',
        *("head", b"segment", bytes(2)),
        *("other", b"other segment", bytes(4)),
    ]
