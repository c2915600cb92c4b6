"""What the operator's figures are made of."""

import pytest
from bench.operator_screen import ages_ms, last_live_ms
from tools.rtmpwire import Message


def video(digest, last_s):
    return Message("video", 0, 0, False, 1000, digest, last_s - 0.001, last_s)


def test_a_cut_is_over_when_the_last_live_byte_has_left():
    sent = [video("a", 9.99), video("b", 10.02), video("filler", 10.05), video("c", 10.6)]
    live = {"a": 0, "b": 1, "c": 2}
    assert last_live_ms(10.0, sent, live) == pytest.approx(20)
    assert last_live_ms(10.03, sent, live) == 0.0


def test_a_picture_is_as_old_as_its_newest_way_over_the_wire():
    times = {7: [100.0, 120.0], 8: [100.04]}
    assert ages_ms([(120.3, 7), (100.24, 8)], times) == pytest.approx([300, 200])
    for never in ((99.0, 7), (100.3, 9), (140.0, 7)):
        with pytest.raises(RuntimeError, match="was not on the wire before"):
            ages_ms([never], times)
