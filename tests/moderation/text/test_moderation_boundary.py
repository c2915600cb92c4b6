"""Whether a find stands where a word stands."""

import sys
from collections.abc import Iterator

import pytest

from moderation.text.boundary import SegmentedMatch, is_likelier_ordinary, plain, segmenter
from moderation.text.edges import gaps_of, has_word_edges


@pytest.fixture(params=["rjieba", "jieba"])
def with_segmenter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each segmenter in turn: jieba is taken where rjieba cannot be imported."""
    segmenter.cache_clear()
    if request.param == "jieba":
        monkeypatch.setitem(sys.modules, "rjieba", None)
    yield request.param
    segmenter.cache_clear()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning", "ignore::UserWarning")
def test_both_segmenters_see_what_cuts_through_words(with_segmenter: str) -> None:
    assert with_segmenter == segmenter()[0]
    assert SegmentedMatch("路口交通堵塞", 1, 3).is_straddled
    assert SegmentedMatch("我参加微信活动", 2, 5).is_straddled
    assert not SegmentedMatch("看广告啦", 1, 3).is_straddled
    assert not SegmentedMatch("赌博罪很重", 0, 2).is_straddled


def test_a_single_character_inside_a_word_is_straddled() -> None:
    assert SegmentedMatch("裸露", 0, 1).is_straddled


def test_text_for_the_segmenter_keeps_number_words_and_drops_what_is_not_drawn() -> None:
    assert plain("一樣的\u200b廣告", keep_marks=True) == "一样的广告"
    assert plain("广*告\ud800", keep_marks=False) == "广告"


@pytest.mark.parametrize(
    ("text", "start", "end", "holds"),
    [
        ("hello", 0, 5, True),
        ("shello", 1, 6, False),
        ("hello2", 0, 5, False),
        ("x\u200bhello", 2, 7, False),
        ("加hello好", 1, 6, True),
        ("加video", 0, 2, False),
        ("第一2", 1, 2, True),
        ("nmsl666", 0, 4, True),
        ("NMSL６６６６", 0, 4, True),
        ("sb233", 0, 2, True),
        ("sb233333!", 0, 2, True),
        ("sb8888", 0, 2, True),
        ("666sb", 3, 5, True),
        ("520fuck1314", 3, 7, True),
        ("fuck5201314", 0, 4, True),
        ("sb204", 0, 2, False),
        ("sb66", 0, 2, False),
        ("sb6666b", 0, 2, False),
        ("sb666x", 0, 2, False),
        ("xsb666", 1, 3, False),
        ("sb2330", 0, 2, False),
        ("sb1666", 0, 2, False),
        ("1666sb", 4, 6, False),
        ("666", 0, 1, False),
        ("bet365666", 0, 6, False),
        ("nmslnmsl", 0, 4, True),
        ("nmslnmsl", 4, 8, True),
        ("sbSBsb", 2, 4, True),
        ("sbsb666", 0, 2, True),
        ("fuckfucking", 0, 4, False),
        ("xsbsb", 1, 3, False),
        ("assassin", 0, 3, False),
        ("sbs", 0, 2, False),
        ("sb" * 5000, 5000, 5002, False),
    ],
)
def test_latin_stands_at_the_edges_of_words(text: str, start: int, end: int, holds: bool) -> None:
    assert holds is has_word_edges(text, start, end)


@pytest.mark.parametrize(
    ("text", "term", "judged"),
    [
        ("广告", "", True),
        ("广*告", "", True),
        ("广 告", "", True),
        ("广，告", "", False),
        ("加，微，信", "", True),
        ("广（告）", "", False),
        ("加，微信", "", False),
        ("pen is", "", False),
        ("p e n i s", "", True),
        ("kill yourself", "kill yourself", True),
        ("sh*it", "", True),
        ("广" + "*" * 8 + "告", "", True),
        ("广" + "*" * 9 + "告", "", None),
        ("广" + "\u200b" * 2000 + "告", "", True),
        ("广" + "\u200b" * 5000 + "告", "", None),
    ],
)
def test_gaps(text: str, term: str, judged: bool | None) -> None:
    assert judged is gaps_of(text, 0, len(text), term=term)


@pytest.mark.parametrize(
    ("there", "term", "chance"),
    [
        ("先进范例", "现金返利", True),
        ("线巾反力", "现金返利", False),
        ("保佑到家", "包邮到家", True),
        ("这口吗", "折扣码", True),
        ("择扣玛", "折扣码", False),
        ("佳威信", "加微信", False),
        ("大兄妹", "大胸妹", True),
        ("电影飘", "电影票", False),
    ],
)
def test_frequent_words_and_grammar_sound_like_a_term_by_chance(there: str, term: str, chance: bool) -> None:
    assert chance is is_likelier_ordinary(there, term)


@pytest.mark.parametrize(
    "text",
    [
        "【广】【告】",
        "「广」「告」",
        "(广)(告)",
        "《广》 《告》",
        '广"告"',
        "（广）告",
        "“广”“告”",
        "[广]\u200b[告]",
        "广(告)",
    ],
)
def test_brackets_around_single_characters_are_no_end_of_a_clause(text: str) -> None:
    assert gaps_of(text, text.index("广"), text.index("告") + 1) is True


@pytest.mark.parametrize(
    "text",
    [
        "看广（告诉",
        "（打广）告",
        "【广】，【告】",
        "（广）。告",
        "”广“告",
        "[广](告诉)，",
        "广【告",
        "广）告）",
        "广（告】",
    ],
)
def test_other_brackets_may_end_a_clause(text: str) -> None:
    assert gaps_of(text, text.index("广"), text.index("告") + 1) is False


def test_brackets_around_latin_letters_are_a_formula() -> None:
    assert gaps_of("f(x)", 0, 3) is False
