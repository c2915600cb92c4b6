"""Small parts of the desk that hold no state of others: broadcasts, condemned moments, rates, switches."""

import msgspec
import pytest

from moderation.desk import interactions
from moderation.desk.broadcasts import Broadcast, Broadcasts, current_broadcast, decode, encode
from moderation.desk.feed import Feed
from moderation.desk.messages import InteractionView, Person, SetInteraction
from moderation.desk.rates import PerMinute, Rates
from moderation.errors import ReviewRefused
from streamgate.link.messages import ChannelStatus, SpanStatus
from streamgate.store.published import Item

START = 1_764_345_600.0  # 2025-11-28 16:00 UTC


def status(on_air_s: float | None, *spans: SpanStatus, name: str = "main") -> ChannelStatus:
    return ChannelStatus(name, "live", "live", 30.0, on_air_s=on_air_s, spans=list(spans))


# ---------------------------------------------------------------- broadcasts


def test_a_broadcast_is_named_by_its_start() -> None:
    one = current_broadcast(None, status(10.0), None, START + 10)
    assert one == Broadcast("main-20251128T160000Z", START)
    named = msgspec.structs.replace(status(10.0), broadcast="main-20251128T155959Z")
    assert current_broadcast(None, named, None, START + 10) == Broadcast(
        named.broadcast, START
    )  # as the gate calls it
    assert decode(encode(one)) == one
    assert decode(encode(None)) is None
    assert decode({"id": 7}) is None


def test_a_broadcast_keeps_its_id_over_a_gate_restart_and_a_clock_step() -> None:
    one = Broadcast("main-20251128T160000Z", START)
    assert current_broadcast(one, status(104.0), None, START + 100) == one  # another process, within 5 s
    assert current_broadcast(one, status(104.0), 103.8, START + 5000) == one  # the wall clock was set
    assert current_broadcast(one, status(None), 104.0, START + 105) is None
    again = current_broadcast(one, status(1.0), 104.0, START + 105)
    assert again == Broadcast("main-20251128T160144Z", START + 104)


def test_begin_end_and_the_broadcast_stored_by_an_earlier_process() -> None:
    told: list[tuple[str, object, object]] = []
    both = Broadcasts(lambda channel, ended, begun: told.append((channel, ended, begun)))
    known = Broadcast("main-20251128T160000Z", START)
    both.restore([("main", known)])
    assert both.id_of("main") == known.id
    both.update([status(60.2)], START + 60, 1000.0)
    assert told == []
    both.restore([("main", Broadcast("older", 1.0))])  # read anew after trouble: the gate knows better
    assert both.on_air("main") == known
    both.update([status(None)], START + 61, 1001.0)
    assert told == [("main", known, None)]
    assert both.id_of("main") == ""
    both.update([status(0.5)], START + 70, 1010.0)
    newest = Broadcast("main-20251128T160109Z", START + 69.5)
    assert told[1:] == [("main", None, newest)]
    both.update([], START + 71, 1011.0)  # the channel was removed
    assert told[2:] == [("main", newest, None)]


def test_condemned_moments_are_collected_from_the_gate_status() -> None:
    both = Broadcasts(lambda *_: None)
    both.update([status(100.0, SpanStatus(10.0, 20.0))], START, 0.0)
    assert [both.is_condemned("main", at) for at in (109.0, 110.0, 120.0, 121.0, None)] == [
        False, True, True, False, False,
    ]  # fmt: skip
    assert both.newly_condemned("main") == [(110.0, 120.0)]
    both.mark_held("main", [(110.0, 120.0)])
    both.update([status(101.0, SpanStatus(9.1, 19.0))], START + 1, 1.0)
    assert both.newly_condemned("main") == []
    both.update([status(140.0)], START + 40, 40.0)  # it has aired as filler
    assert both.is_condemned("main", 115.0)
    both.update([status(None)], START + 41, 41.0)
    assert not both.is_condemned("main", 115.0)


def test_the_first_status_brings_moments_that_aired_while_not_connected() -> None:
    both = Broadcasts(lambda *_: None)
    both.update([status(500.0)], START, 0.0, {"main": [(110.0, 120.0)], "other": [(1.0, 2.0)]})
    assert both.newly_condemned("main") == [(110.0, 120.0)]
    assert both.is_condemned("main", 115.0)
    both.mark_held("main", both.newly_condemned("main"))
    both.update([status(510.0)], START + 10, 10.0, {"main": [(110.0, 120.0)]})  # connected anew
    assert both.channels_newly_condemned() == []
    both.update([status(None)], START + 20, 20.0, {})
    assert not both.is_condemned("main", 115.0)


def test_stored_condemned_moments_are_not_reported_again() -> None:
    both = Broadcasts(lambda *_: None)
    both.update([status(100.0, SpanStatus(10.0, 20.0))], START, 0.0)
    assert both.unstored_condemned() == []
    both.mark_held("main", both.newly_condemned("main"))
    both.mark_missed("main", 112.0)  # a comment was on its way
    assert both.newly_condemned("main") == [(112.0, 112.0)]
    both.mark_held("main", both.newly_condemned("main"))
    ((channel, condemned),) = both.unstored_condemned()
    again = Broadcasts(lambda *_: None)
    again.restore([(channel, both.on_air(channel))], {channel: condemned})
    again.update([status(101.0, SpanStatus(9.0, 19.0))], START + 1, 0.0, {"main": [(110.0, 120.0)]})
    assert again.newly_condemned("main") == []  # what somebody released meanwhile stays so
    assert again.is_condemned("main", 115.0)


def test_the_moment_a_viewer_watched_is_computed_from_program_date_time() -> None:
    both = Broadcasts(lambda *_: None)
    assert both.moment_of("main", START, START, 0.0) is None  # nothing is on air
    both.restore([("main", Broadcast("main-20251128T160000Z", START))])
    assert both.moment_of("main", START + 52.0, START + 60, 1000.0) == 52.0  # the gate has not spoken yet
    both.update([status(60.0)], START + 60, 1000.0)
    assert both.moment_of("main", START + 92.0, START + 100, 1040.0) == 92.0
    # The clock was set an hour ahead: what airs now is dated by the new one.
    assert both.moment_of("main", START + 3692.0, START + 3700, 1040.0) == 92.0
    for odd in (START - 60, START + 200, 0.0, 1e11):
        assert both.moment_of("main", odd, START + 100, 1040.0) is None
    assert both.moment_of("main", START - 1.0, START + 10, 950.0) == 0.0  # it has just begun


# ---------------------------------------------------------------- switches


def test_interaction_is_closed_by_default_and_when_stored_settings_are_invalid() -> None:
    closed = InteractionView()
    assert (closed.comments, closed.bullets, closed.sharing) == (False, False, False)
    opened = InteractionView(comments=True, window_s=0.0)
    assert interactions.decode(interactions.encode(opened), "x", 1.0).comments
    for wrong in ({"comments": True, "window_s": -1}, {"comments": True, "stages": 0}, {"comments": 7}, 3):
        assert interactions.decode(wrong, "x", 1.0) == InteractionView(changed_by="x", changed_at=1.0)


@pytest.mark.parametrize("wrong", [{"stages": 0}, {"stages": 4}, {"max_chars": 2001}, {"window_s": 601.0}])
def test_interaction_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    asked = SetInteraction(id=1, channel="main", by=Person(1, "a"), **wrong)
    with pytest.raises(ReviewRefused) as caught:
        interactions.change(InteractionView(), asked)
    assert caught.value.code == "bad_request"
    assert str(wrong[next(iter(wrong))])[:3] in str(caught.value)


def test_settings_that_are_not_given_keep_their_value() -> None:
    asked = SetInteraction(id=1, channel="main", by=Person(1, "a"), comments=True)
    assert interactions.change(InteractionView(max_chars=50), asked) == InteractionView(
        max_chars=50, comments=True
    )


# ---------------------------------------------------------------- counting and handing out


def test_rates_count_events_of_the_last_minute() -> None:
    counted = PerMinute()
    for now in range(100):
        counted.add(float(now))
    assert counted.count(99.9) == 60
    assert counted.count(130.0) == 29
    assert counted.count(500.0) == 0


async def test_a_subscription_that_is_full_lags_and_can_resume() -> None:
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


def test_asking_for_rates_of_what_is_no_channel_takes_no_memory() -> None:
    rates = Rates()
    assert rates.per_minute("anything", 7, 0.0) == (0, 0, 0)
    assert vars(rates) == vars(Rates())
    rates.count_decided("main", 7, 0.0)
    rates.count_arrived("main", 1.0, 3)
    assert rates.per_minute("main", 7, 1.0) == (3, 1, 1)
