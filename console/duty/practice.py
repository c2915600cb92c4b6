"""Practices (演练): a made feed on a channel that pushes nowhere, with marks whose answers are timed."""

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy.orm import Session as Transaction

from console.auth.principals import Principal, Session
from console.live.gate_link import GateLink
from console.problems import BUSY, Problem, Refused
from console.setup.channel_files import ChannelFiles
from console.trace import current
from streamgate.clock import now_us, wall_s
from streamgate.core.practice import WINDOW_US, Marked, MarkKind, Planned, Tally, plan_marks
from streamgate.core.reaction import measure_reaction
from streamgate.errors import Refused as NotAllowed
from streamgate.errors import StoreError
from streamgate.ledger.record import Decision, Record
from streamgate.link.messages import ChannelRequest, Cut, Dump, Restore, Stop
from streamgate.runtime.channels import ChannelConfig, ChannelStore
from streamgate.store import practices, reactions
from streamgate.store.database import AsyncDatabase
from streamgate.store.practices import Mark, PracticeResult

CHANNEL = "practice"
LATE_S = 30.0  # more than the feed lasts: then it hangs
CLOSE_S = 3.0
LOOK_S = 0.25
RESTORE_S = 1.5
DELAY_S = 30.0
NOT_SERVING = Problem(
    503,
    "not_serving",
    "Nothing takes encoders at the moment: start streamgate serve.",
    "当前没有接收推流的进程：请启动 streamgate serve。",
)
RUNNING = BUSY._replace(
    error="Somebody practises already; wait until it is over.", error_zh="已有演练正在进行，请等待结束。"
)
_log = structlog.get_logger("console.practice")


class _Planted(msgspec.Struct):
    number: int
    kind: MarkKind
    at_us: int


class _Machine(Principal):
    """Who restores and stops on the channel to practise on."""

    name = "practice"

    @property
    def actor(self) -> str:
        return "practice"

    @property
    def role(self) -> str:
        return ""


@dataclass
class Practice:
    """One that runs, or the last one. `offset_us`: wall clock less monotonic. `error`: why it broke off."""

    user_id: int
    user: str
    actor: str
    number: int
    planned: list[Planned]
    started_at: float
    offset_us: int
    tally: Tally = field(default_factory=Tally)
    running: bool = True
    error: str = ""
    error_zh: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Outcome(NamedTuple):
    """What a practice taught about a person: the reaction times measured now, None: too few marks yet."""

    picture_s: float | None
    sound_s: float | None


class Practices:
    """One runs at a time, on a channel of its own, which is made for the first one."""

    def __init__(
        self, database: AsyncDatabase, files: ChannelFiles, gate: GateLink, record: Callable[[Record], Any]
    ) -> None:
        self._database, self._files, self._gate, self._record = database, files, gate, record
        self._draw = random.SystemRandom().random
        self._machine = _Machine()
        self._restoring: set[asyncio.Task[None]] = set()
        self.last: Practice | None = None
        gate.commanded = self.commanded

    async def start(self, by: Session, count: int) -> Practice:
        """Begin a practice of `count` marks.

        Raises:
            Refused: one runs already, nothing takes encoders, or the channel cannot be made.
            StoreError: the database is away.
        """
        if self.last is not None and self.last.running:
            raise Refused(RUNNING)
        planned, at = plan_marks(count, self._draw), wall_s()
        begun = Practice(by.user_id, by.user, by.actor, 0, planned, at, round(at * 1e6) - now_us())
        self.last = begun  # before the first await: two at once would both start
        try:
            (_, key), _ = await self._files.change(by, _new_key)
            rtmp = await self._server()
            begun.number = await self._database.write(practices.begin, by.user_id, CHANNEL, at=at)
        except BaseException:
            self.last = None
            raise
        current().channel = CHANNEL
        current().args["practice"] = begun.number
        begun.task = asyncio.ensure_future(self._run(begun, _addresses(rtmp, key)))
        return begun

    async def _server(self) -> str:
        servers = await self._files.servers()
        if not servers.rtmp:
            raise Refused(NOT_SERVING)
        return servers.rtmp

    async def cancel(self) -> None:
        """End the practice that runs, if one does; what it counted so far is kept."""
        running = self.last
        if running is not None and running.task is not None:
            running.task.cancel()
            await asyncio.gather(running.task, return_exceptions=True)

    async def close(self) -> None:
        """End what runs, within some seconds."""
        await self.cancel()
        for task in self._restoring:
            task.cancel()

    async def results(self, user_id: int | None) -> list[PracticeResult]:
        """Return the newest practices: a person's own, or (None) everybody's."""
        return await self._database.read(practices.list_results, user_id=user_id)

    def commanded(self, request: ChannelRequest, by: Principal, at_us: int) -> None:
        """A command was carried out: one of the person who practises answers a mark, or is a false press."""
        now = self.last
        if now is None or not now.running or request.channel != CHANNEL:
            return
        if isinstance(request, Cut | Dump) and isinstance(by, Session) and by.user_id == now.user_id:
            now.tally.press("cut" if isinstance(request, Cut) else "dump", at_us)
        if isinstance(request, Cut):
            task = asyncio.ensure_future(self._restore())
            self._restoring.add(task)
            task.add_done_callback(self._restoring.discard)

    async def _restore(self) -> None:
        """End a cut by itself, so that the next mark finds the channel as it was."""
        await asyncio.sleep(RESTORE_S)
        with contextlib.suppress(Refused):
            await self._gate.command(Restore(0, channel=CHANNEL, reason="practice"), self._machine)

    async def _run(self, begun: Practice, urls: list[str]) -> None:
        try:
            async with asyncio.timeout(begun.planned[-1].at_s + WINDOW_US / 1e6 + LATE_S):
                await self._feed(begun, urls)
        except TimeoutError:
            begun.error, begun.error_zh = "the feed hangs", "测试来流无响应"
        finally:
            await asyncio.shield(self._end(begun))

    async def _feed(self, begun: Practice, urls: list[str]) -> None:
        """Run the encoder until the practice is over."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streamgate.demo.practice_feed"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            job = {"urls": urls, "marks": [tuple(one) for one in begun.planned]}
            child.stdin.write(msgspec.json.encode(job))
            child.stdin.close()
            if await self._take_marks(begun, child.stdout):
                return
            if await child.wait():
                said = (await child.stderr.read(4096) if child.stderr else b"").decode(errors="replace")
                _log.warning("practice_feed_failed", said=said[-500:])
                begun.error, begun.error_zh = "the feed broke off", "测试来流中断"
        finally:
            if child.returncode is None:
                child.send_signal(signal.SIGTERM)  # it says goodbye to the gate
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLOSE_S):
                        await child.wait()
                if child.returncode is None:
                    child.kill()
                    await child.wait()

    async def _take_marks(self, begun: Practice, planted: asyncio.StreamReader) -> bool:
        """Take the marks that the encoder plants; True: the last one was answered or missed."""
        line = asyncio.ensure_future(_next_line(planted))
        try:
            while not begun.tally.is_over(len(begun.planned), now_us()):
                await asyncio.wait({line}, timeout=LOOK_S)
                if line.done():
                    if not line.result():
                        return False
                    mark = msgspec.json.decode(line.result(), type=_Planted)
                    begun.tally.plant(mark.number, mark.kind, mark.at_us)
                    line = asyncio.ensure_future(_next_line(planted))
            return True
        finally:
            line.cancel()

    async def _end(self, begun: Practice) -> None:
        """It runs until its results are kept: who sees that it is over finds them."""
        try:
            await self._finish(begun)
        finally:
            begun.running = False

    async def _finish(self, begun: Practice) -> None:
        with contextlib.suppress(Refused):
            await self._gate.command(Stop(0, channel=CHANNEL, reason="practice"), self._machine)
        marks = [_mark(one, begun.offset_us) for one in begun.tally.marks]
        try:
            outcome = await self._database.write(_store, begun, marks, wall_s())
        except StoreError as error:
            begun.error, begun.error_zh = f"not stored: {error}", "结果未能保存"
            return
        self._record(
            Decision(
                who=begun.actor,
                channel=CHANNEL,
                what="practice.result",
                args={
                    "practice": begun.number,
                    "marks": len(marks),
                    "answered": sum(one.reaction_s is not None for one in marks),
                    "false_presses": begun.tally.false_presses,
                    "picture_s": outcome.picture_s,
                    "sound_s": outcome.sound_s,
                },
                answer="ok",
            )
        )


def _new_key(store: ChannelStore) -> tuple[ChannelConfig, str]:
    """Give the channel to practise on a new stream key; make it first."""
    try:
        known = store.get(CHANNEL)
    except NotAllowed:
        return store.add(CHANNEL, delay_s=DELAY_S, practice=True)
    if not known.practice:
        raise NotAllowed(
            f"channel {CHANNEL} is an ordinary one; rename it, its name is needed to practise on",
            f"频道 {CHANNEL} 为普通频道；演练需要此名称，请先改名",
        )
    return store.rotate_key(CHANNEL)


def _addresses(rtmp: str, key: str) -> list[str]:
    """Return where to publish: on this machine itself, else as encoders reach it."""
    port = rtmp.removesuffix("/live").rpartition(":")[2]
    return [f"rtmp://127.0.0.1:{port}/live/{key}", f"{rtmp}/{key}"]


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than any of ours
        return b""


def _mark(one: Marked, offset_us: int) -> Mark:
    reaction_s = None if one.reaction_us is None else round(one.reaction_us / 1e6, 3)
    return Mark(one.number, one.kind, (one.planted_us + offset_us) / 1e6, reaction_s, one.press)


def _store(session: Transaction, begun: Practice, marks: list[Mark], at: float) -> Outcome:
    """Store what a practice counted, and measure the person anew."""
    practices.finish(session, begun.number, marks, false_presses=begun.tally.false_presses, at=at)
    found: dict[MarkKind, float | None] = {"picture": None, "sound": None}
    for kind in found:
        newest = practices.newest_reactions(session, begun.user_id, kind)
        found[kind] = measured = measure_reaction(newest)
        if measured is not None:
            reactions.note_measured(
                session, begun.user_id, kind, measured, len(newest), by=begun.actor, at=at
            )
    return Outcome(found["picture"], found["sound"])
