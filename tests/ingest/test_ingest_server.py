"""Real encoders at the real server; the gate's socket is the boundary."""

import asyncio
import contextlib
import signal
import ssl
from itertools import pairwise
from time import monotonic

import av
import psutil
import pytest
from ingest_tools import KEY, Publisher, Tap, ended, ffmpeg, flv_tags, key_hash, publishing, running

from streamgate.core.packet import FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import ConfigError
from streamgate.ingest import server as rtmp_server
from streamgate.ingest import service
from streamgate.ingest.admission import Limits
from streamgate.link import messages
from streamgate.rtmp import amf0, client


def stamps(gate, stream, kind):
    return [packet.dts for _, number, packet in gate.packets if number == stream and packet.kind is kind]


async def test_the_first_packet_is_at_the_gate_within_200_ms_of_the_first_keyframe(ingest):
    gate = ingest.gate
    async with Tap(ingest.ports["rtmp"]) as tap, publishing(f"rtmp://127.0.0.1:{tap.port}/live/{KEY}"):
        await gate.until(lambda: len(gate.packets) > 120)
    (publish,) = gate.of(messages.Publish)
    assert (publish.key_hash, publish.fresh) == (key_hash(KEY), True)
    assert publish.encoder.startswith("Lavf")
    (described,) = gate.of(messages.Format)
    video, audio = described.format.video, described.format.audio
    assert (video.codec, video.width, video.height, video.profile) == ("h264", 320, 180, "Main")
    assert (video.fps_num, video.fps_den, video.pix_fmt) == (25, 1, "yuv420p")
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", 48000, 2)
    first_us, _, first = gate.packets[0]
    assert (first.kind, first.keyframe) == (Kind.VIDEO, True)
    assert 0 <= first_us - tap.keyframe_us < 200_000
    packets = [packet for _, _, packet in gate.packets]
    for kind in (Kind.VIDEO, Kind.AUDIO):
        dts = [packet.dts for packet in packets if packet.kind is kind]
        assert all(a < b for a, b in pairwise(dts))
    assert any(packet.pts > packet.dts for packet in packets)  # B-frames came through
    keyframes = [packet.dts for packet in packets if packet.keyframe]
    assert {b - a for a, b in pairwise(keyframes)} == {1000}
    health = await gate.until(lambda: gate.of(messages.Health))
    assert (health[-1].mended, health[-1].dropped, health[-1].encoder[:4]) == (0, 0, "Lavf")


async def test_goodbye_is_clean_and_a_lost_link_is_not(ingest):
    gate = ingest.gate
    async with publishing(ingest.url(), "-t", "0.5") as encoder:
        assert await encoder.wait() == 0
    (gone,) = await gate.until(lambda: gate.of(messages.Gone))
    assert gone.clean
    async with publishing(ingest.url()) as encoder:
        await gate.until(lambda: len(gate.of(messages.Format)) == 2)
        encoder.kill()
        await gate.until(lambda: len(gate.of(messages.Gone)) == 2)
    assert not gate.of(messages.Gone)[1].clean
    async with publishing(ingest.url()):
        await gate.until(lambda: len(gate.of(messages.Format)) == 3)
    assert [publish.fresh for publish in gate.of(messages.Publish)] == [True, True, False]


async def test_an_encoder_that_comes_and_goes_is_let_in_at_a_pace_and_never_refused(ingest, monkeypatch):
    monkeypatch.setattr(rtmp_server, "PUBLISH_EVERY_US", 500_000)
    gate = ingest.gate
    began = monotonic()
    for _ in range(rtmp_server.PUBLISHES_AT_ONCE + 3):
        async with Publisher(ingest.ports["rtmp"]) as publisher:
            assert isinstance(publisher.said[-1], client.Publishing)
    took_s = monotonic() - began
    assert 1.0 <= took_s < 4
    assert len(gate.of(messages.Publish)) == rtmp_server.PUBLISHES_AT_ONCE + 3


async def test_a_wrong_key_is_refused(ingest):
    async with publishing(ingest.url("wrong")) as encoder:
        _, errors = await asyncio.wait_for(encoder.communicate(), 5)
    assert encoder.returncode != 0
    assert b"Unknown stream key" in errors
    assert ingest.gate.packets == []


async def test_a_second_publisher_is_refused_and_the_first_goes_on(ingest):
    gate = ingest.gate
    async with publishing(ingest.url()):
        await gate.until(lambda: gate.packets)
        async with publishing(ingest.url()) as second:
            _, errors = await asyncio.wait_for(second.communicate(), 5)
        assert second.returncode != 0
        assert b"another encoder" in errors
        count = len(gate.packets)
        await gate.until(lambda: len(gate.packets) > count + 20)
    assert len({stream for _, stream, _ in gate.packets}) == 1


async def test_a_stalled_publisher_is_taken_over_within_two_seconds(ingest):
    gate = ingest.gate
    async with publishing(ingest.url()) as stalled:
        await gate.until(lambda: len(gate.packets) > 20)
        stalled.send_signal(signal.SIGSTOP)
        try:
            async with (
                Tap(ingest.ports["rtmp"]) as tap,
                publishing(f"rtmp://127.0.0.1:{tap.port}/live/{KEY}"),
            ):
                await gate.until(lambda: len(gate.of(messages.Format)) == 2)
                second = gate.of(messages.Publish)[1]
                await gate.until(lambda: stamps(gate, second.stream, Kind.VIDEO))
                took_us = next(at for at, stream, _ in gate.packets if stream == second.stream)
                assert took_us - tap.connected_us < 2_000_000
        finally:
            stalled.send_signal(signal.SIGCONT)
    assert [publish.fresh for publish in gate.of(messages.Publish)] == [True, False]
    order = [type(message).__name__ for message in gate.messages if not isinstance(message, messages.Health)]
    assert order[:6] == ["Hello", "Publish", "Format", "Gone", "Publish", "Format"]
    assert not gate.of(messages.Gone)[0].clean


async def test_the_gate_is_lost_and_comes_back(ingest):
    gate = ingest.gate
    async with publishing(ingest.url()):
        await gate.until(lambda: len(gate.packets) > 20)
        await gate.stop()
        await asyncio.sleep(0.3)
        gate.messages.clear()
        gate.packets.clear()
        await gate.start()
        await gate.until(lambda: len(gate.packets) > 20)
    kinds = [type(message) for message in gate.messages if not isinstance(message, messages.Health)]
    assert kinds[:3] == [messages.Hello, messages.Publish, messages.Format]
    assert not gate.of(messages.Publish)[0].fresh
    first = gate.packets[0][2]
    assert (first.kind, first.keyframe) == (Kind.VIDEO, True)
    assert first.dts > 0


async def test_without_a_gate_the_connection_ends_without_a_denial(ingest):
    await ingest.gate.stop()
    async with publishing(ingest.url()) as encoder:
        _, errors = await asyncio.wait_for(encoder.communicate(), 5)
    assert encoder.returncode != 0
    assert b"key" not in errors
    await ingest.gate.start()


async def test_the_gate_can_kick(ingest):
    gate = ingest.gate
    async with publishing(ingest.url()) as encoder:
        await gate.until(lambda: gate.packets)
        gate.send(messages.Kick(gate.of(messages.Publish)[0].stream, "the channel was removed"))
        await asyncio.wait_for(encoder.communicate(), 5)
    (gone,) = await gate.until(lambda: gate.of(messages.Gone))
    assert gone.reason == "the channel was removed"


async def test_rtmps(tmp_path, certificate):
    cert, key = certificate
    async with running(tmp_path, rtmps=("127.0.0.1", 0), cert=cert, key=key) as ingest:
        url = f"rtmps://127.0.0.1:{ingest.ports['rtmps']}/live/{KEY}"
        async with publishing(url):
            await ingest.gate.until(lambda: len(ingest.gate.packets) > 30)
        assert ingest.gate.of(messages.Format)[0].format.video.width == 320


async def test_hevc_is_carried(ingest, tmp_path):
    file = tmp_path / "hevc.mkv"
    encode = "-f lavfi -i testsrc=size=320x180:rate=25 -t 1 -c:v libx265 -preset ultrafast"
    encode += " -x265-params log-level=0:pools=1:frame-threads=1"
    async with ffmpeg(*encode.split(), str(file)) as encoder:
        assert await encoder.wait() == 0
    with av.open(str(file)) as container:
        track = VideoTrack("hevc", container.streams.video[0].codec_context.extradata, 320, 180, 25, 1)
        packets = [
            Packet(Kind.VIDEO, n * 40, n * 40 + 80, packet.is_keyframe, bytes(packet))
            for n, packet in enumerate(container.demux(video=0))
            if packet.size
        ]
    feed = FeedFormat(video=track)
    gate = ingest.gate
    async with Publisher(ingest.ports["rtmp"]) as publisher:
        publisher.session.send_header(feed, 0)
        for packet in packets:
            publisher.session.send_packet(packet, feed)
        await publisher.flush()
        await gate.until(lambda: len(gate.packets) == len(packets))
        (described,) = gate.of(messages.Format)
        video = described.format.video
        assert (video.codec, video.width, video.height) == ("hevc", 320, 180)
        assert [packet for _, _, packet in gate.packets] == packets
        health = await gate.until(lambda: gate.of(messages.Health))
        assert "codec_hevc" in [warning.code for warning in health[-1].warnings]


# ---------------------------------------------------------------- peers that mean no good


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n" * 200, b"\x03" + b"\xff" * 5000])
async def test_garbage_ends_the_connection(ingest, garbage, logs):
    reader, writer = await asyncio.open_connection("127.0.0.1", ingest.ports["rtmp"])
    writer.write(garbage)
    await ended(reader, 2)
    writer.close()
    assert "connection ended" in str(logs)


async def test_a_slow_handshake_is_cut_off(tmp_path, logs):
    async with running(tmp_path, Limits(publish_s=0.5)) as ingest:
        reader, writer = await asyncio.open_connection("127.0.0.1", ingest.ports["rtmp"])
        writer.write(b"\x03")
        await ended(reader, 2)
        writer.close()
    assert "no publish within 0.5 s" in str(logs)


async def test_a_silent_publisher_is_cut_off(tmp_path):
    async with running(tmp_path, Limits(idle_s=0.5)) as ingest, Publisher(ingest.ports["rtmp"]) as publisher:
        assert publisher.said == [client.Publishing()]
        await ended(publisher.reader, 2)
        (gone,) = await ingest.gate.until(lambda: ingest.gate.of(messages.Gone))
        assert (gone.reason, gone.clean) == ("silent for 0.5 s", False)


async def test_an_oversize_message_ends_the_connection_and_costs_no_memory(ingest, logs):
    before = psutil.Process().memory_info().rss
    async with Publisher(ingest.ports["rtmp"]) as publisher:
        publisher.writer.write(b"\x06" + bytes(3) + b"\xff\xff\xff\x08\x01\0\0\0")  # 16 MB of sound, says it
        with contextlib.suppress(ConnectionError):
            for _ in range(400):
                publisher.writer.write(bytes(1 << 16))
                await publisher.writer.drain()
        await ended(publisher.reader, 2)
    assert psutil.Process().memory_info().rss - before < 40 << 20
    assert "connection ended" in str(logs)


async def test_connections_are_counted(tmp_path, logs):
    async with running(tmp_path, Limits(per_ip=2)) as ingest:
        port = ingest.ports["rtmp"]
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0.1)
        reader, third = await asyncio.open_connection("127.0.0.1", port)
        assert await ended(reader, 2) == b""
        third.close()
        assert "2 connections from one address" in str(logs)
        held[0][1].close()
        await asyncio.sleep(0.1)
        async with Publisher(port) as publisher:
            assert publisher.said == [client.Publishing()]
        held[1][1].close()


async def test_a_tls_handshake_that_fails_gives_its_place_back(tmp_path, certificate):
    cert, key = certificate
    limits = Limits(per_ip=1)
    async with running(tmp_path, limits, rtmps=("127.0.0.1", 0), cert=cert, key=key) as ingest:
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", ingest.ports["rtmps"])
            writer.write(b"\x03" * 2000)
            await ended(reader, 2)
            writer.close()
        async with Publisher(ingest.ports["rtmp"]) as publisher:
            assert publisher.said == [client.Publishing()]


async def test_tls_handshakes_have_a_rate_and_what_is_over_it_is_turned_away(tmp_path, certificate, logs):
    cert, key = certificate
    limits = Limits(tls_per_s=5)
    async with running(tmp_path, limits, rtmps=("127.0.0.1", 0), cert=cert, key=key) as ingest:
        trusting = ssl.create_default_context(cafile=str(cert))
        answers = []
        for _ in range(10):
            try:
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", ingest.ports["rtmps"], ssl=trusting, server_hostname="localhost"
                )
                writer.transport.abort()
                answers.append(True)
            except OSError:
                answers.append(False)
        assert answers[:5] == [True] * 5
        assert answers.count(False) >= 2
        assert "more than 5 TLS handshakes a second" in str(logs)
        async with Publisher(ingest.ports["rtmp"]) as publisher:
            assert publisher.said == [client.Publishing()]


async def test_a_peer_that_never_reads_is_cut_off(tmp_path):
    limits = Limits(unread_bytes=1000, others_per_s=1e9, chunks_per_s=1e9)
    async with running(tmp_path, limits) as ingest, Publisher(ingest.ports["rtmp"]) as publisher:
        ping = b"\x02" + bytes(3) + b"\0\0\x06\x04" + bytes(4) + b"\0\x06" + bytes(4)
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(6):
                while True:
                    publisher.writer.write(ping * 4000)
                    await publisher.writer.drain()
        (gone,) = await ingest.gate.until(lambda: ingest.gate.of(messages.Gone))
        assert "not read" in gone.reason


async def test_a_publisher_that_pings_without_end_is_cut_off(ingest):
    async with Publisher(ingest.ports["rtmp"]) as publisher:
        ping = b"\x02" + bytes(3) + b"\0\0\x06\x04" + bytes(4) + b"\0\x06" + bytes(4)
        publisher.writer.write(ping * 1000)
        (gone,) = await ingest.gate.until(lambda: ingest.gate.of(messages.Gone))
        assert gone.reason == "more than 50 RTMP messages a second that carry no media"


# ---------------------------------------------------------------- what is passed on


async def test_script_data_is_passed_on_without_its_wrapper(ingest, clip):
    gate = ingest.gate
    async with Publisher(ingest.ports["rtmp"]) as publisher:
        tags = list(flv_tags(clip))
        await publisher.send_tags(tags[:30])
        cue = amf0.encode("onTextData", {"text": "字幕"})
        await publisher.send(Kind.DATA, 500, amf0.encode("@setDataFrame") + cue)
        await gate.until(lambda: any(packet.kind is Kind.DATA for _, _, packet in gate.packets))
    data = [packet for _, _, packet in gate.packets if packet.kind is Kind.DATA]
    assert [packet.data for packet in data] == [cue]


async def test_stopping_tells_the_gate(tmp_path):
    async with running(tmp_path) as ingest:
        gate = ingest.gate
        async with Publisher(ingest.ports["rtmp"]) as publisher:
            ingest.stop.set()
            await ended(publisher.reader, 2)
            (gone,) = await gate.until(lambda: gate.of(messages.Gone))
            assert (gone.reason, gone.clean) == ("ingest stops", False)


async def test_an_address_in_use_is_a_clear_error(ingest, tmp_path):
    with pytest.raises(ConfigError, match=r"the rtmp address 127\.0\.0\.1"):
        await service.run(
            media_socket=tmp_path / "none.sock",
            rtmp=("127.0.0.1", ingest.ports["rtmp"]),
            stop=asyncio.Event(),
        )
