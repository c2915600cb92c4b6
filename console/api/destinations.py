"""Push destinations: entered by one person, approved by another (rule R13), removed by either."""

from fastapi import APIRouter

from console.api.answers import EMPTY_BODY, GetParts, GetSession, Model
from console.api.channel_settings import ERRORS, Changed, Removed, changed_to, removed
from console.auth.rights import API, Right
from streamgate.clock import wall_s
from streamgate.runtime.destinations import Entry

router = APIRouter(prefix=f"{API}/channels/{{channel}}/destinations", tags=["destinations"])


class NewDestination(Model):
    """`url`: rtmp(s)://HOST[:PORT]/APP/KEY, whose key is never shown again, or hls: (files for a watch page).

    `name` None: it is called by its host, or hls.
    """

    url: str
    name: str | None = None
    split_headers: bool = False


class DestinationChange(Model):
    """`split_headers`: send a fresh codec header at each splice. A changed URL is a new entry: enter that."""

    split_headers: bool


@router.post("", responses=ERRORS)
async def enter_destination(
    channel: str, body: NewDestination, parts: GetParts, session: GetSession
) -> Changed:
    """Enter a destination; the gate does not connect to it until somebody else has approved it."""
    who = session.actor
    entry = Entry(who, wall_s(), alone=False)
    stored, late = await parts.setup.files.change(
        session,
        lambda store: store.enter(
            channel, body.name or "", body.url, entry, split_headers=body.split_headers
        ),
    )
    return changed_to(parts, stored, late, who)


@router.patch("/{destination}", responses=ERRORS)
async def change_destination(
    channel: str, destination: str, body: DestinationChange, parts: GetParts, session: GetSession
) -> Changed:
    """Change how codec headers are sent to a destination; on air it is connected anew."""
    who = session.actor
    stored, late = await parts.setup.files.change(
        session, lambda store: store.set(channel, split_headers={destination: body.split_headers})
    )
    return changed_to(parts, stored, late, who)


@router.delete("/{destination}", responses=ERRORS)
async def remove_destination(channel: str, destination: str, parts: GetParts, session: GetSession) -> Removed:
    """Remove a destination; on air its connection is closed."""
    files, who = parts.setup.files, session.actor
    before = await files.destination(channel, destination)
    _, late = await files.change(session, lambda store: store.set(channel, remove_push=[destination]))

    async def put_back() -> None:
        await files.change(session, lambda store: store.put_back_destination(channel, before))

    return removed(parts, who, Right.DESTINATION_ENTER, channel, put_back, late)


@router.post("/{destination}/approve", responses=ERRORS, openapi_extra=EMPTY_BODY)
async def approve_destination(
    channel: str, destination: str, parts: GetParts, session: GetSession
) -> Changed:
    """Approve what somebody else entered; on air it is connected at once."""
    who = session.actor
    stored, late = await parts.setup.files.change(
        session, lambda store: store.approve(channel, destination, by=who, at=wall_s(), alone=False)
    )
    return changed_to(parts, stored, late, who)
