"""Floods from another process: a good feed from a third one passes all the same."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import pytest
from ingest_tools import KEY, Publisher, ended, flv_tags, key_hash, running
from peers import FEED_RATE, PUBLISHED, STAMP

from streamgate.core.packet import Kind
from streamgate.ingest.admission import Limits
from streamgate.link import messages
from streamgate.rtmp import client

pytestmark = pytest.mark.alone
HERE = Path(__file__).parent
FLOOD_S = 4
MAX_DELAY_S, USUAL_DELAY_S = 1.0, 0.25  # of the last and of 19 in 20; on a machine to itself: 20 ms and 1 ms


@contextlib.asynccontextmanager
async def peer(*arguments):
    """A process of `peers.py` that ends with the block."""
    path = os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", "")))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HERE / "peers.py"), *map(str, arguments), env=os.environ | {"PYTHONPATH": path}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def delays(gate):
    """Return (sent at, seconds underway) of the good feed's stamped packets."""
    found = []
    for at_us, _, packet in gate.packets:
        if packet.kind is Kind.AUDIO and packet.data.startswith(STAMP):
            sent_us = int(packet.data.removeprefix(STAMP))
            found.append((sent_us, (at_us - sent_us) / 1e6))
    return found


async def flooded(ingest, clip, *kinds):
    """Return the good feed's delays while peers of the kinds flood."""
    gate, port = ingest.gate, ingest.ports["rtmp"]
    gate.channels[key_hash("second")] = "second"
    async with peer("feed", port, KEY, clip), contextlib.AsyncExitStack() as floods:
        await gate.until(lambda: len(delays(gate)) > FEED_RATE)
        for kind, key in kinds:
            await floods.enter_async_context(peer("flood", port, kind, key))
        await asyncio.sleep(1)  # until they have started
        before = len(delays(gate))
        await asyncio.sleep(FLOOD_S)
    return [delay for _, delay in delays(gate)[before:]]


def assert_undisturbed(delays):
    assert len(delays) > FEED_RATE * FLOOD_S * 0.9
    assert sorted(delays)[len(delays) * 19 // 20] < USUAL_DELAY_S
    assert max(delays) < MAX_DELAY_S


@pytest.mark.parametrize("kind", ["acks", "pings", "empty", "commands", "connects"])
async def test_a_stranger_without_a_key_slows_nobody(ingest, clip, kind, logs):
    assert_undisturbed(await flooded(ingest, clip, *[(kind, "")] * 2))


async def test_a_stranger_with_wrong_keys_slows_nobody(ingest, clip, logs):
    assert_undisturbed(await flooded(ingest, clip, *[("keys", "wrong")] * 2))
    asked = [message for message in ingest.gate.of(messages.Publish) if message.key_hash == key_hash("wrong")]
    assert 10 <= len(asked) < 64 + 20 * (FLOOD_S + 3)


@pytest.mark.parametrize("kind", PUBLISHED)
async def test_a_publisher_that_floods_slows_nobody(ingest, clip, kind, logs):
    assert_undisturbed(await flooded(ingest, clip, (kind, "second")))


async def test_the_gate_gets_no_more_packets_than_sound_and_picture_can_be(ingest, clip, logs):
    """Tiny sounds without end, behind one keyframe: two seconds' worth at once, then the rate."""
    limits = Limits()
    gate = ingest.gate
    gate.channels[key_hash("second")] = "second"
    async with peer("feed", ingest.ports["rtmp"], KEY, clip):
        await gate.until(lambda: len(delays(gate)) > 5)
    async with Publisher(ingest.ports["rtmp"], "second") as publisher:
        await publisher.send_tags(list(flv_tags(clip))[:30])
        stream = gate.of(messages.Publish)[-1].stream
        await gate.until(lambda: any(one.stream == stream for one in gate.of(messages.Format)))  # is probed
        sent = asyncio.create_task(_send_for_ever(publisher))
        await asyncio.sleep(FLOOD_S)
        sent.cancel()
        count = sum(number == stream for _, number, _ in gate.packets)
    assert limits.messages_per_s < count < limits.messages_per_s * (2 + FLOOD_S) * 1.1


async def _send_for_ever(publisher):
    n = 0
    while True:
        for _ in range(200):
            n += 1
            publisher.session.send_body(Kind.AUDIO, 2000 + n, b"\xaf\x01x")
        await publisher.flush()
        await asyncio.sleep(0)


async def test_a_stranger_is_cut_off_with_a_reason(ingest, logs):
    for data, reason in (
        (b"\x03\0\0\0\0\0\4\3\0\0\0\0" + bytes(4) + (b"\xc3" + bytes(4)) * 300, "256 RTMP messages"),
        (b"\x03\0\0\0\0\x3f\xff\4\0\0\0\0" + (bytes(128) + b"\xc3") * 700, "65536 bytes"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", ingest.ports["rtmp"])
        writer.write(b"\x03" + bytes(2 * 1536) + data)
        await ended(reader, 3)
        writer.close()
        assert reason in str(logs)


async def test_log_lines_about_strangers_are_bounded(ingest, logs):
    for _ in range(200):
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", ingest.ports["rtmp"])
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            await ended(reader, 3)
            writer.close()
    lines = [line for line in logs if line["event"] in ("connection ended", "connection refused")]
    assert 50 <= len(lines) < 120


# ---------------------------------------------------------------- wrong keys


async def test_a_good_key_gets_in_from_an_address_with_many_wrong_ones(tmp_path):
    async with running(tmp_path, Limits(failures=2, tarpit_s=0.5)) as ingest:
        loop = asyncio.get_running_loop()
        took_s = []
        for _ in range(4):
            began_s = loop.time()
            async with Publisher(ingest.ports["rtmp"], "wrong") as stranger:
                (refused,) = stranger.said
                assert "Unknown stream key" in refused.description
                took_s.append(loop.time() - began_s)
        assert [wait_s >= 0.5 for wait_s in took_s] == [False, False, True, True]
        began_s = loop.time()
        async with Publisher(ingest.ports["rtmp"]) as publisher:
            assert publisher.said == [client.Publishing()]
            assert loop.time() - began_s < 0.5
        assert len(ingest.gate.of(messages.Publish)) == 5  # the gate hears of each


async def test_no_more_than_some_answers_wait(tmp_path):
    async with running(tmp_path, Limits(failures=1, tarpit_s=2, tarpit=2)) as ingest:

        async def refused():
            async with Publisher(ingest.ports["rtmp"], "wrong") as stranger:
                return stranger.said

        await refused()
        waiting = [asyncio.create_task(refused()) for _ in range(2)]
        await ingest.gate.until(lambda: len(ingest.gate.of(messages.Publish)) == 3)
        await refused()
        assert not any(task.done() for task in waiting)
        await asyncio.gather(*waiting)
