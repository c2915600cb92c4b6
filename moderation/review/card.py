"""A card: one or more equal comments that are reviewed together, and how far their review is."""

import enum
from dataclasses import dataclass
from typing import Literal

from moderation.filter.policy import Verdict
from moderation.review.stages import Rules, Stage, stages_needed

MAX_COMMENTS = 500
"""Comments on one card; the next equal one opens a card of its own."""


class State(enum.StrEnum):
    """How far a card is. The values are stable: the interface names them and the database checks them."""

    BLOCKED = "blocked"
    """The filter's verdict is `block`: waits on a pile apart until a senior reviewer restores it."""
    WAITING = "waiting"
    """Waits for a decision in `Card.stage`."""
    APPROVED = "approved"
    """Every stage has approved; published when `publish_at` has come, unless somebody undoes it."""
    PUBLISHED = "published"
    REJECTED = "rejected"
    EXPIRED = "expired"
    """Its broadcast ended before the review did. It stays unpublished."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided in one stage, by which role. `code`, `note`: why it was rejected."""

    stage: Stage
    decision: Literal["approve", "reject"]
    user_id: int
    role: str
    at: float
    code: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card. Times are seconds since the epoch.

    `key`: what equal comments share (the filter's folded text; opaque here). `comments`: their ids, in the
    order they came. `stages`: how many approvals it needs. `revision`: rises with every change; a decision
    names the one its person saw. `held`: why it must not be approved or published for now, "" if it may.
    `escalated`: somebody asked for one stage more. `rescued`: taken back from the blocked pile. `trusted`:
    its author's comments come a little earlier in the queue; nothing else follows from it.
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
        """The stage that decides next; the last one when all have."""
        return Stage(min(len(self.approvals) + 1, self.stages))

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The decisions that stand, in the order of their stages."""
        return self.approvals if self.rejection is None else (*self.approvals, self.rejection)

    def is_decided_by(self, user_id: int) -> bool:
        return any(one.user_id == user_id for one in self.decisions)

    def can_join(self, *, channel: str, broadcast: str, key: str, verdict: Verdict) -> bool:
        """Say whether an equal comment may be put on this card.

        Only while nobody has acted on it: what people decided covers what they saw and nothing else. The
        caller also leaves cards alone that somebody has a lease on.
        """
        return (
            (self.channel, self.broadcast, self.key, self.verdict) == (channel, broadcast, key, verdict)
            and self.state in (State.WAITING, State.BLOCKED)
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
    """Return the card of a comment that came in. `stages`: as the filter's result asks for.

    The verdict `block` alone decides that it is blocked; everything else waits for people.
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
