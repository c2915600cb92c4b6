"""All channels of one gate process: who may publish, what was said, what the state is."""

import asyncio
import hmac
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import structlog

from streamgate.archive.notices import notice
from streamgate.archive.writer import ArchiveWriter
from streamgate.clock import wall_s
from streamgate.core.packet import FeedFormat, Packet
from streamgate.errors import Refused
from streamgate.link.messages import ChannelStatus, Health, LogLine, Publish, PublishReply, Warn
from streamgate.playout.backup import ClipCache
from streamgate.playout.channel import Channel
from streamgate.playout.dialer import Dialer
from streamgate.playout.memory import Memory
from streamgate.playout.texts import say
from streamgate.runtime.channels import ChannelConfig, ChannelStore
from streamgate.runtime.journal import Journal
from streamgate.runtime.service import Services

KEPT_LINES = 500
_log = structlog.get_logger()


class IngestLink(Protocol):
    """The connection of an ingest process."""

    def kick(self, stream: int, reason: str) -> None:
        """Disconnect the encoder with this number, if it is one of this link's."""


class Station:
    """Channels by name. `changed` is called whenever watchers should be told."""

    def __init__(
        self,
        data_dir: Path,
        *,
        services: Services,
        retention_days: int,
        max_ring_bytes: int,
        no_input_stop_s: float,
    ) -> None:
        self.channels: dict[str, Channel] = {}
        self.log: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self.changed: Callable[[], None] = lambda: None
        self._ingests: list[IngestLink] = []
        self._data_dir = data_dir
        self._services = services
        self._retention_days = retention_days
        self._max_ring_bytes = max_ring_bytes
        self._no_input_stop_s = no_input_stop_s
        self._store = ChannelStore(data_dir)
        self._clips = ClipCache(data_dir / "cache")
        self._dialer = Dialer()  # one for all: a name that several push to is looked up once
        self._journal = Journal(data_dir / "journal.jsonl")
        self._seq = 0
        self._streams: dict[int, Channel] = {}
        self._bad: dict[str, str] = {}

    # ------------------------------------------------------------ channels

    def load(self, actor: str = "gate") -> None:
        """Read the channel files: add, change and remove channels. Bad files are told, not used."""
        loaded = self._store.load_all()
        known = {config.name: config for config in loaded.channels}
        for bad in loaded.errors:
            if self._bad.get(bad.name) != bad.text:
                self.tell(bad.name, "gate", Warn("channel_bad", bad.text, bad.text_zh, "alarm"))
        self._bad = {bad.name: bad.text for bad in loaded.errors}
        for name in [name for name in self.channels if name not in known and name not in self._bad]:
            self._kick(name, "the channel was removed")
            gone = self.channels.pop(name)
            gone.close()
            self._services.start(f"close {name}", gone.closed)
            self.tell(name, actor, say("channel_removed"))
        for name, config in known.items():
            channel = self.channels.get(name)
            if channel is None:
                try:
                    self._add(config)
                except OSError as error:
                    text = f"channel {name} is not loaded: {error.strerror} ({error.filename})"
                    self._bad[name] = text
                    self.tell(
                        name,
                        "gate",
                        Warn("channel_bad", text, f"频道 {name} 未载入：{error.strerror}", "alarm"),
                    )
            else:
                if config.key_hash != channel.config.key_hash:
                    self._kick(name, "the stream key was changed")
                channel.reconfigure(config, actor)

    def _add(self, config: ChannelConfig) -> None:
        loop = asyncio.get_running_loop()

        def alarm(code: str, params: Mapping[str, object]) -> None:
            loop.call_soon_threadsafe(self.tell, config.name, "archive", notice(code, params))

        memory = Memory(self._data_dir / "state" / config.name)
        archive = ArchiveWriter(
            self._data_dir / "archive", config.name, retention_days=self._retention_days, alarm=alarm
        )
        archive.start()
        channel = Channel(
            config,
            archive=archive,
            clips=self._clips,
            memory=memory,
            services=self._services,
            dialer=self._dialer,
            tell=self.tell,
            max_ring_bytes=self._max_ring_bytes,
            no_input_stop_s=self._no_input_stop_s,
        )
        self.channels[config.name] = channel
        channel.resume()

    def get(self, name: str) -> Channel:
        """Return a channel; Refused names those there are."""
        try:
            return self.channels[name]
        except KeyError:
            if name in self._bad:
                raise Refused(self._bad[name]) from None
            names = ", ".join(self.channels) or "none yet"
            raise Refused(f"there is no channel {name}; channels are: {names}", f"没有频道 {name}") from None

    def tick(self) -> None:
        for channel in self.channels.values():
            channel.tick()

    async def close(self) -> None:
        """Leave the air on every channel and write what is left, within some seconds."""
        for channel in self.channels.values():
            channel.close()
        async with asyncio.TaskGroup() as group:
            for channel in self.channels.values():
                group.create_task(channel.closed())
        await asyncio.to_thread(self._journal.close)

    # ------------------------------------------------------------ encoders, by the link's stream number

    def publish(self, request: Publish) -> PublishReply:
        """Let an encoder in, or say why not."""
        channel = None
        for candidate in self.channels.values():  # every key is compared, and each in constant time
            if hmac.compare_digest(candidate.config.key_hash, request.key_hash):
                channel = candidate
        if channel is None:
            return PublishReply(request.stream, "unknown_key", reason="the stream key is not known here")
        name = channel.config.name
        if channel.input is not None:
            return PublishReply(request.stream, "busy", name, f"channel {name} is being published to already")
        self._streams[request.stream] = channel
        channel.publish(request.peer, request.encoder, fresh=request.fresh)
        return PublishReply(request.stream, "ok", name)

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
        """The ingest process went, and its encoders with it."""
        self._ingests.remove(link)
        self.tell("", "gate", say("ingest_down"))

    @property
    def ingest_up(self) -> bool:
        return bool(self._ingests)

    def _kick(self, name: str, reason: str) -> None:
        for stream, channel in list(self._streams.items()):
            if channel.config.name == name:
                for link in self._ingests:
                    link.kick(stream, reason)
                self.gone(stream, reason, clean=False)

    # ------------------------------------------------------------ state

    def statuses(self) -> list[ChannelStatus]:
        return [channel.status() for channel in self.channels.values()]

    def log_since(self, seq: int) -> list[LogLine]:
        return [line for line in self.log if line.seq > seq]

    def tell(self, channel: str, actor: str, what: Warn) -> None:
        """Put a line into the operators' log and the journal."""
        self._seq += 1
        line = LogLine(
            self._seq, round(wall_s(), 3), channel, actor, what.code, what.text, what.text_zh, what.level
        )
        self.log.append(line)
        self._journal.write(line)
        _log.info(what.code, channel=channel, actor=actor, text=what.text)
        self.changed()
