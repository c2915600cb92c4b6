"""Plain requests with one comment go past ASGI: each answer is, byte for byte, the one of the usual way."""

import asyncio
import gc
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import pytest
from public_stage import Stage
from test_public_fuzz import hostile

from moderation.desk.desk import Desk
from moderation.public import fast_intake as fast_intake_module
from moderation.public.connections import Connection
from moderation.public.rates import Limits
from streamgate.errors import StoreError
from streamgate.store.failures import failure
from streamgate.store.location import Location

Body = Callable[[Stage], Any]


class Talk:
    """One connection of a program that hands in comments. `ask` sends a request in these pieces."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.stage.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def request(self, what: Any, *lines: str, key: str = "key-s", channel: str = "main") -> bytes:
        body = what if isinstance(what, bytes) else json.dumps(what).encode()
        head = [
            f"POST /api/v1/channels/{channel}/comments HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {key}",
            f"Content-Length: {len(body)}",
            *lines,
        ]
        return "\r\n".join([*head, "", ""]).encode() + body

    async def ask(self, *pieces: bytes) -> bytes:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.002)
            self.writer.write(piece)
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> bytes:
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length is not None, head
            return head + await self.reader.readexactly(int(length[1]))


def but_for_numbers(answer: bytes) -> bytes:
    """An answer without its date and the numbers of comments, which all have as many digits here."""
    return re.sub(rb'"id":\d+|date: [^\r]+|"client_id":"c\d+"', b"", answer)


@pytest.fixture
async def talk(stage: Stage) -> AsyncIterator[Talk]:
    """A connection to a desk that has read heads of every length before."""
    await stage.source()
    async with Talk(stage) as made:
        for padding in range(1, 60):
            assert b" 202 " in await made.ask(made.request(stage.comment("x" * padding)))
        assert stage.fast_intake.taken == 0
        yield made


# ---------------------------------------------------------------- accepted


async def test_fast_intake_and_asgi_send_the_same_response(talk: Talk) -> None:
    stage = talk.stage
    whole = await talk.ask(talk.request(stage.comment("hello there")))
    assert stage.fast_intake.taken == 1
    request = talk.request(stage.comment("hello, there"))
    in_pieces = await talk.ask(request[:-5], request[-5:])
    assert stage.fast_intake.taken == 1
    assert but_for_numbers(whole) == but_for_numbers(in_pieces)
    assert b'"state":"waiting"' in whole
    assert whole.startswith(b"HTTP/1.1 202 Accepted\r\ndate: ")
    assert b"content-security-policy: default-src 'none'" in whole


async def test_a_comment_is_stored_and_handed_in_twice_it_has_the_same_id(talk: Talk) -> None:
    stage = talk.stage
    given = stage.comment("  spaces and a \u2028 break ", sent_at=5, at_media_s=1.5, bullet=False)
    await talk.ask(talk.request(given))
    taken = stage.fast_intake.taken
    first, second = await talk.ask(talk.request(given)), await talk.ask(talk.request(given))
    assert stage.fast_intake.taken == taken + 2
    assert json.loads(first.partition(b"\r\n\r\n")[2]) == json.loads(second.partition(b"\r\n\r\n")[2])
    (entry,) = [one for one in stage.desk.piles.entries() if "break" in one.members[0].text]
    assert (entry.members[0].text, entry.members[0].at_media_s) == ("spaces and a   break", 1.5)


async def test_many_connections_at_once_get_their_own_answers(talk: Talk) -> None:
    stage = talk.stage

    async def one(number: int) -> None:
        async with Talk(stage) as other:
            for turn in range(5):
                given = stage.comment(f"of {number} in {turn}")
                answer = json.loads((await other.ask(other.request(given))).partition(b"\r\n\r\n")[2])
                assert [taken["client_id"] for taken in answer["accepted"]] == [given["client_id"]]

    before = stage.desk.writer.commits
    await asyncio.gather(*map(one, range(40)))
    assert stage.fast_intake.taken > 150  # a head of another length is learnt first
    assert stage.desk.writer.commits - before < 150


async def test_a_pipelined_request_is_answered_after_the_first(talk: Talk) -> None:
    stage = talk.stage
    given = [stage.comment(f"number {one}") for one in range(6)]
    requests = [talk.request(one) for one in given]
    # the first alone, then two together, then the rest in pieces that fit no request
    talk.writer.write(requests[0])
    await asyncio.sleep(0)
    talk.writer.write(requests[1] + requests[2])
    rest = b"".join(requests[3:])
    for start in range(0, len(rest), 100):
        talk.writer.write(rest[start : start + 100])
        await asyncio.sleep(0.001)
    for one in given:
        answer = json.loads((await talk.answer()).partition(b"\r\n\r\n")[2])
        assert [taken["client_id"] for taken in answer["accepted"]] == [one["client_id"]]


async def test_other_requests_on_the_connection_go_through_asgi(talk: Talk) -> None:
    for _ in range(3):
        assert b" 202 " in await talk.ask(talk.request(talk.stage.comment("one more")))
        assert b'"ok":true' in await talk.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert talk.stage.fast_intake.taken == 3
    assert b"HTTP/1.1 400" in await talk.ask(b"nonsense\r\n\r\n")


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    "what",
    [
        {"text": "x" * 201},
        {"text": ""},
        {"text": "a\0b"},
        {"text": 5},
        {"author": "a" * 65},
        {"client_id": ""},
        {"at_media_s": -1},
        {"bullet": True},
        b"{}",
        b"[]",
        b"nonsense",
        b"\xff\xfe",
        b'{"client_id":"c","author_id":"u","author":"a","text":"t","sent_at":1e999}',
    ],
)
async def test_refused_comments_go_through_asgi(talk: Talk, what: Any) -> None:
    stage = talk.stage

    def made() -> bytes:
        return what if isinstance(what, bytes) else json.dumps(stage.comment("hello") | what).encode()

    first = made()
    learnt = len(stage.fast_intake._heads)
    answers = [await talk.ask(talk.request(first))]
    request = talk.request(made())
    answers += [await talk.ask(request), await talk.ask(request[:-1], request[-1:])]
    assert len({but_for_numbers(answer) for answer in answers}) == 1
    assert stage.fast_intake.taken == 0
    assert len(stage.fast_intake._heads) <= learnt + 2
    assert b'"accepted":[{' not in answers[0]


async def test_closed_keys_and_channels_count_at_once(talk: Talk) -> None:
    stage = talk.stage
    given = stage.comment("hello")
    assert b" 202 " in await talk.ask(talk.request(given))
    assert stage.fast_intake.taken == 1
    await stage.open(comments=False)
    assert b" 403 " in await talk.ask(talk.request(stage.comment("hello")))
    again = await talk.ask(talk.request(given))  # it was accepted before
    assert b" 202 " in again
    await stage.open(comments=True)
    assert b" 403 " in await talk.ask(talk.request(stage.comment("hello"), channel="hall"))
    assert b" 401 " in await talk.ask(talk.request(stage.comment("hello"), key="key-t"))
    assert stage.fast_intake.taken == 1
    assert b" 202 " in await talk.ask(talk.request(stage.comment("hello")))
    assert stage.fast_intake.taken == 2


async def test_lone_surrogates_go_through_asgi(talk: Talk) -> None:
    body = b'{"client_id":"\\ud800","author_id":"u","author":"a","text":"t"}'
    answers = [await talk.ask(talk.request(body)) for _ in range(3)]
    assert len(set(map(but_for_numbers, answers))) == 1
    assert talk.stage.fast_intake.taken == 0
    assert '"client_id":"\ufffd"'.encode() in answers[0]


async def test_the_rate_counts_fast_intake_and_asgi_together(tmp_path: Any, sqlite: Location) -> None:
    stage = Stage(tmp_path / "slow", sqlite)
    async with stage.serving(Limits(source_comments=(0.001, 6))), Talk(stage) as talk:
        await stage.open(comments=True)
        await stage.source()
        for _ in range(6):  # the first looks the key up, the second is learnt
            assert b" 202 " in await talk.ask(talk.request(stage.comment("hello")))
        assert stage.fast_intake.taken == 4
        refused = await talk.ask(talk.request(stage.comment("hello")))
        assert b" 429 " in refused
        assert b"retry-after: " in refused


async def test_a_failed_commit_is_reported(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = talk.stage

    def away(*_: Any) -> StoreError:
        raise failure("away", stage.location)

    with monkeypatch.context() as patch:
        patch.setattr("streamgate.store.database.Database.write", away)
        answer = await talk.ask(talk.request(stage.comment("hello")))
    assert stage.fast_intake.taken == 1
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 1\r\n" in answer
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (body["code"], body["refused"][0]["code"]) == ("database_away", "database_away")


async def test_a_failure_is_answered_and_the_next_one_is_taken(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(Desk, "store_checked", fail)
        answer = await talk.ask(talk.request(talk.stage.comment("hello")))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "failed"
    assert b" 202 " in await talk.ask(talk.request(talk.stage.comment("hello")))


async def test_hostile_comments_get_the_same_response_from_fast_intake_and_asgi(talk: Talk) -> None:
    dice = random.Random(30)
    for number in range(250):
        request = talk.request(json.dumps(hostile(dice, number)).encode())
        answers = [
            await talk.ask(*pieces) for pieces in ((request,), (request,), (request[:-1], request[-1:]))
        ]
        assert len({re.sub(rb"date: [^\r]+", b"", answer) for answer in answers}) == 1, answers
    assert 50 < talk.stage.fast_intake.taken < 500


# ---------------------------------------------------------------- connections


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Commits wait until this is set."""
    go, store_checked = asyncio.Event(), Desk.store_checked

    async def wait(self: Desk, fit: Any) -> Any:
        await go.wait()
        return await store_checked(self, fit)

    monkeypatch.setattr(Desk, "store_checked", wait)
    go.set()
    return go


async def test_a_peer_that_disconnects_does_not_affect_others(talk: Talk, held: asyncio.Event) -> None:
    stage = talk.stage
    held.clear()
    talk.writer.write(talk.request(stage.comment("hello")))
    await asyncio.sleep(0.05)
    talk.writer.transport.abort()
    await asyncio.sleep(0.05)
    held.set()
    await stage.until(lambda: stage.fast_intake.taken == 1)
    async with Talk(stage) as other:
        assert b" 202 " in await other.ask(other.request(stage.comment("hello")))


async def test_a_peer_that_sends_without_end_is_disconnected(talk: Talk, held: asyncio.Event) -> None:
    held.clear()
    talk.writer.write(talk.request(talk.stage.comment("hello")))
    await asyncio.sleep(0.05)
    sent = 0
    try:
        while sent < 64 * 1024 * 1024:
            talk.writer.write(b"x" * 65536)
            async with asyncio.timeout(0.5):
                await talk.writer.drain()
            sent += 65536
    except (ConnectionError, TimeoutError):
        pass  # cut off, or not read any more
    assert sent < 16 * 1024 * 1024
    held.set()


async def test_an_idle_connection_is_ended_and_a_busy_one_is_not(
    stage: Stage, held: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.source()
    async with Talk(stage) as talk:
        for _ in range(2):
            await talk.ask(talk.request(stage.comment("hello")))
        (connection,) = [one for one in connections(stage) if one.cycle is not None]
        monkeypatch.setattr(connection, "timeout_keep_alive", 0.3)
        connection._unset_keepalive_if_required()
        await talk.ask(talk.request(stage.comment("hello")))
        assert stage.fast_intake.taken == 1
        held.clear()
        talk.writer.write(talk.request(stage.comment("hello")))
        await asyncio.sleep(0.7)
        assert not talk.reader.at_eof()
        held.set()
        assert b" 202 " in await talk.answer()
        assert stage.fast_intake.taken == 2
        async with asyncio.timeout(5):
            assert await talk.reader.read() == b""


async def test_at_the_end_a_request_under_way_is_answered(stage: Stage, held: asyncio.Event) -> None:
    await stage.source()
    async with Talk(stage) as talk:
        for _ in range(2):
            await talk.ask(talk.request(stage.comment("hello")))
        held.clear()
        talk.writer.write(talk.request(stage.comment("hello")))
        await stage.until(lambda: any(one._taken for one in connections(stage)))
        for one in connections(stage):
            one.shutdown()
        held.set()
        answer = await talk.answer()
        assert b" 202 " in answer
        assert b"\r\nconnection: close\r\n\r\n" in answer
        assert await talk.reader.read() == b""


def connections(stage: Stage) -> list[Any]:
    """Every connection that the server has."""
    return [
        one
        for one in gc.get_objects()
        if isinstance(one, Connection) and one.fast_intake is stage.fast_intake and one in one.connections
    ]


async def test_the_cache_of_heads_is_bounded(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_intake_module, "MAX_HEADS", 5)
    for number in range(20):
        await talk.ask(talk.request(talk.stage.comment("hello"), f"X-Number: {number}"))
        assert len(talk.stage.fast_intake._heads) < 70
    assert len(talk.stage.fast_intake._heads) <= 5
    before = dict(talk.stage.fast_intake._heads)
    await talk.ask(talk.request(talk.stage.comment("hello"), "X-New: 1", key="stranger"))
    assert talk.stage.fast_intake._heads == before
