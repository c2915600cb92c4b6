"""Numbers by their digits and groups; in whole texts see test_moderation_personal.py."""

import pytest

from moderation.personal.numbers import counts_something, groups_of, is_luhn, is_resident_id, numbers


def test_the_surest_kind_comes_first() -> None:
    assert numbers("138 1234 5678, 11010519491231002x") == [("resident-id", 15, 33), ("mobile", 0, 13)]


def test_digits_come_before_letters_that_look_like_them() -> None:
    assert numbers("l38i2345678 13812345678") == [("mobile", 12, 23), ("mobile", 0, 11), ("mobile", 12, 23)]


@pytest.mark.parametrize("soft", ["", "~", "oil", "138 1234", "0.13812345678", "138+1234+5678"])
def test_what_is_no_number(soft: str) -> None:
    assert numbers(soft) == []


def test_groups_of_digits_within_bounds() -> None:
    assert groups_of("12 345-6", 1, 8) == [(1, 2), (3, 6), (7, 8)]


@pytest.mark.parametrize("rest", ["元", " 元", "用户", ".5", ":30", ",000"])
def test_a_number_that_counts_or_goes_on(rest: str) -> None:
    assert counts_something("12" + rest, 2)


@pytest.mark.parametrize("rest", ["", ".", ", ", "谢谢", "  元"])
def test_a_number_that_ends(rest: str) -> None:
    assert not counts_something("12" + rest, 2)


@pytest.mark.parametrize(
    ("number", "right"),
    {
        "11010519491231002x": True,
        "110105194912310021": False,
        "11010519491331002x": False,
    }.items(),
)
def test_resident_id(number: str, right: bool) -> None:
    assert is_resident_id(number) is right


@pytest.mark.parametrize(
    ("number", "right"),
    {
        "4111111111111111": True,
        "4111111111111112": False,
        "378282246310005": True,
        "0000000000000000": False,
    }.items(),
)
def test_luhn(number: str, right: bool) -> None:
    assert is_luhn(number) is right
