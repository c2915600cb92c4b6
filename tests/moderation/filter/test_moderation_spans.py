"""Where a match is in the original: the same for many at once and for each by itself."""

from moderation.filter.matcher import build
from moderation.filter.spans import FEW, find_spans
from moderation.text.fold import Folded

TEXTS = ["大家加*微信吧", "加微信", "", "我看 hi，再看shi", "加加微\u200b微信😀", "😀 ⑩ 加微信！"]


def test_many_at_once_are_placed_as_each_by_itself() -> None:
    texts = TEXTS * 3
    batch = Folded(texts)
    matches = build(["加微信", "hi", "10", "微信"]).find(batch.text)
    assert len(matches) > FEW
    assert list(find_spans(batch, texts, matches)) == [
        one for match in matches for one in find_spans(batch, texts, [match])
    ]


def test_a_place_tells_what_stands_in_it_and_beside_it() -> None:
    batch = Folded(TEXTS)
    matches = build(["加微信", "hi"]).find(batch.text)
    assert list(find_spans(batch, TEXTS, matches)) == [
        (0, 2, 6, False, False, False),
        (1, 0, 3, True, True, False),
        (3, 3, 5, True, True, True),
        (3, 9, 11, True, False, True),
        (4, 0, 6, False, False, False),
        (5, 4, 7, True, True, False),
    ]
