"""Condemned moments of a program: they add up, are returned once, and stay bounded."""

from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.condemned import MOST, CondemnedTimes

SECONDS = st.integers(0, 400).map(lambda tenths: tenths / 10)
SPANS = st.lists(st.tuples(SECONDS, SECONDS), max_size=30)


def test_an_open_cut_reaches_as_far_as_what_has_arrived() -> None:
    times = CondemnedTimes()
    assert times.note(100.0, 30.0, [(0.0, None, "s1")]) == [(100.0, 130.0)]
    assert times.note(100.1, 30.0, [(0.0, None, "s1")]) == []
    assert times.note(110.0, 30.0, [(0.0, None, "s1")]) == [(130.0, 140.0)]  # what is new of it
    assert [times.covers(at) for at in (99.0, 100.0, 135.0, 140.0, 141.0)] == [False, True, True, True, False]
    again = CondemnedTimes(times.spans)  # in another process
    assert [again.covers(at) for at in (99.0, 100.0, 140.0, 141.0)] == [False, True, True, False]
    assert again.add(times.spans) == []


def test_a_lifted_span_holds_nothing_that_has_not_aired() -> None:
    times = CondemnedTimes()
    times.note(100.0, 30.0, [(5.0, 15.0, "s1"), (20.0, 25.0, "s2")])
    times.note(107.0, 30.0, [(0.0, 8.0, "s1"), (15.0, 16.0, "s2")])  # s2 was moved: its end
    assert [times.covers(at) for at in (106.0, 112.0, 122.0, 125.0)] == [True, True, True, False]
    times.note(110.0, 30.0, [(12.0, 13.0, "s2")])  # s1 was lifted when 110 was on air
    assert [times.covers(at) for at in (106.0, 112.0, 122.0)] == [True, False, True]
    again = CondemnedTimes(times.spans)
    again.note(111.0, 30.0, [])  # s2 was lifted while this process was away
    assert [again.covers(at) for at in (106.0, 122.0)] == [True, False]


def test_what_is_condemned_once_more_is_returned_once_more() -> None:
    times = CondemnedTimes()
    assert times.note(100.0, 30.0, [(5.0, 15.0, "s1")]) == [(105.0, 115.0)]
    assert times.note(101.0, 30.0, []) == []  # lifted
    assert times.note(102.0, 30.0, [(3.0, 13.0, "s2")]) == [(105.0, 115.0)]


def test_a_cut_that_grows_little_by_little_is_returned_in_time() -> None:
    times = CondemnedTimes()
    returned = [one for step in range(21) for one in times.note(100.0 + step / 2, 30.0, [(0.0, None, "s1")])]
    assert returned[0] == (100.0, 130.0)
    assert returned[-1] == (139.5, 140.0)  # the newest that has arrived


def test_spans_that_touch_are_one_and_the_oldest_of_too_many_are_joined() -> None:
    times = CondemnedTimes([(0.0, 1.0)])
    assert times.add([(5.0, 9.0), (1.5, 5.0), (3.0, 3.0)]) == [(5.0, 9.0), (1.5, 5.0)]
    assert times.spans == [(0.0, 9.0)]
    for number in range(MOST + 1):
        times.add([(100.0 + 10 * number, 101.0 + 10 * number)])
    assert len(times.spans) == MOST
    assert times.covers(50.0)  # between spans that were joined: held rather than let through
    assert times.spans[-1] == (100.0 + 10 * MOST, 101.0 + 10 * MOST)


@given(stored=SPANS, added=SPANS)
def test_every_moment_is_covered_and_every_new_one_returned(
    stored: list[tuple[float, float]], added: list[tuple[float, float]]
) -> None:
    before = CondemnedTimes()
    before.add(stored)
    times = CondemnedTimes(before.spans)
    returned = times.add(added)
    edges = [edge for span in (*before.spans, *returned) for edge in span]
    for low, high in added:
        moments = [min(high, low + (high - low) * part / 20) for part in range(21)] if high > low else []
        assert all(times.covers(at) for at in moments)
        for at in moments:
            known = before.covers(at) or any(start <= at <= end for start, end in returned)
            assert known or any(abs(at - edge) <= 1.0 for edge in edges)  # spans so close are one
