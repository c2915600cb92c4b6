"""Tracks which broadcast is on air on each channel, and its condemned moments, from the gate's status."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from websockets.asyncio.client import unix_connect
from websockets.exceptions import WebSocketException

from streamgate.core.condemned import CondemnedTimes, Span
from streamgate.core.spans import REDACTIONS
from streamgate.link.messages import AnyAnswer, ChannelStatus, Reply, Watch

PREFIX = "broadcast/"
CONDEMNED_PREFIX = "condemned/"
"""Prefix of a key in the table of settings; the channel's name follows."""
TOLERANCE_S = 5.0
_EARLY_S = 2.0  # clocks of gate and comments are the same; segments round, and status comes late
SILENCE_S = 2.0  # the gate pushes at least every 500 ms
RETRY_S = 1.0
_MAX_MESSAGE = 8 * 1024 * 1024
_log = structlog.get_logger("moderation.desk.broadcasts")
_decoder: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


class Condemned(msgspec.Struct, frozen=True):
    """The condemned moments of a broadcast, as stored. `spans`: (start, end) in seconds of the program."""

    broadcast: str = ""
    spans: list[Span] = []

    @classmethod
    def decode(cls, value: Any) -> "Condemned":
        """Return the stored value; an empty one when it cannot be decoded."""
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError:
            return cls()


class Broadcast(msgspec.Struct, frozen=True):
    """`id`: CHANNEL-START in UTC. `started_at`: seconds since the epoch."""

    id: str
    started_at: float


def current_broadcast(
    known: Broadcast | None, status: ChannelStatus, expected_s: float | None, now: float
) -> Broadcast | None:
    """Return the broadcast on air, under the name that the gate gave it. Pure.

    `known`: the broadcast seen last. `expected_s`: how long it would have been on air by now, measured by the
    monotonic clock, because the wall clock may be set during a broadcast.
    """
    on_air_s = status.on_air_s
    if on_air_s is None:
        return None
    started_at = now - on_air_s
    if known is not None:
        continues = expected_s is not None and abs(on_air_s - expected_s) <= TOLERANCE_S
        if continues or abs(started_at - known.started_at) <= TOLERANCE_S:
            return known
    start = dt.datetime.fromtimestamp(started_at, tz=dt.UTC)
    return Broadcast(status.broadcast or f"{status.name}-{start:%Y%m%dT%H%M%SZ}", started_at)


def decode(value: Any) -> Broadcast | None:
    """Return the stored broadcast; None: none was on air, or the value cannot be decoded."""
    try:
        found = msgspec.convert(value, Broadcast)
    except msgspec.ValidationError:
        return None
    return found if found.id else None


def encode(one: Broadcast | None) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(one or Broadcast("", 0.0))
    return plain


Changed = Callable[[str, Broadcast | None, Broadcast | None], None]


class Broadcasts:
    """The broadcasts on air, by channel.

    `changed(channel, ended, begun)` is called when a broadcast ends, another begins, or both. `reported`: the
    channels for which the gate has sent a status since this process started. For the other channels nobody
    knows whether the stored broadcast is still on air.
    """

    def __init__(self, changed: Changed) -> None:
        self.reported: set[str] = set()
        self._changed = changed
        self._on_air: dict[str, Broadcast] = {}
        self._began: dict[str, float] = {}  # seconds of the monotonic clock
        self._condemned: dict[str, CondemnedTimes] = {}
        self._new_condemned: dict[str, list[Span]] = {}
        self._stored: dict[str, Condemned] = {}

    def restore(
        self, stored: Iterable[tuple[str, Broadcast]], condemned: Mapping[str, Condemned] | None = None
    ) -> None:
        """Take over what an earlier process stored, for channels without a status from the gate yet."""
        for channel, one in stored:
            if channel in self.reported:
                continue
            self._on_air[channel] = one
            known = (condemned or {}).get(channel)
            if known is not None and known.broadcast == one.id:
                self._condemned[channel] = CondemnedTimes(known.spans)
                self._stored[channel] = known

    def on_air(self, channel: str) -> Broadcast | None:
        return self._on_air.get(channel)

    def id_of(self, channel: str) -> str:
        """Return the id of the broadcast on air; "" when there is none."""
        one = self._on_air.get(channel)
        return "" if one is None else one.id

    def is_condemned(self, channel: str, at_media_s: float | None) -> bool:
        """Return whether a moment of the broadcast on air is known to be condemned."""
        times = self._condemned.get(channel)
        return times is not None and times.covers(at_media_s)

    def moment_of(self, channel: str, seen_at: float, now: float, clock_s: float) -> float | None:
        """Return which moment of the program a viewer was watching, in seconds since its start.

        `seen_at`: when that moment aired, in seconds since the epoch, from the HLS playlist
        (EXT-X-PROGRAM-DATE-TIME). `now`, `clock_s`: as for `update`. None: nothing is on air, or the
        broadcast was not on air at that time.
        """
        one, began = self._on_air.get(channel), self._began.get(channel)
        if one is None:
            return None
        on_air_s = now - one.started_at if began is None else clock_s - began
        moment = on_air_s - (now - seen_at)  # correct even if the wall clock was set meanwhile
        return max(0.0, moment) if -_EARLY_S <= moment <= on_air_s + _EARLY_S else None

    def unstored_condemned(self) -> list[tuple[str, Condemned]]:
        """Return the condemned moments, by channel, that differ from the stored ones.

        Moments whose comments are not held yet are left out: a process that finds moments stored assumes that
        their comments are held.
        """
        wanted = {
            channel: Condemned(self.id_of(channel), times.spans)
            for channel, times in self._condemned.items()
            if not self._new_condemned.get(channel)
        }
        return [(channel, one) for channel, one in wanted.items() if self._stored.get(channel) != one]

    def mark_stored(self, channel: str, stored: Condemned) -> None:
        self._stored[channel] = stored

    def channels_newly_condemned(self) -> list[str]:
        """Return the channels for which `newly_condemned` is not empty."""
        return list(self._new_condemned)

    def newly_condemned(self, channel: str) -> list[Span]:
        """Return the moments condemned since the last `mark_held`."""
        return list(self._new_condemned.get(channel, ()))

    def mark_missed(self, channel: str, at_media_s: float) -> None:
        """Report a moment as newly condemned again: a comment about it was stored without a hold."""
        self._new_condemned.setdefault(channel, []).append((at_media_s, at_media_s))

    def mark_held(self, channel: str, spans: Sequence[Span]) -> None:
        """Note that the comments about these moments, taken from `newly_condemned`, are held now."""
        if left := [one for one in self._new_condemned.pop(channel, ()) if one not in spans]:
            self._new_condemned[channel] = left

    def update(
        self,
        statuses: Sequence[ChannelStatus],
        now: float,
        clock_s: float,
        condemned: Mapping[str, Sequence[Span]] | None = None,
    ) -> None:
        """Take over a status of the gate.

        `now`: seconds since the epoch. `clock_s`: seconds of the monotonic clock. `condemned`: all condemned
        moments of the broadcasts on air, by channel; empty when the gate sent only its status.
        """
        gone = [ChannelStatus(name, "stopped", "stopped", 0.0) for name in self._removed_channels(statuses)]
        for status in (*statuses, *gone):
            channel, on_air_s = status.name, status.on_air_s
            known, began = self._on_air.get(channel), self._began.get(channel)
            newest = current_broadcast(known, status, None if began is None else clock_s - began, now)
            self.reported.add(channel)
            if on_air_s is None:
                self._began.pop(channel, None)
            else:
                self._began[channel] = clock_s - on_air_s
            if newest != known:
                self._condemned.pop(channel, None)
                self._new_condemned.pop(channel, None)
                if newest is None:
                    del self._on_air[channel]
                else:
                    self._on_air[channel] = newest
                self._changed(channel, known, newest)
            if on_air_s is not None:
                self._add_condemned(status, on_air_s, (condemned or {}).get(channel, ()))

    def _removed_channels(self, statuses: Sequence[ChannelStatus]) -> list[str]:
        """Return the channels on air here that the gate no longer has."""
        names = {one.name for one in statuses}
        return [channel for channel in self._on_air if channel not in names]

    def _add_condemned(self, status: ChannelStatus, on_air_s: float, known: Sequence[Span]) -> None:
        if not (known or status.spans or status.name in self._condemned):
            return
        times = self._condemned.setdefault(status.name, CondemnedTimes())
        spans = [
            (one.starts_in_s, one.ends_in_s, one.id) for one in status.spans if one.kind not in REDACTIONS
        ]
        past = [(low, min(high, on_air_s)) for low, high in known if low < on_air_s]
        if grown := [*times.add(past), *times.note(on_air_s, status.delay_s, spans)]:
            self._new_condemned.setdefault(status.name, []).extend(grown)


Take = Callable[[Sequence[ChannelStatus], Mapping[str, Sequence[Span]]], None]


async def watch_gate(path: Path, take: Take) -> None:
    """Call `take` with every status of the gate, until cancelled. Connect again when the gate is away.

    The first status of each connection comes with all condemned moments, because a later status lacks the
    spans that aired while this process was not connected.
    """
    up = True
    while True:
        try:
            async with unix_connect(
                str(path),
                compression=None,
                max_size=_MAX_MESSAGE,
                ping_interval=None,  # the gate's pushes are the heartbeat
                open_timeout=1.0,
                close_timeout=0.2,
            ) as socket:
                await socket.send(msgspec.json.encode(Watch(1, actor="comments")).decode())
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        answer = _decoder.decode(await socket.recv())
                    if answer.channels is not None:
                        take(answer.channels, answer.condemned if isinstance(answer, Reply) else {})
                    up = True
        except (OSError, WebSocketException, msgspec.MsgspecError, TimeoutError) as error:
            if up:
                _log.warning("gate_lost", reason=str(error) or type(error).__name__)
            up = False
        await asyncio.sleep(RETRY_S)
