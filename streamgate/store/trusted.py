"""Trusted authors: their comments come a little earlier in the queue, and are reviewed like all others."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.comment_models import TrustedAuthor
from streamgate.store.rows import change


class Trust(NamedTuple):
    """That an author of a source is trusted: by whom, and since when."""

    source_id: int
    author_id: str
    made_by: str
    at: float


def add(session: Session, source_id: int, author_id: str, *, by: str, at: float) -> Trust:
    """Trust an author from now on. Returns what is in force, which may be older."""
    known = _find(session, source_id, author_id)
    if known is None:
        known = TrustedAuthor(source_id=source_id, author_id=author_id, made_by=by, at=at)
        session.add(known)
        session.flush()
    return Trust(known.source_id, known.author_id, known.made_by, known.at)


def remove(session: Session, source_id: int, author_id: str, *, by: str, at: float) -> bool:
    """Trust an author no longer. False when that is so already."""
    query = sa.update(TrustedAuthor).where(
        TrustedAuthor.source_id == source_id,
        TrustedAuthor.author_id == author_id,
        TrustedAuthor.ended_at.is_(None),
    )
    return change(session, query.values(ended_by=by, ended_at=at)) == 1


def list_in_force(session: Session) -> list[Trust]:
    """Return every author who is trusted now."""
    query = sa.select(TrustedAuthor).where(TrustedAuthor.ended_at.is_(None)).order_by(TrustedAuthor.id)
    return [Trust(one.source_id, one.author_id, one.made_by, one.at) for one in session.scalars(query)]


def _find(session: Session, source_id: int, author_id: str) -> TrustedAuthor | None:
    query = sa.select(TrustedAuthor).where(
        TrustedAuthor.source_id == source_id,
        TrustedAuthor.author_id == author_id,
        TrustedAuthor.ended_at.is_(None),
    )
    return session.scalar(query)
