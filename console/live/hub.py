"""The websockets of the page: state and commands on one, a feed's pictures on another."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.auth.principals import Principal, Session
from console.auth.rights import (
    COMMANDS,
    Right,
    require,
    rights_by_channel,
    rights_everywhere,
    rights_of,
)
from console.ledger import Ledger, person
from console.live.commands import MAX_REASON, describe_marked, make_request
from console.live.gate_link import GateLink
from console.live.messages import (
    GateMessage,
    GateState,
    Hello,
    PageCommand,
    PageMessage,
    Ping,
    ReplyDone,
    ReplyFailed,
    ServerMessage,
    SessionMessage,
    Snapshot,
    StateMessage,
)
from console.live.page_socket import close, read, send, until_first, watch_rights
from console.live.presence import Presence
from console.live.preview import Feed, FeedName, Preview, TooManyViewersError, Viewer
from console.live.reactions import Reactions
from console.live.signs import Signs
from console.problems import BUSY, NOT_FOUND, Problem, Refused, unreadable
from console.trace import begin
from streamgate import __version__
from streamgate.clock import now_us, wall_s
from streamgate.ledger.record import Refusal
from streamgate.link.messages import ChannelStatus, LogLine

PING_S = 2.0
MAX_PAGES = 64
MAX_NAME = 64
MAX_COMMANDS = 16  # of one page, on their way at once

_log = structlog.get_logger("console.hub")
_decoder: msgspec.json.Decoder[PageMessage] = msgspec.json.Decoder(PageMessage)


class _Number(msgspec.Struct):
    id: int = 0


def dumps(message: ServerMessage) -> str:
    return msgspec.json.encode(message).decode()


class Hub:
    """Serves pages; holds nothing but their number and who watches what."""

    def __init__(
        self,
        gate: GateLink,
        preview: Preview,
        ledger: Ledger,
        command: str,
        *,
        comments_up: Callable[[], bool],
        reactions: Reactions,
        signs: Signs,
    ) -> None:
        """`command`: how the command line of this very streamgate is called; shown when the page is lost.

        `comments_up`: says whether the comments process answers.
        """
        self._gate, self._preview, self._ledger, self._command = gate, preview, ledger, command
        self._comments_up, self._reactions = comments_up, reactions
        self._pages = 0
        self._presence = Presence()
        self._signs = signs

    def snapshot(self, who: Principal) -> Snapshot:
        """Return all there is to know now for somebody who may see some channels, or all."""
        gate = self._gate
        state = GateState(gate.up, gate.ingest_up, gate.warnings, self._comments_up())
        return Snapshot(wall_s(), state, _channels(gate, who), _lines(gate, who, 0))

    # ------------------------------------------------------------ state and commands

    async def page(self, websocket: WebSocket) -> None:
        """Serve the websocket of state and commands until the page leaves or its session is over."""
        who: Principal = websocket.scope["principal"]
        await websocket.accept()
        if self._pages >= MAX_PAGES:
            await close(websocket, BUSY, code=1013)
            return
        self._pages += 1
        try:
            with _present(who), self._signs.page(who):
                await until_first(
                    self._tell(websocket, who), self._listen(websocket, who), watch_rights(websocket, who)
                )
        finally:
            self._pages -= 1

    async def _tell(self, websocket: WebSocket, who: Principal) -> None:
        gate = self._gate
        now = self.snapshot(who)
        hello = Hello(
            version=__version__,
            user=who.name,
            command=self._command,
            server_time=now.server_time,
            gate=now.gate,
            channels=now.channels,
            present=self._presence.of(one.name for one in now.channels),
            log=now.log,
        )
        seen, line, was_up, rights = gate.version, _last(gate), gate.up, who.version
        with contextlib.suppress(WebSocketDisconnect):
            await send(websocket, dumps(hello))
            await send(websocket, dumps(_describe(who)))
            ping_at = _now() + PING_S
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(ping_at):
                        await _first_change(gate, seen, who, rights)
                if _now() >= ping_at:
                    await send(websocket, dumps(Ping(server_time=wall_s())))
                    ping_at = _now() + PING_S
                if who.version != rights:
                    rights = who.version
                    await send(websocket, dumps(_describe(who)))
                if gate.version == seen:
                    continue
                seen = gate.version
                if gate.up:
                    lines = _lines(gate, who, line)
                    line = _last(gate)
                    await send(websocket, self._state(who, lines))
                elif was_up:
                    await send(websocket, dumps(GateMessage(up=False)))
                was_up = gate.up

    def _state(self, who: Principal, lines: list[LogLine]) -> str:
        gate = self._gate
        channels = _channels(gate, who)
        return dumps(
            StateMessage(
                server_time=wall_s(),
                ingest_up=gate.ingest_up,
                comments_up=self._comments_up(),
                warnings=gate.warnings,
                channels=channels,
                present=self._presence.of(one.name for one in channels),
                log=lines,
            )
        )

    async def _listen(self, websocket: WebSocket, who: Principal) -> None:
        """Read commands; each is answered on its own, so that none waits for the answer of another."""
        free = asyncio.Semaphore(MAX_COMMANDS)
        async with asyncio.TaskGroup() as group:
            while (text := await read(websocket)) is not None:
                started = now_us()
                if free.locked():
                    with contextlib.suppress(msgspec.MsgspecError):
                        if isinstance(message := _decoder.decode(text), PageCommand):
                            self._refuse(websocket, message, BUSY, started)
                    with contextlib.suppress(WebSocketDisconnect):
                        await send(websocket, _failed(_number(text), "", BUSY, started))
                    continue
                await free.acquire()
                answering = group.create_task(self._answer(websocket, who, text, started))
                answering.add_done_callback(lambda _: free.release())

    async def _answer(self, websocket: WebSocket, who: Principal, text: str, started: int) -> None:
        try:
            message = _decoder.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            answer = _failed(_number(text), "", unreadable(str(error)), started)
        else:
            if not isinstance(message, PageCommand):
                who.touch(wall_s())
                self._signs.note(who)
                return
            self._signs.note(who)
            answer = await self._carry_out(websocket, who, message, started)
        with contextlib.suppress(WebSocketDisconnect):
            await send(websocket, answer)

    async def _carry_out(
        self, websocket: WebSocket, who: Principal, command: PageCommand, started: int
    ) -> str:
        """Return the reply to send. What the gate answers, it records; what does not reach it, we do."""
        with begin(websocket.scope) as trace:
            try:
                require(who, COMMANDS[command.cmd], command.channel)
                request = await make_request(
                    command.cmd, command.channel, command.details(), who, self._reactions
                )
                reply = await self._gate.command(request, who)
            except Refused as error:
                note(who, command.cmd, command.channel, error.problem)
                if not trace.by_gate:
                    self._refuse(websocket, command, error.problem, started)
                return _failed(command.id, command.channel, error.problem, started)
        note(who, command.cmd, command.channel)
        return dumps(
            ReplyDone(
                id=command.id,
                channel=command.channel,
                state=reply.state,
                took_ms=reply.took_ms,
                by_ms=(now_us() - started) / 1000,
                waiting=reply.waiting,
                **describe_marked(reply),
            )
        )

    def _refuse(self, websocket: WebSocket, command: PageCommand, problem: Problem, started: int) -> None:
        """Record a command that the gate has not answered."""
        args = command.details()
        self._ledger.write(
            Refusal(
                **person(websocket.scope),
                channel=command.channel[:MAX_NAME],
                what=command.cmd,
                args={name: value for name, value in args.items() if value is not None and name != "reason"},
                reason=(command.reason or "")[:MAX_REASON],
                right=str(COMMANDS[command.cmd]),
                answer=problem.code,
                error=problem.error,
                latency_ms=(now_us() - started) / 1000,
            )
        )

    # ------------------------------------------------------------ pictures

    async def feed(self, websocket: WebSocket, channel: str, name: FeedName, *, stills: bool = False) -> None:
        """Serve a feed's pictures (of `stills`: its keyframes) until the page leaves."""
        who: Principal = websocket.scope["principal"]
        await websocket.accept()
        gate = self._gate
        if gate.up and all(status.name != channel for status in gate.channels):
            await close(websocket, NOT_FOUND)
            return
        try:
            feed, viewer = self._preview.watch(channel, name, stills=stills)
        except TooManyViewersError:
            await close(websocket, BUSY, code=1013)
            return
        try:
            with self._presence.watching(who, channel):
                await until_first(
                    _show(websocket, feed, viewer),
                    _watch_leaving(websocket),
                    watch_rights(websocket, who, channel),
                )
        finally:
            self._preview.leave(feed, viewer)


async def _show(websocket: WebSocket, feed: Feed, viewer: Viewer) -> None:
    dropped = 0
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await send(websocket, await viewer.next())
            if viewer.dropped != dropped:
                dropped = viewer.dropped
                _log.warning("viewer_slow", channel=feed.channel, feed=feed.feed, times=dropped)


async def _watch_leaving(websocket: WebSocket) -> None:
    while await read(websocket) is not None:
        pass


async def _first_change(gate: GateLink, seen: int, who: Principal, rights: int) -> None:
    """Return when there is news from the gate, or of what this page may do."""
    if gate.version != seen or who.version != rights:
        return
    waiting = [asyncio.ensure_future(gate.changed(seen)), asyncio.ensure_future(who.changed(rights))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


@contextlib.contextmanager
def _present(who: Principal) -> Iterator[None]:
    """Count a page that is open: somebody idle keeps what it shows."""
    if not isinstance(who, Session):
        yield
        return
    who.pages += 1
    try:
        yield
    finally:
        who.pages -= 1
        who.page_at = wall_s()


def _describe(who: Principal) -> SessionMessage:
    return SessionMessage(
        state=who.state if isinstance(who, Session) else "open",
        rights=sorted(rights_everywhere(who)),
        channel_rights={channel: sorted(rights) for channel, rights in rights_by_channel(who).items()},
    )


def _channels(gate: GateLink, who: Principal) -> list[ChannelStatus]:
    """Return the channels that somebody may see."""
    if Right.CHANNEL_VIEW in rights_everywhere(who):
        return gate.channels
    return [one for one in gate.channels if Right.CHANNEL_VIEW in rights_of(who, one.name)]


def _lines(gate: GateLink, who: Principal, line: int) -> list[LogLine]:
    """Return what was logged after `line` about those channels, and about none in particular."""
    new = [entry for entry in gate.log if entry.seq > line]
    if Right.CHANNEL_VIEW in rights_everywhere(who):
        return new
    return [one for one in new if not one.channel or Right.CHANNEL_VIEW in rights_of(who, one.channel)]


def note(who: Principal, command: str, channel: str, problem: Problem | None = None) -> None:
    if problem is None:
        _log.info("command", actor=who.actor, command=command, channel=channel)
    else:
        _log.warning(
            "command_failed", actor=who.actor, command=command, channel=channel, reason=problem.error
        )


def _failed(number: int, channel: str, problem: Problem, started: int) -> str:
    by_ms = (now_us() - started) / 1000
    return dumps(ReplyFailed(number, channel, problem.code, problem.error, problem.error_zh, by_ms))


def _number(text: str) -> int:
    with contextlib.suppress(msgspec.MsgspecError, RecursionError):
        return msgspec.json.decode(text, type=_Number).id
    return 0


def _last(gate: GateLink) -> int:
    return gate.log[-1].seq if gate.log else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
