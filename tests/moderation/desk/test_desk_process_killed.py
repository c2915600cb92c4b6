"""kill -9 of a desk at work: what was acknowledged is stored, and what is published was reviewed."""

import asyncio
import multiprocessing
import random
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk_running import (
    OPEN,
    REVIEWER,
    SENIOR,
    SENSITIVE,
    SOURCE,
    approve,
    card_of,
    comment,
    open_up,
    prepare,
    running,
    take,
    until,
)

from moderation.desk import card_records, upkeep
from moderation.desk.desk import CONDEMNED
from moderation.errors import ReviewRefused
from moderation.review.card import State
from moderation.review.machine import is_reviewed
from streamgate.link.messages import ChannelStatus, SpanStatus
from streamgate.store.comment_models import Comment, FeedItem, ReviewCard
from streamgate.store.database import Database
from streamgate.store.location import Location

ROUNDS = 5


def work(location: Location, own: str, answers: str, seed: int) -> None:
    asyncio.run(_work(location, Path(own), answers, seed))


async def _work(location: Location, own: Path, answers: str, seed: int) -> None:
    chance = random.Random(seed)
    async with running(location, own) as desk:
        await open_up(desk, OPEN)
        with Path(answers).open("a", buffering=1) as told:

            async def follow() -> None:
                with desk.subscribe("main") as reader:
                    while True:
                        item = await reader.get()
                        told.write(f"published {item.comment_id}\n")

            following = asyncio.ensure_future(follow())
            while not following.done():
                words = [f"{SENSITIVE if chance.random() < 0.3 else ''}{chance.random()}" for _ in range(20)]
                taken = await desk.store_comments(SOURCE, [comment(word, client_id=word) for word in words])
                told.writelines(f"accepted {one.id}\n" for one in taken)
                for entry in desk.piles.entries()[:15]:
                    try:
                        await approve(desk, entry.card, (REVIEWER, SENIOR)[len(entry.card.approvals) % 2])
                    except ReviewRefused:
                        continue


@pytest.mark.timeout(300)
def test_after_a_kill_accepted_comments_are_stored_and_published_ones_reviewed(
    location: Location, tmp_path: Path
) -> None:
    prepare(location)
    answers = tmp_path / "answers"
    chance = random.Random(5)
    context = multiprocessing.get_context("spawn")
    for number in range(ROUNDS):
        before = answers.stat().st_size if answers.exists() else 0
        process = context.Process(target=work, args=(location, str(tmp_path / "own"), str(answers), number))
        process.start()
        end = time.monotonic() + 60
        while not answers.exists() or answers.stat().st_size == before:
            assert process.is_alive()
            assert time.monotonic() < end
            time.sleep(0.02)
        time.sleep(chance.uniform(0.0, 0.6))
        process.kill()
        process.join()
    judge(location, answers)


def follow_a_cut(location: Location, own: str, stored: str) -> None:
    """See a span condemned and air; say so once it is stored, and go on until killed."""
    asyncio.run(_follow_a_cut(location, Path(own), Path(stored)))


async def _follow_a_cut(location: Location, own: Path, stored: Path) -> None:
    async with running(location, own) as desk:
        await open_up(desk, OPEN)
        upkeep.take_gate_status(desk, on_air(100.0, SpanStatus(0.3, 1.2)))
        await until(lambda: not (desk.to_close or desk.broadcasts.unstored_condemned()))
        stored.touch()
        await asyncio.sleep(60)


async def test_aired_condemned_moments_are_known_after_a_kill(location: Location, tmp_path: Path) -> None:
    prepare(location)
    stored = tmp_path / "stored"
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=follow_a_cut, args=(location, str(tmp_path / "own"), str(stored)))
    process.start()
    await until(stored.exists, 60)
    process.kill()
    process.join()
    async with running(location, tmp_path / "own") as desk:
        upkeep.take_gate_status(desk, on_air(101.5))  # the span is gone from the gate's status: it has aired
        inside, outside = [await take(desk, f"{at}", at_media_s=at) for at in (101.0, 90.0)]
        assert [card_of(desk, one.id).held for one in (inside, outside)] == [CONDEMNED, ""]
        upkeep.take_gate_status(desk, on_air(None))
        upkeep.take_gate_status(desk, on_air(3.0))  # another broadcast has moments of its own
        assert not desk.broadcasts.is_condemned("main", 101.0)


def on_air(seconds: float | None, *spans: SpanStatus) -> list[ChannelStatus]:
    return [ChannelStatus("main", "live", "live", 30.0, on_air_s=seconds, spans=list(spans))]


def judge(location: Location, answers: Path) -> None:
    told = [line.split() for line in answers.read_text().splitlines() if line.count(" ") == 1]
    with Database(location) as database, database.read() as session:
        stored = set(session.scalars(sa.select(Comment.id)))
        cards = card_records.load_many(session, session.scalars(sa.select(ReviewCard.id)))
        feed = [
            (one.id, one.comment_id) for one in session.scalars(sa.select(FeedItem).order_by(FeedItem.id))
        ]
    accepted = [int(number) for what, number in told if what == "accepted"]
    published = [int(number) for what, number in told if what == "published"]
    assert len(accepted) > 20
    assert set(accepted) <= stored
    assert stored == set(range(1, len(stored) + 1))
    assert {number for card in cards.values() for number in card.comments} == stored
    assert len(published) == len(set(published))
    assert set(published) <= {comment for _, comment in feed}
    assert [number for number, _ in feed] == list(range(1, len(feed) + 1))
    out = [card for card in cards.values() if card.state is State.PUBLISHED]
    assert sorted(comment for _, comment in feed) == sorted(c for card in out for c in card.comments)
    assert all(is_reviewed(card) for card in out)
