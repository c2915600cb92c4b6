"""Heads of the ledger in a second place: a ledger that was written anew as a whole is found by them."""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import msgspec
import pytest
from ledger_tools import command

from console import head_copy
from streamgate.errors import LedgerError
from streamgate.ledger.heads import Heads, append_line, check_heads, gather, send
from streamgate.ledger.signing import Signer
from streamgate.ledger.verify import verify


@pytest.fixture
def ledger(tmp_path, writers):
    """Two processes that have ended."""
    for process in ("gate", "console"):
        writer = writers(process, signer=Signer(tmp_path))
        for number in range(5):
            writer.write(command(number))
        assert writer.close(5)
    return tmp_path / "ledger"


def send_to(target, ledger, at=1.0):
    send(str(target), Heads(at, gather(ledger).heads), Signer(ledger.parent))


def test_heads_are_kept_in_a_file_and_agree_with_the_ledger(tmp_path, ledger):
    found = gather(ledger)
    assert ({head.file[11:] for head in found.heads}, found.sealed) == ({"gate.jsonl", "console.jsonl"}, True)
    for at in (1.0, 2.0):
        send_to(tmp_path / "heads.jsonl", ledger, at)
    lines = (tmp_path / "heads.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Heads).at for line in lines] == [1.0, 2.0]
    assert json.loads(lines[0])["key"] == (tmp_path / "seal.pub").read_text().strip()
    assert check_heads(ledger, tmp_path / "heads.jsonl") == []


def test_a_line_that_was_never_finished_spoils_no_other(tmp_path):
    path = tmp_path / "heads.jsonl"
    append_line(path, b'{"one":1}\n')
    with path.open("ab") as killed:
        killed.write(b'{"two"')
    append_line(path, b'{"three":3}\n')
    assert path.read_bytes() == b'{"one":1}\n{"three":3}\n'


def test_a_ledger_that_was_written_anew_is_refuted_by_heads_kept_elsewhere(tmp_path, ledger, writers):
    send_to(tmp_path / "heads.jsonl", ledger)
    for path in ledger.rglob("*.jsonl"):
        path.unlink()
    writer = writers("gate", signer=Signer(tmp_path))
    for number in range(6):
        writer.write(command(number + 100))
    assert writer.close(5)
    assert verify(tmp_path).ok, "it is whole, and signed with the key"
    found = check_heads(ledger, tmp_path / "heads.jsonl")
    assert [(one.file[11:], one.line > 0) for one in found] == [
        ("console.jsonl", False),
        ("gate.jsonl", True),
    ]
    assert "heads.jsonl names" in found[0].why


def test_lines_cut_off_behind_the_last_seal_are_refuted_too(tmp_path, ledger):
    send_to(tmp_path / "heads.jsonl", ledger)
    path = next(ledger.rglob("console.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert verify(tmp_path).ok
    (finding,) = check_heads(ledger, tmp_path / "heads.jsonl")
    assert (finding.line, f"names {len(lines)}" in finding.why) == (len(lines), True)


def test_what_holds_no_heads_is_said(tmp_path, ledger):
    (tmp_path / "other").write_text('{"kind":"note"}\n')
    with pytest.raises(LedgerError, match=r"holds no heads: line 1"):
        check_heads(ledger, tmp_path / "other")
    with pytest.raises(LedgerError, match="cannot be read"):
        check_heads(ledger, tmp_path / "none")


class Receiver(BaseHTTPRequestHandler):
    """A second place over HTTP: refuses as long as it is told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        if self.server.refuse:
            self.send_error(503)
        else:
            self.server.got.append(body)
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.refuse, server.asked = [], True, 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_place_that_refuses_is_told_once_and_tried_again(tmp_path, ledger, receiver, monkeypatch):
    monkeypatch.setattr(head_copy, "RETRY_S", 0.05)
    monkeypatch.setattr(head_copy, "MAX_RETRY_S", 0.1)
    told = []

    async def tell(warn):
        told.append(warn.code)
        assert warn.text_zh

    target = f"http://127.0.0.1:{receiver.server_port}/heads"
    keeping = asyncio.create_task(
        head_copy.keep(ledger, head_copy.second_place(target, Signer(tmp_path)), tell=tell, look_s=0.02)
    )

    async def until(condition):
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.02)

    await until(lambda: receiver.asked >= 3)
    assert told == ["ledger_copy_failed"]
    receiver.refuse = False
    await until(lambda: told[-1] == "ledger_copy_kept")
    keeping.cancel()
    assert told == ["ledger_copy_failed", "ledger_copy_kept"]
    assert len(receiver.got) == 1, "nothing has grown since"
    (tmp_path / "heads.jsonl").write_bytes(receiver.got[0])
    assert check_heads(ledger, tmp_path / "heads.jsonl") == []
