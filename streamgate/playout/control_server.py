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
    Condemn,
    Cut,
    Dump,
    DutyReport,
    GetStatus,
    Lift,
    Live,
    Marked,
    Marking,
    Move,
    Note,
    Push,
    Redact,
    Reload,
    Reply,
    Restore,
    Sign,
    Standing,
    Start,
    Stop,
    Uncut,
    Watch,
)
from streamgate.playout.channel import Channel
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
_OnChannel = Start | Cut | Restore | Live | Stop | Dump | Backup | Sign | Marking
_log = structlog.get_logger()
_decoder = msgspec.json.Decoder(AnyRequest)
_UNRECORDED = (GetStatus, Watch, DutyReport)  # they change nothing on air
_ENVELOPE = frozenset(
    {"id", "v", "cmd", "actor", "role", "origin", "channel", "reason", "may_uncover", "reaction_s"}
)
# Fields of a span left out of the ledger: the exact arrivals carry the same information.
_NOT_PROVEN = frozenset({"from_s", "to_s", "from_at", "to_at", "open_end"})


class ControlServer:
    """Handles requests at once, in order of arrival; pushes the state to watchers."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._watchers: dict[ServerConnection, int] = {}  # seq of the last log line sent to each
        self._changed = asyncio.Event()
        station.changed = self._changed.set

    async def listen(self, path: Path) -> Server:
        """Listen on the unix socket at `path`, for this user only."""
        return await listen_unix(path, self._connection, max_message=MAX_REQUEST)

    async def push_states(self) -> None:
        """Push the state to watchers at every change, and at least twice a second."""
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
                        watcher.transport.abort()  # it does not read; others must not wait for it
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
            if isinstance(request, Reload):  # the only request that waits for a disk
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
                pass
            case Watch():
                if len(self._watchers) >= MAX_WATCHERS:
                    raise Refused(
                        f"{MAX_WATCHERS} programs watch the gate already; close one",
                        f"已有 {MAX_WATCHERS} 个程序在监看播出进程，请关闭一个",
                    )
                lines = station.log_since(0)
                self._watchers[socket] = lines[-1].seq if lines else 0
                reply = self._status(request.id)
                reply.log = lines
                reply.condemned = station.condemned()
                return reply
            case Reload():
                self._changed.set()
            case Standing(key=key, what=what):
                station.stand(key, actor, what)
            case Note(what=what):
                station.tell("", actor, what)
            case DutyReport():
                station.take_duty(request)
            case Start() | Cut() | Restore() | Live() | Stop() | Dump() | Backup() | Sign():
                return self._on_channel(request, actor)
            case Condemn() | Redact() | Move() | Lift() | Uncut():
                return self._on_channel(request, actor)
            case _:
                assert_never(request)
        return self._status(request.id) if isinstance(request, GetStatus) else Reply(request.id)

    def _on_channel(self, request: _OnChannel, actor: str) -> Reply:
        channel = self._station.get(request.channel)
        try:
            done, marked = _command_channel(channel, request, actor)
        finally:
            channel.attend(actor)  # a person is present, even if the command failed
        self._changed.set()
        waiting: Literal["", "second_person"] = "" if done else "second_person"
        return Reply(
            request.id, channel=request.channel, state=channel.state(), waiting=waiting, marked=marked
        )


def _command_channel(channel: Channel, request: _OnChannel, actor: str) -> tuple[bool, Marked | None]:
    """Carry out a command; return (done, span made). Not done: it waits for a second person."""
    reason = request.reason[:MAX_REASON]
    done = True
    marked: Marked | None = None
    match request:
        case Start():
            channel.start(actor, reason)
        case Cut():
            marked = channel.cut(actor, reason)
        case Restore():
            done = channel.restore(actor, reason)
        case Live():
            channel.air_live(actor, reason)
        case Stop():
            channel.stop(actor, reason)
        case Dump(seconds=seconds, reaction_s=reaction_s):
            marked = channel.dump(seconds, actor, reason, reaction_s=reaction_s)
        case Backup(clip=clip):
            channel.air_backup(clip, actor, reason)
        case Sign():
            channel.sign(actor)
        case Condemn() | Redact() | Move() | Lift() | Uncut():
            marked = channel.mark(request, actor, reason)
            done = marked is not None
        case _:
            assert_never(request)
    return done, marked


def _command(request: AnyRequest, reply: Reply) -> Command:
    """Return the ledger record of a request and its reply."""
    plain = msgspec.to_builtins(request)
    return Command(
        who=request.actor or "control",
        role=request.role,
        from_=request.origin,
        channel=plain.get("channel", ""),
        what=plain["cmd"],
        args={name: value for name, value in plain.items() if name not in _ENVELOPE and value is not None}
        | _marked_args(reply.marked),
        reason=plain.get("reason", ""),
        answer=reply.waiting or reply.state or ("" if reply.error else "done"),
        error=reply.error,
        error_zh=reply.error_zh,
        latency_ms=reply.took_ms,
    )


def _marked_args(marked: Marked | None) -> dict[str, object]:
    """Return a span's fields for the ledger: its exact arrivals, for the proof that none of it aired."""
    plain = {} if marked is None else msgspec.to_builtins(marked)
    return {name: value for name, value in plain.items() if name not in _NOT_PROVEN}
