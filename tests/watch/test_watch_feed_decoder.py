"""Keyframes and sound of real packets become small pictures and levels."""

import io

import msgspec
import pytest
from PIL import Image
from tools.testfeed import Feed, make_feed

from streamgate.core.packet import FeedFormat, Kind, Packet
from streamgate.watch.feed_decoder import FeedDecoder
from streamgate.watch.messages import FLOOR_DB, SLOT_US, Level, Still

SECOND_US = 1_000_000


@pytest.fixture(scope="module")
def feed() -> Feed:
    return make_feed(seconds=4, gop_s=1.0)


def look(feed: Feed, decoder: FeedDecoder | None = None) -> list[Still | Level]:
    """Show an decoder the feed as it would come in: DTS is the arrival."""
    if decoder is None:
        decoder = FeedDecoder("main")
        decoder.set_format(feed.format)
    seen = []
    for packet in feed.packets:
        if packet.keyframe or packet.kind is Kind.AUDIO:
            found = decoder.decode(msgspec.structs.replace(packet, dts=SECOND_US + packet.dts * 1000))
            if found is not None:
                seen.append(found)
    return seen


def size(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


def test_keyframes_become_stills_at_their_arrival(feed: Feed) -> None:
    stills = [one for one in look(feed) if isinstance(one, Still)]
    assert stills
    first = stills[0]
    assert (first.channel, first.at, first.change) == ("main", SECOND_US, 0)
    assert (size(first.small), size(first.large)) == ((160, 90), (480, 270))
    keyframes = {SECOND_US + packet.dts * 1000 for packet in feed.packets if packet.keyframe}
    assert {still.at for still in stills} <= keyframes


def test_a_still_waits_for_as_long_as_the_one_before_was_dear(feed: Feed) -> None:
    decoder = FeedDecoder("main")
    decoder.set_format(feed.format)
    keyframe = next(packet for packet in feed.packets if packet.keyframe)
    assert isinstance(decoder.decode(msgspec.structs.replace(keyframe, dts=0)), Still)
    assert decoder.decode(msgspec.structs.replace(keyframe, dts=399_000)) is None
    assert isinstance(decoder.decode(msgspec.structs.replace(keyframe, dts=60 * SECOND_US)), Still)


def test_another_scene_differs() -> None:
    decoder, changes = FeedDecoder("main"), []
    for minute, shade in enumerate((200, 200, 10)):
        scene = make_feed(seconds=1, gop_s=1.0, colour=(shade, shade, shade), moving=False, caption="")
        decoder.set_format(scene.format)
        still = decoder.decode(msgspec.structs.replace(scene.packets[0], dts=(1 + minute) * 60 * SECOND_US))
        assert isinstance(still, Still)
        changes.append(still.change)
    assert changes[:2] == [0, 0]
    assert changes[2] > 30


def test_sound_becomes_levels_of_tenths_of_a_second(feed: Feed) -> None:
    levels = [one for one in look(feed) if isinstance(one, Level)]
    assert {level.at % SLOT_US for level in levels} == {0}
    assert len(levels) >= 38
    loud, soft = max(one.db for one in levels), min(one.db for one in levels)
    assert -19 < loud < -13
    assert -29 < soft < -24


def test_silence_is_the_floor() -> None:
    quiet = make_feed(seconds=1, moving=False)
    assert {one.db for one in look(quiet) if isinstance(one, Level)} == {FLOOR_DB}


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff" * 5000, b"\x00\x00\x00\x05\x65\x88\x84\x00\x10"])
def test_what_is_no_picture_shows_nothing_and_harms_nothing(feed: Feed, data: bytes) -> None:
    decoder = FeedDecoder("main")
    decoder.set_format(feed.format)
    decoder.decode(Packet(Kind.VIDEO, 0, 0, keyframe=True, data=data))
    decoder.decode(Packet(Kind.AUDIO, 0, 0, keyframe=False, data=data))
    late = [msgspec.structs.replace(one, dts=one.dts + 60_000) for one in feed.packets]
    assert any(isinstance(one, Still) for one in look(feed._replace(packets=late), decoder))


def test_a_feed_that_cannot_be_decoded_shows_nothing(feed: Feed) -> None:
    decoder = FeedDecoder("main")
    assert feed.format.video is not None
    decoder.set_format(FeedFormat(msgspec.structs.replace(feed.format.video, codec="none", config=b""), None))
    assert look(feed, decoder) == []
