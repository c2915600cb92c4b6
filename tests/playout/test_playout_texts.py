import string
from typing import get_args

import pytest

from streamgate.core.refill import GivenUp
from streamgate.playout.texts import _TEXTS, not_refilled, say


@pytest.mark.parametrize("code", _TEXTS)
def test_both_languages_name_values_that_the_other_names_too(code):
    level, english, chinese = _TEXTS[code]
    fields = [
        {name.removesuffix("_zh") for _, name, _, _ in string.Formatter().parse(text) if name}
        for text in (english, chinese)
    ]
    assert fields[0] == fields[1]
    assert level in ("info", "warning", "alarm")
    assert english != chinese or code == "channel_bad"


@pytest.mark.parametrize("why", get_args(GivenUp))
def test_every_reason_not_to_refill_is_said_in_both_languages(why):
    warn = not_refilled(why)
    assert warn.text.isascii()
    assert not warn.text_zh.isascii()


def test_values_are_filled_in():
    warn = say("dump", seconds=5.0)
    assert (warn.code, warn.level) == ("dump", "warning")
    assert "5 s" in warn.text
    assert "5 秒" in warn.text_zh
