"""The conveyor of the Live screen: a websocket with what came in, and its stills."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket
from starlette.responses import Response

from console.api.answers import GetParts, problems
from console.auth.rights import API

router = APIRouter(prefix=f"{API}/channels/{{channel}}", tags=["channels"])
STILL = "image/jpeg"


@router.websocket("/conveyor")
async def conveyor(websocket: WebSocket, channel: str, parts: GetParts) -> None:
    await parts.conveyor.page(websocket, channel)


@router.get(
    "/stills/{number}",
    response_class=Response,
    responses={
        200: {"content": {STILL: {"schema": {"type": "string", "format": "binary"}}}, "description": "JPEG"},
        **problems(400, 404),
    },
)
async def show_unaired_still(
    channel: str,
    parts: GetParts,
    number: Annotated[int, Path(ge=0, le=2**53 - 1)],
    large: Annotated[bool, Query()] = False,
) -> Response:
    """Show a keyframe of the unaired window, at most 160x90; `large`: at most 480x270."""
    still = parts.conveyor.picture(channel, number, large=large)
    headers = {"cache-control": "private, max-age=3600, immutable", "vary": "cookie"}
    return Response(still, headers=headers, media_type=STILL)
