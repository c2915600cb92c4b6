"""The bounds of the delay, and that there is one pair of them."""

import re
from pathlib import Path

import pytest

import streamgate
from streamgate.core import delay, gate
from streamgate.core.delay import Delay, check_delay
from streamgate.errors import Refused
from streamgate.runtime import channels

S = 1_000_000

HERE = Path(streamgate.__file__).parent


@pytest.mark.parametrize(("seconds", "us"), [(30, 30_000_000), (30.5, 30_500_000), (600, 600_000_000)])
def test_delays_within_the_bounds_come_back_in_microseconds(seconds: float, us: int) -> None:
    assert check_delay(seconds) == us


@pytest.mark.parametrize("seconds", [29.999, 0, -30, float("nan"), float("-inf")])
def test_less_than_the_floor_is_refused_in_both_languages(seconds: float) -> None:
    with pytest.raises(
        Refused, match=r"rule R1 \(Art\. 16: at least 30 seconds\).*choose 30 or more"
    ) as caught:
        check_delay(seconds)

    assert "规则 R1（第十六条）要求不少于 30 秒" in caught.value.zh


@pytest.mark.parametrize("seconds", [600.1, float("inf")])
def test_more_than_a_ring_is_made_for_is_refused_in_both_languages(seconds: float) -> None:
    with pytest.raises(Refused, match="too long; allowed are 30 to 600 s") as caught:
        check_delay(seconds)

    assert "允许 30 至 600 秒" in caught.value.zh


def test_gate_and_channel_store_ask_the_same_floor() -> None:
    assert gate.check_delay is channels.check_delay is delay.check_delay
    defining = re.compile(r"^(?:M(?:IN|AX)_DELAY\w*\s*[:=]|def check_delay\b)", re.MULTILINE)

    found = [path for path in HERE.rglob("*.py") if defining.search(path.read_text("utf-8"))]

    assert found == [HERE / "core" / "delay.py"]


def test_a_raise_takes_hold_from_one_arrival_on():
    held = Delay(30)
    held.raise_to(40 * S, keyframe=100 * S)
    assert [held.of(99 * S), held.of(100 * S), held.us] == [30 * S, 40 * S, 40 * S]
    assert [held.due(99 * S), held.due(100 * S)] == [129 * S, 140 * S]
    assert [held.past(129 * S), held.past(135 * S), held.past(141 * S)] == [99 * S, 100 * S - 1, 101 * S]
    held.raise_to(50 * S, keyframe=110 * S)
    assert held.due(100 * S) == 150 * S, "in the place of the one before"
    held.take_hold(99 * S)
    assert held.of(99 * S) == 30 * S
    held.take_hold(100 * S)
    assert held.of(99 * S) == 50 * S
    held.raise_to(60 * S, keyframe=None)
    assert held.of(0) == 60 * S, "nothing is held: at once"


def test_a_raise_that_waits_takes_hold_when_nothing_is_held_any_more():
    held = Delay(30)
    held.raise_to(40 * S, keyframe=100 * S)
    held.settle()
    assert held.of(0) == 40 * S
