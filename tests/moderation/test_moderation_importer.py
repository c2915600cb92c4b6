"""Tables of other makes become lists, or are refused with every problem named."""

import datetime as dt
import zipfile

import openpyxl
import pytest

from moderation import importer
from moderation.importer import import_list, read_table
from moderation.lexicon import Severity
from moderation.lists import ListError, load_dir, load_list


def a_file(tmp_path, name, text, encoding="utf-8"):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def a_sheet(tmp_path, *rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = tmp_path / "words.xlsx"
    book.save(file)
    return file


def read(file):
    return read_table(file, category="ads")[0]


def rows(file):
    return [(entry.term, entry.severity.word) for entry in read(file).entries]


# ---------------------------------------------------------------- kinds of files


def test_a_text_file_has_a_term_a_line(tmp_path):
    assert rows(a_file(tmp_path, "a.txt", "\ufeff广告\r\n\r\n 代购 \r\n")) == [
        ("广告", "sensitive"),
        ("代购", "sensitive"),
    ]


def test_a_text_file_in_the_lists_own_format_is_read_as_one(tmp_path):
    one = read(a_file(tmp_path, "a.txt", "# mine\n@category x\n@severity block\n广告\n! 应用广告知\n"))
    assert (one.name, one.category) == ("ads", "ads")
    assert one.entries[0].severity is Severity.BLOCK
    assert [allow.phrase for allow in one.allows] == ["应用广告知"]


def test_csv_without_headings_is_term_and_severity(tmp_path):
    assert rows(a_file(tmp_path, "a.csv", "广告,block\n代购\n")) == [("广告", "block"), ("代购", "sensitive")]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_with_chinese_headings_in_any_order(tmp_path, mark):
    text = "备注,级别,词语\n见通知,重要,广告\n,拦截级,代购\n,,兼职\n".replace(",", mark)
    one = read(a_file(tmp_path, "a.csv", text))
    assert [(e.term, e.severity.word, e.note) for e in one.entries] == [
        ("广告", "important", "见通知"),
        ("代购", "block", ""),
        ("兼职", "sensitive", ""),
    ]


def test_csv_as_spreadsheets_in_china_save_it(tmp_path):
    assert rows(a_file(tmp_path, "a.csv", "词语,级别\n广告,疑似\n", "gb18030")) == [("广告", "suspected")]


def test_every_column_finds_its_place(tmp_path):
    row = '广告,"guanggao，光告",ads,2027/1/31,"see, here",应用广告知;广告法'
    text = f"term,alias,tags,expires,note,allow\n{row}\n"
    one = read(a_file(tmp_path, "a.csv", text))
    (entry,) = one.entries
    assert entry.aliases == ("guanggao", "光告")
    assert entry.tags == ("ads",)
    assert entry.expires == dt.date(2027, 1, 31)
    assert entry.note == "see, here"
    assert [allow.phrase for allow in one.allows] == ["应用广告知", "广告法"]


def test_a_sheet_with_numbers_dates_and_gaps(tmp_path):
    file = a_sheet(
        tmp_path,
        ("Term", "Level", "到期日"),
        (888, "block", dt.date(2027, 1, 31)),
        (),
        ("广告", None, None),
    )
    first, second = read(file).entries
    assert (first.term, first.severity, first.expires) == ("888", Severity.BLOCK, dt.date(2027, 1, 31))
    assert (second.term, second.severity, second.expires) == ("广告", Severity.SENSITIVE, None)


def test_a_repeated_term_counts_once_and_the_first_row_wins(tmp_path):
    one, repeated = read_table(a_file(tmp_path, "a.csv", "广告,block\n广告,suspected\n"), category="ads")
    assert ([entry.severity.word for entry in one.entries], repeated) == (["block"], 1)


# ---------------------------------------------------------------- what is refused


def problems(file):
    with pytest.raises(ListError) as caught:
        read(file)
    return [(one.line, one.reason) for one in caught.value.problems]


def test_all_problems_are_told_with_their_rows(tmp_path):
    long = "很" * 65
    text = f"term,severity,expires\n广告,awful,\n{long},,\n代购,,2027-02-30\n,block,\n兼职,,\n"
    told = problems(a_file(tmp_path, "a.csv", text))
    assert [line for line, _ in told] == [2, 3, 4, 5]
    assert told[0][1].startswith("severity is 'awful'; allowed are suspected")
    assert told[1][1] == "term has 65 characters; allowed are 64"
    assert told[2][1].startswith("expires is '2027-02-30'")
    assert told[3][1] == "has no term"


def test_more_than_a_hundred_problems_are_counted(tmp_path):
    told = problems(a_file(tmp_path, "a.csv", "".join(f"词{n},awful\n" for n in range(150))))
    assert len(told) == 101
    assert told[-1] == (0, "has 50 more problems")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.doc", b"x", "ends in .doc; allowed are .csv, .tsv, .txt and .xlsx"),
        ("a.csv", b"\xff\xff\xff", "is neither UTF-8 nor GB 18030"),
        ("a.csv", b'"open', "is not CSV"),
        ("a.csv", b"", "has no terms"),
        ("a.csv", b"term,severity\n", "has no terms"),
        ("a.xlsx", b"PK no", "is not an XLSX file"),
    ],
)
def test_what_cannot_be_a_table_is_refused(tmp_path, name, data, reason):
    (tmp_path / name).write_bytes(data)
    assert problems(tmp_path / name)[0][1].startswith(reason)


def test_a_zip_that_is_no_sheet_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert problems(tmp_path / "a.xlsx")[0][1].startswith("is not an XLSX file")


def test_a_sheet_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    file = a_sheet(tmp_path, ("广告",))
    monkeypatch.setattr(importer, "MAX_UNPACKED", 1000)
    assert problems(file)[0][1].startswith("unpacks to more than")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert problems(tmp_path / "gone.csv") == [(0, "cannot be read: No such file or directory")]


# ---------------------------------------------------------------- into a directory


def test_an_import_makes_a_list_that_loads_and_says_what_changed(tmp_path):
    first = import_list(a_file(tmp_path, "a.txt", "广告\n代购\n"), category="ads", to=tmp_path / "lists")
    assert (first.list.version, first.before) == ("1", None)
    second = import_list(a_file(tmp_path, "b.txt", "广告\n兼职\n"), category="ads", to=tmp_path / "lists")
    assert second.list.version == "2"
    assert [entry.term for entry in second.diff.added] == ["兼职"]
    assert [entry.term for entry in second.diff.removed] == ["代购"]
    assert [one.name for one in load_dir(tmp_path / "lists")] == ["ads"]


def test_allow_phrases_and_titles_of_the_list_stay(tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    head = "@category ads\n@title-zh 广告\n@severity block\n@alias 微信 = vx\n"
    (lists / "ads.txt").write_text(head + "广告\n! 应用广告知\n", "utf-8")
    import_list(a_file(tmp_path, "a.csv", "term,allow\n代购,时代购物\n"), category="ads", to=lists)
    one = load_list(lists / "ads.txt")
    assert one.title_zh == "广告"
    assert one.substitutes == (("微信", ("vx",)),)
    assert [allow.phrase for allow in one.allows] == ["应用广告知", "时代购物"]
    assert [entry.term for entry in one.entries] == ["代购"]


def test_an_import_is_linted(tmp_path):
    done = import_list(
        a_file(tmp_path, "a.txt", "广\n廣告\n广告\n"),
        category="ads",
        to=tmp_path / "lists",
        corpus=["全是广告的一天"],
    )
    lines = (tmp_path / "lists" / "ads.txt").read_text("utf-8").split("\n")
    told = {(one.rule, lines[one.line - 1]) for one in done.findings}
    assert told >= {("one-character", "广"), ("duplicate", "广告"), ("in-corpus", "广告")}


def test_a_refused_import_changes_nothing(tmp_path):
    lists = tmp_path / "lists"
    import_list(a_file(tmp_path, "a.txt", "广告\n"), category="ads", to=lists)
    before = sorted((file, file.read_bytes()) for file in lists.rglob("*") if file.is_file())
    with pytest.raises(ListError):
        import_list(a_file(tmp_path, "b.csv", "代购,awful\n"), category="ads", to=lists)
    assert sorted((file, file.read_bytes()) for file in lists.rglob("*") if file.is_file()) == before
