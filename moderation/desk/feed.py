"""Subscriptions to the published feed: each a bounded queue of what was committed."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Self

from moderation.desk.intake import FeedItem
from streamgate.store.published import Item

MAX_ITEMS = 1000


class Subscription:
    """Items of a channel from now on, in order, each once.

        with desk.subscribe("main") as items:
            item = await items.get()

    `lagging`: items are missing, as the reader was too slow or nobody knows what a commit that failed has
    brought: what is missing stands in the store. Read it there after the last number seen, having called
    `resume` before; numbers seen twice are the same items.
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
        """Return what waits, without waiting."""
        items = list(self._items)
        self._items.clear()
        return items

    def resume(self) -> None:
        """Queue items again."""
        self.lagging = False

    def close(self) -> None:
        self._feed.forget(self)

    def put(self, item: FeedItem) -> None:
        """Queue an item; a queue that is full is emptied."""
        if self.lagging:
            return
        if len(self._items) >= self._limit:
            self.miss()
        else:
            self._items.append(item)
            self._there.set()

    def miss(self) -> None:
        """Have the reader look at the store."""
        self._items.clear()
        self.lagging = True
        self._there.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Feed:
    """Who reads which channel."""

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
        """Have everybody look at the store: something may have been committed that was not handed out."""
        for readers in self._readers.values():
            for one in readers:
                one.miss()

    def publish(self, items: Iterable[tuple[str, Item]]) -> None:
        """Hand out items that were committed, each with its channel."""
        for channel, item in items:
            if readers := self._readers.get(channel):
                made = feed_item(item)
                for one in tuple(readers):
                    one.put(made)


def feed_item(item: Item) -> FeedItem:
    """Return an event of the store as readers of the feed get it."""
    return FeedItem(
        item.id, item.kind, item.comment_id, item.author, item.text, item.at_media_s, item.at, item.bullet
    )
