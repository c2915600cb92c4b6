"""Several disguises in one find, and terms with doubled characters in them."""

import pytest
from moderation_texts import blocking

from moderation.filter import Filter
from moderation.filter.policy import Verdict
from moderation.lexicon import Channel

TERMS = (
    "加好友", "洗车券", "双人房", "租车网", "好朋友", "好林", "打印机", "福利社", "花生油",
)  # fmt: skip


@pytest.fixture(scope="module")
def filter_() -> Filter:
    return blocking(*TERMS)


@pytest.mark.parametrize(
    ("text", "term", "span"),
    [
        # parts beside characters that sound alike
        ("快来力口浩友", "加好友", "力口浩友"),
        ("氵先车劝便宜", "洗车券", "氵先车劝"),
        # parts beside pictures
        ("禾且🚗网靠谱", "租车网", "禾且🚗网"),
        ("扌丁印🤖三台", "打印机", "扌丁印🤖"),
        # equal halves beside pinyin, and beside other halves
        ("订又又ren房", "双人房", "又又ren房"),
        ("女子月月友在哪", "好朋友", "女子月月友"),
        ("女子木木小区", "好林", "女子木木"),
        # what speakers of southern Mandarin do not tell apart
        ("互利社招新", "福利社", "互利社"),
        ("法生油两桶", "花生油", "法生油"),
    ],
)
def test_disguises_are_mixed(filter_: Filter, text: str, term: str, span: str) -> None:
    result = filter_.check(text)
    assert (term, span) in [(hit.term, text[hit.start : hit.end]) for hit in result.hits]
    assert result.verdict < Verdict.BLOCK
    assert result.hits == filter_.check_many([text, "别的", text, "女子木木"])[2].hits


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("乐乐商cheng", "乐乐商城"),
        ("le乐商城", "乐乐商城"),
        ("乐le商城开张", "乐乐商城"),
        ("乐乐商土成", "乐乐商城"),
        ("乐1乐1商1城", "乐乐商城"),
        ("乐x乐x商x城", "乐乐商城"),
        ("泡泡mian", "泡泡面"),
        ("乐商cheng", ""),
        ("le商城", ""),
        ("乐商土成", ""),
        ("木木城资源", ""),
        ("夕夕多店", "多多店"),
        ("夕夕店", ""),
    ],
)
def test_terms_with_doubled_characters_are_found_in_disguise(text: str, term: str) -> None:
    hits = blocking("乐乐商城", "泡泡面", "林林城", "多多店").check(text).hits
    found = [hit.term for hit in hits if hit.channel is not Channel.LOOKALIKE]  # 夕 looks like 多
    assert ([term] if term else []) == found


@pytest.mark.parametrize(("text", "found"), [("jia.女乃粉", True), ("nai.粉", True), ("参加nai。粉", False)])
def test_a_bare_full_stop_between_scripts_ends_no_clause(text: str, *, found: bool) -> None:
    assert bool(blocking("奶粉", "加奶粉").check(text).hits) is found
