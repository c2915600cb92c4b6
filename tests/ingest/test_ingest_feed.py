from hypothesis import given, settings
from hypothesis import strategies as st

from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.ingest.feed import MAX_QUEUE, MAX_SCRIPT_BYTES, Feed
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


def test_codecs_the_program_cannot_carry_are_dropped_and_told():
    bench = Bench().take(Unusable(V, "video of codec 9"))
    bench.take(Config(A, "opus", b""), Unit(A, "opus", 20, 0, False, b"x"))
    assert bench.out == []
    told = [concern.params for concern in bench.feed.concerns(0) if concern.code == "codec_unsupported"]
    assert told == [{"kind": "audio", "codec": "opus"}, {"kind": "video", "codec": "video of codec 9"}]
    assert bench.feed.dropped == 2


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
codecs = st.sampled_from(["h264", "hevc", "aac", "opus", "????"])
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
            assert entered or item.keyframe
            entered = True
        assert item.kind is not A or current.audio is not None
        assert item.dts > last.get(item.kind, -1)
        last[item.kind] = item.dts
