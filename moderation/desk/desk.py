"""The review desk: owns the comments of one installation, from intake to publication.

A process has one desk. It keeps the committed open cards in memory. Every change of a card goes through the
writer, and neither viewers nor reviewers get an answer before the commit.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

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
    CheckedComment,
    IncomingComment,
    IntakeResult,
    SourceRef,
)
from moderation.desk.interactions import Interactions
from moderation.desk.jobs import ApplyEvent, Job, StoreCall, StoreComment, shown_state
from moderation.desk.judging import JudgedComment
from moderation.desk.loading import StoredState, Switches, load
from moderation.desk.members import Member
from moderation.desk.messages import InteractionView
from moderation.desk.pending_answers import Outcome, PendingAnswers
from moderation.desk.piles import Entry, Piles
from moderation.desk.publications import publication
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
from streamgate.ledger.record import Publication
from streamgate.store import client_ids, comments, published
from streamgate.store.database import Database
from streamgate.store.failures import failure
from streamgate.store.trusted import Trust

COMMENTS_A_CARD = 5
"""A channel may have `queue_limit` times so many comments on its open cards."""
COMMIT_WAIT_S = 1.0
CONDEMNED = "it speaks of a condemned moment (所述时刻已被切除)"
CLOSE_S = 1.0
T = TypeVar("T")
_Refusal = tuple[str, str, str, float]
"""Code, English, Chinese, seconds after which the sender may try again (0: unknown)."""
_STARTING = STARTING, "comments are not taken in yet; try again in a moment", "正在启动，请稍后再试", 1.0
_AWAY = DATABASE_AWAY, "the database is away; try again later", "数据库暂不可用，请稍后再试", 1.0
_CLOSED = INTERACTION_CLOSED, "comments are closed at the moment", "互动未开启", 0.0
_CLOSED_BULLETS = INTERACTION_CLOSED, "bullet comments are closed at the moment", "当前未开放弹幕", 0.0
CardChanged = Callable[[str, Card | None, Sequence[Member]], None]


class _RefusedComment(NamedTuple):
    incoming: IncomingComment
    refusal: _Refusal


class Desk:
    """Comments, cards and settings in memory, and the operations on them. `upkeep` runs its background tasks.

    `filter`: None until the word lists are compiled; no comment is accepted before. `on_change`: called in
    the event loop after a commit with channel, card and comments; the card is None when only counts or
    settings may have changed.
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
        self.actors: dict[int, str] = {}
        """Names of people in records ("console:alice"), by account number."""
        self.record: Callable[[Publication], None] = lambda _: None
        """Writes a publication to the ledger. It must not block."""
        self.rates = Rates()
        self.unjudged: set[int] = set()
        """Cards with comments that were judged by an older version of the word lists."""
        self.to_restage: set[str] = set()
        """Channels whose minimum of stages changed; their cards must be checked again."""
        self.own_changes = 0
        """Number of changes of settings, bans and trust that this process has stored."""
        self.to_close: dict[str, bool] = {}
        """Channels whose broadcast began or ended, until that is stored.

        True: it ended, interaction is closed.
        """
        self.due = asyncio.Event()
        """Set when a card may have to be published earlier than planned."""
        self.on_change: list[CardChanged] = []
        self.reader = Reader(database)
        self.writer: Writer[StoredState] = Writer(
            database,
            load=load,
            take_memory=self._take_memory,
            take_group=self._take_group,
            leased=self._leased,
        )
        self._location = database.location
        self._feed = Feed()

    # ------------------------------------------------------------ the viewers' side

    async def store_comments(
        self, source: SourceRef, incoming: Sequence[IncomingComment]
    ) -> list[IntakeResult]:
        """Check, filter and store comments. Return after the commit, with one result for each, in order."""
        now = wall_s()
        view = self.interaction(source.channel)
        found: list[CheckedComment | IntakeResult | _RefusedComment] = []
        fit: list[CheckedComment] = []
        for one in incoming:
            looked_at = self._check_comment(source, one, view, now, len(fit))
            found.append(looked_at)
            if isinstance(looked_at, CheckedComment):
                fit.append(looked_at)
        if len(fit) == len(found):
            return await self.store_checked(fit)
        unfit = [one for one in found if isinstance(one, _RefusedComment)]
        refused = iter(await self._refuse(source, unfit, now) if unfit else ())
        taken = iter(await self.store_checked(fit))
        return [
            next(taken)
            if isinstance(one, CheckedComment)
            else next(refused)
            if isinstance(one, _RefusedComment)
            else one
            for one in found
        ]

    def check_comment(self, source: SourceRef, incoming: IncomingComment, more: int) -> CheckedComment | None:
        """Return the comment for `store_checked`; None: pass it to `store_comments`, for a refusal.

        `more`: how many comments the caller will pass to `store_checked` before this one.
        """
        view = self.interaction(source.channel)
        found = self._check_comment(source, incoming, view, wall_s(), more)
        return found if isinstance(found, CheckedComment) else None

    async def store_checked(self, fit: Sequence[CheckedComment]) -> list[IntakeResult]:
        """Filter and store checked comments, which may be of several sources. See `store_comments`."""
        if not fit:
            return []
        assert self.filter is not None
        judged = await self.filter.judge([(one.incoming.text, one.incoming.author) for one in fit])
        answers = PendingAnswers(len(fit))
        for place, (one, of_it) in enumerate(zip(fit, judged, strict=True)):
            self.writer.submit(StoreComment(self._candidate(one, of_it), answers, place))
        outcomes = await answers.wait(ANSWER_S)
        return [
            outcome if isinstance(outcome, IntakeResult) else self._failed(one.incoming, outcome)
            for one, outcome in zip(fit, outcomes, strict=True)
        ]

    def subscribe(self, channel: str) -> Subscription:
        """Subscribe to the published feed of a channel from now on. The caller closes it."""
        return self._feed.subscribe(channel)

    def interaction(self, channel: str) -> InteractionView:
        """Return the interaction settings of a channel."""
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
        """Return the newest published comments, the oldest of them first. Raises StoreError."""
        return await self.reader.read(published.list_newest, channel, limit=limit)

    async def states_of(self, comment_ids: Iterable[int]) -> dict[int, str]:
        """Return the state of each comment: waiting, published, rejected, retracted or expired.

        The caller decides whether the author may see it. Raises StoreError.
        """
        found = await self.reader.read(comments.states, list(comment_ids))
        return {number: shown_state(state) for number, state in found.items()}

    # ------------------------------------------------------------ operations on cards

    def rules(self, channel: str) -> Rules:
        return interactions.rules(self.interaction(channel))

    async def act(self, channel: str, card_id: int, event: Event) -> Step:
        """Apply an event to a card. Return after the commit. Raises ReviewRefused, StoreError."""
        return await self.commit(ApplyEvent(channel, card_id, event, self.rules(channel)))

    async def call(self, run: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a function of the store, `run(session, ...)`, with the next commit. Raises StoreError."""
        return await self.commit(StoreCall(run, *args, **kwargs))

    async def commit(self, job: Job[T]) -> T:
        """Commit a job and return its answer.

        Raises StoreError; kind "hung": it may still be committed later.
        """
        self.writer.submit(job)
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(job.answer)
        except TimeoutError:
            job.answer.cancel()
            raise failure("hung", self._location) from None

    def changed(self, channel: str, card: Card | None = None, members: Sequence[Member] = ()) -> None:
        """Notify the listeners of `on_change` that a card, or counts and settings, changed."""
        for call in self.on_change:
            call(channel, card, members)

    def card_changed(self, card_id: int) -> None:
        """Notify the listeners that the lease of a card changed."""
        if (entry := self.piles.get(card_id)) is not None:
            self.changed(entry.card.channel, entry.card, entry.members)

    def take_switches(self, found: Switches) -> None:
        """Take over settings as read from the database."""
        self.sources.update(found.sources)
        self.bans, self.trusted = bans_in_memory.Bans(found.bans), found.trusted
        for channel in {*self.interactions.channels(), *found.interactions}:
            if not self.to_close.get(channel):
                self.put_interaction(channel, found.interactions.get(channel, InteractionView()))

    def put_interaction(self, channel: str, view: InteractionView) -> None:
        """Take over interaction settings that are stored."""
        before = self.interaction(channel)
        if view != before:
            if view.stages != before.stages:
                self.to_restage.add(channel)
            self.interactions.put(channel, view)
            self.changed(channel)

    async def close(self) -> None:
        """End the threads, within a second. The caller has ended `upkeep` before."""
        await asyncio.gather(self.writer.close(CLOSE_S), self.reader.close(CLOSE_S))

    # ------------------------------------------------------------ intake

    def _check_comment(
        self, source: SourceRef, one: IncomingComment, view: InteractionView, now: float, more: int
    ) -> CheckedComment | IntakeResult | _RefusedComment:
        self.sources.setdefault(source.id, source.name)
        checked = checking.check(one, view.max_chars)
        if isinstance(checked, IntakeResult):
            return checked
        refusal = self._refusal(source, checked, view, now, more)
        return (
            CheckedComment(source, checked, view, now)
            if refusal is None
            else _RefusedComment(checked, refusal)
        )

    def _refusal(
        self, source: SourceRef, one: IncomingComment, view: InteractionView, now: float, more: int
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
        """Return the refusal when the writer's queue is full or the limit of waiting cards is reached."""
        piles, coming = self.piles.of(channel), self.writer.waiting + more
        comments = -(-(piles.comments + coming) // COMMENTS_A_CARD)  # in cards, rounded up
        over = max(len(piles) + coming, comments) - limit
        if coming >= MAX_WAITING:
            wait_s = COMMIT_WAIT_S
        elif over >= 0:
            _, decided, _ = self.rates.per_minute(channel, 0, now)
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
        self, source: SourceRef, unfit: Sequence[_RefusedComment], now: float
    ) -> list[IntakeResult]:
        """Return the results of refused comments. A comment that is stored already gets its state instead."""
        names = [one.incoming.client_id for one in unfit]
        known: dict[str, tuple[int, str]] = {}
        if self.writer.ready:
            with contextlib.suppress(StoreError):
                known = await self.reader.read(_find_earlier, source.id, names, now)
        return [
            IntakeResult(one.client_id, known[one.client_id][0], shown_state(known[one.client_id][1]))
            if one.client_id in known
            else checking.refuse(one, *refusal)
            for one, refusal in unfit
        ]

    def _candidate(self, fit: CheckedComment, judged: JudgedComment) -> Candidate:
        source, one = fit.source, fit.incoming
        held = CONDEMNED if self.broadcasts.is_condemned(source.channel, one.at_media_s) else ""
        broadcast = self.broadcasts.id_of(source.channel)
        trusted = (source.id, one.author_id) in self.trusted
        return Candidate(source, one, judged, interactions.rules(fit.view), broadcast, fit.at, held, trusted)

    def _failed(self, one: IncomingComment, error: Outcome | None) -> IntakeResult:
        if error is None:  # no answer in time: it may still be committed
            error = failure("hung", self._location)
        if isinstance(error, StoreError):
            return checking.refuse(one, DATABASE_AWAY, str(error), error.zh)
        if isinstance(error, ReviewRefused):
            return checking.refuse(one, error.code, str(error), error.zh)
        assert isinstance(error, Exception)
        raise error

    # ------------------------------------------------------------ memory

    def _leased(self) -> frozenset[int]:
        return frozenset(self.leases.cards(now_us() / 1e6))

    def _take_memory(self, loaded: StoredState) -> Piles:
        self.piles, self.loaded = loaded.piles, True
        self.people.update(loaded.people)
        self.actors.update({number: f"console:{name}" for number, name in loaded.people.items()})
        self.broadcasts.restore(loaded.broadcasts.items(), loaded.condemned)
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
        version = "" if self.filter is None else self.filter.version
        came: Counter[str] = Counter()
        for card in group.cards.values():
            new = group.members.get(card.id, [])
            before = self.piles.get(card.id)
            entry = self.piles.put(card, new)
            self._mark_unjudged(entry, card.id, version)
            if entry is not None and card.stages < self.rules(card.channel).stages:
                self.to_restage.add(card.channel)  # they were raised after its comment was checked
            self.changed(card.channel, card, new if before is None else before.members)
            if card.id not in group.steps:
                came[card.channel] += len(new)
            if not card.held and ((step := group.steps.get(card.id)) is None or step.act is None):
                self._find_condemned(card, new)
        for card_id in group.judged.keys() - group.cards.keys():
            self.card_changed(card_id)
        for channel, number in came.items():
            self.rates.count_arrived(channel, now, number)
        for step in group.steps.values():
            self._take_step(step, now)
        self._feed.publish(group.feed)
        self.due.set()

    def _find_condemned(self, card: Card, new: Sequence[Member]) -> None:
        """Find comments whose moment was condemned after they were checked and before they were committed."""
        for one in new:
            if (
                one.at_media_s is not None
                and card.broadcast == self.broadcasts.id_of(card.channel)
                and self.broadcasts.is_condemned(card.channel, one.at_media_s)
            ):
                self.broadcasts.mark_missed(card.channel, one.at_media_s)

    def _take_step(self, step: Step, now: float) -> None:
        if step.published:
            self.record(publication(step, self.actors))
        if step.act is None:
            self.rates.count_arrived(
                step.card.channel, now, len(step.card.comments) - len(step.before.comments)
            )
        elif step.act.user_id is not None:
            self.rates.count_decided(step.card.channel, step.act.user_id, now)
            self.leases.release(step.card.id)

    def _mark_unjudged(self, entry: Entry | None, card_id: int, version: str) -> None:
        if entry is None:
            self.unjudged.discard(card_id)
            return
        for one in entry.members:
            if one.judgement.lists != version:
                self.unjudged.add(card_id)
                return

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
