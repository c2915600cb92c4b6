"""What a channel's gate wants mosaics of is made in time, or filler airs and the operator is told why."""

import asyncio
from pathlib import Path

import pytest
from fakes.clips_media import feed as make_feed
from msgspec import structs

from streamgate.clock import now_us
from streamgate.core import mosaic, mosaics
from streamgate.core.clip import Clip
from streamgate.core.gate import SLATE, Gate
from streamgate.core.mosaic import READY_US
from streamgate.core.packet import FeedFormat, Kind
from streamgate.core.spans import MOSAIC
from streamgate.link.messages import Warn
from streamgate.playout.conform import conform
from streamgate.playout.fillers import sps_id_for
from streamgate.playout.job import ConformJob
from streamgate.playout.mosaic_jobs import MosaicJobs
from streamgate.playout.mosaic_maker import CHILD, MosaicMaker
from streamgate.runtime.service import Services

S, GOP, FRAME_US = 1_000_000, 15, 33_334
MARKED = range(2 * GOP, 4 * GOP)  # by number: the groups that the span touches
pytestmark = pytest.mark.asyncio


class Channel:
    """A gate that holds a feed of 4 s, and what has mosaics made for it. The feed came in long ago."""

    def __init__(
        self,
        folder: Path,
        services: Services,
        command: tuple[str, ...],
        left_s: float,
        damaged: int | None = None,
    ) -> None:
        """`left_s`: so long until a mosaic must be there. `damaged`: a picture that cannot be decoded."""
        feed, packets = make_feed(frames=8 * GOP, gop=GOP, rate=0)
        self.said: list[Warn] = []
        self.gate = Gate(30)
        self.begin = now_us() - round((30 - READY_US / S - left_s + 1) * S)
        self.gate.feed(feed, self.begin)
        self.gate.install(slate_for(feed, folder), SLATE, feed)
        self.gate.start(self.begin)
        for number, packet in enumerate(one for one in packets if one.kind is Kind.VIDEO):
            if number == damaged:
                packet = structs.replace(packet, data=bytes(40))  # noqa: PLW2901
            self.gate.packet(packet, self.begin + number * FRAME_US, number)
        ends = (self.begin + (MARKED[0] + 3) * FRAME_US, self.begin + (MARKED[-1] - 3) * FRAME_US)
        self.span = self.gate.mark(MOSAIC, ends, now_us(), "console:li")
        maker = MosaicMaker(folder / "mosaics", command)
        self.jobs = MosaicJobs("main", gate=self.gate, maker=maker, services=services, say_=self.said.append)

    def air(self) -> tuple[set[int], set[int]]:
        """Air all that is held; return the numbers of the live pictures, and of those under a mosaic."""
        live: set[int] = set()
        covered: set[int] = set()
        for at in range(now_us(), self.begin + 35 * S, FRAME_US):
            for one in self.gate.advance(at):
                if one.arrival_us is not None:
                    number = round((one.arrival_us - self.begin) / FRAME_US)
                    (covered if one.redacted else live).add(number)
        return live, covered


def slate_for(feed: FeedFormat, folder: Path) -> Clip:
    out = folder / "slate.clip"
    conform(ConformJob(SLATE, SLATE, feed, sps_id_for(feed), str(out)))
    return Clip.from_buffer(out.read_bytes())


async def tick_until(channel: Channel, seconds: float, done: str) -> None:
    async with asyncio.timeout(seconds):
        while not (channel.said if done == "said" else channel.gate.can_redact(channel.span)):
            channel.jobs.tick(0)
            await asyncio.sleep(0.05)


async def test_what_is_ready_airs_under_its_mosaic(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), CHILD, left_s=20)
        await tick_until(channel, 20, "ready")
        live, covered = channel.air()
    assert covered == set(MARKED)
    assert live == set(range(8 * GOP)) - set(MARKED)
    assert channel.said == []


async def test_a_group_that_cannot_be_decoded_costs_no_other_one(tmp_path: Path) -> None:
    damaged = MARKED[0] + 5
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), CHILD, left_s=20, damaged=damaged)
        async with asyncio.timeout(20):
            while len(channel.gate.mosaics_wanted(now_us())) > 1:
                channel.jobs.tick(0)
                await asyncio.sleep(0.05)
        live, covered = channel.air()
    assert covered == set(MARKED[GOP:])
    assert live == set(range(8 * GOP)) - set(range(MARKED[0] + 3, MARKED[-1] + 1))


async def test_what_finds_no_room_is_made_once_there_is_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mosaics, "MAX_READY", 1)
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), CHILD, left_s=20)
        async with asyncio.timeout(10):
            while not channel.gate.mosaics.full:
                channel.jobs.tick(0)
                await asyncio.sleep(0.05)
        monkeypatch.setattr(mosaics, "MAX_READY", 2)
        channel.gate.advance(now_us())
        await tick_until(channel, 10, "ready")
        live, covered = channel.air()
    assert covered == set(MARKED)
    assert live == set(range(8 * GOP)) - set(MARKED)


async def test_a_group_that_no_child_could_code_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mosaic, "MAX_PICTURES", GOP - 1)
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), CHILD, left_s=0.5)
        await tick_until(channel, 10, "said")
    (warned,) = channel.said
    assert "too long" in warned.text
    assert "过长" in warned.text_zh


async def test_the_reason_is_that_of_the_span_itself(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), ("sh", "-c", "kill -9 $$"), left_s=1.5)
        await tick_until(channel, 10, "said")
        ends = (channel.begin + (GOP + 3) * FRAME_US, channel.begin + (2 * GOP - 3) * FRAME_US)
        late = channel.gate.mark(MOSAIC, ends, now_us(), "console:li")  # too late for any child
        channel.jobs.tick(0)
    assert [channel.span.id in warned.text for warned in channel.said] == [True, False]
    assert late.id in channel.said[1].text
    assert "exit code -9" in channel.said[0].text
    assert "too little time" in channel.said[1].text


@pytest.mark.parametrize(
    ("does", "why"),
    [
        ("kill -9 $$", ("exit code -9", "退出码 -9")),
        (r"printf '\377\377\377\377'", ("garbage", "输出无效")),
        ("exec sleep 60", ("too long", "时间过长")),
    ],
)
async def test_filler_airs_where_the_child_fails_and_the_operator_is_told_why(
    tmp_path: Path, does: str, why: tuple[str, str]
) -> None:
    async with asyncio.TaskGroup() as group:
        channel = Channel(tmp_path, Services(group), ("sh", "-c", does), left_s=1.5)
        await tick_until(channel, 10, "said")
        channel.jobs.cancel()
        live, covered = channel.air()
    (warned,) = channel.said
    assert channel.span.id in warned.text
    assert why[0] in warned.text
    assert why[1] in warned.text_zh
    assert covered == set()
    assert live == set(range(8 * GOP)) - set(range(MARKED[0] + 3, MARKED[-1] + 1)), "back with a keyframe"
    assert channel.gate.why.code == "no_input", "live came back in between"
