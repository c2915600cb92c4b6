"""What happens to a card: acts of people, and what the comments process itself reports. Data only.

`seen` is the revision of the card that the person saw. Acts that only ever keep a comment back (`Hold`,
`Retract`) name none: they are right whatever has changed meanwhile.
"""

from dataclasses import dataclass, field

from moderation.filter.policy import Verdict
from moderation.review.card import Card
from moderation.review.reasons import RejectCode
from moderation.review.stages import Stage


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person. `id`: of the account, so that another door or spelling is the same person (R26).

    `roles`: on the card's channel. A program with a token is no person and cannot be one of these.
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
    """Reject in the stage that decides next. That ends the review."""

    by: Reviewer
    seen: int
    code: RejectCode
    note: str = ""


@dataclass(frozen=True, slots=True)
class Escalate:
    """Ask for one stage more. It is no approval: the stage in hand still waits for one."""

    by: Reviewer
    seen: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep a card from being approved and published. `by` None: the program (a condemned moment)."""

    by: Reviewer | None
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """End a hold. A window for undo begins anew."""

    by: Reviewer
    seen: int
    reason: str


@dataclass(frozen=True, slots=True)
class Restore:
    """Take a blocked or rejected card back into review, from the first stage; a blocked one needs three.

    Lists may have changed and the broadcast may be over since: `Rejudge` or `Expire` it next.
    """

    by: Reviewer
    seen: int
    reason: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Take one's own newest decision back. After a rejection `Rejudge` it next, as for `Restore`."""

    by: Reviewer
    seen: int


@dataclass(frozen=True, slots=True)
class Retract:
    """Take back one published comment of a card, or all (None). `by` None: the program."""

    by: Reviewer | None
    reason: str
    comment: int | None = None


# ---------------------------------------------------------------- reports of the program


@dataclass(frozen=True, slots=True)
class Join:
    """An equal comment came in; see `Card.can_join`."""

    comment: int


@dataclass(frozen=True, slots=True)
class Rejudge:
    """The lists or the channel's rules changed.

    The gravest verdict on the card's comments now, and the stages that the filter asks for.
    """

    verdict: Verdict
    stages: int


@dataclass(frozen=True, slots=True)
class Expire:
    """The broadcast ended."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish what is due."""


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

# ---------------------------------------------------------------- what comes of an event


@dataclass(frozen=True, slots=True)
class Act:
    """The record of one change. `revision`: the one that the card got by it. `user_id` None: the program.

    `stage`: the one that was decided, or whose decision was undone. `comment`: the one retracted.
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


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a card: as it was, as it is, and the record of it. To be stored as a whole or not at all.

    `published`, `retracted`: comments that are to be put on the published feed, or taken off it, in the
    same transaction. `act` is None when a comment joined, and when nothing changed.
    """

    before: Card
    card: Card
    act: Act | None = None
    published: tuple[int, ...] = field(default=())
    retracted: tuple[int, ...] = field(default=())

    @property
    def changed(self) -> bool:
        return self.card is not self.before
