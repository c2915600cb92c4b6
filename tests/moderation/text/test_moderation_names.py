"""Whether a match takes a part of a personal name."""

import pytest

from moderation.filter import Filter
from moderation.filter.policy import Verdict
from moderation.lists.list_format import plain_list
from moderation.text.names import crosses_name

NAMES = ("刘思菲", "陈思齐", "王梓涵", "李雨桐", "张浩然", "欧阳雨晴", "司马文博")


@pytest.mark.parametrize("name", NAMES)
def test_what_begins_in_a_name_and_ends_behind_it_crosses_it(name: str) -> None:
    text = f"{name}祝大家新年快乐"
    assert crosses_name(text, len(name) - 2, len(name) + 1)


@pytest.mark.parametrize(
    ("text", "start", "end"), [("嘉薇心聊", 0, 3), ("快来嘉薇心", 2, 5), ("大家看广告", 3, 5), ("", 0, 0)]
)
def test_what_is_no_name_is_none(text: str, start: int, end: int) -> None:
    assert not crosses_name(text, start, end)


@pytest.mark.parametrize(
    ("text", "term"),
    [("刘思菲祝", "死肥猪"), ("刘思菲祝大家新年快乐", "死肥猪"), ("节目由陈思飞主持", "死肥猪")],
)
def test_no_homophone_is_heard_across_the_edge_of_a_name(text: str, term: str) -> None:
    assert Filter([plain_list([term], "terms")]).check(text).verdict is Verdict.CLEAN


def test_a_disguise_without_a_name_is_still_heard() -> None:
    made = Filter([plain_list(["死肥猪"], "terms")])
    for text in ("思菲祝", "你个思菲祝", "司肥珠滚"):
        assert [hit.channel.value for hit in made.check(text).hits] == ["homophone"], text
