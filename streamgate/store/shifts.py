"""The duty roster (值班表): planned shifts, hand-overs, and who is on duty at a moment."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from streamgate.core.channel_name import require_name
from streamgate.errors import Refused
from streamgate.store.duty_models import BROADCAST_CHARS, NOTE_CHARS, DutyOffer, DutyShift
from streamgate.store.models import User
from streamgate.store.rows import change

HOUR_S = 3600.0
MAX_SHIFT_S = 24 * HOUR_S
MAX_AHEAD_S = 366 * 24 * HOUR_S
MAX_PLANNED = 1000
"""Shifts of a channel that have not ended."""
TAKEN_S = 12 * HOUR_S
"""Somebody who steps in is on duty for so long, unless handed over or left before."""


class Shift(NamedTuple):
    """A person's time on duty, `starts_at` to `ends_at` (when it really ended, if that was earlier).

    `user`: user name. `ended_why`: "" unless it was ended before its planned end. See `DutyShift`.
    """

    id: int
    channel: str
    broadcast: str
    user: str
    display_name: str
    starts_at: float
    ends_at: float
    origin: str
    after: int | None
    note: str
    made_by: str
    ended_why: str


class Offer(NamedTuple):
    """A hand-over that waits for `to`."""

    id: int
    channel: str
    shift: int
    user: str
    display_name: str
    to: str
    to_display_name: str
    note: str
    offered_at: float


# ---------------------------------------------------------------- the roster


def plan(
    session: Session,
    channel: str,
    user: User,
    starts_at: float,
    ends_at: float,
    *,
    broadcast: str = "",
    note: str = "",
    by: str,
    at: float,
) -> int:
    """Put a shift into the roster. Returns its number.

    Raises:
        Refused: the times make no sense, overlap with a shift of the same person there, the person is
            disabled, or the roster is full.
    """
    require_name(channel)
    _require_enabled(user)
    if not starts_at < ends_at <= starts_at + MAX_SHIFT_S:
        raise Refused(
            f"a shift must end after it starts, and within {MAX_SHIFT_S / HOUR_S:g} h",
            f"值班结束时间须晚于开始时间，且不超过 {MAX_SHIFT_S / HOUR_S:g} 小时",
        )
    if ends_at <= at or starts_at > at + MAX_AHEAD_S:
        raise Refused(
            "a shift must end in the future, and start within a year", "值班须在将来结束，并在一年之内开始"
        )
    ends = _ends_at()
    in_force = sa.select(sa.func.count()).where(DutyShift.channel == channel, ends > at)
    if (session.scalar(in_force) or 0) >= MAX_PLANNED:
        raise Refused(
            f"the roster of {channel} holds {MAX_PLANNED} shifts already; plan less far ahead",
            f"频道 {channel} 的值班表已有 {MAX_PLANNED} 条；请缩短排班周期",
        )
    overlap = sa.select(DutyShift.id).where(
        DutyShift.channel == channel,
        DutyShift.user_id == user.id,
        DutyShift.starts_at < ends_at,
        ends > starts_at,
    )
    if session.scalar(overlap) is not None:
        raise Refused(
            f"{user.username} is on the roster of {channel} at that time already",
            f"{user.username} 在该时段已有频道 {channel} 的值班安排",
        )
    made = _add(
        session,
        channel,
        user.id,
        starts_at,
        ends_at,
        origin="planned",
        broadcast=_text(broadcast, BROADCAST_CHARS, "broadcast", "直播"),
        note=_text(note, NOTE_CHARS, "note", "备注"),
        by=by,
        at=at,
    )
    return made.id


def remove(session: Session, channel: str, shift_id: int, *, by: str, at: float) -> Shift:
    """Take a shift off the roster, or end it now when it runs. Returns it as it was.

    Raises:
        Refused: there is no such shift that has not ended.
    """
    before = find(session, channel, shift_id)
    if before is None or not _end(session, [shift_id], "removed", by=by, at=at):
        raise Refused(
            f"there is no shift {shift_id} on the roster of {channel} that has not ended",
            f"频道 {channel} 的值班表中没有未结束的第 {shift_id} 条",
        )
    return before


def find(session: Session, channel: str, shift_id: int) -> Shift | None:
    rows = _select(session, DutyShift.id == shift_id, DutyShift.channel == channel)
    return rows[0] if rows else None


def list_shifts(
    session: Session, channel: str, *, since: float, until: float, limit: int = MAX_PLANNED
) -> list[Shift]:
    """Return the shifts of a channel that touch this time, by start, without those removed before it."""
    return _select(
        session,
        DutyShift.channel == channel,
        DutyShift.starts_at < until,
        _ends_at() > since,
        sa.or_(
            DutyShift.ended_why.is_(None),
            DutyShift.ended_why != "removed",
            DutyShift.ended_at > DutyShift.starts_at,
        ),
        limit=limit,
    )


def list_on_duty(session: Session, at: float) -> list[Shift]:
    """Return who is on duty on each channel at a moment, by channel and start."""
    return _select(session, DutyShift.starts_at <= at, _ends_at() > at)


def list_near(session: Session, at: float) -> list[Shift]:
    """Return the shifts of all channels that run, or begin within a day, by channel and start."""
    return _select(
        session,
        DutyShift.starts_at <= at + MAX_SHIFT_S,
        _ends_at() > at,
        sa.or_(DutyShift.ended_at.is_(None), DutyShift.ended_at > at),
    )


def list_channels(session: Session) -> frozenset[str]:
    """Return the channels that have ever had a roster."""
    return frozenset(session.scalars(sa.select(DutyShift.channel).distinct()))


# ---------------------------------------------------------------- stepping in and out


def take(session: Session, channel: str, user: User, *, note: str = "", by: str, at: float) -> int:
    """Let somebody step in: on duty from now, beside whoever is. Returns the shift's number.

    Raises:
        Refused: the person is on duty there already, or disabled.
    """
    require_name(channel)
    _require_enabled(user)
    if _running(session, channel, user.id, at) is not None:
        raise Refused(
            f"{user.username} is on duty on {channel} already", f"{user.username} 已在频道 {channel} 值班"
        )
    note = _text(note, NOTE_CHARS, "note", "备注")
    made = _add(session, channel, user.id, at, at + TAKEN_S, origin="taken", note=note, by=by, at=at)
    return made.id


def leave(session: Session, channel: str, user: User, *, by: str, at: float) -> Shift:
    """End a person's time on duty now; an offer of it lapses. Returns the shift.

    Raises:
        Refused: the person is not on duty there.
    """
    running = _require_running(session, channel, user, at)
    found = find(session, channel, running.id)
    assert found is not None
    _end(session, [running.id], "left", by=by, at=at)
    return found


def offer(session: Session, channel: str, user: User, to: User, *, note: str, at: float) -> Offer:
    """Offer one's duty to somebody, with a note; an earlier offer of it is withdrawn.

    Raises:
        Refused: `user` is not on duty there, `to` is the same person, disabled, or on duty there already.
    """
    running = _require_running(session, channel, user, at)
    _require_enabled(to)
    if to.id == user.id or _running(session, channel, to.id, at) is not None:
        raise Refused(
            f"{to.username} is on duty on {channel} already; name somebody else",
            f"{to.username} 已在频道 {channel} 值班；请选择其他人",
        )
    _close_offers(session, [running.id], "withdrawn", at)
    text = _text(note, NOTE_CHARS, "note", "备注")
    made = DutyOffer(shift_id=running.id, to_user_id=to.id, note=text, offered_at=at)
    session.add(made)
    session.flush()
    return next(one for one in list_offers(session, at) if one.id == made.id)


def withdraw(session: Session, channel: str, user: User, *, at: float) -> None:
    """Take back what one has offered.

    Raises:
        Refused: nothing is offered.
    """
    running = _require_running(session, channel, user, at)
    if not _close_offers(session, [running.id], "withdrawn", at):
        raise Refused("no hand-over is offered", "当前没有待接班的交班")


def accept(session: Session, channel: str, user: User, *, by: str, at: float) -> tuple[Offer, int]:
    """Take over what was offered: from now `user` is on duty instead, until the end of that shift.

    Of several offers the oldest is taken. Returns it, and the number of the new shift.

    Raises:
        Refused: nothing is offered to this person there, any more.
    """
    _require_enabled(user)
    waiting = [one for one in list_offers(session, at) if one.channel == channel]
    mine = next((one for one in waiting if one.to == user.username), None)
    row = None if mine is None else session.get(DutyShift, mine.shift, with_for_update=True)
    if mine is None or row is None or not _close_offers(session, [mine.shift], "accepted", at):
        raise Refused(
            f"nobody hands over duty on {channel} to {user.username}",
            f"频道 {channel} 没有交给 {user.username} 的交班",
        )
    if _running(session, channel, user.id, at) is not None:
        raise Refused(
            f"{user.username} is on duty on {channel} already", f"{user.username} 已在频道 {channel} 值班"
        )
    broadcast, ends_at = row.broadcast, row.ends_at
    _end(session, [mine.shift], "handed_over", by=by, at=at)
    made = _add(
        session,
        channel,
        user.id,
        at,
        ends_at,
        origin="handed_over",
        broadcast=broadcast,
        note=mine.note,
        after=mine.shift,
        by=by,
        at=at,
    )
    return mine, made.id


def list_offers(session: Session, at: float) -> list[Offer]:
    """Return what is offered and not taken over yet, of shifts that still run, the oldest first."""
    giver, taker = aliased(User), aliased(User)
    query = (
        sa.select(DutyOffer, DutyShift.channel, giver, taker)
        .join(DutyShift, DutyShift.id == DutyOffer.shift_id)
        .join(giver, giver.id == DutyShift.user_id)
        .join(taker, taker.id == DutyOffer.to_user_id)
        .where(DutyOffer.closed_at.is_(None), DutyShift.ended_at.is_(None), DutyShift.ends_at > at)
        .order_by(DutyOffer.id)
    )
    return [
        Offer(
            one.id,
            channel,
            one.shift_id,
            by.username,
            by.display_name,
            to.username,
            to.display_name,
            one.note,
            one.offered_at,
        )
        for one, channel, by, to in session.execute(query)
    ]


# ---------------------------------------------------------------- parts


def _ends_at() -> sa.ColumnElement[float]:
    """When a shift really ends."""
    return sa.case(
        (
            sa.and_(DutyShift.ended_at.is_not(None), DutyShift.ended_at < DutyShift.ends_at),
            DutyShift.ended_at,
        ),
        else_=DutyShift.ends_at,
    )


def _select(session: Session, *where: sa.ColumnElement[bool], limit: int = MAX_PLANNED) -> list[Shift]:
    query = (
        sa.select(DutyShift, User)
        .join(User, User.id == DutyShift.user_id)
        .where(*where)
        .order_by(DutyShift.channel, DutyShift.starts_at, DutyShift.id)
        .limit(limit)
    )
    return [
        Shift(
            one.id,
            one.channel,
            one.broadcast,
            user.username,
            user.display_name,
            one.starts_at,
            one.ends_at if one.ended_at is None else min(one.ends_at, one.ended_at),
            one.origin,
            one.after,
            one.note,
            one.made_by,
            one.ended_why or "",
        )
        for one, user in session.execute(query)
    ]


def _add(
    session: Session,
    channel: str,
    user_id: int,
    starts_at: float,
    ends_at: float,
    *,
    origin: str,
    broadcast: str = "",
    note: str = "",
    after: int | None = None,
    by: str,
    at: float,
) -> DutyShift:
    made = DutyShift(
        channel=channel,
        broadcast=broadcast,
        user_id=user_id,
        starts_at=starts_at,
        ends_at=ends_at,
        origin=origin,
        after=after,
        note=note,
        made_by=by,
        made_at=at,
    )
    session.add(made)
    session.flush()
    return made


def _running(session: Session, channel: str, user_id: int, at: float) -> DutyShift | None:
    query = sa.select(DutyShift).where(
        DutyShift.channel == channel,
        DutyShift.user_id == user_id,
        DutyShift.starts_at <= at,
        _ends_at() > at,
    )
    return session.scalars(query.order_by(DutyShift.ends_at.desc())).first()


def _require_running(session: Session, channel: str, user: User, at: float) -> DutyShift:
    running = _running(session, channel, user.id, at)
    if running is None:
        raise Refused(
            f"{user.username} is not on duty on {channel}", f"{user.username} 不在频道 {channel} 值班"
        )
    return running


def _end(session: Session, ids: Iterable[int], why: str, *, by: str, at: float) -> int:
    """End shifts that have not ended; their offers lapse. Returns how many."""
    listed = list(ids)
    _close_offers(session, listed, "lapsed", at)
    query = sa.update(DutyShift).where(
        DutyShift.id.in_(listed), DutyShift.ended_at.is_(None), DutyShift.ends_at > at
    )
    return change(session, query.values(ended_at=at, ended_by=by, ended_why=why))


def _close_offers(session: Session, shifts: Iterable[int], why: str, at: float) -> int:
    query = sa.update(DutyOffer).where(DutyOffer.shift_id.in_(list(shifts)), DutyOffer.closed_at.is_(None))
    return change(session, query.values(closed_at=at, closed_why=why))


def _require_enabled(user: User) -> None:
    if user.disabled_at is not None:
        raise Refused(
            f"{user.username} is disabled and cannot be on duty", f"{user.username} 已停用，不能值班"
        )


def _text(text: str, chars: int, what: str, what_zh: str) -> str:
    plain = " ".join(text.split())
    if len(plain) > chars or not plain.isprintable():
        raise Refused(f"{what} may have at most {chars} characters", f"{what_zh}最多 {chars} 个字符")
    return plain
