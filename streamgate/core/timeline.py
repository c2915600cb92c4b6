"""The program's timeline: PTS and DTS continuous and monotonic across every splice.

Milliseconds. A splice enters with a keyframe one frame after the highest PTS sent so far (B-frames put the
highest PTS ahead of the last DTS), and a DTS after the last one.
"""


class Timeline:
    """Timestamps of the program: what has been sent, and the times of the next packets."""

    def __init__(self) -> None:
        self.highest_pts: float | None = None  # of video
        self.last_dts: int | None = None  # of video
        self.audio_end: float = 0.0  # PTS of the next audio frame
        self._last_audio: int | None = None

    def next_pts(self, frame_ms: float) -> float:
        """Return the PTS of the next picture. `frame_ms`: duration of a picture."""
        return 0.0 if self.highest_pts is None else self.highest_pts + frame_ms

    def shift_for(self, pts: int, dts: int, frame_ms: float) -> int:
        """Return what to add to a source's times so that its keyframe (`pts`, `dts`) is the next picture."""
        shift = round(self.next_pts(frame_ms)) - pts
        if self.last_dts is not None and dts + shift <= self.last_dts:
            shift = self.last_dts + 1 - dts
        elif self.last_dts is None and dts + shift < 0:
            shift = -dts  # the program starts at 0, with the DTS
        return shift

    def video(self, pts: float, dts: float) -> tuple[int, int]:
        """Record a picture; return (dts, pts) in whole ms, DTS strictly increasing, PTS >= DTS."""
        whole = round(dts)
        if self.last_dts is not None and whole <= self.last_dts:
            whole = self.last_dts + 1
        self.last_dts = whole
        if self.highest_pts is None or pts > self.highest_pts:
            self.highest_pts = pts
        return whole, max(round(pts), whole)

    def audio(self, pts: float, frame_ms: float) -> int:
        """Record an audio frame; return its whole-millisecond time, strictly increasing."""
        whole = round(pts)
        if self._last_audio is not None and whole <= self._last_audio:
            whole = self._last_audio + 1
        self._last_audio = whole
        self.audio_end = pts + frame_ms
        return whole
