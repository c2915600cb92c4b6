import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.rtmp import amf0, flv
from streamgate.rtmp.flv import AudioTag, ScriptData, Unsupported, VideoTag

BYTES = st.binary(max_size=60)


def video_track(codec, config=b"config"):
    return VideoTrack(codec, config, 1920, 1080, 30000, 1001)


def audio_track(codec, config=b"config", rate=48000, channels=2):
    return AudioTrack(codec, config, rate, channels)


@given(BYTES)
def test_any_bytes_are_something(body):
    assert isinstance(flv.parse_video(body), VideoTag | Unsupported)
    assert isinstance(flv.parse_audio(body), AudioTag | Unsupported)
    assert isinstance(flv.parse_data(body), ScriptData | Unsupported)


@given(st.integers(0x80, 0xFF), BYTES)
def test_any_enhanced_bytes_are_something(first, rest):
    assert isinstance(flv.parse_video(bytes([first]) + rest), VideoTag | Unsupported)
    assert isinstance(flv.parse_audio(bytes([0x90 | first & 15]) + rest), AudioTag | Unsupported)


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9"])
@pytest.mark.parametrize("cts", [0, 67, -5])
@pytest.mark.parametrize("keyframe", [True, False])
def test_video_is_read_as_written(codec, cts, keyframe):
    body = flv.video_body(Packet(Kind.VIDEO, 1000, 1000 + cts, keyframe, b"data"), codec)
    expected_cts = cts if codec in ("h264", "hevc") else 0  # the others carry none
    assert VideoTag(codec, "frame", keyframe, expected_cts, b"data") == flv.parse_video(body)
    config = flv.video_config_body(video_track(codec))
    assert VideoTag(codec, "config", True, 0, b"config") == flv.parse_video(config)


@pytest.mark.parametrize("codec", ["aac", "opus", "flac", "ac3", "eac3"])
def test_audio_is_read_as_written(codec):
    track = audio_track(codec)
    body = flv.audio_body(Packet(Kind.AUDIO, 0, 0, False, b"data"), track)
    assert AudioTag(codec, "frame", b"data") == flv.parse_audio(body)
    assert AudioTag(codec, "config", b"config") == flv.parse_audio(flv.audio_config_body(track))


def test_legacy_forms_byte_for_byte():
    packet = Packet(Kind.VIDEO, 0, 33, True, b"\x00\x00\x00\x01e")
    assert flv.video_body(packet, "h264") == b"\x17\x01\x00\x00\x21\x00\x00\x00\x01e"
    assert flv.video_config_body(video_track("h264", b"avcC")) == b"\x17\x00\x00\x00\x00avcC"
    assert flv.audio_body(Packet(Kind.AUDIO, 0, 0, False, b"x"), audio_track("aac")) == b"\xaf\x01x"
    assert flv.audio_config_body(audio_track("aac", b"\x11\x90")) == b"\xaf\x00\x11\x90"
    mp3 = audio_track("mp3", b"", 44100, 1)
    assert flv.audio_body(Packet(Kind.AUDIO, 0, 0, False, b"x"), mp3) == b"\x2ex"
    assert flv.audio_config_body(mp3) == b""


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x27\x02\x00\x00\x00", VideoTag("h264", "end", False, 0, b"")),
        (b"\x17\x02", VideoTag("h264", "end", False, 0, b"")),
        (b"\x57\x00", VideoTag("h264", "other", False, 0, b"")),
        (b"\x22sorenson", VideoTag("h263", "frame", False, 0, b"sorenson")),
        (b"\x1c\x00\x00\x00\x00hvcC", VideoTag("hevc", "config", True, 0, b"hvcC")),
        (b"\x92hvc1", VideoTag("hevc", "end", False, 0, b"")),
        (b"\x94hvc1hdr", VideoTag("hevc", "other", False, 0, b"hdr")),
        (b"\x91hvc1\xff\xff\xfedata", VideoTag("hevc", "frame", True, -2, b"data")),
        # ModEx with 3 bytes of nanosecond offset, then CodedFramesX
        (b"\x97\x02\x00\x01\x02\x03hvc1data", VideoTag("hevc", "frame", True, 0, b"data")),
        # ModEx with 300 bytes, then CodedFrames
        (b"\x97\xff\x01\x2b" + bytes(300) + b"\x01av01data", VideoTag("av1", "frame", True, 0, b"data")),
        # multitrack: one track; many tracks; many codecs
        (b"\x96\x01hvc1\x00\x00\x00\x05data", VideoTag("hevc", "frame", True, 5, b"data")),
        (b"\x96\x13avc1\x01\x00\x00\x02no\x00\x00\x00\x03yes", VideoTag("h264", "frame", True, 0, b"yes")),
        (b"\x96\x23vp09\x01\x00\x00\x01nhvc1\x00\x00\x00\x03yes", VideoTag("hevc", "frame", True, 0, b"yes")),
        (b"\x90xxyyconf", VideoTag("xxyy", "config", True, 0, b"conf")),
    ],
)
def test_video_forms(body, expected):
    assert expected == flv.parse_video(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"\x2fdata", AudioTag("mp3", "frame", b"data")),
        (b"\xb2data", AudioTag("speex", "frame", b"data")),
        (b"\x92Opus", AudioTag("opus", "end", b"")),
        (b"\x94Opusx", AudioTag("opus", "other", b"x")),
        (b"\x97\x00\x00\x01mp4adata", AudioTag("aac", "frame", b"data")),
        (b"\x95\x11mp4a\x01\x00\x00\x02no\x00\x00\x00\x03yes", AudioTag("aac", "frame", b"yes")),
    ],
)
def test_audio_forms(body, expected):
    assert expected == flv.parse_audio(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x17",
        b"\x17\x01\x00",
        b"\x1f",
        b"\x91hvc1\x00",
        b"\x90hv",
        b"\xd1hvc1\x00",
        b"\x97",
        b"\x97\xff",
        b"\x96",
        b"\x96\x33",
        b"\x96\x13hvc1\x01\x00\x00\x00",
        b"\x96\x13hvc1\x00\xff\xff\xff",
    ],
)
def test_video_that_cannot_be_used_says_why(body):
    found = flv.parse_video(body)
    assert isinstance(found, Unsupported)
    assert found.reason


def test_script_data():
    body = amf0.encode("@setDataFrame", "onMetaData", amf0.EcmaArray(encoder="obs"))
    assert ScriptData("onMetaData", [{"encoder": "obs"}]) == flv.parse_data(body)
    assert ScriptData("onCuePoint", [{"a": 1.0}]) == flv.parse_data(amf0.encode("onCuePoint", {"a": 1}))
    assert Unsupported("script data without a name") == flv.parse_data(amf0.encode(1))
    assert isinstance(flv.parse_data(b"\x02\xff"), Unsupported)


def test_metadata_says_what_the_feed_is():
    feed = FeedFormat(video_track("h264"), audio_track("aac"))
    data = flv.parse_data(flv.metadata_body(feed))
    assert data.name == "onMetaData"
    members = data.values[0]
    assert tuple(members[name] for name in ("width", "height", "framerate", "videocodecid")) == (
        1920,
        1080,
        29.97,
        7,
    )
    assert tuple(
        members[name] for name in ("audiocodecid", "audiosamplerate", "audiochannels", "stereo")
    ) == (10, 48000, 2, True)
    hevc = flv.parse_data(flv.metadata_body(FeedFormat(video_track("hevc")))).values[0]
    assert int.from_bytes(b"hvc1", "big") == hevc["videocodecid"]
    assert "audiocodecid" not in hevc


def test_a_packet_of_a_track_that_the_feed_lacks_has_no_body():
    packet = Packet(Kind.VIDEO, 0, 0, True, b"x")
    assert flv.packet_body(packet, FeedFormat(None, audio_track("aac"))) == b""
    data = Packet(Kind.DATA, 0, 0, False, b"script")
    assert flv.packet_body(data, FeedFormat()) == b"script"


@pytest.mark.parametrize("codec", ["h263", "screen", "vp6", "vp6a", "screen2"])
@pytest.mark.parametrize("keyframe", [True, False])
def test_legacy_video_is_read_as_written(codec, keyframe):
    body = flv.video_body(Packet(Kind.VIDEO, 0, 0, keyframe, b"data"), codec)
    assert VideoTag(codec, "frame", keyframe, 0, b"data") == flv.parse_video(body)
    assert flv.video_config_body(video_track(codec)) == b""
    assert flv.can_write(video_track(codec))


@pytest.mark.parametrize(
    ("codec", "rate", "channels"),
    [
        ("adpcm", 22050, 1),
        ("mp3", 44100, 2),
        ("nellymoser", 16000, 1),
        ("nellymoser", 8000, 1),
        ("nellymoser", 22050, 2),
        ("pcm_alaw", 8000, 1),
        ("pcm_mulaw", 8000, 2),
        ("pcm_s16le", 44100, 2),
        ("pcm_u8", 11025, 1),
        ("speex", 16000, 1),
    ],
)
def test_legacy_audio_and_its_flags_are_read_as_written(codec, rate, channels):
    track = audio_track(codec, b"", rate, channels)
    body = flv.audio_body(Packet(Kind.AUDIO, 0, 0, False, b"data"), track)
    assert AudioTag(codec, "frame", b"data") == flv.parse_audio(body)
    assert (rate, channels) == flv.legacy_sound(body)
    assert flv.audio_config_body(track) == b""
    assert flv.can_write(track)
    assert flv.legacy_sound(b"\x91Opusdata") == flv.legacy_sound(b"") == (0, 0)


def test_what_has_no_number_and_no_fourcc_cannot_be_written():
    assert flv.can_write(video_track("vvc1"))
    assert not flv.can_write(video_track("theora"))
    assert not flv.can_write(audio_track("wma voice"))
    assert flv.can_write(audio_track("pcm_alaw"))
