"""Platforms that flood the gate: their connection ends, and its loop (uvloop here too) is never held."""

import asyncio
import contextlib
import sys
import time

import pytest
import uvloop
from fakes import flooding_platform
from fakes.rtmp_peer import Peer

from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.playout.push import Destination

FEED = FeedFormat(VideoTrack("h264", b"avcC", 320, 180, 25, 1), AudioTrack("aac", b"\x11\x90", 48000, 2))
HELD_S = 0.05  # of this thread's own time: what other processes do to it does not count
FLOOD_S = 4


@contextlib.asynccontextmanager
async def flooding(kind):
    process = await asyncio.create_subprocess_exec(
        sys.executable, flooding_platform.__file__, kind, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process, int(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def held(seconds):
    """Return the longest this thread worked without giving a 1 ms timer its turn."""
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        before = time.thread_time()
        await asyncio.sleep(0.001)
        longest = max(longest, time.thread_time() - before)
    return longest


async def offer_to(destination):
    """Offer 25 pictures a second, without end."""
    for n in range(1 << 30):
        destination.offer(Aired(Packet(Kind.VIDEO, 40 * n, 40 * n, n % 25 == 0, b"v" * 100), None, 1))
        await asyncio.sleep(0.04)


async def flooded(kind):
    """Return the longest the loop was held, what the flooded destination shows, what the other one got."""
    async with flooding(kind) as (process, port), Peer() as good, asyncio.TaskGroup() as group:
        hostile = Destination("hostile", f"rtmp://127.0.0.1:{port}/live/key")
        other = Destination("other", good.url())
        tasks = [group.create_task(destination.run()) for destination in (hostile, other)]
        other.start(FEED)
        async with asyncio.timeout(5):
            while other.status().state != "live":
                await asyncio.sleep(0.01)
        tasks.append(group.create_task(offer_to(other)))
        hostile.start(FEED)
        longest = await held(FLOOD_S)
        shown = hostile.status()
        got = len(good.media)
        for task in tasks:
            task.cancel()
        process.kill()
        return longest, shown, got, (await process.stdout.read()).count(b"connected")


@pytest.mark.parametrize("kind", flooding_platform.FLOODS)
def test_a_platform_that_floods_is_left_alone_for_longer_and_longer(kind):
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        longest, shown, got, connections = runner.run(flooded(kind))
    assert longest < HELD_S
    assert got > 25 * FLOOD_S * 0.8
    assert "floods" in shown.error
    assert shown.state in ("backoff", "connecting")
    assert 2 <= connections <= 6  # 0.5, 1 and 2 s, less some chance, lie between them
