"""Station: all channels of one gate process, with publish checks, operators' log, ledger and state."""

import asyncio
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec
import structlog

from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.notices import notice
from streamgate.archive.tail import FOLDER as TAIL
from streamgate.archive.tail import take_tail
from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import now_us, wall_s
from streamgate.core.condemned import Span
from streamgate.core.notice_limit import NoticeLimit
from streamgate.core.packet import FeedFormat, Packet
from streamgate.core.standby import STANDBY_REFILLED, recording_of
from streamgate.core.wrong_keys import WrongKeys
from streamgate.errors import ConfigError, Refused
from streamgate.ledger.places import FOLDER as LEDGER
from streamgate.ledger.record import Notice, Record
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer
from streamgate.link.messages import (
    ChannelDuty,
    ChannelStatus,
    DutyReport,
    Health,
    LogLine,
    Publish,
    PublishReply,
    Warn,
)
from streamgate.playout.air_timer import AirTimer
from streamgate.playout.backup import ClipCache
from streamgate.playout.channel import Channel
from streamgate.playout.dialer import Dialer
from streamgate.playout.edits import EditList
from streamgate.playout.memory import Copier, Memory, read_copies
from streamgate.playout.mosaic_maker import MosaicMaker
from streamgate.playout.refill import Refill
from streamgate.playout.settings import Asker, changes, shown
from streamgate.playout.standby import Recording, StandbyCamera
from streamgate.playout.texts import of_standby, say, sum_up
from streamgate.runtime.channels import ChannelConfig, ChannelStore, Loaded
from streamgate.runtime.service import Services
from streamgate.runtime.supervisor import pulse_age_s
from streamgate.wording import in_chinese

KEPT_LINES = 500
LOAD_S = 3.0
"""Time limit for reading the channel files: then an alarm is logged; they are applied once read."""
COPY_S = 1.0
MAX_RELOADS = 100
MAX_SLATE_BYTES = 64 * 1024**2
SUPERVISOR_SILENT_S = 5.0
DISK_SILENT_S = 3.0
MAX_STANDING = 32
MACHINES = frozenset({"gate", "encoder", "archive"})  # actors that are not people
_log = structlog.get_logger()


class IngestLink(Protocol):
    """The connection of an ingest process."""

    def kick(self, stream: int, reason: str) -> None:
        """Disconnect the encoder with this number, if it is one of this link's."""


class _Read(NamedTuple):
    """Channels on disk: their settings, and the copies of their memories."""

    loaded: Loaded
    copies: Mapping[str, bytes]


class Station:
    """The channels by name. `changed` is called whenever watchers need an update.

    `run_dir`: the runtime directory, in RAM: a channel that was on air can resume without `data_dir`.
    `reserve_bytes`: see `streamgate.reserve`.
    """

    def __init__(
        self,
        data_dir: Path,
        run_dir: Path,
        *,
        services: Services,
        retention_days: int,
        max_ring_bytes: int,
        no_input_stop_s: float,
        reserve_bytes: int = 0,
    ) -> None:
        self.channels: dict[str, Channel] = {}
        self.log: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self.changed: Callable[[], None] = lambda: None
        self.air_timer = AirTimer()
        self._ingests: list[IngestLink] = []
        self._data_dir = data_dir
        self._run_dir = run_dir
        self._services = services
        self._retention_days = retention_days
        self._max_ring_bytes = max_ring_bytes
        self._no_input_stop_s = no_input_stop_s
        self._reserve_bytes = reserve_bytes
        self._store = ChannelStore(data_dir)
        self._clips = ClipCache(data_dir / "cache")
        self._slates = ClipCache(run_dir / "slates", max_bytes=MAX_SLATE_BYTES)
        self._mosaic_maker = MosaicMaker(run_dir / "mosaics")
        self._dialer = Dialer()  # shared: a name that several push to is looked up once
        self.ledger = Writer(
            data_dir / LEDGER,
            "gate",
            spill_dir=run_dir / LEDGER,
            signer=Signer(data_dir),
            alarm=self._ledger_failed,
        )
        self._sealed = False
        self._seq = 0
        self._streams: dict[int, Channel | StandbyCamera] = {}
        self._bad: dict[str, tuple[str, str]] = {}  # why channels are not loaded, in both languages
        self._standing: dict[str, Warn] = {}
        self._loop = asyncio.get_running_loop()
        self._copier = Copier(data_dir / "state", self._copy_failed)
        self._reload = asyncio.Event()
        self._reloads: list[tuple[Asker, asyncio.Future[None]]] = []  # requests that wait for a reload
        self._limit: NoticeLimit[tuple[str, str, Warn]] = NoticeLimit()
        self._wrong_keys = WrongKeys(now_us())

    # ------------------------------------------------------------ channels

    def recall(self) -> None:
        """Resume the channels on air from the runtime directory, without waiting for a disk."""
        for path in sorted(self._run_dir.glob("channels/*.json")):
            try:
                config = msgspec.json.decode(path.read_bytes(), type=ChannelConfig)
                self._add(config, only_on_air=True)
            except (OSError, msgspec.DecodeError) as error:
                _log.warning("channel_not_recalled", file=path.name, reason=str(error))

    def load(self, actor: str = "gate") -> None:
        """Read the channel files and apply them. Waits for the disk."""
        self._apply(self._read(), Asker(actor))

    async def reload(self, actor: str = "gate", role: str = "", origin: str = "") -> None:
        """Request a reload of the channel files by `follow_files`, and wait for it.

        Raises Refused when reading takes longer than LOAD_S; they are applied once read.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        if len(self._reloads) < MAX_RELOADS:
            self._reloads.append((Asker(actor, role, origin), done))
        self._reload.set()
        try:
            await asyncio.wait_for(done, LOAD_S)
        except TimeoutError:
            self.stand("disk", "gate", say("disk_silent", path=self._data_dir))
            raise Refused(
                f"the disk of {self._data_dir} does not answer; the change is taken over when it does",
                f"磁盘无响应（{self._data_dir}）；恢复后自动生效",
            ) from None

    async def follow_files(self) -> None:
        """Read the channel files, in a thread, whenever `reload` requests it; until cancelled."""
        while True:
            await self._reload.wait()
            self._reload.clear()
            asked, self._reloads = self._reloads, []
            read = await asyncio.to_thread(self._read)
            self._apply(read, Asker.all(asker for asker, _ in asked))
            for _, done in asked:
                if not done.done():
                    done.set_result(None)

    def _read(self) -> _Read:
        try:
            self._seal()
            loaded = self._store.load_all()
        except ConfigError as error:
            _log.error("channels_not_read", reason=str(error))
            loaded = Loaded([], [], there=False)
        return _Read(loaded, read_copies(self._data_dir / "state"))

    def _seal(self) -> None:
        """Encrypt plain push URLs from an older streamgate, once per process. A disk error is only logged."""
        if not self._sealed:
            self._sealed = True
            try:
                if count := self._store.seal():
                    _log.info("push_urls_encrypted", channels=count)
            except (ConfigError, OSError) as error:
                _log.warning("push_urls_not_encrypted", reason=str(error))

    def _apply(self, read: _Read, by: Asker) -> None:
        """Add, change and remove channels. Bad files are logged, not used; without a directory all stay."""
        loaded = read.loaded
        known = {config.name: config for config in loaded.channels}
        for bad in loaded.errors:
            if self._bad.get(bad.name) != (bad.text, bad.text_zh):
                self.tell(bad.name, "gate", Warn("channel_bad", bad.text, bad.text_zh, "alarm"))
        self._bad = {bad.name: (bad.text, bad.text_zh) for bad in loaded.errors}
        missing = not loaded.there and bool(self.channels)
        self.stand("disk", "gate", say("channels_gone", path=self._data_dir) if missing else None)
        if missing:
            return
        for name in [name for name in self.channels if name not in known and name not in self._bad]:
            self._remove(name, by)
        for name, config in known.items():
            channel = self.channels.get(name)
            if channel is None:
                try:
                    self._add(config, read.copies.get(name, b""))
                    if by.actor != "gate":
                        self.record(by.setting(name, "channel", None, shown(config)))
                except OSError as error:
                    text = f"channel {name} is not loaded: {error.strerror} ({error.filename})"
                    self._bad[name] = text, f"频道 {name} 未载入：{in_chinese(error)}"
                    self.tell(name, "gate", Warn("channel_bad", *self._bad[name], "alarm"))
            else:
                if config.key_hash != channel.config.key_hash:
                    self._kick(name, "the stream key was changed", of=Channel)
                if config.standby_key_hash != channel.config.standby_key_hash:
                    self._kick(name, "the standby camera's stream key was changed", of=StandbyCamera)
                for field, old, new in changes(channel.config, config):
                    self.record(by.setting(name, field, old, new))
                channel.reconfigure(config, by.actor)
                self._note_settings(config)

    def _remove(self, name: str, by: Asker) -> None:
        self._kick(name, "the channel was removed")
        gone = self.channels.pop(name)
        gone.close()
        self.record(by.setting(name, "channel", shown(gone.config), None))

        async def forget() -> None:
            await gone.closed(remember=False)
            if name in self.channels:  # it was put back, and these are its own
                return
            self._copier.remove(name)
            for path in (self._settings_file(name), self._memory_file(name)):
                path.unlink(missing_ok=True)

        self._services.start(f"close {name}", forget)
        self.tell(name, by.actor, say("channel_removed"))

    def _settings_file(self, name: str) -> Path:
        return self._run_dir / "channels" / f"{name}.json"

    def _memory_file(self, name: str) -> Path:
        return self._run_dir / "state" / name

    def _tail_file(self, name: str) -> Path:
        return self._run_dir / TAIL / name

    def _note_settings(self, config: ChannelConfig) -> None:
        """Save the settings in the runtime directory, for a restarted gate without the disk."""
        path = self._settings_file(config.name)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            draft = path.with_suffix(".new")
            draft.write_bytes(msgspec.json.encode(config))
            draft.replace(path)

    def _add(self, config: ChannelConfig, copy: bytes = b"", *, only_on_air: bool = False) -> None:
        """Create a channel and resume its broadcast, if there is one. `copy`: its record on disk."""

        def alarm(code: str, params: Mapping[str, object]) -> None:
            self._loop.call_soon_threadsafe(self.tell, config.name, "archive", notice(code, params))

        def tell_of_standby(what: Warn) -> None:
            channel = self.channels.get(config.name)
            aired = channel is not None and channel.standby_aired
            self.tell(config.name, "archive", of_standby(what, aired=aired))

        def alarm_of_standby(code: str, params: Mapping[str, object]) -> None:
            self._loop.call_soon_threadsafe(tell_of_standby, notice(code, params))

        memory = Memory(self._memory_file(config.name), owner=config.created, copy=copy, copier=self._copier)
        if only_on_air and not memory.loaded.on_air:
            memory.close()
            return
        left = take_tail(self._tail_file(config.name))
        left_of_standby = b""
        if config.standby_key_hash:  # otherwise a channel may have that name
            left_of_standby = take_tail(self._tail_file(recording_of(config.name)))
        archive = ArchiveWriter(
            self._data_dir / "archive",
            config.name,
            retention_days=config.retention_days or self._retention_days,
            alarm=alarm,
            resumed_from=memory.loaded.fed_at or None,
            resumed_since=memory.loaded.fed_since or None,
            tail=self._tail_file(config.name),
            left=left,
            delay_s=max(config.delay_s, memory.loaded.delay_s),
            record=self.record,
            reserve_bytes=self._reserve_bytes,
        )
        archive.start()

        def record_standby() -> Recording:
            name, loaded = recording_of(config.name), memory.loaded
            standby = ArchiveWriter(
                self._data_dir / "archive",
                name,
                retention_days=config.retention_days or self._retention_days,
                alarm=alarm_of_standby,
                resumed_from=loaded.standby_fed_at or None,
                resumed_since=loaded.standby_fed_since or None,
                tail=self._tail_file(name),
                left=left_of_standby,
                delay_s=max(config.delay_s, loaded.delay_s),
                record=self.record,
                reserve_bytes=self._reserve_bytes,
                not_series=archive.series,
            )
            standby.start()
            refill = Refill(
                name, self._data_dir / "archive", left_of_standby, self._max_ring_bytes, STANDBY_REFILLED
            )
            return Recording(standby, refill)

        edits = EditWriter(self._data_dir / "archive", config.name, alarm=alarm, record=self.record)
        edits.start()
        channel = Channel(
            config,
            archive=archive,
            record_standby=record_standby,
            edits=EditList(config.name, edits, alarm),
            clips=self._clips,
            slates=self._slates,
            mosaic_maker=self._mosaic_maker,
            memory=memory,
            services=self._services,
            dialer=self._dialer,
            hls=self._data_dir / "hls" / config.name,
            tell=self.tell,
            refill=Refill(config.name, self._data_dir / "archive", left, self._max_ring_bytes),
            air_timer=self.air_timer,
            max_ring_bytes=self._max_ring_bytes,
            no_input_stop_s=self._no_input_stop_s,
        )
        self.channels[config.name] = channel
        channel.resume()
        self._note_settings(config)

    def get(self, name: str) -> Channel:
        """Return a channel. Otherwise raises Refused, which lists the channels."""
        try:
            return self.channels[name]
        except KeyError:
            if name in self._bad:
                raise Refused(*self._bad[name]) from None
            names = ", ".join(self.channels) or "none yet"
            raise Refused(f"there is no channel {name}; channels are: {names}", f"没有频道 {name}") from None

    def tick(self) -> None:
        self._sum_up()
        for channel in self.channels.values():
            channel.tick()
        hangs = self._copier.hangs_s() > DISK_SILENT_S
        self.stand("disk hangs", "gate", say("disk_silent", path=self._data_dir) if hangs else None)
        self._update_duty_alarm()
        silent_s = pulse_age_s(self._run_dir)
        silent = silent_s is not None and silent_s > SUPERVISOR_SILENT_S
        self.stand("supervisor", "gate", say("supervisor_silent") if silent else None)

    def take_duty(self, report: DutyReport) -> None:
        """Take the console's duty report: who is on duty, and when they last used keys or pointer."""
        for name, channel in self.channels.items():
            channel.take_duty(report.channels.get(name) or ChannelDuty(), report.at_us)
        self._update_duty_alarm()

    def _update_duty_alarm(self) -> None:
        """Keep an alarm standing while duty is watched and the console sends no reports."""
        unreported = [name for name, channel in self.channels.items() if channel.duty_unreported]
        stood = "duty" in self._standing
        self.stand(
            "duty", "gate", say("duty_console_silent", channels=", ".join(unreported)) if unreported else None
        )
        if stood and not unreported:
            self.tell("", "gate", say("duty_console_back"))

    async def close(self) -> None:
        """Take every channel off air and write all pending data, within some seconds."""
        for channel in self.channels.values():
            channel.close()
        async with asyncio.TaskGroup() as group:
            for channel in self.channels.values():
                group.create_task(channel.closed())
        self._sum_up(everything=True)
        kept, _ = await asyncio.gather(
            asyncio.to_thread(self._copier.close, COPY_S), asyncio.to_thread(self.ledger.close)
        )
        if kept:  # the disk has everything that these files hold
            for name in self.channels:
                self._memory_file(name).unlink(missing_ok=True)
                self._settings_file(name).unlink(missing_ok=True)

    def _copy_failed(self, reason: str) -> None:
        """Callback from the copier's thread: copying the channels' memories fails, or works again ("")."""
        what = say("state_not_copied", reason=reason) if reason else None
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.stand, "state", "gate", what)

    def _ledger_failed(self, reason: str) -> None:
        """Callback from the ledger's thread: writing records fails, or works again ("")."""

        def tell() -> None:
            self.stand("ledger", "gate", say("ledger_failed", reason=reason) if reason else None)
            if not reason:
                self.tell("", "gate", say("ledger_ok"))

        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(tell)

    # ------------------------------------------------------------ encoders, by the link's stream number

    def publish(self, request: Publish) -> PublishReply:
        """Accept an encoder, or reply why not; a wrong key is logged for operators, too."""
        fed: Channel | StandbyCamera | None = None
        name = ""
        for candidate in self.channels.values():  # every key is compared, and each in constant time
            config = candidate.config
            if hmac.compare_digest(config.key_hash, request.key_hash):
                fed, name = candidate, config.name
            if (
                hmac.compare_digest(config.standby_key_hash, request.key_hash)
                and candidate.standby is not None
            ):
                fed, name = candidate.standby, config.name
        if fed is None:
            self._tell_wrong_key(request.peer)
            return PublishReply(request.stream, "unknown_key", reason="the stream key is not known here")
        if fed.input is not None:
            return PublishReply(request.stream, "busy", name, f"channel {name} is being published to already")
        self._streams[request.stream] = fed
        fed.publish(request.peer, request.encoder, fresh=request.fresh)
        return PublishReply(request.stream, "ok", name)

    def _tell_wrong_key(self, peer: str) -> None:
        """Log a wrong stream key: operators would otherwise see only NO INPUT. `peer`: address and port."""
        address = peer.rpartition(":")[0] or "?"
        tries = self._wrong_keys.note(address, now_us())
        if tries:
            self.tell(
                "", "gate", say("wrong_key", address=address, tries=tries, y="y" if tries == 1 else "ies")
            )

    def format(self, stream: int, format_: FeedFormat) -> None:
        if (channel := self._streams.get(stream)) is not None:
            channel.format(format_)

    def packet(self, stream: int, packet: Packet) -> None:
        if (channel := self._streams.get(stream)) is not None:
            channel.packet(packet)

    def health(self, health: Health) -> None:
        if (channel := self._streams.get(health.stream)) is not None:
            channel.health(health)

    def gone(self, stream: int, reason: str, *, clean: bool) -> None:
        if (channel := self._streams.pop(stream, None)) is not None:
            channel.gone(reason, clean=clean)

    def ingest_came(self, link: IngestLink) -> None:
        self._ingests.append(link)
        self.tell("", "gate", say("ingest_up"))

    def ingest_went(self, link: IngestLink) -> None:
        """Handle the end of the ingest process and of its encoders."""
        self._ingests.remove(link)
        self.tell("", "gate", say("ingest_down"))

    @property
    def ingest_up(self) -> bool:
        return bool(self._ingests)

    def _kick(self, name: str, reason: str, of: type[Channel] | type[StandbyCamera] | None = None) -> None:
        """Disconnect a channel's encoders; `of`: only the main camera's (Channel) or the standby's."""
        fed = self.channels[name]
        for stream, channel in list(self._streams.items()):
            if channel in (fed, fed.standby) and (of is None or isinstance(channel, of)):
                for link in self._ingests:
                    link.kick(stream, reason)
                self.gone(stream, reason, clean=False)

    # ------------------------------------------------------------ state

    def statuses(self) -> list[ChannelStatus]:
        return [channel.status() for channel in self.channels.values()]

    def condemned(self) -> dict[str, list[Span]]:
        """Return the condemned times of broadcasts on air, by channel: see `Channel.condemned`."""
        channels = self.channels.items()
        return {name: channel.condemned() for name, channel in channels if channel.gate.on_air}

    def warnings(self) -> list[Warn]:
        """Return the present warnings about streamgate itself."""
        return list(self._standing.values())

    def stand(self, key: str, actor: str, what: Warn | None) -> None:
        """Set the warning `key` in every status, and log it once; None removes it."""
        before = self._standing.get(key)
        if what is None:
            self._standing.pop(key, None)
        elif before is not None or len(self._standing) < MAX_STANDING:
            self._standing[key] = what
        if what is not None and (before is None or before.code != what.code):
            self.tell("", actor, what)
        elif before != what:
            self.changed()

    def log_since(self, seq: int) -> list[LogLine]:
        return [line for line in self.log if line.seq > seq]

    def tell(self, channel: str, actor: str, what: Warn) -> None:
        """Put a line into the operators' log and the ledger.

        Repeated notices from encoders, gate and archive are summed up; those of people's actions never are.
        """
        notice = (channel, actor, what)
        if actor not in MACHINES or self._limit.admit(channel, what.code, notice, now_us()):
            self._write(*notice)

    def record(self, record: Record) -> None:
        """Write a record to the ledger; never waits."""
        self.ledger.write(record)

    def _sum_up(self, *, everything: bool = False) -> None:
        for (channel, actor, last), count in self._limit.due(now_us(), everything=everything):
            self._write(channel, actor, sum_up(last, count))

    def _write(self, channel: str, actor: str, what: Warn) -> None:
        self._seq += 1
        line = LogLine(
            self._seq, round(wall_s(), 3), channel, actor, what.code, what.text, what.text_zh, what.level
        )
        self.log.append(line)
        self.record(
            Notice(
                at=line.at,
                seq=line.seq,
                channel=channel,
                who=actor,
                code=what.code,
                text=what.text,
                text_zh=what.text_zh,
                level=what.level,
            )
        )
        _log.info(what.code, channel=channel, actor=actor, text=what.text)
        self.changed()
