"""The verifier over whole directories: what was manipulated is found and named, what was not is not."""

import json
import random
import shutil
import subprocess
import sys
import threading
import time

import pytest
from ledger_tools import Clock, command, until

from streamgate.errors import LedgerError
from streamgate.ledger.chain import Head, canonical, link
from streamgate.ledger.verify import verify

NOON = 1_795_867_200.0
DAY = 86_400.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three days of a gate and a console; each file's last record but the newest is named by another file."""
    from streamgate.ledger.writer import Writer

    root = tmp_path_factory.mktemp("made") / "ledger"
    clock = Clock(NOON)
    gate, console = Writer(root, "gate", clock=clock), Writer(root, "console", clock=clock)
    for day in range(3):
        clock.at = NOON + day * DAY
        for number in range(30):
            writer = console if number % 3 else gate
            writer.written(command(number)).result(5)
    assert console.close(5)
    assert gate.close(5)
    last = Writer(root, "cli", clock=clock)  # its seal names all
    last.written(command(99)).result(5)
    assert last.close(5)
    assert verify(root).ok
    return root


@pytest.fixture
def ledger(made, tmp_path):
    shutil.copytree(made, tmp_path / "ledger")
    return tmp_path / "ledger"


def manipulate(root, dice) -> str:
    """Do one thing to a ledger; return what."""
    path = dice.choice(sorted(root.rglob("*.jsonl")))
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    name = str(path.relative_to(root))
    kind = dice.choice(
        ["byte", "byte", "remove byte", "add byte", "swap", "remove", "double", "cut", "file", "move"]
    )
    at = dice.randrange(len(data))
    if kind == "byte":
        data = (
            data[:at] + bytes([dice.choice([one for one in range(256) if one != data[at]])]) + data[at + 1 :]
        )
    elif kind == "remove byte":
        data = data[:at] + data[at + 1 :]
    elif kind == "add byte":
        data = data[:at] + bytes([dice.randrange(256)]) + data[at:]
    elif kind == "swap":
        one, other = dice.sample(range(len(lines)), 2)
        lines[one], lines[other] = lines[other], lines[one]
        data = b"".join(lines)
    elif kind == "remove":
        del lines[dice.randrange(len(lines) - (name.endswith("cli.jsonl")))]
        data = b"".join(lines)
    elif kind == "double":
        one = dice.randrange(len(lines))
        data = b"".join([*lines[: one + 1], *lines[one:]])
    elif kind == "cut":  # the newest file's own end is named by nobody
        if name.endswith("cli.jsonl"):
            return manipulate(root, dice)
        keep = dice.randrange(len(lines) - 1)
        data = b"".join(lines[:keep])
    elif kind == "file":
        if name.endswith("cli.jsonl"):
            return manipulate(root, dice)
        path.unlink()
        return f"{name} removed"
    else:
        other = path.with_name("other.jsonl") if dice.random() < 0.5 else path.with_name("gate.9.jsonl")
        path.rename(other)
        return f"{name} renamed to {other.name}"
    path.write_bytes(data)
    return f"{name}: {kind} at {at} of {len(data)}"


def test_300_random_manipulations_are_all_found_and_named(made, tmp_path):
    dice = random.Random(20261128)
    whole = {path.relative_to(made): path.read_bytes() for path in made.rglob("*.jsonl")}
    for number in range(300):
        root = tmp_path / str(number)
        shutil.copytree(made, root)
        what = manipulate(root, dice)
        if {path.relative_to(root): path.read_bytes() for path in root.rglob("*.jsonl")} == whole:
            continue
        verdict = verify(root)
        assert not verdict.ok, f"not found: {number}: {what}"
        bad = verdict.first_bad
        assert bad.file
        assert bad.why
        shutil.rmtree(root)


def test_the_first_bad_record_is_named_by_file_and_line(ledger):
    path = ledger / "2026-11-29" / "console.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:6], lines[6].replace("alice", "mally"), *lines[7:]]))
    bad = verify(ledger).first_bad
    assert (bad.file, bad.line) == ("2026-11-29/console.jsonl", 7)
    assert "was changed" in bad.why


def test_a_chain_that_was_computed_anew_is_found_by_the_seals_of_others(ledger):
    path = ledger / "2026-11-30" / "gate.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    head, lines = Head(0, records[0]["prev"]), []
    for record in records:
        body = {name: one for name, one in record.items() if name not in ("n", "prev", "hash")}
        body["who"] = "console:mally" if "who" in body else ""
        line, head = link(body, head)
        lines.append(line)
    path.write_bytes(b"".join(lines))
    bad = verify(ledger).first_bad
    assert bad.file in ("2026-11-30/cli.jsonl", "2026-11-30/console.jsonl")
    assert "written anew" in bad.why


def test_lines_that_were_cut_off_are_found_by_the_seal_that_names_them(ledger):
    path = ledger / "2026-11-30" / "gate.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    bad = verify(ledger).first_bad
    assert bad.file == "2026-11-30/cli.jsonl"
    assert "2026-11-30/gate.jsonl had" in bad.why
    assert "cut off" in bad.why


def test_what_nothing_names_can_be_cut_off_unseen(ledger):
    """As the documents say: the newest file's last lines, until another process or a restart seals them."""
    path = ledger / "2026-11-30" / "cli.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert verify(ledger).ok


def test_a_day_that_is_missing_and_strange_files_are_found(ledger):
    shutil.copytree(ledger, ledger.parent / "second")
    shutil.rmtree(ledger / "2026-11-28")
    assert verify(ledger).first_bad.file == "2026-11-29/console.jsonl"
    (ledger.parent / "second" / "2026-11-29" / "notes.txt").touch()
    assert verify(ledger.parent / "second").first_bad.file == "2026-11-29/notes.txt"


def test_a_second_beginning_of_a_process_is_found(ledger):
    source = ledger / "2026-11-28" / "gate.jsonl"
    name = "2026-11-30/gate.2.jsonl"
    record = json.loads(source.read_text().splitlines()[0])
    body = {key: one for key, one in record.items() if key not in ("n", "prev", "hash")}
    line, _ = link({**body, "file": name, "day": "2026-11-30"}, Head(0, "0" * 64))
    (ledger / name).write_bytes(line)
    bad = verify(ledger).first_bad
    assert (bad.file, bad.line) == (name, 1)


def test_a_ledger_is_found_in_a_data_directory_and_by_itself_and_missed_elsewhere(ledger, tmp_path):
    assert verify(ledger) == verify(ledger.parent)
    (tmp_path / "empty").mkdir()
    with pytest.raises(LedgerError, match="no ledger"):
        verify(tmp_path / "empty")
    with pytest.raises(LedgerError, match="cannot be read"):
        verify(tmp_path / "nowhere")


def test_200_checks_of_a_ledger_that_is_written_meanwhile_raise_no_false_alarm(writers, tmp_path):
    root = tmp_path / "ledger"
    clock = Clock(NOON)
    options = {"clock": clock, "seal_every_s": 0.05}
    both = [writers("gate", **options), writers("console", **options)]
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            for one in both:
                one.write(command(number))
            number += 1
            clock.at += 200  # a day in less than three seconds
            time.sleep(0.003)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        until(lambda: all((root / "2026-11-28" / f"{name}.jsonl").exists() for name in ("gate", "console")))
        for _ in range(200):
            verdict = verify(root)
            assert verdict.ok, verdict
            time.sleep(0.02)
    finally:
        over.set()
        thread.join()
    assert verdict.records > 500
    assert verdict.files > 4


def test_the_command_tells_the_verdict_in_fixed_words_and_by_its_exit_code(ledger, tmp_path):
    def run(*arguments: str):
        command_line = [sys.executable, "-m", "streamgate", "verify", *arguments]
        return subprocess.run(command_line, capture_output=True, text=True, check=False)

    good = run(str(ledger), "--json")
    said = json.loads(good.stdout)
    fixed = ["ok", "records", "files", "first_bad", "signed", "certificates", "missing"]
    assert (good.returncode, list(said)[:7]) == (0, fixed)
    assert (said["ok"], said["first_bad"]) == (True, None)
    assert said["files"] == 7
    path = ledger / "2026-11-28" / "gate.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":4', 1))
    bad = run(str(ledger), "--json")
    assert bad.returncode == 1
    assert set(json.loads(bad.stdout)["first_bad"]) == {"file", "line", "why"}
    assert "2026-11-28/gate.jsonl, line" in run(str(ledger)).stdout
    none = run(str(tmp_path), "--json") if not (tmp_path / "ledger").exists() else run("/proc/self/fd")
    assert none.returncode == 2
    assert "no ledger" in none.stderr


BY_HAND = """
import hashlib, json, sys
before = None
for line in open(sys.argv[1], "rb"):
    record = json.loads(line)
    said = record.pop("hash")
    body = line.rstrip(b"\\n")[:-75] + b"}"
    assert json.loads(body) == record
    assert hashlib.sha256(body).hexdigest() == said, f"changed: {line}"
    assert before in (None, record["prev"]), f"something is missing before: {line}"
    before = said
print(before)
"""


def test_ten_lines_of_python_check_a_file_without_the_program(made):
    for path in made.rglob("*.jsonl"):
        command_line = [sys.executable, "-I", "-c", BY_HAND, str(path)]
        said = subprocess.run(command_line, capture_output=True, text=True, check=True).stdout.strip()
        last = json.loads(path.read_text().splitlines()[-1])
        assert said == last.pop("hash")
        assert canonical(last).startswith(b'{"at":')
