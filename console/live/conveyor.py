"""The conveyor's stills and sound levels: a child process looks at each connected feed, pages are told.

The child reads from the gate itself, at low priority. One that dies or falls silent is started again, with
growing pauses; meanwhile pages go on without stills. Nothing of it is on the way of a packet or a command.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.auth.principals import Principal
from console.live.gate_link import GateLink
from console.live.page_socket import close, read, send, until_first, watch_rights
from console.live.strip import Strip
from console.problems import BUSY, NOT_FOUND, Refused
from streamgate.clock import now_us, wall_at, wall_s
from streamgate.watch.messages import Beat, Level, Seen, Still, Wanted

MODULE = "streamgate.watch.child"
PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
STEADY_S = 60.0  # a child that lived so long was a good one
SILENCE_S = 10.0
FIRST_S = 30.0  # until its first word: it loads libav, at low priority
IDLE_S = 60.0
MAX_MESSAGE = 4 << 20
MAX_PAGES = 64
EVERY_S = 0.25  # a page is told at most so often
AT_LEAST_S = 1.0

_log = structlog.get_logger("console.conveyor")
_decoder: msgspec.msgpack.Decoder[Seen] = msgspec.msgpack.Decoder(Seen)


class Conveyor:
    """`up`: the child works. `cpu_s`: what it has used. `pid`: of the child, None without one."""

    def __init__(self, gate: GateLink, media_socket: Path) -> None:
        self._gate, self._media_socket = gate, media_socket
        self._strips: dict[str, Strip] = {}
        self._pages = 0
        self._news = asyncio.Event()
        self.up = False
        self.cpu_s = 0.0
        self.pid: int | None = None

    def picture(self, channel: str, number: int, *, large: bool) -> bytes:
        """Return a still as JPEG.

        Raises:
            Refused: it is not kept (any more).
        """
        strip = self._strips.get(channel)
        found = None if strip is None else strip.picture(number, large=large)
        if found is None:
            raise Refused(NOT_FOUND)
        return found

    async def page(self, websocket: WebSocket, channel: str) -> None:
        """Tell a page what comes in, until it leaves or its rights end."""
        who: Principal = websocket.scope["principal"]
        await websocket.accept()
        if self._pages >= MAX_PAGES:
            await close(websocket, BUSY, code=1013)
            return
        self._pages += 1
        try:
            await until_first(
                self._tell(websocket, channel), _listen(websocket), watch_rights(websocket, who, channel)
            )
        finally:
            self._pages -= 1

    async def _tell(self, websocket: WebSocket, channel: str) -> None:
        strip, seen = self._strips.get(channel), 0
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                message = (strip or Strip()).since(seen, wall_s(), up=self.up)
                seen = strip.version if strip is not None else 0
                await send(websocket, msgspec.json.encode(message).decode())
                await asyncio.sleep(EVERY_S)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AT_LEAST_S - EVERY_S):
                        while (self._strips.get(channel) or Strip()).version == seen:
                            await self._news.wait()
                if self._strips.get(channel) is not strip:
                    strip, seen = self._strips.get(channel), 0

    # ------------------------------------------------------------ the child

    async def run(self) -> None:
        """Keep a child while a feed is connected, until cancelled."""
        failures = 0
        while True:
            while not self._wanted():
                await self._gate.changed(self._gate.version)
            began = now_us()
            try:
                await self._live()
                failures = 0
                continue
            except (OSError, EOFError, TimeoutError, msgspec.MsgspecError) as error:
                reason = str(error) or type(error).__name__
            failures = 0 if now_us() - began > STEADY_S * 1e6 else failures + 1
            pause = PAUSES_S[min(failures, len(PAUSES_S) - 1)]
            _log.warning("conveyor_child_lost", reason=reason, pause_s=pause)
            await asyncio.sleep(pause)

    def _wanted(self) -> list[str]:
        """Return the channels to look at: those whose encoder is there."""
        return sorted(one.name for one in self._gate.channels if one.wanted.connected)

    async def _live(self) -> None:
        """Start a child and take what it sees; return when no feed has been connected for a while."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE, str(self._media_socket)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
        )
        self.pid = child.pid
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            taking = asyncio.ensure_future(self._take(child.stdout))
            telling = asyncio.ensure_future(self._want(child.stdin))
            try:
                await asyncio.wait({taking, telling}, return_when=asyncio.FIRST_COMPLETED)
                for one in (taking, telling):
                    if one.done():
                        one.result()
            finally:
                for one in (taking, telling):
                    one.cancel()
                await asyncio.gather(taking, telling, return_exceptions=True)
        finally:
            self.up, self.pid = False, None
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
            await child.wait()

    async def _want(self, stdin: asyncio.StreamWriter) -> None:
        """Tell the child which channels to look at; return when there have been none for a while."""
        told: list[str] | None = None
        idle_s = 0.0
        while idle_s < IDLE_S:
            wanted = self._wanted()
            if wanted != told:
                stdin.write(msgspec.json.encode(Wanted(wanted)) + b"\n")
                await stdin.drain()
                told = wanted
            await asyncio.sleep(1.0)
            idle_s = 0.0 if wanted else idle_s + 1.0
            self._tidy()

    async def _take(self, stdout: asyncio.StreamReader) -> None:
        patience_s = FIRST_S
        while True:
            async with asyncio.timeout(patience_s):
                size = int.from_bytes(await stdout.readexactly(4), "big")
                if size > MAX_MESSAGE:
                    raise EOFError(f"a message of {size} bytes")
                seen = _decoder.decode(await stdout.readexactly(size))
            patience_s = SILENCE_S
            self.up = True
            match seen:
                case Beat(cpu_s=cpu_s):
                    self.cpu_s = cpu_s
                case Still():
                    at = wall_at(seen.at)
                    self._strip(seen.channel).add_still(at, seen.change, seen.small, seen.large)
                case Level():
                    self._strip(seen.channel).add_level(wall_at(seen.at), seen.db)
            event, self._news = self._news, asyncio.Event()
            event.set()

    def _strip(self, channel: str) -> Strip:
        return self._strips.setdefault(channel, Strip())

    def _tidy(self) -> None:
        """Forget what has aired, and channels that are no more."""
        now = wall_s()
        delays = {one.name: one.delay_s for one in self._gate.channels}
        for name, strip in list(self._strips.items()):
            if self._gate.up and name not in delays:
                del self._strips[name]
            elif name in delays:
                strip.forget(now, delays[name])


async def _listen(websocket: WebSocket) -> None:
    while await read(websocket) is not None:
        pass
