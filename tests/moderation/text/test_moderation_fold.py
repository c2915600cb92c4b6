"""Folding: what goes to one form, that it rests there, and the way back to the original."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moderation_texts import any_text, disguised

from moderation.text.fold import Folded, fold

SAME = {
    "ＨＥＬＬＯ": "hello",
    "𝓱𝓮𝓵𝓵𝓸": "hello",
    "HeLLo": "hello",
    "hеllо": "hello",  # Cyrillic е and о
    "ηεllο": "nello",  # Greek
    "ʜᴇʟʟᴏ": "hello",
    "ħëłłø": "hello",
    "h̶e̶l̶l̶o̶": "hello",
    "🇭🇪🇱🇱🇴": "hello",
    "🅷🅴🅻🅻🅾": "hello",
    "h.e-l*l o": "hello",
    "廣告": "广告",
    "⼴告": "广告",
    "广\u200b告": "广告",
    "广\U000e0061告": "广告",
    "加加微微信": "加微信",
    "⑧": "8",
    "捌": "8",
    "八": "8",
    "Ⅷ": "8",
    "⁸": "8",
    "8️⃣": "8",
    "㈧": "8",
    "٨": "8",
    "⑩": "10",
    "ﬁ": "fi",
}


@pytest.mark.parametrize(("written", "plain"), SAME.items())
def test_a_disguise_folds_to_what_it_shows(written: str, plain: str) -> None:
    assert fold(plain) == fold(written)


def test_words_that_only_look_like_numerals_keep_their_characters() -> None:
    assert fold("人參") == "人参"
    assert fold("油漆") == "油漆"


@given(any_text)
def test_folding_comes_to_rest(text: str) -> None:
    once = fold(text)
    assert once == fold(once)


@given(st.characters())
def test_every_character_folds_to_characters_that_rest(char: str) -> None:
    assert fold(char) == fold(fold(char))


@given(any_text, any_text)
def test_a_batch_folds_each_text_as_if_alone(one: str, two: str) -> None:
    assert [fold(one), fold(two), fold(one)] == Folded([one, two, one]).lines()


@given(any_text, st.data())
def test_any_folded_range_leads_back_to_original_characters_that_fold_to_it(
    text: str, data: st.DataObject
) -> None:
    batch = Folded([text])
    if not batch.text:
        return
    start = data.draw(st.integers(0, len(batch.text) - 1))
    end = data.draw(st.integers(start + 1, len(batch.text)))
    low, high = batch.span(start, end)
    # a character that stands for several can be cut through on either side
    assert batch.text[start:end] in fold(text[low:high])


@given(disguised("微信加好友hello"))
def test_a_disguised_word_folds_to_the_word(text: str) -> None:
    assert fold("微信加好友hello") == fold(text)


def test_repeats_are_counted() -> None:
    batch = Folded(["哈哈哈镜"])
    assert batch.text == "哈镜"
    assert batch.run_lengths(0, 2) == [3, 1]


def test_no_mark_and_no_half_of_a_pair_survives() -> None:
    everything = "".join(map(chr, range(0x110000)))
    left = set(fold(everything))
    assert not {char for char in left if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cs", "Zs")}
