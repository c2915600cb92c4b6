"""Deletes comments, and the decisions on them, that are older than the retention of recordings (R8, R21).

It deletes whole days (UTC) in small groups, and only while the clock is plausible, by the rule of the
archive's sweeper (`streamgate/core/retention.py`). Before that it writes a ledger record for each day and
channel.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as NotYet
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.orm import Session

from moderation.desk.desk import Desk
from streamgate.clock import boot_id, now_us, wall_s
from streamgate.core.retention import DAY_S, ClockMark, check_retention_days, judge_clock
from streamgate.errors import LedgerError, StoreError
from streamgate.ledger.record import Notice
from streamgate.ledger.writer import Writer
from streamgate.store import old_comments, settings
from streamgate.store.old_comments import OldCard

EVERY_S = 3600.0
FIRST_S = 120.0  # after the start, which has more urgent work
PAGE_ROWS = 500
MAX_CARDS = 100_000
"""Cards of one run; the others are deleted an hour later."""
GROUP_CARDS, GROUP_COMMENTS = 100, 500
"""Limits of one commit, which takes some tens of milliseconds. Incoming comments wait for it."""
PAUSE_S = 0.1
DISK_S = 5.0
CLOCK_KEY = "comments_clock"
_ACTOR = "comments"
_log = structlog.get_logger("moderation.desk.retention")


class Removed(NamedTuple):
    """What is deleted of one day and channel. `day`: UTC, YYYY-MM-DD."""

    day: str
    channel: str
    cards: int
    comments: int


RecordRemovals = Callable[[list[Removed]], Awaitable[None]]
"""Records deletions; raises LedgerError unless the record is on disk."""


async def run(desk: Desk, *, retention_days: int, record: RecordRemovals) -> None:
    """Delete old comments every hour, until cancelled. Raises ConfigError for a retention under 60 days."""
    check_retention_days(retention_days)
    await asyncio.sleep(FIRST_S)
    while True:
        if desk.writer.ready:
            try:
                await sweep(desk, retention_days=retention_days, record=record)
            except (StoreError, LedgerError) as error:
                _log.warning("comments_not_removed", reason=str(error))
        await asyncio.sleep(EVERY_S)


async def sweep(
    desk: Desk, *, retention_days: int, record: RecordRemovals, wall: Callable[[], float] = wall_s
) -> int:
    """Delete the days that are past their retention; return how many comments were deleted.

    Raises StoreError, LedgerError; what was not deleted before stays.
    """
    keep_s = check_retention_days(retention_days) * DAY_S
    now = ClockMark(wall(), now_us() / 1e6, boot_id())
    if doubt := await desk.call(_judge, now):
        _log.warning("comments_not_removed", reason=doubt)
        return 0
    before = (now.wall_s - keep_s) // DAY_S * DAY_S
    old: list[OldCard] = []
    after: int | None = 0
    while after is not None and len(old) < MAX_CARDS:
        found, after = await desk.reader.read(
            old_comments.list_old, before=before, after=after, limit=PAGE_ROWS
        )
        old += found
    if not old:
        return 0
    await record(list(_by_day(old)))
    removed = 0
    for group in _groups(old):
        removed += await desk.call(old_comments.remove, [one.id for one in group])
        await asyncio.sleep(PAUSE_S)
    _log.info("comments_removed", cards=len(old), comments=removed, retention_days=retention_days)
    return removed


def record_in_ledger(ledger: Writer, retention_days: int) -> RecordRemovals:
    """Return a function that records deletions in the ledger of this process."""

    def write(removed: list[Removed]) -> None:
        try:
            written = [ledger.written(_notice(one, retention_days)) for one in removed]
            for one in written:
                one.result(DISK_S)
        except NotYet:
            raise LedgerError("the ledger takes no records at the moment; comments are kept") from None

    async def record(removed: list[Removed]) -> None:
        await asyncio.to_thread(write, removed)

    return record


def _notice(one: Removed, days: int) -> Notice:
    what = f"{one.comments} on {one.cards} cards"
    return Notice(
        channel=one.channel,
        who=_ACTOR,
        code="comments_removed",
        text=f"Comments of {one.day} are removed after {days} days: {what}",
        text_zh=f"{one.day} 的评论已满 {days} 天，予以删除：{one.cards} 张卡片、{one.comments} 条评论",
    )


def _by_day(old: Iterable[OldCard]) -> Iterator[Removed]:
    cards: Counter[tuple[str, str]] = Counter()
    comments: Counter[tuple[str, str]] = Counter()
    for one in old:
        key = f"{dt.datetime.fromtimestamp(one.at, dt.UTC):%Y-%m-%d}", one.channel
        cards[key] += 1
        comments[key] += one.comments
    return (Removed(*key, cards[key], comments[key]) for key in sorted(cards))


def _groups(old: Iterable[OldCard]) -> Iterator[list[OldCard]]:
    group: list[OldCard] = []
    size = 0
    for one in old:
        if group and (len(group) >= GROUP_CARDS or size + one.comments > GROUP_COMMENTS):
            yield group
            group, size = [], 0
        group.append(one)
        size += one.comments
    if group:
        yield group


def _judge(session: Session, now: ClockMark) -> str:
    """Return why the clock is not plausible, or "". Store the clock's reading for the next time."""
    kept = settings.get(session, CLOCK_KEY)
    last = None if kept is None else msgspec.convert(kept, ClockMark)
    verdict = judge_clock(last, now, old_comments.newest_at(session))
    settings.put(session, CLOCK_KEY, msgspec.to_builtins(verdict.mark), by=_ACTOR, at=now.wall_s)
    return verdict.reason
