"""PVW and PGM for the page: one muxer per feed, one bounded queue per viewer.

A feed is asked of the gate only while somebody watches it, and a little longer. A viewer who reads too slowly
loses what waits for it and goes on at the next keyframe; nobody else notices. A viewer may ask for the
keyframes alone (`stills`): the same packets through a muxer of its own.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import structlog

from console.live.fragments import Fragment, Init, PreviewMuxer
from console.live.media_link import MediaLink
from console.live.messages import PreviewWait
from console.live.stills import StillsMuxer
from streamgate.core.packet import FeedFormat, Packet

FeedName = Literal["pvw", "pgm"]
MAX_VIEWERS = 32
MAX_FEEDS = 64
QUEUE_BYTES = 6 * 1024 * 1024
LINGER_S = 5.0
SILENCE_S = 3.0
ASK_AGAIN_S = 5.0
HEARD_ASK_AGAIN_S = 15.0  # of a feed that was there: to ask anew costs the wait for a keyframe
WAIT = msgspec.json.encode(PreviewWait()).decode()

_log = structlog.get_logger("console.preview")


@dataclass(eq=False)
class Viewer:
    """What one page has yet to be sent: text and binary messages, in order."""

    queue_bytes: int = QUEUE_BYTES
    dropped: int = 0  # times the queue was emptied
    _queue: deque[str | bytes] = field(default_factory=deque)
    _bytes: int = 0
    _limit: int = 0
    _init: Init | None = None  # the init the page has, or will have once the queue is sent
    _at_entry: bool = True  # only a keyframe may come next
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> str | bytes:
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        message = self._queue.popleft()
        self._bytes -= len(message)
        if not self._queue:
            self._limit = self.queue_bytes
        return message

    def join(self, init: Init | None, gop: list[Fragment]) -> None:
        """Begin with what plays at once; a GOP may be larger than the queue and is allowed on top of it."""
        self._limit = self.queue_bytes + sum(len(fragment.data) for fragment in gop)  # until it is sent
        if init is None:
            self.wait()
        for fragment in gop:
            self.offer(fragment, init)

    def wait(self) -> None:
        """Say that there is no feed for now; it may go on where it was."""
        self._put(WAIT)

    def offer(self, fragment: Fragment, init: Init | None) -> None:
        """Queue a fragment of the feed whose present init is `init`."""
        if init is None:
            return
        if init is not self._init or self._at_entry:
            if not fragment.entry:
                return
            if init is not self._init:
                self._put(init.head)
                self._put(init.segment)
                self._init = init
            self._at_entry = False
        self._put(fragment.data)
        if self._bytes > self._limit:
            self._overflow()

    def _put(self, message: str | bytes) -> None:
        self._queue.append(message)
        self._bytes += len(message)
        self._filled.set()

    def _overflow(self) -> None:
        # A queue that held text held an init or a wait: the next keyframe brings the init again.
        if any(isinstance(message, str) for message in self._queue):
            self._init = None
        self._queue.clear()
        self._bytes, self._limit = 0, self.queue_bytes
        self._at_entry = True
        self.dropped += 1


@dataclass(eq=False)
class Feed:
    """One channel's PVW or PGM while it is watched. `heard_s`, `asked_s`, `left_s` are loop times."""

    channel: str
    feed: FeedName
    muxer: PreviewMuxer = field(default_factory=PreviewMuxer)
    viewers: set[Viewer] = field(default_factory=set)
    stills: StillsMuxer = field(default_factory=StillsMuxer)
    stills_viewers: set[Viewer] = field(default_factory=set)
    heard_s: float = 0.0  # of its last packet
    asked_s: float = 0.0  # of the newest request to the gate
    left_s: float = 0.0  # when the last viewer left
    lost: bool = True

    @property
    def watched(self) -> int:
        """How many watch, moving or still."""
        return len(self.viewers) + len(self.stills_viewers)

    def on_format(self, feed: FeedFormat) -> None:
        self._send(self.muxer.set_format(feed))
        self.stills.set_format(feed)

    def on_packet(self, packet: Packet) -> None:
        self.heard_s = asyncio.get_running_loop().time()
        self.lost = False
        self._send(self.muxer.add(packet))
        if (still := self.stills.add(packet)) is not None:
            for viewer in self.stills_viewers:
                viewer.offer(still, self.stills.init)

    def on_lost(self) -> None:
        """The feed stopped or the gate is gone: pages are told to wait, once.

        What comes next goes on from what came last where its timestamps say so, without a keyframe.
        """
        if not self.lost:
            for viewer in self.viewers | self.stills_viewers:
                viewer.wait()
        self.lost = True

    def join(self, viewer: Viewer, *, stills: bool = False) -> None:
        """Add a viewer, who plays at once if there is a feed; of `stills` the newest keyframe."""
        if stills:
            viewer.join(None if self.lost else self.stills.init, [] if self.lost else self.stills.newest)
            self.stills_viewers.add(viewer)
            return
        viewer.join(None if self.lost else self.muxer.init, [] if self.lost else self.muxer.gop)
        self.viewers.add(viewer)

    def _send(self, pieces: list[Init | Fragment]) -> None:
        for piece in pieces:
            if isinstance(piece, Fragment):
                for viewer in self.viewers:
                    viewer.offer(piece, self.muxer.init)


class TooManyViewersError(Exception):
    """The feed has MAX_VIEWERS already, or there are MAX_FEEDS feeds."""


class Preview:
    """All feeds that are watched. `run` keeps house; `watch` and `leave` are called by the websockets."""

    def __init__(
        self, link: MediaLink, *, queue_bytes: int = QUEUE_BYTES, linger_s: float = LINGER_S
    ) -> None:
        self._link = link
        self._queue_bytes, self._linger = queue_bytes, linger_s
        self.feeds: dict[tuple[str, FeedName], Feed] = {}

    def watch(self, channel: str, name: FeedName, *, stills: bool = False) -> tuple[Feed, Viewer]:
        """Add a viewer, of the keyframes alone with `stills`.

        Raises:
            TooManyViewersError: see there.
        """
        feed = self.feeds.get((channel, name))
        if feed is None:
            if len(self.feeds) >= MAX_FEEDS:
                raise TooManyViewersError
            feed = self.feeds[channel, name] = Feed(channel, name)
            self._ask(feed)
            _log.info("preview_began", channel=channel, feed=name)
        if feed.watched >= MAX_VIEWERS:
            raise TooManyViewersError
        viewer = Viewer(self._queue_bytes)
        feed.join(viewer, stills=stills)
        return feed, viewer

    def leave(self, feed: Feed, viewer: Viewer) -> None:
        feed.viewers.discard(viewer)
        feed.stills_viewers.discard(viewer)
        feed.left_s = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Until cancelled: end feeds nobody watches, and tell pages when a feed has fallen silent."""
        while True:
            await asyncio.sleep(min(0.5, self._linger / 4))
            now = asyncio.get_running_loop().time()
            for key, feed in list(self.feeds.items()):
                if not feed.watched and now - feed.left_s >= self._linger:
                    del self.feeds[key]
                    self._link.unsubscribe(feed)
                    _log.info("preview_ended", channel=feed.channel, feed=feed.feed)
                elif now - feed.heard_s >= SILENCE_S:
                    feed.on_lost()
                    heard = feed.heard_s > feed.asked_s
                    patience = HEARD_ASK_AGAIN_S if heard else ASK_AGAIN_S
                    if now - max(feed.asked_s, feed.heard_s) >= patience:
                        # The gate forgets who asks for a channel that it does not have (yet, or any more).
                        self._link.unsubscribe(feed)
                        self._ask(feed)

    def _ask(self, feed: Feed) -> None:
        feed.asked_s = asyncio.get_running_loop().time()
        self._link.subscribe(feed.channel, feed.feed, feed)
