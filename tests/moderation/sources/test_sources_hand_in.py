"""Comments of a source reach the gate, each once, whatever the gate answers."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from public_stage import Stage

from moderation.sources import hand_in as module
from moderation.sources.hand_in import Gate, KeyRefused, Totals, hand_in
from moderation.sources.source import IncomingComment
from streamgate.store import comments


def numbered(count: int, text: str = "text") -> list[IncomingComment]:
    return [IncomingComment(f"c{number}", "u", "Ann", f"{text} {number}") for number in range(count)]


class Given:
    """A source of these comments; then it fails, if it is to."""

    def __init__(self, found: list[IncomingComment], fails: Exception | None = None) -> None:
        self.found, self.fails = found, fails
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[IncomingComment]:
        for one in self.found:
            self.read += 1
            yield one
        if self.fails is not None:
            raise self.fails


async def feed(source: Given, url: str, key: str = "key-s") -> tuple[Totals, list[str]]:
    totals, told = Totals(), []
    with contextlib.closing(Gate(url, "main", key)) as gate:
        await hand_in(source, gate, totals, told.append)
    return totals, told


async def test_comments_are_stored_in_order_and_not_twice(stage: Stage) -> None:
    await stage.source()
    for _ in range(2):
        totals, told = await feed(Given(numbered(1203)), stage.url)
        assert (totals.accepted, dict(totals.refused), told) == (1203, {}, [])
    with stage.database.read() as session:
        assert comments.last_id(session) == 1203
        assert [comments.get(session, number).client_id for number in (1, 1203)] == ["c0", "c1202"]


async def test_refused_ones_are_counted_by_code(stage: Stage) -> None:
    await stage.source()
    found = [
        *numbered(3),
        IncomingComment("long", "u", "Ann", "x" * 300),
        IncomingComment("none", "u", "Ann", ""),
    ]
    totals, _ = await feed(Given(found), stage.url)
    assert (totals.accepted, dict(totals.refused)) == (3, {"too_long": 1, "bad_comment": 1})
    await stage.open(comments=False)
    totals, _ = await feed(Given(numbered(2, "new")), stage.url)
    assert totals.accepted == 2  # these were stored before it was closed
    totals, _ = await feed(Given([IncomingComment("other", "u", "Ann", "x")]), stage.url)
    assert dict(totals.refused) == {"interaction_closed": 1}


async def test_an_invalid_key_ends_the_hand_in(stage: Stage) -> None:
    await stage.source()
    with pytest.raises(KeyRefused):
        await feed(Given(numbered(5000)), stage.url, "another")


async def test_a_source_that_fails_has_its_comments_handed_in_first(stage: Stage) -> None:
    await stage.source()
    totals = Totals()
    with contextlib.closing(Gate(stage.url, "main", "key-s")) as gate, pytest.raises(OSError, match="gone"):
        await hand_in(Given(numbered(7), OSError("gone")), gate, totals, print)
    assert totals.accepted == 7


class Moody(ThreadingHTTPServer):
    """A gate that answers by a script first, then takes everything, and keeps what it took."""

    def __init__(self, script: list[Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.batches: list[list[str]] = []
        self.taken: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Moody
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        names = [one["client_id"] for one in sent]
        self.server.batches.append(names)
        step = self.server.script.pop(0) if self.server.script else 202
        if step == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, body, wait = 202, {}, None
        if isinstance(step, dict):  # these are refused, with that code
            refused = [
                {"client_id": name, "code": step[name], "error": "x"} for name in names if name in step
            ]
            took = [name for name in names if name not in step]
            body = {"accepted": [{"client_id": name} for name in took], "refused": refused}
        elif step == 202:
            took = names
            body = {"accepted": [{"client_id": name} for name in names], "refused": []}
        else:
            (status, wait), took = step, []
            body = {"code": "x", "error": "not now"}
        self.server.taken += took
        data = json.dumps(body).encode()
        self.send_response(status)
        if wait is not None:
            self.send_header("retry-after", wait)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def moody() -> Iterator[Moody]:
    server = Moody([])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_temporary_refusals_are_tried_again(moody: Moody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)
    moody.script += ["hang up", (503, None), (429, "0"), (500, None), {"c1": "queue_full", "c2": "banned"}]
    totals, told = await feed(Given(numbered(4)), moody.url)
    assert (totals.accepted, dict(totals.refused)) == (3, {"banned": 1})
    assert moody.taken == ["c0", "c3", "c1"]
    assert moody.batches[-1] == ["c1"]
    assert len(told) == 5
    assert "4 comments wait" in told[0]


async def test_retry_after_is_waited_for(moody: Moody) -> None:
    moody.script += [(429, "1")]
    begun = asyncio.get_running_loop().time()
    await feed(Given(numbered(1)), moody.url)
    assert 1 <= asyncio.get_running_loop().time() - begun < 3


async def test_batches_are_bounded_in_number_and_bytes_and_it_does_not_read_far_ahead(moody: Moody) -> None:
    large = [IncomingComment(f"c{number}", "u", "Ann", "x" * 20_000) for number in range(120)]
    await feed(Given(large), moody.url)
    assert [name for batch in moody.batches for name in batch] == [one.client_id for one in large]
    assert max(map(len, moody.batches)) <= 46
    moody.batches.clear()
    await feed(Given(numbered(1100)), moody.url)
    assert max(map(len, moody.batches)) == 500
    moody.script += [(503, "30")]
    source = Given(numbered(5000))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await feed(source, moody.url)
    assert source.read <= 1600


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "127.0.0.1:80", "http://x/path"])
def test_invalid_gate_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not allowed"):
        Gate(url, "main", "k")
