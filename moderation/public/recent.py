"""The newest events of one channel's feed in memory, so that most readers resume without the database. Pure.

Events have rising numbers. All events of the channel above the number `floor` are here, except publications
that were retracted later; their retractions are here. So a reader can resume exactly after any number from
`floor` on.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from moderation.desk.intake import FeedItem

MAX_EVENTS = 2000
MAX_SHOWN = 200
_encoder = msgspec.json.Encoder()


class Event:
    """A feed item, encoded once for all readers: `sse`, and `text` (JSON of a websocket)."""

    __slots__ = ("comment_id", "id", "kind", "sse", "text")

    def __init__(self, item: FeedItem) -> None:
        self.id, self.kind, self.comment_id = item.id, item.kind, item.comment_id
        body: dict[str, object] = {"id": item.comment_id}
        if item.kind == "publish":
            body |= {
                "author": item.author,
                "text": item.text,
                "at_media_s": item.at_media_s,
                "published_at": item.at,
                "bullet": item.bullet,
            }
        self.sse = b"id: %d\nevent: %b\ndata: %b\n\n" % (item.id, item.kind.encode(), _encoder.encode(body))
        self.text = _encoder.encode({"event": item.kind, "seq": item.id, **body}).decode()


class RecentEvents:
    """`last`: the highest known number, of this or another channel."""

    def __init__(self, floor: int, last: int, shown: Iterable[FeedItem], events: Iterable[FeedItem]) -> None:
        """Start with what the store has: published comments (`shown`), all `events` after `floor`."""
        self.floor, self.last = floor, last
        self._shown = {item.comment_id: Event(item) for item in shown}
        self._events = deque(Event(item) for item in events)
        self._trim()

    def add(self, item: FeedItem) -> Event:
        """Add the next event and return it, encoded."""
        event = Event(item)
        self.last = item.id
        if item.kind == "retract":
            self._shown.pop(item.comment_id, None)
            kept = (one for one in self._events if one.comment_id != item.comment_id)
            self._events = deque(kept)
        else:
            self._shown[item.comment_id] = event
        self._events.append(event)
        self._trim()
        return event

    def after(self, number: int) -> list[Event] | None:
        """Return the events after `number`; None: memory does not reach back so far."""
        if number < self.floor:
            return None
        if number >= self.last:
            return []
        return [event for event in self._events if event.id > number]

    def newest(self, number: int) -> list[Event]:
        """Return the newest `number` published comments, the oldest of them first."""
        return list(self._shown.values())[-number:]

    def _trim(self) -> None:
        while len(self._events) > MAX_EVENTS:
            self.floor = self._events.popleft().id
        while len(self._shown) > MAX_SHOWN:
            del self._shown[next(iter(self._shown))]
