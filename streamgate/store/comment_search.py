"""Finds comments of a channel by time and text, for those who look at its recordings."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import Comment, FeedItem, ReviewCard

MAX_SCAN = 200_000  # comments that one search looks at
_ESCAPE = "\\"


class FoundComment(NamedTuple):
    """A comment, personal data starred out. `state`: its card's.

    `published_at`, `retracted_at`: when viewers were shown it, and when it was taken back; None: never.
    """

    id: int
    at: float
    author: str
    text: str
    state: str
    bullet: bool
    published_at: float | None
    retracted_at: float | None


class FoundComments(NamedTuple):
    """In order of time. `before`: the number from which an older search goes on; None: all was looked at."""

    comments: list[FoundComment]
    before: int | None


def find_comments(
    session: Session, channel: str, *, start: float, end: float, text: str, before: int | None, limit: int
) -> FoundComments:
    """Return the newest comments that came within [start, end) and hold `text`; `before`: with lower numbers.

    Numbers rise with time, so that the bounds are found by halving, and no index is needed.
    """
    high = _first_from(session, end)
    high = high if before is None else min(high, before)
    low = max(_first_from(session, start), high - MAX_SCAN)
    masked = sa.func.coalesce(Comment.masked, Comment.text)
    query = (
        sa.select(
            Comment.id,
            Comment.received_at,
            sa.func.coalesce(Comment.masked_author, Comment.author),
            masked,
            ReviewCard.state,
            Comment.bullet,
            *(
                sa.select(sa.func.min(FeedItem.at))
                .where(FeedItem.comment_id == Comment.id, FeedItem.kind == kind)
                .scalar_subquery()
                for kind in ("publish", "retract")
            ),
        )
        .join(ReviewCard, ReviewCard.id == Comment.card_id)
        .where(Comment.id >= low, Comment.id < high, ReviewCard.channel == channel)
        .order_by(Comment.id.desc())
        .limit(limit + 1)
    )
    for word in text.split():
        query = query.where(masked.ilike(f"%{_escaped(word)}%", escape=_ESCAPE))
    rows = [FoundComment(*row) for row in session.execute(query)]
    more = len(rows) > limit
    rows = rows[:limit]
    following = rows[-1].id if more else low if low > _first_from(session, start) else None
    return FoundComments(rows[::-1], following)


def _first_from(session: Session, at: float) -> int:
    """Return the lowest number of a comment that came at `at` or later; one above all when there is none."""
    newest = session.scalar(sa.select(sa.func.max(Comment.id)))
    low, high = 1, (newest or 0) + 1
    while low < high:
        middle = (low + high) // 2
        row = session.execute(
            sa.select(Comment.id, Comment.received_at)
            .where(Comment.id >= middle)
            .order_by(Comment.id)
            .limit(1)
        ).first()
        if row is None or row[1] >= at:
            high = middle
        else:
            low = row[0] + 1
    return low


def _escaped(word: str) -> str:
    for sign in (_ESCAPE, "%", "_"):
        word = word.replace(sign, _ESCAPE + sign)
    return word
