"""Stores review cards in the database and reads them back.

Every function takes a session and does not commit, so that many steps share one commit. `save` checks before
it writes: when it refuses, the transaction is unchanged.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, cast

from sqlalchemy.orm import Session

from moderation.filter.policy import Verdict
from moderation.review import refusals
from moderation.review.card import Card, Decision, State
from moderation.review.events import ActRecord, Step
from moderation.review.stages import Stage
from streamgate.store import cards, comments, decisions, published
from streamgate.store.comment_models import ReviewCard, StageDecision


def add_many(session: Session, opened: Sequence[Card]) -> None:
    """Store new cards. The caller stores their comments next."""
    new = [
        cards.NewCard(one.id, one.channel, one.broadcast, one.key, one.opened_at, one.trusted, _values(one))
        for one in opened
    ]
    cards.add_many(session, new)


def save(session: Session, step: Step) -> None:
    """Store a step: the card, its decisions, the record of the act, and what is published or retracted.

    Comments that join a card are stored by `comments.add_many`.

    Raises:
        ReviewRefused: `stale`: the stored card has another revision. Nothing is written then.
        StoreConflictError: a constraint of the database is violated. Roll back.
    """
    if save_many(session, [step]):
        stored = load_many(session, [step.card.id])
        raise refusals.stale(stored.get(step.card.id, step.before), step.before.revision)


def save_many(session: Session, steps: Sequence[Step]) -> list[Step]:
    """Store steps of different cards, as `save` does. Return the stale ones, which are not stored.

    Raises ReviewRefused (`stale`) when two steps are of the same card. Roll back then.
    """
    steps = [step for step in steps if step.changed]
    stored = cards.lock_revisions(session, [step.card.id for step in steps])
    fit = [step for step in steps if stored.get(step.card.id) == step.before.revision]
    changes = [cards.Change(step.card.id, step.before.revision, _values(step.card)) for step in fit]
    if cards.update_many(session, changes) != len(fit):  # two steps of one card
        raise refusals.stale(fit[-1].card, fit[-1].before.revision)
    for step in fit:
        for one in set(step.before.decisions).difference(step.card.decisions):
            decisions.remove(session, step.card.id, one.stage)
    decisions.add_many(
        session,
        [
            (step.card.id, _new_decision(one))
            for step in fit
            for one in step.card.decisions
            if one not in step.before.decisions
        ],
    )
    decisions.record_many(
        session, [(step.card.id, _new_act(step.act)) for step in fit if step.act is not None]
    )
    for step in fit:
        if step.act is not None and step.published:
            card, at = step.card, step.act.at
            published.publish(session, card.channel, card.id, step.published, stages=card.stages, at=at)
        if step.act is not None and step.retracted:
            published.retract(session, step.card.channel, step.card.id, step.retracted, at=step.act.at)
    return [step for step in steps if stored.get(step.card.id) != step.before.revision]


def load_many(session: Session, card_ids: Iterable[int]) -> dict[int, Card]:
    """Return these cards as stored, by card number."""
    return _load(session, cards.get_many(session, card_ids))


def load_open(session: Session, channel: str | None = None) -> dict[int, Card]:
    """Return the cards that wait for review or publication. It is called after a start."""
    return _load(session, cards.list_open(session, channel))


def _load(session: Session, rows: Sequence[ReviewCard]) -> dict[int, Card]:
    ids = [row.id for row in rows]
    members = comments.ids_of_cards(session, ids)
    decided = decisions.of_cards(session, ids)
    shown = [row.id for row in rows if row.state == State.PUBLISHED]
    retracted = published.retracted_of_cards(session, shown)
    return {
        row.id: _card(
            row,
            tuple(members.get(row.id, ())),
            [_decision(one) for one in decided.get(row.id, ())],
            frozenset(retracted.get(row.id, ())),
        )
        for row in rows
    }


def _card(
    row: ReviewCard, members: tuple[int, ...], decided: list[Decision], retracted: frozenset[int]
) -> Card:
    rejections = [one for one in decided if one.decision == "reject"]
    return Card(
        id=row.id,
        channel=row.channel,
        broadcast=row.broadcast,
        key=row.key,
        comments=members,
        verdict=Verdict(row.verdict),
        stages=row.stages,
        state=State(row.state),
        opened_at=row.opened_at,
        revision=row.revision,
        approvals=tuple(one for one in decided if one.decision == "approve"),
        rejection=rejections[0] if rejections else None,
        publish_at=row.publish_at,
        held=row.held,
        escalated=row.escalated,
        rescued=row.rescued,
        trusted=row.trusted,
        retracted=retracted,
    )


def _values(card: Card) -> cards.CardValues:
    return cards.CardValues(
        card.state.value,
        card.stages,
        card.stage.value,
        card.verdict.value,
        card.revision,
        card.publish_at,
        card.held,
        card.escalated,
        card.rescued,
    )


def _decision(row: StageDecision) -> Decision:
    decision = cast('Literal["approve", "reject"]', row.decision)
    return Decision(Stage(row.stage), decision, row.user_id, row.role, row.at, row.code, row.note)


def _new_decision(one: Decision) -> decisions.NewDecision:
    return decisions.NewDecision(
        one.stage.value, one.decision, one.user_id, one.role, one.at, one.code, one.note
    )


def _new_act(act: ActRecord) -> decisions.NewAct:
    stage = None if act.stage is None else act.stage.value
    return decisions.NewAct(
        act.revision,
        act.kind,
        act.at,
        act.user_id,
        act.role,
        stage,
        act.code,
        act.note,
        act.comment,
    )
