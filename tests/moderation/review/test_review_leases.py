"""Leases: one card is one person's for 30 s, and never two people's."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.errors import ReviewRefused
from moderation.review.leases import Leases


def test_a_card_is_taken_until_its_lease_is_released() -> None:
    leases = Leases()
    assert leases.claim(7, 1, 100.0).ends_at == 130.0
    with pytest.raises(ReviewRefused, match="account 1") as caught:
        leases.claim(7, 2, 129.9)
    assert caught.value.code == "taken"
    leases.require_free(7, 1, 129.9)
    leases.release(7)
    assert leases.claim(7, 2, 129.9).user_id == 2
    leases.release(99)


def test_a_lease_runs_out_unless_it_is_extended() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    leases.claim(7, 1, 120.0)
    assert (leases.holder(7, 149.9), leases.holder(7, 150.0)) == (1, None)
    assert leases.claim(7, 2, 150.0).user_id == 2


def test_claiming_another_card_releases_the_former() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    leases.claim(8, 1, 101.0)
    assert (leases.holder(7, 101.0), leases.holder(8, 101.0)) == (None, 1)


def test_a_late_reviewer_does_not_release_the_next_ones_card() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    leases.claim(7, 2, 130.0)
    leases.claim(8, 1, 131.0)
    assert leases.holder(7, 131.0) == 2
    assert leases.release_all(1) == 8


def test_a_refused_claim_keeps_the_card_one_has() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    leases.claim(8, 2, 100.0)
    with pytest.raises(ReviewRefused):
        leases.claim(8, 1, 100.0)
    assert leases.holder(7, 100.0) == 1


def test_a_disconnect_frees_the_card_and_what_runs_out_is_told() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    leases.claim(8, 2, 110.0)
    assert leases.release_all(1) == 7
    assert leases.release_all(1) is None
    assert (leases.expire(139.0), leases.expire(140.0), leases.expire(141.0)) == ([], [8], [])


def test_a_clock_that_runs_backwards_lengthens_nothing() -> None:
    leases = Leases()
    leases.claim(7, 1, 100.0)
    assert leases.holder(7, 130.0) is None
    assert leases.holder(7, 100.0) is None


@settings(max_examples=500)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["claim", "release", "leave", "expire"]),
            st.integers(1, 3),
            st.integers(1, 3),
            st.sampled_from([0.0, 5.0, 29.0, 31.0]),
        ),
        max_size=30,
    )
)
def test_never_two_people_on_one_card(steps: list[tuple[str, int, int, float]]) -> None:
    """Beside a plain record of each claim that was given and has neither ended nor run out."""
    leases, now = Leases(), 0.0
    given_to: dict[int, tuple[int, float]] = {}
    for act, card, person, later in steps:
        now += later
        given_to = {one: (who, ends) for one, (who, ends) in given_to.items() if ends > now}
        if act == "claim":
            if card in given_to and given_to[card][0] != person:
                with pytest.raises(ReviewRefused):
                    leases.claim(card, person, now)
            else:
                leases.claim(card, person, now)
                given_to = {one: held for one, held in given_to.items() if held[0] != person}
                given_to[card] = (person, now + 30.0)
        elif act == "release":
            leases.release(card)
            given_to.pop(card, None)
        elif act == "leave":
            leases.release_all(person)
            given_to = {one: held for one, held in given_to.items() if held[0] != person}
        else:
            leases.expire(now)
        assert [leases.holder(one, now) for one in (1, 2, 3)] == [
            given_to.get(one, (None,))[0] for one in (1, 2, 3)
        ]
