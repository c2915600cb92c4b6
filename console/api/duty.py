"""Duty (R22, R25): the roster of a channel, stepping in and out, handing over; the own reaction time."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from console.api.answers import EMPTY_BODY, GetParts, GetPrincipal, GetSession, Model, problems
from console.api.session import Done
from console.auth.rights import API
from streamgate.clock import wall_s
from streamgate.core.reaction import MAX_REACTION_S
from streamgate.store.duty_models import BROADCAST_CHARS, NOTE_CHARS
from streamgate.store.reactions import MarkKind, Reaction
from streamgate.store.shifts import Offer, Shift

router = APIRouter(prefix=API, tags=["duty"])
DAY_S = 86400.0
AHEAD_S = 14 * DAY_S
ERRORS = problems(400, 409, 503)
_Note = Annotated[str, Field(max_length=NOTE_CHARS)]


class ShiftShown(Model):
    """Times: seconds since the epoch. `ends_at`: when it really ended, if that was before its time.

    `origin`: planned, handed_over (in the place of shift `after`), taken (somebody stepped in). `ended_why`:
    "", handed_over, left, removed.
    """

    id: int
    user: str
    display_name: str
    broadcast: str
    starts_at: float
    ends_at: float
    origin: str
    after: int | None
    note: str
    made_by: str
    ended_why: str


class OfferShown(Model):
    """A hand-over that waits for `to` to take it."""

    user: str
    display_name: str
    to: str
    to_display_name: str
    note: str
    offered_at: float


class RosterList(Model):
    """`shifts` by start; `offers`: those that wait now. Who is there at the moment stands in the state."""

    shifts: list[ShiftShown]
    offers: list[OfferShown]


class NewShift(Model):
    """`broadcast`: what it is for, in words; "" for whatever airs."""

    user: str = Field(max_length=64)
    starts_at: float
    ends_at: float
    broadcast: str = Field(default="", max_length=BROADCAST_CHARS)
    note: _Note = ""


class MadeShift(Model):
    shift: int


class Candidate(Model):
    user: str
    display_name: str


class CandidateList(Model):
    """Who may be on duty on a channel: who may cut, or review its comments."""

    people: list[Candidate]


class Remark(Model):
    note: _Note = ""


class HandOver(Model):
    """`note`: what whoever takes over should know."""

    to: str = Field(max_length=64)
    note: _Note = ""


class ReactionShown(Model):
    """Seconds. `measured_s`: from `marks` marks of practices, with a margin. `in_force_s`: what counts."""

    measured_s: float | None
    marks: int
    chosen_s: float | None
    in_force_s: float | None


class Reactions(Model):
    picture: ReactionShown
    sound: ReactionShown


class ReactionChoice(Model):
    """`chosen_s` null: the measured one counts again."""

    kind: MarkKind
    chosen_s: float | None = Field(ge=0, le=MAX_REACTION_S)


@router.get("/channels/{channel}/duty", responses=problems(400, 503))
async def show_roster(
    channel: str,
    parts: GetParts,
    _who: GetPrincipal,
    since: Annotated[float | None, Query(ge=0, le=1e11)] = None,
    until: Annotated[float | None, Query(ge=0, le=1e11)] = None,
) -> RosterList:
    """Show a channel's duty roster (值班表): the last day and the next 14, or another time."""
    now = wall_s()
    found = await parts.duty.desk.show(
        channel, now - DAY_S if since is None else since, now + AHEAD_S if until is None else until
    )
    return RosterList(
        shifts=[_shift(one) for one in found.shifts], offers=[_offer(one) for one in found.offers]
    )


@router.get("/channels/{channel}/duty/people", responses=problems(503))
async def list_candidates(channel: str, parts: GetParts) -> CandidateList:
    """List who may be on duty on a channel."""
    found = await parts.duty.desk.candidates(channel)
    return CandidateList(people=[Candidate(user=one.user, display_name=one.display_name) for one in found])


@router.post("/channels/{channel}/duty/shifts", responses=ERRORS)
async def plan_shift(channel: str, body: NewShift, parts: GetParts, session: GetSession) -> MadeShift:
    """Put somebody on the roster."""
    made = await parts.duty.desk.plan(
        session, channel, body.user, body.starts_at, body.ends_at, body.broadcast, body.note
    )
    return MadeShift(shift=made)


@router.delete("/channels/{channel}/duty/shifts/{shift}", responses=ERRORS)
async def remove_shift(
    channel: str,
    shift: Annotated[int, Path(ge=1, le=2**53 - 1)],
    parts: GetParts,
    session: GetSession,
) -> Done:
    """Take a shift off the roster; one that runs ends now."""
    await parts.duty.desk.remove(session, channel, shift)
    return Done()


@router.post("/channels/{channel}/duty/take", responses=ERRORS)
async def take_duty(channel: str, body: Remark, parts: GetParts, session: GetSession) -> Done:
    """Step in: be on duty from now, for 12 hours at most."""
    await parts.duty.desk.take(session, channel, body.note)
    return Done()


@router.post("/channels/{channel}/duty/leave", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def leave_duty(channel: str, parts: GetParts, session: GetSession) -> Done:
    """Go off duty now."""
    await parts.duty.desk.leave(session, channel)
    return Done()


@router.post("/channels/{channel}/duty/offer", responses=ERRORS)
async def offer_duty(channel: str, body: HandOver, parts: GetParts, session: GetSession) -> Done:
    """Hand over: in force once the other one has taken it."""
    await parts.duty.desk.offer(session, channel, body.to, body.note)
    return Done()


@router.post("/channels/{channel}/duty/withdraw", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def withdraw_offer(channel: str, parts: GetParts, session: GetSession) -> Done:
    """Take back a hand-over that nobody has taken yet."""
    await parts.duty.desk.withdraw(session, channel)
    return Done()


@router.post("/channels/{channel}/duty/accept", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def accept_duty(channel: str, parts: GetParts, session: GetSession) -> OfferShown:
    """Take over what somebody hands over."""
    return _offer(await parts.duty.desk.accept(session, channel))


@router.get("/me/reaction", responses=problems(503))
async def show_reaction(parts: GetParts, session: GetSession) -> Reactions:
    """Show the own reaction times."""
    return _reactions(await parts.duty.desk.reactions(session.user_id))


@router.put("/me/reaction", responses=problems(400, 503))
async def choose_reaction(body: ReactionChoice, parts: GetParts, session: GetSession) -> Reactions:
    """Set the own reaction time to one kind of mark by hand."""
    await parts.duty.desk.choose_reaction(session, body.kind, body.chosen_s)
    return _reactions(await parts.duty.desk.reactions(session.user_id))


def _reactions(found: dict[MarkKind, Reaction]) -> Reactions:
    return Reactions(picture=_reaction(found["picture"]), sound=_reaction(found["sound"]))


def _reaction(one: Reaction) -> ReactionShown:
    return ReactionShown(
        measured_s=one.measured_s, marks=one.marks, chosen_s=one.chosen_s, in_force_s=one.in_force_s
    )


def _shift(one: Shift) -> ShiftShown:
    told = one._asdict()
    del told["channel"]
    return ShiftShown(**told)


def _offer(one: Offer) -> OfferShown:
    told = one._asdict()
    for name in ("id", "channel", "shift"):
        del told[name]
    return OfferShown(**told)
