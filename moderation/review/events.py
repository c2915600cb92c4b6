"""Events on a card: acts of people, and events that the comments process reports. Data only.

`seen` is the revision of the card that the person saw. `Hold` and `Retract` have none: they only withhold
comments, so they are safe whatever has changed meanwhile.
"""

from dataclasses import dataclass

import msgspec

from moderation.filter.policy import Verdict
from moderation.review.card import Card
from moderation.review.reasons import RejectCode
from moderation.review.stages import Stage


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person who reviews.

    `id`: of the account, which identifies the person (R26). `roles`: on the card's channel.

    A program with a token is never a reviewer.
    """

    id: int
    roles: frozenset[str]


# ---------------------------------------------------------------- acts of people


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve the stage that decides next."""

    by: Reviewer
    seen: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Reject in the stage that decides next. It ends the review."""

    by: Reviewer
    seen: int
    code: RejectCode
    note: str = ""


@dataclass(frozen=True, slots=True)
class Escalate:
    """Ask for one more stage. It is not an approval: the current stage still waits for one."""

    by: Reviewer
    seen: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep a card from being approved and published. `by` None: the program did it (a condemned moment)."""

    by: Reviewer | None
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """End a hold. The window for undo starts again."""

    by: Reviewer
    seen: int
    reason: str


@dataclass(frozen=True, slots=True)
class Restore:
    """Return a blocked or rejected card to review, at the first stage.

    A blocked card then needs three stages.

    Word lists may have changed and the broadcast may have ended: apply `Rejudge` or `Expire` next.
    """

    by: Reviewer
    seen: int
    reason: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Undo one's own newest decision. After a rejection apply `Rejudge` next, as after `Restore`."""

    by: Reviewer
    seen: int


@dataclass(frozen=True, slots=True)
class Retract:
    """Retract one published comment of a card, or all of them (None). `by` None: the program did it."""

    by: Reviewer | None
    reason: str
    comment: int | None = None


# ---------------------------------------------------------------- reports of the program


@dataclass(frozen=True, slots=True)
class Join:
    """Add equal comments to the card; see `Card.can_join`. `more`: those after the first."""

    comment: int
    more: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejudge:
    """The word lists or the channel's rules changed.

    `verdict`: the gravest one on the card's comments now. `stages`: how many approvals the filter asks for.
    """

    verdict: Verdict
    stages: int


@dataclass(frozen=True, slots=True)
class Expire:
    """The broadcast ended."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish an approved card that is due."""


Event = (
    Approve
    | Reject
    | Escalate
    | Hold
    | Release
    | Restore
    | Undo
    | Retract
    | Join
    | Rejudge
    | Expire
    | Publish
)

# ---------------------------------------------------------------- results of an event


@dataclass(frozen=True, slots=True)
class ActRecord:
    """The record of one change of a card. `revision`: of the card after it. `user_id` None: the program.

    `stage`: that was decided, or whose decision was undone. `comment`: that was retracted.
    """

    kind: str
    revision: int
    at: float
    user_id: int | None = None
    role: str = ""
    stage: Stage | None = None
    code: str = ""
    note: str = ""
    comment: int | None = None


class Step(msgspec.Struct, frozen=True):
    """A change of a card: the card `before`, the card after it, and the record. Store all of it or nothing.

    `published`, `retracted`: comments to publish to the feed, or retract from it, in the same transaction.
    `act` is None when a comment joined, and when nothing changed.
    """

    before: Card
    card: Card
    act: ActRecord | None = None
    published: tuple[int, ...] = ()
    retracted: tuple[int, ...] = ()

    @property
    def changed(self) -> bool:
        return self.card is not self.before
