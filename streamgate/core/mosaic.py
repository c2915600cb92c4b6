"""Mosaic: a whole GOP, re-encoded with pixelated areas, that airs instead of the feed's. Pure.

It keeps the timestamps of the feed's pictures. It has no B-frames: its pictures leave in presentation order,
none before the feed's packet of the same picture is due.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import NamedTuple

from streamgate.core.box import Box
from streamgate.core.clip import Clip
from streamgate.core.packet import FeedFormat
from streamgate.core.ring import Held
from streamgate.core.spans import Span
from streamgate.errors import Refused

READY_US = 5_000_000  # a mosaic must be ready this long before its first picture airs
MAX_PICTURES = 1200  # per GOP: 20 s at 60 a second
MAX_BYTES = 32 << 20  # per GOP, as received
FILE = "mosaic-"  # prefix of the names of clip files with a mosaic: each airs in one broadcast
LEAST_PICTURES = 2  # adjacent one-picture GOPs would carry equal IDR ids

Boxes = frozenset[Box | None]
"""The covered areas; None: the whole picture."""


def can_be_coded(feed: FeedFormat) -> bool:
    """Whether pictures of a feed can be re-encoded and joined to it: H.264 of even size."""
    video = feed.video
    return video is not None and video.codec == "h264" and video.width % 2 == video.height % 2 == 0


def must_be_coded(feed: FeedFormat | None) -> None:
    """Raise Refused when a feed cannot carry a mosaic. None and feeds without video pass."""
    if feed is None or feed.video is None or can_be_coded(feed):
        return
    codec, size = feed.video.codec, f"{feed.video.width}x{feed.video.height}"
    raise Refused(
        f"a mosaic is laid over H.264 pictures of even width and height; this feed is {codec}, {size};"
        " condemn the span, so that filler airs",
        f"马赛克只支持宽高为偶数的 H.264 画面；当前为 {codec}，{size}；请改为「不播」",
    )


class Group(NamedTuple):
    """A GOP, named by `arrival` of its keyframe and its `run`, and the areas to cover in it."""

    arrival: int
    run: int
    boxes: Boxes


class Wanted(NamedTuple):
    """A GOP whose mosaic is not ready yet. `packets`: its pictures in order of arrival."""

    group: Group
    packets: list[Held]
    due_us: int
    spans: tuple[str, ...]


class Picture(NamedTuple):
    """A picture of a mosaic: the feed's timestamps, `frame` in the clip, arrival of the feed's packet."""

    dts: int
    pts: int
    frame: int
    arrival: int


class Mosaic(NamedTuple):
    """A re-encoded GOP. `actor`: who marked it. `times`: its pictures in presentation order.

    `behind`: for each picture, the index of the feed's packet that must be due. `size`: bytes.
    """

    boxes: Boxes
    clip: Clip
    actor: str
    times: tuple[Picture, ...]
    behind: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, wanted: Wanted, clip: Clip, actor: str) -> "Mosaic | None":
        """Return the mosaic of a GOP from its re-encoded clip; None: the clip does not fit."""
        packets = [held.packet for held in wanted.packets]
        if clip.video_count != len(packets):
            return None
        order = sorted(range(len(packets)), key=lambda number: packets[number].pts)
        times = tuple(
            Picture(packets[slot].dts, packets[number].pts, slot, wanted.packets[number].arrival)
            for slot, number in enumerate(order)
        )
        if any(one.pts < one.dts for one in times):
            return None
        size = sum(len(frame[0]) for frame in map(clip.video, range(clip.video_count)) if frame is not None)
        return cls(wanted.group.boxes, clip, actor, times, tuple(accumulate(order, max)), size)

    def covers(self, spans: Iterable[Span]) -> bool:
        return None in self.boxes or {span.box for span in spans} <= self.boxes


class Playing:
    """Playback of a mosaic: call `step` for each packet of its GOP that is due."""

    def __init__(self, mosaic: Mosaic) -> None:
        self.mosaic = mosaic
        self._packets = self._sent = 0

    def step(self) -> Iterator[Picture]:
        """Yield the pictures that may leave with the next packet of the GOP."""
        number, self._packets = self._packets, self._packets + 1
        behind, times = self.mosaic.behind, self.mosaic.times
        while self._sent < len(times) and behind[self._sent] <= number:
            self._sent += 1
            yield times[self._sent - 1]


def boxes_of(spans: Iterable[Span]) -> Boxes:
    boxes = frozenset(span.box for span in spans)
    return frozenset([None]) if None in boxes else boxes


def is_in_bounds(held: list[Held]) -> bool:
    """Whether a GOP can be re-encoded: within bounds, and no picture precedes its keyframe in PTS."""
    if not LEAST_PICTURES <= len(held) <= MAX_PICTURES or not held[0].packet.keyframe:
        return False
    size = sum(len(one.packet.data) for one in held)
    return size <= MAX_BYTES and min(one.packet.pts for one in held) == held[0].packet.pts
