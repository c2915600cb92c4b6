"""Comments that are past their retention: which they are, and how they go with all that is on record of them.

What still waits for a decision never goes. Nor do the newest rows of cards, comments and feed: numbers go on
from them (ADR 22).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.cards import OPEN
from streamgate.store.comment_models import (
    Ban,
    ClientId,
    Comment,
    FeedItem,
    Publication,
    ReviewAct,
    ReviewCard,
    StageDecision,
)
from streamgate.store.rows import change


class OldCard(NamedTuple):
    """A card that may go. `at`: when the last thing happened to it; `comments`: how many are on it."""

    id: int
    channel: str
    at: float
    comments: int


def newest_at(session: Session) -> float | None:
    """Return when the newest comment came in."""
    newest = sa.select(sa.func.max(Comment.id)).scalar_subquery()
    return session.scalar(sa.select(Comment.received_at).where(Comment.id == newest))


def list_old(session: Session, *, before: float, after: int, limit: int) -> tuple[list[OldCard], int | None]:
    """Look at `limit` cards behind number `after`. Returns those that may go, and where to look on.

    None: there is nothing more. A card goes only if all that happened to it was before `before`. The first
    one that was opened later ends it: none behind it goes, whatever the clock said when it came.
    """
    query = sa.select(ReviewCard.id, ReviewCard.channel, ReviewCard.state, ReviewCard.opened_at)
    rows = session.execute(query.where(ReviewCard.id > after).order_by(ReviewCard.id).limit(limit)).all()
    ids = [row.id for row in rows]
    came = _newest_by_card(session, Comment.card_id, Comment.received_at, ids)
    acted = _newest_by_card(session, ReviewAct.card_id, ReviewAct.at, ids)
    shown = _newest_by_card(session, FeedItem.card_id, FeedItem.at, ids)
    kept = _kept(session)
    found: list[OldCard] = []
    for number, channel, state, opened_at in rows:
        times = (one[number][0] for one in (came, acted, shown) if number in one)
        at = max([opened_at, *times])
        if opened_at >= before:
            return found, None
        if at < before and state not in OPEN and number not in kept:
            found.append(OldCard(number, channel, at, came[number][1] if number in came else 0))
    return found, ids[-1] if len(ids) == limit else None


def remove(session: Session, card_ids: Sequence[int]) -> int:
    """Remove cards with their comments, decisions and publications. Returns how many comments went.

    A ban stays; the card that it was given for is no longer named.
    """
    named = sa.select(Comment.source_id, Comment.client_id, Comment.id).where(Comment.card_id.in_(card_ids))
    name = sa.tuple_(ClientId.source_id, ClientId.client_id, ClientId.comment_id)
    change(session, sa.delete(FeedItem).where(FeedItem.card_id.in_(card_ids)))
    change(session, sa.delete(Publication).where(Publication.card_id.in_(card_ids)))
    change(session, sa.delete(StageDecision).where(StageDecision.card_id.in_(card_ids)))
    change(session, sa.delete(ReviewAct).where(ReviewAct.card_id.in_(card_ids)))
    change(session, sa.delete(ClientId).where(name.in_(named)))
    change(session, sa.update(Ban).where(Ban.card_id.in_(card_ids)).values(card_id=None))
    gone = change(session, sa.delete(Comment).where(Comment.card_id.in_(card_ids)))
    change(session, sa.delete(ReviewCard).where(ReviewCard.id.in_(card_ids)))
    return gone


def _newest_by_card(
    session: Session,
    card_id: sa.orm.InstrumentedAttribute[int],
    at: sa.orm.InstrumentedAttribute[float],
    ids: Iterable[int],
) -> dict[int, tuple[float, int]]:
    """Return the newest time and the number of rows of each of these cards."""
    query = sa.select(card_id, sa.func.max(at), sa.func.count()).where(card_id.in_(list(ids)))
    return {number: (newest, count) for number, newest, count in session.execute(query.group_by(card_id))}


def _kept(session: Session) -> set[int | None]:
    """Return the cards of the newest rows, with which numbers go on."""
    comment = sa.select(sa.func.max(Comment.id)).scalar_subquery()
    item = sa.select(sa.func.max(FeedItem.id)).scalar_subquery()
    return {
        session.scalar(sa.select(sa.func.max(ReviewCard.id))),
        session.scalar(sa.select(Comment.card_id).where(Comment.id == comment)),
        session.scalar(sa.select(FeedItem.card_id).where(FeedItem.id == item)),
    }
