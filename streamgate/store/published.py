"""The published feed: comments that viewers see, and retractions, by rising number."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import Comment, FeedItem, Publication
from streamgate.store.rows import chunks, insert_many


class Item(NamedTuple):
    """One event as viewers get it. Personal data is starred out. A retraction has neither author nor text."""

    id: int
    kind: str
    comment_id: int
    at: float
    author: str
    text: str
    at_media_s: float | None
    bullet: bool = False


def last_id(session: Session) -> int:
    """Return the highest number of the feed, 0 when nothing was published yet."""
    return session.scalar(sa.select(sa.func.max(FeedItem.id))) or 0


def publish(
    session: Session, channel: str, card_id: int, comment_ids: Sequence[int], *, stages: int, at: float
) -> list[int]:
    """Publish a card. Returns the numbers of the new items.

    The database refuses it unless every stage of the card has its approval, and a second time.
    """
    publication = {
        "card_id": card_id,
        "stages": stages,
        "decision": "approve",
        "first": 1,
        "second": 2 if stages >= 2 else None,
        "third": 3 if stages >= 3 else None,
        "at": at,
    }
    insert_many(session, Publication, [publication])
    return _append(session, channel, card_id, comment_ids, kind="publish", at=at)


def retract(
    session: Session, channel: str, card_id: int, comment_ids: Sequence[int], *, at: float
) -> list[int]:
    """Take published comments of a card back. Returns the numbers of the new items."""
    return _append(session, channel, card_id, comment_ids, kind="retract", at=at)


def read_after(session: Session, channel: str, after: int, *, limit: int) -> list[Item]:
    """Return what a viewer who has seen everything up to `after` has not, in order, at most `limit`.

    What was published and taken back since is not shown any more; its retraction is.
    """
    back = sa.orm.aliased(FeedItem)
    gone = sa.exists().where(back.comment_id == FeedItem.comment_id, back.kind == "retract")
    query = (
        _items()
        .where(FeedItem.channel == channel, FeedItem.id > after)
        .where(sa.or_(FeedItem.kind == "retract", ~gone))
        .order_by(FeedItem.id)
        .limit(limit)
    )
    return [_item(item, comment) for item, comment in session.execute(query)]


def list_after(session: Session, after: int) -> list[tuple[str, Item]]:
    """Return every event of the feed after number `after`, of all channels, each with its channel."""
    query = _items().where(FeedItem.id > after).order_by(FeedItem.id)
    return [(item.channel, _item(item, comment)) for item, comment in session.execute(query)]


def list_newest(session: Session, channel: str, *, limit: int) -> list[Item]:
    """Return the newest comments that are published now, the oldest of them first."""
    back = sa.orm.aliased(FeedItem)
    gone = sa.exists().where(back.comment_id == FeedItem.comment_id, back.kind == "retract")
    query = (
        _items()
        .where(FeedItem.channel == channel, FeedItem.kind == "publish", ~gone)
        .order_by(FeedItem.id.desc())
        .limit(limit)
    )
    return [_item(item, comment) for item, comment in session.execute(query)][::-1]


def list_between(session: Session, channel: str, start: float, end: float, *, limit: int) -> list[Item]:
    """Return what viewers were shown and what was taken back in [start, end), in order, at most `limit`."""
    query = (
        _items()
        .where(FeedItem.channel == channel, FeedItem.at >= start, FeedItem.at < end)
        .order_by(FeedItem.id)
        .limit(limit)
    )
    return [_item(item, comment) for item, comment in session.execute(query)]


def retracted_of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, set[int]]:
    """Return the comments of these cards that were taken back."""
    found: dict[int, set[int]] = {}
    for some in chunks(card_ids):
        query = sa.select(FeedItem.card_id, FeedItem.comment_id).where(
            FeedItem.card_id.in_(some), FeedItem.kind == "retract"
        )
        for card_id, comment_id in session.execute(query):
            found.setdefault(card_id, set()).add(comment_id)
    return found


def _append(
    session: Session, channel: str, card_id: int, comment_ids: Sequence[int], *, kind: str, at: float
) -> list[int]:
    """Number the items from the last one on. Two writers at the same time meet a conflict, never a gap."""
    first = last_id(session) + 1
    rows = [
        {"id": number, "channel": channel, "card_id": card_id, "comment_id": one, "kind": kind, "at": at}
        for number, one in enumerate(comment_ids, first)
    ]
    insert_many(session, FeedItem, rows)
    return [number for number, _ in enumerate(comment_ids, first)]


def _items() -> Any:  # its type is written differently by each SQLAlchemy 2
    return sa.select(FeedItem, Comment).join(Comment, Comment.id == FeedItem.comment_id)


def _item(item: FeedItem, comment: Comment) -> Item:
    if item.kind == "retract":
        return Item(item.id, item.kind, item.comment_id, item.at, "", "", None)
    author = comment.author if comment.masked_author is None else comment.masked_author
    text = comment.text if comment.masked is None else comment.masked
    return Item(
        item.id, item.kind, item.comment_id, item.at, author, text, comment.at_media_s, comment.bullet
    )
