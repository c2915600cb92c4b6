"""Input of a channel: format, bitrate, keyframe interval and warnings of the connected encoder."""

from collections import deque

from streamgate.clock import now_us, wall_s
from streamgate.core.headers import airable
from streamgate.core.packet import FeedFormat, Packet
from streamgate.link.messages import Health, IngestStatus, Warn

SECOND_US = 1_000_000
WINDOW_US = 3 * SECOND_US


class Input:
    """The connected encoder. `count` is cheap, as it runs per packet; `status` computes the rates."""

    def __init__(self, peer: str, encoder: str) -> None:
        self.peer = peer
        self.encoder = encoder
        self.format: FeedFormat | None = None
        self.warnings: list[Warn] = []
        self.not_aired: list[Warn] = []  # tracks of the feed that cannot air
        self._declared: FeedFormat | None = None  # the format in its metadata
        self.since_us = now_us()
        self.source = f"{encoder or 'encoder'} {peer} {wall_s():.3f}"  # id of this publish in the archive
        self._mended = 0
        self._dropped = 0
        self._packets = 0
        self._bytes = 0
        self._marks: deque[tuple[int, int]] = deque()  # (when, bytes so far), about ten a second
        self._keyframe_us: int | None = None
        self._interval_us: int | None = None

    def count(self, packet: Packet, now: int) -> None:
        self._packets += 1
        self._bytes += len(packet.data)
        if packet.keyframe:
            if self._keyframe_us is not None:
                self._interval_us = now - self._keyframe_us
            self._keyframe_us = now
        marks = self._marks
        if not marks or now - marks[-1][0] > SECOND_US // 10:
            marks.append((now, self._bytes))
            while now - marks[0][0] > WINDOW_US:
                marks.popleft()

    def health(self, health: Health) -> None:
        self.encoder = health.encoder or self.encoder  # OBS gives its name only in its metadata
        self._mended = health.mended
        self._dropped = health.dropped
        self.warnings = health.warnings
        self._declared = health.declared

    @property
    def expected(self) -> FeedFormat | None:
        """The format that the metadata declares, until the first picture comes; None without one."""
        return None if self.has_picture or self._declared is None else airable(self._declared)

    @property
    def has_picture(self) -> bool:
        return self.format is not None and self.format.video is not None

    @property
    def bitrate_bps(self) -> int:
        if len(self._marks) < 2:
            return 0
        (first, start), (last, end) = self._marks[0], self._marks[-1]
        if now_us() - last > SECOND_US:
            return 0
        return round((end - start) * 8 * SECOND_US / max(last - first, 1))

    def next_keyframe_s(self, now: int) -> float:
        """Return the seconds until the next keyframe is expected."""
        if self._keyframe_us is None or self._interval_us is None:
            return 0.0
        return max(0, self._keyframe_us + self._interval_us - now) / SECOND_US

    def describe(self) -> str:
        """Return the feed's format in one line, e.g. "1920x1080 30 fps h264, aac 48000 Hz 2 ch"."""
        format_ = self.format or FeedFormat()
        video, audio = format_.video, format_.audio
        parts = ["no picture"]
        if video is not None:
            parts = [f"{video.width}x{video.height} {video.fps_num / video.fps_den:g} fps {video.codec}"]
        parts.append(
            f"{audio.codec} {audio.sample_rate} Hz {audio.channels} ch" if audio is not None else "no audio"
        )
        return ", ".join(parts)

    def status(self, now: int) -> IngestStatus:
        format_ = self.format or FeedFormat()
        status = IngestStatus(
            connected=True,
            encoder=self.encoder,
            peer=self.peer,
            bitrate_bps=self.bitrate_bps,
            keyframe_interval_s=None
            if self._interval_us is None
            else round(self._interval_us / SECOND_US, 2),
            packets=self._packets,
            bytes=self._bytes,
            mended=self._mended,
            dropped=self._dropped,
            since_s=round((now - self.since_us) / SECOND_US, 1),
            warnings=self.warnings,
        )
        if format_.video is not None:
            status.video_codec = format_.video.codec
            status.width, status.height = format_.video.width, format_.video.height
            status.fps = round(format_.video.fps_num / format_.video.fps_den, 3)
        if format_.audio is not None:
            status.audio_codec = format_.audio.codec
            status.sample_rate, status.channels = format_.audio.sample_rate, format_.audio.channels
        return status
