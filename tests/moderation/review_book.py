"""The book of review: what people did to a card, and what follows from it, worked out by hand."""

from dataclasses import dataclass, field

from moderation.filter.policy import Verdict
from moderation.review.events import (
    Approve,
    Escalate,
    Hold,
    Join,
    Reject,
    Rejudge,
    Release,
    Restore,
    Reviewer,
    Undo,
)
from moderation.review.stages import Rules

# By hand from the issue: how many people a verdict asks for, and what a role is good for.
PEOPLE_NEEDED = {
    Verdict.CLEAN: 1,
    Verdict.SUSPECTED: 1,
    Verdict.SENSITIVE: 2,
    Verdict.IMPORTANT: 3,
    Verdict.BLOCK: 3,
}
RANK = {"reviewer": 1, "senior-reviewer": 2, "chief-reviewer": 3}
PEOPLE = (
    Reviewer(1, frozenset({"reviewer"})),
    Reviewer(2, frozenset({"reviewer", "operator"})),
    Reviewer(3, frozenset({"senior-reviewer"})),
    Reviewer(4, frozenset({"senior-reviewer", "reviewer"})),
    Reviewer(5, frozenset({"chief-reviewer"})),
    Reviewer(6, frozenset({"chief-reviewer", "senior-reviewer"})),
    Reviewer(7, frozenset({"operator", "administrator"})),
    Reviewer(1, frozenset({"chief-reviewer"})),  # the first one again, promoted meanwhile
)


def rank(by: Reviewer) -> int:
    return max(RANK.get(role, 0) for role in by.roles)


@dataclass(frozen=True)
class Entry:
    """One line of the book: what was accepted, on which card, with which comments on it, when."""

    number: int
    card_id: int
    event: object
    members: tuple[int, ...]
    at: float


@dataclass
class Standing:
    """What the book says of a card: the approvals that stand, how many it needs, why it must not go out."""

    needed: int
    blocked: bool
    verdict: Verdict
    approvals: list[Entry] = field(default_factory=list)
    rejected: bool = False
    held: bool = False
    touched: bool = False
    last: float = 0.0


def read_book(book: list[Entry], opened: tuple[Verdict, int], rules: Rules) -> Standing:
    """Walk the entries of a card, in order."""
    verdict, asked = opened
    rejecter = 0
    card = Standing(max(PEOPLE_NEEDED[verdict], asked, rules.stages), verdict is Verdict.BLOCK, verdict)
    for entry in book:
        match entry.event:
            case Approve():
                assert (card.rejected, card.held, card.blocked) == (False, False, False)
                assert rank(entry.event.by) > len(card.approvals), "approved without the role"
                assert entry.event.by.id not in {one.event.by.id for one in card.approvals}, (
                    "one person twice"
                )
                card.approvals.append(entry)
                card.last = entry.at
            case Reject(by=by):
                assert rank(by) > len(card.approvals)
                assert by.id not in {one.event.by.id for one in card.approvals}
                card.rejected = True
                rejecter = by.id
            case Undo(by=by) if card.rejected:
                assert by.id == rejecter
                card.rejected = False
            case Undo(by=by):
                assert by.id == card.approvals.pop().event.by.id
            case Escalate():
                card.needed, card.touched = card.needed + 1, True
            case Hold():
                card.held = True
            case Release(by=by):
                assert rank(by) >= 2
                card.held, card.last = False, entry.at
            case Restore(by=by):
                assert rank(by) >= 2
                card.approvals, card.rejected = [], False
                if card.blocked:
                    card.blocked, card.needed, card.touched = False, 3, True
            case Rejudge(verdict=new, stages=now_asked):
                fresh = max(PEOPLE_NEEDED[new], now_asked, rules.stages)
                card.needed = max(card.needed, fresh) if card.approvals or card.touched else fresh
                if new is Verdict.BLOCK and card.verdict is not Verdict.BLOCK:
                    card.blocked, card.approvals = True, []
                elif new is not Verdict.BLOCK:
                    card.blocked = False
                card.verdict = new
            case Join():
                assert not card.approvals
    return card


def check_reviewed(card: Standing, members: tuple[int, ...], at: float, rules: Rules) -> None:
    """A card that is published with these comments was reviewed as the rules ask for."""
    assert not card.rejected
    assert not card.held
    assert not card.blocked
    assert len(card.approvals) == card.needed, f"{len(card.approvals)} approvals, {card.needed} needed"
    assert len({one.event.by.id for one in card.approvals}) == card.needed, "one person in two stages"
    for stage, one in enumerate(card.approvals, 1):
        assert rank(one.event.by) >= stage, f"stage {stage} by {one}"
        assert one.members == members, "published what an approver did not see"
    assert at >= card.last + rules.window_s, "no time to undo"
