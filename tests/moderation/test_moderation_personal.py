"""Personal data: what is found, what is left alone, and what reviewers see."""

import itertools

import pytest
from hypothesis import given
from moderation_texts import any_text

from moderation.filter import Filter
from moderation.personal import is_luhn, is_resident_id, masked, personal

made = Filter([])

FOUND = {
    "电话13812345678谢谢": ("mobile", "电话138****5678谢谢"),
    "１３８ 1234 5678": ("mobile", "１３８ **** 5678"),
    "一三八一二三四五六七八": ("mobile", "一三八****五六七八"),
    "幺三八-一二三四-五六七八": ("mobile", "幺三八-****-五六七八"),
    "壹叁捌①②③④⑤⑥⑦⑧": ("mobile", "壹叁捌****⑤⑥⑦⑧"),
    "+86 138-1234-5678": ("mobile", "+86 138-****-5678"),
    "买了3 13812345678": ("mobile", "买了3 138****5678"),
    "办公室010-62345678": ("phone", "办公室010-6*****78"),
    "0571 88888888": ("phone", "0571 ******88"),
    "11010519491231002X": ("resident-id", "110*************2X"),
    "卡号6222021234567890128": ("bank-card", "卡号6222***********0128"),
    "4111 1111 1111 1111": ("bank-card", "4111 ********* 1111"),
    "abc.def@school.edu.cn": ("e-mail", "a******@school.edu.cn"),
    "ａ＠school．com": ("e-mail", "*＠school．com"),
    "京A·12345来了": ("plate", "京A·****5来了"),
    "粤B12345D": ("plate", "粤B*****D"),
    "我微信号：abc_12345": ("wechat", "我微信号：a*******5"),
    "加v：hello2024": ("wechat", "加v：h*******4"),
    "QQ群 123456789": ("qq", "QQ群 1*******9"),
}


@pytest.mark.parametrize(("text", "expected"), FOUND.items())
def test_personal_data_is_found_and_masked(text: str, expected: tuple[str, str]) -> None:
    result = made.check(text)
    assert [expected[0]] == [hit.term for hit in result.hits]
    assert expected[1] == result.masked
    assert len(text) == len(expected[1])


@pytest.mark.parametrize(
    "text",
    [
        "3138123456789", "订单号202601010001", "11010519491231002",
        "110105194912310021", "11010519491331002X",
        "6222021234567890127", "圆周率3.1415926535897932",
        "2026-11-22 13:08:38", "12345", "a@b", "微信真好用", "qq", "666666",
        "学号20231234567", "京剧A组", "v1.2.3",
    ],
)  # fmt: skip
def test_other_numbers_are_left_alone(text: str) -> None:
    assert made.check(text).hits == ()


def test_checksums() -> None:
    assert is_resident_id("11010519491231002x")
    assert not is_resident_id("110105194912310021")
    assert is_luhn("4111111111111111")
    assert not is_luhn("4111111111111112")


@given(any_text)
def test_masking_never_changes_the_length_and_finds_do_not_overlap(text: str) -> None:
    text += "13812345678" + text
    finds = personal(text)
    assert len(text) == len(masked(text, finds))
    assert all(one.end <= two.start for one, two in itertools.pairwise(finds))
