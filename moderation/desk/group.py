"""One commit: what was asked for, planned against the cards in memory, written together.

Runs in the writer's thread, inside a transaction. Memory stays as it is: the event loop takes the group over
after its commit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from moderation.desk import card_records
from moderation.desk.equality import keys
from moderation.desk.intake import Incoming, SourceRef
from moderation.desk.judging import Judged
from moderation.desk.members import Member, load_members
from moderation.desk.piles import MAX_NAMES, Piles
from moderation.errors import ReviewRefused
from moderation.filter.policy import Verdict
from moderation.review.card import Card, open_card
from moderation.review.events import Event, Join, Rejudge, Step
from moderation.review.machine import apply
from moderation.review.stages import Rules
from streamgate.store import cards, client_ids, comments, published
from streamgate.store.comments import Judgement, NewComment
from streamgate.store.published import Item


class Later(Exception):  # noqa: N818 - no error: the card's turn comes with the next commit
    """Something else is done to the card in this commit already."""


class MemoryDiffers(Exception):  # noqa: N818 - the caller reads everything anew
    """A card in the database is not as it is in memory. Roll back."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A comment that is fit to be taken in. `held`: why its card must not be published for now.

    `trusted`: a card that it opens comes a little earlier.
    """

    source: SourceRef
    incoming: Incoming
    judged: Judged
    rules: Rules
    broadcast: str
    received_at: float
    held: str = ""
    trusted: bool = False


@dataclass(slots=True)
class _Equals:
    """Cards that are opened or joined in this commit."""

    by_key: dict[tuple[str, str, str, Verdict], int] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)


class Group:
    """`leased`: cards that somebody works on: nothing joins them. `now`: seconds since the epoch.

    After `write`: `cards` as they are now, `members` that are new in memory by card, `judged` what the filter
    says of all comments of a card, `feed` what was published or retracted.
    """

    def __init__(self, session: Session, piles: Piles, *, leased: frozenset[int], now: float) -> None:
        self.session = session
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
        self._equals = _Equals()
        self._comments: list[NewComment] = []
        self._client_ids: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._known: dict[int, dict[str, int]] = {}
        self._keys: dict[int, str] = {}
        self._rejudged: list[tuple[int, Judgement]] = []
        self._next_card = self._next_comment = 0

    # ------------------------------------------------------------ comments that come in

    def prepare(self, candidates: Iterable[Candidate]) -> None:
        """Look up what all of them need: names in use, numbers, keys of equal texts."""
        candidates = list(candidates)
        if not candidates:
            return
        names: defaultdict[int, list[str]] = defaultdict(list)
        for one in candidates:
            names[one.source.id].append(one.incoming.client_id)
        for source_id, some in names.items():
            self._known[source_id] = client_ids.find_many(self.session, source_id, some, at=self.now)
        self._next_card = cards.last_id(self.session) + 1
        self._next_comment = comments.last_id(self.session) + 1
        texts = [one.incoming.text for one in candidates]
        authors = ["" if one.judged.plain_author else one.incoming.author.casefold() for one in candidates]
        self._keys = {id(one): key for one, key in zip(candidates, keys(texts, authors), strict=True)}

    def take_in(self, one: Candidate) -> int:
        """Put a comment on a card, and return its number; of one that was handed in before the earlier one.

        `prepare` knows it.
        """
        source_id, name = one.source.id, one.incoming.client_id
        earlier = self._client_ids[source_id].get(name) or self._known.get(source_id, {}).get(name)
        if earlier is not None:
            self.states.setdefault(earlier, "")
            return earlier
        number, key = self._next_comment, self._keys[id(one)]
        card = self._join(one, number, key) or self._open(one, number, key)
        self._next_comment += 1
        self._client_ids[source_id][name] = number
        self._put(card, one, number)
        self.states[number] = card.state.value
        return number

    def _join(self, one: Candidate, number: int, key: str) -> Card | None:
        like = (one.source.channel, one.broadcast, key, one.judged.verdict)
        card = self._joinable(like, one)
        if card is None:
            return None
        step = apply(card, Join(number), self.now, one.rules)
        if card.id in self._opened:
            self._opened[card.id] = step.card
        else:
            before = self.steps[card.id].before if card.id in self.steps else card
            self.steps[card.id] = replace(step, before=before)
        return step.card

    def _joinable(self, like: tuple[str, str, str, Verdict], one: Candidate) -> Card | None:
        card_id = self._equals.by_key.get(like)
        if card_id is None:
            entry = self._piles.find_equal(*like)
            if entry is None or entry.card.id in self.cards:
                return None
            card_id = entry.card.id
            self._equals.names[card_id] = set(entry.names)
            card = entry.card
        else:
            card = self.cards[card_id]
        names = self._equals.names[card_id]
        channel, broadcast, key, verdict = like
        fits = (
            card_id not in self._leased
            and card.held == one.held
            and card.stages >= one.judged.stages
            and (len(names) < MAX_NAMES or one.incoming.author in names)
            and card.can_join(channel=channel, broadcast=broadcast, key=key, verdict=verdict)
        )
        if not fits:
            return None
        self._equals.by_key[like] = card_id
        return card

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

    def rejudge(self, channel: str, card_id: int, judged: Mapping[int, Judged], rules: Rules) -> None:
        """Take over what the filter says now of comments of a card, by number."""
        card = self._card(channel, card_id)
        entry = self._piles.get(card_id)
        if entry is None:
            return  # its review has ended meanwhile
        members = [
            one._replace(judgement=judged[one.id].judgement, stages=judged[one.id].stages)
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
            raise Later
        entry = self._piles.get(card_id)
        card = entry.card if entry is not None else None
        if card is None:  # its review has ended: undo, restore and retract come for it
            card = card_records.load_many(self.session, [card_id]).get(card_id)
            self.members[card_id] = load_members(self.session, [card_id]).get(card_id, [])
        if card is None or card.channel != channel:
            raise ReviewRefused(
                "not_found",
                f"there is no card {card_id} on channel {channel}; look at the queue again",
                f"频道 {channel} 没有卡片 {card_id}；请刷新待审列表",
            )
        return card

    def _take(self, step: Step) -> Step:
        if step.changed:
            self.cards[step.card.id] = step.card
            self.steps[step.card.id] = step
        return step

    # ------------------------------------------------------------ the commit

    def write(self) -> None:
        """Write everything. Raises MemoryDiffers, and StoreError: roll back."""
        shows = any(step.published or step.retracted for step in self.steps.values())
        shown = published.last_id(self.session) if shows else 0
        card_records.add_many(self.session, list(self._opened.values()))
        if card_records.save_many(self.session, list(self.steps.values())):
            raise MemoryDiffers
        comments.add_many(self.session, self._comments)
        for source_id, names in self._client_ids.items():
            if names:
                client_ids.remember(self.session, source_id, names, at=self.now)
        comments.rejudge_many(self.session, self._rejudged)
        if shows:
            self.feed = published.list_after(self.session, shown)
        earlier = [number for number, state in self.states.items() if not state]
        self.states |= comments.states(self.session, earlier)


def differs(old: Judgement, new: Judgement) -> bool:
    """Say whether more than the lists' version has changed."""
    return (old.verdict, old[2:]) != (new.verdict, new[2:])  # `lists` is the second
