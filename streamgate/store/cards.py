"""Cards: how far the review of comments is. The rules of review stand in `moderation/review`.

Whoever changes a card says which revision was seen; a card that has another one by now is not changed.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import ReviewCard
from streamgate.store.rows import change, chunks

OPEN = ("blocked", "waiting", "approved")
"""States of cards whose review is under way, or that are about to be published."""


class CardValues(NamedTuple):
    """What changes about a card. See `ReviewCard`."""

    state: str
    stages: int
    stage: int
    verdict: int
    revision: int
    publish_at: float | None
    held: str
    escalated: bool
    rescued: bool


class NewCard(NamedTuple):
    """A card as it is opened."""

    id: int
    channel: str
    broadcast: str
    key: str
    opened_at: float
    trusted: bool
    values: CardValues


def last_id(session: Session) -> int:
    """Return the highest number of a card, 0 when there is none."""
    return session.scalar(sa.select(sa.func.max(ReviewCard.id))) or 0


def add_many(session: Session, cards: Sequence[NewCard]) -> None:
    """Store new cards. Their comments are stored next: `comments.add_many`."""
    if not cards:
        return
    rows = []
    for one in cards:
        row = {**one._asdict(), **one.values._asdict()}
        del row["values"]
        rows.append(row)
    session.execute(sa.insert(ReviewCard), rows)


def update(session: Session, card_id: int, values: CardValues, *, seen: int) -> bool:
    """Change a card that still has the revision `seen`; False when it has another one."""
    query = sa.update(ReviewCard).where(ReviewCard.id == card_id, ReviewCard.revision == seen)
    return change(session, query.values(values._asdict())) == 1


def get_many(session: Session, card_ids: Iterable[int]) -> list[ReviewCard]:
    """Return these cards, by number, as they are stored now."""
    found: list[ReviewCard] = []
    for some in chunks(card_ids):
        query = sa.select(ReviewCard).where(ReviewCard.id.in_(some)).order_by(ReviewCard.id)
        found.extend(session.scalars(query.execution_options(populate_existing=True)))
    return found


def list_open(session: Session, channel: str | None = None) -> list[ReviewCard]:
    """Return the cards of a channel, or of all, whose review is under way, the oldest first."""
    query = sa.select(ReviewCard).where(ReviewCard.state.in_(OPEN)).order_by(ReviewCard.id)
    if channel is not None:
        query = query.where(ReviewCard.channel == channel)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def list_due(session: Session, *, at: float) -> list[int]:
    """Return the approved cards that are to be published by now, in the order they fell due."""
    query = sa.select(ReviewCard.id).where(
        ReviewCard.state == "approved", ReviewCard.held == "", ReviewCard.publish_at <= at
    )
    return list(session.scalars(query.order_by(ReviewCard.publish_at, ReviewCard.id)))


def list_of_broadcast(session: Session, channel: str, broadcast: str) -> list[ReviewCard]:
    """Return every card of a broadcast, by number."""
    query = sa.select(ReviewCard).where(ReviewCard.channel == channel, ReviewCard.broadcast == broadcast)
    return list(session.scalars(query.order_by(ReviewCard.id)))


def count_waiting(session: Session, channel: str) -> dict[int, int]:
    """Return how many cards wait in each stage."""
    query = sa.select(ReviewCard.stage, sa.func.count()).where(
        ReviewCard.state == "waiting", ReviewCard.channel == channel
    )
    rows = session.execute(query.group_by(ReviewCard.stage))
    return {stage: number for stage, number in rows}  # noqa: C416 - rows are not pairs to mypy


def count_states(session: Session, channel: str, broadcast: str) -> dict[str, int]:
    """Return how many cards of a broadcast are in each state."""
    query = sa.select(ReviewCard.state, sa.func.count()).where(
        ReviewCard.channel == channel, ReviewCard.broadcast == broadcast
    )
    rows = session.execute(query.group_by(ReviewCard.state))
    return {state: number for state, number in rows}  # noqa: C416 - rows are not pairs to mypy
