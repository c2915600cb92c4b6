"""The archive on real file systems that fill, freeze, fail, turn read-only and vanish."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
from tiny_media import gops, make_feed, shift
from tools.disks import Disk

from streamgate import disk as disk_module
from streamgate.archive.edit_list import Begin
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.notices import notice
from streamgate.archive.parts import INDEX, find_parts, read_index
from streamgate.archive.writer import ArchiveWriter

WALL = 1_790_000_000.0
FAKES = str(Path(__file__).parent.parent / "fakes")


class Alarms(list):
    def __call__(self, code, params):
        assert notice(code, params).text
        self.append((code, dict(params)))

    @property
    def codes(self):
        return [code for code, _ in self]


@pytest.fixture
def alarms():
    return Alarms()


@pytest.fixture(scope="module")
def feed():
    """16 s in GOPs of 1 s, without sound."""
    return make_feed(seconds=16, audio=None)


@pytest.fixture
def disk(tmp_path):
    with Disk(tmp_path) as disk:
        yield disk


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def give(writer, packets):
    """Hand packets over; return the longest that one took, in seconds."""
    slowest = 0.0
    for packet in packets:
        started = time.perf_counter()
        writer.packet(packet, packet.dts * 1000, WALL + packet.dts / 1000)
        writer.status()
        slowest = max(slowest, time.perf_counter() - started)
    return slowest


def started(root, form, alarms, **kwargs):
    writer = ArchiveWriter(root, "main", alarm=alarms, retry_s=0.1, **kwargs)
    writer.start()
    writer.format(form, "one")
    return writer


def recorded(root):
    out = []
    for _, path in sorted(find_parts(root), key=lambda found: found[0].number):
        with av.open(str(path)) as source:
            out += [bytes(p) for p in source.demux() if p.size and p.stream.type == "video"]
    return out


def index_of(root):
    return [line for day in sorted(root.glob("*/*")) for line in read_index(day)]


def data(packets):
    return [packet.data for packet in packets]


# ---------------------------------------------------------------- disks that come back


@pytest.mark.parametrize("fault", ["freeze", "full", "read only", "dead"])
def test_a_disk_that_comes_back_costs_little_and_holds_nobody_up(disk, feed, alarms, fault):
    form, packets = feed
    root = disk.path / "archive"
    writer = started(root, form, alarms)
    third = len(packets) // 3
    slowest = give(writer, packets[:third])
    until(lambda: not len(writer._intake))
    subprocess.run(["sync", "-f", root], check=True)  # a dead disk costs what the kernel had not written
    {"freeze": disk.freeze, "full": disk.fill, "read only": disk.read_only, "dead": disk.fail}[fault]()
    slowest = max(slowest, give(writer, packets[third : 2 * third]))
    if fault == "freeze":
        time.sleep(0.5)
        disk.thaw()
    else:
        until(lambda: writer.status().state == "failed")
        disk.free() if fault == "full" else disk.writable()
        until(lambda: writer.status().state != "failed")
    slowest = max(slowest, give(writer, packets[2 * third :]))
    assert writer.close()
    assert slowest < 0.1
    assert alarms.codes == ([] if fault == "freeze" else ["archive_failed", "archive_recovered"])
    kept = recorded(root)
    if fault in ("read only", "dead"):  # the kernel takes what fits in a block it has, and loses that
        middle = data(packets)[third - 25 : 2 * third]
        lost = [item for item in data(packets) if item not in set(kept)]
        assert len(lost) <= 50
        assert [item for item in lost if item not in middle] == []
        assert kept == [item for item in data(packets) if item not in lost]
    else:
        assert kept == data(packets)
    assert writer.status().lost_packets == 0
    assert sum(line.video for line in index_of(root)) == len(packets)


@pytest.mark.alone  # it measures
def test_a_frozen_disk_holds_up_neither_start_nor_close(disk, feed, alarms):
    form, packets = feed
    root = disk.path / "archive"
    disk.freeze()
    begun = time.monotonic()
    writer = started(root, form, alarms)
    assert give(writer, packets) < 0.1
    assert time.monotonic() - begun < 1
    begun = time.monotonic()
    assert not writer.close()
    assert time.monotonic() - begun < 3.5
    disk.thaw()
    writer._thread.join(5)
    assert not writer._thread.is_alive()


def test_an_archive_that_somebody_removes_on_air_is_told_and_goes_on(tmp_path, feed, alarms):
    form, packets = feed
    root = tmp_path / "archive"
    writer = started(root, form, alarms)
    one, two, *rest = gops(packets)[:8]
    give(writer, [*one, *two])
    until(lambda: writer.status().bytes > 0 and not len(writer._intake))
    shutil.rmtree(root)
    give(writer, [packet for gop in rest for packet in gop])
    assert writer.close()
    assert alarms.codes == ["archive_failed", "archive_recovered"]
    assert "removed" in alarms[0][1]["error"]
    assert "removed" not in alarms[0][1]["error_zh"]
    assert recorded(root) == data([p for gop in [two, *rest] for p in gop]), "the GOP at hand was kept"
    lost = [line for line in index_of(root) if not list(root.rglob(line.part))]
    assert [(line.video, line.closed) for line in lost] == [(len(one), "failed")]


def test_a_torn_index_is_gone_on_with(tmp_path, feed, alarms):
    form, packets = feed
    for n in range(2):
        writer = started(tmp_path, form, alarms)
        give(writer, shift(gops(packets)[0], 1000 * n))
        assert writer.close()
        index = tmp_path / "main" / "2026-09-21" / INDEX
        index.write_bytes(index.read_bytes()[:-20])
    writer = started(tmp_path, form, alarms)
    assert writer.close()
    assert sorted(line.number for line in index_of(tmp_path)) == [1, 2]
    assert alarms.codes == ["archive_mended", "archive_mended"]


# ---------------------------------------------------------------- what a killed gate leaves behind

GATE = """
import os, sys, time
from pathlib import Path
from tiny_media import make_feed, shift
from streamgate.archive.writer import ArchiveWriter
def say(line):  # from two threads: in one write each
    os.write(1, f"{line}\\n".encode())
form, packets = make_feed(seconds=1, audio=None)
writer = ArchiveWriter(
    Path(sys.argv[1]), "main", alarm=lambda *a: say(a[0]), retry_s=0.1, part_s=float(sys.argv[2])
)
writer.start()
writer.format(form, "one")
say(f"begun {time.time()}")
n = 0
begun = time.monotonic()
while True:  # in real time
    for packet in shift(packets, 1000 * n):
        time.sleep(max(0, begun + packet.dts / 1000 - time.monotonic()))
        writer.packet(packet, packet.dts * 1000, time.time())
        say(f"fed {time.time()}")
    n += 1
"""


class Gate:
    """A process that feeds an archive until it is killed. `fed`: when it last did, as channel memory says."""

    def __init__(self, root, part_s=6.0):
        code = f"import sys; sys.path.insert(0, {FAKES!r})\n{GATE}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(root), str(part_s)], stdout=subprocess.PIPE, text=True
        )
        self.begun = self.fed = 0.0
        self.codes = []

    def run(self, seconds):
        """Read what it says for so long after its first word."""
        end = None
        while end is None or time.monotonic() < end:
            word, _, at = self.process.stdout.readline().strip().partition(" ")
            end = end or time.monotonic() + seconds
            if word == "begun":
                self.begun = float(at)
            elif word == "fed":
                self.fed = float(at)
            else:
                self.codes.append(word)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def reap(self):
        self.process.wait(10)
        self.process.stdout.close()


@pytest.mark.parametrize("fault", ["full", "frozen", "dead"])
def test_a_gate_killed_while_the_disk_refused_leaves_a_gap_with_its_length(disk, alarms, fault):
    root = disk.path / "archive"
    gate = Gate(root)
    gate.run(1.5)
    {"full": disk.fill, "frozen": disk.freeze, "dead": disk.fail}[fault]()
    failed_at = gate.fed
    gate.run(4.0)
    gate.kill()
    if fault == "frozen":
        disk.thaw()  # the next start is later in life: nothing of a frozen disk's process can end before
    gate.reap()
    if fault == "full":
        disk.free()
    elif fault == "dead":
        disk.writable()
    before = time.time()
    writer = ArchiveWriter(
        root, "main", alarm=alarms, retry_s=0.1, resumed_from=gate.fed, resumed_since=gate.begun
    )
    writer.start()
    assert writer.close()
    lines = index_of(root)
    parts = [line for line in lines if line.part]
    (gap,) = [line.gap for line in lines if not line.part]
    assert gap.reason == "gate_killed"
    assert gap.end == gate.fed
    assert gap.start == max((line.end for line in parts), default=gate.begun)
    if fault == "full":  # a thaw lets out what waits in the kernel, a dead disk costs more than it refused
        assert gap.seconds == pytest.approx(gate.fed - failed_at, abs=1.2)
    assert [code for code in alarms.codes if code != "archive_mended"] == ["archive_gap"]
    (params,) = [params for code, params in alarms if code == "archive_gap"]
    assert params["seconds"] == round(gap.seconds, 1) > 2
    assert re.fullmatch(r"\d\d:\d\d:\d\d", params["time"])
    for text in (notice("archive_gap", params).text, notice("archive_gap", params).text_zh):
        assert str(params["seconds"]) in text
        assert params["time"] in text
    assert before > gap.end

    again = ArchiveWriter(root, "main", alarm=alarms, resumed_from=gate.fed, resumed_since=gate.begun)
    again.start()
    assert again.close()
    assert index_of(root) == lines, "the same gap is not recorded twice"


def test_the_next_gate_waits_for_one_that_was_killed_and_hangs_in_the_disk(disk, feed, alarms):
    form, packets = feed
    root = disk.path / "archive"
    told = []
    for _ in range(3):
        gate = Gate(root, part_s=1.0)
        gate.run(1.2)
        disk.freeze()
        gate.run(1.5)  # its thread waits in the kernel now, to write a fragment or to begin a part
        gate.kill()
        writer = started(root, form, alarms, record=told.append)
        give(writer, packets)
        time.sleep(0.2)
        assert gate.process.poll() is None, "a process hangs in a frozen disk until it thaws"
        disk.thaw()
        gate.reap()
        assert writer.close()
    lines = index_of(root)
    parts = {path.name: path for _, path in find_parts(root)}
    assert {line.part for line in lines if line.part} == set(parts)
    for line in lines:
        if line.part:
            assert hashlib.sha256(parts[line.part].read_bytes()).hexdigest() == line.sha256
    for day in root.glob("*/*"):
        index = (day / INDEX).read_bytes()
        extents = [one.index for one in told if one.index.file == f"main/{day.name}/{INDEX}"]
        assert extents[-1].bytes == len(index)
        for extent in extents:
            assert hashlib.sha256(index[: extent.bytes]).hexdigest() == extent.sha256


@pytest.mark.parametrize("kind", [ArchiveWriter, EditWriter])
def test_a_dead_owner_that_hangs_in_another_disk_is_not_waited_for(tmp_path, feed, alarms, monkeypatch, kind):
    monkeypatch.setattr(disk_module, "OTHER_DISK_S", 1.0)
    form, packets = feed
    for folder in (tmp_path / "main", tmp_path / "main" / "aired"):
        folder.mkdir()
    owned = [disk_module.own_directory(folder) for folder in (tmp_path / "main", tmp_path / "main" / "aired")]
    began = time.monotonic()
    if kind is ArchiveWriter:
        writer = started(tmp_path, form, alarms)
        give(writer, packets)
        until(lambda: not len(writer._intake), 10)
    else:
        writer = EditWriter(tmp_path, "main", alarm=alarms)
        writer.put(Begin("main-20260921T141320Z", "main", WALL, WALL, 0, "", 1, 30_000_000, 30_000_000))
        until(lambda: not writer._queue, 10)
    assert 1.0 < time.monotonic() - began < 8.0
    assert writer.close()
    assert alarms == []
    for descriptor in owned:
        os.close(descriptor)


def test_a_writer_that_waits_for_another_one_can_be_closed(tmp_path, feed, alarms):
    form, packets = feed
    (tmp_path / "main").mkdir()
    owned = disk_module.own_directory(tmp_path / "main")
    writer = started(tmp_path, form, alarms)
    give(writer, packets)
    assert not writer.close()
    until(lambda: not writer._thread.is_alive(), 3)
    os.close(owned)
    assert alarms.codes in ([], ["archive_failed"])


def test_a_directory_that_was_removed_is_owned_anew(tmp_path, feed, alarms):
    form, packets = feed
    writer = started(tmp_path, form, alarms)
    half = len(packets) // 2
    give(writer, packets[:half])
    until(lambda: not len(writer._intake))
    shutil.rmtree(tmp_path / "main")
    give(writer, packets[half:])
    until(lambda: not len(writer._intake) and writer.status().state == "ok")
    held = os.open(tmp_path / "main", os.O_RDONLY)
    until(lambda: not disk_module.lock_within(held, 0), 5)
    os.close(held)
    assert writer.close()


def settled(root, alarms, fed_until, since=None):
    writer = ArchiveWriter(root, "main", alarm=alarms, resumed_from=fed_until, resumed_since=since)
    writer.start()
    assert writer.close()
    return [line.gap for line in index_of(root) if not line.part]


def test_a_gap_is_measured_from_what_is_recorded(tmp_path, feed, alarms):
    form, packets = feed
    writer = started(tmp_path, form, alarms)
    give(writer, packets)
    assert writer.close()
    end = index_of(tmp_path)[-1].end
    assert settled(tmp_path, alarms, end + 1.5) == [], "no more than a GOP"
    assert settled(tmp_path, alarms, end - 100) == []
    (gap,) = settled(tmp_path, alarms, end + 40, end - 10)
    assert (gap.start, gap.end, gap.seconds) == (end, end + 40, pytest.approx(40))
    gaps = settled(tmp_path, alarms, end + 90_000, end + 89_940)
    assert gaps[-1].seconds == pytest.approx(60), "not the night between two broadcasts"
    assert {day.name for day in (tmp_path / "main").iterdir()} == {"2026-09-21", "2026-09-22"}
    assert alarms.codes == ["archive_gap", "archive_gap"]


def test_a_gap_before_any_part_was_written_is_recorded_too(tmp_path, alarms):
    (gap,) = settled(tmp_path, alarms, WALL + 30, WALL)
    assert (gap.start, gap.seconds) == (WALL, 30)


def test_a_loss_of_packets_has_its_times(tmp_path, feed, alarms):
    form, packets = feed
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms, queue_bytes=60_000)
    writer.format(form, "one")
    give(writer, packets)  # the thread is not there yet: the queue fills
    assert writer.status().lost_packets > 0
    writer.start()
    assert writer.close()
    gaps = [line.gap for line in index_of(tmp_path) if line.gap]
    assert sum(gap.packets for gap in gaps) == writer.status().lost_packets
    assert gaps[-1].end == pytest.approx(WALL + packets[-1].dts / 1000)
    assert 0 < gaps[-1].seconds < 16
