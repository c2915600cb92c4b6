"""What is forgotten after how long, on both engines."""

import pytest
import sqlalchemy as sa

from streamgate.clock import boot_id, now_us, wall_s
from streamgate.core.retention import DAY_S, ClockMark
from streamgate.store import cleaner, links, sessions, sign_ins, users
from streamgate.store.cleaner import Cleaned
from streamgate.store.database import AsyncDatabase, Database
from streamgate.store.location import Location
from streamgate.store.models import OneTimeLink, SignIn, WebSession
from streamgate.store.upgrade import upgrade

NOW = 2_000_000_000.0


def fill(database: Database, now: float) -> None:
    """One row of each kind that stays, and one that goes."""
    with database.write() as session:
        ann = users.add(session, "ann", by="test", at=1).id
        for days in (401, 399, 31, 1):
            at = now - days * DAY_S
            sign_ins.record(session, at=at, username="ann", address="::1", result="ok", user_id=ann)
            sign_ins.record(session, at=at, username=f"nobody{days}", address="::1", result="unknown")
        for name, began, ended in (
            ("long ended", 32, 31),
            ("ended", 32, 29),
            ("expired long ago", 31, None),
            ("expired", 29, None),
            ("open", 0, None),
        ):
            at = now - began * DAY_S
            sessions.create(
                session, name, ann, at=at, absolute_expires_at=at + 3600, address="", user_agent=""
            )
            if ended is not None:
                sessions.end(session, name, at=now - ended * DAY_S, why="test")
        for name, days in (("old", -31), ("late", -29), ("good", 1)):
            expires_at = now + days * DAY_S
            links.create(session, name, "invite", by="test", at=1, expires_at=expires_at, user_id=ann)


def left(database: Database) -> tuple[set[str], set[str], set[str]]:
    with database.read() as session:
        return (
            {f"{row.username} {row.at:.0f}" for row in session.scalars(sa.select(SignIn))},
            set(session.scalars(sa.select(WebSession.id_hash))),
            set(session.scalars(sa.select(OneTimeLink.token_hash))),
        )


def test_what_is_old_goes_and_nothing_else(database: Database) -> None:
    fill(database, NOW)
    with database.write() as session:
        assert cleaner.forget(session, NOW, limit=100) == Cleaned(2, 2, 2, 1)
        assert cleaner.forget(session, NOW, limit=100) == Cleaned()
    tries, kept_sessions, kept_links = left(database)
    assert {name.partition(" ")[0] for name in tries} == {"ann", "nobody1"}
    assert len(tries) == 4
    assert kept_sessions == {"ended", "expired", "open"}
    assert kept_links == {"late", "good"}


def test_a_batch_is_bounded(database: Database) -> None:
    with database.write() as session:
        for number in range(10):
            sign_ins.record(session, at=number, username="ann", address="::1", result="unknown")
    with database.write() as session:
        gone = [cleaner.forget(session, NOW, limit=4)[:2] for _ in range(3)]
    assert gone == [(4, 4), (2, 0), (0, 0)]


def test_of_invented_names_only_the_newest_stay(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaner, "MOST_STRANGERS", 5)
    with database.write() as session:
        ann = users.add(session, "ann", by="test", at=1).id
        sign_ins.record(session, at=NOW, username="ann", address="::1", result="ok", user_id=ann)
        for number in range(20):
            sign_ins.record(session, at=NOW, username=f"name{number}", address="::1", result="unknown")
        assert cleaner.forget(session, NOW, limit=100) == Cleaned(0, 15, 0, 0)
    names = {name.partition(" ")[0] for name in left(database)[0]}
    assert names == {"ann", *(f"name{number}" for number in range(15, 20))}


async def test_a_round_goes_on_until_all_is_gone(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaner, "BATCH", 1)
    upgrade(location)
    with Database(location) as database:
        fill(database, wall_s())
    opened = AsyncDatabase(location)
    assert sum(await cleaner.clean(opened)) == 7
    assert await cleaner.clean(opened) == Cleaned()
    await opened.close()


async def test_a_clock_that_jumps_empties_nothing(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(location)
    with Database(location) as database:
        fill(database, wall_s())
        opened = AsyncDatabase(location)
        assert await opened.write(cleaner._judge, ClockMark(wall_s(), now_us() / 1e6, boot_id())) == ""
        before = left(database)
        monkeypatch.setattr(cleaner, "wall_s", lambda: wall_s() + 5 * 365 * DAY_S)
        assert await cleaner.clean(opened) == Cleaned()
        assert left(database) == before
        monkeypatch.undo()
        assert sum(await cleaner.clean(opened)) == 7
    await opened.close()
