"""Carries reports upward: notifies persons, tries again, escalates what nobody answers."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from pathlib import Path

import structlog

from streamgate.errors import ArchiveError, ConfigError, Refused
from streamgate.incidents.book import Book
from streamgate.incidents.chain import Chain, ChainFile
from streamgate.incidents.escalation import Escalated, Notified, Reported, Sent, find_due
from streamgate.incidents.incident import BY, Incident, State
from streamgate.incidents.notify import NotSent
from streamgate.runtime.apart import DaemonThreads

LOOK_S = 1.0
MAX_AT_ONCE = 8  # persons notified at a time
AT_ONCE_S = 24 * 3600.0  # what was written up longer ago is not reported by itself any more
_KINDS = {
    "cut": "切断 cut",
    "dump": "丢弃 dump",
    "condemn": "切除 condemned span",
    "redact": "消音、马赛克 redacted span",
    "stop": "停播 stop",
    "violation": "延时下限 delay floor",
    "gap": "录制缺失 not recorded",
    "note": "备注 note",
}
_LEVELS = {"minor": "一般 minor", "serious": "较大 serious", "grave": "重大 grave"}
Notify = Callable[[Sequence[str], str, str], NotSent]
_log = structlog.get_logger("escalation")


class Escalator:
    """Looks after the reports of one data directory. Calls block."""

    def __init__(self, data_dir: Path, book: Book, notify: Notify) -> None:
        self._book, self._notify = book, notify
        self._file = ChainFile(data_dir, clock=book.clock)

    def look(self) -> None:
        """Do what is due now. Raises ArchiveError, ConfigError, OSError."""
        chain = self._file.read()
        for one in list(self._book.read().values()):
            if chain is not None and self._is_to_report(one, chain):
                self._book.add(report_of(one, chain, by=BY, at=self._book.clock()))
            now_one = self._book.read()[one.id]
            if now_one.escalation is not None and now_one.escalation.state == "reported":
                self._carry(now_one, chain)

    def _is_to_report(self, one: Incident, chain: Chain) -> bool:
        since = max(chain.set_at, self._book.clock() - AT_ONCE_S)
        return (
            one.state is State.COMPLETED
            and one.escalation is None
            and one.level in chain.at_once
            and one.completed_at >= since
        )

    def _carry(self, one: Incident, chain: Chain | None) -> None:
        assert one.escalation is not None
        due = find_due(one.escalation, self._book.clock())
        if due.escalate is not None:
            one = self._book.add(Escalated(id=one.id, at=self._book.clock(), by=BY, step=due.escalate))
            assert one.escalation is not None
            due = find_due(one.escalation, self._book.clock())
        if not due.send:
            return
        with ThreadPoolExecutor(min(MAX_AT_ONCE, len(due.send)), "notify") as threads:
            asked = {threads.submit(self._tell, one, notified, chain): notified for notified in due.send}
            for done in as_completed(asked):
                self._note(one, asked[done], done.result())

    def _tell(self, one: Incident, notified: Notified, chain: Chain | None) -> NotSent:
        urls = chain.urls_of(notified.person) if chain is not None else ()
        return self._notify(urls, *message_of(one, notified, chain))

    def _note(self, one: Incident, notified: Notified, told: NotSent) -> None:
        sent = Sent(
            id=one.id,
            at=self._book.clock(),
            by=BY,
            step=notified.step,
            person=notified.person,
            error=told.error,
            error_zh=told.error_zh,
        )
        with contextlib.suppress(Refused):  # it was closed meanwhile
            self._book.add(sent)
        if told.error:
            _log.warning("not_notified", id=one.id, person=notified.person, reason=told.error)


def report_of(one: Incident, chain: Chain, *, by: str, at: float, words: str = "") -> Reported:
    """Return the event that begins the report of an incident."""
    return Reported(id=one.id, at=at, by=by, steps=chain.names(), words=words)


def message_of(one: Incident, notified: Notified, chain: Chain | None) -> tuple[str, str]:
    """Return title and body of a notification, in both languages; it says by when it must be answered."""
    assert one.escalation is not None
    step = one.escalation.steps[notified.step]
    institution = f"{chain.institution} " if chain is not None and chain.institution else ""
    level = f" {_LEVELS[one.level]}" if one.level is not None else ""
    title = f"[{institution}{one.channel}] 直播事件上报 incident {one.id}{level}"
    happened = local_time(one.happened)
    lines = [
        f"事件 incident: {one.id} ({_KINDS[one.kind]})",
        f"频道 channel: {one.channel}    场次 broadcast: {one.broadcast or '-'}",
        f"时间 time: {happened}",
        f"经过 what happened: {one.report or one.words_zh or one.words or '-'}",
        f"处置 measures: {one.measures or '-'}",
        f"环节 step {notified.step + 1}/{len(one.escalation.steps)}: {step.name}",
        f"请在 {local_time(one.escalation.due_at)} 前签收。 Please acknowledge before that time.",
    ]
    if chain is not None and chain.page:
        lines.append(f"{chain.page.rstrip('/')}/incidents/{one.id}")
    return title, "\n".join(lines)


def local_time(at: float) -> str:
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S %z}"


async def carry_upward(data_dir: Path, notify: Notify) -> None:
    """Do what is due until cancelled. What the disk refuses is tried again."""
    threads = DaemonThreads("escalation", 1)  # not waited for: a server may hold it up
    escalator = Escalator(data_dir, Book(data_dir), notify)
    failed = ""
    while True:
        try:
            await threads.call(escalator.look)
            failed = ""
        except (ArchiveError, ConfigError, Refused, OSError) as error:
            if str(error) != failed:
                failed = str(error)
                _log.warning("escalation_held_up", reason=failed)
        await asyncio.sleep(LOOK_S)
