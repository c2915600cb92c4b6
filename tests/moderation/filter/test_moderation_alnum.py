"""Digits and single Latin letters beside Han are read as the syllable they stand for."""

import random

import pytest

from moderation.filter import Filter
from moderation.filter.policy import Verdict
from moderation.lists.list_format import parse_list

TERMS = """
@category test
去死 | block
打死你 | block
死全家 | block
代考 | block
私聊 | block
加微信 | block
操你妈 | block
论文代写 | block
贷款 | block
杀人 | block
找死 | block | channels=-alnum
"""


@pytest.fixture(scope="module")
def made() -> Filter:
    return Filter([parse_list(TERMS, "test.txt")])


@pytest.mark.parametrize(
    ("text", "term", "span"),
    [
        ("去4吧", "去死", "去4"),
        ("都给我去４！", "去死", "去４"),
        ("d考", "代考", "d考"),
        ("找人D考包过", "代考", "D考"),
        ("代k四级", "代考", "代k"),
        ("加我4聊", "私聊", "4聊"),
        ("加V信", "加微信", "加V信"),
        ("c你妈的", "操你妈", "c你妈"),
        ("论w代x", "论文代写", "论w代x"),
        ("贷k找我", "贷款", "贷k"),
    ],
)
def test_a_sign_is_read_and_never_blocks(made: Filter, text: str, term: str, span: str) -> None:
    (hit,) = made.check(text).hits
    assert (hit.term, hit.channel.value, text[hit.start : hit.end]) == (term, "alnum", span)
    assert Verdict.CLEAN < made.check(text).verdict < Verdict.BLOCK


@pytest.mark.parametrize(
    "text",
    [
        "4吧的老板是我同学", "我们在4吧门口集合", "去4楼吧", "去4号门", "去4班找我", "去4吧台拿号",
        "去4食堂吃饭", "去44吧", "去4x吧", "打4折", "周4见", "第4全国赛", "4聊天室还开着吗",
        "选d考虑一下", "d考场在三楼", "D款好看", "d款有货吗", "代k线图", "代K歌一首", "xd考",
        "d 考a", "我是s人", "加v值是多少", "一去四五里", "找4",
    ],
)  # fmt: skip
def test_numbers_choices_and_words_with_letters_are_clean(made: Filter, text: str) -> None:
    assert made.check(text).verdict is Verdict.CLEAN


def test_a_batch_says_what_single_checks_say(made: Filter) -> None:
    pick = random.Random(14)
    pieces = "去死4四吧打你全家代d考k私聊加v微w信操c妈论文写x贷款杀人号楼第选 的，44a\n"
    texts = ["".join(pick.choices(pieces, k=pick.randint(1, 20))) for _ in range(3000)]
    assert made.check_many(texts) == [made.check(text) for text in texts]
    found = {hit.term for result in made.check_many(texts) for hit in result.hits if hit.channel == "alnum"}
    assert len(found) >= 4
