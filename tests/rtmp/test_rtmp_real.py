"""Our RTMP against the programs it is for."""

import asyncio
import io
import re
import sys
from pathlib import Path

import av
import pytest
from fakes.rtmp_peer import Peer, publisher
from fakes.tiny_media import make_feed, shift
from tools.nginx import Platform, free_port
from tools.recording import Recording, decode_errors

from streamgate.core.packet import Kind
from streamgate.rtmp import flv
from streamgate.rtmp.flv import ScriptData

SOURCE = [
    *("-f", "lavfi", "-i", "testsrc=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000"),
    *("-t", "2", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-bf", "2", "-pix_fmt", "yuv420p"),
    *("-c:a", "aac", "-f", "flv"),
]


async def ffmpeg(*arguments):
    """Run ffmpeg to its end; return (exit code, what it complained about)."""
    process = await asyncio.create_subprocess_exec(
        "ffmpeg", "-nostdin", "-v", "error", *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    return process.returncode, errors.decode()


async def eventually(condition, seconds=5):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def video_tags(media):
    return [(m.timestamp_ms, flv.parse_video(m.body)) for m in media if m.kind is Kind.VIDEO]


def audio_tags(media):
    return [(m.timestamp_ms, flv.parse_audio(m.body)) for m in media if m.kind is Kind.AUDIO]


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    server = Platform(tmp_path_factory.mktemp("nginx"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def feed():
    return make_feed(seconds=4)


@pytest.mark.parametrize("path", ["live/key?x=1", "key?x=1"])
async def test_ffmpeg_publishes_to_our_server(path):
    async with Peer() as peer:
        assert await ffmpeg(*SOURCE, peer.url(path)) == (0, "")
        await peer.gone.wait()
    assert peer.keys == ["key?x=1"]
    (script,) = [flv.parse_data(m.body) for m in peer.media if m.kind is Kind.DATA]
    assert isinstance(script, ScriptData)
    assert script.values[0]["width"] == 320
    video = video_tags(peer.media)
    assert (video[0][1].kind, video[0][1].codec) == ("config", "h264")
    frames = [(time, tag) for time, tag in video if tag.kind == "frame"]
    assert [time for time, _ in frames] == [40 * n for n in range(50)]
    assert [time for time, tag in frames if tag.keyframe] == [0, 1000]
    assert sorted(time + tag.cts for time, tag in frames) == [80 + 40 * n for n in range(50)]
    audio = audio_tags(peer.media)
    assert (audio[0][1].kind, audio[0][1].payload[:2]) == ("config", b"\x11\x88")
    assert len(audio) > 2 * 48000 / 1024


async def test_ffmpeg_shows_why_it_was_refused():
    async with Peer(refuse="NetStream.Publish.BadName") as peer:
        code, errors = await ffmpeg(*SOURCE, peer.url())
    assert code != 0
    assert "Server error: no stream key here" in errors


RELAY = """
import sys, av
with av.open(sys.argv[1]) as source, av.open(sys.argv[2], "w", format="flv") as out:
    streams = [out.add_stream_from_template(stream) for stream in source.streams]
    for packet in source.demux():
        if packet.size:
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
"""


async def test_ffmpeg_8_publishes_hevc_as_enhanced_rtmp(tmp_path):
    """In a process of its own: PyAV holds the GIL while it connects."""
    feed, packets = make_feed(seconds=1, video="libx265")
    path = tmp_path / "hevc.flv"
    path.write_bytes(flv_file(feed, packets))
    async with Peer() as peer:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", RELAY, str(path), peer.url())
        assert await asyncio.wait_for(process.wait(), 15) == 0
        await peer.gone.wait()
    tags = [tag for _, tag in video_tags(peer.media)]
    assert {tag.codec for tag in tags} == {"hevc"}
    assert tags[0].kind == "config"
    sent = [packet.data for packet in packets if packet.kind is Kind.VIDEO]
    assert [tag.payload for tag in tags if tag.kind == "frame"] == sent


def flv_file(feed, packets):
    """Our bodies as an FLV file, which has no @setDataFrame."""
    bodies = [(18, 0, flv.metadata_body(feed)[16:]), (9, 0, flv.video_config_body(feed.video))]
    bodies.append((8, 0, flv.audio_config_body(feed.audio)))
    bodies += [(9 if p.kind is Kind.VIDEO else 8, p.dts, flv.packet_body(p, feed)) for p in packets]
    out = bytearray(b"FLV\x01\x05\0\0\0\x09\0\0\0\0")
    for type_id, time, body in bodies:
        out += bytes([type_id]) + len(body).to_bytes(3, "big") + (time & 0xFFFFFF).to_bytes(3, "big")
        out += bytes([time >> 24 & 255, 0, 0, 0]) + body + (len(body) + 11).to_bytes(4, "big")
    return bytes(out)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_libav_reads_our_bodies_packet_for_packet(codec):
    feed, packets = make_feed(seconds=1, video=codec)
    with av.open(io.BytesIO(flv_file(feed, packets)), format="flv") as container:
        assert bytes(container.streams.video[0].codec_context.extradata) == feed.video.config
        read = [(p.dts, p.pts, bytes(p)) for p in container.demux(video=0) if p.size]
    assert read == [(p.dts, p.pts, p.data) for p in packets if p.kind is Kind.VIDEO]


STARTS = [2**24 - 2000, 2**24 + 5000, 2**31 - 2000, 2**32 - 2000]


async def test_nginx_takes_our_client_across_every_wrap(platform, feed):
    """From 2 s before 2^24, 2^31 and 2^32 ms, and beyond 2^24 where the first headers are extended ones."""
    header, packets = feed
    for start in STARTS:
        async with publisher(platform.url(f"at{start}"), header) as (session, flush):
            session.send_metadata(header, start)
            session.send_header(header, start)
            for packet in shift(packets, start):
                session.send_packet(packet, header)
                await flush()
        await eventually(lambda at=start: platform.published(f"at{at}")[0].ended_s is not None)
    for start in STARTS:
        (path,) = platform.recordings(f"at{start}")
        assert decode_errors(path) == ""
        recording = Recording(path)
        assert len(recording.dts_steps("video")) == 99
        assert set(recording.dts_steps("video")) == {40}
        assert set(recording.dts_steps("audio")) <= {21, 22}


async def test_ffmpeg_as_server_takes_our_client_across_2_to_the_24(tmp_path, feed):
    header, packets = feed
    port, path = free_port(), tmp_path / "out.flv"
    url = f"rtmp://127.0.0.1:{port}/live/key"
    arguments = ["-listen", "1", "-i", url, "-c", "copy", "-copyts", str(path)]
    start = 2**24 - 2000
    async with asyncio.TaskGroup() as group:
        server = group.create_task(ffmpeg(*arguments))
        await eventually(lambda: listens(port))
        async with publisher(url, header) as (session, flush):
            session.send_metadata(header, start)
            session.send_header(header, start)
            for packet in shift(packets, start):
                session.send_packet(packet, header)
                await flush()
    code, errors = server.result()
    assert code == 0, errors
    assert decode_errors(path) == ""
    stamps = [time for kind, time in Recording(path).tags if kind == "video"]
    assert stamps[:100] == [start + 40 * n for n in range(100)]
    assert len(stamps) == 101  # ffmpeg's own end of sequence


def listens(port):
    """Look whether someone listens, without connecting: ffmpeg takes one connection only."""
    return re.search(rf": 0100007F:{port:04X} \S+ 0A ", Path("/proc/net/tcp").read_text()) is not None
