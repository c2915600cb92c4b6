"""Exports: the packets of a span in one MP4, where it begins and ends, and what the ledger says of it."""

import hashlib
import itertools
import json
import os
import subprocess

import av
import pytest
from archive_media import OTHER_FEED, OTHER_PACKETS, PACKETS, WALL, Recording
from typer.testing import CliRunner

from streamgate.cli import app
from streamgate.core.packet import Kind
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
    assert record["args"]["reason"] == "for the file"
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
