"""kill -9 in the middle of review: what was answered is stored, and what is published was reviewed."""

import itertools
import multiprocessing
import random
import time
from pathlib import Path

import sqlalchemy as sa
from desk_life import add_comment, fill
from review_book import PEOPLE, PEOPLE_NEEDED, RANK
from sqlalchemy.orm import Session

from moderation.desk import card_records
from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import State, open_card
from moderation.review.events import Approve, Publish, Rejudge, Restore, Undo
from moderation.review.machine import apply
from moderation.review.stages import Rules
from streamgate.store import cards, comments, published
from streamgate.store.comment_models import FeedItem, ReviewCard
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.upgrade import upgrade

ROUNDS = 6
RULES = Rules(window_s=0)


def take_in(session: Session, chance: random.Random) -> list[str]:
    card_id, comment = cards.last_id(session) + 1, comments.last_id(session) + 1
    verdict = chance.choice(list(Verdict))
    like = {"channel": "main", "broadcast": "b", "key": "k", "verdict": verdict, "stages": 1}
    card_records.add_many(session, [open_card(card_id, comment, now=1.0, rules=RULES, **like)])
    add_comment(session, comment, card_id)
    return [f"accepted {comment}"]


def review(session: Session, chance: random.Random) -> list[str]:
    """Several people act on several cards, all in one commit."""
    done: list[str] = []
    for loaded in list(card_records.load_open(session).values())[:8]:
        card = loaded
        by = chance.choice(PEOPLE)
        seen = card.revision
        for event in (
            Restore(by, seen, "harmless"),
            chance.choice([Approve(by, seen), Approve(by, seen), Undo(by, seen)]),
            chance.choice([Publish(), Publish(), Rejudge(chance.choice(list(Verdict)), 1)]),
        ):
            try:
                step = apply(card, event, 5.0, RULES)
            except ReviewRefused:
                continue
            card_records.save(session, step)
            card = step.card
            done += [f"published {comment}" for comment in step.published]
    return done


def work(location: Location, answers: str, seed: int) -> None:
    """Take comments in and review them, and tell each outcome after its commit."""
    chance = random.Random(seed)
    with Database(location) as database, Path(answers).open("a", buffering=1) as told:
        for turn in itertools.count():
            with database.write() as session:
                done = (review if turn % 2 else take_in)(session, chance)
            told.writelines(f"{line}\n" for line in done)


def test_no_accepted_comment_is_lost_and_no_unreviewed_one_published(
    location: Location, tmp_path: Path
) -> None:
    upgrade(location)
    answers = tmp_path / "answers"
    with Database(location) as database:
        fill(database)
    chance = random.Random(11)
    context = multiprocessing.get_context("spawn")
    for number in range(ROUNDS):
        before = answers.stat().st_size if answers.exists() else 0
        process = context.Process(target=work, args=(location, str(answers), number))
        process.start()
        while not answers.exists() or answers.stat().st_size == before:
            assert process.is_alive()
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.join()
        judge(location, answers)


def judge(location: Location, answers: Path) -> None:
    told = [line.split() for line in answers.read_text().splitlines() if line.count(" ") == 1]
    with Database(location) as database, database.read() as session:
        stored = card_records.load_many(session, session.scalars(sa.select(ReviewCard.id)))
        feed = [
            (one.id, one.comment_id) for one in session.scalars(sa.select(FeedItem).order_by(FeedItem.id))
        ]
        viewed = [one.comment_id for one in published.read_after(session, "main", 0, limit=1_000_000)]

    taken_in = sorted(comment for card in stored.values() for comment in card.comments)
    assert taken_in == list(range(1, len(taken_in) + 1))
    assert {int(number) for what, number in told if what == "accepted"} <= set(taken_in)
    assert {int(number) for what, number in told if what == "published"} <= set(viewed)
    assert [number for number, _ in feed] == list(range(1, len(feed) + 1))
    out = [card for card in stored.values() if card.state is State.PUBLISHED]
    assert sorted(viewed) == sorted(comment for card in out for comment in card.comments)
    for card in out:
        assert len(card.approvals) == card.stages >= PEOPLE_NEEDED[card.verdict]
        assert len({one.user_id for one in card.approvals}) == card.stages
        assert all(RANK[one.role] >= stage for stage, one in enumerate(card.approvals, 1))
