"""A viewer's own comments with their states, shown to that viewer only. It caches what the store has."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from moderation.public.desk_interface import DeskInterface
from streamgate.store.comment_models import Comment
from streamgate.store.database import AsyncDatabase

KEPT = 20
"""How many of a viewer's newest comments are shown."""
MAX_VIEWERS = 20_000
FRESH_S = 1.0
"""How old cached states may be."""


class OwnComment(NamedTuple):
    id: int
    text: str
    at: float
    client_id: str


class _ViewerComments:
    __slots__ = ("asked_at", "comments", "complete", "states")

    def __init__(self) -> None:
        self.comments: OrderedDict[int, OwnComment] = OrderedDict()
        self.complete = False  # the store has been read
        self.states: dict[int, str] = {}
        self.asked_at = float("-inf")


class OwnComments:
    def __init__(self, desk: DeskInterface, database: AsyncDatabase) -> None:
        self._desk, self._database = desk, database
        self._of_viewers: OrderedDict[tuple[int, str], _ViewerComments] = OrderedDict()

    def note(self, source_id: int, viewer_id: str, own: OwnComment) -> None:
        """Add a comment that a viewer has just written."""
        cached = self._comments_of(source_id, viewer_id)
        cached.comments[own.id] = own
        cached.asked_at = float("-inf")
        _trim(cached)

    async def list_newest(
        self, source_id: int, viewer_id: str, *, now: float, show_rejections: bool
    ) -> list[dict[str, Any]]:
        """Return the newest comments of a viewer, the oldest of them first, with their states.

        `show_rejections`: without it a rejected comment has the state waiting. Raises StoreError.
        """
        cached = self._comments_of(source_id, viewer_id)
        if not cached.complete:
            found = await self._database.read(_newest_of, source_id, viewer_id)
            for own in sorted([*found, *cached.comments.values()]):
                cached.comments[own.id] = own
                cached.comments.move_to_end(own.id)
            cached.complete = True
            _trim(cached)
        if now - cached.asked_at >= FRESH_S and cached.comments:
            cached.asked_at = now
            cached.states = await self._desk.states_of(list(cached.comments))
        return [
            {
                "id": own.id,
                "client_id": own.client_id,
                "text": own.text,
                "state": shown_state(cached.states.get(own.id, "waiting"), show_rejections=show_rejections),
                "at": own.at,
            }
            for own in cached.comments.values()
        ]

    def _comments_of(self, source_id: int, viewer_id: str) -> _ViewerComments:
        key = source_id, viewer_id
        cached = self._of_viewers.get(key)
        if cached is None:
            cached = self._of_viewers[key] = _ViewerComments()
            if len(self._of_viewers) > MAX_VIEWERS:
                self._of_viewers.popitem(last=False)
        else:
            self._of_viewers.move_to_end(key)
        return cached


def shown_state(state: str, *, show_rejections: bool) -> str:
    """Return the state that the author sees: waiting, published, retracted, rejected or expired."""
    if state in {"published", "retracted", "expired"} or (state == "rejected" and show_rejections):
        return state
    return "waiting"


def own_client_id(viewer_id: str, client_id: str) -> str:
    """Return the client id at the watch page's source.

    It holds the viewer's id, so that viewers cannot collide.
    """
    return f"{viewer_id}:{client_id}"


def _trim(cached: _ViewerComments) -> None:
    while len(cached.comments) > KEPT:
        cached.comments.popitem(last=False)


def _newest_of(session: Session, source_id: int, author_id: str) -> list[OwnComment]:
    query = (
        sa.select(Comment.id, Comment.text, Comment.received_at, Comment.client_id)
        .where(Comment.source_id == source_id, Comment.author_id == author_id)
        .order_by(Comment.id.desc())
        .limit(KEPT)
    )
    rows: Iterable[Any] = session.execute(query)
    return [OwnComment(number, text, at, name.partition(":")[2]) for number, text, at, name in rows]
