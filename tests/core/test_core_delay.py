"""The bounds of the delay, and that there is one pair of them."""

import re
from pathlib import Path

import pytest

import streamgate
from streamgate.core import delay, gate
from streamgate.core.delay import check_delay
from streamgate.errors import Refused
from streamgate.runtime import channels

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
