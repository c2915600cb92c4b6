"""What the websockets of pages share: read, send, close, and end when the rights of their page do."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from console.auth.principals import Principal
from console.auth.rights import Right, rights_of, why_not
from console.problems import NO_SESSION, Problem


async def read(websocket: WebSocket) -> str | None:
    """Return the next text message ("" for a binary one); None when the page has left."""
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        return None
    return message.get("text") or ""


async def send(websocket: WebSocket, message: str | bytes) -> None:
    """Send; WebSocketDisconnect when the page has left or is being closed by another task."""
    if websocket.application_state is not WebSocketState.CONNECTED:
        raise WebSocketDisconnect(1006)
    if isinstance(message, str):
        await websocket.send_text(message)
    else:
        await websocket.send_bytes(message)


async def close(websocket: WebSocket, problem: Problem, code: int | None = None) -> None:
    if websocket.application_state is WebSocketState.CONNECTED:
        with contextlib.suppress(WebSocketDisconnect):
            await websocket.close(code or problem.close_code, problem.code)


async def watch_rights(
    websocket: WebSocket, who: Principal, channel: str | None = None, right: Right = Right.CHANNEL_VIEW
) -> None:
    """Close when the session is over, or the right (on this channel; None: on any) is taken away."""
    while True:
        seen = who.version
        if who.ended:
            await close(websocket, NO_SESSION)
            return
        if right not in rights_of(who, channel):
            await close(websocket, why_not(who))
            return
        await who.changed(seen)


async def until_first(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all, and end all when one ends."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in parts]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
