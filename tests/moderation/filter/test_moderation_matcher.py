"""Both engines say the same as a search that looks at every place for every pattern."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import InputError
from moderation.filter import Filter, matcher
from moderation.filter.speed import make_comments, make_terms, word_list

both = pytest.mark.parametrize("engine", matcher.available())


def naive(patterns: list[str], text: str) -> list[tuple[int, int, int]]:
    return sorted(
        (start, start + len(pattern), number)
        for number, pattern in enumerate(patterns)
        for start in range(len(text) - len(pattern) + 1)
        if text.startswith(pattern, start)
    )


@both
@given(
    st.lists(st.text("ab加微信😀", min_size=1, max_size=4), unique=True, max_size=8),
    st.text("ab加微信😀\n", max_size=40),
)
def test_all_matches_are_found_with_code_point_positions(engine: str, patterns: list[str], text: str) -> None:
    assert naive(patterns, text) == sorted(matcher.build(patterns, engine).find(text))


def test_the_engines_agree_over_a_large_random_corpus() -> None:
    chance = random.Random(1)
    letters = "abcdefgh甲乙丙丁戊己庚辛😀𝓱"
    patterns = list({"".join(chance.choices(letters, k=chance.randint(1, 6))) for _ in range(20_000)})
    text = "".join(chance.choices(letters + "xyz\n", k=200_000))
    found = [sorted(matcher.build(patterns, engine).find(text)) for engine in matcher.available()]
    assert len(found[0]) > 200_000
    assert all(one == found[0] for one in found)


def test_filters_on_either_engine_give_the_same_verdicts() -> None:
    terms = make_terms(3000)
    comments = make_comments(5000, terms, 0.3)
    one, other = (
        Filter([word_list(terms)], engine=engine).check_many(comments)
        for engine in ("daachorse", "pyahocorasick")
    )
    assert one == other
    assert sum(bool(result.hits) for result in one) > 1500


def test_the_best_engine_is_taken_and_told() -> None:
    assert matcher.available()[0] == Filter([]).parts["matcher"]


def test_an_engine_that_is_not_here_is_refused_by_name() -> None:
    with pytest.raises(
        InputError, match="no matching engine hyperscan here; there is: daachorse, pyahocorasick"
    ):
        matcher.build(["a"], "hyperscan")


def test_without_daachorse_the_reference_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(matcher._MODULES, "daachorse", "a_module_that_is_not_here")
    assert matcher.available() == ("pyahocorasick",)
    assert [hit.term for hit in Filter([word_list(["广告"])]).check("看广告").hits] == ["广告"]
