"""Look-alike Han characters (形近字) are read as what they look like, where no word and no name stands."""

import random

import pytest

from moderation.filter import Filter
from moderation.filter.policy import Verdict
from moderation.lists.list_format import parse_list

TERMS = """
@category test
微信 | block
毒品 | block
代考 | block
贷款 | block
枪支 | block
去死 | block
裸聊 | block
银行卡 | block
论文代写 | block
海洛因 | block
不看 | block | channels=-lookalike
"""


@pytest.fixture(scope="module")
def made() -> Filter:
    return Filter([parse_list(TERMS, "test.txt")])


@pytest.mark.parametrize(
    ("text", "term", "span"),
    [
        ("加徽信领资料", "微信", "徽信"),
        ("毐品交易", "毒品", "毐品"),
        ("伐考包过", "代考", "伐考"),
        ("伐*考包过", "代考", "伐*考"),
        ("谁要棵聊", "裸聊", "棵聊"),
        ("论文伐写", "论文代写", "论文伐写"),
        ("海洛困零售", "海洛因", "海洛困"),
    ],
)
def test_a_look_alike_is_found_and_never_blocks(made: Filter, text: str, term: str, span: str) -> None:
    (hit,) = made.check(text).hits
    assert (hit.term, hit.channel.value, text[hit.start : hit.end]) == (term, "lookalike", span)
    assert Verdict.CLEAN < made.check(text).verdict < Verdict.BLOCK


@pytest.mark.parametrize(
    "text",
    [
        "货款两清", "徽章很好看", "入会徽章", "安徽信用社", "查一下个人征信", "抢支付宝红包了", "北伐考察团",
        "讨伐考场不正之风", "一棵聊胜于无的树", "下课聊一聊", "大海洛阳", "不着急",
    ],
)  # fmt: skip
def test_words_that_look_like_a_term_are_clean(made: Filter, text: str) -> None:
    assert made.check(text).verdict is Verdict.CLEAN


def test_a_term_can_do_without() -> None:
    for channels, found in (("", ["lookalike"]), ("channels=-lookalike", [])):
        made = Filter([parse_list(f"@category t\n毒品 | block | {channels}\n", "t.txt")])
        assert [hit.channel.value for hit in made.check("毐品交易").hits] == found


def test_a_batch_says_what_single_checks_say(made: Filter) -> None:
    """A few characters are looked up one by one, many by arrays."""
    pick = random.Random(14)
    pieces = "加徽信徵微毐毒品晶伐代考老货贷款抢枪支丢去死棵裸聊卿很银行卡卞论文写海洛困因的是了我，。 ab4\n"
    texts = ["".join(pick.choices(pieces, k=pick.randint(1, 30))) for _ in range(3000)]
    assert made.check_many(texts) == [made.check(text) for text in texts]
    found = {
        hit.term for result in made.check_many(texts) for hit in result.hits if hit.channel == "lookalike"
    }
    assert len(found) >= 6


def test_a_long_text_of_look_alikes_is_done_in_time_that_grows_with_it(made: Filter) -> None:
    result = made.check("伐考" * 10_000)
    assert result.verdict is Verdict.IMPORTANT
    assert not result.complete
