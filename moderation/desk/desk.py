"""The desk: owns the comments of one installation, from the moment they come in until they are published.

One for a process. Cards stand in memory as they are committed; whatever changes one goes through the writer,
and nobody, viewer or reviewer, is told of it before the commit.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from moderation.desk import bans as bans_in_memory
from moderation.desk import checking, interactions
from moderation.desk.broadcasts import Broadcasts
from moderation.desk.feed import Feed, Subscription
from moderation.desk.filtering import CommentFilter
from moderation.desk.group import Candidate, Group
from moderation.desk.intake import (
    BANNED,
    DATABASE_AWAY,
    INTERACTION_CLOSED,
    QUEUE_FULL,
    STARTING,
    Incoming,
    SourceRef,
    Taken,
)
from moderation.desk.interactions import Interactions
from moderation.desk.jobs import Act, Call, Job, TakeIn, shown_state
from moderation.desk.judging import Judged
from moderation.desk.loading import Loaded, Switches, load
from moderation.desk.members import Member
from moderation.desk.messages import InteractionView
from moderation.desk.piles import OPEN, Piles
from moderation.desk.rates import Rates, wait_for_room_s
from moderation.desk.reader import ANSWER_S, Reader
from moderation.desk.writer import MAX_WAITING, Writer
from moderation.errors import ReviewRefused
from moderation.review.card import Card
from moderation.review.events import Event, Step
from moderation.review.leases import Leases
from moderation.review.stages import Rules
from streamgate.clock import now_us, wall_s
from streamgate.errors import StoreError
from streamgate.store import client_ids, comments, published
from streamgate.store.database import Database
from streamgate.store.failures import failure
from streamgate.store.trusted import Trust

COMMENTS_A_CARD = 5
"""On the open cards of a channel there may be so many times as many comments as cards."""
COMMIT_WAIT_S = 1.0
CONDEMNED = "it speaks of a condemned moment (所述时刻已被切除)"
CLOSE_S = 1.0
T = TypeVar("T")
_Refusal = tuple[str, str, str, float]
"""Code, English, Chinese, seconds until another try makes sense (0: no telling)."""
_STARTING = STARTING, "comments are not taken in yet; try again in a moment", "正在启动，请稍后再试", 1.0
_AWAY = DATABASE_AWAY, "the database is away; try again later", "数据库暂不可用，请稍后再试", 1.0
_CLOSED = INTERACTION_CLOSED, "comments are closed at the moment", "互动未开启", 0.0
_CLOSED_BULLETS = INTERACTION_CLOSED, "bullet comments are closed at the moment", "当前未开放弹幕", 0.0
CardChanged = Callable[[str, Card | None, Sequence[Member]], None]


class Desk:
    """`upkeep` keeps it going. `filter` is set once the lists are built; until then nothing comes in.

    `on_change`: called in the event loop after a commit, with channel, card and its comments; with None for
    the card when only counts or switches may have changed.
    """

    def __init__(self, database: Database) -> None:
        self.filter: CommentFilter | None = None
        self.loaded = False
        """Whether the database has been read since the start."""
        self.piles = Piles()
        self.leases = Leases()
        self.interactions = Interactions()
        self.broadcasts = Broadcasts(self._broadcast_changed)
        self.bans = bans_in_memory.Bans()
        self.trusted: dict[tuple[int, str], Trust] = {}
        """By source and author."""
        self.sources: dict[int, str] = {}
        self.people: dict[int, str] = {}
        self.rates = Rates()
        self.unjudged: set[int] = set()
        """Cards whose comments were judged by other lists than those that count now."""
        self.to_restage: set[str] = set()
        """Channels whose fewest stages were changed."""
        self.own_changes = 0
        """Rises with every change of switches, bans and trust that this process has stored."""
        self.to_close: dict[str, bool] = {}
        """Channels whose broadcast began or ended, until that is stored; True: it ended, all is closed."""
        self.due = asyncio.Event()
        """Something may be to publish sooner than was known."""
        self.on_change: list[CardChanged] = []
        self.reader = Reader(database)
        self.writer: Writer[Loaded] = Writer(
            database,
            load=load,
            take_memory=self._take_memory,
            take_group=self._take_group,
            leased=self._leased,
        )
        self._location = database.location
        self._feed = Feed()

    # ------------------------------------------------------------ the viewers' side

    async def take_in(self, source: SourceRef, incoming: Sequence[Incoming]) -> list[Taken]:
        """Filter comments and store them. Returns after the commit, an answer each, in order."""
        self.sources.setdefault(source.id, source.name)
        now = wall_s()
        view = self.interaction(source.channel)
        answers: list[Taken | None] = [None] * len(incoming)
        fit: list[tuple[int, Incoming]] = []
        refused: list[tuple[int, Incoming, _Refusal]] = []
        for place, one in enumerate(incoming):
            checked = checking.check(one, view.max_chars)
            if isinstance(checked, Taken):
                answers[place] = checked
            elif (refusal := self._refusal(source, checked, view, now, len(fit))) is not None:
                refused.append((place, checked, refusal))
            else:
                fit.append((place, checked))
        if refused:
            for (place, _, _), taken in zip(refused, await self._refuse(source, refused, now), strict=True):
                answers[place] = taken
        if fit:
            taken_in = await self._take_in_fit(source, [one for _, one in fit], view, now)
            for (place, _), taken in zip(fit, taken_in, strict=True):
                answers[place] = taken
        return [one for one in answers if one is not None]

    def subscribe(self, channel: str) -> Subscription:
        """Read the published feed of a channel from now on. Close it in the end."""
        return self._feed.subscribe(channel)

    def interaction(self, channel: str) -> InteractionView:
        """Return what viewers of a channel may do now."""
        return self.interactions.get(channel)

    def moment_of(self, channel: str, seen_at: float) -> float | None:
        """Return the moment of the program, `at_media_s`, that aired at `seen_at` by the wall clock."""
        return self.broadcasts.moment_of(channel, seen_at, wall_s(), now_us() / 1e6)

    def on_interaction(self, call: interactions.Listener) -> None:
        self.interactions.listen(call)

    async def read_after(self, channel: str, after: int, limit: int) -> list[published.Item]:
        """Return what was published or retracted after feed number `after`. Raises StoreError."""
        return await self.reader.read(published.read_after, channel, after, limit=limit)

    async def newest(self, channel: str, limit: int) -> list[published.Item]:
        """Return the newest comments that are published now, the oldest first. Raises StoreError."""
        return await self.reader.read(published.list_newest, channel, limit=limit)

    async def states_of(self, comment_ids: Iterable[int]) -> dict[int, str]:
        """Return what became of comments: waiting, published, rejected, retracted, expired.

        Whether their authors are told is for the caller to see to. Raises StoreError.
        """
        found = await self.reader.read(comments.states, list(comment_ids))
        return {number: shown_state(state) for number, state in found.items()}

    # ------------------------------------------------------------ what is done to cards

    def rules(self, channel: str) -> Rules:
        return interactions.rules(self.interaction(channel))

    async def act(self, channel: str, card_id: int, event: Event) -> Step:
        """Do something to a card. Returns after the commit. Raises ReviewRefused, StoreError."""
        return await self.commit(Act(channel, card_id, event, self.rules(channel)))

    async def call(self, run: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function of the store, `run(session, ...)`, with the next commit. Raises StoreError."""
        return await self.commit(Call(run, *args, **kwargs))

    async def commit(self, job: Job[T]) -> T:
        """Have a job committed. StoreError of kind "hung": nobody knows, it may still come to pass."""
        self.writer.submit(job)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(job.answer)
        except TimeoutError:
            job.answer.cancel()
            raise failure("hung", self._location) from None

    def changed(self, channel: str, card: Card | None = None, members: Sequence[Member] = ()) -> None:
        """Tell those who look on that a card, or counts and switches, changed."""
        for call in self.on_change:
            call(channel, card, members)

    def card_changed(self, card_id: int) -> None:
        """The same for a card whose lease changed."""
        if (entry := self.piles.get(card_id)) is not None:
            self.changed(entry.card.channel, entry.card, entry.members)

    def take_switches(self, found: Switches) -> None:
        """Take over what the command line may have changed."""
        self.sources.update(found.sources)
        self.bans, self.trusted = bans_in_memory.Bans(found.bans), found.trusted
        for channel in {*self.interactions.channels(), *found.interactions}:
            if not self.to_close.get(channel):
                self.put_interaction(channel, found.interactions.get(channel, InteractionView()))

    def put_interaction(self, channel: str, view: InteractionView) -> None:
        """Take over switches that are stored."""
        before = self.interaction(channel)
        if view != before:
            if view.stages != before.stages:
                self.to_restage.add(channel)
            self.interactions.put(channel, view)
            self.changed(channel)

    async def close(self) -> None:
        """Let the threads go, within a second. Whoever runs `upkeep` has ended it."""
        await asyncio.gather(self.writer.close(CLOSE_S), self.reader.close(CLOSE_S))

    # ------------------------------------------------------------ coming in

    def _refusal(
        self, source: SourceRef, one: Incoming, view: InteractionView, now: float, more: int
    ) -> _Refusal | None:
        if self.filter is None or not self.loaded:
            return _STARTING
        if not self.writer.ready:
            return _AWAY
        if not (view.bullets if one.bullet else view.comments):
            return _CLOSED_BULLETS if one.bullet else _CLOSED
        if (ban := self.bans.find(source.channel, source.id, one.author_id, now)) is not None:
            wait = "" if ban.ends_at is None else f" for {ban.ends_at - now:.0f} s more"
            wait_zh = "" if ban.ends_at is None else f"，剩余 {ban.ends_at - now:.0f} 秒"
            return BANNED, f"this author may not write here{wait}", f"该用户已被禁言{wait_zh}", 0.0
        return self._no_room(source.channel, view.queue_limit, now, more)

    def _no_room(self, channel: str, limit: int, now: float, more: int) -> _Refusal | None:
        """Return why nothing more fits: the writer's queue is full, or so many wait for people."""
        piles, coming = self.piles.of(channel), self.writer.waiting + more
        comments = -(-(piles.comments + coming) // COMMENTS_A_CARD)  # as many cards' share, rounded up
        over = max(len(piles) + coming, comments) - limit
        if coming >= MAX_WAITING:
            wait_s = COMMIT_WAIT_S
        elif over >= 0:
            _, decided, _ = self.rates.of(channel, 0, now)
            wait_s = wait_for_room_s(over + 1, decided)
        else:
            return None
        return (
            QUEUE_FULL,
            f"too many comments wait for review; try again in {wait_s:.0f} s",
            f"待审评论已满，请在 {wait_s:.0f} 秒后再试",
            wait_s,
        )

    async def _refuse(
        self, source: SourceRef, refused: Sequence[tuple[int, Incoming, _Refusal]], now: float
    ) -> list[Taken]:
        """Answer what is not taken in; one that is stored already is answered as that."""
        names = [one.client_id for _, one, _ in refused]
        known: dict[str, tuple[int, str]] = {}
        if self.writer.ready:
            with contextlib.suppress(StoreError):
                known = await self.reader.read(_find_earlier, source.id, names, now)
        return [
            Taken(one.client_id, known[one.client_id][0], shown_state(known[one.client_id][1]))
            if one.client_id in known
            else checking.refuse(one, *refusal)
            for _, one, refusal in refused
        ]

    async def _take_in_fit(
        self, source: SourceRef, fit: Sequence[Incoming], view: InteractionView, now: float
    ) -> list[Taken]:
        assert self.filter is not None
        judged = await self.filter.judge([(one.text, one.author) for one in fit])
        jobs = [
            TakeIn(self._candidate(source, one, of_it, view, now))
            for one, of_it in zip(fit, judged, strict=True)
        ]
        for job in jobs:
            self.writer.submit(job)
        await asyncio.wait([job.answer for job in jobs], timeout=ANSWER_S)
        return [self._taken(job) for job in jobs]

    def _candidate(
        self, source: SourceRef, one: Incoming, judged: Judged, view: InteractionView, now: float
    ) -> Candidate:
        held = CONDEMNED if self.broadcasts.is_condemned(source.channel, one.at_media_s) else ""
        broadcast = self.broadcasts.id_of(source.channel)
        trusted = (source.id, one.author_id) in self.trusted
        return Candidate(source, one, judged, interactions.rules(view), broadcast, now, held, trusted)

    def _taken(self, job: TakeIn) -> Taken:
        one = job.candidate.incoming
        if not job.answer.done():
            job.answer.cancel()
            error: BaseException | None = failure("hung", self._location)
        else:
            error = job.answer.exception()
        if error is None:
            return job.answer.result()
        if isinstance(error, StoreError):
            return checking.refuse(one, DATABASE_AWAY, str(error), error.zh)
        if isinstance(error, ReviewRefused):
            return checking.refuse(one, error.code, str(error), error.zh)
        raise error

    # ------------------------------------------------------------ memory

    def _leased(self) -> frozenset[int]:
        return frozenset(self.leases.cards(now_us() / 1e6))

    def _take_memory(self, loaded: Loaded) -> Piles:
        self.piles, self.loaded = loaded.piles, True
        self.people.update(loaded.people)
        self.broadcasts.remember(loaded.broadcasts.items(), loaded.condemned)
        self.take_switches(loaded.switches)
        self.unjudged = {entry.card.id for entry in self.piles.entries()}
        self.due.set()
        self._feed.miss()
        for channel in self.piles.channels():
            self.changed(channel)
        return self.piles

    def _take_group(self, group: Group) -> None:
        now = wall_s()
        for card_id, members in group.judged.items():
            self.piles.replace_members(card_id, members)
        for card in group.cards.values():
            entry = self.piles.get(card.id)
            members = group.members.get(card.id, []) if entry is None else entry.members
            self.piles.put(card, group.members.get(card.id))
            self._mark_unjudged(card)
            self.changed(card.channel, card, members)
        for card_id in group.judged.keys() - group.cards.keys():
            self.card_changed(card_id)
        for card_id, some in group.members.items():
            if card_id in group.cards and card_id not in group.steps:
                self.rates.came(group.cards[card_id].channel, now, len(some))
        for step in group.steps.values():
            self._take_step(step, now)
        self._feed.publish(group.feed)
        self.due.set()

    def _take_step(self, step: Step, now: float) -> None:
        if step.act is None:
            self.rates.came(step.card.channel, now, len(step.card.comments) - len(step.before.comments))
        elif step.act.user_id is not None:
            self.rates.decided(step.card.channel, step.act.user_id, now)
            self.leases.release(step.card.id)

    def _mark_unjudged(self, card: Card) -> None:
        entry = self.piles.get(card.id)
        version = "" if self.filter is None else self.filter.version
        if card.state in OPEN and entry is not None:
            if any(one.judgement.lists != version for one in entry.members):
                self.unjudged.add(card.id)
        else:
            self.unjudged.discard(card.id)

    def _broadcast_changed(self, channel: str, ended: object, _begun: object) -> None:
        self.to_close[channel] = self.to_close.get(channel, False) or ended is not None
        if ended is not None:
            self.put_interaction(channel, interactions.close(self.interaction(channel)))


def _find_earlier(
    session: Session, source_id: int, names: Sequence[str], now: float
) -> dict[str, tuple[int, str]]:
    found = client_ids.find_many(session, source_id, names, at=now)
    states = comments.states(session, found.values())
    return {name: (number, states[number]) for name, number in found.items()}
