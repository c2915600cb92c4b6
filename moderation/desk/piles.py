"""Open cards in memory, sorted into piles, so that a queue of thousands is listed in milliseconds. Pure.

It holds committed cards only. The event loop changes it, the writer's threads read it.
"""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sortedcontainers import SortedList

from moderation.desk.members import Member
from moderation.desk.messages import Pile
from moderation.filter.policy import Verdict
from moderation.review.card import Card, State
from moderation.review.queue_order import TRUST_S, Order, order_key

OPEN: frozenset[State] = frozenset({State.WAITING, State.BLOCKED, State.APPROVED})
MAX_NAMES = 100
"""Most different author names on a card, because reviewers see all of them."""

Rank = tuple[float, int]
"""Sort key of a card among those of the same verdict: see `order_key`."""


@dataclass(slots=True)
class Entry:
    """An open card and its comments, the oldest first. `names`: of their authors."""

    card: Card
    members: list[Member]

    @property
    def names(self) -> set[str]:
        """The names of their authors. Most cards have one comment: to keep a set for each would cost more."""
        return {one.author for one in self.members}

    @property
    def takes_names(self) -> bool:
        """Whether one more name has room."""
        return len(self.members) < MAX_NAMES or len(self.names) < MAX_NAMES


class Slot(NamedTuple):
    """What selects a sorted list of cards."""

    pile: Pile
    stage: int
    verdict: Verdict
    trusted: bool


Equal = tuple[str, str, str, Verdict]


def pile_of(card: Card) -> Pile:
    """Return the pile of a card. Held cards have a pile of their own, whatever their state."""
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

    def remove(self, card: Card) -> None:
        self._sorted[_slot(card)].remove(rank(card))
        self._cards -= 1
        self.broadcasts[card.broadcast] -= 1
        if not self.broadcasts[card.broadcast]:
            del self.broadcasts[card.broadcast]
        self.comments -= len(card.comments)

    def ids(
        self, pile: Pile, *, stage: int = 0, order: Order = Order.OLDEST, after: Card | None = None
    ) -> Iterator[int]:
        """Yield the ids of a pile's cards in order.

        `stage` 0: all stages. `after`: only cards sorted after it.
        """
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
        """Return when the oldest card of a pile was opened; None: the pile is empty."""
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
        """Return the piles of a channel. They are empty when the channel has no open card."""
        found = self._channels.get(channel)
        return _NOTHING if found is None else found

    def find_equal(self, channel: str, broadcast: str, key: str, verdict: Verdict) -> Entry | None:
        """Return the newest card that an equal comment may join. The caller checks leases."""
        card_id = self._equal.get((channel, broadcast, key, verdict))
        entry = None if card_id is None else self._entries.get(card_id)
        return entry if entry is not None and accepts_comment(entry) else None

    def put(self, card: Card, members: Sequence[Member] = ()) -> Entry | None:
        """Add or update a card, and return its entry. `members`: comments that are new on it.

        A card whose review has ended is removed, and None is returned.
        """
        entry = self._entries.get(card.id)
        if entry is not None:
            self._forget(entry.card)
        if card.state not in OPEN:
            self._entries.pop(card.id, None)
            return None
        if entry is None:
            entry = self._entries[card.id] = Entry(card, list(members))
        else:
            entry.card = card
            entry.members += members
        if (piles := self._channels.get(card.channel)) is None:
            piles = self._channels[card.channel] = ChannelPiles()
        piles.add(card)
        if accepts_comment(entry):
            self._equal[_equal(card)] = card.id
        if card.publish_at is not None and not card.held:
            self._due.add((card.publish_at, card.id))
        return entry

    def replace_members(self, card_id: int, members: list[Member]) -> None:
        """Replace a card's comments by the same ones with new judgements."""
        if (entry := self._entries.get(card_id)) is not None:
            entry.members = members

    def due(self, now: float) -> list[int]:
        """Return the approved cards that are due for publication, in the order in which they fell due."""
        return [card_id for _, card_id in self._due.irange(None, (now, float("inf")))]

    def next_due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def _forget(self, card: Card) -> None:
        self._channels[card.channel].remove(card)
        if self._equal.get(_equal(card)) == card.id:
            del self._equal[_equal(card)]
        if card.publish_at is not None and not card.held:
            self._due.remove((card.publish_at, card.id))


def accepts_comment(entry: Entry) -> bool:
    """Return whether one more equal comment may join."""
    return entry.takes_names and entry.card.accepts_more


def _equal(card: Card) -> Equal:
    return card.channel, card.broadcast, card.key, card.verdict
