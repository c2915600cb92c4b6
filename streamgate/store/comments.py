"""Comments as they came in, and what the filter says of them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.bulk import BulkInsert, read_rows
from streamgate.store.comment_models import Comment, FeedItem, ReviewCard
from streamgate.store.rows import chunks

_TABLE = cast("sa.Table", Comment.__table__)


class Judgement(NamedTuple):
    """What the filter says of one comment. See `Comment`."""

    verdict: int
    lists: str
    hits: Any
    cause_zh: str
    cause_en: str
    masked: str | None
    masked_author: str | None


class NewComment(NamedTuple):
    """A comment that was taken in. Text and names are as both engines take them: see `models.clip`."""

    id: int
    card_id: int
    source_id: int
    client_id: str
    author_id: str
    author: str
    text: str
    received_at: float
    sent_at: float | None
    at_media_s: float | None
    judgement: Judgement
    bullet: bool = False


_PLAIN = NewComment._fields.index("judgement")
_INSERT = BulkInsert(
    _TABLE, [name for name in NewComment._fields if name != "judgement"] + list(Judgement._fields)
)


class AuthorRecord(NamedTuple):
    """What became of an author's comments. `first_at`: when the first one came, None when there is none."""

    states: dict[str, int]
    retracted: int
    first_at: float | None


def last_id(session: Session) -> int:
    """Return the highest number of a comment, 0 when there is none."""
    return read_rows(session, "SELECT max(id) FROM comments")[0][0] or 0


def add_many(session: Session, comments: Sequence[NewComment]) -> None:
    """Store new comments; their cards are there already."""
    judged = {id(one.judgement): one.judgement for one in comments}  # of most it is one and the same
    stored = {key: _judged(judgement) for key, judgement in judged.items()}
    _INSERT.add(session, [(*one[:_PLAIN], one.bullet, *stored[id(one.judgement)]) for one in comments])


def _judged(judgement: Judgement) -> tuple[Any, ...]:
    verdict, lists, hits, *said = judgement
    return (verdict, lists, json.dumps(hits) if hits else "[]", *said)


def rejudge_many(session: Session, judgements: Sequence[tuple[int, Judgement]]) -> None:
    """Store what the filter says of these comments now: pairs of number and judgement."""
    if judgements:
        rows = [{"id": comment_id, **judgement._asdict()} for comment_id, judgement in judgements]
        session.execute(sa.update(Comment), rows)


def get(session: Session, comment_id: int) -> Comment | None:
    return session.get(Comment, comment_id)


def of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, list[Comment]]:
    """Return the comments of these cards, in the order they came."""
    found: dict[int, list[Comment]] = {}
    for some in chunks(card_ids):
        query = sa.select(Comment).where(Comment.card_id.in_(some)).order_by(Comment.id)
        for one in session.scalars(query):
            found.setdefault(one.card_id, []).append(one)
    return found


def ids_of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, list[int]]:
    """Return the numbers of the comments of these cards, in the order they came."""
    found: dict[int, list[int]] = {}
    for some in chunks(card_ids):
        query = sa.select(Comment.card_id, Comment.id).where(Comment.card_id.in_(some))
        for card_id, comment_id in session.execute(query.order_by(Comment.id)):
            found.setdefault(card_id, []).append(comment_id)
    return found


def states(session: Session, comment_ids: Iterable[int]) -> dict[int, str]:
    """Return the state of the card of each of these comments, "retracted" for one that was taken back."""
    if not (comment_ids := list(comment_ids)):
        return {}
    back = sa.orm.aliased(FeedItem)
    gone = sa.exists().where(back.comment_id == Comment.id, back.kind == "retract")
    found: dict[int, str] = {}
    for some in chunks(comment_ids):
        query = (
            sa.select(Comment.id, ReviewCard.state, gone)
            .join(ReviewCard, ReviewCard.id == Comment.card_id)
            .where(Comment.id.in_(some))
        )
        found.update(
            (number, "retracted" if retracted else state)
            for number, state, retracted in session.execute(query)
        )
    return found


def newest_of_author(session: Session, source_id: int, author_id: str, *, limit: int) -> list[Comment]:
    """Return the newest comments of an author, the newest first."""
    own = sa.select(Comment).where(Comment.source_id == source_id, Comment.author_id == author_id)
    return list(session.scalars(own.order_by(Comment.id.desc()).limit(limit)))


def author_record(session: Session, source_id: int, author_id: str) -> AuthorRecord:
    """Return how many comments of an author are in which state, and how many were taken back."""
    own = (Comment.source_id == source_id, Comment.author_id == author_id)
    counted = (
        sa.select(ReviewCard.state, sa.func.count(), sa.func.min(Comment.received_at))
        .join(ReviewCard, ReviewCard.id == Comment.card_id)
        .where(*own)
        .group_by(ReviewCard.state)
    )
    rows = session.execute(counted).all()
    retracted = (
        sa.select(sa.func.count())
        .select_from(FeedItem)
        .join(Comment, Comment.id == FeedItem.comment_id)
        .where(*own, FeedItem.kind == "retract")
    )
    return AuthorRecord(
        {state: number for state, number, _ in rows},
        session.scalar(retracted) or 0,
        min((first for _, _, first in rows), default=None),
    )
