import fcntl
import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import av
import pytest
from tiny_media import gops, make_feed, shift

from streamgate.archive.notices import CODES, notice
from streamgate.archive.parts import events_path, find_parts, read_index
from streamgate.archive.scan import scan
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.packet import AudioTrack, FeedFormat, Kind, Packet, VideoTrack
from streamgate.errors import ConfigError

WALL = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
FAKES = str(Path(__file__).parent.parent / "fakes")


class Alarms(list):
    def __call__(self, code, params):
        assert notice(code, params).text
        self.append((code, dict(params)))

    @property
    def codes(self):
        return [code for code, _ in self]


@pytest.fixture(scope="module")
def feed():
    """12 s in GOPs of 1 s."""
    return make_feed(seconds=12)


@pytest.fixture
def alarms():
    return Alarms()


def give(writer, packets, *, at_ms=0):
    """Hand packets over as if they had arrived at the moment of their DTS."""
    for packet in packets:
        writer.packet(packet, (at_ms + packet.dts) * 1000, WALL + (at_ms + packet.dts) / 1000)


def until(condition, seconds=8.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.01)


def parts_of(root):
    return [path for _, path in sorted(find_parts(root), key=lambda found: found[0].number)]


def payloads(paths, kind="video"):
    out = []
    for path in paths:
        with av.open(str(path)) as source:
            out += [bytes(p) for p in source.demux() if p.size and p.stream.type == kind]
    return out


def sent(packets, kind=Kind.VIDEO):
    return [packet.data for packet in packets if packet.kind is kind]


def complaints(path):
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], capture_output=True, text=True, check=False
    )
    return done.stderr or done.returncode


def index_of(root):
    return [record for day in sorted(root.glob("*/*")) for record in read_index(day)]


def record_all(root, form, packets, alarms, **kwargs):
    writer = ArchiveWriter(root, "main", alarm=alarms, **kwargs)
    writer.start()
    writer.format(form, "one")
    give(writer, packets)
    assert writer.close()
    return writer


# ---------------------------------------------------------------- what is written


def test_every_packet_is_in_the_parts_and_every_part_plays(tmp_path, feed, alarms):
    form, packets = feed
    writer = record_all(tmp_path, form, packets, alarms)
    paths = parts_of(tmp_path)
    assert [path.name for path in paths] == ["141320.000Z-000001.mp4", "141326.000Z-000002.mp4"]
    assert paths[0].parent.name == "2026-09-21"
    assert sent(packets) == payloads(paths)
    assert sent(packets, Kind.AUDIO) == payloads(paths, "audio")
    assert [complaints(path) for path in paths] == [0, 0]
    frames = 0
    for path in paths:
        with av.open(str(path)) as source:
            assert source.start_time < 200_000, "a part plays from its beginning"
            frames += sum(1 for _ in source.decode(video=0))
    assert len(sent(packets)) == frames
    assert alarms == []
    status = writer.status()
    assert (status.state, status.parts, status.lost_packets, status.retention_days) == ("idle", 2, 0, 60)
    assert sum(path.stat().st_size for path in paths) == status.bytes


def test_the_index_is_the_evidence(tmp_path, feed, alarms):
    form, packets = feed
    record_all(tmp_path, form, packets, alarms)
    records = index_of(tmp_path)
    for record, path in zip(records, parts_of(tmp_path), strict=True):
        data = path.read_bytes()
        assert (path.name, len(data)) == (record.part, record.bytes)
        assert hashlib.sha256(data).hexdigest() == record.sha256
        assert record.keyframe
        assert record.tracks == ["avc1.4d400b", "mp4a.40.2"]
        assert record.source == "one"
    assert len(packets) == sum(record.packets for record in records)
    assert [record.closed for record in records] == ["length", "stop"]
    assert [record.origin_ms for record in records] == [0, 6000]
    assert records[0].start == WALL
    assert records[1].end == pytest.approx(WALL + packets[-1].dts / 1000)
    assert (0, packets[-1].dts * 1000) == (records[0].first_us, records[1].last_us)


def test_files_are_private(tmp_path, feed, alarms):
    form, packets = feed
    old = os.umask(0)
    try:
        record_all(
            tmp_path / "archive", form, [*packets, Packet(Kind.DATA, 11990, 11990, False, b"x")], alarms
        )
    finally:
        os.umask(old)
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in [tmp_path / "archive", *tmp_path.glob("archive/**/*")]
    }
    assert len(modes) == 7
    assert {path: 0o700 if path.is_dir() else 0o600 for path in modes} == modes


def test_a_gop_is_on_the_disk_as_soon_as_the_next_one_begins(tmp_path, feed, alarms):
    form, packets = feed
    one, two, three = gops(packets)[:3]
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    writer.format(form, "one")
    give(writer, one + two + three[:1])
    until(lambda: parts_of(tmp_path) and len(payloads(parts_of(tmp_path))) == len(sent(one + two)))
    assert writer.status().state == "ok"
    assert complaints(parts_of(tmp_path)[0]) == 0, "it plays while it grows"
    assert writer.close()


def test_a_gop_that_never_ends_is_written_every_4_s(tmp_path, alarms):
    form, packets = make_feed(seconds=10, gop=1000)
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    writer.format(form, "one")
    give(writer, packets)
    writer._wake.set()
    until(lambda: parts_of(tmp_path) and len(payloads(parts_of(tmp_path))) == 200)
    assert writer.close()
    (path,) = parts_of(tmp_path)
    assert sent(packets) == payloads([path])
    assert complaints(path) == 0


def test_sound_that_outlives_the_picture_is_written_too(tmp_path, alarms):
    form, packets = make_feed(seconds=14)
    lone = [p for p in packets if p.kind is Kind.AUDIO or p.dts < 2000]
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    writer.format(form, "one")
    give(writer, lone)
    writer._wake.set()
    until(lambda: parts_of(tmp_path) and len(payloads(parts_of(tmp_path), "audio")) > 10 * 47)
    assert writer.close()
    assert payloads(parts_of(tmp_path), "audio") == sent(lone, Kind.AUDIO)
    assert [complaints(path) for path in parts_of(tmp_path)] == [0]


def test_a_flood_of_script_events_is_written_not_hoarded(tmp_path, feed, alarms):
    form, packets = feed
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    writer.format(form, "one")
    give(writer, gops(packets)[0])
    give(writer, [Packet(Kind.DATA, 999, 999, False, b"x" * 1000)] * 20_000)
    until(lambda: not len(writer._intake))
    assert writer._recorder._pending_bytes < 17_000_000
    assert writer.close()
    assert [record.data for record in index_of(tmp_path)] == [20_000]


def test_a_new_format_and_a_new_source_begin_a_new_part(tmp_path, feed, alarms):
    form, packets = feed
    other, more = make_feed(seconds=1, size=(128, 96))
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    second = gops(packets)[0]
    writer.format(form, "one")
    give(writer, second)
    writer.format(form, "one")  # the same again: nothing changes
    give(writer, gops(packets)[1])
    writer.format(other, "one")
    give(writer, more, at_ms=2000)
    writer.format(other, "two")
    give(writer, more, at_ms=3000)
    writer.gone()
    give(writer, shift(more, 5000), at_ms=4000)
    assert writer.close()
    records = index_of(tmp_path)
    assert [record.closed for record in records] == ["format", "source", "gone", "stop"]
    assert [record.source for record in records] == ["one", "one", "two", "two"]
    assert [complaints(path) for path in parts_of(tmp_path)] == [0] * 4


def test_a_timeline_that_jumps_begins_a_new_part(tmp_path, feed, alarms):
    form, packets = feed
    one = gops(packets)[0]
    record_all(tmp_path, form, one + shift(one, 100_000), alarms)
    assert [record.closed for record in index_of(tmp_path)] == ["timeline", "stop"]
    assert sent(one + one) == payloads(parts_of(tmp_path))


def test_script_events_go_beside_the_part(tmp_path, feed, alarms):
    form, packets = feed
    events = [Packet(Kind.DATA, at, at, False, f"cue {at}".encode()) for at in (1500, 2500, 7500)]
    mixed = sorted(packets + events, key=lambda packet: packet.dts)
    record_all(tmp_path, form, mixed, alarms)
    lines = [
        [json.loads(line) for line in events_path(path).read_bytes().splitlines()]
        for path in parts_of(tmp_path)
    ]
    assert [[line["dts"] for line in part] for part in lines] == [[1500, 2500], [7500]]
    assert lines[0][0]["amf0"] == "Y3VlIDE1MDA="
    assert lines[0][0]["at"] == WALL + 1.5
    assert [record.data for record in index_of(tmp_path)] == [2, 1]
    digests = [hashlib.sha256(events_path(path).read_bytes()).hexdigest() for path in parts_of(tmp_path)]
    assert digests == [record.events_sha256 for record in index_of(tmp_path)]


def test_sound_alone_is_recorded_too(tmp_path, alarms):
    form, packets = make_feed(seconds=14, video=None)
    record_all(tmp_path, form, packets, alarms)
    assert len(parts_of(tmp_path)) == 3
    assert sent(packets, Kind.AUDIO) == payloads(parts_of(tmp_path), "audio")


def test_what_no_part_can_carry_is_counted_and_raises_an_alarm(tmp_path, feed, alarms):
    form, packets = feed
    strange = FeedFormat(form.video, AudioTrack("wma voice", b"", 16000, 1))
    writer = record_all(tmp_path, strange, packets, alarms)
    assert sent(packets) == payloads(parts_of(tmp_path))
    assert alarms.codes == ["archive_format"]
    assert len(sent(packets, Kind.AUDIO)) == writer.status().lost_packets
    assert writer.status().state == "failed"
    assert "wma voice" in writer.status().error
    gaps = sum(record.gap.packets for record in index_of(tmp_path) if record.gap)
    assert len(sent(packets, Kind.AUDIO)) == gaps


def test_a_packet_that_breaks_the_writer_costs_its_gop_not_the_recording(tmp_path, feed, alarms):
    form, packets = feed
    one, two, three = gops(packets)[:3]
    poison = Packet(Kind.VIDEO, two[0].dts + 1, 2**80, False, b"?")
    poison_audio = Packet(Kind.AUDIO, two[0].dts + 1, 2**80, False, b"?")
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms, retry_s=0.05)
    writer.start()
    writer.format(form, "one")
    give(writer, [*one, *two, poison, poison_audio, *three])
    until(lambda: not len(writer._intake))
    assert writer.close()
    assert sent(one + three) == payloads(parts_of(tmp_path))
    assert "archive_failed" in alarms.codes
    assert "archive_recovered" in alarms.codes
    assert len(two) + 2 == writer.status().lost_packets


def test_settings_that_break_a_rule_are_refused(tmp_path, alarms):
    with pytest.raises(ConfigError, match="R8"):
        ArchiveWriter(tmp_path, "main", alarm=alarms, retention_days=59)
    with pytest.raises(ConfigError, match="directory"):
        ArchiveWriter(tmp_path, "../main", alarm=alarms)


def test_numbers_go_on_after_a_restart(tmp_path, feed, alarms):
    form, packets = feed
    for _ in range(2):
        record_all(tmp_path, form, gops(packets)[0], alarms)
    assert [path.name for path in parts_of(tmp_path)] == ["141320.000Z-000001.mp4", "141320.000Z-000002.mp4"]


def test_a_packet_costs_the_gate_little(tmp_path, feed, alarms):
    form, packets = feed
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    writer.format(form, "one")
    started = time.thread_time()
    give(writer, packets)
    spent_us = (time.thread_time() - started) / len(packets) * 1e6
    assert writer.close()
    assert spent_us < 60, "generous: about 5 on an idle machine"


@pytest.mark.alone  # it measures
def test_closing_without_a_start_or_a_packet_is_quick(tmp_path, alarms):
    assert ArchiveWriter(tmp_path, "main", alarm=alarms).close()
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    started = time.monotonic()
    assert writer.close()
    assert time.monotonic() - started < 1
    assert writer.status().state == "idle"


# ---------------------------------------------------------------- when the disk fails


def run_child(script, *args, **kwargs):
    code = f"import sys; sys.path[:0] = [{FAKES!r}, {str(Path(__file__).parent)!r}]\n{script}"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)], stdout=subprocess.PIPE, text=True, **kwargs
    )


KILLED = """
import sys, time
from pathlib import Path
from tiny_media import make_feed, gops
from streamgate.archive.writer import ArchiveWriter
form, packets = make_feed(seconds=12)
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


def test_kill_9_costs_at_most_one_gop(tmp_path, feed, alarms):
    _, packets = feed
    child = run_child(KILLED, tmp_path)
    for line in child.stdout:
        if line.strip() == "8":
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    given = gops(packets)
    paths = parts_of(tmp_path)
    kept = payloads(paths)
    whole = [data for gop in given[:8] for data in sent(gop)]
    assert kept[: len(whole)] == whole
    assert [complaints(path) for path in paths] == [0, 0]
    assert len(index_of(tmp_path)) == 1, "the second part was open"
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    writer.start()
    assert writer.close()
    assert alarms.codes == ["archive_mended"]
    records = index_of(tmp_path)
    assert [record.repaired for record in records] == [False, True]
    assert len(kept) == sum(record.video for record in records)
    assert hashlib.sha256(paths[1].read_bytes()).hexdigest() == records[1].sha256


BUSY = """
import sys
from pathlib import Path
from tiny_media import make_feed, shift
from streamgate.archive.writer import ArchiveWriter
from streamgate.core.packet import Packet
form, packets = make_feed(seconds=4)
filler = (200_001).to_bytes(4, "big") + b"\\x0c" + b"\\xff" * 199_999 + b"\\x80"
big = [Packet(p.kind, p.dts, p.pts, p.keyframe, p.data + filler * (not p.kind)) for p in packets]
writer = ArchiveWriter(Path(sys.argv[1]), "main", alarm=print)
writer.start()
writer.format(form, "one")
for n in range(1000):
    for packet in shift(big, n * 4000):
        writer.packet(packet, packet.dts * 1000, 1_790_000_000 + packet.dts / 1000)
        while writer._intake._given - writer._intake._taken > 30_000_000: pass
"""


def test_a_kill_in_the_midst_of_a_write_leaves_files_that_play(tmp_path):
    """Fragments of 5 MB, written without a pause: about every third kill tears one."""
    for number in range(3):
        root = tmp_path / str(number)
        child = run_child(BUSY, root)
        until(lambda root=root: sum(path.stat().st_size for path in parts_of(root)) > 12_000_000)
        child.kill()
        child.wait()
        child.stdout.close()
        last = parts_of(root)[-1]
        seen = scan(last)
        if seen.video:
            assert complaints(last) == 0
            assert len(payloads([last])) == seen.video
        shutil.rmtree(root)


FULL = """
import resource, signal, sys, time
from pathlib import Path
from tiny_media import make_feed, gops
from streamgate.archive.writer import ArchiveWriter
form, packets = make_feed(seconds=12)
def alarm(code, params): print(code, flush=True)
writer = ArchiveWriter(Path(sys.argv[1]), "main", alarm=alarm, retry_s=0.1)
writer.start()
writer.format(form, "one")
def give(some):
    slowest = 0
    for packet in some:
        at = time.perf_counter()
        writer.packet(packet, packet.dts * 1000, 1_790_000_000 + packet.dts / 1000)
        slowest = max(slowest, time.perf_counter() - at)
    return slowest
def until(condition):
    for _ in range(800):
        if condition(): return
        time.sleep(0.01)
    raise SystemExit("it did not come about: " + str(writer.status()))
parts = gops(packets)
give(sum(parts[:3], []))
until(lambda: writer.status().bytes > 0 and not len(writer._intake))
size = Path(sys.argv[1], writer.status().path).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, resource.RLIM_INFINITY))  # full in mid-fragment
slowest = give(sum(parts[3:7], []))
until(lambda: writer.status().state == "failed")
until(lambda: writer.status().free_bytes is not None)
print("error", writer.status().error)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))  # nothing at all can be written
time.sleep(0.4)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))  # room again
slowest = max(slowest, give(sum(parts[7:], [])))
until(lambda: writer.status().state == "ok")
print("closed", writer.close(), "lost", writer.status().lost_packets, "slow", slowest > 0.05, flush=True)
"""


def test_a_full_disk_is_loud_and_ends_by_itself_with_nothing_lost(tmp_path, feed):
    _, packets = feed
    child = run_child(FULL, tmp_path)
    said, _ = child.communicate(timeout=30)
    lines = said.splitlines()
    assert lines[0] == "archive_failed"
    assert "File too large" in lines[1]
    assert lines[2:] == ["archive_recovered", "closed True lost 0 slow False"]
    paths = parts_of(tmp_path)
    assert sent(packets) == payloads(paths)
    assert sent(packets, Kind.AUDIO) == payloads(paths, "audio")
    assert [0] * len(paths) == [complaints(path) for path in paths]
    records = index_of(tmp_path)
    assert "failed" in [record.closed for record in records]
    assert list(range(1, len(paths) + 1)) == [record.number for record in records], "no number is missing"
    assert [path.stat().st_size for path in paths] == [record.bytes for record in records]


@contextmanager
def stalled(path):
    """Whoever opens this file to write waits in the kernel, as on a hung disk: another one holds a lease."""
    old = signal.signal(signal.SIGIO, signal.SIG_IGN)
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            pytest.skip(f"the file system of {path} knows no leases: {error}")
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, old)


def test_a_disk_that_stalls_never_blocks_the_gate(tmp_path, feed, alarms):
    form, packets = feed
    day = tmp_path / "main" / "2026-09-21"
    day.mkdir(parents=True)
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms, queue_bytes=300_000, part_s=2)
    everything = packets + shift(packets, 12_000)
    with stalled(day / "index.jsonl"):
        writer.start()
        writer.format(form, "one")
        slowest = 0.0
        for packet in everything[:-200]:
            started = time.perf_counter()
            give(writer, [packet])
            slowest = max(slowest, time.perf_counter() - started)
            assert writer._intake._given - writer._intake._taken <= 300_000
        assert slowest < 0.2
        assert writer.status().state == "behind"
        assert alarms.codes == ["archive_behind", "archive_losing"]
        assert notice(*alarms[1]).text_zh.endswith("部分内容未被录制（磁盘过慢）。")
        assert writer.status().lost_packets > 100
    until(lambda: not len(writer._intake))
    give(writer, everything[-200:])
    assert writer.close()
    assert "archive_caught_up" in alarms.codes
    records = index_of(tmp_path)
    lost = writer.status().lost_packets
    assert [record.gap.packets for record in records if record.gap] == [lost]
    assert sum(record.packets for record in records) == len(everything) - lost
    kept = payloads(parts_of(tmp_path))
    assert len(kept) == sum(record.video for record in records)
    assert kept[-20:] == sent(packets)[-20:], "recording went on"
    assert [complaints(path) for path in parts_of(tmp_path)] == [0] * len(records)


def test_closing_on_a_disk_that_hangs_takes_3_s_at_most(tmp_path, feed, alarms):
    form, packets = feed
    day = tmp_path / "main" / "2026-09-21"
    day.mkdir(parents=True)
    writer = ArchiveWriter(tmp_path, "main", alarm=alarms)
    with stalled(day / "index.jsonl"):
        writer.start()
        writer.format(form, "one")
        give(writer, packets)
        started = time.monotonic()
        assert not writer.close()
        assert time.monotonic() - started < 3.5
    writer._thread.join(5)


def test_a_root_that_cannot_be_made_is_an_alarm_not_a_crash(tmp_path, feed, alarms):
    form, packets = feed
    (tmp_path / "file").write_bytes(b"")
    writer = ArchiveWriter(tmp_path / "file" / "archive", "main", alarm=alarms, retry_s=0.05)
    writer.start()
    writer.format(form, "one")
    give(writer, packets)
    until(lambda: writer.status().state == "failed")
    assert "Not a directory" in writer.status().error
    (tmp_path / "file").unlink()
    until(lambda: "archive_recovered" in alarms.codes)
    assert writer.close()
    assert sent(packets) == payloads(parts_of(tmp_path / "file" / "archive"))


def test_low_space_is_told_once_per_level(alarms):
    from streamgate.archive.writer import _Space

    space = _Space(alarms)
    at, total = 0, 0
    for hours in (100, 20, 19, 21, 1.5, 1, 30, 100, 20):
        space.check(at, int(hours * 3600 * 750_000), total)
        at, total = at + 5_000_000, total + 5 * 750_000
    told = [(params["level"], round(params["hours"])) for _, params in alarms]
    assert told == [("warning", 20), ("alarm", 2), ("warning", 20)]


def test_every_code_has_words_in_both_languages():
    params = dict.fromkeys(
        [
            "error",
            "reason",
            "queued_bytes",
            "lost_packets",
            "seconds",
            "hours",
            "free_bytes",
            "parts",
            "part",
            "codecs",
            "time",
            *("target", "gb", "files", "names", "days", "retention", "missing", "left", "all"),
        ],
        7,
    )
    for code in CODES:
        warn = notice(code, params)
        assert "7" in warn.text
        assert "7" in warn.text_zh


def test_vp9_is_not_carried():
    from streamgate.core.fmp4 import can_carry

    assert not can_carry(VideoTrack("vp9", b"", 640, 360, 30, 1))
