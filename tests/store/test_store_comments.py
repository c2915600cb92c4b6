"""Comments, cards, decisions and the published feed: what the repositories answer, on both engines."""

import pytest
from sqlalchemy.orm import Session

from streamgate.errors import Refused, StoreConflictError
from streamgate.store import cards, client_ids, comments, decisions, published, sources, users
from streamgate.store.cards import CardValues, Change, NewCard
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.database import Database
from streamgate.store.decisions import NewAct, NewDecision

DAY = 24 * 3600.0


@pytest.fixture
def session(database: Database):
    with database.write() as opened:
        yield opened


def values(**changes: object) -> CardValues:
    plain = CardValues("waiting", 1, 1, 0, 1, None, "", False, False)
    return plain._replace(**changes)


def new_card(number: int, *, broadcast: str = "b", channel: str = "main", **changes: object) -> NewCard:
    return NewCard(number, channel, broadcast, f"key{number}", 100.0 + number, False, values(**changes))


def new_comment(
    number: int, card: int, source: int, *, author_id: str = "u1", **judged: object
) -> NewComment:
    plain = Judgement(0, "v1", [], "", "", None, None)
    return NewComment(
        number, card, source, f"c{number}", author_id, "小明", f"你好 {number}", 100.0 + number, None, 12.5,
        plain._replace(**judged),
    )  # fmt: skip


@pytest.fixture
def source(session: Session) -> int:
    return sources.add(session, "wechat", "hash1", channel="main", by="cli:root", at=1).id


@pytest.fixture
def people(session: Session) -> list[int]:
    return [users.add(session, name, by="x", at=1).id for name in ("ann", "sue", "chi")]


# ---------------------------------------------------------------- sources


def test_a_source_is_known_by_its_key_until_it_is_rotated_or_removed(session: Session, source: int) -> None:
    assert sources.find_by_key(session, "hash1").name == "wechat"
    assert sources.find_by_key(session, "hash2") is None
    with pytest.raises(Refused, match="a source wechat already") as caught:
        sources.add(session, "wechat", "hash3", channel="main", by="x", at=2)
    assert "wechat" in caught.value.zh
    assert sources.rotate(session, "wechat", "hash2", at=3)
    assert sources.find_by_key(session, "hash1") is None
    session.expire_all()
    assert sources.find_by_key(session, "hash2").rotated_at == 3
    assert sources.remove(session, "wechat", by="console:ann", at=4)
    assert not sources.remove(session, "wechat", by="console:ann", at=5)
    assert not sources.rotate(session, "wechat", "hash9", at=5)
    assert sources.find_by_key(session, "hash2") is None
    assert sources.add(session, "wechat", "hash4", channel="side", by="x", at=6).id != source
    assert [(one.name, one.channel) for one in sources.list_in_force(session)] == [("wechat", "side")]


def test_the_last_use_of_a_source_is_told_to_the_minute(session: Session, source: int) -> None:
    assert [sources.touch_many(session, [source], at=at) for at in (10, 69, 70)] == [1, 0, 1]


# ---------------------------------------------------------------- intake


def test_comments_come_back_as_they_were_taken_in(session: Session, source: int) -> None:
    hits = [{"term": "加微信", "list": "scams", "start": 0, "end": 3, "utf16": [0, 3]}]
    cards.add_many(session, [new_card(1), new_card(2, verdict=2, stages=2)])
    comments.add_many(
        session,
        [
            new_comment(1, 1, source),
            new_comment(2, 2, source, verdict=2, hits=hits, masked="**"),
            new_comment(3, 1, source),
        ],
    )

    assert {
        card: [one.text for one in some] for card, some in comments.of_cards(session, [1, 2]).items()
    } == {
        1: ["你好 1", "你好 3"],
        2: ["你好 2"],
    }
    assert comments.ids_of_cards(session, [1, 2, 9]) == {1: [1, 3], 2: [2]}
    stored = comments.get(session, 2)
    assert (stored.hits, stored.masked, stored.at_media_s, stored.client_id) == (hits, "**", 12.5, "c2")
    assert (cards.last_id(session), comments.last_id(session)) == (2, 3)


def test_signs_that_mean_something_to_a_driver_come_back_as_they_are(session: Session, source: int) -> None:
    odd = [
        "\\N",
        "\\.",
        "\\",
        "\\t",
        "a\tb",
        "\b\f\v",
        "a\nb\r\n",
        "'; --",
        '"',
        "%s ?",
        "{}",
        "\x01\x7f",
        "😀𠮷",
        "\\x41",
    ]
    cards.add_many(session, [new_card(number) for number in range(1, len(odd) + 1)])
    comments.add_many(
        session,
        [
            new_comment(number, number, source, masked=text if number % 2 else None)._replace(
                text=text, sent_at=None if number % 3 else 1e-7 * number, bullet=number % 2 == 0
            )
            for number, text in enumerate(odd, 1)
        ],
    )
    for number, text in enumerate(odd, 1):
        one = comments.get(session, number)
        assert (one.text, one.masked, one.bullet) == (text, text if number % 2 else None, number % 2 == 0)
        assert one.sent_at == (None if number % 3 else 1e-7 * number)


def test_nothing_at_all_is_stored_without_a_statement(session: Session) -> None:
    cards.add_many(session, [])
    comments.add_many(session, [])
    comments.rejudge_many(session, [])
    assert (cards.last_id(session), comments.last_id(session), published.last_id(session)) == (0, 0, 0)


def test_a_new_judgement_takes_the_place_of_the_old_one(session: Session, source: int) -> None:
    cards.add_many(session, [new_card(1)])
    comments.add_many(session, [new_comment(1, 1, source), new_comment(2, 1, source)])
    comments.rejudge_many(session, [(2, Judgement(3, "v2", [{"term": "x"}], "因", "why", "m", "a"))])
    session.expire_all()
    kept, changed = comments.get(session, 1), comments.get(session, 2)

    assert (kept.verdict, kept.lists) == (0, "v1")
    assert (changed.verdict, changed.lists, changed.hits, changed.cause_zh, changed.masked_author) == (
        3,
        "v2",
        [{"term": "x"}],
        "因",
        "a",
    )


def test_what_is_handed_in_twice_is_known_for_24_hours(session: Session, source: int) -> None:
    other = sources.add(session, "other", "h", channel="main", by="x", at=1).id
    cards.add_many(session, [new_card(1)])
    comments.add_many(session, [new_comment(number, 1, source) for number in (1, 2, 3)])
    client_ids.remember(session, source, {"a": 1, "b": 2}, at=100.0)

    assert client_ids.find_many(session, source, ["a", "b", "z"], at=100.0 + DAY - 1) == {"a": 1, "b": 2}
    assert client_ids.find_many(session, other, ["a"], at=100.0) == {}
    assert client_ids.find_many(session, source, ["a"], at=100.0 + DAY) == {}
    client_ids.remember(session, source, {"a": 3}, at=100.0 + DAY)
    assert client_ids.find_many(session, source, ["a", "b"], at=100.0 + DAY) == {"a": 3}
    assert client_ids.prune(session, at=100.0 + DAY) == 1
    client_ids.remember(session, source, {}, at=1.0)


def test_a_name_in_use_cannot_be_given_twice(database: Database) -> None:
    with database.write() as session:
        source = sources.add(session, "s", "h", channel="main", by="x", at=1).id
        cards.add_many(session, [new_card(1)])
        comments.add_many(session, [new_comment(1, 1, source), new_comment(2, 1, source)])
        client_ids.remember(session, source, {"a": 1}, at=100.0)
    with pytest.raises(StoreConflictError), database.write() as session:
        client_ids.remember(session, source, {"a": 2}, at=101.0)


def test_thousands_of_names_are_asked_for_at_once(session: Session, source: int) -> None:
    cards.add_many(session, [new_card(1)])
    comments.add_many(session, [new_comment(number, 1, source) for number in range(1, 2502)])
    names = {f"n{number}": number for number in range(1, 2502)}
    client_ids.remember(session, source, names, at=1.0)
    assert client_ids.find_many(session, source, names, at=2.0) == names
    assert len(comments.ids_of_cards(session, range(1, 2502))[1]) == 2501


# ---------------------------------------------------------------- review


def test_a_card_is_changed_only_by_who_saw_it_as_it_is(session: Session) -> None:
    cards.add_many(session, [new_card(1)])
    cards.add_many(session, [new_card(2)])
    held, rejected = values(held="x", revision=2), values(state="rejected", revision=2)
    assert cards.update_many(session, [Change(1, 1, held)]) == 1
    assert cards.update_many(session, [Change(1, 1, rejected), Change(2, 1, held), Change(9, 1, held)]) == 1
    assert cards.update_many(session, []) == 0
    assert cards.lock_revisions(session, [1, 2, 99]) == {1: 2, 2: 2}
    (stored,) = cards.get_many(session, [1, 99])
    assert (stored.held, stored.state, stored.revision) == ("x", "waiting", 2)


def test_queues_counts_and_what_is_due(session: Session) -> None:
    cards.add_many(
        session,
        [
            new_card(1),
            new_card(2, stages=2, stage=2),
            new_card(3, state="blocked", stages=3, verdict=4),
            new_card(4, state="approved", publish_at=50.0),
            new_card(5, state="approved", publish_at=40.0),
            new_card(6, state="approved", publish_at=40.0, held="x"),
            new_card(7, state="rejected"),
            new_card(8, channel="side"),
            new_card(9, broadcast="c"),
        ],
    )

    assert [one.id for one in cards.list_open(session)] == [1, 2, 3, 4, 5, 6, 8, 9]
    assert [one.id for one in cards.list_open(session, "side")] == [8]
    assert (cards.list_due(session, at=49.9), cards.list_due(session, at=50.0)) == ([5], [5, 4])
    assert cards.count_waiting(session, "main") == {1: 2, 2: 1}
    assert cards.count_states(session, "main", "b") == {
        "waiting": 2,
        "blocked": 1,
        "approved": 3,
        "rejected": 1,
    }
    assert [one.id for one in cards.list_of_broadcast(session, "main", "c")] == [9]


def test_decisions_stand_until_they_are_undone_and_acts_stay(session: Session, people: list[int]) -> None:
    ann, sue, _ = people
    cards.add_many(session, [new_card(1, stages=2, verdict=2)])
    decisions.add_many(session, [(1, NewDecision(1, "approve", ann, "reviewer", 5.0, "", ""))])
    decisions.record_many(session, [(1, NewAct(2, "approve", 5.0, ann, "reviewer", 1, "", "", None))])
    decisions.add_many(session, [(1, NewDecision(2, "reject", sue, "senior-reviewer", 6.0, "spam", "note"))])
    decisions.record_many(
        session, [(1, NewAct(3, "reject", 6.0, sue, "senior-reviewer", 2, "spam", "note", None))]
    )
    assert [(one.stage, one.user_id, one.code) for one in decisions.of_cards(session, [1])[1]] == [
        (1, ann, ""),
        (2, sue, "spam"),
    ]
    assert decisions.remove(session, 1, 2)
    assert not decisions.remove(session, 1, 2)
    decisions.record_many(session, [(1, NewAct(4, "hold", 7.0, None, "", None, "", "condemned", None))])

    assert [one.stage for one in decisions.of_cards(session, [1])[1]] == [1]
    assert [(one.kind, one.user_id) for one in decisions.acts_of_cards(session, [1])[1]] == [
        ("approve", ann),
        ("reject", sue),
        ("hold", None),
    ]


# ---------------------------------------------------------------- the feed


def approve(session: Session, card: int, people: list[int]) -> None:
    for stage, user_id in enumerate(people, 1):
        decisions.add_many(
            session, [(card, NewDecision(stage, "approve", user_id, "chief-reviewer", 5.0, "", ""))]
        )


def test_viewers_read_on_from_what_they_have_seen(session: Session, source: int, people: list[int]) -> None:
    cards.add_many(session, [new_card(1), new_card(2, stages=3, verdict=3), new_card(3, channel="side")])
    comments.add_many(
        session,
        [
            new_comment(1, 1, source, masked="你好 *", masked_author="小*"),
            new_comment(2, 1, source),
            new_comment(3, 2, source),
            new_comment(4, 3, source),
        ],
    )
    approve(session, 1, people[:1])
    approve(session, 2, people)
    approve(session, 3, people[:1])
    assert published.publish(session, "main", 1, [1, 2], stages=1, at=10.0) == [1, 2]
    assert published.publish(session, "side", 3, [4], stages=1, at=11.0) == [3]
    assert published.publish(session, "main", 2, [3], stages=3, at=12.0) == [4]

    all_of_main = published.read_after(session, "main", 0, limit=9)
    assert [(one.id, one.author, one.text, one.at_media_s) for one in all_of_main] == [
        (1, "小*", "你好 *", 12.5),
        (2, "小明", "你好 2", 12.5),
        (4, "小明", "你好 3", 12.5),
    ]
    assert (
        published.read_after(session, "main", 0, limit=1) + published.read_after(session, "main", 1, limit=9)
        == all_of_main
    )
    assert published.read_after(session, "main", 4, limit=9) == []

    assert published.retract(session, "main", 1, [1], at=13.0) == [5]
    assert published.retracted_of_cards(session, [1, 2]) == {1: {1}}
    assert [
        (one.id, one.kind, one.comment_id, one.text)
        for one in published.read_after(session, "main", 1, limit=9)
    ] == [
        (2, "publish", 2, "你好 2"),
        (4, "publish", 3, "你好 3"),
        (5, "retract", 1, ""),
    ]
    # who begins anew is not shown what was taken back
    assert [one.id for one in published.read_after(session, "main", 0, limit=9)] == [2, 4, 5]
    assert [one.id for one in published.list_newest(session, "main", limit=9)] == [2, 4]
    assert [one.id for one in published.list_newest(session, "main", limit=1)] == [4]
    # what was shown then stays what it was
    assert [one.id for one in published.list_between(session, "main", 10.0, 13.0, limit=9)] == [1, 2, 4]
    assert [one.kind for one in published.list_between(session, "main", 13.0, 14.0, limit=9)] == ["retract"]
    assert [one.id for one in published.list_between(session, "main", 0.0, 99.0, limit=2)] == [1, 2]


def test_the_record_of_an_author(session: Session, source: int, people: list[int]) -> None:
    cards.add_many(session, [new_card(1), new_card(2, state="rejected"), new_card(3), new_card(4)])
    comments.add_many(
        session,
        [new_comment(number, number, source) for number in (1, 2, 3)]
        + [new_comment(4, 4, source, author_id="u2")],
    )
    approve(session, 1, people[:1])
    published.publish(session, "main", 1, [1], stages=1, at=9.0)
    cards.update_many(session, [Change(1, 1, values(state="published", revision=2))])
    published.retract(session, "main", 1, [1], at=10.0)

    assert comments.author_record(session, source, "u1") == (
        {"published": 1, "rejected": 1, "waiting": 1},
        1,
        101.0,
    )
    assert comments.author_record(session, source, "nobody") == ({}, 0, None)
