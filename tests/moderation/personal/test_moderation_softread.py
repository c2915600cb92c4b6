"""Soft reading: what a pattern sees of a text, and where that stands in it."""

import pytest
from hypothesis import given
from moderation_texts import any_text

from moderation.personal.softread import read_softly, readings


@pytest.mark.parametrize(
    ("text", "soft"),
    {
        "１３８－Ⅰ②叁": "138-123",
        "幺三八": "138",
        "Ａｂ＠Ｃ．ｃｏｍ": "ab@c.com",
        "電話☎：": "电话电话:",
        "京A·12345": "京a 12345",
        "【ａｔ】": "(at)",
        "🌹￥，": "~$,",
        "1\u200b3\ufe0f8": "138",
        "1113": "1113",
        "Ⅴ：": "v:",
        "ⅣⅤ": "45",
        "v❤️️": "v^",
    }.items(),
)
def test_it_is_folded_with_punctuation_and_repeats_kept(text: str, soft: str) -> None:
    assert read_softly(text)[0] == soft


def test_every_character_knows_its_place() -> None:
    soft, places = read_softly("📞\u200b１⒓!")
    assert (soft, list(places)) == ("电话112!", [0, 0, 2, 3, 3, 4])


def test_a_text_with_an_override_is_read_as_it_is_stored_and_as_it_is_drawn() -> None:
    stored, drawn = readings("a\u202e①2🐧\u202cb")
    assert (stored[0], list(stored[1])) == ("a12企鹅b", [0, 2, 3, 4, 4, 6])
    assert (drawn[0], list(drawn[1])) == ("a企鹅21b", [0, 4, 4, 3, 2, 6])


@given(any_text)
def test_places_are_in_order_and_in_the_text(text: str) -> None:
    soft, places = read_softly(text)
    assert len(soft) == len(places)
    assert list(places) == sorted(places)
    assert all(0 <= at < len(text) for at in places)
    assert read_softly(soft)[0] == soft
