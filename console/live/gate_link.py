"""The console's end of the control socket: the gate's newest state, its log, and commands with answers.

Whoever shows state waits for `changed` and then takes what is newest: a slow page skips states and never
makes anybody wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
from websockets.asyncio.client import ClientConnection

from console.auth.principals import Principal
from console.live.process_link import ProcessLink, Unanswered, to_text
from console.problems import BUSY, GATE_DOWN, GATE_LOST, GATE_TIMEOUT, Refused, refused
from console.trace import current
from streamgate.clock import now_us, wall_s
from streamgate.errors import LinkError
from streamgate.link.messages import (
    AnyAnswer,
    ChannelRequest,
    ChannelStatus,
    DutyReport,
    GetStatus,
    LogLine,
    Push,
    Reload,
    Reply,
    Request,
    Warn,
    Watch,
)

LOG_LINES = 500
COMMAND_TIMEOUT_S = 2.0
RELOAD_TIMEOUT_S = 4.0  # the gate answers within 3 s, whatever the disk does
PROBE_TIMEOUT_S = 1.0
SILENCE_S = 2.0  # the gate pushes at least every 500 ms
_MAX_MESSAGE = 8 * 1024 * 1024
_PROBE_KEPT_US = 250_000
_UNANSWERED = Unanswered(GATE_DOWN, GATE_LOST, GATE_TIMEOUT, BUSY)

_decoder: msgspec.json.Decoder[AnyAnswer] = msgspec.json.Decoder(AnyAnswer)


class GateLink(ProcessLink[Request, Reply]):
    """`up`, `ingest_up`, `channels`, `log` hold what is newest; `version` rises with every change.

    Log lines get numbers of our own: the gate's start again at 1 when it restarts.
    """

    def __init__(self, control_socket: Path) -> None:
        super().__init__(control_socket, "gate", _UNANSWERED, max_message=_MAX_MESSAGE)
        self.ingest_up = False
        self.warnings: list[Warn] = []
        self.channels: list[ChannelStatus] = []
        self.log: deque[LogLine] = deque(maxlen=LOG_LINES)
        self._known: deque[tuple[int, float]] = deque(maxlen=LOG_LINES)
        self._lines = 0
        # told of each command that was carried out, and when it came (monotonic, us)
        self.commanded: Callable[[ChannelRequest, Principal, int], None] = lambda *_: None
        self._probe = asyncio.Lock()
        self._probed_us = -_PROBE_KEPT_US
        self._answers = False

    @property
    def on_air(self) -> bool:
        """Whether any channel is on air, as far as was told last."""
        return any(channel.on_air_s is not None for channel in self.channels)

    async def reload(self, by: Principal) -> None:
        """Have the gate read the channel files again.

        Raises:
            Refused: as `command`; the files are read when the gate is back.
        """
        request = Reload(0, actor=by.actor, role=by.role, origin=by.address)
        reply = await self._ask(request, RELOAD_TIMEOUT_S)
        if reply.error:
            raise Refused(refused(reply.error, reply.error_zh))

    async def ask_channels(self) -> list[ChannelStatus]:
        """Return what the channels are at this moment; `channels` may be half a second old.

        Raises:
            Refused: no connection, or no answer within 2 s.
        """
        return (await self._ask(GetStatus(0), COMMAND_TIMEOUT_S)).channels or []

    async def command(self, request: ChannelRequest, by: Principal) -> Reply:
        """Send a command and return the gate's answer.

        Raises:
            Refused: refused by the gate, no connection, or no answer within 2 s.
        """
        request.actor, request.role, request.origin = by.actor, by.role, by.address
        by.touch(wall_s())
        begun_us = now_us()
        reply = await self._ask(request, COMMAND_TIMEOUT_S)
        current().by_gate = True
        if reply.error:
            raise Refused(refused(reply.error, reply.error_zh))
        self.commanded(request, by, begun_us)
        return reply

    async def report_duty(self, report: DutyReport) -> None:
        """Tell the gate who is on duty. Raises Refused: it does not answer."""
        await self._ask(report, COMMAND_TIMEOUT_S)

    async def probe(self) -> bool:
        """Say whether the gate answers now, within 1 s; asked more often, it keeps an answer for 250 ms."""
        async with self._probe:
            if now_us() - self._probed_us >= _PROBE_KEPT_US:
                try:
                    reply = await self._ask(GetStatus(0), PROBE_TIMEOUT_S)
                except Refused:
                    self._answers = False
                else:
                    self._answers = True
                    self.ingest_up = bool(reply.ingest_up)
                self._probed_us = now_us()
            return self._answers

    # ------------------------------------------------------------ the connection

    async def _talk(self, connection: ClientConnection) -> None:
        watch = next(self._ids)
        await connection.send(to_text(Watch(watch)))
        while True:
            async with asyncio.timeout(SILENCE_S):
                answer = _decoder.decode(await connection.recv())
            if isinstance(answer, Reply) and answer.id == watch:
                if answer.error:
                    raise LinkError(f"the gate refused to be watched: {answer.error}")
                self._found(connection)
                self.ingest_up, self.warnings = bool(answer.ingest_up), answer.warnings
                self._take(answer.channels or [], answer.log or [])
            elif isinstance(answer, Push):
                self.ingest_up, self.warnings = answer.ingest_up, answer.warnings
                self._take(answer.channels, answer.log)
            else:
                self._answered(answer.id, answer)

    def _take(self, channels: list[ChannelStatus], log: list[LogLine]) -> None:
        self.channels = channels
        for line in log:
            # After a reconnect the gate's log holds lines we have.
            if (line.seq, line.at) in self._known:
                continue
            self._known.append((line.seq, line.at))
            self._lines += 1
            self.log.append(msgspec.structs.replace(line, seq=self._lines))
        self._announce()

    def _lost(self) -> None:
        self.ingest_up = self._answers = False
        super()._lost()
