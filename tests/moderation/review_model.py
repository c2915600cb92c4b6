"""Random lives of cards beside a plain book of what people did: the proofs of the review machine.

`ReviewTrial` runs over any storage. What the book says is worked out here by hand, from the acts that were
accepted, never from what the machine or the storage says of a card.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import Card, State, open_card
from moderation.review.events import (
    Approve,
    Escalate,
    Expire,
    Hold,
    Join,
    Publish,
    Reject,
    Rejudge,
    Release,
    Restore,
    Retract,
    Reviewer,
    Step,
    Undo,
)
from moderation.review.machine import apply
from moderation.review.reasons import RejectCode
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
NEXT_STATES = {
    State.BLOCKED: {State.WAITING, State.EXPIRED},
    State.WAITING: {State.APPROVED, State.REJECTED, State.BLOCKED, State.EXPIRED},
    State.APPROVED: {State.PUBLISHED, State.WAITING, State.BLOCKED, State.EXPIRED},
    State.REJECTED: {State.WAITING},
    State.PUBLISHED: set(),
    State.EXPIRED: set(),
}
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
ALIVE = {State.BLOCKED, State.WAITING, State.APPROVED, State.REJECTED}
ACTS: dict[str, Callable[[Reviewer, Card], object]] = {
    "approve": lambda by, card: Approve(by, card.revision),
    "approve again": lambda by, card: Approve(by, card.revision),
    "escalate": lambda by, card: Escalate(by, card.revision),
    "undo": lambda by, card: Undo(by, card.revision),
    "reject": lambda by, card: Reject(by, card.revision, RejectCode.ABUSE),
    "release": lambda by, card: Release(by, card.revision, "looked into"),
    "restore": lambda by, card: Restore(by, card.revision, "a mistake"),
}
FeedLine = tuple[int, str, int]
"""Number, kind, comment."""


def rank(by: Reviewer) -> int:
    return max(RANK.get(role, 0) for role in by.roles)


class Storage(Protocol):
    """Where cards are kept. What was not committed is gone after `crash`."""

    def open(self, card: Card) -> None: ...
    def join(self, step: Step) -> None: ...
    def save(self, step: Step) -> None: ...
    def commit(self) -> None: ...
    def crash(self) -> None: ...
    def load(self) -> dict[int, Card]: ...
    def feed(self) -> list[FeedLine]: ...


class Memory:
    """A storage of dictionaries."""

    def __init__(self) -> None:
        self.kept: tuple[dict[int, Card], list[FeedLine]] = ({}, [])
        self.crash()

    def open(self, card: Card) -> None:
        assert card.id not in self.cards
        self.cards[card.id] = card

    def join(self, step: Step) -> None:
        self.save(step)

    def save(self, step: Step) -> None:
        if self.cards[step.card.id].revision != step.before.revision:
            raise ReviewRefused("stale", "stale", "")
        self.cards[step.card.id] = step.card
        for kind, comments in (("publish", step.published), ("retract", step.retracted)):
            self.lines += [(len(self.lines) + n, kind, one) for n, one in enumerate(comments, 1)]

    def commit(self) -> None:
        self.kept = (dict(self.cards), list(self.lines))

    def crash(self) -> None:
        self.cards, self.lines = dict(self.kept[0]), list(self.kept[1])

    def load(self) -> dict[int, Card]:
        return dict(self.cards)

    def feed(self) -> list[FeedLine]:
        return list(self.lines)


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


class ReviewTrial(RuleBasedStateMachine):
    """A process that works on cards, stores and crashes; reviewers who act on anything, stale or not."""

    storage: Callable[[], Storage] = Memory

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.store = type(self).storage()
        self.cards: dict[int, Card] = {}
        self.old: list[Card] = []  # as somebody saw them, some time ago
        self.book: list[Entry] = []
        self.opened: dict[int, tuple[Verdict, int]] = {}  # by card: verdict, stages the filter asked for
        self.taken_in: set[int] = set()
        self.kept: tuple[dict[int, Card], int, set[int]] = ({}, 0, set())
        self.seen_by_viewers: list[FeedLine] = []
        self.next_card = self.next_comment = 1

    @initialize(window_s=st.sampled_from([0.0, 10.0]), stages=st.sampled_from([1, 1, 2, 3]))
    def settings(self, window_s: float, stages: int) -> None:
        self.rules = Rules(window_s, stages)
        self.take_in(Verdict.CLEAN, "a", 1, "")
        self.take_in(Verdict.SENSITIVE, "b", 1, "")

    # ------------------------------------------------------------ the process

    @rule(
        verdict=st.sampled_from(Verdict),
        key=st.sampled_from(["a", "a", "b"]),
        asked=st.sampled_from([1, 1, 1, 3]),
        held=st.sampled_from(["", "", "", "a condemned moment"]),
    )
    def take_in(self, verdict: Verdict, key: str, asked: int, held: str) -> None:
        comment, self.next_comment = self.next_comment, self.next_comment + 1
        self.taken_in.add(comment)
        like = {"channel": "main", "broadcast": "1", "key": key, "verdict": verdict}
        for card in self.cards.values():
            if card.can_join(**like) and not held and asked <= card.stages:
                step = apply(card, Join(comment), self.now, self.rules)
                self.store.join(step)
                self._accept(step, Join(comment))
                return
        card = open_card(
            self.next_card, comment, stages=asked, now=self.now, rules=self.rules, held=held, **like
        )
        self.next_card += 1
        self.store.open(card)
        self.cards[card.id] = card
        self.opened[card.id] = (verdict, asked)
        if held:
            self._note(card, Hold(None, held))

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.9, 10.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(verdict=st.sampled_from(Verdict), asked=st.sampled_from([1, 1, 3]), data=st.data())
    def lists_change(self, verdict: Verdict, asked: int, data: st.DataObject) -> None:
        card = self._pick(data)
        self._report(card, Rejudge(verdict, asked))

    @rule(data=st.data())
    def broadcast_ends(self, data: st.DataObject) -> None:
        card = self._pick(data)
        if data.draw(st.integers(0, 3)) == 0:  # it ends a card's life: rarely
            self._report(card, Expire())

    @rule()
    def publish_what_is_due(self) -> None:
        for card in list(self.cards.values()):
            self._act(card, Publish())

    @rule()
    def commit(self) -> None:
        self.store.commit()
        self.kept = (dict(self.cards), len(self.book), set(self.taken_in))
        lines = self.store.feed()
        assert lines[: len(self.seen_by_viewers)] == self.seen_by_viewers
        self.seen_by_viewers = lines

    @rule()
    def crash(self) -> None:
        self.store.crash()
        cards, entries, comments = self.kept
        del self.book[entries:]
        self.taken_in = set(comments)
        loaded = self.store.load()
        assert loaded == cards
        self.cards = loaded
        self.next_card = max(self.cards, default=0) + 1
        self.next_comment = max(self.taken_in, default=0) + 1
        self.old = [card for card in self.old if card.id in self.cards]
        self.opened = {number: kept for number, kept in self.opened.items() if number in self.cards}
        assert self.store.feed() == self.seen_by_viewers

    # ------------------------------------------------------------ people

    @rule(by=st.sampled_from(PEOPLE), act=st.sampled_from(sorted(ACTS)), data=st.data())
    def act_at_random(self, by: Reviewer, act: str, data: st.DataObject) -> None:
        card = self._pick(data)
        self._act(card, ACTS[act](by, card))

    @rule(data=st.data())
    def undo_own(self, data: st.DataObject) -> None:
        card = self._pick(data)
        for by in PEOPLE:
            if card.decisions and card.decisions[-1].user_id == by.id:
                self._act(card, Undo(by, card.revision))
                return

    @rule(by=st.sampled_from([*PEOPLE, None]), hold=st.booleans(), one=st.booleans(), data=st.data())
    def keep_back(self, by: Reviewer | None, hold: bool, one: bool, data: st.DataObject) -> None:
        if hold:
            self._act(self._pick(data), Hold(by, "in doubt" if by else "a condemned moment"))
            return
        shown = [card for card in self.cards.values() if card.state is State.PUBLISHED]
        for card in [*shown, self._pick(data)]:
            self._act(self.cards[card.id], Retract(by, "complaint", card.comments[-1] if one else None))

    @rule(publish=st.booleans(), data=st.data())
    def review_in_good_order(self, publish: bool, data: st.DataObject) -> None:
        """Give the machine what it wants, or deep states would be rare."""
        card = self._pick(data)
        for _ in range(data.draw(st.integers(1, 5))):
            card = self.cards[card.id]
            if card.held:
                self._act(card, Release(PEOPLE[4], card.revision, "looked into"))
            elif card.state in (State.BLOCKED, State.REJECTED):
                self._act(card, Restore(PEOPLE[2], card.revision, "a mistake"))
            else:
                decided = {one.user_id for one in card.decisions}
                fit = (by for by in PEOPLE if by.id not in decided and rank(by) >= card.stage)
                if (by := next(fit, None)) is not None:
                    self._act(card, Approve(by, card.revision))
        if publish:
            self.now += self.rules.window_s
            self.publish_what_is_due()

    @precondition(lambda self: self.old)
    @rule(by=st.sampled_from(PEOPLE[:6]), act=st.sampled_from(["approve", "reject", "undo"]), data=st.data())
    def act_on_a_stale_view(self, by: Reviewer, act: str, data: st.DataObject) -> None:
        """A person who saw an older card decides: refused, and nothing changes."""
        old = data.draw(st.sampled_from(self.old))
        card = self.cards[old.id]
        if old.revision >= card.revision:
            return  # the newer ones were lost in a crash
        event = {
            "approve": Approve(by, old.revision),
            "reject": Reject(by, old.revision, RejectCode.ABUSE),
            "undo": Undo(by, old.revision),
        }[act]
        with pytest.raises(ReviewRefused) as caught:
            apply(card, event, self.now, self.rules)
        assert caught.value.code == "stale"
        try:  # a second process that has the old card in memory: the storage refuses
            step = apply(old, event, self.now, self.rules)
        except ReviewRefused:
            return
        before = self.store.load()
        with pytest.raises(ReviewRefused) as caught:
            self.store.save(step)
        assert caught.value.code == "stale"
        assert self.store.load() == before

    # ------------------------------------------------------------ what must hold

    @invariant()
    def nothing_is_lost(self) -> None:
        on_cards = [comment for card in self.cards.values() for comment in card.comments]
        assert sorted(on_cards) == sorted(self.taken_in)

    @invariant()
    def viewers_see_each_comment_once_and_reviewed(self) -> None:
        lines = self.seen_by_viewers
        assert [number for number, _, _ in lines] == sorted({number for number, _, _ in lines})
        assert len({(kind, comment) for _, kind, comment in lines}) == len(lines)
        shown = {comment for _, kind, comment in lines if kind == "publish"}
        assert {comment for _, kind, comment in lines if kind == "retract"} <= shown
        kept = self.kept[0]
        for card in kept.values():
            out = card.state is State.PUBLISHED
            assert shown.issuperset(card.comments) if out else shown.isdisjoint(card.comments)
        for entry in self.book[: self.kept[1]]:
            if isinstance(entry.event, Publish):
                self._check_published(entry)

    def teardown(self) -> None:
        if hasattr(self, "rules"):
            self.crash()
            self.viewers_see_each_comment_once_and_reviewed()

    # ------------------------------------------------------------ helpers

    def _pick(self, data: st.DataObject) -> Card:
        if not self.cards:  # lost in a crash
            self.take_in(Verdict.CLEAN, "a", 1, "")
        alive = sorted(card.id for card in self.cards.values() if card.state in ALIVE)
        if not alive or data.draw(st.integers(0, 7)) == 0:
            alive = sorted(self.cards)
        return self.cards[data.draw(st.sampled_from(alive[:3]))]  # few at a time, or each would see little

    def _act(self, card: Card, event: object) -> None:
        step, refused = None, None
        try:
            step = apply(card, event, self.now, self.rules)
        except ReviewRefused as error:
            refused = error
        if step is None:
            assert (refused.code != "unreviewed", refused.zh != "") == (True, True)
            return
        self.store.save(step)
        self._accept(step, event)

    def _report(self, card: Card, event: object) -> None:
        step = apply(card, event, self.now, self.rules)
        self.store.save(step)
        self._accept(step, event)

    def _accept(self, step: Step, event: object) -> None:
        before, card = step.before, step.card
        if not step.changed:
            return
        assert card.revision == before.revision + 1
        assert card.state is before.state or card.state in NEXT_STATES[before.state]
        assert set(card.comments) >= set(before.comments)
        assert (step.published != ()) == (card.state is State.PUBLISHED is not before.state)
        self.cards[card.id] = card
        self.old = [*self.old, before][-40:]
        self._note(card, event)
        if isinstance(event, Publish):
            self._check_published(self.book[-1])

    def _note(self, card: Card, event: object) -> None:
        self.book.append(Entry(len(self.book), card.id, event, card.comments, self.now))
        book = self._read(self.book[-1])
        assert [one.event.by.id for one in book.approvals] == [one.user_id for one in card.approvals]
        assert (book.rejected, book.held) == (card.rejection is not None, card.held != "")
        assert (book.needed, book.verdict) == (card.stages, card.verdict)

    def _check_published(self, publication: Entry) -> None:
        check_reviewed(self._read(publication), publication.members, publication.at, self.rules)

    def _read(self, last: Entry) -> Standing:
        entries = [one for one in self.book[: last.number + 1] if one.card_id == last.card_id]
        return read_book(entries, self.opened[last.card_id], self.rules)
