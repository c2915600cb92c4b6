"""Bans: authors whose comments are refused, for a time or until somebody lifts it."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import Ban, Source
from streamgate.store.rows import change


class BanInForce(NamedTuple):
    """A ban, with the name of its source. See `Ban`."""

    id: int
    channel: str
    source_id: int
    source: str
    author_id: str
    author: str
    cause: str
    made_by: str
    at: float
    ends_at: float | None


def add(
    session: Session,
    channel: str,
    source_id: int,
    author_id: str,
    *,
    author: str,
    card_id: int | None,
    cause: str,
    by: str,
    at: float,
    ends_at: float | None,
) -> int:
    """Store a ban. Returns its number."""
    made = Ban(
        channel=channel,
        source_id=source_id,
        author_id=author_id,
        author=author,
        card_id=card_id,
        cause=cause,
        made_by=by,
        at=at,
        ends_at=ends_at,
    )
    session.add(made)
    session.flush()
    return made.id


def lift(session: Session, channel: str, ban_id: int, *, by: str, at: float) -> bool:
    """End a ban of a channel. False when there is none in force of that number."""
    query = sa.update(Ban).where(
        Ban.id == ban_id,
        Ban.channel == channel,
        Ban.lifted_at.is_(None),
        sa.or_(Ban.ends_at.is_(None), Ban.ends_at > at),
    )
    return change(session, query.values(lifted_by=by, lifted_at=at)) == 1


def list_in_force(session: Session, *, at: float) -> list[BanInForce]:
    """Return every ban that is in force, the oldest first."""
    query = (
        sa.select(Ban, Source.name)
        .join(Source, Source.id == Ban.source_id)
        .where(Ban.lifted_at.is_(None), sa.or_(Ban.ends_at.is_(None), Ban.ends_at > at))
        .order_by(Ban.id)
    )
    return [
        BanInForce(
            ban.id,
            ban.channel,
            ban.source_id,
            source,
            ban.author_id,
            ban.author,
            ban.cause,
            ban.made_by,
            ban.at,
            ban.ends_at,
        )
        for ban, source in session.execute(query)
    ]
