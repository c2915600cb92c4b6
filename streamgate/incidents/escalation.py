"""Reporting an incident upward, level by level (逐级上报, R6, R27). Pure.

An incident that is reported stands at the chain's first step: its persons are notified. Somebody acknowledges
it, or its deadline passes and the next step's persons are notified, too. What is done then is written into
the follow-up log until somebody closes it. The steps are those of the moment it was reported, without the
addresses: a copy of the book tells who was to answer by when.
"""

from typing import Any, Literal, NamedTuple, assert_never

import msgspec

from streamgate.errors import Refused
from streamgate.incidents.event import Event
from streamgate.wording import said_by_others

WAITS_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0)  # after the n-th try that failed; then the last one
MAX_TRIES = 40
MAX_LOG = 1_000


class Step(msgspec.Struct, frozen=True):
    """A level of the chain. `persons`: by name; `within_min`: minutes until the next level is notified."""

    name: str
    persons: tuple[str, ...]
    within_min: float


class Reported(Event, frozen=True, kw_only=True, tag="reported"):
    steps: tuple[Step, ...]
    words: str = ""


class Sent(Event, frozen=True, kw_only=True, tag="sent"):
    """A person was notified, or could not be: `error`, "" when delivered. `error_zh`: "" in older books."""

    step: int
    person: str
    error: str = ""
    error_zh: str = ""


class Escalated(Event, frozen=True, kw_only=True, tag="escalated"):
    """The deadline of the step before passed: `step` is the one that is notified now, from 0."""

    step: int


class Acknowledged(Event, frozen=True, kw_only=True, tag="acknowledged"):
    words: str = ""


class Followed(Event, frozen=True, kw_only=True, tag="followed"):
    """A line of the follow-up log."""

    words: str


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    words: str


EscalationEvent = Reported | Sent | Escalated | Acknowledged | Followed | Closed


class Notified(msgspec.Struct, frozen=True):
    """One person's notification. `next_at`: when it is tried next, 0: never.

    `error`, `error_zh`: why the last try failed.
    """

    step: int
    person: str
    state: Literal["waiting", "delivered", "failed", "undelivered"]
    tries: int
    error: str
    error_zh: str
    next_at: float


class FollowUp(msgspec.Struct, frozen=True):
    at: float
    by: str
    words: str


class Escalation(msgspec.Struct, frozen=True):
    """Where a report stands. `step`: the level that was notified last, from 0; `due_at`: its deadline."""

    state: Literal["reported", "acknowledged", "closed"]
    steps: tuple[Step, ...]
    step: int
    reported_at: float
    reported_by: str
    due_at: float
    notified: tuple[Notified, ...]
    acknowledged_by: str = ""
    acknowledged_at: float = 0.0
    follow_up: tuple[FollowUp, ...] = ()
    closed_by: str = ""
    closed_at: float = 0.0


def fold_escalation(known: Escalation | None, event: EscalationEvent) -> Escalation:
    """Return where the report stands after the event. Raises Refused: it does not fit to where it stood."""
    if isinstance(event, Reported):
        if known is not None:
            raise Refused("the incident was reported upward already", "该事件已上报")
        if not event.steps:
            raise Refused("the chain has no step", "上报流程没有任何环节")
        first = Escalation("reported", event.steps, 0, event.at, event.by, 0.0, ())
        return _notify(first, 0, event.at)
    if known is None:
        raise Refused("the incident was not reported upward", "该事件尚未上报")
    if known.state == "closed":
        raise Refused(f"the report was closed by {known.closed_by}", "该上报已办结")
    match event:
        case Sent():
            return _with(known, notified=tuple(_tried(one, event) for one in known.notified))
        case Escalated():
            if event.step != known.step + 1 or event.step >= len(known.steps):
                raise Refused(
                    f"the report stands at step {known.step + 1} of {len(known.steps)}", "上报环节不符"
                )
            return _notify(known, event.step, event.at)
        case Acknowledged():
            if known.state == "acknowledged":
                raise Refused(f"{known.acknowledged_by} has acknowledged it already", "该上报已有人签收")
            told = _with(known, state="acknowledged", acknowledged_by=event.by, acknowledged_at=event.at)
            return _follow(told, event, event.words) if event.words else told
        case Followed():
            return _follow(known, event, event.words)
        case Closed():
            if known.state != "acknowledged":
                raise Refused("nobody has acknowledged the report yet", "该上报尚无人签收，不能办结")
            told = _follow(known, event, event.words)
            return _with(told, state="closed", closed_by=event.by, closed_at=event.at)
        case _:
            assert_never(event)


class Due(NamedTuple):
    """What is to be done now: `escalate` to this step (None: not), and whom to notify."""

    escalate: int | None
    send: tuple[Notified, ...]


def find_due(known: Escalation, now: float) -> Due:
    """Return what is due. Nothing is once somebody has acknowledged the report."""
    if known.state != "reported":
        return Due(None, ())
    send = tuple(one for one in known.notified if 0 < one.next_at <= now)
    following = known.step + 1
    late = now >= known.due_at and following < len(known.steps)
    return Due(following if late else None, send)


def is_overdue(known: Escalation, now: float) -> bool:
    """Whether the last level's deadline has passed without an answer."""
    return known.state == "reported" and known.step == len(known.steps) - 1 and now >= known.due_at


def _notify(known: Escalation, step: int, at: float) -> Escalation:
    one = known.steps[step]
    added = tuple(Notified(step, person, "waiting", 0, "", "", at) for person in one.persons)
    return _with(known, step=step, due_at=at + one.within_min * 60, notified=(*known.notified, *added))


def note_try(one: Notified, error: str, error_zh: str, at: float) -> Notified:
    """Return where a notification stands after a try. `error`: "" when it was delivered."""
    if one.state == "delivered":
        return one
    tries = one.tries + 1
    if not error:
        return Notified(one.step, one.person, "delivered", tries, "", "", 0.0)
    error_zh = error_zh or said_by_others(error)
    if tries >= MAX_TRIES:
        return Notified(one.step, one.person, "undelivered", tries, error, error_zh, 0.0)
    wait_s = WAITS_S[min(tries, len(WAITS_S)) - 1]
    return Notified(one.step, one.person, "failed", tries, error, error_zh, at + wait_s)


def _tried(one: Notified, event: Sent) -> Notified:
    mine = (one.step, one.person) == (event.step, event.person)
    return note_try(one, event.error, event.error_zh, event.at) if mine else one


def _follow(known: Escalation, event: Event, words: str) -> Escalation:
    if len(known.follow_up) >= MAX_LOG:
        raise Refused(f"the follow-up log is full: {MAX_LOG} lines", f"跟踪记录已满 {MAX_LOG} 条")
    return _with(known, follow_up=(*known.follow_up, FollowUp(event.at, event.by, words)))


def _with(known: Escalation, **changes: Any) -> Escalation:
    return msgspec.structs.replace(known, **changes)
