"""Finds cards for reviewers: open cards in memory, the others in the database."""

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from sqlalchemy.orm import Session

from moderation.desk import card_records
from moderation.desk.desk import Desk
from moderation.desk.members import Member, load_members
from moderation.desk.messages import CardView, Person, Queue
from moderation.desk.piles import Entry
from moderation.desk.views import ViewContext, view
from moderation.review import refusals
from moderation.review.card import Card
from moderation.review.events import Reviewer
from moderation.review.queue_order import Order
from streamgate.clock import now_us, wall_s
from streamgate.store import cards

_IN_MEMORY = ("waiting", "blocked", "held", "approved")


class CardWithComments(NamedTuple):
    """A card and its comments."""

    card: Card
    members: Sequence[Member]

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(entry.card, entry.members)


class Lookup:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def find(self, channel: str, card_ids: Iterable[int]) -> list[CardWithComments]:
        """Return these cards in the same order, without those that are not on the channel.

        Raises StoreError.
        """
        wanted = list(dict.fromkeys(card_ids))
        found = {
            one: CardWithComments.of(entry)
            for one in wanted
            if (entry := self._desk.piles.get(one)) is not None
        }
        if missing := [one for one in wanted if one not in found]:
            found |= await self._desk.reader.read(_read, missing)
        return [found[one] for one in wanted if one in found and found[one].card.channel == channel]

    async def get(self, channel: str, card_id: int) -> CardWithComments:
        """Return one card. Raises ReviewRefused (`not_found`), StoreError."""
        for one in await self.find(channel, [card_id]):
            return one
        raise refusals.not_found(channel, card_id)

    async def queue(self, asked: Queue, limit: int) -> list[CardWithComments]:
        """Return at most `limit` cards of a pile, in order. Raises StoreError."""
        piles = self._desk.piles
        if asked.pile not in _IN_MEMORY:
            before = asked.after or None
            ids = await self._desk.reader.read(
                cards.list_in_state, asked.channel, asked.pile, before=before, limit=limit
            )
            return await self.find(asked.channel, ids)
        after: Card | None = None
        if asked.after:
            after = next((one.card for one in await self.find(asked.channel, [asked.after])), None)
        ids_in_order = piles.of(asked.channel).ids(
            asked.pile, stage=asked.stage, order=Order(asked.order), after=after
        )
        entries = (piles.get(card_id) for card_id in itertools.islice(ids_in_order, limit))
        return [CardWithComments.of(entry) for entry in entries if entry is not None]

    async def view(self, channel: str, card_id: int, by: Person | None = None) -> CardView | None:
        """Return a card in the form for `by`; None: the channel has no card of that number."""
        found = await self.find(channel, [card_id])
        return self.view_of(found[0], by) if found else None

    def view_of(self, found: CardWithComments, by: Person | None = None) -> CardView:
        """Return a card in the form for `by`. Without `by`, `mine` and `may_decide` are false."""
        desk, card = self._desk, found.card
        asker = None if by is None or by.user_id <= 0 else Reviewer(by.user_id, frozenset(by.roles))
        context = ViewContext(
            wall_s(),
            desk.rules(card.channel).window_s,
            desk.sources,
            desk.people,
            desk.leases.holder(card.id, now_us() / 1e6),
            asker,
        )
        return view(card, found.members, context)


def _read(session: Session, card_ids: Sequence[int]) -> dict[int, CardWithComments]:
    found = card_records.load_many(session, card_ids)
    members = load_members(session, found)
    return {
        card_id: CardWithComments(card, members[card_id])
        for card_id, card in found.items()
        if card_id in members
    }
