"""Incidents: drafts that cuts, dumps, stops, faults and notes open, and what people make of them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from console.api.answers import GetParts, GetPrincipal, GetSession, Model, json_response, problems
from console.api.download import decision_of
from console.api.recordings import MOST_S
from console.api.schema import model_of
from console.auth.rights import API, Right, require, require_everywhere, rights_everywhere, rights_of
from console.incidents.reports import TYPES, CheckForm, Form, Language
from console.problems import NOTHING_RECORDED, Refused
from streamgate.clock import wall_s
from streamgate.incidents.incident import STILLS, Aired, Category, Incident, Level, State, stills_due
from streamgate.incidents.words import matches

router = APIRouter(prefix=API, tags=["incidents"])
MOST = 500
NOTED_S = 10.0  # after air the edit list says which camera it was
_ONE = "/incidents/{channel}/{incident}"
_Id = Annotated[str, Path(max_length=64)]
_MODEL = model_of(Incident)


class Words(Model):
    """`text`: what is going on, 1 to 4000 characters."""

    text: str


class WrittenUp(Model):
    """`words`: what happened; `measures`: what was done. `aired`: whether viewers saw or heard it."""

    category: Category
    level: Level
    aired: Aired
    words: str
    measures: str = ""


class Into(Model):
    """`into`: the incident that this draft becomes part of."""

    into: str
    reason: str


class Why(Model):
    reason: str


class Said(Model):
    """`words`: to whom it goes upward, what was found, what is done next; up to 500 characters."""

    words: str = ""


class ShownComment(Model):
    """What viewers were shown (`publish`) or what was taken back (`retract`); personal data starred out."""

    at: float
    kind: str
    comment: int
    author: str
    text: str


class IncidentPage(Model):
    """The newest first; `more`: older ones were left out."""

    incidents: list[_MODEL]  # type: ignore[valid-type]
    more: bool


class Still(Model):
    """A moment of which a picture can be had, if it was `recorded`: so many seconds from the incident."""

    seconds: float
    recorded: bool


class IncidentDetail(Model):
    """`comments`: of the minute around it; null while the database is away.

    `has_chain`: it can be reported upward.
    """

    incident: _MODEL  # type: ignore[valid-type]
    comments: list[ShownComment] | None
    stills: list[Still]
    has_chain: bool


@router.get("/incidents", response_model=IncidentPage, responses=problems(400, 503))
async def list_incidents(
    parts: GetParts,
    who: GetPrincipal,
    *,
    channel: Annotated[str, Query(max_length=64)] = "",
    state: State | None = None,
    broadcast: Annotated[str, Query(max_length=128)] = "",
    start: Annotated[float, Query(alias="from", ge=0, le=MOST_S, allow_inf_nan=False)] = 0.0,
    end: Annotated[float, Query(alias="to", ge=0, le=MOST_S, allow_inf_nan=False)] = MOST_S,
    text: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
) -> Response:
    """Show incidents, the newest first. Whoever has the right on some channels sees those of these alone.

    `from`, `to`: those that reach into this span, seconds since the epoch. `text`: words that stand in them.
    """
    if channel:
        require(who, Right.INCIDENT_READ, channel)
    everywhere = Right.INCIDENT_READ in rights_everywhere(who)
    found = [
        one
        for one in await parts.incidents.desk.list_incidents()
        if channel in {"", one.channel}
        and state in {None, one.state}
        and broadcast in {"", one.broadcast}
        and one.happened < end
        and one.until >= start
        and matches(one, text)
        and (everywhere or Right.INCIDENT_READ in rights_of(who, one.channel))
    ]
    return json_response({"incidents": found[:limit], "more": len(found) > limit})


@router.get(_ONE, response_model=IncidentDetail, responses=problems(400, 404, 503))
async def show_incident(channel: str, incident: _Id, parts: GetParts) -> Response:
    """Show one incident, and what viewers were shown around it."""
    one = await parts.incidents.desk.get(channel, incident)
    comments = await parts.incidents.desk.read_comments(one)
    told = None
    if comments is not None:
        told = [
            ShownComment(
                at=it.at, kind=it.kind, comment=it.comment_id, author=it.author, text=it.text
            ).model_dump()
            for it in comments
        ]
    chain = await parts.incidents.desk.has_chain()
    recorded = await parts.incidents.desk.read_recorded(one)
    stills = [{"seconds": at, "recorded": there} for at, there in zip(STILLS, recorded, strict=True)]
    return json_response({"incident": one, "comments": told, "stills": stills, "has_chain": chain})


@router.get(
    f"{_ONE}/stills/{{number}}",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(400, 404, 503),
    },
)
async def show_incident_still(channel: str, incident: _Id, number: int, parts: GetParts) -> Response:
    """Send a still of what came in from the camera that was on air, by its number in `stills`."""
    one = await parts.incidents.desk.get(channel, incident)
    made = await parts.incidents.desk.still(one, number)
    if not made:
        raise Refused(NOTHING_RECORDED)
    final = wall_s() > stills_due(one)[number] + NOTED_S
    kept = "max-age=3600" if final else "no-cache"  # until it has aired another camera may take over
    return Response(
        made, headers={"cache-control": f"private, {kept}", "vary": "cookie"}, media_type="image/jpeg"
    )


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for form, kind in TYPES.items()
            if form != "json"
        },
        "description": "The report",
    }
}


@router.get(f"{_ONE}/report", response_class=Response, responses={**_FILE, **problems(400, 404, 503)})
async def make_incident_report(
    channel: str,
    incident: _Id,
    parts: GetParts,
    session: GetSession,
    *,
    kind: Annotated[Form, Query(alias="format")] = "pdf",
    lang: Language = "zh",
) -> Response:
    """Make the report on an incident, to be handed upward. This is recorded in the ledger."""
    one = await parts.incidents.desk.get(channel, incident)
    who = decision_of(session)
    who.channel = channel
    made = await parts.incidents.reports.make("incident", one.id, kind, lang, who)
    return _file(made, f"incident-{one.id}", kind)


@router.get(
    "/archive/{channel}/report", response_class=Response, responses={**_FILE, **problems(400, 404, 503)}
)
async def make_broadcast_report(
    channel: str,
    broadcast: Annotated[str, Query(max_length=128, pattern=r"^[A-Za-z0-9._-]+$")],
    parts: GetParts,
    session: GetSession,
    *,
    kind: Annotated[Form, Query(alias="format")] = "pdf",
    lang: Language = "zh",
) -> Response:
    """Make the report on a broadcast. It names comments: the right to read them is needed, too."""
    require(session, Right.REVIEW_READ, channel)
    who = decision_of(session)
    who.channel = channel
    made = await parts.incidents.reports.make("broadcast", broadcast, kind, lang, who)
    return _file(made, f"broadcast-{broadcast}", kind)


class RuleFound(Model):
    """How a rule stands: `state` met, part, gap or unknown; what shows it, and what is missing."""

    rule: str
    title: str
    title_zh: str
    state: Literal["met", "part", "gap", "unknown"]
    evidence: str
    evidence_zh: str
    gap: str
    gap_zh: str


class SelfCheck(Model):
    at: float
    counts: dict[str, int]
    rules: list[RuleFound]


@router.get(
    "/selfcheck",
    response_model=SelfCheck,
    responses={
        200: {
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for form, kind in TYPES.items()
                if form != "json"
            }
        },
        **problems(400, 503),
    },
)
async def check_rules(
    parts: GetParts,
    session: GetSession,
    *,
    kind: Annotated[CheckForm, Query(alias="format")] = "json",
    lang: Language = "zh",
) -> Response:
    """Check the rules R1 to R28 against what this system shows; as JSON, a page, or an office document.

    A document that was made is recorded in the ledger.
    """
    require_everywhere(session, Right.AUDIT_READ)
    made = await parts.incidents.reports.check(kind, lang, decision_of(session))
    if kind == "json":
        return Response(made, headers={"cache-control": "no-store"}, media_type=TYPES[kind])
    return _file(made, "selfcheck", kind)


def _file(made: bytes, name: str, kind: CheckForm) -> Response:
    shown = "inline" if kind == "html" else "attachment"
    headers = {"content-disposition": f'{shown}; filename="{name}.{kind}"', "cache-control": "no-store"}
    return Response(made, headers=headers, media_type=TYPES[kind])


@router.post("/channels/{channel}/note", response_model=_MODEL, responses=problems(400, 409, 503))
async def note_on_channel(channel: str, said: Words, parts: GetParts, session: GetSession) -> Response:
    """Open a draft with one's own words about this moment; its recordings go on hold."""
    return json_response(await parts.incidents.desk.note(channel, said.text, session.actor))


@router.post(f"{_ONE}/complete", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def complete_incident(
    channel: str, incident: _Id, said: WrittenUp, parts: GetParts, session: GetSession
) -> Response:
    """Write an incident up, or anew: the log keeps what was said before."""
    return json_response(
        await parts.incidents.desk.complete(channel, incident, session.actor, **said.model_dump())
    )


@router.post(f"{_ONE}/join", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def join_incident(
    channel: str, incident: _Id, said: Into, parts: GetParts, session: GetSession
) -> Response:
    """Make a draft part of another incident of the same channel."""
    return json_response(
        await parts.incidents.desk.join(channel, incident, session.actor, into=said.into, reason=said.reason)
    )


@router.post(f"{_ONE}/dismiss", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def dismiss_incident(
    channel: str, incident: _Id, said: Why, parts: GetParts, session: GetSession
) -> Response:
    """Dismiss a draft; it stays in the book, with the reason."""
    return json_response(await parts.incidents.desk.dismiss(channel, incident, session.actor, said.reason))


@router.post(f"{_ONE}/escalate", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def report_incident(
    channel: str, incident: _Id, said: Said, parts: GetParts, session: GetSession
) -> Response:
    """Report an incident upward (逐级上报): the first step's persons are notified."""
    return json_response(await parts.incidents.desk.report_up(channel, incident, session.actor, said.words))


@router.post(f"{_ONE}/acknowledge", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def acknowledge_incident(
    channel: str, incident: _Id, said: Said, parts: GetParts, session: GetSession
) -> Response:
    """Acknowledge a report: nobody further is notified."""
    return json_response(await parts.incidents.desk.acknowledge(channel, incident, session.actor, said.words))


@router.post(f"{_ONE}/follow-up", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def follow_incident(
    channel: str, incident: _Id, said: Said, parts: GetParts, session: GetSession
) -> Response:
    """Write a line into the follow-up log of a report."""
    return json_response(await parts.incidents.desk.follow_up(channel, incident, session.actor, said.words))


@router.post(f"{_ONE}/close", response_model=_MODEL, responses=problems(400, 404, 409, 503))
async def close_incident(
    channel: str, incident: _Id, said: Said, parts: GetParts, session: GetSession
) -> Response:
    """Close a report that somebody has acknowledged."""
    return json_response(await parts.incidents.desk.close(channel, incident, session.actor, said.words))
