"""Keyframes of a feed, one picture each, for pages with many channels."""

import json

from console_stage import Stage
from tools.testfeed import Feed

from console.live.preview import Preview
from console.live.stills import STILL_MS, StillsMuxer
from streamgate.core.packet import FeedFormat, Kind, Packet


def keyframes(feed: Feed) -> list[Packet]:
    return [packet for packet in feed.packets if packet.kind is Kind.VIDEO and packet.keyframe]


def test_each_keyframe_is_a_picture_of_its_own_and_nothing_else_is(feed: Feed) -> None:
    muxer = StillsMuxer()
    muxer.set_format(feed.format)
    made = [fragment for packet in feed.packets if (fragment := muxer.add(packet)) is not None]
    assert len(made) == len(keyframes(feed)) > 1
    assert all(fragment.entry for fragment in made)
    assert muxer.newest == [made[-1]]
    assert muxer.init is not None
    head = json.loads(muxer.init.head)
    assert (head["video"], head["audio"], head["width"]) == (True, False, 160)


def test_pictures_stand_a_second_apart_whatever_the_feeds_clock_does(feed: Feed) -> None:
    key = keyframes(feed)[0]
    muxer = StillsMuxer()
    muxer.set_format(feed.format)
    times = []
    for dts in (5_000, 5_500, 90_000, 10):
        fragment = muxer.add(Packet(Kind.VIDEO, dts, dts + 80, True, key.data))
        assert fragment is not None
        times.append(decoding_time(fragment.data))
    assert times == [0, STILL_MS, 2 * STILL_MS, 3 * STILL_MS]


def decoding_time(fragment: bytes) -> int:
    """Return the first picture's decoding time, ms (tfdt, ISO/IEC 14496-12, 8.8.12)."""
    at = fragment.index(b"tfdt")
    assert fragment[at + 4] == 1
    return int.from_bytes(fragment[at + 8 : at + 16], "big") // 90


def test_a_feed_without_pictures_has_none(feed: Feed) -> None:
    muxer = StillsMuxer()
    muxer.set_format(FeedFormat(None, feed.format.audio))
    assert [muxer.add(packet) for packet in feed.packets] == [None] * len(feed.packets)
    assert muxer.init is None


async def test_the_websocket_sends_pictures_alone_on_request(stage: Stage) -> None:
    async with stage.socket("/api/v1/preview/main/pvw?stills=true") as stills:
        head = json.loads(await stills.recv())
        while head["t"] == "wait":
            head = json.loads(await stills.recv())
        assert (head["t"], head["audio"]) == ("init", False)
        segment, first, second = [await stills.recv() for _ in range(3)]
    assert isinstance(segment, bytes)
    assert b"moov" in segment
    assert [decoding_time(one) for one in (first, second) if isinstance(one, bytes)] in (
        [n * STILL_MS, (n + 1) * STILL_MS] for n in range(1000)
    )


async def test_one_subscription_serves_moving_and_still_pictures(stage: Stage, feed: Feed) -> None:
    class Link:
        asked = 0

        def subscribe(self, *_: object) -> None:
            self.asked += 1

        def unsubscribe(self, *_: object) -> None: ...

    link = Link()
    preview = Preview(link)  # type: ignore[arg-type]
    shared, moving = preview.watch("main", "pvw")
    again, still = preview.watch("main", "pvw", stills=True)
    assert (shared is again, link.asked, shared.watched) == (True, 1, 2)
    shared.on_format(feed.format)
    for packet in feed.packets:
        shared.on_packet(packet)
    assert len(still._queue) == 1 + 2 + len(keyframes(feed))  # wait, then head and segment once
    assert len(moving._queue) > len(still._queue)
    preview.leave(shared, still)
    preview.leave(shared, moving)
    assert shared.watched == 0
