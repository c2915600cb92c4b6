"""The state machine of incidents: what may follow what, whatever order people press in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.errors import Refused
from streamgate.incidents.incident import (
    Completed,
    Dismissed,
    Ended,
    Joined,
    Opened,
    State,
    check,
    fold,
)

AT = 1_790_000_000.0
ANN = "console:ann"


def opened(number="a", kind="cut", **more):
    values = {"channel": "main", "happened": AT, "delay_s": 40.0, "actor": ANN, **more}
    return Opened(id=number, at=AT + 1, by="incidents", kind=kind, **values)


def completed(number="a", words="a stranger in the picture", by=ANN, at=AT + 60):
    told = {"category": "picture", "level": "serious", "aired": "no", "words": words, "measures": "cut"}
    return Completed(id=number, at=at, by=by, **told)


def joined(number, into):
    return Joined(id=number, at=AT + 90, by=ANN, into=into, reason="the same stranger")


def dismissed(number, reason="a rehearsal"):
    return Dismissed(id=number, at=AT + 90, by=ANN, reason=reason)


def after(*events):
    incidents = {}
    for event in events:
        incidents |= fold(incidents, event)
    return incidents


def test_a_draft_spans_both_pictures_thirty_seconds_before_and_after():
    one = after(opened())["a"]
    assert (one.state, one.until) == (State.DRAFT, AT)
    assert (one.pvw.start, one.pvw.end) == (AT - 30, AT + 30)
    assert (one.pgm.start, one.pgm.end) == (AT - 30, AT + 30)
    assert (one.held.start, one.held.end) == (AT - 70, AT + 30), "what aired then had come in a delay before"


def test_a_dump_shows_what_it_condemned_and_thirty_seconds_before_that():
    one = after(opened(kind="dump", seconds=20.0))["a"]
    assert one.pvw.start == AT - 50
    assert one.held.start == AT - 70


def test_a_cut_lasts_until_it_is_restored():
    one = after(opened(), Ended(id="a", at=AT + 100, by="incidents", until=AT + 95))["a"]
    assert (one.until, one.pvw.end, one.held.end) == (AT + 95, AT + 125, AT + 125)
    assert one.held.start == AT - 70


def test_it_is_completed_by_a_person_and_again_with_better_words():
    incidents = after(opened(), completed())
    one = incidents["a"]
    assert (one.state, one.report, one.completed_by) == (State.COMPLETED, "a stranger in the picture", ANN)
    one = fold(incidents, completed(words="a child in the picture", by="console:bob"))["a"]
    assert (one.report, one.completed_by) == ("a child in the picture", "console:bob")
    assert [event.words for event in one.log[1:]] == ["a stranger in the picture", "a child in the picture"]


def test_drafts_are_joined_and_take_their_own_members_along():
    incidents = after(*[opened(number) for number in "abc"], joined("b", "a"), joined("a", "c"))
    assert incidents["c"].members == ("a", "b")
    assert (incidents["a"].state, incidents["a"].members) == (State.JOINED, ())
    assert (incidents["b"].joined_into, incidents["a"].joined_into) == ("c", "c")
    assert incidents["a"].reason == "the same stranger"


@pytest.mark.parametrize(
    ("before", "event", "said"),
    [
        ([opened()], opened(), "open already"),
        ([], completed(), "no incident a; the newest are: none yet"),
        ([opened(), dismissed("a")], completed(), "is dismissed"),
        ([opened(), completed()], dismissed("a"), "is completed"),
        ([opened()], joined("a", "a"), "into itself"),
        ([opened(), opened("b"), dismissed("b")], joined("a", "b"), "b is dismissed"),
        ([opened(), opened("b", channel="hall")], joined("a", "b"), "channel hall"),
        ([opened()], joined("a", "nothing"), "no incident nothing"),
    ],
)
def test_what_is_refused(before, event, said):
    with pytest.raises(Refused, match=said) as refused:
        fold(after(*before), event)
    assert refused.value.zh


@pytest.mark.parametrize(
    "event",
    [
        completed(words=" "),
        completed(words="x" * 4001),
        completed(by="token:deck"),
        completed(by="incidents"),
        dismissed("a", reason=""),
        dismissed("a", reason="x" * 501),
        opened(kind="note", words=""),
    ],
)
def test_what_a_person_may_not_say(event):
    with pytest.raises(Refused):
        check(event)


EVENTS = st.lists(
    st.one_of(
        st.sampled_from("abcd").map(opened),
        st.sampled_from("abcd").map(completed),
        st.sampled_from("abcd").map(dismissed),
        st.builds(joined, st.sampled_from("abcd"), st.sampled_from("abcd")),
    ),
    max_size=40,
)


@given(EVENTS)
def test_whatever_is_pressed_every_incident_is_in_one_place(events):
    incidents, taken = {}, {}
    for event in events:
        try:
            changed = fold(incidents, event)
        except Refused:
            continue
        incidents |= changed
        taken[event.id] = taken.get(event.id, 0) + 1
    for one in incidents.values():
        assert (one.state is State.JOINED) == bool(one.joined_into)
        assert (one.state is State.COMPLETED) <= bool(one.report)
        if one.joined_into:
            into = incidents[one.joined_into]
            assert one.id in into.members
            assert into.state in {State.DRAFT, State.COMPLETED, State.JOINED}
            assert into.state is not State.JOINED, "a member stands directly in the one that counts"
        assert all(incidents[member].joined_into == one.id for member in one.members)
        assert sum(event.id == one.id for event in one.log) == taken[one.id], "nothing is forgotten"
