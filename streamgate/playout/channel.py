"""One channel at work: the shell around its gate. Feeds it, sends what it says, tells what happened."""

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import structlog

from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import now_us, wall_s
from streamgate.core import paramsets
from streamgate.core.gate import SLATE, Gate, Notice
from streamgate.core.packet import Aired, AudioTrack, FeedFormat, Packet, VideoTrack
from streamgate.errors import MediaError, Refused
from streamgate.link.messages import (
    ChannelStatus,
    ClipStatus,
    Health,
    IngestStatus,
    Requested,
    SpanStatus,
    State,
    Warn,
)
from streamgate.playout.backup import ClipCache
from streamgate.playout.input import Input
from streamgate.playout.memory import ChannelMemory, Memory
from streamgate.playout.push import BodyCache, Destination
from streamgate.playout.texts import say
from streamgate.runtime.channels import ChannelConfig
from streamgate.runtime.service import Services

# Filler for a broadcast that is started before any feed was ever seen.
DEFAULT_FORMAT = FeedFormat(
    VideoTrack("h264", b"", 1280, 720, 30, 1, profile="High", level=31),
    AudioTrack("aac", b"\x11\x90", 48000, 2),
)
SECOND_US = 1_000_000
DELAY_ERRORS_EVERY_US = 5 * SECOND_US
WAKE_GRID_US = 5_000  # packets due so close together cost one wake-up
AIR_FAILED = 70  # exit code of a gate process that could not go on
_log = structlog.get_logger()
FILLER_BITRATE_BPS = 4_000_000
FORMAT_WAIT_S = 5.0
# An encoder that was publishing when the broadcast was stopped, and whose connection broke, does not start it
# again by coming back within this time. One that said goodbye does, at once.
STOPPED_FOR_US = 60 * SECOND_US


_Signature = tuple[str, int, int]  # path, size, time of change


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
        clips: ClipCache,
        memory: Memory,
        services: Services,
        tell: Callable[[str, str, Warn], None],
        max_ring_bytes: int,
        no_input_stop_s: float,
    ) -> None:
        self.config = config
        self.gate = Gate(config.delay_s, max_ring_bytes=max_ring_bytes)
        self.archive = archive
        self.input: Input | None = None
        self.pvw: set[Viewer] = set()
        self.pgm: set[Viewer] = set()
        self._clips = clips
        self._memory = memory
        self._services = services
        self._tell = tell
        self._no_input_stop_s = no_input_stop_s
        self._last_input_us = now_us()
        self._feed: FeedFormat | None = memory.loaded.feed
        self._clip_errors: dict[str, str] = {}
        self._made_from: dict[tuple[FeedFormat | None, str], _Signature | None] = {}
        self._conforming: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started_at = 0.0
        self._encoder_stopped = memory.loaded.encoder_stopped
        self._delay_errors_us = 0
        self._delay_errors_ms: dict[str, float] = {}
        self._backups = backup_names(config.backups)
        self._destinations: dict[str, Destination] = {}
        self._pushes: dict[str, asyncio.Task[None]] = {}
        self._closing: set[Destination] = set()
        self._destination_states: dict[str, str] = {}
        self._bodies = BodyCache()
        self._urls: dict[str, str] = {}
        self._set_destinations(config)

    # ------------------------------------------------------------ life

    def resume(self) -> None:
        """Go on with a broadcast that was on air when the last gate process ended without being asked to."""
        loaded = self._memory.loaded
        if not loaded.on_air:
            return
        self._go_on_air("gate", "resumed", started_at=loaded.started_at)
        if loaded.cut:
            self.gate.cut(now_us(), loaded.cut_by)
        self.gate.backup = loaded.backup
        self._remember()

    def close(self) -> None:
        """Leave the air for good. Destinations close in their own tasks; see `closed`."""
        if self.gate.on_air:
            self._leave_air("gate", say("stopped"))
        if self._timer is not None:
            self._timer.cancel()
        if self._conforming is not None:
            self._conforming.cancel()
        for name in list(self._destinations):
            self._end_push(name)

    async def closed(self) -> None:
        """Wait until the platforms were told goodbye and the recording is on disk: some seconds at most."""
        async with asyncio.TaskGroup() as group:
            for destination in self._closing:
                group.create_task(destination.closed())
            group.create_task(asyncio.to_thread(self.archive.close))
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
        backups = self._backups
        self._backups = backup_names(config.backups)
        for name, path in backups.items():
            if self._backups.get(name) != path:
                self.gate.forget(name)
        self._clip_errors.clear()
        self._set_destinations(config)
        self._conform()
        self._say(actor, say("channel_changed", text=_changes(before, config)))
        self._pump()

    # ------------------------------------------------------------ input

    def publish(self, peer: str, encoder: str, *, fresh: bool) -> None:
        """An encoder was let in. A fresh publish on an idle channel begins a broadcast."""
        self.input = Input(peer, encoder)
        self._say("encoder", say("publish", encoder=encoder or "encoder", peer=peer))
        if self.gate.on_air:
            return
        if fresh and (not self._encoder_stopped or now_us() - self._last_input_us > STOPPED_FOR_US):
            self._go_on_air("encoder", "on_air")
        else:
            self._say("gate", say("not_started"))

    def format(self, format_: FeedFormat) -> None:
        if self.input is None:
            return
        self.input.format = format_
        self.gate.feed(format_, now_us())
        self.archive.format(format_, self.input.source)
        if format_ != self._feed:
            self._feed = format_
            self._remember()
        self._conform()
        for viewer in self.pvw:
            viewer.format(format_)
        self._say("encoder", say("format", text=self.input.describe()))

    def packet(self, packet: Packet) -> None:
        """A packet came in. The hot path: no disk, no other process, no waiting."""
        now = now_us()
        self.gate.packet(packet, now)
        self.archive.packet(packet, now, wall_s())
        if self.input is not None:
            self.input.count(packet, now)
        for viewer in self.pvw:
            viewer.packet(packet)

    def health(self, health: Health) -> None:
        if self.input is not None:
            self.input.health(health)

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

    def start(self, actor: str) -> None:
        if self.gate.on_air:
            name = self.config.name
            raise Refused(f"channel {name} is on air already", f"频道 {name} 已在播出")
        self._go_on_air(actor, "on_air")

    def stop(self, actor: str) -> None:
        self._must_be_on_air()
        self._encoder_stopped = self.input is not None
        self._leave_air(actor, say("stopped"))

    def cut(self, actor: str) -> None:
        self._must_be_on_air()
        self.gate.cut(now_us(), actor)
        for destination in self._destinations.values():
            destination.discard_live()
        self._pump()
        self._remember()
        self._say(actor, say("cut"))

    def restore(self, actor: str) -> None:
        self._must_be_on_air()
        self.gate.restore(now_us())
        self._done(actor, say("restore"))

    def dump(self, seconds: float, actor: str) -> None:
        self._must_be_on_air()
        self.gate.dump(seconds, now_us(), actor)
        self._done(actor, say("dump", seconds=seconds))

    def air_backup(self, clip: str, actor: str) -> None:
        self._must_be_on_air()
        name = self._find_backup(clip)
        if error := self._clip_errors.get(name):
            raise Refused(f"backup clip {name} cannot be used: {error}", f"备用片段 {name} 不可用：{error}")
        self.gate.air_backup(name, now_us())
        self._done(actor, say("backup", clip=name))

    def air_live(self, actor: str) -> None:
        self._must_be_on_air()
        self.gate.air_live(now_us())
        self._done(actor, say("back_live"))

    def _done(self, actor: str, what: Warn) -> None:
        self._pump()
        self._remember()
        self._say(actor, what)

    def _must_be_on_air(self) -> None:
        if not self.gate.on_air:
            raise Refused(
                f"channel {self.config.name} is not on air; publish to it,"
                f" or: streamgate start {self.config.name}",
                f"频道 {self.config.name} 未在播出；请先推流，或点「开始播出」",
            )

    def _find_backup(self, asked: str) -> str:
        names = list(self._backups)
        if not names:
            raise Refused(
                f"channel {self.config.name} has no backup clip; add one with:"
                f" streamgate channel set {self.config.name} --backup FILE",
                f"频道 {self.config.name} 没有备用片段",
            )
        if not asked:
            return names[0]
        for name in names:
            if asked in (name, Path(name).stem):
                return name
        raise Refused(
            f"there is no backup clip {asked}; clips are: {', '.join(names)}",
            f"没有备用片段 {asked}；现有：{'、'.join(names)}",
        )

    # ------------------------------------------------------------ on and off air

    def _go_on_air(self, actor: str, code: str, started_at: float = 0.0) -> None:
        self.gate.start(now_us())
        self._encoder_stopped = False
        self._started_at = started_at or wall_s()
        self._last_input_us = now_us()
        for destination in self._destinations.values():
            destination.start(FeedFormat())
        self._remember()
        self._say(actor, say(code))
        if not self._destinations:
            self._say(actor, say("no_destination"))
        self._conform()
        self._pump()

    def _leave_air(self, actor: str, what: Warn) -> None:
        self.gate.stop(now_us())
        for destination in self._destinations.values():
            destination.stop()
        self._remember()
        self._say(actor, what)
        self._pump()

    def _remember(self) -> None:
        cut = self.gate.spans.open
        self._memory.save(
            ChannelMemory(
                on_air=self.gate.on_air,
                cut=cut is not None,
                cut_by=cut.actor if cut is not None else "",
                backup=self.gate.backup,
                feed=self._feed,
                started_at=self._started_at,
                encoder_stopped=self._encoder_stopped,
            )
        )

    def tick(self) -> None:
        """Once a second: what only time brings about."""
        self._tell_destinations()
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

    def _send(self, aired: Iterable[Aired]) -> None:
        for destination in self._destinations.values():
            destination.offer(*aired)
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
            case "live" | "overflow_end":
                self._say("gate", say(notice.code))
            case "filler":
                self._say("gate", say("filler", clip=notice.detail))
            case "overflow":
                self._say("gate", say("overflow", mb=int(notice.detail) >> 20))
            case "violation":
                self._say("gate", say("violation", detail=notice.detail))
            case _:
                pass  # on_air and stopped are told by who did it

    # ------------------------------------------------------------ filler

    def _conform(self) -> None:
        """Have the slate and the backups made for the feed that is here, or was last."""
        if not self.gate.on_air and self.input is None:
            return
        if self._conforming is not None:
            self._conforming.cancel()
        feed, wait_s = self._feed, 0.0
        if self.input is not None and self.input.format is None and self.gate.header is None:
            wait_s = FORMAT_WAIT_S  # its parameters are about to be known; a wrong guess would change on air

        async def conform() -> None:
            await asyncio.sleep(wait_s)
            if not await self._conform_for(feed) and feed is not None and self.gate.header is None:
                await self._conform_for(None)  # a feed that has no filler is not aired, but the slate is

        self._conforming = self._services.start(f"conform {self.config.name}", conform)

    async def _conform_for(self, feed: FeedFormat | None) -> bool:
        """Make what is missing, the slate first. False when there is no slate for this feed."""
        target = feed or DEFAULT_FORMAT
        bitrate = self.input.bitrate_bps if self.input is not None else 0
        for name, source in {SLATE: None, **self._backups}.items():
            made_from = None if source is None else await asyncio.to_thread(_signature, source)
            if self.gate.clip(name, feed) is not None and self._made_from.get((feed, name)) == made_from:
                continue
            try:
                clip = await self._clips.get(
                    source, name, target, _sps_id(target), bitrate or FILLER_BITRATE_BPS
                )
            except MediaError as error:
                self._clip_errors[name] = str(error)
                code = "slate_failed" if name == SLATE else "clip_failed"
                self._say("gate", say(code, clip=name, reason=error))
                if name == SLATE:
                    return False
            else:
                self._clip_errors.pop(name, None)
                self._made_from[feed, name] = made_from
                self.gate.install(clip, name, feed)
                self._pump()
        return True

    # ------------------------------------------------------------ destinations

    def _set_destinations(self, config: ChannelConfig) -> None:
        wanted = {one.name: one.url for one in config.destinations}
        for name in list(self._destinations):
            if wanted.get(name) != self._urls[name]:
                self._end_push(name)
        for name, url in wanted.items():
            if name not in self._destinations:
                destination = Destination(name, url, bodies=self._bodies)
                self._destinations[name] = destination
                self._urls[name] = url
                self._pushes[name] = self._services.start(f"push {self.config.name} {name}", destination.run)
                if self.gate.on_air:
                    destination.start(self.gate.header or FeedFormat())

    def _tell_destinations(self) -> None:
        for name, destination in self._destinations.items():
            status = destination.status()
            before = self._destination_states.get(name, "idle")
            if status.state in (before, "connecting"):
                continue
            self._destination_states[name] = status.state
            if status.state == "live":
                self._say("gate", say("destination_live", name=name))
            elif status.state == "idle":
                self._say("gate", say("destination_idle", name=name))
            else:
                self._say("gate", say("destination_lost", name=name, reason=status.error))

    def _end_push(self, name: str) -> None:
        """Close a destination in its own time; `closed` waits for it."""
        destination = self._destinations.pop(name)
        push = self._pushes.pop(name)
        self._urls.pop(name)
        self._destination_states.pop(name, None)
        self._closing.add(destination)
        destination.stop()

        async def end() -> None:
            await destination.closed()
            push.cancel()
            self._closing.discard(destination)

        self._services.start(f"end push {name}", end)

    # ------------------------------------------------------------ previews

    def watch(self, feed: str) -> tuple[set[Viewer], FeedFormat | None]:
        """Return the viewers of "pvw" (the undelayed feed) or "pgm" (the program), and its present format."""
        if feed == "pvw":
            return self.pvw, self.input.format if self.input is not None else None
        return self.pgm, self.gate.header

    # ------------------------------------------------------------ state

    def state(self) -> State:
        gate = self.gate
        if not gate.on_air:
            return "stopped"
        if gate.spans.open is not None:
            return "cut"
        if gate.backup is not None:
            return "backup"
        if gate.live:
            return "live"
        if self.input is not None or gate.returns_at() is not None:
            return "filling"
        return "no_input"

    def requested(self) -> Requested:
        if not self.gate.on_air:
            return "stopped"
        if self.gate.spans.open is not None:
            return "cut"
        return "backup" if self.gate.backup is not None else "live"

    def status(self) -> ChannelStatus:
        gate = self.gate
        now = now_us()
        state = self.state()
        last = gate.last_arrival()
        lead = None
        if last is not None:
            lead = (now - last) / SECOND_US
        elif self.input is not None and gate.on_air:
            lead = gate.delay_us / SECOND_US
        destinations = [destination.status() for destination in self._destinations.values()]
        return ChannelStatus(
            name=self.config.name,
            state=state,
            requested=self.requested(),
            delay_s=gate.delay_us / SECOND_US,
            lead_s=None if lead is None else round(lead, 3),
            returns_in_s=self._returns_in_s(state, now),
            filler=gate.filler_name,
            on_air_s=round(wall_s() - self._started_at, 1) if gate.on_air else None,
            ingest=self._input_status(now),
            destinations=destinations,
            archive=self.archive.status(),
            clips=[self._clip_status(name) for name in self._backups],
            spans=self._span_statuses(now),
            warnings=self._warnings(),
            ring_bytes=gate.ring.bytes,
            delay_error_ms=self._delay_errors(),
        )

    def _input_status(self, now: int) -> IngestStatus:
        if self.input is not None:
            return self.input.status(now)
        return IngestStatus(since_s=round((now - self._last_input_us) / SECOND_US, 1))

    def _returns_in_s(self, state: State, now: int) -> float | None:
        if state != "filling":
            return None
        at = self.gate.returns_at()
        if at is not None:
            return round(max(0, at - now) / SECOND_US, 2)
        # No clean keyframe yet: the next one is due in at most a keyframe interval, and airs a delay later.
        wait = self.input.next_keyframe_s(now) if self.input is not None else 0.0
        return round(self.gate.delay_us / SECOND_US + wait, 2)

    def _span_statuses(self, now: int) -> list[SpanStatus]:
        delay = self.gate.delay_us
        spans = []
        for span in self.gate.spans:
            ends = None if span.end is None else (span.end + delay - now) / SECOND_US
            if ends is None or ends > 0:
                starts = max(0.0, (span.start + delay - now) / SECOND_US)
                spans.append(
                    SpanStatus(round(starts, 2), None if ends is None else round(ends, 2), span.actor)
                )
        return spans

    def _warnings(self) -> list[Warn]:
        """What is wrong with the channel itself; the feed's own warnings stand with the input."""
        warnings = [] if self._destinations or not self.gate.on_air else [say("no_destination")]
        for name, error in self._clip_errors.items():
            code = "slate_failed" if name == SLATE else "clip_failed"
            warnings.append(say(code, clip=name, reason=error))
        return warnings

    def _clip_status(self, name: str) -> ClipStatus:
        clip = self.gate.clip(name, self._feed)
        duration_s = None if clip is None else round(clip.duration_ms / 1000, 2)
        return ClipStatus(name, clip is not None, duration_s, self._clip_errors.get(name, ""))

    def _delay_errors(self) -> dict[str, float]:
        """Percentiles over the last minutes; counted anew every few seconds, as sorting is not free."""
        now = now_us()
        if now - self._delay_errors_us > DELAY_ERRORS_EVERY_US:
            self._delay_errors_us = now
            errors = sorted(self.gate.delay_errors_us)
            last = len(errors) - 1
            parts = (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
            self._delay_errors_ms = {n: errors[round(last * p)] / 1000 for n, p in parts} if errors else {}
        return self._delay_errors_ms

    def _say(self, actor: str, what: Warn) -> None:
        self._tell(self.config.name, actor, what)


def _signature(path: Path) -> _Signature | None:
    """Tell a file from what it was before it was changed; None when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return str(path), stat.st_size, stat.st_mtime_ns


def _changes(old: ChannelConfig, new: ChannelConfig) -> str:
    """What differs between two settings, in one line without any stream key."""
    parts = []
    if old.delay_s != new.delay_s:
        parts.append(f"delay {old.delay_s:g} -> {new.delay_s:g} s")
    if old.key_hash != new.key_hash:
        parts.append("stream key")
    if old.destinations != new.destinations:
        parts.append("destinations: " + (", ".join(one.name for one in new.destinations) or "none"))
    if old.backups != new.backups:
        parts.append("backups: " + (", ".join(backup_names(new.backups)) or "none"))
    return "; ".join(parts)


def _sps_id(feed: FeedFormat) -> int:
    """The id for filler's parameter sets: one that the feed does not use."""
    if feed.video is None or feed.video.codec != "h264" or not feed.video.config:
        return 1
    return paramsets.choose_sps_id(feed.video.config)


def backup_names(paths: Iterable[str]) -> dict[str, Path]:
    """Name each backup file by its file name, told apart by a number where two are called the same."""
    names: dict[str, Path] = {}
    for text in paths:
        path = Path(text)
        name, number = path.name, 2
        while name in names or name == SLATE:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        names[name] = path
    return names
