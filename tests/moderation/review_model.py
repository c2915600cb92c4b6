"""Random lives of cards over any storage: the proofs of the review machine.

What a card may do is worked out by hand in `review_book`, from the acts that were accepted, never from what
the machine or the storage says of it.
"""

from collections.abc import Callable
from typing import Protocol

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from review_book import PEOPLE, Entry, Standing, check_reviewed, rank, read_book

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

NEXT_STATES = {
    State.BLOCKED: {State.WAITING, State.EXPIRED},
    State.WAITING: {State.APPROVED, State.REJECTED, State.BLOCKED, State.EXPIRED},
    State.APPROVED: {State.PUBLISHED, State.WAITING, State.BLOCKED, State.EXPIRED},
    State.REJECTED: {State.WAITING},
    State.PUBLISHED: set(),
    State.EXPIRED: set(),
}
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
        self.store_comments(Verdict.CLEAN, "a", 1, "")
        self.store_comments(Verdict.SENSITIVE, "b", 1, "")

    # ------------------------------------------------------------ the process

    @rule(
        verdict=st.sampled_from(Verdict),
        key=st.sampled_from(["a", "a", "b"]),
        asked=st.sampled_from([1, 1, 1, 3]),
        held=st.sampled_from(["", "", "", "a condemned moment"]),
    )
    def store_comments(self, verdict: Verdict, key: str, asked: int, held: str) -> None:
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

    @rule(undo=st.booleans(), data=st.data())
    def act_again(self, undo: bool, data: st.DataObject) -> None:
        """Who decided last takes it back, or decides the next stage, too."""
        card = self._pick(data)
        for by in PEOPLE:
            card = self.cards[card.id]
            if card.decisions and card.decisions[-1].user_id == by.id:
                self._act(card, Undo(by, card.revision) if undo else Approve(by, card.revision))

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
            self.store_comments(Verdict.CLEAN, "a", 1, "")
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
