"""Exports of recordings as MP4: asked for, watched, fetched. Who and why stand in the ledger."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from pydantic import Field
from starlette.responses import FileResponse

from console.api.answers import GetParts, GetSession, Model, problems
from console.api.download import decision_of
from console.api.holds import Time
from console.api.recordings import NotRecorded
from console.archive.exports import Export
from console.auth.rights import API
from console.problems import REASON_NEEDED, Refused
from console.trace import current
from streamgate.archive.holds import MAX_REASON

router = APIRouter(prefix=f"{API}/archive/{{channel}}/exports", tags=["archive"])
VIDEO = "video/mp4"
_FILE = {"content": {VIDEO: {"schema": {"type": "string", "format": "binary"}}}, "description": "The file"}


class ExportBody(Model):
    """`start`, `end`: seconds since the epoch. `kind`: what came in, or what aired.

    `exact`: to the picture, those at both ends coded anew (H.264); else whole groups, as recorded.
    """

    start: Time
    end: Time
    kind: Literal["received", "aired"] = "received"
    exact: bool = False
    reason: str = Field(max_length=MAX_REASON)


class RecordingExport(Model):
    """`done`: from 0 to 1. `first`, `last`: of what is in the file: it begins at a keyframe.

    `losses`: what of it is not recorded; there the file goes on without a pause. `state` interrupted: the
    console was restarted meanwhile. `file`: where to fetch it, "" when there is none. `encoded`: pictures
    that were coded anew.
    """

    id: str
    channel: str
    start: float
    end: float
    kind: Literal["received", "aired"]
    reason: str
    by: str
    at: float
    state: Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
    done: float
    error: str
    error_zh: str
    ended_at: float | None
    first: float
    last: float
    bytes: int
    sha256: str
    losses: list[NotRecorded]
    exact: bool
    encoded: int
    file: str


class RecordingExports(Model):
    """The newest first."""

    exports: list[RecordingExport]


@router.get("", responses=problems(503))
async def list_exports(channel: str, parts: GetParts) -> RecordingExports:
    """List a channel's exports; what has ended goes after 7 days."""
    return RecordingExports(exports=[_shown(one) for one in await parts.archive.exports.of_channel(channel)])


@router.post("", responses=problems(400, 404, 503))
async def queue_export(channel: str, body: ExportBody, parts: GetParts, who: GetSession) -> RecordingExport:
    """Queue an export; one is made at a time."""
    reason = body.reason.strip()
    if not reason:
        raise Refused(REASON_NEEDED)
    await parts.archive.records.require(channel)
    made = await parts.archive.exports.add(
        channel, body.start, body.end, kind=body.kind, reason=reason, who=who, exact=body.exact
    )
    current().args["export"] = made.id
    return _shown(made)


@router.delete("/{export}", responses=problems(404, 503))
async def remove_export(channel: str, export: str, parts: GetParts) -> RecordingExport:
    """Cancel an export that waits or runs; remove one that has ended, with its file."""
    return _shown(await parts.archive.exports.remove(channel, export))


@router.get(
    "/{export}/file",
    response_class=FileResponse,
    responses={200: _FILE, 206: _FILE, **problems(400, 404, 409)},
)
async def fetch_export(
    channel: str,
    export: str,
    parts: GetParts,
    who: GetSession,
    wanted: Annotated[str, Header(alias="range", max_length=200)] = "",
) -> FileResponse:
    """Send the file, or ranges of it. The download and its user are recorded in the ledger."""
    made, path = await parts.archive.exports.file(channel, export)
    parts.archive.exports.note_fetched(made, decision_of(who), whole=wanted in {"", "bytes=0-"})
    name = f"streamgate-{channel}-{datetime.fromtimestamp(made.first, UTC):%Y%m%dT%H%M%SZ}.mp4"
    return FileResponse(path, media_type=VIDEO, filename=name, headers={"cache-control": "no-store"})


def _shown(one: Export) -> RecordingExport:
    plain: dict[str, Any] = {
        name: getattr(one, name) for name in RecordingExport.model_fields if name not in {"losses", "file"}
    }
    losses = [NotRecorded(start=start, end=end, why=why) for start, end, why in one.losses]
    file = f"{API}/archive/{one.channel}/exports/{one.id}/file" if one.state == "done" else ""
    return RecordingExport(**plain, losses=losses, file=file)
