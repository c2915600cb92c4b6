"""Sources: who may hand in comments. A source is known by the hash of the key that it holds."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.errors import Refused
from streamgate.store.comment_models import Source
from streamgate.store.rows import change

TOUCH_S = 60.0  # "last used" is told to the minute


def add(session: Session, name: str, key_hash: str, *, channel: str, by: str, at: float) -> Source:
    """Store a source. Raises Refused when one of that name is in force."""
    if find(session, name) is not None:
        raise Refused(
            f"there is a source {name} already; remove it first, or choose another name",
            f"来源 {name} 已存在；请先移除，或另选名称",
        )
    made = Source(name=name, key_hash=key_hash, channel=channel, created_by=by, created_at=at)
    session.add(made)
    session.flush()
    return made


def find(session: Session, name: str) -> Source | None:
    """Return the source in force of that name."""
    return session.scalar(sa.select(Source).where(Source.name == name, Source.removed_at.is_(None)))


def find_by_key(session: Session, key_hash: str) -> Source | None:
    """Return the source in force whose key has that hash; None when unknown, removed, or rotated away."""
    return session.scalar(sa.select(Source).where(Source.key_hash == key_hash, Source.removed_at.is_(None)))


def list_in_force(session: Session) -> list[Source]:
    """Return every source that is not removed, by name."""
    return list(session.scalars(sa.select(Source).where(Source.removed_at.is_(None)).order_by(Source.name)))


def rotate(session: Session, name: str, key_hash: str, *, at: float) -> bool:
    """Give a source another key; the old one is no longer good. False when there is no such source."""
    query = sa.update(Source).where(Source.name == name, Source.removed_at.is_(None))
    return change(session, query.values(key_hash=key_hash, rotated_at=at)) == 1


def remove(session: Session, name: str, *, by: str, at: float) -> bool:
    """Remove a source; its comments stay. False when there is none."""
    query = sa.update(Source).where(Source.name == name, Source.removed_at.is_(None))
    return change(session, query.values(removed_by=by, removed_at=at)) == 1


def touch_many(session: Session, source_ids: Sequence[int], *, at: float) -> int:
    """Note that sources were used, each at most once a minute. Returns how many were noted."""
    query = sa.update(Source).where(
        Source.id.in_(source_ids),
        sa.or_(Source.last_used_at.is_(None), Source.last_used_at <= at - TOUCH_S),
    )
    return change(session, query.values(last_used_at=at))
