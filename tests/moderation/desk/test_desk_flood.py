"""A flood: groups of comments are planned while the one before is written. Each comment is stored once."""

import asyncio
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from desk_running import SENSITIVE, SOURCE, comment, until
from sqlalchemy.orm import Session

from moderation.desk import writer
from moderation.desk.desk import Desk
from moderation.desk.group import Group
from moderation.desk.intake import IncomingComment, IntakeResult
from streamgate.errors import StoreConflictError
from streamgate.store.comment_models import Comment, ReviewCard
from streamgate.store.database import Database
from streamgate.store.location import Location

GROUPS, MAX_GROUP = 6, 500
Failing = Callable[[Callable[[Session], object]], None]


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MAX_GROUP", MAX_GROUP)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the groups that were planned while another one was written, on a disk that is not fast."""
    sizes: list[int] = []
    close, write = Group.close, Group.write

    def written(self: Group, session: Session) -> None:
        write(self, session)
        time.sleep(0.1)  # comments come in faster

    def noted(self: Group) -> None:
        if self._before.next_comment:
            sizes.append(len(self._comments))
        close(self)

    monkeypatch.setattr(Group, "close", noted)
    monkeypatch.setattr(Group, "write", written)
    return sizes


def flood(count: int = GROUPS * MAX_GROUP) -> list[IncomingComment]:
    """Return comments: every third repeats one of a few, every tenth names one that came before."""
    return [
        comment(
            f"大家都说{number % 4}" if number % 3 == 0 else f"{SENSITIVE * (number % 50 == 1)}第{number}句",
            author_id=f"u{number % 40}",
            author=f"观众{number % 40}",
            client_id=f"f{number - 700 if number % 10 == 9 and number >= 700 else number}",
        )
        for number in range(count)
    ]


async def pour(desk: Desk, incoming: list[IncomingComment]) -> list[IntakeResult]:
    """Hand in all at once, 100 a request."""
    pieces = [incoming[low : low + 100] for low in range(0, len(incoming), 100)]
    taken = await asyncio.gather(*(desk.store_comments(SOURCE, piece) for piece in pieces))
    return [one for piece in taken for one in piece]


def judge(desk: Desk, location: Location, incoming: list[IncomingComment], taken: list[IntakeResult]) -> None:
    """Assert that each accepted comment is stored once, with its equals, and memory says the same."""
    assert [one.client_id for one in taken] == [one.client_id for one in incoming]
    numbers: dict[str, int | None] = {}
    for one in taken:
        assert (one.code, numbers.setdefault(one.client_id, one.id)) == ("", one.id), one
    with Database(location) as database, database.read() as session:
        stored = {one.id: one for one in session.scalars(sa.select(Comment))}
        cards = {one.id: one for one in session.scalars(sa.select(ReviewCard))}
    assert sorted(stored) == sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert {one.client_id for one in stored.values()} == set(numbers)
    texts: dict[int, set[str]] = {}
    for one in stored.values():
        texts.setdefault(one.card_id, set()).add(one.text)
    assert all(len(some) == 1 for some in texts.values())
    assert set(texts) == set(cards)
    entries = {entry.card.id: entry for entry in desk.piles.entries()}
    assert set(entries) == set(cards)
    for number, entry in entries.items():
        members = [one.id for one in stored.values() if one.card_id == number]
        assert list(entry.card.comments) == [one.id for one in entry.members] == sorted(members)
        assert entry.card.revision == cards[number].revision


async def test_a_flood_is_stored_once_each_with_equal_comments_on_one_card(
    desk: Desk, location: Location, ahead: list[int]
) -> None:
    incoming = flood()
    taken = await pour(desk, incoming)
    judge(desk, location, incoming, taken)
    assert len(ahead) >= 2  # else this shows nothing
    repeated = {one.text for one in incoming if one.text.startswith("大家都说")}
    on = [entry.members[0].text for entry in desk.piles.entries() if entry.members[0].text in repeated]
    assert len(on) <= 2 * len(repeated)  # a card is full at 500
    again = await pour(desk, incoming)
    assert [one.id for one in again] == [one.id for one in taken]
    judge(desk, location, incoming, again)


@pytest.fixture
def failing(ahead: list[int], monkeypatch: pytest.MonkeyPatch) -> Failing:
    """Have a group fail, once, after all of it was sent and while the next one is planned."""
    write = Group.write

    def arm(fail: Callable[[Session], object]) -> None:
        failures = [fail]

        def failed(self: Group, session: Session) -> None:
            write(self, session)
            if len(ahead) >= 2 and failures:
                failures.pop()(session)

        monkeypatch.setattr(Group, "write", failed)

    return arm


async def test_a_plan_made_on_a_failed_group_is_made_again(
    desk: Desk, location: Location, ahead: list[int], failing: Failing
) -> None:
    failing(lambda session: session.execute(sa.text("SELECT 1 FROM no_such_table")))
    incoming = flood()
    taken = await pour(desk, incoming)
    assert {one.code for one in taken} == {"", "database_away"}
    await until(lambda: desk.writer.ready)
    again = await pour(desk, incoming)
    known = {one.client_id: one.id for one in taken if one.code == ""}
    assert all(known.get(one.client_id, one.id) == one.id for one in again)
    judge(desk, location, incoming, again)
    assert ahead


async def test_a_conflict_in_one_group_does_not_affect_others(
    desk: Desk, location: Location, ahead: list[int], failing: Failing
) -> None:
    def conflict(_: Session) -> None:
        raise StoreConflictError("conflict", "a conflict, for once", "冲突")

    failing(conflict)
    incoming = flood()
    judge(desk, location, incoming, await pour(desk, incoming))
    assert ahead


async def test_an_urgent_job_waits_only_for_the_group_already_planned(desk: Desk, ahead: list[int]) -> None:
    pouring = asyncio.ensure_future(pour(desk, flood()))
    await until(lambda: ahead)
    seen = await desk.call(lambda session: session.scalar(sa.select(sa.func.max(Comment.id))))
    assert seen < 0.9 * GROUPS * MAX_GROUP  # much was still to come
    await pouring
