"""The shipped lists: whole, tidy, and every term of them is found."""

import hashlib
import json
from pathlib import Path

import pytest

from moderation.filter import Filter
from moderation.lexicon import Channel, Severity
from moderation.lint import Level, lint_files
from moderation.lists import load_dir, load_list
from moderation.policy import Verdict

HERE = Path(__file__).parents[2] / "wordlists"
FILES = sorted(HERE.glob("*.txt"))
CATEGORIES = {
    "drugs",
    "gambling",
    "harassment",
    "personal-data",
    "profanity",
    "scams",
    "sexual",
    "violence",
}


@pytest.fixture(scope="module")
def lists():
    return load_dir(HERE)


@pytest.fixture(scope="module")
def shipped(lists):
    return Filter(lists)


def example(term: str) -> str:
    """A sentence with the term in it: between commas, as comments have it."""
    return f"他说，{term}，是吧" if not term.isascii() else f"he said: {term}, right"


def test_the_manifest_has_the_hash_and_the_size_of_every_file(lists):
    rows = json.loads((HERE / "manifest.json").read_text("utf-8"))
    assert [file.name for file in FILES] == [row["file"] for row in rows]
    for row in rows:
        assert row["sha256"] == hashlib.sha256((HERE / row["file"]).read_bytes()).hexdigest()
    assert [row["terms"] for row in rows] == [len(one.entries) for one in lists]


def test_each_category_ships_once_with_titles_in_both_languages_and_a_licence(lists):
    assert {one.category for one in lists} == CATEGORIES
    for one in lists:
        assert one.title_en
        assert any("\u4e00" <= char <= "\u9fff" for char in one.title_zh)
        assert one.licence == "CC0-1.0"
        assert len(one.entries) >= 200
        assert one.allows


def test_every_shipped_term_is_hit_by_its_own_example(lists, shipped):
    rows = [(one.name, entry) for one in lists for entry in one.entries]
    results = shipped.check_many(example(entry.term) for _, entry in rows)
    missed = [
        (name, entry.term)
        for (name, entry), result in zip(rows, results, strict=True)
        if not any(
            hit.term == entry.term and hit.list == name and hit.channel is Channel.EXACT
            for hit in result.hits
        )
    ]
    assert missed == []


def test_every_alias_finds_its_term(lists, shipped):
    rows = [(alias, entry.term) for one in lists for entry in one.entries for alias in entry.aliases]
    results = shipped.check_many(example(alias) for alias, _ in rows)
    missed = [
        row
        for row, result in zip(rows, results, strict=True)
        if row[1] not in {hit.term for hit in result.hits}
    ]
    assert missed == []


def test_every_allow_phrase_keeps_a_comment_that_holds_it_from_being_blocked(lists, shipped):
    phrases = [allow.phrase for one in lists for allow in one.allows]
    results = shipped.check_many(phrases)
    assert [
        phrase for phrase, result in zip(phrases, results, strict=True) if result.verdict is Verdict.BLOCK
    ] == []


def test_terms_that_block_give_block_and_are_the_smaller_part(lists, shipped):
    blocking = [entry.term for one in lists for entry in one.entries if entry.severity is Severity.BLOCK]
    everything = sum(len(one.entries) for one in lists)
    assert len(blocking) < everything / 3
    weak = [
        term
        for term, result in zip(blocking, shipped.check_many(map(example, blocking)), strict=True)
        if result.verdict is not Verdict.BLOCK
    ]
    assert weak == []


def test_the_lists_are_lint_clean():
    tidy = {"covered", "idle-allow", "duplicate"}
    found = lint_files(FILES)
    assert [str(one) for one in found if one.level is Level.FIX or one.rule in tidy] == []


@pytest.mark.parametrize("file", sorted((HERE / "templates").glob("*.txt")), ids=lambda file: file.stem)
def test_templates_are_empty_lists_with_instructions_in_both_languages(file):
    read = load_list(file)
    assert read.entries == ()
    comments = [line for line in file.read_text("utf-8").split("\n") if line.startswith("#")]
    assert len(comments) >= 8
    assert any("\u4e00" <= char <= "\u9fff" for line in comments for char in line)


def test_there_are_templates_and_a_manifest_does_not_name_them(lists):
    assert len(list((HERE / "templates").glob("*.txt"))) >= 5
    assert all("templates" not in one.name for one in lists)
