"""Broadcasts with comments: the list of them, exports with every decision, the printable review form."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response, StreamingResponse

from console.api.answers import GetParts, GetPrincipal, GetSession, Model, problems
from console.api.download import Download, decision_of
from console.api.review import MOST_ID
from console.auth.principals import Principal, Session
from console.auth.rights import API, Right, require
from console.review.files import REPORT_CARDS, Kind
from moderation.filter.policy import Verdict
from streamgate.store.broadcasts import UNREVIEWED, CardRecord
from streamgate.store.comment_models import ID_CHARS

router = APIRouter(prefix=f"{API}/review/{{channel}}", tags=["review"])
EXPORT_S = 900.0  # however slowly it is taken
_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}
_Broadcast = Annotated[str, Query(max_length=ID_CHARS)]


class BroadcastRow(Model):
    """Comments of a broadcast. `broadcast` "": what came while nothing was on air.

    `first_at`, `last_at`: when comments came (seconds since the epoch). `cards`, `comments`: how many are in
    which state; what is neither `published` nor counted in `retracted` was seen by nobody.
    """

    broadcast: str
    first_at: float
    last_at: float
    cards: dict[str, int]
    comments: dict[str, int]
    retracted: int


class BroadcastRows(Model):
    """The newest 200, the newest first."""

    broadcasts: list[BroadcastRow]


class UnreviewedCard(Model):
    """A card that nobody published and nobody rejected, so that nobody saw it.

    `author`, `text`: of its first comment, personal data starred out. `comments`: numbers of its equal
    comments. `state`: `waiting`, `blocked`, or `expired` (the broadcast had ended). `approved`: how many of
    its `stages` had approved it.
    """

    card: int
    received_at: float
    author: str
    text: str
    comments: list[int]
    verdict: str
    why: str
    why_zh: str
    state: str
    stages: int
    approved: int
    held: str


class BroadcastReport(BroadcastRow):
    """`decisions`: what people did, by act, undone decisions, too. `rejected_for`: cards, by reason.

    `unreviewed`: in the order they came; `has_more`: ask again `after` the last one's card.
    """

    decisions: dict[str, int]
    rejected_for: dict[str, int]
    unreviewed_cards: int
    unreviewed: list[UnreviewedCard]
    has_more: bool


@router.get("/broadcasts", responses=problems(404, 503))
async def list_broadcasts(channel: str, parts: GetParts) -> BroadcastRows:
    """Show which broadcasts have comments, and what became of them."""
    found = await parts.review.files.list_broadcasts(channel)
    return BroadcastRows(broadcasts=[BroadcastRow(**one._asdict()) for one in found])


@router.get(
    "/report",
    response_model=BroadcastReport,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}},
        **problems(400, 404, 503),
    },
)
async def show_report(  # noqa: PLR0917 - one for each question
    channel: str,
    broadcast: _Broadcast,
    parts: GetParts,
    who: GetPrincipal,
    kind: Annotated[Literal["json", "html"], Query(alias="format")] = "json",
    after: Annotated[int, Query(ge=0, le=MOST_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=REPORT_CARDS)] = REPORT_CARDS,
) -> BroadcastReport | HTMLResponse:
    """Show what became of a broadcast's comments, and list what nobody reviewed: it stays unpublished."""
    files = parts.review.files
    if kind == "html":
        return HTMLResponse(await files.make_report_page(channel, broadcast, _name(who)))
    found = await files.read_report(channel, broadcast, after, limit)
    return BroadcastReport(
        **found.counts._asdict(),
        **found.acts._asdict(),
        unreviewed_cards=sum(found.counts.cards.get(state, 0) for state in UNREVIEWED),
        unreviewed=[_unreviewed(one) for one in found.unreviewed],
        has_more=found.has_more,
    )


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {kind: {"schema": {"type": "string"}} for kind in _TYPES.values()},
            "description": "One comment a line: CSV, UTF-8 with BOM; or JSON",
        },
        **problems(400, 404, 503),
    },
)
async def export_comments(
    channel: str,
    broadcast: _Broadcast,
    parts: GetParts,
    session: GetSession,
    kind: Annotated[Kind, Query(alias="format")] = "csv",
) -> StreamingResponse:
    """Export every comment of a broadcast with every decision on it. The export is recorded in the ledger."""
    require(session, Right.REVIEW_READ, channel)
    export = await parts.review.files.begin_export(channel, broadcast, kind, decision_of(session))
    return Download(export, session, _file_name("comments", broadcast, kind), _TYPES[kind], EXPORT_S)


@router.get(
    "/form",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
            "description": "The form, to be printed on A4",
        },
        **problems(400, 404, 503),
    },
)
async def show_form(
    channel: str,
    broadcast: _Broadcast,
    parts: GetParts,
    session: GetSession,
    kind: Annotated[Literal["html", "pdf"], Query(alias="format")] = "html",
) -> Response:
    """Show a broadcast's review form (审核表). This is recorded in the ledger."""
    require(session, Right.REVIEW_READ, channel)
    files, who, name = parts.review.files, decision_of(session), _name(session)
    if kind == "html":
        return HTMLResponse(await files.make_form(channel, broadcast, who, name))
    made = await files.make_pdf(channel, broadcast, who, name)
    headers = {"content-disposition": f'attachment; filename="{_file_name("review-form", broadcast, "pdf")}"'}
    return Response(made, headers=headers, media_type="application/pdf")


def _unreviewed(one: CardRecord) -> UnreviewedCard:
    first, card = one.comments[0], one.card
    return UnreviewedCard(
        card=card.id,
        received_at=first.received_at,
        author=first.author if first.masked_author is None else first.masked_author,
        text=first.text if first.masked is None else first.masked,
        comments=[comment.id for comment in one.comments],
        verdict=Verdict(card.verdict).word,
        why=first.cause_en,
        why_zh=first.cause_zh,
        state=card.state,
        stages=card.stages,
        approved=sum(decision.decision == "approve" for decision in one.decisions),
        held=card.held,
    )


def _name(who: Principal) -> str:
    return who.display_name or who.user if isinstance(who, Session) else who.name


def _file_name(what: str, broadcast: str, ending: str) -> str:
    """Return a name that every header and file system takes."""
    return f"{what}-{re.sub(r'[^A-Za-z0-9._-]', '_', broadcast) or 'off-air'}.{ending}"
