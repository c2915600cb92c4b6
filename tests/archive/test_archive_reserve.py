"""The reserve file, on a real small file system that fills up: records go on when recordings cannot."""

import os
import threading
import time

import pytest
from tiny_media import make_feed
from tools.disks import Disk

from streamgate.archive.broadcasts import broadcast_id
from streamgate.archive.edit_list import Begin, list_path, read_edit_list
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.notices import notice
from streamgate.archive.parts import find_day, find_parts, read_index
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.edits import LIVE, Piece, Run
from streamgate.ledger.record import Notice
from streamgate.ledger.verify import verify
from streamgate.ledger.writer import Writer
from streamgate.reserve import RESERVE_BYTES, Reserve

S = 1_000_000
WALL = 1_790_000_000.0
NAME = broadcast_id("main", WALL)
LINES = 1500


class Alarms(list):
    def __call__(self, code, params):
        assert notice(code, params).text
        self.append(code)


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def test_on_a_full_disk_the_ledger_and_the_edit_list_go_on_while_recordings_wait(tmp_path):
    form, packets = make_feed(seconds=12, audio=None)
    third = len(packets) // 3
    alarms = Alarms()
    with Disk(tmp_path, 256) as disk:
        data = disk.path / "data"
        root = data / "archive"
        recorder = ArchiveWriter(root, "main", alarm=alarms, retry_s=0.05, reserve_bytes=RESERVE_BYTES)
        recorder.start()
        recorder.format(form, "one")
        edits = EditWriter(root, "main", alarm=alarms)
        ledger = Writer(data / "ledger", "gate")
        reserve = Reserve(data)

        def publish(some):
            for packet in some:
                recorder.packet(packet, packet.dts * 1000, WALL + packet.dts / 1000)

        publish(packets[:third])
        edits.put(Begin(NAME, "main", WALL, WALL, 0, "b", 7, 30 * S, 30 * S))
        until(lambda: reserve.state()[0] == reserve.state()[1] > 2_000_000)
        until(lambda: recorder.status().bytes and list_path(root, "main", NAME).exists())
        assert reserve.path.stat().st_blocks * 512 >= reserve.state()[1], "it is there, not only promised"

        disk.fill()
        publish(packets[third : 2 * third])
        until(lambda: recorder.status().state == "failed")
        for n in range(LINES):
            runs = [Run("video", 25 * n, 25, 1000 * n)]
            edits.put(
                Piece(at=WALL + n, from_us=n * S, to_us=(n + 1) * S, source=LIVE, delay_us=30 * S, runs=runs)
            )
            ledger.write(Notice(seq=n, text="x" * 400))
        assert ledger.written(Notice(seq=LINES, text="the last one")).result(20).record > LINES
        until(lambda: len(read_edit_list(list_path(root, "main", NAME)).lines) == LINES + 1)
        assert alarms == ["archive_failed"]
        assert reserve.state()[0] < reserve.state()[1]
        until(lambda: "reserve" in recorder.status().error)  # at its next try
        assert recorder.status().state == "failed", "what the reserve gave up is not for recordings"

        disk.free()
        until(lambda: recorder.status().state != "failed")
        publish(packets[2 * third :])
        assert recorder.close()
        assert alarms == ["archive_failed", "archive_recovered"]
        assert reserve.state()[0] == reserve.state()[1]
        assert recorder.status().lost_packets == 0
        days = {path.parent for _, path in find_parts(root)}
        assert sum(line.video for day in days for line in read_index(day)) == len(packets)
        assert all(name.channel == "main" for day in days for name, _ in find_day("main", day))
        assert edits.close()
        assert ledger.close()
        assert verify(data / "ledger").ok


def test_a_reserve_that_is_used_up_is_as_none(tmp_path):
    with Disk(tmp_path, 256) as disk:
        reserve = Reserve(disk.path)
        assert reserve.keep()
        disk.fill()
        assert reserve.keep(), "whole as it is"
        assert reserve.release()
        assert not reserve.release()
        assert not reserve.keep(), "recordings wait until there is room for it again"
        disk.free()
        assert reserve.keep()
        assert reserve.state()[0] == reserve.state()[1] > 2_000_000


@pytest.mark.parametrize("fault", ["read_only", "fail"])
def test_a_disk_with_another_trouble_is_left_to_whoever_writes(tmp_path, fault):
    with Disk(tmp_path) as disk:
        getattr(disk, fault)()
        assert Reserve(disk.path).keep()
        assert not Reserve(disk.path).release()
        if fault == "read_only":
            disk.writable()


def test_the_reserve_stands_on_the_file_system_that_is_written(tmp_path):
    (tmp_path / "archive").mkdir()
    assert Reserve.of(tmp_path / "archive").path == tmp_path / "reserve"
    with Disk(tmp_path / "archive") as disk:
        assert Reserve.of(disk.path).path == disk.path / "reserve"


def test_two_channels_make_one_reserve(tmp_path):
    with Disk(tmp_path, 256) as disk:
        threads = [threading.Thread(target=Reserve(disk.path).keep) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        held, wanted = Reserve(disk.path).state()
        assert held == wanted
        assert os.statvfs(disk.path).f_bavail > 0
