"""Floods: what repeats itself, what is wide, what is found by the thousand; and the collector of cycles."""

import gc
import random

import pytest

from moderation.filter import Filter
from moderation.filter.pace import uncollected
from moderation.lists.list_format import parse_list

LIST = r"""
@category test
@title-en Test
@title-zh 测试
@version 1
@severity sensitive
赌博 | block
广告
qq | important
球球
1212
"""
PIECES = (
    "666", "哈哈哈", "😀😀赌博", "赌博😀", "卖广告😀赌博", "加qq吧", "q", "打球", "球球", "1212", "⑫⑫", "",
    "老师好😀", "赌博", "赌 博", "𠀀广告", "13812345678",
)  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Filter:
    return Filter([parse_list(LIST, "test.txt")])


@pytest.mark.parametrize("share", [0.02, 0.5, 1], ids=["repeats", "half of each", "all differ"])
def test_a_flood_gets_what_each_comment_gets_by_itself(made: Filter, share: float) -> None:
    chance = random.Random(3)
    texts = [
        chance.choice(PIECES) + (str(number) + "号" if chance.random() < share else "")
        for number in range(3000)
    ]
    assert made.check_many(texts) == [made.check(text) for text in texts]


def test_equal_comments_are_looked_at_once(made: Filter, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []
    check = Filter._check

    def counted(self: Filter, state: object, texts: list[str]) -> object:
        looked_at.append(len(texts))
        return check(self, state, texts)

    monkeypatch.setattr(Filter, "_check", counted)
    results = made.check_many(["赌博"] * 5000 + ["广告"] * 5000)
    assert looked_at == [2]
    assert [result.verdict.word for result in (results[0], results[4999], results[5000])] == [
        "block", "block", "sensitive",
    ]  # fmt: skip


def test_spans_of_many_plain_finds_count_wide_code_points_before_them(made: Filter) -> None:
    texts = [f"{'😀' * (number % 4)}{number}号，赌博，{'𠀀' * (number % 3)}" for number in range(100)]
    for number, result in enumerate(made.check_many(texts)):
        (hit,) = result.hits
        wide = number % 4
        assert (hit.utf16[0] - hit.start, hit.utf16[1] - hit.end) == (wide, wide)


def test_a_letter_that_a_doubled_term_begins_with_hides_no_plain_find(made: Filter) -> None:
    texts = [f"{number}号q，赌博" for number in range(40)]
    assert {result.verdict.word for result in made.check_many(texts)} == {"block"}


def test_the_collector_rests_and_is_as_it_was() -> None:
    assert gc.isenabled()
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), uncollected():
        _ = 1 / 0
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
