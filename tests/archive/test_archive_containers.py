"""Parts of every kind of feed: what MP4 carries, what only FLV does, what changes without end."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest
from tiny_media import gops, make_feed, shift

from streamgate.archive.intake import Intake, NewFormat
from streamgate.archive.notices import notice
from streamgate.archive.parts import find_parts, read_index, repair_day
from streamgate.archive.recorder import BURST, BURST_US
from streamgate.archive.scan import scan
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack

WALL = 1_790_000_000.0


class Alarms(list):
    def __call__(self, code, params):
        assert notice(code, params).text
        self.append((code, dict(params)))


@pytest.fixture
def alarms():
    return Alarms()


def record(root, events, alarms, *, close=True):
    """Hand over formats and (packet, arrival in ms) in turn; "gone" ends a publish."""
    writer = ArchiveWriter(root, "main", alarm=alarms)
    writer.start()
    for event in events:
        match event:
            case NewFormat():
                writer.format(event.feed, event.source)
            case "gone":
                writer.gone()
            case (packet, ms):
                writer.packet(packet, ms * 1000, WALL + ms / 1000)
    if close:
        assert writer.close()
    return writer


def arrivals(packets, at_ms=0):
    return [(packet, at_ms + packet.dts) for packet in packets]


def parts_of(root):
    return [path for _, path in sorted(find_parts(root), key=lambda found: found[0].number)]


def index_of(root):
    return [line for day in sorted(root.glob("*/*")) for line in read_index(day)]


def payloads(path, kind):
    with av.open(str(path)) as source:
        return [bytes(p) for p in source.demux() if p.size and p.stream.type == kind]


def sent(packets, kind):
    return [packet.data for packet in packets if packet.kind is kind]


def decoded(path):
    """Return how many pictures and frames of sound PyAV decodes; it raises on the first error."""
    counts = {"video": 0, "audio": 0}
    with av.open(str(path)) as source:
        for stream in source.streams:
            stream.codec_context.options = {"err_detect": "explode"}
        for frame in source.decode():
            counts["video" if isinstance(frame, av.VideoFrame) else "audio"] += 1
    return counts


def complaints(path):
    """Return what ffmpeg 5.1 has to say when it decodes a part."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:v?", "-map", "0:a?"]
    command += ["-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr or done.returncode


def probed(path):
    command = [
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name,sample_rate",
        "-of",
        "json",
        path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(s["codec_name"], s.get("sample_rate")) for s in json.loads(done.stdout)["streams"]]


def whole(root):
    """Assert that the index says what the files are."""
    for line, path in zip([line for line in index_of(root) if line.part], parts_of(root), strict=True):
        data = path.read_bytes()
        assert (line.part, line.bytes) == (path.name, len(data))
        assert hashlib.sha256(data).hexdigest() == line.sha256
        seen = scan(path)
        assert (seen.whole, seen.sha256) == (len(data), line.sha256)
        assert (seen.video, seen.audio) == (line.video, line.audio)


# ---------------------------------------------------------------- codecs


@pytest.mark.parametrize(
    ("made", "codecs", "names"),
    [
        (
            {"video": "libsvtav1", "audio": "libopus"},
            [("av1", None), ("opus", "48000")],
            ["av01.0.00M.08", "opus"],
        ),
        (
            {"video": "libvpx-vp9", "audio": "libmp3lame", "rate": 44100},
            [("vp9", None), ("mp3", "44100")],
            ["vp09.00.10.08", "mp4a.6B"],
        ),
        ({"audio": "libmp3lame", "rate": 22050}, [("h264", None), ("mp3", "22050")], None),
        ({"audio": "libopus", "channels": 1}, [("h264", None), ("opus", "48000")], None),
        ({"video": "libx265"}, [("hevc", None), ("aac", "48000")], None),
        ({"video": None, "audio": "libmp3lame", "rate": 48000}, [("mp3", "48000")], ["mp4a.6B"]),
        ({"video": None, "audio": "libopus"}, [("opus", "48000")], ["opus"]),
        ({"video": None}, [("aac", "48000")], ["mp4a.40.2"]),
    ],
    ids=["av1 opus", "vp9 mp3", "h264 mp3", "h264 opus", "hevc aac", "mp3 alone", "opus alone", "aac alone"],
)
def test_what_mp4_carries_is_recorded_as_mp4_and_decodes(tmp_path, alarms, made, codecs, names):
    form, packets = make_feed(seconds=8, **made)
    record(tmp_path, [NewFormat(form, "one"), *arrivals(packets)], alarms)
    paths = parts_of(tmp_path)
    assert [path.suffix for path in paths] == [".mp4", ".mp4"], "sound alone is cut by time"
    for kind, name in ((Kind.VIDEO, "video"), (Kind.AUDIO, "audio")):
        assert sent(packets, kind) == [data for path in paths for data in payloads(path, name)]
    assert [probed(path) for path in paths] == [codecs, codecs]
    assert [complaints(path) for path in paths] == [0, 0]
    pictures = sum(decoded(path)["video"] for path in paths)
    assert pictures == len(sent(packets, Kind.VIDEO))
    sound_s = 0.0
    for path in paths:
        with av.open(str(path)) as source:
            sound_s += sum(frame.samples / frame.sample_rate for frame in source.decode(audio=0))
    assert sound_s == pytest.approx(8, abs=0.2)
    if names:
        assert index_of(tmp_path)[0].tracks == names
    assert alarms == []
    whole(tmp_path)


def test_sound_whose_frames_say_their_length_keeps_time(tmp_path, alarms):
    """Opus in frames of 20 ms; MP3 in 1152 samples: the part's time is the feed's, without a re-anchoring."""
    for name, made in (("opus", {"audio": "libopus"}), ("mp3", {"audio": "libmp3lame", "rate": 44100})):
        form, packets = make_feed(seconds=5, video=None, **made)
        record(tmp_path / name, [NewFormat(form, "one"), *arrivals(packets)], alarms)
        (path,) = parts_of(tmp_path / name)
        with av.open(str(path)) as source:
            steps = {p.duration for p in source.demux() if p.size}
        assert steps == ({960} if name == "opus" else {1152})


def old_codec(seconds=4):
    """H.263 (Sorenson) and G.711, which MP4 has no place for here."""
    return make_feed(seconds=seconds, video="flv", audio="pcm_alaw", rate=8000, channels=1)


def test_what_mp4_cannot_carry_is_recorded_as_flv_and_decodes(tmp_path, alarms):
    form, packets = old_codec(seconds=8)
    record(tmp_path, [NewFormat(form, "one"), *arrivals(packets)], alarms)
    paths = parts_of(tmp_path)
    assert [path.suffix for path in paths] == [".flv", ".flv"]
    for kind, name in ((Kind.VIDEO, "video"), (Kind.AUDIO, "audio")):
        assert sent(packets, kind) == [data for path in paths for data in payloads(path, name)]
    assert [probed(path) for path in paths] == [[("flv1", None), ("pcm_alaw", "8000")]] * 2
    assert [complaints(path) for path in paths] == [0, 0]
    assert sum(decoded(path)["video"] for path in paths) == len(sent(packets, Kind.VIDEO))
    assert index_of(tmp_path)[1].origin_ms == next(p.dts for p in packets if p.keyframe and p.dts > 5000)
    assert alarms == []
    whole(tmp_path)


def test_picture_and_sound_of_which_mp4_carries_one_stay_together(tmp_path, alarms):
    form, packets = make_feed(seconds=3, audio="pcm_alaw", rate=8000, channels=1)
    record(tmp_path, [NewFormat(form, "one"), *arrivals(packets)], alarms)
    (path,) = parts_of(tmp_path)
    assert path.suffix == ".flv"
    assert decoded(path)["video"] == 75
    assert complaints(path) == 0
    assert index_of(tmp_path)[0].tracks[1:] == ["pcm_alaw"]


def test_a_torn_flv_is_cut_to_its_last_whole_tag_and_plays(tmp_path, alarms):
    form, packets = old_codec()
    record(tmp_path / "a", [NewFormat(form, "one"), *arrivals(packets)], alarms)
    (whole_part,) = parts_of(tmp_path / "a")
    data = whole_part.read_bytes()
    for cut in (0, 5, 13, 14, len(data) // 2, len(data) - 1, len(data)):
        day = tmp_path / str(cut) / "main" / "2026-09-21"
        day.mkdir(parents=True)
        path = day / whole_part.name
        path.write_bytes(data[:cut] + bytes(100))  # a power failure leaves zeros
        lines = repair_day("main", day)
        if cut < 13:  # not even the header
            assert (lines, path.exists()) == ([], False)
            continue
        (line,) = lines
        left = path.read_bytes()
        assert len(left) == line.bytes <= cut
        assert left == data[: len(left)]
        assert hashlib.sha256(left).hexdigest() == line.sha256
        if cut > 1000:
            assert complaints(path) == 0
            assert line.video == len(payloads(path, "video"))
            assert line.audio == len(payloads(path, "audio"))
            assert line.end - line.start == pytest.approx(4 * cut / len(data), abs=1)
    assert line.bytes == len(data)


KILLED = """
import sys, time
from pathlib import Path
from tiny_media import gops, make_feed
from streamgate.archive.writer import ArchiveWriter
form, packets = make_feed(seconds=12, video="flv", audio="pcm_alaw", rate=8000, channels=1)
writer = ArchiveWriter(Path(sys.argv[1]), "main", alarm=print)
writer.start()
writer.format(form, "one")
for number, gop in enumerate(gops(packets)):
    for packet in gop:
        writer.packet(packet, packet.dts * 1000, 1_790_000_000 + packet.dts / 1000)
        time.sleep(0.0005)
    time.sleep(0.02)
    print(number, flush=True)
time.sleep(60)
"""


def test_kill_9_costs_an_flv_part_at_most_one_gop(tmp_path, alarms):
    _, packets = old_codec(seconds=12)
    fakes = str(Path(__file__).parent.parent / "fakes")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([fakes, os.environ.get("PYTHONPATH", "")])}
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, tmp_path], stdout=subprocess.PIPE, text=True, env=env
    )
    for line in child.stdout:
        if line.strip() == "8":
            break
    child.kill()
    child.wait()
    child.stdout.close()
    paths = parts_of(tmp_path)
    assert [path.suffix for path in paths] == [".flv", ".flv"]
    expected = [data for gop in gops(packets)[:8] for data in sent(gop, Kind.VIDEO)]
    assert [data for path in paths for data in payloads(path, "video")][: len(expected)] == expected
    assert [complaints(path) for path in paths] == [0, 0]
    record(tmp_path, [], alarms)
    assert [code for code, _ in alarms] == ["archive_mended"]
    assert [line.repaired for line in index_of(tmp_path)] == [False, True]
    whole(tmp_path)


# ---------------------------------------------------------------- change without end


def test_parameters_that_flap_make_few_parts_and_all_is_recorded(tmp_path, alarms):
    """Another header at each of 20 keyframes a second for half a minute: 600 changes."""
    feeds = [make_feed(seconds=0.2, gop=1, bframes=0, audio=None, size=(w, 96)) for w in (160, 192)]
    events, given, at = [], [], 0
    for n in range(600):
        form, packets = feeds[n % 2]
        events.append(NewFormat(form, "one"))
        (packet,) = shift(packets[:1], at - packets[0].dts)
        events.append((packet, at))
        given.append(packet.data)
        at += 50
    record(tmp_path, events, alarms)
    lines = index_of(tmp_path)
    assert sum(line.stretches for line in lines) == 600
    assert sum(line.video for line in lines) == 600
    begins = [line.first_us for line in lines]
    for at_us in begins:
        assert sum(at_us <= other < at_us + BURST_US for other in begins) <= BURST + 2
    assert [path.suffix for path in parts_of(tmp_path)[: BURST + 1]] == [".mp4"] * BURST + [".flv"]
    paths = parts_of(tmp_path)
    assert given == [data for path in paths for data in payloads(path, "video")]
    assert [complaints(path) for path in paths] == [0] * len(paths)
    assert sum(decoded(path)["video"] for path in paths) == 600
    assert alarms == []
    whole(tmp_path)


def test_an_encoder_that_comes_and_goes_makes_few_parts(tmp_path, alarms):
    form, packets = make_feed(seconds=1, bframes=0)
    events = []
    for n in range(200):  # every 100 ms, its time from 0 each time
        events.append(NewFormat(form, f"publish {n}"))
        events += [(packet, n * 100 + k) for k, packet in enumerate(packets[:4])]
        events.append("gone")
    record(tmp_path, events, alarms)
    lines = index_of(tmp_path)
    assert sum(line.packets for line in lines) == 800
    assert len(lines) <= 15
    assert 200 <= sum(line.stretches for line in lines) <= 200 + len(lines)
    flv = next(path for path in parts_of(tmp_path) if path.suffix == ".flv")
    with av.open(str(flv)) as source:
        times = [p.dts for p in source.demux() if p.size and p.stream.type == "video"]
    assert times == sorted(times), "its time only rises"
    assert times[-1] / 1000 == pytest.approx(5.5, abs=3)
    assert b"publish 50" in b"".join(path.read_bytes() for path in parts_of(tmp_path))
    whole(tmp_path)


def test_after_the_flapping_parts_are_mp4_again(tmp_path, alarms):
    form, packets = make_feed(seconds=12)
    events = []
    for n in range(10):
        events.append(NewFormat(form, f"publish {n}"))
        events += [(packet, n * 100 + k) for k, packet in enumerate(packets[:4])]
    events += arrivals(shift(packets, 1000))
    record(tmp_path, events, alarms)
    suffixes = [path.suffix for path in parts_of(tmp_path)]
    assert suffixes[:5] == [".mp4"] * 4 + [".flv"]
    assert suffixes[-1] == ".mp4"
    assert [complaints(path) for path in parts_of(tmp_path)] == [0] * len(suffixes)


def test_a_codec_that_flaps_and_has_no_place_anywhere_is_told_a_few_times(tmp_path, alarms):
    form, packets = make_feed(seconds=2)
    events = []
    for n, packet in enumerate(packets):
        sound = AudioTrack(f"unknown codec {n % 3}", b"", 8000, 1) if n % 2 else form.audio
        events += [NewFormat(FeedFormat(form.video, sound), "one"), (packet, packet.dts)]
    record(tmp_path, events, alarms)
    assert [code for code, _ in alarms] == ["archive_format"]
    kept = sum(line.packets for line in index_of(tmp_path))
    assert kept + sum(line.gap.packets for line in index_of(tmp_path) if line.gap) == len(packets)


def test_formats_and_ends_alone_never_fill_the_memory(alarms):
    """As on a frozen disk: nothing is taken out, and an encoder knocks for ever."""
    intake = Intake(1_000_000, alarms)
    track = VideoTrack("h264", bytes(50), 160, 96, 25, 1)
    for n in range(100_000):
        intake.format(NewFormat(FeedFormat(track), f"publish {n}"))
        intake.end("gone")
    assert intake._given <= 1_000_000
    assert len(intake) < 2000
    assert [code for code, _ in alarms] == ["archive_losing"]


def test_a_feed_of_unknown_frame_rate_is_recorded(tmp_path, alarms):
    form, packets = make_feed(seconds=2)
    video = VideoTrack("h264", form.video.config, 160, 96, 0, 1)
    record(tmp_path, [NewFormat(FeedFormat(video, form.audio), "one"), *arrivals(packets)], alarms)
    (path,) = parts_of(tmp_path)
    assert (decoded(path)["video"], complaints(path), alarms) == (50, 0, [])


def test_flv_parts_cost_the_writer_little(tmp_path, alarms):
    form, packets = make_feed(seconds=4, audio="pcm_alaw", rate=8000, channels=1)
    writer = record(tmp_path, [NewFormat(form, "one"), *arrivals(packets)], alarms, close=False)
    started = time.monotonic()
    assert writer.close()
    assert time.monotonic() - started < 2


def test_a_packet_larger_than_a_tag_costs_its_gop_not_the_recording(tmp_path, alarms):
    form, packets = old_codec()
    one, two, three = gops(packets)[:3]
    huge = Packet(Kind.VIDEO, two[-1].dts + 1, two[-1].dts + 1, False, bytes(1 << 24))
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms, retry_s=0.05)
    writer.start()
    writer.format(form, "one")
    for packet, ms in arrivals([*one, *two, huge, *three]):
        writer.packet(packet, ms * 1000, WALL + ms / 1000)
    deadline = time.monotonic() + 5
    while len(writer._intake) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert writer.close()
    kept = [data for path in parts_of(tmp_path) for data in payloads(path, "video")]
    assert kept[: len(sent(one, Kind.VIDEO))] == sent(one, Kind.VIDEO)
    assert kept[-len(sent(three, Kind.VIDEO)) :] == sent(three, Kind.VIDEO)
    assert "archive_failed" in [code for code, _ in alarms]


def test_making_av1_leaves_this_process_its_priority():
    make_feed(seconds=0.2, video="libsvtav1", audio="")
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
