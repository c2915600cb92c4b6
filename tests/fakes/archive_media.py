"""Recordings for tests, made by the archive's own writer in a moment."""

from pathlib import Path

from tiny_media import make_feed

from streamgate.archive.writer import ArchiveWriter

WALL = 1_790_000_000.0  # 2026-09-21T14:13:20Z
FEED, PACKETS = make_feed(seconds=12, bframes=2)
OTHER_FEED, OTHER_PACKETS = make_feed(seconds=4, size=(96, 64))
OLD_FEED, OLD_PACKETS = make_feed(seconds=2, video="flv", audio="")


class Recording:
    """An encoder and the archive's writer of a channel, in one. Wall clock and arrival are given."""

    def __init__(self, root: Path, channel: str = "main") -> None:
        self.writer = ArchiveWriter(root, channel, alarm=lambda *_: None)
        self.writer.start()
        self._arrival_s = 0.0

    def publish(self, at_s, *, feed=FEED, packets=PACKETS, source="one", step_at_s=None, step_s=0.0):
        """Give packets whose first arrives at `at_s`. The wall clock steps `step_s` at `step_at_s`."""
        self.writer.format(feed, source)
        for packet in packets:
            media_s = packet.dts / 1000
            stepped = step_s if step_at_s is not None and media_s >= step_at_s else 0.0
            self.writer.packet(packet, int((self._arrival_s + media_s) * 1e6), at_s + media_s + stepped)
        self._arrival_s += packets[-1].dts / 1000 + 1.0

    def gone(self):
        self.writer.gone()

    def close(self):
        assert self.writer.close()
