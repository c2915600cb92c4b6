"""A running desk for tests: a real database, a real filter with a few words, what runs by itself."""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import msgspec
from review_book import PEOPLE
from tools.databases import make_database
from websockets.asyncio.client import ClientConnection, unix_connect

from moderation.desk import interactions, upkeep
from moderation.desk.desk import Desk
from moderation.desk.intake import IncomingComment, IntakeResult, SourceRef
from moderation.desk.messages import AnyAnswer, AnyRequest, Changed, InteractionView, Person, Reply
from moderation.desk.server import CommentsServer
from moderation.desk.wordlists import Wordlists
from moderation.lexicon import Entry, Severity, WordList
from moderation.review.card import Card
from moderation.review.events import Approve, Reviewer
from streamgate.clock import wall_s
from streamgate.runtime.service import Services
from streamgate.store import settings, sources
from streamgate.store.database import Database
from streamgate.store.location import Location
from streamgate.store.models import User

WORDS = WordList(
    name="words",
    category="test",
    version="7",
    entries=(
        Entry(term="稻草人甲", severity=Severity.BLOCK),
        Entry(term="稻草人乙", severity=Severity.IMPORTANT),
        Entry(term="稻草人丙", severity=Severity.SENSITIVE),
        Entry(term="稻草人丁", severity=Severity.SUSPECTED),
    ),
)
BLOCKED, IMPORTANT, SENSITIVE, SUSPECTED = (one.term for one in WORDS.entries)
REVIEWER, SENIOR, CHIEF = PEOPLE[0], PEOPLE[2], PEOPLE[4]
SOURCE = SourceRef(1, "s", "main")
OPEN = InteractionView(comments=True, bullets=True, window_s=0.0)
_names = itertools.count(1)
T = TypeVar("T")


class FewWords(Wordlists):
    """Lists that are built in a moment: a few words and the own ones."""

    def __init__(self, own: Path, words: WordList = WORDS) -> None:
        super().__init__(own)
        self.words = words

    def load_shipped(self) -> tuple[WordList, ...]:
        return (self.words,)


def prepare(location: Location) -> None:
    """Make a database with the people of the book and a source."""
    make_database(location)
    with Database(location) as database, database.write() as session:
        for number in sorted({by.id for by in PEOPLE}):
            session.add(User(id=number, username=f"user{number}", created_at=1, created_by="x"))
        session.flush()
        assert sources.add(session, "s", "h", channel="main", by="x", at=1).id == SOURCE.id


@contextlib.asynccontextmanager
async def running(
    location: Location, own: Path, *, words: WordList = WORDS, **options: object
) -> AsyncIterator[Desk]:
    """Run a desk over a database that `prepare` made."""
    database = Database(location)
    desk = Desk(database, **options)
    try:
        async with asyncio.TaskGroup() as group:
            services = Services(group)
            try:
                upkeep.start(desk, services, lists=FewWords(own, words), gate_socket=None)
                await until(lambda: desk.loaded and desk.filter is not None)
                desk.filter.service._deadline_s = 60.0  # a machine that is busy must not change a verdict
                yield desk
            finally:
                services.cancel()
    finally:
        await desk.close()
        database.close()


@contextlib.asynccontextmanager
async def in_own_task(opened: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Open and close in one task: a fixture's two halves run in two."""
    there: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def live() -> None:
        try:
            async with opened as one:
                there.set_result(one)
                await over.wait()
        except BaseException as error:
            if not there.done():
                there.set_exception(error)
            raise

    task = asyncio.ensure_future(live())
    yield await there
    over.set()
    await task


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


async def open_up(desk: Desk, view: InteractionView = OPEN, channel: str = "main") -> None:
    """Set the switches of a channel, stored as the console stores them."""
    key, by, now = f"{interactions.PREFIX}{channel}", "console:olga", wall_s()
    await desk.call(settings.put, key, interactions.encode(view), by=by, at=now)
    desk.own_changes += 1
    desk.put_interaction(channel, interactions.decode(interactions.encode(view), by, now))


def comment(text: str, *, author: str = "小明", author_id: str = "u1", **more: object) -> IncomingComment:
    return IncomingComment(more.pop("client_id", f"c{next(_names)}"), author_id, author, text, **more)


async def take(desk: Desk, text: str, **more: object) -> IntakeResult:
    (taken,) = await desk.store_comments(SOURCE, [comment(text, **more)])
    return taken


def card_of(desk: Desk, comment_id: int) -> Card:
    """Return the open card that a comment is on."""
    (found,) = [one.card for one in desk.piles.entries() if comment_id in one.card.comments]
    return found


async def approve(desk: Desk, card: Card, *people: Reviewer) -> Card:
    for by in people:
        card = (await desk.act(card.channel, card.id, Approve(by, card.revision))).card
    return card


# ---------------------------------------------------------------- the socket


def person(by: Reviewer, name: str = "") -> Person:
    name = name or f"user{by.id}"
    return Person(by.id, name, tuple(sorted(by.roles)), f"console:{name}", "::1")


class Client:
    """A console's connection: asks one thing after the other; what is pushed is kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._unseen: deque[Changed] = deque()
        self._ids = itertools.count(1)
        self._decoder = msgspec.json.Decoder(AnyAnswer)

    async def ask(
        self, kind: type[AnyRequest], by: Reviewer | Person = REVIEWER, channel: str = "main", **more: object
    ) -> Reply:
        number = next(self._ids)
        who = by if isinstance(by, Person) else person(by)
        request = kind(id=number, channel=channel, by=who, **more)
        await self.socket.send(msgspec.json.encode(request).decode())
        async with asyncio.timeout(60):  # lint takes a second of CPU
            while True:
                answer = self._decoder.decode(await self.socket.recv())
                if isinstance(answer, Reply):
                    assert answer.id == number
                    return answer
                self._unseen.append(answer)

    async def next_change(self, fits: Callable[[Changed], object] = bool) -> Changed:
        """Return the next push that is as wanted; those before it are passed over."""
        async with asyncio.timeout(5):
            while True:
                if self._unseen:
                    answer = self._unseen.popleft()
                else:
                    answer = self._decoder.decode(await self.socket.recv())
                assert isinstance(answer, Changed)
                if fits(answer):
                    return answer


class Sockets:
    """A desk's socket, and connections to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        async with unix_connect(str(self.path), compression=None, max_size=None) as socket:
            yield Client(socket)


@contextlib.asynccontextmanager
async def serving(desk: Desk, own: Path, path: Path) -> AsyncIterator[Sockets]:
    server = CommentsServer(desk, FewWords(own))
    listening = await server.listen(path)
    pushing = asyncio.ensure_future(server.push_changes())
    try:
        yield Sockets(path)
    finally:
        pushing.cancel()
        listening.close()
        await listening.wait_closed()
