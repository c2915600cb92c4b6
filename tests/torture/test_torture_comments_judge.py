"""The judge of runs with comments passes a sound run, and each rule finds the fault that is planted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torture.comments_judge import (
    RULES,
    ActRow,
    Asked,
    CardRow,
    Connection,
    DecisionRow,
    Event,
    FeedRow,
    Heard,
    Row,
    Sent,
    Stored,
    Told,
    judge,
    read_stored,
)

from streamgate.store.location import Location, locate
from streamgate.store.upgrade import upgrade

PEOPLE = {"ann": "reviewer", "sue": "senior-reviewer", "cai": "chief-reviewer"}
PLAIN = Sent("u1", "viewer 1", "真好")
SENSITIVE = Sent("u2", "viewer 2", "加油 稻草人丙")
Run = tuple[Told, Stored]


def decided(who: str, card: int, version: int, verb: str) -> dict[str, Any]:
    args = {"id": card, "version": version, "decision": verb}
    return {
        "kind": "decision",
        "what": "review.decide",
        "who": f"console:{who}",
        "args": args,
        "answer": "ok",
    }


def sound() -> Run:
    """Comments 1 and 2 on cards 1 (one stage) and 2 (two stages), published; 3 rejected; 1 taken back."""
    told = Told(
        PEOPLE,
        sent={("s", "a"): PLAIN, ("s", "b"): SENSITIVE, ("s", "c"): PLAIN},
        accepted=[("s", "a", 1), ("s", "b", 2), ("s", "c", 3), ("s", "a", 1)],
        asked=[
            Asked("ann", "approve", 1, 1, "done", 2),
            Asked("ann", "approve", 2, 1, "done", 2),
            Asked("sue", "approve", 2, 1, "refused"),
            Asked("sue", "approve", 2, 2, "done", 3),
            Asked("ann", "reject", 3, 1, "done", 2),
            Asked("ann", "undo", 3, 2, "lost"),
            Asked("cai", "reject", 3, 3, "done", 4),
            Asked("cai", "retract", 1, 0, "done", 4, 1),
        ],
    )
    stored = Stored(
        [Row(1, "s", "a", *PLAIN, 1), Row(2, "s", "b", *SENSITIVE, 2), Row(3, "s", "c", *PLAIN, 3)],
        [CardRow(1, "published", 1, ""), CardRow(2, "published", 2, ""), CardRow(3, "rejected", 1, "")],
        [
            DecisionRow(1, 1, "approve", "ann"),
            DecisionRow(2, 1, "approve", "ann"),
            DecisionRow(2, 2, "approve", "sue"),
            DecisionRow(3, 1, "reject", "cai"),
        ],
        [
            ActRow(1, 2, "approve", "ann", ""),
            ActRow(1, 3, "publish", "", ""),
            ActRow(1, 4, "retract", "cai", ""),
            ActRow(2, 2, "approve", "ann", ""),
            ActRow(2, 3, "approve", "sue", ""),
            ActRow(2, 4, "publish", "", ""),
            ActRow(3, 2, "reject", "ann", "spam"),
            ActRow(3, 3, "undo", "ann", ""),
            ActRow(3, 4, "reject", "cai", "spam"),
        ],
        [
            FeedRow(1, "publish", 1, 1, 10.0),
            FeedRow(2, "publish", 2, 2, 11.0),
            FeedRow(3, "retract", 1, 1, 12.0),
        ],
        [
            decided("ann", 1, 1, "approve"),
            decided("ann", 2, 1, "approve"),
            decided("sue", 2, 2, "approve"),
            decided("ann", 3, 1, "reject"),
            decided("cai", 3, 3, "reject"),
            {
                "kind": "decision",
                "what": "review.retract",
                "who": "console:cai",
                "args": {"id": 1, "comment": 1},
                "answer": "ok",
            },
        ],
    )
    first, second = Event(1, "publish", 1, *PLAIN[1:]), Event(2, "publish", 2, *SENSITIVE[1:])
    back = Event(3, "retract", 1, "", "")
    told.readers = [
        Heard("whole", 0, [first, second, back], [Connection(0, 9.0)]),
        Heard("late", 0, [second, back], [Connection(0, 13.0)]),
    ]
    return told, stored


def without(rows: list[Any], at: int) -> None:
    del rows[at]


def change(rows: list[Any], at: int, **members: Any) -> None:
    rows[at] = rows[at]._replace(**members)


def one_person_for_both_stages(told: Told, stored: Stored) -> None:
    change(stored.decisions, 2, who="ann")
    change(stored.acts, 4, who="ann")
    change(told.asked, 3, who="ann")
    stored.ledger[2]["who"] = "console:ann"


def entitled_to_less(told: Told, _: Stored) -> None:
    told.people = {**PEOPLE, "sue": "reviewer"}


def one_stage_for_a_sensitive_text(told: Told, stored: Stored) -> None:
    change(stored.cards, 1, stages=1)
    without(stored.decisions, 2)
    without(stored.acts, 4)
    del told.asked[2:4]


def approved_and_left(_: Told, stored: Stored) -> None:
    change(stored.cards, 2, state="approved")


def overtaken(told: Told, stored: Stored) -> None:
    """Ann's rejection took effect on a version that she had not seen."""
    change(told.asked, 4, version=0)
    change(told.asked, 4, version=1, now=3)
    change(stored.acts, 6, revision=3)
    without(stored.acts, 7)
    change(stored.decisions, 3, who="cai")


def away_too_short(told: Told, _: Stored) -> None:
    told.readers[1].connections = [Connection(0, 11.5)]


PLANTED: list[tuple[str, Callable[[Told, Stored], object]]] = [
    ("comments_lost", lambda told, stored: without(stored.comments, 2)),
    ("comments_lost", lambda told, stored: change(stored.comments, 2, text="另一条")),
    ("comments_twice", lambda told, stored: stored.comments.append(Row(4, "s", "c", *PLAIN, 3))),
    ("comments_twice", lambda told, stored: stored.comments.append(Row(4, "s", "z", *PLAIN, 3))),
    ("comments_twice", lambda told, stored: told.accepted.append(("s", "c", 2))),
    ("decisions_lost", lambda told, stored: without(stored.acts, 0)),
    ("decisions_lost", lambda told, stored: change(stored.acts, 4, who="cai")),
    ("decisions_overwrote", lambda told, stored: stored.acts.append(ActRow(2, 3, "escalate", "", ""))),
    ("decisions_overwrote", lambda told, stored: change(stored.decisions, 3, decision="approve")),
    ("decisions_overwrote", overtaken),
    ("decisions_overwrote", lambda told, stored: change(told.asked, 6, result="refused")),
    ("decisions_of_nobody", lambda told, stored: without(told.asked, 5)),
    ("decisions_of_nobody", lambda told, stored: change(stored.acts, 7, who="sue")),
    ("decisions_not_in_ledger", lambda told, stored: without(stored.ledger, 3)),
    ("decisions_not_in_ledger", lambda told, stored: stored.ledger.append(stored.ledger[0])),
    ("decisions_not_in_ledger", lambda told, stored: stored.ledger[0].update(who="console:sue")),
    ("published_unreviewed", lambda told, stored: without(stored.decisions, 2)),
    ("published_unreviewed", one_person_for_both_stages),
    ("published_unreviewed", entitled_to_less),
    ("published_unreviewed", one_stage_for_a_sensitive_text),
    ("published_unreviewed", lambda told, stored: change(stored.cards, 1, state="waiting")),
    ("published_unreviewed", lambda told, stored: change(stored.cards, 1, held="等一等")),
    ("published_unreviewed", lambda told, stored: change(stored.feed, 1, card=1)),
    ("published_twice", lambda told, stored: stored.feed.append(FeedRow(4, "publish", 2, 2, 13.0))),
    ("published_twice", lambda told, stored: change(stored.feed, 2, id=4)),
    ("published_twice", lambda told, stored: told.readers[0].events.append(told.readers[0].events[2])),
    ("approved_unpublished", approved_and_left),
    ("approved_unpublished", lambda told, stored: without(stored.feed, 1)),
    ("approved_unpublished", lambda told, stored: without(stored.feed, 2)),
    ("readers_not_exact", lambda told, stored: without(told.readers[0].events, 1)),
    ("readers_not_exact", lambda told, stored: without(told.readers[1].events, 1)),
    ("readers_not_exact", away_too_short),
    ("readers_not_exact", lambda told, stored: told.readers[0].events.reverse()),
    ("readers_not_exact", lambda told, stored: change(told.readers[0].events, 1, text="另一条")),
    ("readers_not_exact", lambda told, stored: told.readers[0].events.append(Event(9, "publish", 3, "", ""))),
    ("readers_not_exact", lambda told, stored: setattr(told.readers[1], "start", None)),
]


def test_a_sound_run_passes() -> None:
    assert judge(*sound()) == {}


@pytest.mark.parametrize(
    ("rule", "plant"), PLANTED, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(PLANTED)]
)
def test_a_planted_fault_is_found(rule: str, plant: Callable[[Told, Stored], object]) -> None:
    told, stored = sound()
    plant(told, stored)
    found = judge(told, stored)
    assert rule in found, found


def test_every_rule_is_seen_to_fail() -> None:
    assert {rule for rule, _ in PLANTED} == {rule.__name__ for rule in RULES}


def test_what_was_lost_on_the_way_may_have_come_to_pass() -> None:
    told, stored = sound()
    told.asked.append(Asked("ann", "approve", 2, 1, "lost"))
    told.asked.append(Asked("ann", "approve", 1, 1, "refused"))  # asked again: it had been carried out
    assert judge(told, stored) == {}


def test_an_empty_database_is_read(tmp_path: Path, postgresql: Location) -> None:
    for place in (locate("sqlite", tmp_path), postgresql):
        upgrade(place)
        url = f"sqlite:///{place.file}" if place.kind == "sqlite" else place.url
        assert read_stored(url) == Stored()
