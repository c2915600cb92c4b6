"""Undo: puts back what somebody removed a moment ago."""

from fastapi import APIRouter

from console.api.answers import EMPTY_BODY, GetParts, GetSession, Model, problems
from console.auth.rights import API, require
from streamgate.clock import now_us

router = APIRouter(prefix=f"{API}/undo", tags=["channel settings"])


class PutBack(Model):
    """`channel`: where something was put back."""

    channel: str


@router.post("/{undo}", responses=problems(404, 409, 503), openapi_extra=EMPTY_BODY)
async def undo_removal(undo: str, parts: GetParts, session: GetSession) -> PutBack:
    """Put back what the person who asks removed within the last 5 minutes."""
    removal = parts.setup.undo.find(undo, session.actor, now_us() / 1e6)
    require(session, removal.right, removal.channel)
    await removal.put_back()
    parts.setup.undo.forget(undo)
    return PutBack(channel=removal.channel)
