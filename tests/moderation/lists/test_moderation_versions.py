"""Lists over time: kept, compared, brought back."""

import msgspec
import pytest

from moderation.lexicon import Allow, Entry, Severity, WordList
from moderation.lists.files import load_dir
from moderation.lists.list_format import ListError
from moderation.lists.versions import (
    Change,
    diff,
    history,
    load_version,
    names,
    now,
    roll_back,
    save,
    versions,
)


def a_list(*terms: str, allows: tuple[str, ...] = (), severity: Severity = Severity.SENSITIVE) -> WordList:
    entries = tuple(Entry(term=term, severity=severity) for term in terms)
    return WordList(name="ads", category="ads", entries=entries, allows=tuple(map(Allow, allows)))


def terms(one: WordList) -> list[str]:
    return [entry.term for entry in one.entries]


def test_each_save_is_a_new_version_and_the_directory_loads(tmp_path):
    assert save(tmp_path, a_list("广告")).version == "1"
    assert save(tmp_path, a_list("广告", "代购")).version == "2"
    (loaded,) = load_dir(tmp_path)
    assert (loaded.version, terms(loaded)) == ("2", ["广告", "代购"])
    assert versions(tmp_path, "ads") == (1, 2)
    assert terms(load_version(tmp_path, "ads", 1)) == ["广告"]


def test_rolling_back_is_a_new_version_with_the_old_words(tmp_path):
    save(tmp_path, a_list("广告"))
    save(tmp_path, a_list("代购"))
    back = roll_back(tmp_path, "ads", 1)
    assert (back.version, terms(back)) == ("3", ["广告"])
    assert terms(load_version(tmp_path, "ads", 2)) == ["代购"]
    assert terms(load_dir(tmp_path)[0]) == ["广告"]


def test_a_file_put_there_by_hand_is_kept_before_it_goes(tmp_path):
    (tmp_path / "ads.txt").write_text("@category ads\n@version 7\n@severity block\n手写\n", "utf-8")
    assert save(tmp_path, a_list("广告")).version == "8"
    assert terms(load_version(tmp_path, "ads", 7)) == ["手写"]


def test_an_edit_by_hand_between_two_saves_is_kept_too(tmp_path):
    save(tmp_path, a_list("广告"))
    file = tmp_path / "ads.txt"
    file.write_text(file.read_text("utf-8") + "手加\n", "utf-8")
    assert save(tmp_path, a_list("代购")).version == "3"
    assert terms(load_version(tmp_path, "ads", 2)) == ["广告", "手加"]


def test_even_a_broken_file_is_kept(tmp_path):
    (tmp_path / "ads.txt").write_text("no list at all |||| \n", "utf-8")
    assert save(tmp_path, a_list("广告")).version == "2"
    assert (tmp_path / "history" / "ads" / "1.txt").read_text("utf-8").startswith("no list")


def test_a_version_that_is_not_there_is_named_with_those_that_are(tmp_path):
    save(tmp_path, a_list("广告"))
    with pytest.raises(ListError, match=r"ads\.txt: has no version 5; kept are 1"):
        roll_back(tmp_path, "ads", 5)


@pytest.mark.parametrize("name", ["../ads", "ADS", "", "a/b", "广告"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path, name):
    with pytest.raises(ListError, match="is not a name for a list"):
        save(tmp_path, msgspec.structs.replace(a_list("广告"), name=name))
    assert list(tmp_path.iterdir()) == []


def test_a_diff_tells_what_came_went_and_changed():
    before = a_list("广告", "代购", allows=("应用广告知",))
    after = a_list("广告", "兼职", allows=("推广告一段落",))
    graver = msgspec.structs.replace(after.entries[0], severity=Severity.BLOCK)
    after = msgspec.structs.replace(after, entries=(graver, *after.entries[1:]))
    told = diff(before, after)
    assert [entry.term for entry in told.added] == ["兼职"]
    assert [entry.term for entry in told.removed] == ["代购"]
    assert (Change(before.entries[0], graver),) == told.changed
    assert str(told).split("\n") == [
        "- 代购 | sensitive",
        "+ 兼职 | sensitive",
        "~ 广告 | sensitive -> block",
        "- ! 应用广告知",
        "+ ! 推广告一段落",
    ]


def test_line_numbers_are_no_difference():
    one = a_list("广告")
    moved = msgspec.structs.replace(one, entries=(msgspec.structs.replace(one.entries[0], line=9),))
    assert not diff(one, moved)


def test_titles_and_parts_of_terms_are_a_difference_too():
    before = msgspec.structs.replace(a_list("广告"), title_zh="广告", substitutes=(("微信", ("vx",)),))
    after = msgspec.structs.replace(before, title_zh="推广", substitutes=(("微信", ("vx", "薇信")),))
    assert str(diff(before, after)).split("\n") == [
        "~ @title-zh '广告' -> '推广'",
        "- @alias 微信 = vx",
        "+ @alias 微信 = vx,薇信",
    ]


def test_a_broken_list_beside_it_keeps_a_save_from_changing_anything(tmp_path):
    save(tmp_path, a_list("广告"))
    (tmp_path / "broken.txt").write_text("no list", "utf-8")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(ListError, match=r"broken\.txt"):
        save(tmp_path, a_list("代购"))
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_manifest_that_cannot_be_written_leaves_the_list_alone(tmp_path):
    save(tmp_path, a_list("广告"))
    (tmp_path / ".manifest.json.new").mkdir()
    with pytest.raises(ListError, match="cannot be written"):
        save(tmp_path, a_list("代购"))
    assert terms(now(tmp_path, "ads")) == ["广告"]
    assert versions(tmp_path, "ads") == (1,)


def test_the_history_tells_which_version_counts(tmp_path):
    save(tmp_path, a_list("广告"))
    save(tmp_path, a_list("广告", "代购"))
    assert [(one.number, one.terms, one.counts) for one in history(tmp_path, "ads")] == [
        (1, 1, False),
        (2, 2, True),
    ]
    (tmp_path / "ads.txt").write_text("@category ads\n@severity block\n手写\n", "utf-8")
    assert [one.counts for one in history(tmp_path, "ads")] == [False, False]
    assert names(tmp_path) == ("ads",)


def test_a_list_that_is_not_there_is_named_with_those_that_are(tmp_path):
    save(tmp_path, a_list("广告"))
    with pytest.raises(ListError, match="has no list 'abs'; it has ads"):
        history(tmp_path, "abs")
    with pytest.raises(ListError, match="is not a name for a list"):
        load_version(tmp_path, "../ads", 1)
    with pytest.raises(ListError, match="gone: is not a directory of lists"):
        names(tmp_path / "gone")
