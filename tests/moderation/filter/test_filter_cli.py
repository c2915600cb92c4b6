"""`streamgate filter`, as a person or a script runs it."""

import codecs
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "streamgate", "filter", *arguments],
        input=given,
        capture_output=True,
        check=False,
    )


def test_check_prints_one_object_for_each_line(tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("加微信\n\nhello\n", "utf-8")
    given = "快加*微信😀\n你好\n\nｈｅllo".encode() + b"\xff\n"
    done = run("check", "--terms", str(terms), "--json", given=given)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [one["verdict"] for one in shown] == ["sensitive", "clean", "clean", "sensitive"]
    assert [one["text"] for one in shown] == ["快加*微信😀", "你好", "", "ｈｅllo\ufffd"]
    assert shown[0]["hits"] == [
        {
            "term": "加微信",
            "list": "terms",
            "category": "terms",
            "severity": "sensitive",
            "channel": "exact",
            "start": 1,
            "end": 5,
        }
    ]
    assert {"text", "verdict", "severity", "stages", "masked", "reason", "hits", "version"} == set(shown[0])
    assert (shown[0]["severity"], shown[0]["stages"]) == ("sensitive", 2)


def test_check_uses_the_installed_lists_and_masks_personal_data() -> None:
    done = run("check", "--json", given="我的电话13812345678\n".encode())
    (shown,) = map(json.loads, done.stdout.decode().splitlines())
    assert shown["masked"] == "我的电话138****5678"
    assert "personal" in {hit["channel"] for hit in shown["hits"]}


@pytest.mark.alone  # it measures
def test_check_starts_quickly(tmp_path: Path) -> None:
    terms = tmp_path / "terms.txt"
    terms.write_text("加微信\n", "utf-8")
    took = []
    for _ in range(3):
        started = time.perf_counter()
        run("check", "--terms", str(terms), given=b"x\n")
        took.append(time.perf_counter() - started)
    assert min(took) < 1.5


def test_a_broken_list_is_refused_by_file_line_and_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("@category bad\n@severity block\n词 | worst\n | block\n", "utf-8")
    row = dict.fromkeys(("title_en", "title_zh", "licence", "version", "sha256"), "")
    row |= {"file": "bad.txt", "category": "bad", "terms": 2}
    (tmp_path / "manifest.json").write_text(json.dumps([row]))
    done = run("check", "--lists", str(tmp_path), given=b"x\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert (
        "bad.txt:3: severity is 'worst'; allowed are suspected, sensitive, important, block"
        in done.stderr.decode()
    )
    assert "bad.txt:4: the term is empty" in done.stderr.decode()


def test_lint_says_whether_something_must_be_fixed(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("@category good\n@severity sensitive\n加微信\n", "utf-8")
    bad.write_text("@category bad\n@severity sensitive\n※\n", "utf-8")
    assert run("lint", str(good)).returncode == 0
    refused = run("lint", str(bad))
    assert refused.returncode == 1
    assert "bad.txt:3" in refused.stdout.decode()


def test_import_makes_a_list_that_check_takes(tmp_path: Path) -> None:
    table, lists = tmp_path / "table.csv", tmp_path / "lists"
    table.write_text("词语,级别\n加微信,拦截\n", "utf-8")
    done = run("import", str(table), "--category", "own", "--to", str(lists))
    assert done.returncode == 0, done.stderr
    checked = run("check", "--lists", str(lists), "--json", given="加微信\n".encode())
    assert json.loads(checked.stdout)["verdict"] == "block"


def terms_of(tmp_path: Path, text: str = "加微信\n") -> Path:
    file = tmp_path / "terms.txt"
    file.write_text(text, "utf-8")
    return file


def test_check_answers_a_slow_pipe_at_once(tmp_path: Path) -> None:
    terms = str(terms_of(tmp_path))
    command = [sys.executable, "-m", "streamgate", "filter", "check", "--terms", terms, "--json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        waited = []
        for text in ("一", "加微信", "二\n三"):  # the first waits for the start too
            started = time.perf_counter()
            running.stdin.write(f"{text}\n".encode())
            shown = [json.loads(running.stdout.readline())["text"] for _ in text.split("\n")]
            waited.append(time.perf_counter() - started)
            assert shown == text.split("\n")
        running.stdin.write("没有换行".encode())
        running.stdin.close()
        assert json.loads(running.stdout.readline())["text"] == "没有换行"
        assert running.stdout.read() == b""
    assert max(waited[1:]) < 0.1
    assert running.returncode == 0


def test_check_cuts_lines_right_wherever_the_pieces_of_input_end(tmp_path: Path) -> None:
    texts = [f"第{number}条 加微信 {'长' * (number % 977)}" for number in range(6000)]
    texts[3000] = "很长" * 700_000
    done = run("check", "--terms", str(terms_of(tmp_path)), "--json", given="\r\n".join(texts).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    shown = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert [one["text"] for one in shown] == texts
    assert [len(one["hits"]) for one in shown[:10]] == [1] * 10


def test_check_without_json_is_for_people(tmp_path: Path) -> None:
    done = run("check", "--terms", str(terms_of(tmp_path)), given="你好\n快加微信\n".encode())
    assert done.stdout.decode().split("\n") == [
        "clean     你好",
        "sensitive 快加微信",
        "          判为“敏感”：以原词方式命中“加微信”（terms，敏感级）。",
        "          Sensitive: “加微信” (terms, sensitive) was found as written.",
        "",
    ]


def refused(*arguments: str, given: bytes = b"x\n") -> str:
    done = run(*arguments, given=given)
    assert (done.returncode, done.stdout) == (1, b"")
    said = done.stderr.decode()
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "has no terms, so every text would pass"), ("，，\n※\n", "none of its terms can ever be found")],
)
def test_terms_that_find_nothing_are_refused(tmp_path: Path, text: str, says: str) -> None:
    file = terms_of(tmp_path, text)
    assert f"{file}: {says}" in refused("check", "--terms", str(file))


def test_a_term_that_finds_nothing_is_told_beside_the_others(tmp_path: Path) -> None:
    done = run("check", "--terms", str(terms_of(tmp_path, "加微信\n，，\n")), given=b"x\n")
    assert done.returncode == 0
    assert "'，，' can never be found" in done.stderr.decode()


def test_what_cannot_be_read_is_named_as_it_was_given(tmp_path: Path) -> None:
    assert ".: cannot be read: Is a directory" in refused("check", "--terms", ".")
    gone = tmp_path / "nodir"
    assert f"{gone}: is not a directory of lists" in refused("check", "--lists", str(gone))
    gone.mkdir()
    assert f"{gone / 'manifest.json'}: is missing" in refused("check", "--lists", str(gone))
    (gone / "manifest.json").write_text("[]")
    assert f"{gone}: its lists have no terms" in refused("check", "--lists", str(gone))


@pytest.mark.parametrize(
    ("redirection", "says"),
    [
        ("<&-", "standard input is closed"),
        ("0>/dev/null", "standard input cannot be read: Bad file descriptor"),
        (">&-", "standard output is closed"),
        (">/dev/full", "standard output cannot be written: No space left on device"),
    ],
)
def test_streams_that_cannot_be_used_are_told(tmp_path: Path, redirection: str, says: str) -> None:
    script = f'exec "$0" -m streamgate filter check --terms "$1" {redirection}'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, str(terms_of(tmp_path))],
        input=b"x\n",
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 1
    assert f"streamgate: {says}" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_who_reads_only_the_head_gets_no_complaint(tmp_path: Path) -> None:
    script = 'yes x | head -200000 | "$0" -m streamgate filter check --terms "$1" --json | head -1'
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, str(terms_of(tmp_path))], capture_output=True, check=False
    )
    assert (len(done.stdout.splitlines()), done.stderr) == (1, b"")


def test_import_refuses_what_must_be_fixed_and_leaves_it_out_by_force(tmp_path: Path) -> None:
    table, lists = tmp_path / "table.csv", tmp_path / "lists"
    table.write_text("词语,级别\n代课,敏感\n代课,拦截\n傻,敏感\n", "utf-8")
    arguments = ("import", str(table), "--category", "own", "--to", str(lists))
    done = run(*arguments)
    assert done.returncode == 1
    assert "table.csv:4: fix: term '傻'" in done.stdout.decode()
    assert "nothing was imported" in done.stderr.decode()
    assert not lists.exists()
    told = json.loads(run(*arguments, "--json").stdout)
    assert told["version"] is None
    assert [one["rule"] for one in told["findings"] if one["level"] == "fix"] == ["one-character"]

    done = run(*arguments, "--force")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "left out: 傻" in done.stdout.decode()
    assert "row 3: '代课' is block" in done.stdout.decode()
    checked = run("check", "--lists", str(lists), "--json", given="找代课。傻\n".encode())
    assert [(hit["term"], hit["severity"]) for hit in json.loads(checked.stdout)["hits"]] == [
        ("代课", "block")
    ]


def test_import_to_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    file = terms_of(tmp_path)
    assert f"{file}: cannot be written" in refused(
        "import", str(file), "--category", "own", "--to", str(file)
    )


def test_versions_are_listed_compared_and_brought_back(tmp_path: Path) -> None:
    lists = str(tmp_path / "lists")
    for text in ("加微信\n", "加微信\n加群聊\n"):
        file = str(terms_of(tmp_path, text))
        assert run("import", file, "--category", "own", "--to", lists).returncode == 0

    (told,) = map(json.loads, run("history", "--lists", lists, "--json").stdout.splitlines())
    assert (told["list"], told["now"]) == ("own", 2)
    assert [(one["version"], one["terms"]) for one in told["versions"]] == [(1, 1), (2, 2)]
    assert "2 terms  counts now" in run("history", "own", "--lists", lists).stdout.decode()

    assert run("diff", "own", "--lists", lists).stdout.decode() == "+ 加群聊 | sensitive\n"
    assert run("diff", "own", "2", "1", "--lists", lists).stdout.decode() == "- 加群聊 | sensitive\n"
    assert run("diff", "own", "2", "--lists", lists).stdout.decode() == "no difference\n"
    told = json.loads(run("diff", "own", "1", "2", "--lists", lists, "--json").stdout)
    assert [one["term"] for one in told["added"]] == ["加群聊"]

    done = run("rollback", "own", "1", "--lists", lists)
    assert done.stdout.decode() == "own: version 3 says what version 1 said, 1 terms\n- 加群聊 | sensitive\n"
    checked = run("check", "--lists", lists, "--json", given="来加群聊\n".encode())
    assert json.loads(checked.stdout)["verdict"] == "clean"

    assert "own.txt: has no version 9; kept are 1, 2, 3" in refused("rollback", "own", "9", "--lists", lists)
    assert "has no list 'abc'; it has own" in refused("diff", "abc", "--lists", lists)


@pytest.mark.parametrize("engine", ["daachorse", "pyahocorasick"])
def test_bench_measures_each_engine(engine: str) -> None:
    done = run("bench", "--terms", "200", "--comments", "1000", "--json")
    rows = {row["engine"]: row for row in json.loads(done.stdout)["engines"]}
    row = rows[engine]
    assert row["terms"] == 200
    assert min(row["batched"], row["batched_exact"], row["single"], row["build_s"]) > 0


# ---------------------------------------------------------------- encodings


def verdicts(done: subprocess.CompletedProcess[bytes]) -> list[tuple[str, str]]:
    shown = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return [(one["text"], one["verdict"]) for one in shown]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_check_reads_what_spreadsheets_and_chats_export(tmp_path: Path, encoding: str, end: str) -> None:
    texts = ["快加微信😀", "一上一上", "今天天气很好", "hello", "联通", "", "加微信"]
    given = end.join(texts).encode(encoding)
    done = run("check", "--terms", str(terms_of(tmp_path)), "--json", given=given)
    hits = ("sensitive", "clean", "clean", "clean", "clean", "clean", "sensitive")
    assert verdicts(done) == list(zip(texts, hits, strict=True))
    assert done.returncode == 0
    (first, *_) = map(json.loads, done.stdout.decode().splitlines())
    assert (first["hits"][0]["start"], first["hits"][0]["end"]) == (1, 4)
    told = {"gb18030": "is GB 18030 in part", "utf-16-le": "UTF-16 without its mark"}
    told["utf-16-be"] = told["utf-16-le"]
    said = done.stderr.decode()
    assert told.get(encoding, "") in said
    assert len(said.splitlines()) == (encoding in told)


def test_what_cannot_be_read_is_held_and_named_and_never_clean(tmp_path: Path) -> None:
    given = "你好\n".encode() + b"caf\xe9 13812345678\n" + "你好".encode() + b"\xe5\xa5\n" + b"\xff\xfe\xfd\n"
    done = run("check", "--terms", str(terms_of(tmp_path)), "--json", given=given)
    assert done.returncode == 0
    shown = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [one["verdict"] for one in shown] == ["clean", "sensitive", "important", "important"]
    assert (shown[2]["stages"], shown[2]["text"]) == (3, "你好\ufffd\ufffd")
    assert shown[2]["reason"]["en"].startswith("It holds bytes that could not be read")
    assert "无法识别" in shown[2]["reason"]["zh"]
    said = done.stderr.decode().splitlines()
    assert [line.split(":")[1] for line in said] == [" standard input, line 3", " standard input, line 4"]
    assert "allowed are UTF-8, UTF-16 and GB 18030" in said[0]


def test_lines_held_are_counted_when_there_are_many(tmp_path: Path) -> None:
    done = run("check", "--terms", str(terms_of(tmp_path)), given=b"\xff\n" * 50)
    said = done.stderr.decode().splitlines()
    assert len(said) == 21
    assert "30 more lines were held" in said[-1]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16"])
def test_a_slow_pipe_is_answered_at_once_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    terms = str(terms_of(tmp_path))
    command = [sys.executable, "-m", "streamgate", "filter", "check", "--terms", terms, "--json"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        encode = codecs.getincrementalencoder(encoding)()
        waited = []
        for text in ("好", "加微信", "一"):
            started = time.perf_counter()
            running.stdin.write(encode.encode(f"{text}\n"))
            assert json.loads(running.stdout.readline())["text"] == text
            waited.append(time.perf_counter() - started)
        running.stdin.close()
    assert min(waited[1:]) < 0.1


# ---------------------------------------------------------------- slips


@pytest.mark.parametrize("line", ["赌球网,拦截", "赌球网 拦截", "赌球网，重要级", "赌球网：敏感"])
def test_a_severity_behind_a_term_is_refused_wherever_terms_are_taken(tmp_path: Path, line: str) -> None:
    file, lists = terms_of(tmp_path, f"广告\n{line}\n"), tmp_path / "lists"
    assert f"terms.txt:2: {line!r} ends in" in refused("check", "--terms", str(file))
    done = run("import", str(file), "--category", "own", "--to", str(lists))
    assert done.returncode == 1
    assert f"terms.txt:2: fix: term {line!r} ends in" in done.stdout.decode()
    assert not lists.exists()
    listed = tmp_path / "own.txt"
    listed.write_text(f"@category own\n@severity block\n{line}\n", "utf-8")
    done = run("lint", str(listed))
    assert (done.returncode, "typing-slip" in done.stdout.decode()) == (1, True)


@pytest.mark.parametrize("line", ["赌球网 | block", "赌球网｜拦截", "# 注释", "@category x", "！路口交通"])
def test_terms_in_the_format_of_lists_are_refused(tmp_path: Path, line: str) -> None:
    said = refused("check", "--terms", str(terms_of(tmp_path, f"广告\n{line}\n")))
    assert f"terms.txt:2: {line!r} is in the format of lists" in said


def test_signs_that_bare_terms_have_are_taken(tmp_path: Path) -> None:
    done = run("check", "--terms", str(terms_of(tmp_path, "#话题\n@所有人\nc,d\n")), given=b"x\n")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_term_that_is_too_long_is_named_with_its_line(tmp_path: Path) -> None:
    said = refused("check", "--terms", str(terms_of(tmp_path, f"好的\n\n{'很' * 65}\n")))
    assert f"terms.txt:3: term '{'很' * 20}...' has 65 characters; allowed are 64" in said


def test_versions_that_cannot_be_are_refused(tmp_path: Path) -> None:
    lists = str(tmp_path / "lists")
    for text in ("加微信\n", "加群聊\n"):
        run("import", str(terms_of(tmp_path, text)), "--category", "own", "--to", lists)
    assert "has no version 0; kept are 1, 2" in refused("diff", "own", "2", "0", "--lists", lists)
    assert "has no version 0; kept are 1, 2" in refused("diff", "own", "0", "1", "--lists", lists)
    assert "has no version -1; kept are 1, 2" in refused("diff", "own", "-1", "--lists", lists)
    assert "has no version -1; kept are 1, 2" in refused("rollback", "own", "-1", "--lists", lists)


def test_a_directory_without_lists_has_no_history(tmp_path: Path) -> None:
    assert f"{tmp_path}: has no list, nor a history" in refused("history", "--lists", str(tmp_path))


def test_a_directory_is_no_table(tmp_path: Path) -> None:
    said = refused("import", ".", "--category", "own", "--to", str(tmp_path))
    assert ".: is a directory; give a file that ends in .csv" in said


def test_help_says_what_is_printed_and_which_version_is_which() -> None:
    def helped(command: str) -> str:
        return " ".join(run(command, "--help").stdout.decode().split())

    assert "under a hit two lines that say why" in helped("check")
    assert "[BEFORE] [AFTER]" in helped("diff")
    assert "LIST...}..." not in helped("lint")
