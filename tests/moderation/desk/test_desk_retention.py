"""Comments past their retention go, with all that is on record of them, and nothing younger does."""

import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from desk_running import (
    CHIEF,
    REVIEWER,
    SENIOR,
    SENSITIVE,
    SOURCE,
    approve,
    card_of,
    comment,
    take,
    until,
)

from moderation.desk import retention
from moderation.desk.desk import Desk
from moderation.desk.retention import Removed, record_in_ledger
from moderation.review.events import Reject, Retract
from moderation.review.reasons import RejectCode
from streamgate.core.retention import DAY_S
from streamgate.errors import ConfigError, LedgerError
from streamgate.ledger.writer import Writer
from streamgate.store import bans
from streamgate.store.comment_models import (
    Ban,
    ClientId,
    Comment,
    FeedItem,
    Publication,
    ReviewAct,
    ReviewCard,
    StageDecision,
)
from streamgate.store.database import Database
from streamgate.store.location import Location

TABLES = (ReviewCard, Comment, StageDecision, ReviewAct, Publication, FeedItem, ClientId)
TIMES = {
    ReviewCard: ("id", "opened_at"),
    Comment: ("card_id", "received_at"),
    ReviewAct: ("card_id", "at"),
    FeedItem: ("card_id", "at"),
}


def age(location: Location, card_id: int, days: float) -> None:
    """Let a card, and all that happened to it, be so much older."""
    with Database(location) as database, database.write() as session:
        for table, (of_card, name) in TIMES.items():
            column = getattr(table, name)
            where = getattr(table, of_card) == card_id
            session.execute(sa.update(table).where(where).values({name: column - days * DAY_S}))


def stored(location: Location) -> dict[str, set[int]]:
    """Return the cards of which each table has something."""
    with Database(location) as database, database.read() as session:
        of_comment = dict(session.execute(sa.select(Comment.id, Comment.card_id)).all())
        found = {
            table.__tablename__: set(session.scalars(sa.select(getattr(table, "card_id", None) or table.id)))
            for table in TABLES
            if table is not ClientId
        }
        names = session.scalars(sa.select(ClientId.comment_id))
        return {**found, "client_ids": {of_comment[one] for one in names}}


async def published(desk: Desk, text: str) -> int:
    card = await approve(desk, card_of(desk, (await take(desk, text)).id), REVIEWER)
    await until(lambda: card.id not in desk.piles)
    return card.id


class Told:
    def __init__(self) -> None:
        self.removed: list[Removed] = []

    async def __call__(self, removed: list[Removed]) -> None:
        self.removed += removed


async def test_old_cards_are_deleted_whole_and_young_or_waiting_ones_stay(
    desk: Desk, location: Location
) -> None:
    old = [await published(desk, "旧"), await published(desk, "撤回")]
    await desk.act("main", old[1], Retract(REVIEWER, "wrong"))
    rejected = card_of(desk, (await desk.store_comments(SOURCE, [comment("驳回"), comment("驳回")]))[0].id)
    await desk.act("main", rejected.id, Reject(REVIEWER, rejected.revision, RejectCode.SPAM))
    ban = await desk.call(
        bans.add, "main", 1, "u1", author="a", card_id=rejected.id, cause="x", by="x", at=1.0, ends_at=None
    )
    waits = card_of(desk, (await take(desk, SENSITIVE, author_id="u2")).id).id
    touched = await published_by(desk, "后来撤回", "u2")
    for number in (*old, rejected.id, waits, touched):
        age(location, number, 61.5)
    await desk.act("main", touched, Retract(CHIEF, "ordered"))  # 60 days from now on
    almost = await published_by(desk, "将满", "u2")
    age(location, almost, 59.9)
    behind = await published_by(desk, "其后", "u2")  # opened after a younger one, by a clock that was wrong
    age(location, behind, 99)
    newest = await published_by(desk, "新", "u2")
    told = Told()

    gone = await retention.sweep(desk, retention_days=60, record=told)

    assert gone == 4
    assert [(one.channel, one.cards, one.comments) for one in told.removed] == [("main", 3, 4)]
    assert told.removed[0].day == time.strftime("%Y-%m-%d", time.gmtime(time.time() - 61.5 * DAY_S))
    left = {waits, touched, almost, behind, newest}
    found = stored(location)
    assert found["cards"] == found["comments"] == found["client_ids"] == left
    assert found["review_acts"] == found["publications"] == found["published"] == left - {waits}
    with Database(location) as database, database.read() as session:
        assert session.get(Ban, ban).card_id is None  # the ban itself stays
    assert await retention.sweep(desk, retention_days=60, record=told) == 0
    assert (await take(desk, "再来", author_id="u2")).id == 10  # numbers go on


async def published_by(desk: Desk, text: str, author: str) -> int:
    card = await approve(desk, card_of(desk, (await take(desk, text, author_id=author)).id), SENIOR)
    await until(lambda: card.id not in desk.piles)
    return card.id


async def test_the_newest_rows_are_never_deleted_so_that_ids_keep_rising(
    desk: Desk, location: Location
) -> None:
    first, last = await published(desk, "一"), await published(desk, "二")
    for number in (first, last):
        age(location, number, 400)
    assert await retention.sweep(desk, retention_days=60, record=Told()) == 1
    assert stored(location)["cards"] == {last}
    with desk.subscribe("main") as reader:
        await published(desk, "三")
        item = await asyncio.wait_for(reader.get(), 5)
        assert (item.id, item.comment_id) == (3, 3)


async def test_nothing_is_deleted_after_a_clock_jump(desk: Desk, location: Location) -> None:
    cards = [await published(desk, text) for text in ("一", "二", "三")]
    told = Told()
    assert await retention.sweep(desk, retention_days=60, record=told) == 0
    for days in (90, 91):  # and stays there
        wall = lambda days=days: time.time() + days * DAY_S  # noqa: E731
        assert await retention.sweep(desk, retention_days=60, record=told, wall=wall) == 0
    wall = lambda: time.time() - DAY_S  # noqa: E731 - behind the newest comment
    age(location, cards[0], 90)
    assert await retention.sweep(desk, retention_days=60, record=told, wall=wall) == 0
    assert told.removed == []
    assert stored(location)["cards"] == set(cards)


async def test_nothing_is_deleted_when_the_ledger_record_fails(
    desk: Desk, location: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = [await published(desk, text) for text in ("一", "二")]
    age(location, cards[0], 70)

    async def refuse(_: list[Removed]) -> None:
        raise LedgerError("the disk is full")

    with pytest.raises(LedgerError):
        await retention.sweep(desk, retention_days=60, record=refuse)
    assert stored(location)["cards"] == set(cards)
    monkeypatch.setattr(retention, "GROUP_CARDS", 1)
    ledger = Writer(tmp_path / "ledger", "comments")
    assert await retention.sweep(desk, retention_days=60, record=record_in_ledger(ledger, 60)) == 1
    assert await asyncio.to_thread(ledger.close, 5)
    (file,) = (tmp_path / "ledger").glob("*/comments.jsonl")
    assert '"comments_removed"' in file.read_text()
    assert "1 on 1 cards" in file.read_text()


async def test_a_retention_under_60_days_is_refused(desk: Desk) -> None:
    with pytest.raises(ConfigError, match="R8"):
        await retention.sweep(desk, retention_days=59, record=Told())
