import io
import itertools
import struct
import subprocess

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_media import gops, make_feed, shift

from streamgate.core.fmp4 import (
    AUDIO_DRIFT_MS,
    Fragmenter,
    can_carry,
    codec_string,
    init_segment,
    mime,
    silent_frame,
)
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import MediaError

AVCC = bytes.fromhex("0164001fffe1000467640000" + "01000468000000")
STEREO = AudioTrack("aac", bytes.fromhex("1190"), 48000, 2)
MONO = AudioTrack("aac", bytes.fromhex("1188"), 48000, 1)


@pytest.fixture(scope="module")
def feed():
    return make_feed()


def write(form, packets, *, chunks=None, origin_ms=0, fill_silence=False):
    fragmenter = Fragmenter(form, origin_ms=origin_ms, fill_silence=fill_silence)
    chunks = chunks or gops(packets)
    return init_segment(form) + b"".join(fragmenter.fragment(c, n + 1) for n, c in enumerate(chunks))


def read(data):
    """Return (video, audio) as lists of (dts in ms, pts in ms, keyframe, payload)."""
    out = {"video": [], "audio": []}
    with av.open(io.BytesIO(data)) as source:
        for packet in source.demux():
            if packet.size:
                ms = packet.time_base * 1000
                out[packet.stream.type].append(
                    (float(packet.dts * ms), float(packet.pts * ms), packet.is_keyframe, bytes(packet))
                )
    return out["video"], out["audio"]


def ffmpeg_complaints(data, tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True, text=True, check=False
    )
    return done.stderr or done.returncode


def decoded(data):
    counts = {"video": 0, "audio": 0}
    with av.open(io.BytesIO(data)) as source:
        for frame in source.decode():
            counts["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
    return counts


# ---------------------------------------------------------------- names


def test_names_of_codecs_are_those_that_media_source_wants():
    hvcc = bytes.fromhex("0101600000009000000000005df000fcfdf8f800000f00")
    assert codec_string(VideoTrack("h264", AVCC, 640, 360, 30, 1)) == "avc1.64001f"
    assert codec_string(VideoTrack("hevc", hvcc, 640, 360, 30, 1)) == "hvc1.1.6.L93.90"
    assert codec_string(VideoTrack("av1", bytes.fromhex("81050c00"), 640, 360, 30, 1)) == "av01.0.05M.08"
    assert codec_string(VideoTrack("av1", bytes.fromhex("812dcc00"), 640, 360, 30, 1)) == "av01.1.13H.10"
    assert codec_string(STEREO) == "mp4a.40.2"
    assert codec_string(AudioTrack("aac", bytes.fromhex("2b92"), 48000, 2)) == "mp4a.40.5"
    assert codec_string(AudioTrack("opus", b"", 48000, 2)) == "opus"


def test_mime_names_what_is_there():
    video = VideoTrack("h264", AVCC, 640, 360, 30, 1)
    assert mime(FeedFormat(video, STEREO)) == 'video/mp4; codecs="avc1.64001f,mp4a.40.2"'
    assert mime(FeedFormat(video)) == 'video/mp4; codecs="avc1.64001f"'
    assert mime(FeedFormat(None, STEREO)) == 'audio/mp4; codecs="mp4a.40.2"'


@pytest.mark.parametrize(
    "form",
    [
        FeedFormat(),
        FeedFormat(VideoTrack("vp6", b"", 640, 360, 30, 1)),
        FeedFormat(VideoTrack("h264", b"\1\2", 640, 360, 30, 1)),
        FeedFormat(VideoTrack("h264", AVCC, 0, 360, 30, 1)),
        FeedFormat(VideoTrack("hevc", b"\1" * 22, 640, 360, 30, 1)),
        FeedFormat(VideoTrack("av1", b"\1\2\3\4", 640, 360, 30, 1)),
        FeedFormat(None, AudioTrack("speex", b"", 16000, 1)),
        FeedFormat(None, AudioTrack("mp3", b"", 0, 2)),
        FeedFormat(VideoTrack("vp9", b"\0" * 7, 640, 360, 30, 1)),
        FeedFormat(None, AudioTrack("opus", b"", 48000, 6)),
        FeedFormat(None, AudioTrack("opus", b"OpusHead\1\6" + bytes(8) + b"\1", 48000, 6)),
        FeedFormat(None, AudioTrack("aac", b"\x11", 48000, 2)),
        FeedFormat(None, AudioTrack("aac", b"\x11\x90", 0, 2)),
        FeedFormat(None, AudioTrack("opus", b"OpusHead", 48000, 2)),
    ],
)
def test_what_cannot_be_carried_is_refused(form):
    with pytest.raises(MediaError):
        init_segment(form)
    assert not any(can_carry(track) for track in (form.video, form.audio) if track is not None)


# ---------------------------------------------------------------- real media


def test_a_feed_written_by_gop_reads_back_packet_for_packet(feed, tmp_path):
    form, packets = feed
    data = write(form, packets)
    video, audio = read(data)
    sent = [p for p in packets if p.kind is Kind.VIDEO]
    assert [(p.dts, p.pts, p.keyframe, p.data) for p in sent] == video
    sent_audio = [p for p in packets if p.kind is Kind.AUDIO]
    assert [p.data for p in sent_audio] == [row[3] for row in audio]
    assert max(abs(row[1] - p.pts) for row, p in zip(audio, sent_audio, strict=True)) < 1.5
    assert ffmpeg_complaints(data, tmp_path) == 0
    assert decoded(data) == {"video": 50, "audio": len(sent_audio)}
    assert any(p.pts != p.dts for p in sent), "the feed has B-frames"


def test_ffprobe_sees_size_rate_and_codec(feed, tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(write(*feed))
    fields = "stream=codec_name,width,height,sample_rate,channels,avg_frame_rate"
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", fields, "-of", "compact=nk=1", path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert shown == ["stream|h264|160|96|25/1", "stream|aac|48000|2|0/0"]


@pytest.mark.parametrize("cut", ["every packet", "100 ms"])
def test_small_fragments_carry_the_same(feed, cut, tmp_path):
    form, packets = feed
    chunks = [[]]
    for packet in packets:
        if chunks[-1] and (cut == "every packet" or packet.dts - chunks[-1][0].dts >= 100):
            chunks.append([])
        chunks[-1].append(packet)
    data = write(form, packets, chunks=chunks)
    whole = read(write(form, packets))
    parts = read(data)
    assert [[row[3] for row in track] for track in whole] == [[row[3] for row in track] for track in parts]
    assert whole[0] == parts[0]
    assert ffmpeg_complaints(data, tmp_path) == 0


@pytest.mark.parametrize("start", [0, 2**24 - 700, 2**31 - 700, 2**32 - 700, 10**12])
def test_timestamps_may_start_anywhere(feed, start):
    form, packets = feed
    packets = shift(packets, start)
    video, audio = read(write(form, packets))
    assert [p.dts for p in packets if p.kind is Kind.VIDEO] == [row[0] for row in video]
    assert abs(audio[0][1] - next(p.pts for p in packets if p.kind is Kind.AUDIO)) < 1
    video, _ = read(write(form, packets, origin_ms=start))
    assert [p.dts - start for p in packets if p.kind is Kind.VIDEO] == [row[0] for row in video]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"video": "libx265", "seconds": 1},
        {"bframes": 0, "rate": 44100, "channels": 1, "seconds": 1},
        {"audio": None, "seconds": 1},
        {"video": None, "seconds": 1},
        {"audio": "libopus", "seconds": 1},
    ],
    ids=["hevc", "mono 44100", "no audio", "no video", "opus"],
)
def test_other_formats_play_too(kwargs, tmp_path):
    form, packets = make_feed(**kwargs)
    data = write(form, packets)
    video, audio = read(data)
    assert [p.data for p in packets if p.kind is Kind.VIDEO] == [row[3] for row in video]
    assert [p.data for p in packets if p.kind is Kind.AUDIO] == [row[3] for row in audio]
    assert ffmpeg_complaints(data, tmp_path) == 0
    assert mime(form)


def test_av1_plays_too(tmp_path):
    made = tmp_path / "made.mp4"
    source = ["-f", "lavfi", "-i", "testsrc=s=128x96:r=10:d=1,format=yuv420p"]
    encoder = ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-lag-in-frames", "0"]
    subprocess.run(["ffmpeg", "-v", "error", *source, *encoder, made], check=True)
    with av.open(made) as source:
        stream = source.streams.video[0]
        track = VideoTrack("av1", bytes(stream.codec_context.extradata), 128, 96, 10, 1)
        ms = stream.time_base * 1000
        packets = [
            Packet(Kind.VIDEO, int(p.dts * ms), int(p.pts * ms), p.is_keyframe, bytes(p))
            for p in source.demux()
            if p.size
        ]
    data = write(FeedFormat(track), packets)
    assert ffmpeg_complaints(data, tmp_path) == 0
    assert decoded(data)["video"] == 10
    assert codec_string(track).startswith("av01.0.")


def test_an_avcc_with_two_parameter_sets_decodes_across_the_splice(tmp_path):
    form, first = make_feed(seconds=1, audio=None)
    _, second = make_feed(seconds=1, audio=None)
    one = form.video.config
    sps_len = int.from_bytes(one[6:8], "big")
    sps, rest = one[6 : 8 + sps_len], one[8 + sps_len :]
    pps = rest[1 : 3 + int.from_bytes(rest[1:3], "big")]
    merged = one[:5] + b"\xe2" + sps + sps + b"\x02" + pps + pps
    track = VideoTrack("h264", merged, 160, 96, 25, 1)
    data = write(FeedFormat(track), first + shift(second, 1000))
    assert ffmpeg_complaints(data, tmp_path) == 0
    assert decoded(data)["video"] == 50
    assert merged in data


def test_a_late_or_standing_timestamp_never_turns_decoding_time_back(tmp_path):
    form, packets = make_feed(seconds=1, audio=None, bframes=0)
    bent = [Packet(p.kind, p.dts - 90 * (n == 10), p.pts, p.keyframe, p.data) for n, p in enumerate(packets)]
    data = write(form, bent)
    video, _ = read(data)
    times = [row[0] for row in video]
    assert times == sorted(times)
    assert [row[1] for row in video] == [p.pts for p in packets]
    assert ffmpeg_complaints(data, tmp_path) == 0


def test_the_last_sample_ends_where_the_next_packet_begins():
    form, packets = make_feed(seconds=1, audio=None, bframes=0)
    known = Fragmenter(form).fragment(packets[:1], 1, next_video_dts=70)
    nominal = Fragmenter(form).fragment(packets[:1], 1)
    at = known.index(b"trun") + 16
    assert int.from_bytes(known[at : at + 4], "big") == 70 * 90
    assert int.from_bytes(nominal[at : at + 4], "big") == 40 * 90


def test_decoding_time_rises_from_fragment_to_fragment():
    form, _ = make_feed(seconds=1, audio=None, bframes=0)
    fragmenter = Fragmenter(form)
    starts = []
    for n, dts in enumerate((100, 100, 100, 90, 133)):
        data = fragmenter.fragment([Packet(Kind.VIDEO, dts, dts, n == 0, b"frame")], n)
        starts.append(int.from_bytes(data[(at := data.index(b"tfdt") + 8) : at + 8], "big"))
    assert starts == [9000, 9001, 9002, 9003, 133 * 90]


def test_nothing_to_write_is_nothing():
    form, packets = make_feed(seconds=1, audio=None)
    assert Fragmenter(form).fragment([], 1) == b""
    assert Fragmenter(FeedFormat(None, STEREO)).fragment(packets, 1) == b""
    assert Fragmenter(form).fragment([Packet(Kind.DATA, 0, 0, False, b"script")], 1) == b""


# ---------------------------------------------------------------- audio timing


def tones(pts):
    return [Packet(Kind.AUDIO, at, at, False, silent_frame(STEREO)) for at in pts]


def audio_times(*chunks):
    _, audio = read(write(FeedFormat(None, STEREO), [], chunks=chunks))
    return [row[1] for row in audio]


def test_jitter_within_60_ms_is_smoothed_by_counting_samples():
    jitter = [0, 50, 20, 90, 100, 101, 110, 170]
    assert [pytest.approx(n * 1024 / 48, abs=0.05) for n in range(8)] == audio_times(tones(jitter))


def test_a_gap_re_anchors_inside_a_fragment_and_between():
    steps = [round(n * 64 / 3) for n in range(20)]
    jumped = [at + 500 * (n >= 7) for n, at in enumerate(steps)]
    for chunks in ([tones(jumped)], [tones(jumped[:7]), tones(jumped[7:])]):
        times = audio_times(*chunks)
        assert max(abs(a - b) for a, b in zip(times, jumped, strict=True)) < 2


def test_a_clock_that_runs_slow_is_caught_up_without_going_back():
    slow = [round(n * 20) for n in range(200)]  # 1024 samples at 48 kHz last 21.3 ms
    times = audio_times(*[tones(slow[n : n + 10]) for n in range(0, 200, 10)])
    assert times == sorted(times)
    assert max(abs(a - b) for a, b in zip(times, slow, strict=True)) < AUDIO_DRIFT_MS + 25


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=60), st.integers(1, 9), st.integers(0, 2**33))
def test_audio_time_is_monotonic_and_near_its_timestamps_whatever_the_steps(steps, size, start):
    pts = [start + sum(steps[:n]) for n in range(len(steps))]
    times = audio_times(*[tones(pts[n : n + size]) for n in range(0, len(pts), size)])
    assert len(times) == len(pts)
    assert all(a < b for a, b in itertools.pairwise(times))
    behind = max(b - a for a, b in zip(times, pts, strict=True))
    assert behind <= AUDIO_DRIFT_MS + 1


# ---------------------------------------------------------------- silence


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
def test_silent_frames_decode_to_silence(rate, channels):
    index = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000].index(rate)
    config = (2 << 11 | index << 7 | channels << 3).to_bytes(2, "big")
    frame = silent_frame(AudioTrack("aac", config, rate, channels))
    context = av.CodecContext.create("aac", "r")
    context.extradata = config
    frames = [f for _ in range(4) for f in context.decode(av.Packet(frame))]
    assert [f.samples for f in frames] == [1024] * 4
    assert all(f.layout.nb_channels == channels and not f.to_ndarray().any() for f in frames)


def test_no_silent_frame_is_known_for_other_codecs():
    assert silent_frame(AudioTrack("opus", b"", 48000, 2)) is None
    assert silent_frame(AudioTrack("aac", bytes.fromhex("2b92"), 48000, 2)) is None


def silence_test(form, packets, *, fill_silence=True):
    chunks = [[]]
    for packet in packets:
        if chunks[-1] and packet.dts - chunks[-1][0].dts >= 100:
            chunks.append([])
        chunks[-1].append(packet)
    return write(form, packets, chunks=chunks, fill_silence=fill_silence)


def test_a_declared_audio_track_that_stays_silent_is_filled(tmp_path):
    form, packets = make_feed(seconds=3)
    video_only = [p for p in packets if p.kind is Kind.VIDEO]
    data = silence_test(form, video_only)
    video, audio = read(data)
    assert len(video) == len(video_only)
    assert video[-1][0] - 120 < audio[-1][1] < video[-1][0] + 120
    assert ffmpeg_complaints(data, tmp_path) == 0
    assert read(silence_test(form, video_only, fill_silence=False))[1] == []


def test_audio_that_goes_and_returns_is_bridged_and_heard_again(tmp_path):
    form, packets = make_feed(seconds=6)
    away = range(1500, 3500)
    kept = [p for p in packets if p.kind is Kind.VIDEO or p.pts not in away]
    data = silence_test(form, kept)
    _, audio = read(data)
    times = [row[1] for row in audio]
    assert max(b - a for a, b in itertools.pairwise(times)) < 110
    heard = {p.data for p in packets if p.kind is Kind.AUDIO}
    late = [row for row in audio if row[1] > 3800]
    assert len(late) > 80
    assert all(row[3] in heard for row in late), "no silence once sound is back"
    real = [p for p in packets if p.kind is Kind.AUDIO][-len(late) :]
    assert [p.data for p in real] == [row[3] for row in late]
    assert max(abs(row[1] - p.pts) for row, p in zip(late, real, strict=True)) < AUDIO_DRIFT_MS + 2
    assert ffmpeg_complaints(data, tmp_path) == 0


def audio_samples(*chunks, form=STEREO):
    """Return (start, duration, payload) of each audio sample as written with `fill_silence`, in samples."""
    fragmenter, out = Fragmenter(FeedFormat(None, form), fill_silence=True), []
    for number, chunk in enumerate(chunks):
        data = fragmenter.fragment(chunk, number)
        at = int.from_bytes(data[(tfdt := data.index(b"tfdt") + 8) : tfdt + 8], "big")
        trun = data.index(b"trun")
        count, offset = struct.unpack_from(">II", data, trun + 8)
        for row in range(count):
            duration, size = struct.unpack_from(">II", data, trun + 16 + 8 * row)
            out.append((at, duration, data[offset : offset + size]))
            at, offset = at + duration, offset + size
    return out


OPUS = AudioTrack("opus", b"", 48000, 2, 960)


@pytest.mark.parametrize("form", [STEREO, OPUS], ids=["silence known", "no silence known"])
@pytest.mark.parametrize("hole", [61, 90, 400, 3000, 9000, 3_600_000])
@pytest.mark.parametrize("between", [True, False], ids=["between fragments", "inside one"])
def test_a_hole_in_the_sound_is_no_step_of_its_time(form, hole, between):
    """MSE drops all to the next keyframe at a step of more than twice the last duration."""
    pts = [round(n * form.frame_ms) for n in range(10)]
    sound = [
        Packet(Kind.AUDIO, at, at, False, b"\xfc%d" % at)  # as Opus: a packet of 20 ms
        for at in pts + [at + hole + pts[-1] for at in pts[1:]]
    ]
    chunks = [sound[:10], sound[10:]] if between else [sound]
    samples = audio_samples(*chunks, form=form)
    assert all(start + lasts == after for (start, lasts, _), (after, _, _) in itertools.pairwise(samples))
    assert len(samples) <= 20 + 10_000 / form.frame_ms
    heard = {data: start / 48 for start, _, data in samples if data != silent_frame(form)}
    assert list(heard) == [p.data for p in sound], "nothing that came is lost"
    late = [heard[p.data] - p.pts for p in sound[11:]]
    assert max(map(abs, late)) < 25


def test_present_audio_is_never_touched_by_filling(feed):
    form, packets = feed
    data = silence_test(form, packets)
    assert [p.data for p in packets if p.kind is Kind.AUDIO] == [row[3] for row in read(data)[1]]
