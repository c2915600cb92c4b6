"""Links that are good once: the first administrator's set-up, invitations, password resets."""

from collections.abc import Sequence
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streamgate.store.models import OneTimeLink
from streamgate.store.rows import change, remove

Kind = Literal["setup", "invite", "reset"]


def create(
    session: Session,
    token_hash: str,
    kind: Kind,
    *,
    by: str,
    at: float,
    expires_at: float,
    user_id: int | None = None,
    roles: Sequence[str] = (),
) -> OneTimeLink:
    """Store a link by the hash of its token. A reset must name a person."""
    made = OneTimeLink(
        token_hash=token_hash,
        kind=kind,
        user_id=user_id,
        roles=list(roles),
        created_by=by,
        created_at=at,
        expires_at=expires_at,
    )
    session.add(made)
    session.flush()
    return made


def find(session: Session, token_hash: str, *, at: float) -> OneTimeLink | None:
    """Return a link that could still be used, without using it."""
    return session.scalar(sa.select(OneTimeLink).where(*_usable(token_hash, at)))


def use(session: Session, token_hash: str, *, at: float) -> OneTimeLink | None:
    """Use a link up; None when it is unknown, expired or used. Of two at the same time only one gets it."""
    if change(session, sa.update(OneTimeLink).where(*_usable(token_hash, at)).values(used_at=at)) != 1:
        return None
    return session.get(OneTimeLink, token_hash)


def open_until(session: Session, *, at: float) -> dict[int, float]:
    """Return of each person who has a link that could still be used until when it can."""
    query = (
        sa.select(OneTimeLink.user_id, sa.func.max(OneTimeLink.expires_at))
        .where(OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > at)
        .group_by(OneTimeLink.user_id)
    )
    return {user_id: expires_at for user_id, expires_at in session.execute(query) if user_id is not None}


def withdraw(session: Session, kind: Kind, *, at: float, user_id: int | None = None) -> int:
    """Let every open link of a kind (of one person) expire now, for example when a new one is made."""
    query = sa.update(OneTimeLink).where(
        OneTimeLink.kind == kind, OneTimeLink.used_at.is_(None), OneTimeLink.expires_at > at
    )
    if user_id is not None:
        query = query.where(OneTimeLink.user_id == user_id)
    return change(session, query.values(expires_at=at))


def prune(session: Session, *, before: float, limit: int | None = None) -> int:
    """Forget links that expired before that time. Returns how many."""
    return remove(session, OneTimeLink.token_hash, OneTimeLink.expires_at < before, limit)


def _usable(token_hash: str, at: float) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        OneTimeLink.token_hash == token_hash,
        OneTimeLink.used_at.is_(None),
        OneTimeLink.expires_at > at,
    )
