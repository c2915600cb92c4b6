"""Cards in a real database: read back as they were stored, and the proofs of review over both engines."""

import contextlib
import dataclasses

import pytest
import sqlalchemy as sa
from desk_life import add_comment, fill
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from msgspec.structs import replace
from review_book import PEOPLE
from review_model import FeedLine, ReviewTrial
from tools.databases import make_database

from moderation.desk import card_records
from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import Card, State, open_card
from moderation.review.events import Approve, Publish, Rejudge, Retract, Step
from moderation.review.machine import apply
from moderation.review.stages import Rules
from streamgate.errors import StoreConflictError
from streamgate.store import decisions
from streamgate.store.comment_models import FeedItem, ReviewCard
from streamgate.store.database import Database
from streamgate.store.location import Location

RULES = Rules(window_s=0)


class _CrashError(Exception):
    pass


def opened(number: int = 1, verdict: Verdict = Verdict.CLEAN) -> Card:
    like = {"channel": "main", "broadcast": "b", "key": "k"}
    return open_card(number, number, verdict=verdict, stages=1, now=1.0, rules=RULES, **like)


class Stored:
    """A storage of the model: one open transaction of a real database at a time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.open_transaction: contextlib.ExitStack | None = None
        self.session = None
        fill(database)
        self._begin()

    def _begin(self) -> None:
        self.open_transaction = contextlib.ExitStack()
        self.session = self.open_transaction.enter_context(self.database.write())

    def open(self, card: Card) -> None:
        card_records.add_many(self.session, [card])
        add_comment(self.session, card.comments[0], card.id)

    def join(self, step: Step) -> None:
        card_records.save(self.session, step)
        add_comment(self.session, step.card.comments[-1], step.card.id)

    def save(self, step: Step) -> None:
        card_records.save(self.session, step)

    def commit(self) -> None:
        self.open_transaction.close()
        self._begin()

    def crash(self) -> None:
        with contextlib.suppress(_CrashError), self.open_transaction:
            raise _CrashError
        self._begin()

    def load(self) -> dict[int, Card]:
        ids = self.session.scalars(sa.select(ReviewCard.id))
        return card_records.load_many(self.session, ids)

    def feed(self) -> list[FeedLine]:
        query = sa.select(FeedItem.id, FeedItem.kind, FeedItem.comment_id).order_by(FeedItem.id)
        return [tuple(row) for row in self.session.execute(query)]

    def close(self) -> None:
        self.open_transaction.close()


@pytest.mark.timeout(900)
def test_review_invariants_hold_with_a_real_database(location: Location) -> None:
    make_database(location)
    with Database(location) as database:

        class Trial(ReviewTrial):
            def __init__(self) -> None:
                super().__init__()
                self.store = Stored(database)

            def teardown(self) -> None:
                try:
                    super().teardown()
                finally:
                    self.store.close()

        run_state_machine_as_test(
            Trial,
            settings=settings(
                max_examples=40,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database)
    with database.write() as session:
        card_records.add_many(session, [opened(1), opened(2, Verdict.IMPORTANT)])
        add_comment(session, 1, 1)
        add_comment(session, 2, 2)
    return database


def test_a_card_is_read_back_equal_after_every_step(filled: Database) -> None:
    card = opened(2, Verdict.IMPORTANT)
    for event in (
        Approve(PEOPLE[0], 1),
        Approve(PEOPLE[2], 2),
        Approve(PEOPLE[4], 3),
        Publish(),
        Retract(None, "a condemned moment", 2),
    ):
        step = apply(card, event, 50.0, RULES)
        card = step.card
        with filled.write() as session:
            card_records.save(session, step)
        with filled.read() as session:
            assert card_records.load_many(session, [2]) == {2: card}
            still_open = card_records.load_open(session, "main")
            assert set(still_open) == ({1} if card.state is State.PUBLISHED else {1, 2})
    with filled.read() as session:
        acts = decisions.acts_of_cards(session, [2])[2]
    assert [(act.kind, act.revision, act.user_id, act.stage, act.comment_id) for act in acts] == [
        ("approve", 2, 1, 1, None),
        ("approve", 3, 3, 2, None),
        ("approve", 4, 5, 3, None),
        ("publish", 5, None, None, None),
        ("retract", 6, None, None, 2),
    ]


def test_many_steps_share_a_commit_and_a_refused_one_affects_no_other(filled: Database) -> None:
    card = opened(1)
    first = apply(card, Approve(PEOPLE[0], 1), 5.0, RULES)
    late = apply(card, Approve(PEOPLE[1], 1), 5.0, RULES)  # another process, with the old card in memory
    with filled.write() as session:
        card_records.save(session, first)
        with pytest.raises(ReviewRefused, match="you saw version 1, it is version 2") as caught:
            card_records.save(session, late)
        card_records.save(session, apply(first.card, Publish(), 6.0, RULES))

    assert caught.value.code == "stale"
    with filled.read() as session:
        stored = card_records.load_many(session, [1])[1]
    assert (stored.state, [one.user_id for one in stored.approvals]) == (State.PUBLISHED, [1])


def test_save_many_stores_all_but_stale_cards(filled: Database) -> None:
    first, second = opened(1), opened(2, Verdict.IMPORTANT)
    with filled.write() as session:
        card_records.save(session, apply(second, Approve(PEOPLE[0], 1), 5.0, RULES))
        steps = [apply(card, Rejudge(Verdict.SENSITIVE, 2), 6.0, RULES) for card in (first, second)]
        assert card_records.save_many(session, steps) == [steps[1]]
        assert card_records.save_many(session, [Step(first, first)]) == []

    with filled.read() as session:
        stored = card_records.load_many(session, [1, 2])
    assert (stored[1], stored[2].verdict) == (steps[0].card, Verdict.IMPORTANT)
    twice = apply(stored[1], Approve(PEOPLE[0], 2), 7.0, RULES)
    with pytest.raises(ReviewRefused, match="version 2"), filled.write() as session:
        card_records.save_many(session, [twice, twice])
    with filled.read() as session:
        assert card_records.load_many(session, [1])[1] == stored[1]


def test_the_database_refuses_a_publication_without_approvals(filled: Database) -> None:
    """A step that the machine would never make, forced into the database."""
    waiting = opened(2, Verdict.IMPORTANT)
    one = apply(waiting, Approve(PEOPLE[0], 1), 5.0, RULES)
    with filled.write() as session:
        card_records.save(session, one)
    forged = Step(
        one.card,
        replace(one.card, state=State.PUBLISHED, revision=3),
        dataclasses.replace(one.act, kind="publish", revision=3),
        published=(2,),
    )
    with pytest.raises(StoreConflictError), filled.write() as session:
        card_records.save(session, forged)
    with filled.read() as session:
        assert card_records.load_many(session, [2])[2] == one.card
