"""Holds of recordings: placed by one person, lifted by two; the same rules as on the machine."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from console.api.answers import GetParts, GetSession, Model, problems
from console.api.recordings import MOST_S, RecordingHold, show_hold
from console.auth.rights import API
from console.problems import NOT_FOUND, Refused, bad_request
from console.trace import current
from streamgate.archive.holds import MAX_REASON
from streamgate.store.comment_models import ID_CHARS

router = APIRouter(prefix=f"{API}/archive/{{channel}}/holds", tags=["archive"])
Time = Annotated[float, Field(ge=0, le=MOST_S, allow_inf_nan=False)]
NO_SPAN = bad_request(
    "Say what to hold: `start` and `end`, or a `broadcast` that is recorded.",
    "请指明保留范围：start 和 end，或已有录像的场次 broadcast。",
)


class HoldBody(Model):
    """`start`, `end`: seconds since the epoch; or a `broadcast` in their place."""

    start: Time | None = None
    end: Time | None = None
    broadcast: str = Field("", max_length=ID_CHARS)
    reason: str = Field(max_length=MAX_REASON)


class LiftBody(Model):
    reason: str = Field(max_length=MAX_REASON)


class RecordingHolds(Model):
    holds: list[RecordingHold]


class LiftedHold(RecordingHold):
    """`state` waiting: a second person must ask for it, too, within a day; released: it is no more."""

    state: Literal["waiting", "released"]


@router.get("", responses=problems(503))
async def list_holds(channel: str, parts: GetParts) -> RecordingHolds:
    """List a channel's holds, the oldest first."""
    records = parts.archive.records
    found = await records.ask(records.holds.read)
    return RecordingHolds(holds=[show_hold(one) for one in found if one.channel == channel])


@router.post("", responses=problems(400, 404, 409, 503))
async def place_hold(channel: str, body: HoldBody, parts: GetParts, who: GetSession) -> RecordingHold:
    """Hold a span or a broadcast."""
    records, span = parts.archive.records, None
    await records.require(channel)
    if body.broadcast:
        span = await records.find(channel, body.broadcast)
    elif body.start is not None and body.end is not None:
        span = body.start, body.end
    if span is None:
        raise Refused(NO_SPAN)
    placed = await records.ask(
        records.holds.place,
        channel,
        *span,
        reason=body.reason,
        by=who.actor,
        broadcast=body.broadcast,
    )
    current().args |= {"hold": placed.id, "start": placed.start, "end": placed.end}
    return show_hold(placed)


@router.post("/{hold}/lift", responses=problems(400, 404, 409, 503))
async def lift_hold(channel: str, hold: str, body: LiftBody, parts: GetParts, who: GetSession) -> LiftedHold:
    """Ask for the end of a hold; the second person who does so within a day lifts it."""
    records = parts.archive.records
    known = await records.ask(records.holds.read)
    if not any(one.id == hold and one.channel == channel for one in known):
        raise Refused(NOT_FOUND)
    lifted, first = await records.ask(records.holds.lift, hold, reason=body.reason, by=who.actor)
    current().args |= {"start": lifted.start, "end": lifted.end}
    if first is None:
        current().args["waits"] = True
    else:
        current().args |= {"first": first.by, "first_reason": first.reason}
    return LiftedHold(**show_hold(lifted).model_dump(), state="waiting" if first is None else "released")
