"""A channel of the gate process: feeds its gate, sends what airs, carries out commands, logs events."""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import now_us, wall_at, wall_s
from streamgate.core.condemned import CondemnedTimes, Span
from streamgate.core.gate import Gate, Notice
from streamgate.core.headers import airable
from streamgate.core.kept_spans import keep_spans
from streamgate.core.packet import Aired, FeedFormat, Packet
from streamgate.core.refill import GivenUp, Vouched
from streamgate.core.spans import REDACTIONS
from streamgate.core.standby import STANDBY
from streamgate.errors import Refused
from streamgate.link.messages import (
    ChannelDuty,
    ChannelStatus,
    ClipStatus,
    Health,
    IngestStatus,
    Marked,
    Marking,
    State,
    Warn,
)
from streamgate.playout import report
from streamgate.playout.air_timer import AirTimer
from streamgate.playout.backup import ClipCache
from streamgate.playout.dialer import Dialer
from streamgate.playout.duty import ACTOR as DUTY
from streamgate.playout.duty import Duty
from streamgate.playout.edits import EditList
from streamgate.playout.fillers import Fillers
from streamgate.playout.input import Input
from streamgate.playout.legs import Legs
from streamgate.playout.marks import Marks
from streamgate.playout.memory import ChannelMemory, Memory
from streamgate.playout.mosaic_jobs import MosaicJobs
from streamgate.playout.mosaic_maker import MosaicMaker
from streamgate.playout.refill import Refill, Taken
from streamgate.playout.standby import Recording, StandbyCamera
from streamgate.playout.texts import add_reason, not_refilled, say
from streamgate.runtime.channels import ChannelConfig
from streamgate.runtime.service import Services

SECOND_US = 1_000_000
AIR_FAILED = 70  # exit code of a gate process that could not go on
_log = structlog.get_logger()
# If the broadcast was stopped while the encoder published and its connection then broke, a new connection
# within this time does not start a broadcast. After a clean end of the stream it does, at once.
STOPPED_FOR_US = 60 * SECOND_US
MAX_AWAY_S = 86_400.0  # without an input timeout: a broadcast interrupted for longer is not resumed
MAX_ACTOR = 200
OVERFLOW_SHOWN_US = 60 * SECOND_US


class Viewer(Protocol):
    """A receiver of the feed or the program (a preview in the console)."""

    def format(self, format_: FeedFormat) -> None: ...

    def packet(self, packet: Packet) -> None: ...


class Channel:
    """One channel, in the gate process's event loop. `tell` takes (channel, actor, notice) for the log."""

    def __init__(
        self,
        config: ChannelConfig,
        *,
        archive: ArchiveWriter,
        record_standby: Callable[[], Recording],
        edits: EditList,
        clips: ClipCache,
        slates: ClipCache,
        mosaic_maker: MosaicMaker,
        memory: Memory,
        services: Services,
        dialer: Dialer,
        hls: Path,
        tell: Callable[[str, str, Warn], None],
        refill: Refill,
        air_timer: AirTimer,
        max_ring_bytes: int,
        no_input_stop_s: float,
    ) -> None:
        self.config = config
        self.gate = Gate(config.delay_s, max_ring_bytes=max_ring_bytes)
        self.archive = archive
        self._edits = edits
        self.input: Input | None = None
        self.pvw: set[Viewer] = set()
        self.pgm: set[Viewer] = set()
        self._memory = memory
        self._refill = refill
        self._tell = tell
        self._no_input_stop_s = no_input_stop_s
        self._last_input_us = now_us()
        self._fed_at, self._fed_since = memory.loaded.fed_at, memory.loaded.fed_since
        self._feed: FeedFormat | None = memory.loaded.feed
        self._air_timer = air_timer
        self._started_at, self._started_us = 0.0, 0  # wall clock, monotonic
        self._encoder_stopped = memory.loaded.encoder_stopped
        self._condemned = CondemnedTimes()
        self._held_cut: str | None = None  # who made the cut that a stop or restart must not undo
        self._cut_at: report.CutAt | None = None
        self.marks = Marks(config.name, self.gate, self._done)
        self.marks.needs_two = config.restore_needs_two
        self._overflow_told = False
        self._delay_errors = report.DelayErrors()
        self._fillers = Fillers(
            config.name,
            config.backups,
            gate=self.gate,
            clips=clips,
            slates=slates,
            services=services,
            say_=self._say_gate,
            installed=self._pump,
        )
        self._mosaics = MosaicJobs(
            config.name, gate=self.gate, maker=mosaic_maker, services=services, say_=self._say_gate
        )
        self._duty = Duty(
            self.gate,
            clip=self._fillers.first_usable,
            aired=self._duty_aired,
            tell=lambda what: self._say(DUTY, what),
        )
        self._legs = Legs(config.name, services=services, say_=self._say_gate, hls=hls, dialer=dialer)
        self._legs.set(config.destinations, None)
        self._record_standby = record_standby
        self._fillers_of_standby = partial(
            Fillers,
            config.name,
            gate=self.gate,
            clips=clips,
            slates=slates,
            services=services,
            say_=self._say_gate,
            installed=self._pump,
        )
        self.standby: StandbyCamera | None = None
        self.standby_aired = memory.loaded.standby_aired  # in this broadcast or the last one
        self._set_standby()

    def _set_standby(self) -> None:
        """Create the standby camera once the channel has a key for it; update its backup files."""
        if self.standby is not None:
            self.standby.fillers.set_files(self.config.backups)
            self.standby.conform()
        elif self.config.standby_key_hash:
            self.standby = StandbyCamera(
                self.config.name,
                gate=self.gate,
                recording=self._record_standby(),
                fillers=self._fillers_of_standby(self.config.backups),
                loaded=self._memory.loaded,
                say_=self._say,
                show_format=self._show_standby_format,
                show=self._show_standby,
                remember=self._remember,
                pump=self._pump,
            )

    # ------------------------------------------------------------ life

    def resume(self) -> None:
        """Resume the broadcast that was on air when the last gate process died."""
        loaded = self._memory.loaded
        stale = loaded.silent_s() > (self._no_input_stop_s or MAX_AWAY_S)
        if not loaded.on_air or stale:
            self._held_cut = loaded.cut_by if loaded.cut else None
            self._cancel_refill()
            if loaded.on_air:
                self._remember()
                self._say("gate", say("not_resumed"))
            return
        now = now_us()
        if loaded.delay_s > self.config.delay_s:
            self.gate.set_delay(loaded.delay_s, now)
        self.gate.start(now)
        self.gate.take_back(self._memory.loaded.standing_spans(), loaded.span_number, now)
        if loaded.cut:
            self.gate.cut(now, loaded.cut_by)
        if loaded.backup is not None:
            self.gate.air_backup(loaded.backup, now, loaded.backup_by)
            if loaded.backup_by == DUTY:
                self._duty.resume(now)
        self.gate.remembered = loaded.feed, loaded.standby_feed
        self._begin_broadcast("gate", "resumed", loaded.on_air_since_us())
        vouched = Vouched(
            believed=self._memory.is_own,
            boot=loaded.boot,
            cut=loaded.cut,
            settled_us=loaded.settled_us,
            delay_us=round(loaded.delay_s * SECOND_US),
            alive_us=loaded.alive_us,
            alive_at=loaded.alive_at,
            feed=loaded.feed,
        )
        self._refill.begin(vouched, self._take_back)
        if self.standby is not None:
            self.standby.resume(vouched)

    def _cancel_refill(self) -> None:
        self._refill.cancel()
        if self.standby is not None:
            self.standby.refill.cancel()

    def _take_back(self, found: Taken | GivenUp) -> None:
        """Refill the ring from the recording; log how much, or why nothing."""
        if not isinstance(found, Taken):
            self._say("gate", not_refilled(found))
            return
        count = self.gate.refill(found.feed, found.packets, found.series, now_us())
        if not count:
            self._say("gate", not_refilled("cut" if self.gate.spans.open is not None else "late"))
            return
        first_us, last_us = found.packets[-count].arrival, found.packets[-1].arrival
        self._say("gate", say("refilled", seconds=round((last_us - first_us) / SECOND_US, 1)))
        self._pump()

    def close(self) -> None:
        """Go off air for good. Destinations close in their own tasks; see `closed`."""
        if self.gate.on_air:
            cut = self.gate.spans.open
            if cut is not None:  # a restart must not undo a cut, not even briefly
                self._held_cut = cut.actor
            self._leave_air("gate", say("stopped"))
        self._air_timer.set(self._pump, None)
        self._refill.cancel()
        self._fillers.cancel()
        self._mosaics.cancel()
        if self.standby is not None:
            self.standby.close()
        self._legs.close()

    async def closed(self, *, remember: bool = True) -> None:
        """Wait until the platforms' streams are closed and the recording is on disk: some seconds at most.

        `remember`: save the state for the next process.
        """
        _, written, _, _ = await asyncio.gather(
            self._legs.closed(),
            asyncio.to_thread(self.archive.close),
            asyncio.to_thread(self._edits.close),
            asyncio.to_thread(self.standby.end_recording if self.standby is not None else bool),
        )
        if written:
            self._fed_at = 0.0
        if remember:
            self._remember()
        self._memory.close()

    def reconfigure(self, config: ChannelConfig, actor: str) -> None:
        """Apply changed settings; a delay that cannot change on air is refused and logged."""
        if config == self.config:
            return
        if config.delay_s != self.config.delay_s:
            try:
                self.gate.set_delay(config.delay_s, now_us())
                self.archive.set_delay(config.delay_s)
                if self.standby is not None:
                    self.standby.archive.set_delay(config.delay_s)
                self._remember()
                self._say(actor, say("delay", seconds=config.delay_s))
            except Refused as error:
                self._say(actor, say("delay_kept", reason=error))
        before, self.config = self.config, config
        self.marks.needs_two = config.restore_needs_two
        if config.retention_days is not None:
            self.archive.set_retention(config.retention_days)
            if self.standby is not None:
                self.standby.archive.set_retention(config.retention_days)
        for what in report.approvals(before.destinations, config.destinations):
            self._say(actor, what)
        self._fillers.set_files(config.backups)
        self._set_standby()
        self._legs.set(config.destinations, self._header_on_air(), self.gate.part)
        self._conform()
        self._say(actor, say("channel_changed", **report.changes_in_words(before, config)))
        self._pump()

    # ------------------------------------------------------------ input

    def publish(self, peer: str, encoder: str, *, fresh: bool) -> None:
        """Accept an encoder. A fresh publish on an idle channel begins a broadcast."""
        self.input = Input(peer, encoder)
        if self.archive.settled or not self._fed_since:  # else a second kill leaves the first one's gap out
            self._fed_since = wall_s()
        self._say("encoder", say("publish", encoder=encoder or "encoder", peer=peer))
        if self.gate.on_air:
            return
        if fresh and (not self._encoder_stopped or now_us() - self._last_input_us > STOPPED_FOR_US):
            self._go_on_air("encoder", by_person=False)
        else:
            self._say("gate", say("not_started"))

    def format(self, format_: FeedFormat) -> None:
        if self.input is None:
            return
        self.input.format = format_
        self.gate.feed(format_, now_us())
        self.archive.format(format_, self.input.source)
        aired = airable(format_)
        if aired.video is not None and aired != self._feed:
            self._feed = aired
            self._remember()
        self._conform()
        for viewer in () if self._standby_wanted else self.pvw:
            viewer.format(format_)
        self._say("encoder", say("format", text=self.input.describe()))
        before, self.input.not_aired = self.input.not_aired, report.not_aired(format_)
        for warn in self.input.not_aired:
            if warn not in before:
                self._say("gate", warn)

    def packet(self, packet: Packet) -> None:
        """Take an input packet. The hot path: no disk, no other process, no waiting."""
        now = now_us()
        number = self.archive.packet(packet, now, wall_s())
        self.gate.packet(packet, now, number)
        if self.input is not None:
            self.input.count(packet, now)
        for viewer in () if self._standby_wanted else self.pvw:
            viewer.packet(packet)

    def health(self, health: Health) -> None:
        if self.input is not None:
            before = self.input.expected
            self.input.health(health)
            if self.input.expected != before:
                self._conform()

    def gone(self, reason: str, *, clean: bool) -> None:
        """Handle the encoder's end: the packets in the ring air, then filler."""
        self.input = None
        self._last_input_us = now_us()
        self.archive.gone()
        if clean:
            self._encoder_stopped = False
            self._remember()
        self._say("encoder", say("gone_clean") if clean else say("gone", reason=reason))

    # ------------------------------------------------------------ duty

    def attend(self, actor: str) -> None:
        """Record that a command was given: see `Duty.attend`."""
        self._duty.attend(actor, self.config.duty_rules, now_us())

    def take_duty(self, known: ChannelDuty, written_at: int | None) -> None:
        """Take the console's duty report: see `Duty.report`."""
        self._duty.report(known, self.config.duty_rules, now_us(), written_at)

    @property
    def duty_unreported(self) -> bool:
        """Whether duty is watched here and the console sends no reports."""
        return self._duty.unreported(now_us())

    def _duty_aired(self) -> None:
        self._show_wanted()
        self._remember()
        self._pump()

    def sign(self, actor: str) -> None:
        """Log a sign of presence given at the machine; `attend` has recorded it."""
        self._say(actor, say("sign"))

    # ------------------------------------------------------------ commands

    def start(self, actor: str, reason: str = "") -> None:
        if self.gate.on_air:
            name = self.config.name
            raise Refused(f"channel {name} is on air already", f"频道 {name} 已在播出")
        self._go_on_air(actor, by_person=True, reason=reason)

    def stop(self, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        self._held_cut = None
        self._encoder_stopped = self.input is not None
        self._leave_air(actor, add_reason(say("stopped"), reason))

    def cut(self, actor: str, reason: str = "") -> Marked:
        self._must_be_on_air()
        self.marks.forget_waiting()
        now, was_cut = now_us(), self.gate.spans.open is not None
        span = self.gate.cut(now, actor, reason)
        self._cut_at = self._cut_at if was_cut else report.CutAt(now, reason)
        self._remember()  # first of all: a process that dies after this restarts cut
        self._legs.discard_live()
        self._pump()
        self._say(actor, add_reason(say("cut"), reason))
        return self.marks.marked(span)

    def restore(self, actor: str, reason: str = "") -> bool:
        """End the cut. False: the channel's two-person rule waits for a second person."""
        self._must_be_on_air()
        what = say("restore")
        if self.config.restore_needs_two and self.gate.spans.open is not None:
            first = self.marks.agree_to_restore(actor, reason)
            if first is None:
                return False
            what, reason = say("restore_by_two", first=first.actor.partition(":")[2]), first.reason
        self.gate.restore(now_us())
        self._done(actor, add_reason(what, reason))
        return True

    def dump(self, seconds: float | None, actor: str, reason: str = "", *, reaction_s: float = 0.0) -> Marked:
        """Condemn the newest `seconds`; None: the channel's own length plus the person's reaction time."""
        self._must_be_on_air()
        if seconds is not None:
            return self.marks.dump(seconds, actor, reason)
        return self.marks.dump_own(self.config.dump_s, reaction_s, actor, reason)

    def mark(self, request: Marking, actor: str, reason: str = "") -> Marked | None:
        """Carry out a command on spans; None: the two-person rule waits for a second person."""
        self._must_be_on_air()
        marked = self.marks.carry_out(request, actor, reason)
        self._make_mosaics()
        return marked

    def _make_mosaics(self) -> None:
        source = self._input_wanted
        self._mosaics.tick(0 if source is None else source.bitrate_bps)

    def air_backup(self, clip: str, actor: str, reason: str = "") -> None:
        """Air a backup clip, or the standby camera if `clip` is STANDBY."""
        self._must_be_on_air()
        if clip == STANDBY and self._camera is not None:
            self._camera.require()
            self.gate.air_backup(STANDBY, now_us(), actor)
            self._show_wanted()
            self._done(actor, add_reason(say("standby_asked"), reason))
            return
        name = self._fillers.find(clip)
        self.gate.air_backup(name, now_us(), actor)
        self._show_wanted()
        self._done(actor, add_reason(say("backup", clip=name), reason))

    def air_live(self, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        self.gate.air_live(now_us())
        self._show_wanted()
        self._done(actor, add_reason(say("back_live"), reason))

    def _done(self, actor: str, what: Warn) -> None:
        self._remember()
        self._pump()
        self._say(actor, what)

    def _must_be_on_air(self) -> None:
        if not self.gate.on_air:
            raise Refused(
                f"channel {self.config.name} is not on air; publish to it,"
                f" or: streamgate start {self.config.name}",
                f"频道 {self.config.name} 未在播出；请先推流，或点「开始播出」",
            )

    # ------------------------------------------------------------ on and off air

    def _go_on_air(self, actor: str, *, by_person: bool, reason: str = "") -> None:
        now = now_us()
        self.gate.set_delay(self.config.delay_s, now)
        self.gate.start(now)
        held, self._held_cut = self._held_cut, None
        if held is not None and (not by_person or self.config.restore_needs_two):
            self.gate.cut(now, held)
        self._begin_broadcast(actor, "on_air", now, reason)
        if self.gate.spans.open is not None:
            self._say("gate", say("still_cut"))

    def _begin_broadcast(self, actor: str, code: str, started_us: int, reason: str = "") -> None:
        self.marks.forget_waiting()
        self._encoder_stopped = False
        self._started_us = started_us
        self._started_at = round(wall_at(started_us), 3)
        self._last_input_us = now_us()
        self._condemned = CondemnedTimes(self._memory.loaded.condemned if code == "resumed" else ())
        self.standby_aired = code == "resumed" and self._memory.loaded.standby_aired
        self._edits.begin(
            self._memory.loaded.broadcast if code == "resumed" else "",
            self._started_at,
            series=self.archive.series,
            delay_us=self.gate.delay_us,
        )
        self._legs.start(resumed=code == "resumed")
        self._fillers.wait_for_feed()
        self._remember()
        self._say(actor, add_reason(say(code), reason))
        if not self._legs and not self.config.practice:
            self._say(actor, self._no_destination())
        self._conform()
        self._pump()

    def _leave_air(self, actor: str, what: Warn) -> None:
        cut = self.gate.spans.open
        if cut is not None and self.config.restore_needs_two:
            self._held_cut = cut.actor  # one person must not end it by stop and start
        self._cancel_refill()
        self.gate.stop(now_us())
        self._legs.stop()
        self._edits.end()
        self._remember()
        self._say(actor, what)
        self._pump()

    def _header_on_air(self) -> FeedFormat | None:
        return self.gate.header or FeedFormat() if self.gate.on_air else None

    def _remember(self) -> None:
        cut = self.gate.spans.open
        kept = keep_spans(self.gate.spans, self.gate.past(now_us()))
        standby = self.standby
        self._note_condemned()
        stored = self._memory.save(
            ChannelMemory(
                on_air=self.gate.on_air,
                cut=cut is not None or self._held_cut is not None,
                cut_by=(cut.actor if cut is not None else self._held_cut or "")[:MAX_ACTOR],
                backup=self.gate.backup,
                backup_by=self.gate.backup_actor[:MAX_ACTOR],
                feed=self._feed,
                broadcast=self._edits.broadcast,
                started_at=self._started_at,
                started_us=self._started_us,
                encoder_stopped=self._encoder_stopped,
                delay_s=self.gate.delay_us / SECOND_US,
                fed_at=self._fed_at,
                fed_since=self._fed_since,
                condemned=self.condemned(),
                settled_us=max(self.gate.settled_us, kept.settled_us),
                spans=kept.spans,
                span_number=self.gate.spans.number,
                standby_feed=standby.feed if standby is not None else None,
                standby_fed_at=standby.fed_at if standby is not None else 0.0,
                standby_fed_since=standby.fed_since if standby is not None else 0.0,
                standby_aired=self.standby_aired,
            )
        )
        if not stored:  # a command may be missing there: its condemned packets must not come back
            self.archive.forget_tail()
            if standby is not None:
                standby.archive.forget_tail()

    def tick(self) -> None:
        """Do the periodic work, once a second."""
        self._duty.tick(self.config.duty_rules, now_us())
        self._legs.tell()
        self._make_mosaics()
        if self._fillers.drop_broken():
            self._conform()
        if self.standby is not None:
            self.standby.tick()
        if self._overflow_told and not self._overflows():
            self._overflow_told = False
            self._say("gate", say("overflow_end"))
        if self.input is not None:
            self._fed_at = wall_s()
        standby = self.standby
        fed = self.input is not None or (standby is not None and standby.input is not None)
        if self.gate.on_air or fed:
            self._remember()  # with the time, as a sign of life
        if not self.gate.on_air or fed or not self._no_input_stop_s:
            return
        last_us = max(self._last_input_us, 0 if standby is None else standby.last_input_us)
        if now_us() - last_us > self._no_input_stop_s * SECOND_US:
            self._leave_air("gate", say("stopped_no_input", minutes=self._no_input_stop_s / 60))

    # ------------------------------------------------------------ air

    def _pump(self) -> None:
        """Send the packets that are due, and set the timer for the next ones.

        An error here would stop the program. It therefore ends the process, and the supervisor restarts it
        with filler on air.
        """
        try:
            self._advance()
        except Exception:  # noqa: BLE001 - any error would stop the program
            _log.exception("air_failed", channel=self.config.name)
            os._exit(AIR_FAILED)

    def _advance(self) -> None:
        aired = self.gate.advance(now_us())
        if aired:
            self._send(aired)
        if self.gate.notices:
            self._tell_notices()
        self._air_timer.set(self._pump, self.gate.next_wake())

    def _send(self, aired: Sequence[Aired]) -> None:
        self._legs.send(aired)
        self._edits.aired(aired, self.gate.why, self.gate.delay_us)
        for viewer in self.pgm:
            for one in aired:
                if one.header is not None:
                    viewer.format(one.header)
                viewer.packet(one.packet)

    def _tell_notices(self) -> None:
        notices, self.gate.notices = self.gate.notices, []
        for notice in notices:
            self._tell_notice(notice)

    def _tell_notice(self, notice: Notice) -> None:
        match notice.code:
            case "live" if notice.detail == STANDBY:
                if not self.standby_aired:
                    self.standby_aired = True
                    self._remember()
                self._say("gate", say("standby_live"))
            case "live":
                self._say("gate", say("live"))
            case "filler":
                self._say("gate", say("filler", clip=notice.detail))
            case "overflow":
                if not self._overflow_told:
                    self._overflow_told = True
                    self._say("gate", self._overflow())
            case "overflow_end":
                pass  # comes at every keyframe while the ring is full: `tick` logs the end
            case "violation":
                self._say("gate", say("violation", detail=notice.detail))
            case _:
                pass  # on_air and stopped are logged with their actor

    # ------------------------------------------------------------ filler

    def _conform(self) -> None:
        """Start conforming slate and backups to the present feed, or the last one."""
        source = self.input
        if source is None and not self.gate.on_air:
            return
        self._fillers.prepare(
            self._feed,
            expected=None if source is None else source.expected,
            bitrate_bps=source.bitrate_bps if source is not None else 0,
            expecting=source is not None and not source.has_picture,
        )

    # ------------------------------------------------------------ previews

    def watch(self, feed: str) -> tuple[set[Viewer], FeedFormat | None]:
        """Return the viewers of "pgm" (the program) or of the undelayed feed, and its present format.

        While the standby camera is wanted on air, the undelayed feed is the standby's: that will air.
        """
        if feed != "pgm":
            source = self._input_wanted
            return self.pvw, source.format if source is not None else None
        return self.pgm, self.gate.header

    @property
    def _standby_wanted(self) -> bool:
        return self.gate.backup == STANDBY and self.standby is not None

    @property
    def _input_wanted(self) -> Input | None:
        standby = self.standby
        return standby.input if standby is not None and self._standby_wanted else self.input

    def _show_wanted(self) -> None:
        """Switch viewers of the undelayed feed to the wanted camera, from its next keyframe on."""
        source = self._input_wanted
        if source is not None and source.format is not None:
            for viewer in self.pvw:
                viewer.format(source.format)

    def _show_standby_format(self, format_: FeedFormat) -> None:
        for viewer in self.pvw if self._standby_wanted else ():
            viewer.format(format_)

    def _show_standby(self, packet: Packet) -> None:
        for viewer in self.pvw if self._standby_wanted else ():
            viewer.packet(packet)

    # ------------------------------------------------------------ state

    def condemned(self) -> list[Span]:
        """Return the condemned times of the broadcast on air, including those past air."""
        return [(round(low, 2), round(high, 2)) for low, high in self._condemned.spans]

    def _note_condemned(self) -> None:
        if self.gate.on_air:
            now = now_us()
            spans = [
                (one.starts_in_s, one.ends_in_s, one.id)
                for one in self.marks.statuses(now)
                if one.kind not in REDACTIONS
            ]
            self._condemned.note((now - self._started_us) / SECOND_US, self.gate.delay_us / SECOND_US, spans)

    def state(self) -> State:
        return report.state(self.gate, self.input)

    def status(self) -> ChannelStatus:
        gate, source, now = self.gate, self.input, now_us()
        if source is not None:
            ingest = source.status(now)
        else:
            ingest = IngestStatus(since_s=round((now - self._last_input_us) / SECOND_US, 1))
        return ChannelStatus(
            name=self.config.name,
            state=self.state(),
            requested=report.requested(gate),
            delay_s=gate.delay_us / SECOND_US,
            lead_s=report.lead_s(gate, source, now),
            returns_in_s=report.returns_in_s(gate, source, now),
            filler=gate.filler_name,
            on_air_s=round((now - self._started_us) / SECOND_US, 1) if gate.on_air else None,
            broadcast=self._edits.broadcast if gate.on_air else "",
            ingest=ingest,
            destinations=self._legs.statuses(),
            archive=self.archive.status(),
            clips=self._backup_statuses(),
            spans=self.marks.statuses(now) if gate.on_air else [],
            warnings=self._warnings(),
            ring_bytes=gate.ring.bytes,
            cut=report.cut(gate, self._cut_at, now),
            restore_needs_two=self.config.restore_needs_two,
            waiting_restore=self.marks.waiting(now),
            delay_error_ms=self._delay_errors.of(gate, now),
            dump_s=self.config.dump_s,
            keyframes_at=self.marks.keyframes_at(now),
            duty=self._duty.status(self.config.duty_rules, now),
            practice=self.config.practice,
            camera="standby" if self._standby_wanted else "main",
            standby=None if self._camera is None else self._camera.status(now),
        )

    def _backup_statuses(self) -> list[ClipStatus]:
        camera = self._camera
        return self._fillers.statuses() + ([] if camera is None else [camera.as_clip()])

    @property
    def _camera(self) -> StandbyCamera | None:
        """Return the standby camera, if the channel has a key for one."""
        return self.standby if self.config.standby_key_hash else None

    def _warnings(self) -> list[Warn]:
        """Return the channel's warnings; those of the feed itself are in the input's status."""
        pushes = self._legs or self.config.practice or not self.gate.on_air
        warnings = [] if pushes else [self._no_destination()]
        if self._overflows():
            warnings.append(self._overflow())
        not_aired = [] if self.input is None else self.input.not_aired
        return self._duty.warnings(now_us()) + warnings + not_aired + self._fillers.warnings()

    def _no_destination(self) -> Warn:
        waiting = self._legs.waiting
        return say("none_approved", names=", ".join(waiting)) if waiting else say("no_destination")

    def _overflows(self) -> bool:
        """Whether the ring overflowed within the delay (then the gap airs) plus OVERFLOW_SHOWN_US."""
        at = self.gate.overflow_at
        return at is not None and now_us() - at < self.gate.delay_us + OVERFLOW_SHOWN_US

    def _overflow(self) -> Warn:
        return say("overflow", mb=self.gate.ring.max_bytes >> 20)

    def _say_gate(self, what: Warn) -> None:
        self._say("gate", what)

    def _say(self, actor: str, what: Warn) -> None:
        self._tell(self.config.name, actor, what)
