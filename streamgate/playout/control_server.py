"""The gate's control socket: commands in, replies and states out, JSON over websockets on a unix socket."""

import asyncio
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Literal, assert_never

import msgspec
import structlog
from websockets.asyncio.server import Server, ServerConnection
from websockets.exceptions import ConnectionClosed

from streamgate.errors import Refused
from streamgate.ledger.record import Command
from streamgate.link.messages import (
    VERSION,
    AnyRequest,
    Backup,
    ChannelRequest,
    Cut,
    Dump,
    GetStatus,
    Live,
    Note,
    Push,
    Reload,
    Reply,
    Restore,
    Standing,
    Start,
    Stop,
    Watch,
)
from streamgate.playout.station import Station
from streamgate.playout.texts import say
from streamgate.runtime.sockets import listen_unix

PUSH_EVERY_S = 0.5
MIN_PUSH_GAP_S = 0.05
SEND_TIMEOUT_S = 0.2
MAX_REQUEST = 64 * 1024
MAX_REASON = 500
MAX_WATCHERS = 64
MAX_WAITING = 4 * 1024 * 1024  # bytes for one watcher that does not read; then it is dropped
_log = structlog.get_logger()
_decoder = msgspec.json.Decoder(AnyRequest)
_UNRECORDED = (GetStatus, Watch)  # they decide nothing
_ENVELOPE = frozenset({"id", "v", "cmd", "actor", "role", "origin", "channel", "reason"})


class ControlServer:
    """Answers requests at once, in the order they come; pushes the state to watchers."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._watchers: dict[ServerConnection, int] = {}  # the last log line each was sent
        self._changed = asyncio.Event()
        station.changed = self._changed.set

    async def listen(self, path: Path) -> Server:
        """Listen on the unix socket at `path`, for this user only."""
        return await listen_unix(path, self._connection, max_message=MAX_REQUEST)

    async def push_states(self) -> None:
        """Tell watchers the state at every change, and at least twice a second."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PUSH_EVERY_S):  # wait_for may lose a cancellation in Python 3.11
                    await self._changed.wait()
            self._changed.clear()
            if self._watchers:
                channels = self._station.statuses()
                for watcher, seen in list(self._watchers.items()):
                    lines = self._station.log_since(seen)
                    if lines:
                        self._watchers[watcher] = lines[-1].seq
                    push = Push(
                        channels, lines, ingest_up=self._station.ingest_up, warnings=self._station.warnings()
                    )
                    if watcher.transport.get_write_buffer_size() > MAX_WAITING:
                        watcher.transport.abort()
                        continue
                    try:
                        async with asyncio.timeout(SEND_TIMEOUT_S):
                            await watcher.send(msgspec.json.encode(push).decode())
                    except TimeoutError:
                        watcher.transport.abort()  # it does not read; the others must not wait for it
                    except ConnectionClosed:
                        self._watchers.pop(watcher, None)
            await asyncio.sleep(MIN_PUSH_GAP_S)

    async def _connection(self, socket: ServerConnection) -> None:
        try:
            async for message in socket:
                await socket.send(msgspec.json.encode(await self._answer(message, socket)).decode())
        except ConnectionClosed:
            pass
        finally:
            self._watchers.pop(socket, None)

    async def _answer(self, message: str | bytes, socket: ServerConnection) -> Reply:
        begun = perf_counter()
        try:
            request = _decoder.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            text = f"the request is not understood: {error}"
            self._station.record(Command(who="control", what="unknown", error=text))
            return Reply(0, error=text)
        if request.v != VERSION:
            return Reply(
                request.id, error=f"the request is of version {request.v}; this gate speaks {VERSION}"
            )
        try:
            if isinstance(request, Reload):  # the one request that a disk can hold up
                await self._station.reload(request.actor or "control", request.role, request.origin)
            reply = self._carry_out(request, socket)
        except Refused as error:
            reply = Reply(request.id, error=str(error), error_zh=error.zh)
            if isinstance(request, ChannelRequest) and request.channel in self._station.channels:
                command = type(request).__name__.lower()
                what = say("refused", command=command, reason=error, reason_zh=error.zh or error)
                self._station.tell(request.channel, request.actor or "control", what)
        reply.took_ms = round((perf_counter() - begun) * 1000, 3)
        if not isinstance(request, _UNRECORDED):
            self._station.record(_command(request, reply))
        return reply

    def _status(self, number: int) -> Reply:
        station = self._station
        return Reply(
            number,
            channels=station.statuses(),
            ingest_up=station.ingest_up,
            warnings=station.warnings(),
        )

    def _carry_out(self, request: AnyRequest, socket: ServerConnection) -> Reply:
        station, actor = self._station, request.actor or "control"
        match request:
            case GetStatus():
                return self._status(request.id)
            case Watch():
                if len(self._watchers) >= MAX_WATCHERS:
                    raise Refused(f"{MAX_WATCHERS} programs watch the gate already; close one")
                lines = station.log_since(0)
                self._watchers[socket] = lines[-1].seq if lines else 0
                reply = self._status(request.id)
                reply.log = lines
                return reply
            case Reload():
                self._changed.set()
                return Reply(request.id)
            case Standing(key=key, what=what):
                station.stand(key, actor, what)
                return Reply(request.id)
            case Note(what=what):
                station.tell("", actor, what)
                return Reply(request.id)
            case Start() | Cut() | Restore() | Live() | Stop() | Dump() | Backup():
                pass
            case _:
                assert_never(request)
        channel, reason, done = station.get(request.channel), request.reason[:MAX_REASON], True
        match request:
            case Start():
                channel.start(actor, reason)
            case Cut():
                channel.cut(actor, reason)
            case Restore():
                done = channel.restore(actor, reason)
            case Live():
                channel.air_live(actor, reason)
            case Stop():
                channel.stop(actor, reason)
            case Dump(seconds=seconds):
                channel.dump(seconds, actor, reason)
            case Backup(clip=clip):
                channel.air_backup(clip, actor, reason)
            case _:
                assert_never(request)
        self._changed.set()
        waiting: Literal["", "second_person"] = "" if done else "second_person"
        return Reply(request.id, channel=request.channel, state=channel.state(), waiting=waiting)


def _command(request: AnyRequest, reply: Reply) -> Command:
    """What the ledger says of a request and its answer."""
    plain = msgspec.to_builtins(request)
    return Command(
        who=request.actor or "control",
        role=request.role,
        from_=request.origin,
        channel=plain.get("channel", ""),
        what=plain["cmd"],
        args={name: value for name, value in plain.items() if name not in _ENVELOPE},
        reason=plain.get("reason", ""),
        answer=reply.waiting or reply.state or ("" if reply.error else "done"),
        error=reply.error,
        latency_ms=reply.took_ms,
    )
