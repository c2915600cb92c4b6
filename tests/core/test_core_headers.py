"""Which header the program announces for a feed and its filler."""

import io

import av
import msgspec
import pytest
from fakes.media import AUDIO, AVCC, video_track

from streamgate.core import paramsets
from streamgate.core.headers import airable, carries, in_band, join, same_pictures
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

FEED = FeedFormat(video_track(AVCC[0]), AUDIO)
FILLER = FeedFormat(video_track(AVCC[1]), AUDIO)
OTHER_AUDIO = msgspec.structs.replace(AUDIO, config=b"\x12\x10", sample_rate=44100)


def test_one_header_carries_a_feed_and_its_filler():
    header = join(FEED, FILLER, FEED)
    assert header == join(FEED, FILLER, FILLER)
    assert carries(header, FEED)
    assert carries(header, FILLER)
    assert not carries(FEED, FILLER)


def test_filler_that_uses_the_feeds_id_needs_a_header_of_its_own():
    clash = FeedFormat(msgspec.structs.replace(FILLER.video, config=AVCC[0][:-1] + b"\x01"), AUDIO)
    assert join(FEED, clash, clash) == clash
    assert join(FEED, clash, FEED) == FEED


def test_another_size_needs_a_header_of_its_own():
    small = FeedFormat(msgspec.structs.replace(FILLER.video, width=640, height=360), AUDIO)
    assert join(FEED, small, small) == small
    assert not carries(join(FEED, FILLER, FEED), small)


def test_other_audio_changes_the_header_and_keeps_both_pictures():
    filler = FeedFormat(FILLER.video, OTHER_AUDIO)
    header = join(FEED, filler, filler)
    assert header.audio == OTHER_AUDIO
    assert carries(header, filler)
    assert not carries(header, FEED)


def test_a_feed_without_sound_is_announced_with_the_fillers():
    mute = FeedFormat(FEED.video, None)
    header = join(mute, FILLER, mute)
    assert header.audio == AUDIO
    assert carries(header, mute)


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_other_codecs_change_the_header_at_every_splice(codec):
    feed = FeedFormat(msgspec.structs.replace(FEED.video, codec=codec), AUDIO)
    filler = FeedFormat(msgspec.structs.replace(FILLER.video, codec=codec), AUDIO)
    assert join(feed, filler, feed) == feed
    assert not carries(feed, filler)


def test_a_keyframe_is_given_its_parameter_sets_once():
    idr = (5).to_bytes(4) + b"\x65abcd"
    packet = Packet(Kind.VIDEO, 0, 0, True, idr)
    filled = in_band(packet, FEED.video)
    kinds = [nal[0] & 31 for nal in paramsets.iter_nals(filled.data)]
    assert kinds == [7, 8, 5]
    assert in_band(filled, FEED.video) is filled


@pytest.mark.parametrize(
    ("video", "audio", "airs"),
    [
        ("h264", "aac", ("h264", "aac")),
        ("hevc", "aac", ("hevc", "aac")),
        ("h264", "opus", ("h264", None)),
        ("h264", None, ("h264", None)),
        ("av1", "aac", (None, None)),
        (None, "aac", (None, None)),
    ],
)
def test_only_what_filler_can_be_joined_to_airs(video, audio, airs):
    feed = FeedFormat(
        VideoTrack(video, b"", 64, 36, 25, 1) if video else None,
        AudioTrack(audio, b"", 48000, 2) if audio else None,
    )
    found = airable(feed)
    assert (found.video and found.video.codec, found.audio and found.audio.codec) == airs


def encoded_config(codec, size, options):
    """The configuration record that FFmpeg writes for a codec at this size."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flv") as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = options
        for n in range(3):
            frame = av.VideoFrame(*size, "yuv420p")
            frame.pts = n
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as read:
        return bytes(read.streams.video[0].codec_context.extradata)


@pytest.mark.parametrize(
    ("encoder", "codec", "option"), [("libx264", "h264", "x264-params"), ("libx265", "hevc", "x265-params")]
)
def test_parameter_sets_of_the_same_pictures_are_told_from_others(encoder, codec, option):
    quiet = ":log-level=none" if codec == "hevc" else ""
    one, other_refs, other_size = (
        encoded_config(encoder, size, {option: f"ref={refs}:bframes=0{quiet}"})
        for size, refs in (((320, 180), 1), ((320, 180), 4), ((640, 360), 1))
    )
    assert one != other_refs
    assert same_pictures(codec, one, other_refs)
    assert not same_pictures(codec, one, other_size)
    assert not same_pictures(codec, one, one[:-9])
    assert not same_pictures("av1", one, one)
