"""The record of a channel: torn, damaged, of another channel, of another boot, copied to the disk."""

import time

import msgspec
import pytest
from fakes.media import AUDIO, AVCC, video_track

from streamgate.clock import now_us, wall_s
from streamgate.core.condemned import MOST
from streamgate.core.packet import FeedFormat
from streamgate.playout import memory as module
from streamgate.playout.memory import SIZE, SLOT, ChannelMemory, Copier, Memory, read_copies, read_records

ON_AIR = ChannelMemory(on_air=True, feed=FeedFormat(video_track(AVCC[0]), AUDIO), started_at=12.5)


def facts(memory: ChannelMemory) -> ChannelMemory:
    """Return the record without what each save adds: when, in which boot, for whom."""
    return msgspec.structs.replace(memory, alive_at=0, alive_us=0, boot="", owner="")


def test_what_was_saved_is_known_to_the_next_process(tmp_path):
    Memory(tmp_path / "main").save(ON_AIR)
    assert facts(Memory(tmp_path / "main").loaded) == ON_AIR


def test_as_many_condemned_moments_as_are_kept_find_room(tmp_path):
    many = [(86_000.25 + 2 * number, 86_001.75 + 2 * number) for number in range(MOST)]
    full = msgspec.structs.replace(ON_AIR, condemned=many, cut_by="console:" + "名" * 200, backup="b" * 200)
    Memory(tmp_path / "main").save(full)
    assert facts(Memory(tmp_path / "main").loaded) == full


def test_a_new_channel_knows_nothing(tmp_path):
    assert Memory(tmp_path / "main").loaded == ChannelMemory()


@pytest.mark.parametrize("saves", [1, 2, 3])
def test_a_torn_record_reads_as_cut(tmp_path, saves):
    memory = Memory(tmp_path / "main")
    for _ in range(saves):
        memory.save(ON_AIR)
    base = saves % 2 * SLOT
    raw = bytearray((tmp_path / "main").read_bytes())
    raw[base + 30] ^= 0xFF
    (tmp_path / "main").write_bytes(raw)
    loaded = Memory(tmp_path / "main").loaded
    assert loaded.cut
    assert loaded.on_air is (saves > 1)


def test_a_record_survives_many_saves(tmp_path):
    memory = Memory(tmp_path / "main")
    for number in range(1001):
        memory.save(msgspec.structs.replace(ON_AIR, started_at=float(number)))
    assert Memory(tmp_path / "main").loaded.started_at == 1000.0


@pytest.mark.parametrize(
    "rubbish", [b"\xff" * SIZE, b"\xff" * 20, b"\xff" * SLOT + b"\0" * SLOT, b"{}" * SLOT, b"\0" * 7]
)
def test_rubbish_is_not_believed_and_the_channel_takes_commands_all_the_same(tmp_path, rubbish):
    (tmp_path / "main").write_bytes(rubbish)
    memory = Memory(tmp_path / "main")
    assert memory.loaded.cut is any(rubbish)
    assert not memory.loaded.on_air
    for number in range(3):
        memory.save(msgspec.structs.replace(ON_AIR, started_at=float(number)))
    loaded = Memory(tmp_path / "main").loaded
    assert (loaded.on_air, loaded.cut, loaded.started_at) == (True, False, 2.0)


def test_a_file_cut_short_while_it_is_in_use_costs_nothing(tmp_path):
    memory = Memory(tmp_path / "main")
    memory.save(ON_AIR)
    (tmp_path / "main").write_bytes(b"")
    memory.save(ON_AIR)
    memory.save(ON_AIR)
    assert facts(Memory(tmp_path / "main").loaded) == ON_AIR


def test_another_channel_of_the_same_name_knows_nothing_of_it(tmp_path):
    Memory(tmp_path / "main", owner="made yesterday").save(ON_AIR)
    assert Memory(tmp_path / "main", owner="made yesterday").loaded.on_air
    assert Memory(tmp_path / "main", owner="made today").loaded == ChannelMemory()


def test_silence_and_time_on_air_are_told_by_the_monotonic_clock_of_the_same_boot(tmp_path, monkeypatch):
    Memory(tmp_path / "main").save(msgspec.structs.replace(ON_AIR, started_us=now_us() - 5_000_000))
    monkeypatch.setattr(module, "wall_s", lambda: wall_s() + 7200)  # the clock was set meanwhile
    loaded = Memory(tmp_path / "main").loaded
    assert loaded.silent_s() < 1
    assert now_us() - loaded.on_air_since_us() == pytest.approx(5e6, abs=1e6)


def test_after_a_reboot_the_wall_clock_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "boot_id", lambda: "yesterday")
    Memory(tmp_path / "main").save(msgspec.structs.replace(ON_AIR, started_at=wall_s() - 100))
    monkeypatch.setattr(module, "boot_id", lambda: "today")
    loaded = Memory(tmp_path / "main").loaded
    assert now_us() - loaded.on_air_since_us() == pytest.approx(100e6, abs=1e6)
    monkeypatch.setattr(module, "wall_s", lambda: wall_s() + 7200)
    assert loaded.silent_s() == pytest.approx(7200, abs=1)
    monkeypatch.setattr(module, "wall_s", lambda: wall_s() - 7200)
    assert loaded.on_air_since_us() <= now_us()


class Copies:
    """A copier over a folder, and what it said."""

    def __init__(self, folder):
        self.folder, self.said = folder, []
        self.copier = Copier(folder, self.said.append)


def test_the_disk_has_the_newest_record_for_the_next_boot(tmp_path):
    copies = Copies(tmp_path / "disk")
    memory = Memory(tmp_path / "memory" / "main", owner="me", copier=copies.copier)
    memory.save(ON_AIR)
    memory.save(msgspec.structs.replace(ON_AIR, cut=True, cut_by="ann"))
    assert copies.copier.close(2)
    copy = read_copies(tmp_path / "disk")["main"]
    loaded = Memory(tmp_path / "after the reboot" / "main", owner="me", copy=copy).loaded
    assert (loaded.on_air, loaded.cut, loaded.cut_by) == (True, True, "ann")
    assert read_records(tmp_path / "disk")["main"].on_air


def test_a_damaged_copy_reads_as_cut(tmp_path):
    assert Memory(tmp_path / "main", copy=b"\xff" * SLOT).loaded.cut


def test_a_damaged_record_falls_back_to_the_copy_and_is_cut(tmp_path):
    copies = Copies(tmp_path / "disk")
    Memory(tmp_path / "memory" / "main", copier=copies.copier).save(ON_AIR)
    copies.copier.close(2)
    (tmp_path / "memory" / "main").write_bytes(b"\xff" * SIZE)
    loaded = Memory(tmp_path / "memory" / "main", copy=read_copies(tmp_path / "disk")["main"]).loaded
    assert (loaded.on_air, loaded.cut) == (True, True)


def test_being_alive_alone_does_not_write_to_the_disk(tmp_path):
    copies = Copies(tmp_path / "disk")
    memory = Memory(tmp_path / "memory" / "main", copier=copies.copier)
    memory.save(ON_AIR)
    end = time.monotonic() + 3
    while not (tmp_path / "disk" / "main").exists() and time.monotonic() < end:
        time.sleep(0.01)
    written = (tmp_path / "disk" / "main").stat().st_mtime_ns
    for number in range(20):  # nor does a cut that grows
        memory.save(msgspec.structs.replace(ON_AIR, condemned=[(1.0, 31.0 + number)]))
    copies.copier.close(2)
    assert (tmp_path / "disk" / "main").stat().st_mtime_ns == written


def test_a_disk_that_takes_nothing_is_said_once_and_again_when_it_does(tmp_path):
    (tmp_path / "disk").write_text("a file where the folder should be")
    copies = Copies(tmp_path / "disk")
    memory = Memory(tmp_path / "memory" / "main", copier=copies.copier)
    memory.save(ON_AIR)
    end = time.monotonic() + 5
    while not copies.said and time.monotonic() < end:
        time.sleep(0.01)
    (tmp_path / "disk").unlink()
    while len(copies.said) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    assert [bool(text) for text in copies.said] == [True, False]
    assert copies.copier.close(2)
    assert read_records(tmp_path / "disk")["main"].on_air
