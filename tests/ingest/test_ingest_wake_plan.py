"""The kernel is asked to wake the process for pictures, never for long."""

from hypothesis import given
from hypothesis import strategies as st

from streamgate.ingest.wake_plan import (
    EARLY_US,
    HEAD_BYTES,
    HEADS,
    LATE_US,
    MAX_BYTES,
    MAX_WAIT_US,
    PICTURES,
    WakePlan,
)

FRAME_US = 33_333


def fed(sizes, interval_us=FRAME_US):
    plan = WakePlan()
    for number, size in enumerate(sizes):
        plan.add_picture(size, number * interval_us)
    return plan, (len(sizes) - 1) * interval_us


def test_sound_waits_for_the_next_picture():
    plan, now = fed([20_000] * PICTURES)
    wanted, until_us = plan.next_wake(now)
    assert wanted == 10_000
    assert now + FRAME_US < until_us <= now + FRAME_US + LATE_US + 1


def test_half_of_the_smallest_picture_is_enough():
    plan, now = fed([20_000, 500, *[20_000] * (PICTURES - 2)])
    assert plan.next_wake(now)[0] == 250


def test_of_large_pictures_a_part_is_waited_for():
    plan, now = fed([500_000] * PICTURES)
    assert plan.next_wake(now)[0] == MAX_BYTES


def test_sound_that_came_alone_may_wait_until_the_picture_is_late():
    plan, now = fed([20_000] * PICTURES)
    for _ in range(HEADS):
        now = wait_in_vain(plan, now, HEAD_BYTES)
    assert now + FRAME_US < plan.sound_deadline_us <= now + FRAME_US + LATE_US + 1
    plan, now = fed([20_000] * PICTURES, interval_us=MAX_WAIT_US)
    assert plan.sound_deadline_us == 0
    assert WakePlan().sound_deadline_us == 0


def test_a_picture_that_does_not_come_is_waited_for_until_the_deadline_only():
    plan, now = fed([20_000] * PICTURES)
    _, until_us = plan.next_wake(now)
    assert plan.next_wake(until_us - 1)[1] == until_us  # sound came for another reason
    assert plan.next_wake(until_us) == (1, until_us)


def wait_in_vain(plan, now, size):
    """The deadline comes and finds so many bytes; then the picture comes."""
    plan.end_wait(size)
    plan.add_picture(20_000, now + FRAME_US)
    return now + FRAME_US


def test_of_a_sender_that_waits_for_acknowledgements_the_head_of_a_picture_is_read_when_it_comes():
    plan, now = fed([20_000] * PICTURES)
    for _ in range(HEADS):
        now = wait_in_vain(plan, now, HEAD_BYTES + 1)  # sound, or a first segment
    assert plan.next_wake(now)[1] > now + FRAME_US
    for _ in range(HEADS):
        assert plan.next_wake(now)[1] > now + FRAME_US
        now = wait_in_vain(plan, now, 8)
    assert plan.next_wake(now)[1] <= now + FRAME_US - EARLY_US + 1


def test_a_head_that_is_alone_now_and_then_is_no_sign_of_such_a_sender():
    plan, now = fed([20_000] * PICTURES)
    for _ in range(HEADS * 4):
        now = wait_in_vain(plan, now, 8) + FRAME_US
        plan.add_picture(20_000, now)  # it came in time
    assert plan.next_wake(now)[1] > now + FRAME_US


def test_nothing_waits_before_enough_pictures_were_seen():
    assert WakePlan().next_wake(5) == (1, 5)
    plan, now = fed([20_000] * (PICTURES - 1))
    assert plan.next_wake(now) == (1, now)


def test_a_slow_feed_is_read_as_it_comes():
    plan, now = fed([20_000] * PICTURES, interval_us=MAX_WAIT_US)
    assert plan.next_wake(now) == (1, now)


@given(
    st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 10_000_000)), max_size=100),
    st.integers(0, 100_000),
)
def test_no_wait_is_longer_than_the_longest(pictures, later_us):
    plan, now = WakePlan(), 0
    for size, gap_us in pictures:
        now += gap_us
        plan.add_picture(size, now)
    wanted, until_us = plan.next_wake(now + later_us)
    assert 1 <= wanted <= MAX_BYTES
    assert until_us <= max(now + MAX_WAIT_US, now + later_us)
