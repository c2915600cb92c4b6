"""Exports: the packets of a span in one MP4, where it begins and ends, and what the ledger says of it."""

import hashlib
import itertools
import json
import os
import subprocess
import sys

import av
import msgspec
import numpy as np
import pytest
from aired_media import COMMANDS, Airing, playable_clips
from archive_media import FEED, OTHER_FEED, OTHER_PACKETS, PACKETS, WALL, Recording
from tiny_media import make_feed
from typer.testing import CliRunner

from streamgate.archive import export
from streamgate.archive.catalog import Catalog
from streamgate.archive.export import export_span
from streamgate.archive.export_job import ExportJob, Line, Progress
from streamgate.archive.selection import select
from streamgate.cli import app
from streamgate.core.packet import Kind
from streamgate.errors import MediaError, Refused
from streamgate.ledger.read import read
from streamgate.runtime.actor import cli_actor


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """12 s, 30 s of nothing, 12 s of another publish, another format."""
    data = tmp_path_factory.mktemp("data")
    recording = Recording(data / "archive")
    recording.publish(WALL)
    recording.gone()
    recording.publish(WALL + 42, source="two")
    recording.publish(WALL + 54, feed=OTHER_FEED, packets=OTHER_PACKETS, source="two")
    recording.close()
    return data


@pytest.fixture
def data(made, tmp_path):
    os.system(f"cp -a {made} {tmp_path}/data")
    return tmp_path / "data"


def run(data, start_s, end_s, *more, code=0, out="span.mp4"):
    span = ("--from", str(WALL + start_s), "--to", str(WALL + end_s), "--out", str(data / out))
    done = CliRunner().invoke(
        app, ["--data-dir", str(data), "archive", "export", "main", *span, *more, "--json"]
    )
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if not code else done.output


def packets_of(path, kind):
    with av.open(str(path)) as source:
        streams = [stream for stream in source.streams if stream.type == kind]
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in source.demux(streams)
            if packet.size
        ]


def payloads(kind, packets=PACKETS):
    return [packet.data for packet in packets if packet.kind is kind]


def test_a_span_is_exported_packet_for_packet(data):
    done = run(data, 0, 12, "--reason", "for the file")
    path = data / "span.mp4"
    video, audio = packets_of(path, "video"), packets_of(path, "audio")
    assert [data for _, data in video] == payloads(Kind.VIDEO)
    assert [data for _, data in audio] == payloads(Kind.AUDIO)
    times = sorted(at for at, _ in video)
    assert [round(b - a, 3) for a, b in itertools.pairwise(times)] == [0.04] * (len(times) - 1)
    assert done["file"] == str(path)
    assert done["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [done["start"], done["end"]] == [WALL, pytest.approx(WALL + 12, abs=0.1)]
    assert done["gaps"] == []
    played = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
    assert subprocess.run(played, capture_output=True, text=True, check=True, timeout=60).stderr == ""
    (record,) = read(data / "ledger", kind="decision")
    assert (record["what"], record["who"], record["channel"]) == ("archive.export", cli_actor(), "main")
    assert record["reason"] == "for the file"
    assert record["args"]["sha256"] == done["sha256"]


def test_it_begins_at_the_keyframe_before_and_says_so(data):
    done = run(data, 2.5, 7.25)
    assert done["start"] == pytest.approx(WALL + 2, abs=0.001)
    assert done["end"] == pytest.approx(WALL + 8, abs=0.001)
    assert done["snapped"] == {"start_s": pytest.approx(0.5), "end_s": pytest.approx(0.75)}
    assert [data for _, data in packets_of(data / "span.mp4", "video")] == payloads(Kind.VIDEO)[50:200]


def test_over_a_gap_and_a_reconnect_it_goes_on_and_names_the_gap(data):
    done = run(data, 6, 54)
    video = packets_of(data / "span.mp4", "video")
    assert [data for _, data in video] == payloads(Kind.VIDEO)[150:] + payloads(Kind.VIDEO)
    assert max(at for at, _ in video) - min(at for at, _ in video) == pytest.approx(18 - 0.04, abs=0.09)
    assert [(one["why"], round(one["to"] - one["from"])) for one in done["gaps"]] == [("no_input", 30)]


@pytest.mark.parametrize("lost", range(1, 7))
def test_pictures_of_an_encoder_that_died_end_before_the_next_ones_begin(tmp_path, lost):
    """It reorders pictures: its last ones are shown later than the next packet would have been decoded."""
    recording = Recording(tmp_path / "archive")
    kept = [packet for packet in PACKETS if packet.dts < 6000]
    recording.publish(WALL, packets=kept[:-lost])
    recording.gone()
    recording.publish(WALL + 30, source="two", packets=PACKETS)
    recording.close()
    run(tmp_path, 0, 60)
    times = sorted(at for at, _ in packets_of(tmp_path / "span.mp4", "video"))
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.038


def test_what_cannot_be_exported_is_refused_and_leaves_nothing(data):
    assert "the format of the feed changes at 2026-09-21T14:14:14.000Z" in run(data, 50, 58, code=1)
    assert "nothing that an MP4 holds" in run(data, 20, 30, code=1)
    assert "must lie before" in run(data, 5, 4, code=1)
    (data / "span.mp4").write_bytes(b"mine")
    assert "is there already" in run(data, 0, 12, code=1)
    assert (data / "span.mp4").read_bytes() == b"mine"
    assert "the export failed" in run(data, 0, 12, out="nowhere/span.mp4", code=1)
    assert run(data, 0, 5, out="part.mp4")["bytes"] > 0
    assert {one.name for one in data.glob("*.mp4")} == {"span.mp4", "part.mp4"}
    assert not list(data.glob(".*.part"))
    assert [one["answer"] for one in read(data / "ledger", kind="decision")] == ["refused"] * 5 + ["ok"]


# ---------------------------------------------------------------- to the picture

SOUND_ENDS_S = max(packet.pts for packet in PACKETS if packet.kind is Kind.AUDIO) / 1000 + 1024 / 48000


def pictures_of(path):
    with av.open(str(path)) as source:
        return [frame.to_ndarray(format="gray") for frame in source.decode(video=0)]


def played_by_ffmpeg(path):
    played = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "null", "-"]
    return subprocess.run(played, capture_output=True, text=True, check=True, timeout=60).stderr


@pytest.mark.parametrize(
    ("span", "count", "encoded"),
    [
        ((2.52, 7.24), 118, 12 + 6),
        ((3, 6), 75, 0),  # from keyframe to keyframe: nothing is coded anew
        ((2.2, 2.6), 10, 10),  # inside one group
        ((5.96, 6.0), 1, 1),  # a single picture, the last of a part
        ((5.88, 12), 153, 3),  # over two parts, to the end
    ],
)
def test_an_exact_export_has_the_pictures_of_the_span_and_no_other(data, span, count, encoded):
    (start_s, end_s), first = span, round(span[0] * 25)
    run(data, 0, 12, out="whole.mp4")
    done = run(data, start_s, end_s, "--exact")
    assert [done["start"], done["end"]] == [pytest.approx(WALL + one, abs=0.09) for one in (start_s, end_s)]
    assert (done["encoded"], done["as"]) == (encoded, "received")
    whole, found = pictures_of(data / "whole.mp4"), pictures_of(data / "span.mp4")
    wanted = whole[first : first + count]
    assert len(found) == len(wanted) == count
    far = [int(np.abs(one.astype(int) - two).max()) for one, two in zip(found, wanted, strict=True)]
    assert sum(one > 0 for one in far) <= encoded, "what is copied is the same to the bit"
    mean = max(np.abs(one.astype(int) - two).mean() for one, two in zip(found, wanted, strict=True))
    assert mean < 4, "what is coded anew looks the same"
    times = sorted(at for at, _ in packets_of(data / "span.mp4", "video"))
    assert times[0] == pytest.approx(0, abs=0.001)
    assert {round(b - a, 3) for a, b in itertools.pairwise(times)} <= {0.04}
    sound = sorted(at for at, _ in packets_of(data / "span.mp4", "audio"))
    # A picture is shown 80 ms later than it is decoded; sound stands where it is heard.
    heard_s = min(end_s + 0.08, SOUND_ENDS_S) - (start_s + 0.08)
    assert len(sound) * 1024 / 48000 == pytest.approx(heard_s, abs=0.045)
    assert not sound or abs(sound[0]) < 0.025
    assert played_by_ffmpeg(data / "span.mp4") == ""
    assert read_args(data)["exact"] is True


def read_args(data):
    record = list(read(data / "ledger", kind="decision"))[-1]
    return {**record["args"], "reason": record.get("reason", "")}


def told_of(path):
    """Return every packet with its times, and what is said of the streams."""
    with av.open(str(path)) as source:
        packets = [
            (one.stream.type, one.pts, one.dts, one.time_base, one.is_keyframe, bytes(one))
            for one in source.demux()
            if one.size
        ]
        streams = [(one.type, one.duration, one.start_time, one.frames) for one in source.streams]
        return sorted(packets, key=lambda one: (one[0], one[2])), streams, source.duration


@pytest.mark.parametrize("span", [(0, 12), (3.3, 9.1), (5, 53)])
def test_a_copy_is_what_libav_writes_of_the_same_pieces(data, span):
    root = data / "archive"
    with Catalog(data / "catalog.sqlite") as catalog:
        catalog.sync(root)
        selection = select(root, catalog, "main", WALL + span[0], WALL + span[1])
    done = export.export(root, selection, data / "copied.mp4")
    pieces = [export._received(root, one) for one in selection.chosen]
    export._write(pieces, data / "muxed.mp4", None, export._Work(pieces, None, None))
    assert told_of(data / "copied.mp4") == told_of(data / "muxed.mp4")
    assert done.sha256 == hashlib.sha256((data / "copied.mp4").read_bytes()).hexdigest()
    assert done.bytes == (data / "copied.mp4").stat().st_size
    assert played_by_ffmpeg(data / "copied.mp4") == ""
    probed = subprocess.run(
        ["ffprobe", "-v", "trace", str(data / "copied.mp4")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stderr
    assert probed.index("type:'moov'") < probed.index("type:'mdat'"), "it plays while it is fetched"


def test_a_recording_that_changed_meanwhile_is_no_export(data):
    root = data / "archive"
    with Catalog(data / "catalog.sqlite") as catalog:
        catalog.sync(root)
        selection = select(root, catalog, "main", WALL, WALL + 12)
    path = root / selection.chosen[-1].part.path
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(MediaError, match="is not what it was"):
        export.export(root, selection, data / "copied.mp4")
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(MediaError, match="there is no fragment"):
        export.export(root, selection, data / "copied.mp4")
    assert [one.name for one in data.iterdir() if "copied" in one.name] == []


def test_exact_over_a_gap_is_exact_at_both_ends(data):
    done = run(data, 11.6, 43.2, "--exact")
    assert done["encoded"] == 10 + 5
    found = pictures_of(data / "span.mp4")
    assert len(found) == 10 + 30
    assert [one["why"] for one in done["gaps"]] == ["no_input"]


def test_what_cannot_be_coded_anew_is_said_and_leaves_nothing(tmp_path):
    feed, packets = make_feed(seconds=3, video="libx265", audio="")
    recording = Recording(tmp_path / "archive")
    recording.publish(WALL, feed=feed, packets=packets)
    recording.close()
    said = run(tmp_path, 0.5, 2.5, "--exact", code=1)
    assert "with h264 only; this is hevc" in said
    assert not (tmp_path / "span.mp4").exists()
    assert run(tmp_path, 1, 2, "--exact")["encoded"] == 0, "whole groups are copied"


# ---------------------------------------------------------------- as aired


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory):
    """90 s on air; a cut at 40.5 s, live again from 74 s on."""
    place = tmp_path_factory.mktemp("broadcast")
    airing = Airing(place / "archive", (FEED, PACKETS), playable_clips(place / "cache", FEED.audio), laps=8)
    airing.run(90_000, COMMANDS)
    airing.end()
    return place, airing.aired


def test_what_aired_is_exported_packet_for_packet(broadcast):
    place, aired = broadcast
    done = run(place, 0, 90, "--as", "aired", "--reason", "asked for", out="all.mp4")
    for kind, name in ((Kind.VIDEO, "video"), (Kind.AUDIO, "audio")):
        wanted = [one.packet.data for one in aired if one.packet.kind is kind]
        assert [data for _, data in packets_of(place / "all.mp4", name)] == wanted
    assert played_by_ffmpeg(place / "all.mp4") == ""
    assert (done["as"], done["gaps"]) == ("aired", [])
    assert [done["start"], done["end"]] == [WALL, pytest.approx(WALL + 90, abs=0.1)]
    assert (read_args(place)["as"], read_args(place)["reason"]) == ("aired", "asked for")
    assert "nothing" in run(place, 100, 110, "--as", "aired", code=1)


def test_the_console_has_what_aired_exported_by_its_child(broadcast):
    place, aired = broadcast
    job = ExportJob(str(place), "main", WALL, WALL + 90, "aired", str(place / "child.mp4"))
    said = subprocess.run(
        [sys.executable, "-m", "streamgate.archive.export_child"],
        input=msgspec.json.encode(job),
        capture_output=True,
        check=True,
    ).stdout
    *progress, made = (msgspec.json.decode(line, type=Line) for line in said.splitlines())
    assert progress
    assert all(isinstance(one, Progress) for one in progress)
    assert made.sha256 == hashlib.sha256((place / "child.mp4").read_bytes()).hexdigest()
    wanted = [one.packet.data for one in aired if one.packet.kind is Kind.VIDEO]
    assert [data for _, data in packets_of(place / "child.mp4", "video")] == wanted


def test_what_aired_is_exported_to_the_picture_over_a_splice(broadcast):
    place, _ = broadcast
    run(place, 0, 90, "--as", "aired", out="whole.mp4")
    done = run(place, 39.72, 41.2, "--as", "aired", "--exact", out="cut.mp4")
    whole, found = pictures_of(place / "whole.mp4"), pictures_of(place / "cut.mp4")
    assert len(found) == pytest.approx(37, abs=1)
    first = round((done["start"] - WALL) * 25)
    mean = max(np.abs(one.astype(int) - two).mean() for one, two in zip(found, whole[first:], strict=False))
    assert mean < 4
    assert done["encoded"] > 0
    assert played_by_ffmpeg(place / "cut.mp4") == ""


# ---------------------------------------------------------------- as a library


def test_progress_is_told_and_a_cancelled_one_leaves_nothing(data):
    with Catalog(data / "catalog.sqlite") as catalog:
        catalog.sync(data / "archive")
        span = {"channel": "main", "start": WALL, "end": WALL + 54}
        told = []
        done = export_span(data / "archive", catalog, **span, out=data / "a.mp4", progress=told.append)
        assert told == sorted(told)
        assert (told[-1], len(told)) == (1.0, 5)
        assert done.sha256 == hashlib.sha256((data / "a.mp4").read_bytes()).hexdigest()
        asked = iter((False, False, True))
        with pytest.raises(Refused, match="cancelled"):
            export_span(data / "archive", catalog, **span, out=data / "b.mp4", cancelled=lambda: next(asked))
    assert sorted(path.name for path in data.glob("*.mp4")) == ["a.mp4"]
    assert not list(data.glob(".*.part"))
