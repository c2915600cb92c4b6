"""One channel at work: the shell around its gate. Feeds it, sends what it says, tells what happened."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import now_us, wall_s
from streamgate.core.gate import Gate, Notice
from streamgate.core.headers import airable
from streamgate.core.packet import Aired, FeedFormat, Packet
from streamgate.core.two_people import LAPSES_US, TwoPeople, is_person
from streamgate.errors import Refused
from streamgate.link.messages import ChannelStatus, Health, IngestStatus, State, WaitingRestore, Warn
from streamgate.playout import report
from streamgate.playout.backup import ClipCache
from streamgate.playout.dialer import Dialer
from streamgate.playout.edits import EditList
from streamgate.playout.fillers import Fillers
from streamgate.playout.input import Input
from streamgate.playout.legs import Legs
from streamgate.playout.memory import ChannelMemory, Memory
from streamgate.playout.texts import add_reason, say
from streamgate.runtime.channels import ChannelConfig
from streamgate.runtime.service import Services

SECOND_US = 1_000_000
WAKE_GRID_US = 5_000  # packets due so close together cost one wake-up
AIR_FAILED = 70  # exit code of a gate process that could not go on
_log = structlog.get_logger()
# An encoder that was publishing when the broadcast was stopped, and whose connection broke, does not start it
# again by coming back within this time. One that said goodbye does, at once.
STOPPED_FOR_US = 60 * SECOND_US
MAX_AWAY_S = 86_400.0  # a broadcast is not gone on with after this, where input may be missing for ever
MAX_ACTOR = 200
OVERFLOW_SHOWN_US = 60 * SECOND_US


class Viewer(Protocol):
    """Somebody who watches the feed or the program (a preview in the console)."""

    def format(self, format_: FeedFormat) -> None: ...

    def packet(self, packet: Packet) -> None: ...


class Channel:
    """Runs inside the gate's event loop. `tell` takes what happened; `changed` is called at every change."""

    def __init__(
        self,
        config: ChannelConfig,
        *,
        archive: ArchiveWriter,
        edits: EditList,
        clips: ClipCache,
        slates: ClipCache,
        memory: Memory,
        services: Services,
        dialer: Dialer,
        hls: Path,
        tell: Callable[[str, str, Warn], None],
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
        self._tell = tell
        self._no_input_stop_s = no_input_stop_s
        self._last_input_us = now_us()
        self._fed_at, self._fed_since = memory.loaded.fed_at, memory.loaded.fed_since
        self._feed: FeedFormat | None = memory.loaded.feed
        self._timer: asyncio.TimerHandle | None = None
        self._started_at, self._started_us = 0.0, 0  # wall clock, monotonic
        self._encoder_stopped = memory.loaded.encoder_stopped
        self._held_cut: str | None = None  # who cut a broadcast that an orderly restart ended
        self._cut_at: report.CutAt | None = None
        self._two_people = TwoPeople()
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
        self._legs = Legs(config.name, services=services, say_=self._say_gate, hls=hls, dialer=dialer)
        self._legs.set(config.destinations, None)

    # ------------------------------------------------------------ life

    def resume(self) -> None:
        """Go on with a broadcast that was on air when the last gate process ended without being asked to."""
        loaded = self._memory.loaded
        stale = loaded.silent_s() > (self._no_input_stop_s or MAX_AWAY_S)
        if not loaded.on_air or stale:
            self._held_cut = loaded.cut_by if loaded.cut else None
            if loaded.on_air:
                self._remember()
                self._say("gate", say("not_resumed"))
            return
        now = now_us()
        if loaded.delay_s > self.config.delay_s:
            self.gate.set_delay(loaded.delay_s, now)
        self.gate.start(now)
        if loaded.cut:
            self.gate.cut(now, loaded.cut_by)
        self.gate.backup = loaded.backup
        self._went_on_air("gate", "resumed", loaded.on_air_since_us())

    def close(self) -> None:
        """Leave the air for good. Destinations close in their own tasks; see `closed`."""
        if self.gate.on_air:
            cut = self.gate.spans.open
            if cut is not None:  # an orderly restart must not undo a cut, not even for a moment
                self._held_cut = cut.actor
            self._leave_air("gate", say("stopped"))
        if self._timer is not None:
            self._timer.cancel()
        self._fillers.cancel()
        self._legs.close()

    async def closed(self) -> None:
        """Wait until the platforms were told goodbye and the recording is on disk: some seconds at most."""
        _, written, _ = await asyncio.gather(
            self._legs.closed(), asyncio.to_thread(self.archive.close), asyncio.to_thread(self._edits.close)
        )
        if written:
            self._fed_at = 0.0
        self._remember()
        self._memory.close()

    def reconfigure(self, config: ChannelConfig, actor: str) -> None:
        """Take over changed settings; what cannot change on air is refused and said."""
        if config == self.config:
            return
        if config.delay_s != self.config.delay_s:
            try:
                self.gate.set_delay(config.delay_s, now_us())
                self._say(actor, say("delay", seconds=config.delay_s))
            except Refused as error:
                self._say(actor, say("delay_kept", reason=error))
        before, self.config = self.config, config
        if config.retention_days is not None:
            self.archive.set_retention(config.retention_days)
        for what in report.approvals(before.destinations, config.destinations):
            self._say(actor, what)
        self._fillers.set_files(config.backups)
        self._legs.set(config.destinations, self._header_on_air(), self.gate.part)
        self._conform()
        self._say(actor, say("channel_changed", **report.changes_in_words(before, config)))
        self._pump()

    # ------------------------------------------------------------ input

    def publish(self, peer: str, encoder: str, *, fresh: bool) -> None:
        """An encoder was let in. A fresh publish on an idle channel begins a broadcast."""
        self.input = Input(peer, encoder)
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
        for viewer in self.pvw:
            viewer.format(format_)
        self._say("encoder", say("format", text=self.input.describe()))
        before, self.input.not_aired = self.input.not_aired, report.not_aired(format_)
        for warn in self.input.not_aired:
            if warn not in before:
                self._say("gate", warn)

    def packet(self, packet: Packet) -> None:
        """A packet came in. The hot path: no disk, no other process, no waiting."""
        now = now_us()
        number = self.archive.packet(packet, now, wall_s())
        self.gate.packet(packet, now, number)
        if self.input is not None:
            self.input.count(packet, now)
        for viewer in self.pvw:
            viewer.packet(packet)

    def health(self, health: Health) -> None:
        if self.input is not None:
            before = self.input.expected
            self.input.health(health)
            if self.input.expected != before:
                self._conform()

    def gone(self, reason: str, *, clean: bool) -> None:
        """The encoder left. The ring airs out, then filler."""
        self.input = None
        self._last_input_us = now_us()
        self.archive.gone()
        if clean:
            self._encoder_stopped = False
            self._remember()
        self._say("encoder", say("gone_clean") if clean else say("gone", reason=reason))

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

    def cut(self, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        self._two_people.forget()
        now, was_cut = now_us(), self.gate.spans.open is not None
        self.gate.cut(now, actor)
        self._cut_at = self._cut_at if was_cut else report.CutAt(now, reason)
        self._remember()  # before anything that could fail: a process that dies now comes back cut
        self._legs.discard_live()
        self._pump()
        self._say(actor, add_reason(say("cut"), reason))

    def restore(self, actor: str, reason: str = "") -> bool:
        """End the cut. False: it waits for a second person, as the channel demands."""
        self._must_be_on_air()
        if self.config.restore_needs_two and self.gate.spans.open is not None:
            return self._restore_by_two(actor, reason)
        self.gate.restore(now_us())
        self._done(actor, add_reason(say("restore"), reason))
        return True

    def _restore_by_two(self, actor: str, reason: str) -> bool:
        if not is_person(actor):
            raise Refused(
                f"channel {self.config.name} demands two people to end a cut; a token is none: sign in",
                f"频道 {self.config.name} 须两人确认才能恢复，令牌不能代替人；请登录后操作",
            )
        first = self._two_people.ask(actor, reason, now_us())
        if first is None:
            self._say(actor, add_reason(say("restore_waits", seconds=LAPSES_US / SECOND_US), reason))
            return False
        self.gate.restore(now_us())
        _, _, name = first.actor.partition(":")
        self._done(actor, add_reason(say("restore_by_two", first=name), first.reason))
        return True

    def dump(self, seconds: float, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        self.gate.dump(seconds, now_us(), actor)
        self._done(actor, add_reason(say("dump", seconds=seconds), reason))

    def air_backup(self, clip: str, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        name = self._fillers.find(clip)
        self.gate.air_backup(name, now_us(), actor)
        self._done(actor, add_reason(say("backup", clip=name), reason))

    def air_live(self, actor: str, reason: str = "") -> None:
        self._must_be_on_air()
        self.gate.air_live(now_us())
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
        self._went_on_air(actor, "on_air", now, reason)
        if self.gate.spans.open is not None:
            self._say("gate", say("still_cut"))

    def _went_on_air(self, actor: str, code: str, started_us: int, reason: str = "") -> None:
        self._two_people.forget()
        self._encoder_stopped = False
        self._started_us = started_us
        self._started_at = round(wall_s() - (now_us() - started_us) / SECOND_US, 3)
        self._last_input_us = now_us()
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
        if not self._legs:
            self._say(actor, self._no_destination())
        self._conform()
        self._pump()

    def _leave_air(self, actor: str, what: Warn) -> None:
        cut = self.gate.spans.open
        if cut is not None and self.config.restore_needs_two:
            self._held_cut = cut.actor  # one person alone must not end it by stopping and starting
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
        self._memory.save(
            ChannelMemory(
                on_air=self.gate.on_air,
                cut=cut is not None or self._held_cut is not None,
                cut_by=(cut.actor if cut is not None else self._held_cut or "")[:MAX_ACTOR],
                backup=self.gate.backup,
                feed=self._feed,
                broadcast=self._edits.broadcast,
                started_at=self._started_at,
                started_us=self._started_us,
                encoder_stopped=self._encoder_stopped,
                delay_s=self.gate.delay_us / SECOND_US,
                fed_at=self._fed_at,
                fed_since=self._fed_since,
            )
        )

    def tick(self) -> None:
        """Once a second: what only time brings about."""
        self._legs.tell()
        if self._fillers.drop_broken():
            self._conform()
        if self._overflow_told and not self._overflows():
            self._overflow_told = False
            self._say("gate", say("overflow_end"))
        if self.input is not None:
            self._fed_at = wall_s()
        if self.gate.on_air or self.input is not None:
            self._remember()  # that it is alive
        if not self.gate.on_air or self.input is not None or not self._no_input_stop_s:
            return
        if now_us() - self._last_input_us > self._no_input_stop_s * SECOND_US:
            self._leave_air("gate", say("stopped_no_input", minutes=self._no_input_stop_s / 60))

    # ------------------------------------------------------------ air

    def _pump(self) -> None:
        """Send what is to be sent now, and come back when there is more.

        An error here would stop the program, so it ends the process: the supervisor has filler on air again.
        """
        try:
            self._advance()
        except Exception:  # noqa: BLE001 - whatever it is, the program would stop
            _log.exception("air_failed", channel=self.config.name)
            os._exit(AIR_FAILED)

    def _advance(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        aired = self.gate.advance(now_us())
        if aired:
            self._send(aired)
        if self.gate.notices:
            self._tell_notices()
        wake = self.gate.next_wake()
        if wake is not None:
            # In whole milliseconds, rounded up: the loop's timers know no finer ones, and one that fires a
            # little early would be set again and again until the time has come.
            wait_ms = max(0, wake + -wake % WAKE_GRID_US - now_us()) // 1000 + 1
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._pump)

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
            case "live":
                self._say("gate", say(notice.code))
            case "filler":
                self._say("gate", say("filler", clip=notice.detail))
            case "overflow":
                if not self._overflow_told:
                    self._overflow_told = True
                    self._say("gate", self._overflow())
            case "overflow_end":
                pass  # a ring that is full has room at every keyframe: `tick` says when it is over
            case "violation":
                self._say("gate", say("violation", detail=notice.detail))
            case _:
                pass  # on_air and stopped are told by who did it

    # ------------------------------------------------------------ filler

    def _conform(self) -> None:
        """Have the slate and the backups made for the feed that is here, or was last."""
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
        """Return the viewers of "pvw" (the undelayed feed) or "pgm" (the program), and its present format."""
        if feed == "pvw":
            return self.pvw, self.input.format if self.input is not None else None
        return self.pgm, self.gate.header

    # ------------------------------------------------------------ state

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
            clips=self._fillers.statuses(),
            spans=report.spans(gate, now),
            warnings=self._warnings(),
            ring_bytes=gate.ring.bytes,
            cut=report.cut(gate, self._cut_at, now),
            restore_needs_two=self.config.restore_needs_two,
            waiting_restore=self._waiting_restore(now),
            delay_error_ms=self._delay_errors.of(gate, now),
        )

    def _waiting_restore(self, now: int) -> WaitingRestore | None:
        waiting = self._two_people.waiting(now) if self.gate.on_air else None
        if waiting is None:
            return None
        left_s = (waiting.at_us + LAPSES_US - now) / SECOND_US
        return WaitingRestore(waiting.actor, waiting.reason, round(left_s, 1))

    def _warnings(self) -> list[Warn]:
        """What is wrong with the channel itself; the feed's own warnings stand with the input."""
        warnings = [] if self._legs or not self.gate.on_air else [self._no_destination()]
        if self._overflows():
            warnings.append(self._overflow())
        not_aired = [] if self.input is None else self.input.not_aired
        return warnings + not_aired + self._fillers.warnings()

    def _no_destination(self) -> Warn:
        waiting = self._legs.waiting
        return say("none_approved", names=", ".join(waiting)) if waiting else say("no_destination")

    def _overflows(self) -> bool:
        """Whether the feed did not fit lately: its hole airs a delay later, and people look later still."""
        at = self.gate.overflow_at
        return at is not None and now_us() - at < self.gate.delay_us + OVERFLOW_SHOWN_US

    def _overflow(self) -> Warn:
        return say("overflow", mb=self.gate.ring.max_bytes >> 20)

    def _say_gate(self, what: Warn) -> None:
        self._say("gate", what)

    def _say(self, actor: str, what: Warn) -> None:
        self._tell(self.config.name, actor, what)
