"""Everything received is in the archive, as received, in parts any player plays."""

import subprocess
from pathlib import Path

import av
import pytest
from stage import Stage
from tools.timecode import payload_hash


def parts(stage: Stage) -> list[Path]:
    found = sorted((stage.gate.directory / "archive" / stage.name).rglob("*.mp4"))
    assert found
    return found


def archived(stage: Stage, kind: str) -> list[str]:
    digests = []
    for part in parts(stage):
        with av.open(str(part)) as container:
            stream = next(stream for stream in container.streams if stream.type == kind)
            digests += [payload_hash(bytes(packet)) for packet in container.demux(stream) if packet.size]
    return digests


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_every_packet_of_a_broadcast_is_archived_as_received(clean: Stage, kind: str) -> None:
    assert archived(clean, kind) == [message.digest for message in clean.sent(kind)]


def test_condemned_pictures_are_archived_too(operated: Stage) -> None:
    cut, restore = operated.done["cut"], operated.done["restore"]
    condemned = operated.arrived_between(cut.ended_s - 25, restore.began_s)
    frames = {operated.media.frames.get(digest) for digest in archived(operated, "video")}
    assert len(condemned) > 25 * 30
    assert condemned <= frames


def test_parts_are_about_six_seconds(clean: Stage) -> None:
    assert 68 / 10 < len(parts(clean)) < 68 / 3


def test_parts_play_in_ffmpeg_without_error(clean: Stage) -> None:
    for part in parts(clean)[:3]:
        done = subprocess.run(
            ["ffmpeg", "-v", "error", "-nostdin", "-xerror", "-i", str(part), "-f", "null", "-"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_kill_of_the_gate_costs_at_most_one_group_of_pictures(killed: Stage) -> None:
    dead = killed.seen["gate killed"]
    frames = {killed.media.frames.get(digest) for digest in archived(killed, "video")}
    kept = killed.arrived_between(killed.began_s, killed.seen["ingest killed"] - 0.5)
    kept |= killed.arrived_between(dead - 20, dead - 2.5)
    assert len(kept) > 50 * 30
    assert kept <= frames
