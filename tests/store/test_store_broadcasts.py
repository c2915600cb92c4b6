"""What is on record of a broadcast's comments, on both engines."""

from streamgate.store import broadcasts, cards, comments, decisions, published, sources, users
from streamgate.store.cards import CardValues, NewCard
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database
from streamgate.store.decisions import NewAct, NewDecision

CLEAN = Judgement(0, "v1", [], "", "", None, None)


def fill(database: Database) -> None:
    with database.write() as session:
        ann = users.add(session, "ann", by="x", at=1, display_name="安娜").id
        source = sources.add(session, "s", "h", channel="main", by="x", at=1).id
        sources.remove(session, "s", by="x", at=2)
        places = (
            ("main", "b", "published"),
            ("main", "b", "waiting"),
            ("main", "c", "rejected"),
            ("hall", "b", "waiting"),
        )
        cards.add_many(
            session,
            [
                NewCard(
                    n,
                    channel,
                    b,
                    f"k{n}",
                    100.0 + n,
                    False,
                    CardValues(state, 1, 1, 0, 1, None, "", False, False),
                )
                for n, (channel, b, state) in enumerate(places, 1)
            ],
        )
        comments.add_many(
            session,
            [
                NewComment(n, card, source, f"c{n}", "u", "a", f"t{n}", 100.0 + n, None, None, CLEAN)
                for n, card in enumerate((1, 1, 2, 3, 4), 1)
            ],
        )
        decisions.add_many(session, [(1, NewDecision(1, "approve", ann, "reviewer", 200.0, "", ""))])
        decisions.record_many(session, [(1, NewAct(2, "approve", 200.0, ann, "reviewer", 1, "", "", None))])
        published.publish(session, "main", 1, [1, 2], stages=1, at=201.0)
        published.retract(session, "main", 1, [2], at=202.0)


def test_broadcasts_are_counted_by_state_and_channel(database: Database) -> None:
    fill(database)
    with database.read() as session:
        newest, older = broadcasts.list_of_channel(session, "main", limit=9)
        assert newest == ("c", 104.0, 104.0, {"rejected": 1}, {"rejected": 1}, 0)
        assert older == ("b", 101.0, 103.0, {"published": 1, "waiting": 1}, {"published": 2, "waiting": 1}, 1)
        assert broadcasts.list_of_channel(session, "main", limit=1) == [newest]
        assert broadcasts.list_of_channel(session, "main", broadcast="b", limit=1) == [older]
        assert broadcasts.list_of_channel(session, "none", limit=9) == []


def test_a_page_has_the_cards_that_follow_with_all_that_belongs_to_them(database: Database) -> None:
    fill(database)
    with database.read() as session:
        first, second = broadcasts.read_page(session, "main", "b", after=0, limit=9)
        assert [one.text for one in first.comments] == ["t1", "t2"]
        assert [one.user_id for one in first.decisions] == [one.user_id for one in first.acts]
        assert [(one.kind, one.comment_id) for one in first.feed] == [
            ("publish", 1),
            ("publish", 2),
            ("retract", 2),
        ]
        assert (second.card.id, second.decisions, second.acts, second.feed) == (2, [], [], [])
        (after,) = broadcasts.read_page(session, "main", "b", after=1, limit=9)
        assert after.card.id == 2
        (limited,) = broadcasts.read_page(session, "main", "b", after=0, limit=1)
        assert limited.card.id == 1
        assert broadcasts.read_page(session, "main", "b", after=2, limit=9) == []


def test_names_are_those_of_everybody_and_of_removed_sources(database: Database) -> None:
    fill(database)
    with database.read() as session:
        names = broadcasts.read_names(session)
    assert list(names.people.values()) == [("ann", "安娜")]
    assert list(names.sources.values()) == ["s"]
