"""A group: the changes of one commit. They are planned against the cards in memory, then written together.

A group runs in the writer's threads and changes nothing in memory. The event loop takes its changes over
after the commit. Incoming comments may be planned while the group before is still being written; their group
then sees the uncommitted cards of that one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from sqlalchemy.orm import Session

from moderation.desk import card_records
from moderation.desk.equality import keys
from moderation.desk.intake import IncomingComment, SourceRef
from moderation.desk.judging import JudgedComment
from moderation.desk.members import Member, load_members
from moderation.desk.piles import MAX_NAMES, Piles
from moderation.filter.policy import Verdict
from moderation.review import refusals
from moderation.review.card import MAX_COMMENTS, Card, open_card
from moderation.review.events import Event, Join, Rejudge, Step
from moderation.review.machine import apply
from moderation.review.stages import Rules
from streamgate.store import cards, client_ids, comments, published
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.published import Item


class RetryNextCommit(Exception):  # noqa: N818 - not an error: the job runs in the next commit
    """This commit changes the card already; plan the job again in the next one."""


class StaleMemory(Exception):  # noqa: N818 - handled: the writer reloads memory
    """A card in the database differs from the one in memory. Roll back."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A comment that passed all checks. `held`: why its card must not be published for now; "" if it may.

    `trusted`: its author is trusted, so that a card it opens comes earlier in the queue.
    """

    source: SourceRef
    incoming: IncomingComment
    judged: JudgedComment
    rules: Rules
    broadcast: str
    received_at: float
    held: str = ""
    trusted: bool = False


@dataclass(slots=True)
class _EqualCards:
    """Cards that this commit opens or adds comments to.

    `by_key`: their numbers by equality key. `names`: author names on each. `joining`: comments that are added
    to an existing card when the plan is closed.
    """

    by_key: dict[tuple[str, str, str, Verdict], int] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)
    joining: dict[int, list[int]] = field(default_factory=dict)


class UncommittedState(NamedTuple):
    """What a group that is being written will have changed, for the group planned after it.

    `next_card`, `next_comment`: the next free numbers. `names`: its comments by source and client id.
    `by_key`: its cards that equal comments may join. `authors`: the author names on them.
    """

    next_card: int
    next_comment: int
    names: Mapping[client_ids.Name, int]
    cards: Mapping[int, Card]
    by_key: Mapping[tuple[str, str, str, Verdict], int]
    authors: Mapping[int, set[str]]


NOTHING_UNCOMMITTED = UncommittedState(0, 0, {}, {}, {}, {})


class Group:
    """The changes of one commit. Call `prepare`, then plan each job, then `close`, then `write`.

    `leased`: cards that a reviewer works on; no comment joins them. `now`: seconds since the epoch.

    `before`: the changes of a group that is being written, if any. When its write fails, discard this group.
    With `before` only `prepare` and `add_comment` may be called, and `session` only reads.

    After `write`: `cards` are the changed cards, `members` the comments new in memory by card, `judged` all
    comments of each card that was judged again, `feed` the events published or retracted.
    """

    def __init__(
        self,
        session: Session,
        piles: Piles,
        *,
        leased: frozenset[int],
        now: float,
        before: UncommittedState = NOTHING_UNCOMMITTED,
    ) -> None:
        self.session = session
        self._before = before
        self.now = now
        self.cards: dict[int, Card] = {}
        self.members: defaultdict[int, list[Member]] = defaultdict(list)
        self.judged: dict[int, list[Member]] = {}
        self.steps: dict[int, Step] = {}
        self.feed: list[tuple[str, Item]] = []
        self.states: dict[int, str] = {}
        self._piles = piles
        self._leased = leased
        self._opened: dict[int, Card] = {}
        self._equals = _EqualCards()
        self._comments: list[NewComment] = []
        self._names: dict[client_ids.Name, int] = {}
        self._known = client_ids.Names({}, [])
        self._keys: dict[int, str] = {}
        self._rejudged: list[tuple[int, Judgement]] = []
        self._next_card = self._next_comment = 0

    # ------------------------------------------------------------ incoming comments

    def prepare(self, candidates: Iterable[Candidate]) -> None:
        """Look up what all of them need: client ids in use, free numbers, equality keys."""
        candidates = list(candidates)
        if not candidates:
            return
        names = [(one.source.id, one.incoming.client_id) for one in candidates]
        self._known = client_ids.look_up(self.session, names, at=self.now)
        self._next_card, self._next_comment = self._before.next_card, self._before.next_comment
        if not self._next_comment:
            self._next_card = cards.last_id(self.session) + 1
            self._next_comment = comments.last_id(self.session) + 1
        texts = [one.incoming.text for one in candidates]
        authors = ["" if one.judged.plain_author else one.incoming.author.casefold() for one in candidates]
        self._keys = {id(one): key for one, key in zip(candidates, keys(texts, authors), strict=True)}

    def add_comment(self, one: Candidate) -> int:
        """Put a comment on a card and return its number. Call `prepare` with it first.

        A comment with a client id that is in use is the same comment; its number is returned.
        """
        name = one.source.id, one.incoming.client_id
        earlier = self._names.get(name) or self._known.known.get(name) or self._before.names.get(name)
        if earlier is not None:
            self.states.setdefault(earlier, "")
            return earlier
        number, key = self._next_comment, self._keys[id(one)]
        card = self._joinable((one.source.channel, one.broadcast, key, one.judged.verdict), one)
        if card is None:
            card = self._open(one, number, key)
        else:
            self._equals.joining.setdefault(card.id, []).append(number)
        self._next_comment += 1
        self._names[name] = number
        self._put(card, one, number)
        self.states[number] = card.state.value
        return number

    def _joinable(self, like: tuple[str, str, str, Verdict], one: Candidate) -> Card | None:
        card_id = self._equals.by_key.get(like)
        if card_id is None:
            found = self._find_equal(like)
            if found is None:
                return None
            card, known_names = found
            card_id = card.id
            self._equals.names[card_id] = set(known_names)
        else:
            card = self.cards[card_id]
        names, joining = self._equals.names[card_id], self._equals.joining.get(card_id, ())
        channel, broadcast, key, verdict = like
        fits = (
            card_id not in self._leased
            and card.held == one.held
            and card.stages >= one.judged.stages
            and (len(names) < MAX_NAMES or one.incoming.author in names)
            and len(card.comments) + len(joining) < MAX_COMMENTS
            and card.can_join(channel=channel, broadcast=broadcast, key=key, verdict=verdict)
        )
        if not fits:
            return None
        self._equals.by_key[like] = card_id
        return card

    def _find_equal(self, like: tuple[str, str, str, Verdict]) -> tuple[Card, set[str]] | None:
        """Return an equal card that this group has not changed, and the author names on it."""
        before = self._before
        if (card_id := before.by_key.get(like)) is not None:
            return before.cards[card_id], before.authors[card_id]
        entry = self._piles.find_equal(*like)
        if entry is None or entry.card.id in self.cards or entry.card.id in before.cards:
            return None
        return entry.card, entry.names

    def _open(self, one: Candidate, number: int, key: str) -> Card:
        card = open_card(
            self._next_card,
            number,
            channel=one.source.channel,
            broadcast=one.broadcast,
            key=key,
            verdict=one.judged.verdict,
            stages=one.judged.stages,
            now=one.received_at,
            rules=one.rules,
            held=one.held,
            trusted=one.trusted,
        )
        self._next_card += 1
        self._opened[card.id] = card
        self._equals.by_key[(card.channel, card.broadcast, key, card.verdict)] = card.id
        self._equals.names[card.id] = set()
        return card

    def _put(self, card: Card, one: Candidate, number: int) -> None:
        incoming = one.incoming
        self.cards[card.id] = card
        self._equals.names[card.id].add(incoming.author)
        self.members[card.id].append(
            Member(
                number,
                one.source.id,
                incoming.author_id,
                incoming.author,
                incoming.text,
                one.received_at,
                incoming.at_media_s,
                one.judged.judgement,
                one.judged.stages,
                incoming.bullet,
            )
        )
        self._comments.append(
            NewComment(
                number,
                card.id,
                one.source.id,
                incoming.client_id,
                incoming.author_id,
                incoming.author,
                incoming.text,
                one.received_at,
                incoming.sent_at,
                incoming.at_media_s,
                one.judged.judgement,
                incoming.bullet,
            )
        )

    # ------------------------------------------------------------ what happens to cards

    def act(self, channel: str, card_id: int, event: Event, rules: Rules) -> Step:
        """Apply an event to a card.

        Raises:
            ReviewRefused: it is not allowed, or there is no such card on the channel.
            Later: this commit changes the card already.
        """
        return self._take(apply(self._card(channel, card_id), event, self.now, rules))

    def rejudge(self, channel: str, card_id: int, judged: Mapping[int, JudgedComment], rules: Rules) -> None:
        """Replace the judgement on comments of a card, by comment number."""
        card = self._card(channel, card_id)
        entry = self._piles.get(card_id)
        if entry is None:
            return  # its review has ended meanwhile
        members = [
            msgspec.structs.replace(one, judgement=judged[one.id].judgement, stages=judged[one.id].stages)
            if one.id in judged
            else one
            for one in entry.members
        ]
        self._rejudged += [
            (new.id, new.judgement)
            for old, new in zip(entry.members, members, strict=True)
            if differs(old.judgement, new.judgement)
        ]
        self.judged[card_id] = members
        verdict = Verdict(max(one.judgement.verdict for one in members))
        stages = max(one.stages for one in members)
        self._take(apply(card, Rejudge(verdict, stages), self.now, rules))

    def _card(self, channel: str, card_id: int) -> Card:
        if card_id in self.cards:
            raise RetryNextCommit
        entry = self._piles.get(card_id)
        card = entry.card if entry is not None else None
        if card is None:  # its review has ended; undo, restore and retract still apply
            card = card_records.load_many(self.session, [card_id]).get(card_id)
            self.members[card_id] = load_members(self.session, [card_id]).get(card_id, [])
        if card is None or card.channel != channel:
            raise refusals.not_found(channel, card_id)
        return card

    def _take(self, step: Step) -> Step:
        if step.changed:
            self.cards[step.card.id] = step.card
            self.steps[step.card.id] = step
        return step

    # ------------------------------------------------------------ the commit

    def close(self) -> None:
        """End planning. From now on `cards` are as they will be after the commit."""
        self._join()
        self._before = NOTHING_UNCOMMITTED

    def uncommitted_state(self) -> UncommittedState:
        """Return the changes for the group planned next. Call it after `close`."""
        return UncommittedState(
            self._next_card,
            self._next_comment,
            self._names,
            self.cards,
            self._equals.by_key,
            self._equals.names,
        )

    def write(self, session: Session) -> None:
        """Write everything. Raises StaleMemory, StoreError; roll back then."""
        self.session = session
        shows = any(step.published or step.retracted for step in self.steps.values())
        shown = published.last_id(self.session) if shows else 0
        card_records.add_many(self.session, list(self._opened.values()))
        if card_records.save_many(self.session, list(self.steps.values())):
            raise StaleMemory
        comments.add_many(self.session, self._comments)
        client_ids.remember_all(self.session, self._names, self._known.over, at=self.now)
        comments.rejudge_many(self.session, self._rejudged)
        if shows:
            self.feed = published.list_after(self.session, shown)
        earlier = [number for number, state in self.states.items() if not state]
        self.states |= comments.states(self.session, earlier)

    def _join(self) -> None:
        """Add the joining comments to their cards, as one step for each card."""
        for card_id, (first, *more) in self._equals.joining.items():
            step = apply(self.cards[card_id], Join(first, tuple(more)), self.now, Rules())
            self.cards[card_id] = step.card
            if card_id in self._opened:
                self._opened[card_id] = step.card
            else:
                self.steps[card_id] = step


def differs(old: Judgement, new: Judgement) -> bool:
    """Return whether two judgements differ in more than the version of the word lists."""
    return (old.verdict, old[2:]) != (new.verdict, new[2:])  # all fields but the second, `lists`
