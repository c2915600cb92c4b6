"""Signed seals: who computes a ledger anew without the key is found, though no seal of another names it."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ledger_tools import command

from streamgate.errors import LedgerError
from streamgate.ledger.chain import START, Head, link
from streamgate.ledger.record import FileHead
from streamgate.ledger.signing import KEY_FILE, PUBLIC_FILE, Signer, read_public
from streamgate.ledger.verify import verify


@pytest.fixture
def data_dir(tmp_path: Path, writers) -> Path:
    """A data directory in which one process recorded and ended, the only one there ever was."""
    fill(tmp_path, writers)
    return tmp_path


def fill(data_dir: Path, writers, *, records: int = 5) -> None:
    writer = writers(root=data_dir / "ledger", signer=Signer(data_dir))
    for number in range(records):
        writer.written(command(number)).result(5)
    assert writer.close(5)


def rewrite(ledger: Path, change: Callable[[dict[str, Any], FileHead], bool]) -> None:
    """Compute the one file anew, as somebody may who can write there. `change`: a record; False: it goes."""
    (path,) = ledger.rglob("*.jsonl")
    head, lines = Head(0, START), []
    for old in path.read_bytes().splitlines():
        body = {name: one for name, one in json.loads(old).items() if name not in ("n", "prev", "hash")}
        if change(body, FileHead(path.relative_to(ledger).as_posix(), *head)):
            line, head = link(body, head)
            lines.append(line)
    path.write_bytes(b"".join(lines))


def is_the_one(body: dict[str, Any]) -> bool:
    return bool(body["kind"] == "command" and body["args"] == {"number": 2})


def lie(body: dict[str, Any], before: FileHead) -> bool:
    if is_the_one(body):
        body["args"] = {"number": 3}
    if body["kind"] == "seal":
        body["own"] = msgspec.to_builtins(before)
    return True


def lie_unsigned(body: dict[str, Any], before: FileHead) -> bool:
    if body["kind"] == "seal":
        del body["key"], body["signature"]
    return lie(body, before)


def test_a_seal_proves_all_before_it(data_dir: Path) -> None:
    keys = read_public(str(data_dir / PUBLIC_FILE))
    verdict = verify(data_dir, keys)
    (signed,) = verdict.signed
    assert (verdict.ok, verdict.first_bad, signed.files) == (True, None, 1)
    assert {signed.key} == keys == read_public(signed.key.upper())


def test_a_ledger_computed_anew_is_found(data_dir: Path) -> None:
    rewrite(data_dir / "ledger", lie)
    verdict = verify(data_dir)
    assert not verdict.ok
    assert "signature does not hold" in verdict.first_bad.why


def test_signatures_that_are_left_out_are_missed_by_who_knows_the_key(data_dir: Path) -> None:
    keys = read_public(str(data_dir / PUBLIC_FILE))
    rewrite(data_dir / "ledger", lie_unsigned)
    assert (verify(data_dir).ok, verify(data_dir).signed) == (True, [])
    assert "not signed" in verify(data_dir, keys).first_bad.why


def test_a_ledger_signed_with_another_key_is_not_ours(data_dir: Path, tmp_path: Path, writers) -> None:
    other = tmp_path / "other"
    other.mkdir()
    fill(other, writers)
    keys = read_public(str(data_dir / PUBLIC_FILE))
    assert verify(other).ok
    assert "another key" in verify(other, keys).first_bad.why
    both = tmp_path / "both.pub"
    both.write_text("\n".join([*keys, *read_public(str(other / PUBLIC_FILE))]))
    assert verify(other, read_public(str(both))).ok


def test_a_seal_moved_to_another_place_is_found(data_dir: Path) -> None:
    rewrite(data_dir / "ledger", lambda body, _: not is_the_one(body))
    assert "another place" in verify(data_dir).first_bad.why


def test_processes_that_begin_together_make_one_key_that_nobody_else_may_read(
    tmp_path: Path, writers
) -> None:
    made = [writers(f"p{number}", root=tmp_path / "ledger", signer=Signer(tmp_path)) for number in range(5)]
    ending = [threading.Thread(target=writer.close, args=(10,)) for writer in made]
    for thread in ending:
        thread.start()
    for thread in ending:
        thread.join()
    (signed,) = verify(tmp_path, read_public(str(tmp_path / PUBLIC_FILE))).signed
    assert signed.files == 5
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger", KEY_FILE, PUBLIC_FILE]


def test_a_key_that_cannot_be_used_holds_up_no_record(tmp_path: Path, writers) -> None:
    (tmp_path / KEY_FILE).write_text("no key")
    fill(tmp_path, writers)
    verdict = verify(tmp_path)
    assert (verdict.ok, verdict.signed) == (True, [])
    assert (tmp_path / KEY_FILE).read_text() == "no key"


@pytest.mark.parametrize("given", ["", "0" * 63, "x" * 64, "/nowhere/seal.pub"])
def test_what_is_no_public_key_is_refused(given: str) -> None:
    with pytest.raises(LedgerError, match=r"is no public key; name seal\.pub"):
        read_public(given)


def test_the_command_tells_the_key_and_takes_one(data_dir: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command_line = [sys.executable, "-m", "streamgate", "verify", str(data_dir), *arguments]
        return subprocess.run(command_line, capture_output=True, text=True, check=False)

    said = run()
    (key,) = read_public(str(data_dir / PUBLIC_FILE))
    assert (said.returncode, f"with the key {key}" in said.stdout) == (0, True)
    assert json.loads(run("--key", key, "--json").stdout)["signed"][0]["key"] == key
    assert run("--key", "0" * 64).returncode == 1
    assert run("--key", "nothing").returncode == 2
