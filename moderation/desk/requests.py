"""Answers the requests of reviewers (`messages`). Requests about authors are in `authors`.

Contents of `Reply.found` for `AddTerm`: {"findings": [{"file", "line", "level", "rule", "reason"}], "added",
"version"}.
"""

import asyncio
import contextlib
from collections.abc import Callable

from moderation.desk import interactions, upkeep, wordlists
from moderation.desk.authors import Authors, actor_of, reviewer_of
from moderation.desk.desk import Desk
from moderation.desk.lookup import CardWithComments, Lookup
from moderation.desk.messages import (
    MAX_AT_ONCE,
    MAX_QUEUE,
    AddTerm,
    AnyRequest,
    Author,
    Ban,
    Claim,
    Counts,
    Deal,
    Decide,
    DecideMany,
    Failure,
    Get,
    GetInteraction,
    LiftBan,
    ListBans,
    Outcome,
    Queue,
    ReleaseCard,
    Reload,
    Reply,
    Retract,
    Reveal,
    SetInteraction,
    TrustAuthor,
    Unwatch,
    Verb,
    Watch,
)
from moderation.desk.wordlists import Wordlists
from moderation.errors import ReviewRefused
from moderation.review import events
from moderation.review.card import Card
from moderation.review.events import Event, Reviewer
from moderation.review.queue_order import Order, check_batch_decision, may_decide
from moderation.review.reasons import RejectCode
from moderation.review.refusals import not_entitled, not_found, stale
from moderation.review.stages import Stage, entitling_role
from streamgate.clock import now_us, wall_s
from streamgate.core.channel_name import require_name
from streamgate.errors import Refused, StoreError
from streamgate.store import settings

_CARD_WITH = ("stale", "taken", "closed", "held", "too_late")
"""Codes of refusals whose reply holds the card in its current state."""


class RequestHandler:
    """Answers requests to a desk. `answer` returns refusals as replies; it does not raise them."""

    def __init__(self, desk: Desk, lists: Wordlists) -> None:
        self._desk = desk
        self._lists = lists
        self._lookup = Lookup(desk)
        self._authors = Authors(desk, self._lookup)
        self._adding, self._switching = asyncio.Lock(), asyncio.Lock()

    async def answer(self, request: AnyRequest) -> Reply:
        if request.by.user_id:
            self._desk.people[request.by.user_id] = request.by.name
            self._desk.actors[request.by.user_id] = actor_of(request.by)
        try:
            return await self._answer(request)
        except ReviewRefused as error:
            card = None
            if isinstance(request, Decide | Claim | Retract) and error.code in _CARD_WITH:
                with contextlib.suppress(StoreError):
                    card = await self._lookup.view(request.channel, request.card, request.by)
            return Reply(id=request.id, failure=Failure(error.code, str(error), error.zh), card=card)
        except StoreError as error:
            return Reply(id=request.id, failure=Failure("database_away", str(error), error.zh))

    async def _answer(self, request: AnyRequest) -> Reply:  # noqa: PLR0911 - a table of requests
        match request:
            case Watch() | Unwatch() | GetInteraction() | SetInteraction() | Reload():
                return await self._answer_switches(request)
            case Queue():
                return await self._queue(request)
            case Get(cards=asked):
                found = await self._lookup.find(request.channel, asked[:MAX_QUEUE])
                views = [self._lookup.view_of(one, request.by) for one in found]
                return Reply(id=request.id, cards=views)
            case Deal():
                return self._deal(request)
            case Claim(card=card_id):
                return await self._claim(request, card_id)
            case ReleaseCard(card=card_id):
                if self._desk.leases.holder(card_id, _clock_s()) == request.by.user_id:
                    self._desk.leases.release(card_id)
                    self._desk.card_changed(card_id)
                return Reply(id=request.id)
            case Decide():
                return await self._decide(request)
            case DecideMany():
                return await self._decide_many(request)
            case Retract():
                reviewer = reviewer_of(request.by)
                event = events.Retract(reviewer, request.reason, request.comment or None)
                return await self._act(request, request.card, event)
            case Reveal() | Author() | Ban() | TrustAuthor() | LiftBan() | ListBans():
                return await self._authors.answer(request)
            case AddTerm():
                return await self._add_term(request)

    # ------------------------------------------------------------ switches

    async def _answer_switches(
        self, request: Watch | Unwatch | GetInteraction | SetInteraction | Reload
    ) -> Reply:
        desk, channel = self._desk, request.channel
        if isinstance(request, Reload):
            await upkeep.reload(desk)
        elif isinstance(request, SetInteraction):
            async with self._switching:  # or who changes one setting would put the others back
                await self._set_interaction(request)
        counts = self.counts(channel, request.by.user_id) if isinstance(request, Watch) else None
        return Reply(id=request.id, counts=counts, interaction=desk.interaction(channel))

    async def _set_interaction(self, request: SetInteraction) -> None:
        desk, channel = self._desk, request.channel
        now, by = wall_s(), actor_of(request.by)
        try:  # what has settings is a channel to viewers, and its name stands in paths
            require_name(channel)
        except Refused as error:
            raise ReviewRefused("bad_request", str(error), error.zh) from error
        view = interactions.change(desk.interaction(channel), request)
        key = f"{interactions.PREFIX}{channel}"
        await desk.call(settings.put, key, interactions.encode(view), by=by, at=now)
        desk.own_changes += 1
        desk.put_interaction(channel, interactions.decode(interactions.encode(view), by, now))

    def counts(self, channel: str, user_id: int = 0) -> Counts:
        """Return the counts of a channel's queue, and the pace of one person."""
        desk, now = self._desk, wall_s()
        piles = desk.piles.of(channel)
        oldest = piles.oldest("waiting")
        came, decided, mine = desk.rates.per_minute(channel, user_id, now)
        return Counts(
            stages={str(int(stage)): piles.count("waiting", int(stage)) for stage in Stage},
            blocked=piles.count("blocked"),
            held=piles.count("held"),
            approved=piles.count("approved"),
            oldest_waiting_s=None if oldest is None else max(0.0, round(now - oldest, 1)),
            came_per_minute=came,
            decided_per_minute=decided,
            mine_per_minute=mine,
            rescanning=bool(desk.unjudged),
            lists="" if desk.filter is None else desk.filter.version,
        )

    # ------------------------------------------------------------ the queue

    async def _queue(self, request: Queue) -> Reply:
        limit = max(1, min(request.limit, MAX_QUEUE))
        found = await self._lookup.queue(request, limit + 1)
        return Reply(
            id=request.id,
            cards=[self._lookup.view_of(one, request.by) for one in found[:limit]],
            counts=self.counts(request.channel, request.by.user_id),
            has_more=len(found) > limit,
        )

    def _deal(self, request: Deal) -> Reply:
        desk, by, now = self._desk, reviewer_of(request.by), _clock_s()
        ids = desk.piles.of(request.channel).ids("waiting", stage=request.stage, order=Order(request.order))
        for card_id in ids:
            entry = desk.piles.get(card_id)
            free = desk.leases.holder(card_id, now) in (None, by.id)
            if entry is not None and free and may_decide(entry.card, by):
                self._lease(card_id, by.id)
                return Reply(id=request.id, card=self._lookup.view_of(CardWithComments.of(entry), request.by))
        return Reply(id=request.id)

    async def _claim(self, request: AnyRequest, card_id: int) -> Reply:
        by = reviewer_of(request.by)
        if entitling_role(Stage.FIRST, by.roles) is None:
            raise not_entitled(Stage.FIRST)
        entry = self._desk.piles.get(card_id)
        if entry is not None and entry.card.channel == request.channel:
            self._lease(card_id, by.id)
        view = await self._lookup.view(request.channel, card_id, request.by)
        if view is None:
            raise not_found(request.channel, card_id)
        return Reply(id=request.id, card=view)

    def _lease(self, card_id: int, user_id: int) -> None:
        leases, now = self._desk.leases, _clock_s()
        before = leases.card_of(user_id, now)
        leases.claim(card_id, user_id, now)
        if before is not None and before != card_id:
            self._desk.card_changed(before)
        self._desk.card_changed(card_id)

    # ------------------------------------------------------------ decisions

    async def _decide(self, request: Decide) -> Reply:
        by = reviewer_of(request.by)
        event = _event(by, request.version, request.verb, request.code, request.note)
        if request.verb in ("approve", "reject", "escalate"):
            self._desk.leases.require_free(request.card, by.id, _clock_s())
        return await self._act(request, request.card, event)

    async def _act(self, request: AnyRequest, card_id: int, event: Event) -> Reply:
        step = await self._desk.act(request.channel, card_id, event)
        return Reply(id=request.id, card=await self._lookup.view(step.card.channel, step.card.id, request.by))

    async def _decide_many(self, request: DecideMany) -> Reply:
        by = reviewer_of(request.by)
        if not 0 < len(request.cards) <= MAX_AT_ONCE:
            raise ReviewRefused(
                "batch",
                f"{len(request.cards)} cards at once; allowed are 1 to {MAX_AT_ONCE}",
                f"一次 {len(request.cards)} 张卡片；允许 1 至 {MAX_AT_ONCE} 张",
            )
        known = {
            one.card.id: one.card
            for one in await self._lookup.find(request.channel, [i for i, _ in request.cards])
        }
        check_batch_decision(request.verb, list(known.values()))
        asked = (
            self._decide_one(request, by, card_id, version, known.get(card_id))
            for card_id, version in request.cards
        )
        outcomes = await asyncio.gather(*asked)
        return Reply(id=request.id, outcomes=list(outcomes))

    async def _decide_one(
        self, request: DecideMany, by: Reviewer, card_id: int, version: int, checked: Card | None
    ) -> Outcome:
        """Decide on one card of a batch. `checked`: as it was when the batch was allowed; None: unknown."""
        try:
            if checked is None:
                raise not_found(request.channel, card_id)
            if checked.revision != version:
                raise stale(checked, version)
            self._desk.leases.require_free(card_id, by.id, _clock_s())
            event = _event(by, version, request.verb, request.code, request.note)
            step = await self._desk.act(request.channel, card_id, event)
        except ReviewRefused as error:
            failure = Failure(error.code, str(error), error.zh)
        except StoreError as error:
            failure = Failure("database_away", str(error), error.zh)
        else:
            return Outcome(card_id, step.card.revision, step.card.state.value)
        entry = self._desk.piles.get(card_id)
        now = (version, "") if entry is None else (entry.card.revision, entry.card.state.value)
        return Outcome(card_id, *now, failure)

    # ------------------------------------------------------------ terms

    async def _add_term(self, request: AddTerm) -> Reply:
        checker = self._desk.filter
        if checker is None:
            raise ReviewRefused(
                "busy", "the lists are being read; try again in a moment", "词表正在载入，请稍后再试"
            )
        async with self._adding:
            lists = checker.service.filter.lists
            new, findings = await asyncio.to_thread(self._lists.check_term, request, lists)
            added = not request.check_only and wordlists.has_no_errors(findings)
            if added:
                kept = await asyncio.to_thread(self._lists.store_term, new)
                await checker.service.add(wordlists.only_term(kept, new.entries[0].term))
            found = wordlists.term_answer(findings, added=added, version=checker.version)
            return Reply(id=request.id, found=found)


def _event(by: Reviewer, seen: int, verb: Verb, code: str, note: str) -> Event:
    reason = note or code
    made: dict[Verb, Callable[[], Event]] = {
        "approve": lambda: events.Approve(by, seen),
        "reject": lambda: events.Reject(by, seen, _code(code), note),
        "escalate": lambda: events.Escalate(by, seen, note),
        "undo": lambda: events.Undo(by, seen),
        "hold": lambda: events.Hold(by, reason),
        "release": lambda: events.Release(by, seen, reason),
        "restore": lambda: events.Restore(by, seen, reason),
    }
    return made[verb]()


def _code(code: str) -> RejectCode:
    try:
        return RejectCode(code)
    except ValueError:
        allowed = ", ".join(RejectCode)
        raise ReviewRefused(
            "reason",
            f"the reason of a rejection is {code!r}; allowed are: {allowed}",
            f"驳回原因须为以下之一：{allowed}",
        ) from None


def _clock_s() -> float:
    return now_us() / 1e6
