"""Time stamps of the ledger's heads by a real authority (`openssl ts`), and what `verify` makes of them."""

import base64
import time

import msgspec
import pytest
from ledger_tools import command
from tools.authority import Authority

from streamgate.errors import LedgerError
from streamgate.ledger.heads import Heads, gather
from streamgate.ledger.signing import Signer
from streamgate.ledger.stamps import FOLDER, Stamp, read_roots, stamp
from streamgate.verify.verifier import verify


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with Authority(tmp_path_factory.mktemp("tsa")) as made:
        yield made


@pytest.fixture
def stamped(tmp_path, writers, authority):
    """A ledger whose heads were stamped once."""
    writer = writers("gate", signer=Signer(tmp_path))
    for number in range(5):
        writer.write(command(number))
    assert writer.close(5)
    heads = Heads(round(time.time(), 3), gather(tmp_path / "ledger").heads)
    stamp(tmp_path, authority.url, heads, Signer(tmp_path))
    return tmp_path


def change(data, **more):
    (path,) = (data / FOLDER).iterdir()
    kept = msgspec.json.decode(path.read_bytes(), type=Stamp)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(kept, **more)) + b"\n")
    return f"{FOLDER}/{path.name}"


def test_a_stamp_holds_by_the_authoritys_own_certificates(stamped, authority):
    found = verify(stamped, roots=read_roots(authority.root))
    assert (found.findings, found.stamps) == ([], 1)
    assert abs(found.stamped - time.time()) < 120
    assert verify(stamped).stamps == 1, "without certificates the time is taken on trust"


def test_a_stamp_of_another_authority_is_refuted(stamped, tmp_path_factory):
    with Authority(tmp_path_factory.mktemp("other")) as other:
        found = verify(stamped, roots=read_roots(other.root))
    assert [(one.file[:7], one.line) for one in found.findings] == [("stamps/", 1)]
    assert "this time stamp does not hold" in found.first_bad.why


def test_a_ledger_that_was_written_anew_is_refuted_by_its_stamp(stamped, writers, authority):
    for path in (stamped / "ledger").rglob("*.jsonl"):
        path.unlink()
    writer = writers("gate", signer=Signer(stamped))
    for number in range(9):
        writer.write(command(number + 50))
    assert writer.close(5)
    found = verify(stamped, roots=read_roots(authority.root))
    assert found.first_bad.file.endswith("gate.jsonl")
    assert "it is not the record that line 1 of stamps/" in found.first_bad.why


def test_heads_that_were_changed_under_their_stamp_are_refuted(stamped, authority):
    (path,) = (stamped / FOLDER).iterdir()
    kept = msgspec.json.decode(path.read_bytes(), type=Stamp)
    name = change(stamped, heads=kept.heads.replace('"records":', '"records":1'))
    assert [(one.file, one.line) for one in verify(stamped).findings] == [(name, 1)]
    change(stamped, heads=kept.heads, answer=base64.b64encode(b"no answer").decode())
    assert [(one.file, one.line) for one in verify(stamped, roots=read_roots(authority.root)).findings] == [
        (name, 1)
    ]


def test_an_authority_that_does_not_answer_as_it_should_leaves_no_stamp(tmp_path, authority):
    heads = Heads(1.0, [])
    with pytest.raises(OSError, match="refused"):
        stamp(tmp_path, "http://127.0.0.1:9/tsa", heads, Signer(tmp_path))
    assert not (tmp_path / FOLDER).exists()
    with pytest.raises(LedgerError, match="holds no certificates"):
        read_roots(tmp_path / "none.pem")
