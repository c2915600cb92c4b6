"""A real desk, and the public address before it on a free port, for tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from tools.databases import make_database
from websockets.asyncio.client import connect

from moderation.desk import interactions, upkeep
from moderation.desk.desk import Desk
from moderation.desk.filtering import CommentFilter
from moderation.filter.filter import Filter
from moderation.filter.service import FilterService
from moderation.lexicon import SEVERITIES, Entry, WordList
from moderation.public import server
from moderation.public.fast_intake import FastIntake
from moderation.public.feed import Feeds
from moderation.public.rates import Limits
from moderation.public.source_keys import hash_key
from moderation.review.events import Approve, Reject, Retract, Reviewer
from streamgate.runtime import listen
from streamgate.runtime.service import Services
from streamgate.store import settings, sources
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.models import User

LISTS = (
    WordList(
        name="test",
        category="test",
        title_en="Test",
        title_zh="测试",
        version="1",
        entries=(Entry(term="forbidden", severity=SEVERITIES["sensitive"]),),
    ),
)
GENEROUS = Limits(
    address_comments=(1e6, 1e6),
    address_viewers=(1e6, 1e6),
    address_reads=(1e6, 1e6),
    viewer_comments=(1e6, 1e6),
    source_comments=(1e6, 1e6),
)
REVIEWERS = [Reviewer(number, frozenset({"chief-reviewer"})) for number in (1, 2, 3)]


class Stage:
    desk: Desk
    database: Database
    feeds: Feeds
    fast_intake: FastIntake

    def __init__(self, data_dir: Path, location: Location) -> None:
        self.data_dir, self.location = data_dir, location
        self.static = data_dir / "static"
        self.port = 0
        self._cards: dict[int, int] = {}
        self._names = iter(range(10**9))

    @contextlib.asynccontextmanager
    async def serving(self, limits: Limits = GENEROUS) -> AsyncIterator["Stage"]:
        make_database(self.location)
        with Database(self.location) as database:
            self.database = database
            self._add_people()
            self.desk = Desk(database)
            async with FilterService(Filter(LISTS)) as checker, asyncio.TaskGroup() as group:
                self.desk.filter = CommentFilter(checker)
                services = Services(group)
                services.start("writer", self.desk.writer.run)
                services.start("publishing", lambda: upkeep.publish_due(self.desk))
                await self.until(lambda: self.desk.loaded)
                async with self._public(limits), contextlib.AsyncExitStack() as self._open:
                    yield self
                services.cancel()

    @contextlib.asynccontextmanager
    async def _public(self, limits: Limits) -> AsyncIterator[None]:
        stop, started = asyncio.Event(), asyncio.Event()

        def ready(port: int) -> None:
            self.port = port
            started.set()

        def make_feeds(*made_of: Any) -> Feeds:
            self.feeds = Feeds(*made_of)
            return self.feeds

        def make_fast_intake(*made_of: Any) -> FastIntake:
            self.fast_intake = FastIntake(*made_of)
            return self.fast_intake

        patch = mock.patch.multiple(server, Feeds=make_feeds, FastIntake=make_fast_intake)
        patch.start()
        serving = asyncio.ensure_future(
            server.serve(
                listeners=listen.bind(listen.Address("public", "comments", "127.0.0.1", 0, "--public")),
                desk=self.desk,
                database=self.location,
                data_dir=self.data_dir,
                static=self.static,
                stop=stop,
                limits=limits,
                ready=ready,
            )
        )
        try:
            async with asyncio.timeout(10):
                await asyncio.wait(
                    {serving, asyncio.ensure_future(started.wait())}, return_when=asyncio.FIRST_COMPLETED
                )
            yield
        finally:
            patch.stop()
            stop.set()
            async with asyncio.timeout(10):
                await serving

    def _add_people(self) -> None:
        with self.database.write() as session:
            for one in REVIEWERS:
                if session.get(User, one.id) is None:
                    session.add(User(id=one.id, username=f"rev{one.id}", created_at=1, created_by="x"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return "/api/v1/channels/main"

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=30)

    async def enter(self, nickname: str = "Ann") -> httpx.AsyncClient:
        """Return a viewer's browser, with its cookie. It is closed at the end."""
        client = await self._open.enter_async_context(self.client())
        answer = await client.post(f"{self.api}/viewer", json={"nickname": nickname})
        assert answer.status_code == 200, answer.text
        return client

    async def open(self, channel: str = "main", **switches: Any) -> None:
        """Set the interaction of a channel as the command line does."""

        def change() -> None:
            key = interactions.PREFIX + channel
            with self.database.write() as session:
                view = interactions.encode(interactions.decode(settings.get(session, key, {}), "x", 1))
                settings.put(session, key, view | switches, by="x", at=1)

        await asyncio.to_thread(change)
        await upkeep.reload_switches(self.desk)

    async def source(self, name: str = "s", channel: str = "main") -> str:
        """Make a source; return its key."""

        def make() -> None:
            with self.database.write() as session:
                sources.add(session, name, hash_key(f"key-{name}"), channel=channel, by="x", at=1)

        await asyncio.to_thread(make)
        return f"key-{name}"

    def comment(self, text: str = "", **members: Any) -> dict[str, Any]:
        number = next(self._names)
        plain = {
            "client_id": f"c{number}",
            "author_id": "u1",
            "author": "Ann",
            "text": text or f"text {number}",
        }
        return plain | members

    async def post(self, what: Any, key: str = "key-s", channel: str = "main") -> httpx.Response:
        content = what if isinstance(what, bytes) else json.dumps(what).encode()
        async with self.client(authorization=f"Bearer {key}") as client:
            return await client.post(f"/api/v1/channels/{channel}/comments", content=content)

    async def accept(self, *texts: str, bullet: bool = False) -> list[int]:
        """Hand in comments of source `s`; return their numbers."""
        answer = await self.post([self.comment(text, bullet=bullet) for text in texts])
        assert answer.status_code == 202, answer.text
        return [one["id"] for one in answer.json()["accepted"]]

    async def approve(self, comment: int) -> None:
        """Approve all stages of a comment's card, each by somebody else."""
        card = self._entry(comment).card
        for reviewer in REVIEWERS[: card.stages]:
            step = await self.desk.act(card.channel, card.id, Approve(reviewer, card.revision))
            card = step.card

    async def reject(self, comment: int, code: Any) -> None:
        card = self._entry(comment).card
        await self.desk.act(card.channel, card.id, Reject(REVIEWERS[0], card.revision, code))

    async def retract(self, comment: int, channel: str = "main") -> None:
        await self.desk.act(channel, self._cards[comment], Retract(None, "x"))

    async def publish(self, *texts: str, bullet: bool = False) -> list[int]:
        """Hand in comments and approve each; return their numbers once they are published."""
        found = await self.accept(*texts, bullet=bullet) if texts else []
        await asyncio.gather(*map(self.approve, found))
        await self.until(lambda: not self.desk.piles.due(1e12), 20)
        return found

    def _entry(self, comment: int) -> Any:
        (entry,) = (one for one in self.desk.piles.entries() if comment in one.card.comments)
        self._cards[comment] = entry.card.id
        return entry

    async def until(self, condition: Any, timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)

    def socket(self, path: str = "/published/ws", **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}{self.api}{path}", proxy=None, compression=None, **options)

    @contextlib.asynccontextmanager
    async def events(self, after: int | None = None, channel: str = "main") -> AsyncIterator["Events"]:
        """Read the feed as server-sent events."""
        headers = {} if after is None else {"last-event-id": str(after)}
        async with (
            self.client(**headers) as client,
            client.stream("GET", f"/api/v1/channels/{channel}/published") as response,
        ):
            assert response.status_code == 200, await response.aread()
            yield Events(response)


class Events:
    """Server-sent events as a browser reads them (WHATWG HTML, 9.2.6). `last_id` as it would send it."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def next(self, kind: str = "", timeout_s: float = 5.0) -> tuple[str, dict[str, Any]]:
        """Return name and data of the next event, of this kind."""
        async with asyncio.timeout(timeout_s):
            while True:
                name, data = await self._one()
                if not kind or name == kind:
                    return name, data

    async def _one(self) -> tuple[str, dict[str, Any]]:
        name, data, number = "", "", self.last_id
        async for line in self._lines:
            field, _, value = line.partition(": ")
            match field:
                case "event":
                    name = value
                case "data":
                    data += value
                case "id":
                    number = value
                case "" if not line:
                    self.last_id = number
                    if data:
                        return name, json.loads(data)
                    name = ""
        raise EOFError

    async def take(self, count: int) -> list[tuple[str, int]]:
        """Return kind and comment of the next events, notices aside."""
        found: list[tuple[str, int]] = []
        while len(found) < count:
            name, data = await self.next()
            if name != "interaction":
                found.append((name, data["id"]))
        return found
