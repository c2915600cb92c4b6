"""Filler playback: a looped clip on the program's timeline, paced by the clock."""

from collections.abc import Iterator

from streamgate.core.clip import Clip
from streamgate.core.packet import SILENCE

MAX_LATE_US = 2_000_000  # when later than this (a stalled process), restart the pace; send no burst


class FillerPlayer:
    """Plays `clip` from its first frame, which has PTS `pts` (ms, program) and is sent at `wall_us`.

    `reorder_ms`: how far PTS runs ahead of DTS, the same as the feed's, so that splices meet without a gap.
    """

    def __init__(self, clip: Clip, pts: float, wall_us: int, reorder_ms: float) -> None:
        self.clip = clip
        self.reorder_ms = reorder_ms
        self._pts = pts
        self._wall_us = wall_us
        self._frame = 0
        self.late = False  # a frame was not in memory when it was to be sent

    @property
    def next_pts(self) -> float:
        return self._pts + self._frame * self.clip.video_track.frame_ms

    @property
    def next_wall_us(self) -> int:
        """When the next frame is to be sent."""
        return self._wall_us + round(self._frame * self.clip.video_track.frame_ms * 1000)

    def frames(self, now_us: int) -> Iterator[tuple[float, bytes, bool, int]]:
        """Yield each frame that is to be sent by `now_us`; stop at one that is not in memory.

        Each is (pts, data, keyframe, index in the clip).
        """
        late = now_us - self.next_wall_us
        if late > MAX_LATE_US:
            self._wall_us += late
        while self.next_wall_us <= now_us:
            pts = self.next_pts
            index = self._frame % self.clip.video_count
            frame = self.clip.video(index)
            self.late = frame is None
            if frame is None:
                return
            self._frame += 1
            yield pts, *frame, index

    def sound_at(self, pts: float) -> tuple[bytes, int]:
        """Return the audio frame for `pts` (nearest whole frame) and its index in the clip.

        Returns silence before the clip's start and when the frame is not in memory.
        """
        into = pts - self._pts
        if not self.clip.has_sound or into < 0:
            return self.clip.silence, SILENCE
        index = round(into % self.clip.duration_ms / self.clip.audio_track.frame_ms)
        index %= self.clip.audio_count
        data = self.clip.audio(index)
        return data, SILENCE if data is self.clip.silence else index
