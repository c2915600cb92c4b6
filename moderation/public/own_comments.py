"""What a viewer wrote and what became of it: shown to that viewer alone. The store has what memory forgot."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from moderation.public.desk_side import DeskSide
from streamgate.store.comment_models import Comment
from streamgate.store.database import AsyncDatabase

KEPT = 20
"""Newest comments of a viewer that are shown."""
MAX_VIEWERS = 20_000
FRESH_S = 1.0
"""States are asked for again after so long: a page may ask as often as it likes."""


class Own(NamedTuple):
    id: int
    text: str
    at: float
    client_id: str


class _Shelf:
    __slots__ = ("asked_at", "comments", "complete", "states")

    def __init__(self) -> None:
        self.comments: OrderedDict[int, Own] = OrderedDict()
        self.complete = False  # the store was asked
        self.states: dict[int, str] = {}
        self.asked_at = float("-inf")


class OwnComments:
    def __init__(self, desk: DeskSide, database: AsyncDatabase) -> None:
        self._desk, self._database = desk, database
        self._shelves: OrderedDict[tuple[int, str], _Shelf] = OrderedDict()

    def note(self, source_id: int, viewer_id: str, own: Own) -> None:
        """Keep what a viewer has just written."""
        shelf = self._shelf(source_id, viewer_id)
        shelf.comments[own.id] = own
        shelf.asked_at = float("-inf")
        _trim(shelf)

    async def list_newest(
        self, source_id: int, viewer_id: str, *, now: float, told: bool
    ) -> list[dict[str, Any]]:
        """Return the newest comments of a viewer, the oldest of them first, with their states.

        `told`: the channel lets authors know of rejections; otherwise those wait for ever. Raises StoreError.
        """
        shelf = self._shelf(source_id, viewer_id)
        if not shelf.complete:
            found = await self._database.read(_newest_of, source_id, viewer_id)
            for own in sorted([*found, *shelf.comments.values()]):
                shelf.comments[own.id] = own
                shelf.comments.move_to_end(own.id)
            shelf.complete = True
            _trim(shelf)
        if now - shelf.asked_at >= FRESH_S and shelf.comments:
            shelf.asked_at = now
            shelf.states = await self._desk.states_of(list(shelf.comments))
        return [
            {
                "id": own.id,
                "client_id": own.client_id,
                "text": own.text,
                "state": shown_state(shelf.states.get(own.id, "waiting"), told=told),
                "at": own.at,
            }
            for own in shelf.comments.values()
        ]

    def _shelf(self, source_id: int, viewer_id: str) -> _Shelf:
        key = source_id, viewer_id
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = _Shelf()
            if len(self._shelves) > MAX_VIEWERS:
                self._shelves.popitem(last=False)
        else:
            self._shelves.move_to_end(key)
        return shelf


def shown_state(state: str, *, told: bool) -> str:
    """Return a comment's state in its author's eyes: waiting, published, retracted, rejected or expired."""
    if state in {"published", "retracted", "expired"} or (state == "rejected" and told):
        return state
    return "waiting"


def own_client_id(viewer_id: str, client_id: str) -> str:
    """Return a comment's name at the watch page's source: no viewer can name another's."""
    return f"{viewer_id}:{client_id}"


def _trim(shelf: _Shelf) -> None:
    while len(shelf.comments) > KEPT:
        shelf.comments.popitem(last=False)


def _newest_of(session: Session, source_id: int, author_id: str) -> list[Own]:
    query = (
        sa.select(Comment.id, Comment.text, Comment.received_at, Comment.client_id)
        .where(Comment.source_id == source_id, Comment.author_id == author_id)
        .order_by(Comment.id.desc())
        .limit(KEPT)
    )
    rows: Iterable[Any] = session.execute(query)
    return [Own(number, text, at, name.partition(":")[2]) for number, text, at, name in rows]
