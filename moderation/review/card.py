"""A card: one or more equal comments that are reviewed together, with the state of their review."""

import enum
from dataclasses import dataclass
from typing import Literal

import msgspec

from moderation.filter.policy import Verdict
from moderation.review.stages import Rules, Stage, stages_needed

_STAGES = {int(one): one for one in Stage}
MAX_COMMENTS = 500
"""Most comments on one card; the next equal comment opens another card."""


class State(enum.StrEnum):
    """The state of a card. The values are stable: the interface uses them and the database checks them."""

    BLOCKED = "blocked"
    """The filter's verdict is `block`.

    The card waits on a pile of its own until a senior reviewer restores it.
    """
    WAITING = "waiting"
    """Waits for a decision in `Card.stage`."""
    APPROVED = "approved"
    """Every stage has approved. The card is published at `publish_at`, unless somebody undoes an approval."""
    PUBLISHED = "published"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Its broadcast ended before the review did. It is never published."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision in one stage.

    `role`: that entitled the person. `code`, `note`: reason of a rejection.
    """

    stage: Stage
    decision: Literal["approve", "reject"]
    user_id: int
    role: str
    at: float
    code: str = ""
    note: str = ""


class Card(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A card. Times are seconds since the epoch.

    `key`: the equality key of its comments; opaque here. `comments`: their ids, the oldest first. `stages`:
    how many approvals it needs. `revision`: rises with every change; a decision names the revision that the
    person saw. `held`: why it must not be approved or published for now; "" if it may. `escalated`: a
    reviewer asked for one more stage. `rescued`: restored from the blocked pile. `trusted`: its author is
    trusted, so that it comes earlier in the queue; that has no other effect.

    A Struct: thousands are opened a second. A dataclass takes 3 us, and the collector looks at each.
    """

    id: int
    channel: str
    broadcast: str
    key: str
    comments: tuple[int, ...]
    verdict: Verdict
    stages: int
    state: State
    opened_at: float
    revision: int = 1
    approvals: tuple[Decision, ...] = ()
    rejection: Decision | None = None
    publish_at: float | None = None
    held: str = ""
    escalated: bool = False
    rescued: bool = False
    trusted: bool = False
    retracted: frozenset[int] = frozenset()

    @property
    def stage(self) -> Stage:
        """The stage that decides next; the last stage when all have decided."""
        return _STAGES[min(len(self.approvals) + 1, self.stages)]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions that stand, in the order of their stages."""
        return self.approvals if self.rejection is None else (*self.approvals, self.rejection)

    def is_decided_by(self, user_id: int) -> bool:
        return any(one.user_id == user_id for one in self.decisions)

    def can_join(self, *, channel: str, broadcast: str, key: str, verdict: Verdict) -> bool:
        """Return whether a comment with these values may join this card.

        It may join only while nobody has acted on the card, because a decision covers only what the person
        saw. The caller also keeps comments off cards with a lease.
        """
        return self.accepts_more and (self.channel, self.broadcast, self.key, self.verdict) == (
            channel,
            broadcast,
            key,
            verdict,
        )

    @property
    def accepts_more(self) -> bool:
        """Whether an equal comment may join this card. See `can_join`."""
        return (
            (self.state is State.WAITING or self.state is State.BLOCKED)
            and not (self.approvals or self.held or self.escalated or self.rescued)
            and len(self.comments) < MAX_COMMENTS
        )


def open_card(
    card_id: int,
    comment: int,
    *,
    channel: str,
    broadcast: str,
    key: str,
    verdict: Verdict,
    stages: int,
    now: float,
    rules: Rules,
    held: str = "",
    trusted: bool = False,
) -> Card:
    """Return a new card for an incoming comment. `stages`: how many approvals the filter asks for.

    The card is blocked when the verdict is `block`; otherwise it waits for review.
    """
    return Card(
        id=card_id,
        channel=channel,
        broadcast=broadcast,
        key=key,
        comments=(comment,),
        verdict=verdict,
        stages=stages_needed(verdict, stages, rules),
        state=State.BLOCKED if verdict is Verdict.BLOCK else State.WAITING,
        opened_at=now,
        held=held,
        trusted=trusted,
    )
