"""The writer with real files: days, restarts, kills, other processes, gaps."""

import asyncio
import fcntl
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ledger_tools import Clock, command, until

from streamgate.errors import LedgerError
from streamgate.ledger import writer as writing
from streamgate.ledger.places import find_in_order, find_places
from streamgate.ledger.read import read
from streamgate.ledger.record import Command, Setting
from streamgate.ledger.verify import verify

NOON = 1_795_867_200.0  # 2026-11-28, 12:00 UTC
DAY = 86_400.0


def kinds(root, process=""):
    return [record["kind"] for record in read(root, process=process)]


def numbers(root):
    return [record["args"]["number"] for record in read(root, kind="command")]


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ledger"


def test_records_are_on_disk_in_order_with_the_time_and_the_boot(writers, root):
    writer = writers()
    before = time.time()
    for number in range(500):
        writer.write(command(number))
    assert writer.close(5)
    assert numbers(root) == list(range(500))
    assert kinds(root)[0] == "header"
    assert kinds(root)[-1] == "close"
    record = next(read(root, kind="command"))
    assert before <= record["at"] <= time.time()
    assert record["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert record["mono_us"] <= time.monotonic_ns() // 1000
    assert verify(root).ok


async def test_a_caller_may_wait_until_its_record_is_on_disk(writers, root):
    writer = writers()
    place = await asyncio.wait_for(asyncio.wrap_future(writer.written(command(1))), 5)
    lines = (root / place.file).read_text().splitlines()
    record = json.loads(lines[place.record - 1])
    assert (record["hash"], record["args"]) == (place.hash, {"number": 1})


def test_what_is_recorded_is_on_disk_within_50_ms(writers, root):
    writer = writers()
    writer.written(command(0)).result(5)
    late = []
    for number in range(1, 101):
        begun = time.perf_counter()
        writer.written(command(number)).result(5)
        late.append(time.perf_counter() - begun)
        time.sleep(0.002)
    late.sort()
    assert late[50] < 0.05, f"half of the records took {late[50] * 1000:.1f} ms"


def test_a_process_that_comes_back_goes_on_with_its_file_and_says_so(writers, root):
    for number in range(3):
        writer = writers()
        writer.write(command(number))
        assert writer.close(5)
    assert len(files(root)) == 1
    told = [kind for kind in kinds(root) if kind in ("header", "open", "close", "command")]
    assert told == ["header", "command", "close", "open", "command", "close", "open", "command", "close"]
    assert verify(root).ok


def test_a_day_has_a_file_of_its_own_and_a_clock_that_steps_back_over_midnight_changes_none(writers, root):
    clock = Clock(NOON)
    writer = writers(clock=clock)
    for number, at in enumerate([0, 0.4, 0.6, 0.4, 0.6, 1.6, 1.4]):
        clock.at = NOON + at * DAY
        writer.written(command(number)).result(5)
    assert writer.close(5)
    assert files(root) == ["2026-11-28/gate.jsonl", "2026-11-29/gate.jsonl", "2026-11-30/gate.jsonl"]
    assert numbers(root) == list(range(7))
    assert [record["why"] for record in read(root, kind="close")] == ["midnight", "midnight", "end"]
    again = writers(clock=clock)
    again.written(command(7)).result(5)
    assert again.close(5)
    assert len(files(root)) == 3
    assert verify(root).ok


def test_a_clock_that_was_years_ahead_costs_no_more_than_a_file(writers, root):
    clock = Clock(NOON)
    writer = writers(clock=clock)
    writer.written(command(0)).result(5)
    clock.at = NOON + 9000 * DAY
    writer.written(command(1)).result(5)
    clock.at = NOON + 60
    writer.written(command(2)).result(5)
    assert writer.close(5)
    assert files(root) == ["2026-11-28/gate.2.jsonl", "2026-11-28/gate.jsonl", "2051-07-20/gate.jsonl"]
    again = writers(clock=clock)
    again.written(command(3)).result(5)
    assert again.close(5)
    assert len(files(root)) == 3
    assert sorted(numbers(root)) == [0, 1, 2, 3]
    assert verify(root).ok


def test_processes_name_each_other_at_start_at_end_and_in_between(writers, root):
    gate = writers(seal_every_s=0.1)
    gate.written(command(0)).result(5)
    console = writers("console", seal_every_s=0.1)
    console.written(command(1)).result(5)
    until(lambda: [one for one in read(root, process="gate", kind="seal") if one["why"] == "period"])
    time.sleep(0.5)
    assert kinds(root).count("seal") < 8, "seals answer each other for ever"
    assert console.close(5)
    assert gate.close(5)
    seals = list(read(root, kind="seal"))
    assert {seal["why"] for seal in seals} == {"start", "period", "end"}
    assert {head["file"][11:] for seal in seals for head in seal["heads"]} == {"gate.jsonl", "console.jsonl"}
    assert verify(root).ok


def test_a_torn_last_line_is_put_aside_and_recorded(writers, root):
    writer = writers()
    writer.written(command(0)).result(5)
    assert writer.close(5)
    (path,) = root.rglob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at":17')
    assert "not whole" in verify(root).first_bad.why
    writer = writers()
    writer.written(command(1)).result(5)
    assert writer.close(5)
    assert path.read_bytes().startswith(whole)
    (mended,) = read(root, kind="mended")
    assert (root / mended["kept"]).read_bytes() == b'{"at":17'
    assert (mended["file"], mended["bytes"]) == (f"{path.parent.name}/gate.jsonl", 8)
    assert verify(root).ok
    (root / mended["kept"]).write_bytes(b'{"at":18')
    assert "which it names" in verify(root).first_bad.why


def test_a_file_that_does_not_verify_is_left_as_it_is_and_followed_by_another(writers, root):
    writer = writers()
    for number in range(5):
        writer.write(command(number))
    assert writer.close(5)
    (path,) = root.rglob("*.jsonl")
    damaged = path.read_bytes().replace(b'"number":3', b'"number":9')
    path.write_bytes(damaged)
    writer = writers()
    writer.written(command(5)).result(5)
    assert writer.close(5)
    assert path.read_bytes() == damaged
    (found,) = read(root, kind="damaged")
    line = 1 + [b'"number":9' in one for one in damaged.splitlines()].index(True)
    assert (found["file"], found["line"]) == (f"{path.parent.name}/gate.jsonl", line)
    bad = verify(root).first_bad
    assert (bad.file, bad.line) == (found["file"], line)
    writer = writers()
    assert writer.close(5)
    assert len(list(read(root, kind="damaged"))) == 1


@pytest.mark.parametrize("torn", [b"", b'{"at":17'])
def test_a_file_that_another_process_holds_is_not_written_to(writers, root, torn):
    """As the defunct process of a gate that hangs in a frozen disk."""
    writer = writers()
    writer.written(command(0)).result(5)
    assert writer.close(5)
    (path,) = root.rglob("*.jsonl")
    with path.open("ab") as defunct:
        fcntl.flock(defunct, fcntl.LOCK_EX)
        second = writers()
        second.written(command(1)).result(5)
        before = path.read_bytes()
        assert second.close(5)
        assert path.read_bytes() == before
        defunct.write(torn)  # its last system call ends
    assert [name[11:] for name in files(root)] == ["gate.2.jsonl", "gate.jsonl"]
    third = writers()
    third.written(command(2)).result(5)
    assert third.close(5)
    assert len([name for name in files(root) if ".torn" not in name]) == 2
    assert sorted(numbers(root)) == [0, 1, 2]
    assert len(list(read(root, kind="mended"))) == bool(torn)
    assert verify(root).ok


def test_what_does_not_fit_is_counted_and_leaves_a_gap_record(writers, root, monkeypatch):
    monkeypatch.setattr(writing, "MAX_RECORDS", 10)
    monkeypatch.setattr(writing, "WATCH_S", 0.02)
    alarms = []
    (root.parent / "blocked").touch()
    writer = writers(root=root.parent / "blocked", alarm=alarms.append)
    until(lambda: alarms)
    (root.parent / "blocked").unlink()
    futures = [writer.written(command(number)) for number in range(25)]
    done = []
    for number, future in enumerate(futures):
        try:
            future.result(5)
            done.append(number)
        except LedgerError:
            pass
    until(lambda: list(read(root.parent / "blocked", kind="gap")))
    (gap,) = read(root.parent / "blocked", kind="gap")
    assert gap["lost"] == 25 - len(done) > 0
    assert gap["since"] <= gap["until"]
    assert numbers(root.parent / "blocked") == done
    until(lambda: len(alarms) == 2)
    assert alarms[1] == ""
    assert writer.close(5)
    assert verify(root.parent / "blocked").ok


def test_a_record_without_a_form_is_counted_as_lost_and_harms_no_other(writers, root):
    writer = writers()
    writer.write(Setting(name="delay", old={1, object}))
    writer.write(Setting(name="delay", new=2**60 + 1))
    with pytest.raises(LedgerError, match="at most"):
        writer.written(Command(args={"x": "x" * 300_000})).result(5)
    writer.written(command(1)).result(5)
    assert writer.close(5)
    assert sum(gap["lost"] for gap in read(root, kind="gap")) == 3
    assert verify(root).ok


def test_a_ledger_that_is_removed_while_it_is_written_is_begun_again_and_nothing_is_lost(writers, root):
    alarms = []
    writer = writers(alarm=alarms.append)
    writer.written(command(0)).result(5)
    root.rename(root.parent / "moved")
    writer.written(command(1)).result(5)
    assert writer.close(5)
    assert numbers(root) == [1]
    assert numbers(root.parent / "moved") in ([0], [0, 1])


def test_a_copy_in_memory_that_is_torn_or_damaged_costs_that_record_only(writers, root, tmp_path):
    def copy(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    spill = tmp_path / "run" / "gate.spill"
    spill.parent.mkdir()
    whole = [copy(b'{"args":{"number":%d},"kind":"command"}' % number) for number in range(2)]
    spill.write_bytes(whole[0] + copy(b"\xff\0") + whole[1] + whole[0][:9])
    writer = writers(spill_dir=tmp_path / "run")
    writer.written(command(2)).result(5)
    assert writer.close(5)
    assert numbers(root) == [0, 1, 2]
    (gap,) = read(root, kind="gap")
    assert (gap["lost"], gap["why"]) == (1, "its copy in memory is damaged")
    assert spill.read_bytes() == b""
    assert verify(root).ok


# ---------------------------------------------------------------- kill -9

WRITES = """
import sys
from pathlib import Path
from streamgate.ledger.record import Command
from streamgate.ledger.writer import Writer
writer = Writer(Path(sys.argv[1]), "gate", spill_dir=Path(sys.argv[2]))
number = int(sys.argv[3])
while True:
    writer.write(Command(who="cli:root", what="cut", args={"number": number}))
    sys.stdout.write(f"{number}\\n")  # as an answer: at once, not when it is on disk
    sys.stdout.flush()
    number += 1
    if number % 40 == 0:
        writer.written(Command(who="cli:root", what="pause")).result()
"""


def test_after_each_of_50_kills_the_ledger_verifies_and_holds_all_that_was_answered(root, tmp_path, writers):
    """Records that were on their way come from memory; none stands there twice."""
    answered = []
    start = 0
    for round_ in range(50):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITES, str(root), str(tmp_path / "run"), str(start)],
            stdout=subprocess.PIPE,
        )
        process.stdout.readline()
        answered.append(start)
        time.sleep(0.003 * (round_ % 17))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        answered += [int(line) for line in rest.split(b"\n")[:-1]]
        start = answered[-1] + 2
        if round_ % 2:
            verdict = verify(root)
            assert verdict.ok or "not whole" in verdict.first_bad.why, verdict
    writer = writers(spill_dir=tmp_path / "run")
    assert writer.close(5)
    assert verify(root).ok
    found = [one["args"]["number"] for one in read(root, kind="command") if one["what"] == "cut"]
    assert len(found) == len(set(found))
    assert set(answered) <= set(found)
    assert found == sorted(found)
    assert kinds(root).count("open") + kinds(root).count("header") <= 51


def test_files_of_a_process_stand_as_it_wrote_them_though_the_clock_was_set_back(writers, root):
    for at in (0, 3, 0, -2, 3):  # days: it ended and came back each time
        writers(clock=Clock(NOON + at * DAY)).close(5)
    writers("console", clock=Clock(NOON + DAY)).close(5)
    assert [place.name for place in find_in_order(root)] == [
        "2026-11-28/gate.jsonl",
        "2026-11-29/console.jsonl",
        "2026-12-01/gate.jsonl",
        "2026-11-28/gate.2.jsonl",
        "2026-11-26/gate.jsonl",
        "2026-12-01/gate.2.jsonl",
    ]
    found = verify(root)
    assert found.ok, "the first file of all is not of the earliest day"
    text = (root / "2026-11-28/gate.jsonl").read_text()
    (root / "2026-11-28/gate.jsonl").write_text(text.replace('"previous":null', '"previous":{"file":"x"}'))
    assert sorted(find_in_order(root)) == find_places(root), "whatever the headers say, none is left out"
