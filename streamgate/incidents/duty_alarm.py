"""Duty alarms outside the browser (R25): notifies the chain's first step that nobody on duty is there.

The gate raises the alarm and writes it into the ledger; this reads it there, beside the console. Each person
is notified once an alarm. What is not delivered is tried again until the alarm is over.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from streamgate.clock import wall_s
from streamgate.errors import ConfigError
from streamgate.incidents.book import FOLDER
from streamgate.incidents.chain import Chain, ChainFile
from streamgate.incidents.escalate import Notify, local_time
from streamgate.incidents.escalation import Notified, note_try
from streamgate.incidents.notify import NotSent
from streamgate.incidents.tail import LedgerTail, replace_owned
from streamgate.incidents.triggers import ENDS
from streamgate.ledger.record import Notice, Record
from streamgate.runtime.apart import DaemonThreads

FILE, FOLLOWED = "duty_alarms.json", "duty_followed.json"
LOOK_S = 0.5
MAX_AGE_S = 3600.0  # nobody is called for an alarm that began longer ago
MAX_ALARMS = 100  # kept, the newest
MAX_AT_ONCE = 8  # people notified at a time
ALARM, WHO = "duty_absent", "duty"
OVER = frozenset({"duty_back", "duty_over", *ENDS})
_MARKS = tuple(f'"{code}"'.encode() for code in sorted({ALARM, *OVER}))
_log = structlog.get_logger("duty_alarm")


class Alarm(msgspec.Struct, frozen=True):
    """An alarm of the gate. `id`: the ledger's line; `people`: the chain's first step as it was then."""

    id: str
    channel: str
    at: float
    text: str
    text_zh: str
    people: tuple[Notified, ...]
    over: bool = False


class Message(NamedTuple):
    """What is to be sent to one person now."""

    alarm: str
    person: str
    urls: tuple[str, ...]
    title: str
    body: str


class DutyAlarms:
    """The duty alarms of one data directory. Calls block, and come from one thread at a time."""

    def __init__(
        self, data_dir: Path, record: Callable[[Record], object], clock: Callable[[], float] = wall_s
    ) -> None:
        self._data_dir, self._record, self._clock = data_dir, record, clock
        folder = data_dir / FOLDER
        self._path = folder / FILE
        self._chain = ChainFile(data_dir)
        self._tail = LedgerTail(data_dir, folder / FOLLOWED, _may_matter, clock)
        self._alarms = self._recall()
        self._sending: set[tuple[str, str]] = set()
        self._kept = b"[]"
        self._refused = ""  # why nothing could be written, said once

    def look(self) -> list[Message]:
        """Read what the gate has recorded; return what is to be sent now. Each is to be noted, then.

        Raises:
            ConfigError: the chain, or the key of its addresses, cannot be used. The alarms wait for it.
            OSError: the ledger cannot be read.
        """
        self._tail.follow(self._take)
        self._keep()
        now = self._clock()
        due = [
            (alarm, one)
            for alarm in self._alarms.values()
            if not alarm.over and now - alarm.at <= MAX_AGE_S
            for one in alarm.people
            if 0 < one.next_at <= now and (alarm.id, one.person) not in self._sending
        ]
        chain = self._chain.read() if due else None
        self._sending |= {(alarm.id, one.person) for alarm, one in due}
        return [_address(alarm, one.person, chain) for alarm, one in due]

    def note(self, message: Message, told: NotSent) -> None:
        """Note what became of a message."""
        self._sending.discard((message.alarm, message.person))
        alarm = self._alarms.get(message.alarm)
        if alarm is None:
            return
        now = self._clock()
        people = tuple(
            note_try(one, told.error, told.error_zh, now) if one.person == message.person else one
            for one in alarm.people
        )
        self._alarms[alarm.id] = msgspec.structs.replace(alarm, people=people)
        (one,) = (one for one in people if one.person == message.person)
        if told.error:
            _log.warning("not_notified", alarm=alarm.id, person=message.person, reason=told.error)
        if not told.error or one.tries == 1 or one.state == "undelivered":  # what is tried again is said once
            self._say_sent(alarm, message.person, told)
        self._keep()

    def _take(self, record: Mapping[str, Any], origin: str) -> None:
        code, channel = record.get("code"), str(record.get("channel", ""))
        begins = code == ALARM and record.get("who") == WHO
        if record.get("kind") != "notice" or not (begins or code in OVER) or origin in self._alarms:
            return
        for one in list(self._alarms.values()):
            if one.channel == channel and not one.over:
                self._alarms[one.id] = msgspec.structs.replace(one, over=True)
        if begins:
            self._begin(record, channel, origin)

    def _begin(self, record: Mapping[str, Any], channel: str, origin: str) -> None:
        chain, at = self._chain.read(), float(record.get("at", 0.0))
        persons = chain.steps[0].persons if chain is not None else ()
        people = tuple(Notified(0, one.name, "waiting", 0, "", "", at) for one in persons)
        text, text_zh = str(record.get("text", "")), str(record.get("text_zh", ""))
        self._alarms[origin] = Alarm(origin, channel, at, text, text_zh, people)
        while len(self._alarms) > MAX_ALARMS:
            del self._alarms[next(iter(self._alarms))]
        if chain is None:
            self._record(
                Notice(
                    channel=channel,
                    who=WHO,
                    code="duty_nobody_to_notify",
                    text="the duty alarm reaches open pages only: no chain of persons is set;"
                    " set one with: streamgate escalation set FILE",
                    text_zh="值班告警只出现在已打开的页面上：尚未设置上报流程；"
                    "请运行 streamgate escalation set FILE",
                    level="warning",
                )
            )

    def _say_sent(self, alarm: Alarm, person: str, told: NotSent) -> None:
        notice = Notice(
            channel=alarm.channel,
            who=WHO,
            code="duty_notified",
            text=f"{person} was notified that nobody on duty is there",
            text_zh=f"已向{person}发出无人值守通知",
        )
        if told.error:
            notice = Notice(
                channel=alarm.channel,
                who=WHO,
                code="duty_not_notified",
                text=f"{person} could not be notified that nobody on duty is there: {told.error}",
                text_zh=f"未能向{person}发出无人值守通知：{told.error_zh}",
                level="warning",
            )
        self._record(notice)

    def _recall(self) -> dict[str, Alarm]:
        try:
            known = msgspec.json.decode(self._path.read_bytes(), type=list[Alarm])
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}
        return {one.id: one for one in known}

    def _keep(self) -> None:
        """Write down what the next console must know. A disk that refuses keeps no message back."""
        now = msgspec.json.encode(list(self._alarms.values()))
        try:
            if now != self._kept:
                replace_owned(self._path, now, self._data_dir)
                self._kept = now
            self._tail.remember()
            self._refused = ""
        except OSError as error:
            if str(error) != self._refused:
                self._refused = str(error)
                _log.warning("duty_alarms_not_kept", reason=self._refused)


def say_alarm(alarm: Alarm, chain: Chain | None) -> tuple[str, str]:
    """Return title and body of the notification, in both languages: what is the matter, and what to do."""
    institution = f"{chain.institution} " if chain is not None and chain.institution else ""
    lines = [
        f"频道 {alarm.channel} 正在播出，无人值守：{alarm.text_zh}。",
        "请立即联系值班人员；或登录控制台，打开该频道，按 H 上岗。",
        "",
        f"Channel {alarm.channel} is on air and nobody watches it: {alarm.text}.",
        "Call whoever is on duty now; or sign in to the console, open the channel, press H and step in.",
        "",
        f"时间 time: {local_time(alarm.at)}",
    ]
    if chain is not None and chain.page:
        lines.append(f"{chain.page.rstrip('/')}/live/{alarm.channel}")
    return f"[{institution}{alarm.channel}] 无人值守 nobody on duty is there", "\n".join(lines)


def _address(alarm: Alarm, person: str, chain: Chain | None) -> Message:
    urls = chain.urls_of(person) if chain is not None else ()
    return Message(alarm.id, person, urls, *say_alarm(alarm, chain))


def _may_matter(line: bytes) -> bool:
    return any(mark in line for mark in _MARKS)


async def carry_duty_alarms(data_dir: Path, notify: Notify, record: Callable[[Record], object]) -> None:
    """Notify people of duty alarms until cancelled. A server that hangs holds up one person, no other."""
    threads = DaemonThreads("duty-alarm", 1)
    senders = DaemonThreads("duty-notify", MAX_AT_ONCE)
    alarms = await threads.call(DutyAlarms, data_dir, record)

    async def deliver(message: Message) -> None:
        told = await senders.call(notify, message.urls, message.title, message.body)
        await threads.call(alarms.note, message, told)

    failed = ""
    async with asyncio.TaskGroup() as group:
        while True:
            try:
                for message in await threads.call(alarms.look):
                    group.create_task(deliver(message))
                failed = ""
            except (ConfigError, OSError) as error:
                if str(error) != failed:
                    failed = str(error)
                    _log.warning("duty_alarms_held_up", reason=failed)
            await asyncio.sleep(LOOK_S)
