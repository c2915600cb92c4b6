"""Which comments share a card."""

import pytest

from moderation.desk.equality import keys


def key(text: str, author: str = "") -> str:
    return keys([text], [author])[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("加油！", "加油"),
        ("ＨＥＬＬＯ", "hello"),
        ("哈哈哈", "哈哈哈哈哈哈"),
        ("666", "66666666"),
        ("歡迎", "欢迎"),
        ("6666！👍", "666👍"),
        ("❤️❤️❤️❤️", "❤❤❤"),
        ("cafe\u0301", "caf\u00e9"),
    ],
)
def test_equal_comments_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("加油", "加油吧"),
        ("100分", "10分"),
        ("真棒", "真棒🖕"),
        ("👍", "🖕"),
        ("!!!", "👍"),
        ("3.5", "35元"),
        ("捐了1000元", "捐了10000元"),
        ("捐了1111元", "捐了11111元"),
        ("票价3.5", "票价35"),
        ("比分1-0", "比分10"),
        ("1 0", "10"),
        ("涨5%", "涨5"),
        ("气温-5度", "气温5度"),
        ("1111", "11112"),
        ("加油", "\u202e加油"),
        ("加油", "加\u0301\u0301油"),
        ("ก่า", "กา"),
    ],
)
def test_different_comments_have_different_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_author_names_with_hits_are_part_of_the_key() -> None:
    assert key("好", "a") != key("好", "b") != key("好")


def test_keys_of_a_batch_equal_keys_one_by_one() -> None:
    texts = ["", "好", "!!!", "👍", "a b", "哈哈哈"]
    assert keys(texts, [""] * 6) == [key(text) for text in texts]
    assert keys([], []) == []
