"""Review of comments: the queue, cards, decisions, bans, terms, and what viewers may do.

The comments process decides; here is checked who asks. A program with a token may look.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from console.api.answers import (
    EMPTY_BODY,
    GetParts,
    GetPrincipal,
    GetSession,
    Model,
    Parts,
    ProblemBody,
    json_response,
    problems,
)
from console.api.schema import model_of
from console.api.session import Done
from console.auth.principals import Principal
from console.auth.rights import API
from console.problems import FAILED, NOT_FOUND, Refused
from console.review import messages as ours
from console.review.link import person_of
from console.trace import current
from moderation.desk import messages
from moderation.desk.interactions import MOST_WAITING
from moderation.desk.messages import MAX_AT_ONCE, MAX_QUEUE, CardView, Pile, Reply, Verb
from streamgate.store.comment_models import NOTE_CHARS, TEXT_CHARS

router = APIRouter(prefix=f"{API}/review/{{channel}}", tags=["review"])

MOST_ID = 2**53 - 1  # what a page can count
_MOST_MINUTES = 10 * 366 * 24 * 60.0
_Number = Annotated[int, Field(ge=1, le=MOST_ID)]
_CardId = Annotated[int, Path(ge=1, le=MOST_ID)]
_Words = Annotated[str, Field(max_length=NOTE_CHARS)]
_Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
_T = TypeVar("_T")
_BEFORE = {"approve": "waiting", "reject": "waiting", "escalate": "waiting"}
"""The state of a card that each of these decides on; others start from several."""


class Conflict(ProblemBody):
    """`card`: as it is now, when somebody else changed it (`stale`) or has it (`taken`)."""

    card: model_of(CardView) | None = None  # type: ignore[valid-type]


_READ = problems(400, 404, 422, 503, 504)
_ACT = {**_READ, 409: {"model": Conflict}}


class DealBody(Model):
    """`stage` 0: any that this person may decide."""

    stage: int = Field(0, ge=0, le=3)
    order: Literal["oldest", "gravest"] = "oldest"


class DecisionBody(Model):
    """`version`: of the card as it was seen. `reason`: of a rejection its code, else words.

    `hold`, `release` and `restore` need a reason; a rejection as `other` needs a note.
    """

    id: _Number
    version: _Number
    decision: Verb
    reason: _Words = ""
    note: _Words = ""


class BatchBody(Model):
    """`cards`: pairs of id and version. At most 20 are approved at once, clean ones only."""

    cards: list[Annotated[list[_Number], Field(min_length=2, max_length=2)]] = Field(
        min_length=1, max_length=MAX_AT_ONCE
    )
    decision: Literal["approve", "reject"]
    reason: _Words = ""
    note: _Words = ""


class RetractBody(Model):
    """`comment`: one of the card's; left out: all of them."""

    id: _Number
    reason: _Words
    comment: _Number | None = None


class BanBody(Model):
    """`card`: whose author is banned. `minutes` 0: until somebody lifts it."""

    card: _Number
    cause: _Words
    minutes: float = Field(0, ge=0, le=_MOST_MINUTES, allow_inf_nan=False)


class TrustBody(Model):
    """`card`: whose author is trusted from now on, or no longer."""

    card: _Number
    trusted: bool


class TermBody(Model):
    """`expires`: a date, 2026-12-31. `check_only`: only look what would be found fault with."""

    term: str = Field(max_length=256)
    severity: str = Field(max_length=32)
    category: str = Field(max_length=64)
    expires: str = Field("", max_length=32)
    note: _Words = ""
    check_only: bool = False


class InteractionBody(Model):
    """What viewers may do. What is left out stays as it is."""

    comments: bool | None = None
    bullets: bool | None = None
    sharing: bool | None = None
    max_chars: int | None = Field(None, ge=1, le=TEXT_CHARS)
    slow_s: _Seconds | None = None
    window_s: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] | None = None
    stages: int | None = Field(None, ge=1, le=3)
    authors_told: bool | None = None
    queue_limit: int | None = Field(None, ge=1, le=MOST_WAITING)


# ---------------------------------------------------------------- looking


@router.get("/queue", response_model=model_of(ours.QueuePage), responses=_READ)
async def show_queue(  # noqa: PLR0917 - one for each question
    channel: str,
    parts: GetParts,
    who: GetPrincipal,
    pile: Pile = "waiting",
    stage: Annotated[int, Query(ge=0, le=3)] = 0,
    order: Literal["oldest", "gravest"] = "oldest",
    limit: Annotated[int, Query(ge=1, le=MAX_QUEUE)] = 50,
    after: Annotated[int, Query(ge=0, le=MOST_ID)] = 0,
) -> Response:
    """Show cards of a pile. `stage` 0: of all. `after`: the last id of the answer before."""
    asked = {"pile": pile, "stage": stage, "order": order, "limit": limit, "after": after}
    reply = await _ask(parts, who, channel, messages.Queue, **asked)
    counts = _there(reply.counts)
    return json_response(ours.QueuePage(reply.cards or [], counts, reply.has_more))


@router.get("/cards/{card_id}", response_model=model_of(ours.OneCard), responses=_READ)
async def show_card(channel: str, card_id: _CardId, parts: GetParts, who: GetPrincipal) -> Response:
    reply = await _ask(parts, who, channel, messages.Get, cards=[card_id])
    return json_response(ours.OneCard(_only(reply)))


@router.get("/cards/{card_id}/author", response_model=model_of(ours.AuthorPage), responses=_READ)
async def show_author(channel: str, card_id: _CardId, parts: GetParts, who: GetPrincipal) -> Response:
    """Show what is on record of a card's author: comments by state, bans, the newest comments."""
    reply = await _ask(parts, who, channel, messages.Author, card=card_id)
    return json_response(_found(reply, ours.AuthorPage))


@router.post(
    "/cards/{card_id}/reveal",
    response_model=model_of(ours.Revealed),
    responses=_READ,
    openapi_extra=EMPTY_BODY,
)
async def reveal_card(channel: str, card_id: _CardId, parts: GetParts, who: GetSession) -> Response:
    """Show a card's comments as they were written, personal data included. This is recorded in the ledger."""
    reply = await _ask(parts, who, channel, messages.Reveal, card=card_id)
    revealed = _found(reply, ours.Revealed)
    current().args["comments"] = [one.id for one in revealed.comments]
    return json_response(revealed)


# ---------------------------------------------------------------- leases


@router.post("/deal", response_model=model_of(ours.DealtCard), responses=_ACT)
async def deal_card(channel: str, body: DealBody, parts: GetParts, who: GetSession) -> Response:
    """Claim the next free card that this person may decide; null when there is none."""
    reply = await _ask(parts, who, channel, messages.Deal, stage=body.stage, order=body.order)
    if reply.card is not None:
        parts.review.pages.note(who, channel, reply.card.id)
        current().args["card_id"] = reply.card.id
    return json_response(ours.DealtCard(reply.card))


@router.post(
    "/cards/{card_id}/claim", response_model=model_of(ours.OneCard), responses=_ACT, openapi_extra=EMPTY_BODY
)
async def claim_card(channel: str, card_id: _CardId, parts: GetParts, who: GetSession) -> Response:
    """Claim a card for 30 s, or for 30 s more. It is let go when the person's last page is closed."""
    reply = await _ask(parts, who, channel, messages.Claim, card=card_id)
    parts.review.pages.note(who, channel, card_id)
    return json_response(ours.OneCard(_only(reply)))


@router.delete("/cards/{card_id}/claim", responses=_ACT)
async def let_card_go(channel: str, card_id: _CardId, parts: GetParts, who: GetSession) -> Done:
    await _ask(parts, who, channel, messages.ReleaseCard, card=card_id)
    return Done()


# ---------------------------------------------------------------- decisions


@router.post("/decisions", response_model=model_of(ours.Decided), responses=_ACT)
async def decide(channel: str, body: DecisionBody, parts: GetParts, who: GetSession) -> Response:
    """Decide on a card as it was seen; 409 `stale` with the card when it has changed since."""
    code, note = (body.reason, body.note) if body.decision == "reject" else ("", body.reason or body.note)
    asked = {"card": body.id, "version": body.version, "verb": body.decision, "code": code, "note": note}
    card = _only(await _ask(parts, who, channel, messages.Decide, **asked))
    _note_state(body.decision, card)
    return json_response(ours.Decided(card.id, card.version, card.state, card))


@router.post("/decisions/batch", response_model=model_of(ours.Outcomes), responses=_ACT)
async def decide_many(channel: str, body: BatchBody, parts: GetParts, who: GetSession) -> Response:
    """Decide on many cards. One that does not fit is left out, and its outcome says why."""
    cards = [(number, version) for number, version in body.cards]
    asked = {"cards": cards, "verb": body.decision, "code": body.reason, "note": body.note}
    reply = await _ask(parts, who, channel, messages.DecideMany, **asked)
    outcomes = reply.outcomes or []
    args = current().args
    args["cards"] = [one.id for one in outcomes if one.failure is None]
    args["left_out"] = {str(one.id): one.failure.code for one in outcomes if one.failure is not None}
    return json_response(ours.Outcomes(outcomes))


@router.post("/retract", response_model=model_of(ours.OneCard), responses=_ACT)
async def retract(channel: str, body: RetractBody, parts: GetParts, who: GetSession) -> Response:
    """Take a published comment back: within a second it is gone from all outputs."""
    asked = {"card": body.id, "reason": body.reason, "comment": body.comment or 0}
    return json_response(ours.OneCard(_only(await _ask(parts, who, channel, messages.Retract, **asked))))


# ---------------------------------------------------------------- authors, terms, viewers


@router.get("/bans", response_model=model_of(ours.BanList), responses=_READ)
async def list_bans(channel: str, parts: GetParts, who: GetPrincipal) -> Response:
    """Show the bans in force."""
    return json_response(ours.BanList((await _ask(parts, who, channel, messages.ListBans)).bans or []))


@router.post("/bans", response_model=model_of(ours.BanList), responses=_ACT)
async def ban_author(channel: str, body: BanBody, parts: GetParts, who: GetSession) -> Response:
    """Refuse further comments of a card's author. The answer shows the ban."""
    asked = {"card": body.card, "cause": body.cause, "minutes": body.minutes}
    reply = await _ask(parts, who, channel, messages.Ban, **asked)
    bans = reply.bans or []
    current().args["ban_ids"] = [one.id for one in bans]
    return json_response(ours.BanList(bans))


@router.delete("/bans/{ban_id}", responses=_ACT)
async def lift_ban(
    channel: str, ban_id: Annotated[int, Path(ge=1, le=MOST_ID)], parts: GetParts, who: GetSession
) -> Done:
    await _ask(parts, who, channel, messages.LiftBan, ban=ban_id)
    return Done()


@router.post("/trust", response_model=model_of(ours.AuthorPage), responses=_ACT)
async def trust_author(channel: str, body: TrustBody, parts: GetParts, who: GetSession) -> Response:
    """Have new cards of a card's author come a little earlier, or no longer. None skips a review."""
    reply = await _ask(parts, who, channel, messages.TrustAuthor, card=body.card, trusted=body.trusted)
    return json_response(_found(reply, ours.AuthorPage))


@router.post("/terms", response_model=model_of(ours.TermPage), responses=_ACT)
async def add_term(channel: str, body: TermBody, parts: GetParts, who: GetSession) -> Response:
    """Add a term to the channel's own list, or only check it. What waits is judged anew with it."""
    reply = await _ask(parts, who, channel, messages.AddTerm, **body.model_dump())
    return json_response(_found(reply, ours.TermPage))


@router.get("/interaction", response_model=model_of(messages.InteractionView), responses=_READ)
async def show_interaction(channel: str, parts: GetParts, who: GetPrincipal) -> Response:
    """Show what viewers may do, who changed it last, and when."""
    return json_response(_there((await _ask(parts, who, channel, messages.GetInteraction)).interaction))


@router.put("/interaction", response_model=model_of(messages.InteractionView), responses=_ACT)
async def set_interaction(channel: str, body: InteractionBody, parts: GetParts, who: GetSession) -> Response:
    """Change what viewers may do; everybody who has the channel open is told within a second."""
    before = _there((await _ask(parts, who, channel, messages.GetInteraction)).interaction)
    changes = body.model_dump()
    after = _there((await _ask(parts, who, channel, messages.SetInteraction, **changes)).interaction)
    for name in changes:
        current().note_change(name, getattr(before, name), getattr(after, name))
    return json_response(after)


# ---------------------------------------------------------------- common


async def _ask(
    parts: Parts, who: Principal, channel: str, kind: type[messages.Request], **members: Any
) -> Reply:
    """Ask the comments process in somebody's name. Raises Refused."""
    return await parts.review.link.ask(kind(id=0, channel=channel, by=person_of(who, channel), **members))


def _only(reply: Reply) -> CardView:
    """Return the card of an answer. Raises Refused when there is none of that number."""
    card = reply.card if reply.card is not None else next(iter(reply.cards or []), None)
    if card is None:
        raise Refused(NOT_FOUND)
    return card


def _found(reply: Reply, kind: type[_T]) -> _T:
    return msgspec.convert(_there(reply.found), kind)


def _there(member: _T | None) -> _T:
    """Return a member that every answer of this kind has."""
    if member is None:
        raise Refused(FAILED)
    return member


def _note_state(decision: str, card: CardView) -> None:
    """Note for the record what became of the card, and in which stage it was decided."""
    trace = current()
    if (before := _BEFORE.get(decision)) is not None:
        trace.note_change("state", before, card.state)
    else:
        trace.args["state"] = card.state
    if decision in {"approve", "reject"} and card.decisions:
        trace.args["stage"] = card.decisions[-1].stage
