"""The published feed in memory. Each channel has a hub, which encodes an event once for all its readers.

A reader that comes back with the number of its last event gets exactly the events after it: from memory, or
first from the store and then from memory. A reader joins in one step of the event loop, so that there is no
gap between the events in memory and later ones.
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
from moderation.public.desk_interface import DeskInterface, Subscription
from moderation.public.problems import BUSY, DATABASE_AWAY, RATE_LIMITED, RequestRefused
from moderation.public.recent import MAX_EVENTS, MAX_SHOWN, Event, RecentEvents
from streamgate.errors import StoreError
from streamgate.store import published
from streamgate.store.database import AsyncDatabase

NEWEST = 50
"""Comments that a reader without a number gets first."""
MAX_WAITING = 512
"""Most events queued for one reader. With more it is dropped; it connects again and resumes."""
MAX_READERS = 6000
MAX_OF_ADDRESS = 2500
"""Most readers of one address on all channels: enough for a school behind one router."""
MAX_CHANNELS = 256
LOOK_S = 0.2  # between two looks for changed interaction settings
LOADED_S = 5.0
KEEP_ALIVE_S = 15.0
RECONCILE_S = 30.0
PAGE = 500
_PAGING = 4  # readers that the store serves at the same time
_RETRY_S = 1.0
_log = structlog.get_logger("comments")


class Notice(NamedTuple):
    """A message without a number.

    `sse`: for server-sent events. `text`: for websockets; "": not sent there.
    """

    sse: bytes
    text: str


KEEP_ALIVE = Notice(b": keep-alive\n\n", "")


class Reader:
    """One connection that reads a feed. `drop` is called when it reads too slowly."""

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
        """Queue the events that the reader has missed. They do not count towards MAX_WAITING."""
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
        """Wait for events and return all that are queued; an empty list: the reader was dropped."""
        while not self._waiting and not self.dropped:
            self._woken.clear()
            await self._woken.wait()
        found = list(self._waiting)
        self._waiting.clear()
        self._most = MAX_WAITING
        return found


class Hub:
    """One channel's feed. `run` follows the desk until it is cancelled."""

    def __init__(
        self, channel: str, desk: DeskInterface, database: AsyncDatabase, readers_by_address: Counter[str]
    ) -> None:
        """Create a hub. `readers_by_address`: the number of readers of each address on all channels."""
        self.channel = channel
        self.readers: set[Reader] = set()
        self._desk, self._database, self._readers_by_address = desk, database, readers_by_address
        self._recent: RecentEvents | None = None
        self._loaded = asyncio.Event()
        self._paging = asyncio.Semaphore(_PAGING)
        self._view = desk.interaction(channel)

    @property
    def last(self) -> int:
        return 0 if self._recent is None else self._recent.last

    def notice(self) -> Notice:
        """Return a notice of the current interaction settings."""
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
                self._recent = RecentEvents(floor, last, shown, events)
        self._loaded.set()

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            item = await subscription.get()
            if item is None:
                subscription.resume()
                await self._catch_up()
            elif item.id <= self.last + 1:
                self._add(item)
            else:  # the missing numbers are of other channels, or of a commit that was not published here
                await self._catch_up()

    async def _reconcile(self) -> None:
        """Read the store at intervals, for events that were committed but not published here.

        After a commit with an unknown outcome the desk makes all subscriptions read the store (`Feed.miss`),
        and a missing number shows at the next event. What remains is a database that carries out such a
        commit after the desk has reloaded, with no event since.
        """
        while True:
            await asyncio.sleep(RECONCILE_S)
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Read from the store the events that the subscription lacks."""
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
    ) -> AsyncIterator["CatchUpReader"]:
        """Open a reader of the events after number `after`; None: from the newest comments.

        Raises RequestRefused.
        """
        if len(self.readers) >= MAX_READERS:
            raise RequestRefused(BUSY, 5)
        if self._readers_by_address[address] >= MAX_OF_ADDRESS:
            raise RequestRefused(RATE_LIMITED, 5)
        self._readers_by_address[address] += 1
        catch_up = None
        try:
            await self._until_loaded()
            if after is not None and after > self.last:
                after = await self._plausible(after)
            yield (catch_up := CatchUpReader(self, after, drop))
        finally:
            self._readers_by_address[address] -= 1
            if not self._readers_by_address[address]:
                del self._readers_by_address[address]
            if catch_up is not None and catch_up.reader is not None:
                self.readers.discard(catch_up.reader)
                catch_up.reader.end()

    async def _until_loaded(self) -> None:
        try:
            async with asyncio.timeout(LOADED_S):
                await self._loaded.wait()
        except TimeoutError:
            raise RequestRefused(DATABASE_AWAY, 1) from None

    async def _plausible(self, after: int) -> int | None:
        """Check a number above the last one in memory. Return None when the store does not have it either.

        That happens to readers after an older database was restored.
        """
        try:
            last = await self._database.read(published.last_id)
        except StoreError:
            raise RequestRefused(DATABASE_AWAY, 1) from None
        return after if after <= last else None

    def join(self, after: int | None, drop: Callable[[], None]) -> Reader | None:
        """Add a reader of the events after `after`; None: memory does not reach back so far.

        It never awaits.
        """
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


class CatchUpReader:
    """Reads a feed: first pages of the store, as far as memory does not reach back, then from `reader`."""

    def __init__(self, hub: Hub, after: int | None, drop: Callable[[], None]) -> None:
        self.reader: Reader | None = None
        self._hub, self._after, self._drop = hub, after, drop

    async def next(self) -> Sequence[Event | Notice]:
        """Return the next events, in order; an empty list: the reader was dropped, or the store is away."""
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
                return []  # the client reconnects with its last number
            after = events[-1].id if events else self._after
            self._after = after if len(events) == PAGE else max(after, known)
            if events:
                return events
        return await self.reader.next()


class Feeds:
    """The hubs of all channels. `run` runs them until it is cancelled."""

    def __init__(self, desk: DeskInterface, database: AsyncDatabase) -> None:
        self._desk, self._database = desk, database
        self._hubs: dict[str, Hub] = {}
        self._readers_by_address: Counter[str] = Counter()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            for hub in self._hubs.values():
                group.create_task(hub.run())
            await asyncio.Event().wait()

    def hub(self, channel: str) -> Hub:
        """Return the hub of a known channel; create it at first use. Raises RequestRefused."""
        hub = self._hubs.get(channel)
        if hub is None:
            if len(self._hubs) >= MAX_CHANNELS:
                raise RequestRefused(BUSY, 5)
            hub = self._hubs[channel] = Hub(channel, self._desk, self._database, self._readers_by_address)
            if self._group is not None:
                self._group.create_task(hub.run())
        return hub

    def end_readers(self) -> None:
        """End all readers, because the process stops."""
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
    """Return the arguments of `RecentEvents`: floor, last number, published comments, events."""
    last = published.last_id(session)
    floor = max(0, last - MAX_EVENTS)
    shown = published.list_newest(session, channel, limit=MAX_SHOWN)
    events = published.read_after(session, channel, floor, limit=MAX_EVENTS)
    return floor, last, [feed_item(one) for one in shown], [feed_item(one) for one in events]
