"""Open cards in memory: the same order as sorting them all, at any time, and quick at 20,000."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from moderation.desk.members import Member
from moderation.desk.piles import MAX_NAMES, Piles, accepts_comment, pile_of
from moderation.filter.policy import STAGES, Verdict
from moderation.review.card import Card, State
from moderation.review.queue_order import Order, order_key
from streamgate.store.comments import Judgement

PILES = ("waiting", "blocked", "held", "approved")
JUDGEMENT = Judgement(0, "v", [], "", "", None, None)


def card(number: int, state: State = State.WAITING, verdict: Verdict = Verdict.CLEAN, **more: object) -> Card:
    plain = {
        "channel": "main",
        "broadcast": "b",
        "key": f"k{number}",
        "comments": (number,),
        "stages": STAGES[verdict],
        "opened_at": float(number),
        "publish_at": 5.0 if state is State.APPROVED else None,
    }
    return Card(id=number, state=state, verdict=verdict, **{**plain, **more})


def member(number: int, author: str = "a") -> Member:
    return Member(number, 1, "u", author, "t", 1.0, None, JUDGEMENT, 1)


cards = st.builds(
    card,
    st.integers(1, 12),
    st.sampled_from(State),
    st.sampled_from(Verdict),
    held=st.sampled_from(["", "", "why"]),
    trusted=st.booleans(),
    opened_at=st.integers(0, 60).map(float),
    channel=st.sampled_from(["main", "main", "other"]),
)


@given(st.lists(cards, max_size=40))
def test_each_pile_lists_cards_in_sort_order(changes: list[Card]) -> None:
    piles, plain = Piles(), {}
    for one in changes:
        known = plain.get(one.id)
        new = one if known is None else replace(one, channel=known.channel)
        piles.put(new, [] if known is not None else [member(new.id)])
        if new.state in (State.WAITING, State.BLOCKED, State.APPROVED):
            plain[new.id] = new
        else:
            plain.pop(new.id, None)
    assert len(piles) == len(plain)
    for channel in ("main", "other"):
        mine = [one for one in plain.values() if one.channel == channel]
        assert len(piles.of(channel)) == len(mine)
        for pile in PILES:
            for order in Order:
                there = sorted(
                    (one for one in mine if pile_of(one) == pile), key=lambda one: order_key(one, order)
                )
                assert list(piles.of(channel).ids(pile, order=order)) == [one.id for one in there]
                assert piles.of(channel).count(pile) == len(there)
                for place, one in enumerate(there):
                    rest = [other.id for other in there[place + 1 :]]
                    assert list(piles.of(channel).ids(pile, order=order, after=one)) == rest
    due = [one for one in plain.values() if one.publish_at is not None and not one.held]
    assert set(piles.due(5.0)) == {one.id for one in due}
    assert piles.due(4.9) == []


def test_piles_are_listed_and_counted_by_stage() -> None:
    piles = Piles()
    piles.put(card(1, verdict=Verdict.SENSITIVE), [member(1)])
    piles.put(card(2), [member(2)])
    assert list(piles.of("main").ids("waiting", stage=1)) == [1, 2]
    assert list(piles.of("main").ids("waiting", stage=2)) == []
    assert piles.of("main").oldest("waiting") == 1.0
    assert piles.of("main").oldest("held") is None


def test_an_equal_comment_joins_an_open_undecided_card() -> None:
    piles = Piles()
    first = card(1)
    piles.put(first, [member(1)])
    assert piles.find_equal("main", "b", "k1", Verdict.CLEAN).card == first
    assert piles.find_equal("main", "b", "k1", Verdict.SUSPECTED) is None
    assert piles.find_equal("main", "other", "k1", Verdict.CLEAN) is None
    piles.put(replace(first, escalated=True, revision=2))
    assert piles.find_equal("main", "b", "k1", Verdict.CLEAN) is None


def test_no_comment_joins_beyond_the_limit_of_author_names() -> None:
    piles = Piles()
    piles.put(card(1), [member(number, f"name{number}") for number in range(MAX_NAMES - 1)])
    assert accepts_comment(piles.get(1))
    piles.put(replace(card(1), revision=2), [member(500, "one more")])
    assert not accepts_comment(piles.get(1))


@pytest.mark.alone  # it measures
def test_the_queue_of_20000_cards_is_listed_in_time() -> None:
    piles = Piles()
    for number in range(20_000):
        verdict = list(Verdict)[number % 4]
        piles.put(card(number, verdict=verdict), [member(number)])
    took = []
    for number in range(200):
        begun = time.perf_counter()
        after = piles.get(number * 90).card
        found = piles.of("main").ids("waiting", order=list(Order)[number % 2], after=after)
        assert len([next(found) for _ in range(50)]) == 50
        took.append(time.perf_counter() - begun)
    assert sorted(took)[197] < 0.01
