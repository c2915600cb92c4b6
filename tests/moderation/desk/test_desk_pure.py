"""Small parts of the desk that hold no state of others: broadcasts, condemned moments, rates, switches."""

import msgspec
import pytest

from moderation.desk import interactions
from moderation.desk.broadcasts import Broadcast, Broadcasts, decode, encode, follow
from moderation.desk.condemned import CondemnedTimes
from moderation.desk.feed import Feed
from moderation.desk.messages import InteractionView, Person, SetInteraction
from moderation.desk.rates import PerMinute
from moderation.errors import ReviewRefused
from streamgate.link.messages import ChannelStatus, SpanStatus
from streamgate.store.published import Item

START = 1_764_345_600.0  # 2025-11-28 16:00 UTC


def status(on_air_s: float | None, *spans: SpanStatus, name: str = "main") -> ChannelStatus:
    return ChannelStatus(name, "live", "live", 30.0, on_air_s=on_air_s, spans=list(spans))


# ---------------------------------------------------------------- broadcasts


def test_a_broadcast_is_named_by_its_start() -> None:
    one = follow(None, status(10.0), None, START + 10)
    assert one == Broadcast("main-20251128T160000Z", START)
    named = msgspec.structs.replace(status(10.0), broadcast="main-20251128T155959Z")
    assert follow(None, named, None, START + 10) == Broadcast(named.broadcast, START)  # as the gate calls it
    assert decode(encode(one)) == one
    assert decode(encode(None)) is None
    assert decode({"id": 7}) is None


def test_it_stays_the_same_while_the_gate_restarts_and_the_clock_is_set() -> None:
    one = Broadcast("main-20251128T160000Z", START)
    assert follow(one, status(104.0), None, START + 100) == one  # another process, within 5 s
    assert follow(one, status(104.0), 103.8, START + 5000) == one  # the wall clock was set
    assert follow(one, status(None), 104.0, START + 105) is None
    again = follow(one, status(1.0), 104.0, START + 105)
    assert again == Broadcast("main-20251128T160144Z", START + 104)


def test_begin_end_and_what_an_earlier_process_knew() -> None:
    told: list[tuple[str, object, object]] = []
    both = Broadcasts(lambda channel, ended, begun: told.append((channel, ended, begun)))
    known = Broadcast("main-20251128T160000Z", START)
    both.remember([("main", known)])
    assert both.id_of("main") == known.id
    both.take([status(60.2)], START + 60, 1000.0)
    assert told == []
    both.remember([("main", Broadcast("older", 1.0))])  # read anew after trouble: the gate knows better
    assert both.on_air("main") == known
    both.take([status(None)], START + 61, 1001.0)
    assert told == [("main", known, None)]
    assert both.id_of("main") == ""
    both.take([status(0.5)], START + 70, 1010.0)
    newest = Broadcast("main-20251128T160109Z", START + 69.5)
    assert told[1:] == [("main", None, newest)]
    both.take([], START + 71, 1011.0)  # the channel was removed
    assert told[2:] == [("main", newest, None)]


def test_condemned_moments_of_the_program() -> None:
    both = Broadcasts(lambda *_: None)
    both.take([status(100.0, SpanStatus(10.0, 20.0))], START, 0.0)
    assert [both.is_condemned("main", at) for at in (109.0, 110.0, 120.0, 121.0, None)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert both.take_grown("main") == [(110.0, 120.0)]
    both.take([status(101.0, SpanStatus(9.1, 19.0))], START + 1, 1.0)
    assert both.take_grown("main") == []
    both.take([status(140.0)], START + 40, 40.0)  # it has aired as filler
    assert both.is_condemned("main", 115.0)
    both.take([status(None)], START + 41, 41.0)
    assert not both.is_condemned("main", 115.0)


def test_an_open_cut_reaches_as_far_as_what_has_arrived() -> None:
    times = CondemnedTimes()
    assert times.note(100.0, 30.0, [(0.0, None)]) == [(100.0, 130.0)]
    assert times.note(100.5, 30.0, [(0.0, None)]) == []
    assert times.note(110.0, 30.0, [(0.0, None)]) == [(110.0, 140.0)]
    assert [times.covers(at) for at in (99.0, 100.0, 135.0, 140.0, 141.0)] == [False, True, True, True, False]
    again = CondemnedTimes(times.spans)  # in another process
    assert [again.covers(at) for at in (99.0, 100.0, 140.0, 141.0)] == [False, True, True, False]


def test_a_cut_that_grows_little_by_little_is_told_of_in_time() -> None:
    times = CondemnedTimes()
    told = [one for step in range(21) for one in times.note(100.0 + step / 2, 30.0, [(-step / 2, None)])]
    assert told[0] == (100.0, 130.0)
    assert max(high for _, high in told) >= 139.0  # 140 is the newest that has arrived


def test_the_moment_that_a_viewer_sees() -> None:
    both = Broadcasts(lambda *_: None)
    assert both.moment_of("main", START, START, 0.0) is None  # nothing is on air
    both.remember([("main", Broadcast("main-20251128T160000Z", START))])
    assert both.moment_of("main", START + 52.0, START + 60, 1000.0) == 52.0  # the gate has not spoken yet
    both.take([status(60.0)], START + 60, 1000.0)
    assert both.moment_of("main", START + 92.0, START + 100, 1040.0) == 92.0
    # The clock was set an hour ahead: what airs now is dated by the new one.
    assert both.moment_of("main", START + 3692.0, START + 3700, 1040.0) == 92.0
    for odd in (START - 60, START + 200, 0.0, 1e11):
        assert both.moment_of("main", odd, START + 100, 1040.0) is None
    assert both.moment_of("main", START - 1.0, START + 10, 950.0) == 0.0  # it has just begun


# ---------------------------------------------------------------- switches


def test_switches_are_closed_by_default_and_where_they_are_not_understood() -> None:
    closed = InteractionView()
    assert (closed.comments, closed.bullets, closed.sharing) == (False, False, False)
    opened = InteractionView(comments=True, window_s=0.0)
    assert interactions.decode(interactions.encode(opened), "x", 1.0).comments
    for wrong in ({"comments": True, "window_s": -1}, {"comments": True, "stages": 0}, {"comments": 7}, 3):
        assert interactions.decode(wrong, "x", 1.0) == InteractionView(changed_by="x", changed_at=1.0)


@pytest.mark.parametrize("wrong", [{"stages": 0}, {"stages": 4}, {"max_chars": 2001}, {"window_s": 601.0}])
def test_switches_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    asked = SetInteraction(id=1, channel="main", by=Person(1, "a"), **wrong)
    with pytest.raises(ReviewRefused) as caught:
        interactions.change(InteractionView(), asked)
    assert caught.value.code == "bad_request"
    assert str(wrong[next(iter(wrong))])[:3] in str(caught.value)


def test_what_is_not_asked_for_stays() -> None:
    asked = SetInteraction(id=1, channel="main", by=Person(1, "a"), comments=True)
    assert interactions.change(InteractionView(max_chars=50), asked) == InteractionView(
        max_chars=50, comments=True
    )


# ---------------------------------------------------------------- counting and handing out


def test_events_of_the_last_minute() -> None:
    counted = PerMinute()
    for now in range(100):
        counted.add(float(now))
    assert counted.count(99.9) == 60
    assert counted.count(130.0) == 29
    assert counted.count(500.0) == 0


async def test_a_reader_that_lags_is_told_and_starts_anew() -> None:
    feed = Feed()
    items = [("main", Item(number, "publish", number, 1.0, "a", "t", None)) for number in range(1, 1003)]
    with feed.subscribe("main") as reader, feed.subscribe("other") as other:
        feed.publish(items[:2])
        assert [(await reader.get()).id for _ in range(2)] == [1, 2]
        feed.publish(items)
        assert reader.lagging
        assert await reader.get() is None
        reader.resume()
        feed.publish(items[:1])
        assert (await reader.get()).id == 1
        assert other.take_all() == []
        feed.publish(items[1:2])
        feed.miss()  # a commit failed, and may have come to pass
        assert await reader.get() is None
        assert await other.get() is None
