"""Keyframes of one feed as fMP4, one picture each, for pages that show many channels. Pure.

Nine moving pictures cost a browser without a graphics card more than a core, nine keyframes every two
seconds a few percent. The pictures stand on a timeline of their own, STILL_MS apart whatever the feed's
timestamps do: a page shows the newest one by going to the end of what it has.
"""

from dataclasses import dataclass, field

import msgspec

from console.live.fragments import Fragment, Init
from console.live.messages import PreviewInit
from streamgate.core.fmp4 import Fragmenter, can_carry, codec_string, init_segment, mime
from streamgate.core.packet import FeedFormat, Kind, Packet

STILL_MS = 1000


@dataclass
class StillsMuxer:
    """`init` and `newest` are what a viewer who joins now needs: the last keyframe, at once."""

    init: Init | None = None
    newest: list[Fragment] = field(default_factory=list)
    _format: FeedFormat = field(default_factory=FeedFormat)
    _fragmenter: Fragmenter | None = None
    _count: int = 0

    def set_format(self, feed: FeedFormat) -> None:
        """Take the feed's parameters. Sound is left out, and pictures that MP4 cannot carry."""
        video = feed.video if feed.video is not None and can_carry(feed.video) else None
        self.init, self.newest, self._fragmenter = None, [], None
        self._format = FeedFormat(video, None)
        if video is None:
            return
        self._fragmenter = Fragmenter(self._format)
        head = PreviewInit(
            mime=mime(self._format),
            codecs=codec_string(video),
            width=video.width,
            height=video.height,
            fps=round(video.fps_num / video.fps_den, 3) if video.fps_den > 0 else 0.0,
            video=True,
            audio=False,
        )
        self.init = Init(msgspec.json.encode(head).decode(), init_segment(self._format))

    def add(self, packet: Packet) -> Fragment | None:
        """Return the picture, when the packet is one that can be shown alone."""
        if self._fragmenter is None or packet.kind is not Kind.VIDEO or not packet.keyframe:
            return None
        at = self._count * STILL_MS
        self._count += 1
        still = Packet(Kind.VIDEO, at, at, True, packet.data)
        data = self._fragmenter.fragment([still], self._count, next_video_dts=at + STILL_MS)
        fragment = Fragment(data, entry=True)
        self.newest = [fragment]
        return fragment
