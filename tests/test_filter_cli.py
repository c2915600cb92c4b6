"""`streamgate filter`, as a person or a script runs it."""

import json
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


@pytest.mark.parametrize("engine", ["daachorse", "pyahocorasick"])
def test_bench_measures_each_engine(engine: str) -> None:
    done = run("bench", "--terms", "200", "--comments", "1000", "--json")
    rows = {row["engine"]: row for row in json.loads(done.stdout)["engines"]}
    row = rows[engine]
    assert row["terms"] == 200
    assert min(row["batched"], row["batched_exact"], row["single"], row["build_s"]) > 0
