"""Decisions that stand, one a stage of a card, and the record of all acts on cards."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import ReviewAct, StageDecision
from streamgate.store.rows import change, chunks, insert_many


class NewDecision(NamedTuple):
    """A person's decision in a stage. `code`, `note`: why it was rejected."""

    stage: int
    decision: str
    user_id: int
    role: str
    at: float
    code: str
    note: str


class NewAct(NamedTuple):
    """An act on a card. See `ReviewAct`."""

    revision: int
    kind: str
    at: float
    user_id: int | None
    role: str
    stage: int | None
    code: str
    note: str
    comment_id: int | None


def add_many(session: Session, made: Sequence[tuple[int, NewDecision]]) -> None:
    """Store decisions, each with its card. The database refuses a second one in a stage, or by a person."""
    rows = [{"card_id": card_id, **decision._asdict()} for card_id, decision in made]
    insert_many(session, StageDecision, rows)


def remove(session: Session, card_id: int, stage: int) -> bool:
    """Take a decision away that was undone. The database refuses it once the card is published."""
    query = sa.delete(StageDecision).where(StageDecision.card_id == card_id, StageDecision.stage == stage)
    return change(session, query) == 1


def of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, list[StageDecision]]:
    """Return the decisions that stand on these cards, in the order of their stages."""
    found: dict[int, list[StageDecision]] = {}
    for some in chunks(card_ids):
        query = sa.select(StageDecision).where(StageDecision.card_id.in_(some)).order_by(StageDecision.stage)
        for one in session.scalars(query.execution_options(populate_existing=True)):
            found.setdefault(one.card_id, []).append(one)
    return found


def record_many(session: Session, acts: Sequence[tuple[int, NewAct]]) -> None:
    """Store acts, each with its card. The database refuses a second one on the same revision of a card."""
    rows = [{"card_id": card_id, **act._asdict()} for card_id, act in acts]
    insert_many(session, ReviewAct, rows)


def acts_of_cards(session: Session, card_ids: Iterable[int]) -> dict[int, list[ReviewAct]]:
    """Return everything that was done to these cards, in order."""
    found: dict[int, list[ReviewAct]] = {}
    for some in chunks(card_ids):
        query = sa.select(ReviewAct).where(ReviewAct.card_id.in_(some)).order_by(ReviewAct.revision)
        for one in session.scalars(query):
            found.setdefault(one.card_id, []).append(one)
    return found
