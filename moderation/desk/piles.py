"""Open cards in memory, sorted into piles, so that a queue of thousands answers at once. Pure.

Only what is committed stands here. The event loop changes it; the writer's thread reads it.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from sortedcontainers import SortedList

from moderation.desk.members import Member
from moderation.desk.messages import Pile
from moderation.filter.policy import Verdict
from moderation.review.card import Card, State
from moderation.review.dealing import TRUST_S, Order, order_key

OPEN: frozenset[State] = frozenset({State.WAITING, State.BLOCKED, State.APPROVED})
MAX_NAMES = 100
"""Different names of authors on a card: reviewers see all of them, so no more may join."""

Rank = tuple[float, int]
"""Where a card stands among those of its verdict: see `order_key`."""


@dataclass(slots=True)
class Entry:
    """A card and its comments, the oldest first."""

    card: Card
    members: list[Member]
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.names.update(one.author for one in self.members)

    def add(self, members: Iterable[Member]) -> None:
        for one in members:
            self.members.append(one)
            self.names.add(one.author)


class Slot(NamedTuple):
    """Which pile a card lies on."""

    pile: Pile
    stage: int
    verdict: Verdict
    trusted: bool


Equal = tuple[str, str, str, Verdict]


def pile_of(card: Card) -> Pile:
    """Return the pile of a card: one that is held lies on a pile of its own."""
    if card.held and card.state in OPEN:
        return "held"
    return card.state.value


def _slot(card: Card) -> Slot:
    return Slot(pile_of(card), int(card.stage), card.verdict, card.trusted)


def rank(card: Card) -> Rank:
    _, opened_at, card_id = order_key(card, Order.OLDEST)
    return opened_at, card_id


class ChannelPiles:
    """The open cards of one channel."""

    def __init__(self) -> None:
        self._sorted: defaultdict[Slot, SortedList] = defaultdict(SortedList)
        self.broadcasts: Counter[str] = Counter()
        self.comments = 0
        self._cards = 0

    def __len__(self) -> int:
        return self._cards

    def add(self, card: Card) -> None:
        self._sorted[_slot(card)].add(rank(card))
        self._cards += 1
        self.broadcasts[card.broadcast] += 1
        self.comments += len(card.comments)

    def take_out(self, card: Card) -> None:
        self._sorted[_slot(card)].remove(rank(card))
        self._cards -= 1
        self.broadcasts[card.broadcast] -= 1
        if not self.broadcasts[card.broadcast]:
            del self.broadcasts[card.broadcast]
        self.comments -= len(card.comments)

    def ids(
        self, pile: Pile, *, stage: int = 0, order: Order = Order.OLDEST, after: Card | None = None
    ) -> Iterator[int]:
        """Yield the cards of a pile in order. `stage` 0: all. `after`: only those that come behind it."""
        slots = [one for one in self._sorted if one.pile == pile and stage in (0, one.stage)]
        if order is Order.OLDEST:
            groups = [slots]
        else:
            slots.sort(key=lambda one: -one.verdict)
            groups = [list(some) for _, some in itertools.groupby(slots, key=lambda one: one.verdict)]
        for group in groups:
            low: Rank | None = None
            if after is not None:
                verdict = group[0].verdict
                if order is Order.GRAVEST and verdict > after.verdict:
                    continue
                if order is Order.OLDEST or verdict == after.verdict:
                    low = rank(after)
            lists = [self._sorted[slot].irange(low, inclusive=(False, True)) for slot in group]
            yield from (card_id for _, card_id in heapq.merge(*lists))

    def count(self, pile: Pile, stage: int = 0) -> int:
        return sum(
            len(ranks)
            for slot, ranks in self._sorted.items()
            if slot.pile == pile and stage in (0, slot.stage)
        )

    def oldest(self, pile: Pile) -> float | None:
        """Return when the oldest card of a pile was opened."""
        firsts = [
            ranks[0][0] + (TRUST_S if slot.trusted else 0.0)
            for slot, ranks in self._sorted.items()
            if slot.pile == pile and ranks
        ]
        return min(firsts, default=None)


_NOTHING = ChannelPiles()


class Piles:
    """The open cards of all channels. `get` and `find_equal` may be called from the writer's thread."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._channels: dict[str, ChannelPiles] = {}
        self._equal: dict[Equal, int] = {}
        self._due: SortedList = SortedList()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, card_id: int) -> bool:
        return card_id in self._entries

    def get(self, card_id: int) -> Entry | None:
        return self._entries.get(card_id)

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def channels(self) -> list[str]:
        return list(self._channels)

    def of(self, channel: str) -> ChannelPiles:
        """Return the piles of a channel; there may be nothing on them."""
        found = self._channels.get(channel)
        return _NOTHING if found is None else found

    def find_equal(self, channel: str, broadcast: str, key: str, verdict: Verdict) -> Entry | None:
        """Return the newest card that an equal comment may join, leases aside."""
        card_id = self._equal.get((channel, broadcast, key, verdict))
        entry = None if card_id is None else self._entries.get(card_id)
        return entry if entry is not None and can_take(entry) else None

    def put(self, card: Card, members: Iterable[Member] | None = None) -> None:
        """Put a card as it is now. `members`: those of a card that is new here, or that have joined it.

        A card whose review has ended is taken away.
        """
        entry = self._entries.get(card.id)
        if entry is not None:
            self._forget(entry.card)
        if card.state not in OPEN:
            self._entries.pop(card.id, None)
            return
        if entry is None:
            entry = self._entries[card.id] = Entry(card, list(members or ()))
        else:
            entry.card = card
            entry.add(members or ())
        if (piles := self._channels.get(card.channel)) is None:
            piles = self._channels[card.channel] = ChannelPiles()
        piles.add(card)
        if can_take(entry):
            self._equal[_equal(card)] = card.id
        if card.publish_at is not None and not card.held:
            self._due.add((card.publish_at, card.id))

    def replace_members(self, card_id: int, members: list[Member]) -> None:
        """Take over what the filter says of a card's comments now."""
        if (entry := self._entries.get(card_id)) is not None:
            entry.members = members

    def due(self, now: float) -> list[int]:
        """Return the approved cards that are to be published by now, in the order they fell due."""
        return [card_id for _, card_id in self._due.irange(None, (now, float("inf")))]

    def next_due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def _forget(self, card: Card) -> None:
        self._channels[card.channel].take_out(card)
        if self._equal.get(_equal(card)) == card.id:
            del self._equal[_equal(card)]
        if card.publish_at is not None and not card.held:
            self._due.remove((card.publish_at, card.id))


def can_take(entry: Entry) -> bool:
    """Say whether a further equal comment may join."""
    card = entry.card
    like = {"channel": card.channel, "broadcast": card.broadcast, "key": card.key}
    return len(entry.names) < MAX_NAMES and card.can_join(verdict=card.verdict, **like)


def _equal(card: Card) -> Equal:
    return card.channel, card.broadcast, card.key, card.verdict
