import asyncio
import contextlib
import itertools

import pytest
from ingest_tools import KEY, Gate, key_hash

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import LinkError
from streamgate.ingest import link as link_module
from streamgate.ingest.link import GateLink
from streamgate.link import messages

FEED = FeedFormat(VideoTrack("h264", b"avcC", 320, 180, 25, 1), AudioTrack("aac", b"\x11\x90", 48000, 2))


def picture(ms, *, keyframe=False, size=1000):
    return Packet(Kind.VIDEO, ms, ms, keyframe, bytes(size))


@contextlib.asynccontextmanager
async def linked(tmp_path, **options):
    gate = Gate(tmp_path / "media.sock")
    await gate.start()
    link = GateLink(gate.path, **options)
    task = asyncio.create_task(link.run())
    await gate.until(lambda: link.up)
    try:
        yield gate, link
    finally:
        gate.reads = True
        await link.drain(1)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await gate.stop()


async def publish(link, kicks=None):
    stream, reply = await link.publish(
        key_hash(KEY), "peer", "encoder", (kicks if kicks is not None else []).append, fresh=True
    )
    assert (reply.code, reply.channel) == ("ok", "main")
    stream.send_format(FEED)
    return stream


async def test_packets_arrive_as_sent(tmp_path):
    async with linked(tmp_path) as (gate, link):
        stream = await publish(link)
        sent = [picture(0, keyframe=True), Packet(Kind.AUDIO, 5, 5, False, b"aac"), picture(40)]
        stream.send(sent)
        await gate.until(lambda: len(gate.packets) == 3)
        assert [(number, packet) for _, number, packet in gate.packets] == [(stream.number, p) for p in sent]
        stream.close("done", clean=True)
        stream.close("twice", clean=False)
        await gate.until(lambda: gate.of(messages.Gone))
    assert gate.of(messages.Gone) == [messages.Gone(stream.number, "done", True)]


async def test_a_gate_that_reads_too_slowly_costs_packets_and_no_memory(tmp_path):
    async with linked(tmp_path, buffer_bytes=1 << 20) as (gate, link):
        stream = await publish(link)
        await gate.until(lambda: gate.of(messages.Format))
        gate.reads = False
        for n in range(200):
            stream.send([picture(n * 40, keyframe=n % 25 == 0, size=50_000)])
            await asyncio.sleep(0)
        assert link._transport.get_write_buffer_size() < (1 << 20) + 60_000
        assert stream.dropped > 100
        gate.reads = True
        await gate.until(lambda: link._transport.get_write_buffer_size() == 0)
        stream.send([picture(8000), picture(8040, keyframe=True), picture(8080)])
        await gate.until(lambda: gate.packets[-1][2].dts == 8080)
        times = [packet.dts for _, _, packet in gate.packets]
        gap = next(n for n, (a, b) in enumerate(itertools.pairwise(times)) if b - a > 40)
        assert times[gap + 1 :] == [8040, 8080]  # from the keyframe on
        assert stream.dropped == 203 - len(times)


async def test_without_a_gate_a_publish_fails_at_once(tmp_path):
    link = GateLink(tmp_path / "none.sock")
    with pytest.raises(LinkError, match="not connected"):
        await link.publish("hash", "peer", "encoder", [].append, fresh=True)


async def test_a_gate_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(link_module, "REPLY_S", 0.1)
    async with linked(tmp_path) as (gate, link):
        gate.answers = False
        with pytest.raises(LinkError, match=r"within 0\.1 s"):
            await link.publish(key_hash(KEY), "peer", "encoder", [].append, fresh=True)
        (gone,) = await gate.until(lambda: gate.of(messages.Gone))
        assert not gone.clean


async def test_a_gate_that_hangs_up_before_it_answers(tmp_path):
    async with linked(tmp_path) as (gate, link):
        gate.answers = False
        asking = asyncio.create_task(link.publish(key_hash(KEY), "p", "e", [].append, fresh=True))
        await gate.until(lambda: gate.of(messages.Publish))
        await gate.stop()
        with pytest.raises(LinkError, match="hung up"):
            await asking
        await gate.start()


async def test_a_new_gate_that_does_not_want_a_stream_kicks_it(tmp_path):
    async with linked(tmp_path) as (gate, link):
        kicks = []
        stream = await publish(link, kicks)
        await gate.stop()
        gate.channels.clear()
        stream.send([picture(0, keyframe=True)])  # goes nowhere
        await gate.start()
        await gate.until(lambda: kicks)
        assert kicks == ["unknown_key"]


async def test_a_kick_reaches_its_stream(tmp_path):
    async with linked(tmp_path) as (gate, link):
        first, second = [], []
        await publish(link, first)
        stream = await publish(link, second)
        gate.send(messages.Kick(stream.number, "go"))
        await gate.until(lambda: second)
        assert (first, second) == ([], ["go"])


async def test_nonsense_from_the_gate_ends_the_link_and_it_is_made_anew(tmp_path):
    async with linked(tmp_path) as (gate, link):
        for writer in gate._writers:
            writer.write(b"\0\0\0\x05\x01oops")
        await gate.until(lambda: gate.links == 2 and link.up)
