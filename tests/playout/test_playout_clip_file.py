"""Long clips on air are read ahead apart: a disk that hangs or a file cut short costs only the clip."""

import asyncio
import gc
import os
import random
import threading
from itertools import pairwise

import pytest
from fakes import media

from streamgate.core import clip as clip_format
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import FeedFormat, Kind
from streamgate.playout import clip_file
from streamgate.playout.clip_file import CHUNK, open_clip
from streamgate.runtime.apart import DaemonThreads

FRAME_MS = media.FRAME
FRAMES = 75 * 25  # 75 s at 25 a second
FORMAT = FeedFormat(media.video_track(media.AVCC[1]), media.AUDIO)
SECOND_US = 1_000_000


@pytest.fixture(scope="module")
def frames():
    """(pictures, sounds): 45 MB, as of a film at 4.8 Mb/s."""
    rng = random.Random(4)
    pictures = [(rng.randbytes(24_000), n % 25 == 0) for n in range(FRAMES)]
    count = clip_format.audio_frames_for(FRAMES, FORMAT.video, FORMAT.audio)
    return pictures, [rng.randbytes(300) for _ in range(count)]


@pytest.fixture
def path(tmp_path, frames):
    """The clip file, sound between the pictures as the conform child writes it."""
    pictures, sounds = frames
    writer = clip_format.ClipWriter()
    path = tmp_path / "film.clip"
    with path.open("wb") as file:
        file.write(writer.start(b"silence"))
        for n, (data, keyframe) in enumerate(pictures):
            for sound in sounds[n * len(sounds) // FRAMES : (n + 1) * len(sounds) // FRAMES]:
                file.write(writer.audio(sound))
            file.write(writer.video(data, keyframe=keyframe))
        file.write(writer.finish("film", FORMAT, has_sound=True))
    return path


@pytest.fixture
def threads():
    return DaemonThreads("test", 2)


def held(clip):
    return sum(len(chunk) for chunk in clip._payload._chunks.values())


async def play(clip, indexes, *, turn_s=0.001):
    """Read pictures in turn, as much faster than on air as the turns are shorter than a frame."""
    for index in indexes:
        yield index, clip.video(index), clip.audio(index * clip.audio_count // clip.video_count)
        await asyncio.sleep(turn_s)


async def test_every_frame_is_there_in_time_around_the_loop_and_little_is_held(path, frames, threads):
    pictures, sounds = frames
    clip = await threads.call(open_clip, path, "film", threads)
    assert held(clip) == clip_file.WHOLE_BYTES
    most = 0
    async for index, picture, sound in play(clip, [*range(FRAMES), *range(100)]):
        assert picture == pictures[index]
        assert sound == sounds[index * len(sounds) // FRAMES]
        most = max(most, held(clip))
    assert most <= (2 * clip_file.AHEAD + 3) * CHUNK
    assert path.stat().st_size > 2 * most
    assert clip.silence == b"silence"
    assert clip.name == "film"


async def test_off_air_only_the_beginning_is_held(path, threads, monkeypatch):
    monkeypatch.setattr(clip_file, "IDLE_S", 0.1)
    clip = await threads.call(open_clip, path, "film", threads)
    async for _ in play(clip, range(200)):
        pass
    assert held(clip) > clip_file.WHOLE_BYTES
    await asyncio.sleep(0.4)
    assert held(clip) == clip_file.WHOLE_BYTES
    file = clip._payload._file
    opened = os.fstat(file)
    del clip
    gc.collect()
    async with asyncio.timeout(10):
        while is_open(file, opened):
            await asyncio.sleep(0.01)


def is_open(file: int, opened: os.stat_result) -> bool:
    """Whether a descriptor is still of the file that was opened: another one may get its number."""
    try:
        return os.path.samestat(os.fstat(file), opened)
    except OSError:
        return False


async def test_a_small_clip_and_a_slate_are_held_whole(path, threads):
    clip = await threads.call(open_clip, path, "slate", threads, whole=True)
    os.truncate(path, 0)
    assert all(clip.video(n) for n in range(FRAMES))


# ---------------------------------------------------------------- on air


class Air:
    """A gate that airs a backup clip by choice, on a clock of its own."""

    def __init__(self, clip):
        self.gate = Gate(30)
        self.gate.install(media.clip("slate", FORMAT.video), SLATE, None)
        self.gate.install(clip, "film", None)
        self.gate.start(0)
        self.gate.air_backup("film", 0)
        self.now = 0
        self.out = []

    async def run(self, seconds, *, until=lambda: False):
        for _ in range(round(seconds * 50)):
            self.out += self.gate.advance(self.now)
            self.now += 20_000
            await asyncio.sleep(0.0005)
            if until():
                return
        self.out += self.gate.advance(self.now)

    def names(self):
        """What aired, in order, without repetitions."""
        return [notice.detail for notice in self.gate.notices if notice.code == "filler"]

    def pictures(self):
        return [one.packet for one in self.out if one.packet.kind is Kind.VIDEO]

    def is_whole(self):
        """One frame after the other, at the clock's pace."""
        times = [packet.pts for packet in self.pictures()]
        assert {b - a for a, b in pairwise(times)} == {FRAME_MS}
        assert abs(len(times) - self.now / 1000 / FRAME_MS) <= 2


async def test_a_file_cut_short_on_air_costs_the_clip_and_the_slate_airs(path, threads):
    clip = await threads.call(open_clip, path, "film", threads)
    air = Air(clip)
    await air.run(2)
    assert air.names() == ["film"]
    os.truncate(path, 12 * CHUNK + 100)
    await air.run(60)
    assert clip.broken
    assert not clip.ready
    assert air.names() == ["film", "slate"]
    air.is_whole()


async def test_a_disk_that_hangs_costs_the_clip_until_it_is_back(path, frames, threads, monkeypatch):
    clip = await threads.call(open_clip, path, "film", threads)
    disk = threading.Event()
    disk.set()
    read = clip_file._pread

    def hang(file, offset, size):
        disk.wait(30)
        return read(file, offset, size)

    monkeypatch.setattr(clip_file, "_pread", hang)
    air = Air(clip)
    await air.run(5)
    while clip._payload._reading is not None:  # this clock is faster than a disk
        await asyncio.sleep(0.01)
    disk.clear()
    await air.run(60, until=lambda: "slate" in air.names())
    assert air.names() == ["film", "slate"]
    assert air.now > 20 * SECOND_US  # what was read ahead lasted so long
    await air.run(10)
    assert air.names() == ["film", "slate"]
    disk.set()
    while not clip.ready:
        await asyncio.sleep(0.01)
    shown = len(air.pictures())
    await air.run(80)  # around the loop, at that
    assert air.names() == ["film", "slate", "film"]
    again = next(
        n for n, one in enumerate(air.pictures()) if n >= shown and not one.data.startswith(b"slate")
    )
    for n, picture in enumerate(air.pictures()[again : again + FRAMES]):  # from its beginning
        assert picture.data.endswith(frames[0][n][0])
    air.is_whole()
