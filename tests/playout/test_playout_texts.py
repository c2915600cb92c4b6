import string

import pytest

from streamgate.playout.texts import _TEXTS, say


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


def test_values_are_filled_in():
    warn = say("dump", seconds=5.0)
    assert (warn.code, warn.level) == ("dump", "warning")
    assert "5 s" in warn.text
    assert "5 秒" in warn.text_zh
