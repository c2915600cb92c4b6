"""Cards: how far the review of comments is. The rules of review stand in `moderation/review`.

Whoever changes a card says which revision was seen; a card that has another one by now is not changed.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.bulk import BulkInsert, read_rows
from streamgate.store.comment_models import ReviewCard
from streamgate.store.rows import change_each, chunks

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


_TABLE = cast("sa.Table", ReviewCard.__table__)
_INSERT = BulkInsert(_TABLE, [*NewCard._fields[:-1], *CardValues._fields])
_UPDATE = (
    sa.update(_TABLE)
    .where(_TABLE.c.id == sa.bindparam("of_card"), _TABLE.c.revision == sa.bindparam("seen"))
    .values({name: sa.bindparam(name) for name in CardValues._fields})
)


def last_id(session: Session) -> int:
    """Return the highest number of a card, 0 when there is none."""
    return read_rows(session, "SELECT max(id) FROM cards")[0][0] or 0


def add_many(session: Session, cards: Sequence[NewCard]) -> None:
    """Store new cards. Their comments are stored next: `comments.add_many`."""
    _INSERT.add(session, [(*one[:-1], *one.values) for one in cards])


class Change(NamedTuple):
    """A change of the card that has the revision `seen`."""

    card_id: int
    seen: int
    values: CardValues


def lock_revisions(session: Session, card_ids: Iterable[int]) -> dict[int, int]:
    """Return the revisions that these cards have, and keep them so until the end of the transaction."""
    found: dict[int, int] = {}
    for some in chunks(card_ids):
        query = sa.select(ReviewCard.id, ReviewCard.revision).where(ReviewCard.id.in_(some))
        found.update((number, revision) for number, revision in session.execute(query.with_for_update()))
    return found


def update_many(session: Session, changes: Sequence[Change]) -> int:
    """Change those of these cards that still have the revision that was seen. Returns how many."""
    if not changes:
        return 0
    rows = [{"of_card": one.card_id, "seen": one.seen, **one.values._asdict()} for one in changes]
    return change_each(session, _UPDATE, rows)


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


def list_in_state(session: Session, channel: str, state: str, *, before: int | None, limit: int) -> list[int]:
    """Return the newest cards of a channel in a state, the newest first; `before`: older than that card."""
    query = sa.select(ReviewCard.id).where(ReviewCard.state == state, ReviewCard.channel == channel)
    if before is not None:
        query = query.where(ReviewCard.id < before)
    return list(session.scalars(query.order_by(ReviewCard.id.desc()).limit(limit)))
