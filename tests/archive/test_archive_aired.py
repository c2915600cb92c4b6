"""What aired, played from edit list, parts and kept fillers: every packet once, in order, at its time."""

import hashlib
import io
import itertools
import re
import shutil
import time

import av
import pytest
from aired_media import COMMANDS, NAME, WALL, Airing, clip_file, playable_clips
from tiny_media import make_feed

from streamgate.archive.aired_archive import AiredArchive
from streamgate.archive.parts import INDEX, find_parts
from streamgate.archive.playlist import render_aired
from streamgate.core.gate import SLATE
from streamgate.core.packet import Kind, VideoTrack
from streamgate.errors import ArchiveError, Refused


@pytest.fixture(scope="module")
def feed():
    """12 s in groups of 1 s, with B-frames and sound."""
    return make_feed(seconds=12)


@pytest.fixture(scope="module")
def made(tmp_path_factory, feed):
    """122 s on air: filler, live, a cut, a backup, a dump. Returns the archive's root and what aired."""
    place = tmp_path_factory.mktemp("made")
    airing = Airing(place / "archive", feed, playable_clips(place / "cache", feed[0].audio), laps=9)
    airing.run(122_000, COMMANDS)
    airing.end()
    shutil.rmtree(place / "cache")
    return place / "archive", airing.aired


def media_of(archive, one):
    return archive.media("main", one.broadcast, one.first[:2], one.last[:2], one.shift_ms)


def demuxed(archive, one):
    """Return (kind, dts ms, pts ms, digest) of each packet of a segment, as libav reads it."""
    init = archive.init("main", one.broadcast, one.header)
    with av.open(io.BytesIO(init + media_of(archive, one)), format="mp4") as source:
        return [
            (
                packet.stream.type,
                round(packet.dts * packet.time_base * 1000),
                round(packet.pts * packet.time_base * 1000),
                hashlib.sha256(bytes(packet)).hexdigest(),
            )
            for packet in source.demux()
            if packet.size
        ]


def sent(aired, kind):
    return [one.packet for one in aired if one.packet.kind is kind]


def digests(packets):
    return [hashlib.sha256(packet.data).hexdigest() for packet in packets]


def test_every_packet_that_aired_is_played_once_in_order_at_its_time(made):
    root, aired = made
    archive = AiredArchive(root)
    program = archive.select("main", WALL - 10, WALL + 200)
    played = [found for one in program.segments for found in demuxed(archive, one)]
    for kind, name, close_ms in ((Kind.VIDEO, "video", 0), (Kind.AUDIO, "audio", 60)):
        wanted, found = sent(aired, kind), [one for one in played if one[0] == name]
        assert [one[3] for one in found] == digests(wanted)
        offset = found[0][1] - wanted[0].dts
        assert max(abs(one[1] - two.dts - offset) for one, two in zip(found, wanted, strict=True)) <= close_ms
    assert all(one.independent for one in program.segments)
    assert [one.goes_on for one in program.segments] == [False] + [True] * (len(program.segments) - 1)
    assert max(one.duration_s for one in program.segments) < 6
    assert program.losses == []


def test_filler_is_told_with_its_cause_and_its_time_on_air(made):
    root, _ = made
    program = AiredArchive(root).select("main", WALL - 10, WALL + 200)
    story = [
        (one.why, one.filler, round(one.start - WALL, 1), round(one.end - WALL, 1)) for one in program.filled
    ]
    assert story == [
        ("start", SLATE, 0, 30),
        ("cut", SLATE, 40.5, 74),
        ("backup", "hills.mp4", 80, 84),
        ("dump", SLATE, 115, 119),
    ]


def test_the_playlist_has_air_times_and_no_break_where_the_program_had_none(made):
    root, _ = made
    program = AiredArchive(root).select("main", WALL + 35.3, WALL + 50)
    text = render_aired(program, WALL + 35.3, growing=False)
    assert "#EXT-X-DISCONTINUITY" not in text
    assert text.count("#EXT-X-MAP") == 1
    assert text.count('CLASS="streamgate.filler"') == 1
    assert 'X-WHY="cut"' in text
    assert re.search(rf"^aired/{NAME}/\d+\.\d+-\d+\.\d+\.m4s$", text, re.MULTILINE)
    assert text.endswith("#EXT-X-ENDLIST\n")
    offset = float(re.search(r"TIME-OFFSET=([\d.]+)", text)[1])
    assert program.segments[0].start + offset == pytest.approx(WALL + 35.3, abs=0.002)
    for before, after in itertools.pairwise(program.segments):
        assert after.start - before.start == pytest.approx(before.duration_s, abs=0.2)


@pytest.mark.parametrize("start_s", [-0.001, 0, 29.9, 33.3, 40.499, 40.501, 42, 98])
def test_playing_begins_at_the_keyframe_before_any_moment(made, start_s):
    root, _ = made
    archive = AiredArchive(root)
    first = archive.select("main", WALL + start_s, WALL + 122).segments[0]
    assert -0.01 < WALL + start_s - first.start < 1.3 or start_s < 0
    whole = archive.init("main", first.broadcast, first.header) + media_of(archive, first)
    with av.open(io.BytesIO(whole)) as file:
        kinds = [(packet.stream.type, packet.is_keyframe) for packet in file.demux() if packet.size]
    assert next(key for kind, key in kinds if kind == "video")
    with av.open(io.BytesIO(whole)) as file:
        assert sum(1 for _ in file.decode(video=0)) == sum(kind == "video" for kind, _ in kinds)


def test_before_and_behind_the_broadcast_nothing_plays(made):
    root, _ = made
    archive = AiredArchive(root)
    for start_s, end_s in ((-100, -1), (123, 200)):
        assert archive.select("main", WALL + start_s, WALL + end_s).segments == []
    assert archive.select("other", WALL, WALL + 100).segments == []


def test_what_grows_stays_as_it_was_told(tmp_path, feed):
    root = tmp_path / "archive"
    airing = Airing(root, feed, playable_clips(tmp_path / "cache", feed[0].audio), laps=9)
    archive, before = AiredArchive(root), []
    for until_ms in range(32_000, 62_000, 3_000):
        airing.run(until_ms, COMMANDS)
        written(airing)
        told = archive.select("main", WALL + 20, WALL + 3600, growing=True).segments
        assert told[: len(before)] == before
        before = [*told]
        heard = [media_of(archive, one) for one in told[-2:]]
        assert all(heard)
    assert before[-1].end > WALL + 50
    airing.end()
    told = archive.select("main", WALL + 20, WALL + 3600, growing=True).segments
    assert told[: len(before)] == before
    played = [one for segment in told for one in demuxed(archive, segment) if one[0] == "video"]
    wanted = digests(sent(airing.aired, Kind.VIDEO))
    assert [one[3] for one in played] == wanted[-len(played) :]


def written(airing):
    """Wait until both writers have put down what they were given."""
    deadline = time.monotonic() + 20
    while airing.writer._queue or airing.writer._clips or len(airing.archive._intake):
        assert time.monotonic() < deadline
        airing.archive._wake.set()
        airing.writer._wake.set()
        time.sleep(0.005)


def test_seconds_between_keyframes_are_cut_at_keyframes_all_the_same(tmp_path):
    """OBS in its simple mode: 250 frames. Pieces of the list end after 4 s, so most begin inside a group."""
    feed = make_feed(seconds=20, gop=200, audio="aac")
    airing = Airing(tmp_path / "archive", feed, playable_clips(tmp_path / "cache", feed[0].audio), laps=5)
    airing.run(80_000)
    airing.end()
    archive = AiredArchive(tmp_path / "archive")
    program = archive.select("main", WALL + 47, WALL + 70)
    assert all(one.independent for one in program.segments)
    # Groups of 8, 8 and 4 s from 30 s on, again and again: the one that airs at 47 s began at 46 s.
    assert [one.start - WALL for one in program.segments] == pytest.approx([46, 50, 58, 66], abs=0.1)
    played = [demuxed(archive, segment) for segment in program.segments]
    pictures = [[one[3] for one in packets if one[0] == "video"] for packets in played]
    keys = [hashlib.sha256(packet.data).hexdigest() for packet in feed[1] if packet.keyframe]
    assert [some[0] for some in pictures] == [keys[2], keys[0], keys[1], keys[2]]
    wanted = digests(sent(airing.aired, Kind.VIDEO))
    found = [one for some in pictures for one in some]
    assert found == wanted[46 * 25 : 46 * 25 + len(found)]


def test_a_header_at_each_splice_is_a_break_with_an_init_section(tmp_path, feed):
    track = VideoTrack("h264", playable_track(64), 96, 64, 25, 1)
    clips = [
        clip_file(tmp_path / "cache", name, track=track, audio=feed[0].audio) for name in (SLATE, "hills.mp4")
    ]
    airing = Airing(tmp_path / "archive", feed, clips, laps=9)
    airing.run(60_000, COMMANDS)
    airing.end()
    archive = AiredArchive(tmp_path / "archive")
    program = archive.select("main", WALL, WALL + 60)
    breaks = [one for one in program.segments if not one.goes_on]
    assert [round(one.start - WALL, 1) for one in breaks] == [0, 30, 40.5]
    sizes = []
    for one in breaks:
        with av.open(io.BytesIO(archive.init("main", one.broadcast, one.header))) as file:
            sizes.append((file.streams.video[0].width, file.streams.video[0].height))
    assert sizes == [(96, 64), (160, 96), (96, 64)]
    text = render_aired(program, WALL, growing=False)
    assert (text.count("#EXT-X-DISCONTINUITY"), text.count("#EXT-X-MAP")) == (2, 3)
    played = [one for segment in program.segments for one in demuxed(archive, segment) if one[0] == "video"]
    assert [one[3] for one in played] == digests(sent(airing.aired, Kind.VIDEO))
    times = [one[1] for one in played]
    assert times == sorted(set(times)), "one timeline that rises"


def playable_track(height):
    from aired_media import filler

    return filler(96, height)[0].config


def test_a_part_that_is_gone_is_skipped_and_told(made, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(made[0], root)
    archive = AiredArchive(root)
    whole = archive.select("main", WALL + 31, WALL + 60).segments
    _, gone = min(find_parts(root), key=lambda found: found[0].number)
    gone.unlink()
    program = archive.select("main", WALL + 31, WALL + 60)
    assert [(one.why, round(one.start - WALL)) for one in program.losses] == [("missing", 31)]
    assert len([one for one in program.segments if not one.goes_on]) == 1
    assert program.segments[0].start == pytest.approx(WALL + 36, abs=1)
    with pytest.raises(Refused, match="nothing of"):
        AiredArchive(root).media("main", NAME, whole[0].first[:2], whole[0].last[:2])
    for _, path in list(find_parts(root)):
        path.unlink()
    program = archive.select("main", WALL + 31, WALL + 100)
    assert {one.why for one in program.losses} == {"missing"}
    assert sum(one.duration_s for one in program.segments) < 45, "the fillers alone"
    shutil.rmtree(root / "main" / "aired" / "clips")
    assert AiredArchive(root).select("main", WALL, WALL + 100).segments == []


def test_a_gate_that_was_killed_is_a_break_and_a_gap(tmp_path, feed):
    root = tmp_path / "archive"
    clips = playable_clips(tmp_path / "cache", feed[0].audio)
    airing = Airing(root, feed, clips, laps=9)
    airing.run(40_000)
    airing.kill(clips, 5_000)
    airing.run(90_000)
    airing.end()
    archive = AiredArchive(root)
    program = archive.select("main", WALL + 35, WALL + 80)
    assert [(one.why, round(one.start - WALL), round(one.end - WALL)) for one in program.losses] == [
        ("gate_killed", 39, 45)
    ]
    breaks = [one for one in program.segments if not one.goes_on]
    assert [round(one.start - WALL) for one in breaks] == [35, 45]
    times = [one[1] for one_ in program.segments for one in demuxed(archive, one_) if one[0] == "video"]
    assert times == sorted(set(times))
    assert max(b - a for a, b in itertools.pairwise(times)) < 1000, "the gap is no pause"


def test_forged_names_are_refused(made):
    archive = AiredArchive(made[0])
    for first, last in (
        ((0, 0), (9999, 0)),
        ((9, 0), (9, 0)),
        ((5, 0), (4, 0)),
        ((0, 0), (90, 0)),
        ((0, 999), (1, 0)),
    ):
        with pytest.raises(Refused):
            archive.media("main", NAME, first, last)
    with pytest.raises(Refused):
        archive.media("main", "other", (0, 0), (1, 0))
    with pytest.raises(Refused):
        archive.init("main", NAME, 1 << 30)


def test_an_edit_list_that_is_damaged_plays_as_far_as_it_can_be_read(made, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(made[0], root)
    path = root / "main" / "aired" / f"{NAME}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[40] = b"\xff{" + lines[40][2:]
    path.write_bytes(b"".join(lines))
    archive = AiredArchive(root)
    program = archive.select("main", WALL, WALL + 100)
    assert program.segments
    assert all(media_of(archive, one) for one in program.segments)
    assert len([one for one in program.segments if not one.goes_on]) == 2, "a hole of the program's time"
    assert [(one.why, round(one.end - one.start)) for one in program.losses] == [("list_lost", 1)]
    path.write_bytes(b"".join(lines[1:]))
    assert AiredArchive(root).select("main", WALL, WALL + 100).segments == []


def test_two_broadcasts_and_the_time_off_air_between_them(made, tmp_path, feed):
    root = tmp_path / "archive"
    shutil.copytree(made[0], root)
    (next((root / "main").glob("2*")) / INDEX).stat()
    airing = Airing(root, feed, playable_clips(tmp_path / "cache", feed[0].audio), laps=4, at=WALL + 300)
    airing.run(40_000)
    airing.end()
    archive = AiredArchive(root)
    program = archive.select("main", WALL + 90, WALL + 340)
    assert {one.broadcast for one in program.segments} == {NAME, airing.name}
    assert [(one.why, round(one.start - WALL), round(one.end - WALL)) for one in program.losses] == [
        ("off_air", 122, 300)
    ]
    times = [one[1] for one_ in program.segments for one in demuxed(archive, one_) if one[0] == "video"]
    assert times == sorted(set(times)), "one timeline that rises over both"


def test_an_archive_that_cannot_be_read_is_said(made, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(made[0], root)
    path = root / "main" / "aired" / f"{NAME}.jsonl"
    archive = AiredArchive(root)
    one = archive.select("main", WALL + 31, WALL + 50).segments[0]
    part = next(path for name, path in find_parts(root) if name.number == 1)
    part.unlink()
    part.mkdir()
    with pytest.raises(ArchiveError):
        media_of(archive, one)
    path.write_bytes(b"{}\n" * 50)
    assert archive.select("main", WALL, WALL + 100).segments == []
