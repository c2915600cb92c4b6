"""Which broadcast is on air on each channel, by what the gate says."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from websockets.asyncio.client import unix_connect
from websockets.exceptions import WebSocketException

from moderation.desk.condemned import CondemnedTimes, Span
from streamgate.link.messages import AnyAnswer, ChannelStatus, Watch

PREFIX = "broadcast/"
CONDEMNED_PREFIX = "condemned/"
"""Of the keys in the table of settings; the channel's name follows."""
TOLERANCE_S = 5.0
_EARLY_S = 2.0  # clocks of gate and comments are the same; segments round, and status comes late
SILENCE_S = 2.0  # the gate pushes at least every 500 ms
RETRY_S = 1.0
_MAX_MESSAGE = 8 * 1024 * 1024
_log = structlog.get_logger("moderation.desk.broadcasts")
_decoder: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


class Condemned(msgspec.Struct, frozen=True):
    """The condemned moments of a broadcast, as they are stored. `spans`: seconds of the program."""

    broadcast: str = ""
    spans: list[Span] = []

    @classmethod
    def decode(cls, value: Any) -> "Condemned":
        """Return what is stored; nothing where it is not understood."""
        try:
            return msgspec.convert(value, cls)
        except msgspec.ValidationError:
            return cls()


class Broadcast(msgspec.Struct, frozen=True):
    """`id`: CHANNEL-START in UTC. `started_at`: seconds since the epoch."""

    id: str
    started_at: float


def follow(
    known: Broadcast | None, status: ChannelStatus, expected_s: float | None, now: float
) -> Broadcast | None:
    """Return the broadcast that is on air, by the name that the gate gave it. Pure.

    `expected_s`: for how long the one that was seen last would be on air by now, by a clock that nobody sets:
    the wall clock may be set while it is on air.
    """
    on_air_s = status.on_air_s
    if on_air_s is None:
        return None
    started_at = now - on_air_s
    if known is not None:
        goes_on = expected_s is not None and abs(on_air_s - expected_s) <= TOLERANCE_S
        if goes_on or abs(started_at - known.started_at) <= TOLERANCE_S:
            return known
    start = dt.datetime.fromtimestamp(started_at, tz=dt.UTC)
    return Broadcast(status.broadcast or f"{status.name}-{start:%Y%m%dT%H%M%SZ}", started_at)


def decode(value: Any) -> Broadcast | None:
    """Return the broadcast that is stored; None: there was none on air, or it is not understood."""
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
    """What is on air. `changed(channel, ended, begun)` is called when one ends, another begins, or both.

    `told`: channels of which the gate has spoken in this process; of the others it is not known whether
    what is stored is still on air.
    """

    def __init__(self, changed: Changed) -> None:
        self.told: set[str] = set()
        self._changed = changed
        self._on_air: dict[str, Broadcast] = {}
        self._began: dict[str, float] = {}  # by the clock that nobody sets
        self._condemned: dict[str, CondemnedTimes] = {}
        self._grown: dict[str, list[Span]] = {}
        self._stored: dict[str, Condemned] = {}

    def remember(
        self, stored: Iterable[tuple[str, Broadcast]], condemned: Mapping[str, Condemned] | None = None
    ) -> None:
        """Take over what an earlier process knew, where the gate has not spoken yet."""
        for channel, one in stored:
            if channel in self.told:
                continue
            self._on_air[channel] = one
            known = (condemned or {}).get(channel)
            if known is not None and known.broadcast == one.id:
                self._condemned[channel] = CondemnedTimes(known.spans)
                self._stored[channel] = known

    def on_air(self, channel: str) -> Broadcast | None:
        return self._on_air.get(channel)

    def id_of(self, channel: str) -> str:
        """Return the broadcast that is on air, "" when nothing is."""
        one = self._on_air.get(channel)
        return "" if one is None else one.id

    def is_condemned(self, channel: str, at_media_s: float | None) -> bool:
        """Say whether a moment of the program on air was condemned, as far as was seen here or stored."""
        times = self._condemned.get(channel)
        return times is not None and times.covers(at_media_s)

    def moment_of(self, channel: str, seen_at: float, now: float, clock_s: float) -> float | None:
        """Return the moment of the program on air that a viewer saw, in seconds since its start.

        `seen_at`: when that moment aired, as the program's HLS says (EXT-X-PROGRAM-DATE-TIME), by the wall
        clock. `now`, `clock_s`: as for `take`. None: nothing is on air, or it was not on air then.
        """
        one, began = self._on_air.get(channel), self._began.get(channel)
        if one is None:
            return None
        on_air_s = now - one.started_at if began is None else clock_s - began
        moment = on_air_s - (now - seen_at)  # a clock that was set since the start changes nothing
        return max(0.0, moment) if -_EARLY_S <= moment <= on_air_s + _EARLY_S else None

    def to_store(self) -> list[tuple[str, Condemned]]:
        """Return the condemned moments, by channel, that are not stored as they are now."""
        wanted = {
            channel: Condemned(self.id_of(channel), times.spans) for channel, times in self._condemned.items()
        }
        return [(channel, one) for channel, one in wanted.items() if self._stored.get(channel) != one]

    def note_stored(self, channel: str, stored: Condemned) -> None:
        self._stored[channel] = stored

    def take_grown(self, channel: str) -> list[Span]:
        """Return the condemned moments that came since the last call."""
        return self._grown.pop(channel, [])

    def take(self, statuses: Sequence[ChannelStatus], now: float, clock_s: float) -> None:
        """Take over a status of the gate.

        `now`: seconds since the epoch; `clock_s`: seconds of a clock that nobody sets.
        """
        gone = [ChannelStatus(name, "stopped", "stopped", 0.0) for name in self._left_out(statuses)]
        for status in (*statuses, *gone):
            channel, on_air_s = status.name, status.on_air_s
            known, began = self._on_air.get(channel), self._began.get(channel)
            newest = follow(known, status, None if began is None else clock_s - began, now)
            self.told.add(channel)
            if on_air_s is None:
                self._began.pop(channel, None)
            else:
                self._began[channel] = clock_s - on_air_s
            if newest != known:
                self._condemned.pop(channel, None)
                self._grown.pop(channel, None)
                if newest is None:
                    del self._on_air[channel]
                else:
                    self._on_air[channel] = newest
                self._changed(channel, known, newest)
            if on_air_s is not None and status.spans:
                self._note(status, on_air_s)

    def _left_out(self, statuses: Sequence[ChannelStatus]) -> list[str]:
        """Return the channels that the gate does not have any more."""
        names = {one.name for one in statuses}
        return [channel for channel in self._on_air if channel not in names]

    def _note(self, status: ChannelStatus, on_air_s: float) -> None:
        times = self._condemned.setdefault(status.name, CondemnedTimes())
        spans = [(one.starts_in_s, one.ends_in_s) for one in status.spans]
        if grown := times.note(on_air_s, status.delay_s, spans):
            self._grown.setdefault(status.name, []).extend(grown)


async def watch_gate(path: Path, take: Callable[[Sequence[ChannelStatus]], None]) -> None:
    """Give every state of the gate to `take`, until cancelled. While the gate is away nothing is given."""
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
                        take(answer.channels)
                    up = True
        except (OSError, WebSocketException, msgspec.MsgspecError, TimeoutError) as error:
            if up:
                _log.warning("gate_lost", reason=str(error) or type(error).__name__)
            up = False
        await asyncio.sleep(RETRY_S)
