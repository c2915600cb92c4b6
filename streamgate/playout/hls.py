"""The destination `hls:`: the program as HLS files that any web server gives to browsers.

Runs inside the gate's event loop, as a push does, and costs it a list's append a packet. A thread makes and
writes the files (`hls_writer`). What a cut takes back has not been offered to any player.
"""

import asyncio
import contextlib
from pathlib import Path

from streamgate.clock import now_us, wall_s
from streamgate.core.packet import Aired, FeedFormat
from streamgate.core.segmenter import Segment, Segmenter
from streamgate.link.messages import DestinationState, DestinationStatus
from streamgate.playout.hls_writer import HlsWriter
from streamgate.rtmp.url import HLS

STOP_TIMEOUT_S = 2.0
SLOW_S = 4.0
"""A disk that has not taken a segment for so long is told of."""
LOST_SHOWN_US = 20_000_000


class HlsDestination:
    """Writes the program to `folder` between start() and stop(), while run() runs.

    Everything is called from the loop that runs run().
    """

    behind_notice = "destination_disk"

    def __init__(self, name: str, folder: Path, *, split_headers: bool = False) -> None:
        """`split_headers`: a fresh init section at each splice, for players that dislike one for both."""
        self.name = name
        self._split = split_headers
        self._writer = HlsWriter(folder)
        self._segmenter: Segmenter | None = None  # None: off air
        self._idle = asyncio.Event()
        self._idle.set()
        self._packets = 0
        self._dropped = 0
        self._segments_before = 0  # written before this broadcast
        self._lost_ms = 0  # how much of the program is missing since the disk last kept up
        self._lost_us: int | None = None  # when a segment was last lost

    # ------------------------------------------------------------ what the gate calls

    def start(self, header: FeedFormat, part: FeedFormat | None = None, *, resumed: bool = False) -> None:
        """Begin with the next keyframe. `header`, `part`: as in `push.Destination.start`.

        `resumed`: an earlier process wrote this broadcast; its playlist is gone on with.
        """
        if self._segmenter is None:
            self._segmenter = Segmenter(header, part, split=self._split)
            self._segments_before, self._lost_us = self._writer.segments, None
            self._idle.clear()
            self._writer.begin(resumed=resumed)

    def stop(self) -> None:
        """End the broadcast's playlist. Returns at once; closed() waits until it is done."""
        segmenter, self._segmenter = self._segmenter, None
        if segmenter is None:
            return
        self._put(segmenter.finish())
        loop = asyncio.get_running_loop()

        def told() -> None:  # from the thread
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._ended)

        self._writer.end(told)

    async def closed(self) -> None:
        """Wait until the end stands in the playlist: at most STOP_TIMEOUT_S."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._idle.wait()

    def offer(self, *program: Aired) -> None:
        """Take program packets. Never blocks."""
        segmenter = self._segmenter
        if segmenter is None:
            return
        wall = wall_s()
        for aired in program:
            ended = segmenter.add(aired, wall)
            if ended is not None:
                self._put(ended)
        self._packets += len(program)

    def discard_live(self) -> int:
        """Take back all live material that no player is offered yet; return how many packets that were."""
        if self._segmenter is None:
            return 0
        dropped = self._writer.withdraw_live()
        left, cut_off = self._segmenter.discard_live()
        self._put(left)
        self._dropped += dropped + cut_off
        return dropped + cut_off

    def status(self) -> DestinationStatus:
        """Return the present state; a new object every time."""
        writer = self._writer
        state, error = self._state()
        waiting = writer.waiting()
        return DestinationStatus(
            name=self.name,
            url=HLS,
            state=state,
            bitrate_bps=writer.bitrate_bps if state in ("live", "behind") else 0,
            bytes=writer.bytes,
            packets=self._packets,
            dropped=self._dropped,
            queue_ms=sum(segment.end - segment.begin for segment in waiting),
            error=error,
        )

    # ------------------------------------------------------------ the service

    async def run(self) -> None:
        """Serve until cancelled."""
        self._writer.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._writer.close()
            self._idle.set()

    # ------------------------------------------------------------ small things

    def _put(self, segment: Segment | None) -> None:
        if segment is None or self._writer.put(segment):
            return
        self._dropped += len(segment.packets)
        now = now_us()
        fresh = self._lost_us is None or now - self._lost_us > LOST_SHOWN_US
        self._lost_ms = (0 if fresh else self._lost_ms) + segment.end - segment.begin
        self._lost_us = now

    def _ended(self) -> None:
        if self._segmenter is None:  # not started again meanwhile
            self._idle.set()

    def _state(self) -> tuple[DestinationState, str]:
        writer = self._writer
        if self._segmenter is None:
            return "idle", ""
        if writer.unplayable:
            return "failed", writer.unplayable
        if writer.error:
            return "backoff", writer.error
        stuck_s = writer.stuck_s()
        lost = self._lost_us is not None and now_us() - self._lost_us <= LOST_SHOWN_US
        if lost:
            return "behind", f"the disk is too slow: {self._lost_ms / 1000:.0f} s of the program are missing"
        if stuck_s > SLOW_S:
            return "behind", f"the disk has taken nothing for {stuck_s:.0f} s"
        return ("live" if writer.segments > self._segments_before else "connecting"), ""
