"""Timestamp repair: 64-bit monotonic DTS and PTS from a publisher's RTMP timestamps. Pure.

RTMP carries 32-bit millisecond timestamps that real encoders wrap, repeat, reset, and step back. The gate
needs 64-bit decode times that strictly increase on every track and keep audio and video in sync.

All tracks of a publisher share one clock, so a correction (an *anchor*: what to add to the unwrapped
timestamp) found on one track is tried first on the others: after a reset all tracks get the same anchor, and
a track that still has a few packets from before the reset keeps the old anchor until they have passed.
"""

from collections import deque
from typing import NamedTuple

from streamgate.core.packet import Kind

BACK_MS = 1_000  # a step back of this much or more is a new timeline, less is jitter
AHEAD_MS = 10_000  # a step ahead beyond this is a new timeline, less is a real gap
COMPOSITION_MS = 5_000  # a larger PTS - DTS is invalid and ignored
_NEAR_MS = 1_000  # steps up to this keep the anchor without a search
_STUCK = 3  # this many repeats in a row: the encoder's clock stands still
_ANCHORS = 3  # number of corrections kept
# Timestamps wrap at 32 bits by the specification (RTMP 1.0, 5.3.1); at 31 where an encoder counts in a signed
# integer; at 24 where it never sends the extended field.
_WRAPS = (1 << 32, 1 << 31, 1 << 24)
_DEFAULT_FRAME_MS = {Kind.VIDEO: 33, Kind.AUDIO: 21, Kind.DATA: 1}


class Stamp(NamedTuple):
    """Decode and presentation time in milliseconds; `0 <= dts <= pts`."""

    dts: int
    pts: int


class _Track:
    __slots__ = ("anchor", "arrival_us", "frame_ms", "last", "raw", "repeats")

    def __init__(self, frame_ms: int) -> None:
        self.anchor: int | None = None
        self.arrival_us = 0
        self.frame_ms = frame_ms
        self.last: int | None = None
        self.raw = -1
        self.repeats = 0


class TimelineMender:
    """Converts a publisher's timestamps to stamps.

    Video and audio always get a stamp: strictly increasing per track, at most AHEAD_MS beyond the newest
    stamp of any track. Data never changes the timeline; data that cannot be placed on it gets None.
    `mended`: number of packets whose time was changed. `dropped`: number that got None.
    """

    def __init__(self) -> None:
        self.mended = 0
        self.dropped = 0
        self._tracks = {kind: _Track(frame_ms) for kind, frame_ms in _DEFAULT_FRAME_MS.items()}
        self._anchors: deque[int] = deque(maxlen=_ANCHORS)  # newest first
        self._newest: int | None = None  # newest decode time of video and audio
        self._unwrapped = 0  # the newest timestamp, on 64 bits

    def mend(self, kind: Kind, raw: int, composition_ms: int, now_us: int) -> Stamp | None:
        """Return the stamp of one packet.

        Args:
            kind: the track.
            raw: the RTMP timestamp, 0 to 2**32 - 1 (more bits are ignored).
            composition_ms: presentation minus decode time from the FLV tag; video only, else 0.
            now_us: when the packet arrived; used only while the encoder's clock stands still.
        """
        raw &= 0xFFFFFFFF
        if self._newest is None:
            if kind is Kind.DATA:  # metadata before any media: there is no timeline yet
                return Stamp(raw, raw)
            self._newest = self._unwrapped = raw
            self._anchors.append(0)
        if kind is Kind.DATA:
            return self._mend_data(raw)
        return self._mend_media(kind, raw, composition_ms, now_us)

    def _mend_media(self, kind: Kind, raw: int, composition_ms: int, now_us: int) -> Stamp:
        track = self._tracks[kind]
        assert self._newest is not None
        touched = False
        unwrapped = self._unwrap(raw)
        if self._is_stuck(track, raw):
            assert track.last is not None
            elapsed_ms = (now_us - track.arrival_us) // 1000
            target = track.last + min(max(elapsed_ms, 1), BACK_MS)
            track.anchor = target - unwrapped
            touched = True
        else:
            target, touched = self._place(track, unwrapped)
        track.arrival_us = now_us
        dts = max(target, 0)
        if track.last is not None:
            step = dts - track.last
            if step <= 0:
                dts = track.last + 1
            elif not touched and step <= 250:
                track.frame_ms = step
        touched = touched or dts != target
        if not 0 <= composition_ms <= COMPOSITION_MS:
            composition_ms = 0
            touched = True
        self._unwrapped = unwrapped
        track.last = dts
        self._newest = max(self._newest, dts)
        self.mended += touched
        return Stamp(dts, max(dts, target + composition_ms))

    def _mend_data(self, raw: int) -> Stamp | None:
        track = self._tracks[Kind.DATA]
        assert self._newest is not None
        dts = self._unwrap(raw) + self._anchors[0]
        if abs(dts - self._newest) > AHEAD_MS or dts < 0:
            dts = self._newest
            self.mended += 1
        if track.last is not None and dts <= track.last:
            dts = track.last + 1
        if dts > self._newest + AHEAD_MS:
            self.dropped += 1
            return None
        track.last = dts
        return Stamp(dts, dts)

    @staticmethod
    def _is_stuck(track: _Track, raw: int) -> bool:
        track.repeats = track.repeats + 1 if raw == track.raw else 0
        track.raw = raw
        return track.repeats >= _STUCK and track.last is not None

    def _unwrap(self, raw: int) -> int:
        """Return `raw` in 64 bits: the value nearest to the newest timestamp, for any wrap width."""
        reference = self._unwrapped
        step = raw - (reference & 0xFFFFFFFF)
        if -AHEAD_MS <= step <= AHEAD_MS:
            return reference + step
        steps = [(raw - reference + wrap // 2) % wrap - wrap // 2 for wrap in _WRAPS]
        return reference + next((step for step in steps if abs(step) <= AHEAD_MS), steps[0])

    def _place(self, track: _Track, unwrapped: int) -> tuple[int, bool]:
        """Return the time on the repaired timeline and whether that needed a new anchor."""
        assert self._newest is not None
        if track.anchor is not None and track.last is not None:
            target = unwrapped + track.anchor
            if 0 < target - track.last <= _NEAR_MS:
                return target, False
        best = self._best_anchor(track, unwrapped)
        if best is not None:
            track.anchor = best
            return unwrapped + best, False
        target = self._newest + (track.frame_ms if track.last is not None else 0)
        track.anchor = target - unwrapped
        self._anchors.appendleft(track.anchor)
        return target, True

    def _best_anchor(self, track: _Track, unwrapped: int) -> int | None:
        """Return the known anchor that places the packet nearest to the track's expected time."""
        assert self._newest is not None
        silent = track.last is None or self._newest - track.last > AHEAD_MS
        low = self._newest - AHEAD_MS if silent else (track.last or 0) - BACK_MS + 1
        high = self._newest + AHEAD_MS
        expected = self._newest if silent else (track.last or 0) + track.frame_ms
        own = () if track.anchor is None else (track.anchor,)
        return min(
            (anchor for anchor in (*own, *self._anchors) if low <= unwrapped + anchor <= high),
            key=lambda anchor: abs(unwrapped + anchor - expected),
            default=None,
        )
