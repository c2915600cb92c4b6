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
    ],
)
def test_equal_comments_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("加油", "加油吧"), ("100分", "10分"), ("真棒", "真棒🖕"), ("👍", "🖕"), ("!!!", "👍"), ("3.5", "35元")],
)
def test_different_comments_have_different_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_author_names_with_hits_are_part_of_the_key() -> None:
    assert key("好", "a") != key("好", "b") != key("好")


def test_keys_of_a_batch_equal_keys_one_by_one() -> None:
    texts = ["", "好", "!!!", "👍", "a b", "哈哈哈"]
    assert keys(texts, [""] * 6) == [key(text) for text in texts]
    assert keys([], []) == []
