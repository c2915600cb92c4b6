"""What `make bench` prints: columns beside an earlier run, the quick run's budgets, refusals."""

import dataclasses
import json
import subprocess
import sys

import pytest
from bench import compare
from bench.__main__ import lines, main, make_parser, settings_of, sizes_of, took_rows
from bench.parts import BESIDE, PARTS, QUICK_ALL_S, QUICK_S
from bench.sizes import FULL, QUICK

ROWS = [
    ("gate with one channel", "2.40 %", "", None),
    ("  p99 of 1,200", "12.00 ms", "aim under 20 ms", True),
    ("ingest with one channel", "1.00 %", "", None),
    ("  p99 of 1,200", "40.00 ms", "aim under 20 ms", False),
    ("air without comments | while they come in", "8.00 | 10.00 ms", "", None),
]


def test_keys_tell_rows_of_one_name_apart_and_ignore_sample_sizes():
    other = [(name.replace("1,200", "987"), *rest) for name, *rest in ROWS]
    assert compare.keys(ROWS) == compare.keys(other)
    assert len(set(compare.keys(ROWS))) == len(ROWS)


def test_keys_number_rows_that_nothing_else_tells_apart():
    assert len(set(compare.keys([("same", "1"), ("same", "2")]))) == 2


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ("1,200/s", "1,000/s", "1.20 x"),
        ("8.00 | 10.00 ms", "16.00 | 5.00 ms", "0.50, 2.00 x"),
        ("3 ms", "0 ms", "- x"),
        ("3 ms", "1 | 2 ms", ""),
        ("none", "none", ""),
    ],
)
def test_ratio_compares_number_by_number(now, then, expected):
    assert compare.ratio(now, then) == expected


def test_a_result_file_is_the_other_column(tmp_path):
    halved = [[name, value.replace("12.00", "24.00"), aim, kept] for name, value, aim, kept in ROWS]
    file = tmp_path / "result.json"
    file.write_text(json.dumps({"rows": halved}))
    table = list(lines(ROWS, compare.values_of(str(file), [])))
    assert table[0].split() == ["now", "base", "now", "/", "base"]
    assert " ".join(table[2].split()) == "p99 of 1,200 12.00 ms 24.00 ms 0.50 x aim under 20 ms kept"
    assert " ".join(table[4].split()) == "p99 of 1,200 40.00 ms 40.00 ms 1.00 x aim under 20 ms MISSED"


def test_without_a_base_there_is_no_other_column():
    assert list(lines(ROWS[:1], {})) == ["gate with one channel              2.40 %"]


def test_a_base_that_does_not_exist_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "quick", "filter", "--compare", "nowhere"])
    with pytest.raises(SystemExit):
        main()
    assert "nowhere: neither a result file nor a commit" in capsys.readouterr().err


def test_a_base_that_cannot_be_measured_is_told_and_its_tree_is_removed(tmp_path, monkeypatch):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "nothing"], check=True)
    monkeypatch.setattr(compare, "ROOT", tmp_path)  # it has no bench
    with pytest.raises(compare.NoBaseError, match="today's bench ended with code 1"):
        compare.values_of("HEAD", ["quick", "verify"])
    assert list((tmp_path / ".bench" / "base").iterdir()) == []


def test_a_part_that_does_not_exist_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "aire"])
    with pytest.raises(SystemExit):
        main()
    assert "aire: not a part; there are air, filter" in capsys.readouterr().err


def test_budgets_of_a_quick_run_stay_under_four_minutes():
    assert set(QUICK_S) <= set(PARTS)
    assert sum(seconds for name, seconds in QUICK_S.items() if name not in BESIDE) <= QUICK_ALL_S <= 240


def test_a_quick_run_says_what_took_longer_than_its_budget():
    measured = {"air": {"took_s": 60.0}, "filter": {"took_s": QUICK_S["filter"] + 1.0}}
    rows = took_rows(measured, 61, quick=True)
    assert [(name, kept) for name, _, _, kept in rows] == [
        ("time taken: air", True),
        ("time taken: filter", False),
        ("time taken: all", None),
    ]
    assert {kept for *_, kept in took_rows(measured, 61, quick=False)} == {None}


@pytest.mark.parametrize("default", [FULL, QUICK])
def test_sizes_survive_the_arguments_of_a_part_that_is_measured_beside_another(default):
    changed = dataclasses.replace(default, window_s=2.5, hours=0.25, cuts=3)
    chosen = make_parser().parse_args(["quick", "filter", *settings_of(changed)])
    assert sizes_of(chosen, default) == changed


def test_a_part_that_fails_says_so_and_costs_no_other_part(tmp_path, monkeypatch, capsys):
    def fail(_job):
        raise RuntimeError("no such thing")

    monkeypatch.setitem(PARTS, "filter", fail)
    monkeypatch.setitem(PARTS, "air", lambda _job: ([("air", "1", "", True)], {"air": 1}))
    monkeypatch.setattr(sys, "argv", ["bench", "air", "filter", "--json", str(tmp_path / "found.json")])
    assert main() == 1
    found = json.loads((tmp_path / "found.json").read_text())
    assert [row[:2] for row in found["rows"][:2]] == [["air", "1"], ["filter failed", "no such thing"]]
    assert "Traceback" in capsys.readouterr().err
