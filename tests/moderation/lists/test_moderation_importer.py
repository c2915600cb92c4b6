"""Tables of other makes become lists, or are refused with every problem named."""

import datetime as dt
import functools
import zipfile

import openpyxl
import pytest

from moderation.filter.lint import lint
from moderation.lexicon import Severity
from moderation.lists import importer
from moderation.lists import rows as rows_module
from moderation.lists.files import load_dir, load_list
from moderation.lists.importer import UnfitError
from moderation.lists.list_format import ListError
from moderation.lists.table import read_table

import_list = functools.partial(importer.import_list, lint=lint)


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


def a_book(tmp_path, **sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, its_rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in its_rows:
            sheet.append(row)
    file = tmp_path / "words.xlsx"
    book.save(file)
    return file


def read(file):
    return read_table(file, category="ads").list


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


def test_a_term_that_stands_twice_has_the_graver_severity_and_it_is_said(tmp_path):
    text = "词语,级别,别名,到期,备注\n代课,敏感,dk,2027-01-31,见通知\n代课,拦截,带课,,\n"
    made = read_table(a_file(tmp_path, "a.csv", text), category="ads")
    (entry,) = made.list.entries
    assert (entry.severity.word, entry.aliases, entry.expires) == ("block", ("dk", "带课"), None)
    assert (entry.note, made.repeated) == ("见通知", 1)
    assert made.notes == ("a.csv: row 3: '代课' is block, in row 2 sensitive; the graver one counts (block)",)


def test_a_lighter_repetition_takes_nothing_away(tmp_path):
    made = read_table(a_file(tmp_path, "a.csv", "广告,block\n广告,suspected\n"), category="ads")
    assert ([entry.severity.word for entry in made.list.entries], made.repeated) == (["block"], 1)
    assert len(made.notes) == 1


def test_a_mere_repetition_is_only_counted(tmp_path):
    made = read_table(a_file(tmp_path, "a.txt", "广告\n广告\n"), category="ads")
    assert (len(made.list.entries), made.repeated, made.notes) == (1, 1, ())


@pytest.mark.parametrize(
    "headings", ["詞語,級別,備註", "關鍵詞,嚴重程度,說明", "ＴＥＲＭ,ｌｅｖｅｌ,Note", "词语：,级别：,备注"]
)
def test_headings_in_traditional_chinese_or_full_width(tmp_path, headings):
    (entry,) = read(a_file(tmp_path, "a.csv", f"{headings}\n廣告,攔截,見通知\n")).entries
    assert (entry.term, entry.severity, entry.note) == ("廣告", Severity.BLOCK, "見通知")


def test_a_title_above_the_headings_is_passed_over_and_it_is_said(tmp_path):
    table = [
        ("评论敏感词表（2026年3月）",),
        (),
        ("制表", "张三", "教务处"),
        ("词语", "级别"),
        ("广告", "拦截"),
    ]
    made = read_table(a_sheet(tmp_path, *table), category="ads")
    assert [(one.term, one.severity.word) for one in made.list.entries] == [("广告", "block")]
    assert made.notes == ("words.xlsx: rows above the headings in row 4 are not read",)


def test_a_column_that_is_not_read_is_named(tmp_path):
    made = read_table(a_file(tmp_path, "a.csv", "词语,分类\n广告,甲\n"), category="ads")
    assert made.notes == ("a.csv: column '分类' is not read",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_text_as_spreadsheets_save_it(tmp_path, encoding):
    mark = "" if encoding == "utf-16" else "\ufeff"
    file = a_file(tmp_path, "a.txt", f"{mark}词语\t级别\r\n广告\t拦截\r\n", encoding)
    assert rows(file) == [("广告", "block")]
    assert rows(a_file(tmp_path, "b.txt", f"{mark}广告\r\n代购\r\n", encoding)) == [
        ("广告", "sensitive"),
        ("代购", "sensitive"),
    ]


# ---------------------------------------------------------------- workbooks


def test_every_sheet_with_headings_is_read_and_a_cover_is_not(tmp_path):
    file = a_book(
        tmp_path,
        说明=[("本表由教务处制作",), ("请勿外传",)],
        一=[("词语", "级别"), ("广告", "敏感"), ("代购", "敏感")],
        二=[("級別", "詞語"), ("拦截", "广告"), ("重要", "兼职")],
    )
    made = read_table(file, category="ads")
    assert [(one.term, one.severity.word) for one in made.list.entries] == [
        ("广告", "block"),
        ("代购", "sensitive"),
        ("兼职", "important"),
    ]
    skipped, repeated = made.notes
    assert skipped == "words.xlsx: sheet '说明' has no headings and was not read; --sheet reads it"
    assert repeated.startswith(
        "words.xlsx[二]: row 2: '广告' is block, in row 2 of words.xlsx[一] sensitive; "
    )


def test_sheets_without_headings_are_asked_about_by_name(tmp_path):
    file = a_book(tmp_path, 封面=[("本表由教务处制作",)], 词=[("广告",), ("代购",)])
    ((_, reason),) = problems(file)
    assert reason.startswith("has no sheet with headings (词语, 级别)")
    assert reason.endswith("name one with --sheet: '封面', '词'")
    made = read_table(file, category="ads", sheet="词")
    assert [one.term for one in made.list.entries] == ["广告", "代购"]
    with pytest.raises(ListError, match="has no sheet '别的' with anything in it; there are '封面', '词'"):
        read_table(file, category="ads", sheet="别的")


def test_a_hidden_sheet_is_not_read_unless_named(tmp_path):
    file = a_book(tmp_path, 词=[("词语",), ("广告",)], 旧=[("词语",), ("代购",)])
    book = openpyxl.load_workbook(file)
    book["旧"].sheet_state = "hidden"
    book.save(file)
    made = read_table(file, category="ads")
    assert [one.term for one in made.list.entries] == ["广告"]
    assert made.notes == ("words.xlsx: sheet '旧' is hidden and was not read; --sheet reads it",)
    assert [one.term for one in read_table(file, category="ads", sheet="旧").list.entries] == ["代购"]


def test_problems_name_the_sheet(tmp_path):
    file = a_book(tmp_path, 一=[("词语", "级别"), ("广告", "敏感")], 二=[("词语", "级别"), ("代购", "糟")])
    with pytest.raises(ListError, match=r"words\.xlsx\[二\]:2: severity is '糟'"):
        read_table(file, category="ads")


def test_a_sheet_of_what_has_none_is_refused(tmp_path):
    with pytest.raises(ListError, match=r"a\.csv: has no sheets, and so no sheet '一'"):
        read_table(a_file(tmp_path, "a.csv", "广告\n"), category="ads", sheet="一")


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
        ("a.csv", b"\xff\xff\xff", "is neither UTF-8, UTF-16 nor GB 18030"),
        ("a.csv", b'"open', "is not CSV"),
        ("a.csv", "广告,block\n".encode("utf-16-le"), "is neither"),
        (
            "a.csv",
            "广告表\n词语\n广告\n".encode(),
            "'词语' looks like a heading; take away the rows above it",
        ),
        ("a.csv", "广告,block,甲\n".encode(), "has more than term and severity; put headings above"),
        ("a.txt", "广告 | block\n".encode(), "'广告 | block' is in the format of lists"),
        ("a.txt", "广告\n！应用广告知\n".encode(), "'！应用广告知' is in the format of lists"),
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
    monkeypatch.setattr(rows_module, "MAX_UNPACKED", 1000)
    assert problems(file)[0][1].startswith("unpacks to more than")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert problems(tmp_path / "gone.csv") == [(0, "cannot be read: No such file or directory")]


@pytest.mark.parametrize("word", ["疑似", "一般", "一般级"])
def test_every_word_for_a_severity_is_read(tmp_path, word):
    assert rows(a_file(tmp_path, "a.csv", f"词语,级别\n广告,{word}\n")) == [("广告", "suspected")]


@pytest.mark.parametrize("heading", ["风险等级", "風險等級", "敏感程度", "Risk Level"])
def test_severities_under_other_headings_are_read(tmp_path, heading):
    assert rows(a_file(tmp_path, "a.csv", f"词语,{heading}\n广告,拦截\n")) == [("广告", "block")]
    assert problems(a_file(tmp_path, "a.csv", f"词语,{heading}\n广告,高\n"))[0][1].startswith(
        "severity is '高'; allowed are"
    )


@pytest.mark.parametrize("table", ["词语,处理\n广告,拦截\n代购,敏感\n", "词语,风险分\n广告,9\n"])
def test_severities_that_would_be_lost_are_refused(tmp_path, table):
    ((line, reason),) = problems(a_file(tmp_path, "a.csv", table))
    assert line == 1
    assert "seems to hold severities and is not read; call it 级别" in reason


def test_a_column_that_is_no_severity_is_a_note_still(tmp_path):
    made = read_table(a_file(tmp_path, "a.csv", "词语,级别,年级\n广告,拦截,一\n"), category="ads")
    assert made.notes == ("a.csv: column '年级' is not read",)
    made = read_table(a_file(tmp_path, "a.csv", "词语,年级\n广告,一\n"), category="ads")
    assert made.notes == ("a.csv: column '年级' is not read",)


def test_utf_16_without_its_mark_is_called_that(tmp_path):
    ((_, reason),) = problems(a_file(tmp_path, "a.csv", "广告,block\n", "utf-16-le"))
    assert reason.endswith("looks like UTF-16 without its mark; save it as UTF-8")


def test_formulas_without_a_value_are_told_by_their_cell(tmp_path):
    file = a_sheet(tmp_path, ("词语", "级别", "甲"), ('="a"&"b"', "敏感", None), ("广告", "拦截", "=1+1"))
    ((line, reason),) = problems(file)
    assert line == 2
    assert reason.startswith("cell A2 has a formula whose value is not stored; open and save the file")


def test_merged_cells_are_told_by_their_cells(tmp_path):
    file = a_sheet(tmp_path, ("词语", "级别"), ("广告", "拦截"), ("代购", None))
    book = openpyxl.load_workbook(file)
    book.active.merge_cells("B2:B3")
    book.save(file)
    ((line, reason),) = problems(file)
    assert line == 3
    assert "merged with B2" in reason
    assert "unmerge B2:B3" in reason


def test_a_merged_title_above_the_headings_is_passed_over(tmp_path):
    file = a_sheet(tmp_path, ("词表", None), ("词语", "级别"), ("广告", "拦截"))
    book = openpyxl.load_workbook(file)
    book.active.merge_cells("A1:B1")
    book.save(file)
    assert rows(file) == [("广告", "block")]


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


def test_what_must_be_fixed_is_not_imported(tmp_path):
    table = a_file(tmp_path, "a.csv", "词语\n傻\n，，\n廣告\n广告\n代购\n")
    with pytest.raises(UnfitError) as caught:
        import_list(table, category="ads", to=tmp_path / "lists", corpus=["全是代购的一天"])
    fixes = [(one.file, one.line, one.rule) for one in caught.value.findings if one.level == "fix"]
    assert fixes == [
        ("a.csv", 2, "one-character"),
        ("a.csv", 3, "empty"),
        ("a.csv", 5, "duplicate"),
        ("a.csv", 6, "in-corpus"),
    ]
    assert "the same as '廣告' in row 4" in str(caught.value)
    assert not (tmp_path / "lists").exists()


def test_by_force_the_rows_that_must_be_fixed_are_left_out(tmp_path):
    table = a_file(tmp_path, "a.csv", "词语,放行\n傻,\n，，,\n廣告,\n广告,~~\n代购,\n")
    done = import_list(table, category="ads", to=tmp_path / "lists", force=True)
    assert [entry.term for entry in done.list.entries] == ["廣告", "代购"]
    assert done.left_out == ("傻", "，，", "广告", "! ~~")
    assert [one.rule for one in done.findings if one.level == "fix"] == []
    assert [len(one.entries) for one in load_dir(tmp_path / "lists")] == [2]


def test_where_nothing_is_left_force_is_of_no_use(tmp_path):
    with pytest.raises(ListError, match=r"a\.txt: has no terms but those that must be fixed"):
        import_list(a_file(tmp_path, "a.txt", "傻\n"), category="ads", to=tmp_path / "lists", force=True)
    assert not (tmp_path / "lists").exists()


@pytest.mark.parametrize(
    "prose",
    [
        "本表仅供内部使用，请不要外传，谢谢",
        "请各位老师核对。",
        "以下词语由教务处与宣传部共同整理并于三月份经过会议讨论",
        "This list was made by the office.",
    ],
)
def test_prose_is_no_term(tmp_path, prose):
    table = a_file(tmp_path, "a.csv", f'词语\n广告\n"{prose}"\n')
    with pytest.raises(UnfitError, match=r"a\.csv:3: term .* reads like a sentence"):
        import_list(table, category="ads", to=tmp_path / "lists")


def test_findings_name_the_rows_of_their_sheet(tmp_path):
    table = a_book(tmp_path, 一=[("词语",), ("广告",)], 二=[("词语",), ("廣告",), ("傻",)])
    with pytest.raises(UnfitError) as caught:
        import_list(table, category="ads", to=tmp_path / "lists")
    fixes = [(one.file, one.line, one.rule) for one in caught.value.findings if one.level == "fix"]
    assert fixes == [("words.xlsx[二]", 2, "duplicate"), ("words.xlsx[二]", 3, "one-character")]
    assert "in row 2 of words.xlsx[一]" in str(caught.value)


def test_a_refused_import_changes_nothing(tmp_path):
    lists = tmp_path / "lists"
    import_list(a_file(tmp_path, "a.txt", "广告\n"), category="ads", to=lists)
    before = sorted((file, file.read_bytes()) for file in lists.rglob("*") if file.is_file())
    with pytest.raises(ListError):
        import_list(a_file(tmp_path, "b.csv", "代购,awful\n"), category="ads", to=lists)
    assert sorted((file, file.read_bytes()) for file in lists.rglob("*") if file.is_file()) == before


def everything(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_broken_list_beside_it_keeps_an_import_from_changing_anything(tmp_path):
    lists = tmp_path / "lists"
    import_list(a_file(tmp_path, "a.txt", "广告\n"), category="ads", to=lists)
    (lists / "broken.txt").write_text("no list", "utf-8")
    before = everything(lists)
    for category in ("ads", "new"):
        with pytest.raises(ListError, match=r"broken\.txt"):
            import_list(a_file(tmp_path, "b.txt", "代购\n"), category=category, to=lists)
    assert everything(lists) == before


def test_a_directory_that_is_none_is_refused_by_name(tmp_path):
    file = a_file(tmp_path, "a.txt", "广告\n")
    with pytest.raises(ListError, match=r"a\.txt: cannot be written: Not a directory"):
        import_list(file, category="ads", to=file)
