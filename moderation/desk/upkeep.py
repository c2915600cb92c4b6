"""Background tasks of the desk: publish, judge again after list changes, end leases, bans and broadcasts."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import structlog
from sqlalchemy.orm import Session

from moderation.desk import broadcasts, interactions
from moderation.desk.desk import CONDEMNED, Desk
from moderation.desk.filtering import CommentFilter
from moderation.desk.group import differs
from moderation.desk.jobs import ApplyEvent, Job, RejudgeCard
from moderation.desk.judging import JudgedComment
from moderation.desk.loading import load_people, load_switches
from moderation.desk.messages import InteractionView
from moderation.desk.piles import Entry
from moderation.desk.wordlists import Wordlists
from moderation.desk.writer import RETRY_S
from moderation.errors import ReviewRefused
from moderation.filter.filter import Filter
from moderation.filter.process import FilterProcess
from moderation.filter.service import FilterService
from moderation.review.events import Event, Expire, Hold, Publish
from streamgate.clock import now_us, wall_s
from streamgate.core.condemned import Span
from streamgate.errors import StoreError
from streamgate.link.messages import ChannelStatus
from streamgate.runtime.service import Services
from streamgate.store import client_ids, settings

SECOND_S = 1.0
SLICE = 250
"""Cards that are judged again at a time: a few milliseconds of the event loop."""
MAX_ACTS = 500
"""Most cards that are published or expire at a time."""
LOOK_S = 0.2
LISTS_S = 5.0
PRUNE_S = 3600.0
_ACTOR = "comments"
_log = structlog.get_logger("moderation.desk.upkeep")


def start(
    desk: Desk,
    services: Services,
    *,
    lists: Wordlists,
    gate_socket: Path | None,
    filter_process: Callable[[], FilterProcess] | None = None,
) -> None:
    """Start all background tasks as services. `filter_process`: makes the process that checks floods."""
    services.start("comments writer", desk.writer.run)
    services.start("comments filter", lambda: keep_filter(desk, lists, filter_process))
    services.start("publishing", lambda: publish_due(desk))
    services.start("judging anew", lambda: judge_anew(desk))
    services.start("comments seconds", lambda: _every(SECOND_S, lambda: each_second(desk)))
    services.start("comments names", lambda: _every(PRUNE_S, lambda: prune(desk)))
    if gate_socket is not None:
        services.start("gate status", lambda: follow_gate(desk, gate_socket))


async def follow_gate(desk: Desk, gate_socket: Path) -> None:
    """Follow the gate's status, once the stored broadcasts are loaded."""
    while not desk.loaded:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(LOOK_S)
    await broadcasts.watch_gate(gate_socket, lambda *status: take_gate_status(desk, *status))


def take_gate_status(
    desk: Desk, statuses: Sequence[ChannelStatus], condemned: Mapping[str, Sequence[Span]] | None = None
) -> None:
    """Take over a status of the gate. See `Broadcasts.update`."""
    if desk.loaded:
        desk.broadcasts.update(statuses, wall_s(), now_us() / 1e6, condemned)


# ---------------------------------------------------------------- the filter


async def keep_filter(
    desk: Desk, lists: Wordlists, filter_process: Callable[[], FilterProcess] | None = None
) -> None:
    """Build the filter, then reload it when the institution's word lists change."""
    built = await asyncio.to_thread(lambda: Filter(lists.load()))
    process = None if filter_process is None else filter_process()
    async with FilterService(built, process=process) as service:
        desk.filter = CommentFilter(service)
        _log.info("filter_ready", version=built.version)
        while True:
            await asyncio.sleep(LISTS_S)
            if await asyncio.to_thread(lists.is_changed):
                await service.replace(await asyncio.to_thread(lists.load))


async def judge_anew(desk: Desk) -> None:
    """Judge the comments of open cards again whenever the word lists change."""
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
        _notify_all(desk)
        begun, cards = now_us(), len(desk.unjudged)
        while desk.unjudged and desk.writer.ready:
            some = list(itertools.islice(desk.unjudged, 2 * SLICE))
            halves = some[::2], some[1::2]  # one half is stored while the other is judged
            if not all(await asyncio.gather(*(judge_cards(desk, checker, half) for half in halves))):
                break  # the filter or the database is busy: try again later
        _log.info("judged_anew", cards=cards, left=len(desk.unjudged), took_ms=(now_us() - begun) // 1000)
        _notify_all(desk)


async def judge_cards(desk: Desk, checker: CommentFilter, card_ids: Sequence[int]) -> bool:
    """Judge the comments of some cards by the current lists. Return False when it must be tried again."""
    version = checker.version
    asked = []
    for card_id in card_ids:
        entry = desk.piles.get(card_id)
        if entry is None or not _is_old(entry, version):
            desk.unjudged.discard(card_id)
        else:
            asked += [(card_id, one) for one in entry.members if one.judgement.lists != version]
    judged = await checker.judge([(one.text, one.author) for _, one in asked])
    by_card: dict[int, dict[int, JudgedComment]] = {}
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
            jobs.append(RejudgeCard(entry.card.channel, card_id, found, desk.rules(entry.card.channel)))
        else:
            entry.members = [
                msgspec.structs.replace(one, judgement=found[one.id].judgement) if one.id in found else one
                for one in entry.members
            ]
    outcome = await _commit_all(desk, jobs)
    for card_id in by_card:
        entry = desk.piles.get(card_id)
        if entry is None or not _is_old(entry, version):
            desk.unjudged.discard(card_id)
    return done and outcome


async def _restage(desk: Desk, channel: str) -> None:
    """Apply a channel's changed minimum of stages to its open cards."""
    desk.to_restage.discard(channel)
    rules = desk.rules(channel)
    cards = [entry.card.id for entry in desk.piles.entries() if entry.card.channel == channel]
    for low in range(0, len(cards), SLICE):
        jobs = [RejudgeCard(channel, card_id, {}, rules) for card_id in cards[low : low + SLICE]]
        if not await _commit_all(desk, jobs):
            desk.to_restage.add(channel)  # the database is away: try again


def _is_old(entry: Entry, version: str) -> bool:
    return any(one.judgement.lists != version for one in entry.members)


# ---------------------------------------------------------------- publishing


async def publish_due(desk: Desk) -> None:
    """Publish approved cards when their window for undo is over; all due cards in one commit."""
    while True:
        desk.due.clear()
        if desk.writer.ready:  # a card that is due now does not wait for `each_second`
            for channel in desk.broadcasts.channels_newly_condemned():
                await _hold_condemned(desk, channel)
        due = desk.piles.due(wall_s())[:MAX_ACTS] if desk.writer.ready else []
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
    """Apply an event to many cards. Return False when one was refused or the database is away."""
    cards = [entry.card for card_id in card_ids if (entry := desk.piles.get(card_id)) is not None]
    return await _commit_all(
        desk, [ApplyEvent(one.channel, one.id, event, desk.rules(one.channel)) for one in cards]
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
    """Expire leases and broadcasts, store what changed, and load what the command line changed."""
    for card_id in desk.leases.expire(now_us() / 1e6):
        desk.card_changed(card_id)
    if not desk.writer.ready:
        return
    with contextlib.suppress(StoreError):  # tried again in a second
        await reload_switches(desk)
    for channel, ended in list(desk.to_close.items()):
        await _store_broadcast(desk, channel, ended=ended)
    for channel in desk.piles.channels():
        await _expire(desk, channel)
    for channel in desk.broadcasts.channels_newly_condemned():
        await _hold_condemned(desk, channel)
    for channel, condemned in desk.broadcasts.unstored_condemned():
        await _store_condemned(desk, channel, condemned)


async def reload_switches(desk: Desk) -> None:
    """Read settings that the command line may have changed. Raises StoreError."""
    changes = desk.own_changes
    found = await desk.reader.read(load_switches)
    if desk.own_changes == changes:  # else memory may be newer
        desk.take_switches(found)


async def reload(desk: Desk) -> None:
    """Read settings and people again. Raises StoreError."""
    await reload_switches(desk)
    desk.people.update(await desk.reader.read(load_people))


async def prune(desk: Desk) -> None:
    """Delete client ids that are older than a day."""
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
    """Store the condemned moments, for a restart: the gate forgets them once they have aired."""
    key, plain = f"{broadcasts.CONDEMNED_PREFIX}{channel}", msgspec.to_builtins(condemned)
    with contextlib.suppress(StoreError):  # it is tried again in a second
        await desk.call(settings.put, key, plain, by=_ACTOR, at=wall_s())
        desk.broadcasts.mark_stored(channel, condemned)


def _write_broadcast(
    session: Session, channel: str, on_air: dict[str, Any], ended: bool, now: float
) -> InteractionView | None:
    """Store which broadcast is on air. At the end of one close interaction and return the new settings."""
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
    """Expire the cards that were not reviewed when their broadcast ended."""
    current = desk.broadcasts.id_of(channel)
    over = [one for one in desk.piles.of(channel).broadcasts if one not in ("", current)]
    if not over or channel not in desk.broadcasts.reported:
        return
    cards = [
        entry.card.id
        for entry in desk.piles.entries()
        if entry.card.channel == channel and entry.card.broadcast in over and not _is_reviewed(entry)
    ]
    for start in range(0, len(cards), MAX_ACTS):
        await act_on_all(desk, cards[start : start + MAX_ACTS], Expire())


def _is_reviewed(entry: Entry) -> bool:
    return entry.card.publish_at is not None and not entry.card.held


async def _hold_condemned(desk: Desk, channel: str) -> None:
    """Hold the cards with comments about moments that were condemned since the last call."""
    condemned = desk.broadcasts.newly_condemned(channel)
    current = desk.broadcasts.id_of(channel)
    cards = [
        entry.card.id
        for entry in desk.piles.entries()
        if (entry.card.channel, entry.card.broadcast, entry.card.held) == (channel, current, "")
        and any(
            low <= one.at_media_s <= high
            for one in entry.members
            if one.at_media_s is not None
            for low, high in condemned
        )
    ]
    if await act_on_all(desk, cards, Hold(None, CONDEMNED)):
        desk.broadcasts.mark_held(channel, condemned)


def _notify_all(desk: Desk) -> None:
    for channel in desk.piles.channels():
        desk.changed(channel)


async def _every(seconds: float, run: Callable[[], Any]) -> None:
    while True:
        await run()
        await asyncio.sleep(seconds)
