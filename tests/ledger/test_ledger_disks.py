"""The ledger on real file systems that fill, freeze, fail, turn read-only and vanish."""

import shutil
import signal
import subprocess
import sys
import time

import pytest
from ledger_tools import command, until
from tools.disks import Disk

from streamgate.ledger.read import read
from streamgate.ledger.verify import verify

pytestmark = pytest.mark.alone


@pytest.fixture
def disk(tmp_path):
    with Disk(tmp_path) as disk:
        yield disk


def numbers(root):
    return [one["args"]["number"] for one in read(root, kind="command")]


def record(writer, first, last, slowest=0.02):
    """Record as a gate does; the slowest may not have waited for the disk."""
    took = []
    for number in range(first, last):
        begun = time.perf_counter()
        writer.write(command(number))
        took.append(time.perf_counter() - begun)
    took.sort()
    assert took[len(took) // 2] < 0.001
    assert took[-1] < slowest


def vanish(root):
    root.rename(root.with_name("gone"))
    root.touch()


def come_back(root):
    root.unlink()
    root.with_name("gone").rename(root)


@pytest.mark.parametrize("fault", ["full", "frozen", "read_only", "broken", "vanished"])
def test_nobody_waits_for_a_bad_disk_and_all_is_written_when_it_is_well_again(disk, writers, tmp_path, fault):
    root = disk.path / "ledger"
    alarms = []
    writer = writers(root=root, alarm=alarms.append, spill_dir=tmp_path / "run")
    record(writer, 0, 50)
    writer.written(command(50)).result(5)
    kept = {path: path.read_bytes() for path in root.rglob("*.jsonl")}
    begin, end = {
        "full": (disk.fill, disk.free),
        "frozen": (disk.freeze, disk.thaw),
        "read_only": (disk.read_only, disk.writable),
        "broken": (disk.fail, disk.writable),
        "vanished": (lambda: vanish(root), lambda: come_back(root)),
    }[fault]
    begin()
    record(writer, 51, 300 if fault != "full" else 9_000, slowest=0.5)
    until(lambda: alarms, 8)
    assert alarms[0]
    future = writer.written(command(10_000))
    assert not future.done()
    end()
    future.result(15)
    until(lambda: len(alarms) == 2, 5)
    assert alarms[1] == ""
    assert writer.close(5)
    verdict = verify(root)
    assert verdict.ok, verdict
    found = numbers(root)
    assert len(set(found)) == len(found)
    assert found == sorted(found)
    assert set(found) == {*range(300 if fault != "full" else 9_000), 10_000}
    for path, before in kept.items():
        assert path.read_bytes().startswith(before)


DIES = """
import sys
from pathlib import Path
from streamgate.ledger.record import Command
from streamgate.ledger.writer import Writer
writer = Writer(Path(sys.argv[1]), "gate", spill_dir=Path(sys.argv[2]))
writer.written(Command(what="cut", args={"number": 0})).result()
print("there", flush=True)
sys.stdin.readline()
for number in range(1, 6):
    writer.write(Command(what="cut", args={"number": number}))
print("recorded", flush=True)
sys.stdin.readline()
"""


def test_a_defunct_process_that_hangs_in_a_frozen_disk_is_not_written_between(disk, writers, tmp_path):
    """The next gate takes over its records from memory; what the dead one writes at last does no harm."""
    root = disk.path / "ledger"
    process = subprocess.Popen(
        [sys.executable, "-c", DIES, str(root), str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"there\n"
        disk.freeze()
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"recorded\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        time.sleep(0.2)
        second = writers(root=root, spill_dir=tmp_path / "run")
        second.write(command(6))
        time.sleep(1.5)  # it hangs, too
    finally:
        disk.thaw()
        process.communicate()
    second.written(command(7)).result(10)
    assert second.close(5)
    assert verify(root).ok
    assert set(numbers(root)) == set(range(8))


def test_a_process_that_ends_on_a_bad_disk_leaves_its_records_in_memory(disk, writers, tmp_path):
    root = disk.path / "ledger"
    writer = writers(root=root, spill_dir=tmp_path / "run")
    writer.written(command(0)).result(5)
    disk.fill()
    for number in range(1, 200):
        writer.write(command(number))
    begun = time.monotonic()
    assert not writer.close(1)
    assert time.monotonic() - begun < 2
    disk.free()
    again = writers(root=root, spill_dir=tmp_path / "run")
    again.written(command(200)).result(5)
    assert again.close(5)
    assert numbers(root) == list(range(201))
    assert verify(root).ok


def test_a_copy_on_another_disk_verifies_alone(disk, writers, tmp_path):
    root = disk.path / "ledger"
    writer = writers(root=root)
    record(writer, 0, 20)
    assert writer.close(5)
    shutil.copytree(root, tmp_path / "copy" / "ledger")
    assert verify(tmp_path / "copy").ok
