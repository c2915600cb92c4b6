import msgspec
import pytest
from fakes.media import AUDIO, AVCC, video_track

from streamgate.core.packet import FeedFormat
from streamgate.playout.memory import SLOT, ChannelMemory, Memory

ON_AIR = ChannelMemory(on_air=True, feed=FeedFormat(video_track(AVCC[0]), AUDIO), started_at=12.5)


def test_what_was_saved_is_known_to_the_next_process(tmp_path):
    Memory(tmp_path / "main").save(ON_AIR)
    assert Memory(tmp_path / "main").loaded == ON_AIR


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
