"""The published feed: exact resuming, retraction, interaction, readers that do not read."""

import asyncio
import contextlib
import json
import random
import socket
from collections.abc import Iterator

import pytest
from public_stage import Events, Stage
from sqlalchemy.orm import Session
from store.conftest import on_both_engines

from moderation.public import feed
from moderation.public.recent import MAX_EVENTS
from streamgate.store import published
from streamgate.store.database import Database
from streamgate.store.failures import failure


@pytest.fixture(autouse=True)
async def key(stage: Stage) -> str:
    return await stage.source()


@on_both_engines
async def test_a_reader_gets_what_is_published_and_taken_back(stage: Stage) -> None:
    async with stage.events() as events:
        assert await events.next() == ("interaction", {"comments": True, "bullets": False, "sharing": False})
        (number,) = await stage.publish("hello")
        kind, body = await events.next()
        assert (kind, body["id"], body["author"], body["text"]) == ("publish", number, "Ann", "hello")
        assert body.keys() == {"id", "author", "text", "at_media_s", "published_at", "bullet"}
        assert body["bullet"] is False
        await stage.retract(number)
        assert await events.next() == ("retract", {"id": number})
    async with stage.events() as events:  # somebody new sees nothing of it
        assert await events.next() == ("interaction", {"comments": True, "bullets": False, "sharing": False})


async def test_a_bullet_stays_one_through_review_store_and_feed(stage: Stage) -> None:
    await stage.open(bullets=True)
    async with stage.events() as live:
        await live.next("interaction")
        await stage.publish("stands beside")
        await stage.publish("goes across", bullet=True)
        for expected in (False, True):
            assert (await live.next("publish"))[1]["bullet"] is expected
    async with stage.events(0) as again:
        assert [(await again.next("publish"))[1]["bullet"] for _ in range(2)] == [False, True]


async def test_personal_data_is_starred_out(stage: Stage) -> None:
    async with stage.events() as events:
        await events.next("interaction")
        await stage.publish("call 13800138000 now")
        _, body = await events.next("publish")
        assert "13800138000" not in body["text"]


async def test_a_reader_without_a_number_gets_the_newest_fifty(stage: Stage) -> None:
    numbers = await stage.publish(*(f"text {number}" for number in range(60)))
    async with stage.events() as events:
        assert await events.take(50) == [("publish", number) for number in numbers[10:]]


@on_both_engines
async def test_a_reader_that_has_seen_no_event_can_resume(stage: Stage) -> None:
    async with stage.events() as events:
        await events.next("interaction")
        seen = events.last_id
    numbers = await stage.publish(*(f"text {number}" for number in range(55)))
    async with stage.events(int(seen)) as events:
        assert await events.take(55) == [("publish", number) for number in numbers]


async def test_a_reader_that_misses_more_than_the_queue_holds_gets_all_events(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_WAITING", 10)
    numbers = await stage.publish(*(f"text {number}" for number in range(50)))
    async with stage.events(0) as events:
        assert await events.take(50) == [("publish", number) for number in numbers]
        (more,) = await stage.publish("one more")
        assert await events.take(1) == [("publish", more)]


@pytest.mark.parametrize(("remembered", "engine"), [(5, "sqlite"), (MAX_EVENTS, "sqlite"), (5, "postgresql")])
async def test_resuming_anywhere_is_exact_while_more_is_published(
    stage: Stage, remembered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers leave and come back all the time, from memory and from the store; each ends with everything."""
    monkeypatch.setattr("moderation.public.recent.MAX_EVENTS", remembered)
    monkeypatch.setattr(feed, "MAX_EVENTS", remembered)
    monkeypatch.setattr(feed, "PAGE", 3)
    dice = random.Random(remembered)
    total = 60

    async def publish() -> None:
        for number in range(total):
            await stage.publish(f"text {number}")
            await asyncio.sleep(0.01)

    async def read() -> list[int]:
        seen, found = 0, []
        while len(found) < total:
            async with stage.events(seen) as events:
                for _ in range(dice.randint(1, 9)):
                    _, body = await events.next("publish", 15)
                    found.append(body["id"])
                    seen = int(events.last_id)
                    if len(found) == total:
                        break
        return found

    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(read()) for _ in range(8)]
        group.create_task(publish())
    with stage.database.read() as session:
        expected = [one.comment_id for one in published.read_after(session, "main", 0, limit=1000)]
    assert len(expected) == total
    for reader in readers:
        assert reader.result() == expected


@on_both_engines
async def test_a_comment_retracted_meanwhile_is_not_sent_again(stage: Stage) -> None:
    first, second, third = await stage.publish("one", "two", "three")
    await stage.retract(second)
    async with stage.events(0) as events:
        assert await events.take(3) == [("publish", first), ("publish", third), ("retract", second)]
    async with stage.events(2) as events:  # it has one and two
        assert await events.take(2) == [("publish", third), ("retract", second)]


@on_both_engines
async def test_an_unknown_event_number_starts_from_the_newest(stage: Stage) -> None:
    (number,) = await stage.publish("one")
    for odd in ("999999", "-1", "x", "1e3", "9" * 30, ""):
        async with (
            stage.client(**{"last-event-id": odd}) as client,
            client.stream("GET", f"{stage.api}/published") as response,
        ):
            assert await Events(response).take(1) == [("publish", number)]


async def test_each_channel_has_its_own_feed(stage: Stage) -> None:
    await stage.open("hall", comments=True, window_s=0)
    await stage.source("h", "hall")
    async with stage.events(channel="hall") as hall, stage.events() as main:
        answer = await stage.post(stage.comment("for the hall"), "key-h", "hall")
        (theirs,) = (one["id"] for one in answer.json()["accepted"])
        await stage.approve(theirs)
        (ours,) = await stage.publish("for main")
        assert await hall.take(1) == [("publish", theirs)]
        assert await main.take(1) == [("publish", ours)]
    async with stage.client() as client:
        assert (await client.get("/api/v1/channels/nowhere/published")).status_code == 404


async def test_a_change_of_interaction_is_sent_within_a_second(stage: Stage) -> None:
    async with stage.events() as events, stage.socket() as socket_:
        await events.next("interaction")
        json.loads(await socket_.recv())
        await stage.open(bullets=True)
        expected = {"comments": True, "bullets": True, "sharing": False}
        assert await events.next("interaction", 1.0) == ("interaction", expected)
        told = json.loads(await asyncio.wait_for(socket_.recv(), 1))
        assert told == {"event": "interaction", "seq": told["seq"], **expected}


async def test_the_websocket_sends_the_same_events(stage: Stage) -> None:
    first, second = await stage.publish("one", "two")
    async with stage.socket("/published/ws?after=0") as found:
        told = [json.loads(await found.recv()) for _ in range(3)]
        assert [(one["event"], one["seq"], one.get("id")) for one in told] == [
            ("publish", 1, first),
            ("publish", 2, second),
            ("interaction", 2, None),
        ]
        (third,) = await stage.publish("three")
        assert json.loads(await found.recv())["id"] == third
    async with stage.socket("/published/ws?after=2") as found:
        assert json.loads(await found.recv())["id"] == third


async def test_any_site_may_read_the_feed_and_nothing_else(stage: Stage) -> None:
    async with stage.client(origin="https://elsewhere.example") as client:
        async with client.stream("GET", f"{stage.api}/published") as response:
            assert response.headers["access-control-allow-origin"] == "*"
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert "access-control-allow-credentials" not in response.headers
        for path in (f"{stage.api}/viewer", "/healthz", "/watch/main"):
            assert "access-control-allow-origin" not in (await client.get(path)).headers


async def test_a_quiet_feed_is_kept_alive(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEEP_ALIVE_S", 0.05)
    async with stage.client() as client, client.stream("GET", f"{stage.api}/published") as response:
        async with asyncio.timeout(5):
            async for line in response.aiter_lines():
                if line == ": keep-alive":
                    return


async def test_a_reader_that_does_not_read_is_disconnected_and_delays_nobody(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_WAITING", 40)
    lazy = socket.create_connection(("127.0.0.1", stage.port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(f"GET {stage.api}/published HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    hub = await _hub(stage)
    async with stage.events() as events:
        await stage.until(lambda: len(hub.readers) == 2)
        count = 0
        while len(hub.readers) == 2:
            await stage.publish(*(f"n{count:03}{number:02} " + "x" * 180 for number in range(15)))
            await events.take(15)
            count += 1
            assert count < 200
    lazy.close()


async def _hub(stage: Stage) -> feed.Hub:
    """Return the feed of main, as soon as somebody reads it."""
    await stage.until(lambda: "main" in stage.feeds._hubs and stage.feeds.count_readers())
    return stage.feeds.hub("main")


@pytest.mark.parametrize("later", [0, 1])
async def test_an_unannounced_event_is_sent_in_order(
    stage: Stage, later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event in the store that the desk never tells of: the look at the store that comes now and then."""
    monkeypatch.setattr(feed, "RECONCILE_S", 0.3)
    async with stage.events() as events:
        await events.next("interaction")
        first = await stage.publish("one")
        assert await events.take(1) == [("publish", first[0])]
        with monkeypatch.context() as patch:
            patch.setattr(stage.desk._feed, "publish", lambda _: None)
            lost = await stage.publish("two")
        told = await stage.publish(*["three"] * later)
        assert await events.take(1 + later) == [("publish", number) for number in (*lost, *told)]


async def test_events_of_a_commit_with_unknown_outcome_are_sent_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk reads anew and has every reader look at the store; nobody waits for the look now and then."""
    monkeypatch.setattr(feed, "RECONCILE_S", 600.0)
    write = Database.write
    lost = iter((False, True))  # the approval's commit; the publication's

    @contextlib.contextmanager
    def lose(database: Database) -> Iterator[Session]:
        with write(database) as session:
            yield session
        if database is stage.database and next(lost, False):
            raise failure("away", stage.location)

    async with stage.events() as events:
        await events.next("interaction")
        (number,) = await stage.accept("lost")
        monkeypatch.setattr(Database, "write", lose)
        await stage.approve(number)
        assert await events.take(1) == [("publish", number)]
        assert next(lost, None) is None


async def test_one_address_cannot_take_all_readers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_OF_ADDRESS", 2)
    async with stage.events() as one, stage.events() as two, stage.client() as client:
        await one.next()
        await two.next()
        refused = await client.get(f"{stage.api}/published")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    await asyncio.sleep(0.2)
    async with stage.events() as again:
        await again.next()


async def test_readers_that_left_are_removed(stage: Stage) -> None:
    async with stage.events() as events:
        await events.next()
        hub = await _hub(stage)
        assert len(hub.readers) == 1
    await stage.until(lambda: not hub.readers)
    async with stage.socket() as found:
        await found.recv()
        assert len(hub.readers) == 1
    await stage.until(lambda: not hub.readers)


async def test_hundreds_of_readers_get_an_item_each_once(stage: Stage) -> None:
    total = 300
    readers = [await asyncio.open_connection("127.0.0.1", stage.port) for _ in range(total)]
    for _, writer in readers:
        writer.write(f"GET {stage.api}/published HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    hub = await _hub(stage)
    await stage.until(lambda: len(hub.readers) == total, 30)
    numbers = await stage.publish("one", "two", "three")

    async def read(reader: asyncio.StreamReader) -> list[int]:
        found: list[int] = []
        async with asyncio.timeout(30):
            while len(found) < 3:
                line = await reader.readline()
                if line.startswith(b'data: {"id"'):
                    found.append(json.loads(line[6:])["id"])
        return found

    assert await asyncio.gather(*(read(reader) for reader, _ in readers)) == [numbers] * total
    for _, writer in readers:
        writer.close()
