"""The published feed in memory: one hub a channel, which encodes each event once for all its readers.

A reader who comes back with a number gets exactly what followed it: from memory, or from the store and then
from memory. Joining is one step of the event loop: what memory has and what comes later meet without a gap.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.orm import Session

from moderation.desk.feed import feed_item
from moderation.desk.intake import FeedItem
from moderation.desk.messages import InteractionView
from moderation.public.desk_side import DeskSide, Subscription
from moderation.public.problems import BUSY, DATABASE_AWAY, RATE_LIMITED, RequestRefused
from moderation.public.recent import MAX_EVENTS, MAX_SHOWN, Event, Recent
from streamgate.errors import StoreError
from streamgate.store import published
from streamgate.store.database import AsyncDatabase

NEWEST = 50
"""Comments that a reader without a number begins with."""
MAX_WAITING = 512
"""Events that wait for one reader; with more it is dropped, and comes back where it was."""
MAX_READERS = 6000
MAX_OF_ADDRESS = 2500
"""Readers of one address, on all channels: a school behind one router."""
MAX_CHANNELS = 256
LOOK_S = 0.2  # for a changed interaction: viewers are told within a second
LOADED_S = 5.0
KEEP_ALIVE_S = 15.0
RECONCILE_S = 30.0
PAGE = 500
_PAGING = 4  # readers that the store serves at the same time
_RETRY_S = 1.0
_log = structlog.get_logger("comments")


class Notice(NamedTuple):
    """Something that is told and not counted: it has no number. `text` "": nothing for websockets."""

    sse: bytes
    text: str


KEEP_ALIVE = Notice(b": keep-alive\n\n", "")


class Reader:
    """One connection that reads a feed. `drop` is called when it does not keep up."""

    def __init__(self, seen: int, drop: Callable[[], None]) -> None:
        self.seen = seen
        self.dropped = False
        self._drop = drop
        self._most = MAX_WAITING
        self._waiting: deque[Event | Notice] = deque()
        self._woken = asyncio.Event()

    def push(self, one: Event | Notice) -> None:
        if isinstance(one, Event):
            if one.id <= self.seen:
                return
            self.seen = one.id
        if self.dropped:
            return
        if len(self._waiting) >= self._most:
            self.end()
            self._drop()
            return
        self._waiting.append(one)
        self._woken.set()

    def begin(self, events: Sequence[Event]) -> None:
        """Put what it lacks before everything that comes: as much as memory keeps, whatever the bound."""
        self._most = MAX_WAITING + len(events)
        self._waiting.extend(events)
        if events:
            self.seen = max(self.seen, events[-1].id)
            self._woken.set()

    def end(self) -> None:
        self.dropped = True
        self._waiting.clear()
        self._woken.set()

    async def next(self) -> list[Event | Notice]:
        """Return everything that waits, at least one; nothing when the reader was dropped."""
        while not self._waiting and not self.dropped:
            self._woken.clear()
            await self._woken.wait()
        found = list(self._waiting)
        self._waiting.clear()
        self._most = MAX_WAITING
        return found


class Hub:
    """One channel's feed. `run` follows the desk until it is cancelled."""

    def __init__(self, channel: str, desk: DeskSide, database: AsyncDatabase, crowd: Counter[str]) -> None:
        """Take `crowd`: how many readers each address has, on all channels."""
        self.channel = channel
        self.readers: set[Reader] = set()
        self._desk, self._database, self._crowd = desk, database, crowd
        self._recent: Recent | None = None
        self._loaded = asyncio.Event()
        self._paging = asyncio.Semaphore(_PAGING)
        self._view = desk.interaction(channel)

    @property
    def last(self) -> int:
        return 0 if self._recent is None else self._recent.last

    def notice(self) -> Notice:
        """Say what is open, as it is now."""
        view = self._view
        body = {"comments": view.comments, "bullets": view.bullets, "sharing": view.sharing}
        return Notice(
            b"event: interaction\ndata: %b\n\n" % msgspec.json.encode(body),
            msgspec.json.encode({"event": "interaction", "seq": self.last, **body}).decode(),
        )

    async def run(self) -> None:
        subscription = self._desk.subscribe(self.channel)
        try:
            await self._load()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(subscription))
                group.create_task(self._reconcile())
                group.create_task(self._watch_interaction())
                group.create_task(self._keep_alive())
        finally:
            subscription.close()

    async def _load(self) -> None:
        while self._recent is None:
            try:
                floor, last, shown, events = await self._database.read(_newest_of, self.channel)
            except StoreError as error:
                _log.warning("feed_unread", channel=self.channel, reason=str(error))
                await asyncio.sleep(_RETRY_S)
            else:
                self._recent = Recent(floor, last, shown, events)
        self._loaded.set()

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            item = await subscription.get()
            if item is None:
                subscription.resume()
                await self._catch_up()
            elif item.id <= self.last + 1:
                self._add(item)
            else:  # the numbers between are another channel's, or of a commit that nobody was told of
                await self._catch_up()

    async def _reconcile(self) -> None:
        """Look for events that nobody told of.

        The desk has every reader look at the store after a commit whose end it does not know (`Feed.miss`),
        and a number that is missing shows at the next event. What is left: a database that carries such a
        commit out after the desk has read anew, with nothing published since.
        """
        while True:
            await asyncio.sleep(RECONCILE_S)
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Read from the store what the subscription did not bring."""
        while True:
            try:
                found = await self._database.read(_after, self.channel, self.last)
            except StoreError:
                await asyncio.sleep(_RETRY_S)
                continue
            for item in found:
                self._add(item)
            if len(found) < PAGE:
                return

    def _add(self, item: FeedItem) -> None:
        if self._recent is None or item.id <= self._recent.last:
            return
        self._push(self._recent.add(item))

    def _push(self, one: Event | Notice) -> None:
        for reader in list(self.readers):
            reader.push(one)

    async def _watch_interaction(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            view = self._desk.interaction(self.channel)
            changed = _switches(view) != _switches(self._view)
            self._view = view
            if changed:
                self._push(self.notice())

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S)
            self._push(KEEP_ALIVE)

    # ------------------------------------------------------------ readers

    @contextlib.asynccontextmanager
    async def reading(
        self, after: int | None, address: str, drop: Callable[[], None]
    ) -> AsyncIterator["Joining"]:
        """Let somebody read from `after` on; None: from the newest comments. Raises RequestRefused."""
        if len(self.readers) >= MAX_READERS:
            raise RequestRefused(BUSY, 5)
        if self._crowd[address] >= MAX_OF_ADDRESS:
            raise RequestRefused(RATE_LIMITED, 5)
        self._crowd[address] += 1
        joining = None
        try:
            await self._until_loaded()
            if after is not None and after > self.last:
                after = await self._plausible(after)
            yield (joining := Joining(self, after, drop))
        finally:
            self._crowd[address] -= 1
            if not self._crowd[address]:
                del self._crowd[address]
            if joining is not None and joining.reader is not None:
                self.readers.discard(joining.reader)
                joining.reader.end()

    async def _until_loaded(self) -> None:
        try:
            async with asyncio.timeout(LOADED_S):
                await self._loaded.wait()
        except TimeoutError:
            raise RequestRefused(DATABASE_AWAY, 1) from None

    async def _plausible(self, after: int) -> int | None:
        """Return a number beyond what memory knows; None when the store does not know it either.

        That happens to readers after an older database was put back.
        """
        try:
            last = await self._database.read(published.last_id)
        except StoreError:
            raise RequestRefused(DATABASE_AWAY, 1) from None
        return after if after <= last else None

    def join(self, after: int | None, drop: Callable[[], None]) -> Reader | None:
        """Let a reader follow from now on, if memory reaches back to `after`. One step of the event loop."""
        assert self._recent is not None, "loaded"
        events = self._recent.newest(NEWEST) if after is None else self._recent.after(after)
        if events is None:
            return None
        reader = Reader(self.last if after is None else after, drop)
        reader.begin(events)
        self.readers.add(reader)
        return reader

    async def page(self, after: int) -> list[Event]:
        """Return events after a number from the store, at most 500. Raises StoreError."""
        async with self._paging:
            found = await self._database.read(_after, self.channel, after)
        return [Event(item) for item in found]


class Joining:
    """How a reader comes in: pages of the store first, where memory does not reach back, then `reader`."""

    def __init__(self, hub: Hub, after: int | None, drop: Callable[[], None]) -> None:
        self.reader: Reader | None = None
        self._hub, self._after, self._drop = hub, after, drop

    async def next(self) -> Sequence[Event | Notice]:
        """Return what comes next, in order; nothing: the reader was dropped, or the store is away."""
        while self.reader is None:
            reader = self._hub.join(self._after, self._drop)
            if reader is not None:
                self.reader = reader
                reader.push(self._hub.notice())
                break
            assert self._after is not None, "memory always has the newest"
            known = self._hub.last  # committed before the page is read
            try:
                events = await self._hub.page(self._after)
            except StoreError:
                return []  # it comes back with the number it has
            after = events[-1].id if events else self._after
            self._after = after if len(events) == PAGE else max(after, known)
            if events:
                return events
        return await self.reader.next()


class Feeds:
    """All hubs. `run` lets each of them follow the desk until it is cancelled."""

    def __init__(self, desk: DeskSide, database: AsyncDatabase) -> None:
        self._desk, self._database = desk, database
        self._hubs: dict[str, Hub] = {}
        self._crowd: Counter[str] = Counter()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            for hub in self._hubs.values():
                group.create_task(hub.run())
            await asyncio.Event().wait()

    def hub(self, channel: str) -> Hub:
        """Return the hub of a channel that is known; it is made at first use. Raises RequestRefused."""
        hub = self._hubs.get(channel)
        if hub is None:
            if len(self._hubs) >= MAX_CHANNELS:
                raise RequestRefused(BUSY, 5)
            hub = self._hubs[channel] = Hub(channel, self._desk, self._database, self._crowd)
            if self._group is not None:
                self._group.create_task(hub.run())
        return hub

    def end_readers(self) -> None:
        """Let every reader go: the process ends."""
        for hub in self._hubs.values():
            for reader in list(hub.readers):
                reader.end()

    def count_readers(self) -> int:
        return sum(len(hub.readers) for hub in self._hubs.values())


def _switches(view: InteractionView) -> tuple[bool, bool, bool]:
    return view.comments, view.bullets, view.sharing


def _after(session: Session, channel: str, after: int) -> list[FeedItem]:
    return [feed_item(found) for found in published.read_after(session, channel, after, limit=PAGE)]


def _newest_of(session: Session, channel: str) -> tuple[int, int, list[FeedItem], list[FeedItem]]:
    """Return what `Recent` begins with: floor, last number, comments shown now, events after the floor."""
    last = published.last_id(session)
    floor = max(0, last - MAX_EVENTS)
    shown = published.list_newest(session, channel, limit=MAX_SHOWN)
    events = published.read_after(session, channel, floor, limit=MAX_EVENTS)
    return floor, last, [feed_item(one) for one in shown], [feed_item(one) for one in events]
