"""A broadcast kept elsewhere: heads sent and stamped, recordings in an S3 store and back from there."""

import json
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from elsewhere import Elsewhere
from stage import Stage
from tools.recording import decode_errors
from tools.serve import Done, Gate
from tools.timecode import payload_hash

from streamgate.ledger.record import Notice
from streamgate.ledger.signing import Signer
from streamgate.ledger.writer import Writer

LINES_BEHIND = 12  # parts of 6 s whose lines had not been copied: those of the last minute


@pytest.fixture(scope="module")
def elsewhere(broadcasts: Any, killed: Stage) -> Elsewhere:
    """As the gate has left it whose processes were killed one after the other."""
    kept: Elsewhere = broadcasts.elsewhere
    return kept


def verify(stage: Stage, directory: Path, *more: str) -> Done:
    return stage.gate.command("verify", str(directory), *more, "--json", seconds=60)


def vouched(elsewhere: Elsewhere) -> list[str]:
    return ["--heads", str(elsewhere.receiver.heads), "--tsa-cert", str(elsewhere.authority.root)]


def parts(directory: Path, name: str) -> dict[str, bytes]:
    """Return the parts of a channel by their paths in the data directory."""
    paths = sorted((directory / "archive" / name).glob("2*/*.mp4"))
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}


def payloads(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [payload_hash(bytes(packet)) for packet in container.demux(video=0) if packet.size]


# ---------------------------------------------------------------- heads and stamps


def test_heads_and_stamps_from_outside_agree_with_the_directory(killed: Stage, elsewhere: Elsewhere) -> None:
    found = verify(killed, killed.gate.directory, *vouched(elsewhere)).json
    assert (found["ok"], found["findings"]) == (True, [])
    assert found["stamps"] >= 2, "one at each start of the console, which was killed"
    assert elsewhere.receiver.refused == 1
    lines = [json.loads(line) for line in elsewhere.receiver.heads.read_text().splitlines()]
    assert len(lines) >= 3
    assert {head["file"][11:] for head in lines[-1]["heads"]} >= {"gate.jsonl", "console.jsonl"}


def test_a_ledger_computed_anew_with_the_key_is_refuted_from_outside(
    killed: Stage, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    for name in ("seal.key", "seal.pub"):
        shutil.copy2(killed.gate.directory / name, tmp_path / name)
    for process in ("gate", "console"):
        writer = Writer(tmp_path / "ledger", process, signer=Signer(tmp_path))
        writer.write(Notice(code="nothing", text="as if nothing had been"))
        assert writer.close(5)
    key = ["--key", str(killed.gate.directory / "seal.pub")]
    assert verify(killed, tmp_path, *key).json["ok"], "whole, and signed with the right key"
    done = verify(killed, tmp_path, *key, "--heads", str(elsewhere.receiver.heads))
    assert (done.code, "heads.jsonl names" in json.loads(done.out)["first_bad"]["why"]) == (1, True)
    shutil.copytree(killed.gate.directory / "stamps", tmp_path / "stamps")
    done = verify(killed, tmp_path, *key, "--tsa-cert", str(elsewhere.authority.root))
    assert (done.code, "stamps/" in json.loads(done.out)["first_bad"]["why"]) == (1, True)


# ---------------------------------------------------------------- the store


def test_lost_and_damaged_parts_come_back_from_the_store_and_play(
    killed: Stage, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    away = shutil.ignore_patterns("run")  # leads to memory that the gate of before has
    gate = Gate(shutil.copytree(killed.gate.directory, tmp_path / "data", ignore=away))
    there = parts(gate.directory, killed.name)
    stored = {name for name in elsewhere.store.objects(prefix="killed/") if name in there}
    assert len(stored) >= len(there) - 2, "but for what was closed last"
    lost, damaged = sorted(stored)[2::2], sorted(stored)[1]
    for name in lost:
        (gate.directory / name).unlink()
    (gate.directory / damaged).write_bytes(there[damaged][:-9])
    assert verify(killed, gate.directory).code == 1
    done = gate.command("archive", "restore", killed.name, "--json").json
    assert sorted(done["restored"]) == sorted([*lost, damaged])
    assert (done["failed"], parts(gate.directory, killed.name)) == ({}, there)
    found = verify(killed, gate.directory).json
    assert found["ok"], found["findings"]
    spans = gate.command("archive", "list", killed.name, "--json").json["broadcasts"]
    start, end = min(one["start"] for one in spans), max(one["end"] for one in spans)
    files = []
    for source in (gate, killed.gate):
        files.append(tmp_path / f"{source.directory.name}.mp4")
        span = ["--from", str(start), "--to", str(end), "--out", str(files[-1])]
        assert source.command("archive", "export", killed.name, *span, "--json").code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert decode_errors(files[0]) == ""
    assert set(payloads(files[0])) <= {message.digest for message in killed.sent()}


def test_an_empty_machine_gets_the_record_back_and_can_prove_it(
    killed: Stage, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "data")
    elsewhere.configure(gate, "killed")
    done = gate.command("archive", "restore", "--json", seconds=60).json
    assert done["failed"] == {}
    there = parts(killed.gate.directory, killed.name)
    back = parts(gate.directory, killed.name)
    assert len(back) >= len(there) - LINES_BEHIND
    assert back.items() <= there.items()
    found = verify(killed, gate.directory, "--tsa-cert", str(elsewhere.authority.root)).json
    assert (found["ok"], found["parts"]) == (True, len(back)), found["findings"]
    assert found["stamps"] >= 2, "the stamps came back, too"
