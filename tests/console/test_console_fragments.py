import io
import itertools
import json
import struct

import av
import msgspec
import pytest
from tools.testfeed import Feed

from console.live.fragments import Fragment, Init, PreviewMuxer
from streamgate.core.packet import FeedFormat, Kind, Packet


def moved(packets: list[Packet], by_ms: int) -> list[Packet]:
    return [Packet(p.kind, p.dts + by_ms, p.pts + by_ms, p.keyframe, p.data) for p in packets]


def mux(muxer: PreviewMuxer, packets: list[Packet]) -> list[Init | Fragment]:
    return [piece for packet in packets for piece in muxer.add(packet)]


def fragments(pieces: list[Init | Fragment]) -> list[Fragment]:
    return [piece for piece in pieces if isinstance(piece, Fragment)]


def inits(pieces: list[Init | Fragment]) -> list[Init]:
    return [piece for piece in pieces if isinstance(piece, Init)]


def decoded(pieces: list[Init | Fragment]) -> tuple[list[float], list[float]]:
    """Decode strictly and return the times of pictures and of sound, seconds."""
    data = b"".join(piece.segment if isinstance(piece, Init) else piece.data for piece in pieces)
    times: dict[str, list[float]] = {"video": [], "audio": []}
    with av.open(io.BytesIO(data)) as container:
        for stream in container.streams:
            stream.codec_context.options = {"err_detect": "explode"}
        for frame in container.decode():
            times["video" if isinstance(frame, av.VideoFrame) else "audio"].append(float(frame.time))
    return times["video"], times["audio"]


def sequence(fragment: Fragment) -> int:
    return int(struct.unpack_from(">I", fragment.data, 20)[0])


def test_what_comes_out_decodes_whole(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, feed.packets)
    assert isinstance(pieces[0], Init)
    assert len(inits(pieces)) == 1
    pictures, sound = decoded(pieces)
    assert len(pictures) >= 19
    assert {round(b - a, 3) for a, b in itertools.pairwise(pictures)} == {0.1}
    assert len(sound) >= 80


def test_init_says_what_the_page_needs(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    mux(muxer, feed.packets[:1])
    assert muxer.init is not None
    head = json.loads(muxer.init.head)
    codecs = head["codecs"]
    assert codecs.startswith("avc1.64")
    assert codecs.endswith(",mp4a.40.2")
    assert head == {
        "t": "init",
        "mime": f'video/mp4; codecs="{codecs}"',
        "codecs": codecs,
        "width": 160,
        "height": 96,
        "fps": 10.0,
        "video": True,
        "audio": True,
    }


def test_a_fragment_is_65_ms_and_a_keyframe_begins_one(feed: Feed) -> None:
    fast = msgspec.structs.replace(feed.format.video, fps_num=30)
    muxer = PreviewMuxer()
    muxer.set_format(FeedFormat(fast, None))
    packets = [
        Packet(Kind.VIDEO, round(n * 1000 / 30), round(n * 1000 / 30), n % 25 == 0, b"\0\0\0\1\x09")
        for n in range(100)
    ]
    out = fragments(mux(muxer, packets))
    assert [fragment.entry for fragment in out].count(True) == 4
    counts = [fragment.data.count(b"\0\0\0\1\x09") for fragment in out]
    assert set(counts) == {2, 1}  # 25 frames a GOP: twelve twos, and one before the next keyframe
    assert [sequence(fragment) for fragment in out] == list(range(1, len(out) + 1))


def test_it_begins_at_a_keyframe(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, feed.packets[1:])
    assert isinstance(pieces[0], Init)
    pictures, _ = decoded(pieces)
    assert len(pictures) >= 14


def test_nothing_comes_without_a_format(feed: Feed) -> None:
    assert mux(PreviewMuxer(), feed.packets) == []


def test_who_joins_gets_the_gop_so_far(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, feed.packets[:70])
    last_entry = max(n for n, piece in enumerate(pieces) if isinstance(piece, Fragment) and piece.entry)
    assert muxer.gop == pieces[last_entry:]
    assert muxer.init is not None
    pictures, _ = decoded([muxer.init, *muxer.gop])
    assert len(pictures) >= 1


def test_a_feed_that_begins_anew_goes_on_without_a_hole(feed: Feed) -> None:
    """The encoder came back with timestamps from 0, after a loss, and with a leap ahead."""
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, moved(feed.packets, 500_000))
    pieces += mux(muxer, feed.packets)
    muxer.reset()
    pieces += mux(muxer, moved(feed.packets, 1000))
    pieces += muxer.set_format(feed.format)
    pieces += mux(muxer, moved(feed.packets, 90_000_000))
    assert len(inits(pieces)) == 4
    entries = [n for n, piece in enumerate(pieces) if isinstance(piece, Init)]
    ends: list[float] = []
    for begin, end in zip(entries, [*entries[1:], len(pieces)], strict=True):
        pictures, _ = decoded(pieces[begin:end])
        if ends:
            assert 0 <= pictures[0] - ends[-1] <= 0.2
        ends.append(pictures[-1])
    assert ends[0] < 3


def test_a_drop_upstream_is_a_jump_not_a_new_beginning(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, feed.packets) + mux(muxer, moved(feed.packets, 2000 + 5000))
    assert len(inits(pieces)) == 1
    pictures, _ = decoded(pieces)
    assert max(b - a for a, b in itertools.pairwise(pictures)) > 4.5


def test_sound_that_stays_away_is_filled_in(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    silent = [p for p in feed.packets if p.kind is Kind.VIDEO or p.dts < 500]
    pieces = mux(muxer, silent)
    pictures, sound = decoded(pieces)
    assert len(sound) >= 75
    assert sound[-1] > pictures[-1] - 0.6


def test_a_feed_of_sound_alone_is_shown_as_such(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(FeedFormat(None, feed.format.audio))
    pieces = mux(muxer, [p for p in feed.packets if p.kind is Kind.AUDIO])
    assert all(fragment.entry for fragment in fragments(pieces))
    assert len(muxer.gop) == 1
    pictures, sound = decoded(pieces)
    assert (pictures, len(sound) > 80) == ([], True)
    assert json.loads(inits(pieces)[0].head)["mime"] == 'audio/mp4; codecs="mp4a.40.2"'


def test_a_track_mp4_cannot_carry_is_left_out(feed: Feed) -> None:
    muxer = PreviewMuxer()
    audio = msgspec.structs.replace(feed.format.audio, codec="G711")
    muxer.set_format(FeedFormat(feed.format.video, audio))
    pieces = mux(muxer, feed.packets)
    assert json.loads(inits(pieces)[0].head)["audio"] is False
    assert len(decoded(pieces)[0]) >= 19


def test_a_gop_too_large_to_keep_is_not_kept(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(FeedFormat(feed.format.video, None))
    huge = bytes(9 * 1024 * 1024)
    frames = [Packet(Kind.VIDEO, n * 100, n * 100, n == 0, huge) for n in range(5)]
    sizes = [(muxer.add(frame), len(muxer.gop))[1] for frame in frames]
    assert sizes == [0, 1, 2, 0, 0]  # the newest waits for the one after it
    muxer.add(Packet(Kind.VIDEO, 500, 500, True, b"small"))
    muxer.add(Packet(Kind.VIDEO, 600, 600, False, b"small"))
    assert len(muxer.gop) == 1


# ---------------------------------------------------------------- holes


def samples(pieces: list[Init | Fragment]) -> dict[int, list[tuple[float, float]]]:
    """(start, duration) of each sample in seconds of decoding time, by track number, as a page reads them."""
    out: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    for fragment in fragments(pieces):
        for traf in fragment.data.split(b"traf")[1:]:
            track = int.from_bytes(traf[12:16], "big")
            rate, width = (90_000, 16) if track == 1 else (48_000, 8)
            at = int.from_bytes(traf[(tfdt := traf.index(b"tfdt") + 8) : tfdt + 8], "big") / rate
            trun = traf.index(b"trun")
            count = int.from_bytes(traf[trun + 8 : trun + 12], "big")
            for row in range(count):
                lasts = int.from_bytes(traf[(of := trun + 16 + width * row) : of + 4], "big") / rate
                out[track].append((at, lasts))
                at += lasts
    return out


def steps(track: list[tuple[float, float]]) -> list[float]:
    """How many times its duration each sample is followed after; a page takes up to 2."""
    return [(after - at) / lasts for (at, lasts), (after, _) in itertools.pairwise(track)]


@pytest.mark.parametrize("kinds", [[Kind.VIDEO], [Kind.AUDIO], [Kind.VIDEO, Kind.AUDIO]], ids=str)
@pytest.mark.parametrize("hole", [90, 400, 3000, 9000])
@pytest.mark.parametrize("at", range(700, 1000, 60))
def test_no_hole_makes_a_page_wait_for_a_keyframe(feed: Feed, kinds: list[Kind], hole: int, at: int) -> None:
    long = [p for n in range(8) for p in moved(feed.packets, n * feed.duration_ms)]
    left = [p for p in long if p.kind not in kinds or not at <= p.dts < at + hole]
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    pieces = mux(muxer, left)
    assert len(inits(pieces)) == 1
    for track in samples(pieces).values():
        assert max(steps(track)) < 1.5
        assert min(b - a for (a, _), (b, _) in itertools.pairwise(track)) > 0


def test_a_rate_that_varies_makes_no_page_wait(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    lates = (0, 35, 3, 90, 60, 12, 99)
    bent = [
        moved([p], lates[n % len(lates)])[0] if p.kind is Kind.VIDEO else p
        for n, p in enumerate(feed.packets)
    ]
    track = samples(mux(muxer, bent))[1]
    assert len(track) >= 18
    assert max(steps(track)) < 1.01


def test_sound_goes_on_while_pictures_stay_away(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(feed.format)
    for packet in (p for p in feed.packets if p.kind is Kind.AUDIO or p.dts < 500):
        pieces = muxer.add(packet)
        if packet.dts > 700 and pieces:
            start, lasts = samples(pieces)[2][-1]
            assert start + lasts > packet.dts / 1000
    muxed = muxer.gop[-1]
    assert samples([muxed])[1] == []


def test_a_picture_is_out_as_soon_as_the_next_is_in(feed: Feed) -> None:
    muxer = PreviewMuxer()
    muxer.set_format(FeedFormat(feed.format.video, None))
    pictures = [p for p in feed.packets if p.kind is Kind.VIDEO]
    for number, packet in enumerate(pictures):
        muxed = samples(muxer.add(packet))[1]
        assert len(muxed) == (number > 0)  # at 10 a second each is a fragment
