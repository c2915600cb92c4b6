"""The destination `hls:`: the program as HLS files for any web server.

Runs inside the gate's event loop, as a push does, and costs it one list append per packet. A thread makes and
writes the files (`hls_writer`). A cut withdraws only segments that no player has been offered.
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
from streamgate.wording import NOTHING, Words

STOP_TIMEOUT_S = 2.0
SLOW_S = 4.0
"""Seconds without a finished write after which operators are warned about the disk."""
LOST_SHOWN_US = 20_000_000


class HlsDestination:
    """Writes the program to `folder` between start() and stop(), while run() runs.

    Call all methods from the loop that runs run().
    """

    behind_notice = "destination_disk"

    def __init__(self, name: str, folder: Path, *, split_headers: bool = False) -> None:
        """`split_headers`: a new init section at each splice, for players that cannot use one for both."""
        self.name = name
        self._split = split_headers
        self._writer = HlsWriter(folder)
        self._segmenter: Segmenter | None = None  # None: off air
        self._idle = asyncio.Event()
        self._idle.set()
        self._packets = 0
        self._dropped = 0
        self._segments_before = 0  # written before this broadcast
        self._lost_ms = 0  # duration of the program lost since the disk last kept up
        self._lost_us: int | None = None  # when a segment was last lost

    # ------------------------------------------------------------ what the gate calls

    def start(self, header: FeedFormat, part: FeedFormat | None = None, *, resumed: bool = False) -> None:
        """Begin with the next keyframe. `header`, `part`: as in `push.Destination.start`.

        `resumed`: an earlier process wrote this broadcast; continue its playlist.
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

        def signal_end() -> None:  # from the thread
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._ended)

        self._writer.end(signal_end)

    async def closed(self) -> None:
        """Wait until the playlist has its end tag: at most STOP_TIMEOUT_S."""
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
        """Withdraw all live packets that no player has been offered yet; return their number."""
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
        state, why = self._state()
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
            error=why.english,
            error_zh=why.chinese,
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

    def _state(self) -> tuple[DestinationState, Words]:
        writer = self._writer
        if self._segmenter is None:
            return "idle", NOTHING
        if writer.unplayable.english:
            return "failed", writer.unplayable
        if writer.error.english:
            return "backoff", writer.error
        stuck_s = writer.stuck_s()
        lost = self._lost_us is not None and now_us() - self._lost_us <= LOST_SHOWN_US
        if lost:
            lost_s = f"{self._lost_ms / 1000:.0f}"
            return "behind", Words(
                f"the disk is too slow: {lost_s} s of the program are missing",
                f"磁盘过慢：缺失 {lost_s} 秒的节目",
            )
        if stuck_s > SLOW_S:
            return "behind", Words(
                f"the disk has taken nothing for {stuck_s:.0f} s", f"磁盘已 {stuck_s:.0f} 秒未写入任何数据"
            )
        return ("live" if writer.segments > self._segments_before else "connecting"), NOTHING
