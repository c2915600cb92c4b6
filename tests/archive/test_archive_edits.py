"""The edit list on disk: written by a thread, certified, and rendered into the program that aired."""

import hashlib
import json
import shutil
import threading
from pathlib import Path

import av
import pytest
from aired_media import NAME, WALL, S, air_broadcast, clip_file
from fakes.media import AVCC, clip
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_media import gops, make_feed
from tools.disks import Disk
from typer.testing import CliRunner

from streamgate.archive import edit_writer, kept_clips
from streamgate.archive.as_aired import AsAired
from streamgate.archive.broadcasts import Broadcast, broadcast_id, name_as_aired
from streamgate.archive.certificate import certify
from streamgate.archive.edit_list import (
    Begin,
    ClipKept,
    EditList,
    End,
    Lost,
    find_edit_list,
    list_path,
    read_edit_list,
)
from streamgate.archive.edit_writer import EditWriter
from streamgate.archive.located import PartIndex
from streamgate.archive.notices import notice
from streamgate.archive.part_reader import PartReader
from streamgate.archive.writer import ArchiveWriter
from streamgate.cli import app
from streamgate.core.edits import LIVE, Held, Piece, Run, Tally
from streamgate.core.gate import SLATE, Why
from streamgate.core.packet import Aired, Kind, Packet, VideoTrack
from streamgate.errors import Refused
from streamgate.playout import edits as playout_edits

WAIT_S = 20


class Alarms(list):
    def __call__(self, code, params):
        assert notice(code, params).text
        self.append(code)


@pytest.fixture
def alarms():
    return Alarms()


def begin(**more):
    values = {"started_at": WALL, "at": WALL, "mono_us": 0, "boot": "b", "series": 7, "floor_us": 30 * S}
    return Begin(**{"broadcast": NAME, "channel": "main", **values, "delay_us": 30 * S, **more})


def piece(at, **more):
    values = {"from_us": 0, "to_us": S, "source": LIVE, "delay_us": 30 * S, "runs": [Run("video", 0, 25, 0)]}
    return Piece(at=at, **{**values, **more})


def lines_of(root, name=NAME):
    return read_edit_list(list_path(root, "main", name)).lines


def until(condition):
    waiting = threading.Event()
    for _ in range(WAIT_S * 50):
        if condition():
            return
        waiting.wait(0.02)
    raise AssertionError("it did not come about in time")


# ---------------------------------------------------------------- the writer


def test_lines_stand_in_the_file_while_the_broadcast_goes_on(tmp_path, alarms):
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    wanted = [begin(), piece(WALL + 30), piece(WALL + 31)]
    for line in wanted:
        writer.put(line)
    until(lambda: list_path(tmp_path, "main", NAME).exists() and len(lines_of(tmp_path)) == 3)
    assert lines_of(tmp_path) == wanted
    writer.put(End(WALL + 32))
    assert writer.close()
    assert lines_of(tmp_path) == [*wanted, End(WALL + 32)]
    first = json.loads(list_path(tmp_path, "main", NAME).read_text().splitlines()[0])
    assert (first["line"], first["broadcast"]) == ("begin", "main-20260921T141320Z")
    assert list_path(tmp_path, "main", NAME).stat().st_mode & 0o777 == 0o600
    assert alarms == []


def test_a_filler_is_kept_once_by_its_digest(tmp_path, alarms):
    made = clip_file(tmp_path / "cache", "hills.mp4")
    for start in (WALL, WALL + 1000):
        writer = EditWriter(tmp_path / "archive", "main", alarm=alarms)
        writer.put(begin(broadcast=broadcast_id("main", start)))
        writer.keep("a-r8", made)
        writer.keep("a-r8", made)
        assert writer.close()
        found = lines_of(tmp_path / "archive", broadcast_id("main", start))[1:]
        digest = hashlib.sha256((tmp_path / "cache" / made.path).read_bytes()).hexdigest()
        assert found == [
            ClipKept("a-r8", "hills.mp4", digest, (tmp_path / "cache" / made.path).stat().st_size)
        ]
    kept = list((tmp_path / "archive/main/aired/clips").iterdir())
    assert [path.name for path in kept] == [f"{digest}.clip"]
    shutil.rmtree(tmp_path / "cache")  # the cache sweeps what is unused
    assert hashlib.sha256(kept[0].read_bytes()).hexdigest() == digest


def test_a_filler_whose_file_is_gone_is_said_and_nothing_waits_for_it(tmp_path, alarms):
    made = clip_file(tmp_path / "cache", SLATE)
    shutil.rmtree(tmp_path / "cache")
    writer = EditWriter(tmp_path / "archive", "main", alarm=alarms)
    writer.put(begin())
    writer.keep("slate-r8", made)
    writer.put(piece(WALL + 30))
    assert writer.close()
    assert ClipKept("slate-r8", SLATE, "", 0) in lines_of(tmp_path / "archive")
    assert alarms == []


def test_a_mosaic_is_told_from_the_one_whose_number_on_the_disk_its_file_gets(tmp_path, alarms):
    writer = EditWriter(tmp_path / "archive", "main", alarm=alarms)
    writer.put(begin())
    digests = []
    for number in range(2):
        made = clip_file(tmp_path, f"mosaic{number}")
        file = tmp_path / "mosaic.clip"
        with file.open("r+b" if number else "wb") as same:
            same.write(Path(made.path).read_bytes())
        made.path = str(file)
        digests.append(hashlib.sha256(file.read_bytes()).hexdigest())
        writer.keep(f"m{number}", made)
        until(lambda: not writer._clips)
    assert writer.close()
    assert [line.sha256 for line in lines_of(tmp_path / "archive")[1:]] == digests
    assert digests[0] != digests[1]


def test_no_other_list_is_read_for_a_mosaic_that_was_lost(tmp_path, alarms, monkeypatch):
    made = clip_file(tmp_path / "cache", "hills.mp4")
    writer = EditWriter(tmp_path / "archive", "main", alarm=alarms)
    writer.put(begin())
    writer.keep("a-r8", made)
    assert writer.close()
    read, read_list = [], kept_clips.read_edit_list
    monkeypatch.setattr(kept_clips, "read_edit_list", lambda path: read.append(path) or read_list(path))
    clips = kept_clips.KeptClips(tmp_path / "archive", "main")
    after_a_kill = list_path(tmp_path / "archive", "main", "main-20260922T141320Z")
    assert clips.find("mosaic-0123", {}, after_a_kill) is None
    assert read == []
    found = clips.find("a-r8", {}, after_a_kill)
    assert found is not None
    assert found.video_count == 30


def test_no_more_clips_wait_for_a_disk_that_stands_than_there_is_room_for(tmp_path, alarms, monkeypatch):
    monkeypatch.setattr(edit_writer, "MAX_CLIPS", 2)
    cache = tmp_path / "cache"
    slate = clip_file(cache, SLATE)
    writer = EditWriter(tmp_path / "archive", "main", alarm=alarms)
    with monkeypatch.context() as stalled:
        stalled.setattr(writer, "start", lambda: None)
        writer.put(begin())
        for number in range(4):
            writer.keep("slate-r8", slate)  # once for each piece in which it airs
            writer.keep(f"mosaic-{number}", clip_file(cache, f"mosaic{number}"))
        assert [key for key, _ in writer._clips] == ["slate-r8", "mosaic-0"]
    writer.start()
    assert writer.close()
    lines = lines_of(tmp_path / "archive")[1:]
    assert {line.key for line in lines if line.sha256} == {"slate-r8", "mosaic-0"}
    assert {line.key for line in lines if not line.sha256} == {"mosaic-1", "mosaic-2", "mosaic-3"}


def test_a_kill_costs_the_torn_line_alone(tmp_path, alarms):
    path = list_path(tmp_path, "main", NAME)
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    writer.put(begin())
    writer.put(piece(WALL + 30))
    assert writer.close()
    with path.open("ab") as file:
        file.write(b'{"line":"air","at":179')
    assert read_edit_list(path).damaged == 0, "it may still be being written"
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    writer.put(begin(at=WALL + 40, resumed=True))
    writer.put(piece(WALL + 70))
    assert writer.close()
    found = read_edit_list(path)
    assert [type(line).__name__ for line in found.lines] == ["Begin", "Piece", "Begin", "Piece"]
    assert found.damaged == 1
    gaps = certify(found).gaps
    assert (gaps[0].why, gaps[0].start, gaps[0].end) == ("gate_killed", WALL + 31, WALL + 40)
    assert gaps[1].why == "list_damaged"


@pytest.mark.parametrize("fault", ["freeze", "full", "read only"])
def test_a_disk_that_stands_costs_lines_that_the_list_owns_up_to(tmp_path, alarms, fault):
    with Disk(tmp_path, mb=16) as disk:
        root = disk.path / "archive"
        writer = EditWriter(root, "main", alarm=alarms, max_lines=50)
        writer.put(begin())
        writer.put(piece(WALL))
        until(lambda: list_path(root, "main", NAME).exists() and len(lines_of(root)) == 2)
        {"freeze": disk.freeze, "full": disk.fill, "read only": disk.read_only}[fault]()
        for n in range(1, 201):  # nobody waits: a `put` that did would never return while it is frozen
            writer.put(piece(WALL + n, runs=[Run("video", n, 25, 0), Run("audio", n, 47, 0)] * 20))
        if fault != "freeze":
            until(lambda: alarms == ["edits_failed"])
        {"freeze": disk.thaw, "full": disk.free, "read only": disk.writable}[fault]()
        until(lambda: not writer._queue)
        writer.put(piece(WALL + 201))
        assert writer.close()
        found = read_edit_list(list_path(root, "main", NAME))
        assert found.damaged == 0
        told = [round(line.at - WALL) for line in found.lines if isinstance(line, Piece)]
        lost = [line for line in found.lines if isinstance(line, Lost)]
        assert len(told) + sum(line.lines for line in lost) == 202
        assert told == sorted(set(told))
        assert len(lost) == 1
        assert (lost[0].since, lost[0].until) == (WALL + told[-2] + 1, WALL + 200)
        assert alarms == ([] if fault == "freeze" else ["edits_failed", "edits_kept"])
        gap = next(gap for gap in certify(found).gaps if gap.why == "list_lost")
        assert (gap.lines, gap.end) == (lost[0].lines, WALL + 200)


def test_a_fault_in_the_writing_thread_costs_a_line_and_is_owned_up_to(tmp_path, alarms, monkeypatch):
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    append, faults = writer._append, [ZeroDivisionError("a bug")]

    def fail(data):
        if b'"air"' in data and faults:
            raise faults.pop()
        append(data)

    monkeypatch.setattr(writer, "_append", fail)
    writer.put(begin())
    until(lambda: list_path(tmp_path, "main", NAME).exists() and lines_of(tmp_path))
    writer.put(piece(WALL + 30))
    until(lambda: not writer._queue)
    writer.put(piece(WALL + 31))
    assert writer.close()
    found = lines_of(tmp_path)
    assert [type(line).__name__ for line in found] == ["Begin", "Lost", "Piece"]
    assert found[1] == Lost(1, WALL + 30, WALL + 30, "ZeroDivisionError: a bug")
    assert alarms == ["edits_failed", "edits_kept"]


def test_a_line_that_cannot_be_written_costs_no_other_one(tmp_path, alarms, monkeypatch):
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    with monkeypatch.context() as slow:
        slow.setattr(writer, "start", lambda: None)
        for line in (begin(), piece(WALL + 30), piece(WALL + 31, filler="\udcff.mp4"), piece(WALL + 32)):
            writer.put(line)  # they wait together
    writer.start()
    until(lambda: not writer._queue)
    assert writer.close()
    found = lines_of(tmp_path)
    assert [type(line).__name__ for line in found] == ["Begin", "Piece", "Lost", "Piece"]
    assert found[2].since == WALL + 31


def test_a_fault_in_the_loop_never_reaches_air(tmp_path, alarms, monkeypatch):
    writer = EditWriter(tmp_path, "main", alarm=alarms)
    edits = playout_edits.EditList("main", writer, alarms)
    edits.begin("", WALL, series=7, delay_us=30 * S)
    shown = [
        Aired(
            Packet(Kind.VIDEO, 0, 0, True, b"x"),
            None,
            None,
            None,
            0,
            clip(SLATE, VideoTrack("h264", AVCC[1], 1280, 720, 25, 1)),
        )
    ]
    with monkeypatch.context() as broken:
        broken.setattr(Tally, "add", lambda *_: 1 / 0)
        edits.aired(shown, Why("start"), 30 * S)
        edits.aired(shown, Why("start"), 30 * S)
    edits.aired(shown, Why("start"), 30 * S)
    with monkeypatch.context() as broken:
        broken.setattr(EditWriter, "put", lambda *_: 1 / 0)
        edits.end()
    edits.begin("", WALL, series=7, delay_us=30 * S)
    edits.end()
    assert edits.close()
    assert alarms == ["edits_fault"]
    found = lines_of(tmp_path)
    assert [type(line).__name__ for line in found][:2] == ["Begin", "Lost"]
    assert found[1].lines == 3
    assert edits.broadcast == f"{NAME}-2"


# ---------------------------------------------------------------- the certificate


def held_of(delays):
    ms = {}
    for one in delays:
        ms[one // 1000] = ms.get(one // 1000, 0) + 1
    below = sum(one < 30 * S for one in delays)
    return Held(len(delays), min(delays), max(delays), sum(delays), below, sorted(ms.items()))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.lists(st.integers(29_990_000, 31_000_000), min_size=1, max_size=60), min_size=1, max_size=5)
)
def test_a_certificate_is_exact_to_a_millisecond(pieces):
    lines = [begin(), *(piece(WALL + n, held=held_of(delays)) for n, delays in enumerate(pieces))]
    found = certify(EditList(None, lines))
    every = sorted(delay for delays in pieces for delay in delays)
    assert (found.packets, found.below_floor) == (len(every), sum(one < 30 * S for one in every))
    assert (found.min_s, found.max_s) == (every[0] / 1e6, every[-1] / 1e6)
    for told, part in ((found.p50_s, 0.5), (found.p99_s, 0.99)):
        true = every[-(-len(every) * round(part * 100) // 100) - 1]
        assert 0 <= true / 1e6 - told < 0.001 + 1e-9


def test_a_certificate_names_each_time_without_live_and_its_cause():
    filler = {"source": "filler", "filler": SLATE, "runs": []}
    lines = [
        begin(),
        piece(WALL + 1, **filler, why="start"),
        piece(WALL + 2, **filler, why="start"),
        piece(WALL + 30, held=held_of([30_001_000])),
        piece(WALL + 31, **filler, why="cut", actor="console:li"),
        piece(WALL + 33, **filler, why="no_input"),
        piece(WALL + 34, delay_us=35 * S),
    ]
    found = certify(EditList(None, lines))
    assert [(gap.start - WALL, gap.end - WALL, gap.why, gap.actor, gap.filler) for gap in found.gaps] == [
        (1, 30, "start", "", SLATE),
        (31, 33, "cut", "console:li", SLATE),
        (33, 34, "no_input", "", SLATE),
    ]
    assert (found.ended, found.end, found.delay_s, found.floor_s) == (False, WALL + 35, 35, 30)
    assert certify(EditList(None, [*lines, End(WALL + 40)])).ended


def test_the_command_works_on_a_copy_without_the_program(tmp_path, alarms):
    writer = EditWriter(tmp_path / "data/archive", "main", alarm=alarms)
    for line in (begin(), piece(WALL + 30, held=held_of([30_002_100] * 99 + [30_050_000])), End(WALL + 31)):
        writer.put(line)
    assert writer.close()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    shutil.rmtree(tmp_path / "data")
    done = CliRunner().invoke(app, ["certificate", NAME, "--data", str(tmp_path / "copy"), "--json"])
    told = json.loads(done.stdout)
    assert told == {
        "broadcast": NAME,
        "channel": "main",
        "start": WALL,
        "end": WALL + 31,
        "ended": True,
        "floor_s": 30.0,
        "delay_s": 30.0,
        "min_s": 30.0021,
        "p50_s": 30.002,
        "p99_s": 30.002,
        "max_s": 30.05,
        "packets": 100,
        "below_floor": 0,
        "gaps": [],
        "exact_s": 0.001,
    }
    words = CliRunner().invoke(app, ["certificate", NAME, "--data", str(tmp_path / "copy")]).stdout
    assert "100 live packets, 0 below the floor" in words
    with pytest.raises(Refused, match=f"no edit list of a broadcast other .*: {NAME}"):
        find_edit_list(tmp_path / "copy/archive", "other")
    unknown = CliRunner().invoke(app, ["certificate", "other", "--data", str(tmp_path / "copy")])
    assert (unknown.exit_code, NAME in unknown.stderr) == (1, True)


# ---------------------------------------------------------------- as aired


@pytest.fixture(scope="module")
def feed():
    """20 s in GOPs of 1 s, with B-frames and sound."""
    return make_feed(seconds=20)


def digests(packets, kind):
    return [hashlib.sha256(one.data).hexdigest()[:16] for one in packets if one.kind is kind]


@pytest.mark.parametrize("same_size", [True, False], ids=["one header", "a header at each splice"])
def test_the_program_is_rendered_packet_for_packet_as_it_aired(tmp_path, alarms, feed, same_size):
    track = None if same_size else VideoTrack("h264", AVCC[1], 1280, 720, 25, 1)
    audio = feed[0].audio
    clips = [clip_file(tmp_path / "cache", name, track=track, audio=audio) for name in (SLATE, "hills.mp4")]
    aired = air_broadcast(tmp_path / "archive", feed, clips, alarms)
    shutil.rmtree(tmp_path / "cache")
    edits = read_edit_list(list_path(tmp_path / "archive", "main", NAME))
    story = [gap.why for gap in certify(edits).gaps]
    assert story == ["start", "cut", "backup", "dump", "no_input", "no_input"][: len(story)]
    assert len(story) >= 5
    rendering = AsAired(tmp_path / "archive", edits)
    shown = list(rendering.packets())
    assert rendering.missing == []
    for kind in (Kind.VIDEO, Kind.AUDIO):
        assert digests([one.packet for one in aired], kind) == digests([one.packet for one in shown], kind)
    done = CliRunner().invoke(
        app, ["archive", "render", NAME, "--out", str(tmp_path / "a.flv"), "--data", str(tmp_path), "--json"]
    )
    told, made = json.loads(done.stdout), (tmp_path / "a.flv").read_bytes()
    assert (told["packets"], told["missing"]) == (len(aired), [])
    assert (told["bytes"], told["sha256"]) == (len(made), hashlib.sha256(made).hexdigest())
    assert (told["start"], told["end"]) == (WALL, WALL + 135)
    with av.open(str(tmp_path / "a.flv")) as source:
        demuxed = [(one.stream.type, bytes(one)) for one in source.demux() if one.size]
    for kind, name in ((Kind.VIDEO, "video"), (Kind.AUDIO, "audio")):
        sent = [one.packet.data for one in aired if one.packet.kind is kind]
        assert [data for track, data in demuxed if track == name] == sent
    again = CliRunner().invoke(
        app, ["archive", "render", NAME, "--out", str(tmp_path / "a.flv"), "--data", str(tmp_path)]
    )
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)
    headers = [one.header for one in aired if one.header]
    assert [one.header for one in shown if one.header] == headers
    assert (len(headers) == 1) is same_size
    for kind, close_ms in ((Kind.VIDEO, 1), (Kind.AUDIO, 60)):
        there = [one.packet.dts for one in aired if one.packet.kind is kind]
        here = [one.packet.dts for one in shown if one.packet.kind is kind]
        assert max(abs(a - b) for a, b in zip(there, here, strict=True)) <= close_ms
    assert [one.packet.keyframe for one in aired if one.packet.kind is Kind.VIDEO] == [
        one.packet.keyframe for one in shown if one.packet.kind is Kind.VIDEO
    ]


def test_each_live_run_finds_its_packets_in_the_index_and_lost_ones_are_told(tmp_path, alarms, feed):
    clips = [clip_file(tmp_path / "cache", name) for name in (SLATE, "hills.mp4")]
    air_broadcast(tmp_path / "archive", feed, clips, alarms)
    edits = read_edit_list(list_path(tmp_path / "archive", "main", NAME))
    series = edits.lines[0].series
    index = PartIndex.read(tmp_path / "archive", "main")
    runs = [run for line in edits.lines if isinstance(line, Piece) for run in line.runs if not run.clip]
    assert len(runs) > 100
    for run in runs:
        assert sum(one.packets for one in index.find(series, run)) == run.count
    assert not list(index.find(series + 1, runs[0])), "numbers of another process are others' packets"
    gone, unlisted = sorted((tmp_path / "archive").rglob("*.mp4"))[:2]
    gone.unlink()
    listed = unlisted.with_name("index.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in listed if unlisted.name.encode() not in line]
    unlisted.with_name("index.jsonl").write_bytes(b"".join(kept))
    rendering = AsAired(tmp_path / "archive", edits)
    told = sum(run.count for line in edits.lines if isinstance(line, Piece) for run in line.runs)
    assert sum(1 for _ in rendering.packets()) + sum(one.packets for one in rendering.missing) == told
    lost = sum(one.packets for one in rendering.missing if one.track == "video")
    assert 200 < lost <= 2 * 6 * 25 + 50


def test_an_flv_part_gives_its_packets_back_by_number(tmp_path, alarms, feed):
    form, packets = feed
    archive = ArchiveWriter(tmp_path, "main", alarm=alarms)
    archive.start()
    for n, group in enumerate(gops(packets)):  # an encoder that comes and goes: the fifth part is an FLV
        archive.format(form, f"obs {n}")
        for packet in group:
            archive.packet(packet, packet.dts * 1000, WALL + packet.dts / 1000)
    assert archive.close()
    assert list(tmp_path.rglob("*.flv"))
    index = PartIndex.read(tmp_path, "main")
    for kind, track in ((Kind.VIDEO, "video"), (Kind.AUDIO, "audio")):
        wanted = [packet for packet in packets if packet.kind is kind]
        found = []
        for stretch in index.find(archive.series, Run(track, 0, len(wanted), 0)):
            with PartReader(stretch.path) as part:
                assert part.count(kind) == getattr(stretch.record, track)
                found += part.packets(kind, stretch.first, stretch.packets)
        assert [one.data for one in found] == [one.data for one in wanted]
        assert [one.pts - one.dts for one in found] == [one.pts - one.dts for one in wanted]


def test_a_broadcast_has_one_name_though_the_ledger_tells_its_start_in_the_next_second():
    def named(*starts):
        found = [Broadcast(broadcast_id("main", start), start, start + 9, 1, 1, []) for start in starts]
        return [one.id for one in name_as_aired(found, {broadcast_id("main", 99.9)})]

    assert named(100.01, 300.0) == [broadcast_id("main", start) for start in (99.9, 300.0)]
    assert named(99.95, 100.9) == [broadcast_id("main", start) for start in (99.9, 100.9)]
