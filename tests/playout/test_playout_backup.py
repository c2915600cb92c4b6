"""The cache of conformed clips, with the real child."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from fakes import clips_media

from streamgate.core.packet import AudioTrack, FeedFormat, VideoTrack
from streamgate.errors import MediaError
from streamgate.playout import backup
from streamgate.playout.backup import ClipCache

FEED = FeedFormat(
    VideoTrack("h264", b"", 96, 64, 30, 1, profile="High"), AudioTrack("aac", b"\x11\x90", 48000, 2)
)
OTHER = FeedFormat(msgspec.structs.replace(FEED.video, width=128), FEED.audio)


def files(path: Path):
    return sorted(file.name for file in path.glob("*.clip"))


async def child_at_work(cache_dir):
    """Wait until a child writes its clip; return its process id."""
    while not (parts := list(cache_dir.glob("*.clip.*.part"))):
        await asyncio.sleep(0.01)
    return int(parts[0].name.split(".")[-2])


async def test_a_clip_is_made_once(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.4)
    cache = ClipCache(tmp_path / "cache")
    assert await cache.cached(movie, "in", FEED, 1) is None
    clip = await cache.get(movie, "in", FEED, 1)
    assert (clip.name, clip.video_count, clip.has_sound) == ("in", 12, True)
    made = files(tmp_path / "cache")

    again = await ClipCache(tmp_path / "cache").cached(movie, "other name", FEED, 1)  # after a restart
    assert (again.name, again.video(0)) == ("other name", clip.video(0))
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(movie.read_bytes())
    assert (await cache.get(copy, "copy", FEED, 1)).video_count == 12
    assert made == files(tmp_path / "cache")
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.suffix in {".part", ".job"}] == []


async def test_what_makes_a_difference_makes_another_clip(tmp_path):
    cache = ClipCache(tmp_path)
    clips = [
        await cache.get(None, "slate", FEED, 1),
        await cache.get(None, "slate", FEED, 2),
        await cache.get(None, "slate", OTHER, 1),
    ]
    assert len(files(tmp_path)) == 3
    assert len({clip.video_track.config for clip in clips}) == 3


async def test_similar_bitrates_share_a_clip(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.2)
    cache = ClipCache(tmp_path / "cache")
    for bitrate in (6_000_000, 5_800_000, 7_000_000, 0):
        await cache.get(movie, "in", FEED, 1, bitrate)
    assert len(files(tmp_path / "cache")) == 1
    await cache.get(movie, "in", FEED, 1, 1_000_000)  # the feed has become too thin for it
    assert len(files(tmp_path / "cache")) == 2
    assert await cache.cached(movie, "in", FEED, 1, 1_000_000) is not None
    assert await cache.cached(movie, "in", FEED, 1, 100_000_000) is None


async def test_a_changed_file_is_conformed_anew(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mp4", seconds=0.4)
    cache = ClipCache(tmp_path / "cache")
    assert (await cache.get(movie, "in", FEED, 1)).video_count == 12
    clips_media.write_movie(movie, seconds=0.8)
    assert await cache.cached(movie, "in", FEED, 1) is None
    assert (await cache.get(movie, "in", FEED, 1)).video_count == 24


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-40], lambda data: b"", lambda data: b"\0" * len(data)]
)
async def test_a_damaged_clip_is_made_anew(tmp_path, damage):
    cache = ClipCache(tmp_path)
    good = (await cache.get(None, "slate", FEED, 1)).video(0)
    path = next(tmp_path.glob("*.clip"))
    other = path.with_suffix(".new")
    other.write_bytes(damage(path.read_bytes()))
    other.replace(path)
    assert await ClipCache(tmp_path).cached(None, "slate", FEED, 1) is None
    assert files(tmp_path) == []
    assert (await cache.get(None, "slate", FEED, 1)).video(0) == good


async def test_many_who_ask_at_once_get_one_clip(tmp_path):
    cache = ClipCache(tmp_path)
    clips = await asyncio.gather(*(cache.get(None, "slate", FEED, 1) for _ in range(5)))
    assert len({clip.video(0) for clip in clips}) == 1
    assert len(files(tmp_path)) == 1


async def test_the_slate_does_not_wait_for_a_clip(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mkv", seconds=2, rate=0)
    cache = ClipCache(tmp_path / "cache")
    async with asyncio.TaskGroup() as group:
        long = group.create_task(cache.get(movie, "in", FEED, 1))
        pid = await child_at_work(tmp_path / "cache")
        os.kill(pid, signal.SIGSTOP)
        await cache.get(None, "slate", FEED, 1)
        assert not long.done()
        os.kill(pid, signal.SIGCONT)


async def test_sources_on_a_disk_that_hangs_keep_no_slate_from_being_made(tmp_path, monkeypatch):
    thaw = threading.Event()
    monkeypatch.setattr(backup._ContentHashes, "of", lambda *_: thaw.wait(30))
    cache = ClipCache(tmp_path)
    clips = [asyncio.ensure_future(cache.get(tmp_path / f"{n}.mp4", "in", FEED, 1)) for n in range(9)]
    stats = [cache.sources.call(thaw.wait, 30) for _ in range(9)]
    await asyncio.sleep(0.1)
    async with asyncio.timeout(20):
        assert await cache.get(None, "slate", FEED, 1)
    for one in (*clips, *stats):
        one.cancel()
    thaw.set()


async def test_giving_up_ends_the_child_and_leaves_nothing(tmp_path):
    movie = clips_media.write_movie(tmp_path / "in.mkv", seconds=4, rate=0)
    cache = ClipCache(tmp_path / "cache")
    task = asyncio.ensure_future(cache.get(movie, "in", FEED, 1))
    pid = await child_at_work(tmp_path / "cache")
    os.kill(pid, signal.SIGSTOP)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not Path(f"/proc/{pid}").exists()
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["hashes.json"]


async def test_errors_are_the_childs_words(tmp_path):
    cache = ClipCache(tmp_path / "cache")
    notes = tmp_path / "notes.txt"
    notes.write_text("no media here")
    with pytest.raises(MediaError, match=r"^notes\.txt is not a media file that can be read$"):
        await cache.get(notes, "notes", FEED, 1)
    with pytest.raises(MediaError, match=r"^gone\.mp4 does not exist$"):
        await cache.get(tmp_path / "gone.mp4", "gone", FEED, 1)
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["hashes.json"]


async def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "cache").write_text("a file stands where the directory should be")
    with pytest.raises(MediaError, match="cannot be written"):
        await ClipCache(tmp_path / "cache").get(None, "slate", FEED, 1)


async def test_a_clip_that_can_be_neither_read_nor_removed(tmp_path):
    """As on a disk that failed: whoever asks gets a reason, once, and no traceback a second."""
    cache = ClipCache(tmp_path)
    await cache.get(None, "slate", FEED, 1)
    (name,) = files(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name / "stays").mkdir(parents=True)
    assert await cache.cached(None, "slate", FEED, 1) is None
    with pytest.raises(MediaError):
        await cache.get(None, "slate", FEED, 1)


async def test_the_sweeper_takes_the_longest_unused_but_none_in_use(tmp_path):
    cache = ClipCache(tmp_path, max_bytes=1, max_unused_s=1e9)
    held = await cache.get(None, "slate", FEED, 1)
    await cache.get(None, "slate", FEED, 2)
    await cache.get(None, "slate", FEED, 3)
    cache.sweep()
    assert len(files(tmp_path)) == 1  # over the limit still: it is in use
    assert held.video(held.video_count - 1)
    assert await cache.cached(None, "slate", FEED, 1)  # opened and let go: the first one still holds it
    await asyncio.sleep(0)
    gc.collect()
    assert cache.sweep() == []
    del held
    await asyncio.sleep(0)  # the loop still holds the result that woke this task
    gc.collect()
    assert len(cache.sweep()) == 1


async def test_the_sweeper_takes_what_is_unused_for_long(tmp_path):
    cache = ClipCache(tmp_path, max_unused_s=1000)
    await cache.get(None, "slate", FEED, 1)
    await cache.get(None, "slate", FEED, 2)
    oldest = next(tmp_path.glob("*.clip"))
    os.utime(oldest, (time.time() - 2000,) * 2)
    leftover = tmp_path / "x.1.part"
    leftover.touch()
    os.utime(leftover, (time.time() - 200_000,) * 2)
    assert cache.sweep() == [oldest]
    assert not leftover.exists()
    assert len(files(tmp_path)) == 1


def test_no_libav_comes_into_the_gate():
    code = "import sys, streamgate.playout.backup; print(sorted({'av', 'PIL', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
