"""Feed health: faults, bitrate and frame rate of a feed. Pure: times in microseconds are arguments.

A concern has a stable code and parameters; the ingest shell words it.
"""

from collections import deque
from typing import Literal

import msgspec

from streamgate.core.packet import Kind

NO_KEYFRAME_S = 10
NO_MEDIA_S = 5
LONG_GOP_S = 5.0
MAX_BITRATE_BPS = 20_000_000
FPS_TOLERANCE = 0.15
_WINDOW_S = 5  # bitrate and frame rate are means over this many whole seconds
_REMEMBER_US = 30_000_000  # an open GOP is reported for this long after it was seen

Level = Literal["info", "warning", "alarm"]


class Concern(msgspec.Struct, frozen=True):
    """A fault of the feed that is shown to operators.

    Codes and parameters: `no_video`, `no_audio` (seconds); `no_keyframe` (seconds); `open_gop`;
    `codec_unsupported` (kind, codec); `codec_hevc`; `long_gop` (seconds); `bitrate_high` (mbps, limit_mbps);
    `fps_mismatch` (measured, declared). Added by the feed: `probe_failed` (reason), `parameters_change`
    (changes), `repeats` (count). Added by the connection: `scripts_dropped`.
    """

    code: str
    level: Level = "warning"
    params: dict[str, str | float] = {}


class FeedHealth:
    """Health of one publisher since it began (`now_us`)."""

    def __init__(self, now_us: int, max_bitrate_bps: int = MAX_BITRATE_BPS) -> None:
        self._max_bitrate_bps = max_bitrate_bps
        self._last_us = {Kind.VIDEO: now_us, Kind.AUDIO: now_us}
        self._seen = {Kind.VIDEO: False, Kind.AUDIO: False}
        self._keyframe_us = now_us
        self._keyframe_dts: int | None = None
        self._keyframe_pts: int | None = None
        self._open_gop_us: int | None = None
        self._unsupported: dict[str, str] = {}
        # [second, bytes, frames]; the last second is incomplete
        self._seconds: deque[list[int]] = deque(maxlen=_WINDOW_S + 1)
        self._started_us = now_us
        self.declared_fps = 0.0
        self.hevc = False
        self.keyframe_interval_s: float | None = None

    def on_packet(self, kind: Kind, size: int, now_us: int) -> None:
        """Count a packet that arrived, even if it is dropped later."""
        second = now_us // 1_000_000
        seconds = self._seconds
        if not seconds or seconds[-1][0] != second:
            seconds.append([second, 0, 0])
        running = seconds[-1]
        running[1] += size
        if kind is Kind.VIDEO:
            running[2] += 1
        if kind is not Kind.DATA:
            self._last_us[kind] = now_us
            self._seen[kind] = True

    def on_picture(self, dts: int, pts: int, *, keyframe: bool, clean: bool, now_us: int) -> None:
        """Check a picture for open GOPs and keyframe distance.

        Args:
            dts: corrected decode time, ms.
            pts: corrected presentation time, ms.
            keyframe: the encoder flags it as one.
            clean: a decoder may start here (an IDR; an IRAP in HEVC).
            now_us: when it arrived.
        """
        leads = self._keyframe_pts is not None and pts < self._keyframe_pts
        if leads or (keyframe and not clean):
            self._open_gop_us = now_us
        if clean:
            if self._keyframe_dts is not None:
                self.keyframe_interval_s = (dts - self._keyframe_dts) / 1000
            self._keyframe_us = now_us
            self._keyframe_dts = dts
            self._keyframe_pts = pts

    def on_unsupported(self, kind: Kind, codec: str) -> None:
        """Note a track whose codec is unsupported: it is neither aired nor recorded."""
        self._unsupported[kind.name.lower()] = codec

    def on_supported(self, kind: Kind) -> None:
        self._unsupported.pop(kind.name.lower(), None)

    def bitrate_bps(self, now_us: int) -> int:
        """Return the mean bitrate over the last whole seconds; 0 in the first second."""
        return round(8 * self._mean(1, now_us))

    def fps(self, now_us: int) -> float:
        """Return the mean video frame rate over the last whole seconds; 0 in the first second."""
        return self._mean(2, now_us)

    def concerns(self, now_us: int) -> list[Concern]:
        """Return the present faults, in a fixed order."""
        found: list[Concern] = []
        self._check_presence(found, now_us)
        found += [
            Concern("codec_unsupported", "alarm", {"kind": kind, "codec": codec})
            for kind, codec in sorted(self._unsupported.items())
        ]
        if self.hevc:
            found.append(Concern("codec_hevc", "info"))
        if self._open_gop_us is not None and now_us - self._open_gop_us < _REMEMBER_US:
            found.append(Concern("open_gop"))
        if self.keyframe_interval_s is not None and self.keyframe_interval_s > LONG_GOP_S:
            found.append(Concern("long_gop", "info", {"seconds": round(self.keyframe_interval_s, 1)}))
        bitrate = self.bitrate_bps(now_us)
        if bitrate > self._max_bitrate_bps:
            mbps, limit = (round(rate / 1e6, 1) for rate in (bitrate, self._max_bitrate_bps))
            found.append(Concern("bitrate_high", "warning", {"mbps": mbps, "limit_mbps": limit}))
        self._check_fps(found, now_us)
        return found

    def _check_presence(self, found: list[Concern], now_us: int) -> None:
        video_s = (now_us - self._last_us[Kind.VIDEO]) // 1_000_000
        audio_s = (now_us - self._last_us[Kind.AUDIO]) // 1_000_000
        keyframe_s = (now_us - self._keyframe_us) // 1_000_000
        if video_s >= NO_MEDIA_S:
            found.append(Concern("no_video", "alarm", {"seconds": video_s}))
        elif keyframe_s >= NO_KEYFRAME_S and self._seen[Kind.VIDEO]:
            found.append(Concern("no_keyframe", "alarm", {"seconds": keyframe_s}))
        if audio_s >= NO_MEDIA_S:
            found.append(Concern("no_audio", "warning", {"seconds": audio_s}))

    def _check_fps(self, found: list[Concern], now_us: int) -> None:
        measured = self.fps(now_us)
        steady = now_us - self._started_us >= (_WINDOW_S + 1) * 1_000_000 and len(self._seconds) > _WINDOW_S
        if steady and self.declared_fps > 0 and measured > 0:
            ratio = measured / self.declared_fps
            if abs(ratio - 1) > FPS_TOLERANCE:
                params: dict[str, str | float] = {
                    "measured": round(measured, 1),
                    "declared": round(self.declared_fps, 2),
                }
                found.append(Concern("fps_mismatch", "warning", params))

    def _mean(self, column: int, now_us: int) -> float:
        """Return the mean per second of a column over the whole seconds before this one."""
        this = now_us // 1_000_000
        first = max(this - _WINDOW_S, self._started_us // 1_000_000 + 1)
        if this <= first:
            return 0.0
        total = sum(second[column] for second in self._seconds if first <= second[0] < this)
        return total / (this - first)
