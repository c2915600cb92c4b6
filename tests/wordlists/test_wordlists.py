"""The shipped lists: whole, tidy, and every term of them is found."""

import functools
import hashlib
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from moderation.filter import Filter
from moderation.filter.lint import lint_files
from moderation.filter.policy import Verdict
from moderation.filter.readings.pinyin import read_pinyin, spell_pinyin
from moderation.lexicon import Channel, Severity
from moderation.lists.files import load_dir, load_list
from moderation.lists.findings import Level
from moderation.text.fold import Folded
from moderation.text.tables import tables

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


HAN_FRAMES = ("{}", "他说，{}，是吧", "弹幕里的“{}”", "{}！！", "[{}]怎么办", "666 {} 233")
LATIN_FRAMES = ("{}", "he said: {}, right", "so, {}?!", "弹幕{}刷屏", "({})", "WHY {} NOW")
"""Where a term may stand: alone, between commas, in quotes, at both ends, among other writing."""
OFFERS = (
    "两个人{}", "成人{}", "找个{}", "快来{}", "参与{}", "要{}", "会{}", "网上{}", "一起{}", "同城{}",
    "专业{}", "有人{}", "{}吗", "{}好爽", "{}付费", "{}入口", "{}入体", "{}到天亮", "{}视频", "{}加我",
    "{}多少钱", "{}资源", "{}技巧", "{}软件",
)  # fmt: skip
"""How somebody would offer a thing, ask for it or boast of it."""


def framed(terms, frames):
    """Each term in each frame: the terms, then their texts."""
    pairs = [(term, frame) for term in terms for frame in frames]
    return [term for term, _ in pairs], [frame.format(term) for term, frame in pairs]


def frames_for(term: str) -> tuple[str, ...]:
    return LATIN_FRAMES if term.isascii() else HAN_FRAMES


def in_frames(words):
    """(word, row) pairs as (row, text) for every frame of the word."""
    return [(row, frame.format(word)) for word, row in words for frame in frames_for(word)]


def read_rows(name: str) -> list[list[str]]:
    lines = (Path(__file__).parent / name).read_text("utf-8").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def example(term: str) -> str:
    """A sentence with the term in it: between commas, as comments have it."""
    return frames_for(term)[1].format(term)


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


def test_every_shipped_term_is_hit_in_every_place_it_may_stand(lists, shipped):
    rows = in_frames([(entry.term, (one.name, entry.term)) for one in lists for entry in one.entries])
    results = shipped.check_many([text for _, text in rows])
    missed = [
        text
        for ((name, term), text), result in zip(rows, results, strict=True)
        if not any(
            hit.term == term and hit.list == name and hit.channel is Channel.EXACT for hit in result.hits
        )
    ]
    assert missed == []


def test_every_alias_finds_its_term_in_every_place_it_may_stand(lists, shipped):
    rows = in_frames(
        [(alias, entry.term) for one in lists for entry in one.entries for alias in entry.aliases]
    )
    results = shipped.check_many([text for _, text in rows])
    missed = [
        text
        for (term, text), result in zip(rows, results, strict=True)
        if term not in {hit.term for hit in result.hits}
    ]
    assert missed == []


def test_nothing_that_is_looked_for_folds_to_one_character(lists):
    """Of c++ only c is left: it would be found everywhere. Repeats count, as they do in matching (xxx)."""
    looked_for = [
        word
        for one in lists
        for words in (
            *((entry.term, *entry.aliases) for entry in one.entries),
            *((allow.phrase,) for allow in one.allows),
            *(others for _, others in one.substitutes),
        )
        for word in words
    ]
    assert [word for word in looked_for if len(Folded([word]).kept) < 2] == []


def test_the_examples_of_offences_are_found(shipped):
    rows = read_rows("offences.tsv")
    results = shipped.check_many([text for text, _ in rows])
    missed = [
        (text, term)
        for (text, term), result in zip(rows, results, strict=True)
        if term not in {hit.term for hit in result.hits}
    ]
    assert missed == []


def test_no_allow_phrase_silences_an_offer(lists, shipped):
    terms, texts = framed(
        (
            entry.term
            for one in lists
            for entry in one.entries
            if entry.severity >= Severity.IMPORTANT and not entry.term.isascii()
        ),
        OFFERS,
    )
    silenced = [
        text
        for term, text, result in zip(terms, texts, shipped.check_many(texts), strict=True)
        if term not in {hit.term for hit in result.hits}
    ]
    assert silenced == []


def test_an_allow_phrase_by_itself_is_clean(lists, shipped):
    phrases = [allow.phrase for one in lists for allow in one.allows]
    loud = [
        (phrase, result.verdict.word)
        for phrase, result in zip(phrases, shipped.check_many(phrases), strict=True)
        if result.verdict is not Verdict.CLEAN
    ]
    assert loud == []


def test_lessons_and_warnings_get_no_more_than_they_ought_to(shipped):
    rows = read_rows("lessons.tsv")
    results = shipped.check_many([text for text, _, _ in rows])
    graver = [
        (text, result.verdict.word, [hit.term for hit in result.hits])
        for (text, _, most), result in zip(rows, results, strict=True)
        if result.verdict > Verdict[most.upper()]
    ]
    assert graver == []


def test_the_lessons_name_terms_of_the_lists(lists):
    terms = {entry.term for one in lists for entry in one.entries}
    assert [term for _, term, _ in read_rows("lessons.tsv") if term not in terms] == []


def test_what_only_sounds_like_a_term_is_clean(shipped):
    texts = [text for text, _ in read_rows("sounds.tsv")]
    loud = [
        (text, hit.term, hit.channel)
        for text, result in zip(texts, shipped.check_many(texts), strict=True)
        for hit in result.hits
    ]
    assert loud == []


@functools.cache
def common_characters() -> dict[int, list[str]]:
    """Toneless sound -> the common characters that have it: the 3,755 of the first level of GB 2312."""
    by_sound = defaultdict(list)
    for high in range(0xB0, 0xD8):
        for low in range(0xA1, 0xFF):
            if char := bytes((high, low)).decode("gb2312", "ignore"):
                by_sound[tables().sound.item(ord(char))].append(char)
    return by_sound


def grave_readings(lists):
    """The important and block terms of Han characters only, and how they sound."""
    terms = [
        entry.term
        for one in lists
        for entry in one.entries
        if entry.severity >= Severity.IMPORTANT and all("\u4e00" <= char <= "\u9fff" for char in entry.term)
    ]
    return [(term, sounds[0]) for term in terms if (sounds := read_pinyin(term))]


def share_found(shipped, disguised):
    """Of (term, text) the share that is found: for terms of two characters, for longer ones."""
    of, found = Counter(), Counter()
    results = shipped.check_many([text for _, text in disguised])
    for (term, _), result in zip(disguised, results, strict=True):
        of[len(term) > 2] += 1
        found[len(term) > 2] += result.verdict is not Verdict.CLEAN
    return found[False] / of[False], found[True] / of[True]


def test_grave_terms_are_found_with_one_character_in_pinyin(lists, shipped):
    disguised = [
        (term, term[:at] + spell_pinyin([sound]) + term[at + 1 :])
        for term, sounds in grave_readings(lists)
        for at, sound in enumerate(sounds)
    ]
    of_two, of_more = share_found(shipped, disguised)
    assert of_two >= 0.97
    assert of_more >= 0.97


def test_grave_terms_are_heard_with_one_character_of_the_same_sound(lists, shipped):
    """Of two characters most are not: they sound like ordinary talk, see docs/wordlists.md."""
    pick = random.Random(7)
    disguised = []
    for term, sounds in grave_readings(lists):
        for at, sound in enumerate(sounds):
            others = [one for one in common_characters()[sound] if one != term[at]]
            if others:
                disguised.append((term, term[:at] + pick.choice(others) + term[at + 1 :]))
    of_two, of_more = share_found(shipped, disguised)
    assert of_two >= 0.25
    assert of_more >= 0.85


def test_terms_that_block_give_block_and_are_the_smaller_part(lists, shipped):
    blocking = [entry.term for one in lists for entry in one.entries if entry.severity is Severity.BLOCK]
    everything = sum(len(one.entries) for one in lists)
    assert len(blocking) < everything / 3
    for one in lists:
        of_this = sum(entry.severity is Severity.BLOCK for entry in one.entries)
        assert of_this < len(one.entries) / 3, one.name
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
