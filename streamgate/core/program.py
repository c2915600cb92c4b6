"""The program: sources and filler spliced on one timeline, audio interleaved with video. Pure.

`core.gate` decides what may air. Times in milliseconds unless the name says otherwise.
"""

from collections import deque
from typing import NamedTuple

from msgspec.structs import replace

from streamgate.core.clip import Clip
from streamgate.core.filler import FillerPlayer
from streamgate.core.headers import carries, in_band, join
from streamgate.core.packet import SILENCE, Aired, FeedFormat, Kind, Packet
from streamgate.core.redaction import Replacement
from streamgate.core.timeline import Timeline

SILENCE_AFTER_MS = 3000.0  # live audio this far behind video is missing: silence replaces it
# The program may be ahead of the clock: slightly after a splice, by seconds after a network stall.
# Filler waits for a small lead in full, and for the part of a large lead above one second; the players'
# buffers cover the wait.
SETTLE_AT_ONCE_US = 150_000
MAX_AHEAD_US = 1_000_000
MAX_SETTLE_US = 5_000_000


class _Join(NamedTuple):
    """The live source on air: `shift` is added to its times."""

    format: FeedFormat
    shift: int
    clip: Clip  # the filler in its format; provides the silent frame
    series: int  # as in `Aired`


class _Sound(NamedTuple):
    """Audio frame `number` of the filler `clip` (SILENCE: its silent frame), placed at `at`."""

    at: float
    data: bytes
    number: int
    clip: Clip


class Program:
    """The program of one broadcast. Packets to send collect in `_out` until `take`."""

    def __init__(self) -> None:
        self.header: FeedFormat | None = None  # in force; None before anything was sent
        self._pending_header: FeedFormat | None = None
        self._pending_part: FeedFormat | None = None
        self.part: FeedFormat | None = None  # the format on air at the moment
        self._video_headers = 0
        self._sound_waits = False  # for the keyframe that brings its header
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

    def enter_live(self, keyframe: Packet, feed: FeedFormat, clip: Clip, series: int = 0) -> None:
        """Splice to a source at `keyframe`, which the caller must send next.

        `clip`: filler conformed to `feed`. `series`: as in `Aired`.
        """
        header = self.header_to_enter(feed, clip)
        frame_ms = feed.video.frame_ms if feed.video is not None else clip.video_track.frame_ms
        shift = self._timeline.shift_for(keyframe.pts, keyframe.dts, frame_ms)
        if header is not self.header:
            self._announce(header, keyframe.dts + shift)
        self._place_sound(keyframe.pts + shift, clip)
        self._filler = None
        self._join = _Join(feed, shift, clip, series)
        self.part = self._pending_part = feed

    def header_to_enter(self, feed: FeedFormat, clip: Clip) -> FeedFormat:
        """Return the header in force after `enter_live`."""
        if self.header is not None and carries(self.header, feed):
            return self.header
        return join(feed, clip.format, feed)

    def live(
        self, packet: Packet, arrival_us: int, number: int = 0, instead: Replacement | None = None
    ) -> None:
        """Send a packet of the source on air. `number`: as in `Aired`.

        `instead`: for a redacted audio packet, the frame that replaces it; for a picture of a mosaic, its
        clip and actor.
        """
        source = self._join
        if source is None:
            return
        if packet.kind is Kind.VIDEO:
            part = source.format if instead is None else instead.clip.format
            if packet.keyframe:
                if instead is not None or self.part is not part:
                    self.part = self._pending_part = part
                if part.video is not None and (self._video_headers > 1 or instead is not None):
                    packet = in_band(packet, part.video)
            dts = packet.dts + source.shift
            if source.format.audio is None or dts - self._timeline.audio_end > SILENCE_AFTER_MS:
                self._place_sound(dts, source.clip)
            self._send_sound_until(dts)
            whole_dts, whole_pts = self._timeline.video(packet.pts + source.shift, dts)
            live = Packet(Kind.VIDEO, whole_dts, whole_pts, packet.keyframe, packet.data)
            self._send(live, arrival_us, number, None if instead is None else instead.clip, source.series)
            if instead is not None:
                self._mark_redacted(instead)
        elif packet.kind is Kind.AUDIO:
            track = source.format.audio
            pts = packet.pts + source.shift
            if track is not None and pts >= self._sound_end(track.frame_ms) - track.frame_ms / 2:
                self._send_sound_until(None)
                at_ms = self._timeline.audio(pts, track.frame_ms)
                if instead is not None:
                    self._send_instead(at_ms, instead)
                    return
                live = Packet(Kind.AUDIO, at_ms, at_ms, False, packet.data)
                self._send(live, arrival_us, number, None, source.series)
            # else: filler or silence already covers its time
        else:
            at = packet.dts + source.shift
            self._send(Packet(Kind.DATA, at, at, False, packet.data), arrival_us, number, None, source.series)

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
        """Whether the clip on air had no frame in memory when one was due."""
        return self._filler is not None and self._filler.late

    def enter_filler(self, clip: Clip, feed: FeedFormat | None, reorder_ms: float, now_us: int) -> None:
        """Splice to the beginning of a clip. `feed`: the format that the clip was conformed to."""
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
            if settled < now_us:  # the program fell behind (a gap, a slow encoder): it stays behind
                self._clock_us += now_us - settled
        self._sound.clear()
        if self.header is None or not carries(self.header, clip.format):
            self._announce(join(feed, clip.format, clip.format), pts - reorder_ms)
        self._join = None
        self._filler = FillerPlayer(clip, pts, wall, reorder_ms)
        self.part = self._pending_part = clip.format

    def play_filler(self, reorder_ms: float, now_us: int) -> None:
        """Send the filler frames that are due."""
        filler = self._filler
        if filler is None:
            return
        filler.reorder_ms = reorder_ms  # a feed that came meanwhile may reorder differently
        for pts, frame, keyframe, index in filler.frames(now_us):
            dts = pts - reorder_ms
            data = frame
            if keyframe:  # for decoders that keep only the header's first parameter sets
                data = in_band(Packet(Kind.VIDEO, 0, 0, True, frame), filler.clip.video_track).data
            self._place_sound(dts, filler.clip)
            self._send_sound_until(dts)
            whole_dts, whole_pts = self._timeline.video(pts, dts)
            self._send(Packet(Kind.VIDEO, whole_dts, whole_pts, keyframe, data), None, index, filler.clip)

    def _place_sound(self, until: float, clip: Clip) -> None:
        """Queue filler's audio (or silence) up to `until`; it is sent interleaved with video."""
        if self.header is None or self.header.audio != clip.format.audio:
            return  # not the configuration announced: it would not decode
        filler = self._filler
        if filler is not None and filler.clip.format.audio != clip.format.audio:
            filler = None
        frame_ms = clip.audio_track.frame_ms
        at = self._sound_end(frame_ms)
        if until - at > 10 * SILENCE_AFTER_MS:
            at = until - SILENCE_AFTER_MS  # do not fill a long gap with a burst
        while at + frame_ms / 2 <= until:
            if filler is not None:
                self._sound.append(_Sound(at, *filler.sound_at(at), filler.clip))
            else:
                self._sound.append(_Sound(at, clip.silence, SILENCE, clip))
            at += frame_ms

    def _sound_end(self, frame_ms: float) -> float:
        """Return the end of the audio sent and queued so far."""
        return self._sound[-1].at + frame_ms if self._sound else self._timeline.audio_end

    # ------------------------------------------------------------ sending

    def _announce(self, header: FeedFormat, at: float) -> None:
        """Announce a header with the next picture, whose DTS is `at`.

        A player that gets sound of another configuration than was announced may be silent from then on. So
        up to there sound of the one that ends is sent; sound of the one that begins waits.
        """
        if self.header is None or self.header.video != header.video:
            self._video_headers += 1
        if self.header is not None and self.header.audio != header.audio:
            self._end_sound(at)
            self._sound.clear()
            self._sound_waits = self._video_headers > 1
        self.header = self._pending_header = header

    def _end_sound(self, at: float) -> None:
        clip = self.clip or (self._join.clip if self._join is not None else None)
        if clip is not None:
            self._place_sound(at + clip.audio_track.frame_ms / 2, clip)
            self._send_sound_until(at)

    def _send_sound_until(self, until: float | None) -> None:
        if self._sound_waits:
            return
        track = self.header.audio if self.header is not None else None
        while track is not None and self._sound and (until is None or self._sound[0].at <= until):
            sound = self._sound.popleft()
            at = self._timeline.audio(sound.at, track.frame_ms)
            self._send(Packet(Kind.AUDIO, at, at, False, sound.data), None, sound.number, sound.clip)

    def _send_instead(self, at: int, instead: Replacement) -> None:
        packet = Packet(Kind.AUDIO, at, at, False, instead.data)
        self._send(packet, None, instead.number, instead.clip)
        self._mark_redacted(instead)

    def _mark_redacted(self, instead: Replacement) -> None:
        self._out[-1] = replace(self._out[-1], redacted=instead.kind, redacted_by=instead.actor)

    def _send(
        self,
        packet: Packet,
        arrival_us: int | None,
        number: int,
        clip: Clip | None = None,
        series: int = 0,
    ) -> None:
        header = part = None
        if packet.kind is Kind.VIDEO:
            part, self._pending_part = self._pending_part, None
        if self._pending_header is not None and (packet.kind is Kind.VIDEO or self._video_headers == 1):
            header, self._pending_header, self._sound_waits = self._pending_header, None, False
        self._out.append(Aired(packet, header, arrival_us, part, number, clip, series))
