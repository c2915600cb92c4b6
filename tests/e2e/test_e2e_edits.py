"""The edit list of a broadcast: its certificate, and the program rendered from it and the archive."""

import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from stage import Stage
from tools.timecode import payload_hash

from streamgate.archive.as_aired import AsAired
from streamgate.archive.edit_list import Begin, EditList, find_edit_lists, read_edit_list
from streamgate.core.edits import Piece
from streamgate.core.packet import Kind


def edit_list(stage: Stage) -> EditList:
    """Return the edit list of the channel's first broadcast."""
    return read_edit_list(next(iter(find_edit_lists(stage.gate.directory / "archive", stage.name).values())))


def recorded(path: Path, kind: str) -> list[str]:
    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams if stream.type == kind)
        return [payload_hash(bytes(packet)) for packet in container.demux(stream) if packet.size]


@pytest.fixture(scope="module")
def certificate(operated: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a copy of nothing but the edit lists."""
    copy = tmp_path_factory.mktemp("copy")
    lists = Path("archive", operated.name, "aired")
    shutil.copytree(operated.gate.directory / lists, copy / lists)
    broadcast = edit_list(operated).path.stem
    return operated.gate.command("certificate", broadcast, "--data", str(copy), "--json").json


def test_the_certificate_measures_what_the_wire_shows(operated: Stage, certificate: dict[str, Any]) -> None:
    assert (certificate["channel"], certificate["ended"]) == (operated.name, True)
    assert (certificate["floor_s"], certificate["delay_s"], certificate["below_floor"]) == (30, 35, 0)
    assert 30 <= certificate["min_s"] <= certificate["p50_s"] + 0.001 < 30.5
    assert certificate["p99_s"] <= certificate["max_s"]
    # On the wire ingest comes on top at one end, the push at the other.
    assert certificate["min_s"] <= min(passage.held_s for passage in operated.passages())
    assert certificate["packets"] >= len(operated.passages())


def test_the_certificate_names_every_cause(certificate: dict[str, Any]) -> None:
    causes = [(gap["why"], gap["actor"].partition(":")[0]) for gap in certificate["gaps"]]
    assert causes == [
        ("start", ""),
        ("cut", "cli"),
        ("backup", "cli"),
        ("dump", "cli"),
        ("no_input", ""),
        ("delay", ""),
    ]


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_the_rendered_program_is_what_the_platform_recorded(operated: Stage, kind: str) -> None:
    rendering = AsAired(operated.gate.directory / "archive", edit_list(operated))
    wanted = Kind.VIDEO if kind == "video" else Kind.AUDIO
    aired = [payload_hash(one.packet.data) for one in rendering.packets() if one.packet.kind is wanted]
    assert rendering.missing == []
    assert aired == recorded(operated.platform.recordings(operated.name)[0], kind)


def test_kill_of_the_gate_costs_the_edit_list_at_most_one_group_of_pictures(killed: Stage) -> None:
    lines = edit_list(killed).lines
    again = [place for place, line in enumerate(lines) if isinstance(line, Begin)][1]
    begin = lines[again]
    assert isinstance(begin, Begin)
    assert begin.resumed
    last = next(line for line in reversed(lines[:again]) if isinstance(line, Piece))
    assert killed.seen["gate killed"] - last.to_us / 1e6 < 2.5
    first = next(line for line in lines[again:] if isinstance(line, Piece))
    assert first.from_us > begin.mono_us


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_what_aired_from_the_recording_after_a_kill_is_rendered_too(killed: Stage, kind: str) -> None:
    edits = edit_list(killed)
    again = [place for place, line in enumerate(edits.lines) if isinstance(line, Begin)][1]
    begin, later = edits.lines[again], EditList(edits.path, edits.lines[again:])
    assert isinstance(begin, Begin)
    series = [line.series for line in later.lines if isinstance(line, Piece) and line.source == "live"]
    assert 0 < series[0] < begin.series, "what the killed process took in airs first"
    assert series[-1] == 0
    rendering = AsAired(killed.gate.directory / "archive", later)
    wanted = Kind.VIDEO if kind == "video" else Kind.AUDIO
    aired = [payload_hash(one.packet.data) for one in rendering.packets() if one.packet.kind is wanted]
    assert rendering.missing == []
    received = recorded(killed.platform.recordings(killed.name)[1], kind)
    assert len(received) > 25 * 30
    assert set(received) <= set(aired)  # what aired before the platform was connected again it has not
