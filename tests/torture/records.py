"""What the record of a round proves, asked by the commands that an auditor runs on the directory."""

import contextlib
import json
import subprocess
import tempfile
import time
from pathlib import Path

from tools.serve import PROGRAM, clean_environment
from torture.evidence import Proof, Record

_LIMIT_S = 180


def read(directory: Path, heads: Path | None = None) -> Record:
    """Verify the ledger, certify and render every broadcast of a data directory that nobody serves.

    `heads`: of the ledger, as they were kept elsewhere.
    """
    record = Record()
    more = () if heads is None else ("--heads", str(heads))
    verified = _run("verify", str(directory), *more, "--json")
    record.verify_code, record.verify_said = verified.returncode, _first(verified)
    for path in sorted(directory.glob("archive/*/aired/*.jsonl")):
        certified = _run("certificate", path.stem, "--data", str(directory), "--json")
        made = _render(directory, path.stem)
        if certified.returncode or made.returncode:
            record.errors.append(f"{path.stem}: {(certified.stderr + made.stderr)[-300:]}")
            continue
        certificate = json.loads(certified.stdout)
        record.below_floor += certificate["below_floor"]
        causes = [gap["why"] for gap in certificate["gaps"]]
        record.kills += causes.count("gate_killed")
        record.lost += causes.count("list_lost") + causes.count("list_damaged")
        missing = json.loads(made.stdout)["missing"]
        record.missing += sum(one["packets"] for one in missing)
    return record


def prove(directory: Path) -> Proof:
    """Verify a directory that is written to."""
    began_s = time.monotonic()
    done = _run("verify", str(directory), "--json")
    remarks = 0
    with contextlib.suppress(ValueError):
        found = json.loads(done.stdout)
        remarks = len(found["open"]) + len(found["lost"])
    said = _first(done) if done.returncode else ""
    return Proof(began_s, time.monotonic(), done.returncode, said, remarks)


def prove_copy(copy: Path, record: Record) -> None:
    """Verify a second copy that nobody writes to any more, where there is one.

    Its ledger may be ahead of its parts: those that are on their way are told as missing.
    """
    if not (copy / "ledger").is_dir():
        return
    done = _run("verify", str(copy), "--json")
    record.copy_code, record.copy_said = done.returncode, _first(done)
    with contextlib.suppress(ValueError):
        found = json.loads(done.stdout)["findings"]
        if found and all(_is_behind(one["why"]) for one in found):
            record.copy_code, record.copy_said = 0, ""


def _is_behind(why: str) -> bool:
    return why.startswith(("it is missing; ", "the index is missing; ", "the edit list is missing; "))


def _first(done: subprocess.CompletedProcess[str]) -> str:
    try:
        return json.dumps(json.loads(done.stdout)["findings"][:3])
    except ValueError:
        return (done.stdout or done.stderr)[-300:]


def _render(directory: Path, broadcast: str) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as made:
        out = f"{made}/aired.flv"
        return _run("archive", "render", broadcast, "--data", str(directory), "--out", out, "--json")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT_S,
        env=clean_environment(),
        cwd="/",
    )
