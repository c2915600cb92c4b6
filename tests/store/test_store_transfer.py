"""Everything from one database into another: there and back, whole or not at all."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from streamgate.errors import Refused, StoreError
from streamgate.store import (
    api_tokens,
    approvals,
    bans,
    cards,
    client_ids,
    comments,
    decisions,
    factors,
    links,
    practices,
    published,
    reactions,
    sessions,
    settings,
    shifts,
    sign_ins,
    sources,
    trusted,
    users,
)
from streamgate.store import transfer as module
from streamgate.store.cards import CardValues, NewCard
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database
from streamgate.store.decisions import NewAct, NewDecision
from streamgate.store.location import Location, locate
from streamgate.store.practices import Mark
from streamgate.store.tables import METADATA
from streamgate.store.transfer import copy_all
from streamgate.store.upgrade import upgrade
from streamgate.store.users import Grant

TABLES = {table.name for table in METADATA.sorted_tables}


def fill(location: Location) -> None:
    """Put rows into every table, with every kind of value."""
    upgrade(location)
    with Database(location) as database, database.write() as session:
        ann = users.add(
            session, "Ann", by="cli:root", at=1.5, display_name="安", grants=[Grant("operator", "main")]
        )
        ben = users.add(session, "ben", by="console:ann", at=2, grants=[Grant("administrator")])
        users.set_password(session, ann.id, "hash", at=1764345600.123456, must_change=True)
        users.disable(session, ben.id, at=3)
        factors.set_totp(session, ann.id, b"\x00encrypted\xff", at=1)
        factors.use_step(session, ann.id, 59_845_073_000)
        factors.set_recovery_codes(session, ann.id, ["a", "b"])
        sessions.create(session, "s", ann.id, at=1, absolute_expires_at=9, address="::1", user_agent="火狐")
        sessions.end(session, "s", at=2, why="test")
        links.create(session, "t", "invite", by="x", at=1, expires_at=9, user_id=ben.id, roles=["operator"])
        for number in range(7):
            sign_ins.record(session, at=number, username="Ann", address="::1", result="ok", user_id=ann.id)
        api_tokens.create(session, "deck", "h", scopes=["channel:cut"], by="x", at=1, channel="main")
        entered = approvals.enter(session, "main", "yt", "h", by="console:ann", at=1)
        approvals.approve(session, entered.id, by="console:ben", at=2, via="console")
        settings.put(session, "a", {"list": [1, None, "文"]}, by="x", at=1)
        source = sources.add(session, "wechat", "h", channel="main", by="x", at=1).id
        values = CardValues("waiting", 1, 1, 0, 1, None, "", False, False)
        cards.add_many(session, [NewCard(1, "main", "b", "key", 100.5, False, values)])
        judged = Judgement(0, "v1", [{"term": "文"}], "", "", None, None)
        comments.add_many(
            session, [NewComment(1, 1, source, "c", "u", "小明", "你好", 100.5, None, 12.5, judged)]
        )
        client_ids.remember(session, source, {"c": 1}, at=100.5)
        decisions.add_many(session, [(1, NewDecision(1, "approve", ann.id, "reviewer", 101.0, "", ""))])
        decisions.record_many(
            session, [(1, NewAct(2, "approve", 101.0, ann.id, "reviewer", 1, "", "", None))]
        )
        published.publish(session, "main", 1, [1], stages=1, at=102.0)
        ban = {"author": "小明", "card_id": 1, "cause": "辱骂", "by": "console:ann"}
        bans.add(session, "main", source, "u", **ban, at=103.5, ends_at=None)
        trusted.add(session, source, "u", by="console:ann", at=104.5)
        ben.disabled_at = None
        shifts.plan(session, "main", ann, 200.0, 300.5, broadcast="晚会", by="cli:root", at=105)
        shifts.offer(session, "main", ann, ben, note="一切正常", at=210)
        shifts.accept(session, "main", ben, by="console:ben", at=220)
        users.disable(session, ben.id, at=3)
        practice = practices.begin(session, ann.id, "practice", at=400.5)
        marks = [Mark(1, "picture", 401.5, 0.75, "cut"), Mark(2, "sound", 404.5, None, None)]
        practices.finish(session, practice, marks, false_presses=1, at=420)
        reactions.choose(session, ann.id, "sound", 1.25, by="console:ann", at=421)


def contents(location: Location) -> dict[str, list[tuple[object, ...]]]:
    with Database(location) as database, database.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(sa.select(table).order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        }


def test_there_and_back(
    sqlite: Location, postgresql: Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    fill(sqlite)
    there = copy_all(sqlite, postgresql)
    assert set(there.rows) == TABLES
    assert all(there.rows.values()), there.rows  # every table had something to copy
    assert contents(postgresql) == contents(sqlite)
    back = locate("sqlite", tmp_path / "back")
    (tmp_path / "back").mkdir()
    assert copy_all(postgresql, back) == there
    assert contents(back) == contents(sqlite)


def test_new_rows_are_numbered_after_the_copied_ones(sqlite: Location, postgresql: Location) -> None:
    fill(sqlite)
    copy_all(sqlite, postgresql)
    with Database(postgresql) as database, database.write() as session:
        carl = users.add(session, "carl", by="x", at=5, grants=[Grant("director")])
        assert carl.id == 3
        users.set_password(session, carl.id, "another", at=5)
        sign_ins.record(session, at=9, username="carl", address="::1", result="ok", user_id=carl.id)
        api_tokens.create(session, "new", "h2", scopes=[], by="x", at=5)
        approvals.enter(session, "main", "other", "h2", by="x", at=5)
        factors.set_recovery_codes(session, carl.id, ["c"])
        assert sign_ins.last_success(session, carl.id).id == 8


def test_what_is_not_empty_is_left_alone(sqlite: Location, postgresql: Location) -> None:
    fill(sqlite)
    upgrade(postgresql)
    with Database(postgresql) as database, database.write() as session:
        users.add(session, "somebody", by="x", at=1)
    before = contents(postgresql)
    with pytest.raises(Refused, match=r"is not empty \(users 1\); name an empty database") as caught:
        copy_all(sqlite, postgresql)
    assert "不是空库" in caught.value.zh
    assert contents(postgresql) == before
    with pytest.raises(Refused, match="is the database in use"):
        copy_all(sqlite, sqlite)


def test_all_of_it_or_nothing(sqlite: Location, postgresql: Location) -> None:
    """A value that the other engine does not take: NUL in a text, which SQLite lets by."""
    fill(sqlite)
    with Database(sqlite) as database, database.write() as session:
        session.execute(sa.text("UPDATE settings SET changed_by = 'a' || char(0) || 'b'"))
    with pytest.raises(StoreError, match="cannot be stored"):
        copy_all(sqlite, postgresql)
    assert not any(contents(postgresql).values())


def test_a_source_that_is_not_there_makes_no_target(sqlite: Location, tmp_path: Path) -> None:
    target = locate("sqlite", tmp_path / "target")
    (tmp_path / "target").mkdir()
    with pytest.raises(StoreError, match="there is no database"):
        copy_all(sqlite, target)
    assert not target.file.exists()
