"""What is on record of a broadcast's comments, read for lists, exports and forms."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store import comments, decisions
from streamgate.store.comment_models import (
    Comment,
    FeedItem,
    ReviewAct,
    ReviewCard,
    Source,
    StageDecision,
)
from streamgate.store.models import User
from streamgate.store.rows import chunks


class BroadcastComments(NamedTuple):
    """How many cards and comments of a broadcast are in which state, and how many were taken back.

    `broadcast` "": what came while nothing was on air. Times: of the first and the last comment.
    """

    broadcast: str
    first_at: float
    last_at: float
    cards: dict[str, int]
    comments: dict[str, int]
    retracted: int


UNREVIEWED = ("waiting", "blocked", "expired")
"""States of cards that nobody published and nobody rejected."""


class Acts(NamedTuple):
    """What people did with a broadcast's cards. `decisions`: how often, by kind of act, undone ones, too.

    `rejected_for`: cards that are rejected now, by the code of the reason.
    """

    decisions: dict[str, int]
    rejected_for: dict[str, int]


class CardRecord(NamedTuple):
    """A card with all that belongs to it, in order. `feed`: when its comments were shown and taken back."""

    card: ReviewCard
    comments: list[Comment]
    decisions: list[StageDecision]
    acts: list[ReviewAct]
    feed: list[FeedItem]


class Names(NamedTuple):
    """`people`: user name and shown name, by number. `sources`: by number, the removed ones, too."""

    people: dict[int, tuple[str, str]]
    sources: dict[int, str]


def list_of_channel(
    session: Session, channel: str, *, broadcast: str | None = None, limit: int
) -> list[BroadcastComments]:
    """Return the newest broadcasts of a channel that have comments, the newest first; or one alone."""
    of = ReviewCard.channel == channel
    if broadcast is not None:
        of &= ReviewCard.broadcast == broadcast
    counted = (
        sa.select(
            ReviewCard.broadcast,
            ReviewCard.state,
            sa.func.count(sa.distinct(ReviewCard.id)),
            sa.func.count(),
            sa.func.min(Comment.received_at),
            sa.func.max(Comment.received_at),
        )
        .join(Comment, Comment.card_id == ReviewCard.id)
        .where(of)
        .group_by(ReviewCard.broadcast, ReviewCard.state)
    )
    back = (
        sa.select(ReviewCard.broadcast, sa.func.count())
        .join(FeedItem, FeedItem.card_id == ReviewCard.id)
        .where(of, FeedItem.kind == "retract")
        .group_by(ReviewCard.broadcast)
    )
    retracted = {name: number for name, number in session.execute(back)}  # noqa: C416 - rows are no pairs to mypy
    found: dict[str, BroadcastComments] = {}
    for name, state, cards, number, first, last in session.execute(counted):
        one = found.get(name) or BroadcastComments(name, first, last, {}, {}, retracted.get(name, 0))
        one.cards[state], one.comments[state] = cards, number
        found[name] = one._replace(first_at=min(one.first_at, first), last_at=max(one.last_at, last))
    return sorted(found.values(), key=lambda one: one.first_at, reverse=True)[:limit]


def count_acts(session: Session, channel: str, broadcast: str) -> Acts:
    """Count what people did with the cards of a broadcast."""
    of = (ReviewCard.channel == channel, ReviewCard.broadcast == broadcast)
    done = (
        sa.select(ReviewAct.kind, sa.func.count())
        .join(ReviewCard, ReviewCard.id == ReviewAct.card_id)
        .where(*of, ReviewAct.user_id.is_not(None))
        .group_by(ReviewAct.kind)
    )
    rejected = (
        sa.select(StageDecision.code, sa.func.count())
        .join(ReviewCard, ReviewCard.id == StageDecision.card_id)
        .where(*of, StageDecision.decision == "reject")
        .group_by(StageDecision.code)
    )
    return Acts(
        {kind: number for kind, number in session.execute(done)},  # noqa: C416 - rows are no pairs to mypy
        {code: number for code, number in session.execute(rejected)},  # noqa: C416
    )


def read_page(
    session: Session,
    channel: str,
    broadcast: str,
    *,
    after: int,
    limit: int,
    states: Iterable[str] | None = None,
) -> list[CardRecord]:
    """Return the cards of a broadcast that follow card `after` (0: from the first), by number.

    `states`: only cards in one of these; None: all.
    """
    query = (
        sa.select(ReviewCard)
        .where(ReviewCard.channel == channel, ReviewCard.broadcast == broadcast, ReviewCard.id > after)
        .order_by(ReviewCard.id)
        .limit(limit)
    )
    if states is not None:
        query = query.where(ReviewCard.state.in_(tuple(states)))
    cards = list(session.scalars(query))
    ids = [card.id for card in cards]
    members, decided = comments.of_cards(session, ids), decisions.of_cards(session, ids)
    acts, feed = decisions.acts_of_cards(session, ids), _feed_of_cards(session, ids)
    return [
        CardRecord(
            card,
            members.get(card.id, []),
            decided.get(card.id, []),
            acts.get(card.id, []),
            feed.get(card.id, []),
        )
        for card in cards
    ]


def read_names(session: Session) -> Names:
    """Return the names of everybody who has, or had, an account, and of all sources."""
    people = session.execute(sa.select(User.id, User.username, User.display_name))
    sources = session.execute(sa.select(Source.id, Source.name))
    return Names(
        {one.id: (one.username, one.display_name) for one in people}, {one.id: one.name for one in sources}
    )


def _feed_of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, list[FeedItem]]:
    found: dict[int, list[FeedItem]] = {}
    for some in chunks(card_ids):
        query = sa.select(FeedItem).where(FeedItem.card_id.in_(some)).order_by(FeedItem.id)
        for one in session.scalars(query):
            found.setdefault(one.card_id, []).append(one)
    return found
