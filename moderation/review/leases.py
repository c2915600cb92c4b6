"""Leases: who works on which card, so that two reviewers do not work on the same one.

They are a courtesy between people and live in memory only. What is decided twice is refused by the card's
revision, lease or not; so a restart may forget them.
"""

from dataclasses import dataclass

from moderation.review import refusals

LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A person's hold on a card until `ends_at`."""

    card_id: int
    user_id: int
    ends_at: float


class Leases:
    """All leases. A person has at most one: to touch another card lets the former one go.

    Methods take `now` in seconds of a clock that does not step; if it runs backwards the latest time seen
    counts. `lease_s`: how long a lease lasts after its last touch.
    """

    def __init__(self, lease_s: float = LEASE_S) -> None:
        self._lease_s = lease_s
        self._now = 0.0
        self._of_card: dict[int, Lease] = {}
        self._of_person: dict[int, Lease] = {}

    def claim(self, card_id: int, user_id: int, now: float) -> Lease:
        """Take a card, or take it for longer. Raises ReviewRefused (`taken`) while somebody else has it."""
        self.require_free(card_id, user_id, now)
        self.release_all(user_id)
        self.release(card_id)  # of somebody whose time has run out
        lease = Lease(card_id, user_id, self._tick(now) + self._lease_s)
        self._of_card[card_id] = self._of_person[user_id] = lease
        return lease

    def require_free(self, card_id: int, user_id: int, now: float) -> None:
        """Raise ReviewRefused (`taken`) while somebody else has the card."""
        holder = self.holder(card_id, now)
        if holder not in (None, user_id):
            raise refusals.taken(card_id, holder)

    def holder(self, card_id: int, now: float) -> int | None:
        """Return the account that has the card."""
        lease = self._of_card.get(card_id)
        return None if lease is None or lease.ends_at <= self._tick(now) else lease.user_id

    def card_of(self, user_id: int, now: float) -> int | None:
        """Return the card that somebody has."""
        lease = self._of_person.get(user_id)
        return None if lease is None or lease.ends_at <= self._tick(now) else lease.card_id

    def cards(self, now: float) -> list[int]:
        """Return the cards that somebody has."""
        now = self._tick(now)
        return [lease.card_id for lease in self._of_card.values() if lease.ends_at > now]

    def release(self, card_id: int) -> None:
        """Free a card, for example because it was decided."""
        lease = self._of_card.pop(card_id, None)
        if lease is not None:
            del self._of_person[lease.user_id]

    def release_all(self, user_id: int) -> int | None:
        """Free the card that somebody has, for example at a disconnect. Returns which it was."""
        lease = self._of_person.get(user_id)
        if lease is None:
            return None
        self.release(lease.card_id)
        return lease.card_id

    def expire(self, now: float) -> list[int]:
        """Forget the leases that have run out. Returns their cards, so that the others can be told."""
        now = self._tick(now)
        over = [card_id for card_id, lease in self._of_card.items() if lease.ends_at <= now]
        for card_id in over:
            self.release(card_id)
        return over

    def _tick(self, now: float) -> float:
        self._now = max(self._now, now)
        return self._now
