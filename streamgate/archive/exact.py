"""Cuts an export to the picture: the first and the last group of pictures are coded anew, the rest is copied.

What is coded anew has parameter sets with an id of their own, so that one header lists both (ADR 3), and the
format of the recording. Sound is copied; its frames (of about 20 ms) are taken or left as a whole.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av

from streamgate.archive.video_encoder import X264, open_encoder, x264_options
from streamgate.core import paramsets
from streamgate.core.packet import FeedFormat, VideoTrack
from streamgate.core.target import VideoTarget, target_for
from streamgate.errors import MediaError, Refused

_CRF = 14  # nobody should see where the copy begins
_NEVER = 1 << 20  # frames to the next keyframe: the first is the only one
_HALF_MS = Fraction(1, 2000)  # wall clock is told in milliseconds


class Ends:
    """From where to where, in seconds on the export's timeline. `encoded`: pictures coded anew, so far."""

    def __init__(self, first_s: float, last_s: float) -> None:
        self.first_s, self.last_s = Fraction(first_s), Fraction(last_s)
        self.encoded = 0


class _Encoding(NamedTuple):
    track: VideoTrack
    target: VideoTarget
    pix_fmt: str


class ExactCut:
    """Takes the packets of a span and a little around it; gives back those of the span, beginning at 0.

    A picture's time is that of its decoding as the recording has it: its PTS without the reordering delay.
    """

    def __init__(self, ends: Ends, stream: Any) -> None:
        """`stream`: of the pictures, None without any."""
        self._ends = ends
        self._codec = stream.codec_context.name if stream is not None else ""
        self._encoding: _Encoding | None = None
        self._gop: list[Any] = []
        self._waiting: list[Any] = []  # sound that came before the first picture
        self._pictures = stream is not None
        self._delay_s: Fraction | None = None if stream is not None else Fraction(0)
        self.extradata = b""  # of the file, where it is another one than the recording's
        if stream is not None and self._codec == "h264":
            self._prepare(stream)

    def take(self, packet: Any, kind: str) -> Iterator[Any]:
        """Take a packet of kind "video" or "audio"; yield what is ready, of the same kind."""
        if kind == "video":
            if packet.is_keyframe:
                yield from self._close()
                if self._delay_s is None:
                    self._delay_s = (packet.pts - packet.dts) * packet.time_base
            self._gop.append(packet)
            return
        length_s = (packet.duration or 0) * packet.time_base
        if self._delay_s is None:
            self._waiting.append(packet)
            return
        waiting, self._waiting = [*self._waiting, packet], []
        for one in waiting:
            if self._inside(one.pts * one.time_base + length_s / 2):
                yield self._placed(one)

    def finish(self) -> Iterator[Any]:
        """Nothing follows: yield the pictures that are left."""
        yield from self._close()

    def _inside(self, pts_s: Fraction) -> bool:
        at_s = pts_s - (self._delay_s or 0) + _HALF_MS
        return self._ends.first_s <= at_s < self._ends.last_s

    def _placed(self, packet: Any) -> Any:
        ticks = round((self._ends.first_s + (self._delay_s or 0)) / packet.time_base)
        packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
        return packet

    def _close(self) -> Iterator[Any]:
        gop, self._gop = self._gop, []
        inside = [self._inside(packet.pts * packet.time_base) for packet in gop]
        if all(inside):
            yield from map(self._placed, gop)
        elif any(inside):
            yield from map(self._placed, self._coded_anew(gop))

    # ------------------------------------------------------------ coding

    def _prepare(self, stream: Any) -> None:
        context = stream.codec_context
        rate = Fraction(stream.average_rate or stream.guessed_rate or 30).limit_denominator(1001)
        config = bytes(context.extradata or b"")
        track = VideoTrack("h264", config, stream.width, stream.height, rate.numerator, rate.denominator)
        try:
            target = target_for(FeedFormat(track), paramsets.choose_sps_id(config)).video
            self._encoding = _Encoding(track, target, context.pix_fmt or target.pix_fmt)
            nals = paramsets.split_annexb(bytes(self._encoder().extradata or b""))
            self.extradata = paramsets.merge(config, paramsets.avcc_from_nals(nals))
        except (MediaError, av.error.FFmpegError) as error:
            self._encoding, self.extradata = None, b""
            self._codec = f"h264 that this encoder cannot match ({error})"

    def _encoder(self) -> Any:
        assert self._encoding is not None
        _, target, pix_fmt = self._encoding
        options = x264_options(target, "fast", {"keyint": _NEVER, "min-keyint": 1, "crf": _CRF})
        return open_encoder(X264, target, options, time_base=Fraction(1, 90_000), pix_fmt=pix_fmt)

    def _coded_anew(self, gop: list[Any]) -> Iterator[Any]:
        """Yield the pictures of a group that are in the span as packets."""
        if self._encoding is None:
            raise Refused(
                "an exact export codes the pictures before the first keyframe and of the last group anew,"
                f" with h264 only; this is {self._codec}: export by whole groups, not exact",
                f"精确导出须重新编码首尾画面，目前只支持 h264，此录像为 {self._codec}；请按整组导出",
            )
        decoder: Any = av.CodecContext.create("h264", "r")
        decoder.extradata = self._encoding.track.config
        encoder = self._encoder()
        base, delay = gop[0].time_base, gop[0].pts - gop[0].dts
        for packet in (*gop, None):  # one picture after the other: a group may be minutes long
            for frame in decoder.decode(packet):
                if frame.pts is not None and self._inside(frame.pts * base):
                    frame.time_base, frame.pict_type = base, 0
                    self._ends.encoded += 1
                    for one in encoder.encode(frame):
                        yield _packet(one, base, delay)
        for one in encoder.encode(None):
            yield _packet(one, base, delay)


def _packet(coded: Any, base: Fraction, delay: int) -> Any:
    """Return a coded picture as an MP4 holds it, decoded `delay` ticks before it is shown."""
    nals = [nal for nal in paramsets.split_annexb(bytes(coded)) if 1 <= nal[0] & 31 <= 5]
    packet: Any = av.Packet(b"".join(len(nal).to_bytes(4) + nal for nal in nals))
    packet.pts, packet.dts, packet.time_base = coded.pts, coded.pts - delay, base
    packet.is_keyframe = coded.is_keyframe
    return packet
