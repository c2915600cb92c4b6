"""A data directory on a real disk that is frozen, full, read-only and gone, seen from the platform. R1, R2.

Filler is enough to see that the program goes on, so nothing here waits for the delay.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tools import timecode
from tools.disks import Disk
from tools.encoder import Encoder
from tools.nginx import Platform
from tools.serve import Done, Gate
from tools.tap import Loop, Tap

pytestmark = pytest.mark.alone
FRAME_HOLE_S = 1.0  # filler has 30 pictures a second; the rest is the other work of a busy machine
BACK_S = 3.0


class Bad:
    """One broadcast on one disk."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self.disk = disk
        self.gate = Gate(disk.path / "data")
        self.gate.output = directory / "serve.log"
        self.loop = Loop()
        self.platform = Platform(directory / "platform", record=False)
        self.exit = Tap(self.loop, self.platform.port)
        url = self.gate.add("main", f"rtmp://127.0.0.1:{self.exit.port}/live/main")
        self.gate.start()
        feed = timecode.make(directory / "feed.flv", feed=1, seconds=120)
        self.encoder = Encoder(feed, url, keep_trying=True)
        self.wait_for_picture(time.monotonic(), 20)

    def pictures(self) -> list[float]:
        return [message.first_s for message in self.exit.of("video")]

    def wait_for_picture(self, after_s: float, within_s: float) -> float:
        """Return how long after `after_s` the first picture left."""
        end = after_s + within_s
        while time.monotonic() < end + 0.5:
            later = [at for at in self.pictures() if at > after_s]
            if later:
                return later[0] - after_s
            time.sleep(0.05)
        raise AssertionError(f"no picture within {within_s} s; {self.gate.log[-2000:]}")

    def hole_s(self, begin_s: float, end_s: float) -> float:
        """Return the longest time without a picture between two moments."""
        times = [begin_s, *(at for at in self.pictures() if begin_s < at < end_s), end_s]
        return max(later - earlier for earlier, later in pairwise(times))

    def command(self, *arguments: str) -> Done:
        done = self.gate.command(*arguments, "--json")
        assert done.code == 0, done.err
        return done

    def kill_gate(self) -> float:
        """kill -9; return how long it took until a picture left again."""
        killed = self.gate.kill("gate")
        return self.wait_for_picture(killed + 0.2, BACK_S + 7) + 0.2

    def close(self) -> None:
        self.disk.thaw()
        self.encoder.stop()
        self.gate.stop()
        self.exit.close()
        self.platform.close()
        self.loop.close()


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bad]:
    directory = tmp_path_factory.mktemp("bad-disk")
    with Disk(directory, 256) as disk:
        running = Bad(directory, disk)
        yield running
        running.close()


def test_a_frozen_disk_stops_neither_program_nor_cut(bad: Bad) -> None:
    connections = len(bad.exit.connections)
    began = time.monotonic()
    bad.disk.freeze()
    try:
        time.sleep(2)
        cut = bad.command("cut", "main")
        assert cut.json["state"] == "cut"
        assert cut.json["took_ms"] < 100
        time.sleep(4)
        assert "disk_silent" in {warn["code"] for warn in bad.command("status").json["warnings"]}
        assert bad.command("restore", "main").json["state"] != "cut"
        assert bad.command("dump", "main", "--seconds", "5").json["channel"] == "main"
    finally:
        bad.disk.thaw()
    time.sleep(1)
    assert bad.hole_s(began, time.monotonic() - 0.3) < FRAME_HOLE_S
    assert len(bad.exit.connections) == connections


def test_a_gate_that_dies_on_a_full_disk_is_back_with_filler(bad: Bad) -> None:
    bad.disk.fill()
    try:
        time.sleep(6)
        assert bad.kill_gate() < BACK_S
        assert bad.command("cut", "main").json["state"] == "cut"
        assert bad.command("restore", "main")
    finally:
        bad.disk.free()


def test_what_that_gate_could_not_write_is_a_gap_on_record(bad: Bad) -> None:
    """It waited in memory when the gate was killed: R8 wants to know that it is missing, and how much."""

    def gaps() -> list[float]:
        indexes = bad.gate.directory.glob("archive/main/*/*.jsonl")
        records = [json.loads(line) for index in indexes for line in index.read_text().splitlines()]
        return [one["gap"]["end"] - one["gap"]["start"] for one in records if _killed(one)]

    wait_for(lambda: bool(gaps()), 20)
    assert all(0 < seconds < 30 for seconds in gaps())
    wait_for(lambda: "archive_gap" in bad.gate.log, 5)


def _killed(record: dict[str, Any]) -> bool:
    return (record.get("gap") or {}).get("reason") == "gate_killed"


def test_a_page_that_dies_on_a_full_disk_is_back(bad: Bad) -> None:
    bad.disk.fill()
    try:
        bad.gate.kill("console")
        end = time.monotonic() + 15
        while bad.gate.health(1)[0] != 200:
            assert time.monotonic() < end, bad.gate.log[-2000:]
            time.sleep(0.1)
    finally:
        bad.disk.free()


def test_what_ended_ends_on_a_data_directory_that_is_gone(bad: Bad) -> None:
    data = bad.gate.directory
    data.rename(data.with_name("elsewhere"))
    try:
        assert bad.kill_gate() < BACK_S
        assert bad.command("cut", "main").json["state"] == "cut"
        assert bad.command("restore", "main")
    finally:
        if data.exists():  # whoever writes there makes it anew
            data.rename(data.with_name("made-meanwhile"))
        data.with_name("elsewhere").rename(data)


@pytest.mark.parametrize("dies", ["gate", "everything"])
def test_on_a_read_only_disk_filler_is_back_and_a_cut_is_a_cut(bad: Bad, dies: str) -> None:
    """Last: the disk stays read-only, as ext4 does after a fault."""
    bad.disk.read_only()
    if dies == "gate":
        assert bad.kill_gate() < BACK_S
    else:
        assert bad.gate.process is not None
        pids = [bad.gate.pid(name) for name in ("console", "gate")]
        bad.gate.process.kill()
        bad.gate.process.wait()
        bad.gate.process = None
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        dead = time.monotonic()
        bad.gate.start()
        assert bad.wait_for_picture(dead, 15) < 15
    assert bad.command("cut", "main").json["state"] == "cut"
    wait_for(lambda: bad.gate.status("main")["archive"]["state"] == "failed", 20)
    codes = {warn["code"] for warn in bad.command("status").json["warnings"]}
    assert "state_not_copied" in codes


def wait_for(what: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.2)
