"""What is written reads back as the same list."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderation.lexicon import CHOOSABLE, Allow, Channel, Entry, Severity, WordList
from moderation.lists.list_format import ListError, parse_list
from moderation.lists.text import list_text

WORD = (
    st.text(
        st.one_of(
            st.sampled_from('赌博加微信abAB1 |\\#@!"=-+,｜＃＠！＝，、；“”＂'),
            st.characters(categories=["L", "N", "P", "S"]),
        ),
        min_size=1,
        max_size=8,
    )
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: text and not text.startswith("\ufeff"))
)
ENTRY = st.builds(
    Entry,
    term=WORD,
    severity=st.sampled_from(Severity),
    aliases=st.lists(WORD, max_size=3, unique=True).map(tuple),
    channels=st.frozensets(st.sampled_from(sorted(CHOOSABLE))),
    expires=st.none() | st.dates(dt.date(1999, 1, 1), dt.date(2999, 1, 1)),
    tags=st.lists(WORD, max_size=2, unique=True).map(tuple),
    note=st.just("") | WORD,
)


def placeless(one: WordList) -> WordList:
    return msgspec.structs.replace(
        one,
        entries=tuple(msgspec.structs.replace(entry, line=0) for entry in one.entries),
        allows=tuple(Allow(allow.phrase) for allow in one.allows),
    )


@settings(deadline=None)
@given(
    entries=st.lists(ENTRY, max_size=6, unique_by=lambda entry: entry.term),
    allows=st.lists(WORD, max_size=4, unique=True),
)
def test_any_list_comes_back(entries, allows):
    one = WordList(
        name="one",
        category="c",
        title_en="One",
        title_zh="一",
        version="3",
        licence="CC0-1.0",
        entries=tuple(entries),
        allows=tuple(map(Allow, allows)),
        substitutes=(("微信", ("vx", "薇 信")), ("a=b", ("c＝d", "e,f"))),
    )
    assert placeless(parse_list(list_text(one), "one.txt")) == one


def test_the_usual_severity_stands_once():
    entries = (
        Entry(term="赌球", severity=Severity.IMPORTANT),
        Entry(term="赌马", severity=Severity.IMPORTANT),
        Entry(term="赌博", severity=Severity.SENSITIVE, note="a b"),
    )
    assert list_text(WordList(name="one", category="gambling", entries=entries)) == (
        '@category gambling\n@severity important\n\n赌球\n赌马\n赌博 | sensitive | note="a b"\n'
    )


FULL_WIDTH = """
＃ 注释
＠ｃａｔｅｇｏｒｙ　ｅｘａｍｓ
＠ｓｅｖｅｒｉｔｙ　ｓｅｎｓｉｔｉｖｅ
＠ａｌｉａｓ　微信　＝　薇信，ｖｘ
雅思｜block
托福　｜　ｂｌｏｃｋ　｜　alias＝加薇，加v、薇；v expires＝２０２７－０１－３１
作文｜block｜channels＝＋initials，－homophone　note＝“见 案例”
！路口交通
"""


def test_signs_typed_full_width_mean_what_they_mean():
    one = parse_list(FULL_WIDTH, "exams.txt")
    assert (one.category, one.substitutes) == ("exams", (("微信", ("薇信", "ｖｘ")),))
    assert [allow.phrase for allow in one.allows] == ["路口交通"]
    first, second, third = one.entries
    assert (first.term, first.severity) == ("雅思", Severity.BLOCK)
    assert (second.term, second.severity) == ("托福", Severity.BLOCK)
    assert second.aliases == ("加薇", "加v", "薇", "v")
    assert (second.expires, third.note) == (dt.date(2027, 1, 31), "见 案例")
    assert Channel.INITIALS in third.channels
    assert Channel.HOMOPHONE not in third.channels


def test_a_backslash_keeps_a_sign_of_either_width():
    one = parse_list(
        "@category c\n@severity block\n\\！甲\n\\＃乙\n丙\\｜丁\n戊 | block | alias=己\\，庚\n", "a.txt"
    )
    assert [entry.term for entry in one.entries] == ["！甲", "＃乙", "丙｜丁", "戊"]
    assert one.entries[3].aliases == ("己，庚",)


@pytest.mark.parametrize("line", ["甲｜糟", "甲｜block｜alias＝乙｜丙", "甲｜block｜alias＝乙，"])
def test_what_is_wrong_in_full_width_is_wrong_all_the_same(line):
    with pytest.raises(ListError, match=r"a\.txt:3: "):
        parse_list(f"@category c\n@severity block\n{line}\n", "a.txt")
