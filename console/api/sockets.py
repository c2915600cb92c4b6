"""The websockets of the page: state and commands on one, a feed's pictures or comments on others."""

from fastapi import APIRouter, WebSocket

from console.api.answers import GetParts
from console.auth.rights import API
from console.problems import NOT_FOUND

router = APIRouter()


@router.websocket(f"{API}/ws")
async def page(websocket: WebSocket, parts: GetParts) -> None:
    await parts.hub.page(websocket)


@router.websocket(f"{API}/preview/{{channel}}/pvw")
async def preview(websocket: WebSocket, channel: str, parts: GetParts, *, stills: bool = False) -> None:
    await parts.hub.feed(websocket, channel, "pvw", stills=stills)


@router.websocket(f"{API}/preview/{{channel}}/pgm")
async def program(websocket: WebSocket, channel: str, parts: GetParts, *, stills: bool = False) -> None:
    await parts.hub.feed(websocket, channel, "pgm", stills=stills)


@router.websocket(f"{API}/review/{{channel}}/ws")
async def review(websocket: WebSocket, channel: str, parts: GetParts) -> None:
    await parts.review.pages.page(websocket, channel)


@router.websocket("/{path:path}")
async def nothing(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(NOT_FOUND.close_code, NOT_FOUND.code)
