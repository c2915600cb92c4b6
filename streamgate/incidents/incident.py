"""Incidents: what happened around air that the institution must account for (R6, R19, R27). Pure.

An incident is what its events say, one after the other: `opened` makes the draft, people complete it, join it
into another one or dismiss it. Nothing is ever taken back: a completed incident that is completed again shows
the newer words, and keeps the older ones in its log. Times: wall clock, seconds since the epoch.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, assert_never

import msgspec

from streamgate.core.delay import MIN_DELAY_S
from streamgate.core.two_people import is_person
from streamgate.errors import Refused
from streamgate.incidents.escalation import (
    Acknowledged,
    Closed,
    Escalated,
    Escalation,
    EscalationEvent,
    Followed,
    Reported,
    Sent,
    fold_escalation,
)
from streamgate.incidents.event import Event

AROUND_S = 30.0  # PVW and PGM before and after
STILLS = (-30.0, -10.0, 0.0, 10.0)  # when stills are taken, from the moment on
MAX_TEXT = 4_000
MAX_REASON = 500
BY = "incidents"  # who opens drafts, holds recordings and notifies by itself, as an actor

Kind = Literal["cut", "dump", "condemn", "redact", "stop", "violation", "gap", "note"]
Category = Literal["picture", "sound", "captions", "speech", "comments", "technical", "operation", "other"]
Level = Literal["minor", "serious", "grave"]
Aired = Literal["no", "partly", "yes", "unknown"]


class State(StrEnum):
    DRAFT = "draft"
    COMPLETED = "completed"
    JOINED = "joined"
    DISMISSED = "dismissed"


# ---------------------------------------------------------------- events


class Opened(Event, frozen=True, kw_only=True, tag="opened"):
    """A draft begins.

    `happened`: when. `actor`: who did it, "" when nobody did. `seconds`: of a dump, or how
    long before `happened` a span began. `delay_s`: in force then.
    `words`: what the person or the gate said. `origin`: the ledger's record, FILE#NUMBER.
    """

    kind: Kind
    channel: str
    happened: float
    actor: str = ""
    broadcast: str = ""
    seconds: float = 0.0
    delay_s: float = 0.0
    words: str = ""
    words_zh: str = ""
    origin: str = ""


class Ended(Event, frozen=True, kw_only=True, tag="ended"):
    """The cut ended at `until` (restore, undo or stop): the span of the incident reaches to there."""

    until: float


class Kept(Event, frozen=True, kw_only=True, tag="kept"):
    """The recordings of [start, end) are on hold under `hold`."""

    hold: str
    start: float
    end: float


class Completed(Event, frozen=True, kw_only=True, tag="completed"):
    """Somebody wrote the incident up. `aired`: whether viewers saw or heard it."""

    category: Category
    level: Level
    aired: Aired
    words: str
    measures: str = ""


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    """The draft is part of the incident `into`."""

    into: str
    reason: str


class Dismissed(Event, frozen=True, kw_only=True, tag="dismissed"):
    reason: str


AnyEvent = Opened | Ended | Kept | Completed | Joined | Dismissed | EscalationEvent


# ---------------------------------------------------------------- incidents


class Span(msgspec.Struct, frozen=True):
    start: float
    end: float


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an incident. `pvw`, `pgm`: when these pictures show it, 30 s before and after.

    `held`: what of the recordings is on hold; a picture that airs at T arrived `delay_s` before T.
    """

    id: str
    state: State
    kind: Kind
    channel: str
    broadcast: str
    happened: float
    until: float
    actor: str
    seconds: float
    delay_s: float
    words: str
    words_zh: str
    origin: str
    opened_at: float
    pvw: Span
    pgm: Span
    held: Span
    holds: tuple[str, ...] = ()
    category: Category | None = None
    level: Level | None = None
    aired: Aired | None = None
    report: str = ""
    measures: str = ""
    completed_by: str = ""
    completed_at: float = 0.0
    joined_into: str = ""
    members: tuple[str, ...] = ()
    reason: str = ""  # of joining or dismissing it
    settled_by: str = ""
    settled_at: float = 0.0
    escalation: Escalation | None = None
    log: tuple[AnyEvent, ...] = ()


Incidents = dict[str, Incident]


def stills_due(one: Incident) -> list[float]:
    """Return when the pictures that STILLS are of were due to air."""
    return [one.happened + at + max(one.delay_s, MIN_DELAY_S) for at in STILLS]


def fold(incidents: Incidents, event: AnyEvent) -> Incidents:
    """Return the incidents that `event` changes, as they are after it.

    Raises:
        Refused: there is no such incident, or its state does not allow this.
    """
    if isinstance(event, Opened):
        if event.id in incidents:
            raise Refused(f"incident {event.id} is open already", f"事件 {event.id} 已存在")
        return {event.id: _open(event)}
    one = find(incidents, event.id)
    told: dict[str, Any] = {"log": (*one.log, event)}
    match event:
        case Ended():
            changed = {one.id: _spread(one, until=max(one.until, event.until), **told)}
        case Kept():
            changed = {one.id: _with(one, holds=(*one.holds, event.hold), **told)}
        case Completed():
            _must_be(one, State.DRAFT, State.COMPLETED)
            changed = {one.id: _complete(one, event, told)}
        case Dismissed():
            _must_be_settled(one)
            if one.members:
                raise Refused(
                    f"{len(one.members)} incidents were joined into {one.id}: write it up instead",
                    f"已有 {len(one.members)} 个事件并入 {one.id}，请填报",
                )
            changed = {one.id: _with(one, state=State.DISMISSED, **_by(event), **told)}
        case Joined():
            _must_be_settled(one)
            changed = _join(incidents, one, event, told)
        case Reported() | Sent() | Escalated() | Acknowledged() | Followed() | Closed():
            if isinstance(event, Reported):
                _must_be(one, State.DRAFT, State.COMPLETED)
            changed = {one.id: _with(one, escalation=fold_escalation(one.escalation, event), **told)}
        case _:
            assert_never(event)
    return changed


def _join(incidents: Incidents, one: Incident, event: Joined, told: dict[str, Any]) -> Incidents:
    into = find(incidents, event.into)
    _may_take(into, one)
    members = (*into.members, one.id, *one.members)
    return {
        **{member: _with(find(incidents, member), joined_into=into.id) for member in one.members},
        one.id: _with(one, state=State.JOINED, joined_into=into.id, members=(), **_by(event), **told),
        into.id: _with(into, members=members, log=(*into.log, event)),
    }


def _by(event: Joined | Dismissed) -> dict[str, Any]:
    return {"reason": event.reason, "settled_by": event.by, "settled_at": event.at}


def _must_be_settled(one: Incident) -> None:
    """Refuse what hides a draft that somebody upward was told of."""
    _must_be(one, State.DRAFT)
    if one.escalation is not None and one.escalation.state != "closed":
        raise Refused(
            f"incident {one.id} was reported upward; close the report first",
            f"事件 {one.id} 已上报，请先办结",
        )


def find(incidents: Mapping[str, Incident], number: str) -> Incident:
    """Return an incident. Raises Refused: there is none of this id."""
    one = incidents.get(number)
    if one is None:
        newest = ", ".join(sorted(incidents)[-5:]) or "none yet"
        raise Refused(f"there is no incident {number}; the newest are: {newest}", f"没有事件 {number}")
    return one


def check(event: AnyEvent) -> None:
    """Raise Refused for what a person may not say so: no name, no words, no reason, or too many of them."""
    match event:
        case Completed():
            _need_text(event.words, MAX_TEXT, "what happened", "经过")
            _need_text(event.measures or "-", MAX_TEXT, "the measures", "处置措施")
        case Joined() | Dismissed():
            _need_text(event.reason, MAX_REASON, "a reason", "理由")
        case Followed() | Closed():
            _need_text(event.words, MAX_REASON, "words", "内容")
        case Acknowledged() | Reported():
            _need_text(event.words or "-", MAX_REASON, "words", "内容")
            if isinstance(event, Reported) and event.by == BY:  # a grade that the chain reports at once
                return
        case Opened(kind="note"):
            _need_text(event.words, MAX_TEXT, "the note's words", "备注内容")
            return
        case _:
            return
    if not is_person(event.by):
        raise Refused(f"{event.by} is no person; incidents are settled by people", "事件须由具名人员处理")


def _need_text(text: str, most: int, what: str, what_zh: str) -> None:
    if not 0 < len(text.strip()) <= most:
        raise Refused(f"{what}: 1 to {most} characters are needed", f"{what_zh}须为 1 至 {most} 字")


def _open(event: Opened) -> Incident:
    one = Incident(
        id=event.id,
        state=State.DRAFT,
        kind=event.kind,
        channel=event.channel,
        broadcast=event.broadcast,
        happened=event.happened,
        until=event.happened,
        actor=event.actor,
        seconds=event.seconds,
        delay_s=event.delay_s,
        words=event.words,
        words_zh=event.words_zh,
        origin=event.origin,
        opened_at=event.at,
        pvw=Span(0, 0),
        pgm=Span(0, 0),
        held=Span(0, 0),
        log=(event,),
    )
    return _spread(one, until=event.happened)


def _spread(one: Incident, *, until: float, **told: Any) -> Incident:
    """Return the incident with its spans: it lasted until then."""
    first, last = one.happened - AROUND_S, until + AROUND_S
    return _with(
        one,
        until=until,
        pvw=Span(first - one.seconds, last),
        pgm=Span(first, last),
        held=Span(first - max(one.delay_s, one.seconds), last),
        **told,
    )


def _complete(one: Incident, event: Completed, told: dict[str, Any]) -> Incident:
    return _with(
        one,
        state=State.COMPLETED,
        category=event.category,
        level=event.level,
        aired=event.aired,
        report=event.words,
        measures=event.measures,
        completed_by=event.by,
        completed_at=event.at,
        **told,
    )


def _with(one: Incident, **changes: Any) -> Incident:
    return msgspec.structs.replace(one, **changes)


_STATES_ZH = {
    State.DRAFT: "草稿",
    State.COMPLETED: "已填报",
    State.JOINED: "已并入其他事件",
    State.DISMISSED: "已撤销",
}


def _must_be(one: Incident, *states: State) -> None:
    if one.state not in states:
        raise Refused(
            f"incident {one.id} is {one.state}; this takes one that is {' or '.join(states)}",
            f"事件 {one.id} 状态为「{_STATES_ZH[one.state]}」，不能执行此操作",
        )


def _may_take(into: Incident, one: Incident) -> None:
    if into.id == one.id:
        raise Refused("an incident cannot be joined into itself", "事件不能并入自身")
    _must_be(into, State.DRAFT, State.COMPLETED)
    if into.channel != one.channel:
        raise Refused(
            f"incident {into.id} is of channel {into.channel}, {one.id} of {one.channel}; incidents are"
            f" joined within a channel",
            "只能并入同一频道的事件",
        )
