"""The standby camera of a channel: second encoder, with its recording, refill and filler."""

from collections.abc import Callable
from typing import NamedTuple

from streamgate.archive.notices import notice
from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import now_us, wall_s
from streamgate.core.gate import Gate
from streamgate.core.headers import airable
from streamgate.core.packet import FeedFormat, Packet
from streamgate.core.refill import GivenUp, Vouched
from streamgate.core.standby import STANDBY
from streamgate.errors import Refused
from streamgate.link.messages import ClipStatus, Health, IngestStatus, Warn
from streamgate.playout import report
from streamgate.playout.fillers import Fillers
from streamgate.playout.input import Input
from streamgate.playout.memory import ChannelMemory
from streamgate.playout.refill import Refill, Taken
from streamgate.playout.texts import not_refilled, of_standby, say

SECOND_US = 1_000_000


class Recording(NamedTuple):
    """The standby's recording, and its refill after a kill."""

    archive: ArchiveWriter
    refill: Refill


class StandbyCamera:
    """Input of the standby's encoder, as `Channel` is for the main one; commands stay with the channel.

    `fillers`: makes slate and backup clips in its format, so that the program can leave it at any frame.
    `loaded`: memory of the channel's last process. `show`: called with each packet, for viewers of the
    undelayed feed. `remember`: saves `feed`, `fed_at` and `fed_since` for the next process. `pump`: airs what
    is due.
    """

    def __init__(
        self,
        channel: str,
        *,
        gate: Gate,
        recording: Recording,
        fillers: Fillers,
        loaded: ChannelMemory,
        say_: Callable[[str, Warn], None],
        show_format: Callable[[FeedFormat], None],
        show: Callable[[Packet], None],
        remember: Callable[[], None],
        pump: Callable[[], None],
    ) -> None:
        self.channel = channel
        self.archive, self.refill = recording
        self.fillers = fillers
        self.feed = loaded.standby_feed  # its present or last format, as it airs
        self.fed_at, self.fed_since = loaded.standby_fed_at, loaded.standby_fed_since
        self.input: Input | None = None
        self.last_input_us = 0
        self._gate = gate
        self._say = say_
        self._show_format, self._show = show_format, show
        self._remember, self._pump = remember, pump
        gate.standby.series = self.archive.series

    def resume(self, vouched: Vouched) -> None:
        """Start the refill after a kill; `vouched`: as for the main camera."""
        self.conform()
        self.refill.begin(vouched._replace(feed=self.feed), self._take_back)

    def _take_back(self, found: Taken | GivenUp) -> None:
        if not isinstance(found, Taken):
            if found != "nothing":  # it was not connected
                self._say("gate", not_refilled(found, standby=True))
            return
        count = self._gate.refill(found.feed, found.packets, found.series, now_us())
        if not count:
            why: GivenUp = "cut" if self._gate.spans.open is not None else "late"
            self._say("gate", not_refilled(why, standby=True))
            return
        first_us, last_us = found.packets[-count].arrival, found.packets[-1].arrival
        self._say("gate", say("standby_refilled", seconds=round((last_us - first_us) / SECOND_US, 1)))
        self._pump()

    def publish(self, peer: str, encoder: str, *, fresh: bool) -> None:
        """Accept its encoder. This never begins a broadcast, `fresh` or not."""
        del fresh
        self.input = Input(peer, encoder)
        if self.archive.settled or not self.fed_since:  # else a second kill leaves the first one's gap out
            self.fed_since = wall_s()
        self._say("encoder", say("standby_publish", encoder=encoder or "encoder", peer=peer))

    def format(self, format_: FeedFormat) -> None:
        if self.input is None:
            return
        self.input.format = format_
        self._gate.standby_feed(format_, now_us())
        self.archive.format(format_, self.input.source)
        aired = airable(format_)
        if aired.video is not None and aired != self.feed:
            self.feed = aired
            self._remember()
        self.conform()
        self._show_format(format_)
        self._say("encoder", say("standby_format", text=self.input.describe()))
        before, self.input.not_aired = self.input.not_aired, report.not_aired(format_)
        for warn in self.input.not_aired:
            if warn not in before:
                self._say("gate", of_standby(warn))

    def packet(self, packet: Packet) -> None:
        """Take an input packet. The hot path: no disk, no other process, no waiting."""
        now = now_us()
        number = self.archive.packet(packet, now, wall_s())
        self._gate.standby_packet(packet, now, number)
        if self.input is not None:
            self.input.count(packet, now)
        self._show(packet)

    def health(self, health: Health) -> None:
        if self.input is not None:
            self.input.health(health)

    def gone(self, reason: str, *, clean: bool) -> None:
        """Handle its encoder's end. If the standby is on air, the packets in its ring still air."""
        self.input = None
        self.last_input_us = now_us()
        self.archive.gone()
        self._say("encoder", say("standby_gone_clean") if clean else say("standby_gone", reason=reason))

    def conform(self) -> None:
        """Start conforming slate and backups to its format, or to its last one while disconnected."""
        source = self.input
        if self.feed is not None and (source is not None or self._gate.on_air):
            bitrate_bps = 0 if source is None else source.bitrate_bps
            self.fillers.prepare(self.feed, expected=None, bitrate_bps=bitrate_bps, expecting=False)

    def tick(self) -> None:
        if self.input is not None:
            self.fed_at = wall_s()
        if self.fillers.drop_broken():
            self.conform()

    @property
    def ready(self) -> bool:
        """Whether it sends pictures that can air, or has packets in its ring."""
        source = self.input
        sends = source is not None and source.format is not None and airable(source.format).video is not None
        return sends or self._gate.standby.ring.head is not None

    def require(self) -> None:
        """Raise Refused when it has nothing to air."""
        if not self.ready:
            raise Refused(
                f"the standby camera of {self.channel} sends nothing that can air; connect its encoder",
                f"频道 {self.channel} 的备用镜头没有可播出的来流；请连接其编码器",
            )

    def as_clip(self) -> ClipStatus:
        """Return it as one of the channel's backups."""
        return ClipStatus(STANDBY, self.ready)

    def status(self, now: int) -> IngestStatus:
        """Return its input status. `since_s`: when disconnected, for how long; None: never connected."""
        source, recording = self.input, self.archive.status()
        warnings = []
        if recording.state == "failed":
            warnings.append(of_standby(notice("archive_failed", {"error": recording.error})))
        if source is None:
            return IngestStatus(since_s=self._away_s(now), warnings=warnings)
        status = source.status(now)
        status.warnings = warnings + [of_standby(warn) for warn in (*source.warnings, *source.not_aired)]
        return status

    def _away_s(self, now: int) -> float | None:
        if self.last_input_us:
            return round((now - self.last_input_us) / SECOND_US, 1)
        # an earlier process had it as input
        return round(max(0.0, wall_s() - self.fed_at), 1) if self.fed_at else None

    def close(self) -> None:
        self.refill.cancel()
        self.fillers.cancel()

    def end_recording(self) -> None:
        """Write the rest of the recording, within some seconds. Blocks."""
        if self.archive.close():
            self.fed_at = 0.0
