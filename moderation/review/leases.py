"""Leases: which reviewer works on which card, so that two do not work on the same one.

Leases are kept in memory only and may be lost at a restart. They do not guard decisions: a second decision is
refused because the card has another revision.
"""

from dataclasses import dataclass

from moderation.review import refusals

LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A reviewer works on a card until `ends_at`."""

    card_id: int
    user_id: int
    ends_at: float


class Leases:
    """All leases. A person has at most one: claiming another card releases the former one.

    Methods take `now` in seconds of a clock that does not step; if it runs backwards the latest time seen
    counts. `lease_s`: how long a lease lasts after its last touch.
    """

    def __init__(self, lease_s: float = LEASE_S) -> None:
        self._lease_s = lease_s
        self._now = 0.0
        self._of_card: dict[int, Lease] = {}
        self._of_person: dict[int, Lease] = {}

    def claim(self, card_id: int, user_id: int, now: float) -> Lease:
        """Claim a card, or extend the lease. Raises ReviewRefused (`taken`) while somebody else has it."""
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
        """Return the account that has the card; None: nobody has."""
        lease = self._of_card.get(card_id)
        return None if lease is None or lease.ends_at <= self._tick(now) else lease.user_id

    def card_of(self, user_id: int, now: float) -> int | None:
        """Return the card that this person has; None: there is none."""
        lease = self._of_person.get(user_id)
        return None if lease is None or lease.ends_at <= self._tick(now) else lease.card_id

    def cards(self, now: float) -> list[int]:
        """Return all cards with a lease."""
        now = self._tick(now)
        return [lease.card_id for lease in self._of_card.values() if lease.ends_at > now]

    def release(self, card_id: int) -> None:
        """End the lease of a card, for example because it was decided."""
        lease = self._of_card.pop(card_id, None)
        if lease is not None:
            del self._of_person[lease.user_id]

    def release_all(self, user_id: int) -> int | None:
        """End the lease of a person, for example at a disconnect. Return its card; None: there was none."""
        lease = self._of_person.get(user_id)
        if lease is None:
            return None
        self.release(lease.card_id)
        return lease.card_id

    def expire(self, now: float) -> list[int]:
        """Remove the leases that have run out. Return their cards, so that the caller can notify others."""
        now = self._tick(now)
        over = [card_id for card_id, lease in self._of_card.items() if lease.ends_at <= now]
        for card_id in over:
            self.release(card_id)
        return over

    def _tick(self, now: float) -> float:
        self._now = max(self._now, now)
        return self._now
