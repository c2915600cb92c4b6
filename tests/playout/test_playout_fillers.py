"""Which format filler is made for, and when, beside a real gate."""

import asyncio
from time import monotonic

import msgspec
import pytest
from fakes.media import AUDIO, AVCC, clip, video_track

from streamgate.clock import now_us
from streamgate.core.gate import SLATE, Gate
from streamgate.core.packet import FeedFormat, VideoTrack
from streamgate.playout import fillers
from streamgate.playout.fillers import DEFAULT_FORMAT, Fillers, choose_format
from streamgate.runtime.service import Services

LAST = FeedFormat(video_track(AVCC[0]), AUDIO)
SMALL = FeedFormat(VideoTrack("h264", b"", 640, 360, 25, 1))
OTHER_SOUND = msgspec.structs.replace(AUDIO, config=b"\x12\x10", sample_rate=44100)


@pytest.mark.parametrize(
    ("last", "expected", "chosen"),
    [
        (None, None, None),
        (LAST, None, LAST),
        (None, SMALL, SMALL),
        (LAST, SMALL, FeedFormat(SMALL.video, AUDIO)),
        # the same picture again: with the parameter sets it had, so that one header will do
        (LAST, FeedFormat(msgspec.structs.replace(LAST.video, config=b"", profile="")), LAST),
        (LAST, FeedFormat(LAST.video, OTHER_SOUND), FeedFormat(LAST.video, OTHER_SOUND)),
        (LAST, FeedFormat(), LAST),
    ],
)
def test_what_filler_is_made_for_before_the_picture_is_known(last, expected, chosen):
    assert choose_format(last, expected) == chosen


def wide(n):
    return FeedFormat(msgspec.structs.replace(LAST.video, width=200 + 2 * n), AUDIO)


class Cache:
    """In the place of the clip cache, whose child takes seconds: notes what is asked for, and when."""

    def __init__(self):
        self.asked = []
        self.at_work = self.most = 0
        self.takes_s = 0.0

    async def cached(self, source, name, feed, sps_id, bitrate_bps):
        return None

    async def get(self, source, name, feed, sps_id, bitrate_bps):
        self.asked.append((feed, monotonic()))
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.at_work -= 1
        return clip(name, msgspec.structs.replace(feed.video, config=AVCC[1]))


class Bench:
    def __init__(self, group, cache):
        self.cache = cache
        self.gate = Gate(30)
        self.services = Services(group)
        self.fillers = Fillers(
            "main",
            [],
            gate=self.gate,
            clips=cache,
            slates=cache,
            services=self.services,
            say_=lambda warn: None,
            installed=lambda: self.gate.advance(now_us()),
        )

    def prepare(self, last=None, *, expected=None, expecting=False):
        self.fillers.prepare(last, expected=expected, bitrate_bps=0, expecting=expecting)

    async def until(self, condition):
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)


@pytest.fixture
async def bench():
    async with asyncio.TaskGroup() as group:
        bench = Bench(group, Cache())
        yield bench
        bench.services.cancel()


async def test_an_encoder_without_a_picture_is_waited_for_and_then_its_metadata_counts(bench, monkeypatch):
    monkeypatch.setattr(fillers, "FORMAT_WAIT_S", 0.6)
    bench.fillers.wait_for_feed()
    began = monotonic()
    bench.prepare(expecting=True)
    await asyncio.sleep(0.2)
    bench.prepare(expected=SMALL, expecting=True)  # does not begin the wait again
    await bench.until(lambda: bench.cache.asked)
    feed, at = bench.cache.asked[0]
    assert feed == SMALL
    assert 0.55 <= at - began < 0.9
    await bench.until(lambda: bench.gate.clip(SLATE, SMALL))


async def test_a_picture_that_comes_in_time_is_what_filler_is_made_for(bench):
    bench.fillers.wait_for_feed()
    bench.prepare(expected=SMALL, expecting=True)
    await asyncio.sleep(0.05)
    bench.prepare(LAST)
    await bench.until(lambda: bench.gate.clip(SLATE, LAST))
    assert [feed for feed, _ in bench.cache.asked] == [LAST]


async def test_without_an_encoder_nothing_is_waited_for(bench):
    bench.fillers.wait_for_feed()
    bench.prepare()
    await bench.until(lambda: bench.gate.clip(SLATE, None))
    assert bench.cache.asked[0][0] == DEFAULT_FORMAT


async def test_a_slate_in_the_making_is_not_given_up_for_the_next_feed_s(bench):
    """A feed that changes faster than a slate is made would leave the program without any."""
    bench.cache.takes_s = 0.2
    bench.gate.start(now_us())
    for n in range(20):
        bench.prepare(wide(n))
        await asyncio.sleep(0.05)
    assert bench.gate.header is not None
    await bench.until(lambda: bench.gate.clip(SLATE, wide(19)))
    assert bench.cache.most == 1


async def test_on_air_feeds_that_change_all_the_time_get_few_slates_and_the_last_gets_its_own(
    bench, monkeypatch
):
    monkeypatch.setattr(fillers, "SLATE_EVERY_US", 300_000)
    bench.fillers._pace = fillers.TokenBucket.every(fillers.SLATES_AT_ONCE, fillers.SLATE_EVERY_US)
    bench.gate.start(now_us())
    began = monotonic()
    for n in range(200):
        bench.prepare(wide(n))
        await asyncio.sleep(0.005)
    await bench.until(lambda: bench.gate.clip(SLATE, wide(199)))
    assert bench.gate.header is not None
    assert len(bench.cache.asked) <= fillers.SLATES_AT_ONCE + (monotonic() - began) / 0.3 + 1
    assert len(bench.fillers._made_from) <= 3


class Damaged:
    """The payload of a clip file that was cut short on air."""

    ready, broken = False, True

    def read(self, offset, size, *, video):
        return None


async def test_a_damaged_clip_of_one_camera_costs_the_other_one_nothing(bench):
    main, standby = wide(1), wide(2)
    bench.gate.feed(main, 0)
    bench.gate.standby_feed(standby, 0)
    clips = {feed: clip("hills.mp4", feed.video) for feed in (main, standby)}
    for feed, made in clips.items():
        bench.gate.install(made, "hills.mp4", feed)
    bench.fillers.set_files(["hills.mp4"])
    bench.prepare(standby)
    clips[standby]._payload = Damaged()
    assert bench.fillers.drop_broken()
    assert bench.gate.clip("hills.mp4", standby) is None
    assert bench.gate.clip("hills.mp4", main) is clips[main]
