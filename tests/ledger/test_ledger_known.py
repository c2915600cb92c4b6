"""Checks that go on from the check before: what they read anew, find, and up to when all is proven."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from ledger_tools import Clock, command

from streamgate.ledger.read import read
from streamgate.ledger.verdict import Proof
from streamgate.ledger.verify import prove, verify

DAY_S = 86_400.0
FIRST = 1_795_435_200.0  # 2026-11-23 12:00 UTC
DAYS = 6


@pytest.fixture
def ledger(writers, tmp_path: Path) -> Path:
    """Two processes on six days, some records on each."""
    for day in range(DAYS):
        for process in ("gate", "console"):
            writer = writers(process, clock=Clock(FIRST + day * DAY_S))
            for number in range(5):
                writer.write(command(number))
            assert writer.close(5)
    return tmp_path / "ledger"


def test_older_days_are_known_from_the_check_before(ledger: Path, writers) -> None:
    first = prove(ledger.parent)
    assert first.verdict == verify(ledger.parent)
    assert first.verdict.ok
    assert first.read == first.verdict.records
    assert first.until == max(record["at"] for record in read(ledger))

    writer = writers("gate", clock=Clock(FIRST + (DAYS - 1) * DAY_S + 60))
    writer.write(command(9))
    assert writer.close(5)
    again = prove(ledger.parent, first.known)
    assert again.verdict == verify(ledger.parent)
    assert again.verdict.records > first.verdict.records
    recent = {path.name for path in sorted(ledger.iterdir())[-3:]}
    files = [path for path in ledger.rglob("*.jsonl") if path.parent.name in recent]
    assert again.read == sum(len(path.read_bytes().splitlines()) for path in files)
    assert again.until == FIRST + (DAYS - 1) * DAY_S + 60


@pytest.mark.parametrize("day", range(DAYS))
def test_a_change_of_any_day_is_found(ledger: Path, day: int) -> None:
    known = prove(ledger.parent).known
    path = sorted(ledger.glob("*/gate.jsonl"))[day]
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"number":3', b'"number":4'))
    found = prove(ledger.parent, known)
    assert found.verdict == verify(ledger.parent)
    assert found.known is None
    bad = found.verdict.first_bad
    assert bad is not None
    assert (bad.file, bad.why[:8]) == (f"{path.parent.name}/gate.jsonl", "its hash")
    before = msgspec.json.decode(data.splitlines()[bad.line - 2])
    assert found.until == before["at"]
    path.write_bytes(data)
    assert prove(ledger.parent, known).verdict.ok


@pytest.mark.parametrize("what", ["removed", "put in", "replaced"])
def test_other_files_in_older_days_are_found(ledger: Path, what: str) -> None:
    known = prove(ledger.parent).known
    folder = sorted(ledger.iterdir())[1]
    path = folder / "console.jsonl"
    if what == "removed":
        path.unlink()
    elif what == "put in":
        (folder / "notes.txt").write_text("nothing")
    else:
        other = (sorted(ledger.iterdir())[2] / "console.jsonl").read_bytes()
        path.write_bytes(other)
    found = prove(ledger.parent, known)
    assert found.verdict == verify(ledger.parent)
    assert not found.verdict.ok
    day = FIRST - 12 * 3600 + DAY_S  # its beginning: of what stands there nothing is certain
    assert found.until == day


def test_a_file_that_belongs_nowhere_leaves_nothing_proven(ledger: Path) -> None:
    (ledger / "extra").write_text("x")
    found = prove(ledger.parent)
    assert (found.verdict.ok, found.until) == (False, None)


def test_the_child_gives_and_takes_what_is_known(ledger: Path) -> None:
    def run(given: bytes) -> Proof:
        argv = [sys.executable, "-m", "streamgate.ledger.prove", str(ledger.parent)]
        done = subprocess.run(argv, input=given, capture_output=True, timeout=60, check=True)
        return msgspec.json.decode(done.stdout, type=Proof)

    first = run(b"")
    again = run(msgspec.json.encode(first.known))
    assert first == prove(ledger.parent)
    assert again.verdict == first.verdict
    assert again.read < first.read


def test_the_child_says_what_cannot_be_read(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "streamgate.ledger.prove", str(tmp_path)]
    done = subprocess.run(argv, input=b"", capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "there is no ledger" in msgspec.json.decode(done.stderr)["error"]
