"""What the demo makes and what its platform takes: the real feed process publishing into the real sink."""

import asyncio
import os
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from streamgate.demo.feed import URL_VARIABLE
from streamgate.demo.pictures import BACKUP_S, FPS, HEIGHT, SAMPLE_RATE, WIDTH, FeedPicture, make_backup, tone
from streamgate.demo.sink import Sink, pps_id


def test_the_feeds_pictures_move() -> None:
    picture = FeedPicture()
    first, second, again = picture.frame(10, 0), picture.frame(11, 0), picture.frame(10, 0)

    assert first.shape == (HEIGHT * 3 // 2, WIDTH)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_the_tone_beeps_on_the_second() -> None:
    beep, quiet = tone(SAMPLE_RATE, 2400), tone(SAMPLE_RATE + SAMPLE_RATE // 2, 2400)

    assert beep.shape == (2, 2400)
    assert np.abs(beep).max() > 0.2
    assert np.abs(quiet).max() < 0.02


def test_the_backup_clip(tmp_path: Path) -> None:
    make_backup(tmp_path / "backup.mp4")

    assert [path.name for path in tmp_path.iterdir()] == ["backup.mp4"]
    with av.open(str(tmp_path / "backup.mp4")) as clip:
        assert (clip.streams.video[0].width, clip.streams.video[0].height) == (WIDTH, HEIGHT)
        assert len(clip.streams.audio) == 1
        frames = sum(1 for _ in clip.decode(video=0))
    assert frames == BACKUP_S * FPS


@pytest.mark.parametrize(
    ("slice_start", "expected"),
    [
        (b"\x65\xb8", 0),  # 1 | 011 | 1: first_mb 0, slice type 2, pps 0
        (b"\x65\xb4", 1),  # 1 | 011 | 010: pps 1
        (b"\x41\x9a", 0),  # 1 | 00110 | 1: slice type 5, pps 0
        (b"\x41\x80", None),  # cut short
        (b"\x06\x05\x01", None),  # SEI: no slice
        (b"", None),
    ],
)
def test_which_parameter_set_a_slice_uses(slice_start: bytes, expected: int | None) -> None:
    assert pps_id(len(slice_start).to_bytes(4, "big") + slice_start) == expected


async def test_the_feed_reaches_the_platform(tmp_path: Path) -> None:
    sink = Sink(tmp_path)
    url = await sink.start()
    feed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamgate.demo.feed", env={**os.environ, URL_VARIABLE: url}
    )
    try:
        async with asyncio.timeout(20):
            while sink.received_s < 2.5 or sink.picture == "none":
                await asyncio.sleep(0.05)
            assert (sink.connected, sink.connections, sink.picture) == (True, 1, "live")

            feed.terminate()
            assert await feed.wait() == 0
            while sink.connected:
                await asyncio.sleep(0.05)
    finally:
        if feed.returncode is None:
            feed.kill()
            await feed.wait()
        await sink.close()

    with av.open(str(sink.path)) as recorded:
        pictures = [frame.to_ndarray() for frame in recorded.decode(video=0)]
    assert len(pictures) >= 2.5 * FPS
    with av.open(str(sink.path)) as recorded:
        assert sum(frame.samples for frame in recorded.decode(audio=0)) >= 2.4 * SAMPLE_RATE


async def test_the_platform_refuses_a_wrong_key(tmp_path: Path) -> None:
    sink = Sink(tmp_path)
    url = await sink.start()
    feed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "streamgate.demo.feed"),
        env={**os.environ, URL_VARIABLE: f"{url}-wrong"},
        stderr=asyncio.subprocess.PIPE,
    )
    assert feed.stderr is not None
    try:
        said = await asyncio.wait_for(feed.stderr.readline(), 20)
    finally:
        feed.kill()
        await feed.communicate()
        await sink.close()

    assert said.startswith(b"feed: connection lost")
    assert b"wrong" not in said
    assert sink.connections == 0
