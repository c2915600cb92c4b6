"""Recordings: days, broadcasts, a day's timeline, stills, what happened then, comments.

Times are seconds since the epoch.
"""

import unicodedata
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.api.answers import GetParts, GetPrincipal, Model, problems
from console.archive.records import MAX_TIMELINE_S
from console.audit.happenings import Event, Events
from console.audit.query import Query as AuditQuery
from console.audit.trail import MAX_CURSOR
from console.auth.rights import API, Right, require
from console.problems import Refused, bad_request
from streamgate.archive.holds import INCIDENT, Hold
from streamgate.incidents.words import hold_reason_zh
from streamgate.store import comment_search
from streamgate.store.comment_models import ID_CHARS

router = APIRouter(prefix=f"{API}/archive/{{channel}}", tags=["archive"])
MAX_EVENTS, MAX_COMMENTS = 200, 2_000
MOST_S = 32_503_680_000.0  # the year 3000
STILL = "image/jpeg"
_At = Annotated[float, Query(ge=0, le=MOST_S, allow_inf_nan=False)]
_From = Annotated[float, Query(alias="from", ge=0, le=MOST_S, allow_inf_nan=False)]
_To = Annotated[float, Query(alias="to", ge=0, le=MOST_S, allow_inf_nan=False)]
_Text = Annotated[str, Query(max_length=200)]
EMPTY = bad_request("The span is empty: `to` must lie after `from`.", "时段为空：to 须晚于 from。")
TOO_LONG = bad_request(
    "Events are listed for two days at most; the search finds older ones.",
    "事件列表最多显示两天；更早的请使用搜索。",
)


class RecordedDay(Model):
    """`day`: YYYY-MM-DD in the time zone asked for. `seconds`: recorded. `losses`: gaps and missing parts.

    `cuts`: cuts and dumps. `held`: something of it is under a hold.
    """

    day: str
    seconds: float
    parts: int
    bytes: int
    losses: int
    cuts: int
    held: bool


class RecordedDays(Model):
    """`newest`: the newest day with recordings, also one outside the span; null: nothing is recorded."""

    days: list[RecordedDay]
    newest: str | None


class NotRecorded(Model):
    """`why`: behind, failed, format, gate_killed, missing, no_input; flv: in a form that does not play."""

    start: float
    end: float
    why: str


class RecordedBroadcast(Model):
    """`parts`, `bytes`: that are kept. `expires_at`: from when on they may go, unless they are held."""

    id: str
    start: float
    end: float
    parts: int
    bytes: int
    losses: list[NotRecorded]
    cuts: int
    holds: list[str]
    expires_at: float


class RecordedBroadcasts(Model):
    broadcasts: list[RecordedBroadcast]


class RecordedSpan(Model):
    start: float
    end: float
    bytes: int


class AirSpan(Model):
    """What aired, at its airing. `source`: live, or filler with its name, why and by whom (edit list)."""

    start: float
    end: float
    source: Literal["live", "filler"]
    filler: str
    why: str
    actor: str
    delay_s: float | None


class HeldBackSpan(Model):
    """What came in during a broadcast, and did not air. `why`: what aired in its place; ended: nothing."""

    start: float
    end: float
    why: str
    actor: str


class RecordingHold(Model):
    """`reason_zh`: "" where a person wrote the reason: it stands as it was written.

    `waiting`: who asked for its end, and waits for a second person; "" when nobody did.
    """

    id: str
    channel: str
    start: float
    end: float
    reason: str
    reason_zh: str
    by: str
    at: float
    broadcast: str
    waiting: str
    waiting_since: float | None
    waiting_reason: str


class DayTimeline(Model):
    """A span of a channel. What came in stands at its arrival, what aired at its airing, one delay later.

    `retention_days`: after so many days a part may be removed, unless it is held.
    """

    recorded: list[RecordedSpan]
    losses: list[NotRecorded]
    aired: list[AirSpan]
    held_back: list[HeldBackSpan]
    cuts: list[float]
    holds: list[RecordingHold]
    retention_days: int


class ExpiringBroadcast(Model):
    """Recordings that may be removed within 14 days, from `first_at` on. `held`: of its parts."""

    broadcast: str
    start: float
    end: float
    parts: int
    bytes: int
    held: int
    first_at: float


class ExpiringBroadcasts(Model):
    expiring: list[ExpiringBroadcast]


class BroadcastCertificate(Model):
    """Measured delay of a broadcast; None where no live packet aired. `ended` false: it goes on."""

    floor_s: float
    delay_s: float
    min_s: float | None
    p50_s: float | None
    p99_s: float | None
    max_s: float | None
    packets: int
    below_floor: int
    ended: bool


class CertificateOf(Model):
    """`certificate` null: the broadcast has no edit list."""

    certificate: BroadcastCertificate | None


class RecordEvent(Model):
    """`record`: what the ledger says, as JSON, without addresses and sessions."""

    at: float
    record: str


class RecordEvents(Model):
    """`more`: not all of it stands here. `next`: the cursor of a search."""

    events: list[RecordEvent]
    more: bool
    next: str | None


class RecordComment(Model):
    """A comment as it came in, personal data starred out. `state`: its card's.

    `published_at`, `retracted_at`: when viewers were shown it, and when it was taken back; null: never.
    """

    id: int
    at: float
    author: str
    text: str
    state: str
    bullet: bool
    published_at: float | None
    retracted_at: float | None


class RecordComments(Model):
    """In order of time. `before`: ask on with it for older ones; null: there are none."""

    comments: list[RecordComment]
    before: int | None


@router.get("/days", responses=problems(400, 503))
async def list_days(
    channel: str, parts: GetParts, start: _From, end: _To, zone: Annotated[str, Query(max_length=64)] = "UTC"
) -> RecordedDays:
    """List the days with recordings. `zone`: IANA name of the time zone that days are counted in."""
    records = parts.archive.records
    found = await records.days(channel, start, end, zone)
    return RecordedDays(
        days=[RecordedDay(**one._asdict()) for one in found], newest=await records.newest_day(channel, zone)
    )


@router.get("/broadcasts", responses=problems(400, 503))
async def list_recorded_broadcasts(
    channel: str, parts: GetParts, start: _From, end: _To
) -> RecordedBroadcasts:
    """List the broadcasts that reach into a span, the oldest first."""
    return RecordedBroadcasts(
        broadcasts=[
            RecordedBroadcast(
                id=one.id,
                start=one.start,
                end=one.end,
                parts=one.parts,
                bytes=one.bytes,
                losses=[NotRecorded(start=gap.start, end=gap.end, why=gap.why) for gap in one.gaps],
                cuts=cuts,
                holds=[hold.id for hold in one.holds],
                expires_at=expires_at,
            )
            for one, cuts, expires_at in await parts.archive.records.broadcasts(channel, start, end)
        ]
    )


@router.get("/timeline", responses=problems(400, 503))
async def show_timeline(channel: str, parts: GetParts, start: _From, end: _To) -> DayTimeline:
    """Show what is recorded of a span (two days at most), what aired, and what is held."""
    found = await parts.archive.records.timeline(channel, start, end)
    line = found.timeline
    return DayTimeline(
        recorded=[RecordedSpan(start=one.start, end=one.end, bytes=one.bytes) for one in line.recorded],
        losses=[NotRecorded(**one._asdict()) for one in line.losses],
        aired=[
            AirSpan(
                start=one.start,
                end=one.end,
                source="live" if one.source == "live" else "filler",
                filler=one.filler,
                why=one.why,
                actor=one.actor,
                delay_s=one.delay_s,
            )
            for one in line.aired
        ],
        held_back=[
            HeldBackSpan(start=one.start, end=one.end, why=one.why, actor=one.actor) for one in line.held_back
        ],
        cuts=found.cuts,
        holds=[show_hold(one) for one in found.holds],
        retention_days=found.retention_days,
    )


@router.get("/expiring", responses=problems(503))
async def list_expiring(channel: str, parts: GetParts) -> ExpiringBroadcasts:
    """List what may be removed within 14 days."""
    return ExpiringBroadcasts(
        expiring=[
            ExpiringBroadcast(
                broadcast=one.broadcast,
                start=one.start,
                end=one.end,
                parts=one.parts,
                bytes=one.bytes,
                held=one.held,
                first_at=one.first_at,
            )
            for one in await parts.archive.records.expiring(channel)
        ]
    )


@router.get("/certificate", responses=problems(400, 503))
async def show_certificate(
    channel: str, parts: GetParts, broadcast: Annotated[str, Query(max_length=ID_CHARS)]
) -> CertificateOf:
    """Show for how long a broadcast's live packets were held."""
    found = await parts.archive.records.certificate(channel, broadcast)
    if found is None:
        return CertificateOf(certificate=None)
    names = BroadcastCertificate.model_fields
    return CertificateOf(certificate=BroadcastCertificate(**{name: getattr(found, name) for name in names}))


@router.get(
    "/still.jpg",
    response_class=Response,
    responses={
        200: {"content": {STILL: {"schema": {"type": "string", "format": "binary"}}}, "description": "JPEG"},
        **problems(400, 404, 503),
    },
)
async def show_still(channel: str, parts: GetParts, at: _At) -> Response:
    """Show the keyframe that was on at a moment of the recording, 160x90 at most."""
    still = await parts.archive.stills.get(channel, at)
    headers = {"cache-control": "private, max-age=86400", "vary": "cookie"}
    return Response(still, headers=headers, media_type=STILL)


@router.get("/events", responses=problems(400, 503))
async def list_events(channel: str, parts: GetParts, start: _From, end: _To) -> RecordEvents:
    """List what happened on a channel in a span (two days at most): actions with their persons, and notices.

    2000 at most.
    """
    if end <= start:
        raise Refused(EMPTY)
    if end - start > MAX_TIMELINE_S:
        raise Refused(TOO_LONG)
    return _events(await parts.happenings.within(channel, start, end))


@router.get("/search", responses=problems(400, 503))
async def search_events(  # noqa: PLR0917 - one for each question
    channel: str,
    parts: GetParts,
    person: Annotated[str, Query(max_length=128)] = "",
    action: Annotated[str, Query(max_length=64)] = "",
    text: _Text = "",
    start: Annotated[float | None, Query(alias="from", ge=0, le=MOST_S, allow_inf_nan=False)] = None,
    end: Annotated[float | None, Query(alias="to", ge=0, le=MOST_S, allow_inf_nan=False)] = None,
    cursor: Annotated[str, Query(max_length=MAX_CURSOR)] = "",
) -> RecordEvents:
    """Find what happened on a channel, the newest first. One request reads for about a second."""
    query = AuditQuery(person=person, channel=channel, action=action, since=start, until=end, text=text)
    return _events(await parts.happenings.search(query, cursor, MAX_EVENTS))


@router.get("/comments", responses=problems(400, 503))
async def find_recorded_comments(  # noqa: PLR0917 - one for each question
    channel: str,
    parts: GetParts,
    who: GetPrincipal,
    start: _From,
    end: _To,
    text: _Text = "",
    before: Annotated[int | None, Query(ge=1, le=2**53 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_COMMENTS)] = 500,
) -> RecordComments:
    """Find comments that came in a span, by words of their text. It needs the right to read comments, too."""
    require(who, Right.REVIEW_READ, channel)
    if end <= start:
        raise Refused(EMPTY)
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in f"{channel}{text}"):
        raise Refused(bad_request("The text holds a control character.", "文字含有控制字符。"))
    found = await parts.archive.comments.read(
        comment_search.find_comments,
        channel,
        start=start,
        end=end,
        text=text,
        before=before,
        limit=limit,
    )
    return RecordComments(
        comments=[RecordComment(**one._asdict()) for one in found.comments], before=found.before
    )


def show_hold(one: Hold) -> RecordingHold:
    lifting = one.lifting
    return RecordingHold(
        id=one.id,
        channel=one.channel,
        start=one.start,
        end=one.end,
        reason=one.reason,
        reason_zh=hold_reason_zh(one.reason) if one.by.startswith(INCIDENT) else "",
        by=one.by,
        at=one.at,
        broadcast=one.broadcast,
        waiting="" if lifting is None else lifting.by,
        waiting_since=None if lifting is None else lifting.at,
        waiting_reason="" if lifting is None else lifting.reason,
    )


def _events(found: Events) -> RecordEvents:
    return RecordEvents(events=[_event(one) for one in found.events], more=found.more, next=found.next)


def _event(one: Event) -> RecordEvent:
    return RecordEvent(at=one.at, record=one.record)
