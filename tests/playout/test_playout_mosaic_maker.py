"""Mosaics as the gate process has them made: by the real child, and by children that fail."""

import asyncio
import gc
import sys
import time
from pathlib import Path

import pytest
from fakes.clips_media import feed as make_feed

from streamgate.clock import now_us
from streamgate.core.clip import Clip
from streamgate.core.mosaic import READY_US, Group, Wanted
from streamgate.core.packet import FeedFormat, Kind
from streamgate.core.ring import Held
from streamgate.errors import MediaError
from streamgate.playout.mosaic_maker import CHILD, MosaicMaker


def groups_of(number: int, seconds: float = 60.0) -> tuple[FeedFormat, list[Wanted]]:
    """Return a feed and so many of its groups, whose mosaics must be there in so many seconds."""
    format_, packets = make_feed(frames=15 * number, gop=15, rate=0)
    pictures = [packet for packet in packets if packet.kind is Kind.VIDEO]
    due_us = now_us() + READY_US + round(seconds * 1e6)
    wanted = []
    for first in range(0, len(pictures), 15):
        group = pictures[first : first + 15]
        held = [Held(first + n, 1, packet, first + n) for n, packet in enumerate(group)]
        wanted.append(Wanted(Group(first, 1, frozenset([None])), held, due_us, ("s1",)))
    return format_, wanted


async def make(folder: Path, wanted: list[Wanted], feed: FeedFormat, *command: str) -> list[Clip]:
    made: list[Clip] = []
    maker = MosaicMaker(folder, command or CHILD)
    await maker.make("mosaic", feed, wanted, 300_000, lambda _, clip: made.append(clip))
    return made


def test_a_clip_for_each_group_whose_file_goes_with_it(tmp_path: Path) -> None:
    feed, wanted = groups_of(3)
    clips = asyncio.run(make(tmp_path, wanted, feed))
    assert [clip.video_count for clip in clips] == [15, 15, 15]
    assert all(Path(clip.path).read_bytes().startswith(b"SGCLIP1") for clip in clips)
    clips.clear()
    gc.collect()
    end = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < end:
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("raise SystemExit(3)", "exit code 3"),
        ("import os; os.write(1, bytes([0, 0, 0, 5]) + b'hello')", "not a clip file"),
        ("import os; os.write(1, bytes([255]) * 4096)", "garbage"),
        ("import time; time.sleep(60)", "too long"),
        ("import os, time; os.write(1, bytes(2)); time.sleep(60)", "too long"),
        ("import os, time; os.close(1); time.sleep(60)", "too long"),
    ],
)
def test_a_child_that_fails_is_ended_and_says_why(tmp_path: Path, does: str, said: str) -> None:
    feed, wanted = groups_of(1, seconds=3.0)
    with pytest.raises(MediaError, match=said):
        asyncio.run(make(tmp_path, wanted, feed, sys.executable, "-c", does))
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    feed, wanted = groups_of(1)
    with pytest.raises(MediaError, match="No such file"):
        asyncio.run(make(tmp_path, wanted, feed, str(tmp_path / "nothing")))


def test_no_child_is_started_when_there_is_no_time(tmp_path: Path) -> None:
    feed, wanted = groups_of(1, seconds=-0.1)
    with pytest.raises(MediaError, match="in time"):
        asyncio.run(make(tmp_path, wanted, feed))
