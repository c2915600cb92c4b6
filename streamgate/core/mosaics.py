"""The mosaics of one channel: which GOPs need one, which are ready, which is on air. Pure.

The shell encodes the GOPs that `Mosaics.wanted` lists. Filler airs for a mosaic that is not ready in time.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise, takewhile
from typing import NamedTuple, Protocol

from streamgate.core.clip import Clip
from streamgate.core.headers import carries, join
from streamgate.core.mosaic import (
    READY_US,
    Group,
    Mosaic,
    Playing,
    Wanted,
    boxes_of,
    can_be_coded,
    is_in_bounds,
)
from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.core.redaction import SLATE, Replacement
from streamgate.core.ring import Held, Ring
from streamgate.core.spans import MOSAIC, Span, Spans

MAX_READY = 256  # most GOPs ready and not aired,
MAX_READY_BYTES = 128 << 20  # and their bytes


class Inputs(Protocol):
    """Access to what a channel holds: packets by input and run, and fillers for their formats."""

    def ring_wanted(self) -> Ring: ...
    def ring_of(self, run: int) -> Ring: ...
    def format_of(self, run: int) -> FeedFormat | None: ...
    def clip(self, name: str, feed: FeedFormat | None) -> Clip | None: ...
    def air_time(self, arrival: int) -> int: ...


class _Open(NamedTuple):
    """A complete marked GOP whose mosaic is not ready. `until`: arrival of the next keyframe."""

    group: Group
    spans: list[Span]
    due_us: int
    until: int


class Mosaics:
    """A channel's mosaics. Call `begin` for each keyframe that falls due. Times in microseconds."""

    def __init__(self, spans: Spans, inputs: Inputs) -> None:
        self._spans, self._inputs = spans, inputs
        self._ready: dict[Group, Mosaic] = {}
        self.full = False  # one that was made found no room: none is wanted before half of them have aired
        self._playing: Playing | None = None
        self._begun: Mosaic | None = None  # of the group that is leaving, whether or not it airs

    # ------------------------------------------------------------ to be made

    def wanted(self, now: int) -> list[tuple[Wanted, FeedFormat]]:
        """Return the GOPs that need a mosaic, each with its format, in the order they are due.

        GOPs that are out of bounds or cannot be re-encoded are left out.
        """
        if self.full:
            return []
        ring = self._inputs.ring_wanted()
        found = list(self._open_groups(ring, now, late=False))
        pictures = _pictures_of(ring, found) if found else {}
        wanted = []
        for group, spans, due, _ in found:
            feed, packets = self._inputs.format_of(group.run), pictures[group]
            if feed is not None and can_be_coded(feed) and is_in_bounds(packets):
                wanted.append((Wanted(group, packets, due, tuple(span.id for span in spans)), feed))
        return wanted

    def install(self, wanted: Wanted, feed: FeedFormat, clip: Clip, now: int) -> bool:
        """Install the mosaic of a GOP of `feed`. False: it came too late, or does not fit."""
        slate = self._inputs.clip(SLATE, feed)
        if wanted.due_us - now < READY_US or slate is None:
            return False
        if clip.video_track.config != slate.video_track.config or clip.audio_track != slate.audio_track:
            return False
        if not carries(join(feed, slate.format, feed), clip.format):
            return False  # no header can list both: each splice would need a new one
        actor = next((one.actor for one in map(self._spans.get, wanted.spans) if one is not None), "")
        made = Mosaic.of(wanted, clip, actor)
        if made is None:
            return False
        if len(self._ready) >= MAX_READY or self._bytes() + made.size > MAX_READY_BYTES:
            self.full = True
            return False
        self._ready[wanted.group] = made
        return True

    def missed(self, now: int) -> set[str]:
        """Return ids of spans where filler airs for a GOP: its mosaic was not ready 5 s before air."""
        ring = self._inputs.ring_wanted()
        late = [span for one in self._open_groups(ring, now, late=True) for span in one.spans]
        return {span.id for span in late + self._uncovered(ring, self._spans) if span.id}

    def unfit(self, now: int) -> set[str]:
        """Return ids of spans with a GOP that is out of bounds: it is not re-encoded, in time or late."""
        ring = self._inputs.ring_wanted()
        found = list(self._open_groups(ring, now, late=None))
        pictures = _pictures_of(ring, found) if found else {}
        return {span.id for one in found if not is_in_bounds(pictures[one.group]) for span in one.spans}

    def is_ready(self, span: Span, now: int) -> bool:
        """Whether every GOP of a span has arrived and its mosaic is ready."""
        ring = self._inputs.ring_wanted()
        newest = max((at for at, _ in ring.keyframes()), default=0)
        if newest <= (span.end or 0) or self._uncovered(ring, [span]):
            return False
        return not any(span in one.spans for one in self._open_groups(ring, now, late=None, of=span))

    def _open_groups(
        self, ring: Ring, now: int, *, late: bool | None, of: Span | None = None
    ) -> Iterator[_Open]:
        """Yield each marked GOP without a mosaic. `late`: those too late for one, or not; None: all.

        `of`: only GOPs that this span reaches.
        """
        if not self._spans.hides:
            return
        for (arrival, run), (following, _) in pairwise(list(ring.keyframes())):
            if of is not None and (following <= of.start or arrival > (of.end or 0)):
                continue  # asked for each span of a status: cheap, however many groups are held
            spans = self._spans.mosaics(arrival, following - 1)
            due = self._inputs.air_time(arrival)
            if not spans or late not in {None, due - now < READY_US}:
                continue
            group = Group(arrival, run, boxes_of(spans))
            if group not in self._ready:
                yield _Open(group, spans, due, following)

    def _uncovered(self, ring: Ring, spans: Iterable[Span]) -> list[Span]:
        """Return the spans over a group that is leaving without them: too late to make a mosaic of it."""
        rest = takewhile(lambda held: not held.packet.keyframe, ring)
        pictures = [held.arrival for held in rest if held.packet.kind is Kind.VIDEO]
        if not pictures:
            return []
        reaching = [
            span
            for span in spans
            if span.why == MOSAIC and span.start <= pictures[-1] and pictures[0] <= (span.end or 0)
        ]
        return [span for span in reaching if self._begun is None or not self._begun.covers([span])]

    # ------------------------------------------------------------ on air

    def begin(self, keyframe: Held, header: FeedFormat) -> None:
        """Begin a GOP at a due keyframe, with its mosaic if there is one. `header`: in force from there."""
        mosaic = self._find(keyframe.arrival, keyframe.run)
        fits = mosaic is not None and carries(header, mosaic.clip.format)
        self._begun = mosaic if fits else None
        self._playing = Playing(mosaic) if mosaic is not None and fits else None

    def may_begin(self, arrival: int, run: int) -> bool:
        """Whether live may be entered at a keyframe: its GOP needs no mosaic, or has one."""
        hidden = self._spans.hides and self._spans.mosaics(arrival, arrival)
        return not hidden or self._find(arrival, run) is not None

    def _find(self, arrival: int, run: int) -> Mosaic | None:
        ring = self._inputs.ring_of(run)
        following = next((at for at, _ in ring.keyframes() if at > arrival), None)
        if following is None:
            return None  # the end of the GOP has not arrived
        spans = self._spans.mosaics(arrival, following - 1)
        return self._ready.get(Group(arrival, run, boxes_of(spans))) if spans else None

    @property
    def airs(self) -> bool:
        return self._playing is not None

    def end_group(self) -> None:
        """Another group begins to fall due."""
        self._playing = self._begun = None

    def leave(self) -> None:
        """Stop the mosaic on air: the rest of it never airs."""
        self._playing = None

    def hides(self, held: Held) -> bool:
        """Whether a packet is a picture to be covered, and no mosaic that covers it is on air."""
        if not self._spans.hides or held.packet.kind is not Kind.VIDEO:
            return False
        spans = self._spans.mosaics(held.arrival, held.arrival)
        return bool(spans) and (self._playing is None or not self._playing.mosaic.covers(spans))

    def step(self) -> Iterator[tuple[Packet, int, Replacement]]:
        """Yield the pictures of the mosaic on air that may leave with the next packet of its GOP.

        Each is (picture, arrival of the packet that it replaces, replacement).
        """
        if self._playing is None:
            return
        clip, actor = self._playing.mosaic.clip, self._playing.mosaic.actor
        for one in self._playing.step():
            frame = clip.video(one.frame)
            assert frame is not None  # all of it is in memory
            picture = Packet(Kind.VIDEO, one.dts, one.pts, frame[1], frame[0])
            yield picture, one.arrival, Replacement(frame[0], one.frame, clip, MOSAIC, actor)

    def forget_before(self, arrival: int) -> None:
        """Drop mosaics of GOPs whose keyframe arrived before `arrival`."""
        if self._ready:
            self._ready = {group: one for group, one in self._ready.items() if group.arrival >= arrival}
        if self.full:
            self.full = len(self._ready) * 2 > MAX_READY or self._bytes() * 2 > MAX_READY_BYTES

    def _bytes(self) -> int:
        return sum(one.size for one in self._ready.values())

    def clear(self) -> None:
        self._ready, self.full = {}, False
        self.end_group()


def _pictures_of(ring: Ring, groups: list[_Open]) -> dict[Group, list[Held]]:
    """Return the pictures of each GOP in order of arrival. `groups`: at least one, in that order, too."""
    pictures: dict[Group, list[Held]] = {one.group: [] for one in groups}
    rest = iter(groups)
    current = next(rest)
    for held in ring:
        while held.arrival >= current.until:
            following = next(rest, None)
            if following is None:
                return pictures
            current = following
        group = current.group
        if group.arrival <= held.arrival and held.run == group.run and held.packet.kind is Kind.VIDEO:
            pictures[group].append(held)
    return pictures
