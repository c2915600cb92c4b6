"""The program as it is sent: sources and filler joined on one timeline, sound in step with pictures. Pure.

It decides nothing about what may air; `core.gate` does. Times in milliseconds unless the name says otherwise.
"""

from collections import deque
from typing import NamedTuple

from streamgate.core.clip import Clip
from streamgate.core.filler import FillerPlayer
from streamgate.core.headers import carries, in_band, join
from streamgate.core.packet import SILENCE, Aired, FeedFormat, Kind, Packet
from streamgate.core.timeline import Timeline

SILENCE_AFTER_MS = 3000.0  # live audio this far behind the picture is missing: silence takes its place
# The program may be ahead of the clock: by a little after a splice, by seconds after a stalled network caught
# up. Filler waits for the little at once, and for all that is more than a second; the viewer's side holds so
# much more in its buffers that nothing is missed.
SETTLE_AT_ONCE_US = 150_000
MAX_AHEAD_US = 1_000_000
MAX_SETTLE_US = 5_000_000


class _Join(NamedTuple):
    """A live source at play: `shift` is added to its times."""

    format: FeedFormat
    shift: int
    clip: Clip  # the filler made for it; gives the silence


class _Sound(NamedTuple):
    """A filler's audio frame `number` of `clip` (SILENCE: its silent one), placed at `at`."""

    at: float
    data: bytes
    number: int
    clip: Clip


class Program:
    """Everything sent since the broadcast began. What is to be sent gathers in `out` until `take`."""

    def __init__(self) -> None:
        self.header: FeedFormat | None = None  # in force; None before anything was sent
        self._pending_header: FeedFormat | None = None
        self._pending_part: FeedFormat | None = None
        self.part: FeedFormat | None = None  # what is on air at the moment
        self._video_headers = 0
        self._timeline = Timeline()
        self._join: _Join | None = None
        self._filler: FillerPlayer | None = None
        self._sound: deque[_Sound] = deque()  # filler's, placed but not yet sent
        self._clock_us: int | None = None  # wall time of program DTS 0
        self._out: list[Aired] = []

    def take(self) -> list[Aired]:
        out, self._out = self._out, []
        return out

    # ------------------------------------------------------------ live

    def enter_live(self, keyframe: Packet, feed: FeedFormat, clip: Clip) -> None:
        """Splice to a source at `keyframe`, which must be sent next. `clip`: filler conformed to `feed`."""
        if self.header is None or not carries(self.header, feed):
            self._announce(join(feed, clip.format, feed))
        frame_ms = feed.video.frame_ms if feed.video is not None else clip.video_track.frame_ms
        shift = self._timeline.shift_for(keyframe.pts, keyframe.dts, frame_ms)
        self._place_sound(keyframe.pts + shift, clip)
        self._filler = None
        self._join = _Join(feed, shift, clip)
        self.part = self._pending_part = feed

    def live(self, packet: Packet, arrival_us: int, number: int = 0) -> None:
        """Send a packet of the source that was entered. `number`: as in `Aired`."""
        source = self._join
        if source is None:
            return
        if packet.kind is Kind.VIDEO:
            if packet.keyframe and self._video_headers > 1 and source.format.video is not None:
                packet = in_band(packet, source.format.video)
            dts = packet.dts + source.shift
            if source.format.audio is None or dts - self._timeline.audio_end > SILENCE_AFTER_MS:
                self._place_sound(dts, source.clip)
            self._send_sound_until(dts)
            whole_dts, whole_pts = self._timeline.video(packet.pts + source.shift, dts)
            self._send(
                Packet(Kind.VIDEO, whole_dts, whole_pts, packet.keyframe, packet.data), arrival_us, number
            )
        elif packet.kind is Kind.AUDIO:
            track = source.format.audio
            pts = packet.pts + source.shift
            if track is not None and pts >= self._sound_end(track.frame_ms) - track.frame_ms / 2:
                self._send_sound_until(None)
                at_ms = self._timeline.audio(pts, track.frame_ms)
                self._send(Packet(Kind.AUDIO, at_ms, at_ms, False, packet.data), arrival_us, number)
            # else: what filler or silence has covered
        else:
            at = packet.dts + source.shift
            self._send(Packet(Kind.DATA, at, at, False, packet.data), arrival_us, number)

    # ------------------------------------------------------------ filler

    @property
    def clip(self) -> Clip | None:
        """The filler clip on air; None while a source is."""
        return self._filler.clip if self._filler is not None else None

    @property
    def next_filler_us(self) -> int | None:
        """When the next filler frame is to be sent."""
        return self._filler.next_wall_us if self._filler is not None else None

    @property
    def filler_late(self) -> bool:
        """Whether the clip on air had no frame where one was due."""
        return self._filler is not None and self._filler.late

    def enter_filler(self, clip: Clip, feed: FeedFormat | None, reorder_ms: float, now_us: int) -> None:
        """Splice to the beginning of a clip. `feed`: what the clip was conformed to."""
        pts = self._timeline.next_pts(clip.video_track.frame_ms)
        if self._timeline.highest_pts is None:
            pts += reorder_ms
        dts_us = round((pts - reorder_ms) * 1000)
        wall = now_us
        if self._filler is not None:  # from one clip to another: keep the pace
            wall = self._filler.next_wall_us
        elif self._clock_us is None:
            self._clock_us = now_us - dts_us
        else:
            settled = self._clock_us + dts_us
            ahead = max(0, settled - now_us)
            wait = max(min(ahead, SETTLE_AT_ONCE_US), ahead - MAX_AHEAD_US)
            wall = now_us + min(wait, MAX_SETTLE_US)
            if settled < now_us:  # the program fell behind (a hole, a slow encoder): that stays
                self._clock_us += now_us - settled
        self._join = None
        self._sound.clear()
        self._filler = FillerPlayer(clip, pts, wall, reorder_ms)
        self.part = self._pending_part = clip.format
        if self.header is None or not carries(self.header, clip.format):
            self._announce(join(feed, clip.format, clip.format))

    def play_filler(self, reorder_ms: float, now_us: int) -> None:
        """Send the filler frames whose time has come."""
        filler = self._filler
        if filler is None:
            return
        filler.reorder_ms = reorder_ms  # a feed that has come meanwhile may reorder otherwise
        for pts, frame, keyframe, index in filler.frames(now_us):
            dts = pts - reorder_ms
            data = frame
            if keyframe:  # for whoever keeps only the first parameter sets of a header
                data = in_band(Packet(Kind.VIDEO, 0, 0, True, frame), filler.clip.video_track).data
            self._place_sound(dts, filler.clip)
            self._send_sound_until(dts)
            whole_dts, whole_pts = self._timeline.video(pts, dts)
            self._send(Packet(Kind.VIDEO, whole_dts, whole_pts, keyframe, data), None, index, filler.clip)

    def _place_sound(self, until: float, clip: Clip) -> None:
        """Put filler's sound (or silence) on the timeline up to `until`; it is sent in step with pictures."""
        if self.header is None or self.header.audio != clip.format.audio:
            return  # of another configuration than announced: it would not decode
        frame_ms = clip.audio_track.frame_ms
        at = self._sound_end(frame_ms)
        if until - at > 10 * SILENCE_AFTER_MS:
            at = until - SILENCE_AFTER_MS  # a hole that long is not worth a burst
        while at + frame_ms / 2 <= until:
            if self._filler is not None:
                self._sound.append(_Sound(at, *self._filler.sound_at(at), self._filler.clip))
            else:
                self._sound.append(_Sound(at, clip.silence, SILENCE, clip))
            at += frame_ms

    def _sound_end(self, frame_ms: float) -> float:
        """Where the sound sent and placed so far ends."""
        return self._sound[-1].at + frame_ms if self._sound else self._timeline.audio_end

    # ------------------------------------------------------------ sending

    def _announce(self, header: FeedFormat) -> None:
        if self.header is None or self.header.video != header.video:
            self._video_headers += 1
        if self.header is not None and self.header.audio != header.audio:
            self._sound.clear()
        self.header = self._pending_header = header

    def _send_sound_until(self, until: float | None) -> None:
        track = self.header.audio if self.header is not None else None
        while track is not None and self._sound and (until is None or self._sound[0].at <= until):
            sound = self._sound.popleft()
            at = self._timeline.audio(sound.at, track.frame_ms)
            self._send(Packet(Kind.AUDIO, at, at, False, sound.data), None, sound.number, sound.clip)

    def _send(self, packet: Packet, arrival_us: int | None, number: int, clip: Clip | None = None) -> None:
        header = part = None
        if packet.kind is Kind.VIDEO:
            part, self._pending_part = self._pending_part, None
        if self._pending_header is not None and (packet.kind is Kind.VIDEO or self._video_headers == 1):
            header, self._pending_header = self._pending_header, None
        self._out.append(Aired(packet, header, arrival_us, part, number, clip))
