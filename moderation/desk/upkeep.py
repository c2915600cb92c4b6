"""What happens at the desk by itself: publishing, judging anew, the ends of leases, bans and broadcasts."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy.orm import Session

from moderation.desk import broadcasts, interactions
from moderation.desk.desk import CONDEMNED, Desk
from moderation.desk.filtering import CommentFilter
from moderation.desk.group import differs
from moderation.desk.jobs import Act, Job, JudgeAnew
from moderation.desk.judging import Judged
from moderation.desk.loading import load_people, load_switches
from moderation.desk.messages import InteractionView
from moderation.desk.piles import Entry
from moderation.desk.wordlists import Wordlists
from moderation.desk.writer import MAX_GROUP, RETRY_S
from moderation.errors import ReviewRefused
from moderation.filter.filter import Filter
from moderation.filter.service import FilterService
from moderation.review.events import Event, Expire, Hold, Publish
from streamgate.clock import now_us, wall_s
from streamgate.errors import StoreError
from streamgate.link.messages import ChannelStatus
from streamgate.runtime.service import Services
from streamgate.store import client_ids, settings

SECOND_S = 1.0
SLICE = 250
"""Cards judged anew at a time: a few milliseconds of the event loop."""
LOOK_S = 0.2
LISTS_S = 5.0
PRUNE_S = 3600.0
_ACTOR = "comments"
_log = structlog.get_logger("moderation.desk.upkeep")


def start(desk: Desk, services: Services, *, lists: Wordlists, gate_socket: Path | None) -> None:
    """Start everything; the services end it."""
    services.start("comments writer", desk.writer.run)
    services.start("comments filter", lambda: keep_filter(desk, lists))
    services.start("publishing", lambda: publish_due(desk))
    services.start("judging anew", lambda: judge_anew(desk))
    services.start("comments seconds", lambda: _every(SECOND_S, lambda: each_second(desk)))
    services.start("comments names", lambda: _every(PRUNE_S, lambda: prune(desk)))
    if gate_socket is not None:
        services.start(
            "gate status", lambda: broadcasts.watch_gate(gate_socket, lambda all_: follow(desk, all_))
        )


def follow(desk: Desk, statuses: Sequence[ChannelStatus]) -> None:
    """Take over a status of the gate. Not before the broadcasts of an earlier process are known."""
    if desk.loaded:
        desk.broadcasts.take(statuses, wall_s(), now_us() / 1e6)


# ---------------------------------------------------------------- the filter


async def keep_filter(desk: Desk, lists: Wordlists) -> None:
    """Build the filter, then follow changes of the institution's lists."""
    built = await asyncio.to_thread(lambda: Filter(lists.load()))
    async with FilterService(built) as service:
        desk.filter = CommentFilter(service)
        _log.info("filter_ready", version=built.version)
        while True:
            await asyncio.sleep(LISTS_S)
            if await asyncio.to_thread(lists.is_changed):
                await service.replace(await asyncio.to_thread(lists.load))


async def judge_anew(desk: Desk) -> None:
    """Have the filter look at open cards again whenever the lists change."""
    version = ""
    while True:
        await asyncio.sleep(LOOK_S)
        checker = desk.filter
        if checker is None or not desk.writer.ready:
            continue
        if checker.version != version:
            version = checker.version
            desk.unjudged.update(entry.card.id for entry in desk.piles.entries() if _is_old(entry, version))
        for channel in list(desk.to_restage):
            await _restage(desk, channel)
        if not desk.unjudged:
            continue
        _tell_all(desk)
        begun, cards = now_us(), len(desk.unjudged)
        while desk.unjudged and desk.writer.ready:
            some = list(itertools.islice(desk.unjudged, 2 * SLICE))
            halves = some[::2], some[1::2]  # while one is stored the other is judged
            if not all(await asyncio.gather(*(judge_cards(desk, checker, half) for half in halves))):
                break  # the filter or the database is busy: a little later
        _log.info("judged_anew", cards=cards, left=len(desk.unjudged), took_ms=(now_us() - begun) // 1000)
        _tell_all(desk)


async def judge_cards(desk: Desk, checker: CommentFilter, card_ids: Sequence[int]) -> bool:
    """Judge the comments of some cards by the lists of now. Returns False when that must be tried again."""
    version = checker.version
    asked = []
    for card_id in card_ids:
        entry = desk.piles.get(card_id)
        if entry is None or not _is_old(entry, version):
            desk.unjudged.discard(card_id)
        else:
            asked += [(card_id, one) for one in entry.members if one.judgement.lists != version]
    judged = await checker.judge([(one.text, one.author) for _, one in asked])
    by_card: dict[int, dict[int, Judged]] = {}
    done = True
    for (card_id, one), judgement in zip(asked, judged, strict=True):
        if judgement.late:
            done = False
        else:
            by_card.setdefault(card_id, {})[one.id] = judgement
    jobs = []
    for card_id, found in by_card.items():
        entry = desk.piles.get(card_id)
        if entry is None:
            continue
        changes = any(
            differs(one.judgement, found[one.id].judgement) for one in entry.members if one.id in found
        )
        if changes or entry.card.stages < max(one.stages for one in found.values()):
            jobs.append(JudgeAnew(entry.card.channel, card_id, found, desk.rules(entry.card.channel)))
        else:
            entry.members = [
                one._replace(judgement=found[one.id].judgement) if one.id in found else one
                for one in entry.members
            ]
    outcome = await _commit_all(desk, jobs)
    for card_id in by_card:
        entry = desk.piles.get(card_id)
        if entry is None or not _is_old(entry, version):
            desk.unjudged.discard(card_id)
    return done and outcome


async def _restage(desk: Desk, channel: str) -> None:
    """Apply a channel's fewest stages, which were changed, to the cards that are open."""
    desk.to_restage.discard(channel)
    rules = desk.rules(channel)
    cards = [entry.card.id for entry in desk.piles.entries() if entry.card.channel == channel]
    for low in range(0, len(cards), SLICE):
        jobs = [JudgeAnew(channel, card_id, {}, rules) for card_id in cards[low : low + SLICE]]
        if not await _commit_all(desk, jobs):
            desk.to_restage.add(channel)  # the database is away: again


def _is_old(entry: Entry, version: str) -> bool:
    return any(one.judgement.lists != version for one in entry.members)


# ---------------------------------------------------------------- publishing


async def publish_due(desk: Desk) -> None:
    """Publish approved cards when their window is over, all that are due in one commit."""
    while True:
        desk.due.clear()
        due = desk.piles.due(wall_s())[:MAX_GROUP] if desk.writer.ready else []
        if due:
            if not await act_on_all(desk, due, Publish()):
                await asyncio.sleep(LOOK_S)
            continue
        latest = desk.piles.next_due() if desk.writer.ready else None
        wait_s = RETRY_S if latest is None else min(RETRY_S, max(0.001, latest - wall_s()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await desk.due.wait()


async def act_on_all(desk: Desk, card_ids: Iterable[int], event: Event) -> bool:
    """Do the same to many cards. Returns False when some of them refused, or the database is away."""
    cards = [entry.card for card_id in card_ids if (entry := desk.piles.get(card_id)) is not None]
    return await _commit_all(
        desk, [Act(one.channel, one.id, event, desk.rules(one.channel)) for one in cards]
    )


async def _commit_all(desk: Desk, jobs: Sequence[Job[Any]]) -> bool:
    for job in jobs:
        desk.writer.submit(job)
    outcomes = await asyncio.gather(*(job.answer for job in jobs), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ReviewRefused | StoreError):
            raise outcome
    return not any(isinstance(outcome, BaseException) for outcome in outcomes)


# ---------------------------------------------------------------- every second


async def each_second(desk: Desk) -> None:
    """See to what ends by itself, and to what the command line changed."""
    for card_id in desk.leases.expire(now_us() / 1e6):
        desk.card_changed(card_id)
    if not desk.writer.ready:
        return
    with contextlib.suppress(StoreError):  # it is tried again
        await reload_switches(desk)
    for channel, ended in list(desk.to_close.items()):
        await _store_broadcast(desk, channel, ended=ended)
    for channel, condemned in desk.broadcasts.to_store():
        await _store_condemned(desk, channel, condemned)
    for channel in desk.piles.channels():
        await _expire(desk, channel)
        await _hold_condemned(desk, channel)


async def reload_switches(desk: Desk) -> None:
    """Read anew what the command line changes. Raises StoreError."""
    changes = desk.own_changes
    found = await desk.reader.read(load_switches)
    if desk.own_changes == changes:  # else it may be older than what stands in memory
        desk.take_switches(found)


async def reload(desk: Desk) -> None:
    """Read anew switches and people. Raises StoreError."""
    await reload_switches(desk)
    desk.people.update(await desk.reader.read(load_people))


async def prune(desk: Desk) -> None:
    """Forget names of comments that are older than a day."""
    if desk.writer.ready:
        with contextlib.suppress(StoreError):
            await desk.call(client_ids.prune, at=wall_s())


async def _store_broadcast(desk: Desk, channel: str, *, ended: bool) -> None:
    on_air = desk.broadcasts.on_air(channel)
    try:
        view = await desk.call(_write_broadcast, channel, broadcasts.encode(on_air), ended, wall_s())
    except StoreError:
        return
    if desk.to_close.get(channel) == ended and desk.broadcasts.on_air(channel) == on_air:
        del desk.to_close[channel]
    if view is not None:
        desk.put_interaction(channel, view)
    _log.info("broadcast_followed", channel=channel, broadcast="" if on_air is None else on_air.id)


async def _store_condemned(desk: Desk, channel: str, condemned: broadcasts.Condemned) -> None:
    """Keep what was condemned: the gate forgets it once it has aired, and this process may be killed."""
    key, plain = f"{broadcasts.CONDEMNED_PREFIX}{channel}", msgspec.to_builtins(condemned)
    with contextlib.suppress(StoreError):  # it is tried again in a second
        await desk.call(settings.put, key, plain, by=_ACTOR, at=wall_s())
        desk.broadcasts.note_stored(channel, condemned)


def _write_broadcast(
    session: Session, channel: str, on_air: dict[str, Any], ended: bool, now: float
) -> InteractionView | None:
    """Store which broadcast is on air; with the end of one everything is closed. Returns the new switches."""
    settings.put(session, f"{broadcasts.PREFIX}{channel}", on_air, by=_ACTOR, at=now)
    key = f"{interactions.PREFIX}{channel}"
    stored = settings.get(session, key)
    if not ended or stored is None:
        return None
    view = interactions.decode(stored, _ACTOR, now)
    if view == interactions.close(view):
        return None
    view = interactions.close(view)
    settings.put(session, key, interactions.encode(view), by=_ACTOR, at=now)
    return view


async def _expire(desk: Desk, channel: str) -> None:
    """End the review of what was not reviewed when its broadcast ended."""
    current = desk.broadcasts.id_of(channel)
    over = [one for one in desk.piles.of(channel).broadcasts if one not in ("", current)]
    if not over or channel not in desk.broadcasts.told:
        return
    cards = [
        entry.card.id
        for entry in desk.piles.entries()
        if entry.card.channel == channel and entry.card.broadcast in over and not _is_reviewed(entry)
    ]
    for start in range(0, len(cards), MAX_GROUP):
        await act_on_all(desk, cards[start : start + MAX_GROUP], Expire())


def _is_reviewed(entry: Entry) -> bool:
    return entry.card.publish_at is not None and not entry.card.held


async def _hold_condemned(desk: Desk, channel: str) -> None:
    """Hold what speaks of a moment that was condemned since the last look."""
    grown = desk.broadcasts.take_grown(channel)
    if not grown:
        return
    current = desk.broadcasts.id_of(channel)
    cards = [
        entry.card.id
        for entry in desk.piles.entries()
        if (entry.card.channel, entry.card.broadcast, entry.card.held) == (channel, current, "")
        and any(
            low <= one.at_media_s <= high
            for one in entry.members
            if one.at_media_s is not None
            for low, high in grown
        )
    ]
    await act_on_all(desk, cards, Hold(None, CONDEMNED))


def _tell_all(desk: Desk) -> None:
    for channel in desk.piles.channels():
        desk.changed(channel)


async def _every(seconds: float, run: Callable[[], Any]) -> None:
    while True:
        await run()
        await asyncio.sleep(seconds)
