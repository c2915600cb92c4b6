"""Packets of one feed in, fMP4 pieces for the browser out. Pure: no clock, no sockets.

Fragments of about 65 ms; a keyframe always begins one. The timeline of what comes out only ever rises, also
when the feed's begins anew: a page that plays sees no jump back.

A page drops every picture up to the next keyframe when decoding time steps by more than twice the duration
of the sample before (W3C Media Source Extensions, coded frame processing, step 6). So the newest picture is
held back until the next one says how long it lasts. If sound comes meanwhile and no picture, there is a hole
in the feed: the picture goes out with a duration that outlasts any hole that is bridged, and the sound too.
"""

from dataclasses import dataclass, field

import msgspec

from console.live.messages import PreviewInit
from streamgate.core.fmp4 import Fragmenter, can_carry, codec_string, init_segment, mime
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

FRAGMENT_MS = 65  # with the picture held back, the oldest in a fragment has waited for 100 ms at 30 a second
_EARLY_MS = 5  # 60 ms of 50 frames a second are a fragment
HOLE_MS = 120  # so much sound without a picture is a hole in the pictures
RESTART_MS = 10_000  # a step of the timestamps by more than this, or backwards, is a new timeline
MAX_CHUNK_PACKETS = 400
MAX_GOP_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True)
class Init:
    """`head`: the text message that goes before `segment` (ftyp + moov)."""

    head: str
    segment: bytes


@dataclass(frozen=True)
class Fragment:
    """One moof + mdat. `entry`: a decoder may start here."""

    data: bytes
    entry: bool


@dataclass
class PreviewMuxer:
    """`init` and `gop` are what a viewer who joins now needs: together they play at once.

    `gop` holds the fragments since the last keyframe, at most MAX_GOP_BYTES (then it is empty: whoever joins
    waits for the next keyframe).
    """

    init: Init | None = None
    gop: list[Fragment] = field(default_factory=list)
    _format: FeedFormat = field(default_factory=FeedFormat)
    _fragmenter: Fragmenter | None = None
    _chunk: list[Packet] = field(default_factory=list)
    _gop_bytes: int = 0
    _sequence: int = 0
    _sound_ms: float = 0.0  # how much sound came since the last picture or fragment
    _shift: int = 0  # what is added to the feed's timestamps, ms
    _end_dts: int = 0  # where what came out ends, in decoding and in presentation time, ms
    _end_pts: int = 0
    _last_dts: int | None = None

    def set_format(self, feed: FeedFormat) -> list[Init | Fragment]:
        """Take the feed's parameters; what the last chunk held comes out.

        Tracks that MP4 cannot carry are left out, and MP3, which not every browser plays from MP4.
        """
        video: VideoTrack | None = feed.video if feed.video is not None and can_carry(feed.video) else None
        audio: AudioTrack | None = feed.audio
        if audio is not None and (audio.codec == "mp3" or not can_carry(audio)):
            audio = None
        if video is not None and (video.fps_num <= 0 or video.fps_den <= 0):
            video = msgspec.structs.replace(video, fps_num=25, fps_den=1)
        out = self._flush()
        self._format = FeedFormat(video, audio)
        self.reset()
        return out

    def reset(self) -> None:
        """The feed was lost: what comes next is a new beginning, with a new init, at a keyframe."""
        self._chunk.clear()
        self._sound_ms = 0.0
        self._fragmenter = self.init = self._last_dts = None
        self.gop, self._gop_bytes = [], 0

    def add(self, packet: Packet) -> list[Init | Fragment]:
        """Take a packet and return what is ready, in order."""
        track = self._format.video if packet.kind is Kind.VIDEO else self._format.audio
        if packet.kind is Kind.DATA or track is None:
            return []
        lead = Kind.VIDEO if self._format.video is not None else Kind.AUDIO
        is_lead = packet.kind is lead
        out: list[Init | Fragment] = []
        if is_lead and self._last_dts is not None and not 0 <= packet.dts - self._last_dts <= RESTART_MS:
            out += self._flush()
            self.reset()
        if self._fragmenter is None:
            if not is_lead or (lead is Kind.VIDEO and not packet.keyframe):
                return out
            out.append(self._begin(packet))
        elif packet.kind is Kind.VIDEO and self._is_due(packet):
            out += self._flush(next_video_dts=packet.dts)
        self._chunk.append(packet)
        if is_lead or self._last_dts is None:
            self._last_dts = packet.dts
        self._sound_ms = 0.0 if packet.kind is Kind.VIDEO else self._sound_ms + track.frame_ms
        if lead is Kind.VIDEO and (self._sound_ms >= HOLE_MS or len(self._chunk) >= MAX_CHUNK_PACKETS):
            # A picture that outlasts the longest step: whatever the next one's time is, a page takes it. When
            # that comes it ends this one, as a picture always ends the one before.
            out += self._flush(next_video_dts=self._last_dts + RESTART_MS)
        elif lead is Kind.AUDIO and self._sound_ms >= FRAGMENT_MS:
            out += self._flush()
        return out

    def _is_due(self, packet: Packet) -> bool:
        """Whether the pictures that wait go out now that the next one, `packet`, is here."""
        first = next((waits.dts for waits in self._chunk if waits.kind is Kind.VIDEO), packet.dts)
        return packet.keyframe or packet.dts - first >= FRAGMENT_MS - _EARLY_MS

    def _begin(self, packet: Packet) -> Init:
        # Decoding time rises; pictures follow on one another without a hole unless that forbids it.
        self._shift = max(self._end_pts - packet.pts, self._end_dts - packet.dts)
        self._fragmenter = Fragmenter(self._format, origin_ms=-self._shift, fill_silence=True)
        video, audio = self._format.video, self._format.audio
        names = [codec_string(track) for track in (video, audio) if track is not None]
        head = PreviewInit(
            mime=mime(self._format),
            codecs=",".join(names),
            width=video.width if video is not None else 0,
            height=video.height if video is not None else 0,
            fps=round(video.fps_num / video.fps_den, 3) if video is not None else 0.0,
            video=video is not None,
            audio=audio is not None,
        )
        self.init = Init(msgspec.json.encode(head).decode(), init_segment(self._format))
        return self.init

    def _flush(self, next_video_dts: int | None = None) -> list[Init | Fragment]:
        if self._fragmenter is None or not self._chunk:
            return []
        chunk, self._chunk = self._chunk, []
        self._sound_ms = 0.0
        self._sequence += 1
        data = self._fragmenter.fragment(chunk, self._sequence, next_video_dts=next_video_dts)
        if not data:
            return []
        entry = self._format.video is None or any(packet.keyframe for packet in chunk)
        if entry:
            self.gop, self._gop_bytes = [], 0
        if entry or self.gop:
            fragment = Fragment(data, entry)
            self.gop.append(fragment)
            self._gop_bytes += len(data)
            if self._gop_bytes > MAX_GOP_BYTES:
                self.gop, self._gop_bytes = [], 0
        else:
            fragment = Fragment(data, entry=False)
        self._measure(chunk)
        return [fragment]

    def _measure(self, chunk: list[Packet]) -> None:
        """Note where `chunk` ends; a silent audio track is filled and needs no note."""
        for packet in chunk:
            track = self._format.video if packet.kind is Kind.VIDEO else self._format.audio
            if track is not None:
                end = self._shift + track.frame_ms
                self._end_pts = max(self._end_pts, round(packet.pts + end))
                self._end_dts = max(self._end_dts, round(packet.dts + end))
