"""Files that are made while they are sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from console.auth.principals import Session, session_name
from streamgate.ledger.record import Decision


class Export(Protocol):
    def chunks(self, wanted: Callable[[], bool]) -> AsyncIterator[bytes]: ...
    def close(self) -> None: ...


class Download(StreamingResponse):
    """An export on its way. It ends when the person is out, and after `seconds` at the latest."""

    def __init__(self, export: Export, session: Session, name: str, media_type: str, seconds: float) -> None:
        super().__init__(
            export.chunks(lambda: not session.ended),
            media_type=media_type,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )
        self._export, self._seconds = export, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await super().__call__(scope, receive, send)
        finally:
            self._export.close()


def decision_of(session: Session) -> Decision:
    """Return a record of what this person decides, to be completed by whoever carries it out."""
    return Decision(
        who=session.actor, role=session.role, from_=session.address, session=session_name(session.id)
    )
