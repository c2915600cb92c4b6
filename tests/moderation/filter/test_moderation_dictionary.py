"""The dictionary lint asks."""

import pytest

from moderation.filter.dictionary import Dictionary, dictionary

SMALL = Dictionary(
    {"赌博": 90, "罪": 40, "赌博罪": 4, "出口": 50, "交易": 80, "出口交易": 3, "口": 7, "交": 3}
)


def test_a_word_is_cut_into_its_likeliest_parts_and_never_into_itself():
    assert SMALL.parts("赌博罪") == ["赌博", "罪"]
    assert SMALL.parts("出口交易") == ["出口", "交易"]
    assert SMALL.parts("不认识") == ["不", "认", "识"]


def test_a_slice_is_a_part_where_the_cuts_say_so():
    assert SMALL.is_part("赌博罪", 0, 2)
    assert not SMALL.is_part("出口交易", 1, 3)


def test_chance_is_the_product_of_both_edges_less_the_parts_themselves():
    chance = SMALL.chances(["口交"])["口交"]
    left, right = 50 + 7, 80 + 3
    assert chance.per_million == pytest.approx((left * right - 7 * 3) / SMALL.total**2 * 1e6)
    assert chance.example == ("出口", "交易")


def test_terms_without_a_place_between_words_have_no_chance():
    assert SMALL.chances(["hello", "口", "无关词"]) == {}


def test_jiebas_words_are_there_most_frequent_first():
    words = dictionary()
    assert words is not None
    assert words.frequency("路口") > 0
    assert words.frequency("不是一个词啊") == 0
    assert words.frequency(words.by_frequency[0]) == max(map(words.frequency, words.by_frequency[:100]))
