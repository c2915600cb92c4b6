"""What the database forbids about comments by itself: the same as the review machine, whatever code does."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.errors import StoreConflictError
from streamgate.store import cards, comments, decisions, published, sources, users
from streamgate.store.cards import CardValues, NewCard
from streamgate.store.comment_models import (
    Comment,
    FeedItem,
    Publication,
    ReviewAct,
    ReviewCard,
    StageDecision,
)
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database

ANN, SUE, CHI = 1, 2, 3


@pytest.fixture
def filled(database: Database) -> Database:
    """Three people; card 1 needs one stage, card 2 needs two, card 3 three; comments of the same numbers."""
    judgement = Judgement(0, "v1", [], "", "", None, None)
    with database.write() as session:
        assert [users.add(session, name, by="x", at=1).id for name in ("ann", "sue", "chi")] == [
            ANN,
            SUE,
            CHI,
        ]
        source = sources.add(session, "s", "h", channel="main", by="x", at=1).id
        for number, verdict in ((1, 0), (2, 2), (3, 3)):
            values = CardValues("waiting", number, 1, verdict, 1, None, "", False, False)
            cards.add_many(session, [NewCard(number, "main", "b", "k", 1.0, False, values)])
            new = NewComment(number, number, source, "c", "u", "a", "t", 1.0, None, None, judgement)
            comments.add_many(session, [new])
    return database


def decision(
    card: int, stage: int, user: int, role: str = "chief-reviewer", **changes: object
) -> StageDecision:
    plain = {"decision": "approve", "at": 1.0, "code": "", "note": ""}
    return StageDecision(card_id=card, stage=stage, user_id=user, role=role, **{**plain, **changes})


def act(card: int, revision: int, kind: str, user: int | None) -> ReviewAct:
    return ReviewAct(card_id=card, revision=revision, kind=kind, user_id=user, at=1.0)


def store(database: Database, *rows: object) -> None:
    with database.write() as session:
        for row in rows:
            session.add(row)
            session.flush()


def refused(database: Database, *rows: object) -> bool:
    try:
        store(database, *rows)
    except StoreConflictError:
        return True
    return False


def run(database: Database, work: Callable[[Session], object]) -> None:
    with database.write() as session:
        work(session)


def test_one_person_cannot_decide_two_stages(filled: Database) -> None:
    """R26."""
    store(filled, decision(2, 1, ANN))
    assert refused(filled, decision(2, 2, ANN))
    assert refused(filled, decision(2, 2, ANN, decision="reject", code="spam"))
    store(filled, decision(2, 2, SUE), decision(3, 2, ANN))


def test_a_stage_is_decided_once(filled: Database) -> None:
    store(filled, decision(2, 1, ANN))
    assert refused(filled, decision(2, 1, SUE))
    assert refused(filled, decision(2, 1, SUE, decision="reject", code="spam"))


@pytest.mark.parametrize(
    ("stage", "role", "fits"),
    [
        (1, "reviewer", True),
        (2, "reviewer", False),
        (3, "reviewer", False),
        (1, "senior-reviewer", True),
        (2, "senior-reviewer", True),
        (3, "senior-reviewer", False),
        (1, "chief-reviewer", True),
        (2, "chief-reviewer", True),
        (3, "chief-reviewer", True),
        (1, "administrator", False),
        (1, "", False),
    ],
)
def test_a_stage_is_decided_in_a_role_that_may(filled: Database, stage: int, role: str, fits: bool) -> None:
    assert refused(filled, decision(3, stage, ANN, role)) is not fits


def test_the_database_refuses(filled: Database) -> None:
    plain = {"channel": "main", "broadcast": "b", "key": "k", "opened_at": 1.0, "revision": 1, "stage": 1}

    def card(**changes: object) -> ReviewCard:
        return ReviewCard(**{**plain, "id": 9, "state": "waiting", "stages": 1, "verdict": 0, **changes})

    wrong = {
        "a decision of nobody": decision(1, 1, 99),
        "a decision on nothing": decision(99, 1, ANN),
        "a fourth stage": decision(3, 4, ANN),
        "a decision of another kind": decision(1, 1, ANN, decision="maybe"),
        "a rejection without a code": decision(1, 1, ANN, decision="reject"),
        "an approval with a code": decision(1, 1, ANN, code="spam"),
        "an approval by the program": act(1, 2, "approve", None),
        "a release by the program": act(1, 2, "release", None),
        "an act of another kind": act(1, 2, "wave", ANN),
        "no stage": card(stages=0, stage=0),
        "four stages": card(stages=4),
        "a stage beyond the last": card(stage=2),
        "sensitive with one stage": card(verdict=2),
        "important with two stages": card(verdict=3, stages=2),
        "block with two stages": card(verdict=4, stages=2),
        "a verdict nobody knows": card(verdict=5, stages=3),
        "a state nobody knows": card(state="lost"),
        "approved without a time": card(state="approved"),
        "a time without approval": card(publish_at=1.0),
        "published while held": card(state="published", held="x"),
        "a number twice": card(id=1),
    }
    assert [what for what, row in wrong.items() if not refused(filled, row)] == []


def test_a_stale_act_cannot_be_stored(filled: Database) -> None:
    store(filled, act(1, 2, "hold", None), act(2, 2, "hold", None))
    assert refused(filled, act(1, 2, "approve", ANN))
    store(filled, act(1, 3, "approve", ANN))


# ---------------------------------------------------------------- publication


@pytest.mark.parametrize(
    ("card", "decided"),
    [
        (1, []),
        (2, []),
        (2, [(1, ANN)]),
        (2, [(2, ANN)]),
        (3, [(1, ANN), (2, SUE)]),
        (3, [(1, ANN), (3, SUE)]),
        (3, [(2, ANN), (3, SUE)]),
    ],
)
def test_a_card_without_every_approval_cannot_be_published(
    filled: Database, card: int, decided: list[tuple[int, int]]
) -> None:
    store(filled, *(decision(card, stage, user) for stage, user in decided))
    with pytest.raises(StoreConflictError), filled.write() as session:
        published.publish(session, "main", card, [card], stages=card, at=9.0)
    with filled.read() as session:
        assert published.last_id(session) == 0


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_with_every_approval_it_can(filled: Database, stages: int) -> None:
    store(filled, *(decision(stages, stage, stage) for stage in range(1, stages + 1)))
    run(filled, lambda session: published.publish(session, "main", stages, [stages], stages=stages, at=9.0))


@pytest.mark.parametrize(
    ("decided", "claimed"),
    [
        # what stands: (card, stage, person, decision); what is claimed: (card, first, second, third, stages)
        ([(3, 1, ANN, "approve")], (3, 1, None, None, 1, "approve")),  # it needs three
        ([(3, 1, ANN, "approve")], (3, 1, None, None, 3, "approve")),
        ([(3, 1, ANN, "approve")], (3, 1, 1, 1, 3, "approve")),  # the same approval three times
        ([(3, 1, ANN, "approve"), (3, 2, SUE, "approve")], (3, 1, 2, None, 3, "approve")),
        ([(3, 1, ANN, "approve"), (3, 2, SUE, "approve")], (3, 1, 2, 2, 3, "approve")),
        ([(3, 2, ANN, "approve"), (3, 3, SUE, "approve")], (3, 2, 2, 3, 3, "approve")),
        ([(2, 1, ANN, "approve")], (2, 1, None, None, 2, "approve")),
        ([(2, 1, ANN, "approve")], (2, 1, 1, None, 2, "approve")),
        ([(2, 1, ANN, "reject"), (2, 2, SUE, "approve")], (2, 1, 2, None, 2, "approve")),  # one rejected
        ([(1, 1, ANN, "reject")], (1, 1, None, None, 1, "approve")),
        ([(1, 1, ANN, "reject")], (1, 1, None, None, 1, "reject")),
    ],
)
def test_a_publication_cannot_claim_approvals_that_are_not_there(
    filled: Database, decided: list[tuple[int, int, int, str]], claimed: tuple[object, ...]
) -> None:
    for card, stage, user, kind in decided:
        store(filled, decision(card, stage, user, decision=kind, code="spam" if kind == "reject" else ""))
    names = ("card_id", "first", "second", "third", "stages", "decision")
    assert refused(filled, Publication(**dict(zip(names, claimed, strict=True)), at=1.0))


def test_the_number_of_stages_cannot_be_lowered_below_what_the_verdict_asks_for(filled: Database) -> None:
    with pytest.raises(StoreConflictError), filled.write() as session:
        session.execute(sa.update(ReviewCard).where(ReviewCard.id == 3).values(stages=1))


def published_card(database: Database) -> None:
    store(database, decision(1, 1, ANN))
    run(database, lambda session: published.publish(session, "main", 1, [1], stages=1, at=9.0))


def test_a_comment_is_published_once_and_retracted_once(filled: Database) -> None:
    published_card(filled)
    with pytest.raises(StoreConflictError), filled.write() as session:
        published.publish(session, "main", 1, [1], stages=1, at=10.0)
    item = {"channel": "main", "card_id": 1, "comment_id": 1, "at": 10.0}
    assert refused(filled, FeedItem(id=2, kind="publish", **item))
    run(filled, lambda session: published.retract(session, "main", 1, [1], at=11.0))
    with pytest.raises(StoreConflictError), filled.write() as session:
        published.retract(session, "main", 1, [1], at=12.0)


def test_only_comments_of_a_published_card_are_on_the_feed(filled: Database) -> None:
    published_card(filled)
    item = {"id": 2, "channel": "main", "kind": "publish", "at": 10.0}
    assert refused(filled, FeedItem(card_id=1, comment_id=2, **item))  # a comment of another card
    assert refused(filled, FeedItem(card_id=2, comment_id=2, **item))  # of a card that was not published


def test_what_it_was_published_by_cannot_be_taken_away(filled: Database) -> None:
    published_card(filled)
    for statement in (
        sa.delete(StageDecision),
        sa.update(StageDecision).values(decision="reject", code="spam"),
        sa.update(StageDecision).values(stage=2),
        sa.update(StageDecision).values(role="operator"),
        sa.update(ReviewCard).where(ReviewCard.id == 1).values(stages=2),
        sa.update(Comment).where(Comment.id == 1).values(card_id=2),
        sa.delete(Comment).where(Comment.id == 1),
    ):
        with pytest.raises(StoreConflictError), filled.write() as session:
            session.execute(statement)
    with pytest.raises(StoreConflictError), filled.write() as session:
        decisions.remove(session, 1, 1)


def test_a_second_writer_of_the_feed_meets_a_conflict(filled: Database) -> None:
    """It read the last number before the first one wrote: the same number, not the one after."""
    published_card(filled)
    store(filled, decision(2, 1, ANN), decision(2, 2, SUE))
    item = {"card_id": 2, "comment_id": 2, "channel": "main", "kind": "publish", "at": 10.0}
    run(filled, lambda session: session.execute(sa.insert(Publication), [
        {"card_id": 2, "stages": 2, "decision": "approve", "first": 1, "second": 2, "third": None, "at": 1.0}
    ]))  # fmt: skip
    assert refused(filled, FeedItem(id=1, **item))
    store(filled, FeedItem(id=2, **item))
