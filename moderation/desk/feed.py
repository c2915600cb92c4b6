"""Subscriptions to the published feed: each is a bounded queue of committed events."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Self

from moderation.desk.intake import FeedItem
from streamgate.store.published import Item

MAX_ITEMS = 1000


class Subscription:
    """The events of one channel from now on, in order, each once.

    with desk.subscribe("main") as items:
        item = await items.get()

    `lagging`: events are missing, because the reader was too slow or because nobody knows what a failed
    commit stored. Call `resume`, then read from the store what follows the last number seen. An event that
    comes twice has the same number.
    """

    def __init__(self, feed: "Feed", channel: str, limit: int = MAX_ITEMS) -> None:
        self.channel = channel
        self.lagging = False
        self._feed = feed
        self._limit = limit
        self._items: deque[FeedItem] = deque()
        self._there = asyncio.Event()

    async def get(self) -> FeedItem | None:
        """Return the next item; None when `lagging`."""
        while not self._items:
            if self.lagging:
                return None
            self._there.clear()
            await self._there.wait()
        return self._items.popleft()

    def take_all(self) -> list[FeedItem]:
        """Return the queued events without waiting."""
        items = list(self._items)
        self._items.clear()
        return items

    def resume(self) -> None:
        """Queue events again, after `lagging`."""
        self.lagging = False

    def close(self) -> None:
        self._feed.forget(self)

    def put(self, item: FeedItem) -> None:
        """Queue an event. When the queue is full, empty it and set `lagging`."""
        if self.lagging:
            return
        if len(self._items) >= self._limit:
            self.miss()
        else:
            self._items.append(item)
            self._there.set()

    def miss(self) -> None:
        """Empty the queue and set `lagging`, so that the reader reads the store."""
        self._items.clear()
        self.lagging = True
        self._there.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Feed:
    """All subscriptions, by channel."""

    def __init__(self) -> None:
        self._readers: defaultdict[str, set[Subscription]] = defaultdict(set)

    def subscribe(self, channel: str) -> Subscription:
        made = Subscription(self, channel)
        self._readers[channel].add(made)
        return made

    def forget(self, one: Subscription) -> None:
        readers = self._readers.get(one.channel, set())
        readers.discard(one)
        if not readers:
            self._readers.pop(one.channel, None)

    def miss(self) -> None:
        """Make every subscription lag: a commit may have stored events that were not published here."""
        for readers in self._readers.values():
            for one in readers:
                one.miss()

    def publish(self, items: Iterable[tuple[str, Item]]) -> None:
        """Put committed events, each with its channel, into the subscriptions of that channel."""
        for channel, item in items:
            if readers := self._readers.get(channel):
                made = feed_item(item)
                for one in tuple(readers):
                    one.put(made)


def feed_item(item: Item) -> FeedItem:
    """Return a stored event in the form in which readers of the feed get it."""
    return FeedItem(
        item.id, item.kind, item.comment_id, item.author, item.text, item.at_media_s, item.at, item.bullet
    )
