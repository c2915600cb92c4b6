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
def test_what_reviewers_call_the_same_has_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("加油", "加油吧"), ("100分", "10分"), ("真棒", "真棒🖕"), ("👍", "🖕"), ("!!!", "👍"), ("3.5", "35元")],
)
def test_what_differs_in_what_it_says_has_two(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_names_that_must_be_seen_count_too() -> None:
    assert key("好", "a") != key("好", "b") != key("好")


def test_many_at_once_are_as_one_by_one() -> None:
    texts = ["", "好", "!!!", "👍", "a b", "哈哈哈"]
    assert keys(texts, [""] * 6) == [key(text) for text in texts]
    assert keys([], []) == []
