"""What lint says of lists, rule by rule."""

import datetime as dt

import pytest

from moderation.filter.dictionary import Dictionary
from moderation.filter.lint import lint, lint_files, read_corpus
from moderation.lists.findings import Level, must_fix
from moderation.lists.list_format import ListError, parse_list

WORDS = Dictionary(
    {
        "出口": 5000,
        "交易": 8000,
        "出口交易": 30,
        "赌博": 900,
        "罪": 400,
        "赌博罪": 40,
        "路口": 700,
        "交通": 9000,
    }
)
NO_WORDS = Dictionary({})


def a_list(*lines: str, name: str = "one"):
    return parse_list("\n".join(("@category c", "@severity sensitive", *lines)), f"{name}.txt")


def said(*lists, corpus=(), words=NO_WORDS):
    """(file, line, level, rule) of each finding. The first entry stands in line 3."""
    return [(one.file, one.line, one.level, one.rule) for one in lint(lists, corpus, words)]


def test_a_tidy_list_gives_nothing():
    assert said(a_list("赌博", "加微信", "! 反赌博")) == []


@pytest.mark.parametrize("term", ["*-*", "\u200b\u200d", "！？"])
def test_a_term_of_which_nothing_is_left_is_empty(term):
    assert said(a_list(term)) == [("one.txt", 3, Level.FIX, "empty")]


def test_an_alias_and_an_allow_phrase_may_be_empty_too():
    assert said(a_list("赌博 | sensitive | alias=**", "! ~~")) == [
        ("one.txt", 3, Level.FIX, "empty"),
        ("one.txt", 4, Level.FIX, "empty"),
    ]


@pytest.mark.parametrize("term", ["赌", "a", "*赌*", "⑧"])
def test_one_character_is_found_everywhere(term):
    assert said(a_list(term)) == [("one.txt", 3, Level.FIX, "one-character")]


def test_one_character_twice_is_two():
    assert said(a_list("哈哈")) == []


@pytest.mark.parametrize("term", ["c++", "c#", "Ｃ＃"])
def test_what_is_left_of_it_is_told(term):
    (found,) = lint([a_list(term.replace("#", "\\#"))], (), NO_WORDS)
    assert found.reason.startswith(f"term {term!r} is one character after folding, 'c', and would be found")
    assert found.values == {"term": term, "left": "c"}


@pytest.mark.parametrize(
    ("term", "says"),
    [
        ("雅思丨block", "type | or ｜"),
        ("雅思 │ 敏感", "type | or ｜"),
        ("雅思 block", "ends in 'block'; type | or ｜"),
        ("雅思：sensitive", "ends in 'sensitive'"),
        ("﹗路口交通", "begins with '﹗'; type '!'"),
        ("❗路口交通", "begins with '❗'; type '!'"),
    ],
)
def test_a_sign_that_only_looks_like_one_of_the_format_is_a_slip(term, says):
    (found,) = lint([a_list(term)], (), NO_WORDS)
    assert (found.line, found.level, found.rule) == (3, Level.FIX, "typing-slip")
    assert says in found.reason


@pytest.mark.parametrize("term", ["road block", "block", "微信important", "丨丨", "敏感信息"])
def test_words_that_are_no_slip(term):
    assert said(a_list(term)) == []


def test_an_allow_phrase_that_silences_a_term_that_is_meant_is_named():
    words = Dictionary({"参与": 300, "赌博": 900, "路口": 700, "交通": 9000, "口": 7, "交": 3})
    found = lint([a_list("赌博 | block", "口交", "! 参与赌博", "! 路口交通", "! 拒绝赌博")], (), words)
    assert [(one.line, one.level) for one in found if one.rule == "silences"] == [(5, Level.NOTE)]
    (told,) = [one.reason for one in found if one.rule == "silences"]
    assert "'参与赌博' silences '赌博' (one.txt, block)" in told


def test_terms_that_fold_to_the_same_are_one_too_many():
    assert said(a_list("赌博", "賭博")) == [("one.txt", 4, Level.FIX, "duplicate")]


def test_the_alias_goes_not_the_term():
    assert said(a_list("网赌 | sensitive | alias=DU博", "du博")) == [("one.txt", 3, Level.FIX, "duplicate")]


def test_the_same_term_in_two_lists_is_for_their_authors_to_judge():
    found = said(a_list("赌博 | block", name="one"), a_list("賭博", name="two"))
    assert ("two.txt", 3, Level.NOTE, "duplicate") in found
    assert all(level is Level.NOTE for _, _, level, _ in found)


def test_repeated_characters_are_not_the_same_as_single_ones():
    assert said(a_list("哈哈哈镜", "哈镜啊")) == []


def test_a_term_another_one_always_finds_is_covered():
    assert said(a_list("赌博", "网络赌博")) == [("one.txt", 4, Level.NOTE, "covered")]


def test_a_graver_term_is_not_covered_by_a_lighter_one():
    assert said(a_list("赌博", "网络赌博 | block")) == []


def test_ascii_terms_cover_whole_words_only():
    assert said(a_list("bet", "better")) == []
    assert said(a_list("bet", "bet now")) == [("one.txt", 4, Level.NOTE, "covered")]


def test_a_term_its_own_allow_phrase_suppresses_is_never_found():
    (found,) = lint([a_list("路口", "! 路口")], (), NO_WORDS)
    assert (found.line, found.level, found.rule) == (3, Level.FIX, "unreachable")
    assert "allow-phrase '路口' suppresses it" in found.reason


def test_an_allow_phrase_that_is_longer_than_the_term_leaves_it_reachable():
    assert said(a_list("口交", "! 路口交通")) == []


def test_an_allow_phrase_without_a_term_in_it_does_nothing():
    assert said(a_list("赌博", "! 路口交通")) == [("one.txt", 4, Level.NOTE, "idle-allow")]


def test_an_allow_phrase_may_serve_another_list():
    assert said(a_list("口交", name="one"), a_list("赌博", "! 路口交通", name="two")) == []


def test_a_common_word_with_a_term_across_its_parts_must_be_allowed():
    found = [one for one in lint([a_list("口交")], (), WORDS) if one.rule == "inside-word"]
    assert [(one.line, one.level) for one in found] == [(3, Level.FIX)]
    assert "出口交易" in found[0].reason
    assert lint([a_list("口交", "! 口交易", "! 口交通")], (), WORDS) == []


def test_a_word_built_on_the_term_is_only_mentioned():
    assert said(a_list("赌博"), words=WORDS) == [("one.txt", 3, Level.NOTE, "compound")]
    assert said(a_list("赌博", "赌博罪 | block"), words=WORDS) == []


def test_words_that_meet_by_chance_are_told_with_an_example():
    met = Dictionary({"路口": 700, "交通": 9000})
    found = lint([a_list("口交")], (), met)
    assert [(one.line, one.level, one.rule) for one in found] == [(3, Level.NOTE, "between-words")]
    assert "路口|交通" in found[0].reason
    assert lint([a_list("口交", "! 路口交通")], (), met) == []


def test_a_term_in_approved_text_must_be_looked_at():
    corpus = ["全校反赌博宣传", "今天很好", "拒绝赌博"]
    found = lint([a_list("赌博")], corpus, NO_WORDS)
    assert [(one.line, one.level, one.rule) for one in found] == [(3, Level.FIX, "in-corpus")]
    assert "2 of 3" in found[0].reason
    assert lint([a_list("赌博", "! 反赌博", "! 拒绝赌博")], corpus, NO_WORDS) == []


def test_an_expired_entry_is_linted_all_the_same():
    past = dt.date(2020, 1, 1).isoformat()
    assert said(a_list(f"赌 | sensitive | expires={past}")) == [("one.txt", 3, Level.FIX, "one-character")]


def test_findings_stand_in_the_order_of_the_file():
    assert [line for _, line, _, _ in said(a_list("赌", "赌博", "賭博", "**"))] == [3, 5, 6]


def test_a_broken_list_is_told_and_the_others_are_linted(tmp_path):
    (tmp_path / "good.txt").write_text("@category a\n@severity sensitive\n赌\n", "utf-8")
    (tmp_path / "bad.txt").write_text("@category b\n赌博 | awful\n", "utf-8")
    found = lint_files([tmp_path / "good.txt", tmp_path / "bad.txt"])
    assert {(one.file, one.line, one.rule) for one in found} == {
        ("bad.txt", 2, "broken"),
        ("good.txt", 3, "one-character"),
    }
    assert must_fix(found)


def test_a_finding_reads_like_a_compiler_message():
    found = lint([a_list("赌")], (), NO_WORDS)
    assert str(found[0]).startswith("one.txt:3: fix: term '赌' is one character")
    assert not must_fix([one._replace(level=Level.NOTE) for one in found])


def test_a_corpus_that_cannot_be_read_is_refused_by_name(tmp_path):
    (tmp_path / "corpus.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(ListError, match=r"corpus\.txt: is not UTF-8"):
        read_corpus(tmp_path / "corpus.txt")
    with pytest.raises(ListError, match=r"gone\.txt: cannot be read"):
        read_corpus(tmp_path / "gone.txt")


def test_with_the_real_dictionary_the_classic_is_found():
    found = lint([a_list("乳交")])
    assert any(one.rule == "inside-word" and "水乳交融" in one.reason for one in found)


@pytest.mark.parametrize(
    "term",
    [
        "赌球网,拦截", "赌球网 拦截", "赌球网　拦截级", "赌球台，重要", "赌球站：敏感", "赌球网\t屏蔽",
        "赌球网（禁止）",
        "赌球网-严重", "赌球网、一般", "賭球網，攔截", "赌球网，ＢＬＯＣＫ", "casino,block", "casino 拦截",
        "赌球网,疑似,见案例",
    ],
)  # fmt: skip
def test_any_severity_behind_any_sign_is_a_slip(term):
    found = lint([a_list(term)], (), NO_WORDS)
    assert [(one.line, one.level, one.rule) for one in found] == [(3, Level.FIX, "typing-slip")]
    assert "between a term and its severity" in found[0].reason


@pytest.mark.parametrize(
    "term", ["road/block", "road-block", "禁止吸烟", "严重 警告", "问题严重", "十一 block party"]
)
def test_severities_that_are_words_of_the_term_are_no_slip(term):
    assert said(a_list(term)) == []


def test_an_expired_term_is_told_once_its_last_day_has_passed():
    one = a_list("赌球的网 | block | expires=2027-01-31")
    on = [
        lint([one], (), NO_WORDS, today=dt.date(2027, 1, 31)),
        lint([one], (), NO_WORDS, today=dt.date(2027, 2, 1)),
    ]
    assert [[(f.line, f.level, f.rule) for f in found] for found in on] == [[], [(3, Level.NOTE, "expired")]]
    assert "its last day was 2027-01-31" in on[1][0].reason


def test_files_of_one_name_are_told_apart_and_one_given_twice_is_read_once(tmp_path):
    (tmp_path / "x").mkdir()
    one, other = tmp_path / "e.txt", tmp_path / "x" / "e.txt"
    for file in (one, other):
        file.write_text("@category a\n@severity sensitive\n赌球网\n", "utf-8")
    assert [found for found in lint_files([one, one]) if found.rule == "duplicate"] == []
    (found,) = [found for found in lint_files([one, other, one]) if found.rule == "duplicate"]
    assert (found.file, found.level) == (str(other), Level.NOTE)
    assert found.reason.endswith(f"the same as '赌球网' in {one}:3")
    other.write_text("no list", "utf-8")
    assert str(other) in {found.file for found in lint_files([one, other]) if found.rule == "broken"}


def test_line_ends_of_the_classic_mac_are_read(tmp_path):
    file = tmp_path / "mac.txt"
    file.write_bytes("@category mac\r@severity block\r赌球网\r**\r".encode())
    assert [(one.line, one.rule) for one in lint_files([file])] == [(4, "empty")]
