"""The order of the review queue, and which cards may be decided in one batch. Pure."""

import enum
from collections.abc import Iterable, Sequence
from typing import Literal

from moderation.filter.policy import Verdict
from moderation.review import refusals
from moderation.review.card import Card, State
from moderation.review.events import Reviewer
from moderation.review.leases import Leases
from moderation.review.stages import entitling_role

TRUST_S = 30.0
"""A trusted author's comment is sorted as if it had come this much earlier. It is reviewed like any other."""
APPROVE_AT_ONCE = 20


class Order(enum.StrEnum):
    """How the queue is sorted."""

    OLDEST = "oldest"
    GRAVEST = "gravest"


def order_key(card: Card, order: Order) -> tuple[int, float, int]:
    """Return the sort key of a card; the smallest key comes first."""
    grave = -card.verdict if order is Order.GRAVEST else 0
    return grave, card.opened_at - (TRUST_S if card.trusted else 0.0), card.id


def may_decide(card: Card, by: Reviewer) -> bool:
    """Return whether a person may decide the next stage of a card now."""
    return (
        card.state is State.WAITING
        and not card.held
        and entitling_role(card.stage, by.roles) is not None
        and not card.is_decided_by(by.id)
    )


def deal(cards: Iterable[Card], leases: Leases, by: Reviewer, now: float, order: Order) -> Card | None:
    """Return the next card that somebody may decide and that nobody else has; None: there is none."""
    free = (card for card in cards if may_decide(card, by) and leases.holder(card.id, now) in (None, by.id))
    return min(free, key=lambda card: order_key(card, order), default=None)


def check_batch_decision(decision: Literal["approve", "reject"], cards: Sequence[Card]) -> None:
    """Raise ReviewRefused unless these cards may be decided in one batch.

    Only clean cards may be approved so.
    """
    if decision == "reject":
        return
    if len(cards) > APPROVE_AT_ONCE:
        raise refusals.batch(
            f"{len(cards)} cards are too many to approve at once; at most {APPROVE_AT_ONCE}",
            f"一次通过 {len(cards)} 张卡片过多；最多 {APPROVE_AT_ONCE} 张",
        )
    hits = [str(card.id) for card in cards if card.verdict is not Verdict.CLEAN]
    if hits:
        raise refusals.batch(
            f"cards with hits are approved one by one: {', '.join(hits)}",
            f"有命中的卡片须逐张审核：{', '.join(hits)}",
        )
