"""Pictures in texts: joined ones, several side by side, which readings count by themselves."""

import pytest
from moderation_texts import blocking

from moderation.filter import Filter
from moderation.text.tables import CODE_POINTS, tables

TERMS = (
    "跑步机", "教师证", "法官袍", "理发店", "稻米", "手机膜", "存款单", "听力题", "海鲜面", "全家桶",
    "快闪店",
)  # fmt: skip


@pytest.fixture(scope="module")
def filter_() -> Filter:
    return blocking(*TERMS)


@pytest.mark.parametrize(
    ("text", "term", "span"),
    [
        # joined pictures are one
        ("二手🏃‍♂️步机", "跑步机", "🏃‍♂️步机"),
        ("二手🏃🏽‍♀️步机", "跑步机", "🏃🏽‍♀️步机"),
        ("丢了👩‍🏫证", "教师证", "👩‍🏫证"),
        ("丢了👩🏻‍🏫证", "教师证", "👩🏻‍🏫证"),
        ("👨‍⚖️袍出租", "法官袍", "👨‍⚖️袍"),
        ("👨‍👩‍👧桶半价", "全家桶", "👨‍👩‍👧桶"),
        ("去理💇‍♀️店", "理发店", "理💇‍♀️店"),
        # several side by side take their readings in all combinations
        ("便宜📱🎭了", "", ""),
        ("📱膜", "手机膜", "📱膜"),
        ("🌊🐟🍜", "海鲜面", "🌊🐟🍜"),
        ("⏩✨🏪", "快闪店", "⏩✨🏪"),
        # what people write a picture for, not only its name
        ("💾💰单", "存款单", "💾💰单"),
        ("👂力题", "听力题", "👂力题"),
        ("🌾米", "稻米", "🌾米"),
    ],
)
def test_pictures_are_read(filter_: Filter, text: str, term: str, span: str) -> None:
    hits = filter_.check(text).hits
    assert ([(term, span)] if term else []) == [(hit.term, text[hit.start : hit.end]) for hit in hits]
    assert hits == filter_.check_many([text, "别的", text])[2].hits


def test_a_joiner_between_pictures_that_make_none_together_hides_nothing() -> None:
    assert [hit.term for hit in blocking("啤酒").check("🍺\u200d🍶").hits] == ["啤酒"]


def test_what_a_picture_is_written_for_is_no_term_by_itself() -> None:
    filter_ = blocking("好评", "限时")
    assert [hit.term for hit in filter_.check("⭐ 毕业快乐 🌟🌟 nice⏳").hits] == []
    assert [hit.term for hit in filter_.check("限⏳").hits] == ["限时"]


def test_joined_pictures_stand_in_the_table_as_they_are_drawn() -> None:
    assert "学生" in tables().emoji["🧑\u200d🎓"]
    assert all(ord(char) < CODE_POINTS for one in tables().emoji for char in one)
    assert not [one for one in tables().emoji if "\ufe0f" in one]
