"""Which card comes next, and batches."""

import pytest
from msgspec.structs import replace

from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import Card, State, open_card
from moderation.review.events import Approve, Reviewer
from moderation.review.leases import Leases
from moderation.review.machine import apply
from moderation.review.queue_order import APPROVE_AT_ONCE, Order, check_batch_decision, deal, may_decide
from moderation.review.stages import Rules

ANN = Reviewer(1, frozenset({"reviewer"}))
BEN = Reviewer(2, frozenset({"reviewer"}))
SUE = Reviewer(3, frozenset({"senior-reviewer"}))


def card(number: int, verdict: Verdict = Verdict.CLEAN, *, at: float = 0.0, trusted: bool = False) -> Card:
    return open_card(
        number,
        number,
        channel="main",
        broadcast="b",
        key=str(number),
        verdict=verdict,
        stages=1,
        now=at,
        rules=Rules(),
        trusted=trusted,
    )


def test_several_reviewers_get_different_cards_the_oldest_first() -> None:
    cards, leases = [card(2, at=5), card(1, at=9), card(3, at=7)], Leases()
    dealt = []
    for by in (ANN, BEN, SUE):
        found = deal(cards, leases, by, 10.0, Order.OLDEST)
        leases.claim(found.id, by.id, 10.0)
        dealt.append(found.id)

    assert dealt == [2, 3, 1]
    assert deal(cards, leases, Reviewer(4, ANN.roles), 10.0, Order.OLDEST) is None
    assert deal(cards, leases, ANN, 10.0, Order.OLDEST).id == 2


def test_the_gravest_first_where_asked_for() -> None:
    cards = [card(1, at=1), card(2, Verdict.SENSITIVE, at=2), card(3, Verdict.SENSITIVE, at=3)]
    assert deal(cards, Leases(), ANN, 9.0, Order.GRAVEST).id == 2
    assert deal(cards, Leases(), ANN, 9.0, Order.OLDEST).id == 1


def test_trust_is_a_head_start_of_30_seconds_and_no_more() -> None:
    assert deal([card(1, at=29.0), card(2, at=58.0, trusted=True)], Leases(), ANN, 99, Order.OLDEST).id == 2
    assert deal([card(1, at=29.0), card(2, at=60.0, trusted=True)], Leases(), ANN, 99, Order.OLDEST).id == 1
    assert card(2, trusted=True).stages == 1


def test_a_reviewer_gets_only_cards_they_may_decide() -> None:
    second = apply(card(1, Verdict.SENSITIVE), Approve(SUE, 1), 1.0, Rules()).card
    for by in (ANN, SUE, Reviewer(9, frozenset({"director"}))):  # not entitled, decided before, no reviewer
        assert not may_decide(second, by)
        assert deal([second], Leases(), by, 2.0, Order.OLDEST) is None
    assert may_decide(second, Reviewer(8, SUE.roles))
    assert not may_decide(replace(card(1), held="x"), ANN)
    assert not may_decide(card(1, Verdict.BLOCK), SUE)
    assert not may_decide(replace(card(1), state=State.REJECTED), SUE)


def test_a_batch_is_approved_only_when_all_cards_are_clean() -> None:
    check_batch_decision("approve", [card(n) for n in range(APPROVE_AT_ONCE)])
    check_batch_decision("reject", [card(n, Verdict.IMPORTANT) for n in range(5000)])
    with pytest.raises(ReviewRefused, match="at most 20") as caught:
        check_batch_decision("approve", [card(n) for n in range(APPROVE_AT_ONCE + 1)])
    assert caught.value.code == "batch"
    with pytest.raises(ReviewRefused, match=r"one by one: 2$"):
        check_batch_decision("approve", [card(1), card(2, Verdict.SUSPECTED)])
