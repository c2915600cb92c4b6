import msgspec
import pytest
from fakes.media import AVCC as REAL_AVCC
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.core.paramsets import build_avcc, iter_nals, parse_avcc
from streamgate.ingest.feed import FORMAT_EVERY_US, FORMATS_AT_ONCE, MAX_QUEUE, MAX_SCRIPT_BYTES, Feed
from streamgate.ingest.probe import Probed
from streamgate.ingest.source import Config, Script, Unit, Unusable

V, A, D = Kind.VIDEO, Kind.AUDIO, Kind.DATA
S = 1_000_000
AVCC = bytes((1, 77, 0, 12, 0xFF, 0xE1, 0, 1, 0x67, 1, 0, 1, 0x68))
OTHER_AVCC = bytes((1, 100, 0, 12, 0xFF, 0xE1, 0, 1, 0x67, 1, 0, 1, 0x68))
ASC, OTHER_ASC = bytes.fromhex("1190"), bytes.fromhex("1210")


def nal(kind, length_size=4):
    return (4).to_bytes(length_size) + bytes((kind, 1, 2, 3))


IDR, SLICE, SEI = nal(0x65), nal(0x41), nal(0x06)


def picture(ms, data=SLICE, *, keyframe=None, cts=0):
    return Unit(V, "h264", ms, cts, data == IDR if keyframe is None else keyframe, data)


def sound(ms, data=b"aac"):
    return Unit(A, "aac", ms, 0, False, data)


def track(config=AVCC, fps=25):
    return VideoTrack("h264", config, 320, 180, fps, 1)


AAC = AudioTrack("aac", ASC, 48000, 2)


class Bench:
    """A feed whose probe answers when told, and a list of what came out."""

    def __init__(self):
        self.out = []
        self.samples = []
        self.probes = 0  # answered
        self.feed = Feed(self, self.samples.append, 0)

    def send_format(self, feed):
        self.out.append(feed)

    def send(self, packets):
        self.out += packets

    def take(self, *events, now_us=0):
        self.feed.take(events, now_us)
        return self

    def probed(self, *, fps=25, fps_known=True, problem=""):
        self.feed.on_probed(Probed(track(self.samples[-1].config, fps), fps_known, problem))
        return self

    def started(self):
        self.take(Config(V, "h264", AVCC), Config(A, "aac", ASC), picture(0, IDR)).probed()
        self.out.clear()
        return self

    def shape(self):
        """What came out: formats as "format", packets as (kind, dts)."""
        return ["format" if isinstance(item, FeedFormat) else (item.kind, item.dts) for item in self.out]


def test_a_feed_begins_with_its_format_and_a_keyframe():
    bench = Bench()
    bench.take(
        Config(V, "h264", AVCC), Config(A, "aac", ASC), sound(0), picture(0), picture(40, IDR), sound(41)
    )
    assert bench.out == []
    bench.take(picture(80)).probed().take(sound(82))
    assert bench.out == [
        FeedFormat(track(), AAC),
        Packet(V, 40, 40, True, IDR),
        Packet(A, 41, 41, False, b"aac"),
        Packet(V, 80, 80, False, SLICE),
        Packet(A, 82, 82, False, b"aac"),
    ]
    assert bench.feed.dropped == 0


def test_the_probe_gets_the_metadata():
    bench = Bench()
    bench.take(Script("onMetaData", [{"framerate": 25.0}], 0, b""), Config(V, "h264", AVCC), picture(0, IDR))
    assert bench.samples[0].metadata == {"framerate": 25.0}


def test_an_encoder_s_word_for_a_keyframe_is_not_enough():
    bench = Bench().started()
    bench.take(picture(40, SLICE, keyframe=True), now_us=S)
    assert [packet.keyframe for packet in bench.out] == [False]
    assert "open_gop" in [concern.code for concern in bench.feed.concerns(S)]


def test_without_an_idr_for_ten_seconds_it_is():
    bench = Bench().take(Config(V, "h264", AVCC), picture(0, SLICE, keyframe=True))
    assert bench.samples == []
    bench.take(picture(10_000, SLICE, keyframe=True), now_us=10 * S).probed()
    assert bench.out[1] == Packet(V, 10_000, 10_000, True, SLICE)
    assert {"open_gop", "no_keyframe"} <= {concern.code for concern in bench.feed.concerns(10 * S)}


def test_a_new_configuration_waits_for_its_keyframe():
    bench = Bench().started()
    bench.take(picture(40), Config(V, "h264", OTHER_AVCC), picture(80), sound(81), picture(120, IDR))
    assert bench.shape() == [(V, 40)]
    bench.take(picture(160)).probed()
    assert bench.shape() == [(V, 40), "format", (V, 120), (V, 160)]
    assert bench.out[1].video.config == OTHER_AVCC
    assert bench.feed.dropped == 2


def test_the_same_configuration_again_changes_nothing():
    bench = Bench().started()
    bench.take(Config(V, "h264", AVCC), Config(A, "aac", ASC), picture(40), sound(41), picture(80, IDR))
    assert bench.shape() == [(V, 40), (A, 41), (V, 80)]
    assert len(bench.samples) == 1


def test_sound_that_appears_later_comes_with_a_keyframe_and_a_new_format():
    bench = Bench().take(Config(V, "h264", AVCC), picture(0, IDR)).probed()
    assert bench.out[0].audio is None
    bench.take(Config(A, "aac", ASC), sound(30), picture(40), picture(80, IDR), sound(81))
    assert bench.shape() == ["format", (V, 0), (V, 40), "format", (V, 80), (A, 81)]
    assert bench.out[3] == FeedFormat(track(), AAC)
    assert len(bench.samples) == 1


def test_sound_of_another_configuration_waits_too():
    bench = Bench().started()
    bench.take(Config(A, "aac", OTHER_ASC), sound(20), picture(40), picture(80, IDR), sound(81))
    assert bench.shape() == [(V, 40), "format", (V, 80), (A, 81)]
    assert bench.out[1].audio.sample_rate == 44100


def test_what_cannot_be_read_or_named_is_dropped_and_told():
    bench = Bench().take(Unusable(V, "video of codec 9"))
    bench.take(Config(A, "\x00\xffab", b""), Unit(A, "\x00\xffab", 20, 0, False, b"x"))
    assert bench.out == []
    told = [concern.params for concern in bench.feed.concerns(0) if concern.code == "codec_unsupported"]
    assert told == [
        {"kind": "audio", "codec": repr("\x00\xffab")},
        {"kind": "video", "codec": "video of codec 9"},
    ]
    assert bench.feed.dropped == 2


@pytest.mark.parametrize(
    ("codec", "record"), [("av1", b"av1C"), ("vp9", b"vpcC"), ("vp6", b""), ("xyzw", b"")]
)
def test_pictures_of_any_codec_are_handed_on(codec, record):
    bench = Bench()
    if record:
        bench.take(Config(V, codec, record))
    bench.take(Unit(V, codec, 0, 0, False, b"early"), Unit(V, codec, 40, 0, True, b"key"))
    bench.feed.on_probed(Probed(msgspec.structs.replace(track(record), codec=codec), True))
    bench.take(Unit(V, codec, 80, 0, False, b"next"))
    assert bench.samples[0].codec == codec
    assert bench.out[0].video.codec == codec
    assert bench.out[0].video.config == record
    assert bench.out[1:] == [Packet(V, 40, 40, True, b"key"), Packet(V, 80, 80, False, b"next")]
    assert bench.feed.dropped == 0
    assert bench.feed.concerns(0) == []


SPS_320 = bytes.fromhex("6742c00cd901419f9f011000000300100000030320f142a480")  # of libx264 at 320x180
MP3_48K_MONO = bytes.fromhex("fffb94c0") + b"mp3"
OPUS_HEAD = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([Unit(A, "mp3", 41, 0, False, MP3_48K_MONO, 44100, 2)], AudioTrack("mp3", b"", 48000, 1, 1152)),
        (
            [Config(A, "opus", OPUS_HEAD), Unit(A, "opus", 41, 0, False, b"\xfcopus")],
            AudioTrack("opus", OPUS_HEAD, 48000, 1, 960),
        ),
        ([Unit(A, "pcm_alaw", 41, 0, False, bytes(160), 8000, 1)], AudioTrack("pcm_alaw", b"", 8000, 1, 160)),
        ([Unit(A, "zzzz", 41, 0, False, b"?")], AudioTrack("zzzz", b"", 22050, 1)),
    ],
)
def test_sound_of_any_codec_is_handed_on_beside_the_picture(events, expected):
    bench = Bench()
    bench.take(Script("onMetaData", [{"audiosamplerate": 22050.0, "stereo": False}], 0, b""))
    bench.take(Config(V, "h264", AVCC), picture(40, IDR), *events).probed()
    assert bench.out == [
        FeedFormat(track(), expected),
        Packet(V, 40, 40, True, IDR),
        Packet(A, 41, 41, False, events[-1].data),
    ]
    assert bench.feed.dropped == 0


def sounds(first_s, last_s):
    """Frames of sound, ten a second, with the time each arrives."""
    return [(sound(100 * n, b"aac%d" % n), 100_000 * n) for n in range(10 * first_s, 10 * last_s)]


def test_sound_alone_is_a_feed_after_three_seconds_and_nothing_of_it_is_lost():
    bench = Bench().take(Config(A, "aac", ASC))
    for event, now in sounds(0, 3):
        bench.take(event, now_us=now)
    assert bench.out == []
    for event, now in sounds(3, 5):
        bench.take(event, now_us=now)
    assert bench.out[0] == FeedFormat(audio=AAC)
    assert [packet.dts for packet in bench.out[1:]] == [100 * n for n in range(50)]
    assert bench.feed.dropped == 0


def test_a_picture_that_comes_later_changes_the_format_of_lone_sound():
    bench = Bench().take(Config(A, "aac", ASC))
    for event, now in sounds(0, 4):
        bench.take(event, now_us=now)
    bench.out.clear()
    bench.take(Config(V, "h264", AVCC), picture(4000, IDR), sound(4001), now_us=4 * S).probed()
    bench.take(picture(4040), now_us=4 * S)
    assert bench.shape() == ["format", (V, 4000), (A, 4001), (V, 4040)]
    assert bench.out[0] == FeedFormat(track(), AAC)
    assert bench.feed.dropped == 0


def avcc(number):
    """An avcC of 1280x720 Baseline whose PPS differs by `number`."""
    record = parse_avcc(REAL_AVCC[0])
    return build_avcc(msgspec.structs.replace(record, pps=(record.pps[0] + bytes((number,)),)))


def feed_that_changes(config_of, *, seconds, every_ms=500):
    """A feed with new parameters at every keyframe, and sound. Return the bench and what came in."""
    bench = Bench().take(Config(A, "aac", ASC))
    pictures = 0
    for ms in range(0, 1000 * seconds, 100):
        now = 1000 * ms
        if ms % every_ms == 0:
            bench.take(Config(V, "h264", config_of(ms // every_ms)), picture(ms, IDR), now_us=now)
        else:
            bench.take(picture(ms, SLICE + SLICE), now_us=now)
        pictures += 1
        if len(bench.samples) > bench.probes:
            bench.probes += 1
            bench.probed()
        bench.take(sound(ms + 1, b"%d" % ms), now_us=now)
    return bench, pictures


def formats(bench):
    return [item for item in bench.out if isinstance(item, FeedFormat)]


def test_parameter_sets_that_change_at_every_keyframe_go_in_band_and_nothing_is_lost():
    bench, pictures = feed_that_changes(lambda n: avcc(n % 50 + 1), seconds=60)
    allowed = FORMATS_AT_ONCE + 60 * S // FORMAT_EVERY_US
    assert len(bench.samples) <= allowed
    assert len(formats(bench)) <= allowed
    assert sum(isinstance(item, Packet) and item.kind is V for item in bench.out) == pictures
    assert bench.feed.dropped == 0
    format_, held, number = None, None, 0
    for item in bench.out:  # a decoder that follows header and bands holds what each keyframe was made with
        if isinstance(item, FeedFormat):
            format_, held = item, parse_avcc(item.video.config).pps[0]
        elif item.keyframe:
            for unit in iter_nals(item.data):
                held = unit if unit[0] & 31 == 8 else held
            assert held == parse_avcc(avcc(number % 50 + 1)).pps[0]
            number += 1
    assert format_ is not None
    found = [c.params for c in bench.feed.concerns(60 * S) if c.code == "parameters_change"]
    assert found[0]["changes"] > 100


def test_back_to_the_announced_parameter_sets_they_go_in_band_too():
    bench, _ = feed_that_changes(lambda n: avcc(n if n < 8 else 4), seconds=5)
    announced = parse_avcc(formats(bench)[-1].video.config).pps[0]
    assert announced == parse_avcc(avcc(3)).pps[0]
    bench.out.clear()
    bench.take(Config(V, "h264", avcc(3)), picture(5000, IDR), now_us=5 * S)
    assert announced in list(iter_nals(bench.out[0].data))


def test_sizes_that_change_are_followed_at_the_limit_and_sound_goes_on():
    other = build_avcc(msgspec.structs.replace(parse_avcc(REAL_AVCC[0]), sps=(SPS_320,)))
    bench, _ = feed_that_changes(lambda n: (REAL_AVCC[0], other)[n % 2], seconds=60)
    allowed = FORMATS_AT_ONCE + 60 * S // FORMAT_EVERY_US
    assert 4 < len(formats(bench)) <= allowed
    kinds = [item.kind for item in bench.out if isinstance(item, Packet)]
    assert kinds.count(A) == 600
    assert kinds.count(V) >= 300  # those of the size announced last
    assert bench.feed.dropped == 600 - kinds.count(V)


def test_sound_parameters_that_change_at_every_keyframe_are_followed_at_the_limit():
    bench = Bench().started()
    for n in range(1, 121):
        config = (ASC, OTHER_ASC)[n % 2]
        bench.take(Config(A, "aac", config), picture(500 * n, IDR), now_us=n * S // 2)
    assert len(formats(bench)) <= FORMATS_AT_ONCE + 60 * S // FORMAT_EVERY_US
    assert sum(isinstance(item, Packet) for item in bench.out) == 120


def test_tags_sent_twice_are_taken_once_counted_and_told():
    bench = Bench().started()
    cue = Script("onCuePoint", [], 60, b"cue")
    bench.take(picture(40), sound(41), picture(40), sound(41), cue, cue, picture(80), picture(40))
    assert bench.shape() == [(V, 40), (A, 41), (D, 60), (V, 80)]
    assert bench.feed.dropped == 4
    assert [c.params for c in bench.feed.concerns(0) if c.code == "repeats"] == [{"count": 4}]
    assert bench.feed.mended == 0


def test_units_that_share_a_time_or_their_bytes_are_no_repeats():
    bench = Bench().started()
    bench.take(picture(40), picture(40, SLICE + SLICE), picture(80), sound(41), sound(62))
    assert [packet.data for packet in bench.out] == [SLICE, SLICE + SLICE, SLICE, b"aac", b"aac"]
    assert bench.feed.dropped == 0


def test_the_silence_of_an_encoder_whose_clock_stands_still_goes_on():
    bench = Bench().started()
    for n in range(1, 11):
        bench.take(sound(41), now_us=n * S)
    assert len(bench.out) == 10
    assert bench.out[-1].dts > 7000


def test_what_the_metadata_promises_is_told_until_a_picture_has_come():
    bench = Bench()
    assert bench.feed.declared is None
    bench.take(Script("onMetaData", [{"width": 640.0, "height": 360.0, "framerate": 25.0}], 0, b""))
    bench.take(Config(A, "aac", ASC))
    assert bench.feed.declared == FeedFormat(VideoTrack("h264", b"", 640, 360, 25, 1), AAC)
    bench.started()
    assert bench.feed.declared is None


def test_one_unusable_message_of_a_good_track_is_only_counted():
    bench = Bench().started()
    bench.take(Unusable(V, "a media message that is cut short"))
    assert bench.feed.concerns(0) == []
    assert bench.feed.dropped == 1


def test_configurations_that_cannot_be_read_are_told():
    bench = Bench().take(Config(V, "h264", AVCC[:9]), Config(V, "hevc", bytes(7)), Config(A, "aac", b""))
    assert [c.params["codec"] for c in bench.feed.concerns(0) if c.code == "codec_unsupported"] == [
        "aac with an unreadable configuration",
        "hevc with an unreadable configuration",
    ]
    assert bench.take(picture(0, IDR)).samples == []


def test_broken_and_empty_pictures():
    bench = Bench().started()
    bench.take(picture(40, SLICE[:-1]), picture(60, SEI), picture(80))
    assert bench.shape() == [(V, 80)]
    assert bench.feed.dropped == 1


def test_short_nal_lengths_are_made_long():
    bench = Bench()
    short = AVCC[:4] + b"\xfd" + AVCC[5:]
    bench.take(Config(V, "h264", short), Unit(V, "h264", 0, 0, True, nal(0x65, 2))).probed()
    assert bench.out == [FeedFormat(track(AVCC)), Packet(V, 0, 0, True, IDR)]


def test_the_queue_is_bounded_and_resumes_at_a_keyframe():
    bench = Bench().take(Config(V, "h264", AVCC), picture(0, IDR))
    bench.take(*(picture(40 * n) for n in range(1, MAX_QUEUE + 10)))
    bench.probed()
    assert len(bench.out) == 1 + MAX_QUEUE
    bench.out.clear()
    end = 40 * (MAX_QUEUE + 10)
    bench.take(picture(end), picture(end + 40, IDR), picture(end + 80))
    assert bench.shape() == [(V, end + 40), (V, end + 80)]
    assert bench.feed.dropped == 11


def test_script_data_is_passed_on_once_the_feed_runs():
    bench = Bench()
    bench.take(Script("onMetaData", [], 0, b"meta"))
    bench.started()
    bench.take(Script("onCuePoint", [], 20, b"cue"), Script("big", [], 20, bytes(MAX_SCRIPT_BYTES + 1)))
    assert bench.out == [Packet(D, 20, 20, False, b"cue")]
    assert bench.feed.dropped == 1


def test_a_frame_rate_nobody_told_is_measured():
    bench = Bench().take(Config(V, "h264", AVCC), picture(0, IDR)).probed(fps=30, fps_known=False)
    for n in range(1, 501):
        bench.take(picture(20 * n, IDR if n % 100 == 0 else SLICE), now_us=20_000 * n)
    formats = [item.video for item in bench.out if isinstance(item, FeedFormat)]
    assert [(video.fps_num, video.fps_den) for video in formats] == [(30, 1), (50, 1)]


def test_a_failed_probe_is_told():
    bench = Bench().take(Config(V, "h264", AVCC), picture(0, IDR)).probed(problem="no such luck")
    assert bench.feed.concerns(0)[-1].params == {"reason": "no such luck"}


times = st.integers(0, 2**32 - 1)
payloads = st.one_of(st.binary(max_size=40), st.sampled_from([IDR, SLICE, SEI]))
codecs = st.sampled_from(["h264", "hevc", "av1", "aac", "opus", "mp3", "????", "\x00"])
events = st.one_of(
    st.builds(
        Config,
        st.sampled_from([V, A]),
        codecs,
        st.one_of(st.binary(max_size=20), st.sampled_from([AVCC, ASC])),
    ),
    st.builds(
        Unit, st.sampled_from([V, A]), codecs, times, st.integers(-(2**23), 2**23), st.booleans(), payloads
    ),
    st.tuples(st.sampled_from(["onMetaData", "x"]), st.just([{}]), times, st.binary(max_size=9)).map(
        lambda fields: Script(*fields)
    ),
    st.builds(Unusable, st.sampled_from(Kind), st.text(max_size=4)),
    st.none(),
)


@given(st.lists(st.tuples(events, st.integers(0, 60 * S)), max_size=60))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_what_goes_out_is_a_feed(stream):
    """The first thing out is a format, then a keyframe; sound only when the format has it; time rises."""
    bench = Bench()
    probes = 0
    bench.take(Config(V, "h264", AVCC), Config(A, "aac", ASC))
    for event, now in stream:
        if event is not None:
            bench.take(event, now_us=now)
        elif len(bench.samples) > probes:
            probes += 1
            bench.probed()
        bench.feed.concerns(now)
    current, last, entered = None, {}, False
    for item in bench.out:
        if isinstance(item, FeedFormat):
            current, entered = item, False
            continue
        assert current is not None
        if item.kind is not D:
            assert entered or item.keyframe or current.video is None
            entered = True
        assert item.kind is not A or current.audio is not None
        assert item.kind is not V or current.video is not None
        assert item.dts > last.get(item.kind, -1)
        last[item.kind] = item.dts
