"""Bans of authors, and what the desk reads of comments and cards beside them, on both engines."""

import pytest
from sqlalchemy.orm import Session

from streamgate.errors import StoreConflictError
from streamgate.store import bans, cards, comments, published, settings, sources, users
from streamgate.store.cards import CardValues, NewCard
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database
from streamgate.store.decisions import NewDecision
from streamgate.store.decisions import add_many as decide


@pytest.fixture
def session(database: Database):
    with database.write() as opened:
        yield opened


@pytest.fixture
def source(session: Session) -> int:
    return sources.add(session, "wechat", "h", channel="main", by="x", at=1).id


def ban(session: Session, source: int, author_id: str, **changes: object) -> int:
    plain = {
        "author": "小明",
        "card_id": None,
        "cause": "辱骂",
        "by": "console:ann",
        "at": 10.0,
        "ends_at": None,
    }
    return bans.add(session, "main", source, author_id, **{**plain, **changes})


def test_a_ban_is_in_force_until_it_ends_or_is_lifted(session: Session, source: int) -> None:
    first = ban(session, source, "u1")
    short = ban(session, source, "u2", ends_at=20.0)
    assert [one.id for one in bans.list_in_force(session, at=11)] == [first, short]
    shown = bans.list_in_force(session, at=20)
    assert shown == [
        bans.BanInForce(first, "main", source, "wechat", "u1", "小明", "辱骂", "console:ann", 10.0, None)
    ]
    assert not bans.lift(session, "main", short, by="x", at=21)  # over by itself
    assert not bans.lift(session, "other", first, by="x", at=21)
    assert bans.lift(session, "main", first, by="x", at=21)
    assert not bans.lift(session, "main", first, by="x", at=22)
    assert bans.list_in_force(session, at=23) == []


@pytest.mark.parametrize(
    "wrong", [{"cause": ""}, {"cause": "x" * 501}, {"ends_at": 10.0}, {"author": "x" * 65}, {"card_id": 99}]
)
def test_the_database_refuses_a_ban_that_makes_no_sense(database: Database, wrong: dict[str, object]) -> None:
    with database.write() as session:
        source = sources.add(session, "wechat", "h", channel="main", by="x", at=1).id
    with pytest.raises(StoreConflictError), database.write() as session:
        ban(session, source, "u1", **wrong)


@pytest.fixture
def three(session: Session, source: int) -> Session:
    """Cards 1 to 3 with comments of the same numbers; the first is published."""
    person = users.add(session, "ann", by="x", at=1).id
    judged = Judgement(0, "v1", [], "", "", None, None)
    for number in (1, 2, 3):
        values = CardValues("rejected" if number == 2 else "waiting", 1, 1, 0, 1, None, "", False, False)
        cards.add_many(session, [NewCard(number, "main", "b", f"k{number}", 1.0, False, values)])
        new = NewComment(
            number, number, source, f"c{number}", "u", "a", f"t{number}", 1.0, None, None, judged
        )
        comments.add_many(session, [new])
    decide(session, [(1, NewDecision(1, "approve", person, "reviewer", 2.0, "", ""))])
    cards.update_many(
        session,
        [cards.Change(1, 1, CardValues("published", 1, 1, 0, 2, None, "", False, False))],
    )
    published.publish(session, "main", 1, [1], stages=1, at=3.0)
    return session


def test_what_became_of_comments(three: Session, source: int) -> None:
    assert comments.states(three, [1, 2, 3, 9]) == {1: "published", 2: "rejected", 3: "waiting"}
    published.retract(three, "main", 1, [1], at=4.0)
    assert comments.states(three, [1]) == {1: "retracted"}
    assert [one.id for one in comments.newest_of_author(three, source, "u", limit=2)] == [3, 2]


def test_the_whole_feed_after_a_number(three: Session) -> None:
    published.retract(three, "main", 1, [1], at=4.0)
    whole = [(channel, item.id, item.kind, item.text) for channel, item in published.list_after(three, 0)]
    assert whole == [("main", 1, "publish", "t1"), ("main", 2, "retract", "")]
    assert published.list_after(three, 2) == []


def test_cards_in_a_state_newest_first(three: Session) -> None:
    assert cards.list_in_state(three, "main", "waiting", before=None, limit=9) == [3]
    assert cards.list_in_state(three, "main", "rejected", before=3, limit=9) == [2]
    assert cards.list_in_state(three, "main", "rejected", before=2, limit=9) == []
    assert cards.list_in_state(three, "other", "waiting", before=None, limit=9) == []


def test_settings_under_a_name(session: Session) -> None:
    settings.put(session, "interaction/main", {"comments": True}, by="console:ann", at=5.0)
    settings.put(session, "interaction_other", 1, by="x", at=5.0)
    found = settings.list_under(session, "interaction/")
    assert [(one.key, one.value, one.changed_by, one.changed_at) for one in found] == [
        ("interaction/main", {"comments": True}, "console:ann", 5.0)
    ]
