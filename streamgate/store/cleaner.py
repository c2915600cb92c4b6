"""Forgets what has been kept for long enough: old sessions, one-time links, tries to sign in.

How long is a decision of rule R20 (a log of sign-ins) against rule R21 (no more personal data than needed);
the ledger keeps what people did, without end.
"""

import asyncio
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy.orm import Session

from streamgate.clock import boot_id, now_us, wall_s
from streamgate.core.retention import DAY_S, ClockMark, judge_clock
from streamgate.errors import StoreError
from streamgate.store import links, sessions, settings, sign_ins
from streamgate.store.database import AsyncDatabase

EVERY_S = 3600.0
FIRST_S = 60.0  # after the start: there is better to do at first
BATCH = 500  # rows a transaction: others write, too
PAUSE_S = 0.05
SIGN_IN_S = 400 * DAY_S
STRANGER_S = 30 * DAY_S
MOST_STRANGERS = 100_000
SESSION_S = 30 * DAY_S  # after its end
LINK_S = 30 * DAY_S
MARK = "cleaner_clock"
_ACTOR = "cleaner"
_log = structlog.get_logger("streamgate.store.cleaner")


class Cleaned(NamedTuple):
    """How many rows went."""

    sign_ins: int = 0
    strangers: int = 0
    sessions: int = 0
    links: int = 0


async def run(database: AsyncDatabase) -> None:
    """Clean every hour until cancelled. A database that is away is cleaned an hour later."""
    await asyncio.sleep(FIRST_S)
    while True:
        try:
            await clean(database)
        except StoreError as error:
            _log.warning("database_not_cleaned", reason=str(error))
        await asyncio.sleep(EVERY_S)


async def clean(database: AsyncDatabase) -> Cleaned:
    """Forget what is old, in batches. Nothing, as long as the clock is in doubt. Raises StoreError."""
    now = ClockMark(wall_s(), now_us() / 1e6, boot_id())
    doubt = await database.write(_judge, now)
    if doubt:
        _log.warning("database_not_cleaned", reason=doubt)
        return Cleaned()
    total = Cleaned()
    while any(batch := await database.write(forget, now.wall_s, limit=BATCH)):
        total = Cleaned(*(sum(pair) for pair in zip(total, batch, strict=True)))
        await asyncio.sleep(PAUSE_S)
    if any(total):
        _log.info("database_cleaned", **total._asdict())
    return total


def forget(session: Session, now: float, *, limit: int) -> Cleaned:
    """Delete at most `limit` old rows of each kind."""
    return Cleaned(
        sign_ins.prune(session, before=now - SIGN_IN_S, limit=limit),
        sign_ins.prune_strangers(session, before=now - STRANGER_S, most=MOST_STRANGERS, limit=limit),
        sessions.prune(session, before=now - SESSION_S, limit=limit),
        links.prune(session, before=now - LINK_S, limit=limit),
    )


def _judge(session: Session, now: ClockMark) -> str:
    """Return why the clock is in doubt, "" when it is not: a clock that jumps must not empty the log."""
    kept = settings.get(session, MARK)
    last = None if kept is None else msgspec.convert(kept, ClockMark)
    verdict = judge_clock(last, now, None)
    settings.put(session, MARK, msgspec.to_builtins(verdict.mark), by=_ACTOR, at=now.wall_s)
    return verdict.reason
