"""Duty as people see and change it: the roster, hand-overs, and who may be put on it."""

from collections.abc import Callable
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from sqlalchemy.orm import Session as Transaction

from console.auth.principals import Session
from console.duty.board import DutyBoard, may_be_on_duty
from console.problems import NOT_FOUND, Refused
from console.trace import current
from streamgate import errors
from streamgate.clock import wall_s
from streamgate.store import reactions, shifts, users
from streamgate.store.database import AsyncDatabase
from streamgate.store.models import User
from streamgate.store.reactions import MarkKind, Reaction
from streamgate.store.shifts import Offer, Shift

P = ParamSpec("P")
T = TypeVar("T")


class RosterShown(NamedTuple):
    """A channel's shifts of some time, by start, and the hand-overs that wait now."""

    shifts: list[Shift]
    offers: list[Offer]


class Candidate(NamedTuple):
    """Somebody who may be on duty."""

    user: str
    display_name: str


class DutyDesk:
    """Methods raise the console's Refused, errors.Refused and StoreError; each change is told to the gate."""

    def __init__(self, database: AsyncDatabase, board: DutyBoard) -> None:
        self._database, self._board = database, board

    async def show(self, channel: str, since: float, until: float) -> RosterShown:
        return await self._database.read(_show, channel, since, until)

    async def candidates(self, channel: str) -> list[Candidate]:
        return await self._database.read(_candidates, channel)

    async def plan(  # noqa: PLR0917
        self,
        by: Session,
        channel: str,
        user: str,
        starts_at: float,
        ends_at: float,
        broadcast: str,
        note: str,
    ) -> int:
        """Put a shift into the roster; return its number."""
        current().args["shift"] = number = await self._change(
            _plan, channel, user, starts_at, ends_at, broadcast, note, by.actor
        )
        return number

    async def remove(self, by: Session, channel: str, shift: int) -> None:
        gone = await self._change(_remove, channel, shift, by.actor)
        current().args.update(user=gone.user, starts_at=gone.starts_at, ends_at=gone.ends_at)

    async def take(self, by: Session, channel: str, note: str) -> None:
        """Step in: on duty from now."""
        await self._change(_take, by, channel, note)

    async def leave(self, by: Session, channel: str) -> None:
        """Go off duty now."""
        await self._change(_leave, by, channel)

    async def offer(self, by: Session, channel: str, to: str, note: str) -> None:
        """Offer one's duty to somebody, who has to take it."""
        await self._change(_offer, by, channel, to, note)

    async def withdraw(self, by: Session, channel: str) -> None:
        await self._change(_withdraw, by, channel)

    async def accept(self, by: Session, channel: str) -> Offer:
        """Take over what was offered."""
        taken = await self._change(_accept, by, channel)
        current().args.update({"from": taken.user, "note": taken.note})
        return taken

    async def reactions(self, user_id: int) -> dict[MarkKind, Reaction]:
        return await self._database.read(reactions.reactions_of, user_id)

    async def choose_reaction(self, by: Session, kind: MarkKind, chosen_s: float | None) -> None:
        """Set one's own reaction time by hand; None goes back to the measured one."""
        before = await self._database.write(
            reactions.choose, by.user_id, kind, chosen_s, by=by.actor, at=wall_s()
        )
        current().note_change(f"reaction.{kind}", before, chosen_s)

    async def _change(
        self, work: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        done = await self._database.write(work, *args, **kwargs)
        await self._board.refresh()
        return done


def _show(session: Transaction, channel: str, since: float, until: float) -> RosterShown:
    waiting = [one for one in shifts.list_offers(session, wall_s()) if one.channel == channel]
    return RosterShown(shifts.list_shifts(session, channel, since=since, until=until), waiting)


def _candidates(session: Transaction, channel: str) -> list[Candidate]:
    return [
        Candidate(user.username, user.display_name)
        for user, grants in users.list_all(session)
        if user.disabled_at is None and may_be_on_duty(grants, channel)
    ]


def require_candidate(session: Transaction, channel: str, name: str) -> User:
    """Return somebody who may be on duty there. Raises errors.Refused."""
    user = users.find(session, name)
    if user is None or not may_be_on_duty(users.grants_of(session, [user.id]).get(user.id, ()), channel):
        raise errors.Refused(
            f"{name} may not be on duty on {channel}: it takes a role there that cuts or reviews",
            f"{name} 不能在频道 {channel} 值班：须有该频道的切断或审核权限",
        )
    return user


def _plan(  # noqa: PLR0917
    session: Transaction,
    channel: str,
    name: str,
    starts_at: float,
    ends_at: float,
    broadcast: str,
    note: str,
    by: str,
) -> int:
    user = require_candidate(session, channel, name)
    return shifts.plan(
        session, channel, user, starts_at, ends_at, broadcast=broadcast, note=note, by=by, at=wall_s()
    )


def _remove(session: Transaction, channel: str, shift: int, by: str) -> Shift:
    return shifts.remove(session, channel, shift, by=by, at=wall_s())


def _self(session: Transaction, by: Session) -> User:
    user = users.get(session, by.user_id)
    if user is None:
        raise Refused(NOT_FOUND)
    return user


def _take(session: Transaction, by: Session, channel: str, note: str) -> None:
    shifts.take(session, channel, _self(session, by), note=note, by=by.actor, at=wall_s())


def _leave(session: Transaction, by: Session, channel: str) -> None:
    shifts.leave(session, channel, _self(session, by), by=by.actor, at=wall_s())


def _offer(session: Transaction, by: Session, channel: str, to: str, note: str) -> None:
    other = require_candidate(session, channel, to)
    shifts.offer(session, channel, _self(session, by), other, note=note, at=wall_s())


def _withdraw(session: Transaction, by: Session, channel: str) -> None:
    shifts.withdraw(session, channel, _self(session, by), at=wall_s())


def _accept(session: Transaction, by: Session, channel: str) -> Offer:
    return shifts.accept(session, channel, _self(session, by), by=by.actor, at=wall_s())[0]
