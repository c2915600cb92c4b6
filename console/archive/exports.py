"""Exports of recordings for pages: a bounded queue, one child at a time, results kept for some days.

Each export has a folder of its own, DATA/exports/ID, with `job.json` and the file. One that a restart of the
console broke off is told as interrupted; it is not begun again by itself.
"""

import asyncio
import contextlib
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from console.auth.principals import Session
from console.problems import BUSY, NOT_FOUND, Refused, bad_request, rule
from streamgate.archive.export_job import ExportJob, Kind, Line, Made, Progress
from streamgate.clock import now_us, wall_s
from streamgate.core.retention import DAY_S
from streamgate.disk import replace_file
from streamgate.ledger.record import Decision, Record
from streamgate.runtime.apart import DaemonThreads

FOLDER = "exports"
MAX_WAITING = 20  # those that run included
MAX_KEPT = 100
KEEP_S = 7 * DAY_S
TIDY_EVERY_S = 3600.0
FETCH_NOTED_S = 3600.0  # so long the pieces of a file count as one download
MAX_SPAN_S = DAY_S
EXPORT_S = 6 * 3600.0  # one export; 8 h of 6 Mb/s take some minutes
MAX_LINE = 1 << 20
_MODULE = "streamgate.archive.export_child"
_ENDED = frozenset({"done", "failed", "cancelled", "interrupted"})
State = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
_log = structlog.get_logger("console.exports")

BAD_SPAN = bad_request(
    f"An export spans {MAX_SPAN_S / 3600:g} hours at most, and its end lies after its start.",
    f"一次导出最长 {MAX_SPAN_S / 3600:g} 小时，且结束须晚于开始。",
)
QUEUE_FULL = BUSY._replace(
    error=f"{MAX_WAITING} exports wait already; ask again when one has ended, or cancel one.",
    error_zh=f"已有 {MAX_WAITING} 个导出在排队，请在其结束后再试，或取消其中一个。",
)
NO_FILE = rule("This export has made no file.", "该导出没有生成文件。")


class Export(msgspec.Struct):
    """One export. Times: wall clock. `start`, `end`: asked for; `first`, `last`: of what is in the file.

    `done`: from 0 to 1. `losses`: what of the span is not recorded: from, to, why. `removed`: its file.
    `exact`: to the picture; `encoded`: so many pictures were coded anew for that.
    """

    id: str
    channel: str
    start: float
    end: float
    kind: Kind
    reason: str
    by: str
    role: str
    at: float
    state: State = "waiting"
    done: float = 0.0
    error: str = ""
    error_zh: str = ""
    ended_at: float | None = None
    first: float = 0.0
    last: float = 0.0
    bytes: int = 0
    sha256: str = ""
    losses: list[tuple[float, float, str]] = []
    exact: bool = False
    encoded: int = 0
    v: int = 1

    @property
    def name(self) -> str:
        return f"{self.id}.mp4"


class Exports:
    """All exports of a data directory. `record` puts a record into the ledger and never waits."""

    def __init__(self, data_dir: Path, record: Callable[[Record], None]) -> None:
        self._data_dir, self._root, self._record = data_dir, data_dir / FOLDER, record
        self._threads = DaemonThreads("exports", 1)  # not waited for: a disk may hold it up
        self._all: dict[str, Export] | None = None  # by id, the oldest first
        self._loading = asyncio.Lock()
        self._work: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._closing = False
        self._fetched: dict[tuple[str, str], int] = {}  # when (us) a session's download was noted, by export

    async def run(self) -> None:
        """Remove what has been kept for long enough, now and every hour, until cancelled."""
        while True:
            try:
                await self._tidy()
            except OSError as error:
                _log.warning("exports_not_tidied", reason=str(error))
            await asyncio.sleep(TIDY_EVERY_S)

    async def of_channel(self, channel: str) -> list[Export]:
        """Return a channel's exports, the newest first."""
        return [one for one in reversed((await self._known()).values()) if one.channel == channel]

    async def get(self, channel: str, export_id: str) -> Export:
        found = (await self._known()).get(export_id)
        if found is None or found.channel != channel:
            raise Refused(NOT_FOUND)
        return found

    async def add(
        self,
        channel: str,
        start: float,
        end: float,
        *,
        kind: Kind,
        reason: str,
        who: Session,
        exact: bool = False,
    ) -> Export:
        """Queue an export. Raises Refused: an empty or too long span, or too many wait."""
        if not 0 < end - start <= MAX_SPAN_S:
            raise Refused(BAD_SPAN)
        known = await self._known()
        if sum(one.state not in _ENDED for one in known.values()) >= MAX_WAITING:
            raise Refused(QUEUE_FULL)
        made = Export(
            f"export-{secrets.token_hex(4)}", channel, start, end, kind, reason, who.actor, who.role, wall_s()
        )
        made.exact = exact
        await self._threads.call(self._write, made)
        known[made.id] = made
        self._begin()
        return made

    async def remove(self, channel: str, export_id: str) -> Export:
        """Cancel an export that waits or runs; of one that has ended remove file and entry."""
        found = await self.get(channel, export_id)
        if found.state in _ENDED:
            (await self._known()).pop(export_id, None)
            await self._threads.call(self._forget, found)
            return found
        running = self._running if found.state == "running" else None
        found.state = "cancelled"
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await self._end(found, "cancelled")
        return found

    async def file(self, channel: str, export_id: str) -> tuple[Export, Path]:
        """Return an export and where its file is. Raises Refused: there is none."""
        found = await self.get(channel, export_id)
        path = self._root / found.id / found.name
        if found.state != "done" or not await self._threads.call(path.is_file):
            raise Refused(NO_FILE)
        return found, path

    def note_fetched(self, one: Export, who: Decision, *, whole: bool) -> None:
        """Put on record that somebody took the file, or pieces of it: these once in FETCH_NOTED_S."""
        now, key = now_us(), (who.session, one.id)
        self._fetched = {seen: at for seen, at in self._fetched.items() if now - at < FETCH_NOTED_S * 1e6}
        if not whole and key in self._fetched:
            return
        self._fetched[key] = now
        who.what, who.channel, who.answer = "archive.export.fetch", one.channel, "ok"
        who.args = {"export": one.id, "sha256": one.sha256}
        self._record(who)

    async def close(self) -> None:
        """End what runs, within a second; the next start tells it as interrupted."""
        self._closing = True
        for task in (self._work, self._running):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    # ------------------------------------------------------------ the work

    def _begin(self) -> None:
        if self._work is None or self._work.done():
            self._work = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        known = await self._known()
        while (one := next((one for one in known.values() if one.state == "waiting"), None)) is not None:
            one.state = "running"
            self._running = asyncio.ensure_future(self._make(one))
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
            if self._closing:
                return
            await self._tidy()

    async def _make(self, one: Export) -> None:
        try:
            await self._threads.call(self._write, one)
            async with asyncio.timeout(EXPORT_S):
                async for line in self._lines(one):
                    if isinstance(line, Progress):
                        one.done = line.part
                    else:
                        self._take(one, line)
        except TimeoutError:
            one.error = f"it took longer than {EXPORT_S / 3600:g} hours and was given up"
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            one.error = str(error)
            _log.exception("export_failed", export=one.id)
        if one.state == "running":
            await self._end(one, "done" if one.sha256 else "failed")

    async def _lines(self, one: Export) -> AsyncIterator[Line]:
        """Run the child; yield what it prints. Its reason for a failure is put into the export."""
        out = self._root / one.id / one.name
        job = ExportJob(str(self._data_dir), one.channel, one.start, one.end, one.kind, str(out), one.exact)
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a terminal's Ctrl-C is for the supervisor
            limit=MAX_LINE,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            child.stdin.write(msgspec.json.encode(job))
            child.stdin.close()
            said = asyncio.ensure_future(child.stderr.read())
            async for line in child.stdout:
                yield msgspec.json.decode(line, type=Line)
            if await child.wait():
                one.error, one.error_zh = _reason(await said, child.returncode or 0)
            said.cancel()
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()

    def _take(self, one: Export, made: Made) -> None:
        one.first, one.last, one.losses = round(made.start, 3), round(made.end, 3), made.losses
        one.bytes, one.sha256, one.done = made.bytes, made.sha256, 1.0
        one.encoded = made.encoded

    async def _end(self, one: Export, state: State) -> None:
        """Note the end of an export: in its file, and in the ledger."""
        one.state, one.ended_at = state, wall_s()
        args = {"export": one.id, "start": one.start, "end": one.end, "as": one.kind}
        if one.exact:
            args["exact"] = True
        if state == "done":
            args |= {"start": one.first, "end": one.last, "bytes": one.bytes, "sha256": one.sha256}
        self._record(
            Decision(
                who=one.by,
                role=one.role,
                channel=one.channel,
                what="archive.export",
                args=args,
                reason=one.reason,
                answer="ok" if state == "done" else state,
                error="" if state == "done" else one.error or state,
            )
        )
        await self._threads.call(self._settle, one)

    async def _tidy(self) -> None:
        """Remove the oldest exports: more than MAX_KEPT, or KEEP_S after their end."""
        known = await self._known()
        ended = [one for one in known.values() if one.state in _ENDED]
        for number, one in enumerate(ended):
            if len(ended) - number > MAX_KEPT or wall_s() - (one.ended_at or one.at) > KEEP_S:
                known.pop(one.id, None)
                await self._threads.call(self._forget, one)

    # ------------------------------------------------------------ files

    async def _known(self) -> dict[str, Export]:
        async with self._loading:
            if self._all is None:
                self._all = await self._threads.call(self._load)
                await self._tidy_loaded(self._all)
            return self._all

    async def _tidy_loaded(self, known: dict[str, Export]) -> None:
        """Tell what the last console did not end."""
        for one in known.values():
            if one.state not in _ENDED:
                one.error = "the console was restarted meanwhile; ask for it again"
                one.error_zh = "控制台在导出期间重启，请重新导出"
                await self._end(one, "interrupted")

    def _load(self) -> dict[str, Export]:
        found = []
        for path in self._root.glob("*/job.json"):
            try:
                one = msgspec.json.decode(path.read_bytes(), type=Export)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                _log.warning("export_unreadable", path=str(path))
                continue
            if one.id == path.parent.name:
                found.append(one)
        return {one.id: one for one in sorted(found, key=lambda one: (one.at, one.id))}

    def _write(self, one: Export) -> None:
        folder = self._root / one.id
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(folder / "job.json", msgspec.json.encode(one))

    def _settle(self, one: Export) -> None:
        """Bring the end of an export to the disk; nothing but a whole file stays beside it."""
        folder = self._root / one.id
        if one.state != "done" and folder.is_dir():
            for path in folder.iterdir():
                if path.name != "job.json":
                    path.unlink(missing_ok=True)
        self._write(one)

    def _forget(self, one: Export) -> None:
        shutil.rmtree(self._root / one.id, ignore_errors=True)


def _reason(said: bytes, code: int) -> tuple[str, str]:
    """Return what the child's last line on stderr says, in both languages."""
    lines = said.strip().splitlines()
    with contextlib.suppress(msgspec.MsgspecError, IndexError):
        told = msgspec.json.decode(lines[-1], type=dict[str, str])
        return told["error"], told.get("error_zh", "")
    _log.error("export_child_failed", exit=code, said=said[-4000:].decode(errors="replace"))
    return (
        f"the program that makes it failed (exit {code}); the log tells more",
        f"导出程序出错（退出码 {code}），详见日志",
    )
